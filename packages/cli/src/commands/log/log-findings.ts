/** Collects the refusals of logs as findings for reporters, equal ones together, within a bound of memory. */

import { isAbsolute } from "node:path";
import { isErrorCode, type SigtoolError } from "@sigtool/core/internal/errors";
import { VERDICTS } from "@sigtool/verifier";
import { countOf, isFinding, subjectOf, type Told, textOf } from "../../events/event.js";
import { explain } from "../../events/explain.js";
import { addTo, type Counts, noCounts, ruleNameOf } from "../../events/tally.js";
import { escaped } from "../../output/output.js";
import { count, thousands } from "../../output/render.js";
import type { ReportedFinding, Subject } from "../../output/reporter.js";

export interface LogFindings {
	add(log: string, event: Told, host: string): void;
	/** Returns each log with its findings. A log that could not be read to its end has an error besides. */
	subjects(logs: readonly string[], failures: readonly SigtoolError[]): Subject[];
	/** The number of refusals of further kinds, for which there was no room. */
	readonly beyond: number;
}

/** Only this many kinds of refusals are remembered. */
const MOST_FINDINGS = 10_000;

export function createLogFindings(): LogFindings {
	const logs = new Map<string, { readonly counts: Counts; readonly kinds: Map<string, Kind> }>();
	let kept = 0;
	let beyond = 0;
	return {
		add(log, event, host) {
			const known = logs.get(log) ?? { counts: noCounts(), kinds: new Map<string, Kind>() };
			logs.set(log, known);
			addTo(known.counts, event);
			if (!isFinding(event)) return;
			const key = keyOf(event, host);
			const kind = known.kinds.get(key);
			if (kind !== undefined) addTo(kind.counts, event);
			else if (kept >= MOST_FINDINGS) beyond += countOf(event);
			else {
				kept++;
				known.kinds.set(key, { event: shortened(event), host, counts: addTo(noCounts(), event) });
			}
		},
		subjects(files, failures) {
			return [...new Set(files)].map((path) => {
				const { counts, kinds } = logs.get(path) ?? { counts: noCounts(), kinds: new Map<string, Kind>() };
				const unread = failures.filter((failure) => failure.path === path || files.length === 1);
				return {
					path,
					verdict:
						counts.refused > 0 ? VERDICTS.refuse.word : counts.audited > 0 ? VERDICTS.audit.word : "nothing refused",
					findings: [
						...Array.from(kinds.values(), findingOf),
						...unread.map(({ code, message }) => ({ code, level: "error" as const, path: "", message })),
					],
					facts: { ...counts },
				};
			});
		},
		get beyond() {
			return beyond;
		},
	};
}

interface Kind {
	/** The first event of this kind. */
	readonly event: Told;
	readonly host: string;
	readonly counts: Counts;
}

const LONGEST = 4096;

function keyOf(event: Told, host: string): string {
	const parts = [event.verdict, event.event, event.reason, ruleNameOf(event), subjectOf(event), host];
	return JSON.stringify(parts.map((part) => String(part).slice(0, LONGEST)));
}

/** A member of a forged event may have a megabyte. */
function shortened(event: Told): Told {
	const members = Object.entries(event).map(([name, value]) => {
		return [name, typeof value === "string" ? value.slice(0, LONGEST) : typeof value === "number" ? value : undefined];
	});
	return Object.fromEntries(members);
}

function findingOf({ event, host, counts }: Kind): ReportedFinding {
	const reason = textOf(event, "reason");
	const path = textOf(event, "path") ?? textOf(event, "script") ?? "";
	const { what, meaning, mend, rule } = explain(event).fields;
	const isRefusal = event.verdict === "refuse";
	const times = counts.events === 1 ? "" : ` ${thousands(counts.events)} times`;
	const last = counts.last === undefined ? "" : `, last at ${counts.last}`;
	const done = isRefusal ? `was refused${times}` : `ran${times}, and enforcement would refuse it`;
	const why = [meaning, rule === undefined ? undefined : `by ${rule}`, mend].filter((part) => typeof part === "string");
	return {
		code: isErrorCode(reason) ? reason : "ERR_UNTRUSTED_CODE",
		level: isRefusal ? "failure" : "warning",
		path: isAbsolute(path) ? path : "",
		message: escaped(`${what} ${done} on ${host}${last}${why.length === 0 ? "" : `: ${why.join("; ")}`}`),
		expected: digestIn(event, "expected"),
		actual: digestIn(event, "sha256"),
	};
}

function digestIn(event: Told, member: string): string | undefined {
	const text = textOf(event, member);
	return text !== undefined && /^[0-9a-f]{64}$/.test(text) ? text : undefined;
}

export function beyondText(beyond: number): string {
	return `${count(beyond, "refusal")} of further kinds ${beyond === 1 ? "is" : "are"} counted and not listed: there was no room`;
}
