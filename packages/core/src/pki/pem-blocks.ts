/** Decodes the PEM blocks (RFC 7468) of one label and skips all other text. */

import { SigtoolError } from "../errors.js";

/**
 * Returns the content of every block with this label, e.g. `CERTIFICATE`. The list may be empty.
 * @throws ERR_CERTIFICATE_FORMAT
 */
export function decodePem(text: string, label: string): Uint8Array[] {
	const blocks: Uint8Array[] = [];
	let block: string[] | undefined;
	for (const line of text.split("\n")) {
		const trimmed = line.trim();
		if (trimmed === `-----BEGIN ${label}-----`) {
			if (block !== undefined) throw malformed("a block begins inside another");
			block = [];
		} else if (trimmed === `-----END ${label}-----`) {
			if (block === undefined) throw malformed("a block ends that did not begin");
			blocks.push(decodeBase64(block.join("")));
			block = undefined;
		} else block?.push(trimmed);
	}
	if (block !== undefined) throw malformed("the last block does not end");
	return blocks;
}

function decodeBase64(text: string): Uint8Array {
	if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw malformed("a block is not base64");
	return Buffer.from(text, "base64");
}

function malformed(reason: string): SigtoolError {
	return new SigtoolError("ERR_CERTIFICATE_FORMAT", `Cannot read PEM: ${reason}`);
}
