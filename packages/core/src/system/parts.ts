/**
 * Finds the parts of sigtool that are not in the file which runs: threads, a child process, packages and files. They
 * are beside that file and in installed packages. If sigtool is a single file, they are inside of it, and the code that
 * starts it has announced how to reach them.
 */

import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";

/** The parts inside of a single file. A part that is a module has the name of its file in an installation. */
export interface SingleFile {
	/** Loads a module, a package or a native addon. @throws an Error if it is not inside, or cannot be loaded */
	readonly load: (specifier: string) => unknown;
	/** Returns a source that runs a module, for a thread. */
	readonly threadSource: (module: string) => string;
	/** The program that runs this single file, and nothing that has its name meanwhile. */
	readonly program: string;
	/** Returns the name by which a process of `program` knows that it runs a module, and not the command. */
	readonly processName: (module: string) => string;
	/** Writes the files of a directory where only this user can change them. Returns their directory. */
	readonly directory: (name: string) => string;
	/** Removes all written files. */
	readonly removeDirectories: () => void;
	/** Returns a text, such as the licences. */
	readonly text: (name: string) => string;
}

/** Returns the parts of the single file that runs, or undefined if sigtool is installed as packages. */
export function singleFile(): SingleFile | undefined {
	// This property is set by the code that starts a single file, and by no other.
	return Reflect.get(globalThis, SINGLE_FILE) as SingleFile | undefined;
}

const SINGLE_FILE = Symbol.for("sigtool.single-file");

/** Starts a thread. `module` is the URL of its module beside the caller. */
export function startThread(module: URL, options: WorkerOptions): Worker {
	const single = singleFile();
	if (single === undefined) return new Worker(module, options);
	// Node.js obeys these two in the environment of a thread, and would run code that they name. The single file itself
	// obeys neither.
	const { NODE_OPTIONS: _, NODE_COMPILE_CACHE: __, ...env } = process.env;
	return new Worker(single.threadSource(basename(module.pathname)), { ...options, env, eval: true });
}

/** Returns the program and the arguments that run a module in a process of its own. `module` is as for `startThread`. */
export function processOf(module: URL): {
	readonly program: string;
	readonly args: readonly string[];
	readonly argv0: string | undefined;
} {
	const single = singleFile();
	if (single === undefined) return { program: process.execPath, args: [fileURLToPath(module)], argv0: undefined };
	return { program: single.program, args: [], argv0: single.processName(basename(module.pathname)) };
}
