/**
 * Computes SipHash. CPython writes the SipHash of a source file into the bytecode that was compiled from this file. The
 * key is public, so everyone can find another file with the same SipHash, and a SipHash is no evidence of content.
 */

/**
 * The value `1-3` means one round after each eight bytes and three rounds at the end, `2-4` means two and four rounds.
 */
export type SipRounds = "1-3" | "2-4";

/**
 * Returns the eight bytes of the hash, little-endian. The key is below 2^32, and the rest of its 128 bits is zero. The
 * algorithm is from Aumasson and Bernstein, 2012.
 */
export function sipHash(bytes: Buffer, key: number, rounds: SipRounds): Buffer {
	const [perBlock, atEnd] = rounds === "1-3" ? [1, 3] : [2, 4];
	// Each of the 64-bit words v0 to v3 of the state has two elements, the low half first.
	const v = Uint32Array.of(
		...[0x70736575 ^ key, 0x736f6d65, 0x6e646f6d, 0x646f7261],
		...[0x6e657261 ^ key, 0x6c796765, 0x79746573, 0x74656462],
	);
	const absorb = (low: number, high: number) => {
		v[6] ^= low;
		v[7] ^= high;
		for (let round = 0; round < perBlock; round++) mix(v);
		v[0] ^= low;
		v[1] ^= high;
	};
	const whole = bytes.length - (bytes.length % 8);
	for (let at = 0; at < whole; at += 8) absorb(bytes.readInt32LE(at), bytes.readInt32LE(at + 4));
	const last = Buffer.alloc(8);
	bytes.copy(last, 0, whole);
	last[7] = bytes.length;
	absorb(last.readInt32LE(0), last.readInt32LE(4));
	v[4] ^= 0xff;
	for (let round = 0; round < atEnd; round++) mix(v);
	const hash = Buffer.alloc(8);
	hash.writeUInt32LE((v[0] ^ v[2] ^ v[4] ^ v[6]) >>> 0, 0);
	hash.writeUInt32LE((v[1] ^ v[3] ^ v[5] ^ v[7]) >>> 0, 4);
	return hash;
}

/** Applies one SipRound to the state. */
function mix(v: Uint32Array): void {
	add(v, 0, 2);
	rotate(v, 2, 13);
	xor(v, 2, 0);
	swap(v, 0);
	add(v, 4, 6);
	rotate(v, 6, 16);
	xor(v, 6, 4);
	add(v, 0, 6);
	rotate(v, 6, 21);
	xor(v, 6, 0);
	add(v, 4, 2);
	rotate(v, 2, 17);
	xor(v, 2, 4);
	swap(v, 4);
}

function add(v: Uint32Array, to: number, from: number): void {
	const low = v[to] + v[from];
	v[to + 1] += v[from + 1] + (low > 0xffffffff ? 1 : 0);
	v[to] = low;
}

/** Rotates the 64-bit word at `at` to the left by `bits`, which is 1 to 31. */
function rotate(v: Uint32Array, at: number, bits: number): void {
	const [low, high] = [v[at], v[at + 1]];
	v[at] = (low << bits) | (high >>> (32 - bits));
	v[at + 1] = (high << bits) | (low >>> (32 - bits));
}

function xor(v: Uint32Array, to: number, from: number): void {
	v[to] ^= v[from];
	v[to + 1] ^= v[from + 1];
}

/** Rotates the 64-bit word at `at` by 32 bits. */
function swap(v: Uint32Array, at: number): void {
	const low = v[at];
	v[at] = v[at + 1];
	v[at + 1] = low;
}
