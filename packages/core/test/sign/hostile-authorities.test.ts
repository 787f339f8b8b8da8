import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { context, encode, integer, NULL, octetString, oid, sequence, setOf, TAG } from "../../dist/asn1/der.js";
import { type ErrorCode, SigtoolError } from "../../dist/errors.js";
import { spkiSha256 } from "../../dist/pki/certificate.js";
import { encodeAttribute } from "../../dist/pki/cms.js";
import { fetchTimestamp } from "../../dist/pki/fetch-timestamp.js";
import type { TimestampRequest } from "../../dist/pki/timestamp-request.js";
import { signPaths } from "../../dist/sign/sign.js";
import { timestampCatalog } from "../../dist/sign/timestamp-catalog.js";
import { openPemSigner } from "../../dist/signer/pem.js";
import {
	algorithm,
	type Forgery,
	forgeReply,
	generalizedTime,
	generalizedTimeOf,
	OIDS,
	OMITTED,
	sha256,
} from "../pki/forged-token.js";
import { type Exchange, type LocalServer, sendReply, serve, TIME_STAMPER } from "../pki/local-tsa.js";
import { CODE_SIGNER, type Issued, type Order, openWorkshop, type Workshop } from "../pki/openssl.js";

const HOUR = 3_600_000;
const REPLY = { "content-type": "application/timestamp-reply" };
const later = (milliseconds: number) => generalizedTimeOf(Date.now() + milliseconds);

/** A token of the good authority that is wrong in one piece, or an answer that is wrong as a whole. */
type Hostility = Forgery | ((exchange: Exchange, good: Uint8Array) => void);

