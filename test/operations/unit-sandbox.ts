/**
 * Obeys the settings of a unit that restrict its processes, where no systemd runs: mounts, user, capabilities, system
 * calls and address families (systemd.exec(5)). It starts ExecStart= in a mount namespace of its own.
 *
 * The settings in LEFT_OUT are not obeyed. They only take away more, of what neither runtime uses: the launcher refuses
 * the same calls itself, or the user has no right to them.
 */

import { readFileSync } from "node:fs";
import { hasHeader, hasProgram, spawnSync } from "../outside.js";
import { parseUnit, type Unit } from "./supervisor.js";

const LEFT_OUT = [
	"LockPersonality",
	"LogRateLimitIntervalSec",
	"MemoryMax",
	"PrivateIPC",
	"ProcSubset",
	"ProtectClock",
	"ProtectControlGroups",
	"ProtectHostname",
	"ProtectKernelLogs",
	"ProtectKernelModules",
	"ProtectKernelTunables",
	"ProtectProc",
	"RestrictNamespaces",
	"RestrictRealtime",
	"RestrictSUIDSGID",
	"SystemCallArchitectures",
];

const OBEYED = [
	"AmbientCapabilities",
	"CapabilityBoundingSet",
	"DynamicUser",
	"EnvironmentFile",
	"ExecStart",
	"InaccessiblePaths",
	"LoadCredential",
	"LogsDirectory",
	"LogsDirectoryMode",
	"NoExecPaths",
	"NoNewPrivileges",
	"PrivateDevices",
	"PrivateTmp",
	"ProtectHome",
	"ProtectSystem",
	"RestrictAddressFamilies",
	"StateDirectory",
	"StateDirectoryMode",
	"SystemCallErrorNumber",
	"SystemCallFilter",
	"TemporaryFileSystem",
	"UMask",
	"WorkingDirectory",
];

/** These settings say when the service starts, and are the supervisor's. */
const OF_SUPERVISOR =
	/^(Description|After|Wants|OnFailure|StartLimit\w+|Restart|RestartSec|RestartSteps|RestartMaxDelaySec|RestartPreventExitStatus|WantedBy)$/;

export interface UnitCommand {
	/** A program and its arguments, which start ExecStart= as systemd would. */
	readonly args: readonly string[];
	/** The file for `seccomp.bpf`, in the form of setpriv(1). */
	readonly filter: Buffer;
}

export interface UnitOptions {
	/** The instance of a template, for %i. */
	readonly instance?: string;
	/** The number of the user whom DynamicUser= makes. */
	readonly user?: number;
	/** Where the filter will be. */
	readonly filterFile: string;
	/** The command in place of ExecStart=. */
	readonly command?: readonly string[];
}

/** @throws Error if the unit has a setting that this file does not know */
export function commandOfUnit(
	text: string,
	{ instance = "", user = 61_200, filterFile, command }: UnitOptions,
): UnitCommand {
	const unit = parseUnit(text.replaceAll("%i", instance));
	for (const name of unit.keys()) {
		if (OF_SUPERVISOR.test(name) || OBEYED.includes(name) || LEFT_OUT.includes(name)) continue;
		throw new Error(`The test of units does not know ${name}=`);
	}
	const setpriv = [
		"setpriv",
		...(isOn(unit, "DynamicUser") ? [`--reuid=${user}`, `--regid=${user}`, "--clear-groups"] : []),
		...capabilities(unit),
		...(isOn(unit, "NoNewPrivileges") ? ["--no-new-privs"] : []),
		// The filter comes last, because it may refuse what the other options need.
		"--",
		"setpriv",
		`--seccomp-filter=${filterFile}`,
		"--",
	];
	const started = command?.join(" ") ?? one(unit, "ExecStart") ?? "";
	const script = ["set -e", ...mounts(unit, user), ...environment(unit), `exec ${setpriv.join(" ")} ${started}`];
	const args = [
		"unshare",
		"-m",
		"env",
		"-i",
		`PATH=${process.env.PATH}`,
		"LANG=C.UTF-8",
		"sh",
		"-c",
		script.join("\n"),
	];
	return { args, filter: seccompFilter(unit) };
}

/** The options of setpriv(1) for the capabilities of the unit. */
function capabilities(unit: Unit): string[] {
	const listed = (setting: string) =>
		words(unit, setting).map((name) => `,+${name.replace(/^CAP_/, "").toLowerCase()}`);
	if (!unit.has("CapabilityBoundingSet")) return [];
	const ambient = listed("AmbientCapabilities").join("");
	return [
		`--bounding-set=-all${listed("CapabilityBoundingSet").join("")}`,
		`--inh-caps=-all${ambient}`,
		...(ambient === "" ? [] : [`--ambient-caps=-all${ambient}`]),
	];
}

