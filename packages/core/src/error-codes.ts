/**
 * The one table of error codes. Codes are part of the public interface: a code keeps its meaning and its exit status.
 * `docs/reference/errors.md` is generated from this table and from error-help.ts.
 */

/**
 * The exit status of the command line: 1 if verification failed or the files cannot be signed, 2 for an error of usage
 * or configuration, 3 if sigtool could not decide.
 */
export type ExitStatus = 1 | 2 | 3;

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
		"The place of the catalog has a file that sigtool did not write, or the tree has a catalog with a higher sequence. Or the index or signed policy that would be replaced has one. `--force` writes all the same.",
	],
	ERR_OUTPUT_EXISTS: [2, "The output exists, and is not a file that the command replaces."],
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
	ERR_PACKED_FILE: [
		1,
		"A package manager would install the file with another mode or content than is to be signed, or leaves it out of the package.",
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
	ERR_SEQUENCE: [
		1,
		"The sequence of the product, or of the signed policy, is lower than the host configuration demands.",
	],
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
