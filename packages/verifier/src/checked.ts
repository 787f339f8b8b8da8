/**
 * The entry point as programs load it: `index.js`, whose types it has, with every function that takes options behind a
 * check of its arguments. The command line, which is compiled against the types, is bundled past the checks.
 */

import { argumentChecks, type Check } from "@sigtool/core/read";
import type { AuditHook } from "./audit/audit.js";
import * as unchecked from "./index.js";

export * from "./index.js";

const { bytes, callback, checkedFunctions, either, listOf, object, oneOf, optional, text } = argumentChecks;

const development = optional(oneOf("refuse", "allow"));
const index = optional(either(text, bytes));
const paths = listOf(text, "a list of paths");
const source = object<unchecked.CatalogSource>({ directory: text, product: optional(text), files: optional(paths) });
const denial = object<unchecked.HostDenial>({
	kind: oneOf("file", "key", "certificate", "catalog"),
	sha256: text,
	reason: text,
});

/** Accepts text in PEM, and names the likely mistake: the name of a file in its place. */
const pem: Check<string> = (value) => {
	if (typeof value !== "string" || value.includes("-----BEGIN ")) return text(value);
	return { at: "", reason: "must be certificates in PEM; if it is the name of a file, read the file" };
};

export const { addAuditHook, createVerifier, hostConfigurationDenying, verifyHost } = checkedFunctions(unchecked, {
	addAuditHook: [["hook", callback<AuditHook>()]],
	createVerifier: [
		[
			"options",
			optional(
				object<unchecked.VerifierOptions>({
					index,
					catalogs: optional(listOf(source, "a list of { directory, product, files }")),
					config: optional(text),
					trust: optional(pem),
					mode: optional(oneOf("off", "audit", "enforce", "strict")),
					onRefusal: optional(oneOf("throw", "exit")),
					development,
				}),
			),
		],
	],
	hostConfigurationDenying: [
		["file", text],
		["denials", listOf(denial)],
	],
	verifyHost: [
		["options", object<Parameters<typeof unchecked.verifyHost>[0]>({ index, config: optional(text), development })],
	],
});
