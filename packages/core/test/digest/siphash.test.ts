import { expect, it } from "vitest";
import { type SipRounds, sipHash } from "../../dist/digest/siphash.js";

/** Results of `_imp.source_hash()` of CPython 3.10 and 3.13 for the bytes 0 to 255, repeated up to the size. */
const VECTORS: readonly [rounds: SipRounds, key: number, sizeBytes: number, hash: string][] = [
	["2-4", 0, 0, "d70077739d4b921e"],
	["2-4", 0, 8, "38792ffc241c2bc7"],
	["2-4", 0x0a0d0d55, 1, "1db3ac195aae4d3d"],
	["2-4", 0x0a0d0d55, 9, "27f7d0058a3767e6"],
	["2-4", 0xfffffffe, 7, "fd0120f47aa573d7"],
	["2-4", 0xfffffffe, 1000, "0c383d44d286ea6d"],
	["1-3", 0, 0, "2c530c1562a7fbd1"],
	["1-3", 0, 8, "ea2ebe7ee611d4ea"],
	["1-3", 0x0a0d0d55, 1, "5693295268c15fbe"],
	["1-3", 0x0a0d0d55, 9, "07e83d8dff9810f0"],
	["1-3", 0xfffffffe, 7, "630f0c5bf04b5c9f"],
	["1-3", 0xfffffffe, 1000, "8c95a8728d26f202"],
];

it.each(VECTORS)("sipHash() with rounds %s and key %i of %i bytes is %s", (rounds, key, sizeBytes, hash) => {
	const bytes = Buffer.from(Array.from({ length: sizeBytes }, (_, index) => index % 256));
	expect(sipHash(bytes, key, rounds).toString("hex")).toBe(hash);
});
