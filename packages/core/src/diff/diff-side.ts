/** Opens the two sides of a comparison: catalogs, whose signatures are verified if possible, and trees. */

import { join } from "node:path";
import { COMMAND, quote, SigtoolError } from "../errors.js";
import { HOST_MODES } from "../fileset/compare/compare.js";
import { type HashProgress, hashFileSet } from "../fileset/hash/hash-files.js";
import type { Manifest } from "../fileset/manifest.js";
import { realPath } from "../fileset/paths/locate-catalogs.js";
import { createSelection, type SelectionRules, VERSION_CONTROL } from "../fileset/select/selection.js";
import { parseCatalog } from "../formats/cat.js";
import { evidenceSize } from "../formats/cat-entries.js";
import { type CatalogFacts, parseFacts } from "../formats/cat-facts.js";
import { memberFilePath } from "../formats/cat-member.js";
import { CATALOG_OID, type Catalog } from "../formats/cat-model.js";
import { isDevelopmentCertificate, spkiSha256 } from "../pki/certificate.js";
import { parseSignedData } from "../pki/cms.js";
import { signerCertificates } from "../pki/cms-verify.js";
import { exists } from "../system/look-up.js";
import { FORMAT_CODES, parseCatalogFile } from "../verify/catalog-file.js";
import { findCatalogs } from "../verify/find-catalogs.js";
import { operandKind } from "../verify/operand.js";
import { type CatalogVerifyOptions, type VerifiedCatalog, verifyCatalog } from "../verify/verify-catalog.js";
import { catalogEntryPaths } from "../verify/verify-directory.js";

export interface DiffOptions extends Omit<CatalogVerifyOptions, "product"> {
	readonly onProgress?: (done: HashProgress) => void;
	/** Ends the hashing of a tree. */
	readonly signal?: AbortSignal;
}

/** The signer of a catalog. Its name is only a claim unless the catalog was verified. */
export interface DiffSigner {
	readonly subject: string | undefined;
	readonly spkiSha256: string;
	readonly development: boolean;
}

export interface CatalogSide {
	readonly kind: "catalog";
	readonly path: string;
	/** The error because of which nobody vouches for the content. Undefined if a trusted signer does. */
	readonly unverified: SigtoolError | undefined;
	/** Undefined if the catalog is not signed, or does not contain the certificate of its signer. */
	readonly signer: DiffSigner | undefined;
	readonly facts: CatalogFacts;
	readonly catalog: Catalog;
	/** The size in bytes of the digests that count. Undefined if there are no members. */
	readonly digestSize: 20 | 32 | undefined;
	readonly warnings: readonly string[];
}

export interface TreeSide {
	readonly kind: "tree";
	readonly path: string;
	readonly manifest: Manifest;
	/** The names of what was left out of the comparison: its own catalogs, and directories of version control. */
	readonly leftOut: readonly string[];
}

/** @throws ERR_USAGE for a file that is neither; ERR_ROOT_MISSING, ERR_DER, ERR_CMS_FORMAT, ERR_CATALOG_FORMAT, ERR_IO */
export function kindOfSide(path: string): "catalog" | "tree" {
	const kind = operandKind(path);
	if (kind === "directory") return "tree";
	if (kind === "catalog") return "catalog";
	if (kind === "missing") {
		throw new SigtoolError("ERR_ROOT_MISSING", `Cannot open ${quote(path)}: it does not exist`, { path });
	}
	const what =
		kind === "index"
			? `it is a trust index; \`${COMMAND} finish --previous\` compares these`
			: "it is neither a catalog nor a directory";
	throw new SigtoolError("ERR_USAGE", `Cannot compare ${quote(path)}: ${what}`, { path });
}

/**
 * Reads a catalog. If its signature or signer cannot be trusted, returns its content all the same, with the reason.
 * @throws ERR_DER, ERR_CMS_FORMAT, ERR_CATALOG_FORMAT, ERR_WEAK_DIGEST, ERR_LIMIT, ERR_IO
 */
