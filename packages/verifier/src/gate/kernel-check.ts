/**
 * Whether the kernel would execute an open file: AT_EXECVE_CHECK (Linux 6.14) through the native addon; without it what
 * /proc says of the file's mount, by which noexec is found and a file that is open for writing is not.
 */

import { SigtoolError } from "@sigtool/core/read";
import { indexOf, readFileSync, slice } from "../safe/primordials.js";

/** The native addon's part. */
export interface KernelAddon {
	/** Whether the kernel can be asked (Linux 6.14). Until this was called it is not, but for mounts. */
	kernelAnswers(): boolean;
	/** Why the kernel would not execute an open file; undefined where it would, or nobody can tell. */
	kernelObjection(descriptor: number): string | undefined;
	/**
	 * Text in UTF-8, a byte order mark included, of a regular file of at most so many bytes, at an absolute path without
	 * links. Undefined for any other file, and when anything fails. `facts`: 32 bytes of SHA-256, and 1 where the kernel has no
	 * objection.
	 */
	readPlainFile?(path: string, maxBytes: number, facts: Uint8Array): string | undefined;
	/** The same of a package.json, in place of its text 0, 1 for commonjs or 2 for module, by its `type`; -1: nothing is there. */
	readPackageType?(path: string, maxBytes: number, facts: Uint8Array): number | undefined;
	/** As `FindRecord` of a trust index; spelt out, as published types name no other package. */
	findRecord?(
		bytes: Uint8Array,
		recordsStart: number,
		namesStart: number,
		namesEnd: number,
		first: number,
		end: number,
		path: string,
	): number;
	/** One line to /dev/log, waiting for nobody; whether it was taken. */
	logToSystem?(line: string, isRefusal: boolean): boolean;
	/** Ends all threads, whichever calls. */
	exitProcess(status: number): never;
}

/** Something that is enforced when a file is opened, or is not, and how or why. */
export interface Capability {
	readonly name: string;
	readonly enforced: boolean;
	readonly detail: string;
}

/** `require`: start without the addon's check is refused. `log`: what can be asked is asked. `off`: nothing is asked. */
export type KernelRule = "require" | "log" | "off";

export interface KernelCheck {
	/** Why the kernel would not execute the file; undefined when it would, or nobody can tell. */
	objection(descriptor: number, device: number): string | undefined;
	/** The same of a file that the addon has read, and knows an objection to or none. */
	admits(isExecutable: boolean): boolean;
	readonly capabilities: readonly Capability[];
}

/** @throws ERR_KERNEL_CHECK when `require` cannot be met */
export function createKernelCheck(rule: KernelRule, addon: KernelAddon | undefined): KernelCheck {
	if (rule === "off") return { objection: () => undefined, admits: () => true, capabilities: capabilities(OFF, OFF) };
	const answers = addon?.kernelAnswers() === true;
	const missing = addon === undefined ? "the native addon is missing; run `sigtool native build`" : "Linux before 6.14";
	if (rule === "require" && !answers) {
		const message = `Cannot ask the kernel about code, which the policy requires: ${missing}`;
		throw new SigtoolError("ERR_KERNEL_CHECK", message);
	}
	const isLinux = process.platform === "linux";
	return {
		objection: addon?.kernelObjection ?? (isLinux ? objectionByMount() : () => undefined),
		admits: (isExecutable) => isExecutable,
		capabilities: capabilities(
			[isLinux, isLinux ? "as the kernel says of the mount" : "only Linux says"],
			[answers, answers ? "as the kernel says of files with an execute bit" : missing],
		),
	};
}

type Enforcement = readonly [enforced: boolean, detail: string];
const OFF: Enforcement = [false, "the policy asks for no kernel check"];

function capabilities(noexec: Enforcement, openForWriting: Enforcement): readonly Capability[] {
	const isLinux = process.platform === "linux";
	const realPath: Enforcement = [isLinux, isLinux ? "from the descriptor" : "looked up again; only Linux says"];
	const all: readonly (readonly [name: string, ...Enforcement])[] = [
		["signed content", true, "one read, one digest, by product and path"],
		["signed links", true, "each one on the way, inside a product"],
		["real path", ...realPath],
		["noexec mounts", ...noexec],
		["files open for writing", ...openForWriting],
	];
	return all.map(([name, enforced, detail]) => ({ name, enforced, detail }));
}

interface Mounts {
	/** By device: whether a mount of it is noexec. */
	readonly devices: { [device: number]: boolean | undefined };
	/** By mount id: whether it is noexec. */
	readonly ids: { [id: string]: boolean | undefined };
}

function objectionByMount(): KernelCheck["objection"] {
	const isNoexec = noexecMounts();
	return (descriptor, device) => (isNoexec(descriptor, device) ? "its mount is noexec" : undefined);
}

/**
 * Only where some mount of a file's device is noexec, the file's own mount is looked up. Mounts made later are found,
 * mounts made noexec later are not: that takes root.
 */
function noexecMounts(): (descriptor: number, device: number) => boolean {
	let mounts = readMounts();
	return (descriptor, device) => {
		const key = deviceKey((device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00));
		if (mounts.devices[key] === undefined) {
			mounts = readMounts();
			mounts.devices[key] ??= true; // Some file systems give files other devices than mountinfo says.
		}
		if (mounts.devices[key] === false) return false;
		const id = mountIdOf(descriptor);
		if (mounts.ids[id] === undefined) mounts = readMounts();
		return mounts.ids[id] ?? true;
	};
}

/** The line `mnt_id:\t24` of proc_pid_fdinfo(5). */
function mountIdOf(descriptor: number): string {
	const text = readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1");
	const start = indexOf(text, "mnt_id:") + 8;
	return slice(text, start, indexOf(text, "\n", start));
}

/** `36 35 98:0 /root /mount/point rw,noexec …`: proc_pid_mountinfo(5). Spaces in names are escaped. */
function readMounts(): Mounts {
	const mounts = { devices: { __proto__: null }, ids: { __proto__: null } } as unknown as Mounts; // No type says "no prototype".
	const text = readFileSync("/proc/self/mountinfo", "latin1");
	for (let end = 0; end < text.length; end = indexOf(text, "\n", end) + 1) {
		const id = field();
		field();
		const device = field();
		field();
		field();
		const isNoexec = indexOf(`,${field()},`, ",noexec,") !== -1;
		const colon = indexOf(device, ":");
		const key = deviceKey(+slice(device, 0, colon), +slice(device, colon + 1));
		mounts.ids[id] = isNoexec;
		mounts.devices[key] = isNoexec || mounts.devices[key] === true;

		function field(): string {
			const start = end;
			end = indexOf(text, " ", start) + 1;
			return slice(text, start, end - 1);
		}
	}
	return mounts;
}

function deviceKey(major: number, minor: number): number {
	return major * 2 ** 20 + minor;
}
