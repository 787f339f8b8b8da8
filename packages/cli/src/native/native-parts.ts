/** Finds the launcher, the hook, the addon and the gate: compiled on this machine, else prebuilt. */

import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { singleFile } from "@sigtool/core/internal";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import { type NativePart, nativeAbsence, nativePart, packageAbove } from "@sigtool/core/internal/read";

export interface NativeParts {
	readonly launcher: string;
	/** The path of the JavaScript bundle that contains the hook. */
	readonly bundle: string;
	/** The path of the native addon. Undefined if there is none for this system. */
	readonly addon: string | undefined;
	/** The path of the gate. Undefined if there is none for this system. */
	readonly gate: string | undefined;
}

/** Returns the paths of the parts. @throws ERR_LAUNCHER if the launcher or the hook is missing */
export function nativeParts(): NativeParts {
	const bundle = join(verifierDirectory(), "dist/register.cjs");
	const launcher = verifierPart("sigtool-launch");
	if (launcher === undefined) {
		const { reason, remedy } = nativePartsAbsence();
		throw new SigtoolError("ERR_LAUNCHER", `Cannot find the launcher: ${reason}; ${remedy}`);
	}
	if (!existsSync(bundle)) {
		const message = `Cannot find ${quote(bundle)}: install @sigtool/verifier again`;
		throw new SigtoolError("ERR_LAUNCHER", message, { path: bundle });
	}
	return { launcher, bundle, addon: verifierPart("addon.node"), gate: verifierPart("gate.so") };
}

/** Returns the paths of the parts, or undefined if they are missing: what is installed can be judged without them. */
export function partsOrUndefined(): NativeParts | undefined {
	try {
		return nativeParts();
	} catch {
		return undefined;
	}
}

/** Returns the path of a part that belongs to the verifier, or undefined. @throws ERR_LAUNCHER without a verifier */
function verifierPart(part: NativePart): string | undefined {
	const directory = verifierDirectory();
	return nativePart(part, join(directory, "package.json"), compiledParts(directory));
}

/** Says why a part of the verifier is absent. @throws ERR_LAUNCHER without a verifier */
export function nativePartsAbsence(): ReturnType<typeof nativeAbsence> {
	return nativeAbsence(join(verifierDirectory(), "package.json"));
}

/** Returns the directory of the parts that are compiled on this machine. */
export function compiledParts(verifier: string): string {
	return join(verifier, "dist/native");
}

/** Returns the directory of the package @sigtool/verifier. @throws ERR_LAUNCHER */
export function verifierDirectory(): string {
	return singleFile()?.directory("verifier") ?? installedVerifier();
}

function installedVerifier(): string {
	const directory = packageAbove("@sigtool/verifier", fileURLToPath(import.meta.url));
	if (directory === undefined)
		throw new SigtoolError("ERR_LAUNCHER", "Cannot find @sigtool/verifier: install it beside @sigtool/cli");
	// The real path is that of the verifier's own modules, above which its prebuilt parts are installed.
	return realpathSync(directory);
}
