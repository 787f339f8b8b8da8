/** Says what to do about a refusal. The verifier has the mends of refused files, and this table has those of all others. */

import type { ErrorCode } from "@sigtool/core/internal/errors";
import { COMMAND } from "@sigtool/core/internal/errors";
import { mendsOfFiles } from "@sigtool/verifier/internal";

const COPY_AGAIN =
	"copy the index again; if it stays so, somebody changed it, or it was made wrongly: compile it again";
const SIGN_AGAIN = "sign and compile again with a certificate and a key that docs/how-to/identities.md describes";

const MENDS: { readonly [Code in ErrorCode]?: string } = {
	...mendsOfFiles(),
	ERR_AUDIT_HOOK: "a hook of the program itself refused this; look into the program",
	ERR_AUDIT_SINK: "free the disk, or make the directory of the events and let the service's user append to the file",
	ERR_CERTIFICATE_EXPIRED:
		"compile the index again with a certificate that is valid, or with --timestamp, so that it outlives its certificate",
	ERR_CERTIFICATE_NOT_YET_VALID: "set the clock, or wait for the day from which the certificate is valid",
	ERR_CLOCK: "set the clock, and let the service start after time-sync.target",
	ERR_DENIED:
		"install a release without it; if its signer is denied, one that another key signed. docs/how-to/revocation.md says how to undo a denial",
	ERR_DEVELOPMENT_IDENTITY:
		"sign and compile with a release key; development identities count on their own machine alone",
	ERR_HOST_CONFIG: `mend the member, the owner or the mode that the message names; \`${COMMAND} launcher check\` tests it`,
	ERR_INDEX_FORMAT: "copy the index again beside its place and rename it, or compile it again",
	ERR_INTERNAL: "report this, please; if memory was lacking, give the service more",
	ERR_KERNEL_CHECK: `see by \`${COMMAND} doctor\` that the addon is there and install again, use Linux 6.14 or later, or set files.kernelCheck to log`,
	ERR_LAUNCHER: "install the launcher again; docs/reference/launcher.md lists every message with its way out",
	ERR_LAUNCH_RECORD: `start the program with sigtool-launch or \`${COMMAND} run\`, and install the launcher again`,
	ERR_POLICY: "mend the member of the policy that the message names, then compile again",
	ERR_POLICY_SIGNER:
		"have a policy signer of the host sign the policy with `policy sign`, and compile the index with it; nothing of the host may weaken it",
	ERR_PRODUCT_MISMATCH:
		"bind the product in `products` of the host configuration, or install the index that belongs to it",
	ERR_ROOT_MISSING: "put the file in its place",
	ERR_RUNTIME_RULE: "change the program, or the policy and compile again",
	ERR_SEQUENCE:
		"install a newer release or, if the message names the policy, an index with a newer signed policy: the host configuration demands a higher sequence",
	ERR_CERTIFICATE_CONSTRAINTS: SIGN_AGAIN,
	ERR_CERTIFICATE_EXTENSION: SIGN_AGAIN,
	ERR_CERTIFICATE_FORMAT: SIGN_AGAIN,
	ERR_CERTIFICATE_PURPOSE: SIGN_AGAIN,
	ERR_CERTIFICATE_SIGNATURE: SIGN_AGAIN,
	ERR_CMS_FORMAT: COPY_AGAIN,
	ERR_DER: COPY_AGAIN,
	ERR_IO: "see the reason of the system in the message: memory, a disk, or a right of this user",
	ERR_SIGNATURE: COPY_AGAIN,
	ERR_SIGNED_ATTRIBUTES: COPY_AGAIN,
	ERR_SIGNER_CERTIFICATE: COPY_AGAIN,
	ERR_UNSUPPORTED_ALGORITHM: SIGN_AGAIN,
	ERR_WEAK_DIGEST: SIGN_AGAIN,
	ERR_WEAK_KEY: SIGN_AGAIN,
	ERR_START: `start the program with sigtool-launch or \`${COMMAND} run\`, without options and variables of the runtime`,
	ERR_UNTRUSTED_CODE: "see the code in the event before, or in parentheses in the message",
	ERR_UNTRUSTED_SIGNER: "pin the signer's key in the host configuration, or sign with a key that is pinned",
};

/** Returns what to do about an error, or undefined if only its message tells. */
export function mendOf(code: ErrorCode): string | undefined {
	return MENDS[code];
}

/** The ways out of messages of the launcher. The first whose beginning fits counts. */
const LAUNCHER_MENDS: readonly (readonly [RegExp, string])[] = [
	[/^Cannot follow the link/, "make the link anew as root"],
	[
		/its SHA-256 is/,
		`if its package was upgraded, run \`${COMMAND} launcher install\` again; if not, somebody changed it: restore it first`,
	],
	[/belongs to another user|others may write/, "make root its owner, and let nobody else write there"],
	[/named by another path/, "name the real path, or install again"],
	[/the trust index/, `put the index there, which \`${COMMAND} compile\` makes`],
	[/^Cannot (open|look at|read)/, `run \`${COMMAND} launcher install\` again`],
	[/writable/, 'grant another directory; docs/reference/launcher.md, "--write", lists those that are refused'],
	[/^Cannot enforce strictly/, "use a kernel or a mount that has what is missing, or mode enforce"],
	[/^Cannot (be in mode|allow development)/, "install the launcher with this mode, or with --allow-development"],
	[/audit events/, "free the disk, or make the directory of the events"],
	[/\/proc/, "mount /proc"],
];

export function mendOfLauncher(message: string): string | undefined {
	return LAUNCHER_MENDS.find(([pattern]) => pattern.test(message))?.[1] ?? MENDS.ERR_LAUNCHER;
}
