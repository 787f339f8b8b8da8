/**
 * Makes the error of code that is not trusted. It has a file of its own, because the published types of verdict.ts must
 * not refer to another package.
 */

import { quote } from "@sigtool/core/internal/read";
import { SigtoolError } from "@sigtool/core/read";
import { refusalError, withoutStack } from "../safe/thrown-error.js";
import { explain, type Verdict } from "./verdict.js";

/** Returns ERR_UNTRUSTED_CODE with path, digests, product, entry, rule and remedy. Its `cause.code` is the reason. */
export function untrustedCode(path: string, verdict: Verdict): SigtoolError {
	if (verdict.trusted) return new SigtoolError("ERR_INTERNAL", `Cannot load ${quote(path)}: it was not read`);
	const message = `Cannot load ${quote(path)}: ${explain(verdict)}`;
	const cause = withoutStack(new SigtoolError(verdict.reason, `Cannot trust ${quote(path)}: ${verdict.why}`, { path }));
	return refusalError("ERR_UNTRUSTED_CODE", message, { path, cause });
}
