import { quote, SigtoolError } from "../errors.js";
import { exists } from "../system/look-up.js";
import { hasContent } from "../system/read-file.js";
import { MAX_TRUST_INDEX_BYTES } from "../trust/index-layout.js";
import { isTrustIndex } from "../trust/trust-index.js";

/** Refuses to replace a file that is no trust index. `hint` tells the way out. @throws ERR_OUTPUT_EXISTS, ERR_IO */
export function requireReplaceableIndex(file: string, hint: string): void {
	if (!exists(file) || hasContent(file, MAX_TRUST_INDEX_BYTES, isTrustIndex)) return;
	const message = `Cannot write ${quote(file)}: the file there is not a trust index; ${hint}`;
	throw new SigtoolError("ERR_OUTPUT_EXISTS", message, { path: file });
}
