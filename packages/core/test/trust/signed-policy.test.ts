/** Tests signed policies: their file, the index with one, and that no changed byte passes for what was signed. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { encodeSignedPolicy, signPolicy } from "../../dist/compile/sign-policy.js";
import { SigtoolError } from "../../dist/errors.js";
import { spkiSha256 } from "../../dist/pki/certificate.js";
import type { TrustPolicy } from "../../dist/pki/trust-policy.js";
import type { Signer } from "../../dist/signer/signer.js";
import { encodeHead, parseHead } from "../../dist/trust/index-head.js";
import { type Policy, parsePolicy } from "../../dist/trust/policy.js";
import {
	isSignedPolicy,
	parseSignedPolicy,
	policyCertificate,
	policyOfSigned,
	type SignedPolicy,
} from "../../dist/trust/signed-policy.js";
import { parseTrustIndex } from "../../dist/trust/trust-index.js";
import { verifyTrustIndex } from "../../dist/trust/verify-index.js";
import { CONTENT, DAY_MS, makeIndex, makeSigner, NOW, trustIn } from "./make-index.js";

const POLICY = parsePolicy({ version: 1, mode: "strict", products: ["größe 🔑"], sequence: 7 });
const release = makeSigner();
const security = makeSigner("release", "Security");

async function signed(policy: Policy, by: Signer = security): Promise<SignedPolicy> {
	return (await signPolicy(policy, by, { time: NOW })).signed;
}

/** Trusts `release` for indexes, and `signers` for policies. */
function demanding(signers: readonly Signer[], minimumSequence?: number): TrustPolicy {
	return { ...trustIn(release), policySigners: { pins: trustIn(...signers).pins, minimumSequence } };
}

/** Returns the code of the error, or "ok". */
function codeOf(run: () => unknown): string {
	try {
		run();
		return "ok";
	} catch (error) {
		if (error instanceof SigtoolError) return error.code;
		throw error;
	}
}

