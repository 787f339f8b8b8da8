/**
 * One signed directory, opened once: its catalog is verified, then files are handed out only as the bytes that were
 * signed under their name.
 *
 * What this version does not do: hook a runtime, ask the kernel, or record decisions.
 */

import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import {
	certificatesFromPem,
	contentDigest,
	defaultTrust,
	ENTRY_KIND,
	loadCatalogs,
	resolveEntry,
	type SignedFile,
	SigtoolError,
	signedEntries,
	trustFromCertificates,
} from "@sigtool/core/read";

export interface VerifierOptions {
	/** Certificates in PEM, of authorities or of signers themselves; this user's trust store when absent. */
	readonly trust?: string;
	/** Product the catalog must be of. */
	readonly product?: string;
	/** Catalog files; the directory's own `<dir>/<name>.cat` when absent. */
	readonly catalogs?: readonly string[];
	/** `allow` accepts a catalog signed by a development identity. Default `refuse`. */
	readonly development?: "refuse" | "allow";
}

export interface Verifier {
	/** Absolute real path of the signed directory. */
	readonly root: string;
	/**
	 * The content of a signed file: read once, hashed, and returned only if it is what was signed under its path.
	 * Symbolic links on the way must be signed.
	 * @throws Error with `code` ERR_FILE_ADDED, ERR_FILE_MODIFIED, ERR_FILE_TYPE, ERR_LINK_CHANGED, or the system's own
	 */
	readFileSync(path: string): Uint8Array;
}

/** @throws Error with `code` as docs/errors.md lists them; ERR_DEVELOPMENT_IDENTITY unless allowed */
export function createVerifier(directory: string, options: VerifierOptions = {}): Verifier {
	const root = realpathSync.native(directory);
	const trust =
		options.trust === undefined ? defaultTrust() : trustFromCertificates(certificatesFromPem(options.trust));
	const sources = { trust, product: options.product, catalogs: options.catalogs, match: "path" } as const;
	const { catalogs } = loadCatalogs(root, sources);
	const developer = catalogs.find(({ signer }) => signer.development);
	if (developer !== undefined && options.development !== "allow") {
		const message = `Cannot trust "${developer.file}": a development identity signed it; sign it with a release key`;
		throw new SigtoolError("ERR_DEVELOPMENT_IDENTITY", message, { path: developer.file });
	}
	const { files, links } = signedEntries(catalogs, sources).set;
	return {
		root,
		readFileSync(path) {
			const resolved = resolveEntry(root, entryOf(root, directory, path));
			for (const link of resolved.links) {
				const isSigned = links.get(link) === readlinkSync(join(root, link));
				if (!isSigned) throw untrusted("ERR_LINK_CHANGED", path, `the link "${link}" is not as it was signed`);
			}
			const signed = files.get(resolved.entry ?? "");
			if (resolved.entry === undefined || signed === undefined) {
				throw untrusted("ERR_FILE_ADDED", path, "no signature covers it");
			}
			const content = readRegularFile(path, join(root, resolved.entry));
			if (!isAsSigned(content, signed)) throw untrusted("ERR_FILE_MODIFIED", path, "it was modified");
			return content;
		},
	};
}

/** A digest made by Authenticode's rules says nothing about a file that is to be hashed as a whole. */
function isAsSigned(content: Uint8Array, signed: SignedFile): boolean {
	if (content.length === 0) return signed.digest.length === 0;
	const { kind, digest } = contentDigest(content, "sha256");
	return (signed.kind === -1 || signed.kind === ENTRY_KIND[kind]) && Buffer.compare(digest, signed.digest) === 0;
}

/** Through one descriptor; a link put in the file's place is not followed. */
function readRegularFile(path: string, realPath: string): Buffer {
	const descriptor = openSync(realPath, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
	try {
		if (!fstatSync(descriptor).isFile()) throw untrusted("ERR_FILE_TYPE", path, "it is not a regular file");
		return readFileSync(descriptor);
	} finally {
		closeSync(descriptor);
	}
}

/** Path below the signed directory as it is given, links not looked at. */
function entryOf(root: string, directory: string, path: string): string {
	const absolute = resolve(path);
	const base = [resolve(directory), root].find((each) => absolute.startsWith(each + sep));
	if (base === undefined) throw untrusted("ERR_FILE_ADDED", path, `it does not lie in "${directory}"`);
	return relative(base, absolute).split(sep).join("/");
}

function untrusted(
	code: "ERR_FILE_ADDED" | "ERR_FILE_MODIFIED" | "ERR_FILE_TYPE" | "ERR_LINK_CHANGED",
	path: string,
	reason: string,
): Error {
	return new SigtoolError(code, `Cannot load "${path}": ${reason}`, { path });
}
