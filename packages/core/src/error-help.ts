/**
 * Says for each error code why the error happens and what to do about it. `docs/reference/errors.md` is generated from
 * this table and from ERROR_CODES. The texts are apart from the codes because every command loads the codes.
 */

import { COMMAND, type ErrorCode } from "./errors.js";

export interface ErrorHelp {
	/** The usual causes, in sentences. */
	readonly why: string;
	/** The way out, in sentences. */
	readonly remedy: string;
}

const DAMAGED: ErrorHelp = {
	why: "The file was cut off or changed on its way, or it is of another kind than its name says.",
	remedy: `Fetch or copy the file again. \`${COMMAND} inspect FILE\` says what it is. If it stays so, have it made again.`,
};
const BAD_NAME =
	"Rename the file, or leave it out with `--exclude`. If a catalog has the name, have the tree signed again.";
const SIGN_AGAIN = "Have the files signed again with a certificate that docs/how-to/identities.md describes.";

export const ERROR_HELP: { readonly [Code in ErrorCode]: ErrorHelp } = {
	ERR_USAGE: {
		why: "An option or an operand is missing, misspelt, or does not fit the others.",
		remedy: `Read the message, and \`${COMMAND} COMMAND --help\`.`,
	},
	ERR_CONFIG: {
		why: "The file was edited by hand and is not valid, or a newer version of sigtool wrote it.",
		remedy: `Mend the member that the message names. If it is a trust store, \`${COMMAND} trust list\` shows whether it can be read again.`,
	},
	ERR_ROOT_MISSING: {
		why: "The path is misspelt, is relative to another directory, or the file was removed. A pattern finds nothing.",
		remedy: "Check the path from the working directory.",
	},
	ERR_CATALOG_EXISTS: {
		why: "Another program wrote the file, or the clock or `--sequence` is behind the last release.",
		remedy: "Write elsewhere with `-o`, give a higher `--sequence`, or use `--force` if the file may be replaced.",
	},
	ERR_OUTPUT_EXISTS: {
		why: "The file is of another kind, or a checkpoint of another log, or the command never replaces what is there.",
		remedy: "Write elsewhere. If the file may be replaced, remove it, or use `--force` where the command has it.",
	},
	ERR_POLICY: {
		why: "A member of the policy is unknown, missing, or has a value that is not allowed.",
		remedy: "Mend the member. docs/reference/policy.md lists all members with their values.",
	},
	ERR_POLICY_SIGNER: {
		why: "The index has no signed policy, another key signed it, or the host configuration has a policy or a weaker mode of its own beside `policySigners`.",
		remedy: `Have a policy signer sign the policy with \`${COMMAND} policy sign\`, and compile the index with \`--policy FILE.policy\`.`,
	},
	ERR_PACKAGE: {
		why: "The package is not installed, or an upgrade or a person changed one of its files.",
		remedy: "Install the package again. `--accept-package-changes` takes the files as they are now.",
	},
	ERR_LAUNCHER: {
		why: "A package upgrade replaced a file that the launcher pins, or somebody changed it.",
		remedy: `Run \`${COMMAND} launcher check\`, which names the file, and then \`${COMMAND} launcher install\` if the change is expected.`,
	},
	ERR_UNSUPPORTED_PLATFORM: {
		why: "The command exists on other systems, or it needs a newer Node.js or an optional package.",
		remedy:
			"Use the system, version or package that the message names. docs/reference/windows-macos.md says what works where.",
	},
	ERR_CLOCK: {
		why: "The clock was not set after the start of the machine, or somebody turned it back.",
		remedy: "Set the clock, and let services start after time-sync.target.",
	},
	ERR_IO: {
		why: "The system's reason is in the message: rights, a full disk, a damaged disk, or too many open files.",
		remedy: "Mend what the message names, and run the command again. Nothing was judged that could not be read.",
	},
	ERR_LIMIT: {
		why: "The input is very large, or somebody made it large so that reading it takes all memory.",
		remedy: "If the input is rightly so large, split it. The message names the limit.",
	},
	ERR_NETWORK: {
		why: "The server is down, a proxy is in the way, or the address is wrong.",
		remedy: "Try again, or name another server. `--timestamp` and `--crl` can be given several times.",
	},
	ERR_DER: DAMAGED,
	ERR_CATALOG_FORMAT: DAMAGED,
	ERR_CMS_FORMAT: DAMAGED,
	ERR_CERTIFICATE_FORMAT: DAMAGED,
	ERR_PATH_ABSOLUTE: { why: "Such a name would lead out of the signed tree.", remedy: BAD_NAME },
	ERR_PATH_PARENT: { why: "Such a name would lead out of the signed tree.", remedy: BAD_NAME },
	ERR_PATH_DRIVE: { why: "On Windows such a name would lead out of the signed tree.", remedy: BAD_NAME },
	ERR_PATH_NUL: { why: "Systems end a name at a NUL, so the name would stand for another file.", remedy: BAD_NAME },
	ERR_PATH_EMPTY: { why: "The name has `//` in it, or a `/` at one of its ends, or is empty.", remedy: BAD_NAME },
	ERR_PATH_TRAILING_DOT: { why: "On Windows the name would stand for another file.", remedy: BAD_NAME },
	ERR_PATH_BACKSLASH: { why: "In a catalog the name would stand for a file in a directory.", remedy: BAD_NAME },
	ERR_PATH_RESERVED: { why: "On Windows the name opens a device or a hidden stream.", remedy: BAD_NAME },
	ERR_PATH_ENCODING: {
		why: "The name was made under another encoding, such as Latin-1, or it was cut in the middle of a character.",
		remedy: BAD_NAME,
	},
	ERR_PATH_DUPLICATE: {
		why: "A list names a file twice, or a catalog was made so that two readers see two contents.",
		remedy: "Remove one of the two names from the list, or have the tree signed again.",
	},
	ERR_PATH_CASE_COLLISION: {
		why: "On Windows and macOS both names would stand for one file.",
		remedy: "Rename one of the two. `--case-collisions allow` accepts them for trees that stay on Linux.",
	},
	ERR_PATH_NFC_COLLISION: {
		why: "On macOS both names would stand for one file, and no person can tell them apart.",
		remedy: "Rename one of the two.",
	},
	ERR_FILE_TYPE: {
		why: "Only regular files and links have content that a signature can name.",
		remedy: "Remove the entry, or leave it out with `--exclude` when you sign.",
	},
	ERR_PACKED_FILE: {
		why: "Package managers install programs (`bin`) with mode 755, and npm ends their first line with LF. `files` or an ignore file leaves files out. Every user would see a difference.",
		remedy: "Do what the message says, then sign again. docs/how-to/pipelines.md has the scripts of a package.",
	},
	ERR_FILE_CHANGED: {
		why: "Another program wrote to the file at the same time.",
		remedy: "Wait until the build is done, and run the command again.",
	},
	ERR_LINK_OUTSIDE: {
		why: "The signature would not cover the file behind the link.",
		remedy:
			"Let the link lead to a file of the tree, or sign with `--links-outside record`, which signs the link alone.",
	},
	ERR_LINK_REJECTED: {
		why: "The tree has a link although `--links reject` says that there is none.",
		remedy: "Remove the link, or leave `--links` out to record links.",
	},
	ERR_LINK_CYCLE: {
		why: "With `--links follow` the tree would have no end.",
		remedy: "Remove the link, leave it out with `--exclude`, or record links instead of following them.",
	},
	ERR_LINK_PARENT: {
		why: "A list names a file by a path that goes through a link, so the file has two names.",
		remedy: "Name the file by its real path.",
	},
	ERR_STALE_BYTECODE: {
		why: "A source was edited after its `.pyc` was made, and Python would run the old code.",
		remedy: "Compile it again with `--compile-python`, or remove the `.pyc`.",
	},
	ERR_FILE_MODIFIED: {
		why: "The file was edited, upgraded, damaged or replaced after it was signed. Git may have changed its line ends.",
		remedy: "Restore the signed file. If the change is meant, sign the tree again.",
	},
	ERR_UNSIGNED_BYTES: {
		why: "The catalog has an Authenticode digest alone, and somebody can put data where it does not look.",
		remedy: "Restore the original file, or sign the tree with sigtool, which signs the whole file too.",
	},
	ERR_FILE_MISSING: {
		why: "The file was removed or renamed after it was signed, or a tool such as `npm pack` left it out.",
		remedy: "Restore the file. If it is rightly gone, sign the tree again.",
	},
	ERR_FILE_ADDED: {
		why: "A build, an editor or an attacker put the file there after the tree was signed.",
		remedy: "Remove the file. If it belongs there, sign the tree again, or exclude it when you sign.",
	},
	ERR_LINK_CHANGED: {
		why: "The link was made anew, or a tool such as Git on Windows wrote a file in its place.",
		remedy: "Restore the link as it was signed, or sign the tree again.",
	},
	ERR_MODE_CHANGED: {
		why: "chmod, an unpacker or a copy changed the bits that decide what may run.",
		remedy: "Restore the mode that the message names, or sign the tree again.",
	},
	ERR_NOT_A_MEMBER: {
		why: "The file was added after signing, was left out by a rule, or belongs to another catalog.",
		remedy: "Remove it, name the right catalog with `--catalog`, or sign the tree with it.",
	},
	ERR_ATTRIBUTES_UNAVAILABLE: {
		why: "No part of sigtool that reads extended attributes is installed for this system.",
		remedy: "Install `@sigtool/native`, or fs-xattr and approve its script. Catalogs work without.",
	},
	ERR_ATTRIBUTE_DENIED: {
		why: "Attributes such as security.ima need CAP_SYS_ADMIN to be written.",
		remedy: "Run the command as root, or use `--namespace user`.",
	},
	ERR_ATTRIBUTE_UNSUPPORTED: {
		why: "The file lies on a file system without such attributes, such as FAT or some network file systems.",
		remedy: "Use another file system, or a catalog.",
	},
	ERR_ATTRIBUTE_SPACE: {
		why: "ext4 has room for one block of attributes, and a signature of a long key takes much of it.",
		remedy: "Free space, use a shorter key such as P-256, or use a catalog.",
	},
	ERR_ATTRIBUTE_FORMAT: {
		why: "Another program wrote the attribute, or it was damaged.",
		remedy: `Look at it with \`${COMMAND} inspect FILE\`, and sign the file again.`,
	},
	ERR_CROSS_SIGNATURE: {
		why: "Somebody made a file whose bytes are the data of an EVM signature, to get it signed as IMA.",
		remedy: "Do not sign this file. Find out where it comes from.",
	},
	ERR_CATALOG_NOT_FOUND: {
		why: "The tree was never signed, or its catalog was left behind or has another name.",
		remedy: "Sign the tree, or name the catalog with `--catalog`.",
	},
	ERR_CATALOG_AMBIGUOUS: {
		why: "The directory was renamed, or catalogs of several releases lie in it.",
		remedy: "Name one with `--catalog`, or remove the others.",
	},
	ERR_NESTED_CATALOG: {
		why: "A catalog was put into a signed tree later, and would decide about a part of it.",
		remedy: "Sign the outer tree again, name the inner catalog with `--catalog`, or remove it.",
	},
	ERR_UNSIGNED: {
		why: `The catalog waits for \`${COMMAND} finish\`, or somebody removed the signature.`,
		remedy: "Sign it. `--allow-unsigned` accepts hashes of attributes that nobody signed.",
	},
	ERR_SIGNATURE: {
		why: "The signed bytes were changed, or the signature belongs to something else.",
		remedy: "Fetch the original again. If it stays so, trust nothing of it, and tell the one who signed it.",
	},
	ERR_SIGNED_ATTRIBUTES: {
		why: "The signature was damaged, or made by a program that does not follow RFC 5652.",
		remedy: "Fetch the original again, or have it signed again.",
	},
	ERR_SIGNER_CERTIFICATE: {
		why: "The signature was made without certificates, or they were stripped.",
		remedy: "Have it signed again. For attributes, name the certificate with `--cert`.",
	},
	ERR_WEAK_DIGEST: {
		why: "Others can make two contents with the same MD5 or SHA-1.",
		remedy: "Have it signed again with SHA-256. For old drivers, `--profile windows-legacy` accepts SHA-1.",
	},
	ERR_UNSUPPORTED_ALGORITHM: {
		why: "The algorithm is weak, rare, or newer than this version.",
		remedy:
			"Have it signed again with RSA, ECDSA or Ed25519, and SHA-256 or more. Update sigtool if the algorithm is new.",
	},
	ERR_TIMESTAMP: {
		why: "The timestamp is damaged, or its authority is not trusted here.",
		remedy: `Trust the authority's root with \`--tsa-trust\`, or get a new timestamp with \`${COMMAND} timestamp\`.`,
	},
	ERR_CERTIFICATE_EXPIRED: {
		why: "The certificate ran out, and no timestamp proves that the signature is older.",
		remedy: "Have it signed again with a valid certificate, with `--timestamp` so that it outlives the certificate.",
	},
	ERR_CERTIFICATE_NOT_YET_VALID: {
		why: "The clock is wrong, or the certificate is for later.",
		remedy: "Set the clock, or wait for the day from which the certificate is valid.",
	},
	ERR_CERTIFICATE_PURPOSE: { why: "The certificate was issued for something else, such as TLS.", remedy: SIGN_AGAIN },
	ERR_CERTIFICATE_CONSTRAINTS: {
		why: "A certificate in the chain may not issue others, or not for these names.",
		remedy: SIGN_AGAIN,
	},
	ERR_CERTIFICATE_EXTENSION: {
		why: "The issuer says that nobody who does not know the extension may use the certificate.",
		remedy: SIGN_AGAIN,
	},
	ERR_CERTIFICATE_SIGNATURE: {
		why: "Two issuers have the same name, or somebody forged the certificate.",
		remedy: "Give the right intermediate certificates with `--chain` when you sign. Trust no forged certificate.",
	},
	ERR_CERTIFICATE_REVOKED: {
		why: "The authority withdrew the certificate, for example because its key was stolen.",
		remedy: "Do not use the files. Have them signed again with another key.",
	},
	ERR_REVOCATION_UNKNOWN: {
		why: "The list is too old, or the responder could not be reached or said nothing about the certificate.",
		remedy: "Try again, give a newer list with `--crl`, or use `--ocsp prefer`, which warns instead.",
	},
	ERR_WEAK_KEY: {
		why: "RSA keys below 2048 bits can be broken, and very long ones take too much time.",
		remedy: SIGN_AGAIN,
	},
	ERR_CHAIN_INCOMPLETE: {
		why: "An intermediate certificate is missing, or the root is not trusted here.",
		remedy: `Sign with \`--chain\`, or trust the root with \`--trust\` or \`${COMMAND} trust add\`.`,
	},
	ERR_UNTRUSTED_SIGNER: {
		why: "This machine does not know the signer. Anybody can make a valid signature with a key of their own.",
		remedy: `If you know the signer, compare the pin that \`${COMMAND} inspect\` shows, and trust it with \`${COMMAND} trust add\`.`,
	},
	ERR_TOO_FEW_SIGNERS: {
		why: "A signature is missing, or two catalogs were signed with the same key.",
		remedy: "Have the tree signed by another key, and name all catalogs with `--catalog`.",
	},
	ERR_DEVELOPMENT_IDENTITY: {
		why: "Nobody gave `sign` a key, so it used the identity of the developer's machine.",
		remedy: "Sign with a release key. `--allow-development` accepts development identities on the machine itself.",
	},
	ERR_DEVELOPMENT_REFUSED: {
		why: "A pipeline or a project forbids development identities, and no other key was named.",
		remedy: "Name a release key with `--key`, `--p12`, `--pkcs11` or `--signer-command`.",
	},
	ERR_PRODUCT_MISMATCH: {
		why: "A valid catalog of something else was put in the place of the expected one.",
		remedy: "Fetch the right catalog, or correct `--product`.",
	},
	ERR_NOT_NEWER: {
		why: "The release was built from an older state, or its rules changed.",
		remedy: "Look at the differences that the message names. Without `--require-newer` it is signed all the same.",
	},
	ERR_DIGEST_MISMATCH: {
		why: "The file is not the one that the other machine wrote, or it was changed on its way.",
		remedy: "Copy the file again, and compare the digest with the one that the other machine printed.",
	},
	ERR_INDEX_FORMAT: {
		why: "The file was cut off or changed, is of another kind, or a newer version of sigtool wrote it.",
		remedy: "Copy the index again, or compile it again. Update sigtool if the format is newer.",
	},
	ERR_INDEX_EXPIRED: {
		why: "The index was compiled with `--not-after`, and that time is over.",
		remedy: "Compile and install a new index.",
	},
	ERR_KEY: {
		why: "The file is no private key or certificate, is of a kind that is not accepted, or is not readable.",
		remedy: `Give a PEM key (PKCS#8, PKCS#1 or SEC1) and its certificate. \`${COMMAND} identity new\` makes both.`,
	},
	ERR_KEY_PASSPHRASE: {
		why: "The passphrase was mistyped, or `--passphrase-file` has another first line.",
		remedy: "Give the right passphrase by `--passphrase-file`, `SIGTOOL_PASSPHRASE` or the prompt.",
	},
	ERR_KEY_MISMATCH: {
		why: "The certificate is of another key, for example of the last year's.",
		remedy: "Give the certificate that was issued for this key.",
	},
	ERR_PKCS12: {
		why: "The file is damaged, is of another kind, or uses encryption that is not supported.",
		remedy: "Export the container again, for example with `openssl pkcs12 -export`.",
	},
	ERR_PKCS12_NO_MAC: {
		why: "The container was exported without a MAC, so anybody could have exchanged its key.",
		remedy: "Export it again with a MAC, which is the default of OpenSSL.",
	},
	ERR_PKCS12_PBMAC1: {
		why: "The container uses parameters of PBMAC1 that this version does not compute.",
		remedy: "Export it again with a usual MAC: `openssl pkcs12 -export -macalg sha256`.",
	},
	ERR_PKCS11: {
		why: "The URI fits no token or several, the module is of another system, or the token was removed.",
		remedy: "Compare the URI with `pkcs11-tool --list-objects`. docs/how-to/pkcs11.md lists what modules answer.",
	},
	ERR_PIN: {
		why: "The PIN was mistyped. Each wrong PIN brings the token nearer to being locked.",
		remedy:
			"Give the right PIN by `--pin-file`, `SIGTOOL_PIN` or the prompt. A locked token needs its security officer.",
	},
	ERR_SIGNER_COMMAND: {
		why: "The program ended with an error, waited for something, or signed with another key.",
		remedy: "Run the program by hand as docs/how-to/signer-command.md shows.",
	},
	ERR_UNTRUSTED_CODE: {
		why: "A file that a program loads was changed, was added, or belongs to no trusted product.",
		remedy: `See the code in parentheses. \`${COMMAND} why PATH\` explains the refusal.`,
	},
	ERR_UNDECIDED: {
		why: "A disk, the memory, the clock or a file that was just being replaced kept the judgement from being made.",
		remedy: "Mend what the lines before name, and start the program again.",
	},
	ERR_OUTSIDE_PRODUCTS: {
		why: "The program loads a file from a directory that nobody signed, such as a temporary one.",
		remedy: "Move the file into the product, then sign and compile again, or bind its product to that directory.",
	},
	ERR_DENIED: {
		why: "Somebody put it on the deny list, because it is known to be bad. The message gives the reason.",
		remedy: "Install a release without it. docs/how-to/revocation.md says how to undo a denial.",
	},
	ERR_SEQUENCE: {
		why: "Somebody installed an old release, or an index with an old signed policy, perhaps to bring an old hole back.",
		remedy:
			"Install a newer release. If the message names the policy, compile the index with the newest signed policy. `minimumSequence`, `minimumCompiled` and `minimumPolicySequence` of the host configuration are what it demands.",
	},
	ERR_NOT_EXECUTABLE: {
		why: "The mount has `noexec`, or a process still writes to the file.",
		remedy: "Move the file to a mount without `noexec`, and close it in every process that has it open for writing.",
	},
	ERR_FILE_OWNER: {
		why: "The files were unpacked or copied by another user than root, and the policy says `files.owner: root`.",
		remedy:
			"Make root the owner of the file (`chown root`), or remove `files.owner` from the policy and compile again.",
	},
	ERR_FILE_WRITABLE: {
		why: "The files were made with a umask such as 0002, or shared with a group, and the policy says `files.othersWrite: refuse`.",
		remedy:
			"Take the right to write from group and others (`chmod go-w`), or remove `files.othersWrite` from the policy and compile again.",
	},
	ERR_KERNEL_CHECK: {
		why: "The kernel is older than Linux 6.14, or the verifier's addon is not installed.",
		remedy: `See \`${COMMAND} doctor\`. Use a newer kernel, or set \`files.kernelCheck\` of the policy to \`log\`.`,
	},
	ERR_START: {
		why: "An option, an environment variable or a setting could load code before the verifier, or the mode is weaker than the host says.",
		remedy: `Start the program with sigtool-launch or \`${COMMAND} run\`, without what the message names, and in the mode that it names.`,
	},
	ERR_LAUNCH_RECORD: {
		why: "The runtime was started without the launcher, or with a launcher of another version.",
		remedy: `Start it with sigtool-launch or \`${COMMAND} run\`, and install the launcher again.`,
	},
	ERR_POLICY_RULE: {
		why: "A deny rule of the policy matches the file, or the policy has allow rules and none of them matches.",
		remedy: `\`${COMMAND} policy explain\` says which rule decides, and what would change it. A rule never lets an unsigned file run.`,
	},
	ERR_RUNTIME_RULE: {
		why: "The program does something that the policy does not allow, such as `eval` or starting another program.",
		remedy: `Change the program, or the policy and compile again. \`${COMMAND} why\` names the member of the policy.`,
	},
	ERR_HOST_CONFIG: {
		why: "The file has a mistake, or its owner or mode would let others decide whom the host trusts.",
		remedy: "Mend what the message names. The file belongs to root, and nobody else may write to it.",
	},
	ERR_AUDIT_HOOK: {
		why: "A hook that the program added threw an error.",
		remedy: "Look into the program's own hook.",
	},
	ERR_AUDIT_SINK: {
		why: "The disk is full, the directory is missing, or the service may not write there.",
		remedy: "Free the disk, or let the service's user append to the file of the events.",
	},
	ERR_LOG_CHANGED: {
		why: "Somebody who may write the log changed it, a file of it is missing, or the files are not in their order.",
		remedy:
			"Compare the log with what another host received of it. Name all files, the oldest first. Treat the host as one that somebody else controls until you know who did it.",
	},
	ERR_LOG_UNCOVERED: {
		why: "No collector wrote the log, or the collector could not read the lines before its own, or programs without one had written too many of them.",
		remedy: `Name a checkpoint with \`--checkpoint\`, which \`${COMMAND} log seal\` makes. docs/reference/log.md says what the chain covers.`,
	},
	ERR_CHECKPOINT_FORMAT: DAMAGED,
	ERR_INTERNAL: {
		why: "sigtool has a defect, or the machine ran out of memory.",
		remedy: "Report it with the message, please. Nothing was trusted.",
	},
};
