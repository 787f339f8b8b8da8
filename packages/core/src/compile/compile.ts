/** Compiles directories, signed or adopted, into one trust index. */

import { createHash } from "node:crypto";
import { quote, SigtoolError } from "../errors.js";
import { type AdoptedPackage, planPackages } from "../fileset/packages/packaged-files.js";
import { inRealDirectory, isBelow, kindOf, realPath } from "../fileset/paths/locate-catalogs.js";
import { isDevelopmentCertificate } from "../pki/certificate.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";
import { throwIfAborted } from "../system/abort.js";
import { HIGHER_OR_FORCE, outputFile } from "../system/output-file.js";
import { writeAtomically } from "../system/store.js";
import { DEFAULT_POLICY } from "../trust/default-policy.js";
import { fileRulesOf } from "../trust/file-rules.js";
import { encodeIndex } from "../trust/index-encode.js";
import type { Policy } from "../trust/policy.js";
import { policyCertificate, policyOfSigned, type SignedPolicy } from "../trust/signed-policy.js";
import type { UsedCatalog } from "../verify/used-catalog.js";
import { adoptDirectory } from "./adopt-directory.js";
import { adoptPackages } from "./adopt-packages.js";
import {
	type CompiledDirectory,
	type CompiledProduct,
	compileDirectory,
	type DirectoryOptions,
} from "./compile-directory.js";
import { compiledTexts, type UnstrippedFile } from "./compiled-texts.js";
import { oversizedWarnings } from "./oversized.js";
import { permittedSources, signersOf } from "./product-signers.js";
import { requireReplaceableIndex } from "./replaceable-index.js";
import { signContent } from "./sign-content.js";
import { openTypeStripper, type TypeStripper } from "./type-stripper.js";

export type { AdoptedPackage, CompiledProduct, DirectoryOptions, TypeStripper, UnstrippedFile };

export interface CompileOptions extends DirectoryOptions {
	/** The path of the index to write. It must be outside of the compiled directories. */
	readonly output: string;
	/** The value `none` writes an unsigned index, for `finishIndex`. It gets no timestamp. */
	readonly signer: Signer | "none";
	/** The sequence of the index itself. The default is the signing time in seconds since the epoch, so it grows. */
	readonly sequence?: number;
	/**
	 * Directories that have no catalog. Their content is recorded as it is now, and the signer of the index vouches for
	 * it.
	 */
	readonly adopt?: readonly string[];
	/**
	 * Packages of the distribution, by the names of dpkg. Their files are recorded as they are now, each directory that
	 * has some as a product, and the signer of the index vouches for them.
	 */
	readonly adoptPackages?: readonly string[];
	/**
	 * The treatment of files that changed since their package was installed. The default is `refuse`. The value `accept`
	 * takes them as they are.
	 */
	readonly packageChanges?: "refuse" | "accept";
	/**
	 * Node.js programs that strip the types of TypeScript files. The index gets the text that each of them compiles. The
	 * default is the Node.js that runs, if it strips types.
	 */
	readonly stripTypesWith?: readonly string[];
	/** The policy of the index. The default is DEFAULT_POLICY. */
	readonly policy?: Policy;
	/** A signed policy in place of `policy`, which goes into the index as it is. Its signer need not be trusted here. */
	readonly signedPolicy?: SignedPolicy;
	/** The time, in milliseconds since the epoch, after which the index is refused. */
	readonly notAfter?: number;
	/**
	 * The value `own`, the default, means that an existing file is replaced only if it is a trust index without a higher
	 * sequence. The value `any` means that any existing file is replaced.
	 */
	readonly overwrite?: "own" | "any";
	/** The signing time in milliseconds since the epoch. The default is the present time. */
	readonly time?: number;
	/**
	 * The request for a timestamp. With a timestamp the index stays valid after its signer's certificate has expired.
	 * Without this option the index gets no timestamp.
	 */
	readonly timestamp?: TimestampRequest;
}

