/** Compiling Python's sources before they are signed, by the Pythons that will run them. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { quote, SigtoolError } from "@sigtool/core/errors";

export interface CompiledPython {
	/** .pyc files that were written, and that were so already; below the directory. */
	readonly made: readonly string[];
	readonly same: readonly string[];
	/** Of sources that are no longer there. */
	readonly removed: readonly string[];
	/** What does not compile, and .pyc that Python will not check and nobody made now. */
	readonly warnings: readonly string[];
}

/**
 * Makes a .pyc of each source among the files below `root`, for each Python: one that Python loads without a look at the
 * source. python/compile.py does the work.
 * @throws ERR_USAGE, ERR_UNSUPPORTED_PLATFORM
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
				({ source, python, message }) => `${quote(source ?? "")} was not compiled by ${python}: ${message}`,
			),
			...Array.from(
				strange,
				(pyc) =>
					`${quote(pyc)} is loaded without a look at its source, and was not made now: remove it, or name its Python with --python`,
			),
		],
	};
}

/** What python/compile.py prints of a source or a .pyc. */
interface Result {
	readonly state: "made" | "same" | "failed" | "removed" | "unchecked";
	readonly source?: string;
	readonly pyc?: string;
	readonly message?: string;
}

function runCompiler(python: string, root: string, files: readonly string[]): Result[] {
	// -I would do, but for the seed: before 3.11 sets of constants are written in the order of their hashes.
	const { error, status, stdout, stderr } = spawnSync(python, ["-s", "-B", COMPILER, root], {
		env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, PYTHONHASHSEED: "0" },
		input: files.map((file) => `${file}\0`).join(""),
		encoding: "utf8",
		maxBuffer: 2 ** 30,
	});
	if (error !== undefined || status !== 0) {
		const reason = error === undefined ? (stderr.trim().split("\n").pop() ?? "it failed") : "there is no such program";
		throw new SigtoolError(
			"ERR_USAGE",
			`Cannot compile with ${quote(python)}: ${reason}; name a CPython with --python`,
		);
	}
	return stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Result])); // Its own program's.
}

/** From where the bundle lies. */
const COMPILER = fileURLToPath(new URL("../../python/compile.py", import.meta.url));
