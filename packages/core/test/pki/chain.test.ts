import crypto, { createHash } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import type { Certificate } from "../../dist/pki/certificate.js";
import { type Chain, type ChainOptions, MAX_CANDIDATES, verifyChain, verifyPinned } from "../../dist/pki/chain.js";
import { AT, CHAIN_CASES, type ChainParts, INTERMEDIATE, makeChainParts, replacing } from "./chain-cases.js";
import { expectError, verdictOf } from "./expect-error.js";
import { AUTHORITY, CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "./openssl.js";

/** The built files import the function by its name, so the name is bound to the spy. */
const signatureChecks = vi.spyOn(crypto, "verify");
syncBuiltinESMExports();

function judge(
	leaf: Certificate,
	intermediates: Certificate[],
	anchors: Certificate[],
	more: Partial<ChainOptions> = {},
): Chain {
	return verifyChain(leaf, { intermediates, anchors, at: AT, purpose: "codeSigning", profile: "default", ...more });
}

describe("verifyChain()", () => {
	let workshop: Workshop;
	let parts: ChainParts;
	let root: Issued;
	let middle: Issued;
	let leaf: Issued;
	let authority: ChainParts["authority"];
	let signer: ChainParts["signer"];

	beforeAll(() => {
		workshop = openWorkshop();
		parts = makeChainParts(workshop);
		({ root, middle, leaf, authority, signer } = parts);
	});
	afterAll(() => workshop.remove());

	for (const [name, { make, expect: expected, openssl = expected === "ok" ? "ok" : "refused" }] of Object.entries(
		CHAIN_CASES,
	)) {
		it(`${expected === "ok" ? "accepts" : "refuses"} ${name}${openssl === "ok" && expected !== "ok" ? ", unlike openssl" : ", as openssl does"}`, () => {
			const [end, ...intermediates] = make(parts);
			const bag = intermediates.map(({ certificate }) => certificate);
			expect(verdictOf(() => judge(end.certificate, bag, [root.certificate]))).toBe(expected);
			const untrusted = intermediates.flatMap(({ file }) => ["-untrusted", file]);
			const strict = ["-x509_strict", "-auth_level", "2", "-purpose", "codesign", "-attime", String(AT / 1000)];
			const verify = ["verify", ...strict, "-CAfile", root.file, ...untrusted, end.file];
			expect(spawnSync("openssl", verify).status === 0 ? "ok" : "refused").toBe(openssl);
		});
	}

	it("returns the chain leaf first, and the anchor as the same object", () => {
		const { certificates, anchor } = judge(leaf.certificate, [middle.certificate], [root.certificate]);
		expect(certificates).toEqual([leaf.certificate, middle.certificate, root.certificate]);
		expect(anchor).toBe(root.certificate);
	});

	it("reports that the chain is incomplete without the intermediate, and names the missing issuer", () => {
		const { message } = expectError("ERR_CHAIN_INCOMPLETE", () => judge(leaf.certificate, [], [root.certificate]));
		expect(message).toContain("CN=Middle");
	});

	it("reports that an authority among the intermediates is not trusted", () => {
		const bag = [middle.certificate, root.certificate];
		const { message } = expectError("ERR_CHAIN_INCOMPLETE", () => judge(leaf.certificate, bag, []));
		expect(message).toContain('"CN=Root" issued itself and is not trusted here');
	});

	it("reports the attempt that came furthest, whatever the order of the intermediates", () => {
		const impostor = authority(root, "Middle", replacing(INTERMEDIATE, "basicConstraints=critical,CA:FALSE"));
		for (const bag of [
			[impostor, middle],
			[middle, impostor],
		]) {
			const intermediates = bag.map(({ certificate }) => certificate);
			const { message } = expectError("ERR_CHAIN_INCOMPLETE", () => judge(leaf.certificate, intermediates, []));
			expect(message).toContain("CN=Root");
		}
	});

	it("returns the cross-signed chain when the root of the other chain is not trusted", () => {
		const other = workshop.issue({ subject: "/CN=Other root" });
		const cross = workshop.issue({ subject: "/CN=Root", issuer: other, extensions: INTERMEDIATE, sameKeyAs: root });
		const bag = [root, middle, cross].map(({ certificate }) => certificate);
		expect(judge(leaf.certificate, bag, [other.certificate]).certificates).toHaveLength(4);
		expect(judge(leaf.certificate, bag, [root.certificate]).certificates).toHaveLength(3);
	});

	it("tries another intermediate of the same name and key when one has expired", () => {
		const order = { subject: "/CN=Middle", issuer: root, extensions: INTERMEDIATE, sameKeyAs: middle };
		const expired = workshop.issue({ ...order, notAfter: "20210101000000Z" });
		const bag = [expired.certificate, middle.certificate];
		expect(judge(leaf.certificate, bag, [root.certificate]).certificates[1]).toBe(middle.certificate);
	});

	it("finds the right one of two anchors with one name", () => {
		const impostor = workshop.issue({ subject: "/CN=Root" });
		const anchors = [impostor.certificate, root.certificate];
		expect(judge(leaf.certificate, [middle.certificate], anchors).anchor).toBe(root.certificate);
	});

	it("finds the chain among 50 certificates in any order, and checks only its own signatures", () => {
		const lower = authority(middle, "Lower");
		const end = signer(lower);
		const decoys = Array.from({ length: 47 }, (_, i) => authority(root, i % 2 === 0 ? "Lower" : `Decoy ${i}`));
		const bag = [...decoys, middle, lower, root].map(({ certificate }) => certificate);
		for (const salt of ["a", "b", "c"]) {
			const key = ({ der }: Certificate) => createHash("sha256").update(salt).update(der).digest("hex");
			const shuffled = [...bag].sort((a, b) => (key(a) < key(b) ? -1 : 1));
			signatureChecks.mockClear();
			expect(judge(end.certificate, shuffled, [root.certificate]).certificates).toHaveLength(4);
			expect(signatureChecks.mock.calls.length).toBe(3);
		}
	});

	it("gives up on authorities that all sign each other after a bounded number of signature checks", () => {
		const names = ["/CN=Loop"];
		const keys = Array.from({ length: 6 }, () => workshop.issue({ subject: names[0], key: "p256" }));
		const bag = keys.flatMap((issuer) =>
			keys
				.filter((subject) => subject !== issuer)
				.map((sameKeyAs) => workshop.issue({ subject: names[0], issuer, sameKeyAs, extensions: INTERMEDIATE })),
		);
		const intermediates = bag.map(({ certificate }) => certificate);
		signatureChecks.mockClear();
		const end = signer(keys[0]);
		expect(verdictOf(() => judge(end.certificate, intermediates, [root.certificate]))).toMatch(/^ERR_C/);
		expect(signatureChecks.mock.calls.length).toBeLessThanOrEqual(MAX_CANDIDATES);
		expect(signatureChecks.mock.calls.length).toBeGreaterThan(10);
	});

	it("accepts nine certificates under an anchor and refuses ten", () => {
		const path = [root];
		while (path.length < 10) path.push(authority(path[path.length - 1], `Level ${path.length}`));
		const intermediates = path.slice(1).map(({ certificate }) => certificate);
		const nine = signer(path[8]);
		const ten = signer(path[9]);
		expect(judge(nine.certificate, intermediates, [root.certificate]).certificates).toHaveLength(10);
		expectError("ERR_CHAIN_INCOMPLETE", () => judge(ten.certificate, intermediates, [root.certificate]));
	});

	it("applies the anchor's own dates and constraints, but not the digest of its signature", () => {
		const make = (order: Partial<Parameters<Workshop["issue"]>[0]>) => {
			const anchor = workshop.issue({ subject: "/CN=Anchor", ...order });
			const end = signer(anchor);
			return verdictOf(() => judge(end.certificate, [], [anchor.certificate]));
		};
		expect(make({ digest: "sha1" })).toBe("ok");
		expect(make({ notAfter: "20241231235959Z" })).toBe("ERR_CERTIFICATE_EXPIRED");
		expect(make({ key: "rsa1024" })).toBe("ERR_WEAK_KEY");
		expect(make({ extensions: replacing(AUTHORITY, "basicConstraints=critical,CA:FALSE") })).toBe(
			"ERR_CERTIFICATE_CONSTRAINTS",
		);
		expect(make({ extensions: ["subjectKeyIdentifier=hash"] })).toBe("ERR_CERTIFICATE_CONSTRAINTS");
	});

	it("refuses constraints on directory names, which are not supported", () => {
		const constraint = ["nameConstraints=critical,permitted;dirName:where", "[where]", "O=Example"];
		const issuer = authority(root, "Constrained", [...INTERMEDIATE, ...constraint]);
		const end = signer(issuer);
		expectError("ERR_CERTIFICATE_CONSTRAINTS", () => judge(end.certificate, [issuer.certificate], [root.certificate]));
	});

	it("applies constraints to an email address in the subject", () => {
		const issuer = authority(root, "Constrained", [
			...INTERMEDIATE,
			"nameConstraints=critical,permitted;email:.example.com",
		]);
		const verdict = (address: string) => {
			const subject = `/CN=Signer/emailAddress=${address}`;
			const end = workshop.issue({ subject, issuer, extensions: CODE_SIGNER, key: "p256" });
			return verdictOf(() => judge(end.certificate, [issuer.certificate], [root.certificate]));
		};
		expect(verdict("dev@mail.example.com")).toBe("ok");
		expect(verdict("dev@example.org")).toBe("ERR_CERTIFICATE_CONSTRAINTS");
	});

	it.each<[what: string, constraint: string, subject: string, more: readonly string[], expected: string]>([
		["permitted", "permitted;email:.example.com", "dev@mail.example.com", ["email:a@mail.example.com"], "ok"],
		["not permitted", "permitted;email:.example.com", "dev@evil.test", ["email:a@mail.example.com"], "refused"],
		["not permitted, beside a host", "permitted;email:.example.com", "dev@evil.test", ["DNS:a.example"], "refused"],
		["excluded", "excluded;email:evil.test", "dev@evil.test", ["email:a@mail.example.com"], "refused"],
		["excluded, with a space behind", "excluded;email:evil.test", "dev@evil.test ", ["DNS:a.example"], "refused"],
		["not excluded", "excluded;email:evil.test", "dev@example.com", ["email:a@example.com"], "ok"],
	])("judges the subject's email address beside alternative names: %s", (_, constraint, address, names, expected) => {
		const issuer = authority(root, "Constrained", [...INTERMEDIATE, `nameConstraints=critical,${constraint}`]);
		const subject = `/CN=Signer/emailAddress=${address}`;
		const extensions = [...CODE_SIGNER, `subjectAltName=${names.join(",")}`];
		const end = workshop.issue({ subject, issuer, extensions, key: "p256" });
		const verdict = verdictOf(() => judge(end.certificate, [issuer.certificate], [root.certificate]));
		expect(verdict).toBe(expected === "ok" ? "ok" : "ERR_CERTIFICATE_CONSTRAINTS");
		if (address.endsWith(" ")) return; // OpenSSL counts the space as a part of an allowed host name.
		const files = ["-CAfile", root.file, "-untrusted", issuer.file, end.file];
		const { status } = spawnSync("openssl", ["verify", "-attime", String(AT / 1000), ...files]);
		expect(status === 0 ? "ok" : "refused").toBe(expected);
	});

	it("refuses critical policy constraints, which may demand a policy", () => {
		const issuer = authority(root, "Policies", [...INTERMEDIATE, "policyConstraints=critical,requireExplicitPolicy:0"]);
		const end = signer(issuer);
		expectError("ERR_CERTIFICATE_EXTENSION", () => judge(end.certificate, [issuer.certificate], [root.certificate]));
	});

	it("accepts SHA-1, RSA-1024 and an anchor without extensions under windows-legacy, but never MD5", () => {
		const old = workshop.issue({ subject: "/CN=1997", extensions: [] });
		const make = (digest: "sha1" | "md5", key: "rsa1024" | "rsa2048") => {
			const end = workshop.issue({ subject: "/CN=Old", issuer: old, extensions: CODE_SIGNER.slice(0, 4), digest, key });
			return verdictOf(() => judge(end.certificate, [], [old.certificate], { profile: "windows-legacy" }));
		};
		expect(make("sha1", "rsa1024")).toBe("ok");
		expect(make("md5", "rsa2048")).toBe("ERR_WEAK_DIGEST");
	});

	it("refuses an Ed25519 key and curves outside the accepted three", () => {
		const ed = workshop.issue({ subject: "/CN=Ed", issuer: middle, extensions: CODE_SIGNER, key: "ed25519" });
		expectError("ERR_WEAK_KEY", () => judge(ed.certificate, [middle.certificate], [root.certificate]));
	});

	it("checks a timestamping authority by its purpose and by the strictness asked for", () => {
		const usages = (usage: string) => signer(middle, replacing(CODE_SIGNER, `extendedKeyUsage=${usage}`)).certificate;
		const verdict = (usage: string, timeStampingEku: "strict" | "tolerant") => {
			const more = { purpose: "timeStamping", timeStampingEku } as const;
			return verdictOf(() => judge(usages(usage), [middle.certificate], [root.certificate], more));
		};
		expect(verdict("critical,timeStamping", "strict")).toBe("ok");
		expect(verdict("timeStamping", "strict")).toBe("ERR_CERTIFICATE_PURPOSE");
		expect(verdict("timeStamping", "tolerant")).toBe("ok");
		expect(verdict("critical,timeStamping,codeSigning", "strict")).toBe("ERR_CERTIFICATE_PURPOSE");
		expect(verdict("codeSigning", "tolerant")).toBe("ERR_CERTIFICATE_PURPOSE");
	});

	it("verifyPinned() applies the rules for a leaf to a self-signed certificate, without a chain", () => {
		const make = (extensions: readonly string[], more = {}) =>
			workshop.issue({
				subject: "/CN=Pinned",
				extensions: extensions.filter((line) => !line.startsWith("authority")),
				...more,
			});
		const verdict = ({ certificate }: Issued) =>
			verdictOf(() => verifyPinned(certificate, { at: AT, purpose: "codeSigning", profile: "default" }));
		expect(verdict(make(CODE_SIGNER))).toBe("ok");
		expect(verdict(make(CODE_SIGNER, { notAfter: "20241231235959Z" }))).toBe("ERR_CERTIFICATE_EXPIRED");
		expect(verdict(make(replacing(CODE_SIGNER, "extendedKeyUsage=serverAuth")))).toBe("ERR_CERTIFICATE_PURPOSE");
		expect(verdict(make(CODE_SIGNER, { key: "rsa1024" }))).toBe("ERR_WEAK_KEY");
		expect(verdict(make([...CODE_SIGNER, "1.2.3.4=critical,DER:0500"]))).toBe("ERR_CERTIFICATE_EXTENSION");
	});
});
