import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
// These entry points are imported by their published names, because only their functions check arguments.
import * as core from "@sigtool/core";
import * as read from "@sigtool/core/read";
import { afterAll, describe, expect, it } from "vitest";
import { certificateFor, p256 } from "../signer/material.js";

const directory = mkdtempSync(join(tmpdir(), "sigtool-checked-"));
afterAll(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, "file"), "content");
const catalog = join(directory, "out.cat");
const key = p256();
const certificate = certificateFor(key);
const signer = core.signerFromKey(key, [certificate]);
const trust = core.trustFromCertificates([certificate]);
const NOTHING = new Uint8Array();
const unsignedIndex = { content: NOTHING, index: {} };
const unsigned = { list: NOTHING, facts: {} };

/** For each function that takes options: the arguments before the options, and options that are accepted. */
const FUNCTIONS: Readonly<Record<string, readonly [before: readonly unknown[], options: Record<string, unknown>]>> = {
	addTrust: [[], { spkiSha256: "0".repeat(64) }],
	compileTrustIndex: [[[directory]], { output: catalog, signer, trust }],
	convertCatalog: [[catalog], { output: catalog, trust }],
	createIdentity: [["x"], { keyType: "p256", subject: "x", days: 1 }],
	denyTrust: [[], { kind: "file", sha256: "0".repeat(64), reason: "r" }],
	digestFile: [[catalog, "sha256"], {}],
	exportIdentity: [["x"], { output: catalog, passphrase: "p" }],
	finishCatalog: [[unsigned], { signer }],
	finishIndex: [[unsignedIndex], { signer }],
	importIdentity: [["x", { containerFile: "c" }], { chainFiles: [], passphraseOf: () => () => "" }],
	openCommandSigner: [[], { program: "p", certFile: "c" }],
	openPemSigner: [[], { keyFile: "k", certFile: "c" }],
	openPkcs11Signer: [[], { uri: {}, pin: () => "" }],
	openPkcs12Signer: [[], { file: "f", passphrase: () => "" }],
	openUnsigned: [[catalog], {}],
	openUnsignedIndex: [[catalog], {}],
	restoreAttributes: [[directory], { trust }],
	signerFromKey: [[{ type: "private", export: () => {} }, []], {}],
	signPaths: [[[directory]], { signer }],
	stripAttributes: [[directory], { formats: ["spython"] }],
	timestampCatalog: [[catalog], { request: { urls: [], anchors: [] } }],
	verifyAttributes: [[directory], { formats: ["ima"], trust }],
	verifyCatalog: [[NOTHING], { trust }],
	verifyPath: [[directory], { trust }],
	verifyTrustIndex: [[NOTHING], { trust }],
};

/** The functions without options whose arguments are checked, each with one wrong argument. */
const OTHERS: Readonly<Record<string, readonly unknown[]>> = {
	certificatesFromFileBytes: ["text"],
	certificatesFromPem: [NOTHING],
	examineSystem: [undefined],
	importCertificate: ["x", "file"],
	inspectAttributes: [undefined],
	inspectCatalog: ["text"],
	inspectCatalogFile: [NOTHING],
	isDevelopmentCertificate: ["text"],
	normalizeNameText: [undefined],
	parseCertificate: ["text"],
	parsePkcs11Uri: [undefined],
	policyFromFileBytes: ["text", "file"],
	removeTrust: [undefined],
	requestForIdentity: ["x", "passphrase"],
	revocationListsFromFileBytes: [NOTHING],
	showIdentity: [undefined],
	spkiSha256: ["text"],
	timestampAnchors: ["ca.pem"],
	trustFromCertificates: ["ca.pem"],
};

/**
 * The arguments of these functions are not checked. Some take no argument. Some take one value of any type and judge it
 * themselves. The verifier calls others while a program runs, and this program could have replaced the functions that
 * the checks use.
 */
const UNCHECKED: ReadonlySet<string> = new Set([
	"AbortError",
	...["defaultTrust", "developmentIdentity"],
	...["listIdentities", "listTrust", "parsePolicy", "SigtoolError"],
]);

type Call = (...values: readonly unknown[]) => unknown;
const functions = new Map<string, Call>(
	Object.entries(core).flatMap(([name, value]) => (typeof value === "function" ? [[name, value as Call]] : [])),
);

async function mistake(name: string, ...values: readonly unknown[]): Promise<string> {
	try {
		await functions.get(name)?.(...values);
	} catch (error) {
		if (!(error instanceof core.SigtoolError)) throw error;
		expect(error.code).toBe("ERR_USAGE");
		return error.message;
	}
	throw new Error(`${name}() accepts it`);
}

