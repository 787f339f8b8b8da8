import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
	bitString,
	context,
	DerReader,
	encode,
	integer,
	NULL,
	octetString,
	oid,
	sequence,
	TAG,
} from "../../dist/asn1/der.js";
import type { ErrorCode } from "../../dist/errors.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { openPemSigner } from "../../dist/signer/pem.js";
import type { Verification } from "../../dist/verify/verification.js";
import { verifyPath } from "../../dist/verify/verify.js";
import {
	ASN1_STATUS,
	enumerated,
	explicitTime,
	forgeResponse,
	type ResponseForgery,
	serialNumber,
} from "../pki/forged-response.js";
import { algorithm, type Fields, generalizedTime, generalizedTimeOf, OIDS, OMITTED } from "../pki/forged-token.js";
import { OCSP_SIGNER, sendResponse } from "../pki/local-ca.js";
import { type Exchange, type LocalServer, serve } from "../pki/local-tsa.js";
import { CODE_SIGNER, type Issued, type Order, openWorkshop, type Workshop } from "../pki/openssl.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const REPLY = { "content-type": "application/ocsp-response" };
const ago = (milliseconds: number) => generalizedTimeOf(Date.now() - milliseconds);
const single = (changes: (fields: Fields) => Fields): ResponseForgery => ({ single: changes });
const critical = (name: string) => sequence(oid(name), encode(TAG.BOOLEAN, Uint8Array.of(0xff)), octetString(NULL));

/** A response that is wrong in one piece, or an answer that is wrong as a whole. */
type Hostility = ResponseForgery | ((exchange: Exchange, good: Uint8Array) => void);

