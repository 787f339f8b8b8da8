/** Examines the Node.js that runs sigtool, and the compiler for its native parts. */

import { sep } from "node:path";
import { loadNative, nativeFile, whyNoNative } from "../system/native.js";
import { NATIVE_TARGETS } from "../system/native-target.js";
import { singleFile } from "../system/parts.js";
import { programIn } from "../system/programs.js";
import type { Check, Finding } from "./check.js";

/**
 * The argument `version` is process.versions.node, and `searchPath` is the environment variable PATH. Only looks for
 * the compiler, and does not run it.
 */
export function runtimeChecks(version: string, searchPath: string): Check[] {
	const isSingle = singleFile() !== undefined;
	const node: Omit<Check, "id" | "title"> = isSingle
		? { status: "yes", value: `${version} (${INSIDE})`, meaning: "signs and verifies" }
		: { ...nodeTier(version), meaning: "signs and verifies; enforcement is limited before 22.15" };
	return [
		{ id: "node", title: "Node.js", ...node },
		{
			id: "compiler",
			title: "C compiler",
			meaning: isSingle ? "builds a spython" : "builds native parts where no prebuilt ones fit, and a spython",
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
	const file = programIn(searchPath, COMPILERS);
	if (file !== undefined) return { status: "yes", value: file };
	return { status: "no", value: `no ${COMPILERS.join(", ")} on PATH` };
}

function native(): Finding {
	if (loadNative() !== undefined) {
		if (singleFile() !== undefined) return { status: "yes", value: INSIDE };
		const file = nativeFile() ?? "";
		const target = NATIVE_TARGETS.find((each) => file.includes(`native-${each}${sep}`));
		return { status: "yes", value: target === undefined ? "compiled on this machine" : `prebuilt for ${target}` };
	}
	const { reason, remedy } = whyNoNative();
	return { status: "no", value: `${reason}; ${remedy}` };
}

const INSIDE = "inside of this single file";
const COMPILERS = ["cc", "gcc", "clang"];