/** The lines of a shell script that make the file system of the unit. */
function mounts(unit: Unit, user: number): string[] {
	const lines: string[] = [];
	const owned: string[] = [];
	for (const [setting, base] of [
		["StateDirectory", "/var/lib"],
		["LogsDirectory", "/var/log"],
	] as const) {
		const directories = words(unit, setting);
		const mode = one(unit, `${setting}Mode`) ?? "0755";
		for (const name of directories) {
			const own = `${base}/private/${name}`;
			// The directory of DynamicUser= lies below `private`, and a link leads there.
			// A directory that was there before moves there too.
			lines.push(
				`mkdir -p $(dirname ${own})`,
				`[ ! -d ${base}/${name} ] || [ -L ${base}/${name} ] || [ -e ${own} ] || mv ${base}/${name} ${own}`,
				`mkdir -p ${own} $(dirname ${base}/${name}) && chown -R ${user}:${user} ${own} && chmod ${mode} ${own}`,
				`chmod 0700 ${base}/private`,
				`[ -e ${base}/${name} ] || ln -s ${own} ${base}/${name}`,
			);
			owned.push(own);
		}
		if (directories.length === 0) continue;
		// The unit sees its own directories of `private` alone.
		lines.push(
			`mkdir -p /run/held && mount --bind ${base}/private /run/held && mount -t tmpfs -o mode=0755 none ${base}/private`,
		);
		for (const name of directories) {
			lines.push(`mkdir -p ${base}/private/${name} && mount --bind /run/held/${name} ${base}/private/${name}`);
		}
		lines.push("umount --lazy /run/held");
	}
	for (const credential of words(unit, "LoadCredential")) {
		const [name = "", file = ""] = credential.split(":");
		const copy = `${CREDENTIALS}/${name}`;
		lines.push(`mkdir -p ${CREDENTIALS} && cp ${file} ${copy} && chmod 0400 ${copy} && chown ${user}:${user} ${copy}`);
	}
	if (isOn(unit, "PrivateDevices")) {
		lines.push(
			"mkdir -p /run/dev && mount -t tmpfs -o mode=0755,noexec,nosuid none /run/dev && mkdir /run/dev/shm",
			"for name in null zero full random urandom tty; do : > /run/dev/$name && mount --bind /dev/$name /run/dev/$name; done",
			"mount --bind /dev/shm /run/dev/shm && ln -s /proc/self/fd /run/dev/fd && mount --rbind /run/dev /dev",
		);
	}
	if (isOn(unit, "PrivateTmp")) {
		for (const path of ["/tmp", "/var/tmp"]) lines.push(`mount -t tmpfs -o mode=1777,nosuid,nodev none ${path}`);
		owned.push("/tmp", "/var/tmp");
	}
	for (const entry of words(unit, "TemporaryFileSystem")) {
		const [path = "", options = ""] = entry.split(/:(.*)/);
		lines.push(`mkdir -p ${path} && mount -t tmpfs -o ${options} none ${path}`);
		owned.push(path);
	}
	for (const path of words(unit, "NoExecPaths")) {
		lines.push(`at=$(readlink -f ${path}) && mount --bind $at $at && mount -o remount,bind,noexec $at`);
	}
	const hidden = [
		...words(unit, "InaccessiblePaths"),
		...(isOn(unit, "ProtectHome") ? ["/home", "/root", "/run/user"] : []),
	];
	for (const path of hidden.map((each) => each.replace(/^-/, ""))) {
		lines.push(
			`if [ -d ${path} ]; then mount -t tmpfs -o mode=0 none ${path}; elif [ -e ${path} ]; then mount --bind /dev/null ${path}; fi`,
		);
	}
	if (one(unit, "ProtectSystem") === "strict") {
		const kept = ["/proc", "/sys", "/dev", ...owned].map((path) => `${path}|${path}/*`).join("|");
		lines.push(
			"mount --bind / /  2>/dev/null || true",
			`cut -d' ' -f5 /proc/self/mountinfo | while read -r at; do case $at in ${kept}) ;; *) mount -o remount,bind,ro "$at" ;; esac; done`,
		);
	}
	lines.push(`cd ${one(unit, "WorkingDirectory") ?? "/"}`, `umask ${one(unit, "UMask") ?? "0022"}`);
	return lines;
}

