/**
 * Implements `sigtool verify --format` for extended attributes: checks that each attribute matches its file, and that a
 * trusted key signed it.
 *
 * Every regular file is read once, and its attributes are read through the same descriptor (`attribute-trial.ts`).
 * Ignore rules do not apply, because no signature covers them. Symbolic links cannot have these attributes, so they are
 * counted and skipped.
 */

import { basename, dirname } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import type { Finding } from "../fileset/compare/compare.js";
import { readAttribute } from "../fileset/hash/attribute-writer.js";
import type { FileVisitor, OpenFile } from "../fileset/hash/hash-file.js";
import { type HashProgress, hashFileSet } from "../fileset/hash/hash-files.js";
import { comparePathBytes } from "../fileset/paths/entry-path.js";
import { kindOf, realPath } from "../fileset/paths/locate-catalogs.js";
import {
	type AttributeFormat,
	type AttributeNaming,
	attributeName,
	isSignatureFormat,
} from "../formats/attribute-format.js";
import { readEvmSubject } from "../formats/evm.js";
import { type AttributeKeys, attributeKeys, type TrustedKey } from "../pki/attribute-keys.js";
import type { Certificate } from "../pki/certificate.js";
import type { Profile } from "../pki/signature-algorithm.js";
import type { TrustPolicy } from "../pki/trust-policy.js";
import { throwIfAborted } from "../system/abort.js";
import { type AttributeAccess, loadAttributes } from "../system/attributes.js";
import {
	type AttributeStatus,
	type AttributeTrial,
	type AttributeVerdict,
	startTrial,
	untrusted,
} from "./attribute-trial.js";
import type { SignerStatus } from "./chain-revocation.js";
import { findCatalogs } from "./find-catalogs.js";
import type { RevocationOptions } from "./revocation-sources.js";
import { isOwnCatalog } from "./scan-catalog.js";
import { loadCatalogs } from "./sources.js";
import { worstExitStatus } from "./verification.js";
import { watchForDenied } from "./verify-denied.js";

/** The options of `verifyAttributes`. */
export interface AttributeVerifyOptions extends AttributeNaming {
	readonly formats: readonly AttributeFormat[];
	readonly trust: TrustPolicy;
	/**
	 * The certificates of signers, needed if `trust` has only the authority that issued them, and intermediate
	 * certificates. Attributes themselves contain no certificates.
	 */
	readonly certificates?: readonly Certificate[];
	/** The time in milliseconds since the epoch for which certificates are judged. The default is now. */
	readonly at?: number;
	readonly profile?: Profile;
	/**
	 * The sources about revocation, or undefined if revocation is not checked. It is checked only for signatures,
	 * because a hash has no signer.
	 */
	readonly revocation?: RevocationOptions;
	/**
	 * With `accept`, an unsigned hash that matches is enough for the formats `spython` and `ima-hash`. The default is
	 * `refuse`.
	 */
	readonly bareHashes?: "refuse" | "accept";
	/** Is called while files are hashed: at most every 50 ms, and once more at the end. */
	readonly onProgress?: (done: HashProgress) => void;
	/** Ends the verification early, also while a server is asked about revocation. The promise rejects with AbortError. */
	readonly signal?: AbortSignal;
}

/** The result for one format of one file. */
export interface VerifiedAttribute {
	/** The entry path. */
	readonly path: string;
	readonly format: AttributeFormat;
	readonly status: AttributeStatus;
	/** The error code. Undefined if the status is `trusted`. */
	readonly code?: string;
	/** The SHA-256 of the signer's SubjectPublicKeyInfo in lower-case hexadecimal. */
	readonly signer?: string;
}