/** The answers that prove nothing, each with the reason that is reported. */
const USELESS: Record<string, [reason: RegExp, hostility: Hostility]> = {
	// These answers are wrong in HTTP.
	"status 404": [/its status is 404/, ({ response }) => response.writeHead(404).end()],
	"status 202 and a good response": [
		/its status is 202/,
		({ response }, good) => response.writeHead(202, REPLY).end(good),
	],
	"a redirect that would turn the request into a GET": [
		/its status is 302/,
		({ response }) => response.writeHead(302, { location: "/tsr" }).end(),
	],
	"a redirect to itself": [
		/redirects more than 3 times/,
		({ response }) => response.writeHead(307, { location: "/tsr" }).end(),
	],
	"a connection that closes": [/the connection|socket hang up|reset/, ({ response }) => response.destroy()],
	"no type": [/of type ""/, ({ response }, good) => response.writeHead(200).end(good)],
	"an empty body": [/an element is missing/, (exchange) => sendResponse(exchange, OMITTED)],
	"a compressed body": [
		/it has an element of type 0x1f|OCSP response/,
		({ response }, good) => response.writeHead(200, { ...REPLY, "content-encoding": "gzip" }).end(gzipSync(good)),
	],
	"a body of more than 64 KiB": [/larger than 65536 bytes/, (exchange) => sendResponse(exchange, Buffer.alloc(65_537))],
	"one byte now and then": [
		/no answer within/,
		({ response }) => {
			response.writeHead(200, REPLY);
			const timer = setInterval(() => response.write("0"), 50);
			response.on("close", () => clearInterval(timer));
		},
	],
	// These answers are wrong in OCSPResponse.
	"an indefinite length": [
		/indefinite length/,
		(exchange) => sendResponse(exchange, Buffer.from("30800a01000000", "hex")),
	],
	"bytes behind": [/bytes behind/, (exchange, good) => sendResponse(exchange, Buffer.concat([good, NULL]))],
	"the status tryLater and a good response": [
		/answered with tryLater/,
		{ response: (fields) => ({ ...fields, status: enumerated(3) }) },
	],
	"a status that does not exist": [
		/answered with status 77/,
		{ response: (fields) => ({ ...fields, status: enumerated(77) }) },
	],
	"success without a response": [/element is missing/, { response: (fields) => ({ ...fields, bytes: OMITTED }) }],
	"a response of another type": [/it is of type 1\.2\.3/, { bytes: (fields) => ({ ...fields, type: oid("1.2.3") }) }],
	// These answers are wrong in BasicOCSPResponse.
	"a signature of zeros": [
		/neither the issuer nor a certificate/,
		{ basic: (fields) => ({ ...fields, signature: bitString(sequence(integer(0), integer(0))) }) },
	],
	"an algorithm with MD5": [
		/md5 is no evidence/i,
		{ basic: (fields) => ({ ...fields, algorithm: algorithm("1.2.840.113549.1.1.4") }) },
	],
	"an algorithm with SHA-1": [
		/sha-1 is no evidence/i,
		{ basic: (fields) => ({ ...fields, algorithm: sequence(oid("1.2.840.10045.4.1")) }) },
	],
	"an algorithm that is not accepted": [
		/ed25519 is not accepted/i,
		{ basic: (fields) => ({ ...fields, algorithm: sequence(oid(OIDS.ed25519)) }) },
	],
	"a certificate that is none": [
		/certificate/,
		{ basic: (fields) => ({ ...fields, certificates: encode(context(0), sequence(sequence(NULL))) }) },
	],
	"no certificate of its signer": [
		/neither the issuer nor a certificate/,
		{ basic: (fields) => ({ ...fields, certificates: OMITTED }) },
	],
	// These answers are wrong in ResponseData.
	"another nonce": [
		/nonce is not the one that was sent/,
		{
			data: (fields) => {
				const nonce = sequence(oid("1.3.6.1.5.5.7.48.1.2"), octetString(octetString(new Uint8Array(32))));
				return { ...fields, extensions: encode(context(1), sequence(nonce)) };
			},
		},
	],
	"a critical extension": [
		/critical extension 1\.2\.3 is not applied/,
		{ data: (fields) => ({ ...fields, extensions: encode(context(1), sequence(critical("1.2.3"))) }) },
	],
	"no name of the responder": [/responderID is missing/, { data: (fields) => ({ ...fields, responder: OMITTED }) }],
	"an element too many": [/extra elements/, { data: (fields) => ({ ...fields, more: NULL }) }],
	"no status of any certificate": [/about another certificate/, { singles: () => [] }],
	"seventeen statuses": [/more than 16 elements/, { singles: (one) => Array.from({ length: 17 }, () => one) }],
	// These answers are wrong in SingleResponse.
	"the status of another number": [
		/about another certificate/,
		{ id: (fields) => ({ ...fields, serial: serialNumber(4711) }) },
	],
	"the number with a zero in front": [
		/not minimal/,
		{ id: (fields) => ({ ...fields, serial: encode(TAG.INTEGER, Uint8Array.of(0), fields.serial.subarray(2)) }) },
	],
	"the status under another issuer's key": [
		/about another certificate/,
		{ id: (fields) => ({ ...fields, keyHash: octetString(new Uint8Array(20)) }) },
	],
	"the status under another issuer's name": [
		/about another certificate/,
		{ id: (fields) => ({ ...fields, nameHash: octetString(new Uint8Array(20)) }) },
	],
	"an id of another digest": [
		/about another certificate/,
		{ id: (fields) => ({ ...fields, algorithm: algorithm(OIDS.sha256) }) },
	],
	"the status unknown": [
		/does not know the certificate/,
		single((fields) => ({ ...fields, status: ASN1_STATUS.unknown })),
	],
	"a status good with content": [
		/malformed status/,
		single((fields) => ({ ...fields, status: encode(context(0, "primitive"), Uint8Array.of(0)) })),
	],
	"a status that does not exist in the choice": [
		/\[7\]|element/,
		single((fields) => ({ ...fields, status: encode(context(7, "primitive")) })),
	],
	"a date in the future": [
		/which is in the future/,
		single((fields) => ({ ...fields, thisUpdate: ago(-HOUR), nextUpdate: explicitTime(Date.now() + 2 * HOUR) })),
	],
	"an end in the past": [
		/was valid until/,
		single((fields) => ({ ...fields, thisUpdate: ago(2 * DAY), nextUpdate: explicitTime(Date.now() - DAY) })),
	],
	"an end before its beginning": [
		/was valid until/,
		single((fields) => ({ ...fields, nextUpdate: explicitTime(Date.now() - DAY) })),
	],
	"no end, and a date two days ago": [
		/was valid until/,
		single((fields) => ({ ...fields, thisUpdate: ago(2 * DAY), nextUpdate: OMITTED })),
	],
	"a date without zone": [
		/malformed time/,
		single((fields) => ({ ...fields, thisUpdate: generalizedTime("20260101000000") })),
	],
	"a critical extension of the status": [
		/critical extension 1\.2\.3 is not applied/,
		single((fields) => ({ ...fields, extensions: encode(context(1), sequence(critical("1.2.3"))) })),
	],
	"an archive cutoff that is no time": [
		/in the place of a time/,
		single((fields) => ({
			...fields,
			extensions: encode(context(1), sequence(sequence(oid("1.3.6.1.5.5.7.48.1.6"), octetString(NULL)))),
		})),
	],
};

