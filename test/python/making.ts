/** Makes files that only an interpreter can make: bytecode and zip archives. */

import { readdirSync } from "node:fs";
import { execFileSync } from "../outside.js";
import { EVIL, type Place } from "./technique.js";

export interface Bytecode {
	/** The path of the .pyc to write. */
	readonly target: string;
	/** The source text to compile. Default: the attacker's code. */
	readonly text?: string;
	/**
	 * The path of the .py file whose time and size the .pyc records. If it is undefined, Python never compares the .pyc
	 * with a source.
	 */
	readonly of?: string;
}

const COMPILE = `import os, sys, importlib._bootstrap_external as loader
target, text, source = sys.argv[1:]
code = compile(text, source or target, "exec")
if source:
    stat = os.stat(source)
    data = loader._code_to_timestamp_pyc(code, int(stat.st_mtime), stat.st_size)
else:
    data = loader._code_to_hash_pyc(code, bytes(8), False)
os.makedirs(os.path.dirname(target), exist_ok=True)
open(target, "wb").write(data)`;

export function makeBytecode({ python }: Place, { target, text = EVIL, of = "" }: Bytecode): void {
	execFileSync(python, ["-I", "-c", COMPILE, target, text, of]);
}

/** Returns the path of the cached bytecode that an import of `directory/name.py` looks for. */
export function cachePath({ version }: Place, directory: string, name: string): string {
	return `${directory}/__pycache__/${name}.cpython-${version.replace(".", "")}.pyc`;
}

const ZIP = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], sys.argv[2]) as archive:
    for name, text in zip(sys.argv[3::2], sys.argv[4::2]):
        archive.writestr(name, open(text[1:], "rb").read() if text[:1] == "@" else text)`;

/** Writes an archive, or appends to one. A text that begins with @ names a file. */
export function makeZip({ python }: Place, path: string, files: Readonly<Record<string, string>>, mode = "w"): void {
	execFileSync(python, ["-I", "-W", "ignore", "-c", ZIP, path, mode, ...Object.entries(files).flat()]);
}

/** Returns the path of an extension module of the standard library. */
export function extensionModule(library: string, name: string): string {
	const found = readdirSync(`${library}/lib-dynload`).find((file) => file.startsWith(`${name}.`));
	return `${library}/lib-dynload/${found}`;
}
