/**
 * What a person gets from the registry: packs the three packages, installs the tarballs with npm in an empty project,
 * signs, verifies and inspects with the command, imports and type-checks the libraries. Then once more without a
 * compiler on the PATH.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const workspace = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sigtool-smoke-"));
const environment = { ...process.env, XDG_CONFIG_HOME: join(folder, "config") };
try {
	const tarballs = pack();
	const project = install("project", tarballs, environment);
	signVerifyInspect(project, environment);
	importAndTypeCheck(project);
	const bare = { ...environment, PATH: pathWithoutCompiler() };
	signVerifyInspect(install("without-compiler", tarballs, bare), bare);
} finally {
	rmSync(folder, { recursive: true, force: true });
}

/** Paths of the three tarballs, after a look at what is in them. */
function pack() {
	const tarballs = join(folder, "tarballs");
	for (const name of ["core", "verifier", "cli"]) {
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

/** An empty project with the tarballs installed. */
function install(name, tarballs, env) {
	const { devDependencies } = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8"));
	const project = join(folder, name);
	mkdirSync(project);
	writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
	run("npm", ["install", "--no-audit", "--no-fund", ...tarballs, `@types/node@${devDependencies["@types/node"]}`], {
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

	sigtool(["sign", "app"]);
	sigtool(["verify", "app"]);
	assert.equal(typeof JSON.parse(sigtool(["inspect", "app/app.cat", "--json"])), "object");
	writeFileSync(join(project, "app/lib/one.js"), "export const one = 2;\n");
	assert.match(sigtool(["verify", "app", "--json"], 1), /ERR_FILE_MODIFIED/);
	console.log("signed, verified, inspected, and found a changed file");
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

/** A PATH with Node.js, npm and a shell, and nothing else. */
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

/** Standard output of a program that must end with `status`. */
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
