/**
 * Lets evmctl and fsverity judge the attributes that sigtool wrote, and sigtool judge the attributes that they wrote.
 */

import { appendFileSync, chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../test/outside.js";
import {
	ATTRIBUTE_KEYS,
	type AttributeKey,
	type AttributeNamespace,
	atEndOfFile,
	canWriteAttributes,
	getfattr,
	makeSelfSigned,
	makeTree,
	runner,
	type SelfSigned,
	temporaryDirectory,
} from "../support.js";

const TREE = { empty: "", small: "print('hello')\n", big: "five megabytes, ".repeat(312_500) };
const FILES = Object.keys(TREE).sort();
const DIGESTS = ["sha256", "sha512"] as const;
const NAMESPACES: readonly AttributeNamespace[] = ["security", "user"];
const hasEvmctl = hasProgram("evmctl");

/** Makes one key of each kind for all tests, because making keys is slow. */
const keyRing = temporaryDirectory(atEndOfFile);
const keys = new Map<AttributeKey, SelfSigned>();
function keyOf(name: AttributeKey): SelfSigned {
	const key = keys.get(name) ?? makeSelfSigned(join(keyRing, name), name);
	keys.set(name, key);
	return key;
}

function evmctl(...args: string[]): { readonly accepted: boolean; readonly output: string } {
	const { status, stdout, stderr } = spawnSync("evmctl", args, { encoding: "utf8" });
	return { accepted: status === 0, output: `${stdout}${stderr}` };
}

/** Makes two equal trees without attributes, and a function that runs sigtool. */
function makePair(key: SelfSigned) {
	const home = temporaryDirectory();
	const ours = makeTree(join(home, "ours"), TREE);
	const theirs = join(home, "theirs");
	mkdirSync(theirs);
	for (const file of FILES) copyFileSync(join(ours, file), join(theirs, file));
	const run = runner(home);
	return {
		ours,
		theirs,
		sign: (...args: string[]) => run(["sign", ours, "--key", key.keyFile, "--cert", key.certFile, ...args]),
		hash: (...args: string[]) => run(["sign", ours, ...args]),
		verify: (path: string, ...args: string[]) => run(["verify", path, "--trust", key.certFile, "--json", ...args]),
	};
}

const statusesOf = (document: { results: { attributes: { path: string; status: string }[] }[] }) => {
	return document.results.flatMap(({ attributes }) => attributes.map(({ path, status }) => [path, status]));
};
const all = (status: string) => FILES.map((file) => [file, status]);

describe.each(NAMESPACES)("evmctl and %s.*", (namespace) => {
	const inNamespace = ["--namespace", namespace];
	const xattr = namespace === "user" ? ["--xattr-user"] : [];
	const isPossible = hasEvmctl && canWriteAttributes(namespace);

	describe.skipIf(!isPossible)("(needs evmctl, attr and the right to write them)", () => {
		describe.each(ATTRIBUTE_KEYS)("%s", (keyName) => {
			test.each(DIGESTS)("accept each other's signatures over %s", (digest) => {
				const key = keyOf(keyName);
				const { ours, theirs, sign, verify } = makePair(key);
				expect(sign("--format", "ima", "--digest", digest, ...inNamespace)).toMatchObject({ status: 0 });
				for (const file of FILES) {
					expect(evmctl("ima_verify", ...xattr, "-k", key.derFile, join(ours, file)), file).toMatchObject({
						accepted: true,
					});
					expect(evmctl("ima_sign", ...xattr, "-a", digest, "-k", key.keyFile, join(theirs, file))).toMatchObject({
						accepted: true,
					});
				}
				const run = verify(theirs, "--format", "ima", ...inNamespace);
				expect(run).toMatchObject({ status: 0 });
				expect(statusesOf(run.json())).toEqual(all("trusted"));
				if (keyName.startsWith("RSA")) {
					for (const file of FILES) {
						const [value, other] = [ours, theirs].map((tree) => getfattr(join(tree, file), `${namespace}.ima`));
						expect(value?.toString("hex")).toBe(other?.toString("hex"));
					}
				}

				appendFileSync(join(ours, "small"), "!");
				expect(evmctl("ima_verify", ...xattr, "-k", key.derFile, join(ours, "small"))).toMatchObject({
					accepted: false,
				});
				const changed = verify(ours, "--format", "ima", ...inNamespace);
				expect(changed).toMatchObject({ status: 1 });
				expect(changed.json().results[0].findings).toMatchObject([{ path: "small", code: "ERR_SIGNATURE" }]);
			});
		});

		test.each(DIGESTS)("write the same %s hash, which counts as unsigned", (digest) => {
			const { ours, theirs, hash, verify } = makePair(keyOf("P-256"));
			expect(hash("--format", "ima-hash", "--digest", digest, ...inNamespace)).toMatchObject({ status: 0 });
			for (const file of FILES) {
				expect(evmctl("ima_hash", ...xattr, "-a", digest, join(theirs, file))).toMatchObject({ accepted: true });
				const [value, other] = [ours, theirs].map((tree) => getfattr(join(tree, file), `${namespace}.ima`));
				expect(value?.toString("hex")).toBe(other?.toString("hex"));
			}
			const refused = verify(theirs, "--format", "ima-hash", ...inNamespace);
			expect(refused).toMatchObject({ status: 1 });
			expect(statusesOf(refused.json())).toEqual(all("hash-only"));
			expect(refused.json().results[0].findings).toMatchObject([{ code: "ERR_UNSIGNED" }]);
			expect(verify(theirs, "--format", "ima-hash", "--allow-unsigned", ...inNamespace)).toMatchObject({ status: 0 });
		});
	});
});

describe.skipIf(!hasEvmctl || !canWriteAttributes("security"))("evmctl and security.evm (needs evmctl, root)", () => {
	describe.each(ATTRIBUTE_KEYS)("%s", (keyName) => {
		test.each(DIGESTS)("refuse a portable signature over %s after owner, group or mode changed", (digest) => {
			const key = keyOf(keyName);
			const { ours, sign, verify } = makePair(key);
			const formats = ["--format", "ima", "--format", "evm"];
			expect(sign(...formats, "--digest", digest)).toMatchObject({ status: 0 });
			const judge = (file: string) => evmctl("verify", "-k", key.derFile, join(ours, file)).accepted;
			expect(FILES.map(judge)).toEqual([true, true, true]);
			expect(verify(ours, ...formats)).toMatchObject({ status: 0 });

			chmodSync(join(ours, "small"), 0o600);
			expect(FILES.map((file) => [file, judge(file)])).toEqual([
				["big", true],
				["empty", true],
				["small", false],
			]);
			const run = verify(ours, ...formats);
			expect(run).toMatchObject({ status: 1 });
			expect(run.json().results[0].findings).toMatchObject([{ path: "small", code: "ERR_SIGNATURE" }]);
			const small = run.json().results[0].attributes.filter(({ path }: { path: string }) => path === "small");
			expect(small).toMatchObject([
				{ format: "ima", status: "trusted" },
				{ format: "evm", status: "mismatch", code: "ERR_SIGNATURE" },
			]);

			chmodSync(join(ours, "small"), 0o644);
			expect(judge("small")).toBe(true);
			expect(verify(ours, ...formats)).toMatchObject({ status: 0 });
		});
	});

	test("evmctl's portable signatures are trusted", () => {
		const key = keyOf("RSA-2048");
		const { theirs, verify } = makePair(key);
		for (const file of FILES) {
			const signed = evmctl("sign", "--portable", "--imasig", "-a", "sha256", "-k", key.keyFile, join(theirs, file));
			expect(signed).toMatchObject({ accepted: true });
		}
		const run = verify(theirs, "--format", "ima", "--format", "evm");
		expect(run).toMatchObject({ status: 0 });
		expect(run.json().results[0].counts).toMatchObject({ trusted: 6 });
	});
});

const isVerityPossible = hasEvmctl && hasProgram("fsverity") && canWriteAttributes("user");

describe.skipIf(!isVerityPossible)("evmctl and fsverity (need both)", () => {
	describe.each(["RSA-2048", "RSA-4096"] as const)("%s", (keyName) => {
		test.each(DIGESTS)("sign the same %s fs-verity digest as --format ima-verity", (digest) => {
			const key = keyOf(keyName);
			const { ours, sign, verify } = makePair(key);
			expect(sign("--format", "ima-verity", "--digest", digest, "--namespace", "user")).toMatchObject({ status: 0 });
			for (const file of FILES) {
				const line = execFileSync("fsverity", ["digest", `--hash-alg=${digest}`, join(ours, file)]);
				const signHash = ["sign_hash", "--veritysig", "-a", digest, "-k", key.keyFile];
				const { stdout } = spawnSync("evmctl", signHash, { input: line, encoding: "utf8" });
				const signature = / (0603[0-9a-f]+)\s*$/.exec(stdout)?.[1];
				expect(getfattr(join(ours, file), "user.ima")?.toString("hex")).toBe(signature);
			}
			expect(verify(ours, "--format", "ima-verity", "--namespace", "user")).toMatchObject({ status: 0 });
			appendFileSync(join(ours, "empty"), "!");
			const changed = verify(ours, "--format", "ima-verity", "--namespace", "user");
			expect(changed).toMatchObject({ status: 1 });
			expect(changed.json().results[0].findings).toMatchObject([{ path: "empty", code: "ERR_SIGNATURE" }]);
		});
	});
});
