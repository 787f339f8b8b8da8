/**
 * Implements split signing: one machine makes an unsigned catalog, and another machine, which never has the files,
 * signs it.
 *
 * The signing machine compares the catalog's digest with the expected digest, shows the entries, and signs the
 * catalog's list without encoding it again.
 */

import { quote, SigtoolError } from "../errors.js";
import type { SignedSet } from "../fileset/compare/compare.js";
import { parseCatalog } from "../formats/cat.js";
import { entriesByPath, evidenceSize } from "../formats/cat-entries.js";
import { type EnvelopeOptions, sha256Hex, signEncoded } from "../formats/cat-envelope.js";
import { type CatalogFacts, parseFacts } from "../formats/cat-facts.js";
import { memberFilePath } from "../formats/cat-member.js";
import { CATALOG_OID, type Catalog } from "../formats/cat-model.js";
import { parseSignedData } from "../pki/cms.js";
import type { NewTimestamp } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";
import { exists } from "../system/look-up.js";
import { outputFile, refuseLowerSequence } from "../system/output-file.js";
import { writeAtomically } from "../system/store.js";
import { parseCatalogFile, unverifiedFacts } from "../verify/catalog-file.js";
import { isOwnCatalog } from "../verify/scan-catalog.js";

/** A catalog that was made with `signer: "none"`, read and checked, but signed by nobody. */
export interface UnsignedCatalog {
	readonly file: string;
	/** The SHA-256 of the file in lower-case hexadecimal. */
	readonly sha256: string;
	readonly facts: CatalogFacts;
	readonly fileCount: number;
	readonly linkCount: number;
	/** The catalog's list as received. `finishCatalog` signs exactly these bytes. */
	readonly list: Uint8Array;
	readonly entries: SignedSet;
}

/** The options of `openUnsigned`. */
export interface OpenUnsignedOptions {
	/**
	 * The SHA-256 that the file must have, in hexadecimal, with or without `sha256:`. `signPaths` reports it as
	 * `unsignedSha256`.
	 */
	readonly expectDigest?: string;
}

/**
 * Reads an unsigned catalog.
 * @throws ERR_DIGEST_MISMATCH; ERR_CATALOG_FORMAT also if the catalog is signed; ERR_DER, ERR_CMS_FORMAT, `ERR_PATH_*`,
 * ERR_IO
 * @example
 * ```ts
 * import { openUnsigned } from "@sigtool/core";
 *
 * const catalog = openUnsigned("unsigned.cat");
 * console.log(catalog.facts.product, catalog.fileCount); // src 2
 * ```
 */
export function openUnsigned(file: string, options: OpenUnsignedOptions = {}): UnsignedCatalog {
	return parseCatalogFile(file, (bytes) => parseUnsigned(bytes, file, options));
}

function parseUnsigned(bytes: Uint8Array, file: string, options: OpenUnsignedOptions): UnsignedCatalog {
	const sha256 = sha256Hex([bytes]);
	const expected = options.expectDigest?.toLowerCase().replace(/^sha256:/, "");
	if (expected !== undefined && expected !== sha256) {
		const message = `Cannot sign ${quote(file)}: its digest is ${sha256}, expected ${expected}`;
		throw new SigtoolError("ERR_DIGEST_MISMATCH", message, { path: file });
	}
	const signedData = parseSignedData(bytes, "catalog");
	if (signedData.signers.length > 0) {
		const message = `Cannot sign ${quote(file)}: it is signed already; sign the files again to replace it`;
		throw new SigtoolError("ERR_CATALOG_FORMAT", message, { path: file });
	}
	return { file, sha256, ...readList(signedData.contentType, signedData.content, file) };
}

/** The options of `finishCatalog`. */
export interface FinishOptions extends EnvelopeOptions {
	readonly signer: Signer;
	/** The path of the signed catalog. By default the signed catalog replaces the unsigned one. */
	readonly output?: string;
}

/** Reports what `finishCatalog` has written. */
export interface FinishResult {
	/** The size of the written file in bytes. */
	readonly catalogBytes: number;
	readonly timestamp: NewTimestamp | undefined;
}

/**
 * Signs the list of an unsigned catalog and writes the signed catalog.
 * @throws ERR_USAGE, ERR_CATALOG_EXISTS, ERR_NETWORK, ERR_TIMESTAMP, ERR_IO, the errors of the signer, and AbortError
 * @example
 * ```ts
 * import { finishCatalog, openPemSigner, openUnsigned } from "@sigtool/core";
 *
 * const signer = await openPemSigner({ keyFile: "release.key", certFile: "release.crt" });
 * await finishCatalog(openUnsigned("unsigned.cat"), { signer, output: "src/src.cat" });
 * ```
 */
export async function finishCatalog(catalog: UnsignedCatalog, options: FinishOptions): Promise<FinishResult> {
	const output = outputFile(options.output ?? catalog.file);
	if (options.output !== undefined && exists(output)) requireReplaceable(output, catalog.facts);
	const { pieces, timestamp } = await signEncoded(catalog.list, options.signer, options);
	writeAtomically(output, pieces);
	return { catalogBytes: pieces.reduce((sum, piece) => sum + piece.length, 0), timestamp };
}

const ELSEWHERE = "write it elsewhere, or remove that file";

/** Refuses to replace another program's file, or a newer catalog of the same product. @throws ERR_CATALOG_EXISTS, ERR_IO */
function requireReplaceable(output: string, { product, sequence = 0 }: CatalogFacts): void {
	if (!isOwnCatalog(output)) {
		const message = `Cannot write ${quote(output)}: the file there is no catalog of sigtool; ${ELSEWHERE}`;
		throw new SigtoolError("ERR_CATALOG_EXISTS", message, { path: output });
	}
	const present = unverifiedFacts(output);
	if (present?.product === product) refuseLowerSequence(output, sequence, present?.sequence, ELSEWHERE);
}

/**
 * Reads the list of a catalog, signed or not. A signature is not verified.
 * @throws ERR_CATALOG_FORMAT, ERR_DER, `ERR_PATH_*`
 */
export function readList(contentType: string, content: Uint8Array | undefined, file: string) {
	if (contentType !== CATALOG_OID.certTrustList || content === undefined) {
		throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot read ${quote(file)}: it is not a catalog`, { path: file });
	}
	const parsed = parseCatalog(content);
	const facts = parseFacts(parsed.attributes);
	const entries = entriesByPath(parsed, facts, evidenceSize(parsed, "default"));
	requireTwins(parsed, entries, file);
	return { facts, list: content, entries, fileCount: entries.files.size, linkCount: entries.links.size };
}

/**
 * Refuses a SHA-1 member without a SHA-256 member of the same path. The user is shown the SHA-256 members only, and
 * would sign the other one unseen.
 */
function requireTwins(catalog: Catalog, entries: SignedSet, file: string): void {
	const { count, digestSizes } = catalog.members;
	for (let row = 0; row < count; row++) {
		if (digestSizes[row] !== 20) continue;
		const path = memberFilePath(catalog, row)?.replaceAll("\\", "/");
		if (path !== undefined && entries.files.has(path)) continue;
		const member = path === undefined ? "a SHA-1 member without a name" : `a SHA-1 member ${quote(path)}`;
		const message = `Cannot sign ${quote(file)}: it has ${member} and no SHA-256 member for that file`;
		throw new SigtoolError("ERR_CATALOG_FORMAT", message, { path: file });
	}
}
