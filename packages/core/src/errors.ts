/**
 * Defines the errors of sigtool. An error has a stable code, a message of one line, and the exit status that belongs
 * to the code.
 *
 * Codes are part of the public interface. `docs/reference/errors.md` is generated from the table below.
 */

/**
 * The exit status of the command line: 1 if verification failed or the files cannot be signed, 2 for an error of usage
 * or configuration, 3 if sigtool could not decide.
 */
export type ExitStatus = 1 | 2 | 3;

/**
 * The name by which the command line was started, as messages repeat it: `sigtree` if the user typed that, else
 * `sigtool`, also in programs that use the library. Two programs of others are called sigtool too. A single executable
 * has its name in `argv0` alone.
 */
export const COMMAND = [process.argv[1] ?? "", process.argv0].some(isSigtree) ? "sigtree" : "sigtool";

function isSigtree(path: string): boolean {
	return /(?:^|[\\/])sigtree(?:\.cjs|\.exe)?$/.test(path);
}

/** Every code with its exit status and its meaning. The groups are in the order in which docs/reference/errors.md lists them. */
export const ERROR_CODES = {
	// Usage and configuration
	ERR_USAGE: [
		2,
		"The command line, or a call of the library, asks for something that does not exist, or its arguments contradict each other.",
	],
	ERR_CONFIG: [2, "A configuration file, trust store or identity is not in the expected form."],
	ERR_ROOT_MISSING: [2, "A path named on the command line does not exist."],
	ERR_CATALOG_EXISTS: [
		2,
		"The output exists and is not a file that the command replaces, or the tree has a catalog with a higher sequence. `--force` writes all the same.",
	],
	ERR_POLICY: [2, "A policy document is malformed; the message names the member."],
	ERR_POLICY_SIGNER: [
		1,
		"The host demands a signed policy, and no policy signer of the host signed the policy that would count.",
	],
	ERR_PACKAGE: [
		1,
		"A package of the distribution is not installed, dpkg's lists of it are malformed, or a file of it changed since it was installed.",
	],
	ERR_LAUNCHER: [2, "The launcher, or a file that it needs, is missing or not as it was installed."],
	ERR_UNSUPPORTED_PLATFORM: [
		2,
		"This operating system, version of Node.js or installation lacks what the operation needs.",
	],

	ERR_CLOCK: [
		3,
		"The system's clock shows a time before this release of sigtool, or before the trust index was signed. So sigtool can judge nothing by this clock.",
	],

	// Input and output
	ERR_IO: [3, "The operating system refused to read or write; the message gives its reason."],
	ERR_LIMIT: [1, "An input is larger than the documented limit."],
	ERR_NETWORK: [3, "A server cannot be reached, or its answer cannot be used; the message names the server."],

	// Encoding
	ERR_DER: [1, "Bytes are not DER (X.690): truncated, indefinite, non-minimal or of an unexpected type."],
	ERR_CATALOG_FORMAT: [1, "The input is well-formed DER, but not a catalog that sigtool understands."],
	ERR_CMS_FORMAT: [1, "The input is well-formed DER, but not a CMS SignedData that sigtool understands."],
	ERR_CERTIFICATE_FORMAT: [1, "The input is well-formed DER, but not an X.509 certificate that sigtool understands."],

	// Names of entries
	ERR_PATH_ABSOLUTE: [1, "An entry's name is an absolute path."],
	ERR_PATH_PARENT: [1, "An entry's name contains a `.` or `..` segment."],
	ERR_PATH_DRIVE: [1, "An entry's name starts with a Windows drive letter."],
	ERR_PATH_NUL: [1, "An entry's name contains a NUL character."],
	ERR_PATH_EMPTY: [1, "An entry's name, or a segment of it, is empty."],
	ERR_PATH_TRAILING_DOT: [1, "A segment of an entry's name ends in a dot or a space, which Windows drops."],
	ERR_PATH_BACKSLASH: [1, "A file's name contains a backslash, which catalogs use as the separator."],
	ERR_PATH_RESERVED: [1, "On Windows, an entry's name is that of a device such as `con`, or of a stream of a file."],
	ERR_PATH_ENCODING: [1, "A name is not valid UTF-8 or UTF-16."],
	ERR_PATH_DUPLICATE: [1, "Two entries carry the same name."],
	ERR_PATH_CASE_COLLISION: [1, "Two names differ only by case."],
	ERR_PATH_NFC_COLLISION: [1, "Two names are the same text after Unicode normalization (NFC)."],

	// File sets
	ERR_FILE_TYPE: [
		1,
		"The file is a FIFO, socket or device, which cannot be signed. Or it is not of the kind asked for.",
	],
	ERR_FILE_CHANGED: [1, "A file changed while it was being hashed."],
	ERR_LINK_OUTSIDE: [1, "A symbolic link is absolute, or leaves the signed tree, also through other links."],
	ERR_LINK_REJECTED: [1, "A symbolic link was found and `--links reject` was given."],
	ERR_LINK_CYCLE: [1, "A followed symbolic link leads back to a directory that contains it."],
	ERR_LINK_PARENT: [1, "A listed file is reached through a symbolic link to a directory."],
	ERR_STALE_BYTECODE: [
		1,
		"Python would run bytecode without checking its source, and the source has changed since it was compiled.",
	],

	// Differences that verification finds in a tree
	ERR_FILE_MODIFIED: [1, "A file's content differs from what was signed under its name."],
	ERR_UNSIGNED_BYTES: [
		1,
		"An executable or a cabinet holds bytes that its signed digest does not cover. `verify` accepts only well-formed signatures there, and what loads code accepts nothing.",
	],
	ERR_FILE_MISSING: [1, "A signed entry is missing."],
	ERR_FILE_ADDED: [1, "A file was added that was not signed."],
	ERR_LINK_CHANGED: [
		1,
		"A symbolic link has another target than was signed, or an entry changed between link and file.",
	],
	ERR_MODE_CHANGED: [1, "A file's execute or set-id bits differ from what was signed."],
	ERR_NOT_A_MEMBER: [1, "The file is not a member of the catalog."],

	// Extended attributes
	ERR_ATTRIBUTES_UNAVAILABLE: [
		2,
		"The native addon and fs-xattr are missing, or extended attributes are not supported on this system.",
	],
	ERR_ATTRIBUTE_DENIED: [3, "The operating system does not allow this user to read or write the attribute."],
	ERR_ATTRIBUTE_UNSUPPORTED: [3, "The file system does not support attributes of this kind."],
	ERR_ATTRIBUTE_SPACE: [
		3,
		"The attribute does not fit: the file system is full, or its limit for one attribute is lower.",
	],
	ERR_ATTRIBUTE_FORMAT: [1, "The value of an attribute is malformed, or longer than 64 KiB."],
	ERR_CROSS_SIGNATURE: [
		1,
		"A file's content is data that another kind of signature covers, so its IMA signature would also be a signature of that kind.",
	],

	// Signatures
	ERR_CATALOG_NOT_FOUND: [1, "No catalog was found that covers the path."],
	ERR_CATALOG_AMBIGUOUS: [
		1,
		"Several catalogs of sigtool lie in the directory, and none is named after the directory. Name one with `--catalog`.",
	],
	ERR_NESTED_CATALOG: [1, "A catalog inside a signed tree is not itself a signed member of it."],
	ERR_UNSIGNED: [
		1,
		"There is no signature. The catalog has none, or the file has no attribute, or its attribute is only a hash.",
	],
	ERR_SIGNATURE: [1, "The signature does not match the signed bytes."],
	ERR_SIGNED_ATTRIBUTES: [1, "The signed attributes are missing, repeated or contradict the content."],
	ERR_SIGNER_CERTIFICATE: [1, "The signature comes without the certificate of its signer."],
	ERR_WEAK_DIGEST: [
		1,
		"The digest is MD5, or SHA-1 without `--profile windows-legacy`. sigtool does not accept it as evidence.",
	],
	ERR_UNSUPPORTED_ALGORITHM: [1, "sigtool does not accept the algorithm of a signature or digest."],
	ERR_TIMESTAMP: [1, "A timestamp is present but does not verify."],

	// Certificates and trust
	ERR_CERTIFICATE_EXPIRED: [1, "A certificate of the chain had expired at the time of judgement."],
	ERR_CERTIFICATE_NOT_YET_VALID: [1, "A certificate of the chain was not yet valid at the time of judgement."],
	ERR_CERTIFICATE_PURPOSE: [1, "A certificate's key usage or extended key usage does not allow this use."],
	ERR_CERTIFICATE_CONSTRAINTS: [1, "Basic constraints, path length or name constraints are violated."],
	ERR_CERTIFICATE_EXTENSION: [1, "A certificate carries a critical extension that sigtool does not apply."],
	ERR_CERTIFICATE_SIGNATURE: [1, "A certificate was not signed by its issuer's key."],
	ERR_CERTIFICATE_REVOKED: [1, "A certificate of the chain was revoked before the time of judgement."],
	ERR_REVOCATION_UNKNOWN: [3, "No source says whether a certificate was revoked, and `--ocsp require` was given."],
	ERR_WEAK_KEY: [1, "A key is too short, too long, or of a type that is not accepted."],
	ERR_CHAIN_INCOMPLETE: [1, "No chain of certificates leads from the signer to a trust anchor."],
	ERR_UNTRUSTED_SIGNER: [1, "The signature is valid, but its signer is not trusted here."],
	ERR_TOO_FEW_SIGNERS: [1, "Fewer different keys signed the tree, or an entry of it, than `--require` demands."],
	ERR_DEVELOPMENT_IDENTITY: [1, "A development identity signed something that needs a release identity."],
	ERR_DEVELOPMENT_REFUSED: [
		2,
		"`--no-development`, `SIGTOOL_DEVELOPMENT` or the project's configuration refuses development identities, and one would sign or would be trusted.",
	],
	ERR_PRODUCT_MISMATCH: [1, "The catalog belongs to another product than the one expected."],
	ERR_NOT_NEWER: [
		1,
		"With `--require-newer`: the catalog or index to sign is not newer than the previous one, or has another product or other rules.",
	],
	ERR_DIGEST_MISMATCH: [1, "A file does not have the digest given with `--expect-digest`."],

	// Trust indexes
	ERR_INDEX_FORMAT: [1, "The file is not a trust index (`.sigx`) that sigtool understands, or it is damaged."],
	ERR_INDEX_EXPIRED: [1, "The trust index has expired."],

	// Keys
	ERR_KEY: [2, "A private key or its certificate cannot be used; the message says why."],
	ERR_KEY_PASSPHRASE: [2, "The passphrase is missing or wrong."],
	ERR_KEY_MISMATCH: [2, "The certificate does not belong to the private key."],
	ERR_PKCS12: [2, "The file is not a PKCS#12 container that sigtool can open."],
	ERR_PKCS12_NO_MAC: [2, "The PKCS#12 container has no MAC, so nothing protects its content."],
	ERR_PKCS12_PBMAC1: [2, "The PKCS#12 container uses PBMAC1 in a form that cannot be checked here."],
	ERR_PKCS11: [
		2,
		"A PKCS#11 module, token or object is missing or ambiguous, or refuses a request. Or the module hangs or ends. The message names it.",
	],
	ERR_PIN: [2, "The PIN of a token is missing, wrong or locked."],
	ERR_SIGNER_COMMAND: [3, "The program that signs failed, took too long, or did not answer with a signature."],

	// The verifier, while a program runs
	ERR_UNTRUSTED_CODE: [
		1,
		"The code is not as a trusted signer signed it, so it is not loaded. The code of the error's `cause` says why.",
	],
	ERR_UNDECIDED: [
		3,
		"The program was not started: because of a fault that may pass, it could not be judged. The lines before name the fault.",
	],
	ERR_OUTSIDE_PRODUCTS: [1, "The file is in no directory that a trusted product is bound to."],
	ERR_DENIED: [1, "The deny list names the file, or the key, certificate or catalog behind it."],
	ERR_SEQUENCE: [1, "The product's sequence is lower than the minimum the host configuration demands."],
	ERR_NOT_EXECUTABLE: [1, "The kernel would not execute the file: its mount is noexec, or it is open for writing."],
	ERR_FILE_OWNER: [1, "The policy demands that root owns the file, and another user does."],
	ERR_FILE_WRITABLE: [1, "The mode of the file lets its group or others write it, which the policy refuses."],
	ERR_KERNEL_CHECK: [
		2,
		"The policy requires the kernel's check of each file, but this system lacks it or the addon is missing.",
	],
	ERR_START: [2, "The process was started in a way that makes enforcement impossible; the message names the obstacle."],
	ERR_LAUNCH_RECORD: [2, "The record that the launcher passes to the runtime is missing or malformed."],
	ERR_POLICY_RULE: [
		1,
		"A rule of the policy refuses a signed file, or the policy has allow rules and none matches it.",
	],
	ERR_RUNTIME_RULE: [1, "The policy refuses an operation that the program asked of its runtime."],
	ERR_HOST_CONFIG: [2, "The host configuration is missing or malformed, or other users could have changed it."],
	ERR_AUDIT_HOOK: [1, "An audit hook threw an error, so the operation it was asked about is refused."],
	ERR_AUDIT_SINK: [3, "An audit event could not be written."],

	// The audit log
	ERR_LOG_CHANGED: [
		1,
		"A line of an audit log was edited, removed, inserted or moved, or the log is not the one that a checkpoint was made of.",
	],
	ERR_LOG_UNCOVERED: [
		3,
		"Nothing shows if lines of an audit log were changed: no line names those before it, or there is a gap, and no checkpoint covers it.",
	],
	ERR_CHECKPOINT_FORMAT: [1, "The file is not a checkpoint of a log that sigtool understands."],

	// A defect of sigtool itself
	ERR_INTERNAL: [3, "sigtool met a condition that should never occur; please report it."],
} as const satisfies Record<string, readonly [ExitStatus, string]>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface SigtoolErrorOptions {
	readonly cause?: unknown;
	/** The file or entry that the error is about, written as the user knows it. */
	readonly path?: string | undefined;
	/** The absolute path of the directory to which `path` and the paths of the problems are relative, if there is one. */
	readonly root?: string | undefined;
	/** Every problem, if the error is about several problems. */
	readonly problems?: readonly SigtoolError[];
	/** Every difference, if the message names only the first one. Their paths are relative to `root`. */
	readonly findings?: readonly FoundProblem[];
	/** True if nothing was judged because of a fault that may pass, such as a file that is just being written. */
	readonly passing?: boolean;
}