/** The answers to a request, each with the code of the refusal. */
const ANSWERS: Record<string, [code: ErrorCode, hostility: Hostility]> = {
	// These answers are wrong in HTTP.
	"status 404": ["ERR_NETWORK", ({ response }) => response.writeHead(404).end()],
	"status 503, three times": ["ERR_NETWORK", ({ response }) => response.writeHead(503).end()],
	"status 202 and a good token": ["ERR_NETWORK", ({ response }, good) => response.writeHead(202, REPLY).end(good)],
	"a redirect to itself": ["ERR_NETWORK", ({ response }) => response.writeHead(307, { location: "/tsr" }).end()],
	"a redirect to a file": [
		"ERR_NETWORK",
		({ response }) => response.writeHead(307, { location: "file:///etc/passwd" }).end(),
	],
	"a redirect that would turn the request into a GET": [
		"ERR_NETWORK",
		({ response }) => response.writeHead(302, { location: "/tsr" }).end(),
	],
	"a connection that closes": ["ERR_NETWORK", ({ response }) => response.destroy()],
	"a body that never ends": [
		"ERR_NETWORK",
		({ response }, good) => void response.writeHead(200, { ...REPLY, "content-length": good.length + 1 }).write(good),
	],
	"one byte now and then": [
		"ERR_NETWORK",
		({ response }) => {
			response.writeHead(200, REPLY);
			const timer = setInterval(() => response.write("0"), 50);
			response.on("close", () => clearInterval(timer));
		},
	],
	"no type": ["ERR_TIMESTAMP", ({ response }, good) => response.writeHead(200).end(good)],
	"a compressed body": [
		"ERR_DER",
		({ response }, good) => response.writeHead(200, { ...REPLY, "content-encoding": "gzip" }).end(gzipSync(good)),
	],
	"an empty body": ["ERR_DER", ({ response }) => sendReply(response, OMITTED)],
	// These answers are wrong in TimeStampResp.
	"an indefinite length": [
		"ERR_DER",
		({ response }) => sendReply(response, Buffer.from("30803003020100000000", "hex")),
	],
	"bytes behind": ["ERR_DER", ({ response }, good) => sendReply(response, Buffer.concat([good, Buffer.of(0)]))],
	"a refusal with a good token": [
		"ERR_TIMESTAMP",
		{ response: (fields) => ({ ...fields, status: sequence(integer(2)) }) },
	],
	"no token": ["ERR_DER", { response: (fields) => ({ ...fields, token: OMITTED }) }],
	"a status of five bytes": [
		"ERR_DER",
		{ response: (fields) => ({ ...fields, status: sequence(integer(2n ** 32n)) }) },
	],
	"a negative status": [
		"ERR_DER",
		{ response: (fields) => ({ ...fields, status: sequence(encode(TAG.INTEGER, Uint8Array.of(0xff))) }) },
	],
	"nine texts about the status": [
		"ERR_LIMIT",
		{
			response: (fields) => {
				const texts = Array.from({ length: 9 }, () => encode(TAG.UTF8_STRING, Buffer.from("no")));
				return { ...fields, status: sequence(integer(0), sequence(...texts)) };
			},
		},
	],
	"a token of plain data": [
		"ERR_CMS_FORMAT",
		{ token: () => sequence(oid(OIDS.data), encode(context(0), octetString(Buffer.from("1")))) },
	],
	"a token of ten thousand nested elements": [
		"ERR_DER",
		{
			token: () => {
				let nested = NULL;
				for (let depth = 0; depth < 10_000; depth++) nested = sequence(nested);
				return nested;
			},
		},
	],
	// These answers are wrong in SignedData.
	"a version of SignedData that does not exist": [
		"ERR_CMS_FORMAT",
		{ signedData: (fields) => ({ ...fields, version: integer(9) }) },
	],
	"content of another type": [
		"ERR_TIMESTAMP",
		{
			signedData: (fields) => ({
				...fields,
				content: sequence(oid(OIDS.data), encode(context(0), octetString(Buffer.from("1")))),
			}),
		},
	],
	"detached content": [
		"ERR_TIMESTAMP",
		{ signedData: (fields) => ({ ...fields, content: sequence(oid(OIDS.tstInfo)) }) },
	],
	"content that is no OCTET STRING": [
		"ERR_TIMESTAMP",
		{
			signedData: (fields) => ({
				...fields,
				content: sequence(oid(OIDS.tstInfo), encode(context(0), sequence(integer(1)))),
			}),
		},
	],
	"no signer": ["ERR_TIMESTAMP", { signedData: (fields) => ({ ...fields, signers: setOf() }) }],
	"two signers": [
		"ERR_TIMESTAMP",
		{
			signedData: (fields) => {
				const signer = fields.signers.subarray(fields.signers[1] === 0x82 ? 4 : 3);
				return { ...fields, signers: setOf(signer, signer) };
			},
		},
	],
	"no certificate": ["ERR_SIGNER_CERTIFICATE", { signedData: (fields) => ({ ...fields, certificates: OMITTED }) }],
	"nine certificates that may be the signer's": [
		"ERR_LIMIT",
		{
			signedData: (fields) => {
				const certificate = fields.certificates.subarray(4);
				return { ...fields, certificates: encode(context(0), ...Array.from({ length: 9 }, () => certificate)) };
			},
		},
	],
	"three hundred certificates": [
		"ERR_LIMIT",
		{
			signedData: (fields) => ({
				...fields,
				certificates: encode(context(0), ...Array.from({ length: 300 }, () => sequence(NULL))),
			}),
		},
	],
	// These answers are wrong in TSTInfo.
	"version 2": ["ERR_TIMESTAMP", { tstInfo: (fields) => ({ ...fields, version: integer(2) }) }],
	"an imprint of another signature": [
		"ERR_TIMESTAMP",
		{
			tstInfo: (fields) => ({
				...fields,
				imprint: sequence(algorithm(OIDS.sha256), octetString(sha256(Buffer.from("other")))),
			}),
		},
	],
	"an imprint without its last byte": [
		"ERR_TIMESTAMP",
		{
			tstInfo: (fields) => ({
				...fields,
				imprint: sequence(algorithm(OIDS.sha256), octetString(fields.imprint.subarray(-32, -1))),
			}),
		},
	],
	"an imprint of SHA-1": [
		"ERR_TIMESTAMP",
		{ tstInfo: (fields) => ({ ...fields, imprint: sequence(algorithm(OIDS.sha1), octetString(new Uint8Array(20))) }) },
	],
	"no nonce": ["ERR_TIMESTAMP", { tstInfo: (fields) => ({ ...fields, nonce: OMITTED }) }],
	"another nonce": ["ERR_TIMESTAMP", { tstInfo: (fields) => ({ ...fields, nonce: integer(1) }) }],
	"the nonce with a zero in front": [
		"ERR_DER",
		{
			tstInfo: (fields) => ({
				...fields,
				nonce: encode(TAG.INTEGER, Uint8Array.of(0), fields.nonce.subarray(2)),
			}),
		},
	],
	"a time an hour ahead of our clock": [
		"ERR_TIMESTAMP",
		{ tstInfo: (fields) => ({ ...fields, genTime: later(HOUR) }) },
	],
	"a time an hour behind our clock": ["ERR_TIMESTAMP", { tstInfo: (fields) => ({ ...fields, genTime: later(-HOUR) }) }],
	"a time six minutes ahead": ["ERR_TIMESTAMP", { tstInfo: (fields) => ({ ...fields, genTime: later(HOUR / 10) }) }],
	"a time after its certificate": [
		"ERR_CERTIFICATE_EXPIRED",
		{ tstInfo: (fields) => ({ ...fields, genTime: generalizedTime("99991231235959Z") }) },
	],
	"a time before its certificate": [
		"ERR_CERTIFICATE_NOT_YET_VALID",
		{ tstInfo: (fields) => ({ ...fields, genTime: generalizedTime("19700101000000Z") }) },
	],
	"a UTCTime": [
		"ERR_DER",
		{ tstInfo: (fields) => ({ ...fields, genTime: encode(TAG.UTC_TIME, Buffer.from("260101000000Z")) }) },
	],
	"a time without zone": [
		"ERR_DER",
		{ tstInfo: (fields) => ({ ...fields, genTime: generalizedTime("20260101000000") }) },
	],
	"a time on 31 February": [
		"ERR_DER",
		{ tstInfo: (fields) => ({ ...fields, genTime: generalizedTime("20260231000000Z") }) },
	],
	"a fraction of a second that ends in zero": [
		"ERR_DER",
		{ tstInfo: (fields) => ({ ...fields, genTime: generalizedTime("20260101000000.50Z") }) },
	],
	"a critical extension": [
		"ERR_TIMESTAMP",
		{
			tstInfo: (fields) => {
				const extension = sequence(oid("1.2.3"), encode(TAG.BOOLEAN, Uint8Array.of(0xff)), octetString(NULL));
				return { ...fields, extensions: encode(context(1), extension) };
			},
		},
	],
	"an element too many": ["ERR_DER", { tstInfo: (fields) => ({ ...fields, more: NULL }) }],
	"bytes behind TSTInfo": ["ERR_DER", { content: (bytes) => Buffer.concat([bytes, NULL]) }],
	"a TSTInfo of 20 KB": [
		"ERR_LIMIT",
		{ tstInfo: (fields) => ({ ...fields, tsa: encode(context(0), octetString(new Uint8Array(20_000))) }) },
	],
	// These answers are wrong in the signed attributes.
	"no signed attributes": ["ERR_TIMESTAMP", { attributes: () => ({}) }],
	"no message digest": ["ERR_SIGNED_ATTRIBUTES", { attributes: (fields) => ({ ...fields, messageDigest: OMITTED }) }],
	"the digest of other content": [
		"ERR_SIGNED_ATTRIBUTES",
		{
			attributes: (fields) => ({
				...fields,
				messageDigest: encodeAttribute(OIDS.messageDigest, octetString(new Uint8Array(32))),
			}),
		},
	],
	"the message digest twice": [
		"ERR_SIGNED_ATTRIBUTES",
		{ attributes: (fields) => ({ ...fields, again: fields.messageDigest }) },
	],
	"a message digest with two values": [
		"ERR_SIGNED_ATTRIBUTES",
		{
			attributes: (fields) => {
				const value = octetString(new Uint8Array(32));
				return { ...fields, messageDigest: encodeAttribute(OIDS.messageDigest, value, value) };
			},
		},
	],
	"another content type": [
		"ERR_SIGNED_ATTRIBUTES",
		{ attributes: (fields) => ({ ...fields, contentType: encodeAttribute(OIDS.contentType, oid(OIDS.data)) }) },
	],
	"attributes in another order": [
		"ERR_SIGNED_ATTRIBUTES",
		{
			order: "asGiven",
			attributes: ({ contentType, messageDigest, certificate }) => ({ certificate, messageDigest, contentType }),
		},
	],
	"another certificate's name": [
		"ERR_TIMESTAMP",
		{
			attributes: (fields) => ({
				...fields,
				certificate: encodeAttribute(
					OIDS.signingCertificateV2,
					sequence(sequence(sequence(octetString(new Uint8Array(32))))),
				),
			}),
		},
	],
	"its certificate named by MD5": [
		"ERR_WEAK_DIGEST",
		{
			attributes: (fields) => ({
				...fields,
				certificate: encodeAttribute(
					OIDS.signingCertificateV2,
					sequence(sequence(sequence(algorithm(OIDS.md5), octetString(new Uint8Array(16))))),
				),
			}),
		},
	],
	"signed attributes of 70 KB": [
		"ERR_LIMIT",
		{ attributes: (fields) => ({ ...fields, more: encodeAttribute("1.2.3", octetString(new Uint8Array(70_000))) }) },
	],
	// These answers are wrong in the signature.
	"a signature of zeros": [
		"ERR_SIGNATURE",
		{ signer: (fields) => ({ ...fields, signature: octetString(sequence(integer(0), integer(0))) }) },
	],
	"an empty signature": ["ERR_SIGNATURE", { signer: (fields) => ({ ...fields, signature: octetString(OMITTED) }) }],
	"SHA-1 as its digest": [
		"ERR_WEAK_DIGEST",
		{ signer: (fields) => ({ ...fields, digestAlgorithm: algorithm(OIDS.sha1) }) },
	],
	"MD5 as its digest": [
		"ERR_WEAK_DIGEST",
		{ signer: (fields) => ({ ...fields, digestAlgorithm: algorithm(OIDS.md5) }) },
	],
	"two digests at once": [
		"ERR_UNSUPPORTED_ALGORITHM",
		{ signer: (fields) => ({ ...fields, digestAlgorithm: algorithm(OIDS.sha512) }) },
	],
	"an algorithm that is not accepted": [
		"ERR_UNSUPPORTED_ALGORITHM",
		{ signer: (fields) => ({ ...fields, signatureAlgorithm: sequence(oid(OIDS.ed25519)) }) },
	],
};

