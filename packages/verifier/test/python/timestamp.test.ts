import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createVerifier } from "@sigtool/verifier";
import { afterAll, beforeAll, expect, it } from "vitest";
import { spkiSha256 } from "../../../core/dist/pki/certificate.js";
import { openPemSigner } from "../../../core/dist/signer/pem.js";
import type { Signer } from "../../../core/dist/signer/signer.js";
import { signIndex } from "../../../core/dist/trust/index-encode.js";
import { signedPartOf } from "../../../core/dist/trust/trust-index.js";
import { TIME_STAMPER } from "../../../core/test/pki/local-tsa.js";
import { AUTHORITY, CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "../../../core/test/pki/openssl.js";
import { tokenAt } from "../../../core/test/pki/token-at.js";
import { describeEach, PYTHONS, Site } from "./support.js";

const isRoot = process.getuid?.() === 0;
const VALID = Date.UTC(2024, 5, 1);
const TOO_EARLY = Date.UTC(2022, 5, 1);
const TOO_LATE = Date.UTC(2025, 5, 1);
/** The signer's certificate is valid until the end of 2024, so it has expired. */
const EXPIRED = { notBefore: "20230101000000Z", notAfter: "20250101000000Z" };

interface Stamp {
	readonly time?: number;
	readonly by?: Issued;
	readonly over?: Uint8Array;
	readonly damage?: (token: Uint8Array) => Uint8Array;
}

describeEach(PYTHONS.slice(0, 1), isRoot)(
	"an index whose signer's certificate has expired, for spython $version and Node.js (as root)",
	(python) => {
		let site: Site;
		let workshop: Workshop;
		let config: string;
		let content: Uint8Array;
		let signer: Signer;
		const made: Record<string, Issued> = {};

		beforeAll(async () => {
			site = new Site(python);
			config = join(site.root, "verifier.json");
			site.write({ "main.py": "print('ran')\n" });
			await site.sign();
			content = signedPartOf(readFileSync(site.index));
			workshop = openWorkshop();
			const issue = (name: string, order: Partial<Parameters<Workshop["issue"]>[0]>) => {
				made[name] = workshop.issue({ subject: `/CN=${name}`, key: "p256", ...order });
			};
			issue("root", {});
			issue("other root", {});
			issue("between", { issuer: made.root, extensions: AUTHORITY });
			const lax = TIME_STAMPER.map((line) => line.replace("critical,timeStamping", "timeStamping"));
			issue("stamper", { issuer: made.between, extensions: TIME_STAMPER });
			issue("direct", { issuer: made.root, extensions: TIME_STAMPER });
			issue("rsa", { issuer: made.root, extensions: TIME_STAMPER, key: "rsa2048" });
			issue("lax", { issuer: made.root, extensions: lax });
			issue("code signer", { issuer: made.root, extensions: CODE_SIGNER });
			issue("ended", { issuer: made.root, extensions: TIME_STAMPER, notAfter: "20240101000000Z" });
			issue("short", { issuer: made.root, extensions: TIME_STAMPER, key: "rsa1024" });
			signer = await expiredSigner(CODE_SIGNER);
		});
		afterAll(() => workshop.remove());

		async function expiredSigner(extensions: readonly string[]): Promise<Signer> {
			const lines = extensions.filter((line) => !line.startsWith("authorityKeyIdentifier"));
			const { keyFile, file } = workshop.issue({ subject: "/CN=Signer", key: "p256", extensions: lines, ...EXPIRED });
			return openPemSigner({ keyFile, certFile: file, unfit: "allow" });
		}

		/** Writes the index of the site with other signatures, and returns its path. */
		async function index(stamp: Stamp | undefined, by = signer): Promise<string> {
			const file = join(site.root, "stamped.sigx");
			const pieces = await signIndex(
				content,
				by,
				VALID,
				stamp &&
					(async (signature) => {
						const token = tokenAt(stamp.over ?? signature, stamp.time ?? VALID, stamp.by ?? made.direct);
						return (stamp.damage ?? ((same) => same))(token);
					}),
			);
			writeFileSync(file, Buffer.concat(pieces));
			return file;
		}

		const ROOT = () => [{ certificate: made.root.file }];
		/** Returns the verdicts of both readers: "ok", or the code of the error. */
		function judge(file: string, members: object, by = signer): { python: string; node: string } {
			const pins = [{ "spki-sha256": spkiSha256(by.certificates[0]), name: "expired" }];
			writeFileSync(config, JSON.stringify({ version: 1, pins, ...members }), { mode: 0o600 });
			const run = site.run(["app/main.py"], { options: ["--config", config], index: file });
			const refused = /^spython: (ERR_\w+): /m.exec(run.stderr)?.[1];
			const python = run.status === 0 && run.stdout === "ran\n" ? "ok" : (refused ?? run.stderr);
			return { python, node: nodeVerdict(file) };
		}
		function nodeVerdict(file: string): string {
			try {
				createVerifier({ config, index: file });
				return "ok";
			} catch (error) {
				return (error as { code: string }).code;
			}
		}
		const both = (verdict: string) => ({ python: verdict, node: verdict });

		const flipped = (token: Uint8Array) => {
			const copy = Buffer.from(token);
			copy[copy.length - 1] ^= 1;
			return copy;
		};
		it.each<[string, () => Stamp | undefined, verdict: string, members?: () => object]>([
			["no timestamp", () => undefined, "ERR_CERTIFICATE_EXPIRED"],
			["a timestamp of its validity", () => ({}), "ok"],
			["one by an RSA key", () => ({ by: made.rsa }), "ok"],
			["one by no authority of this host", () => ({}), "ERR_CERTIFICATE_EXPIRED", () => ({ timestampAuthorities: [] })],
			[
				"one by another authority than this host's",
				() => ({}),
				"ERR_CERTIFICATE_EXPIRED",
				() => ({ timestampAuthorities: [{ certificate: made["other root"].file }] }),
			],
			[
				"one by one of two authorities",
				() => ({}),
				"ok",
				() => ({ timestampAuthorities: [{ certificate: made["other root"].file }, ...ROOT()] }),
			],
			[
				"one below an intermediate authority that this host names",
				() => ({ by: made.stamper }),
				"ok",
				() => ({ timestampAuthorities: [{ certificate: made.between.file }] }),
			],
			["one without the intermediate certificate", () => ({ by: made.stamper }), "ERR_CERTIFICATE_EXPIRED"],
			["one after the end of the certificate", () => ({ time: TOO_LATE }), "ERR_CERTIFICATE_EXPIRED"],
			["one before its beginning", () => ({ time: TOO_EARLY }), "ERR_CERTIFICATE_NOT_YET_VALID"],
			["one over other bytes", () => ({ over: Buffer.from("x") }), "ERR_CERTIFICATE_EXPIRED"],
			["one whose signature is damaged", () => ({ damage: flipped }), "ERR_CERTIFICATE_EXPIRED"],
			["noise in its place", () => ({ damage: () => Buffer.from("30030101ff", "hex") }), "ERR_CERTIFICATE_EXPIRED"],
			["a text in its place", () => ({ damage: () => Buffer.from("0c0161", "hex") }), "ERR_CERTIFICATE_EXPIRED"],
			["one by a certificate for code", () => ({ by: made["code signer"] }), "ERR_CERTIFICATE_EXPIRED"],
			["one by a usage that is not critical", () => ({ by: made.lax }), "ERR_CERTIFICATE_EXPIRED"],
			["one by an authority that had expired", () => ({ by: made.ended }), "ERR_CERTIFICATE_EXPIRED"],
			["one by a short key", () => ({ by: made.short }), "ERR_CERTIFICATE_EXPIRED"],
			[
				"one by a denied key",
				() => ({}),
				"ERR_CERTIFICATE_EXPIRED",
				() => ({ deny: [{ key: spkiSha256(made.direct.certificate), reason: "lost" }] }),
			],
			[
				"one below a denied authority",
				() => ({}),
				"ERR_CERTIFICATE_EXPIRED",
				() => ({ deny: [{ certificate: sha256(made.root.certificate.der), reason: "lost" }] }),
			],
		])("%s", async (_, stamp, verdict, members = () => ({})) => {
			const file = await index(stamp());
			expect(judge(file, { timestampAuthorities: ROOT(), ...members() })).toEqual(both(verdict));
		});

		it("a timestamp, but a certificate for lifetime signing", async () => {
			const usages = CODE_SIGNER.map((line) => line.replace("codeSigning", "codeSigning,1.3.6.1.4.1.311.10.3.13"));
			const by = await expiredSigner(usages);
			const file = await index({}, by);
			expect(judge(file, { timestampAuthorities: ROOT() }, by)).toEqual(both("ERR_CERTIFICATE_EXPIRED"));
		});

		it("a timestamp by the key of the signer, or by a certificate that may sign code as well", async () => {
			const { keyFile, file, ...rest } = workshop.issue({
				subject: "/CN=Signer",
				issuer: made.root,
				key: "p256",
				extensions: CODE_SIGNER,
				...EXPIRED,
			});
			const by = await openPemSigner({ keyFile, certFile: file, unfit: "allow" });
			const own = { keyFile, file, ...rest };
			const both = TIME_STAMPER.map((line) => line.replace("timeStamping", "timeStamping,codeSigning"));
			const issue = (extensions: readonly string[], sameKeyAs?: Issued) =>
				workshop.issue({ subject: "/CN=Time of its own", issuer: made.root, key: "p256", extensions, sameKeyAs });
			const members = { timestampAuthorities: ROOT() };
			const verdict = async (stamper: Issued) => judge(await index({ by: stamper }, by), members, by);
			expect(await verdict(issue(TIME_STAMPER))).toEqual({ python: "ok", node: "ok" });
			for (const stamper of [issue(TIME_STAMPER, own), issue(both, own), issue(both)]) {
				expect(await verdict(stamper)).toEqual({ python: "ERR_CERTIFICATE_EXPIRED", node: "ERR_CERTIFICATE_EXPIRED" });
			}
		});

		it("a denial of what is signed, which a timestamp does not change", async () => {
			const deny = [{ catalog: sha256(content), reason: "withdrawn" }];
			for (const stamp of [{}, { time: VALID + 1000 }]) {
				const file = await index(stamp);
				expect(judge(file, { timestampAuthorities: ROOT(), deny })).toEqual(both("ERR_DENIED"));
			}
		});

		it("authorities in PEM, in PEM behind a byte order mark, and in DER", async () => {
			const file = await index({});
			const mark = Buffer.from("efbbbf", "hex");
			const forms = [
				readFileSync(made.root.file),
				Buffer.concat([mark, readFileSync(made.root.file)]),
				made.root.certificate.der,
			];
			for (const form of forms) {
				const certificate = join(site.root, "authority");
				writeFileSync(certificate, form, { mode: 0o600 });
				expect(judge(file, { timestampAuthorities: [{ certificate }] })).toEqual(both("ok"));
			}
		});

		it.each<[string, () => Buffer | undefined]>([
			["is missing", () => undefined],
			["is empty", () => Buffer.from("")],
			["has no certificate", () => readFileSync(made.root.keyFile)],
			["has two", () => Buffer.concat([readFileSync(made.root.file), readFileSync(made.between.file)])],
			["has bytes behind it", () => Buffer.concat([made.root.certificate.der, Buffer.from("0")])],
			["is that of no authority", () => readFileSync(made.direct.file)],
		])("a file of an authority that %s", async (_, bytes) => {
			const file = await index({});
			const certificate = join(site.root, "no-authority");
			const form = bytes();
			if (form !== undefined) writeFileSync(certificate, form, { mode: 0o600 });
			const named = form === undefined ? `${certificate}.none` : certificate;
			expect(judge(file, { timestampAuthorities: [{ certificate: named }] })).toEqual(both("ERR_HOST_CONFIG"));
		});
	},
);

function sha256(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}
