/**
 * Installs a launcher for a test: a copy of the launcher in a directory, with its configuration. A script takes the
 * place of the hook, and prints what it got.
 */

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasProgram, spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../../test/temporary.js";

export const NATIVE = fileURLToPath(new URL("../../native", import.meta.url));
export const BUILT = fileURLToPath(new URL("../../dist/native", import.meta.url));
export const hasLauncher = existsSync(join(BUILT, "sigtool-launch"));
export const isRoot = process.getuid?.() === 0;
export const hasCompiler = hasProgram("cc");

/** Compiles for arm64. */
export const CROSS = "aarch64-linux-gnu-gcc";
export const hasCross = hasProgram(CROSS);

/**
 * Writes a script that compiles for arm64 with this machine's headers of OpenSSL, which have the same content for both
 * processors. Debian has no package of them for a foreign one. Returns the script's path.
 */
export function writeCrossCompiler(directory: string): string {
	const script = join(directory, CROSS);
	const { stdout } = spawnSync("cc", ["-print-multiarch"], { encoding: "utf8" });
	writeFileSync(script, `#!/bin/sh\nexec ${CROSS} "$@" -idirafter /usr/include/${stdout}`, { mode: 0o755 });
	return script;
}

/** The content of the first line that the script in place of the hook prints. */
export interface Launched {
	readonly index: string;
	readonly record: string;
	readonly links: readonly string[];
	readonly flags: readonly string[];
	readonly environment: Readonly<Record<string, string>>;
}

const STAND_IN = `
const { readFileSync, readlinkSync, readdirSync } = require("node:fs");
const isLaunched = process.env.SIGTOOL_LAUNCH !== undefined;
console.log(JSON.stringify({
	index: isLaunched ? readFileSync("/proc/self/fd/3", "utf8") : "",
	record: isLaunched ? readFileSync("/proc/self/fd/4", "utf8") : "",
	links: isLaunched ? [3, 4].map((fd) => readlinkSync("/proc/self/fd/" + fd)) : [],
	flags: process.execArgv,
	environment: process.env,
}));
`;

export interface Run {
	readonly status: number | null;
	readonly signal: string | null;
	readonly stdout: string;
	readonly stderr: string;
	/** Parses the first line, which says what the hook got. */
	readonly launched: () => Launched;
	/** Returns the output after the first line. */
	readonly rest: () => string;
}

export interface RunOptions {
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
	readonly input?: string;
	/** A program and its arguments. The program starts the launcher, whose path is appended to the arguments. */
	readonly before?: readonly string[];
}

export class Installation {
	readonly directory: string;
	readonly #settings = new Map<string, string>();

	constructor(node = process.execPath) {
		this.directory = temporaryDirectory();
		mkdirSync(this.at("bin"));
		copyFileSync(join(BUILT, "sigtool-launch"), this.launcher);
		this.write("bin/register.cjs", STAND_IN);
		this.write("app.sigx", "an index");
		this.useNode(node);
		this.set("bundle", pinned(this.at("bin/register.cjs")));
		this.set("index", this.at("app.sigx"));
		this.set("config", "/etc/sigtool/verifier.json");
		this.set("development", "allow");
	}

	get launcher(): string {
		return this.at("bin/sigtool-launch");
	}

	get settingsFile(): string {
		return this.at("bin/launcher.conf");
	}

	at(path: string): string {
		return join(this.directory, path);
	}

	write(path: string, content: string | Uint8Array): string {
		mkdirSync(join(this.at(path), ".."), { recursive: true });
		writeFileSync(this.at(path), content, { mode: 0o644 });
		return this.at(path);
	}

	useNode(node: string): void {
		const { pin, major } = pinnedNode(realpathSync(node));
		this.set("node", pin);
		this.set("node-major", major);
	}

	/** Sets a line of launcher.conf, or removes the line if `value` is undefined. */
	set(key: string, value: string | undefined): void {
		if (value === undefined) this.#settings.delete(key);
		else this.#settings.set(key, value);
		const lines = [...this.#settings].map(([name, text]) => `${name} ${text}\n`);
		this.write("bin/launcher.conf", `version 1\n${lines.join("")}`);
	}

	/** Runs with `--allow-development`, because this user owns the directory. */
	run(args: readonly string[], options: RunOptions = {}): Run {
		return this.runAsGiven(["--allow-development", ...args], options);
	}

	runAsGiven(args: readonly string[], { env, cwd, input, before = [] }: RunOptions = {}): Run {
		const [program = this.launcher, ...rest] = [...before, this.launcher, ...args];
		const { status, signal, stdout, stderr } = spawnSync(program, rest, {
			env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", ...env },
			cwd: cwd ?? this.directory,
			input,
			encoding: "utf8",
			timeout: 120_000,
		});
		const [first = "", ...others] = stdout.split("\n");
		return { status, signal, stdout, stderr, launched: () => JSON.parse(first), rest: () => others.join("\n") };
	}
}

/** Returns `PATH SHA256`, the form of a pinned file in launcher.conf. */
export function pinned(file: string): string {
	return `${file} ${createHash("sha256").update(readFileSync(file)).digest("hex")}`;
}

/**
 * Returns the pin and the major release of a Node.js binary. Keeps the result for later calls, because computing the
 * digest of that file takes time.
 */
function pinnedNode(file: string): { readonly pin: string; readonly major: string } {
	const known = pinnedNodes.get(file);
	if (known !== undefined) return known;
	const { stdout } = spawnSync(file, ["-p", "process.versions.node.split('.')[0]"], { encoding: "utf8" });
	const node = { pin: pinned(file), major: /^\d+\n$/.test(stdout) ? stdout.trim() : "24" };
	pinnedNodes.set(file, node);
	return node;
}
const pinnedNodes = new Map<string, { readonly pin: string; readonly major: string }>();

/** Compiles a program from C text into a directory. */
export function compileProgram(directory: string, name: string, source: string): string {
	const program = join(directory, name);
	writeFileSync(`${program}.c`, source);
	const { status, stderr } = spawnSync("cc", ["-O1", "-static", "-o", program, `${program}.c`], { encoding: "utf8" });
	if (status !== 0) throw new Error(stderr);
	return program;
}
