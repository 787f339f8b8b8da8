import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileTrustIndex } from "../../dist/compile/compile.js";
import { revocationListsFromFileBytes } from "../../dist/pki/crl.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { openPemSigner } from "../../dist/signer/pem.js";
import type { RevocationOptions } from "../../dist/verify/revocation-sources.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { verifyAttributes } from "../../dist/verify/verify-attributes.js";
import { databaseTime, issueList } from "../pki/local-ca.js";
import { serveTokens, TIME_STAMPER } from "../pki/local-tsa.js";
import { CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "../pki/openssl.js";
import { userAttributes } from "../system/user-attributes.js";

const HOUR = 3_600_000;
const attributes = await userAttributes();

describe("revocation of the catalogs above the one that is used", () => {
	let workshop: Workshop;
	let root: Issued;
	let timeRoot: Issued;
	const people: Record<"outer" | "inner", Issued> = {} as never; // `beforeAll` fills this record.
	/** The directories `outer` and `inner`. `inner` is in `outer`, and each has a catalog. */
	let outer: string;
	let inner: string;
	const OUTER_SERIAL = "1001";
	const BEFORE = databaseTime(Date.now() - HOUR);
	const AFTER = databaseTime(Date.now() + HOUR);
	const REVOKED = { code: "ERR_CERTIFICATE_REVOKED", message: expect.stringContaining("CN=Outer") };

	beforeAll(async () => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root", key: "p256" });
		timeRoot = workshop.issue({ subject: "/CN=Time root", key: "p256" });
		const person = { key: "p256", issuer: root, extensions: CODE_SIGNER } as const;
		people.outer = workshop.issue({ ...person, subject: "/CN=Outer", serial: `${OUTER_SERIAL}` });
		people.inner = workshop.issue({ ...person, subject: "/CN=Inner", serial: "1002" });
		outer = join(workshop.directory, "outer");
		inner = join(outer, "inner");
		mkdirSync(inner, { recursive: true });
		writeFileSync(join(inner, "x.js"), "x");
		writeFileSync(join(outer, "y.js"), "y");
		await sign(inner, people.inner, { product: "inner" });
		const extensions = TIME_STAMPER;
		const authority = workshop.issue({ subject: "/CN=Time authority", key: "p256", issuer: timeRoot, extensions });
		const tsa = await serveTokens(authority, workshop);
		await sign(outer, people.outer, {
			product: "outer",
			timestamp: { urls: [tsa.url], anchors: [timeRoot.certificate] },
		});
		await tsa.close();
	});
	afterAll(() => workshop.remove());

	async function sign(directory: string, { keyFile, file }: Issued, more = {}) {
		await signPaths([directory], { signer: await openPemSigner({ keyFile, certFile: file }), ...more });
	}
	const listOf = (authority: Issued, serial: string, revoked: string) => {
		const file = issueList(workshop, authority, [{ serial, revoked }]);
		return revocationListsFromFileBytes(readFileSync(file), file);
	};
	const demanding = (revoked: string): RevocationOptions => ({
		lists: [...listOf(root, OUTER_SERIAL, revoked), ...listOf(timeRoot, "FF", BEFORE)],
		ocsp: "require",
	});
	const options = (revocation: RevocationOptions) => ({
		trust: trustFromCertificates([root.certificate]),
		timestampAnchors: [timeRoot.certificate],
		revocation,
	});

	it("refuses a directory, a file and a compilation if the key of the outer catalog was revoked", async () => {
		const revoked = options(demanding(BEFORE));
		await expect(verifyPath(outer, revoked)).rejects.toMatchObject(REVOKED);
		await expect(verifyPath(inner, revoked)).rejects.toMatchObject(REVOKED);
		await expect(verifyPath(join(inner, "x.js"), revoked)).rejects.toMatchObject(REVOKED);
		const signer = await openPemSigner({ keyFile: people.inner.keyFile, certFile: people.inner.file });
		const compile = (index: string, of: ReturnType<typeof options>) =>
			compileTrustIndex([inner], { ...of, signer, output: join(workshop.directory, index) });
		await expect(compile("revoked.sigx", revoked)).rejects.toMatchObject(REVOKED);
		const good = { ...options({ lists: listOf(root, "FF", BEFORE), ocsp: "require" }), product: "inner" };
		expect((await compile("good.sigx", good)).products).toMatchObject([{ name: "inner" }]);
	});

	it("reports the statuses and the warnings of the outer catalog with those of the inner one", async () => {
		for (const path of [inner, join(inner, "x.js")]) {
			const { verdict, catalogs, warnings } = await verifyPath(path, {
				...options(demanding(AFTER)),
				product: "inner",
			});
			expect({ verdict, files: catalogs.map(({ file }) => file) }).toEqual({
				verdict: "trusted",
				files: [join(inner, "inner.cat")],
			});
			expect(catalogs[0].revocation?.map(({ certificate, status }) => [certificate?.subject.text, status])).toEqual([
				["CN=Inner", "good"],
				["CN=Outer", "revoked-later"],
				["CN=Time authority", "good"],
			]);
			expect(warnings).toEqual([expect.stringMatching(/"CN=Outer" was revoked later/)]);
		}
	});

	it("requires the statuses of the outer catalog, and warns of unknown ones otherwise", async () => {
		const lists = listOf(root, "FF", BEFORE);
		await expect(verifyPath(inner, options({ lists, ocsp: "require" }))).rejects.toMatchObject({
			code: "ERR_REVOCATION_UNKNOWN",
			message: expect.stringContaining("CN=Time authority"),
		});
		const { warnings } = await verifyPath(inner, options({ lists }));
		expect(warnings).toEqual([expect.stringMatching(/Cannot tell whether .*CN=Time authority/)]);
	});

	it.skipIf(attributes === undefined)(
		"does not pass over the inner catalog with attributes either (needs user attributes)",
		async () => {
			const { keyFile, file } = people.inner;
			const signer = await openPemSigner({ keyFile, certFile: file });
			await signPaths([join(inner, "x.js")], { formats: ["ima"], namespace: "user", signer });
			const verify = (revocation: RevocationOptions) =>
				verifyAttributes(inner, {
					...{ formats: ["ima"], namespace: "user", certificates: [people.inner.certificate] },
					...{ trust: trustFromCertificates([root.certificate]), revocation },
				});
			const good = await verify({ lists: listOf(root, "FF", BEFORE) });
			expect(good).toMatchObject({ verdict: "trusted", passedOver: "inner.cat" });
			const { verdict, passedOver, findings } = await verify({ lists: listOf(root, OUTER_SERIAL, BEFORE) });
			expect({ verdict, passedOver }).toEqual({ verdict: "failed", passedOver: undefined });
			expect(findings).toMatchObject([{ code: "ERR_UNSIGNED", path: "inner.cat" }]);
		},
	);
});
