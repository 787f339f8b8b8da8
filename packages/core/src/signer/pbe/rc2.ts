/**
 * Decrypts RC2 (RFC 2268) in CBC mode. Windows, macOS, older OpenSSL and older Java encrypt the certificates of PKCS#12
 * containers with RC2 and a key of 40 bits, and node:crypto no longer has this cipher. A key of 40 bits protects
 * nothing. The MAC of the container protects the content against changes.
 */

import { SigtoolError } from "../../errors.js";

const BLOCK_BYTES = 8;

/**
 * Decrypts, and removes the padding of RFC 8018 §6.1.1. `effectiveBits` is the effective key length of RFC 2268.
 * @throws ERR_PKCS12 for a wrong length or padding
 */
export function decryptRc2Cbc(key: Uint8Array, effectiveBits: number, iv: Uint8Array, ciphertext: Uint8Array): Buffer {
	if (ciphertext.length === 0 || ciphertext.length % BLOCK_BYTES !== 0) throw damaged("its length");
	const words = expandKey(key, effectiveBits);
	const plain = Buffer.alloc(ciphertext.length);
	let previous = iv;
	for (let start = 0; start < ciphertext.length; start += BLOCK_BYTES) {
		const block = ciphertext.subarray(start, start + BLOCK_BYTES);
		const decrypted = decryptBlock(words, block);
		for (let i = 0; i < BLOCK_BYTES; i++) plain[start + i] = decrypted[i] ^ previous[i];
		previous = block;
	}
	return withoutPadding(plain);
}

function withoutPadding(plain: Buffer): Buffer {
	const padding = plain[plain.length - 1];
	if (padding === 0 || padding > BLOCK_BYTES) throw damaged("its padding");
	const end = plain.length - padding;
	if (plain.subarray(end).some((byte) => byte !== padding)) throw damaged("its padding");
	return plain.subarray(0, end);
}

/** Returns the 64 words of the expanded key. RFC 2268 §2. */
function expandKey(key: Uint8Array, effectiveBits: number): Uint16Array {
	const bytes = new Uint8Array(EXPANDED_BYTES);
	bytes.set(key);
	for (let i = key.length; i < EXPANDED_BYTES; i++) {
		bytes[i] = PI_TABLE[(bytes[i - 1] + bytes[i - key.length]) & 0xff];
	}
	const effectiveBytes = Math.ceil(effectiveBits / 8);
	const mask = 0xff >> (8 * effectiveBytes - effectiveBits);
	const first = EXPANDED_BYTES - effectiveBytes;
	bytes[first] = PI_TABLE[bytes[first] & mask];
	for (let i = first - 1; i >= 0; i--) bytes[i] = PI_TABLE[bytes[i + 1] ^ bytes[i + effectiveBytes]];
	return Uint16Array.from({ length: EXPANDED_BYTES / 2 }, (_, i) => bytes[2 * i] | (bytes[2 * i + 1] << 8));
}

/**
 * Decrypts one block: sixteen mixing rounds, with a mashing round after the fifth and the eleventh of them. RFC 2268
 * §4.
 */
function decryptBlock(words: Uint16Array, block: Uint8Array): Uint8Array {
	const state = Uint16Array.from({ length: 4 }, (_, i) => block[2 * i] | (block[2 * i + 1] << 8));
	for (let round = 15; round >= 0; round--) {
		for (let i = 3; i >= 0; i--) {
			const rotated = (state[i] >>> ROTATIONS[i]) | (state[i] << (16 - ROTATIONS[i]));
			const [before, second, third] = [state[(i + 3) & 3], state[(i + 2) & 3], state[(i + 1) & 3]];
			state[i] = rotated - words[4 * round + i] - (before & second) - (~before & third);
		}
		if (round === 11 || round === 5) {
			for (let i = 3; i >= 0; i--) state[i] -= words[state[(i + 3) & 3] & 63];
		}
	}
	return Uint8Array.from({ length: BLOCK_BYTES }, (_, i) => state[i >> 1] >>> (8 * (i & 1)));
}

function damaged(part: string): SigtoolError {
	return new SigtoolError("ERR_PKCS12", `Cannot decrypt RC2: ${part} is wrong`);
}

const EXPANDED_BYTES = 128;
/** The numbers of bits by which each mixing round rotates the four words. */
const ROTATIONS = [1, 2, 3, 5] as const;
/** A permutation of all bytes that comes from the digits of pi. RFC 2268 §2. */
const PI_TABLE = Buffer.from(
	"d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2" +
		"179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82" +
		"54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626" +
		"6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7" +
		"08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec" +
		"c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731" +
		"2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9" +
		"0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad",
	"hex",
);
