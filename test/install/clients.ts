/** Runs releases of npm and pnpm, which npm fetches once into `.cache`, in projects of a registry on this machine. */

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { registryEnvironment } from "../../scripts/registry-environment.mjs";
import { execFile, execFileSync } from "../outside.js";

export interface Client {
	readonly name: string;
	/** The program and its first arguments. */
	readonly program: readonly string[];
	/** The arguments that add packages to a project, with the scripts of dependencies blocked. */
	readonly add: readonly string[];
	readonly leaveOut: string;
}

const FOLDER = fileURLToPath(new URL("../../.cache/clients", import.meta.url));
const inFolder = (path: string) => join(FOLDER, "node_modules", path);
/** npm 12 and pnpm run no script that nobody has approved. Earlier releases of npm need the option. */
const NPM = { add: ["install", "--ignore-scripts", "--no-audit", "--no-fund"], leaveOut: "--omit=optional" };
const PNPM = { add: ["add"], leaveOut: "--no-optional" };

export const CLIENTS: readonly Client[] = [
	{ name: "npm 10", program: [process.execPath, inFolder("npm10/bin/npm-cli.js")], ...NPM },
	{ name: "npm 11", program: [process.execPath, inFolder("npm11/bin/npm-cli.js")], ...NPM },
	{ name: "npm 12", program: [process.execPath, inFolder("npm12/bin/npm-cli.js")], ...NPM, add: ["install"] },
	{ name: "pnpm 10", program: [process.execPath, inFolder("pnpm10/bin/pnpm.cjs")], ...PNPM },
	// The package of pnpm 12 has an install script that puts this program in its place.
	{ name: "pnpm 12", program: [inFolder(`@pnpm/exe.linux-${process.arch}/pnpm`)], ...PNPM },
];

export function fetchClients(): void {
	if (existsSync(FOLDER)) return;
	mkdirSync(dirname(FOLDER), { recursive: true });
	const partial = mkdtempSync(`${FOLDER}.`);
	try {
		writeFileSync(join(partial, "package.json"), '{ "private": true }\n');
		const packages = ["npm@10", "npm@11", "npm@12", "pnpm@10", "pnpm@12"].map((release) => {
			const [name, major] = release.split("@");
			return `${name}${major}@npm:${release}`;
		});
		const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", partial];
		execFileSync("npm", ["install", ...flags, ...packages], { env: registryEnvironment(), stdio: "pipe" });
		renameSync(partial, FOLDER);
	} catch (error) {
		// Another test file may have been faster.
		if (!existsSync(FOLDER)) throw error;
	} finally {
		rmSync(partial, { recursive: true, force: true });
	}
}

export interface Run {
	readonly status: number;
	readonly output: string;
}

/** Runs a program. The registry answers in this process, so this process must not wait for the program. */
export function run(
	[program = "", ...args]: readonly string[],
	options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Run> {
	return new Promise((done) => {
		execFile(program, args, { ...options, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
			const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
			done({ status, output: `${stdout}${stderr}` });
		});
	});
}
