/**
 * Compares how Node.js and a spython judge the signer of an index by the authorities of a host configuration. Both get
 * the same index and the same configuration.
 */

import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { bitString, DerReader, encode, oid, sequence, TAG } from "../../../core/dist/asn1/der.js";
import { isPassing, SigtoolError } from "../../../core/dist/errors.js";
import { parseCertificate, spkiSha256 } from "../../../core/dist/pki/certificate.js";
import type { Signer } from "../../../core/dist/signer/signer.js";
import { encodeIndex, signIndex } from "../../../core/dist/trust/index-encode.js";
import { parsePolicy } from "../../../core/dist/trust/policy.js";
import { toPem } from "../../../core/test/kept-keys.js";
import {
	CHAIN_CASES,
	type ChainParts,
	INTERMEDIATE,
	makeChainParts,
	replacing,
} from "../../../core/test/pki/chain-cases.js";
import { AUTHORITY, CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "../../../core/test/pki/openssl.js";
import { verifyHost } from "../../dist/internal.js";
import { buildOrCopySpython } from "./kept-spython.js";
import { describeEach, PYTHONS } from "./support.js";

const isRoot = process.getuid?.() === 0;

describeEach(PYTHONS.slice(0, 1), isRoot)(
	"authorities of the host, judged by Node.js and by spython $version (as root)",
	(python) => {
		let workshop: Workshop;
		let parts: ChainParts;
		let spython: string;
		beforeAll(() => {
			workshop = openWorkshop();
			parts = makeChainParts(workshop);
			spython = join(workshop.directory, "spython");
			buildOrCopySpython(python, spython, {});
		});
		afterAll(() => workshop.remove());

		interface Verdict {
			/** The value is `ok`, or the code of the refusal. */
			readonly code: string;
			/** True if the start may succeed later. */
			readonly passing: boolean;
		}

		/** Makes an index that this leaf signs, with the other certificates beside its own. */
		async function indexBy(leaf: Issued, others: readonly Issued[]): Promise<string> {
			const index = join(workshop.directory, "app.sigx");
			const key = createPrivateKey(readFileSync(leaf.keyFile));
			const signer: Signer = {
				algorithm: key.asymmetricKeyType === "rsa" ? "rsa-pkcs1-sha256" : "ecdsa-sha256",
				certificates: [leaf, ...others].map(({ certificate }) => certificate),
				development: false,
				sign: async (bytes) => sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", bytes, key),
				begin: () => {
					throw new Error("An index is signed at once");
				},
				close() {},
			};
			const product = { name: "app", root: "/srv/app", sequence: undefined, catalogs: [], entries: new Map() };
			const content = encodeIndex({
				notAfter: undefined,
				policy: parsePolicy({ version: 1 }),
				signers: [],
				products: [product],
			});
			writeFileSync(index, Buffer.concat(await signIndex(content, signer, Date.now())));
			return index;
		}

		function byNode(index: string, config: string): Verdict {
			try {
				verifyHost({ index, config });
				return { code: "ok", passing: false };
			} catch (error) {
				if (!(error instanceof Error && "code" in error)) throw error;
				return { code: String(error.code), passing: isPassingLike(error) };
			}
		}

		function bySpython(index: string, config: string): Verdict {
			const args = ["--check-index", "--index", index, "--config", config];
			const { status, stdout, stderr } = spawnSync(spython, args, { encoding: "utf8" });
			if (status === 0) return { code: stdout === "enforce\n" ? "ok" : stdout, passing: false };
			expect([75, 126], stderr).toContain(status);
			return { code: /^spython: (ERR_\w+): /m.exec(stderr)?.[1] ?? stderr, passing: status === 75 };
		}

		/**
		 * Returns the verdicts of Node.js and of spython. By default the root is the only authority, for the leaf's
		 * subject.
		 */
		async function judged(leaf: Issued, others: readonly Issued[], members: object = trusting(leaf, parts.root)) {
			const index = await indexBy(leaf, others);
			const config = join(workshop.directory, "verifier.json");
			writeFileSync(config, JSON.stringify({ version: 1, audit: { stderr: "off" }, ...members }), { mode: 0o600 });
			return { node: byNode(index, config), spython: bySpython(index, config) };
		}

		function trusting({ certificate }: Issued, ...anchors: Issued[]) {
			return {
				authorities: anchors.map(({ file }) => ({ certificate: file, subject: certificate.subject.text })),
			};
		}

		/** Requires that both decide in the same way. Returns the decision. */
		async function agreed(...args: Parameters<typeof judged>): Promise<string> {
			const { node, spython } = await judged(...args);
			expect(spython).toEqual(node);
			return spython.code;
		}

		it.each(Object.entries(CHAIN_CASES))("agree about %s", async (_, { make, expect: expected }) => {
			const [leaf, ...intermediates] = make(parts);
			const { node, spython } = await judged(leaf, intermediates);
			// The leaf of this case became valid a second after AT, so it is valid at the present time.
			expect(node.code).toBe(expected === "ERR_CERTIFICATE_NOT_YET_VALID" ? "ok" : expected);
			// libcrypto does not try an issuer with another key identifier, so it reports a missing chain instead of a
			// wrong signature.
			const isUntried = expected === "ERR_CERTIFICATE_SIGNATURE" && spython.code === "ERR_UNTRUSTED_SIGNER";
			expect(spython).toEqual(isUntried ? { ...node, code: "ERR_UNTRUSTED_SIGNER" } : node);
		});

		it("agree that a leaf which is not yet valid may be judged by a slow clock", async () => {
			const early = { subject: "/CN=New", issuer: parts.middle, extensions: CODE_SIGNER, notBefore: "20390101000000Z" };
			const { node, spython } = await judged(workshop.issue(early), [parts.middle]);
			expect(node).toEqual({ code: "ERR_CERTIFICATE_NOT_YET_VALID", passing: true });
			expect(spython).toEqual(node);
			const order = { ...early, subject: "/CN=Soon", issuer: parts.root, extensions: INTERMEDIATE };
			const soon = workshop.issue(order);
			expect(await agreed(parts.signer(soon), [soon])).toBe("ERR_CERTIFICATE_NOT_YET_VALID");
		});

		it("agree that a changed index by a leaf which is not yet valid is judged, and not tried again", async () => {
			const early = { subject: "/CN=New", issuer: parts.middle, extensions: CODE_SIGNER, notBefore: "20390101000000Z" };
			const leaf = workshop.issue(early);
			await judged(leaf, [parts.middle]);
			const [index, config] = ["app.sigx", "verifier.json"].map((name) => join(workshop.directory, name));
			const bytes = readFileSync(index ?? "");
			bytes[30] = (bytes[30] ?? 0) ^ 1;
			writeFileSync(index ?? "", bytes);
			const forged = { code: "ERR_SIGNED_ATTRIBUTES", passing: false };
			expect(byNode(index ?? "", config ?? "")).toEqual(forged);
			expect(bySpython(index ?? "", config ?? "")).toEqual(forged);
		});

		it("agree about who vouches", async () => {
			const { root, middle, leaf, signer } = parts;
			const stranger = workshop.issue({ subject: "/CN=Root" });
			expect(await agreed(leaf, [middle], trusting(leaf, stranger, root))).toBe("ok");
			expect(await agreed(leaf, [middle], trusting(leaf, middle))).toBe("ok");
			expect(await agreed(leaf, [], trusting(leaf, middle))).toBe("ok");
			expect(await agreed(leaf, [middle], trusting(leaf, leaf))).toBe("ERR_UNTRUSTED_SIGNER");
			expect(await agreed(leaf, [middle], { authorities: [] })).toBe("ERR_UNTRUSTED_SIGNER");
			expect(await agreed(leaf, [middle, root], trusting(root, root))).toBe("ERR_UNTRUSTED_SIGNER");
			expect((await judged(leaf, [], trusting(leaf, root))).spython.code).toBe("ERR_UNTRUSTED_SIGNER");
			const own = workshop.issue({
				subject: "/CN=Own",
				extensions: [
					...replacing(AUTHORITY, "keyUsage=critical,keyCertSign,digitalSignature"),
					"extendedKeyUsage=codeSigning",
				],
			});
			expect(await agreed(own, [], trusting(own, own))).toBe("ok");
			const plain = workshop.issue({ subject: "/CN=Plain", extensions: CODE_SIGNER.slice(0, 4) });
			expect(await agreed(plain, [], trusting(plain, plain))).toBe("ERR_CERTIFICATE_CONSTRAINTS");
			const other = workshop.issue({ subject: "/CN=Other root" });
			const cross = workshop.issue({ subject: "/CN=Root", issuer: other, extensions: INTERMEDIATE, sameKeyAs: root });
			expect(await agreed(leaf, [root, middle, cross], trusting(leaf, other))).toBe("ok");
			const { node, spython } = await judged(signer(stranger), [stranger], trusting(leaf, root));
			expect([node.code, spython.code]).toEqual(["ERR_CERTIFICATE_SIGNATURE", "ERR_UNTRUSTED_SIGNER"]);
		});

		it("agree about the anchor's own dates and constraints, and about the length of a chain", async () => {
			const { root, authority, signer } = parts;
			const verdict = (order: Partial<Parameters<Workshop["issue"]>[0]>) => {
				const anchor = workshop.issue({ subject: "/CN=Anchor", ...order });
				const end = signer(anchor);
				return agreed(end, [], trusting(end, anchor));
			};
			expect(await verdict({ digest: "sha1" })).toBe("ok");
			expect(await verdict({ notAfter: "20241231235959Z" })).toBe("ERR_CERTIFICATE_EXPIRED");
			expect(await verdict({ key: "rsa1024" })).toBe("ERR_WEAK_KEY");
			const noAuthority = replacing(AUTHORITY, "basicConstraints=critical,CA:FALSE");
			expect(await verdict({ extensions: noAuthority })).toBe("ERR_CERTIFICATE_CONSTRAINTS");
			expect(await verdict({ extensions: ["subjectKeyIdentifier=hash"] })).toBe("ERR_CERTIFICATE_CONSTRAINTS");
			expect(await verdict({ extensions: [...AUTHORITY, "extendedKeyUsage=timeStamping"] })).toBe(
				"ERR_CERTIFICATE_PURPOSE",
			);
			expect(await verdict({ extensions: [...AUTHORITY, "extendedKeyUsage=anyExtendedKeyUsage"] })).toBe("ok");
			const path = [root];
			while (path.length < 10) path.push(authority(path[path.length - 1] ?? root, `Level ${path.length}`));
			const [nine, ten] = [path[8] ?? root, path[9] ?? root].map((issuer) => signer(issuer));
			expect(await agreed(nine as Issued, path.slice(1))).toBe("ok");
			expect(await agreed(ten as Issued, path.slice(1))).toBe("ERR_UNTRUSTED_SIGNER");
		});

		it.each<[what: string, constraint: readonly string[], names: readonly string[], expected: string]>([
			["directory names", ["permitted;dirName:where", "[where]", "O=Example"], [], "ERR_CERTIFICATE_CONSTRAINTS"],
			["addresses, of which there are none", ["permitted;IP:10.0.0.0/255.0.0.0"], [], "ok"],
			["addresses", ["permitted;IP:10.0.0.0/255.0.0.0"], ["IP:10.1.1.1"], "ERR_CERTIFICATE_CONSTRAINTS"],
			["hosts below", ["permitted;DNS:.example.com"], ["DNS:a.example.com"], "ok"],
			[
				"hosts, and this is the host above",
				["permitted;DNS:.example.com"],
				["DNS:example.com"],
				"ERR_CERTIFICATE_CONSTRAINTS",
			],
			["an excluded mailbox", ["excluded;email:a@b.test"], ["email:a@b.test"], "ERR_CERTIFICATE_CONSTRAINTS"],
			["URIs", ["permitted;URI:.example.com"], ["URI:https://a.example.com/"], "ERR_CERTIFICATE_CONSTRAINTS"],
		])("agree about constraints on %s", async (_, constraint, names, expected) => {
			const lines = [...INTERMEDIATE, `nameConstraints=critical,${constraint[0]}`, ...constraint.slice(1)];
			const issuer = parts.authority(parts.root, "Constrained", lines);
			const more = names.length === 0 ? [] : [`subjectAltName=${names.join(",")}`];
			expect(await agreed(parts.signer(issuer, [...CODE_SIGNER, ...more]), [issuer])).toBe(expected);
		});

		it("agree about critical extensions that are not applied", async () => {
			for (const line of ["policyConstraints=critical,requireExplicitPolicy:0", "nsCertType=critical,objCA"]) {
				const issuer = parts.authority(parts.root, "Special", [...INTERMEDIATE, line]);
				expect(await agreed(parts.signer(issuer), [issuer]), line).toBe("ERR_CERTIFICATE_EXTENSION");
			}
			const points = "crlDistributionPoints=critical,URI:http://a.test/b.crl";
			expect(await agreed(parts.signer(parts.middle, [...CODE_SIGNER, points]), [parts.middle])).toBe(
				"ERR_CERTIFICATE_EXTENSION",
			);
		});

		it("agree about keys that are not accepted", async () => {
			const { middle } = parts;
			const ed25519 = workshop.issue({ subject: "/CN=Ed", issuer: middle, extensions: CODE_SIGNER, key: "ed25519" });
			// libcrypto cannot verify a CMS signature of Ed25519 in this form. So Node.js and spython both refuse, but
			// with different codes.
			const { node, spython } = await judged(ed25519, [middle]);
			expect([node.code, spython.code]).not.toContain("ok");
			const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
			const keyFile = workshop.write("curve.key", toPem(privateKey));
			const bitcoin = workshop.issue({
				subject: "/CN=Curve",
				issuer: middle,
				extensions: CODE_SIGNER,
				sameKeyAs: { ...middle, keyFile },
			});
			expect(await agreed(bitcoin, [middle])).toBe("ERR_WEAK_KEY");
			expect(await agreed(bitcoin, [], { pins: [{ "spki-sha256": spkiSha256(bitcoin.certificate) }] })).toBe(
				"ERR_WEAK_KEY",
			);
		});

		it("agree about the deny list, for the signer and for every certificate above it", async () => {
			const { root, middle, leaf } = parts;
			const sha256 = (bytes: Uint8Array) => {
				const { stdout } = spawnSync("sha256sum", { input: bytes, encoding: "utf8" });
				return stdout.slice(0, 64);
			};
			for (const { certificate } of [leaf, middle, root]) {
				const { der, tbs, spki } = certificate;
				for (const denial of [{ key: sha256(spki) }, { certificate: sha256(der) }, { certificate: sha256(tbs) }]) {
					const deny = [{ ...denial, reason: "stolen" }];
					expect(await agreed(leaf, [middle], { ...trusting(leaf, root), deny })).toBe("ERR_DENIED");
				}
			}
			const deny = [{ key: "a".repeat(64), reason: "another" }];
			expect(await agreed(leaf, [middle], { ...trusting(leaf, root), deny })).toBe("ok");
		});

		/** Returns a copy of the leaf with another subject, which the authority above it signs. */
		function renamed(leaf: Issued, issuer: Issued, subject: Uint8Array): Issued {
			const elements: Uint8Array[] = [];
			const reader = new DerReader(leaf.certificate.tbs, "certificate");
			reader.open(TAG.SEQUENCE);
			while (!reader.done) elements.push(reader.element());
			const position = elements.findIndex((each) => Buffer.from(each).equals(leaf.certificate.subject.der));
			elements[position] = subject;
			const tbs = encode(TAG.SEQUENCE, ...elements);
			const key = createPrivateKey(readFileSync(issuer.keyFile));
			const algorithm = sequence(oid(leaf.certificate.signatureAlgorithm.oid), encode(TAG.NULL));
			const der = sequence(tbs, algorithm, bitString(sign("sha256", tbs, key)));
			return { ...leaf, certificate: parseCertificate(der) };
		}

		type Attribute = readonly [type: string, tag: number, value: Uint8Array | string];
		const name = (...relative: readonly (readonly Attribute[])[]) =>
			sequence(
				...relative.map((attributes) =>
					encode(
						TAG.SET,
						...attributes.map(([type, tag, value]) => sequence(oid(type), encode(tag, Buffer.from(value as string)))),
					),
				),
			);
		const [O, CN, SERIAL, UNKNOWN] = ["2.5.4.10", "2.5.4.3", "2.5.4.5", "1.2.3.4"];
		const bmp = (text: string) => Buffer.from(text, "utf16le").swap16();

		it.each<[what: string, subject: () => Uint8Array]>([
			[
				"special characters",
				() => name([[O, TAG.UTF8_STRING, ' #Acme, "Inc." + Sons; <a>\\ ']], [[CN, TAG.UTF8_STRING, "#1"]]),
			],
			[
				"letters beyond ASCII",
				() => name([[O, TAG.UTF8_STRING, "Müller 株式会社 🙂"]], [[CN, TAG.BMP_STRING, bmp("Ünser")]]),
			],
			["Latin-1", () => name([[CN, TAG.T61_STRING, Buffer.from("Müller", "latin1")]])],
			["control characters", () => name([[CN, TAG.UTF8_STRING, "a\u0000b\nc\u0085d"]])],
			[
				"several attributes in a part",
				() =>
					name(
						[[O, TAG.PRINTABLE_STRING, "X"]],
						[
							[CN, TAG.PRINTABLE_STRING, "A"],
							[SERIAL, TAG.PRINTABLE_STRING, "7"],
						],
					),
			],
			["a type without a keyword", () => name([[UNKNOWN, TAG.UTF8_STRING, "x"]], [[CN, TAG.UTF8_STRING, "A"]])],
			["an empty value", () => name([[CN, TAG.UTF8_STRING, ""]])],
		])("agree about a subject with %s, as Node.js writes it and in other ways", async (_, subject) => {
			const leaf = renamed(parts.leaf, parts.middle, subject());
			const { text } = leaf.certificate.subject;
			const authority = (subject: string) => ({ authorities: [{ certificate: parts.root.file, subject }] });
			expect(await agreed(leaf, [parts.middle], authority(text))).toBe("ok");
			const others = [
				text.toLowerCase(),
				text.toUpperCase(),
				`${text} `,
				text.replace("CN=", "cn = "),
				text.replace("CN=", "2.5.4.3="),
				text.replace(/,/g, " , "),
				text.replace(/A/, "\\41"),
				text.replace(/A/, "\\A"),
				`${text},O=X`,
				`${text}+O=X`,
				text.replace(/.$/s, ""),
				"CN=#0C0141",
				"CN",
				"=A",
				"1.2.3.4=x",
				"CN=A+",
				"CN=a\\",
			];
			for (const other of others) {
				expect([other, await agreed(leaf, [parts.middle], authority(other))]).toEqual([other, expect.anything()]);
			}
		});

		it("do not agree about names that libcrypto cannot read, which a spython refuses", async () => {
			for (const subject of [
				name([[CN, TAG.UTF8_STRING, Buffer.of(0xff)]]),
				name([[CN, TAG.BMP_STRING, Buffer.of(0xd8, 0x3d)]]),
			]) {
				const leaf = renamed(parts.leaf, parts.middle, subject);
				const { node, spython } = await judged(leaf, [parts.middle]);
				expect([node.code, spython.code, spython.passing]).toEqual(["ok", "ERR_CMS_FORMAT", false]);
			}
		});

		it("agree that a file which is no certificate of an authority cannot be used", async () => {
			const { root, middle, leaf } = parts;
			const use = (content: string) => {
				const certificate = workshop.write("authority.pem", content);
				return agreed(leaf, [middle], { authorities: [{ certificate, subject: leaf.certificate.subject.text }] });
			};
			const [pem, other] = [root, middle].map(({ file }) => readFileSync(file, "latin1"));
			expect(await use(pem ?? "")).toBe("ok");
			expect(await use(`\ufeff${pem}`)).toBe("ok");
			expect(await use(`${pem}${other}`)).toBe("ERR_HOST_CONFIG");
			expect(await use("")).toBe("ERR_HOST_CONFIG");
			expect(await use("-----BEGIN CERTIFICATE-----\n")).toBe("ERR_HOST_CONFIG");
			const missing = { certificate: join(workshop.directory, "none.pem"), subject: "CN=A" };
			const pins = [{ "spki-sha256": spkiSha256(leaf.certificate) }];
			const { node, spython } = await judged(leaf, [middle], { pins, authorities: [missing] });
			expect([node, spython]).toEqual(Array(2).fill({ code: "ERR_HOST_CONFIG", passing: true }));
		});
	},
);

/**
 * The error comes from the bundle, which has a separate SigtoolError class. So this function makes it again with core's
 * class.
 */
function isPassingLike(error: Error): boolean {
	const { code, message, cause, passing } = error as SigtoolError;
	return isPassing(new SigtoolError(code, message, { cause, passing }));
}