export interface CompileResult {
	readonly file: string;
	readonly sizeBytes: number;
	/** The SHA-256 of the index in hexadecimal. */
	readonly sha256: string;
	/** The sequence of the index itself. */
	readonly compiled: number;
	readonly products: readonly CompiledProduct[];
	readonly packages: readonly AdoptedPackage[];
	/** The SHA-256 of texts that Node.js compiles and that differ from their files, in ascending order. */
	readonly texts: readonly string[];
	/** The Node.js programs that stripped the types of TypeScript files. */
	readonly typeStrippers: readonly TypeStripper[];
	/** The TypeScript files without a text, because Node.js cannot strip them. */
	readonly unstripped: readonly UnstrippedFile[];
	readonly policy: Policy;
	/** The time, in milliseconds since the epoch, after which the index is refused. */
	readonly notAfter: number | undefined;
	readonly timestamp: NewTimestamp | undefined;
	readonly warnings: readonly string[];
}

/**
 * Compiles the signed `directories`, and the directories to adopt, into one trust index, and writes this index to
 * `output`.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_OUTPUT_EXISTS, ERR_CATALOG_EXISTS, ERR_DEVELOPMENT_IDENTITY,
 * ERR_PRODUCT_MISMATCH, ERR_LIMIT, ERR_UNSUPPORTED_PLATFORM, ERR_NETWORK, ERR_TIMESTAMP, ERR_IO, ERR_POLICY, the errors of `policyCertificate`, of
 * `verifyPath` and of the signer, the code of the first difference, and AbortError
 * @example
 * ```ts
 * import { compileTrustIndex, defaultTrust, openPemSigner } from "@sigtool/core";
 *
 * const signer = await openPemSigner({ keyFile: "release.key", certFile: "release.crt" });
 * const { products } = await compileTrustIndex(["lib"], { output: "lib.sigx", trust: defaultTrust(), signer });
 * console.log(products[0].name, products[0].fileCount); // lib 2
 * ```
 */
export async function compileTrustIndex(
	directories: readonly string[],
	options: CompileOptions,
): Promise<CompileResult> {
	const { signer, adopt = [], adoptPackages: names = [], signedPolicy, notAfter, time = Date.now(), signal } = options;
	throwIfAborted(signal);
	const policySigner = signedPolicy && policyCertificate(signedPolicy);
	const policy = policyFor(options);
	const compiledAs = sequenceOf({ sequence: options.sequence, time });
	if (signer === "none" && options.timestamp !== undefined)
		throw new SigtoolError("ERR_USAGE", "Give the timestamp when the index is signed: an unsigned one has none");
	const output = outputFor(directories, options);
	const typeStrippers = options.stripTypesWith?.map(openTypeStripper);
	const plan = planPackages(names);
	const packaged = plan.trees.map(({ root }) => root);
	for (const root of packaged) if (isBelow(root, output)) throw outputInside(options.output, root);
	const roots = [...[...directories, ...adopt].map(realPath), ...packaged];
	const adopting = { roots, trust: options.trust, onProgress: options.onProgress, signal };
	const found: CompiledDirectory[] = [];
	for (const directory of directories) found.push(await compileDirectory(directory, options));
	for (const directory of adopt) found.push(await adoptDirectory(directory, adopting));
	found.push(...(await adoptPackages(plan, { ...adopting, changes: options.packageChanges ?? "refuse" })));
	throwIfAborted(signal);
	const compiled: CompiledDirectory[] = [];
	for (const next of found) {
		const other = compiled.find(({ product }) => product.name === next.product.name);
		if (other !== undefined) {
			throw new SigtoolError("ERR_USAGE", clashText(other.product, next.product));
		}
		compiled.push(next);
	}
	const catalogs = compiled.flatMap(({ product }) => product.catalogs);
	const rules = fileRulesOf(policy, time);
	const texts = compiledTexts(
		compiled.map((each) => ({ root: each.product.root, sources: permittedSources(each, rules) })),
		typeStrippers,
	);
	const content = encodeIndex({
		notAfter,
		compiled: compiledAs,
		policy,
		signedPolicy,
		signers: [...new Set(catalogs.map((catalog) => catalog.signer.spkiSha256))].sort(),
		products: compiled.map(({ content, product }) => {
			return rules === undefined ? content : { ...content, signers: signersOf(product) };
		}),
		fileTexts: texts.fileTexts,
	});
	const { pieces, timestamp } =
		signer === "none"
			? { pieces: [content], timestamp: undefined }
			: await signContent(content, { signer, time, timestamp: options.timestamp, signal });
	throwIfAborted(signal);
	writeAtomically(output, pieces);
	const digest = createHash("sha256");
	for (const piece of pieces) digest.update(piece);
	return {
		file: options.output,
		sizeBytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
		sha256: digest.digest("hex"),
		compiled: compiledAs,
		products: compiled.map(({ product }) => product),
		packages: plan.packages,
		texts: [...new Set(texts.fileTexts.map(({ text }) => text))].sort(),
		typeStrippers: texts.strippers,
		unstripped: texts.unstripped,
		policy,
		notAfter,
		timestamp,
		warnings: [
			...compiled.flatMap(({ warnings }) => warnings),
			...texts.warnings,
			...laundered(catalogs, signer),
			...(policySigner !== undefined && isDevelopmentCertificate(policySigner) ? [DEVELOPMENT_POLICY] : []),
			...oversizedWarnings(compiled, policy),
		],
	};
}

