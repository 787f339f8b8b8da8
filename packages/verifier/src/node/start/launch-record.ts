/**
 * Reads what the launcher passes on: the trust index on descriptor 3, and the record of its decisions on descriptor 4.
 * Both are in sealed memory (memfd), which no process can change, or the index is a file of root that all processes
 * share.
 */

import fs from "node:fs";
import process from "node:process";
import { COMMAND, DESCRIPTORS, MAX_RECORD_BYTES, MAX_TRUST_INDEX_BYTES } from "@sigtool/core/internal/read";
import { type IndexDigests, MODES, type Mode, SigtoolError } from "@sigtool/core/read";
import { loadKernelAddon } from "../../gate/kernel-addon.js";
import { type IndexMemory, readIndexMemory } from "./index-memory.js";

export interface LaunchRecord {
	readonly mode: Mode;
	readonly development: "refuse" | "allow";
	/** The path of the host configuration. */
	readonly config: string;
	/** The absolute path of the script that the launcher was asked to run. */
	readonly script: string;
	/** The file for events, in which a configuration that is refused is an event too. */
	readonly audit: string | undefined;
	/** True if a collector writes to that file, and this process cannot. */
	readonly collects: boolean;
	/** The SHA-256 of the hook, which the launcher checked. */
	readonly hookSha256: string;
	/** The path of the native addon, and its SHA-256, which the launcher checked. */
	readonly addon: string | undefined;
	readonly addonSha256: string | undefined;
	/** True if the launcher asked the loader for the native gate. */
	readonly hasGate: boolean;
	/** The directories below which the program may write. */
	readonly write: readonly string[];
	/** The real paths of the roots of signed trees that links lead to, by the path of the root. */
	readonly roots: ReadonlyMap<string, string>;
	/** The protections of the launcher that this kernel lacks, e.g. `landlock`. */
	readonly missing: readonly string[];
	/**
	 * The digests of the trust index, if the index is a file that processes share. The user root computed them when root
	 * made the file, so this process does not compute them again.
	 */
	readonly shared: IndexDigests | undefined;
}

export interface Launch {
	readonly record: LaunchRecord;
	readonly index: IndexMemory;
}

const VARIABLE = "SIGTOOL_LAUNCH";

/**
 * Reads the index and the record, and closes their descriptors. Returns undefined if no launcher started this process.
 * @throws ERR_LAUNCH_RECORD
 */
export function takeLaunch(): Launch | undefined {
	const announced = process.env[VARIABLE];
	if (announced === undefined) return undefined;
	delete process.env[VARIABLE];
	const descriptors = `${DESCRIPTORS.index}:${DESCRIPTORS.record}`;
	if (announced !== descriptors && announced !== `${descriptors}:gate`) throw malformed("it names other descriptors");
	const record = parseLaunchRecord(takeMemory(DESCRIPTORS.record, MAX_RECORD_BYTES));
	// The loader starts Node.js also if it could not load the gate, for want of memory or of descriptors.
	if (record.hasGate && announced === descriptors) throw malformed("the gate that it names was not loaded");
	return { record, index: takeIndex(record) };
}

