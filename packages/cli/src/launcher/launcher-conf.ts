/**
 * Reads and writes `launcher.conf`, which sigtool-launch reads from the directory in which it is installed. Each line
 * is `key value`, and the first line is `version 1`. docs/reference/launcher.md explains the keys, and core's trust/schema.ts has
 * their table. packages/verifier/native/launch/settings.c is the other reader.
 */

import { realpathSync, statSync } from "node:fs";
import { digestFile, type Policy } from "@sigtool/core";
import { type LauncherDocument, launcherFromFileBytes, readBounded } from "@sigtool/core/internal";
import { ioError, quote, reasonOf, SigtoolError } from "@sigtool/core/internal/errors";

/** The real path of a file, and its SHA-256 in lower-case hexadecimal. */
export type PinnedFile = NonNullable<LauncherDocument["node"]>;

/** Features that a policy can refuse. The launcher then also passes a flag to Node.js that refuses the feature. */
export type RefusedByFlag = "string-code" | "addons" | "workers";
const REFUSABLE: readonly RefusedByFlag[] = ["string-code", "addons", "workers"];

export interface LauncherConf {
	readonly mode: LauncherDocument["mode"];
	readonly development: LauncherDocument["development"];
	/** Node.js. This member and those up to `gate` are undefined if only CPython is launched. */
	readonly node: PinnedFile | undefined;
	readonly nodeMajor: number | undefined;
	/**
	 * The identity of the node file when its digest was computed. While the file has this identity, the launcher does not
	 * compute the digest again.
	 */
	readonly nodeIdentity: string | undefined;
	/** The SHA-256 of programs that upgrades will put in the place of `node`, and that are accepted there as well. */
	readonly nodeNext: readonly string[];
	readonly bundle: PinnedFile | undefined;
	readonly addon: PinnedFile | undefined;
	readonly gate: PinnedFile | undefined;
	/** CPython, and the spython that it loads. Either both of these members are defined or none of them is. */
	readonly python: PinnedFile | undefined;
	readonly spython: PinnedFile | undefined;
	/** The shared library with the interpreter. Undefined if `python` is linked to none. */
	readonly libpython: PinnedFile | undefined;
	/** The same as `nodeNext`, for `python`. */
	readonly pythonNext: readonly string[];
	/** The absolute paths of the trust index and of the host configuration. */
	readonly index: string;
	readonly config: string;
	/** The file for audit events, to which the process may append if there is no collector. */
	readonly audit: string | undefined;
	/** Tells whether the launcher starts a collector, which alone writes to that file. */
	readonly collector: boolean;
	/** The roots of signed trees. A directory that contains such a root is never made writable. */
	readonly trees: readonly string[];
	/** The directories below which the policy lets the program write. */
	readonly writable: readonly string[];
	/** The policy's `launch.network`. */
	readonly network: Policy["launch"]["network"];
	/** The policy's `launch.environment`. */
	readonly environment: Policy["launch"]["environment"];
	/** If `allow`, CPython may make memory executable that was writable. */
	readonly writableCode: Policy["launch"]["writableCode"];
	readonly refused: readonly RefusedByFlag[];
}

/** The lists of `launch.network`, and the key in launcher.conf of each item. */
const NETWORK_KEYS = { connect: "connect", bind: "bind", sockets: "socket" } as const;

/** Tells whether neither launcher.conf nor the record of a shared index can have this path. */
export function hasControlCharacter(path: string): boolean {
	return /\p{Cc}/u.test(path);
}