/** A difference that an error is about. */
export interface FoundProblem {
	readonly code: ErrorCode;
	readonly path: string;
	readonly message: string;
}

/**
 * The error class of sigtool. `message` is one line that names the subject and, if there is one, the remedy.
 *
 * Some mistakes in a program, such as a call of `update()` after `digest()`, throw a TypeError or a RangeError instead.
 */
export class SigtoolError extends Error {
	/** Bundlers shorten the names of classes, and Node.js prints this one. */
	static override readonly name = "SigtoolError";
	override readonly name = "SigtoolError";
	readonly code: ErrorCode;
	declare readonly path: string | undefined;
	declare readonly root: string | undefined;
	declare readonly problems: readonly SigtoolError[];
	declare readonly findings: readonly FoundProblem[];
	declare readonly passing: boolean;

	constructor(code: ErrorCode, message: string, options: SigtoolErrorOptions = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		const { path, root, problems = [], findings = [], passing = false } = options;
		this.code = code;
		setMember(this, "path", path, path !== undefined);
		setMember(this, "root", root, root !== undefined);
		setMember(this, "problems", problems, problems.length > 0);
		setMember(this, "findings", findings, findings.length > 0);
		setMember(this, "passing", passing, passing);
	}

	/** The exit status of the command line for this error. */
	get exitStatus(): ExitStatus {
		return ERROR_CODES[this.code][0];
	}
}

