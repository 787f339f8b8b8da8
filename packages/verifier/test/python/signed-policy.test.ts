/** Compares how Node.js and a spython judge the signed policy of an index, and attacks it. */

import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createVerifier } from "@sigtool/verifier";
import { beforeAll, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { oid } from "../../../core/dist/asn1/der.js";
import { signPolicy } from "../../../core/dist/compile/sign-policy.js";
import { spkiSha256 } from "../../../core/dist/pki/certificate.js";
import { issueCertificate } from "../../../core/dist/signer/identity/issue-certificate.js";
import { openPemSigner } from "../../../core/dist/signer/pem.js";
import { signDetached } from "../../../core/dist/signer/sign-detached.js";
import { type Signer, signerFromKey } from "../../../core/dist/signer/signer.js";
import { signIndex } from "../../../core/dist/trust/index-encode.js";
import { HEADER_BYTES, TRUST_INDEX_OID } from "../../../core/dist/trust/index-layout.js";
import { parsePolicy } from "../../../core/dist/trust/policy.js";
import { POLICY_OID } from "../../../core/dist/trust/signed-policy.js";
import { signedPartOf } from "../../../core/dist/trust/trust-index.js";
import { TIME_STAMPER } from "../../../core/test/pki/local-tsa.js";
import { type Issued, openWorkshop } from "../../../core/test/pki/openssl.js";
import { tokenAt } from "../../../core/test/pki/token-at.js";
import { describeEach, makeKey, PYTHONS, SANITIZER, Site } from "./support.js";

const isRoot = process.getuid?.() === 0;
const DAY_MS = 86_400_000;

/** The policy of the head, as it is in JSON. */
type Head = Readonly<Record<string, unknown>>;

describeEach(PYTHONS.slice(0, 1), isRoot)(
	"a host that demands a signed policy, with spython $version and Node.js (as root)",
	(python) => {
		let site: Site;
		let config: string;
		let content: Buffer;
		let release: Signer;
		let policy: Signer;
		let other: Signer;

		beforeAll(async () => {
			site = new Site(python);
			config = join(site.root, "verifier.json");
			site.write({ "main.py": "print('ran')\n" });
			await site.sign();
			content = Buffer.from(signedPartOf(readFileSync(site.index)));
			release = await opened("signer");
			policy = await opened("policy");
			other = await opened("other");
		});

		async function opened(name: string, kind: "release" | "development" = "release"): Promise<Signer> {
			if (name !== "signer") makeKey(site.root, name, kind);
			return openPemSigner({ keyFile: join(site.root, `${name}.key`), certFile: join(site.root, `${name}.pem`) });
		}

		/** Returns what the head has about a policy that this signer signed. */
		async function signed(by: Signer, value: object = {}): Promise<Head> {
			const made = await signPolicy(parsePolicy({ version: 1, ...value }), by, { time: Date.now() });
			return inHead(made.signed.document, made.signed.signature);
		}

		function inHead(document: string, signature: Uint8Array): Head {
			return { signedPolicy: { document, signature: Buffer.from(signature).toString("hex") } };
		}

		function partsOf(head: Head): { readonly document: string; readonly signature: string } {
			// The type assertion is safe: `inHead` made the head.
			return head.signedPolicy as { document: string; signature: string };
		}

		/** Writes the index with another policy in its head, and returns its path. `text` edits the JSON of the head. */
		async function index(head: Head, by = release, text = (json: string) => json): Promise<string> {
			const size = content.readUInt32LE(12);
			const { policy: _, ...rest } = JSON.parse(content.toString("utf8", HEADER_BYTES, HEADER_BYTES + size));
			const json = Buffer.from(text(JSON.stringify({ ...rest, ...head })));
			const header = Buffer.from(content.subarray(0, HEADER_BYTES));
			header.writeUInt32LE(json.length, 12);
			const changed = Buffer.concat([header, json, content.subarray(HEADER_BYTES + size)]);
			const file = join(site.root, "changed.sigx");
			writeFileSync(file, Buffer.concat(await signIndex(changed, by, Date.now())));
			return file;
		}

		const pin = (signer: Signer) => ({ "spki-sha256": spkiSha256(signer.certificates[0]) });
		const demanding = () => ({ pins: [pin(release)], policySigners: [pin(policy)] });

		function configure(members: object): void {
			writeFileSync(config, JSON.stringify({ version: 1, ...members }), { mode: 0o600 });
		}

		function spythonVerdict(file: string | undefined, options: readonly string[] = []): string {
			const args = [...options, "--config", config, ...(file === undefined ? [] : ["--index", file]), "app/main.py"];
			const { status, stdout, stderr } = spawnSync(site.spython, args, {
				...{ cwd: site.root, env: { ...process.env, ...SANITIZER }, encoding: "utf8" },
			});
			if (status === 0 && stdout === "ran\n") return "ok";
			return /^spython: (ERR_\w+): /m.exec(stderr)?.[1] ?? `${status} ${stdout}${stderr}`;
		}

		function nodeVerdict(options: Parameters<typeof createVerifier>[0]): string {
			try {
				createVerifier({ config, ...options }).openCodeSync(join(site.application, "main.py"));
				return "ok";
			} catch (error) {
				return (error as { code: string }).code;
			}
		}

		/** Expects the same verdict of both readers: "ok", or the code of the error. */
		function expectVerdict(file: string, members: object, verdict: string): void {
			configure(members);
			expect({ python: spythonVerdict(file), node: nodeVerdict({ index: file }) }).toEqual({
				...{ python: verdict, node: verdict },
			});
		}

		it.each<[string, head: () => Promise<Head> | Head, verdict: string, members?: () => object]>([
			["a policy that a policy signer signed", () => signed(policy), "ok"],
			["one of several policy signers", () => signed(other), "ok", () => ({ policySigners: [policy, other].map(pin) })],
			["no policy signers on this host", () => signed(other), "ok", () => ({ policySigners: undefined })],
			["an unsigned policy", () => ({ policy: parsePolicy({ version: 1 }) }), "ERR_POLICY_SIGNER"],
			["no policy at all", () => ({}), "ERR_POLICY"],
			["the signer of the index", () => signed(release), "ERR_POLICY_SIGNER"],
			[
				"the signer of the index, if it is a policy signer",
				() => signed(release),
				"ok",
				() => ({ policySigners: [pin(release)] }),
			],
			[
				"a key that is pinned only for indexes",
				() => signed(other),
				"ERR_POLICY_SIGNER",
				() => ({ pins: [release, other].map(pin) }),
			],
			["an empty list of policy signers", () => signed(policy), "ERR_POLICY_SIGNER", () => ({ policySigners: [] })],
			["a signer of the same name", async () => signed(lookAlike()), "ERR_POLICY_SIGNER"],
			[
				"the certificate of a policy signer, and the key of another",
				() => signed({ ...other, certificates: policy.certificates }),
				"ERR_SIGNATURE",
			],
			["a development identity", async () => signed(await opened("developer", "development")), "ERR_POLICY_SIGNER"],
			[
				"a denied key",
				() => signed(policy),
				"ERR_DENIED",
				() => ({ deny: [{ key: pin(policy)["spki-sha256"], reason: "lost" }] }),
			],
			[
				"a policy beside the signed one",
				async () => ({ ...(await signed(policy)), policy: parsePolicy({ version: 1 }) }),
				"ERR_INDEX_FORMAT",
			],
			[
				"a policy beside the signed one, and no policy signers",
				async () => ({ ...(await signed(policy)), policy: parsePolicy({ version: 1 }) }),
				"ERR_INDEX_FORMAT",
				() => ({ policySigners: undefined }),
			],
			[
				"a document whose mode was changed",
				async () => {
					const { document, signature } = partsOf(await signed(policy));
					return { signedPolicy: { document: document.replace('"enforce"', '"audit"'), signature } };
				},
				"ERR_SIGNED_ATTRIBUTES",
			],
			[
				"a document with another line end",
				async () => {
					const { document, signature } = partsOf(await signed(policy));
					return { signedPolicy: { document: document.replaceAll("\n", "\r\n"), signature } };
				},
				"ERR_SIGNED_ATTRIBUTES",
			],
			[
				"the signature of another document",
				async () => {
					const { document } = partsOf(await signed(policy));
					const { signature } = partsOf(await signed(policy, { mode: "audit" }));
					return { signedPolicy: { document, signature } };
				},
				"ERR_SIGNED_ATTRIBUTES",
			],
			[
				"a signature of an index over the document",
				async () => {
					const { document } = partsOf(await signed(policy));
					const pieces = await signDetached(document, policy, { contentType: TRUST_INDEX_OID, time: Date.now() });
					return inHead(document, Buffer.concat(pieces));
				},
				"ERR_POLICY_SIGNER",
			],
			[
				"a signature of an index over the document, which says that it is of a policy",
				async () => {
					const { document } = partsOf(await signed(policy));
					const pieces = await signDetached(document, policy, { contentType: TRUST_INDEX_OID, time: Date.now() });
					const signature = Buffer.concat(pieces);
					const [from, to] = [oid(TRUST_INDEX_OID), oid(POLICY_OID)].map((each) => Buffer.from(each));
					expect(from?.length).toBe(to?.length);
					signature.set(to as Buffer, signature.indexOf(from as Buffer));
					return inHead(document, signature);
				},
				"ERR_SIGNED_ATTRIBUTES",
			],
			[
				"bytes behind the signature",
				async () => {
					const { document, signature } = partsOf(await signed(policy));
					return { signedPolicy: { document, signature: `${signature}00` } };
				},
				"ERR_DER or ERR_CMS_FORMAT",
			],
			[
				"a signature in capitals",
				async () => {
					const { document, signature } = partsOf(await signed(policy));
					return { signedPolicy: { document, signature: signature.toUpperCase() } };
				},
				"ERR_INDEX_FORMAT",
			],
			[
				"no signature",
				async () => ({ signedPolicy: { document: partsOf(await signed(policy)).document } }),
				"ERR_INDEX_FORMAT",
			],
			[
				"an older policy than the host allows",
				() => signed(policy, { sequence: 4 }),
				"ERR_SEQUENCE",
				() => ({ minimumPolicySequence: 5 }),
			],
			[
				"one as old as the host allows",
				() => signed(policy, { sequence: 5 }),
				"ok",
				() => ({ minimumPolicySequence: 5 }),
			],
			["one without a sequence", () => signed(policy), "ERR_SEQUENCE", () => ({ minimumPolicySequence: 0 })],
			["a host with a weaker mode", () => signed(policy), "ERR_POLICY_SIGNER", () => ({ mode: "audit" })],
			["a host with mode off", () => signed(policy), "ERR_POLICY_SIGNER", () => ({ mode: "off" })],
			["a host with a stricter mode", () => signed(policy, { mode: "audit" }), "ok", () => ({ mode: "enforce" })],
			[
				"a signed mode off, on a host with mode off",
				() => signed(policy, { mode: "off" }),
				"ok",
				() => ({ mode: "off" }),
			],
			["another product", () => signed(policy, { products: ["other"] }), "ERR_PRODUCT_MISMATCH"],
			[
				"a policy that a host has beside it",
				() => signed(policy),
				"ERR_POLICY_SIGNER",
				() => ({ policy: ownPolicy() }),
			],
		])("%s", async (_, head, verdict, members = () => ({})) => {
			const file = await index(await head());
			if (!verdict.includes(" or ")) return expectVerdict(file, { ...demanding(), ...members() }, verdict);
			configure({ ...demanding(), ...members() });
			for (const found of [spythonVerdict(file), nodeVerdict({ index: file })])
				expect(verdict.split(" or ")).toContain(found);
		});

		function lookAlike(): Signer {
			const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
			const now = Date.now();
			const order = {
				commonName: "policy",
				key,
				notBefore: now - DAY_MS,
				notAfter: now + DAY_MS,
				kind: "release",
			} as const;
			return signerFromKey(key, [issueCertificate(order)]);
		}

		function ownPolicy(): string {
			const file = join(site.root, "own.json");
			writeFileSync(file, '{"version":1}', { mode: 0o600 });
			return file;
		}

		/** Signs with the policy signer's key, whose certificate has ended. */
		function ended(): Signer {
			const key = createPrivateKey(readFileSync(join(site.root, "policy.key")));
			const notAfter = Date.now() - DAY_MS;
			const order = {
				commonName: "policy",
				key,
				notBefore: notAfter - 365 * DAY_MS,
				notAfter,
				kind: "release",
			} as const;
			return signerFromKey(key, [issueCertificate(order)], { unfit: "allow" });
		}

		it("refuses a development identity that is a policy signer, except in development", async () => {
			const developer = await opened("developer", "development");
			const file = await index(await signed(developer));
			const members = { pins: [pin(release)], policySigners: [pin(developer)] };
			expectVerdict(file, members, "ERR_DEVELOPMENT_IDENTITY");
			expect(spythonVerdict(file, ["--allow-development"])).toBe("ok");
			expect(nodeVerdict({ index: file, development: "allow" })).toBe("ok");
		});

		it("refuses a policy whose signer's certificate has ended", async () => {
			expectVerdict(await index(await signed(ended())), demanding(), "ERR_CERTIFICATE_EXPIRED");
		});

		it("accepts it with a timestamp of before, by an authority of this host", async () => {
			const workshop = openWorkshop();
			try {
				const root = workshop.issue({ subject: "/CN=root", key: "p256" });
				const stamper: Issued = workshop.issue({
					subject: "/CN=tsa",
					key: "p256",
					issuer: root,
					extensions: TIME_STAMPER,
				});
				const document = JSON.stringify(parsePolicy({ version: 1 }));
				const pieces = await signDetached(document, ended(), {
					contentType: POLICY_OID,
					time: Date.now() - 30 * DAY_MS,
					stamp: async (signature) => tokenAt(signature, Date.now() - 30 * DAY_MS, stamper),
				});
				const file = await index(inHead(document, Buffer.concat(pieces)));
				expectVerdict(file, { ...demanding(), timestampAuthorities: [{ certificate: root.file }] }, "ok");
				expectVerdict(file, demanding(), "ERR_CERTIFICATE_EXPIRED");
			} finally {
				workshop.remove();
			}
		});

		it("does not trust a policy signer for an index", async () => {
			expectVerdict(await index(await signed(policy), policy), demanding(), "ERR_UNTRUSTED_SIGNER");
		});

		it("refuses a head that names the signed policy twice", async () => {
			const [good, bad] = [await signed(policy), await signed(other, { mode: "off" })];
			const twice = (json: string) => json.replace(/\}$/, `,"signedPolicy":${JSON.stringify(bad.signedPolicy)}}`);
			expectVerdict(await index(good, release, twice), demanding(), "ERR_INDEX_FORMAT");
		});

		it("applies the signed policy, and nothing else", async () => {
			const file = await index(await signed(policy, { rules: [{ deny: { name: "main.py" } }] }));
			configure(demanding());
			expect(nodeVerdict({ index: file })).toBe("ERR_UNTRUSTED_CODE");
			expect(spythonVerdict(file)).toMatch(/ERR_POLICY_RULE/);
		});

		it("refuses a weaker mode on the command line, in development too", async () => {
			const file = await index(await signed(policy));
			configure(demanding());
			expect(spythonVerdict(file, ["--allow-development", "--mode", "audit"])).toBe("ERR_POLICY_SIGNER");
			expect(spythonVerdict(file, ["--allow-development", "--mode", "enforce"])).toBe("ok");
			expect(createVerifier({ config, index: file, mode: "audit", development: "allow" }).mode).toBe("enforce");
		});

		it("refuses catalogs and attributes, which bring no policy", () => {
			configure(demanding());
			const catalogs = [{ directory: site.application, product: "app" }];
			expect(nodeVerdict({ catalogs })).toBe("ERR_POLICY_SIGNER");
			configure({ ...demanding(), mode: "audit" });
			expect(spythonVerdict(undefined, ["--xattr", "ima"])).toBe("ERR_POLICY_SIGNER");
			configure({ pins: [pin(release)] });
			expect(nodeVerdict({ catalogs })).toBe("ok");
		});
	},
);
