/**
 * Tests the packages in the form in which users get them from the registry. Packs the packages, and installs the
 * tarballs with npm in an empty project, by prebuilt native parts. Signs, verifies and inspects with the command. Imports
 * the libraries and checks their types. Then repeats this without the optional packages: everything that needs no native
 * part works, sigtool says what is missing, and compiles it.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { outdatedParts } from "./native/parts.mjs";

const workspace = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sigtool-smoke-"));
const environment = { ...process.env, XDG_CONFIG_HOME: join(folder, "config") };
const target = `linux-${process.arch}`;
try {
	const outdated = outdatedParts();
	if (outdated.length > 0) throw new Error(`Run \`pnpm native:all\` first: ${outdated.join(", ")}`);
	const tarballs = pack();
	const project = install("project", tarballs, environment);
	signVerifyInspect(project, environment);
	usePrebuiltParts(project, environment);
	runSigned(project, environment);
	usePython(project, environment);
	importAndTypeCheck(project);
	const bare = { ...environment, PATH: pathWithoutCompiler() };
	const without = install("without-native-parts", tarballs, bare, "--omit=optional");
	signVerifyInspect(without, bare);
	missNativeParts(without, bare);
	buildNativeParts(without, environment);
	runSigned(without, environment);
} finally {
	rmSync(folder, { recursive: true, force: true });
}

/** Packs the packages, checks the content of the tarballs and returns their paths. */
function pack() {
	const tarballs = join(folder, "tarballs");
	for (const name of ["core", "native", "verifier", "cli", `native-${target}`]) {
		run("npx", ["-y", "pnpm@12", "pack", "--pack-destination", tarballs], { cwd: join(workspace, "packages", name) });
	}
	return readdirSync(tarballs).map((file) => {
		const contents = run("tar", ["-tzf", file], { cwd: tarballs }).trim().split("\n");
		assert.ok(contents.includes("package/LICENSE"), `${file} carries its licence`);
		assert.deepEqual(
			contents.filter((entry) => /\.map$|tsbuildinfo|\/(src|test)\//.test(entry)),
			[],
			`${file} carries only what is needed`,
		);
		console.log(`packed ${file}: ${contents.length} files`);
		return join(tarballs, file);
	});
}

/**
 * Makes an empty project and installs the tarballs in it. The package of this machine's native parts is optional, as it
 * is in the other packages. Those of other machines are in no registry, which npm forgives for optional packages.
 */
function install(name, tarballs, env, ...options) {
	const { devDependencies } = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8"));
	const project = join(folder, name);
	mkdirSync(project);
	const [optional, always] = [true, false].map((is) => tarballs.filter((file) => file.includes(target) === is));
	const native = optional.map((file) => [`@sigtool/native-${target}`, `file:${file}`]);
	const manifest = { private: true, type: "module", optionalDependencies: Object.fromEntries(native) };
	writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
	const types = `@types/node@${devDependencies["@types/node"]}`;
	run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...options, ...always, types], {
		cwd: project,
		env,
	});
	console.log(`installed in ${name}`);
	return project;
}

function signVerifyInspect(project, env) {
	const sigtool = (args, status = 0) => run("npx", ["--no-install", "sigtool", ...args], { cwd: project, env, status });
	mkdirSync(join(project, "app/lib"), { recursive: true });
	writeFileSync(join(project, "app/main.js"), "import './lib/one.js';\n");
	writeFileSync(join(project, "app/lib/one.js"), "export const one = 1;\n");
	// For so many files sigtool loads the native threads, if they are built.
	for (let n = 0; n < 100; n++) writeFileSync(join(project, `app/lib/${n}.js`), `export const n = ${n};\n`);

	sigtool(["sign", "app"]);
	sigtool(["verify", "app"]);
	assert.equal(typeof JSON.parse(sigtool(["inspect", "app/app.cat", "--json"])), "object");
	writeFileSync(join(project, "app/lib/one.js"), "export const one = 2;\n");
	assert.match(sigtool(["verify", "app", "--json"], 1), /ERR_FILE_MODIFIED/);
	console.log("signed, verified, inspected, and found a changed file");
}

/** Runs a signed program through the launcher. */
function runSigned(project, env) {
	mkdirSync(join(project, "signed"));
	// The project's package.json says "module", but nobody signed this package.json. So main.js must run as CommonJS.
	writeFileSync(join(project, "signed/main.js"), "console.log('ran', typeof require);\n");
	const sigtool = (...args) => run("npx", ["--no-install", "sigtool", ...args], { cwd: project, env });
	sigtool("sign", "signed");
	assert.match(sigtool("run", "--allow-development", "signed/main.js"), /^ran function$/m);
	console.log("ran a signed program through the launcher");
}

