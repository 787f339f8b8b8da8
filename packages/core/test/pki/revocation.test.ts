import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encode, encodeParts, integer, sequence, TAG, time } from "../../dist/asn1/der.js";
import { SigtoolError } from "../../dist/errors.js";
import type { Certificate } from "../../dist/pki/certificate.js";
import { parseRevocationList, revocationListsFromFileBytes, statementOfList } from "../../dist/pki/crl.js";
import { encodeOcspRequest, responderUrls, statementOfResponse } from "../../dist/pki/ocsp.js";
import { decodePem } from "../../dist/pki/pem-blocks.js";
import { judgeRevocation, type RevocationStatement } from "../../dist/pki/revocation.js";
import { issueList, OCSP_SIGNER, respond } from "./local-ca.js";
import { CODE_SIGNER, hasOpenssl, type Issued, openWorkshop, type Workshop } from "./openssl.js";

const DAY = 86_400_000;
const NOW = Date.UTC(2030, 0, 1);

describe("judgeRevocation()", () => {
	const expired = { notAfter: NOW - 100 * DAY, subject: { text: "CN=Old" } } as Certificate;
	const valid = { ...expired, notAfter: NOW + 100 * DAY };
	const good = (thisUpdate: number, more: Partial<RevocationStatement> = {}): RevocationStatement => {
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
		judgeRevocation(certificate, { statements, reasons: [] }, { at, now: NOW, purpose: "codeSigning" }).status;

	it.each<[what: string, certificate: Certificate, statement: RevocationStatement, at: number, status: string]>([
		["fresh", valid, good(NOW - DAY), NOW, "good"],
		["of a minute to come, as clocks differ", valid, good(NOW + 60_000), NOW, "good"],
		["of an hour to come", valid, good(NOW + DAY / 24), NOW, "unknown"],
		["past its next update", valid, good(NOW - 8 * DAY), NOW, "unknown"],
		["past its next update, though younger than the timestamp", valid, good(NOW - 8 * DAY), NOW - 9 * DAY, "unknown"],
		["of yesterday, with no next update", valid, good(NOW - DAY, { nextUpdate: undefined }), NOW, "good"],
		["of the day before, with no next update", valid, good(NOW - 2 * DAY, { nextUpdate: undefined }), NOW, "unknown"],
		["of after the timestamp, before the certificate expired", expired, good(NOW - 101 * DAY), NOW - 102 * DAY, "good"],
		[
			"of before the timestamp, the certificate having expired",
			expired,
			good(NOW - 103 * DAY),
			NOW - 102 * DAY,
			"unknown",
		],
		["of after the certificate expired", expired, good(NOW - DAY), NOW - 102 * DAY, "unknown"],
		[
			"the same, with expired certificates in it",
			expired,
			good(NOW - DAY, { expiredSince: 0 }),
			NOW - 102 * DAY,
			"good",
		],
		[
			"the same, with those that expired since",
			expired,
			good(NOW - DAY, { expiredSince: NOW - 99 * DAY }),
			NOW - 102 * DAY,
			"unknown",
		],
	])("a source that is %s", (_, certificate, statement, at, status) => {
		expect(judge(certificate, [statement], at)).toBe(status);
	});

	it("takes the revocation that reaches back furthest, whatever else is said", () => {
		const revoked = (revokedAt: number) => good(revokedAt, { status: "revoked", revokedAt });
		expect(judge(valid, [revoked(NOW - DAY), good(NOW)], NOW - 2 * DAY)).toBe("revoked-later");
		expect(() => judge(valid, [revoked(NOW - DAY), revoked(NOW - 3 * DAY), good(NOW)], NOW - 2 * DAY)).toThrow(
			/revoked on 2029-12-29/,
		);
		expect(() => judge(valid, [revoked(NOW)], NOW)).toThrow(SigtoolError);
	});
});

describe.skipIf(!hasOpenssl)("what openssl issues", () => {
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
			serial: "0x1001",
			key: "p256",
		});
		const responder = workshop.issue({ subject: "/CN=Responder", issuer: root, extensions: OCSP_SIGNER, key: "p256" });
		const entries = [
			{ serial: "0FFF", revoked: "250101000000Z" },
			{ serial: "1001" },
			{ serial: "1002", revoked: "250101000000Z" },
		];
		[list] = decodePem(readFileSync(issueList(workshop, root, entries), "latin1"), "X509 CRL");
		response = respond(workshop, encodeOcspRequest(question()), root, responder, entries);
	});
	afterAll(() => workshop.remove());

	const question = () => ({ certificate: leaf.certificate, issuer: root.certificate, nonce });
	const ofList = (octets: Uint8Array) =>
		statementOfList(parseRevocationList(octets, "list"), leaf.certificate, root.certificate, "default");
	const ofResponse = (octets: Uint8Array) =>
		statementOfResponse(octets, question(), { source: "responder", now: Date.now(), profile: "default" });

	it("names the responders that are asked by HTTP", () => {
		expect(responderUrls(leaf.certificate)).toEqual(["http://a.example/"]);
		expect(responderUrls(root.certificate)).toEqual([]);
	});

	it("is read from DER and PEM", () => {
		expect(revocationListsFromFileBytes(list, "list")).toHaveLength(1);
		const pem = `-----BEGIN X509 CRL-----\n${Buffer.from(list).toString("base64")}\n-----END X509 CRL-----\n`;
		expect(revocationListsFromFileBytes(Buffer.from(pem + pem), "list")).toHaveLength(2);
		expect(ofList(list)?.status).toBe("good");
		expect(ofResponse(response).status).toBe("good");
	});

	it("cut short or altered in any octet ends in a SigtoolError or says the same", () => {
		for (const [octets, statement] of [
			[list, ofList],
			[response, ofResponse],
		] as const) {
			const original = JSON.stringify(statement(octets));
			for (let position = 0; position < octets.length; position++) {
				const altered = Buffer.from(octets);
				altered[position] ^= 1 << (position % 8);
				for (const each of [altered, octets.subarray(0, position)]) {
					try {
						// Undefined: a list of another issuer.
						expect([original, undefined], `octet ${position}`).toContain(JSON.stringify(statement(each)));
					} catch (error) {
						if (!(error instanceof SigtoolError)) throw error;
					}
				}
			}
		}
	});

	it("a list that writes a serial number with a zero in front is refused, as it would not be found", () => {
		const parsed = parseRevocationList(list, "list");
		const padded = sequence(encode(TAG.INTEGER, Buffer.from("001001", "hex")), time(NOW));
		expect(() =>
			statementOfList({ ...parsed, entries: sequence(padded) }, leaf.certificate, root.certificate, "default"),
		).toThrow("INTEGER is not minimal");
	});

	it("a list of 200,000 certificates is looked through, not unfolded", () => {
		const parsed = parseRevocationList(list, "list");
		const entries = encodeParts(
			TAG.SEQUENCE,
			Array.from({ length: 200_000 }, (_, n) => {
				const serial = BigInt(`0x${createHash("md5").update(String(n)).digest("hex")}`);
				return sequence(integer(serial), time(NOW));
			}),
		);
		// The signature is not that of these entries: every list is looked through after it was checked.
		expect(() =>
			statementOfList({ ...parsed, tbs: entries, entries }, leaf.certificate, root.certificate, "default"),
		).toThrow("did not sign it");
		expect(statementOfList({ ...parsed, entries }, leaf.certificate, root.certificate, "default")?.status).toBe("good");
	});
});
