/**
 * What went wrong, said once: a stable code, one line for a person, and the exit status the code maps to.
 *
 * Codes are part of the public interface; `docs/errors.md` is generated from the table below.
 */

/**
 * Exit status of the command line: 1 verification failed, or the files cannot be signed; 2 usage or configuration; 3 could
 * not decide.
 */
export type ExitStatus = 1 | 2 | 3;

/** Every code, its exit status, and what it means. Keep the groups in reading order: docs follow it. */
export const ERROR_CODES = {
	// Usage and configuration
	ERR_USAGE: [2, "The command line asks for something that does not exist or does not fit together."],
	ERR_CONFIG: [2, "A configuration file, trust store or identity is not in the expected form."],
	ERR_ROOT_MISSING: [2, "A path named on the command line does not exist."],
	ERR_CATALOG_EXISTS: [2, "The output exists and is not a file that the command replaces; `--force` replaces it."],
	ERR_POLICY: [2, "A policy document is malformed; the message names the member."],
	ERR_LAUNCHER: [2, "The launcher, or something it starts with, is missing or not as it was installed."],
	ERR_UNSUPPORTED_PLATFORM: [2, "This operating system or Node.js version lacks what the operation needs."],

	// Input and output
	ERR_IO: [3, "The operating system refused to read or write; the message carries its reason."],
	ERR_LIMIT: [1, "An input is larger than the documented limit."],
	ERR_NETWORK: [3, "A server cannot be reached, or does not answer as it must; the message names it."],

	// Encoding
	ERR_DER: [1, "Bytes are not DER (X.690): truncated, indefinite, non-minimal or of an unexpected type."],
	ERR_CATALOG_FORMAT: [1, "Well-formed DER that is not a catalog sigtool understands."],
	ERR_CMS_FORMAT: [1, "Well-formed DER that is not a CMS SignedData sigtool understands."],
	ERR_CERTIFICATE_FORMAT: [1, "Well-formed DER that is not an X.509 certificate sigtool understands."],

	// Names of entries
	ERR_PATH_ABSOLUTE: [1, "An entry's name starts at the root."],
	ERR_PATH_PARENT: [1, "An entry's name contains a `.` or `..` segment."],
	ERR_PATH_DRIVE: [1, "An entry's name starts with a Windows drive letter."],
	ERR_PATH_NUL: [1, "An entry's name contains a NUL character."],
	ERR_PATH_EMPTY: [1, "An entry's name, or a segment of it, is empty."],
	ERR_PATH_TRAILING_DOT: [1, "A segment of an entry's name ends in a dot or a space, which Windows drops."],
	ERR_PATH_BACKSLASH: [1, "A file's name contains a backslash, which catalogs use as the separator."],
	ERR_PATH_ENCODING: [1, "A name is not valid UTF-8 or UTF-16."],
	ERR_PATH_DUPLICATE: [1, "Two entries carry the same name."],
	ERR_PATH_CASE_COLLISION: [1, "Two names differ only by case."],
	ERR_PATH_NFC_COLLISION: [1, "Two names are the same text after Unicode normalization (NFC)."],

	// File sets
	ERR_FILE_TYPE: [1, "A FIFO, socket or device cannot be signed; or the file is not of the kind asked for."],
	ERR_FILE_CHANGED: [1, "A file changed while it was being hashed."],
	ERR_LINK_OUTSIDE: [1, "A symbolic link is absolute or leaves the signed tree."],
	ERR_LINK_REJECTED: [1, "A symbolic link was found and `--links reject` was given."],
	ERR_LINK_CYCLE: [1, "A followed symbolic link leads back to a directory that contains it."],
	ERR_LINK_PARENT: [1, "A listed file is reached through a symbolic link to a directory."],
	ERR_STALE_BYTECODE: [
		1,
		"Python would run bytecode without a look at its source, which has changed since it was made.",
	],

	// What verification finds in a tree
	ERR_FILE_MODIFIED: [1, "A file's content differs from what was signed under its name."],
	ERR_FILE_MISSING: [1, "A signed entry is not there."],
	ERR_FILE_ADDED: [1, "A file is there that was not signed."],
	ERR_LINK_CHANGED: [1, "A symbolic link points elsewhere, or an entry changed between link and file."],
	ERR_MODE_CHANGED: [1, "A file's execute or set-id bits differ from what was signed."],
	ERR_NOT_A_MEMBER: [1, "The file is not a member of the catalog."],

	// Extended attributes
	ERR_ATTRIBUTES_UNAVAILABLE: [
		2,
		"The optional package fs-xattr is missing, or this system has no attributes it can reach.",
	],
	ERR_ATTRIBUTE_DENIED: [3, "The operating system does not allow this user to read or write the attribute."],
	ERR_ATTRIBUTE_UNSUPPORTED: [3, "The file system has no attributes of this kind."],
	ERR_ATTRIBUTE_SPACE: [3, "The attribute does not fit: the file system is full, or holds less in one attribute."],
	ERR_ATTRIBUTE_FORMAT: [1, "The value of an attribute is malformed, or longer than 64 KiB."],
	ERR_CROSS_SIGNATURE: [
		1,
		"A file's content is what another signature is made over, so that an IMA one would be that too.",
	],

	// Signatures
	ERR_CATALOG_NOT_FOUND: [1, "No catalog vouches for the path."],
	ERR_NESTED_CATALOG: [1, "A catalog inside a signed tree is not itself a signed member of it."],
	ERR_UNSIGNED: [
		1,
		"There is no signature: a catalog without one, or a file without an attribute or with a bare hash.",
	],
	ERR_SIGNATURE: [1, "The signature does not match the signed bytes."],
	ERR_SIGNED_ATTRIBUTES: [1, "The signed attributes are missing, repeated or contradict the content."],
	ERR_SIGNER_CERTIFICATE: [1, "The certificate of the key that signed is not with the signature."],
	ERR_WEAK_DIGEST: [1, "MD5, or SHA-1 outside `--profile windows-legacy`, is no evidence."],
	ERR_UNSUPPORTED_ALGORITHM: [1, "A signature or digest algorithm that sigtool does not accept."],
	ERR_TIMESTAMP: [1, "A timestamp is present but does not verify."],

	// Certificates and trust
	ERR_CERTIFICATE_EXPIRED: [1, "A certificate of the chain had expired at the time of judgement."],
	ERR_CERTIFICATE_NOT_YET_VALID: [1, "A certificate of the chain was not yet valid at the time of judgement."],
	ERR_CERTIFICATE_PURPOSE: [1, "A certificate's key usage or extended key usage does not allow this use."],
	ERR_CERTIFICATE_CONSTRAINTS: [1, "Basic constraints, path length or name constraints are violated."],
	ERR_CERTIFICATE_EXTENSION: [1, "A certificate carries a critical extension that sigtool does not apply."],
	ERR_CERTIFICATE_SIGNATURE: [1, "A certificate was not signed by its issuer's key."],
	ERR_CERTIFICATE_REVOKED: [1, "A certificate of the chain was revoked before the time of judgement."],
	ERR_REVOCATION_UNKNOWN: [
		3,
		"Nothing at hand says whether a certificate was revoked, and `--ocsp require` was given.",
	],
	ERR_WEAK_KEY: [1, "A key is too short, too long, or of a type that is not accepted."],
	ERR_CHAIN_INCOMPLETE: [1, "No path leads from the signer to a trust anchor."],
	ERR_UNTRUSTED_SIGNER: [1, "The signature is sound, but its signer is not trusted here."],
	ERR_TOO_FEW_SIGNERS: [1, "Fewer different keys signed the tree, or an entry of it, than `--require` demands."],
	ERR_DEVELOPMENT_IDENTITY: [1, "A development identity signed what needs a release identity."],
	ERR_PRODUCT_MISMATCH: [1, "The catalog belongs to another product than the one expected."],
	ERR_DIGEST_MISMATCH: [1, "A file does not have the digest given with `--expect-digest`."],

	// Trust indexes
	ERR_INDEX_FORMAT: [1, "The file is not a trust index (`.sigx`) that sigtool understands, or it is damaged."],
	ERR_INDEX_EXPIRED: [1, "The time until which a trust index may be used is past."],

	// Keys
	ERR_KEY: [2, "A private key or its certificate cannot be used; the message says why."],
	ERR_KEY_PASSPHRASE: [2, "The passphrase is missing or wrong."],
	ERR_KEY_MISMATCH: [2, "The certificate does not belong to the private key."],
	ERR_PKCS12: [2, "The file is not a PKCS#12 container that sigtool can open."],
	ERR_PKCS12_NO_MAC: [2, "The PKCS#12 container has no MAC, so nothing protects its content."],
	ERR_PKCS12_PBMAC1: [2, "The PKCS#12 container uses PBMAC1, which cannot be checked here."],
	ERR_PKCS11: [2, "A PKCS#11 module, token or object is missing, ambiguous or refuses; the message says what."],
	ERR_PIN: [2, "The PIN of a token is missing, wrong or locked."],
	ERR_SIGNER_COMMAND: [3, "The program that signs failed, took too long, or did not answer with a signature."],

	// The verifier, while a program runs
	ERR_UNTRUSTED_CODE: [1, "What is about to be loaded is not what a trusted signer signed; the cause's code says why."],
	ERR_OUTSIDE_PRODUCTS: [1, "The file lies in no directory that a trusted product is bound to."],
	ERR_DENIED: [1, "The deny list names the file, or the key, certificate or catalog behind it."],
	ERR_SEQUENCE: [1, "The product's sequence is lower than the minimum the host configuration demands."],
	ERR_NOT_EXECUTABLE: [1, "The kernel would not execute the file: its mount is noexec, or it is open for writing."],
	ERR_KERNEL_CHECK: [
		2,
		"Policy requires the kernel's check of each file, and this system or the missing addon has none.",
	],
	ERR_START: [
		2,
		"The process was started in a way under which nothing can be enforced; the message names what is in the way.",
	],
	ERR_LAUNCH_RECORD: [2, "What the launcher hands over is missing, or not in the expected form."],
	ERR_RUNTIME_RULE: [1, "Policy refuses what the program asked of its runtime."],
	ERR_HOST_CONFIG: [2, "The host configuration is missing, malformed, or could have been written by others."],
	ERR_AUDIT_HOOK: [1, "An audit hook threw, which refuses what it was asked about."],
	ERR_AUDIT_SINK: [3, "An audit event could not be written."],

	// A defect of sigtool itself
	ERR_INTERNAL: [3, "sigtool met a condition it should not; please report it."],
} as const satisfies Record<string, readonly [ExitStatus, string]>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface SigtoolErrorOptions {
	readonly cause?: unknown;
	/** The file or entry the error is about, as the user knows it. */
	readonly path?: string;
}

