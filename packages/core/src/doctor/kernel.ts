/**
 * Examines what the kernel offers for enforcement. This module only reads files of /proc and /sys, the kernel's release
 * and its build options.
 */

import { COMMAND } from "../errors.js";
import type { Check, Finding } from "./check.js";
import { NOT_HERE } from "./check.js";
import type { SystemFacts } from "./system.js";

/** `facts` is undefined on systems other than Linux. `fileSystem` is the type of the examined path's file system. */
export function kernelChecks(facts: SystemFacts | undefined, fileSystem: string | undefined): Check[] {
	return KERNEL_CHECKS.map(({ look, ...check }) => {
		return { ...check, ...(facts === undefined ? NOT_HERE : look(facts, fileSystem)) };
	});
}

interface KernelCheck extends Omit<Check, keyof Finding> {
	look(facts: SystemFacts, fileSystem: string | undefined): Finding;
}

const KERNEL_CHECKS: readonly KernelCheck[] = [
	{
		id: "exec-check",
		title: "AT_EXECVE_CHECK",
		meaning: "lets runtimes ask the kernel whether a file may run",
		look: ({ release }) => sinceExecCheck(release, { status: "yes", value: `Linux ${release}, by its version alone` }),
	},
	{
		id: "securebits",
		title: "exec securebits",
		meaning: "tell interpreters to run only files that the kernel would execute",
		look: ({ release }) => {
			return sinceExecCheck(release, { status: "unknown", value: "only prctl(2) can read them, not Node.js" });
		},
	},
	{
		id: "seccomp",
		title: "seccomp",
		meaning: "takes system calls away from programs under enforcement",
		look: seccomp,
	},
	{
		id: "no-new-privileges",
		title: "no_new_privs",
		meaning: "rules out set-id programs; seccomp and Landlock need it",
		look: ({ text }) => {
			const value = statusField(text("/proc/self/status"), "NoNewPrivs");
			if (value === undefined) return { status: "unknown", value: "not listed in /proc/self/status" };
			return value === "1" ? { status: "yes", value: "set" } : { status: "no", value: "not set" };
		},
	},
	{
		id: "landlock",
		title: "Landlock",
		meaning: "keeps programs under enforcement from writing to signed files",
		look: (facts) => activeModule(facts, "landlock", "SECURITY_LANDLOCK"),
	},
	{
		id: "ima",
		title: "IMA",
		meaning: `lets the kernel refuse files by their signature; \`${COMMAND} verify\` does not need it`,
		look: ima,
	},
	{
		id: "evm",
		title: "EVM",
		meaning: `lets the kernel guard owner, mode and attributes; \`${COMMAND} verify\` does not need it`,
		look: evm,
	},
	{
		id: "fs-verity",
		title: "fs-verity",
		meaning: `lets the kernel seal a file; \`${COMMAND} digest\` does not need it`,
		look: fsVerity,
	},
	{
		id: "audit",
		title: "audit",
		meaning: "records who changed what in the kernel's log",
		look: audit,
	},
];

/**
 * Returns `finding` for Linux 6.14 and later releases, because 6.14 introduced both AT_EXECVE_CHECK and SECBIT_EXEC_*.
 * Returns the status `no` for earlier releases, and `unknown` if `release` does not begin with a version.
 */
function sinceExecCheck(release: string, finding: Finding): Finding {
	const [, major, minor] = /^(\d{1,4})\.(\d{1,4})/.exec(release) ?? [];
	if (major === undefined) return { status: "unknown", value: `Linux ${release}` };
	const older = Number(major) < 6 || (Number(major) === 6 && Number(minor) < 14);
	return older ? { status: "no", value: `Linux ${release}, 6.14 is needed` } : finding;
}

function seccomp({ text, option }: SystemFacts): Finding {
	const actions = text("/proc/sys/kernel/seccomp/actions_avail")?.split(/\s+/);
	if (actions === undefined) {
		return option("SECCOMP") === "n" ? ABSENT : { status: "unknown", value: "the kernel does not list its actions" };
	}
	const status = text("/proc/self/status");
	const mode = { "0": "unfiltered", "1": "strict", "2": "filtered" }[statusField(status, "Seccomp") ?? ""];
	const value = `this process is ${mode ?? "in an unknown mode"}`;
	return actions.includes("errno") ? { status: "yes", value } : { status: "partly", value: "it has no action `errno`" };
}

