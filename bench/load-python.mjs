import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSpython } from "../packages/verifier/native/build-spython.mjs";
import { run } from "./measure.mjs";

const beside = (path) => fileURLToPath(new URL(path, import.meta.url));

export const [ISOLATED, SIGNED, HOOKS_ALONE, WITHOUT_AUDIT, NOTHING_VERIFIED] = [
	"python3 -I",
	"spython",
	"spython, extension modules not digested",
	"spython without audit hook",
	"spython, nothing verified",
];

/** The C source for each variant of spython. This source replaces the function by which spython adds its audit hook. */
const VARIANTS = {
	"spython-hooks-alone": `#include <string.h>
typedef int hook(const char *, void *, void *);
static hook *own;
static int not_imports(const char *event, void *arguments, void *data) {
	return strcmp(event, "import") == 0 ? 0 : own(event, arguments, data);
}
int __real_PySys_AddAuditHook(hook *, void *);
int __wrap_PySys_AddAuditHook(hook *added, void *data) { own = added; return __real_PySys_AddAuditHook(not_imports, data); }
`,
	"spython-without-audit": "int __wrap_PySys_AddAuditHook(void) { return 0; }\n",
};

/**
 * Prints the directories from which an isolated Python loads code: those in sys.path, and the one
 * that contains the target of the link sitecustomize.py.
 */
const ASK = `import json, os, sys, sysconfig
places = [*sys.path, *(os.path.dirname(os.path.realpath(each.__file__)) for name, each in sys.modules.items() if name == "sitecustomize")]
places = sorted({os.path.realpath(each) for each in places if os.path.isdir(each)})
below = lambda each: any(each.startswith(other + "/") for other in places)
print(json.dumps([sys.version.split()[0], [each for each in places if not below(each)]]))`;

/**
 * Returns the system's newest CPython and its directories of code. Unless `quick`, also returns all Pythons of pyenv
 * from 3.8 on.
 */
export function pythons(quick) {
	const system = ["3.14", "3.13", "3.12", "3.11"].map((release) => `/usr/bin/python${release}`).filter(existsSync);
	const versions = join(homedir(), ".pyenv/versions");
	const own = existsSync(versions) ? readdirSync(versions).map((name) => join(versions, name, "bin/python3")) : [];
	return [...system.slice(0, 1), ...(quick ? [] : own)].flatMap((executable) => {
		const { status, stdout } = spawnSync(executable, ["-I", "-c", ASK], { encoding: "utf8" });
		if (status !== 0) return [];
		const [version, directories] = JSON.parse(stdout.trimEnd().split("\n").at(-1));
		return Number(version.split(".")[1]) >= 8 ? [{ executable, version, directories }] : [];
	});
}

/**
 * Builds spythons for a Python below `scratch`, and an index that adopts everything that this Python loads.
 *
 * @param {(...argv: string[]) => string[]} sigtool makes the argv that runs sigtool with these arguments
 * @returns {{ of(script: string): object[], indexed(index: string, script: string): string[], makeIndex(more:
 * string[]): string }}
 * `of` returns the programs that run a script. `indexed` returns the argv of spython with another index. `makeIndex`
 * makes an index with more directories and returns its path.
 * @throws {Error} if there is no compiler, or if headers are missing
 */
export function signedPython({ executable, version, directories }, { scratch, env, sigtool }) {
	const home = join(scratch, `python-${version}`);
	const application = join(home, "app");
	const at = (name) => join(home, name);
	mkdirSync(application, { recursive: true });
	for (const name of ["load-modules.py", "load-zip.py"]) copyFileSync(beside(name), join(application, name));
	writeFileSync(join(application, "pass.py"), "pass\n");
	run({ argv: [executable, "-I", beside("make-zip.py"), join(application, "lib.zip")] }, env);
	buildSpython({ python: executable, output: at("spython") });
	for (const [name, source] of Object.entries(VARIANTS)) {
		withAuditHook(source, at, () => buildSpython({ python: executable, output: at(name) }));
	}

	let pin;
	const makeIndex = (more = []) => {
		const index = at(`${more.length}.sigx`);
		const adopted = [application, ...directories, ...more].flatMap((directory) => ["--adopt", directory]);
		const compiled = run({ argv: sigtool("compile", ...adopted, "-o", index, "--allow-development", "--json") }, env);
		pin = JSON.parse(compiled).signer.spkiSha256;
		return index;
	};
	const index = makeIndex();
	for (const mode of ["enforce", "off"]) {
		writeFileSync(at(`${mode}.json`), JSON.stringify({ version: 1, mode, pins: [{ "spki-sha256": pin }] }));
	}
	const start = (program, mode, from) => [
		at(program),
		"--index",
		from,
		"--config",
		at(`${mode}.json`),
		"--allow-development",
	];
	return {
		makeIndex,
		indexed: (other, script) => [...start("spython", "enforce", other), join(application, script)],
		of: (script) => [
			{ name: ISOLATED, argv: [executable, "-I", join(application, script)] },
			{ name: SIGNED, argv: [...start("spython", "enforce", index), join(application, script)] },
			{ name: HOOKS_ALONE, argv: [...start("spython-hooks-alone", "enforce", index), join(application, script)] },
			{ name: WITHOUT_AUDIT, argv: [...start("spython-without-audit", "enforce", index), join(application, script)] },
			{ name: NOTHING_VERIFIED, argv: [...start("spython", "off", index), join(application, script)] },
		],
	};
}

/** Calls `build` with a compiler that links the functions of `source` in place of PySys_AddAuditHook. */
function withAuditHook(source, at, build) {
	writeFileSync(at("wrap.c"), source);
	writeFileSync(at("cc"), `#!/bin/sh\nexec cc "$@" -Wl,--wrap=PySys_AddAuditHook "${at("wrap.c")}"\n`);
	chmodSync(at("cc"), 0o755);
	const before = process.env.CC;
	process.env.CC = at("cc");
	try {
		build();
	} finally {
		if (before === undefined) delete process.env.CC;
		else process.env.CC = before;
	}
}
