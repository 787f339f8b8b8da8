import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { serveTokens, TIME_STAMPER } from "../../../../core/test/pki/local-tsa.js";
import { CODE_SIGNER, openWorkshop } from "../../../../core/test/pki/openssl.js";
import { makeTree, servedRunner, temporaryDirectory } from "../../support.js";

const sigtool = servedRunner("/nonexistent");

describe("sigtool report of a catalog with a timestamp", () => {
	it("says by whom and when, if the authority is trusted, and otherwise only what it claims", async () => {
		const workshop = openWorkshop();
		onTestFinished(() => workshop.remove());
		const root = workshop.issue({ subject: "/CN=Root" });
		const signer = workshop.issue({ subject: "/CN=Signer", issuer: root, extensions: CODE_SIGNER });
		const timeRoot = workshop.issue({ subject: "/CN=Time root" });
		const authority = workshop.issue({ subject: "/CN=Time authority", issuer: timeRoot, extensions: TIME_STAMPER });
		const { url, close } = await serveTokens(authority, workshop);
		onTestFinished(() => close());
		const directory = temporaryDirectory();
		const lib = makeTree(join(directory, "lib"), { "index.js": "1\n" });
		const key = ["--key", signer.keyFile, "--cert", signer.file, "--timestamp", url, "--tsa-trust", timeRoot.file];
		expect(await sigtool("sign", lib, ...key)).toMatchObject({ status: 0 });
		const file = join(directory, "report.html");
		const pageWith = async (...trust: string[]) => {
			expect(await sigtool("report", lib, "-o", file, "--trust", root.file, ...trust)).toMatchObject({ status: 0 });
			return readFileSync(file, "utf8");
		};
		const trusted = await pageWith("--tsa-trust", timeRoot.file);
		expect(trusted).toMatch(/A timestamp of CN=Time authority proves that the signature existed at \d{4}-/);
		expect(trusted).toMatch(/<td class="text">RFC 3161<\/td>.*CN=Time authority.*verified, and it counts/);
		const untrusted = await pageWith();
		expect(untrusted).toContain("The timestamp of the signature does not verify.");
		expect(untrusted).toMatch(/CN=Time authority<\/td><td class="text">not used/);
		expect(untrusted).toMatch(/<ul class="warnings"><li>a timestamp was not used: /);
	});
});
