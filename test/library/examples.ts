/** Finds the examples in comments and pages, compiles them as a program in strict TypeScript, and runs them. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { execFile, spawnSync } from "../outside.js";
import { type World, workspace } from "./world.js";

export interface Example {
	readonly name: string;
	readonly code: string;
}

/** Returns the example of each public function, by the name of the function. */
export function examplesOfFunctions(): Example[] {
	const examples: Example[] = [];
	for (const folder of ["packages/core/src", "packages/verifier/src"]) {
		for (const file of readdirSync(join(workspace, folder), { recursive: true, encoding: "utf8" })) {
			if (!file.endsWith(".ts")) continue;
			const source = readFileSync(join(workspace, folder, file), "utf8");
			for (const [, comment, name] of source.matchAll(
				/\/\*\*((?:(?!\*\/).)*)\*\/\nexport (?:async )?function (\w+)/gs,
			)) {
				const code = /@example\n \* ```ts\n(.*?) \* ```/s.exec(comment)?.[1].replace(/^ \* ?/gm, "");
				if (code !== undefined) examples.push({ name, code });
			}
		}
	}
	return examples;
}

/** Returns the programs on a page, in order. Each is named after the heading above it. */
export function examplesOfPage(page: string): Example[] {
	const text = readFileSync(join(workspace, page), "utf8");
	let heading = "";
	return [...text.matchAll(/^#+ ([^\n]+)$|^```ts\n(.*?)^```$/gms)].flatMap(([, title, code]) => {
		heading = title ?? heading;
		return code === undefined ? [] : [{ name: heading, code }];
	});
}

/**
 * Compiles the examples with the types that a program sees. Returns what the compiler says, and for each example the
 * path of the program.
 */
export function compile(examples: readonly Example[], { project, timestampUrl }: World) {
	const folder = join(project, `examples-${examples.length}`);
	mkdirSync(folder, { recursive: true });
	for (const [index, { code }] of examples.entries()) {
		writeFileSync(join(folder, `${index}.ts`), code.replaceAll("http://timestamp.example.com", timestampUrl));
	}
	const options = { strict: true, module: "nodenext", target: "es2022", lib: ["es2023"], types: ["node"] };
	const compilerOptions = { ...options, noUnusedLocals: true, noUncheckedIndexedAccess: false, outDir: "out" };
	writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
	const tsc = createRequire(import.meta.url)
		.resolve("typescript/package.json")
		.replace("package.json", "bin/tsc");
	const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
	return { said: stdout, programs: examples.map((_, index) => join(folder, "out", `${index}.js`)) };
}

/** Returns what the lines of an example say that it prints: the comments behind the calls of console.log(). */
export function expectedOutput(code: string): RegExp {
	const lines = [...code.matchAll(/console\.log\(.*\);(?: \/\/ (.*))?$/gm)].map(([, text]) => text);
	if (lines.some((text) => text === undefined)) return /^/;
	const escaped = lines.map((text) => `${text}`.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*"));
	return new RegExp(`^${escaped.map((line) => `${line}\n`).join("")}$`);
}

export interface Outcome {
	readonly printed: string;
	/** The stack of the error with which the program ended. */
	readonly error?: string;
}

/** Runs each program in a fresh copy of the world. */
export async function runAlone(programs: readonly string[], { project, env }: World): Promise<Outcome[]> {
	const runner = join(import.meta.dirname, "run-programs.mjs");
	return JSON.parse(await runNode([runner, join(project, "world"), ...programs], project, env));
}

/** Runs a program in the world itself, and returns what it prints. Throws what it wrote to standard error if it fails. */
export function runInside(program: string, { project, env }: World): Promise<string> {
	const world = join(project, "world");
	return runNode([program], world, { ...env, XDG_CONFIG_HOME: join(world, "config") });
}

function runNode(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<string> {
	const whole = { ...process.env, ...env, no_proxy: "*" };
	return new Promise((resolve, reject) => {
		execFile(process.execPath, args, { cwd, env: whole, encoding: "utf8" }, (error, stdout, stderr) => {
			if (error === null) resolve(stdout);
			else reject(new Error(`${error.message}\n${stderr}`));
		});
	});
}
