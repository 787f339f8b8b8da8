/** Holds every JSON document that a test makes the command line print against the schemas that are shipped. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const schemas = fileURLToPath(new URL("../schemas", import.meta.url));

/** Node.js for Windows under Wine does not follow the links by which pnpm gives ajv what it needs. */
const canJudge = process.platform !== "win32";

/** A longer document has the same objects many times, and would take longer to judge than to make. */
const MAX_LENGTH = 2 ** 22;

/** Requires that the output of a run with --json is a document, and that the schema of its command describes it. */
export function requireDocument(args: readonly string[], stdout: string): void {
	const isJson = args.includes("--json") || args.includes("--reporter=json");
	// The program that `run` starts prints what it likes.
	if (!isJson || args[0] === "run" || stdout.length > MAX_LENGTH || !stdout.startsWith("{") || !canJudge) return;
	const document = JSON.parse(stdout);
	const errors = errorsOf(document);
	if (errors.length === 0) return;
	expect({ document, errors }, `the schema does not describe the output of ${args.join(" ")}`).toBeUndefined();
}

interface Validate {
	(document: unknown): boolean;
	readonly errors?: readonly object[] | null;
}

let find: ((name: string) => Validate) | undefined;

/** Returns the reasons why the schema of its command does not describe a document. */
export function errorsOf(document: { readonly command: string }): readonly object[] {
	find ??= loadSchemas();
	const file = `${document.command.replaceAll(" ", "-")}.schema.json`;
	const validate = find(existsSync(join(schemas, file)) ? file : "failure.schema.json");
	return validate(document) ? [] : (validate.errors ?? []);
}

function loadSchemas(): (name: string) => Validate {
	const Ajv = createRequire(import.meta.url)("ajv/dist/2020");
	const ajv = new Ajv({ strict: true, allowUnionTypes: true });
	for (const file of readdirSync(schemas)) ajv.addSchema(JSON.parse(readFileSync(join(schemas, file), "utf8")));
	return (name) => ajv.getSchema(name);
}
