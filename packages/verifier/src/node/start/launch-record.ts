/**
 * What the launcher hands over: the trust index on descriptor 3, and on 4 a record of what it decided, both in sealed
 * memory that the kernel lets nobody change.
 */

import fs from "node:fs";
import process from "node:process";
import { MAX_TRUST_INDEX_BYTES, type Mode, SigtoolError } from "@sigtool/core/read";
import { MODES } from "../../host/config.js";

export interface LaunchRecord {
	readonly mode: Mode;
	readonly development: "refuse" | "allow";
	/** Host configuration. */
	readonly config: string;
	/** Script the launcher was asked to run, absolute. */
	readonly script: string;
	/** The native addon, which the launcher held against its digest. */
	readonly addon: string | undefined;
	/** Directories the program may write below. */
	readonly write: readonly string[];
	/** What the kernel could not give, e.g. `landlock`. */
	readonly missing: readonly string[];
}

export interface Launch {
	readonly record: LaunchRecord;
	readonly index: Uint8Array;
}

const VARIABLE = "SIGTOOL_LAUNCH";
const INDEX_DESCRIPTOR = 3;
const RECORD_DESCRIPTOR = 4;
const MAX_RECORD_BYTES = 65_536;

/** `undefined` when no launcher started this process. Closes what it read. @throws ERR_LAUNCH_RECORD */
export function takeLaunch(): Launch | undefined {
	const announced = process.env[VARIABLE];
	if (announced === undefined) return undefined;
	delete process.env[VARIABLE];
	if (announced !== `${INDEX_DESCRIPTOR}:${RECORD_DESCRIPTOR}`) throw malformed("it names other descriptors");
	const record = parseLaunchRecord(takeMemory(RECORD_DESCRIPTOR, MAX_RECORD_BYTES));
	return { record, index: takeMemory(INDEX_DESCRIPTOR, MAX_TRUST_INDEX_BYTES) };
}

/** Lines `key value`. @throws ERR_LAUNCH_RECORD */
export function parseLaunchRecord(bytes: Uint8Array): LaunchRecord {
	const values = new Map<string, string[]>();
	for (const line of new TextDecoder("utf-8", { fatal: true }).decode(bytes).split("\n").slice(0, -1)) {
		const space = line.indexOf(" ");
		const key = line.slice(0, space);
		if (space < 1 || !KEYS.has(key)) throw malformed(`it has an unknown line`);
		values.set(key, [...(values.get(key) ?? []), line.slice(space + 1)]);
	}
	const one = (key: string) => {
		const [value, ...others] = values.get(key) ?? [];
		if (value === undefined || others.length > 0) throw malformed(`it does not have one "${key}"`);
		return value;
	};
	if (one("version") !== "1") throw malformed("it has another version");
	if (one("node-major") !== process.versions.node.split(".")[0]) throw malformed("it is for another Node.js");
	const mode = MODES.find((each) => each === one("mode"));
	const development = one("development");
	const addon = values.has("addon") ? one("addon") : undefined;
	if (mode === undefined) throw malformed("its mode is none");
	if (development !== "allow" && development !== "refuse") throw malformed(`its "development" is neither`);
	return {
		mode,
		development,
		config: one("config"),
		script: one("script"),
		addon,
		write: values.get("write") ?? [],
		missing: values.get("missing") ?? [],
	};
}
const KEYS = new Set(["version", "mode", "script", "node-major", "config", "development", "addon", "write", "missing"]);

/** The link of a memfd says what it is; that it is sealed the launcher saw to. */
function takeMemory(descriptor: number, maxBytes: number): Uint8Array {
	try {
		const link = fs.readlinkSync(`/proc/self/fd/${descriptor}`);
		const { size } = fs.fstatSync(descriptor);
		if (!/^\/memfd:sigtool-[\w-]+ \(deleted\)$/.test(link))
			throw malformed(`descriptor ${descriptor} is something else`);
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
	return new SigtoolError("ERR_LAUNCH_RECORD", `Cannot use the launch record: ${reason}; start with \`sigtool run\``);
}
