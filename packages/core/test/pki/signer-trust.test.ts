import { describe, expect, it } from "vitest";
import { spkiSha256 } from "../../dist/pki/certificate.js";
import { judgeSigner } from "../../dist/pki/signer-trust.js";
import { type TrustPolicy, trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { certificateFor, p256 } from "../signer/material.js";
import { expectError } from "./expect-error.js";

const leaf = certificateFor(p256(), "Leaf");
const other = certificateFor(p256(), "Other");
const NOBODY: TrustPolicy = { pins: new Map(), authorities: [] };

function judged(trust: TrustPolicy) {
	return judgeSigner(leaf, trust, { intermediates: [], at: Date.now(), profile: "default" });
}

describe("judgeSigner() with a policy that has another within", () => {
	it("trusts a signer that both trust, by the outer policy", () => {
		const outer = trustFromCertificates([leaf, other]);
		const trust = { ...outer, within: trustFromCertificates([leaf]) };
		expect(judged(trust)).toEqual(judged(outer));
	});

	it("refuses a signer that only one of them trusts", () => {
		const [ours, theirs] = [trustFromCertificates([leaf]), trustFromCertificates([other])];
		for (const trust of [
			{ ...ours, within: theirs },
			{ ...theirs, within: ours },
			{ ...NOBODY, within: ours },
			{ ...ours, within: NOBODY },
			{ ...ours, within: { ...ours, within: theirs } },
		]) {
			expectError("ERR_UNTRUSTED_SIGNER", () => judged(trust));
		}
		const mended = { ...ours, within: { ...theirs, mend: "ask somebody" } };
		expect(expectError("ERR_UNTRUSTED_SIGNER", () => judged(mended)).message).toMatch(/; ask somebody$/);
	});

	it("tells two signers of one name apart by their keys", () => {
		const namesake = certificateFor(p256(), "Leaf");
		const { pins } = trustFromCertificates([namesake]);
		const named = [...pins].map(([key, pin]) => [key, { ...pin, source: "option" }] as const);
		const { message } = expectError("ERR_UNTRUSTED_SIGNER", () => judged({ ...NOBODY, pins: new Map(named) }));
		expect(message).toContain(`key ${spkiSha256(leaf)}: it is not trusted here`);
		expect(message).toContain(`--trust names another "CN=Leaf" (key ${spkiSha256(namesake)})`);
	});

	it("obeys the denials of both", () => {
		const ours = trustFromCertificates([leaf]);
		const deny = [{ kind: "key", sha256: spkiSha256(leaf), reason: "stolen" }] as const;
		expectError("ERR_DENIED", () => judged({ ...ours, within: { ...ours, deny } }));
		expectError("ERR_DENIED", () => judged({ ...ours, deny, within: ours }));
	});
});