/** Builds a spython from the sources in the tarballs. Does nothing without a CPython that has headers. */
function usePython(project, env) {
	const python = "/usr/bin/python3";
	const include = spawnSync(python, ["-c", "import sysconfig; print(sysconfig.get_config_var('INCLUDEPY'))"], {
		encoding: "utf8",
	});
	if (include.status !== 0 || !existsSync(join(include.stdout.trim(), "Python.h"))) {
		console.log("skipped: Python (no /usr/bin/python3 with headers here)");
		return;
	}
	mkdirSync(join(project, "service"));
	writeFileSync(join(project, "service/main.py"), "import part\n");
	writeFileSync(join(project, "service/part.py"), "print('ran', 6 * 7)\n");
	const sigtool = (...args) => run("npx", ["--no-install", "sigtool", ...args], { cwd: project, env });
	assert.match(sigtool("sign", "service", "--compile-python", "--python", python), /2 \.pyc files written/);
	sigtool("python", "build", "--python", python, "--allow-development");
	assert.match(sigtool("run", "--allow-development", "service/main.py"), /^ran 42$/m);
	console.log("built a spython, and ran a signed program with it");
}

function usePrebuiltParts(project, env) {
	for (const id of ["native", "attributes", "gate"]) assert.equal(check(id, project, env).status, "yes");
	assert.equal(check("native", project, env).value, `prebuilt for ${target}`);
	console.log("the prebuilt parts load in the command and the library");
}

function missNativeParts(project, env) {
	const missing = new RegExp(`@sigtool/native-${target} is not installed; .*native/sigtool-native-${target}-`);
	for (const id of ["native", "attributes"]) {
		const { status, value } = check(id, project, env);
		assert.deepEqual([status, missing.test(value)], ["no", true], value);
	}
	const sigtool = (args) => run("npx", ["--no-install", "sigtool", ...args], { cwd: project, env, status: 2 });
	const output = sigtool(["sign", "app", "--json", "--pkcs11", "pkcs11:", "--pkcs11-module", "/none.so"]);
	assert.match(JSON.parse(output).error.message, missing);
	assert.match(JSON.parse(sigtool(["run", "--json", "--allow-development", "app/main.js"])).error.message, missing);
	console.log("without native parts the command says what is missing");
}

/** Compiles the parts in the project. Needs a compiler with a static libc, and the headers of OpenSSL. */
function buildNativeParts(project, env) {
	run("npx", ["--no-install", "sigtool", "native", "build"], { cwd: project, env });
	assert.equal(check("native", project, env).value, "compiled on this machine");
	console.log("compiled the native parts");
}

/** Returns the result of a check. `sigtool doctor` and `examineSystem()` must have the same result, if both have it. */
function check(id, project, env) {
	const find = (checks) => checks.find((each) => each.id === id);
	const command = run("npx", ["--no-install", "sigtool", "doctor", "--json"], { cwd: project, env });
	const found = find(JSON.parse(command).checks);
	if (id === "gate") return found;
	const script = `import { examineSystem } from "@sigtool/core"; console.log(JSON.stringify(await examineSystem(".")));`;
	const library = run(process.execPath, ["--input-type=module", "-e", script], { cwd: project, env });
	assert.deepEqual(find(JSON.parse(library)), found);
	return found;
}

function importAndTypeCheck(project) {
	writeFileSync(
		join(project, "consumer.ts"),
		`import { SigtoolError, type ErrorCode } from "@sigtool/core";
import { SigtoolError as ReadError } from "@sigtool/core/read";
import * as verifier from "@sigtool/verifier";

const code: ErrorCode = "ERR_USAGE";
export const error: Error = new SigtoolError(code, "consumer");
if (!(error instanceof ReadError) || typeof verifier !== "object") throw error;
`,
	);
	const tsc = join(workspace, "node_modules/typescript/bin/tsc");
	const strict = ["--strict", "--module", "nodenext", "--target", "es2022", "--types", "node"];
	run(process.execPath, [tsc, ...strict, "consumer.ts"], { cwd: project });
	run(process.execPath, ["consumer.js"], { cwd: project });
	console.log("type-checked and imported @sigtool/core, @sigtool/core/read and @sigtool/verifier");
}

/** Returns a PATH that has Node.js, npm and a shell, and nothing else. */
function pathWithoutCompiler() {
	const bin = join(folder, "bin");
	mkdirSync(bin);
	for (const name of ["node", "npm", "npx", "sh", "env"]) symlinkSync(which(name), join(bin, name));
	return bin;
}

function which(name) {
	for (const directory of (process.env.PATH ?? "").split(delimiter)) {
		const found = spawnSync("test", ["-x", join(directory, name)]).status === 0;
		if (found) return join(directory, name);
	}
	throw new Error(`Cannot find ${name} on the PATH`);
}

/** Returns the standard output of a program that must end with `status`. */
function run(program, args, { cwd, env = environment, status = 0 }) {
	const result = spawnSync(program, args, { cwd, env, encoding: "utf8", maxBuffer: 64 << 20 });
	if (result.status === status) return result.stdout;
	throw new Error(
		`${[program, ...args].join(" ")} ended with ${result.status}, not ${status}\n${result.stdout}${result.stderr}`,
		{
			cause: result.error,
		},
	);
}
