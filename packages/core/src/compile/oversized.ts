/** Finds signed code that a verifier will refuse because it is larger than the policy allows. */

import { join } from "node:path";
import { quote } from "../errors.js";
import { POLICY, type Policy } from "../trust/schema.js";
import type { CompiledDirectory } from "./compile-directory.js";

/** The names of files that a runtime may load as code. Other files are not opened as code, however large they are. */
const CODE = /\.(so(\.[\d.]+)?|node|wasm|py|pyc|zip|pyz|egg|[cm]?[jt]s|json)$/i;

/** The largest value of `maxSizeBytes`. */
const { most: MOST_BYTES } = POLICY.members.files.members.maxSizeBytes;

/**
 * Returns a warning that names the largest such file, and the policy that admits it, if one can. Returns none if there is
 * no such file.
 */
export function oversizedWarnings(directories: readonly CompiledDirectory[], policy: Policy): string[] {
	const { maxSizeBytes } = policy.files;
	const oversized = directories.flatMap(({ product, content }) =>
		[...content.entries].flatMap(([path, entry]) =>
			entry.kind === "file" && entry.size > maxSizeBytes && CODE.test(path)
				? [{ path: join(product.root, path), size: entry.size }]
				: [],
		),
	);
	const [largest] = oversized.sort((a, b) => b.size - a.size);
	if (largest === undefined) return [];
	const others = oversized.length === 1 ? "" : `, and ${oversized.length - 1} more`;
	const { path, size } = largest;
	const mend =
		size > MOST_BYTES
			? `split it, because no policy can allow more than ${MOST_BYTES}`
			: `compile with a --policy that has "files": { "maxSizeBytes": ${size} } if it must be that large`;
	return [`${quote(path)} has ${size} bytes${others}: enforce and strict refuse to load it; ${mend}`];
}
