/**
 * Refuses to write a catalog over another program's file, or with a lower sequence than a catalog that the tree already
 * has.
 */

import { basename } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { exists } from "../system/look-up.js";
import { unverifiedFacts } from "../verify/catalog-file.js";
import { ownCatalogsIn } from "../verify/find-catalogs.js";
import { isOwnCatalog } from "../verify/scan-catalog.js";

/** The facts of the release that is about to be signed. */
export interface NextRelease {
	readonly product: string;
	/** True if the product got its name from the directory. The name then changes if the directory is renamed. */
	readonly isDefaultProduct: boolean;
	readonly sequence: number;
}

/**
 * Refuses to replace a file that is not one of sigtool's catalogs. Also refuses a sequence lower than the highest
 * sequence of the product's catalogs at `output` and at the root of the tree, because a host that knows the higher
 * sequence would refuse the new catalog.
 * @throws ERR_CATALOG_EXISTS, ERR_IO
 */
export function checkReplaceable(output: string, root: string, next: NextRelease): void {
	const isReplacing = exists(output);
	if (isReplacing && !isOwnCatalog(output)) {
		throw refusal(
			output,
			`Cannot write catalog ${quote(output)}: the file there was not written by sigtool; --force replaces it`,
		);
	}
	const { file, sequence } = highestSequence(new Set([...(isReplacing ? [output] : []), ...ownCatalogsIn(root)]), next);
	if (sequence <= next.sequence) return;
	const action = file === output ? `Cannot replace catalog ${quote(file)}` : `Cannot sign ${quote(root)}`;
	const owner = file === output ? "which it has" : `which its catalog ${quote(basename(file))} has`;
	throw refusal(
		file,
		`${action}: sequence ${next.sequence} is lower than ${sequence}, ${owner}; give a higher --sequence, or --force`,
	);
}

function highestSequence(files: Iterable<string>, next: NextRelease): { file: string; sequence: number } {
	let highest = { file: "", sequence: 0 };
	for (const file of files) {
		const { product, sequence = 0 } = unverifiedFacts(file) ?? {};
		if (sequence > highest.sequence && isSameProduct(file, product, next)) highest = { file, sequence };
	}
	return highest;
}

/**
 * Returns true if the catalog is of the next release's product. A product with a default name gets another name if the
 * directory is renamed. So if the next release has a default name, each catalog that is named after its own product
 * counts too: it got both names from the directory under an older name.
 */
function isSameProduct(file: string, product: string | undefined, next: NextRelease): boolean {
	return product === next.product || (next.isDefaultProduct && product === basename(file, ".cat"));
}

function refusal(path: string, message: string): SigtoolError {
	return new SigtoolError("ERR_CATALOG_EXISTS", message, { path });
}
