/**
 * Writes an outcome as SARIF 2.1.0. A finding is a result, and its code is the rule. An entry that could not be judged,
 * a failure, a note and a warning are notifications of the run, because they say nothing about the content of a file.
 */

import { pathToFileURL } from "node:url";
import { pathBelow, placeOf, repositoryRoot } from "./locations.js";
import type { Level, Outcome, ReportedFinding, Subject } from "./reporter.js";
import { ruleOf } from "./rules.js";
import { messageOf } from "./sarif-message.js";
import { HOMEPAGE, VERSION } from "./version.js";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/** The name of the repository's root, to which locations are relative. */
const BASE = "SRCROOT";

export function* sarif(outcome: Outcome): Generator<string> {
	const { subjects, command } = outcome;
	const root = repositoryRoot();
	const { codes, undecided } = survey(outcome, root);
	const indexOf = new Map(codes.map((code, index) => [code, index]));
	const run = {
		tool: {
			driver: {
				name: "sigtool",
				version: VERSION,
				semanticVersion: VERSION,
				...(HOMEPAGE !== null && { informationUri: HOMEPAGE }),
				rules: codes.map(describeRule),
			},
		},
		automationDetails: { id: `sigtool ${command}/` },
		originalUriBaseIds: { [BASE]: { uri: directoryUri(root) } },
		invocations: [invocationOf(outcome, undecided)],
		columnKind: "utf16CodeUnits",
		properties: { subjects: subjects.map(({ path, verdict, facts }) => ({ ...facts, path, verdict })) },
	};
	yield `{\n\t"$schema": ${json(SCHEMA)},\n\t"version": "2.1.0",\n\t"runs": [\n\t\t{\n`;
	for (const [name, value] of Object.entries(run)) yield `\t\t\t${json(name)}: ${indented(value)},\n`;
	yield '\t\t\t"results": [';
	let separator = "\n";
	for (const subject of subjects) {
		for (const finding of subject.findings) {
			if (finding.level === "error") continue;
			const ruleIndex = indexOf.get(finding.code);
			yield `${separator}\t\t\t\t${JSON.stringify({ ...resultOf(subject, finding, root), ruleIndex })}`;
			separator = ",\n";
		}
	}
	yield "\n\t\t\t]\n\t\t}\n\t]\n}\n";
}

/** Returns the codes of all findings and of the failure, each once, and a notification for each entry without a verdict. */
function survey({ subjects, failure }: Outcome, root: string) {
	const codes = new Set<string>(failure === undefined ? [] : [failure.code]);
	const undecided: object[] = [];
	for (const subject of subjects) {
		for (const finding of subject.findings) {
			const { code, level, message } = finding;
			codes.add(code);
			if (level !== "error") continue;
			const locations = [locationOf(placeOf(subject, finding), root)];
			undecided.push({ ...notification("error", message), ...ruleReference(code), locations });
		}
	}
	return { codes: [...codes].sort(), undecided };
}

function describeRule(id: string) {
	const { meaning, help, page } = ruleOf(id);
	const more = help === undefined ? "" : `\nWhy: ${help.why}\nWhat to do: ${help.remedy}`;
	const markdown = help === undefined ? "" : `\n\n**Why:** ${help.why}\n\n**What to do:** ${help.remedy}`;
	return {
		id,
		name: id,
		shortDescription: { text: meaning },
		fullDescription: { text: meaning },
		help: { text: `${meaning}${more}\nSee ${page}.`, markdown: `${meaning}${markdown}\n\nSee ${page}.` },
		...(HOMEPAGE !== null && { helpUri: `${HOMEPAGE.replace(/\/$/, "")}/${page}` }),
		defaultConfiguration: { level: "error" as const },
	};
}

function invocationOf({ exit, notes, warnings, failure }: Outcome, undecided: readonly object[]) {
	const failed =
		failure === undefined ? [] : [{ ...notification("error", failure.message), ...ruleReference(failure.code) }];
	return {
		executionSuccessful: undecided.length + failed.length === 0,
		exitCode: exit,
		workingDirectory: { uri: directoryUri(process.cwd()) },
		toolExecutionNotifications: [
			...failed,
			...undecided,
			...notes.map((text) => notification("note", text)),
			...warnings.map((text) => notification("warning", text)),
		],
	};
}

function notification(level: "error" | "warning" | "note", text: string) {
	return { level, message: messageOf(text) };
}

function ruleReference(id: string) {
	return { associatedRule: { id } };
}

const LEVELS: Readonly<Record<Level, "error" | "warning">> = { failure: "error", error: "error", warning: "warning" };

function resultOf(subject: Subject, finding: ReportedFinding, root: string) {
	const { code, level, message, expected, actual, path } = finding;
	return {
		ruleId: code,
		level: LEVELS[level],
		message: messageOf(message),
		locations: [locationOf(placeOf(subject, finding), root)],
		properties: {
			subject: subject.path,
			path,
			...(expected !== undefined && { expected }),
			...(actual !== undefined && { actual }),
		},
	};
}

/**
 * Returns a location relative to the root, or one with an absolute URI for a file elsewhere. GitHub demands a line, and a
 * finding is about the whole file.
 */
function locationOf(file: string, root: string) {
	const below = pathBelow(root, file);
	const artifactLocation = below === undefined ? { uri: fileUri(file) } : { uri: encodedPath(below), uriBaseId: BASE };
	return { physicalLocation: { artifactLocation, region: { startLine: 1 } } };
}

/** Percent-encodes each name of a relative path, so that no name is taken for a scheme, a query or a fragment. */
function encodedPath(path: string): string {
	return path === "" ? "." : path.split("/").map(encoded).join("/");
}

function encoded(name: string): string {
	return encodeURIComponent(wellFormed(name));
}

function fileUri(file: string): string {
	return pathToFileURL(wellFormed(file)).href;
}

/** Replaces halves of surrogate pairs, which no URI can hold, by U+FFFD. */
function wellFormed(text: string): string {
	return Buffer.from(text).toString();
}

function directoryUri(directory: string): string {
	const uri = fileUri(directory);
	return uri.endsWith("/") ? uri : `${uri}/`;
}

function json(value: unknown): string {
	return JSON.stringify(value);
}

function indented(value: unknown): string {
	return JSON.stringify(value, null, "\t").replaceAll("\n", "\n\t\t\t");
}
