import { type DigestChoice, hashFileInto } from "../../../dist/fileset/hash/hash-file.js";
import { wholeFileColumns } from "../../../dist/fileset/manifest.js";

/** Hashes one file, and returns what hashFileInto() writes about it. */
export function hashSingleFile(path: string, choice: DigestChoice = "sha256") {
	const digest = choice === "sha1" ? "sha1" : "sha256";
	const columns = {
		kinds: new Uint8Array(1),
		modes: new Uint16Array(1),
		sizes: new Float64Array(1),
		digests: Buffer.alloc(digest === "sha1" ? 20 : 32),
		sha1Digests: choice === "sha256+sha1" ? Buffer.alloc(20) : undefined,
		...wholeFileColumns(),
	};
	hashFileInto(columns, 0, path, { digest, bigFiles: "hash" });
	const { kinds, modes, sizes, digests, sha1Digests } = columns;
	return { kind: kinds[0], mode: modes[0], sizeBytes: sizes[0], digest: digests, sha1Digest: sha1Digests };
}