/** The one error class. `message` is a single line that names the thing and the way out. */
export class SigtoolError extends Error {
	override readonly name = "SigtoolError";
	readonly code: ErrorCode;
	readonly path: string | undefined;

	constructor(code: ErrorCode, message: string, options: SigtoolErrorOptions = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.code = code;
		this.path = options.path;
	}

	/** Exit status of the command line for this error. */
	get exitStatus(): ExitStatus {
		return ERROR_CODES[this.code][0];
	}
}

/** ERR_IO for a failed system call, naming the file and the errno, e.g. `Cannot open "a": no such file (ENOENT)`. */
export function ioError(action: string, path: string, cause: unknown): SigtoolError {
	return new SigtoolError("ERR_IO", `Cannot ${action} ${quote(path)}: ${errnoReason(cause)}`, { cause, path });
}

/** A message without its `Cannot do this: `, for one that names the thing better. */
export function reasonOf({ message }: SigtoolError): string {
	const reason = message.replace(/^Cannot [^":]*: /, "");
	return `${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
}

/** What a failed system call says of itself: `no space left on device (ENOSPC)`. */
export function errnoReason(cause: unknown): string {
	return isErrnoException(cause) ? `${ERRNO_TEXT[cause.code] ?? "system error"} (${cause.code})` : String(cause);
}

export function isErrnoException(error: unknown): error is NodeJS.ErrnoException & { code: string } {
	return error instanceof Error && "code" in error && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code);
}

/** A name in double quotes on one line, escaped as `escapeText` does; of a very long one the beginning and an ellipsis. */
export function quote(text: string): string {
	if (text.length <= MAX_QUOTED) return `"${escapeText(text)}"`;
	const beginning = text.slice(0, MAX_QUOTED).replace(/[\ud800-\udbff]$/, ""); // No half of a pair.
	return `"${escapeText(beginning)}…"`;
}

/** As `quote`, with all but ASCII escaped: for names that may look the same. */
export function quoteAscii(text: string): string {
	return quote(text).replace(/[^\x20-\x7e]/g, escapeUnit);
}

/** One line of any length: control characters, quotes, backslashes and lone surrogates are escaped as in JSON. */
export function escapeText(text: string): string {
	const escaped = JSON.stringify(text).slice(1, -1);
	return escaped.replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
	return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Characters of a name in a message. Real paths are shorter; a hostile name of a megabyte is not printed. */
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
