import { quote, SigtoolError } from "../errors.js";
import { exists } from "../system/look-up.js";
import { refuseLowerSequence } from "../system/output-file.js";
import { hasContent, readBounded } from "../system/read-file.js";
import { MAX_TRUST_INDEX_BYTES } from "../trust/index-layout.js";
import { isTrustIndex, unverifiedSequence } from "../trust/trust-index.js";

/** The ways out of both refusals, as texts for the user. */
export interface ReplacingHints {
	readonly noIndex: string;
	readonly newer: string;
}

/**
 * Refuses to replace a file that is no trust index, or an index with a higher sequence.
 * @throws ERR_OUTPUT_EXISTS, ERR_CATALOG_EXISTS, ERR_IO
 */
export function requireReplaceableIndex(file: string, sequence: number, { noIndex, newer }: ReplacingHints): void {
	if (!exists(file)) return;
	if (!hasContent(file, MAX_TRUST_INDEX_BYTES, isTrustIndex)) {
		const message = `Cannot write ${quote(file)}: the file there is not a trust index; ${noIndex}`;
		throw new SigtoolError("ERR_OUTPUT_EXISTS", message, { path: file });
	}
	refuseLowerSequence(file, sequence, unverifiedSequence(readBounded(file, MAX_TRUST_INDEX_BYTES)), newer);
}
