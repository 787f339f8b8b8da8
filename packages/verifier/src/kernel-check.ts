/**
 * Whether the kernel would execute an open file: AT_EXECVE_CHECK (Linux 6.14) through the native addon; without it what
 * /proc says of the file's mount, by which noexec is found and a file that is open for writing is not.
 */

import { SigtoolError } from "@sigtool/core/read";
import { closeSync, indexOf, O_RDONLY, openSync, readFileSync, slice } from "./primordials.js";

/** The native addon's part: 0, or the errno that execveat(2) gave. ENOSYS and EINVAL: the kernel is too old. */
export interface KernelAddon {
	execveCheck(descriptor: number): number;
	/**
	 * Text in UTF-8, a byte order mark included, of a regular file of at most so many bytes, at an absolute path without
	 * links. Undefined for any other file, and when anything fails. `facts`: 32 bytes of SHA-256, what `execveCheck` answers, and 1
	 * where the mount is noexec.
	 */
	readPlainFile?(path: string, maxBytes: number, facts: Uint8Array): string | undefined;
	/** The same of a package.json, in place of its text 0, 1 for commonjs or 2 for module, by its `type`; -1: nothing is there. */
	readPackageType?(path: string, maxBytes: number, facts: Uint8Array): number | undefined;
	/** Whether an open file's mount is noexec; also where nobody can tell. */
	isNoexec(descriptor: number): boolean;
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
	/** prctl(PR_GET_SECUREBITS). */
	securebits(): number;
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
	/** The same of a file that the addon has read. `answer`: of `execveCheck`. */
	admits(answer: number, isNoexec: boolean): boolean;
	readonly capabilities: readonly Capability[];
}

const EACCES = 13;
const EINVAL = 22;
const ETXTBSY = 26;
const ENOSYS = 38;
/** SECBIT_EXEC_RESTRICT_FILE: a file without an execute bit is not to be run. include/uapi/linux/securebits.h */
const SECBIT_EXEC_RESTRICT_FILE = 0x100;

/** @throws ERR_KERNEL_CHECK when `require` cannot be met */
export function createKernelCheck(rule: KernelRule, addon: KernelAddon | undefined): KernelCheck {
	if (rule === "off") return { objection: () => undefined, admits: () => true, capabilities: capabilities(OFF, OFF) };
	const meaning = addon === undefined ? undefined : meaningOfAnswers(addon);
	const asked = meaning === undefined ? undefined : addon?.execveCheck;
	const missing = addon === undefined ? "the native addon is missing; run `sigtool native build`" : "Linux before 6.14";
	if (rule === "require" && asked === undefined) {
		const message = `Cannot ask the kernel about code, which the policy requires: ${missing}`;
		throw new SigtoolError("ERR_KERNEL_CHECK", message);
	}
	const isNoexec = addon?.isNoexec ?? (process.platform === "linux" ? noexecMounts() : undefined);
	return {
		objection(descriptor, device) {
			if (isNoexec?.(descriptor, device) === true) return "its mount is noexec";
			return asked === undefined ? undefined : meaning?.(asked(descriptor));
		},
		admits: (answer, isNoexec) => !isNoexec && meaning?.(answer) === undefined,
		capabilities: capabilities(
			[isNoexec !== undefined, isNoexec === undefined ? "only Linux says" : "as the kernel says of the mount"],
			[asked !== undefined, asked === undefined ? missing : "as the kernel says of files with an execute bit"],
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

/** Undefined when this kernel knows no AT_EXECVE_CHECK. */
function meaningOfAnswers(addon: KernelAddon): ((errno: number) => string | undefined) | undefined {
	const self = openSync(process.execPath, O_RDONLY);
	const answer = addon.execveCheck(self);
	closeSync(self);
	if (answer === ENOSYS || answer === EINVAL) return undefined;
	const needsExecuteBit = (addon.securebits() & SECBIT_EXEC_RESTRICT_FILE) !== 0;
	return (errno) => {
		if (errno === 0) return undefined;
		if (errno === ETXTBSY) return "it is open for writing";
		// Nearly no package has execute bits: only a host that asked for them refuses what has none.
		if (errno === EACCES) return needsExecuteBit ? "it has no execute bit, which this host demands" : undefined;
		return `execveat(2) failed with errno ${errno}`;
	};
}

interface Mounts {
	/** By device: whether a mount of it is noexec. */
	readonly devices: { [device: number]: boolean | undefined };
	/** By mount id: whether it is noexec. */
	readonly ids: { [id: string]: boolean | undefined };
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
