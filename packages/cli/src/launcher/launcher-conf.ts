/**
 * `launcher.conf`, which sigtool-launch reads beside itself: `key value` lines, first `version 1`. What each means is in
 * docs/launcher.md; packages/verifier/native/launch/settings.c is its other reader.
 */

import { realpathSync, statSync } from "node:fs";
import { digestFile } from "@sigtool/core";
import { ioError, quote, SigtoolError } from "@sigtool/core/errors";

export type LaunchMode = "off" | "audit" | "enforce" | "strict";
export const LAUNCH_MODES: readonly LaunchMode[] = ["off", "audit", "enforce", "strict"];

/** A file by its real path and its lowercase hexadecimal SHA-256. */
export interface PinnedFile {
	readonly path: string;
	readonly sha256: string;
}

/** What a policy refuses and a flag of Node.js can refuse below it. */
export type RefusedByFlag = "string-code" | "addons" | "workers";
const REFUSABLE: readonly RefusedByFlag[] = ["string-code", "addons", "workers"];

export interface LauncherConf {
	readonly mode: LaunchMode;
	readonly development: "refuse" | "allow";
	/** Absent, with what follows, where there is only a spython. */
	readonly node: PinnedFile | undefined;
	readonly nodeMajor: number | undefined;
	/** Of node when it was digested: as long as it is the same, node need not be digested again. */
	readonly nodeIdentity: string | undefined;
	readonly bundle: PinnedFile | undefined;
	readonly addon: PinnedFile | undefined;
	/** CPython, and the spython that it is made to load; neither where there is no other. */
	readonly python: PinnedFile | undefined;
	readonly spython: PinnedFile | undefined;
	/** Absolute paths. */
	readonly index: string;
	readonly config: string;
	/** File of audit events, which the hook may write to. */
	readonly audit: string | undefined;
	/** Roots of signed trees: nothing that holds one is made writable. */
	readonly trees: readonly string[];
	/** Directories the policy lets the program write below. */
	readonly writable: readonly string[];
	readonly refused: readonly RefusedByFlag[];
}

/** @throws ERR_USAGE for a path with a line break in it */
export function encodeLauncherConf(conf: LauncherConf): string {
	const lines: [string, string | undefined][] = [
		["version", "1"],
		["mode", conf.mode],
		["development", conf.development],
		["node", pinText(conf.node)],
		["node-major", conf.nodeMajor?.toString()],
		["node-identity", conf.nodeIdentity],
		["bundle", pinText(conf.bundle)],
		["addon", pinText(conf.addon)],
		["python", pinText(conf.python)],
		["spython", pinText(conf.spython)],
		["index", conf.index],
		["config", conf.config],
		["audit", conf.audit],
		...conf.trees.map((tree): [string, string] => ["tree", tree]),
		...conf.writable.map((directory): [string, string] => ["write", directory]),
		...conf.refused.map((what): [string, string] => [what, "refuse"]),
	];
	return lines
		.filter(([, value]) => value !== undefined)
		.map(([key, value = ""]) => {
			if (!value.includes("\n")) return `${key} ${value}\n`;
			throw new SigtoolError("ERR_USAGE", `Cannot launch with ${quote(value)}: a path may not hold line breaks`);
		})
		.join("");
}

const REPEATABLE: ReadonlySet<string> = new Set(["tree", "write"]);
const KEYS: ReadonlySet<string> = new Set([
	...[
		"version",
		"mode",
		"development",
		"node",
		"node-major",
		"node-identity",
		"bundle",
		"addon",
		"python",
		"spython",
		"index",
		"config",
		"audit",
	],
	...REPEATABLE,
	...REFUSABLE,
]);

/** As strictly as the launcher itself. @throws ERR_CONFIG */
export function parseLauncherConf(text: string): LauncherConf {
	const values = new Map<string, string[]>();
	for (const line of text.split("\n").slice(0, -1)) {
		const space = line.indexOf(" ");
		if (space < 1) throw malformed(`the line ${quote(line)} is not "key value"`);
		const key = line.slice(0, space);
		const before = values.get(key) ?? [];
		if (!KEYS.has(key)) throw malformed(`${quote(key)} means nothing here`);
		if (before.length > 0 && !REPEATABLE.has(key)) throw malformed(`it says ${quote(key)} twice`);
		values.set(key, [...before, line.slice(space + 1)]);
	}
	const one = (key: string) => values.get(key)?.[0];
	const needed = (key: string) => {
		const value = one(key);
		if (value === undefined) throw malformed(`it lacks ${quote(key)}`);
		return value;
	};
	if (needed("version") !== "1") throw malformed("it is not of version 1");
	const pinned = (key: string) => {
		const value = one(key);
		return value === undefined ? undefined : parsePin(value);
	};
	const [node, nodeMajor, bundle] = [pinned("node"), one("node-major"), pinned("bundle")];
	const [python, spython] = [pinned("python"), pinned("spython")];
	const lacks = node === undefined ? python === undefined : nodeMajor === undefined || bundle === undefined;
	if (lacks || (python === undefined) !== (spython === undefined)) {
		throw malformed('it lacks "node", "node-major" and "bundle", or "python" and "spython"');
	}
	const said = one("mode") ?? "enforce";
	const mode = LAUNCH_MODES.find((each) => each === said);
	if (mode === undefined) throw malformed(`${quote(said)} is no mode`);
	return {
		mode,
		development: one("development") === "allow" ? "allow" : "refuse",
		node,
		nodeMajor: nodeMajor === undefined ? undefined : Number(nodeMajor),
		nodeIdentity: one("node-identity"),
		bundle,
		addon: pinned("addon"),
		python,
		spython,
		index: needed("index"),
		config: needed("config"),
		audit: one("audit"),
		trees: values.get("tree") ?? [],
		writable: values.get("write") ?? [],
		refused: REFUSABLE.filter((what) => one(what) !== undefined),
	};
}

/** @throws ERR_FILE_TYPE, ERR_IO */
export function pin(file: string): PinnedFile {
	const path = realPath(file);
	return { path, sha256: Buffer.from(digestFile(path, "sha256").digest).toString("hex") };
}

function realPath(file: string): string {
	try {
		return realpathSync.native(file);
	} catch (cause) {
		throw ioError("use", file, cause);
	}
}

/** Device, inode, size, and times of content and inode in seconds: what differs once a file is written to or replaced. */
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

function parsePin(text: string): PinnedFile {
	const match = /^(.+) ([0-9a-f]{64})$/.exec(text);
	if (match === null) throw malformed(`${quote(text)} is not a path and its SHA-256`);
	return { path: match[1], sha256: match[2] };
}

function malformed(reason: string): SigtoolError {
	return new SigtoolError("ERR_CONFIG", `Cannot read launcher.conf: ${reason}`);
}