/** The members that the result of `verifyAttributes` has for every verdict. */
export interface AttributeVerificationFacts {
	readonly path: string;
	/** The result for each file and each format, in path order. */
	readonly attributes: readonly VerifiedAttribute[];
	readonly counts: Readonly<Record<AttributeStatus, number>>;
	readonly fileCount: number;
	readonly linkCount: number;
	/** The trusted keys that signed at least one of the attributes, each one once. */
	readonly signers: readonly TrustedKey[];
	/**
	 * The name of the directory's own catalog if the catalog was skipped. If one of the formats is a signature, the
	 * signature of the catalog was verified before.
	 */
	readonly passedOver: string | undefined;
	/**
	 * The revocation status of the certificates of all signers except refused ones. Undefined if revocation was not
	 * checked.
	 */
	readonly revocation?: readonly SignerStatus[];
	/** Texts for the user about facts that do not affect the verdict. */
	readonly warnings: readonly string[];
}

/** All attributes match their files. `unchanged` means that some of them are hashes, which nobody signed. */
export interface PassedAttributes extends AttributeVerificationFacts {
	readonly verdict: "trusted" | "unchanged";
	readonly findings: readonly [];
}

/**
 * There are findings. `undecided` means that the code of every one has exit status 3, for example because files could
 * not be read.
 */
export interface RefusedAttributes extends AttributeVerificationFacts {
	readonly verdict: "failed" | "undecided";
	readonly findings: readonly [AttributeFinding, ...AttributeFinding[]];
}

/** The result of `verifyAttributes`. `verdict` tells which kind it is. */
export type AttributeVerification = PassedAttributes | RefusedAttributes;

export interface AttributeFinding extends Finding {
	/**
	 * The format of the attribute that the finding is about. Undefined if the finding is about the file as a whole or
	 * about the tree.
	 */
	readonly format?: AttributeFormat;
}

/**
 * Verifies the attributes of one file, or of all files below a directory. Differences become findings.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_ATTRIBUTES_UNAVAILABLE, ERR_UNSUPPORTED_PLATFORM, ERR_LIMIT, ERR_IO,
 * AbortError
 * @example
 * ```ts
 * import { signPaths } from "@sigtool/core";
 * import { defaultTrust, verifyAttributes } from "@sigtool/core/read";
 *
 * const spython = { formats: ["spython"], namespace: "user", attribute: "user.hash" } as const;
 * await signPaths(["src"], { ...spython, signer: "none" });
 * const { verdict } = await verifyAttributes("src", { ...spython, trust: defaultTrust(), bareHashes: "accept" });
 * console.log(verdict); // unchanged
 * ```
 */
export async function verifyAttributes(path: string, options: AttributeVerifyOptions): Promise<AttributeVerification> {
	throwIfAborted(options.signal);
	const keys = attributeKeys(options.trust, options.certificates ?? [], options);
	const judge = createJudge(await loadAttributes(), keys, options);
	const denied = watchForDenied(options.trust, "sha256", judge.visitor);
	const passedOver = await catalogToPassOver(path, options);
	const { count, linkTargets, problems } = await hashFileSet(path, {
		caseCollisions: "allow",
		linksOutside: "record",
		skip: new Set(passedOver === undefined ? [] : [passedOver.name]),
		onProblem: "collect",
		visitor: denied.visitor,
		onProgress: options.onProgress,
		signal: options.signal,
	});
	const fileCount = count - linkTargets.size;
	const unread = problems.map(({ code, message, path: file }) => ({ code, message, path: file ?? path }));
	judge.judged.sort((a, b) => comparePathBytes(a.path, b.path));
	const { judged, revocation, warnings } = await refuseRevoked(judge.judged, options);
	const findings = [...unread, ...denied.findings];
	return conclude(path, judged, findings, {
		...options,
		...{ fileCount, linkCount: linkTargets.size, passedOver: passedOver?.name },
		...{ revocation, warnings: [...(passedOver?.warnings ?? []), ...warnings] },
	});
}

interface Judged {
	readonly path: string;
	readonly format: AttributeFormat;
	readonly verdict: AttributeVerdict;
}

