/** Copies launcher, hook, addon and spython into one directory, with the launcher configuration that pins them. */

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
	DEFAULT_POLICY,
	type HostDocument,
	hostFromFileBytes,
	MAX_HOST_BYTES,
	MAX_TRUST_INDEX_BYTES,
	type Mode,
	parseTrustIndex,
	readBounded,
	type TrustIndex,
} from "@sigtool/core";
import { ioError, isErrnoException, quote, reasonOf, SigtoolError } from "@sigtool/core/errors";
import type { NativeParts } from "../native/native-parts.js";
import { aboutSpython } from "../python/spython.js";
import { encodeLauncherConf, identityOf, type LauncherConf, pin } from "./launcher-conf.js";

export const INSTALLED_PREFIX = "/usr/lib/sigtool";
export const LAUNCHER_NAME = "sigtool-launch";
export const CONF_NAME = "launcher.conf";

export interface LauncherPlan {
	/**
	 * The path of the Node.js that runs scripts. Undefined if no Node.js is launched. `placeLauncher` resolves the links
	 * on this path, so launcher.conf has the real path.
	 */
	readonly node: string | undefined;
	/** The path of a compiled spython, which is copied. Undefined if CPython is not launched. */
	readonly spython: string | undefined;
	/** The programs that upgrades will put in the place of these two. The default is none. */
	readonly announced?: Pick<LauncherConf, "nodeNext" | "pythonNext">;
	/** Absolute path of the trust index, which need not exist yet. */
	readonly index: string;
	/** Absolute path of the host configuration. */
	readonly config: string;
	readonly mode: Mode;
	readonly development: "refuse" | "allow";
}

/** Returns the path of the launcher in a directory, even if the launcher does not exist. */
export function launcherIn(directory: string): string {
	return join(directory, LAUNCHER_NAME);
}

/**
 * Copies the parts, each atomically, and writes the launcher configuration last: until then the previous one applies.
 * @throws ERR_LAUNCHER if `node` is no Node.js that can be launched, ERR_IO, ERR_INDEX_FORMAT
 */
export function placeLauncher(directory: string, parts: NativeParts, plan: LauncherPlan): LauncherConf {
	const at = (name: string) => join(directory, name);
	copy(parts.launcher, launcherIn(directory), 0o755);
	const { announced = { nodeNext: [], pythonNext: [] }, ...settings } = plan;
	const conf: LauncherConf = {
		...settings,
		...announced,
		...placeNode(plan.node, parts, at),
		...placePython(plan.spython, plan.development, at("spython")),
		...derivedSettings(plan),
	};
	const text = encodeLauncherConf(conf);
	replace(at(CONF_NAME), (file) => writeFileSync(file, text, { mode: 0o644 }));
	return conf;
}

type NodeSettings = Pick<LauncherConf, "node" | "nodeMajor" | "nodeIdentity" | "bundle" | "addon">;

/** Copies the hook and the addon if there is a Node.js to load them, and returns the settings that pin them. */
function placeNode(program: string | undefined, parts: NativeParts, at: (name: string) => string): NodeSettings {
	const none = { node: undefined, nodeMajor: undefined, nodeIdentity: undefined, bundle: undefined, addon: undefined };
	if (program === undefined) return none;
	copy(parts.bundle, at("register.cjs"), 0o644);
	if (parts.addon !== undefined) copy(parts.addon, at("native/addon.node"), 0o644);
	const node = pin(program);
	return {
		node,
		nodeMajor: majorOf(node.path),
		nodeIdentity: identityOf(node.path),
		bundle: pin(at("register.cjs")),
		addon: parts.addon === undefined ? undefined : pin(at("native/addon.node")),
	};
}

/**
 * Copies the spython and returns the settings that pin it.
 * @throws ERR_LAUNCHER if the file is no spython, or if it trusts a development identity without permission
 */
function placePython(
	spython: string | undefined,
	development: LauncherPlan["development"],
	target: string,
): Pick<LauncherConf, "python" | "spython"> {
	if (spython === undefined) return { python: undefined, spython: undefined };
	const about = aboutSpython(spython);
	if (about.development && development === "refuse") {
		const message = `Cannot install ${quote(spython)}: it was built to trust a development identity; build one with --trust`;
		throw new SigtoolError("ERR_LAUNCHER", message, { path: spython });
	}
	copy(spython, target, 0o755);
	return { python: pin(about.program), spython: pin(target) };
}

/**
 * Derives settings of the launcher from the index and the host configuration: the signed trees, what the policy
 * refuses, and the file for events. Does not verify the index, because the hook verifies it at every start, and ends
 * the process if that fails.
 * @throws ERR_HOST_CONFIG, ERR_INDEX_FORMAT, ERR_POLICY, ERR_LIMIT, ERR_IO
 */
export function derivedSettings({ index, config }: Pick<LauncherPlan, "index" | "config">): DerivedSettings {
	const { audit, products: bound = [] } = hostDocument(config) ?? {};
	const { products, policy } = existsSync(index) ? readIndex(index) : { products: [], policy: DEFAULT_POLICY };
	const { stringCode, addons, workers } = policy.runtime;
	const refused = { "string-code": stringCode, addons, workers };
	const names = ["string-code", "addons", "workers"] as const;
	return {
		audit: audit?.jsonLines,
		trees: products.map(({ name, root }) => bound.find((each) => each.name === name)?.root ?? root),
		writable: policy.launch.write,
		network: policy.launch.network,
		writableCode: policy.launch.writableCode,
		refused: names.filter((name) => refused[name] === "refuse"),
	};
}

function readIndex(file: string): TrustIndex {
	try {
		return parseTrustIndex(readBounded(file, MAX_TRUST_INDEX_BYTES));
	} catch (cause) {
		if (!(cause instanceof SigtoolError) || cause.path !== undefined) throw cause;
		throw new SigtoolError(cause.code, `Cannot use ${quote(file)}: ${reasonOf(cause)}`, { cause, path: file });
	}
}

export type DerivedSettings = Pick<
	LauncherConf,
	"audit" | "trees" | "writable" | "network" | "writableCode" | "refused"
>;

/** Returns the host configuration, or undefined if the file does not exist yet. @throws ERR_HOST_CONFIG, ERR_IO */
export function hostDocument(file: string): HostDocument | undefined {
	return existsSync(file) ? hostFromFileBytes(readBounded(file, MAX_HOST_BYTES), file) : undefined;
}

/** Asks a Node.js for its major release. @throws ERR_LAUNCHER if it is no Node.js that can be launched */
export function majorOf(node: string): number {
	const { stdout } = spawnSync(node, ["--version"], { encoding: "utf8", env: {} });
	const major = Number(/^v(\d+)\.\d+\.\d+/.exec(stdout ?? "")?.[1]);
	if (major >= 20) return major;
	throw new SigtoolError("ERR_LAUNCHER", `Cannot launch ${quote(node)}: it is not Node.js 20 or later`, { path: node });
}

function copy(source: string, target: string, mode: number): void {
	replace(target, (file) => {
		copyFileSync(source, file);
		chmodSync(file, mode);
	});
}

/** Writes a temporary file beside the target and renames it. @throws ERR_IO */
function replace(target: string, write: (file: string) => void): void {
	const temporary = `${target}.${process.pid}`;
	try {
		mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
		write(temporary);
		renameSync(temporary, target);
	} catch (cause) {
		rmSync(temporary, { force: true });
		if (isErrnoException(cause)) throw ioError("write", target, cause);
		throw cause;
	}
}
