import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encode, encodeParts, integer, sequence, TAG, time } from "../../dist/asn1/der.js";
import { SigtoolError } from "../../dist/errors.js";
import type { Certificate } from "../../dist/pki/certificate.js";
import { parseRevocationList, revocationListsFromFileBytes, statementOfList } from "../../dist/pki/crl.js";
import { encodeOcspRequest, responderUrls, statementOfResponse } from "../../dist/pki/ocsp.js";
import { decodePem } from "../../dist/pki/pem-blocks.js";
import { judgeRevocation, type RevocationStatement, type StatementSource } from "../../dist/pki/revocation.js";
import { issueList, OCSP_SIGNER, respond } from "./local-ca.js";
import { CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "./openssl.js";

const DAY = 86_400_000;
const NOW = Date.UTC(2030, 0, 1);

describe("judgeRevocation()", () => {
	const expired = { notAfter: NOW - 100 * DAY, subject: { text: "CN=Old" } } as Certificate;
	const valid = { ...expired, notAfter: NOW + 100 * DAY };
	const good = (thisUpdate: number, more: Partial<StatementSource> = {}): RevocationStatement => {
		return {
			source: "list",
			status: "good",
			thisUpdate,
			nextUpdate: thisUpdate + 7 * DAY,
			expiredSince: undefined,
			...more,
		};
	};
	const judge = (certificate: Certificate, statements: RevocationStatement[], at = NOW) =>
		judgeRevocation(certificate, { statements, reasons: [] }, { at, time: "proven", now: NOW, purpose: "codeSigning" })
			.status;

	it("says that a later revocation voids all timestamps of an authority, or that no timestamp shows an age", () => {
		const revoked = (reason: number, revokedAt: number): RevocationStatement => {
			return { ...good(NOW - DAY), status: "revoked", revokedAt, reason };
		};
		const explain = (
			time: "proven" | "assumed",
			purpose: "timeStamping" | "codeSigning",
			statement: RevocationStatement,
		) => {
			const judgement = { at: NOW - 10 * DAY, time, now: NOW, purpose } as const;
			try {
				judgeRevocation(valid, { statements: [statement], reasons: [] }, judgement);
			} catch (error) {
				return (error as SigtoolError).message.replace(/^.*judged at [^,]*/, "");
			}
			return "accepted";
		};
		const [compromise, superseded] = [1, 4];
		const [before, after] = [NOW - 20 * DAY, NOW - 5 * DAY];
		const voids = ", and a revocation for this reason voids all its timestamps, also earlier ones";
		expect(explain("proven", "timeStamping", revoked(compromise, after))).toBe(voids);
		expect(explain("proven", "timeStamping", revoked(compromise, before))).toBe("");
		expect(explain("proven", "timeStamping", revoked(superseded, before))).toBe("");
		expect(explain("proven", "timeStamping", revoked(superseded, after))).toBe("accepted");
		const undated = ", and no timestamp shows that the signature is older";
		expect(explain("assumed", "codeSigning", revoked(compromise, after))).toBe(undated);
	});

	it.each<[what: string, certificate: Certificate, statement: RevocationStatement, at: number, status: string]>([
		["fresh", valid, good(NOW - DAY), NOW, "good"],
		["dated a minute ahead, because clocks differ", valid, good(NOW + 60_000), NOW, "good"],
		["dated an hour ahead", valid, good(NOW + DAY / 24), NOW, "unknown"],
		["past its next update", valid, good(NOW - 8 * DAY), NOW, "unknown"],
		["past its next update, though younger than the timestamp", valid, good(NOW - 8 * DAY), NOW - 9 * DAY, "unknown"],
		["of yesterday, with no next update", valid, good(NOW - DAY, { nextUpdate: undefined }), NOW, "good"],
		["of the day before, with no next update", valid, good(NOW - 2 * DAY, { nextUpdate: undefined }), NOW, "unknown"],
		[
			"later than the timestamp, before the certificate expired",
			expired,
			good(NOW - 101 * DAY),
			NOW - 102 * DAY,
			"good",
		],
		[
			"earlier than the timestamp of a certificate that has expired",
			expired,
			good(NOW - 103 * DAY),
			NOW - 102 * DAY,
			"unknown",
		],
		["later than the expiry of the certificate", expired, good(NOW - DAY), NOW - 102 * DAY, "unknown"],
		[
			"later than the expiry, but keeps expired certificates",
			expired,
			good(NOW - DAY, { expiredSince: 0 }),
			NOW - 102 * DAY,
			"good",
		],
		[
			"later than the expiry, and keeps only certificates that expired later",
			expired,
			good(NOW - DAY, { expiredSince: NOW - 99 * DAY }),
			NOW - 102 * DAY,
			"unknown",
		],
	])("a source: %s", (_, certificate, statement, at, status) => {
		expect(judge(certificate, [statement], at)).toBe(status);
	});

	it("applies the earliest revocation, whatever other sources say", () => {
		const revoked = (revokedAt: number): RevocationStatement => {
			return { ...good(revokedAt), status: "revoked", revokedAt };
		};
		expect(judge(valid, [revoked(NOW - DAY), good(NOW)], NOW - 2 * DAY)).toBe("revoked-later");
		expect(() => judge(valid, [revoked(NOW - DAY), revoked(NOW - 3 * DAY), good(NOW)], NOW - 2 * DAY)).toThrow(
			/revoked on 2029-12-29/,
		);
		expect(() => judge(valid, [revoked(NOW)], NOW)).toThrow(SigtoolError);
	});
});

describe("lists and responses that openssl made", () => {
	let workshop: Workshop;
	let root: Issued;
	let leaf: Issued;
	let list: Uint8Array;
	let response: Buffer;
	const nonce = Buffer.alloc(32, 7);

	beforeAll(() => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root", key: "p256" });
		const urls =
			"authorityInfoAccess=OCSP;URI:http://a.example/,OCSP;URI:ldap://b.example/,caIssuers;URI:http://c.example/";
		leaf = workshop.issue({
			subject: "/CN=Leaf",
			issuer: root,
			extensions: [...CODE_SIGNER, urls],
			serial: "1001",
			key: "p256",
		});
		const responder = workshop.issue({ subject: "/CN=Responder", issuer: root, extensions: OCSP_SIGNER, key: "p256" });
		const entries = [
			{ serial: "0FFF", revoked: "250101000000Z" },
			{ serial: "1001" },
			{ serial: "1002", revoked: "250101000000Z" },
		];
		[list] = decodePem(readFileSync(issueList(workshop, root, entries)), "X509 CRL");
		response = respond(workshop, encodeOcspRequest(question()), root, responder, entries);
	});
	afterAll(() => workshop.remove());

	const question = () => ({ certificate: leaf.certificate, issuer: root.certificate, nonce });
	const ofList = (bytes: Uint8Array) =>
		statementOfList(parseRevocationList(bytes, "list"), leaf.certificate, root.certificate, "default");
	const ofResponse = (bytes: Uint8Array) =>
		statementOfResponse(bytes, question(), { source: "responder", now: Date.now(), profile: "default" });

	it("responderUrls() returns the HTTP responders that a certificate names", () => {
		expect(responderUrls(leaf.certificate)).toEqual(["http://a.example/"]);
		expect(responderUrls(root.certificate)).toEqual([]);
	});

	it("a list is read from DER and PEM", () => {
		expect(revocationListsFromFileBytes(list, "list")).toHaveLength(1);
		const pem = `-----BEGIN X509 CRL-----\n${Buffer.from(list).toString("base64")}\n-----END X509 CRL-----\n`;
		expect(revocationListsFromFileBytes(Buffer.from(pem + pem), "list")).toHaveLength(2);
		expect(ofList(list)?.status).toBe("good");
		expect(ofResponse(response).status).toBe("good");
	});

	it("a truncation or a change of any byte ends in a SigtoolError or in the same statement", () => {
		for (const [bytes, statement] of [
			[list, ofList],
			[response, ofResponse],
		] as const) {
			const original = JSON.stringify(statement(bytes));
			for (let position = 0; position < bytes.length; position++) {
				const altered = Buffer.from(bytes);
				altered[position] ^= 1 << (position % 8);
				for (const each of [altered, bytes.subarray(0, position)]) {
					try {
						// The result for a list of another issuer is undefined.
						expect([original, undefined], `byte ${position}`).toContain(JSON.stringify(statement(each)));
					} catch (error) {
						if (!(error instanceof SigtoolError)) throw error;
					}
				}
			}
		}
	});

	it("a list with a serial number that starts with an unnecessary zero is refused, because it would not be found", () => {
		const parsed = parseRevocationList(list, "list");
		const padded = sequence(encode(TAG.INTEGER, Buffer.from("001001", "hex")), time(NOW));
		expect(() =>
			statementOfList({ ...parsed, entries: sequence(padded) }, leaf.certificate, root.certificate, "default"),
		).toThrow("INTEGER is not minimal");
	});

	it("a list of 200,000 certificates is searched in place", () => {
		const parsed = parseRevocationList(list, "list");
		const entries = encodeParts(
			TAG.SEQUENCE,
			Array.from({ length: 200_000 }, (_, n) => {
				const serial = BigInt(`0x${createHash("md5").update(String(n)).digest("hex")}`);
				return sequence(integer(serial), time(NOW));
			}),
		);
		// The signature does not match these entries, so they are refused: a list is searched only after its
		// signature was checked.
		expect(() =>
			statementOfList({ ...parsed, tbs: entries, entries }, leaf.certificate, root.certificate, "default"),
		).toThrow("did not sign it");
		expect(statementOfList({ ...parsed, entries }, leaf.certificate, root.certificate, "default")?.status).toBe("good");
	});
});
