/** Finds out what a signing would sign, without a key and without writing anything. */

import { SigtoolError } from "../errors.js";
import { refuseStaleBytecode } from "../fileset/compare/stale-bytecode.js";
import { entryPathAt } from "../fileset/manifest.js";
import { type HashingOptions, hashTarget, refuseNothing, releaseOf } from "./hash-target.js";
import { namedProblems } from "./refuse-problems.js";
import { checkReplaceable } from "./replaceable.js";
import type { SignTarget } from "./target.js";

export interface PreviewOptions extends Omit<HashingOptions, "prepare"> {
	/** With `any`, a file of another program at the output, and a higher sequence of the tree, are no problems. */
	readonly overwrite?: "own" | "any";
}

export interface SignPreview {
	/** The path of the catalog that would be written. Undefined if only attributes would be written. */
	readonly output: string | undefined;
	/** The real path of the directory that entry paths are relative to. */
	readonly root: string;
	readonly product: string;
	readonly sequence: number;
	readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
	/** The links, which a catalog signs by their targets. */
	readonly links: readonly { readonly path: string; readonly target: string }[];
	/** The entries that the rules leave out. A directory counts once, and its path ends with a slash. */
	readonly ignored: readonly string[];
	readonly ignoreRules: readonly string[];
	/** The problems that keep the target from being signed. */
	readonly problems: readonly SigtoolError[];
}

/**
 * Returns what `signTarget` would sign. All files are read, because only then it is known whether they can be signed.
 * @throws ERR_USAGE, ERR_LIMIT, ERR_IO
 */
export async function previewTarget(target: SignTarget, options: PreviewOptions): Promise<SignPreview> {
	const { firstPath, root, output } = target;
	const { product, sequence } = releaseOf(target, options);
	const problems: SigtoolError[] = [];
	const collect = (check: () => void) => {
		try {
			check();
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			problems.push(error);
		}
	};
	if (output !== undefined && options.overwrite !== "any") {
		const release = { product, isDefaultProduct: options.product === undefined, sequence };
		collect(() => checkReplaceable(output, root, release));
	}
	const ignored: string[] = [];
	const { hashed, rules } = await hashTarget(target, options, {}, (path, kind) => {
		ignored.push(kind === "directory" ? `${path}/` : path);
	});
	if (hashed.problems.length === 0) collect(() => refuseNothing(target, hashed));
	collect(() => refuseStaleBytecode(hashed));
	const paths = Array.from({ length: hashed.count }, (_, row) => entryPathAt(hashed, row));
	return {
		output,
		root,
		product,
		sequence,
		files: paths.flatMap((path, row) => (hashed.linkTargets.has(row) ? [] : [{ path, sizeBytes: hashed.sizes[row] }])),
		links: [...hashed.linkTargets].map(([row, to]) => ({ path: paths[row], target: to })),
		ignored,
		ignoreRules: [...rules.ignore, ...rules.include.map((glob) => `include ${glob}`)],
		problems: [...namedProblems(firstPath, hashed.root, hashed.problems), ...problems],
	};
}
