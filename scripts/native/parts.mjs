/** Lists the parts of each target, and tells which of them are older than their sources. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as command from "../../packages/native/parts.mjs";
import * as verifier from "../../packages/verifier/native/parts.mjs";
import { TARGETS } from "./targets.mjs";

/** @typedef {{ name: string, kind: "gate" | "shared" | "static", folder: string, sources: readonly string[], flags: readonly string[] }} Part */
/** @typedef {{ name: string, cpu: "arm64" | "x64", libc: "glibc" | "musl" }} Target */

/** Returns the package of a target. */
export function packageOf(/** @type {Target} */ { name }) {
	return fileURLToPath(new URL(`../../packages/native-${name}`, import.meta.url));
}

/**
 * Returns the parts that a target can have. The gate needs glibc, because no official Node.js is built for musl.
 * @returns {readonly Part[]}
 */
export function partsOf(/** @type {Target} */ { libc }) {
	const parts = Object.entries(verifier.PARTS).map(([name, { sources, flags }]) => {
		const folder = verifier.NATIVE;
		return { name, kind: kindOf(name), folder, sources, flags: [...verifier.FLAGS, ...flags] };
	});
	const { NATIVE: folder, OUTPUT: name, SOURCES: sources, FLAGS, PLATFORM_FLAGS } = command;
	parts.push({ name, kind: "shared", folder, sources, flags: [...FLAGS, ...PLATFORM_FLAGS.linux] });
	return parts.filter((part) => libc === "glibc" || part.kind !== "gate");
}

/** @returns {Part["kind"]} */
function kindOf(/** @type {string} */ name) {
	if (name === "sigtool-launch") return "static";
	return name === "gate.so" ? "gate" : "shared";
}

/** Returns the paths of all parts in the packages that are missing or older than one of their sources. */
export function outdatedParts() {
	return TARGETS.flatMap((target) =>
		partsOf(target).flatMap(({ name, folder, sources }) => {
			const file = join(packageOf(target), name);
			const isCurrent =
				existsSync(file) && sources.every((source) => statSync(join(folder, source)).mtimeMs <= statSync(file).mtimeMs);
			return isCurrent ? [] : [file];
		}),
	);
}
