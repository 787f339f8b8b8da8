/** The CPythons of this machine that spython can be built for: Debian's, and those of pyenv. */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { VERSIONS, type Version } from "./technique.js";

export interface Interpreter {
	/** `Debian 3.13.5`, `pyenv 3.8.18`. */
	readonly name: string;
	readonly python: string;
	readonly version: Version;
	/** Directory of the standard library. */
	readonly library: string;
}

const ASK = `import json, os, sys, sysconfig
header = os.path.join(sysconfig.get_path("include"), "Python.h")
print(json.dumps([sys.version.split()[0], sysconfig.get_path("stdlib"), os.path.exists(header)]))`;

/** Debian's first; only those of a version the suite knows, whose headers are installed. */
export function interpreters(): readonly Interpreter[] {
	if (process.platform !== "linux") return [];
	return [...debian(), ...pyenv()].flatMap(({ origin, python }) => {
		const [release, library, headers] = JSON.parse(execFileSync(python, ["-I", "-c", ASK], { encoding: "utf8" }));
		const version = VERSIONS.find((each) => release.startsWith(`${each}.`));
		return version !== undefined && headers ? [{ name: `${origin} ${release}`, python, version, library }] : [];
	});
}

function debian() {
	const found = VERSIONS.toReversed().map((version) => `/usr/bin/python${version}`);
	return found.filter(existsSync).map((python) => ({ origin: "Debian", python }));
}

function pyenv() {
	const root = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
	const releases = existsSync(root) ? readdirSync(root) : [];
	const found = releases.map((release) => join(root, release, "bin/python3")).filter(existsSync);
	return found.map((python) => ({ origin: "pyenv", python }));
}

/** Whether each Python expression is true on an interpreter. */
export function answers({ python }: Interpreter, expressions: readonly string[]): readonly boolean[] {
	const program = "import json, sys; print(json.dumps([bool(eval(text)) for text in sys.argv[1:]]))";
	return JSON.parse(execFileSync(python, ["-I", "-c", program, ...expressions], { encoding: "utf8" }));
}
