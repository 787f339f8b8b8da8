/**
 * Implements `sigtool verify --format` for attributes: checks that they match their files and that a trusted key signed
 * them.
 *
 * Every regular file is read once, and its attributes are read through the same descriptor (`attribute-trial.ts`).
 * Ignore rules do not apply, because no signature covers the rules. Symbolic links cannot have these attributes and are
 * skipped.
 */

import { basename, dirname } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { readAttribute } from "../fileset/attribute-writer.js";
import type { Finding } from "../fileset/compare.js";
import { comparePathBytes } from "../fileset/entry-path.js";
import type { FileVisitor, OpenFile } from "../fileset/hash-file.js";
import { type HashProgress, hashFileSet } from "../fileset/hash-files.js";
import { kindOf, realPath } from "../fileset/locate-catalogs.js";
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
import type { TrustPolicy } from "../pki/trust-store.js";
import { type AttributeAccess, loadAttributes } from "../system/attributes.js";
import {
	type AttributeStatus,
	type AttributeTrial,
	type AttributeVerdict,
	startTrial,
	untrusted,
} from "./attribute-trial.js";
import { isOwnCatalog } from "./catalog-file.js";
import type { SignerStatus } from "./chain-revocation.js";
import { findCatalogs } from "./find-catalogs.js";
import type { RevocationOptions } from "./revocation-sources.js";
import { loadCatalogs } from "./sources.js";
import { worstExitStatus } from "./verification.js";
import { watchForDenied } from "./verify-denied.js";

export interface AttributeVerifyOptions extends AttributeNaming {
	readonly formats: readonly AttributeFormat[];
	readonly trust: TrustPolicy;
	/** The certificates of signers that an authority in `trust` issued, and intermediate certificates. */
	readonly certificates?: readonly Certificate[];
	/** The time in milliseconds since the epoch for which certificates are judged. The default is now. */
	readonly at?: number;
	readonly profile?: Profile;
	/** Undefined if revocation is not checked. Hashes have no signer, so this option is about signatures alone. */
	readonly revocation?: RevocationOptions;
	/** With `accept`, a matching unsigned hash is enough for a format that is a hash. Default `refuse`. */
	readonly bareHashes?: "refuse" | "accept";
	readonly onProgress?: (done: HashProgress) => void;
}

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

export interface AttributeVerification {
	readonly path: string;
	/**
	 * `unchanged` means that all attributes match, but some are unsigned hashes. `undecided` means that all findings
	 * have exit status 3, such as files that could not be read.
	 */
	readonly verdict: "trusted" | "unchanged" | "failed" | "undecided";
	/** The results of every file and format, in path order. */
	readonly attributes: readonly VerifiedAttribute[];
	readonly counts: Readonly<Record<AttributeStatus, number>>;
	readonly fileCount: number;
	readonly linkCount: number;
	/** The keys that signed at least one attribute. */
	readonly signers: readonly TrustedKey[];
	/**
	 * The name of the directory's catalog, if it was skipped. If a format is a signature, the catalog's signature was
	 * verified.
	 */
	readonly passedOver: string | undefined;
	/** The status of each certificate of the signers that are not refused. Undefined if revocation was not checked. */
	readonly revocation?: readonly SignerStatus[];
	readonly findings: readonly AttributeFinding[];
	/** Texts for the user about facts that do not affect the verdict. */
	readonly warnings: readonly string[];
}

export interface AttributeFinding extends Finding {
	/** The format. Undefined if the finding is about the file as a whole. */
	readonly format?: AttributeFormat;
}

/**
 * @throws ERR_ROOT_MISSING, ERR_ATTRIBUTES_UNAVAILABLE, ERR_UNSUPPORTED_PLATFORM, ERR_LIMIT, ERR_IO
 */
export async function verifyAttributes(path: string, options: AttributeVerifyOptions): Promise<AttributeVerification> {
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

/** Returns undefined if the attribute is missing. This includes a file system that does not support attributes. */
function readOrNothing(access: AttributeAccess, file: OpenFile, name: string): Uint8Array | undefined {
	try {
		return readAttribute(access, file, name);
	} catch (error) {
		if (error instanceof SigtoolError && error.code === "ERR_ATTRIBUTE_UNSUPPORTED") return undefined;
		throw error;
	}
}

/**
 * Returns the verdicts, in which the signatures of revoked signers do not count. Asks about no key that signed none of
 * the attributes.
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
	/** The catalog's warnings, if revocation is checked. */
	readonly warnings: readonly string[];
}

/**
 * Returns the directory's catalog if it can be skipped. It has no attributes, because `sign` leaves it out too. If a
 * format is a signature, the catalog can be skipped only if its signature is valid and trusted, and its signer was not
 * revoked. If it lies in a signed tree, the same holds for the outer catalogs, which must sign it.
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

/** The codes of errors after which nobody knows whether the catalog can be skipped. */
const UNDECIDED: ReadonlySet<string> = new Set(["ERR_REVOCATION_UNKNOWN", "ERR_CONFIG"]);

function conclude(
	path: string,
	judged: readonly Judged[],
	unread: readonly Finding[],
	options: Omit<AttributeVerifyOptions, "revocation"> &
		Pick<AttributeVerification, "fileCount" | "linkCount" | "passedOver" | "revocation" | "warnings">,
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
	// An IMA hash counts as signed if a trusted EVM signature of the same file covers it.
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
	return {
		path,
		verdict: verdictOf(findings, bare.length),
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
		findings,
		warnings,
	};
}

function verdictOf(findings: readonly AttributeFinding[], bareCount: number): AttributeVerification["verdict"] {
	if (findings.length > 0) return worstExitStatus(findings) === 3 ? "undecided" : "failed";
	return bareCount > 0 ? "unchanged" : "trusted";
}

function nothingSigned(path: string, bare: readonly Judged[]): AttributeFinding {
	const hashes = bare.length === 1 ? "1 hash matches" : `${bare.length} hashes match`;
	const wanted = bare.some(({ format }) => isSignatureFormat(format));
	const way = wanted ? "the requested format is a signature" : "--allow-unsigned accepts that";
	const message = `${hashes}; nothing is signed: everyone who can change a file can change its hash; ${way}`;
	return { code: "ERR_UNSIGNED", path, message };
}
