/** Files that the deny list names, whatever signed them: found by all of their content, while it is hashed. */

import { quote, SigtoolError } from "../errors.js";
import type { Finding } from "../fileset/compare.js";
import type { FileVisitor } from "../fileset/hash-file.js";
import { type Catalog, memberFilePath } from "../formats/cat.js";
import type { TrustPolicy } from "../pki/trust-store.js";

export interface DeniedFiles {
	/** To be passed on in place of the one given; that one, when no file is denied. */
	readonly visitor: FileVisitor | undefined;
	/** Filled while files are hashed. */
	readonly findings: readonly Finding[];
}

/**
 * @param next sees the files as well
 * @throws ERR_WEAK_DIGEST where files are denied and hashed by SHA-1 alone, which could not tell
 */
export function watchForDenied({ deny = [] }: TrustPolicy, digest: "sha256" | "sha1", next?: FileVisitor): DeniedFiles {
	const files = deny.filter(({ kind }) => kind === "file");
	if (files.length === 0) return { visitor: next, findings: [] };
	if (digest === "sha1") {
		const message = "Cannot apply the deny list: it names files by SHA-256, and the catalog has SHA-1 alone";
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

/** Members whose digest is denied: of files as a whole, where no file is at hand. */
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
