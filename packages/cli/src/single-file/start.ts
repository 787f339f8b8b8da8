/**
 * Starts the single file. This code is in front of the bundles that npm installs, which are inside of the program as
 * they are. The program is a Node.js that runs nothing else: it takes no option for Node.js from its arguments or from
 * NODE_OPTIONS.
 */

import type { SingleFile } from "@sigtool/core/internal";
import { partText } from "./assets.js";
import { load } from "./load.js";
import { directory, removeDirectories } from "./written-files.js";

/** The source of a thread declares this constant in front of this code. It is the name of the thread's module. */
declare const sigtoolThread: string | undefined;

/**
 * The module that a process runs if its name, argv[0], begins with PROCESS. Only a program can choose the name of a
 * process. A person who types a command, whatever its arguments, does not.
 */
const PROCESS = "sigtool:";
const PROCESSES = ["pkcs11-process.cjs"];

const parts: SingleFile = {
	load,
	threadSource: (module) => `const sigtoolThread = ${JSON.stringify(module)};\n${partText("start.cjs")}`,
	// The file with the program's name may be another version by now.
	program: "/proc/self/exe",
	processName: (module) => `${PROCESS}${module}`,
	directory,
	removeDirectories,
	text: partText,
};
// singleFile() of core returns it to the bundles.
Object.defineProperty(globalThis, Symbol.for("sigtool.single-file"), { value: Object.freeze(parts) });
load(`./${moduleToRun()}`);

function moduleToRun(): string {
	if (typeof sigtoolThread !== "undefined") return sigtoolThread;
	return PROCESSES.find((module) => process.argv0 === `${PROCESS}${module}`) ?? "main.cjs";
}
