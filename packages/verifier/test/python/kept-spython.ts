import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KEPT_COMPILER } from "../../../cli/test/kept-compiler/kept-compiler.js";
import { buildSpython } from "../../native/build-spython.mjs";
import type { Python } from "./support.js";

const NATIVE = fileURLToPath(new URL("../../native", import.meta.url));
const CACHE = fileURLToPath(new URL("../../../../.cache/spython/", import.meta.url));

export interface SpythonOptions {
	readonly pins?: readonly string[];
	readonly home?: string;
	readonly sanitize?: boolean;
}

/**
 * Compiles a spython to `output`, without a warning. Compiling takes six seconds, so a spython that an earlier test
 * compiled from the same sources with the same options is copied instead, and one with other options gets the objects
 * that these do not change. With SIGTOOL_FULL, always compiles.
 */
export function buildOrCopySpython(python: Python, output: string, options: SpythonOptions): void {
	const order = { python: python.executable, flags: ["-Werror"], ...options };
	if (process.env.SIGTOOL_FULL !== undefined || options.home !== undefined) {
		buildWithKeptObjects({ ...order, output });
		return;
	}
	const ordered = digest(JSON.stringify([python, options, process.env.CC]));
	const name = `${ordered}-${digest(...sources())}`;
	const kept = join(CACHE, name);
	if (!existsSync(kept)) {
		mkdirSync(CACHE, { recursive: true });
		const outdated = readdirSync(CACHE).filter((other) => other.startsWith(ordered) && !other.startsWith(name));
		for (const other of outdated) rmSync(join(CACHE, other), { force: true });
		const partial = `${kept}.${process.pid}`;
		buildWithKeptObjects({ ...order, output: partial });
		renameSync(partial, kept);
	}
	copyFileSync(kept, output);
}

/** Compiles a spython, but for the sources that an earlier test compiled with the same options. */
export function buildWithKeptObjects(order: Parameters<typeof buildSpython>[0]): void {
	Object.assign(process.env, KEPT_COMPILER);
	try {
		buildSpython(order);
	} finally {
		for (const name of Object.keys(KEPT_COMPILER)) delete process.env[name];
	}
}

function sources(): Buffer[] {
	const names = readdirSync(NATIVE, { recursive: true, encoding: "utf8" }).filter((name) => /\.(c|h|mjs)$/.test(name));
	return names.sort().map((name) => readFileSync(join(NATIVE, name)));
}

function digest(...parts: readonly (string | Buffer)[]): string {
	const hash = createHash("sha256");
	for (const part of parts) hash.update(part);
	return hash.digest("hex").slice(0, 16);
}
