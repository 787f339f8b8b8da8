/** Examines the Node.js that runs sigtool, and the compiler for its native parts. */

import { accessSync, constants, statSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, isAbsolute, join } from "node:path";
import type { Check, Finding } from "./check.js";

/** The arguments are process.versions.node and the environment variable PATH. No program is run. */
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
			meaning: "builds fs-xattr and pkcs11js when sigtool is installed",
			...compiler(searchPath),
		},
		{ id: "pkcs11js", title: "pkcs11js", meaning: "signs with keys in tokens (--pkcs11)", ...pkcs11js() },
	];
}

/**
 * The tier is full if Node.js has `module.registerHooks`, a synchronous hook for both kinds of modules. The releases
 * from 22.15 and from 23.5 on have it.
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

function pkcs11js(): Finding {
	try {
		createRequire(import.meta.url)("pkcs11js");
		return { status: "yes", value: "loads" };
	} catch {
		return { status: "no", value: "not installed, or not compiled for this system; it needs a C++ compiler" };
	}
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
