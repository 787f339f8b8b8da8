/**
 * One signed directory, opened once: its catalog is verified, then files are handed out only as the bytes that were
 * signed under their name.
 *
 * What this version does not do: hook a runtime, ask the kernel, or record decisions.
 */

import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from "node:fs";
import { join, relative, sep } from "node:path";
import {
	certificatesFromPem,
	contentDigest,
	defaultTrust,
	loadCatalogs,
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
	 * @throws Error with `code` ERR_FILE_ADDED, ERR_FILE_MODIFIED, ERR_FILE_TYPE, or the system's own
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
	const { files } = signedEntries(catalogs, sources).set;
	return {
		root,
		readFileSync(path) {
			const entry = entryOf(root, realpathSync.native(path));
			const signed = files.get(entry);
			if (signed === undefined) throw untrusted("ERR_FILE_ADDED", path, "no signature covers it");
			const content = readRegularFile(path, join(root, entry));
			const digest = content.length === 0 ? content : contentDigest(content, "sha256");
			if (Buffer.compare(digest, signed.digest) !== 0) throw untrusted("ERR_FILE_MODIFIED", path, "it was modified");
			return content;
		},
	};
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

function entryOf(root: string, realPath: string): string {
	return relative(root, realPath).split(sep).join("/");
}

function untrusted(
	code: "ERR_FILE_ADDED" | "ERR_FILE_MODIFIED" | "ERR_FILE_TYPE",
	path: string,
	reason: string,
): Error {
	return new SigtoolError(code, `Cannot load "${path}": ${reason}`, { path });
}
