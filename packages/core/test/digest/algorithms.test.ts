import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { DIGEST_ALGORITHMS, digestAlgorithmByOid } from "../../dist/digest/algorithms.js";

describe("DIGEST_ALGORITHMS", () => {
	it.each(Object.entries(DIGEST_ALGORITHMS))(
		"%s has the size node:crypto produces and is found by its OID",
		(name, row) => {
			expect(createHash(name).digest()).toHaveLength(row.sizeBytes);
			expect(digestAlgorithmByOid(row.oid)).toBe(name);
		},
	);

	it("has SHA-256 and up as evidence, SHA-1 as legacy, MD5 as refused", () => {
		const strengths = Object.entries(DIGEST_ALGORITHMS).map(([name, { strength }]) => `${name} ${strength}`);
		expect(strengths).toEqual(["md5 refused", "sha1 legacy", "sha256 evidence", "sha384 evidence", "sha512 evidence"]);
		expect(digestAlgorithmByOid("1.2.3")).toBeUndefined();
	});
});
