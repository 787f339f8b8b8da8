/**
 * The causes by which, at commit 546a9ca, a signed program that turned hostile ran unsigned code under the launcher in
 * strict. The hook runs in the realm of the program, so each was a value that both use.
 */

import type { Technique } from "../technique.js";
import { exchangedCopies, rewrittenBytes, skippedHooks } from "./root-causes-realm.js";
import { flags, handles, otherTexts, surrogates } from "./root-causes-text.js";
import { forgedMessages, movingEnvironments, workerCaches } from "./root-causes-workers.js";

/** The techniques by their cause. */
export const ROOT_CAUSES: Readonly<Record<string, readonly Technique[]>> = {
	"variables that are set before a worker starts": workerCaches,
	"an environment that differs from one reading to the next": movingEnvironments,
	"trust in messages that a program can send": forgedMessages,
	"a copy that a number of a descriptor names": exchangedCopies,
	"a list of hooks that is an array": skippedHooks,
	"getters of typed arrays": rewrittenBytes,
	"types that are removed after the judgement": otherTexts,
	"flags of V8 that white space separates": flags,
	"texts with the same UTF-8": surrogates,
	"a handle below the guarded function": handles,
};
