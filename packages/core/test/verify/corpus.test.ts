/**
 * Compares twenty real catalogs with known facts: members and tags, the verdicts of osslsigncode, and every member
 * file. The catalogs are not part of the repository. Without them these tests are skipped.
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { NULL } from "../../dist/asn1/der.js";
import { inspectCatalog } from "../../dist/inspect/inspect.js";
import { certificatesFromPem } from "../../dist/pki/certificate.js";
import { encodeAttribute, parseSignedData, withUnsignedAttributes } from "../../dist/pki/cms.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { verifyCatalog } from "../../dist/verify/verify-catalog.js";

const CORPUS = join(import.meta.dirname, "../../../../../shared/corpus");
const hasCorpus = existsSync(join(CORPUS, "MANIFEST.txt"));

interface Member {
	readonly tag?: string;
	readonly t?: string;
	readonly file?: string;
	/**
	 * The digest that matched, such as `flat-sha1` or `pe-sha256`. It is `crlf-sha1` if it matched only with the
	 * original line ends.
	 */
	readonly how?: string;
	readonly local?: string;
	readonly mi: string;
	readonly spcType: string;
}

interface Sample {
	readonly name: string;
	readonly directory: string;
	readonly catalog: string;
	readonly meta: {
		readonly version: number;
		readonly entries: number;
		readonly files: number;
		readonly digestAlg: string;
		readonly signer: string;
		readonly members: readonly Member[];
	};
	/** The verdict of osslsigncode on the catalog. */
	readonly accepted: boolean;
}

function samples(): Sample[] {
	if (!hasCorpus) return [];
	const manifest = readFileSync(join(CORPUS, "MANIFEST.txt"), "utf8");
	return readdirSync(CORPUS)
		.filter((name) => existsSync(join(CORPUS, name, "meta.json")))
		.map((name) => {
			const directory = join(CORPUS, name);
			const catalog = readdirSync(directory).find((file) => file.endsWith(".cat")) ?? "";
			const verdict = /osslsigncode: cat rc=(\d)/.exec(manifest.slice(manifest.indexOf(`\n${name}/`)));
			return {
				name,
				directory,
				catalog: join(directory, catalog),
				meta: JSON.parse(readFileSync(join(directory, "meta.json"), "utf8")),
				accepted: verdict?.[1] === "0",
			};
		});
}

const SAMPLES = samples();
const SHA1 = "1.3.14.3.2.26";
/** The catalog whose issuer is signed with MD5. osslsigncode accepts it, because its built-in whitelist has the issuer. */
const MD5_AUTHORITY = "arduino-430cdc-f647fe06";

/** The expected code and message under the profile windows-legacy, by the name of the catalog. */
const REFUSED: Readonly<Record<string, readonly [code: string, reason: RegExp]>> = {
	[MD5_AUTHORITY]: ["ERR_WEAK_DIGEST", /MD5 is no evidence/],
	"arduino-arduino-79a2f22f": ["ERR_CERTIFICATE_EXPIRED", /it expired on 2013-12-19T19:46:35Z/],
	// The signature does not contain the name of its digest, which OpenSSL refuses too.
	"arduino-arduino-org-ade6926c": [
		"ERR_CERTIFICATE_EXPIRED",
		/2019-01-05.*its timestamp was not used: .*does not match/,
	],
	"arduino-ftdibus-05035ff5": ["ERR_CERTIFICATE_EXPIRED", /2006-08-07.*its timestamp was not used: .*MD5/],
	"arduino-linino-boards_amd64-c75a996c": [
		"ERR_CERTIFICATE_EXPIRED",
		/2015-01-27.*its timestamp was not used: .*does not match/,
	],
	"jsign-wineyes-2008a529": ["ERR_UNSIGNED", /it is not signed/],
	"osslsigncode-unsigned-7c48c6f4": ["ERR_UNSIGNED", /it is not signed/],
	"pester-catalog-d9e05930": ["ERR_CERTIFICATE_EXPIRED", /2018-06-01.*its timestamp was not used: .*does not match/],
	"windows-driver-tidepoolhid-bedf2513": ["ERR_UNSIGNED", /it is not signed/],
};

const trust = () => trustFromCertificates(certificatesFromPem(readFileSync(join(CORPUS, "CAfile-all.pem"), "latin1")));
const tagOf = ({ tag, t }: Member) => tag ?? t ?? "";

