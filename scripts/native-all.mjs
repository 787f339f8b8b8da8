/**
 * Builds the native parts of all targets, each into its package: `pnpm native:all`. Debian's GCC for x64 and arm64 builds
 * them, so this needs a Debian for x64 with the packages of `.ci/run`. Two builds of a commit with the same compilers
 * have the same bytes, whatever the folder and the time.
 *
 * `--out DIR` builds into DIR/TARGET instead. Names of targets choose some. `--check` builds nothing, and fails unless
 * the package in the current folder has all of its parts: a package is packed only if that is so.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { packageOf, partsOf } from "./native/parts.mjs";
import { compilerOf, TARGETS } from "./native/targets.mjs";

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: { out: { type: "string" }, check: { type: "boolean" } },
});

try {
	if (values.check) check(basename(process.cwd()).replace("native-", ""));
	else await buildAll();
} catch (error) {
	console.error(`error: ${error.message}`);
	process.exitCode = 1;
}

async function buildAll() {
	const unknown = positionals.find((name) => TARGETS.every((target) => target.name !== name));
	if (unknown !== undefined) throw new Error(`Cannot build "${unknown}": the targets are ${namesOf(TARGETS)}`);
	const chosen = TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
	const jobs = chosen.flatMap((target) => partsOf(target).map((part) => ({ target, part })));
	// A compiler uses one core, so two jobs at once use two.
	const worker = async () => {
		for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await build(job);
	};
	await Promise.all([worker(), worker()]);
}

async function build({ target, part: { name, kind, folder, sources, flags } }) {
	const directory = values.out === undefined ? packageOf(target) : resolve(values.out, target.name);
	mkdirSync(directory, { recursive: true });
	const file = join(directory, name);
	const temporary = `${file}.${process.pid}`;
	const { program, before, after } = compilerOf(target, kind);
	const inputs = sources.filter((source) => source.endsWith(".c"));
	// A part contains the paths of its sources as the compiler gets them, so these are relative. It does not contain the
	// names that GCC gives its intermediate files.
	const args = [...flags, ...before, "-o", temporary, ...inputs, ...after];
	try {
		await compile(program, args, folder);
		chmodSync(temporary, kind === "static" ? 0o755 : 0o644);
		renameSync(temporary, file);
	} finally {
		rmSync(temporary, { force: true });
	}
	const digest = createHash("sha256").update(readFileSync(file)).digest("hex");
	console.log(`${digest}  ${target.name}/${name}`);
}

function compile(program, args, cwd) {
	return new Promise((done, fail) => {
		const child = spawn(program, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
		child.once("error", () => fail(new Error(`Cannot run ${program}: install Debian's packages that .ci/run names`)));
		child.once("exit", (status) => {
			if (status === 0) done();
			else fail(new Error(`${program} ended with ${status}`));
		});
	});
}

function check(name) {
	const target = TARGETS.find((each) => each.name === name);
	if (target === undefined) throw new Error(`Cannot check ${process.cwd()}: it is no package of native parts`);
	const missing = partsOf(target).filter((part) => !existsSync(part.name));
	if (missing.length > 0) throw new Error(`Cannot pack ${name} without ${namesOf(missing)}: run \`pnpm native:all\``);
}

function namesOf(named) {
	return named.map(({ name }) => name).join(", ");
}
