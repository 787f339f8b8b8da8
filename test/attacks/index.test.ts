import { describe, expect, test } from "vitest";
import { nosuidDirectory } from "../nosuid-directory.js";
import { type Host, hasLauncher, install, type Mode, runtimeOf } from "./modes.js";
import type { Run } from "./program.js";
import { attack, makeSite, run } from "./site.js";
import { EVIL, type Release, type Technique } from "./technique.js";

/** This version was signed before. The attacker restores it together with its index. */
const OLD: Technique = { name: "old version", signed: { "main.js": EVIL } };

const FOREIGN = "0".repeat(64);
const replaced: readonly (readonly [what: string, code: string, host: Host])[] = [
	[
		"an older one of the same product",
		"ERR_SEQUENCE",
		{ sequence: 1, configuration: (root) => ({ products: [{ name: "app", root, minimumSequence: 2 }] }) },
	],
	[
		"one without a sequence",
		"ERR_SEQUENCE",
		{ configuration: (root) => ({ products: [{ name: "app", root, minimumSequence: 2 }] }) },
	],
	[
		"one of another product",
		"ERR_PRODUCT_MISMATCH",
		{ configuration: (root) => ({ products: [{ name: "other", root }] }) },
	],
	["one of another signer", "ERR_UNTRUSTED_SIGNER", { configuration: () => ({ pins: [{ "spki-sha256": FOREIGN }] }) }],
	["half of it", "ERR_INDEX_FORMAT", { index: (bytes) => bytes.subarray(0, bytes.length >> 1) }],
	["one with half a signature", "ERR_INDEX_FORMAT", { index: (bytes) => bytes.subarray(0, bytes.length - 200) }],
	["one with a bit changed", "ERR_", { index: (bytes) => bytes.fill(bytes.readUInt8(200) ^ 1, 200, 201) }],
];

async function tryOld(mode: Mode, host: Host): Promise<Run> {
	const root = nosuidDirectory();
	// The type assertion is safe: the launcher uses this number only as a major version.
	const release = Number.parseInt(process.versions.node, 10) as Release;
	const runtime = runtimeOf(mode, release, process.execPath, root);
	const site = makeSite(root, runtime, [OLD], undefined);
	await install(root, runtime, host);
	attack(site, OLD, undefined);
	return run(site, OLD, runtime);
}

describe.skipIf(!hasLauncher)("a trust index replaced (needs the launcher built)", () => {
	test("a version that was signed runs, as long as the host asks for no later one", async () => {
		expect(await tryOld("strict", { sequence: 1 })).toMatchObject({ evil: true });
	});

	test.each(replaced)("by %s is refused with %s", async (name, code, host) => {
		for (const mode of ["hook", "strict"] as const) {
			const { evil, status, output } = await tryOld(mode, host);
			// A truncated index may be in the middle of a copy, so another start may succeed.
			expect([evil, status]).toEqual([false, name.includes("half") ? 75 : 126]);
			expect(output).toContain(code);
		}
	});
});
