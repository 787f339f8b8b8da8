/**
 * Finds the launcher, the hook, the addon and the gate of the installed verifier, and builds the native ones of them:
 * launcher, addon and gate.
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { quote, SigtoolError } from "@sigtool/core/errors";
import { environmentWithoutSecrets } from "../options/secret-variables.js";

export interface NativeParts {
	readonly launcher: string;
	/** The path of the JavaScript bundle that contains the hook. */
	readonly bundle: string;
	/** The path of the native addon. Undefined if the addon was not built. */
	readonly addon: string | undefined;
	/** The path of the gate. Undefined if the gate was not built. */
	readonly gate: string | undefined;
}

/** Returns the paths of the parts. @throws ERR_LAUNCHER if the launcher or the hook is missing */
export function nativeParts(): NativeParts {
	const dist = join(verifierDirectory(), "dist");
	const launcher = join(dist, "native/sigtool-launch");
	const bundle = join(dist, "register.cjs");
	const addon = join(dist, "native/addon.node");
	const gate = join(dist, "native/gate.so");
	for (const file of [launcher, bundle]) {
		if (existsSync(file)) continue;
		const mend = file === launcher ? "run `sigtool native build`" : "install @sigtool/verifier again";
		throw new SigtoolError("ERR_LAUNCHER", `Cannot find ${quote(file)}: ${mend}`, { path: file });
	}
	return { launcher, bundle, addon: existsSync(addon) ? addon : undefined, gate: existsSync(gate) ? gate : undefined };
}

/** The names of the native parts. */
export const PARTS = ["sigtool-launch", "addon.node", "gate.so"] as const;

export interface NativeBuild {
	readonly directory: string;
	/** The names of the native parts that exist after the build, including those of an earlier build. */
	readonly built: readonly string[];
	/** The output of the build script, for example the compiler's errors. Empty if nothing failed. */
	readonly complaint: string;
}

/**
 * Compiles those native parts that are missing or older than their sources, into the directory of the installed
 * verifier.
 */
export function buildNative(): NativeBuild {
	const package_ = verifierDirectory();
	const { stdout, stderr } = spawnSync(process.execPath, [join(package_, "native/build.mjs")], {
		encoding: "utf8",
		env: environmentWithoutSecrets(),
	});
	const directory = join(package_, "dist/native");
	const built = PARTS.filter((name) => existsSync(join(directory, name)));
	return { directory, built, complaint: `${stdout}${stderr}`.trim() };
}

/** Returns the directory of the installed package @sigtool/verifier. @throws ERR_LAUNCHER */
export function verifierDirectory(): string {
	try {
		return dirname(createRequire(import.meta.url).resolve("@sigtool/verifier/package.json"));
	} catch (cause) {
		throw new SigtoolError("ERR_LAUNCHER", "Cannot find @sigtool/verifier: install it beside @sigtool/cli", { cause });
	}
}
