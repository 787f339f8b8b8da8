/** Compiles Python sources before they are signed, with each Python that will run them. */

import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { singleFile } from "@sigtool/core/internal";
import { ioError, quote, requireStarted, SigtoolError } from "@sigtool/core/internal/errors";

export interface CompiledPython {
	/** The relative paths of the .pyc files that were written. */
	readonly made: readonly string[];
	/** The relative paths of the .pyc files that were already correct. */
	readonly same: readonly string[];
	/** The relative paths of the .pyc files that were removed, because their source no longer exists. */
	readonly removed: readonly string[];
	/**
	 * Texts for the user: about sources that do not compile, and about .pyc files that Python loads without a check
	 * although this run did not make them.
	 */
	readonly warnings: readonly string[];
}

/**
 * Makes an unchecked .pyc of each source among `files`, with each of the Pythons. Python loads an unchecked .pyc
 * without comparing it with its source. The paths in `files` are relative to `root`. The script python/compile.py does
 * the work.
 * @throws ERR_USAGE if a Python cannot be run; ERR_IO if the system refuses to read or write, such as on a full disk, or
 * to start a process; ERR_UNSUPPORTED_PLATFORM on Windows
 */
export function compilePython(root: string, files: readonly string[], pythons: readonly string[]): CompiledPython {
	if (process.platform === "win32") {
		throw new SigtoolError(
			"ERR_UNSUPPORTED_PLATFORM",
			"Cannot compile for Python on Windows: leave out --compile-python",
		);
	}
	const results = pythons.flatMap((python) =>
		runCompiler(python, root, files).map((result) => ({ ...result, python })),
	);
	const of = (state: Result["state"]) => results.flatMap((each) => (each.state === state ? [each] : []));
	const pycOf = ({ pyc }: Result) => pyc ?? "";
	const [made, same, removed] = [of("made").map(pycOf), of("same").map(pycOf), of("removed").map(pycOf)];
	const known = new Set([...made, ...same]);
	const strange = new Set(
		of("unchecked")
			.map(pycOf)
			.filter((pyc) => !known.has(pyc)),
	);
	return {
		made,
		same,
		removed,
		warnings: [
			...of("failed").map(
				({ source, python, message }) => `${quote(source ?? "")} could not be compiled by ${python}: ${message}`,
			),
			...Array.from(
				strange,
				(pyc) =>
					`Python loads ${quote(pyc)} without checking its source, and this run did not make it: remove it, or name its Python with --python`,
			),
		],
	};
}

/** The content of one line that python/compile.py prints, about a source or a .pyc file. */
interface Result {
	readonly state: "made" | "same" | "failed" | "removed" | "unchecked";
	readonly source?: string;
	readonly pyc?: string;
	readonly message?: string;
}

/** The content of the last line if the system refused something, so that not all sources were compiled. */
interface Stopped {
	readonly state: "stopped";
	/** The words between "Cannot" and the path. */
	readonly action: string;
	/** Null if Python found no directory for temporary files. */
	readonly path: string | null;
	readonly code: string;
}

function runCompiler(python: string, root: string, files: readonly string[]): Result[] {
	// The option -I is not used, because it would make Python ignore PYTHONHASHSEED. Without this variable, Python
	// before 3.11 writes constant sets in a random order, so that the .pyc would differ each time.
	const { error, status, stdout, stderr } = spawnSync(python, ["-s", "-B", compiler(), root], {
		env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, PYTHONHASHSEED: "0" },
		input: files.map((file) => `${file}\0`).join(""),
		encoding: "utf8",
		maxBuffer: 2 ** 30,
	});
	if (error !== undefined || status !== 0) {
		requireStarted(python, error);
		const reason = error === undefined ? lastLine(stderr) : "there is no such program";
		throw new SigtoolError(
			"ERR_USAGE",
			`Cannot compile with ${quote(python)}: ${reason}; name a CPython with --python`,
		);
	}
	// The type assertion is safe: compile.py is a part of sigtool, and each line that it prints has one of these forms.
	const lines = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Result | Stopped]));
	return lines.map((line) => {
		if (line.state === "stopped") throw stoppedError(python, root, line);
		return line;
	});
}

function lastLine(stderr: string): string {
	return stderr.trim().split("\n").pop() || "it failed";
}

function stoppedError(python: string, root: string, { action, path, code }: Stopped): SigtoolError {
	if (path !== null) return ioError(action, resolve(root, path), Object.assign(new Error(code), { code }));
	const mend = "let TMPDIR name one that has room";
	return new SigtoolError(
		"ERR_IO",
		`Cannot compile with ${quote(python)}: it can write to no directory for temporary files; ${mend}`,
	);
}

/** Returns the path of the script. It is relative to the bundle, which is in dist/. */
function compiler(): string {
	const directory = singleFile()?.directory("python") ?? fileURLToPath(new URL("../python", import.meta.url));
	return join(directory, "compile.py");
}
