import { constants, createHash, createPrivateKey, privateEncrypt, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { context, encode, integer, NULL, octetString, oid, sequence, TAG, time } from "../../dist/asn1/der.js";
import { certificatesFromPem, spkiSha256 } from "../../dist/pki/certificate.js";
import { verifyChain } from "../../dist/pki/chain.js";
import {
	encodeAttribute,
	encodeSignedAttributes,
	encodeSignedData,
	parseSignedData,
	type SignerInfo,
} from "../../dist/pki/cms.js";
import { describeTimestamps, verifyTimestamps } from "../../dist/pki/timestamp.js";
import { corpusCatalogs, corpusPem, hasCorpus } from "./corpus.js";
import { TIME_STAMPER } from "./local-tsa.js";
import { AUTHORITY, CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "./openssl.js";
import { tokenAt } from "./token-at.js";

const RFC3161 = "1.3.6.1.4.1.311.3.3.1";
const COUNTERSIGNATURE = "1.2.840.113549.1.9.6";
const JUNE = Date.UTC(2025, 5, 1);

describe("verifyTimestamps() of tokens that openssl ts made", () => {
	let workshop: Workshop;
	let root: Issued;
	let authority: Issued;
	let signer: Issued;

	beforeAll(() => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Time root" });
		const usage = "extendedKeyUsage=critical,timeStamping";
		const extensions = CODE_SIGNER.map((line) => (line.startsWith("extendedKeyUsage") ? usage : line));
		authority = workshop.issue({ subject: "/CN=Time authority", issuer: root, extensions });
		signer = workshop.issue({ subject: "/CN=Signer", extensions: CODE_SIGNER.slice(0, 4), key: "p256" });
	});
	afterAll(() => workshop.remove());

	/** Makes a TimeStampToken over `bytes`. */
	function token(
		bytes: Uint8Array,
		options: { digest?: string; essDigest?: string; certificates?: "included" | "left out" } = {},
	): Uint8Array {
		const { digest = "sha256", essDigest = "sha256", certificates = "included" } = options;
		const { directory, openssl, write } = workshop;
		const lines = [
			"[tsa]",
			`serial=${write("serial", "01")}`,
			"default_policy=1.2.3.4",
			"digests=sha1,sha256,sha512",
			"signer_digest=sha256",
			`ess_cert_id_alg=${essDigest}`,
		];
		const config = write("ts.cnf", lines.join("\n"));
		const [query, reply] = [join(directory, "query.tsq"), join(directory, "reply.der")];
		const certificate = certificates === "included" ? ["-cert"] : [];
		openssl("ts", "-query", "-data", write("bytes", bytes), `-${digest}`, ...certificate, "-out", query);
		const keys = ["-signer", authority.file, "-inkey", authority.keyFile];
		openssl(
			"ts",
			"-reply",
			"-config",
			config,
			"-section",
			"tsa",
			"-queryfile",
			query,
			...keys,
			"-token_out",
			"-out",
			reply,
		);
		return readFileSync(reply);
	}

	/** Returns the signer of a SignedData that has these unsigned attributes. */
	function signedWith(unsigned: (signature: Uint8Array) => Uint8Array[], issued = signer): SignerInfo {
		const content = sequence(octetString(Buffer.from("content")));
		const digest = createHash("sha256").update(content.subarray(2)).digest();
		const signedAttributes = encodeSignedAttributes([
			encodeAttribute("1.2.840.113549.1.9.3", oid("1.2.3")),
			encodeAttribute("1.2.840.113549.1.9.4", octetString(digest)),
		]);
		const signature = sign("sha256", signedAttributes, createPrivateKey(readFileSync(issued.keyFile)));
		const { certificate } = issued;
		const unsignedAttributes = unsigned(signature);
		const one = { algorithm: "ecdsa-sha256", certificate, signedAttributes, signature, unsignedAttributes } as const;
		return parseSignedData(
			Buffer.concat(encodeSignedData({ contentType: "1.2.3", content, certificates: [certificate], signer: one })),
			"test",
		).signers[0];
	}

	const judge = (info: SignerInfo, anchors = [root.certificate], certificates = [signer.certificate]) =>
		verifyTimestamps(info, { certificates, anchors, profile: "default" });

	it("accepts a token over the signature value and returns its time and chain", () => {
		const info = signedWith((signature) => [encodeAttribute(RFC3161, token(signature))]);
		const { timestamps, failures } = judge(info);
		expect(failures).toEqual([]);
		expect(timestamps).toHaveLength(1);
		const [{ kind, time, certificate, chain }] = timestamps;
		expect(kind).toBe("rfc3161");
		expect(Math.abs(time - Date.now())).toBeLessThan(300_000);
		expect(certificate.subject.text).toBe("CN=Time authority");
		expect(chain.anchor).toBe(root.certificate);
	});

	it.each([["sha1"], ["sha512"]])("accepts a token whose signer is named by %s", (essDigest) => {
		const info = signedWith((signature) => [encodeAttribute(RFC3161, token(signature, { essDigest }))]);
		expect(judge(info).failures).toEqual([]);
	});

	it("finds the authority's certificate among those of the signature", () => {
		const info = signedWith((signature) => [encodeAttribute(RFC3161, token(signature, { certificates: "left out" }))]);
		expect(judge(info).failures.map(({ code }) => code)).toEqual(["ERR_SIGNER_CERTIFICATE"]);
		expect(judge(info, [root.certificate], [authority.certificate]).timestamps).toHaveLength(1);
	});

	it("refuses a token over another signature", () => {
		const info = signedWith(() => [encodeAttribute(RFC3161, token(Buffer.from("another")))]);
		const { timestamps, failures } = judge(info);
		expect(timestamps).toEqual([]);
		expect(failures.map(({ code }) => code)).toEqual(["ERR_TIMESTAMP"]);
	});

	it("refuses an imprint by SHA-1, unless under windows-legacy", () => {
		const info = signedWith((signature) => [encodeAttribute(RFC3161, token(signature, { digest: "sha1" }))]);
		expect(judge(info).failures.map(({ code }) => code)).toEqual(["ERR_WEAK_DIGEST"]);
		const legacy = { certificates: [], anchors: [root.certificate], profile: "windows-legacy" } as const;
		expect(verifyTimestamps(info, legacy).timestamps).toHaveLength(1);
	});

	it("refuses an authority that no anchor vouches for", () => {
		const info = signedWith((signature) => [encodeAttribute(RFC3161, token(signature))]);
		expect(judge(info, [signer.certificate]).failures.map(({ code }) => code)).toEqual(["ERR_CHAIN_INCOMPLETE"]);
	});

	it("refuses a denied authority, and one below a denied one", () => {
		const info = signedWith((signature) => [encodeAttribute(RFC3161, token(signature))]);
		for (const { certificate } of [authority, root]) {
			const deny = [{ kind: "key", sha256: spkiSha256(certificate), reason: "stolen" }] as const;
			const options = { certificates: [], anchors: [root.certificate], profile: "default", deny } as const;
			expect(verifyTimestamps(info, options)).toMatchObject({ timestamps: [], failures: [{ code: "ERR_DENIED" }] });
		}
	});

	describe("a signer does not choose the time of its own signature", () => {
		const both = CODE_SIGNER.map((line) => line.replace("codeSigning", "codeSigning,timeStamping"));
		/**
		 * Judges a signature by the signer `by` with a timestamp by the authority `stamper`. The signature contains
		 * only one certificate, that of `by`.
		 */
		const verdict = (by: Issued, stamper: Issued, form: "any" | "rfc3161" = "any") => {
			const info = signedWith((signature) => [encodeAttribute(RFC3161, tokenAt(signature, JUNE, stamper))], by);
			const certificates = [by.certificate];
			const options = { certificates, anchors: [root.certificate], profile: "default", form } as const;
			const { timestamps, failures } = verifyTimestamps(info, options);
			return timestamps[0]?.certificate.subject.text ?? failures[0].message;
		};
		const issue = (order: Partial<Parameters<Workshop["issue"]>[0]>) =>
			workshop.issue({ subject: "/CN=Issued", issuer: root, key: "p256", ...order });

		it.each(["any", "rfc3161"] as const)("by a certificate for code and for timestamps, in the form %s", (form) => {
			const signedBy = issue({ extensions: both });
			expect(verdict(signedBy, signedBy, form)).toContain("the key that made the signature made it too");
			const reason = "its extended key usage names both timeStamping and codeSigning";
			expect(verdict(signer, signedBy, form)).toContain(reason);
		});

		it.each(["any", "rfc3161"] as const)("by another certificate of its key, in the form %s", (form) => {
			const signedBy = issue({ extensions: CODE_SIGNER });
			const stamper = issue({ extensions: TIME_STAMPER, sameKeyAs: signedBy });
			expect(verdict(signedBy, stamper, form)).toContain("the key that made the signature made it too");
			expect(verdict(signer, stamper, form)).toBe("CN=Issued");
		});

		it("by a countersignature", () => {
			const signedBy = workshop.issue({
				subject: "/CN=Two uses",
				extensions: CODE_SIGNER,
				sameKeyAs: authority,
				issuer: root,
			});
			const make = (bytes: Uint8Array) => [encodeAttribute(COUNTERSIGNATURE, countersignature(bytes))];
			const certificates = [signedBy.certificate, authority.certificate];
			const [failure] = judge(signedWith(make, signedBy), [root.certificate], certificates).failures;
			expect(failure.message).toContain("the key that made the signature made it too");
			expect(judge(signedWith(make), [root.certificate], certificates).failures).toEqual([]);
		});
	});

	it("refuses every bit flip in what the token signs", () => {
		const info = signedWith((signature) => [encodeAttribute(RFC3161, token(signature))]);
		const [original] = info.unsignedAttributes[0].values;
		const { contentValue, signers } = parseSignedData(original, "token");
		for (const range of [contentValue, signers[0].signedAttributesDer, signers[0].signature]) {
			if (range === undefined) throw new Error("nothing to flip");
			const start = range.byteOffset - original.byteOffset;
			for (let position = start; position < start + range.length; position++) {
				const altered = Buffer.from(original);
				altered[position] ^= 1 << (position % 8);
				const { timestamps } = judge({ ...info, unsignedAttributes: [{ oid: RFC3161, values: [altered] }] });
				expect(timestamps, `byte ${position}`).toEqual([]);
			}
		}
	});

	/**
	 * Makes a SignerInfo of the authority over `bytes`, signed at 2025-06-01, with these attributes beside the digest.
	 */
	function countersignature(
		bytes: Uint8Array,
		attributes = [encodeAttribute("1.2.840.113549.1.9.5", time(JUNE))],
	): Uint8Array {
		const { issuer, serial } = authority.certificate;
		const digest = encodeAttribute("1.2.840.113549.1.9.4", octetString(createHash("sha256").update(bytes).digest()));
		const signed = encodeSignedAttributes([digest, ...attributes]);
		const signature = sign("sha256", signed, createPrivateKey(readFileSync(authority.keyFile)));
		return sequence(
			integer(1),
			sequence(issuer.der, encode(TAG.INTEGER, serial)),
			sequence(oid("2.16.840.1.101.3.4.2.1"), NULL),
			Uint8Array.of(context(0), ...signed.subarray(1)),
			sequence(oid("1.2.840.113549.1.1.1"), NULL),
			octetString(signature),
		);
	}

	it("accepts a countersignature with or without a content type, and refuses one of another signature or without a time", () => {
		const signingTime = encodeAttribute("1.2.840.113549.1.9.5", time(JUNE));
		const contentType = (type: string) => encodeAttribute("1.2.840.113549.1.9.3", oid(type));
		const verdict = (make: (signature: Uint8Array) => Uint8Array) => {
			const info = signedWith((signature) => [encodeAttribute(COUNTERSIGNATURE, make(signature))]);
			const { timestamps, failures } = judge(info, [root.certificate], [authority.certificate]);
			return timestamps[0] === undefined ? failures[0].code : `${timestamps[0].kind} ${timestamps[0].time}`;
		};
		const accepted = `countersignature ${JUNE}`;
		expect(verdict((signature) => countersignature(signature))).toBe(accepted);
		expect(
			verdict((signature) => countersignature(signature, [signingTime, contentType("1.2.840.113549.1.7.1")])),
		).toBe(accepted);
		expect(verdict((signature) => countersignature(signature, [signingTime, contentType("1.2.3")]))).toBe(
			"ERR_SIGNED_ATTRIBUTES",
		);
		expect(verdict((signature) => countersignature(signature, []))).toBe("ERR_TIMESTAMP");
		expect(verdict(() => countersignature(Buffer.from("another")))).toBe("ERR_SIGNED_ATTRIBUTES");
	});

	it("does not accept a countersignature over the bare SHA-1, without DigestInfo, in any profile", () => {
		const make = (bytes: Uint8Array, form: "bare" | "DigestInfo") => {
			const { issuer, serial } = authority.certificate;
			const sha1 = (content: Uint8Array) => createHash("sha1").update(content).digest();
			const signed = encodeSignedAttributes([
				encodeAttribute("1.2.840.113549.1.9.4", octetString(sha1(bytes))),
				encodeAttribute("1.2.840.113549.1.9.5", time(JUNE)),
			]);
			const key = createPrivateKey(readFileSync(authority.keyFile));
			const signature =
				form === "bare"
					? privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, sha1(signed))
					: sign("sha1", signed, key);
			return sequence(
				integer(1),
				sequence(issuer.der, encode(TAG.INTEGER, serial)),
				sequence(oid("1.3.14.3.2.26"), NULL),
				Uint8Array.of(context(0), ...signed.subarray(1)),
				sequence(oid("1.2.840.113549.1.1.1"), NULL),
				octetString(signature),
			);
		};
		const verdict = (form: "bare" | "DigestInfo", profile: "default" | "windows-legacy") => {
			const info = signedWith((signature) => [encodeAttribute(COUNTERSIGNATURE, make(signature, form))]);
			const certificates = [authority.certificate];
			const { timestamps, failures } = verifyTimestamps(info, { certificates, anchors: [root.certificate], profile });
			return failures[0]?.code ?? timestamps[0]?.kind;
		};
		expect(verdict("DigestInfo", "windows-legacy")).toBe("countersignature");
		expect(verdict("bare", "windows-legacy")).toBe("ERR_SIGNATURE");
		expect(verdict("bare", "default")).toBe("ERR_WEAK_DIGEST");
	});

	it("accepts a good timestamp beside bad ones, and returns the earliest first", () => {
		const garbage = [octetString(Buffer.from("no token")), sequence()];
		const info = signedWith((signature) => {
			const [first, second] = [token(signature), token(signature)];
			return [encodeAttribute(RFC3161, ...garbage, second, first), encodeAttribute(COUNTERSIGNATURE, sequence())];
		});
		const { timestamps, failures } = judge(info);
		expect(timestamps).toHaveLength(2);
		expect(timestamps[0].time).toBeLessThanOrEqual(timestamps[1].time);
		expect(failures).toHaveLength(3);
	});

	it("judges no more than eight", () => {
		const info = signedWith(() => [encodeAttribute(RFC3161, ...Array.from({ length: 20 }, () => sequence()))]);
		const { failures } = judge(info);
		expect(failures).toHaveLength(9);
		expect(failures.map(({ code }) => code)).toContain("ERR_LIMIT");
	});

	it("allows to judge the chain of an expired signer at the token's time", () => {
		const issuer = workshop.issue({ subject: "/CN=Code root", extensions: AUTHORITY });
		const expired = { issuer, extensions: CODE_SIGNER, key: "p256", notAfter: "20400101000000Z" } as const;
		const leaf = workshop.issue({ subject: "/CN=Expired", ...expired });
		const [timestamp] = judge(signedWith((signature) => [encodeAttribute(RFC3161, token(signature))], leaf)).timestamps;
		const options = {
			intermediates: [],
			anchors: [issuer.certificate],
			purpose: "codeSigning",
			profile: "default",
		} as const;
		verifyChain(leaf.certificate, { ...options, at: timestamp.time });
		expect(() => verifyChain(leaf.certificate, { ...options, at: Date.UTC(2041, 0, 1) })).toThrow("expired");
	});

	it("describeTimestamps() returns the claims, and why a timestamp cannot be read", () => {
		const info = signedWith((signature) => [
			encodeAttribute(RFC3161, token(signature)),
			encodeAttribute(COUNTERSIGNATURE, sequence()),
		]);
		const [token1, broken] = describeTimestamps(info);
		expect([token1, broken].map(({ kind }) => kind).sort()).toEqual(["countersignature", "rfc3161"]);
		const byKind = new Map([token1, broken].map((description) => [description.kind, description]));
		expect(byKind.get("rfc3161")).toMatchObject({
			signer: "CN=Time authority",
			digestAlgorithm: "2.16.840.1.101.3.4.2.1",
			problem: undefined,
		});
		expect(byKind.get("countersignature")?.problem).toContain("timestamp");
	});
});

describe.skipIf(!hasCorpus)("timestamps of the corpus", () => {
	const anchors = hasCorpus ? certificatesFromPem(corpusPem("CAfile-all.pem")) : [];
	const stamped = corpusCatalogs().filter(({ timestamp }) => timestamp !== "-");

	it.each(stamped)("$name: $timestamp, as for osslsigncode", ({ bytes, timestamp }) => {
		const { signers, certificates } = parseSignedData(bytes, "catalog");
		const { timestamps, failures } = verifyTimestamps(signers[0], { certificates, anchors, profile: "windows-legacy" });
		expect(failures.map(({ message }) => message)).toHaveLength(timestamp === "ok" ? 0 : 1);
		expect(timestamps).toHaveLength(timestamp === "ok" ? 1 : 0);
		expect(describeTimestamps(signers[0], certificates)).toHaveLength(1);
	});
});
