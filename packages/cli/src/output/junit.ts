/**
 * Writes an outcome as JUnit XML, in the form that Jenkins, GitLab and others read. Each path that was judged is a test
 * suite, and each finding a test case that failed. A path without findings has one test case, which passed.
 */

import { COMMAND, escapeText } from "@sigtool/core/internal/errors";
import { escaped } from "./output.js";
import type { Outcome, ReportedFinding, Subject } from "./reporter.js";

export function* junit(outcome: Outcome): Generator<string> {
	const { command, subjects, failure } = outcome;
	const name = [COMMAND, command].join(" ").trim();
	const messages = messagesOf(outcome);
	const suites = subjects.map((subject) => ({ subject, counts: countsOf(subject) }));
	const sum = (of: (counts: Counts) => number) => suites.reduce((total, { counts }) => total + of(counts), 0);
	const own = failure === undefined ? 0 : 1;
	const total = { tests: sum(({ tests }) => tests) + own, failures: sum((each) => each.failures) };
	yield '<?xml version="1.0" encoding="UTF-8"?>\n';
	yield tag("testsuites", { name, ...total, errors: sum(({ errors }) => errors) + own });
	for (const { subject, counts } of suites) yield* suite(subject, counts, name);
	if (failure !== undefined || messages.length > 0) {
		yield tag("testsuite", { name, tests: own, failures: 0, errors: own });
		if (failure !== undefined) {
			yield tag("testcase", { name: failure.path ?? name, classname: name, time: 0 });
			yield* fault("error", { code: failure.code, message: failure.message });
			yield "</testcase>\n";
		}
		if (messages.length > 0) yield `<system-err>${messages.map(messageText).join("\n")}</system-err>\n`;
		yield "</testsuite>\n";
	}
	yield "</testsuites>\n";
}

interface Counts {
	readonly tests: number;
	readonly failures: number;
	readonly errors: number;
}

function countsOf({ findings }: Subject): Counts {
	let [tests, failures, errors] = [0, 0, 0];
	for (const { level } of findings) {
		tests++;
		if (level === "failure") failures++;
		if (level === "error") errors++;
	}
	return { tests: Math.max(tests, 1), failures, errors };
}

function* suite({ path, verdict, findings, facts }: Subject, counts: Counts, command: string): Generator<string> {
	yield tag("testsuite", { name: path || command, ...counts });
	yield "<properties>\n";
	yield empty("property", { name: "verdict", value: verdict });
	for (const [name, value] of flattened(facts)) yield empty("property", { name, value });
	yield "</properties>\n";
	let isEmpty = true;
	for (const finding of findings) {
		isEmpty = false;
		yield* testCase(finding, path || command);
	}
	if (isEmpty) yield empty("testcase", { name: verdict, classname: path || command, time: 0 });
	yield "</testsuite>\n";
}

function* testCase(finding: ReportedFinding, classname: string): Generator<string> {
	yield tag("testcase", { name: finding.path || classname, classname, time: 0 });
	if (finding.level === "warning")
		yield `<system-out>${messageText(`${finding.message} [${finding.code}]`)}</system-out>\n`;
	else yield* fault(finding.level, finding);
	yield "</testcase>\n";
}

function* fault(
	element: "failure" | "error",
	{ code, message, expected, actual }: Pick<ReportedFinding, "code" | "message" | "expected" | "actual">,
): Generator<string> {
	const lines = [message, ...(expected ? [`signed: ${expected}`] : []), ...(actual ? [`found: ${actual}`] : [])];
	const attributes = attributesOf({ type: code, message });
	yield `<${element}${attributes}>${lines.map(messageText).join("\n")}</${element}>\n`;
}

function messagesOf({ notes, warnings }: Outcome): string[] {
	return [...notes.map((note) => `note: ${note}`), ...warnings.map((warning) => `warning: ${warning}`)];
}

/** Yields a name with dots and a text for each value, such as `catalogs.0.product` and `app`. Leaves out null. */
function* flattened(value: unknown, prefix = ""): Generator<[string, string]> {
	if (value === undefined || value === null) return;
	if (typeof value !== "object") {
		yield [prefix, String(value)];
		return;
	}
	for (const [name, member] of Object.entries(value)) {
		yield* flattened(member, prefix === "" ? name : `${prefix}.${name}`);
	}
}

type Attributes = Readonly<Record<string, string | number>>;

function tag(name: string, attributes: Attributes): string {
	return `<${name}${attributesOf(attributes)}>\n`;
}

function empty(name: string, attributes: Attributes): string {
	return `<${name}${attributesOf(attributes)}/>\n`;
}

function attributesOf(attributes: Attributes): string {
	return Object.entries(attributes)
		.map(([name, value]) => ` ${name}="${(name === "message" ? messageText : nameText)(String(value))}"`)
		.join("");
}

/**
 * Returns a name for XML, which cannot hold most control characters, not even escaped. They are written as JSON writes
 * them, and a backslash is doubled, so that no two names look the same.
 */
function nameText(name: string): string {
	return xml(escapeText(name).replaceAll('\\"', '"'));
}

/** Returns a message for XML. The names in a message are already escaped. */
function messageText(message: string): string {
	return xml(escaped(message));
}

function xml(text: string): string {
	return text
		.replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`)
		.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

const ENTITIES: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&apos;",
};
