import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { encode, NULL, oid, sequence, setOf, TAG } from "../../dist/asn1/der.js";
import {
	certificatesFromFileBytes,
	certificatesFromPem,
	DEVELOPMENT_MARKER_OID,
	isDevelopmentCertificate,
	MAX_CERTIFICATE_SIZE,
	parseCertificate,
	publicKeyOf,
	spkiSha256,
} from "../../dist/pki/certificate.js";
import { isCertificateAuthority, verifyPinned } from "../../dist/pki/chain.js";
import { describeFileBytes } from "../../dist/pki/file-kind.js";
import { parseName } from "../../dist/pki/name.js";
import { corpusPem, hasCorpus } from "./corpus.js";
import { expectError, verdictOf } from "./expect-error.js";
import { AUTHORITY, CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "./openssl.js";

describe("parseCertificate()", () => {
	let workshop: Workshop;
	let root: Issued;
	let leaf: Issued;

	beforeAll(() => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root", serial: "fb" });
		leaf = workshop.issue({ subject: "/C=US/O=Example/CN=Signer", issuer: root, extensions: CODE_SIGNER, key: "p256" });
	});
	afterAll(() => workshop.remove());

	it("reads the same as node:crypto and openssl", () => {
		const { certificate } = leaf;
		const oracle = new X509Certificate(certificate.der);
		expect(certificate.version).toBe(3);
		expect(Buffer.from(certificate.serial).toString("hex").replace(/^00/, "").toUpperCase()).toBe(oracle.serialNumber);
		expect(certificate.subject.text).toBe("CN=Signer,O=Example,C=US");
		expect(certificate.issuer.text).toBe("CN=Root");
		expect(certificate.notBefore).toBe(Date.UTC(2020, 0, 1));
		expect(certificate.notAfter).toBe(Date.parse(oracle.validTo));
		expect(certificate.keyAlgorithm).toEqual({ kind: "ec", curve: "P-256" });
		expect(root.certificate.keyAlgorithm).toEqual({ kind: "rsa", bits: 2048 });
		expect(publicKeyOf(certificate).equals(oracle.publicKey)).toBe(true);
		expect(publicKeyOf(certificate)).toBe(publicKeyOf(certificate));
		const spki = oracle.publicKey.export({ type: "spki", format: "der" });
		expect(spkiSha256(certificate)).toBe(createHash("sha256").update(spki).digest("hex"));
	});

	it("reads the extensions that verification applies", () => {
		const { extensions } = leaf.certificate;
		expect(extensions.basicConstraints).toEqual({ isAuthority: false, maxPathLength: undefined });
		expect(extensions.keyUsage).toBe(1);
		expect(extensions.extendedKeyUsage).toEqual({ oids: ["1.3.6.1.5.5.7.3.3"], critical: false });
		expect(extensions.authorityKeyId).toEqual(root.certificate.extensions.subjectKeyId);
		expect(extensions.unknownCritical).toEqual([]);
		expect([...extensions.all.keys()]).toHaveLength(5);
	});

	it("tolerates a negative serial number", () => {
		expect(root.certificate.serial).toEqual(Buffer.of(0xfb));
	});

	it("isCertificateAuthority() recognises authorities", () => {
		const isAuthority = (...extensions: string[]) =>
			isCertificateAuthority(workshop.issue({ subject: "/CN=X", extensions, key: "p256" }).certificate);
		expect(isAuthority(...AUTHORITY)).toBe(true);
		expect(isAuthority("basicConstraints=critical,CA:TRUE", "keyUsage=digitalSignature")).toBe(false);
		expect(isAuthority("basicConstraints=CA:FALSE")).toBe(false);
		expect(isAuthority("extendedKeyUsage=codeSigning")).toBe(false);
		expect(isAuthority()).toBe(true); // A root may be older than the extensions, and then has none.
		expect(isCertificateAuthority(leaf.certificate)).toBe(false);
	});

	it("recognises a development certificate by its marker, which does not make verification fail", () => {
		const marked = workshop.issue({
			subject: "/CN=Dev",
			extensions: [...CODE_SIGNER.slice(0, 3), `${DEVELOPMENT_MARKER_OID}=DER:0500`],
		});
		expect(isDevelopmentCertificate(marked.certificate)).toBe(true);
		expect(isDevelopmentCertificate(leaf.certificate)).toBe(false);
		verifyPinned(marked.certificate, { at: Date.UTC(2025, 0, 1), purpose: "codeSigning", profile: "default" });
	});

	it("refuses bytes behind the certificate, a repeated extension and two different signature algorithms", () => {
		const der = Buffer.from(leaf.certificate.der);
		expectError("ERR_DER", () => parseCertificate(Buffer.concat([der, Buffer.of(0)])));

		const repeated = Buffer.from(der);
		// Turns authorityKeyIdentifier into a second subjectKeyIdentifier.
		repeated[repeated.indexOf(Buffer.from("0603551d23", "hex")) + 4] = 0x0e;
		expectError("ERR_CERTIFICATE_FORMAT", () => parseCertificate(repeated));

		const differing = Buffer.from(der);
		differing[differing.lastIndexOf(Buffer.from("2a864886f70d01010b", "hex")) + 8] = 0x0c;
		expectError("ERR_CERTIFICATE_FORMAT", () => parseCertificate(differing));
	});

	it("refuses a second encoding of a key, whose hash would be another pin", () => {
		const hybrid = Buffer.from(leaf.certificate.der);
		const point = hybrid.indexOf(Buffer.from("03420004", "hex")) + 3;
		hybrid[point] = 0x06 | (hybrid[point + 64] & 1);
		expectError("ERR_CERTIFICATE_FORMAT", () => parseCertificate(hybrid));
	});

	it("refuses input that is larger than the limit before parsing it", () => {
		expectError("ERR_LIMIT", () => parseCertificate(new Uint8Array(MAX_CERTIFICATE_SIZE + 1)));
	});

	it("ends in a SigtoolError for every truncation", () => {
		const { der } = leaf.certificate;
		for (let length = 0; length < der.length; length++)
			expectError("ERR_DER", () => parseCertificate(der.subarray(0, length)));
	});

	it("altered bytes parse or end in a SigtoolError, and so does the use of the result", () => {
		const { der } = root.certificate;
		fc.assert(
			fc.property(
				fc.array(fc.tuple(fc.nat(der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
				(changes) => {
					const altered = Buffer.from(der);
					for (const [position, byte] of changes) altered[position] = byte;
					verdictOf(() => {
						const certificate = parseCertificate(altered);
						publicKeyOf(certificate);
						verifyPinned(certificate, { at: Date.now(), purpose: "codeSigning", profile: "default" });
					});
				},
			),
			{ numRuns: 2000 },
		);
	});

	describe("certificatesFromPem() and certificatesFromFileBytes()", () => {
		const pem = () => readFileSync(leaf.file, "latin1");

		it("reads every CERTIFICATE block between other text and blocks", () => {
			const text = `comment\r\n${pem().replaceAll("\n", "\r\n")}${readFileSync(leaf.keyFile, "latin1")}${readFileSync(root.file, "latin1")}`;
			expect(certificatesFromPem(text).map(({ subject }) => subject.text)).toEqual([
				"CN=Signer,O=Example,C=US",
				"CN=Root",
			]);
		});

		it("reads a DER file and a PEM file", () => {
			expect(certificatesFromFileBytes(leaf.certificate.der)).toHaveLength(1);
			expect(certificatesFromFileBytes(readFileSync(root.file))).toHaveLength(1);
		});

		it("reads PEM behind a byte order mark, as text and as bytes", () => {
			expect(certificatesFromPem(`\ufeff${pem()}`)).toHaveLength(1);
			const bytes = Buffer.concat([Buffer.from("efbbbf", "hex"), Buffer.from(pem(), "latin1")]);
			expect(certificatesFromFileBytes(bytes)).toHaveLength(1);
			expect(describeFileBytes(bytes).kind).toBe("PEM certificate");
		});

		it("names what converts a TRUSTED CERTIFICATE of openssl", () => {
			const trusted = join(workshop.directory, "trusted.pem");
			const plain = join(workshop.directory, "plain.pem");
			workshop.openssl("x509", "-in", leaf.file, "-trustout", "-addtrust", "codeSigning", "-out", trusted);
			const { message } = expectError("ERR_CERTIFICATE_FORMAT", () => certificatesFromFileBytes(readFileSync(trusted)));
			expect(message).toBe(
				"Cannot read certificates: it is a certificate with trust settings of OpenSSL (BEGIN TRUSTED CERTIFICATE); " +
					"`openssl x509 -in FILE -out PLAIN` writes it without them",
			);
			workshop.openssl("x509", "-in", trusted, "-out", plain);
			expect(certificatesFromFileBytes(readFileSync(plain))).toHaveLength(1);
		});

		it.each([
			["no block", () => "text"],
			["an open block", () => pem().replace("-----END", "-----FIN")],
			["a block within a block", () => `-----BEGIN CERTIFICATE-----\n${pem()}`],
			["an end without a beginning", () => "-----END CERTIFICATE-----"],
			["characters that are not base64", () => pem().replace(/\n[A-Za-z]/, "\n*")],
			["a missing character", () => pem().replace(/\n./, "\n")],
		])("refuses %s", (_, text) => {
			expectError("ERR_CERTIFICATE_FORMAT", () => certificatesFromPem(text()));
		});
	});
});

describe("parseName()", () => {
	const attribute = (type: string, tag: number, value: string, encoding: BufferEncoding = "utf8") =>
		sequence(oid(type), encode(tag, Buffer.from(value, encoding)));
	const name = (...attributes: Uint8Array[]) => parseName(sequence(...attributes.map((one) => setOf(one)))).text;

	it("writes RFC 4514 with the most specific part first and special characters escaped", () => {
		expect(
			name(
				attribute("2.5.4.10", TAG.UTF8_STRING, 'Acme, "Inc"; a+b <c>\\'),
				attribute("2.5.4.3", TAG.UTF8_STRING, "Zoë"),
			),
		).toBe('CN=Zoë,O=Acme\\, \\"Inc\\"\\; a\\+b \\<c\\>\\\\');
		expect(name(attribute("2.5.4.3", TAG.UTF8_STRING, " #x "))).toBe("CN=\\ #x\\ ");
		expect(name(attribute("2.5.4.3", TAG.UTF8_STRING, "#"))).toBe("CN=\\#");
		expect(name(attribute("2.5.4.3", TAG.UTF8_STRING, "a\nb\0\u0085"))).toBe("CN=a\\0Ab\\00\\C2\\85");
	});

	it("joins the parts of a multi-valued name with a plus sign", () => {
		const parts = setOf(attribute("2.5.4.3", TAG.UTF8_STRING, "a"), attribute("2.5.4.5", TAG.PRINTABLE_STRING, "1"));
		expect(parseName(sequence(parts)).text).toBe("CN=a+serialNumber=1");
	});

	it("reads BMPString and T61String", () => {
		expect(name(attribute("2.5.4.3", TAG.BMP_STRING, "00410416d83dde00", "hex"))).toBe("CN=AЖ😀");
		expect(name(attribute("2.5.4.3", TAG.T61_STRING, "5a6feb", "hex"))).toBe("CN=Zoë");
	});

	it("writes hexadecimal for unknown types and for bytes that are not text", () => {
		expect(name(attribute("1.2.3", TAG.UTF8_STRING, "a"))).toBe("1.2.3=#0C0161");
		expect(name(attribute("2.5.4.3", TAG.UTF8_STRING, "ff", "hex"))).toBe("CN=#0C01FF");
		expect(name(attribute("2.5.4.3", TAG.BMP_STRING, "d800", "hex"))).toBe("CN=#1E02D800");
		expect(name(sequence(oid("2.5.4.3"), NULL))).toBe("CN=#0500");
	});
});

describe.skipIf(!hasCorpus)("certificates of the corpus", () => {
	it.each(["CAfile-all.pem", "ms-roots.pem", "roots-from-corpus.pem", "intermediates-from-corpus.pem"])(
		"all of %s parse, with the same subjects as in openssl",
		(file) => {
			for (const certificate of certificatesFromPem(corpusPem(file))) {
				const options = ["-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb,utf8"];
				const subject = execFileSync("openssl", ["x509", ...options], { input: certificate.der }).toString();
				expect(`subject=${certificate.subject.text}\n`).toBe(subject);
				expect(publicKeyOf(certificate).type).toBe("public");
			}
		},
	);
});