/** Returns the number in the line `Name:\tnumber` of /proc/self/status, or undefined if there is no such line. */
function statusField(status: string | undefined, name: string): string | undefined {
	return new RegExp(`^${name}:\\t(\\d+)$`, "m").exec(status ?? "")?.[1];
}

const ABSENT: Finding = { status: "no", value: "not in this kernel" };
const NO_SECURITYFS = "cannot be read: /sys/kernel/security is not mounted, or not for this user";

function activeModule({ text, option }: SystemFacts, module: string, buildOption: string): Finding {
	const modules = text("/sys/kernel/security/lsm")?.trim().split(",");
	if (modules?.includes(module)) return { status: "yes", value: "active" };
	if (option(buildOption) === "n") return ABSENT;
	if (modules === undefined) return { status: "unknown", value: NO_SECURITYFS };
	return { status: "no", value: "not among the active modules (kernel parameter lsm=)" };
}

/**
 * Returns the finding for a kernel feature whose files under /sys/kernel/security were not found. The feature is absent
 * if other files are found there, or if the kernel was built without it.
 */
function withoutFiles({ exists, option }: SystemFacts, buildOption: string): Finding {
	if (option(buildOption) === "n" || exists("/sys/kernel/security/lsm")) return ABSENT;
	return { status: "unknown", value: NO_SECURITYFS };
}

function ima(facts: SystemFacts): Finding {
	const { text, exists } = facts;
	if (!exists("/sys/kernel/security/ima")) return withoutFiles(facts, "IMA");
	const parameters: readonly string[] =
		(text("/proc/cmdline") ?? "").match(/\bima_(?:policy|appraise)=\S{1,100}/g) ?? [];
	const appraises =
		/^appraise /m.test(text("/sys/kernel/security/ima/policy") ?? "") ||
		(parameters.some((parameter) => /^ima_policy=.*(?:appraise_tcb|secure_boot)/.test(parameter)) &&
			!parameters.includes("ima_appraise=off"));
	const shown = parameters.length === 0 ? "" : ` (${parameters.join(" ")})`;
	return appraises
		? { status: "yes", value: `appraises files${shown}` }
		: { status: "partly", value: `in the kernel; no visible rule appraises files${shown}` };
}

function evm(facts: SystemFacts): Finding {
	const { text, exists } = facts;
	const path = ["/sys/kernel/security/integrity/evm/evm", "/sys/kernel/security/evm"].find((file) => exists(file));
	if (path === undefined) return withoutFiles(facts, "EVM");
	const state = text(path)?.trim();
	if (state === undefined) return { status: "partly", value: "in the kernel; only root can read if it has keys" };
	return state === "0"
		? { status: "partly", value: "in the kernel, without keys" }
		: { status: "yes", value: `has keys (state ${state})` };
}

function fsVerity({ exists, option }: SystemFacts, fileSystem: string | undefined): Finding {
	if (option("FS_VERITY") === "n") return ABSENT;
	if (fileSystem === undefined) return { status: "unknown", value: "the file system is not known" };
	return exists(`/sys/fs/${fileSystem}/features/verity`)
		? { status: "partly", value: `${fileSystem} supports it; this file system may have been made without it` }
		: { status: "no", value: `${fileSystem} does not support it in this kernel` };
}

function audit({ text, exists, option }: SystemFacts): Finding {
	if (!exists("/proc/self/loginuid"))
		return option("AUDIT") === "y" ? { status: "partly", value: "cannot tell who logged in" } : ABSENT;
	if (/\baudit=(?:0|off)\b/.test(text("/proc/cmdline") ?? ""))
		return { status: "no", value: "off (kernel parameter audit=0)" };
	const user = text("/proc/self/loginuid")?.trim();
	return { status: "yes", value: user === UNSET_USER ? "in the kernel; this session has no login" : "in the kernel" };
}

/** The kernel shows this number, (uid_t)-1, for a session without a login. */
const UNSET_USER = "4294967295";