/** Captured, because the verifier makes errors while a program runs, which may replace the function. */
const { defineProperty } = Object;

/** Defines a member. Node.js prints the members of an uncaught error, so one that says nothing is not enumerable. */
function setMember(error: SigtoolError, name: keyof SigtoolError, value: unknown, enumerable: boolean): void {
	defineProperty(error, name, { __proto__: null, value, enumerable } as PropertyDescriptor);
}

/** Makes an ERR_IO for a failed system call, such as `Cannot open "a": permission denied (EACCES)`. */
export function ioError(action: string, path: string, cause: unknown): SigtoolError {
	return new SigtoolError("ERR_IO", `Cannot ${action} ${quote(path)}: ${errnoReason(cause)}`, { cause, path });
}

/** Returns the result of `read`. If it throws a SigtoolError, throws the one that `errorNaming` makes of it. */
export function namingErrors<T>(what: string, file: string, read: () => T): T {
	try {
		return read();
	} catch (cause) {
		throw cause instanceof SigtoolError ? errorNaming(what, file, cause) : cause;
	}
}

/**
 * Makes an error that has the code of `cause` and names a file, such as `Cannot use certificate "a.pem": it is empty`.
 * Returns `cause` if it names the file already.
 */
export function errorNaming(what: string, file: string, cause: SigtoolError): SigtoolError {
	if (cause.path === file && cause.message.includes(quote(file))) return cause;
	return new SigtoolError(cause.code, `Cannot use ${what} ${quote(file)}: ${reasonOf(cause)}`, { cause, path: file });
}

