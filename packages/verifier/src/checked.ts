/**
 * The entry point as programs load it. It exports what `index.js` exports, with the same types, and checks the arguments
 * of every function that takes options. The command line is bundled with `index.js` itself, because its compiler checks
 * the types.
 */

import { argumentChecks, type Check } from "@sigtool/core/internal/read";
import type { AuditHook } from "./audit/audit.js";
import * as unchecked from "./index.js";

export * from "./index.js";

const { bytes, callback, checkedFunctions, either, listOf, object, oneOf, optional, someOf, text } = argumentChecks;

const development = optional(oneOf("refuse", "allow"));
const index = optional(either(text, bytes));
const paths = listOf(text, "a list of paths");
const source = object<unchecked.CatalogSource>({ directory: text, product: optional(text), files: optional(paths) });

/** Accepts text in PEM. The refusal names the likely mistake: a caller passed the name of a file instead. */
const pem: Check<string> = (value) => {
	if (typeof value !== "string" || value.includes("-----BEGIN ")) return text(value);
	return { at: "", reason: "must be certificates in PEM; if it is the name of a file, read the file" };
};

export const { addAuditHook, createVerifier } = checkedFunctions(unchecked, {
	addAuditHook: [["hook", callback<AuditHook>()]],
	createVerifier: [
		[
			"options",
			optional(
				object<unchecked.VerifierOptions>({
					index,
					catalogs: optional(someOf(source, "a list of { directory, product, files }")),
					config: optional(text),
					trust: optional(pem),
					mode: optional(oneOf("off", "audit", "enforce", "strict")),
					onRefusal: optional(oneOf("throw", "exit")),
					development,
				}),
			),
		],
	],
});
