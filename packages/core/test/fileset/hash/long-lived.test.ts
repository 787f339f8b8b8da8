import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { hashFileSet } from "../../../dist/fileset/hash/hash-files.js";
import { plain, tempTree } from "../temp-tree.js";

const core = fileURLToPath(new URL("../../../dist/index.js", import.meta.url));

/**
 * Signs and verifies a tree `rounds` times, then several copies of it at once. Prints the peaks of the address space and
 * of the resident memory, in KiB, after the first rounds and at the end.
 */
const PROGRAM = `
	import { generateKeyPairSync } from "node:crypto";
	import { readFileSync } from "node:fs";
	import { join } from "node:path";
	import { certificatesFromPem, createIdentity, openPemSigner, signPaths, trustFromCertificates, verifyPath } from ${JSON.stringify(core)};

	const [, , root, rounds] = process.argv;
	const { keyFile, certificateFile } = await createIdentity("release", { keyType: "p256", subject: "Release", days: 9 });
	const signer = await openPemSigner({ keyFile, certFile: certificateFile });
	const trust = trustFromCertificates(signer.certificates);
	const peak = (name) => Number(new RegExp(name + ":\\\\s*(\\\\d+)").exec(readFileSync("/proc/self/status", "latin1"))[1]);
	const peaks = () => ({ space: peak("VmPeak"), resident: peak("VmHWM") });
	const once = async () => {
		await signPaths([root], { signer });
		const { verdict } = await verifyPath(root, { trust });
		if (verdict !== "trusted") throw new Error(verdict);
	};
	for (let round = 0; round < 50; round++) await once();
	const first = peaks();
	for (let round = 50; round < rounds; round++) await once();
	await Promise.all(Array.from({ length: 100 }, () => verifyPath(root, { trust })));
	console.log(JSON.stringify({ first, last: peaks() }));
`;

describe.skipIf(!existsSync("/proc/self/status"))("a library in a process that runs for long (needs /proc)", () => {
	it("1,000 signs and verifies, and 100 verifies at once, stay within a constant", () => {
		const root = tempTree({ a: "a", "d/b": "b", l: { link: "a" } });
		const home = tempTree();
		const output = execFileSync(process.execPath, ["--input-type=module", "-", root, "1000"], {
			input: PROGRAM,
			encoding: "utf8",
			env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home },
		});
		const { first, last } = JSON.parse(output);
		// One set of columns takes 360 MiB of address space. A small tree uses nearly no memory of it.
		expect(last.space - first.space).toBeLessThan(1024 * 1024);
		expect(last.resident - first.resident).toBeLessThan(64 * 1024);
	});
});

describe("columns that are used again", () => {
	it("hold nothing of the set before, whatever ended it", async () => {
		const names = Array.from({ length: 300 }, (_, index) => `f${index}`);
		const big = tempTree(Object.fromEntries(names.map((name) => [name, name.repeat(100)])));
		const links = tempTree({ a: { link: "b" }, b: "", c: { link: "b" }, d: "M", e: { link: "d" } });
		const fails = tempTree({
			...Object.fromEntries(names.map((name) => [name, name])),
			z: (path) => execFileSync("mkfifo", [path]),
		});
		const fresh = plain(await hashFileSet(links));
		for (const options of [{ workers: 2, engine: "javascript" }, { workers: 2, engine: "native" }, {}] as const) {
			const expected = plain(await hashFileSet(big, { digest: "sha256+sha1" }));
			for (let round = 0; round < 10; round++) {
				await expect(hashFileSet(fails, options)).rejects.toThrow(/FIFO/);
				expect(plain(await hashFileSet(links, options))).toEqual(fresh);
				expect(plain(await hashFileSet(big, { ...options, digest: "sha256+sha1" }))).toEqual(expected);
			}
		}
	});

	it("sets that are hashed at once do not mix", async () => {
		const trees = Array.from({ length: 20 }, (_, index) => tempTree({ [`f${index}`]: `${index}`, same: `${index}` }));
		const single = [];
		for (const root of trees) single.push(plain(await hashFileSet(root)));
		expect((await Promise.all(trees.map((root) => hashFileSet(root)))).map(plain)).toEqual(single);
	});
});
