/** Reads what scripts/single-file.mjs puts into the program. */

import { getAsset, getRawAsset } from "node:sea";

/** The files below the directories that are written, each with its mode. */
export interface WrittenFile {
	readonly path: string;
	readonly mode: number;
}

interface Contents {
	/** The names of bundles (`./main.cjs`) and packages. */
	readonly modules: readonly string[];
	/** The names of packages that are native addons. */
	readonly addons: readonly string[];
	readonly files: readonly WrittenFile[];
}

let contents: Contents | undefined;

export function contentsOfSingleFile(): Contents {
	// scripts/single-file/assets.mjs writes this type.
	contents ??= JSON.parse(partText("contents.json")) as Contents;
	return contents;
}

export function partText(name: string): string {
	return getAsset(name, "utf8");
}

/** Returns bytes that must not be written to, because they are a part of the program in memory. */
export function partBytes(name: string): Uint8Array {
	const bytes = getRawAsset(name);
	return typeof bytes === "string" ? Buffer.from(bytes) : new Uint8Array(bytes);
}
