/** Signs and compiles a directory as a user does, and runs programs in it with `sigtool run`. */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { type ChildProcess, spawn, spawnSync } from "../outside.js";

const SIGTOOL = fileURLToPath(new URL("../../packages/cli/dist/main.cjs", import.meta.url));
const LAUNCHER = fileURLToPath(new URL("../../packages/verifier/dist/native/sigtool-launch", import.meta.url));

/** The reason why the launcher cannot run here. Undefined if it can. */
export const noLauncher = existsSync(LAUNCHER) ? undefined : "the launcher is not built";

export interface Outcome {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export interface AuditEvent {
	readonly event: string;
	readonly verdict: "allow" | "refuse" | "audit";
	readonly path?: string;
	readonly reason?: string;
}

export interface SignedTree {
	readonly directory: string;
	/** The directory that programs may write to. */
	readonly output: string;
	/** Runs a program on unguarded Node.js, in the directory. */
	runUnguarded(release: string, argv: readonly string[]): Outcome;
	/** Runs a command line in the directory, outside of any launcher. */
	runCommand(line: readonly string[]): Outcome;
	/** Runs a program under the launcher. */
	run(release: string, argv: readonly string[], mode?: "enforce" | "strict"): Outcome;
	/** Runs a program in mode audit, on a host whose configuration says so. */
	runAudited(release: string, argv: readonly string[]): Outcome & { readonly events: readonly AuditEvent[] };
	start(release: string, argv: readonly string[]): ChildProcess;
	/** Runs a program under the launcher. Returns the files that its events name, relative to the directory. */
	filesLoadedBy(release: string, argv: readonly string[]): string[];
	[Symbol.dispose](): void;
}

/** Copies parts of this directory, and the installed packages, into a directory. */
export function copyApplications(directory: string, installed: string, parts: readonly string[]): void {
	const copy = { recursive: true, verbatimSymlinks: true };
	for (const part of parts) {
		cpSync(fileURLToPath(new URL(part, import.meta.url)), join(directory, part), copy);
	}
	cpSync(join(installed, "node_modules"), join(directory, "node_modules"), copy);
}

/** Makes a signed tree. `fill` writes the files to sign into the given directory. */
export function signTree(fill: (directory: string) => void, policy: object): SignedTree {
	const home = mkdtempSync(join(tmpdir(), "sigtool-applications-"));
	const directory = join(home, "app");
	mkdirSync(directory);
	const { path: output, remove } = nosuidDirectory("sigtool-output-");
	const { NODE_OPTIONS: _, NODE_EXTRA_CA_CERTS: __, ...outer } = process.env;
	const env = { ...outer, XDG_CONFIG_HOME: join(home, "config"), NO_COLOR: "1" };
	const audited = { ...env, XDG_CONFIG_HOME: join(home, "config-audit") };
	const [index, audit] = [join(home, "app.sigx"), join(home, "audit.jsonl")];

	function commandLine(release: string, argv: readonly string[], mode: string): string[] {
		const options = ["--allow-development", "--quiet", "--index", index, "--mode", mode];
		return [nodeOfRelease(release), SIGTOOL, "run", ...options, "--write", output, "--", ...argv];
	}
	function execute([program = "", ...args]: readonly string[], environment = env): Outcome {
		return spawnSync(program, args, { cwd: directory, env: environment, encoding: "utf8" });
	}
	function start([program = "", ...args]: readonly string[]): ChildProcess {
		return spawn(program, args, { cwd: directory, env });
	}
	function sigtool(...args: string[]): string {
		const { status, stdout, stderr } = spawnSync(process.execPath, [SIGTOOL, ...args], {
			cwd: home,
			env,
			encoding: "utf8",
		});
		if (status !== 0) throw new Error(`sigtool ${args[0]} ends with ${status}: ${stderr}`);
		return stdout;
	}
	function runRecorded(line: readonly string[], environment = env) {
		rmSync(audit, { force: true });
		const outcome = execute(line, environment);
		const lines = readFileSync(audit, "utf8").trim().split("\n");
		return { ...outcome, events: lines.map((text): AuditEvent => JSON.parse(text)) };
	}
	function filesLoadedBy(release: string, argv: readonly string[]): string[] {
		const { events } = runRecorded(commandLine(release, argv, "enforce"));
		const loads = events.filter(({ event }) => event === "module.open_code" || event === "module.dlopen");
		const paths = [...new Set(loads.map(({ path = "" }) => relative(directory, path)))];
		return paths.filter((path) => !path.startsWith("..")); // The gate tells of the addon of the hook too.
	}

	fill(directory);
	writeFileSync(join(home, "policy.json"), JSON.stringify({ version: 1, ...policy }));
	sigtool("sign", "app", "--product", "app");
	const compiled = sigtool("compile", "app", "-o", index, "--policy", "policy.json", "--allow-development", "--json");
	const { signer } = JSON.parse(compiled);
	const configuration = {
		version: 1,
		onRefusal: "exit",
		pins: [{ "spki-sha256": signer.spkiSha256 }],
		audit: { jsonLines: audit, stderr: "refusals" },
	};
	writeFileSync(join(home, "config/sigtool/verifier.json"), JSON.stringify(configuration));
	cpSync(env.XDG_CONFIG_HOME, audited.XDG_CONFIG_HOME, { recursive: true });
	const auditing = { ...configuration, mode: "audit" };
	writeFileSync(join(home, "config-audit/sigtool/verifier.json"), JSON.stringify(auditing));
	return {
		directory,
		output,
		runUnguarded: (release, argv) => execute([nodeOfRelease(release), ...argv]),
		runCommand: execute,
		run: (release, argv, mode = "enforce") => execute(commandLine(release, argv, mode)),
		runAudited: (release, argv) => runRecorded(commandLine(release, argv, "audit"), audited),
		filesLoadedBy,
		start: (release, argv) => start(commandLine(release, argv, "enforce")),
		[Symbol.dispose]() {
			remove();
			rmSync(home, { recursive: true, force: true });
		},
	};
}

/**
 * Flips a bit in the middle of a file while `action` runs. A package.json gets one more line end instead, because Node.js
 * itself rejects a package.json that is not JSON before it calls the hook.
 */
export function whileChanged<Result>(file: string, action: () => Result): Result {
	const original = readFileSync(file);
	const isPackage = basename(file) === "package.json";
	const changed = Buffer.concat(isPackage ? [original, Buffer.from("\n")] : [original]);
	if (!isPackage) changed[changed.length >> 1] ^= 1;
	writeFileSync(file, changed);
	try {
		return action();
	} finally {
		writeFileSync(file, original);
	}
}

/** Appends a line end to a file while `action` runs, which does not change what the program does. */
export function whileLonger<Result>(file: string, action: () => Result): Result {
	const original = readFileSync(file);
	writeFileSync(file, Buffer.concat([original, Buffer.from("\n")]));
	try {
		return action();
	} finally {
		writeFileSync(file, original);
	}
}