function sequenceOf({ sequence, time = Date.now() }: Pick<CompileOptions, "sequence" | "time">): number {
	return sequence ?? Math.floor(time / 1000);
}

/** @throws ERR_USAGE, ERR_POLICY */
function policyFor({ policy, signedPolicy }: CompileOptions): Policy {
	if (signedPolicy === undefined) return policy ?? DEFAULT_POLICY;
	if (policy === undefined) return policyOfSigned(signedPolicy);
	throw new SigtoolError("ERR_USAGE", "Give either a policy or a signed policy");
}

const DEVELOPMENT_POLICY =
	"a development identity signed the policy, so hosts that demand a signed policy refuse the index";

/**
 * Returns a warning for each catalog that a development identity signed, if a release key signs, or will sign, the index.
 * A reader of such an index cannot see that a development identity was involved.
 */
function laundered(catalogs: readonly UsedCatalog[], signer: Signer | "none"): string[] {
	if (signer !== "none" && signer.development) return [];
	const developers = catalogs.filter((catalog) => catalog.signer.development);
	return developers.map(({ file }) => `a development identity signed ${quote(file)}, and the index does not say so`);
}

/**
 * Makes the checks with which `compileTrustIndex` begins, before that function hashes any file. A caller can make these
 * checks before it asks a person for a passphrase.
 * @returns the real path of the output
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_OUTPUT_EXISTS, ERR_CATALOG_EXISTS, ERR_UNSUPPORTED_PLATFORM, ERR_IO
 */
export function checkCompileTarget(
	directories: readonly string[],
	options: Omit<CompileOptions, "trust" | "signer">,
): string {
	const output = outputFor(directories, options);
	options.stripTypesWith?.forEach(openTypeStripper);
	return output;
}

/** Checks everything but the type strippers, and returns the real path of the output. */
function outputFor(
	directories: readonly string[],
	{
		output,
		adopt = [],
		adoptPackages: names = [],
		catalogs,
		product,
		overwrite = "own",
		...release
	}: Omit<CompileOptions, "trust" | "signer">,
): string {
	const written = outputFile(output);
	if (directories.length + adopt.length + names.length === 0) {
		throw new SigtoolError(
			"ERR_USAGE",
			"Name a signed directory, or one to take as it is with --adopt or --adopt-package",
		);
	}
	if (directories.length !== 1 && (catalogs ?? product) !== undefined) {
		throw new SigtoolError("ERR_USAGE", "Compile one signed directory at a time where its catalog or product is named");
	}
	const target = inRealDirectory(written);
	for (const directory of [...directories, ...adopt]) {
		if (kindOf(directory) !== "directory") {
			throw new SigtoolError("ERR_USAGE", `Cannot compile ${quote(directory)}: it is not a directory`, {
				path: directory,
			});
		}
		if (!isBelow(realPath(directory), target)) continue;
		throw outputInside(output, directory);
	}
	if (overwrite === "own") {
		requireReplaceableIndex(target, sequenceOf(release), { noIndex: "--force replaces it", newer: HIGHER_OR_FORCE });
	}
	return target;
}

function clashText(first: CompiledProduct, second: CompiledProduct): string {
	if (first.root === second.root) {
		return `Cannot compile ${quote(first.root)} twice: --adopt takes all of it, with the files of every package; leave out --adopt or --adopt-package`;
	}
	return `Cannot compile ${quote(first.root)} and ${quote(second.root)} together: both are product ${quote(first.name)}`;
}

function outputInside(output: string, directory: string): SigtoolError {
	const message = `Cannot write ${quote(output)}: it would be an unsigned file of ${quote(directory)}; write it elsewhere`;
	return new SigtoolError("ERR_USAGE", message, { path: output });
}