/** Returns a SingleResponse that says `revoked` in the place of `good`. */
function revokedCopyOf(one: Uint8Array): Uint8Array {
	const reader = new DerReader(one, "single response");
	reader.open(TAG.SEQUENCE);
	const id = reader.element(TAG.SEQUENCE);
	reader.next(context(0, "primitive"));
	return sequence(id, ASN1_STATUS.revokedAt(Date.now() - HOUR), reader.element(TAG.GENERALIZED_TIME));
}

/** These answers say that the certificate is revoked, and are wrong in other respects. */
const REVOKED: Record<string, ResponseForgery> = {
	"good, then revoked": { singles: (one) => [one, revokedCopyOf(one)] },
	"revoked, then good": { singles: (one) => [revokedCopyOf(one), one] },
	"revoked, in an answer that has run out": single((fields) => ({
		...fields,
		status: ASN1_STATUS.revokedAt(Date.now() - 3 * DAY),
		thisUpdate: ago(2 * DAY),
		nextUpdate: explicitTime(Date.now() - DAY),
	})),
	"revoked for a reason that does not exist": single((fields) => ({
		...fields,
		status: ASN1_STATUS.revokedFor(Date.now() - HOUR, 42),
	})),
	"revoked in the year 1970": single((fields) => ({ ...fields, status: ASN1_STATUS.revokedAt(0) })),
};

const RESPONDERS: Record<string, [reason: RegExp, order: Partial<Order>]> = {
	"without the usage for responses": [/does not name ocspSigning/, { extensions: CODE_SIGNER }],
	"that has expired": [/it expired on 2021/, { notAfter: "20210101000000Z" }],
	"that is not yet valid": [/not valid before|is valid from/, { notBefore: "20390101000000Z" }],
	"whose certificate is signed with SHA-1": [/sha-1 is no evidence/i, { digest: "sha1" }],
	"with a critical extension that nobody knows": [
		/critical extension/,
		{ extensions: [...OCSP_SIGNER, "1.2.3.4=critical,DER:0500"] },
	],
};

