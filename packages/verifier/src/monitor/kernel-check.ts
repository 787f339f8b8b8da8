/**
 * Asks the kernel whether it would execute an open file, by AT_EXECVE_CHECK (Linux 6.14) through the native addon. If
 * the addon is missing, the file's mount is looked up in /proc. This look-up finds noexec mounts, but it does not find
 * out that a file is open for writing.
 */

import { COMMAND } from "@sigtool/core/internal/read";
import { SigtoolError } from "@sigtool/core/read";
import { indexOf, readFileSync, slice } from "../safe/primordials.js";

/** The functions of the native addon. native/addon/exports-*.c has them. */
export interface KernelAddon {
	/**
	 * Tells whether the kernel has AT_EXECVE_CHECK. Until this function is called, `kernelObjection` checks only
	 * mounts.
	 */
	kernelAnswers(): boolean;
	/**
	 * Returns why the kernel would not execute an open file. Undefined if the kernel would execute the file, or if the
	 * kernel cannot be asked.
	 */
	kernelObjection(descriptor: number): string | undefined;
	/**
	 * Reads a regular file of at most `maxBytes` bytes as UTF-8 text, with its byte order mark. Fills `facts` with 32 bytes
	 * of SHA-256 and one more byte. This byte is the sum of 1 if the kernel would execute the file, 2 if root owns it, and 4
	 * if its mode lets neither its group nor others write it. Returns undefined if the file is not regular or is too large,
	 * if `path` is not its real path, or on any failure.
	 */
	readRegularFile?(path: string, maxBytes: number, facts: Uint8Array): string | undefined;
	/**
	 * Reads a package.json like `readRegularFile`, but returns its `type`: 0 none, 1 commonjs, 2 module. Returns -1 if
	 * the file does not exist.
	 */
	readPackageType?(path: string, maxBytes: number, facts: Uint8Array): number | undefined;
	/** Core's `FindRecord`. It is spelled out because the published types must not refer to another package. */
	findRecord?(
		bytes: Uint8Array,
		recordsStart: number,
		namesStart: number,
		namesEnd: number,
		first: number,
		end: number,
		path: string,
	): number;
	/**
	 * Keeps the index of an open file in memory that no thread can write to, once in the life of the process. If nobody
	 * can change or shorten the file (`isFixed`, or a sealed memfd), the file itself is mapped. Returns false if the
	 * index is not kept.
	 */
	keepIndex?(descriptor: number, isFixed: boolean): boolean;
	/** Returns the index that any thread has kept. A write to the buffer ends the process. */
	keptIndex?(): ArrayBuffer | undefined;
	/** Sends one line to /dev/log without blocking. Returns false if the log did not accept it. */
	logToSystem?(line: string, isRefusal: boolean): boolean;
	/** Takes over the way to the collector that the launcher passes. Returns false if there is none. */
	openChannel?(): boolean;
	/**
	 * Sends lines of JSON, separated by line feeds, to the collector. Waits until they are written if `waits` is true.
	 * Returns 0, or the number of a system error.
	 */
	sendEvents?(lines: Uint8Array, waits: boolean): number;
	/** Returns "" if the native gate is in front of this process, else why not. Undefined if there is no gate. */
	gateLacks?(): string | undefined;
	/** Compiles WebAssembly that a signature names. Where there is a native gate, nothing else can compile WebAssembly. */
	compileWasm?(bytes: Uint8Array): object | undefined;
	/** Ends all threads of the process, whichever thread calls it. */
	exitProcess(status: number): never;
}

/** One property that may be enforced. `detail` says how it is enforced, or why it is not. */
export interface Capability {
	readonly name: string;
	readonly enforced: boolean;
	readonly detail: string;
}

/**
 * The value `require` refuses to start without AT_EXECVE_CHECK, `log` makes the checks that this kernel supports, and
 * `off` makes no check.
 */
export type KernelRule = "require" | "log" | "off";

export interface KernelCheck {
	/**
	 * Returns why the kernel would not execute the file. Undefined if it would execute the file, or cannot be asked.
	 */
	objection(descriptor: number, device: number): string | undefined;
	/** Tells whether a file that the addon read may run. `isExecutable` is true if the kernel has no objection. */
	admits(isExecutable: boolean): boolean;
	readonly capabilities: readonly Capability[];
}

