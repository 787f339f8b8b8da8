/** Examines the Node.js that runs sigtool, and the compiler for its native parts. */

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, sep } from "node:path";
import { loadNative, nativeFile, whyNoNative } from "../system/native.js";
import { NATIVE_TARGETS } from "../system/native-target.js";
import type { Check, Finding } from "./check.js";

/**
 * The argument `version` is process.versions.node, and `searchPath` is the environment variable PATH. Only looks for
 * the compiler, and does not run it.
 */
export function runtimeChecks(version: string, searchPath: string): Check[] {
	return [
		{
			id: "node",
			title: "Node.js",
			meaning: "signs and verifies; enforcement is limited before 22.15",
			...nodeTier(version),
		},
		{
			id: "compiler",
			title: "C compiler",
			meaning: "builds native parts where no prebuilt ones fit, and a spython",
			...compiler(searchPath),
		},
		{
			id: "native",
			title: "native addon",
			meaning: "hashes in threads, reaches attributes and tokens",
			...native(),
		},
	];
}

/**
 * Returns the status `yes` if this version of Node.js has `module.registerHooks`, a synchronous hook for both kinds of
 * modules. Node.js 22 has this function from 22.15 on, and later releases have it from 23.5 on.
 */
function nodeTier(version: string): Finding {
	const [major = 0, minor = 0] = version.split(".").map(Number);
	const full = major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 15);
	return { status: full ? "yes" : "partly", value: `${version} (${full ? "enforce" : "enforce-limited"})` };
}

function compiler(searchPath: string): Finding {
	for (const directory of searchPath.split(delimiter).slice(0, MAX_DIRECTORIES)) {
		if (!isAbsolute(directory)) continue;
		const file = COMPILERS.map((name) => join(directory, name)).find(isProgram);
		if (file !== undefined) return { status: "yes", value: file };
	}
	return { status: "no", value: `no ${COMPILERS.join(", ")} on PATH` };
}

function native(): Finding {
	if (loadNative() !== undefined) {
		const file = nativeFile() ?? "";
		const target = NATIVE_TARGETS.find((each) => file.includes(`native-${each}${sep}`));
		return { status: "yes", value: target === undefined ? "compiled on this machine" : `prebuilt for ${target}` };
	}
	const { reason, remedy } = whyNoNative();
	return { status: "no", value: `${reason}; ${remedy}` };
}

const COMPILERS = ["cc", "gcc", "clang"];
const MAX_DIRECTORIES = 1000;

function isProgram(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return statSync(path).isFile();
	} catch {
		return false;
	}
}