function createJudge(
	access: AttributeAccess,
	keys: AttributeKeys,
	options: AttributeVerifyOptions,
): { readonly visitor: FileVisitor; readonly judged: Judged[] } {
	const judged: Judged[] = [];
	const formats = options.formats.map((format) => ({ format, name: attributeName(format, options) }));
	let trials: { readonly format: AttributeFormat; readonly trial: AttributeTrial }[] = [];
	const start = (file: OpenFile, format: AttributeFormat, name: string) => {
		const read = (of: string) => readOrNothing(access, file, of);
		const subject = format === "evm" ? readEvmSubject(name, file.stats, read) : undefined;
		return { format, trial: startTrial(format, { value: read(name), subject }, keys) };
	};
	return {
		judged,
		visitor: {
			begin(file) {
				trials = formats.map(({ format, name }) => start(file, format, name));
			},
			content(piece) {
				for (const { trial } of trials) trial.content(piece);
			},
			end({ name }, sha256) {
				for (const { format, trial } of trials) judged.push({ path: name, format, verdict: trial.verdict(sha256) });
				return "looked";
			},
			undo() {},
		},
	};
}

/**
 * Returns the value of an attribute, or undefined if the file does not have it or the file system supports no
 * attributes.
 */
function readOrNothing(access: AttributeAccess, file: OpenFile, name: string): Uint8Array | undefined {
	try {
		return readAttribute(access, file, name);
	} catch (error) {
		if (error instanceof SigtoolError && error.code === "ERR_ATTRIBUTE_UNSUPPORTED") return undefined;
		throw error;
	}
}

/**
 * Returns the verdicts, in which an attribute is no longer `trusted` if its signer was revoked or, with `ocsp:
 * "require"`, if the status of the signer is unknown. Requests the status only of keys that signed an attribute.
 */
async function refuseRevoked(
	judged: readonly Judged[],
	options: AttributeVerifyOptions,
): Promise<{ judged: readonly Judged[] } & Pick<AttributeVerification, "revocation" | "warnings">> {
	const { revocation, at, profile } = options;
	if (revocation === undefined) return { judged, warnings: [] };
	const signers = new Map<string, TrustedKey>();
	for (const { verdict } of judged) if (verdict.status === "trusted") signers.set(verdict.key.spkiSha256, verdict.key);
	const { checkAttributeSigners } = await import("./attribute-revocation.js");
	const { refused, statuses, warnings } = await checkAttributeSigners(signers.values(), { revocation, at, profile });
	const withRefusal = (each: Judged): Judged => {
		const { verdict } = each;
		const refusal = verdict.status === "trusted" ? refused.get(verdict.key.spkiSha256) : undefined;
		return refusal === undefined ? each : { ...each, verdict: untrusted(refusal) };
	};
	return { judged: judged.map(withRefusal), revocation: statuses, warnings };
}

interface PassedOver {
	readonly name: string;
	/** The warnings about the catalog. They are collected only if revocation is checked, and are empty otherwise. */
	readonly warnings: readonly string[];
}

/**
 * Returns the directory's own catalog if it can be skipped. The catalog has no attributes, because `sign` does not
 * write any to it. If none of the formats is a signature, the catalog is skipped if it says that sigtool wrote it.
 * Otherwise it is skipped only if its signature is valid, its signer is trusted, and, if revocation is checked, its
 * signer was not revoked. If the directory is inside a signed tree, the outer catalogs must pass the same checks and
 * sign this one.
 */
async function catalogToPassOver(path: string, options: AttributeVerifyOptions): Promise<PassedOver | undefined> {
	const { trust, at, profile, formats, revocation } = options;
	if (kindOf(path) !== "directory") return undefined;
	const [nearest] = findCatalogs(path).catalogs;
	const catalog = nearest?.file;
	if (catalog === undefined || dirname(catalog) !== realPath(path) || kindOf(catalog) !== "file") return undefined;
	const passedOver = { name: basename(catalog), warnings: [] };
	if (!formats.some(isSignatureFormat)) return isOwnCatalog(catalog) ? passedOver : undefined;
	const judgement = { trust, ...(at !== undefined && { at }), ...(profile !== undefined && { profile }) };
	try {
		const sources = loadCatalogs(path, judgement);
		if (revocation === undefined) return passedOver;
		const { checkSources } = await import("./verify-revocation.js");
		const { catalogs } = await checkSources(sources, { ...judgement, revocation });
		return { ...passedOver, warnings: catalogs.flatMap(({ warnings }) => warnings) };
	} catch (error) {
		if (!(error instanceof SigtoolError) || UNDECIDED.has(error.code)) throw error;
		return undefined;
	}
}

