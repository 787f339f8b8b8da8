import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SigtoolError } from "../../src/errors.js";
import { encodeCheckpoint, isOrigin, parseCheckpoint } from "../../src/log/checkpoint.js";
import { encodeVerifierKey, parseNoteKey } from "../../src/log/checkpoint-keys.js";
import { encodeNote, parseNote } from "../../src/log/note.js";
import { sealWithKey, sealWithSigner } from "../../src/log/seal.js";
import { verifyCheckpoint } from "../../src/log/verify-checkpoint.js";
import { type TrustPolicy, trustFromCertificates } from "../../src/pki/trust-policy.js";
import { openPemSigner } from "../../src/signer/pem.js";
import type { Signer } from "../../src/signer/signer.js";
import { CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "../pki/openssl.js";

/** The example of c2sp.org/signed-note. */
const NOTE = `This is an example message.

\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;
const VERIFIER_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
/** The example of c2sp.org/tlog-checkpoint. */
const TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

const NOBODY: TrustPolicy = trustFromCertificates([]);
const codeOf = (action: () => unknown) => {
	try {
		action();
		return "ok";
	} catch (error) {
		if (error instanceof SigtoolError) return error.code;
		throw error;
	}
};

describe("notes and checkpoints", () => {
	it("reads the examples of the specifications", () => {
		const { text, signatures } = parseNote(Buffer.from(NOTE));
		expect([text, signatures[0].name, signatures[0].keyId]).toEqual([
			"This is an example message.\n",
			"example.com/foo",
			"530d903a",
		]);
		expect(encodeNote({ text, signatures })).toBe(NOTE);
		const key = parseNoteKey(Buffer.from(VERIFIER_KEY));
		expect(key?.name).toBe("example.com/foo");
		expect(encodeVerifierKey("example.com/foo", key?.publicKey as KeyObject)).toBe(VERIFIER_KEY);
		const checkpoint = parseCheckpoint(TEXT);
		expect(checkpoint).toMatchObject({ origin: "example.com/behind-the-sofa", size: 20_852_163 });
		expect(encodeCheckpoint(checkpoint)).toBe(TEXT);
	});

	it.each([
		["no signatures", TEXT],
		["no line feed at the end", NOTE.slice(0, -1)],
		["a control character", NOTE.replace("example m", "example\tm")],
		["a carriage return", NOTE.replace("\n", "\r\n")],
		["a signature with a hyphen", NOTE.replace("\u2014", "-")],
		["a signature without a name", NOTE.replace("example.com/foo ", "")],
		["a name with a plus", NOTE.replace("com/foo ", "com+foo ")],
		["base64 with bits beyond", NOTE.replace("aQM=", "aQN=")],
		["base64 for the web", NOTE.replace("mFX", "-FX")],
		["a signature of 4 bytes", NOTE.replace(/Uw2QOk\S+/, "Uw2QOg==")],
		["65 signatures", NOTE + NOTE.split("\n").slice(2, 3).join("").concat("\n").repeat(64)],
		["a megabyte", `${"a".repeat(2 ** 20)}\n${NOTE}`],
	])("refuses a note with %s", (_, note) => {
		expect(codeOf(() => parseNote(Buffer.from(note)))).toBe("ERR_CHECKPOINT_FORMAT");
	});

	it("refuses a note that is not UTF-8", () => {
		expect(codeOf(() => parseNote(Buffer.concat([Buffer.of(0xff), Buffer.from(NOTE)])))).toBe("ERR_CHECKPOINT_FORMAT");
	});

	it.each([
		["a size with a zero before it", TEXT.replace("\n2", "\n02")],
		["a size with a sign", TEXT.replace("\n2", "\n+2")],
		["a size beyond exact numbers", TEXT.replace("20852163", "99999999999999999")],
		["a root of 31 bytes", TEXT.replace("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", `${"A".repeat(42)}==`)],
		["no origin", `\n${TEXT.split("\n").slice(1).join("\n")}`],
		["two lines", TEXT.split("\n").slice(0, 2).join("\n").concat("\n")],
		["an empty extension", `${TEXT}\nmore\n`],
	])("refuses a checkpoint with %s", (_, text) => {
		expect(codeOf(() => parseCheckpoint(text))).toBe("ERR_CHECKPOINT_FORMAT");
	});

	it("accepts as an origin only the name of a key", () => {
		expect(
			["example.com/a", "", "a b", "a+b", "a\u00a0b", "a\u2028b", "a\u007f", "a".repeat(256)].map(isOrigin),
		).toEqual([true, ...Array.from({ length: 7 }, () => false)]);
	});

	it.each([
		["a key of another type", VERIFIER_KEY.replace("+Aek", "+Bek")],
		["a name that is not that of the identifier", VERIFIER_KEY.replace("foo", "bar")],
		["a key that is too short", VERIFIER_KEY.slice(0, -4)],
	])("refuses a verifier key with %s", (_, text) => {
		expect(codeOf(() => parseNoteKey(Buffer.from(text)))).toBe("ERR_KEY");
	});

	it("accepts as a public key only one of Ed25519", () => {
		const pem = (key: KeyObject) => Buffer.from(key.export({ format: "pem", type: "spki" }));
		const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
		expect(codeOf(() => parseNoteKey(pem(publicKey)))).toBe("ERR_KEY");
		expect(codeOf(() => parseNoteKey(Buffer.from("-----BEGIN PUBLIC KEY-----\nAA==\n")))).toBe("ERR_KEY");
		expect(parseNoteKey(pem(generateKeyPairSync("ed25519").publicKey))?.name).toBeUndefined();
		expect(parseNoteKey(Buffer.from("-----BEGIN CERTIFICATE-----\n"))).toBeUndefined();
	});
});

describe("the signature of a checkpoint by Ed25519", () => {
	const { privateKey } = generateKeyPairSync("ed25519");
	const publicKey = createPublicKey(privateKey);
	const { note, verifierKey } = sealWithKey(TEXT, privateKey);
	const verify = (text: string, keys = [{ name: undefined, publicKey }]) =>
		verifyCheckpoint(Buffer.from(text), { keys, trust: NOBODY });

	it("is accepted by the key, in every form of it", () => {
		expect(verify(note)).toMatchObject({ by: { type: "ed25519", name: "example.com/behind-the-sofa" }, ignored: 0 });
		const key = parseNoteKey(Buffer.from(`${verifierKey}\n`));
		expect(
			verifyCheckpoint(Buffer.from(note), { keys: key === undefined ? [] : [key], trust: NOBODY }).checkpoint.size,
		).toBe(20_852_163);
	});

	it("is refused after the change of any byte", () => {
		const bytes = Buffer.from(note);
		fc.assert(
			fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
				const changed = Buffer.from(bytes);
				changed[at] ^= flip;
				expect(["ERR_SIGNATURE", "ERR_UNTRUSTED_SIGNER", "ERR_CHECKPOINT_FORMAT"]).toContain(
					codeOf(() => verifyCheckpoint(changed, { keys: [{ name: undefined, publicKey }], trust: NOBODY })),
				);
			}),
			{ numRuns: 1000 },
		);
	});

	it("counts beside signatures of others, and not without one that is trusted", () => {
		const other = generateKeyPairSync("ed25519");
		const both = note + sealWithKey(TEXT, other.privateKey).note.slice(TEXT.length + 1);
		expect(verify(both)).toMatchObject({ ignored: 1 });
		expect(codeOf(() => verify(both, []))).toBe("ERR_UNTRUSTED_SIGNER");
		const invalid = note.replace(/(.)(=+\n)$/, (_, last, end) => (last === "A" ? "E" : "A") + end);
		expect(codeOf(() => verify(invalid + both.slice(note.length)))).not.toBe("ok");
	});
});

describe("the signature of a checkpoint by a certificate's key", () => {
	let workshop: Workshop;
	let root: Issued;
	let leaf: Issued;
	let signer: Signer;
	beforeAll(async () => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root" });
		leaf = workshop.issue({ subject: "/CN=Signer", issuer: root, extensions: CODE_SIGNER });
		signer = await openPemSigner({ keyFile: leaf.keyFile, certFile: leaf.file });
	});
	afterAll(() => workshop.remove());
	const verify = (note: string, trust: TrustPolicy) => verifyCheckpoint(Buffer.from(note), { keys: [], trust });

	it("is accepted through a pin and through an authority, and by nobody else", async () => {
		const { note } = await sealWithSigner(TEXT, signer);
		for (const { certificate } of [leaf, root])
			expect(verify(note, trustFromCertificates([certificate])).by).toMatchObject({
				type: "cms",
				signer: { leaf: { subject: { text: "CN=Signer" } } },
			});
		expect(codeOf(() => verify(note, NOBODY))).toBe("ERR_UNTRUSTED_SIGNER");
		const changed = note.replace("\n20852163\n", "\n20852164\n");
		expect(codeOf(() => verify(changed, trustFromCertificates([leaf.certificate])))).toBe("ERR_SIGNED_ATTRIBUTES");
	});

	it("is bound to its name, and is no signature of a catalog or an index", async () => {
		const { note } = await sealWithSigner(TEXT, signer);
		const renamed = note.replace("\u2014 example.com/behind-the-sofa", "\u2014 example.com/other");
		const trust = trustFromCertificates([leaf.certificate]);
		expect(codeOf(() => verify(renamed, trust))).toBe("ERR_UNTRUSTED_SIGNER");
	});

	it("is one that openssl verifies over the text", async () => {
		const { note } = await sealWithSigner(TEXT, signer);
		const { signature } = parseNote(Buffer.from(note)).signatures[0];
		const [text, der] = [workshop.write("note.text", Buffer.from(TEXT)), workshop.write("note.p7", signature)];
		const args = ["cms", "-verify", "-binary", "-inform", "DER", "-in", der, "-content", text, "-CAfile", root.file];
		expect(workshop.openssl(...args, "-purpose", "any").toString()).toBe(TEXT);
	});
});
