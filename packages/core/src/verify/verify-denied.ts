/**
 * Finds files that are on the deny list, by the SHA-256 of their whole content. Such a file is refused even if it is
 * signed.
 */

import { quote, SigtoolError } from "../errors.js";
import type { Finding } from "../fileset/compare/compare.js";
import type { FileVisitor } from "../fileset/hash/hash-file.js";
import { memberFilePath } from "../formats/cat-member.js";
import type { Catalog } from "../formats/cat-model.js";
import type { TrustPolicy } from "../pki/trust-policy.js";

export interface DeniedFiles {
	/**
	 * The visitor that the caller uses in the place of `next`. If the deny list names no files, this is `next` itself.
	 */
	readonly visitor: FileVisitor | undefined;
	/** The findings about denied files. The array grows while files are hashed. */
	readonly findings: readonly Finding[];
}

/**
 * Returns a visitor that finds denied files, and that passes each call on to `next`.
 * @throws ERR_WEAK_DIGEST if the deny list names files but the tree is hashed with SHA-1, because the deny list has
 * only SHA-256
 */
export function watchForDenied({ deny = [] }: TrustPolicy, digest: "sha256" | "sha1", next?: FileVisitor): DeniedFiles {
	const files = deny.filter(({ kind }) => kind === "file");
	if (files.length === 0) return { visitor: next, findings: [] };
	if (digest === "sha1") {
		const message = "Cannot apply the deny list: it names files by SHA-256, but the catalog has only SHA-1";
		throw new SigtoolError("ERR_WEAK_DIGEST", message);
	}
	const reasons = new Map(files.map(({ sha256, reason }) => [sha256, reason]));
	const findings: Finding[] = [];
	return {
		findings,
		visitor: {
			begin: (file) => next?.begin(file),
			content: (piece) => next?.content(piece),
			end(file, sha256) {
				const reason = reasons.get(Buffer.from(sha256).toString("hex"));
				if (reason !== undefined) {
					const message = `${quote(file.name)} is denied: ${reason}`;
					findings.push({ code: "ERR_DENIED", path: file.name, message });
				}
				return next?.end(file, sha256) ?? "looked";
			},
			undo: (file) => next?.undo(file),
		},
	};
}

/**
 * Finds the members of a catalog whose SHA-256 is denied, for verifications that hash no files. A member with SHA-1
 * alone cannot be found.
 */
export function deniedMembers(catalog: Catalog, { deny }: TrustPolicy): Finding[] {
	const files = deny?.filter(({ kind }) => kind === "file") ?? [];
	const { count, digests, digestSizes } = catalog.members;
	const findings: Finding[] = [];
	for (let row = 0; files.length > 0 && row < count; row++) {
		if (digestSizes[row] !== 32) continue;
		const digest = Buffer.from(digests.subarray(row * 32, row * 32 + 32)).toString("hex");
		const denial = files.find(({ sha256 }) => sha256 === digest);
		if (denial === undefined) continue;
		const path = memberFilePath(catalog, row)?.replaceAll("\\", "/") ?? digest;
		findings.push({ code: "ERR_DENIED", path, message: `${quote(path)} is denied: ${denial.reason}` });
	}
	return findings;
}