describe.skipIf(!hasCorpus)("real catalogs", () => {
	test("there are twenty", () => expect(SAMPLES).toHaveLength(20));

	test.each(SAMPLES)("$name: members and tags", ({ catalog, meta }) => {
		const inspection = inspectCatalog(readFileSync(catalog));
		expect(inspection.version).toBe(meta.version);
		expect(inspection.members).toHaveLength(meta.entries);
		expect(inspection.anomalies).toEqual([]);
		const counted = inspection.members.filter(
			({ digestAlgorithm }) => meta.version === 1 || digestAlgorithm === "sha256",
		);
		expect([...new Set(counted.map(({ digest }) => digest))].sort()).toEqual(
			[...new Set(meta.members.map(tagOf))].sort(),
		);
		for (const member of meta.members) {
			const found = counted.find(({ digest }) => digest === tagOf(member));
			const kind = {
				"1.3.6.1.4.1.311.2.1.15": "pe",
				"1.3.6.1.4.1.311.2.1.25": "flat",
				"1.3.6.1.4.1.311.2.1.28": "cab",
			};
			expect(found?.subject).toBe(kind[member.spcType as keyof typeof kind]);
			if (member.file !== undefined && found?.name !== undefined) expect(found.name).toBe(member.file);
		}
	});

	const judge = (catalog: string) =>
		verifyCatalog(readFileSync(catalog), { trust: trust(), profile: "windows-legacy" });

	const signed = SAMPLES.filter(({ meta }) => meta.signer !== "-");
	test.each(signed)("$name: unsigned attributes are replaced, and nothing else", ({ catalog }) => {
		const bytes = readFileSync(catalog);
		const [{ unsignedAttributes }, ...others] = parseSignedData(bytes, "catalog").signers;
		expect(others).toEqual([]);
		const attributes = unsignedAttributes.map(({ oid, values }) => encodeAttribute(oid, ...values));
		const same = Buffer.concat(withUnsignedAttributes(bytes, attributes));
		if (attributes.length > 0) expect(same.equals(bytes)).toBe(true);
		const stamped = Buffer.concat(withUnsignedAttributes(bytes, [encodeAttribute("1.2.3", NULL)]));
		const before = parseSignedData(bytes, "catalog");
		const after = parseSignedData(stamped, "catalog");
		expect(after.signers[0].unsignedAttributes).toEqual([{ oid: "1.2.3", values: [Buffer.from(NULL)] }]);
		expect(Buffer.compare(after.signers[0].signature, before.signers[0].signature)).toBe(0);
		expect(after.certificates.length).toBe(before.certificates.length);
	});

	const dated = SAMPLES.filter(({ name, accepted }) => accepted && name !== MD5_AUTHORITY);
	test.each(dated)("$name: judged at the time of its timestamp, as osslsigncode reads it", ({ catalog, directory }) => {
		const { judgedAt, warnings } = judge(catalog);
		const said = /Timestamp time: (.*)/.exec(readFileSync(join(directory, "osslsigncode", "cat.txt"), "utf8"));
		expect(judgedAt.source).toMatch(/^(rfc3161|countersignature)$/);
		expect(Math.floor(judgedAt.at / 1000) * 1000).toBe(Date.parse(said?.[1] ?? ""));
		expect(warnings.filter((warning) => warning.includes("timestamp"))).toEqual([]);
	});

	test("refuses the catalogs that osslsigncode refuses, and one that it accepts by name", () => {
		const refused = SAMPLES.filter(({ name, accepted }) => !accepted || name === MD5_AUTHORITY);
		expect(refused.map(({ name }) => name)).toEqual(Object.keys(REFUSED).sort());
	});

	const refused = SAMPLES.filter(({ name }) => Object.hasOwn(REFUSED, name));
	test.each(refused)("$name: is refused with the right reason", ({ name, catalog }) => {
		const [code, reason] = REFUSED[name];
		expect(() => judge(catalog)).toThrowError(
			expect.objectContaining({ code, message: expect.stringMatching(reason) }),
		);
	});

	test.each(SAMPLES)("$name: SHA-1 is refused with that reason by default", ({ catalog, meta, accepted }) => {
		const verify = () => verifyCatalog(readFileSync(catalog), { trust: trust() });
		if (meta.digestAlg === SHA1) expect(verify).toThrowError(expect.objectContaining({ code: "ERR_WEAK_DIGEST" }));
		else if (!accepted) expect(verify).toThrowError(expect.objectContaining({ code: "ERR_UNSIGNED" }));
	});

	test.each(SAMPLES)("$name: as operand needs a root or the signature alone", async ({ name, catalog, accepted }) => {
		const options = { trust: trust(), profile: "windows-legacy" } as const;
		await expect(verifyPath(catalog, options)).rejects.toMatchObject({
			code: "ERR_USAGE",
			message: expect.stringMatching(/--root.*--signature-only/),
		});
		const alone = verifyPath(catalog, { ...options, extent: "signature" });
		if (Object.hasOwn(REFUSED, name)) await expect(alone).rejects.toMatchObject({ code: REFUSED[name][0] });
		else await expect(alone).resolves.toMatchObject({ verdict: "signed", match: "none", root: undefined });
		expect(Object.hasOwn(REFUSED, name)).toBe(!accepted || name === MD5_AUTHORITY);
	});

	const accepted = SAMPLES.filter(({ name, accepted }) => accepted && name !== MD5_AUTHORITY);
	const present = accepted.filter(({ directory }) => existsSync(join(directory, "members")));
	test.each(present)(
		"$name: every member file, and text members with LF named as such",
		async ({ directory, catalog, meta }) => {
			const options = { trust: trust(), profile: "windows-legacy", catalogs: [catalog], match: "digest" } as const;
			for (const { local, how } of meta.members) {
				if (local === undefined) continue;
				const file = join(directory, local);
				expect((await verifyPath(file, options)).findings).toEqual([]);
				if (how?.startsWith("crlf") !== true) continue;
				const scratch = mkdtempSync(join(tmpdir(), "sigtool-lf-"));
				const withLf = join(scratch, "member");
				writeFileSync(withLf, readFileSync(file, "latin1").replaceAll("\r\n", "\n"), "latin1");
				expect((await verifyPath(withLf, options)).findings).toMatchObject([
					{ code: "ERR_NOT_A_MEMBER", message: expect.stringContaining("with CRLF line ends it would be") },
				]);
				rmSync(scratch, { recursive: true });
			}
		},
	);
});
