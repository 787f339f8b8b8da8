import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { inspectCatalog, inspectCatalogFile } from "../../dist/inspect/inspect.js";
import { corpusCatalogs, hasCorpus } from "../pki/corpus.js";
import { expectError } from "../pki/expect-error.js";

describe("inspectCatalogFile()", () => {
	const directory = mkdtempSync(join(tmpdir(), "sigtool-inspect-"));
	afterAll(() => rmSync(directory, { recursive: true }));
	const fileOf = (content: string) => {
		const file = join(directory, "x.cat");
		writeFileSync(file, content);
		return file;
	};

	it("names a file that is no catalog, and the content it has", () => {
		const file = fileOf("# text");
		const { message, path } = expectError("ERR_DER", () => inspectCatalogFile(file));
		expect(message).toMatch(/^Cannot read ".*x\.cat": it is a text file, not a catalog$/);
		expect(path).toBe(file);
	});

	it("names an empty file", () => {
		const { message } = expectError("ERR_CATALOG_FORMAT", () => inspectCatalogFile(fileOf("")));
		expect(message).toMatch(/^Cannot read ".*x\.cat": it is empty$/);
	});
});

describe.skipIf(!hasCorpus)("inspectCatalog() of real catalogs", () => {
	it("names every algorithm beside its object identifier", () => {
		for (const { bytes } of corpusCatalogs()) {
			for (const signer of inspectCatalog(bytes).signers) {
				expect(signer.signatureAlgorithmName).toBe("rsaEncryption");
				expect(signer.digestAlgorithmName).toMatch(/^sha(1|256)$/);
			}
		}
	});

	it("marks the signer's certificate and puts its issuers behind it", () => {
		for (const { bytes } of corpusCatalogs()) {
			const { signers, certificates } = inspectCatalog(bytes);
			const own = certificates.filter(({ signer }) => signer);
			expect(own.map(({ spkiSha256 }) => spkiSha256)).toEqual(signers.map(({ spkiSha256 }) => spkiSha256));
			if (signers.length === 0) continue;
			expect(certificates[0]).toBe(own[0]);
			const issuers = certificates.filter(({ subject }) => subject === certificates[0].issuer);
			if (issuers.length > 0) expect(certificates[1].subject).toBe(certificates[0].issuer);
		}
	});
});
