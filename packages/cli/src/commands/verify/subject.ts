import { findingOf } from "../../output/outcome.js";
import type { Subject } from "../../output/reporter.js";
import type { Outcome } from "./verify-options.js";

/** Returns the outcome for one path as reporters need it. */
export function subjectOf({ fields, findings, notices = [], root }: Outcome): Subject {
	const { path, verdict, findings: _, notices: __, ...facts } = fields;
	return {
		path: String(path),
		verdict: String(verdict),
		root,
		findings: [
			...findings.map(findingOf),
			...notices.map((notice) => ({ ...findingOf(notice), level: "warning" as const })),
		],
		facts,
	};
}