/** Parses lines of the form `key value`. @throws ERR_LAUNCH_RECORD */
function parseLaunchRecord(bytes: Uint8Array): LaunchRecord {
	const values = new Map<string, string[]>();
	for (const line of new TextDecoder("utf-8", { fatal: true }).decode(bytes).split("\n").slice(0, -1)) {
		const space = line.indexOf(" ");
		const key = line.slice(0, space);
		if (space < 1 || !KEYS.has(key)) throw malformed(`it has an unknown line`);
		values.set(key, [...(values.get(key) ?? []), line.slice(space + 1)]);
	}
	const one = (key: string) => {
		const [value, ...others] = values.get(key) ?? [];
		if (value === undefined || others.length > 0) throw malformed(`it needs exactly one line "${key}"`);
		return value;
	};
	if (one("version") !== "1") throw malformed("it has another version");
	if (one("node-major") !== process.versions.node.split(".")[0])
		throw malformed(`it is for another release of Node.js; run \`${COMMAND} launcher install\` again`);
	const mode = MODES.find((each) => each === one("mode"));
	const development = one("development");
	const optional = (key: string) => (values.has(key) ? one(key) : undefined);
	if (mode === undefined) throw malformed("its mode is unknown");
	if (development !== "allow" && development !== "refuse")
		throw malformed(`its "development" is neither allow nor refuse`);
	return {
		mode,
		development,
		config: one("config"),
		script: one("script"),
		audit: optional("audit"),
		collects: optional("collector") !== undefined,
		hookSha256: one("hook-sha256"),
		addon: optional("addon"),
		addonSha256: optional("addon-sha256"),
		hasGate: optional("gate-sha256") !== undefined,
		write: values.get("write") ?? [],
		roots: new Map((values.get("root") ?? []).map(rootOf)),
		missing: values.get("missing") ?? [],
		shared: values.has("shared") ? digestsOf(one("shared")) : undefined,
	};
}

function digestsOf(value: string): IndexDigests {
	const [, index, content] = /^([0-9a-f]{64}) ([0-9a-f]{64})$/.exec(value) ?? [];
	if (index === undefined || content === undefined) throw malformed(`its line "shared" names no two digests`);
	return { index, content };
}

function rootOf(value: string): [path: string, real: string] {
	const tab = value.indexOf("\t");
	if (tab === -1) throw malformed(`a line "root" names no real path`);
	return [value.slice(0, tab), value.slice(tab + 1)];
}

const KEYS = new Set([
	...["version", "mode", "script", "node-major", "config", "development", "audit", "collector", "root", "hook-sha256"],
	...["addon", "addon-sha256", "gate-sha256", "write", "missing", "shared"],
]);

function takeIndex({ addon, shared }: LaunchRecord): IndexMemory {
	try {
		const size = shared === undefined ? sizeOfMemory(DESCRIPTORS.index) : sizeOfRootsFile(DESCRIPTORS.index);
		if (size > MAX_TRUST_INDEX_BYTES) throw malformed(`descriptor ${DESCRIPTORS.index} holds too much`);
		return readIndexMemory(DESCRIPTORS.index, size, loadKernelAddon(addon), shared);
	} finally {
		fs.closeSync(DESCRIPTORS.index);
	}
}

/** Returns the size of a sealed memfd of the launcher, which is recognised by its link in /proc. */
function sizeOfMemory(descriptor: number): number {
	const link = fs.readlinkSync(`/proc/self/fd/${descriptor}`);
	if (/^\/memfd:sigtool-[\w-]+ \(deleted\)$/.test(link)) return fs.fstatSync(descriptor).size;
	throw malformed(`descriptor ${descriptor} is not the launcher's memory`);
}

/** Returns the size of a file that only root can write to. The launcher has judged the directories above it. */
function sizeOfRootsFile(descriptor: number): number {
	const stats = fs.fstatSync(descriptor);
	if (stats.isFile() && stats.uid === 0 && (stats.mode & 0o022) === 0) return stats.size;
	throw malformed(`descriptor ${descriptor} is no file that only root can write to`);
}

function takeMemory(descriptor: number, maxBytes: number): Uint8Array {
	try {
		const size = sizeOfMemory(descriptor);
		if (size > maxBytes) throw malformed(`descriptor ${descriptor} holds too much`);
		const bytes = new Uint8Array(size);
		for (let filled = 0; filled < size; ) {
			const count = fs.readSync(descriptor, bytes, filled, size - filled, filled);
			if (count === 0) throw malformed(`descriptor ${descriptor} ends early`);
			filled += count;
		}
		return bytes;
	} finally {
		fs.closeSync(descriptor);
	}
}

function malformed(reason: string): SigtoolError {
	return new SigtoolError(
		"ERR_LAUNCH_RECORD",
		`Cannot use the launch record: ${reason}; start with \`${COMMAND} run\``,
	);
}
