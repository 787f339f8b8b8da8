import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { parseCatalog } from "../../dist/formats/cat.js";
import { memberDigest } from "../../dist/formats/cat-member.js";
import { inspectCatalog, inspectCatalogFile } from "../../dist/inspect/inspect.js";
import { parseSignedData } from "../../dist/pki/cms.js";
import { signPaths } from "../../dist/sign/sign.js";
import { tempTree } from "../fileset/temp-tree.js";
import { corpusCatalogs, hasCorpus } from "../pki/corpus.js";
import { expectError } from "../pki/expect-error.js";

describe("inspectCatalogFile()", () => {
	const directory = temporaryDirectory(atEndOfFile);
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
		const { message } = expectError("ERR_DER", () => inspectCatalogFile(fileOf("")));
		expect(message).toMatch(/^Cannot read ".*x\.cat": it is empty$/);
	});
});

describe("inspection in pieces", () => {
	const unsignedCatalog = async (count: number) => {
		const names = Array.from({ length: count }, (_, index) => `d${index % 7}/f${index}${"x".repeat(index % 90)}`);
		const root = tempTree({
			...Object.fromEntries(names.map((name) => [name, name])),
			"d1/\uffee": "1",
			"d1/\u{1f600}": "2",
		});
		const output = join(tempTree(), "x.cat");
		await signPaths([root], { signer: "none", output });
		return output;
	};

	it("lists every member once, in path order, from a file as from bytes", async () => {
		const file = await unsignedCatalog(5000);
		const bytes = readFileSync(file);
		const { members, ...rest } = inspectCatalogFile(file);
		const inMemory = inspectCatalog(bytes);
		expect({ ...rest, members: [...members] }).toEqual(inMemory);
		expect(rest.anomalies).toEqual([]);
		const names = inMemory.members.map(({ name }) => name?.replaceAll("\\", "/") ?? "");
		expect(names).toEqual([...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
		const catalog = parseCatalog(parseSignedData(bytes, "catalog").content ?? new Uint8Array());
		const digests = Array.from({ length: catalog.members.count }, (_, row) => {
			return Buffer.from(memberDigest(catalog.members, row)).toString("hex");
		});
		expect(inMemory.members.map(({ digest }) => digest).sort()).toEqual(digests.sort());
		expect(members.count).toBe(digests.length);
	});

	it("refuses to list members of a file that has changed, and names a malformed one", async () => {
		const file = await unsignedCatalog(10);
		const { members } = inspectCatalogFile(file);
		const bytes = readFileSync(file);
		for (const length of [bytes.length - 1, 2000, 500, 60, 10]) {
			writeFileSync(file, bytes.subarray(0, length));
			const { path } = expectError("ERR_DER", () => inspectCatalogFile(file));
			expect(path).toBe(file);
			expectError("ERR_DER", () => inspectCatalog(bytes.subarray(0, length)));
		}
		expectError("ERR_FILE_CHANGED", () => [...members]);
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