export function openCatalogSide(path: string, options: DiffOptions): CatalogSide {
	return parseCatalogFile(path, (bytes) => {
		const verified = unlessUntrusted(bytes, options);
		if (!(verified instanceof SigtoolError)) {
			const { catalog, facts, signer, warnings } = verified;
			const { certificate, spkiSha256, development } = signer;
			const named = { subject: certificate?.subject.text, spkiSha256, development };
			return { ...contentOf(path, catalog, facts, options), unverified: undefined, signer: named, warnings };
		}
		const { content, contentType, signers, certificates } = parseSignedData(bytes, "catalog");
		if (contentType !== CATALOG_OID.certTrustList || content === undefined) throw verified;
		const catalog = parseCatalog(content);
		const [certificate] = signers.flatMap((signer) => signerCertificates(signer, certificates).slice(0, 1));
		const signer = certificate && {
			subject: certificate.subject.text,
			spkiSha256: spkiSha256(certificate),
			development: isDevelopmentCertificate(certificate),
		};
		const facts = parseFacts(catalog.attributes);
		return { ...contentOf(path, catalog, facts, options), unverified: verified, signer, warnings: [] };
	});
}

/** Returns the error if a well-formed catalog is not one of a trusted signer. @throws an error with one of FORMAT_CODES */
function unlessUntrusted(bytes: Uint8Array, options: DiffOptions): VerifiedCatalog | SigtoolError {
	try {
		return verifyCatalog(bytes, options);
	} catch (error) {
		if (!(error instanceof SigtoolError) || FORMAT_CODES.has(error.code)) throw error;
		return error;
	}
}

function contentOf(path: string, catalog: Catalog, facts: CatalogFacts, { profile = "default" }: DiffOptions) {
	const isEmpty = catalog.members.count === 0;
	const digestSize = isEmpty ? undefined : evidenceSize(catalog, profile);
	return { kind: "catalog", path, facts, catalog, digestSize } as const;
}

/**
 * Hashes a tree by the rules of the catalog on the other side, as `verify` does. Against another tree, everything is
 * hashed but directories of version control and the tree's own catalogs.
 * @throws ERR_ROOT_MISSING, ERR_LIMIT
 */
export async function openTreeSide(
	path: string,
	other: CatalogSide | undefined,
	{ onProgress, signal }: DiffOptions,
): Promise<TreeSide> {
	const root = realPath(path);
	const skip = ownCatalogs(root, other);
	const rules: SelectionRules = other?.facts ?? { ignore: [...VERSION_CONTROL], include: [], scope: "root" };
	const { excludes } = createSelection(rules, () => (other === undefined ? [] : memberPaths(other)));
	const left = new Set<string>();
	const { links = "record" } = other?.facts ?? {};
	const manifest = await hashFileSet(root, {
		digest: other?.digestSize === 20 ? "sha1" : "sha256",
		links: links === "record" ? "record" : "follow",
		linksOutside: links === "follow" ? "refuse" : "record",
		caseCollisions: "allow",
		exclude(entry, kind) {
			if (excludes?.(entry, kind) !== true) return false;
			if (other === undefined) left.add(entry);
			return true;
		},
		skip,
		onProblem: "collect",
		onProgress,
		signal,
	});
	return { kind: "tree", path, manifest, leftOut: [...skip, ...left] };
}

/**
 * Returns the entry paths of the catalog on the other side and of the catalog that applies to the tree, if they lie in
 * the tree. A catalog cannot sign itself. One that is a member of the other side is compared as a file.
 */
function ownCatalogs(root: string, other: CatalogSide | undefined): ReadonlySet<string> {
	const [nearest] = findCatalogs(root).catalogs;
	const files = [...(other === undefined ? [] : [other.path]), ...(nearest?.directory === root ? [nearest.file] : [])];
	const paths = catalogEntryPaths(
		root,
		files.map((file) => ({ file })),
	);
	if (paths.size > 0 && other !== undefined) for (const member of memberPaths(other)) paths.delete(member);
	return new Set([...paths].filter((entry) => exists(join(root, entry))));
}

function* memberPaths({ catalog, facts }: CatalogSide): Generator<string> {
	yield* facts.emptyFiles.keys();
	yield* facts.symbolicLinks.keys();
	for (let row = 0; row < catalog.members.count; row++) {
		const path = memberFilePath(catalog, row)?.replaceAll("\\", "/");
		if (path !== undefined) yield path;
	}
}

/** The bits of a tree's modes that a signature decides about. On Windows a tree has none. */
export const TREE_MODE_BITS = HOST_MODES === "compare" ? 0o6111 : 0;