/**
 * Returns true if an error of a start comes from a fault that may pass: a full disk, a lack of memory or descriptors, a
 * file that is being replaced, a clock that is not set. Another start may then succeed. An error that has one of these
 * as a cause counts too. The list of errnos is that of packages/verifier/native/shared/exit-status.c.
 */
export function isPassing(error: unknown): boolean {
	for (let each: unknown = error; each instanceof Error; each = each.cause) {
		if (each instanceof SigtoolError && (each.passing || PASSING_CODES.has(each.code))) return true;
		if (isErrnoException(each) && PASSING_ERRNOS.has(each.code)) return true;
		if (each instanceof RangeError && /allocation failed/.test(each.message)) return true;
	}
	return false;
}

const PASSING_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["ERR_CLOCK", "ERR_ROOT_MISSING"]);

const PASSING_ERRNOS: ReadonlySet<string> = new Set([
	"EAGAIN",
	"EBUSY",
	"EDQUOT",
	"EINTR",
	"EIO",
	"EMFILE",
	"ENFILE",
	"ENOBUFS",
	"ENOENT",
	"ENOLCK",
	"ENOMEM",
	"ENOSPC",
	"ENOTCONN",
	"ENOTDIR",
	"ENXIO",
	"ESTALE",
	"ETIMEDOUT",
	"ETXTBSY",
]);

