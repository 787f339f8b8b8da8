import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { encode, integer, octetString, oid, sequence, TAG } from "../../dist/asn1/der.js";
import { SigtoolError } from "../../dist/errors.js";
import { parseRevocationList, type RevocationList, statementOfList } from "../../dist/pki/crl.js";
import { judgeRevocation } from "../../dist/pki/revocation.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import type { UsedCatalog } from "../../dist/verify/used-catalog.js";
import { checkRevocation } from "../../dist/verify/verify-revocation.js";
import { OCSP_SIGNER, sendResponse } from "./local-ca.js";
import { type LocalServer, serve } from "./local-tsa.js";
import { AUTHORITY, CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "./openssl.js";
import {
	type AnswerRow,
	type Case,
	type Hours,
	type ListRow,
	REVOCATION_CASES,
	type ResponseRow,
	type Spelling,
} from "./revocation-cases.js";
import {
	detailExtensions,
	type Entry,
	type ExtensionContent,
	encodeList,
	encodeResponse,
	enumerated,
	generalizedTime,
	type ListContent,
} from "./revocation-sources.js";

/** The time is a whole second, because encoded times have whole seconds. */
const NOW = Math.floor(Date.now() / 1000) * 1000;
const at = (hours: Hours) => NOW + Math.round(hours * 3600) * 1000;
const databaseDate = (hours: Hours) => new Date(at(hours)).toISOString().slice(0, 19).replace(/[-:T]/g, "").concat("Z");

const SERIAL = Buffer.from("1001", "hex");

const TRUE = Uint8Array.of(0xff);
const point = (name: string) => encode(0xa0, encode(0xa0, encode(0x86, Buffer.from(`http://crl.example/${name}`))));
const scope = (...parts: Uint8Array[]) => ({ oid: "2.5.29.28", value: sequence(...parts) });
const EXTENSIONS: Readonly<Record<string, ExtensionContent>> = {
	delta: { oid: "2.5.29.27", value: integer(1) },
	"some reasons": scope(encode(0x83, Uint8Array.of(5, 0x60))),
	indirect: scope(encode(0x84, TRUE)),
	"attribute certificates": scope(encode(0x85, TRUE)),
	"relative point": scope(encode(0xa0, encode(0xa1, sequence(oid("2.5.4.3"), encode(0x0c, Buffer.from("x")))))),
	"only users": scope(encode(0x81, TRUE)),
	"only authorities": scope(encode(0x82, TRUE)),
	"point 1": scope(point("1")),
	"point 2": scope(point("2")),
	unknown: { oid: "1.2.3.4", value: integer(1) },
	"issuer of the entry": { oid: "2.5.29.29", value: sequence(encode(0x82, Buffer.from("other.example"))) },
	"keeps expired": { oid: "2.5.29.60", value: generalizedTime(0) },
	"keeps later": { oid: "2.5.29.60", value: generalizedTime(at(-99)) },
	"key compromise": { oid: "2.5.29.21", value: enumerated(1) },
	"invalid since 12 hours ago": detailExtensions(undefined, at(-12))[0],
	"reason as INTEGER": { oid: "2.5.29.21", value: integer(1) },
	"reason of five bytes": { oid: "2.5.29.21", value: encode(TAG.ENUMERATED, Buffer.alloc(5, 1)) },
	"empty reason": { oid: "2.5.29.21", value: new Uint8Array() },
	"malformed invalidity date": { oid: "2.5.29.24", value: encode(TAG.GENERALIZED_TIME, Buffer.from("202601010000Z")) },
	nonce: { oid: "1.3.6.1.5.5.7.48.1.2", value: octetString(Buffer.alloc(32, 7)) },
};

interface Judged {
	readonly verdict: string;
	readonly reason: string;
	readonly warnings: readonly string[];
}

/** Returns the extension with this name. If the name ends in ", critical", the extension is critical. */
function extensionNamed(name: string): ExtensionContent {
	const [, base, critical] = /^(.*?)(, critical)?$/.exec(name) ?? [];
	const found = EXTENSIONS[base ?? ""];
	if (found === undefined) throw new Error(`no extension is named ${name}`);
	return { ...found, critical: critical !== undefined };
}

const SERIALS = {
	another: Buffer.from("1002", "hex"),
	"not minimal": Buffer.from("001001", "hex"),
	empty: Buffer.alloc(0),
} as const;

/** These elements are times that DER does not allow. */
const MALFORMED_DATES = {
	"with an offset": encode(TAG.UTC_TIME, Buffer.from("260101000000+0000")),
	"without seconds": encode(TAG.UTC_TIME, Buffer.from("2601010000Z")),
} as const;

/** The lines of OpenSSL's configuration that give a certificate its distribution points. */
const POINTS: Readonly<Partial<Record<string, readonly string[]>>> = {
	points: ["crlDistributionPoints=URI:http://crl.example/1"],
	"some reasons": [
		"crlDistributionPoints=some,all",
		...["[some]", "fullname=URI:http://crl.example/1", "reasons=superseded,cessationOfOperation"],
		...["[all]", "fullname=URI:http://crl.example/2"],
	],
};

const commonName = (tag: number, text: string) => {
	return sequence(encode(TAG.SET, sequence(oid("2.5.4.3"), encode(tag, Buffer.from(text)))));
};
const SPELLINGS: Readonly<Record<Spelling, Uint8Array>> = {
	PrintableString: commonName(TAG.PRINTABLE_STRING, "Root"),
	"upper case": commonName(TAG.UTF8_STRING, "ROOT"),
	"spaces around it": commonName(TAG.UTF8_STRING, "  Root "),
	"another name": commonName(TAG.UTF8_STRING, "R oot"),
};

const manyExtensions = (count: number) => {
	return Array.from({ length: count }, (_, number) => ({ oid: `1.2.3.${number}`, value: integer(1) }));
};

describe("the decision table of revocation", () => {
	let workshop: Workshop;
	let responder: LocalServer;
	let answer: Uint8Array | undefined;
	let root: Issued;
	let other: Issued;
	let rootWithoutLists: Issued;
	let delegates: Readonly<Record<string, Issued>>;
	const certificates = new Map<string, Issued>();

	beforeAll(async () => {
		workshop = openWorkshop();
		responder = await serve((exchange) => {
			if (answer === undefined) exchange.response.writeHead(404).end();
			else sendResponse(exchange, answer);
		});
		root = workshop.issue({ subject: "/CN=Root", key: "p256" });
		other = workshop.issue({ subject: "/CN=Other root", key: "p256" });
		const extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign", AUTHORITY[2]];
		rootWithoutLists = workshop.issue({ subject: "/CN=Root", extensions, sameKeyAs: root });
		const responderOf = (issuer: Issued, more: object = {}) => {
			return workshop.issue({ subject: "/CN=Responder", issuer, key: "p256", extensions: OCSP_SIGNER, ...more });
		};
		delegates = {
			delegate: responderOf(root),
			"delegate without usage": responderOf(root, { extensions: CODE_SIGNER }),
			"expired delegate": responderOf(root, { notAfter: databaseDate(-5) }),
			"delegate of another": responderOf(other),
			"other key": other,
		};
	});
	afterAll(async () => {
		await responder.close();
		workshop.remove();
	});

	/** Returns a certificate with the serial number 1001, issued by "Root". Each kind of certificate is made once. */
	function certificateFor({ certificate, response, isAuthorityOfTime }: Case): Issued {
		const kind = [certificate, response !== undefined, isAuthorityOfTime].join();
		const known = certificates.get(kind);
		if (known !== undefined) return known;
		const extensions = [
			...CODE_SIGNER,
			...(certificate === undefined ? [] : (POINTS[certificate] ?? [])),
			...(response === undefined ? [] : [`authorityInfoAccess=OCSP;URI:${responder.url}`]),
		];
		const notAfter = certificate === "expired" ? { notAfter: databaseDate(-100) } : {};
		const order = {
			subject: "/CN=Leaf",
			issuer: root,
			key: "p256",
			serial: "1001",
			extensions,
			...notAfter,
		} as const;
		const issued = workshop.issue(order);
		certificates.set(kind, issued);
		return issued;
	}

	function listOf({ from = -1, next = 24, revoked = [], extensions = [], by, spelling }: ListRow): Uint8Array {
		const content: ListContent = {
			thisUpdate: at(from),
			nextUpdate: next === null ? undefined : at(next),
			issuer: by === "other issuer" ? other : root,
			...(spelling !== undefined && { issuerName: SPELLINGS[spelling] }),
			entries: revoked.map(({ serial, at: date, why, invalid, extensions: more = [], more: count = 0 }): Entry => {
				return {
					serial: serial === undefined ? SERIAL : SERIALS[serial],
					revokedAt: typeof date === "number" ? at(date) : MALFORMED_DATES[date],
					reason: why,
					invalidSince: invalid === undefined ? undefined : at(invalid),
					extensions: [...more.map(extensionNamed), ...manyExtensions(count)],
				};
			}),
			extensions: extensions.map(extensionNamed),
		};
		if (by === "other key") return encodeList({ ...content, signer: other });
		return encodeList(by === "SHA-1" ? { ...content, digest: "sha1" } : content);
	}

	function responseOf({ answers = [], by, failure, extensions = [] }: ResponseRow): Uint8Array {
		const encodable = ({ status, from = -1, next = 24, serial, extensions: more = [] }: AnswerRow) => {
			return {
				serial: serial === undefined ? SERIAL : SERIALS[serial],
				status: typeof status === "string" ? status : { revokedAt: at(status.at), reason: status.why },
				thisUpdate: at(from),
				nextUpdate: next === null ? undefined : at(next),
				extensions: more.map(extensionNamed),
			};
		};
		const content = {
			answers: answers.map(encodable),
			issuer: root,
			failure,
			extensions: extensions.map(extensionNamed),
		};
		const signer = by === undefined ? undefined : delegates[by];
		// The certificate of the signer is left out, so nothing in the response shows who signed it.
		return encodeResponse({ ...content, signer, ...(by === "other key" && { certificates: "none" }) });
	}

	/** Judges the certificate of a row by its sources. `reason` is the text that explains the verdict. */
	async function judge(row: Case, lists: readonly Uint8Array[], ocsp: "require" | "prefer"): Promise<Judged> {
		const issuer = row.lists?.some(({ by }) => by === "without cRLSign") === true ? rootWithoutLists : root;
		const chain = [certificateFor(row).certificate, issuer.certificate];
		const moment = {
			at: row.proven === undefined ? NOW : at(row.proven),
			source: row.proven === undefined ? "now" : "rfc3161",
		};
		// The check of revocation reads only these members, so the type assertion is safe.
		const catalog = {
			...{ file: "x.cat", bytes: new Uint8Array(), warnings: [], judgedAt: moment },
			signer: { chain, trustedBy: { kind: "authority" } },
		} as unknown as UsedCatalog;
		try {
			const read: RevocationList[] = lists.map((der, number) => parseRevocationList(der, nameOf(row, der, number)));
			if (row.isAuthorityOfTime) {
				const statements = read.flatMap((list) => statementOfList(list, chain[0], chain[1], "default") ?? []);
				const judgement = { at: moment.at, time: "proven", now: NOW, purpose: "timeStamping" } as const;
				const { status, statement } = judgeRevocation(chain[0], { statements, reasons: [] }, judgement);
				return { verdict: status, reason: String(statement?.source), warnings: [] };
			}
			const trust = trustFromCertificates([root.certificate]);
			const [checked] = await checkRevocation([catalog], { trust, revocation: { lists: read, ocsp } });
			const [status] = checked.revocation ?? [];
			const reason = status.status === "unknown" ? checked.warnings.join() : String(status.statement?.source);
			return { verdict: status.status, reason, warnings: checked.warnings };
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			const verdict = {
				ERR_CERTIFICATE_REVOKED: "revoked",
				ERR_CERTIFICATE_EXTENSION: "refused",
				ERR_DER: "refused",
			} as const;
			const code = verdict[error.code as keyof typeof verdict] ?? error.code;
			return { verdict: code, reason: error.message, warnings: [] };
		}
	}

	/** Returns the name of a list, which has the list's number in the row. The lists may be given in another order. */
	function nameOf({ lists = [] }: Case, der: Uint8Array, number: number): string {
		const original = made.get(lists)?.findIndex((each) => Buffer.compare(each, der) === 0) ?? number;
		return `list ${original + 1}`;
	}
	const made = new Map<readonly ListRow[], readonly Uint8Array[]>();

	/** Returns the verdict of OpenSSL on the same bytes, for now. */
	function askOpenssl(row: Case, lists: readonly Uint8Array[]): string {
		const issuer = row.lists?.some(({ by }) => by === "without cRLSign") === true ? rootWithoutLists : root;
		const leaf = certificateFor(row);
		const verdicts: string[] = [];
		if (lists.length > 0) {
			const files = lists.flatMap((der, number) => {
				const base64 =
					Buffer.from(der)
						.toString("base64")
						.match(/.{1,64}/g) ?? [];
				const pem = ["-----BEGIN X509 CRL-----", ...base64, "-----END X509 CRL-----", ""].join("\n");
				return ["-CRLfile", workshop.write(`${number}.crl`, pem)];
			});
			const args = ["verify", "-crl_check", "-CAfile", issuer.file, ...files, leaf.file];
			const { stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
			const numbers = [...`${stdout}${stderr}`.matchAll(/^error (\d+) at/gm)].map(([, number]) => number);
			const other = stderr.includes("Could not find other CRLs") ? "unreadable" : stderr;
			verdicts.push(`crl ${numbers.join(" ") || (stdout.endsWith(": OK\n") ? "good" : other)}`);
		}
		if (row.response !== undefined && answer !== undefined) {
			const file = join(workshop.directory, "response.der");
			writeFileSync(file, answer);
			const args = [
				"ocsp",
				"-respin",
				file,
				"-issuer",
				root.file,
				"-cert",
				leaf.file,
				"-CAfile",
				root.file,
				"-no_nonce",
			];
			const { stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
			const status = /: (good|revoked|unknown)$/m.exec(stdout)?.[1] ?? "no status";
			const isVerified = status === "no status" || stderr.includes("Response verify OK");
			const isTimely = !`${stdout}${stderr}`.includes("Status times invalid");
			verdicts.push(`ocsp ${status}${isVerified ? "" : ", not verified"}${isTimely ? "" : ", times invalid"}`);
		}
		return verdicts.join("; ");
	}

	it("has at least 120 cases of different names, each with the section of an RFC", () => {
		expect(new Set(REVOCATION_CASES.map(({ name }) => name)).size).toBe(REVOCATION_CASES.length);
		expect(REVOCATION_CASES.length).toBeGreaterThanOrEqual(120);
		for (const { name, rfc } of REVOCATION_CASES) expect(rfc, name).toMatch(/^\d{4} §/);
	});

	it.each(REVOCATION_CASES)("$name: $verdict ($rfc)", async (row) => {
		const lists = (row.lists ?? []).map(listOf);
		if (row.lists !== undefined) made.set(row.lists, lists);
		answer = row.response && responseOf(row.response);

		const preferred = await judge(row, lists, "prefer");
		expect(preferred).toMatchObject({ verdict: row.verdict, reason: expect.stringContaining(row.reason) });
		if (row.verdict === "good") {
			const warnings = row.warning === undefined ? [] : [expect.stringContaining(row.warning)];
			expect(preferred.warnings).toEqual(warnings);
		}
		const required = await judge(row, lists, "require");
		expect(required.verdict).toBe(row.verdict === "unknown" ? "ERR_REVOCATION_UNKNOWN" : row.verdict);
		if (row.verdict === "unknown") expect(required.reason).toContain(row.reason);
		if (lists.length > 1) {
			const { verdict, reason } = await judge(row, lists.toReversed(), "prefer");
			expect([verdict, reason.includes(row.reason)], `in reverse: ${reason}`).toEqual([row.verdict, true]);
		}

		const theirs = askOpenssl(row, lists);
		expect(theirs).toBe(row.openssl);
		if (!agrees(row.verdict, theirs)) expect(row.because, `OpenSSL says ${theirs}`).toBeDefined();
	});
});

/** Returns true if OpenSSL has the same result: good, revoked, or neither. */
function agrees(verdict: Case["verdict"], theirs: string): boolean {
	const isRevoked = /\b23\b|revoked/.test(theirs);
	const isGood = theirs.split("; ").every((each) => / good$/.test(each));
	if (verdict === "revoked") return isRevoked;
	if (verdict === "good") return isGood;
	return verdict !== "revoked-later" && !isRevoked && !isGood;
}
