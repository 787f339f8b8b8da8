/**
 * Writes an outcome as workflow commands of GitHub Actions: the report for a person, then an annotation for each
 * finding, note and warning. GitHub shows ten annotations of a kind for a step, so the findings are also appended to the
 * job summary.
 *
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */

import { COMMAND } from "@sigtool/core/internal/errors";
import { appendJobSummary } from "./job-summary.js";
import { pathBelow, placeOf, repositoryRoot } from "./locations.js";
import { printError } from "./output.js";
import type { Level, Outcome } from "./reporter.js";
import { withoutCommands } from "./workflow-commands.js";

export function* github(outcome: Outcome): Generator<string> {
	const { subjects, lines, notes, warnings, failure, command } = outcome;
	const title = [COMMAND, command].join(" ").trim();
	const workspace = repositoryRoot();
	if (lines.length > 0) yield withoutCommands(lines.join("\n"));
	for (const subject of subjects) {
		for (const finding of subject.findings) {
			const file = placeOf(subject, finding);
			const name = pathBelow(workspace, file) ?? file;
			const about = `${title}: ${finding.code}`;
			yield annotation(KINDS[finding.level], `${finding.message} [${finding.code}]`, { file: name, title: about });
		}
	}
	if (failure !== undefined) yield annotation("error", `${failure.message} [${failure.code}]`, { title });
	for (const warning of warnings) yield annotation("warning", warning, { title });
	for (const note of notes) yield annotation("notice", note, { title });
	const problem = appendJobSummary(outcome, title);
	if (problem !== undefined) printError(`warning: ${problem}`);
}

const KINDS: Readonly<Record<Level, Annotation>> = { failure: "error", error: "error", warning: "warning" };

type Annotation = "error" | "warning" | "notice";

function annotation(kind: Annotation, message: string, properties: Readonly<Record<string, string>>): string {
	const list = Object.entries(properties).map(([name, value]) => `${name}=${escapedProperty(value)}`);
	return `::${kind} ${list.join(",")}::${escapedData(message)}\n`;
}

function escapedData(text: string): string {
	return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapedProperty(text: string): string {
	return escapedData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
