/** Signs and compiles a directory as a user does, and runs programs in it with `sigtool run`. */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { type ChildProcess, spawn, spawnSync } from "../outside.js";
import { atEndOfFile, temporaryDirectory } from "../temporary.js";

const SIGTOOL = fileURLToPath(new URL("../../packages/cli/dist/main.cjs", import.meta.url));

export interface Outcome {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export interface AuditEvent {
	readonly event: string;
	readonly verdict: "allow" | "record" | "audit" | "refuse";
	readonly path?: string;
	readonly file?: string;
	readonly reason?: string;
}

export interface Recorded extends Outcome {
	readonly events: readonly AuditEvent[];
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
	/** Runs a program under the launcher, and returns its events too. */
	runRecorded(release: string, argv: readonly string[], mode: "enforce" | "strict"): Recorded;
	/** Runs a program in mode audit, on a host whose configuration says so. */
	runAudited(release: string, argv: readonly string[]): Recorded;
	start(release: string, argv: readonly string[]): ChildProcess;
	/**
	 * Goes from runs in mode audit to a policy, by the commands of docs/how-to/policy.md. `programs` are the command lines
	 * that are recorded.
	 */
	learn(release: string, programs: readonly (readonly string[])[]): LearnedTree;
	/** Runs a program under the launcher. Returns the files that its events name, relative to the directory. */
	filesLoadedBy(release: string, argv: readonly string[]): string[];
}

export interface LearnedTree {
	/** The last runs in mode audit, in the order of the programs. */
	readonly audited: readonly Outcome[];
	/** The notes of `policy learn` about the last runs, and the policy that it wrote. */
	readonly notes: string;
	readonly policy: object;
	/** The end of `policy test` of the last runs. */
	readonly tested: Outcome;
	/** The events of the last runs. */
	readonly events: readonly AuditEvent[];
	/** Runs a program under the launcher with this policy, and judges the events of that run by it. */
	enforce(argv: readonly string[]): { readonly ending: Recorded; readonly judged: Outcome };
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
	const home = temporaryDirectory(atEndOfFile);
	const directory = join(home, "app");
	mkdirSync(directory);
	const output = nosuidDirectory(atEndOfFile);
	const { NODE_OPTIONS: _, NODE_EXTRA_CA_CERTS: __, ...outer } = process.env;
	const env = { ...outer, XDG_CONFIG_HOME: join(home, "config"), NO_COLOR: "1" };
	const audited = { ...env, XDG_CONFIG_HOME: join(home, "config-audit") };
	const [index = "", audit = ""] = [join(home, "app.sigx"), join(home, "audit.jsonl")];

	function commandLine(release: string, argv: readonly string[], mode: string, by = index): string[] {
		const options = ["--allow-development", "--quiet", "--index", by, "--mode", mode];
		return [nodeOfRelease(release), SIGTOOL, "run", ...options, "--write", output, "--", ...argv];
	}
	function execute([program = "", ...args]: readonly string[], environment = env): Outcome {
		return spawnSync(program, args, { cwd: directory, env: environment, encoding: "utf8" });
	}
	function start([program = "", ...args]: readonly string[]): ChildProcess {
		return spawn(program, args, { cwd: directory, env });
	}
	function sigtool(...args: string[]): string {
		return run(...args).stdout;
	}
	function run(...args: string[]): Outcome {
		const ended = spawnSync(process.execPath, [SIGTOOL, ...args], {
			cwd: home,
			env,
			encoding: "utf8",
		});
		if (ended.status !== 0) throw new Error(`sigtool ${args[0]} ends with ${ended.status}: ${ended.stderr}`);
		return ended;
	}
	function runRecorded(line: readonly string[], environment = env): Recorded {
		rmSync(audit, { force: true });
		const outcome = execute(line, environment);
		return { ...outcome, events: eventsIn(audit) };
	}
	function learn(release: string, programs: readonly (readonly string[])[]): LearnedTree {
		const [log, learned, byLearned] = ["learn.jsonl", "learned.json", "learned.sigx"].map((name) =>
			join(home, name),
		) as [string, string, string];
		function record(...options: string[]) {
			rmSync(log, { force: true });
			const audit = [nodeOfRelease(release), SIGTOOL, "audit", "--log", log, ...options, "--"];
			const audited = programs.map((argv) => execute([...audit, ...argv]));
			const { stderr } = run("policy", "learn", log, ...options, "-o", learned, "--force");
			run("compile", "app", "-o", byLearned, "--policy", learned, "--allow-development");
			return { audited, notes: stderr };
		}
		// The second runs know the index, whose policy is that of the first ones.
		record();
		const last = record("--index", byLearned);
		const test = (events: string) =>
			execute([process.execPath, SIGTOOL, "policy", "test", events, "--index", byLearned]);
		return {
			...last,
			policy: JSON.parse(readFileSync(learned, "utf8")),
			tested: test(log),
			events: eventsIn(log),
			enforce(argv) {
				const ending = runRecorded(commandLine(release, argv, "enforce", byLearned));
				return { ending, judged: test(audit) };
			},
		};
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
		runRecorded: (release, argv, mode) => runRecorded(commandLine(release, argv, mode)),
		runAudited: (release, argv) => runRecorded(commandLine(release, argv, "audit"), audited),
		filesLoadedBy,
		learn,
		start: (release, argv) => start(commandLine(release, argv, "enforce")),
	};
}

function eventsIn(log: string): readonly AuditEvent[] {
	const lines = readFileSync(log, "utf8").trim().split("\n");
	return lines.map((text): AuditEvent => JSON.parse(text));
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