/**
 * Returns the reason in a message without the beginning `Cannot do this: `, so that it can follow another beginning.
 * The first letter of such a reason is not changed, because the reason may begin with a name such as SHA-1, INTEGER or
 * Ed25519. If the message has no such beginning, a capital letter at its start becomes small, unless another capital
 * letter follows.
 */
export function reasonOf({ message }: SigtoolError): string {
	const reason = message.replace(/^Cannot [^":]*: /, "");
	return reason === message ? message.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()) : reason;
}

/** Returns the reason of a failed system call: `no space left on device (ENOSPC)`. */
export function errnoReason(cause: unknown): string {
	return isErrnoException(cause) ? `${ERRNO_TEXT[cause.code] ?? "system error"} (${cause.code})` : String(cause);
}

export function isErrnoException(error: unknown): error is Error & { readonly code: string } {
	return error instanceof Error && "code" in error && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code);
}

/**
 * Returns the text in double quotes on one line, escaped by `escapeText`. A text of more than MAX_QUOTED UTF-16 units
 * is cut and ends in an ellipsis.
 */
export function quote(text: string): string {
	if (text.length <= MAX_QUOTED) return `"${escapeText(text)}"`;
	const beginning = text.slice(0, MAX_QUOTED).replace(/[\ud800-\udbff]$/, ""); // A surrogate pair is not cut.
	return `"${escapeText(beginning)}…"`;
}

/**
 * Quotes like `quote`, and also escapes everything outside ASCII. Two names that look alike, such as one in NFC and one
 * in NFD, then differ visibly.
 */
export function quoteAscii(text: string): string {
	return quote(text).replace(/[^\x20-\x7e]/g, escapeUnits);
}

/**
 * Escapes control characters, format characters, line separators, characters that may not be shown, quotes, backslashes
 * and lone surrogates as JSON does, so that the text stays on one line and all its characters can be seen.
 */
export function escapeText(text: string): string {
	const escaped = JSON.stringify(text).slice(1, -1);
	return escaped.replace(UNSEEN, escapeUnits);
}

/** Escapes each UTF-16 unit of a character, as JSON does for characters above U+FFFF. */
function escapeUnits(character: string): string {
	return Array.from({ length: character.length }, (_, index) => {
		return `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`;
	}).join("");
}

/**
 * Control characters (Cc) behind ASCII, format characters (Cf), line separators, and characters that a terminal may not
 * show (Default_Ignorable_Code_Point). The ranges are those of Unicode 17.0. They are fixed, so that every release of
 * Node.js escapes the same characters.
 */
const UNSEEN = new RegExp(
	[
		"[\\u007f-\\u009f\\u00ad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\\u1160",
		"\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff",
		"\\uffa0\\ufff0-\\ufffb\\u{110bd}\\u{110cd}\\u{13430}-\\u{1343f}\\u{1bca0}-\\u{1bca3}",
		"\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]",
	].join(""),
	"gu",
);

/**
 * The maximum length of a quoted text, in UTF-16 units. Nearly all real paths are shorter. A limit is needed, because
 * an attacker could choose a name of a megabyte.
 */
const MAX_QUOTED = 500;

const ERRNO_TEXT: Readonly<Record<string, string>> = {
	EACCES: "permission denied",
	ECONNREFUSED: "connection refused",
	ECONNRESET: "connection reset",
	EEXIST: "file exists",
	EISDIR: "is a directory",
	ELOOP: "too many symbolic links",
	EMFILE: "too many open files",
	ENAMETOOLONG: "name too long",
	ENETUNREACH: "network unreachable",
	ENOENT: "no such file or directory",
	ENOSPC: "no space left on device",
	ENOTFOUND: "no such host",
	ENOTDIR: "not a directory",
	EPERM: "operation not permitted",
	EPIPE: "broken pipe",
	EROFS: "read-only file system",
	ETIMEDOUT: "timed out",
	EDQUOT: "disk quota exceeded",
	EHOSTUNREACH: "host unreachable",
	EIO: "input/output error",
};
