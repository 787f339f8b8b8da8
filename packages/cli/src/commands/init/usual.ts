/** Guesses what a project signs and how it is called. */

import { readFileSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";

export interface Manifest {
	readonly name?: string;
	/** True if the package.json has a configuration of sigtool. */
	readonly isConfigured: boolean;
}

/** Returns facts of the package.json in the working directory. One that cannot be read has none. */
export function manifestHere(): Manifest {
	try {
		const document: unknown = JSON.parse(readFileSync("package.json", "utf8"));
		if (typeof document !== "object" || document === null) return { isConfigured: false };
		const name = "name" in document && typeof document.name === "string" ? document.name : undefined;
		return { name, isConfigured: Object.hasOwn(document, "sigtool") };
	} catch {
		return { isConfigured: false };
	}
}

/** Returns the directory that builds usually write, or this directory if there is none. */
export function usualPath(): string {
	return BUILDS.find((name) => statSync(name, { throwIfNoEntry: false })?.isDirectory() === true) ?? ".";
}

const BUILDS = ["dist", "build", "out", "lib"];

/** Returns the name of the package, or of the working directory. */
export function usualProduct(): string {
	return manifestHere().name || basename(resolve(".")) || "app";
}
