/**
 * Hashes a value repeatedly, as the key derivation of PKCS#12 does with SHA-1 and SHA-256, up to millions of times. One
 * call of node:crypto takes one to two microseconds, even for a short input. The 600,000 iterations that NSS and GnuTLS
 * write would therefore take about a second. The functions here take a third to a half of that time.
 *
 * Sums are cut to 32 bits by `| 0`. Otherwise V8 computes some of them as floating-point numbers, which takes half as
 * long again.
 *
 * The functions are short because their input is always a hash: it fits into one block, and the padding never changes.
 * If a function computed a wrong hash, the container would be refused, because its MAC would not match or its content
 * could not be decrypted. FIPS 180-4.
 */

import { hash } from "node:crypto";

export type HashName = "sha1" | "sha224" | "sha256" | "sha384" | "sha512";

/** Hashes `value` and then each result again, `times` times in all. `value` has the length of a hash of this kind. */
export function iterateHash(name: HashName, value: Buffer, times: number): Buffer {
	const iterate = name === "sha1" ? iterateSha1 : name === "sha256" ? iterateSha256 : undefined;
	if (iterate === undefined) return iterateByNodeCrypto(name, value, times);
	const words = Int32Array.from({ length: value.length / 4 }, (_, i) => value.readInt32BE(4 * i));
	const result = Buffer.alloc(value.length);
	for (const [i, word] of iterate(words, times).entries()) result.writeInt32BE(word, 4 * i);
	return result;
}

function iterateByNodeCrypto(name: HashName, value: Buffer, times: number): Buffer {
	let result = value;
	for (let i = 0; i < times; i++) result = hash(name, result, "buffer");
	return result;
}

/** Hashes five words by SHA-1 and then each result again, `times` times in all. FIPS 180-4 §6.1.2. */
function iterateSha1(words: Int32Array, times: number): Int32Array {
	const [start0, start1, start2, start3, start4] = SHA1_START;
	const w = blockOf(words, 80);
	for (let time = 0; time < times; time++) {
		for (let t = 16; t < 80; t++) {
			const x = w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16];
			w[t] = (x << 1) | (x >>> 31);
		}
		let a = start0;
		let b = start1;
		let c = start2;
		let d = start3;
		let e = start4;
		for (let t = 0; t < 80; t++) {
			const next = (((a << 5) | (a >>> 27)) + ((sha1Mix(t, b, c, d) + e) | 0) + w[t]) | 0;
			e = d;
			d = c;
			c = (b << 30) | (b >>> 2);
			b = a;
			a = next;
		}
		w[0] = start0 + a;
		w[1] = start1 + b;
		w[2] = start2 + c;
		w[3] = start3 + d;
		w[4] = start4 + e;
	}
	return w.subarray(0, words.length);
}

/** Returns the value of the function of round `t` plus the constant of this round. FIPS 180-4 §4.1.1, §4.2.1. */
function sha1Mix(t: number, b: number, c: number, d: number): number {
	if (t < 20) return (d ^ (b & (c ^ d))) + 0x5a827999;
	if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1;
	if (t < 60) return ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

/** Hashes eight words by SHA-256 and then each result again, `times` times in all. FIPS 180-4 §6.2.2. */
function iterateSha256(words: Int32Array, times: number): Int32Array {
	const [start0, start1, start2, start3, start4, start5, start6, start7] = SHA256_START;
	const k = SHA256_ROUNDS;
	const w = blockOf(words, 64);
	for (let time = 0; time < times; time++) {
		for (let t = 16; t < 64; t++) {
			const x = w[t - 15];
			const y = w[t - 2];
			const small0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
			const small1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
			w[t] = (small1 + w[t - 7] + small0 + w[t - 16]) | 0;
		}
		let a = start0;
		let b = start1;
		let c = start2;
		let d = start3;
		let e = start4;
		let f = start5;
		let g = start6;
		let h = start7;
		for (let t = 0; t < 64; t++) {
			const big1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
			const big0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
			const first = (((h + k[t]) | 0) + ((w[t] + (g ^ (e & (f ^ g)))) | 0) + big1) | 0;
			const second = (big0 + ((a & b) ^ (c & (a ^ b)))) | 0;
			h = g;
			g = f;
			f = e;
			e = (d + first) | 0;
			d = c;
			c = b;
			b = a;
			a = (first + second) | 0;
		}
		w[0] = start0 + a;
		w[1] = start1 + b;
		w[2] = start2 + c;
		w[3] = start3 + d;
		w[4] = start4 + e;
		w[5] = start5 + f;
		w[6] = start6 + g;
		w[7] = start7 + h;
	}
	return w.subarray(0, words.length);
}

/**
 * Returns an array with room for the message schedule, which begins with the padded block of a message. The block has
 * the message `words`, a one bit, zeros, and the message's length in bits. FIPS 180-4 §5.1.1.
 */
function blockOf(words: Int32Array, scheduleWords: number): Int32Array {
	const block = new Int32Array(scheduleWords);
	block.set(words);
	block[words.length] = -0x80000000;
	block[15] = 32 * words.length;
	return block;
}

/** Returns the first 32 bits of the fractional part of a number, as a signed integer. */
function fraction(value: number): number {
	return ((value - Math.floor(value)) * 2 ** 32) | 0;
}

function primes(count: number): number[] {
	const found: number[] = [];
	for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
	return found;
}

/**
 * These are the initial hash values and round constants, FIPS 180-4 §4.2.2, §5.3.1 and §5.3.3. Those of SHA-256 are
 * computed.
 */
const SHA1_START = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
const SHA256_START = Int32Array.from(primes(8), (prime) => fraction(Math.sqrt(prime)));
const SHA256_ROUNDS = Int32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));