describe("the checks of public functions", () => {
	it("every public function is checked or listed as one that needs no check", () => {
		const known = [...Object.keys(FUNCTIONS), ...Object.keys(OTHERS), ...UNCHECKED];
		expect([...functions.keys()].sort()).toEqual(known.sort());
		for (const [name, value] of Object.entries(read)) expect(core).toHaveProperty(name, value);
	});

	for (const [name, [before, options]] of Object.entries(FUNCTIONS)) {
		it(`${name}() names an option that is misspelt, missing or of another type`, async () => {
			const call = `Cannot call ${name}(): `;
			expect(await mistake(name, ...before, { ...options, nonsense: 1 })).toBe(`${call}"nonsense" is not an option`);
			expect(await mistake(name, ...before, "options")).toMatch(/"options" must be .*, not text$|".*" is missing: /);
			for (const [option, value] of Object.entries(options)) {
				const { [option]: _, ...others } = options;
				const misspelt = { ...others, [`${option}x`]: value };
				expect(await mistake(name, ...before, misspelt)).toContain(
					`${call}"${option}x" is not an option; did you mean "${option}"?`,
				);
				expect(await mistake(name, ...before, others)).toMatch(/^Cannot call \w+\(\): "\w+" is missing: it must be /);
				expect(await mistake(name, ...before, { ...options, [option]: 5n })).toContain(`${call}"${option}" must be `);
			}
			if (Object.keys(options).length > 0)
				expect(await mistake(name, ...before)).toMatch(/"\w+" is missing: it must be /);
			for (const [index] of before.entries()) {
				const wrong = before.map((value, each) => (each === index ? 5n : value));
				expect(await mistake(name, ...wrong, options)).toMatch(/^Cannot call \w+\(\): "\w+" (must be |is missing: )/);
			}
		});
	}

	for (const [name, values] of Object.entries(OTHERS)) {
		it(`${name}() names an argument of another type`, async () => {
			expect(await mistake(name, ...values)).toMatch(new RegExp(`^Cannot call ${name}\\(\\): "[\\w.[\\]]+" `));
		});
	}

	it("signPaths() writes an unsigned catalog only for signer none", async () => {
		const options = { output: catalog };
		for (const wrong of [undefined, options, { ...options, signer: undefined }, { ...options, singer: signer }]) {
			await mistake("signPaths", [directory], wrong);
		}
		expect(existsSync(catalog)).toBe(false);
		const needed =
			'"signer" is missing: it must be a signer, such as openPemSigner() opens, or "none" for an unsigned catalog';
		expect(await mistake("signPaths", [directory], options)).toBe(`Cannot call signPaths(): ${needed}`);
		const { catalog: written } = await core.signPaths([directory], { ...options, signer: "none" });
		expect(written?.unsignedSha256).toHaveLength(64);
	});

	it("a format that is a signature needs a signer", async () => {
		const options = { formats: ["ima"], namespace: "user", signer: "none" } as const;
		expect(await mistake("signPaths", [directory], options)).toMatch(
			/^Cannot sign with format ima: .* needs a signer$/,
		);
	});

	it("a path in the place of a trust policy gets a clear message", async () => {
		const made = "defaultTrust() or trustFromCertificates(certificatesFromPem(…)) returns";
		expect(await mistake("verifyPath", directory, { trust: "ca.pem" })).toBe(
			`Cannot call verifyPath(): "trust" must be a trust policy, which ${made}, not text`,
		);
		expect(await mistake("verifyPath", directory, { trust, added: "wran" })).toBe(
			'Cannot call verifyPath(): "added" must be "fail" or "warn" or "ignore", not "wran"',
		);
		expect(await mistake("verifyPath", directory, { trust: { ...trust, denny: [] } })).toContain(
			'"trust.denny" is not an option; did you mean "deny"?',
		);
		expect(await mistake("verifyPath", directory, { trust, revocation: { oscp: "require" } })).toContain(
			'"revocation.oscp"',
		);
		expect(await mistake("signPaths", "directory", { signer })).toContain('"paths" must be a list of paths, not text');
		expect(await mistake("signPaths", [directory], { signer: Promise.resolve(signer) })).toContain(
			"not a promise; await it",
		);
	});

	it("refuses options that are inherited, hidden or of a class", async () => {
		const verify = (options: unknown) => mistake("verifyPath", directory, options);
		const inherited = 'Cannot call verifyPath(): "added" is inherited: it must be a member of the object itself';
		expect(await verify(Object.assign(Object.create({ added: "faill" }), { trust }))).toBe(inherited);
		expect(await verify(Object.assign(Object.create({ added: "fail" }), { trust }))).toBe(inherited);
		class Options {
			trust = trust;
			get added() {
				return "faill";
			}
		}
		expect(await verify(new Options())).toBe(inherited);
		class Empty {
			trust = trust;
		}
		expect(await verify(new Empty())).toContain('"options" must be a plain object');
		expect(await verify(Object.assign(Object.create(Object.create(null)), { trust }))).toContain(
			"must be a plain object",
		);
		const hidden = Object.defineProperty({ trust }, "added", { value: "faill", enumerable: false });
		expect(await verify(hidden)).toBe('Cannot call verifyPath(): "added" must be enumerable');
		expect(await verify({ trust: Object.create(trust) })).toContain('"trust.pins" is inherited');
	});

	it("accepts plain objects without prototype, and those of another realm", async () => {
		const options = { url: "https://x.example", signer: "none", output: join(directory, "realm.cat") } as const;
		for (const plain of [
			Object.assign(Object.create(null), options),
			Object.assign(runInNewContext("({})"), options),
		]) {
			const { catalog: written } = await core.signPaths([directory], plain);
			expect(written?.unsignedSha256).toHaveLength(64);
		}
	});

	it("a function sees the values that were checked", async () => {
		const tree = join(directory, "tree");
		mkdirSync(tree);
		writeFileSync(join(tree, "a"), "1");
		await core.signPaths([tree], { signer });
		const accesses: string[] = [];
		const options = {
			trust,
			catalogs: [join(tree, "tree.cat")],
			get added() {
				accesses.push("added");
				return accesses.length === 1 ? "fail" : "faill";
			},
		};
		expect(await functions.get("verifyPath")?.(tree, options)).toMatchObject({ verdict: "trusted" });
		expect(accesses).toEqual(["added"]);
	});

	const denial = { kind: "file", sha256: "a".repeat(64), reason: "r" };
	it.each([
		["A".repeat(64)],
		[` ${"a".repeat(64)}`],
		[`${"a".repeat(64)}\n`],
		["a".repeat(63)],
		[`sha256:${"a".repeat(64)}`],
		[""],
	])("a digest %j that would match nothing is refused wherever one is given", async (sha256) => {
		const wrong = "must be a SHA-256 in 64 lower-case hexadecimal digits";
		const deny = [denial, { ...denial, sha256 }];
		expect(await mistake("verifyPath", directory, { trust: { ...trust, deny } })).toBe(
			`Cannot call verifyPath(): "trust.deny[1].sha256" ${wrong}`,
		);
		expect(await mistake("denyTrust", { ...denial, sha256 })).toBe(`Cannot call denyTrust(): "sha256" ${wrong}`);
		expect(await mistake("addTrust", { spkiSha256: sha256 })).toBe(`Cannot call addTrust(): "spkiSha256" ${wrong}`);
		const pins = new Map([[sha256, { label: "l", source: "option" }]]);
		expect(await mistake("verifyPath", directory, { trust: { ...trust, pins } })).toBe(
			`Cannot call verifyPath(): "trust.pins" has a key that ${wrong}`,
		);
		const refusedAuthorities = new Map([[sha256, new core.SigtoolError("ERR_USAGE", "m")]]);
		expect(await mistake("verifyPath", directory, { trust, refusedAuthorities })).toContain(wrong);
	});

	it("openUnsigned() refuses an expected digest that no file has", async () => {
		for (const expectDigest of ["", "abc", `sha512:${"a".repeat(64)}`, `${"a".repeat(64)} `]) {
			expect(await mistake("openUnsigned", catalog, { expectDigest })).toContain('"expectDigest" must be a SHA-256');
		}
		for (const expectDigest of ["a".repeat(64), `sha256:${"A".repeat(64)}`]) {
			expect(() => core.openUnsigned(catalog, { expectDigest })).toThrow("its digest is ");
		}
	});

	it.each([-1, 0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "2"])(
		"refuses %s as a number of signers",
		async (requiredSigners) => {
			expect(await mistake("verifyPath", directory, { trust, requiredSigners })).toContain(
				'"requiredSigners" must be a whole number of at least 1',
			);
			expect(
				await mistake("compileTrustIndex", [directory], { output: catalog, signer, trust, requiredSigners }),
			).toContain('"requiredSigners" must be a whole number of at least 1');
		},
	);

	it("refuses an empty list without which there is nothing to do", async () => {
		expect(await mistake("verifyPath", directory, { trust, catalogs: [] })).toBe(
			'Cannot call verifyPath(): "catalogs" must be a list of paths with at least one item',
		);
		expect(await mistake("signPaths", [], { signer })).toContain(
			'"paths" must be a list of paths with at least one item',
		);
		expect(await mistake("signPaths", [directory], { signer, formats: [] })).toContain('"formats" must be a list');
		expect(await mistake("verifyAttributes", directory, { trust, formats: [] })).toContain('"formats" must be a list');
		expect(await mistake("compileTrustIndex", [], { output: catalog, signer, trust })).toContain(
			'"directories" must be',
		);
	});

	it("refuses pins that are no Map", async () => {
		const usurper = Object.create(Map.prototype);
		for (const pins of [new URLSearchParams(), {}, [], new Set(), new WeakMap(), usurper, { get() {}, entries() {} }]) {
			expect(await mistake("verifyPath", directory, { trust: { ...trust, pins } })).toContain(
				'"trust.pins" must be a Map of pins by their SHA-256, not ',
			);
		}
		const pins = new Map([["a".repeat(64), "label"]]);
		expect(await mistake("verifyPath", directory, { trust: { ...trust, pins } })).toContain(
			'"trust.pins" has a value that',
		);
	});

	it("a message does not contain the value, which could be a passphrase", async () => {
		const options = { file: "f", passphrase: "secret" };
		expect(await mistake("openPkcs12Signer", options)).toBe(
			'Cannot call openPkcs12Signer(): "passphrase" must be a function, not text',
		);
	});
});
