/** Goes with a program from a run in mode audit to a policy that enforces it, by the commands that sigtool prints. */

import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { giveDevelopmentIdentity } from "../packages/cli/test/development-identity.js";
import { KEPT_COMPILER } from "../packages/cli/test/kept-compiler/kept-compiler.js";
import { MAIN } from "../packages/cli/test/support.js";
import { type ChildProcess, spawn, spawnSync } from "./outside.js";
import { temporaryDirectory } from "./temporary.js";

export interface Ended {
	readonly status: number | null;
	/** The output of the program, or what its clients saw. */
	readonly output: unknown;
	readonly stderr: string;
}

/** Talks to a program that was started, until it ends. Returns what the program said. */
export type Use = (child: ChildProcess) => Promise<unknown>;

export interface LearnedProgram {
	/** Fills the directory `app`, which has the program and nothing that the run writes to. */
	readonly fill: (directory: string) => void;
	/** Runs the program without sigtool: the command line before `line`. */
	readonly runtime: readonly string[];
	/** The script and its arguments. */
	readonly line: readonly string[];
	/** Further variables of the program. */
	readonly environment?: Readonly<Record<string, string>>;
	/** The working directory. The default is one that is empty at first, and beside `app`. */
	readonly directory?: "app";
	readonly use: Use;
	/** A file that the program loads, relative to `app`. One byte of it is changed at the end. */
	readonly changed: string;
}

export interface LoggedEvent {
	readonly event: string;
	readonly verdict: string;
	readonly path?: string;
}

export class LearnedRun {
	readonly home = temporaryDirectory();
	readonly #env: NodeJS.ProcessEnv;
	readonly #program: LearnedProgram;

	constructor(program: LearnedProgram) {
		this.#program = program;
		const { NODE_OPTIONS: _, SIGTOOL_DEVELOPMENT: __, ...outer } = process.env;
		const config = this.at("config");
		const own = { XDG_CONFIG_HOME: config, NO_COLOR: "1", PATH: `${this.at("bin")}:${outer.PATH}` };
		this.#env = { ...outer, ...KEPT_COMPILER, ...own };
		giveDevelopmentIdentity(config);
		for (const directory of ["bin", "app", "work"]) mkdirSync(this.at(directory));
		writeFileSync(this.at("bin/sigtool"), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
		chmodSync(this.at("bin/sigtool"), 0o755);
		program.fill(this.at("app"));
	}

	at(name: string): string {
		return join(this.home, name);
	}

	/** Runs the program without sigtool. */
	unguarded(runtime = this.#program.runtime): Promise<Ended> {
		return this.#start(runtime);
	}

	/** Runs the program by a command of sigtool. */
	guarded(...command: readonly string[]): Promise<Ended> {
		return this.#start(["sigtool", ...command]);
	}

	async #start(command: readonly string[]): Promise<Ended> {
		const { line, use, directory = "work", environment } = this.#program;
		const [file = "", ...args] = [...command, ...line];
		const env = { ...this.#env, ...environment };
		const child = spawn(file, args, { cwd: this.at(directory), env, stdio: ["ignore", "pipe", "pipe"] });
		let stderr = "";
		child.stderr.setEncoding("utf8").on("data", (text) => {
			stderr += text;
		});
		const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
		const output = await use(child).catch((error: unknown) => String(error));
		return { status: await closed, output, stderr };
	}

	/** Runs the command that `audit` has printed last, and then each command that this one prints. */
	learn({ stderr }: Ended): { readonly commands: readonly string[]; readonly policy: object } {
		rmSync(this.at("policy.json"), { force: true });
		const [, next = ""] = /^ {2}next: `(sigtool policy learn .*)`/m.exec(stderr) ?? [];
		const learned = this.#type(next);
		const commands = [...learned.matchAll(/^note: .*: `(sigtool .*)`$/gm)].map(([, command = ""]) => command);
		for (const command of commands) this.#type(command);
		return { commands, policy: JSON.parse(readFileSync(this.at("policy.json"), "utf8")) };
	}

	/** Runs a command line in a shell, and returns what it says on standard error. */
	#type(command: string): string {
		const { status, stdout, stderr } = this.execute(["sh", "-c", command]);
		expect([command, status, status === 0 ? "" : stdout + stderr]).toEqual([command, 0, ""]);
		return stderr;
	}

	/** Runs another command in the directory that contains `app`. */
	execute([file = "", ...args]: readonly string[], env: NodeJS.ProcessEnv = {}) {
		const options = { cwd: this.home, env: { ...this.#env, ...env }, maxBuffer: 2 ** 28 } as const;
		return spawnSync(file, args, { ...options, encoding: "utf8" });
	}

	events(log: string): readonly LoggedEvent[] {
		return readFileSync(log, "utf8")
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
	}

	/** Flips one bit in the middle of a file. */
	changeOneByte(): void {
		const file = this.at(join("app", this.#program.changed));
		const bytes = readFileSync(file);
		bytes[bytes.length >> 1] ^= 1;
		writeFileSync(file, bytes);
	}
}

/**
 * Requires that a program runs in mode audit as it does alone, that the log names each of the files in `loaded`, that the
 * policy which is learned lets the same run pass in mode enforce, and that one changed byte is refused then. `options` are
 * those of `audit` and `run` for this program. Returns how it ends alone.
 */
export async function requireLearned(
	run: LearnedRun,
	loaded: readonly string[],
	options: readonly string[] = [],
): Promise<Pick<Ended, "status" | "output">> {
	const { status, output } = await run.unguarded();
	const works = { status, output };
	const [first = "", second = "", index = ""] = ["first.jsonl", "second.jsonl", "app.sigx"].map((name) => run.at(name));
	const audited = await run.guarded("audit", ...options, "--log", first);
	expect(audited).toMatchObject(works);
	expect(run.events(first).filter(({ verdict }) => verdict === "refuse")).toEqual([]);
	const told = new Set(run.events(first).map(({ path }) => path));
	expect(loaded.filter((path) => !told.has(path))).toEqual([]);
	run.learn(audited);

	const again = await run.guarded("audit", ...options, "--log", second, "--index", index);
	expect(again).toMatchObject({ ...works, stderr: expect.stringContaining("every file that was loaded is signed") });
	expect(run.events(second).filter(({ verdict }) => verdict === "refuse")).toEqual([]);
	const { policy, commands } = run.learn(again);
	expect(policy).toMatchObject({ mode: "enforce", rules: expect.arrayContaining([expect.anything()]) });
	expect(commands.at(-1)).toContain("sigtool policy test");

	const enforced = await run.guarded("run", ...options, "--allow-development", "--index", index);
	expect(enforced, enforced.stderr).toMatchObject(works);
	run.changeOneByte();
	const refused = await run.guarded("run", ...options, "--allow-development", "--index", index);
	expect(refused.status, refused.stderr).toBe(126);
	expect(refused.stderr).toContain("ERR_FILE_MODIFIED");
	return works;
}

/** Waits for the end of a program, and returns what it printed. */
export async function untilEnd({ stdout }: ChildProcess): Promise<string> {
	let text = "";
	for await (const piece of stdout?.setEncoding("utf8") ?? []) text += piece;
	return text;
}

/** Waits for the port that a server prints, and returns its address. @throws Error if the server ends before that */
export function addressOf(server: ChildProcess): Promise<string> {
	return new Promise((resolve, reject) => {
		server.stdout?.once("data", (port) => resolve(`http://127.0.0.1:${Number(port)}`));
		server.once("close", (status) => reject(new Error(`It ended with ${status}`)));
	});
}