function toPem(der: Uint8Array): string {
	const lines = Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n");
	return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

describe("the file of a signed policy", () => {
	it("is read as it was written", async () => {
		const policy = await signed(POLICY);
		const bytes = Buffer.from(encodeSignedPolicy(policy));
		expect(isSignedPolicy(bytes)).toBe(true);
		const read = parseSignedPolicy(bytes, "app.policy");
		expect(read.document).toBe(policy.document);
		expect(Buffer.from(read.signature).equals(Buffer.from(policy.signature))).toBe(true);
		expect(policyOfSigned(read)).toEqual(POLICY);
		expect(spkiSha256(policyCertificate(read))).toBe(spkiSha256(security.certificates[0]));
	});

	it("has the whole policy, with defaults, for people to review", async () => {
		const { document } = await signed(parsePolicy({ version: 1 }));
		expect(document).toContain('\n\t"runtime": {\n\t\t"addons": "signed",');
		expect((await signed(parsePolicy({ version: 1, mode: "enforce" }))).document).toBe(document);
	});

	it("is no policy document, and a policy document is no signed policy", async () => {
		expect(isSignedPolicy(Buffer.from('{"version":1}\n'))).toBe(false);
		expect(isSignedPolicy(Buffer.from('{"version":1,"products":["-----BEGIN CMS-----"]}\n'))).toBe(false);
	});

	it.each<[string, (text: string) => string]>([
		["a second signature", (text) => text + text.slice(text.indexOf("-----BEGIN"))],
		["text behind the signature", (text) => `${text}x\n`],
		["no end", (text) => text.slice(0, -2)],
		["another block", (text) => text.replaceAll("CMS", "PKCS7")],
		["a document that is no policy", (text) => text.replace('"strict"', '"stricter"')],
		["a document with a byte order mark", (text) => `\ufeff${text}`],
		["noise in the block", (text) => text.replace("-----BEGIN CMS-----\n", "-----BEGIN CMS-----\n*")],
	])("is refused with %s", async (_, change) => {
		const text = encodeSignedPolicy(await signed(POLICY));
		expect(change(text)).not.toBe(text);
		expect(codeOf(() => parseSignedPolicy(Buffer.from(change(text)), "app.policy"))).toBe("ERR_POLICY");
	});

	it("is verified by openssl too", async () => {
		const { document, signature } = await signed(POLICY);
		const directory = temporaryDirectory();
		writeFileSync(join(directory, "policy"), document);
		writeFileSync(join(directory, "signature"), signature);
		writeFileSync(join(directory, "signer"), toPem(security.certificates[0].der));
		const args = `cms -verify -cades -binary -purpose any -attime ${NOW / 1000} -CAfile signer -inform DER -in signature -content policy -out /dev/null`;
		const { status, stderr } = spawnSync("openssl", args.split(" "), { cwd: directory, encoding: "utf8" });
		expect({ status, stderr }).toMatchObject({ status: 0 });
		writeFileSync(join(directory, "policy"), document.replace("strict", "audit"));
		expect(spawnSync("openssl", args.split(" "), { cwd: directory }).status).not.toBe(0);
	});
});

describe("an index with a signed policy", () => {
	let policy: SignedPolicy;
	let index: Buffer;

	beforeAll(async () => {
		policy = await signed(POLICY);
		index = await makeIndex(release, { ...CONTENT, signedPolicy: policy });
	});

	it("has the policy that was signed, whatever else it was made with", () => {
		const parsed = parseTrustIndex(index);
		expect(parsed.policy).toEqual(POLICY);
		expect(parsed.signedPolicy?.document).toBe(policy.document);
	});

	it("names the signer of the policy only to who demands one", () => {
		const { policySignature } = verifyTrustIndex(index, { trust: demanding([security]), at: NOW });
		expect(policySignature?.signer.spkiSha256).toBe(spkiSha256(security.certificates[0]));
		expect(verifyTrustIndex(index, { trust: trustIn(release), at: NOW }).policySignature).toBeUndefined();
	});

	it.each<[string, () => TrustPolicy, at: number, code: string]>([
		["its signer", () => demanding([security]), NOW, "ok"],
		["nobody", () => demanding([]), NOW, "ERR_POLICY_SIGNER"],
		["the signer of the index", () => demanding([release]), NOW, "ERR_POLICY_SIGNER"],
		["its sequence", () => demanding([security], 7), NOW, "ok"],
		["a higher sequence", () => demanding([security], 8), NOW, "ERR_SEQUENCE"],
		[
			"a certificate that was pinned, and has ended since",
			() => demanding([security]),
			NOW + 40 * DAY_MS,
			"ERR_CERTIFICATE_EXPIRED",
		],
	])("is judged by a host that demands %s", (_, trust, at, code) => {
		expect(codeOf(() => verifyTrustIndex(index, { trust: trust(), at }))).toBe(code);
	});

	it("is refused without one", async () => {
		const plain = await makeIndex(release);
		expect(codeOf(() => verifyTrustIndex(plain, { trust: demanding([security]), at: NOW }))).toBe("ERR_POLICY_SIGNER");
	});

	it("is refused after any changed bit of the document", async () => {
		const bytes = Buffer.from(policy.document);
		await fc.assert(
			fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(6), async (at, bit) => {
				const changed = Buffer.from(bytes);
				changed[at] = (changed[at] ?? 0) ^ (1 << bit);
				return (await verdictOn({ ...policy, document: changed.toString() })) !== "ok";
			}),
			{ numRuns: 200 },
		);
	});

	it("is refused after any changed bit of the signature, or still says who signed what", async () => {
		const key = spkiSha256(security.certificates[0]);
		await fc.assert(
			fc.asyncProperty(fc.nat(policy.signature.length - 1), fc.nat(7), async (at, bit) => {
				const signature = Buffer.from(policy.signature);
				signature[at] = (signature[at] ?? 0) ^ (1 << bit);
				return ["refused", `${key} ${policy.document}`].includes(await saidBy({ ...policy, signature }));
			}),
			{ numRuns: 300 },
		);
		// The certificate's own signature is not verified, because its key is pinned.
		const last = Buffer.from(policy.signature);
		expect(await saidBy({ ...policy, signature: last.subarray(0, -1) })).toBe("refused");
	});

	async function verdictOn(signedPolicy: SignedPolicy): Promise<string> {
		const made = await makeIndex(release, { ...CONTENT, signedPolicy });
		return codeOf(() => verifyTrustIndex(made, { trust: demanding([security]), at: NOW }));
	}

	async function saidBy(signedPolicy: SignedPolicy): Promise<string> {
		if ((await verdictOn(signedPolicy)) !== "ok") return "refused";
		const made = await makeIndex(release, { ...CONTENT, signedPolicy });
		const { index, policySignature } = verifyTrustIndex(made, { trust: demanding([security]), at: NOW });
		expect(index.policy).toEqual(POLICY);
		return `${policySignature?.signer.spkiSha256} ${index.signedPolicy?.document}`;
	}

	it("has no other policy, and none that is signed twice", () => {
		const head = encodeHead({ ...CONTENT, products: [], signedPolicy: policy });
		const edited = (edit: (json: string) => string) => Buffer.from(edit(Buffer.from(head).toString()));
		const beside = edited((json) => json.replace(/^\{/, '{"policy":{"version":1},'));
		const twice = edited((json) => json.replace(/\}$/, ',"signedPolicy":{"document":"{}","signature":"00"}}'));
		for (const each of [beside, twice]) expect(codeOf(() => parseHead(each))).toBe("ERR_INDEX_FORMAT");
		expect(parseHead(head).policy).toEqual(POLICY);
	});
});
