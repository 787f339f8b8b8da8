/**
 * `launcher.conf`, which sigtool-launch reads beside itself: `key value` lines, first `version 1`. docs/launcher.md explains
 * each key, core's trust/schema.ts is their table; packages/verifier/native/launch/settings.c is the other reader.
 */

import { realpathSync, statSync } from "node:fs";
import { digestFile, type LauncherDocument, launcherFromFileBytes } from "@sigtool/core";
import { ioError, quote, reasonOf, SigtoolError } from "@sigtool/core/errors";

/** A file by its real path and its lowercase hexadecimal SHA-256. */
export type PinnedFile = NonNullable<LauncherDocument["node"]>;

/** What a policy refuses and a flag of Node.js can refuse below it. */
export type RefusedByFlag = "string-code" | "addons" | "workers";
const REFUSABLE: readonly RefusedByFlag[] = ["string-code", "addons", "workers"];

export interface LauncherConf {
	readonly mode: LauncherDocument["mode"];
	readonly development: LauncherDocument["development"];
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

/** @throws ERR_USAGE for what the launcher would refuse, such as a path with a line break in it */
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

/** As the launcher reads it. @throws ERR_CONFIG, naming the key */
export function parseLauncherConf(bytes: Uint8Array, file: string): LauncherConf {
	const document = launcherFromFileBytes(bytes, file);
	const { mode, development, node, bundle, addon, python, spython, index, config, audit, tree, write } = document;
	return {
		...{ mode, development, node, bundle, addon, python, spython, index, config, audit },
		nodeMajor: document["node-major"],
		nodeIdentity: document["node-identity"],
		trees: tree,
		writable: write,
		refused: REFUSABLE.filter((what) => document[what] !== undefined),
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