describe("hostile OCSP responders", () => {
	let workshop: Workshop;
	let root: Issued;
	let responder: Issued;
	let hostile: LocalServer;
	let good: LocalServer;
	let answer: (exchange: Exchange) => void;
	/**
	 * The files `alone` and `followed` are signed. The certificate for `alone` names only the hostile responder. The
	 * one for `followed` names the hostile responder and then the good one.
	 */
	let alone: string;
	let followed: string;

	beforeAll(async () => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root", key: "p256" });
		responder = issueResponder({});
		hostile = await serve((exchange) => answer(exchange));
		good = await serve((exchange) => sendResponse(exchange, forgeResponse(exchange.query, responder)));
		alone = await signed("alone", [hostile]);
		followed = await signed("followed", [hostile, good]);
	});
	afterAll(async () => {
		await hostile.close();
		await good.close();
		workshop.remove();
	});

	const issueResponder = (order: Partial<Order>) =>
		workshop.issue({ subject: "/CN=Responder", key: "p256", issuer: root, extensions: OCSP_SIGNER, ...order });

	/** Signs a file with a certificate that names these servers as responders. */
	async function signed(name: string, servers: readonly LocalServer[]): Promise<string> {
		const access = servers.map(({ url }) => `OCSP;URI:${url}`).join(",");
		const extensions = [...CODE_SIGNER, `authorityInfoAccess=${access}`];
		const { keyFile, file } = workshop.issue({ subject: `/CN=${name}`, key: "p256", issuer: root, extensions });
		const path = workshop.write(`${name}.js`, "1\n");
		const signer = await openPemSigner({ keyFile, certFile: file });
		await signPaths([path], { output: join(workshop.directory, `${name}.cat`), signer });
		return path;
	}

	function verify(path: string, ocsp: "require" | "prefer", timeoutMs = 10_000): Promise<Verification> {
		const trust = trustFromCertificates([root.certificate]);
		const catalogs = [path.replace(/\.js$/, ".cat")];
		return verifyPath(path, { trust, catalogs, revocation: { ocsp, timeoutMs } });
	}
	const statusOf = ({ catalogs }: Verification) => catalogs[0].revocation?.map(({ status }) => status);

	function answerWith(hostility: Hostility): void {
		answer = (exchange) => {
			if (typeof hostility === "function") hostility(exchange, forgeResponse(exchange.query, responder));
			else sendResponse(exchange, forgeResponse(exchange.query, responder, hostility));
		};
	}

	/** Expects an answer to prove nothing, to be reported, and the next responder to be asked after it. */
	async function expectUseless(reason: RegExp, timeoutMs?: number): Promise<void> {
		const catalog = alone.replace(/\.js$/, ".cat");
		const before = readFileSync(catalog);
		const unknown: ErrorCode = "ERR_REVOCATION_UNKNOWN";
		await expect(verify(alone, "require", timeoutMs)).rejects.toMatchObject({
			code: unknown,
			message: expect.stringMatching(reason),
		});
		const preferred = await verify(alone, "prefer", timeoutMs);
		expect(preferred.verdict).toBe("trusted");
		expect(statusOf(preferred)).toEqual(["unknown"]);
		expect(preferred.warnings).toEqual([expect.stringMatching(reason)]);
		expect(statusOf(await verify(followed, "require", timeoutMs))).toEqual(["good"]);
		expect(readFileSync(catalog)).toEqual(before);
	}

	it("a response without a change is accepted, so that each refusal is due to its change", async () => {
		answerWith({});
		expect(statusOf(await verify(alone, "require"))).toEqual(["good"]);
	});

	it("has at least 30 answers", () => {
		const count = [USELESS, REVOKED, RESPONDERS].flatMap(Object.keys).length;
		expect(count).toBeGreaterThanOrEqual(30);
	});

	it.each(Object.entries(USELESS))(
		"%s proves nothing, and the next responder is asked",
		async (_, [reason, hostility]) => {
			answerWith(hostility);
			await expectUseless(reason, reason.source.includes("within") ? 1_000 : undefined);
		},
	);

	it.each(Object.entries(RESPONDERS))("a responder %s proves nothing", async (_, [reason, order]) => {
		const other = issueResponder(order);
		answer = (exchange) => sendResponse(exchange, forgeResponse(exchange.query, other));
		await expectUseless(reason);
	});

	it("a responder of another authority of the same name proves nothing", async () => {
		const impostor = workshop.issue({ subject: "/CN=Root", key: "p256" });
		const other = issueResponder({ issuer: impostor });
		answer = (exchange) => sendResponse(exchange, forgeResponse(exchange.query, other, {}, [other, impostor]));
		await expectUseless(/issuer's key did not sign it|no certificate of .* was found/);
	});

	it("a responder below an intermediate of the issuer proves nothing", async () => {
		const middle = workshop.issue({ subject: "/CN=Middle", key: "p256", issuer: root });
		const other = issueResponder({ issuer: middle });
		answer = (exchange) => sendResponse(exchange, forgeResponse(exchange.query, other, {}, [other, middle]));
		await expectUseless(/no certificate of .* was found/);
	});

	it.each(Object.entries(REVOKED))("%s means revoked, whatever the next responder says", async (_, forgery) => {
		answerWith(forgery);
		for (const path of [alone, followed]) {
			for (const how of ["require", "prefer"] as const) {
				await expect(verify(path, how)).rejects.toMatchObject({ code: "ERR_CERTIFICATE_REVOKED" });
			}
		}
	});
});
