/**
 * Lets Wine's own wintrust.dll and crypt32.dll judge catalogs, through the program judge.c: those that sigtool makes,
 * and those of Microsoft's tools, which must get the same answers.
 *
 * Wine looks for no file in a catalog, so its word is not about membership: only about the message, the list, the
 * chain, and the digests of files.
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Authority, issueByAuthority, makeAuthority, makeTree, runner } from "../../packages/cli/test/support.js";
import { execFileSync, hasProgram } from "../outside.js";
import { hasWine, openWine, type Wine, windowsPath } from "./wine.js";

const COMPILER = "x86_64-w64-mingw32-gcc";
const CORPUS = join(import.meta.dirname, "../../../shared/corpus");
const hasCorpus = existsSync(CORPUS);
const LIMIT_MS = 300_000;

// These are the names of winerror.h.
const TRUST_E_NOSIGNATURE = "800b0100";
const CERT_E_EXPIRED = "800b0101";
const CERT_E_UNTRUSTEDROOT = "800b0109";
const TRUST_E_CERT_SIGNATURE = "80096004";
const SUCCESS = "00000000";
/** CERT_TRUST_IS_UNTRUSTED_ROOT of wincrypt.h. */
const UNTRUSTED_ROOT = "00000020";

const CTL = "1.3.6.1.4.1.311.10.1";
const CATALOG_LIST_MEMBER2 = "1.3.6.1.4.1.311.12.1.3";

interface Member {
	readonly tag: string;
	readonly how: string;
	readonly local?: string;
}

type Answers = readonly (readonly [name: string, value: string])[];