/** The codes of errors that leave open if the catalog can be skipped. `catalogToPassOver` throws these errors. */
const UNDECIDED: ReadonlySet<string> = new Set(["ERR_REVOCATION_UNKNOWN", "ERR_CONFIG"]);

function conclude(
	path: string,
	judged: readonly Judged[],
	unread: readonly Finding[],
	options: Omit<AttributeVerifyOptions, "revocation"> &
		Pick<AttributeVerificationFacts, "fileCount" | "linkCount" | "passedOver" | "revocation" | "warnings">,
): AttributeVerification {
	const { fileCount, linkCount, passedOver, revocation, warnings } = options;
	const counts = { trusted: 0, "hash-only": 0, unsigned: 0, mismatch: 0, "untrusted-signer": 0, malformed: 0 };
	const signers = new Map<string, TrustedKey>();
	const signedFiles = new Set<string>();
	for (const { path: file, verdict } of judged) {
		counts[verdict.status]++;
		if (verdict.status !== "trusted") continue;
		signers.set(verdict.key.spkiSha256, verdict.key);
		signedFiles.add(file);
	}
	// A hash without a signature does not count as unsigned if another attribute of the same file is trusted, because
	// that attribute's signature covers the content.
	const bare = judged.filter(({ path: file, verdict }) => verdict.status === "hash-only" && !signedFiles.has(file));
	const refused = bare.filter(({ format }) => options.bareHashes !== "accept" || isSignatureFormat(format));
	const findings: AttributeFinding[] = [...unread];
	if (refused.length > 0) findings.push(nothingSigned(path, refused));
	for (const { path: file, format, verdict } of judged) {
		if (verdict.status === "trusted" || verdict.status === "hash-only") continue;
		const { status, code, reason, expected, actual } = verdict;
		const name = attributeName(format, options);
		const which = options.formats.length > 1 ? ` (${name})` : "";
		const message = `${quote(file)} ${status === "unsigned" ? `has no attribute ${name}` : reason + which}`;
		findings.push({ code, path: file, format, message, ...(expected && { expected, actual }) });
	}
	if (judged.length + unread.length === 0) {
		findings.push({ code: "ERR_UNSIGNED", path, message: `${quote(path)} contains no files` });
	}
	const facts: AttributeVerificationFacts = {
		path,
		attributes: judged.map(({ path: file, format, verdict }) => ({
			path: file,
			format,
			status: verdict.status,
			...(verdict.status === "trusted" ? { signer: verdict.key.spkiSha256 } : { code: verdict.code }),
		})),
		counts,
		fileCount,
		linkCount,
		signers: [...signers.values()],
		passedOver,
		...(revocation && { revocation }),
		warnings,
	};
	const [first, ...more] = findings;
	if (first === undefined) return { ...facts, verdict: bare.length > 0 ? "unchanged" : "trusted", findings: [] };
	const decisive = [first, ...more] as const;
	return { ...facts, verdict: worstExitStatus(decisive) === 3 ? "undecided" : "failed", findings: decisive };
}

function nothingSigned(path: string, bare: readonly Judged[]): AttributeFinding {
	const hashes = bare.length === 1 ? "1 hash matches" : `${bare.length} hashes match`;
	const wanted = bare.some(({ format }) => isSignatureFormat(format));
	const way = wanted ? "the requested format is a signature" : "--allow-unsigned accepts that";
	const message = `${hashes}; nothing is signed: everyone who can change a file can change its hash; ${way}`;
	return { code: "ERR_UNSIGNED", path, message };
}
