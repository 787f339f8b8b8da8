import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spkiSha256 } from "../../dist/pki/certificate.js";
import { parseSignedData } from "../../dist/pki/cms.js";
import { type TrustPolicy, trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { openPemSigner } from "../../dist/signer/pem.js";
import { type CatalogVerifyOptions, type JudgedTime, verifyCatalog } from "../../dist/verify/verify-catalog.js";
import { type LocalServer, serveTokens, TIME_STAMPER } from "../pki/local-tsa.js";
import { CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "../pki/openssl.js";

const LATER = Date.UTC(2039, 0, 1);

describe("verifyCatalog() returns the time for which it judged the chain", () => {
	let workshop: Workshop;
	let root: Issued;
	let timeRoot: Issued;
	let server: LocalServer;
	const start = Date.now();

	beforeAll(async () => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root" });
		timeRoot = workshop.issue({ subject: "/CN=Time root" });
		const authority = workshop.issue({ subject: "/CN=Time", issuer: timeRoot, extensions: TIME_STAMPER });
		server = await serveTokens(authority, workshop);
	});
	afterAll(async () => {
		await server?.close(); // Without openssl there is none.
		workshop.remove();
	});

	async function judge(
		how: "stamped" | "plain",
		options: Partial<CatalogVerifyOptions> = {},
		extensions: readonly string[] = CODE_SIGNER,
	): Promise<JudgedTime> {
		const { keyFile, file: certFile } = workshop.issue({ subject: "/CN=Signer", issuer: root, extensions });
		const output = join(workshop.directory, "signed.cat");
		await signPaths([workshop.write("file", "1")], {
			output,
			signer: await openPemSigner({ keyFile, certFile }),
			timestamp: how === "plain" ? undefined : { urls: [server.url], anchors: [timeRoot.certificate] },
		});
		const trust = trustFromCertificates([root.certificate]);
		const anchors = { timestampAnchors: [timeRoot.certificate] };
		return verifyCatalog(readFileSync(output), { trust, ...anchors, ...options }).judgedAt;
	}

	it("the time of the timestamp, even when another is given", async () => {
		const { at, ...rest } = await judge("stamped", { at: LATER });
		expect(rest).toEqual({ source: "rfc3161", authority: "CN=Time" });
		expect(Math.abs(at - start)).toBeLessThan(300_000);
	});

	it("now, or the given time, without a timestamp", async () => {
		expect(await judge("plain")).toMatchObject({ source: "now", without: "no-timestamp" });
		expect(await judge("plain", { at: LATER })).toEqual({ at: LATER, source: "given", without: "no-timestamp" });
	});

	it("now, when the timestamping authority is not trusted", async () => {
		const judged = await judge("stamped", { timestampAnchors: [root.certificate] });
		expect(judged).toMatchObject({ source: "now", without: "unusable-timestamp" });
	});

	const lifetime = CODE_SIGNER.map((line) => line.replace("codeSigning", "codeSigning,1.3.6.1.4.1.311.10.3.13"));

	it("now, when the signer's certificate has lifetime signing", async () => {
		expect(await judge("stamped", {}, lifetime)).toMatchObject({ source: "now", without: "lifetime-signing" });
	});

	it("now, when the pinned certificate has lifetime signing, whatever the one in the catalog has", async () => {
		await judge("stamped");
		const bytes = readFileSync(join(workshop.directory, "signed.cat"));
		const [inCatalog] = parseSignedData(bytes, "catalog").certificates;
		const judged = (extensions: readonly string[]) => {
			const { certificate } = workshop.issue({ subject: "/CN=Pinned", issuer: root, extensions });
			const pin = { label: "pin", source: "store", certificate } as const;
			const trust: TrustPolicy = { pins: new Map([[spkiSha256(inCatalog), pin]]), authorities: [] };
			return verifyCatalog(bytes, { trust, timestampAnchors: [timeRoot.certificate] }).judgedAt;
		};
		expect(judged(lifetime)).toMatchObject({ source: "now", without: "lifetime-signing" });
		expect(judged(CODE_SIGNER)).toMatchObject({ source: "rfc3161" });
	});
});
