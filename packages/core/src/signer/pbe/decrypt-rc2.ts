/**
 * Decrypts RC2 (RFC 2268) in CBC mode by node-forge. Windows, macOS, older OpenSSL and older Java encrypt the
 * certificates of PKCS#12 containers with RC2 and a key of 40 bits, and node:crypto no longer has this cipher. A key of
 * 40 bits protects nothing. The MAC of the container protects the content against changes.
 */

import rc2 from "node-forge/lib/rc2.js";
import util from "node-forge/lib/util.js";
import { SigtoolError } from "../../errors.js";

const BLOCK_BYTES = 8;
/** The time that node-forge takes grows with the square of the length: 1 MiB takes 100 s at once, and 0.3 s in pieces. */
const PIECE_BYTES = 32 * BLOCK_BYTES;

/**
 * Decrypts, and removes the padding of RFC 8018 §6.1.1. All bits of the key are effective: there are 40, 64 or 128.
 * @throws ERR_PKCS12 for a wrong length or padding
 */
export function decryptRc2Cbc(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Buffer {
	if (ciphertext.length === 0 || ciphertext.length % BLOCK_BYTES !== 0) throw damaged("its length");
	const cipher = rc2.createDecryptionCipher(binary(key), 8 * key.length);
	const pieces: Buffer[] = [];
	let previous = iv;
	for (let start = 0; start < ciphertext.length; start += PIECE_BYTES) {
		const piece = ciphertext.subarray(start, start + PIECE_BYTES);
		cipher.start(binary(previous));
		cipher.update(util.createBuffer(binary(piece)));
		pieces.push(Buffer.from(cipher.output.getBytes(), "latin1"));
		previous = piece.subarray(-BLOCK_BYTES);
	}
	return withoutPadding(Buffer.concat(pieces));
}

/** Returns bytes as node-forge takes them: text with a character for each byte. */
function binary(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("latin1");
}

/** Removes the padding here, because node-forge looks at its last byte alone. */
function withoutPadding(plain: Buffer): Buffer {
	const padding = plain[plain.length - 1];
	if (padding === 0 || padding > BLOCK_BYTES) throw damaged("its padding");
	const end = plain.length - padding;
	if (plain.subarray(end).some((byte) => byte !== padding)) throw damaged("its padding");
	return plain.subarray(0, end);
}

function damaged(part: string): SigtoolError {
	return new SigtoolError("ERR_PKCS12", `Cannot decrypt RC2: ${part} is wrong`);
}