/** @throws ERR_USAGE for a value that the launcher would refuse, such as a path with a line break */
export function encodeLauncherConf(conf: LauncherConf): string {
	const lines: [string, string | undefined][] = [
		["version", "1"],
		["mode", conf.mode],
		["development", conf.development],
		["node", pinText(conf.node)],
		["node-major", conf.nodeMajor?.toString()],
		["node-identity", conf.nodeIdentity],
		...conf.nodeNext.map((digest): [string, string] => ["node-next", digest]),
		["bundle", pinText(conf.bundle)],
		["addon", pinText(conf.addon)],
		["gate", pinText(conf.gate)],
		["python", pinText(conf.python)],
		...conf.pythonNext.map((digest): [string, string] => ["python-next", digest]),
		["spython", pinText(conf.spython)],
		["libpython", pinText(conf.libpython)],
		["index", conf.index],
		["config", conf.config],
		["audit", conf.audit],
		["collector", conf.collector ? "use" : undefined],
		...conf.trees.map((tree): [string, string] => ["tree", tree]),
		...conf.writable.map((directory): [string, string] => ["write", directory]),
		...networkLines(conf.network),
		...conf.environment.map((name): [string, string] => ["environment", name]),
		["writable-code", conf.writableCode === "allow" ? "allow" : undefined],
		...conf.refused.map((what): [string, string] => [what, "refuse"]),
	];
	const given = lines.filter(([, value]) => value !== undefined);
	const broken = given.find(([, value]) => value?.includes("\n"));
	if (broken !== undefined) {
		throw new SigtoolError(
			"ERR_USAGE",
			`Cannot launch with ${quote(broken[1] ?? "")}: a path may not hold line breaks`,
		);
	}
	const text = given.map(([key, value]) => `${key} ${value}\n`).join("");
	try {
		launcherFromFileBytes(Buffer.from(text), "launcher.conf");
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		throw new SigtoolError("ERR_USAGE", `Cannot launch: ${reasonOf(cause)}`, { cause });
	}
	return text;
}

function networkLines(network: LauncherConf["network"]): [string, string][] {
	return (["connect", "bind", "sockets"] as const).flatMap((list): [string, string][] => {
		const items = network[list];
		if (items === undefined) return [];
		return [["limit", list], ...items.map((item): [string, string] => [NETWORK_KEYS[list], String(item)])];
	});
}

/** @throws ERR_CONFIG, naming the key; ERR_USAGE for a directory; ERR_ROOT_MISSING; ERR_LIMIT; ERR_IO */
export function readLauncherConf(file: string): LauncherConf {
	return parseLauncherConf(readBounded(file, MAX_CONF_BYTES), file);
}

const MAX_CONF_BYTES = 2 ** 16;

/** Accepts exactly what the launcher accepts. @throws ERR_CONFIG, naming the key */
function parseLauncherConf(bytes: Uint8Array, file: string): LauncherConf {
	const document = launcherFromFileBytes(bytes, file);
	const { mode, development, node, bundle, addon, gate, python, spython, index, config, audit, tree, write } = document;
	const { libpython, limit, connect, bind, socket } = document;
	return {
		...{ mode, development, node, bundle, addon, gate, python, spython, libpython, index, config, audit },
		collector: document.collector !== undefined,
		nodeMajor: document["node-major"],
		nodeIdentity: document["node-identity"],
		nodeNext: document["node-next"],
		pythonNext: document["python-next"],
		trees: tree,
		writable: write,
		network: {
			connect: connect.length > 0 || limit.includes("connect") ? connect : undefined,
			bind: bind.length > 0 || limit.includes("bind") ? bind : undefined,
			sockets: socket.length > 0 || limit.includes("sockets") ? socket : undefined,
		},
		environment: document.environment,
		writableCode: document["writable-code"] ?? "refuse",
		refused: REFUSABLE.filter((what) => document[what] !== undefined),
	};
}

/** @throws ERR_FILE_TYPE, ERR_IO */
export function pin(file: string): PinnedFile {
	const path = realPath(file);
	return { path, sha256: Buffer.from(digestFile(path, "sha256").digest).toString("hex") };
}

/** @throws ERR_IO */
export function realPath(file: string): string {
	try {
		return realpathSync.native(file);
	} catch (cause) {
		throw ioError("use", file, cause);
	}
}

/**
 * Returns device, inode, size, mtime and ctime, the times in seconds with nine decimals. Writing to the file or
 * replacing it changes at least one of these values, unless the file keeps inode and size and the kernel's clock did
 * not advance or was set back.
 */
export function identityOf(path: string): string {
	const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
	return [dev, ino, size, seconds(mtimeNs), seconds(ctimeNs)].join(":");
}

function seconds(nanoseconds: bigint): string {
	return `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}`;
}

function pinText(file: PinnedFile | undefined): string | undefined {
	return file && `${file.path} ${file.sha256}`;
}