/** @throws ERR_KERNEL_CHECK if the rule is `require` and the kernel cannot be asked */
export function createKernelCheck(rule: KernelRule, addon: KernelAddon | undefined): KernelCheck {
	if (rule === "off") return { objection: () => undefined, admits: () => true, capabilities: capabilities(OFF, OFF) };
	const answers = addon?.kernelAnswers() === true;
	const missing =
		addon === undefined
			? `the native addon is missing; \`${COMMAND} doctor\` says why`
			: "this needs Linux 6.14 or later";
	if (rule === "require" && !answers) {
		const message = `Cannot ask the kernel about files, as the policy requires: ${missing}`;
		throw new SigtoolError("ERR_KERNEL_CHECK", message);
	}
	const isLinux = process.platform === "linux";
	return {
		objection: addon?.kernelObjection ?? (isLinux ? objectionByMount() : () => undefined),
		admits: (isExecutable) => isExecutable,
		capabilities: capabilities(
			[isLinux, isLinux ? "the kernel knows the mount" : "only on Linux"],
			[answers, answers ? "for files with an execute bit" : missing],
		),
	};
}

type Enforcement = readonly [enforced: boolean, detail: string];
const OFF: Enforcement = [false, "the policy asks for no kernel check"];

function capabilities(noexec: Enforcement, openForWriting: Enforcement): readonly Capability[] {
	const isLinux = process.platform === "linux";
	const realPath: Enforcement = [isLinux, isLinux ? "from the descriptor" : "by resolving the path again"];
	const all: readonly (readonly [name: string, ...Enforcement])[] = [
		["signed content", true, "read and hashed once, then looked up by product and path"],
		["signed links", true, "every link on the path, inside a product"],
		["real path", ...realPath],
		["noexec mounts", ...noexec],
		["files open for writing", ...openForWriting],
	];
	return all.map(([name, enforced, detail]) => ({ name, enforced, detail }));
}

interface Mounts {
	/** True for a device that has a noexec mount. */
	readonly devices: { [device: number]: boolean | undefined };
	/** True for a mount that is noexec. The key is its mount ID. */
	readonly ids: { [id: string]: boolean | undefined };
}

function objectionByMount(): KernelCheck["objection"] {
	const isNoexec = noexecMounts();
	return (descriptor, device) => (isNoexec(descriptor, device) ? "its mount is noexec" : undefined);
}

/**
 * Looks up a file's mount only if the file's device has a noexec mount. /proc is read again for an unknown device or
 * mount. So a new mount is found. But the first noexec mount of a known device may be missed, and so may a mount that
 * root changed to noexec after the start.
 */
function noexecMounts(): (descriptor: number, device: number) => boolean {
	let mounts = readMounts();
	return (descriptor, device) => {
		const key = deviceKey((device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00));
		if (mounts.devices[key] === undefined) {
			mounts = readMounts();
			// On some file systems stat() gives a device that mountinfo does not list. Such a device counts as one with
			// a noexec mount, so the file's mount is looked up.
			mounts.devices[key] ??= true;
		}
		if (mounts.devices[key] === false) return false;
		const id = mountIdOf(descriptor);
		if (mounts.ids[id] === undefined) mounts = readMounts();
		return mounts.ids[id] ?? true;
	};
}

// For UTF-8 readFileSync() is one native call. For any other encoding it calls functions that a program can replace.

/** Reads the mount ID from the line `mnt_id:\t24`; see proc_pid_fdinfo(5). */
function mountIdOf(descriptor: number): string {
	const text = readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
	const start = indexOf(text, "mnt_id:") + 8;
	return slice(text, start, indexOf(text, "\n", start));
}

/**
 * Reads lines such as `36 35 98:0 /root /mount/point rw,noexec …`; see proc_pid_mountinfo(5). Spaces in names are
 * escaped.
 */
function readMounts(): Mounts {
	// The type assertion is needed because no type expresses a missing prototype.
	const mounts = { devices: { __proto__: null }, ids: { __proto__: null } } as unknown as Mounts;
	const text = readFileSync("/proc/self/mountinfo", "utf8");
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