/** Splits a variable without quotes into words, as ExecStart= does. */
function environment(unit: Unit): string[] {
	return [
		...words(unit, "EnvironmentFile").map((file) => `set -a; . ${file}; set +a`),
		...words(unit, "StateDirectory").map((name) => `export STATE_DIRECTORY=/var/lib/${name}`),
		`export CREDENTIALS_DIRECTORY=${CREDENTIALS}`,
	];
}

const CREDENTIALS = "/run/credentials";

const NUMBERS = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";
/** PrivateTmp= would hide a checkout below /tmp from the programs of a unit. */
export const canFilter =
	!/^\/(var\/)?tmp\//.test(import.meta.dirname) &&
	hasProgram("systemd-analyze") &&
	spawnSync("setpriv", ["--help"], { encoding: "utf8" }).stdout.includes("--seccomp-filter") &&
	hasHeader("asm/unistd_64.h");

const [LOAD, JUMP_IF_EQUAL, RETURN] = [0x20, 0x15, 0x06];
const [ALLOW, FAIL] = [0x7fff0000, 0x00050000];
const [EPERM, EAFNOSUPPORT] = [1, 97];

/** A program for seccomp(2) that allows the calls of SystemCallFilter= and the families of RestrictAddressFamilies=. */
function seccompFilter(unit: Unit): Buffer {
	const calls = new Map(
		[...readFileSync(NUMBERS, "utf8").matchAll(/^#define __NR_(\w+) (\d+)$/gm)].map(([, name = "", number]) => [
			name,
			Number(number),
		]),
	);
	const listed = words(unit, "SystemCallFilter");
	const refused = callsOf(listed.filter((name) => name.startsWith("~")).map((name) => name.slice(1)));
	// setpriv(1) sets its own capabilities again under the filter, which gives it none.
	refused.delete("capset");
	// systemd allows @default with every list.
	const allowed = callsOf(["@default", ...listed.filter((name) => !name.startsWith("~"))]);
	const program: [code: number, ifTrue: number, ifFalse: number, value: number][] = [[LOAD, 0, 0, 0]];
	const families = words(unit, "RestrictAddressFamilies");
	if (families.length > 0) {
		program.push([JUMP_IF_EQUAL, 0, families.length * 2 + 3, calls.get("socket") ?? 0], [LOAD, 0, 0, 16]);
		for (const family of families)
			program.push([JUMP_IF_EQUAL, 0, 1, FAMILIES[family] ?? Number.NaN], [RETURN, 0, 0, ALLOW]);
		program.push([RETURN, 0, 0, FAIL | EAFNOSUPPORT], [LOAD, 0, 0, 0]);
	}
	for (const name of allowed) {
		const number = calls.get(name);
		if (number !== undefined && !refused.has(name)) program.push([JUMP_IF_EQUAL, 0, 1, number], [RETURN, 0, 0, ALLOW]);
	}
	program.push([RETURN, 0, 0, FAIL | EPERM]);
	const bytes = Buffer.alloc(program.length * 8);
	for (const [i, [code, ifTrue, ifFalse, value]] of program.entries()) {
		bytes.writeUInt16LE(code, i * 8);
		bytes.writeUInt8(ifTrue, i * 8 + 2);
		bytes.writeUInt8(ifFalse, i * 8 + 3);
		bytes.writeUInt32LE(value, i * 8 + 4);
	}
	return bytes;
}

const FAMILIES: Readonly<Record<string, number>> = { AF_UNIX: 1, AF_INET: 2, AF_INET6: 10, AF_NETLINK: 16 };

/** Returns the calls of groups such as @system-service. */
function callsOf(names: readonly string[]): Set<string> {
	const found = new Set<string>();
	const waiting = [...names];
	for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
		if (found.has(name)) continue;
		found.add(name);
		if (!name.startsWith("@")) continue;
		const { stdout } = spawnSync("systemd-analyze", ["syscall-filter", "--no-pager", name], { encoding: "utf8" });
		waiting.push(
			...stdout
				.split("\n")
				.slice(1)
				.map((line) => line.trim())
				.filter((line) => /^@?\w[\w-]*$/.test(line)),
		);
	}
	return found;
}

function isOn(unit: Unit, name: string): boolean {
	return one(unit, name) === "yes";
}

function one(unit: Unit, name: string): string | undefined {
	return unit.get(name)?.at(-1);
}

function words(unit: Unit, name: string): string[] {
	return (unit.get(name) ?? []).flatMap((value) => value.split(/\s+/)).filter((word) => word !== "");
}