describe.skipIf(!hasWine || !hasProgram(COMPILER))("Wine judges (needs wine64, gcc-mingw-w64-x86-64)", () => {
	let wine: Wine;
	let program: string;
	const at = (...names: string[]) => join(wine.directory, ...names);

	beforeAll(async () => {
		wine = await openWine();
		program = at("judge.exe");
		const source = join(import.meta.dirname, "judge.c");
		const options = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-municode"];
		execFileSync(COMPILER, [...options, "-o", program, source, "-lcrypt32", "-lwintrust"], { stdio: "pipe" });
	}, LIMIT_MS);
	afterAll(() => wine?.close());

	function judge(...args: string[]): Answers {
		const { status, stdout, stderr } = wine.run(program, args);
		expect([args, status, stderr]).toEqual([args, 0, ""]);
		const lines = stdout.trimEnd().split(/\r?\n/);
		return lines.map((line) => [line.split(" ")[0], line.split(" ").slice(1).join(" ")] as const);
	}
	const messageOf = (catalog: string) => Object.fromEntries(judge("message", windowsPath(catalog)));
	const entriesOf = (catalog: string) => valuesOf(judge("list", windowsPath(catalog)), "entry");
	const chainOf = (catalog: string, ...time: string[]) =>
		Object.fromEntries(judge("chain", windowsPath(catalog), ...time));
	const trustIn = (file: string) => Object.fromEntries(judge("trust", windowsPath(file))).trust;

	/** Makes the certificate one of the roots of the user. Wine does not forget them, so each test has its own root. */
	function trustRoot(pem: string): void {
		const der = `${pem}.der`;
		writeFileSync(der, new X509Certificate(readFileSync(pem)).raw);
		expect(judge("root", windowsPath(der))).toEqual([["root", "added"]]);
	}

	describe.each(["rsa:2048", "P-256"] as const)("a catalog of sigtool, signed with %s", (key) => {
		let root: string;
		let catalog: string;
		let authority: Authority;
		let bytes: Buffer;
		let members: readonly { digest: string; name: string; subject: string }[];

		beforeAll(() => {
			const home = at(key.replace(":", "-"));
			authority = makeAuthority(join(home, "pki"), key);
			root = makeTree(join(home, "app"), {
				"index.js": "console.log(1);\n",
				"lib/a.txt": "a\r\nb\r\n",
				"Über/ö.js": "2",
				"lib/empty.js": "",
			});
			const image = readFileSync(program);
			writeFileSync(join(root, "lib/program.exe"), image);
			// Windows fills such an image with zeros to a multiple of 8 bytes.
			writeFileSync(join(root, "lib/odd.dll"), Buffer.concat([image, Buffer.from("more!")]));
			const { caFile, certFile, keyFile } = authority;
			const sigtool = runner(home);
			const signed = sigtool(["sign", root, "--key", keyFile, "--cert", certFile, "--chain", caFile]);
			expect(signed).toMatchObject({ status: 0 });
			catalog = join(root, "app.cat");
			bytes = readFileSync(catalog);
			members = sigtool(["inspect", catalog, "--json"]).json().members;
		});

		/** Writes the catalog with one bit flipped in the byte at the offset. */
		function flipped(offset: number): string {
			const copy = Buffer.from(bytes);
			copy[offset] ^= 1;
			const file = at("flipped.cat");
			writeFileSync(file, copy);
			return file;
		}

		test("its message has the signer's signature over the list", () => {
			expect(messageOf(catalog)).toEqual({ content: CTL, signature: "verified", digest: "verified" });
		});

		test("a changed byte of the list, the attributes or the signature is refused", () => {
			const inList = bytes.indexOf(Buffer.from(members[0].digest, "hex"));
			expect(messageOf(flipped(inList))).toMatchObject({ signature: "verified", digest: "wrong" });
			// The signed attributes come last but for the signature, and repeat the digest of the list.
			const inAttributes = bytes.lastIndexOf(Buffer.from("2a864886f70d010904", "hex")) + 15;
			expect(messageOf(flipped(inAttributes))).toMatchObject({ signature: "wrong", digest: "wrong" });
			expect(messageOf(flipped(bytes.length - 1))).toMatchObject({ signature: "wrong", digest: "verified" });
			writeFileSync(at("cut.cat"), bytes.subarray(0, -1));
			expect(messageOf(at("cut.cat"))).toEqual({ message: "unreadable" });
		});

		test("its list has the entries that sigtool shows", () => {
			expect(valuesOf(judge("list", windowsPath(catalog)), "algorithm")).toEqual([CATALOG_LIST_MEMBER2]);
			const entries = entriesOf(catalog);
			expect(entries).toEqual(members.map(({ digest }) => digest).sort());
			expect(entries.length).toBe(5);
		});

		test("Wine computes the same digests of ordinary files and of images", () => {
			expect(new Set(members.map(({ subject }) => subject))).toEqual(new Set(["flat", "pe"]));
			const files = members.map(({ name }) => join(root, name.replaceAll("\\", "/")));
			const hashes = valuesOf(judge("hash", ...files.map(windowsPath)), "hash");
			expect(hashes).toEqual(members.map(({ digest }) => digest));
		});

		test("WinVerifyTrust accepts the file, and refuses it with another signature or with none", () => {
			expect(trustIn(catalog)).toBe(SUCCESS);
			expect(trustIn(flipped(bytes.length - 1))).toBe(TRUST_E_CERT_SIGNATURE);
			const unsigned = at("unsigned.cat");
			expect(runner(at("home"))(["sign", root, "--unsigned", "-o", unsigned, "--force"]).status).toBe(0);
			expect(trustIn(unsigned)).toBe(TRUST_E_NOSIGNATURE);
		});

		test("its chain holds if its root is trusted and its certificates are valid", () => {
			const [now, year] = [Math.floor(Date.now() / 1000), 365 * 86400];
			expect(chainOf(catalog)).toMatchObject({ status: UNTRUSTED_ROOT, policy: CERT_E_UNTRUSTEDROOT });
			trustRoot(authority.caFile);
			expect(chainOf(catalog)).toEqual({ certificates: "2", status: SUCCESS, policy: SUCCESS });
			expect(chainOf(catalog, `${now + year}`).policy).toBe(CERT_E_EXPIRED);
			expect(chainOf(catalog, `${now - year}`).policy).toBe(CERT_E_EXPIRED);
		});
	});

	// Wine 10 asks its chain policy only about signers whose certificate has a signature of RSA with SHA-1, because it
	// keeps 20 bytes for the signature's digest.
	test("WinVerifyTrust refuses a root that is not trusted, where Wine asks for the chain", () => {
		const pki = (name: string) => at("sha1", name);
		const { caFile, keyFile } = makeAuthority(at("sha1"));
		const key = createPrivateKey(readFileSync(keyFile));
		issueByAuthority(at("sha1"), pki("sha1.pem"), { subject: "/O=Example/CN=Test Signer", key, digest: "sha1" });
		const root = makeTree(pki("app"), { "index.js": "1\n" });
		const signature = ["--key", keyFile, "--cert", pki("sha1.pem"), "--chain", caFile];
		expect(runner(at("home"))(["sign", root, ...signature])).toMatchObject({ status: 0 });
		expect(trustIn(join(root, "app.cat"))).toBe(CERT_E_UNTRUSTEDROOT);
		trustRoot(caFile);
		expect(trustIn(join(root, "app.cat"))).toBe(SUCCESS);
	});

	describe.skipIf(!hasCorpus)("real catalogs (needs the corpus)", () => {
		const samples = hasCorpus ? readdirSync(CORPUS).filter((name) => existsSync(join(CORPUS, name, "meta.json"))) : [];
		const catalogs = samples.flatMap((name) =>
			readdirSync(join(CORPUS, name)).flatMap((file) => (file.endsWith(".cat") ? [join(CORPUS, name, file)] : [])),
		);
		const shown = (catalog: string) => runner(at("home"))(["inspect", catalog, "--json"]).json();

		test("get the same answers as those of sigtool: message, signature and digest", () => {
			const signed = catalogs.filter((catalog) => shown(catalog).signers.length > 0);
			expect(signed.length).toBe(17);
			for (const catalog of signed) {
				const answers = [catalog, messageOf(catalog)];
				expect(answers).toEqual([catalog, { content: CTL, signature: "verified", digest: "verified" }]);
			}
		});

		test("list the members by the digests that Wine computes", () => {
			let count = 0;
			for (const name of samples) {
				const { members } = JSON.parse(readFileSync(join(CORPUS, name, "meta.json"), "utf8"));
				for (const { tag, how, local } of members as readonly Member[]) {
					if (local === undefined || (how !== "flat-sha256" && how !== "pe-sha256")) continue;
					expect([local, judge("hash", windowsPath(join(CORPUS, name, local)))]).toEqual([local, [["hash", tag]]]);
					count++;
				}
			}
			expect(count).toBe(13);
		});

		test("have the entries that sigtool shows", () => {
			for (const catalog of catalogs) {
				const members: readonly { digest: string }[] = shown(catalog).members;
				const digests = entriesOf(catalog).map(digestInTag);
				expect([catalog, [...new Set(digests)].sort()]).toEqual([
					catalog,
					[...new Set(members.map(({ digest }) => digest))].sort(),
				]);
			}
		});
	});
});

function valuesOf(answers: Answers, wanted: string): string[] {
	return answers.flatMap(([name, value]) => (name === wanted ? [value] : []));
}

/** Returns the digest in a tag. Version 1 of the format writes it as text: capitals in UTF-16, and a NUL. */
function digestInTag(tag: string): string {
	if (tag.length <= 64) return tag;
	return Buffer.from(tag, "hex").toString("utf16le").replace("\0", "").toLowerCase();
}
