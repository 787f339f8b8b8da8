/** Compiles the native parts on this machine, where no prebuilt part fits or where the user wants none. */

import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { singleFile } from "@sigtool/core/internal";
import { SigtoolError } from "@sigtool/core/internal/errors";
import { nativePackage, packageAbove } from "@sigtool/core/internal/read";
import { environmentWithoutSecrets } from "../options/secret-variables.js";
import { compiledParts, verifierDirectory } from "./native-parts.js";

export interface NativeBuild {
	/** The paths of the parts that exist after the build, including those of an earlier build. */
	readonly files: readonly string[];
	/** Says whether the parts are prebuilt, so that nothing was compiled. */
	readonly prebuilt: boolean;
	/** The output of the builds, for example the compiler's errors. Empty if nothing failed. */
	readonly complaint: string;
}

const OF_VERIFIER = ["sigtool-launch", "addon.node", "gate.so"] as const;
const OF_COMMAND = "sigtool.node";

/**
 * Compiles those parts that are missing or older than their sources, into the installed packages that have the sources.
 * Does nothing where prebuilt parts fit, unless `fromSource` is true.
 * @throws ERR_USAGE in a single file, which has them; ERR_LAUNCHER without the sources
 */
export function buildNative({ fromSource }: { readonly fromSource: boolean }): NativeBuild {
	if (singleFile() !== undefined) {
		const message = `Cannot build native parts: this single file has them inside (${[...OF_VERIFIER, OF_COMMAND].join(", ")})`;
		throw new SigtoolError("ERR_USAGE", message);
	}
	const verifier = verifierDirectory();
	const prebuilt = nativePackage(join(verifier, "package.json"));
	if (!fromSource && prebuilt !== undefined) {
		const files = existing([...OF_VERIFIER, OF_COMMAND].map((part) => join(prebuilt, part)));
		if (files.length > 0) return { files, prebuilt: true, complaint: "" };
	}
	const sources = packageAbove("@sigtool/native", fileURLToPath(import.meta.url));
	if (sources === undefined)
		throw new SigtoolError("ERR_LAUNCHER", "Cannot find @sigtool/native: install it beside @sigtool/cli");
	const command = realpathSync(sources);
	const complaints = [join(verifier, "native/build.mjs"), join(command, "build.mjs")].map(complaintOf);
	const wanted = [...OF_VERIFIER.map((part) => join(compiledParts(verifier), part)), join(command, OF_COMMAND)];
	const files = existing(wanted);
	const missing = wanted.filter((file) => !files.includes(file)).map((file) => `${file} was not built`);
	return { files, prebuilt: false, complaint: [...complaints, ...missing].filter((text) => text !== "").join("\n") };
}

/** Returns the output of a build. */
function complaintOf(script: string): string {
	const { stdout, stderr } = spawnSync(process.execPath, [script], {
		encoding: "utf8",
		env: environmentWithoutSecrets(),
	});
	return `${stdout}${stderr}`.trim();
}

function existing(files: readonly string[]): readonly string[] {
	return files.filter((file) => existsSync(file));
}