const AUTHORITY_ORDERS: Record<string, [code: ErrorCode, order: Partial<Order>]> = {
	"that issued itself": ["ERR_CHAIN_INCOMPLETE", {}],
	"that may not sign": [
		"ERR_CERTIFICATE_PURPOSE",
		{ extensions: TIME_STAMPER.map((line) => line.replace("digitalSignature", "keyEncipherment")) },
	],
	"with a critical extension that nobody knows": [
		"ERR_CERTIFICATE_EXTENSION",
		{ extensions: [...TIME_STAMPER, "1.2.3.4=critical,DER:0500"] },
	],
	"whose certificate is signed with SHA-1": ["ERR_WEAK_DIGEST", { digest: "sha1" }],
	"whose certificate is not yet valid": ["ERR_CERTIFICATE_NOT_YET_VALID", { notBefore: "20390101000000Z" }],
};

describe("hostile timestamping authorities", () => {
	let workshop: Workshop;
	let root: Issued;
	let authority: Issued;
	let signer: Issued;
	let catalog: string;
	let original: Buffer;
	let good: LocalServer;
	const servers: LocalServer[] = [];

	beforeAll(async () => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Time root", key: "p256" });
		authority = stamper({ issuer: root });
		signer = workshop.issue({ subject: "/CN=Signer", key: "p256", extensions: CODE_SIGNER });
		good = await serve(({ query, response }) => sendReply(response, forgeReply(query, authority)));
		const key = await openPemSigner({ keyFile: signer.keyFile, certFile: signer.file });
		catalog = join(workshop.directory, "catalogs", "lib.cat");
		mkdirSync(dirname(catalog));
		await signPaths([workshop.write("lib.js", "1\n")], { output: catalog, signer: key });
		original = readFileSync(catalog);
	});
	beforeEach(() => writeFileSync(catalog, original));
	afterEach(async () => {
		for (const server of servers.splice(0)) await server.close();
	});
	afterAll(async () => {
		await good.close();
		workshop.remove();
	});

	const stamper = (order: Partial<Order>) =>
		workshop.issue({ subject: "/CN=Time authority", key: "p256", extensions: TIME_STAMPER, ...order });
	const request = (urls: readonly string[], more: Partial<TimestampRequest> = {}): TimestampRequest => {
		return { urls, anchors: [root.certificate], timeoutMs: 10_000, ...more };
	};

	/** Expects the answer to be refused with that code, the catalog to stay as it is, and the next authority to be asked. */
	async function expectRefused(
		code: ErrorCode,
		answer: (exchange: Exchange) => void,
		more: Partial<TimestampRequest> = {},
	): Promise<void> {
		const hostile = await serve(answer);
		servers.push(hostile);
		// Only answers that are refused with ERR_NETWORK may use up the time limit, so their limit is short.
		const timeoutMs = code === "ERR_NETWORK" ? 400 : 10_000;
		const first = request([hostile.url], { timeoutMs, ...more });
		const error: unknown = await timestampCatalog(catalog, { request: first }).catch((it) => it);
		expect(error).toBeInstanceOf(SigtoolError);
		expect(error).toMatchObject({
			code: code === "ERR_NETWORK" ? "ERR_NETWORK" : "ERR_TIMESTAMP",
			message: expect.stringMatching(new RegExp(`^Cannot get a timestamp: "${hostile.url}": .*\\[${code}\\]$`)),
		});
		expect(readFileSync(catalog).equals(original)).toBe(true);
		expect(readdirSync(dirname(catalog))).toEqual(["lib.cat"]);
		const both = request([hostile.url, good.url], more);
		// These answers take long. fetch-timestamp.test.ts tests the next authority for them.
		if (code === "ERR_NETWORK") return;
		expect((await fetchTimestamp(Buffer.from("signature"), signer.certificate, both)).url).toBe(good.url);
	}

	it("a token without a change is accepted, so that each refusal is due to its change", async () => {
		const { url } = await fetchTimestamp(Buffer.from("signature"), signer.certificate, request([good.url]));
		expect(url).toBe(good.url);
	});

	it("has at least 40 answers", () => {
		expect(Object.keys(ANSWERS).length + Object.keys(AUTHORITY_ORDERS).length).toBeGreaterThanOrEqual(40);
	});

	it.each(Object.entries(ANSWERS))("refuses %s", async (_, [code, hostility]) => {
		await expectRefused(code, (exchange) => {
			const { query, response } = exchange;
			if (typeof hostility === "function") hostility(exchange, forgeReply(query, authority));
			else sendReply(response, forgeReply(query, authority, hostility));
		});
	});

	it.each(Object.entries(AUTHORITY_ORDERS))("refuses an authority %s", async (name, [code, order]) => {
		const hostile = stamper(name === "that issued itself" ? order : { issuer: root, ...order });
		await expectRefused(code, ({ query, response }) => sendReply(response, forgeReply(query, hostile)));
	});

	it("refuses an authority that another one issued, which is none itself", async () => {
		const below = stamper({ issuer: authority, subject: "/CN=Below" });
		await expectRefused("ERR_CERTIFICATE_CONSTRAINTS", ({ query, response }) => {
			const certificates = encode(context(0), below.certificate.der, authority.certificate.der);
			sendReply(response, forgeReply(query, below, { signedData: (fields) => ({ ...fields, certificates }) }));
		});
	});

	it("refuses a denied authority", async () => {
		const stolen = stamper({ issuer: root, subject: "/CN=Stolen" });
		const deny = [{ kind: "key", sha256: spkiSha256(stolen.certificate), reason: "stolen" }] as const;
		await expectRefused("ERR_DENIED", ({ query, response }) => sendReply(response, forgeReply(query, stolen)), {
			deny,
		});
	});
});
