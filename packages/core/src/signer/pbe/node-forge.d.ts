/**
 * Declares the functions of node-forge 1.4 that sigtool calls, by the files that define them. To load the whole package
 * would take much longer, and it has no declarations.
 */
declare module "node-forge/lib/rc2.js" {
	/** Bytes are text with a character for each byte. */
	interface DecryptionCipher {
		/** Starts anew, in CBC mode. */
		start(iv: string): void;
		/** Decrypts all whole blocks, without looking at a padding. */
		update(ciphertext: { getBytes(): string }): void;
		readonly output: { getBytes(): string };
	}
	const rc2: { createDecryptionCipher(key: string, effectiveBits: number): DecryptionCipher };
	export default rc2;
}

declare module "node-forge/lib/util.js" {
	const util: { createBuffer(bytes: string): { getBytes(): string } };
	export default util;
}
