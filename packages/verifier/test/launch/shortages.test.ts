/**
 * Lets each system call of a start fail once, as it does where memory or descriptors lack. strace lists the calls and lets
 * them fail. A start then fails too, or has every check and restriction that it has without the failure.
 */

import { linkSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canMount, hasProgram, spawn, spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { indexOf, installed, installedBelow, linkedProgram, mounting } from "./granted.js";
import { compileProgram, hasCompiler, hasLauncher, type Installation, isRoot, pinned } from "./support.js";

/** Errors that a start may meet although nothing is wrong with it. The first suffices to find a check that is left out. */
const ERRORS = process.env.SIGTOOL_FULL === undefined ? ["EMFILE"] : ["EMFILE", "ENFILE", "ENOMEM", "EINTR"];
/** This number of starts runs at once. */
const WORKERS = 3;

/**
 * Takes the place of node. Prints the record, and what the kernel refuses to this process and to the collector, its
 * child. The last argument is a file that it may not write.
 */
const PROGRAM = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
static void print_file(const char *path, const char *const *keys) {
	char line[4096];
	FILE *file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		for (const char *const *key = keys; *key != NULL; key++)
			if (strncmp(line, *key, strlen(*key)) == 0) fputs(line, stdout);
	if (file != NULL) fclose(file);
}
int main(int argc, char **argv) {
	const char *const all[] = {"", NULL};
	const char *const kept[] = {"NoNewPrivs", "Seccomp", "CapEff", "CapPrm", "CapBnd", NULL};
	char children[64], path[64];
	struct rlimit core;
	int child = 0;
	int securebits, mdwe;
	print_file("/proc/self/fd/4", all);
	print_file("/proc/self/status", kept);
	getrlimit(RLIMIT_CORE, &core);
	// The collector makes some calls more often, so that one of this program may fail in place of its own.
	while ((securebits = prctl(PR_GET_SECUREBITS)) < 0) {}
	while ((mdwe = prctl(66 /* PR_GET_MDWE */, 0, 0, 0, 0)) < 0) {}
	printf("core %lu securebits %x mdwe %d\\n", core.rlim_max, securebits, mdwe);
	printf("write %d signal %d ", open(argv[argc - 1], O_WRONLY) < 0 ? errno : 0, kill(getppid(), 0) < 0 ? errno : 0);
	printf("owner %d\\n", fcntl(0, F_SETOWN, getppid()) < 0 ? errno : 0);
	snprintf(children, sizeof children, "/proc/self/task/%d/children", getpid());
	FILE *list = fopen(children, "r");
	while (list != NULL && fscanf(list, "%d", &child) == 1) {
		snprintf(path, sizeof path, "/proc/%d/status", child);
		print_file(path, kept);
	}
	return 0;
}
`;

interface Start {
	readonly title: string;
	/** Changes the installation so that the start is refused, and returns the options of the start. */
	readonly prepare: (installation: Installation) => readonly string[];
	readonly refused?: RegExp;
	/** Files of a user below a shared directory such as /tmp do not count. */
	readonly needsRoot?: boolean;
	/** A shell command that mounts something, in a mount namespace of the start. */
	readonly mounts?: (installation: Installation) => string;
}

const data = (installation: Installation) => ["--write", installation.at("data")];
const STARTS: readonly Start[] = [
	{ title: "with a granted directory", prepare: (installation) => data(installation) },
	{
		title: "of CPython",
		prepare: (installation) => {
			installation.set("python", pinned(installation.at("bin/program")));
			installation.set("spython", pinned(installation.write("bin/spython", "a spython")));
			return [...data(installation), "--python"];
		},
	},
	{
		title: "with an events file of its own",
		prepare: (installation) => {
			installation.set("collector", undefined);
			return data(installation);
		},
	},
	{
		title: "with a link to the signed tree in a granted directory",
		prepare: (installation) => {
			symlinkSync(installation.at("app"), installation.at("data/link"));
			installation.set("tree", installation.at("data/link"));
			return data(installation);
		},
		refused: /link" lies in it/,
	},
	{
		title: "with a hard link of a signed file",
		prepare: (installation) => {
			linkSync(installation.at("app/lib/part.js"), installation.at("data/part.js"));
			return data(installation);
		},
		refused: /hard link/,
	},
	{
		title: "with signed native code in a granted directory",
		prepare: (installation) => {
			installation.write("app/lib/part.so", readFileSync("/bin/true"));
			installation.write("app.sigx", indexOf(["lib/part.so"]));
			return ["--write", installation.at("app/lib")];
		},
		refused: /signed native code/,
	},
	{
		title: "with another launcher in a granted directory",
		prepare: (installation) => {
			installation.write("data/other/launcher.conf", "version 1\n");
			return data(installation);
		},
		refused: /another launcher/,
		needsRoot: true,
	},
	{
		title: "with the policy in a granted directory",
		prepare: (installation) => {
			const policy = installation.write("data/policy.json", "{}");
			installation.set("config", installation.write("etc/verifier.json", JSON.stringify({ version: 1, policy })));
			return data(installation);
		},
		refused: /policy\.json" lies in it/,
	},
	{
		title: "with a library of the program in a granted directory",
		prepare: (installation) => {
			installation.set("node", pinned(linkedProgram(installation, ["-Wl,-rpath,$ORIGIN/../lib"])));
			return ["--write", installation.at("lib")];
		},
		refused: /lies in it|finds libraries/,
	},
	{
		title: "with a mount of the signed tree in a granted directory",
		prepare: (installation) => {
			mkdirSync(installation.at("data/mounted"));
			return data(installation);
		},
		mounts: (installation) => `mount --bind ${installation.at("app")} ${installation.at("data/mounted")}`,
		refused: /another path/,
	},
];

const lacks = !hasLauncher || !hasCompiler || !hasProgram("strace");
describe.skipIf(lacks)("a start in which a system call fails (needs the launcher built, cc, strace)", () => {
	for (const start of STARTS) {
		const lacksRoot = start.needsRoot === true && !isRoot;
		it.skipIf(lacksRoot || (start.mounts !== undefined && !canMount())).each(ERRORS)(
			`${start.title}, by %s`,
			async (error) => {
				const traced = new TracedStart(start);
				const calls = traced.list();
				expect(calls.length).toBeGreaterThan(100);
				const outcomes = await pool(calls, (call) => traced.run(call, error));
				const wrong = outcomes.filter(({ status, stdout }) =>
					start.refused === undefined && status === 0 ? stdout !== traced.plain.stdout : status === 0 || stdout !== "",
				);
				expect(wrong).toEqual([]);
			},
		);
	}
});

/** One system call of the start: the `number`th with this name in its process. */
interface Call {
	readonly name: string;
	readonly number: number;
}

interface Outcome extends Call {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

class TracedStart {
	readonly plain: Outcome;
	readonly #installation = isRoot ? installedBelow("/var/lib") : installed();
	readonly #command: readonly string[];
	readonly #before: readonly string[];
	readonly #traces = temporaryDirectory();

	constructor({ prepare, refused, mounts }: Start) {
		const installation = this.#installation;
		installation.set("node", pinned(compileProgram(installation.at("bin"), "program", PROGRAM)));
		installation.set("audit", installation.at("log/audit.jsonl"));
		installation.set("collector", "use");
		mkdirSync(installation.at("log"));
		const options = prepare(installation);
		const outside = installation.write("outside", "");
		this.#before = mounts === undefined ? [] : mounting(mounts(installation));
		this.#command = [
			installation.launcher,
			...(isRoot ? [] : ["--allow-development"]),
			...options,
			"app/main.js",
			outside,
		];
		const [program = "", ...args] = [...this.#before, ...this.#command];
		const { status, stdout, stderr } = spawnSync(program, args, { cwd: installation.directory, encoding: "utf8" });
		this.plain = { name: "none", number: 0, status, stdout, stderr };
		expect(this.plain).toMatchObject(refused === undefined ? { status: 0 } : { status: 126, stdout: "" });
		expect(stderr).toMatch(refused ?? /^(sigtool-launch: warning: root may write .*\n)?$/);
	}

	/** Returns the calls of the launcher and of the collector. Those of the program that was started do not count. */
	list(): readonly Call[] {
		const trace = join(this.#traces, "all");
		const strace = ["strace", "-f", "-qq", "-e", "signal=none", "-o", trace, ...this.#command];
		const [program = "", ...args] = [...this.#before, ...strace];
		spawnSync(program, args, { cwd: this.#installation.directory });
		const counts = new Map<string, number>();
		const perProcess = new Map<string, number>();
		let launcher: string | undefined;
		let isLaunched = false;
		for (const line of readFileSync(trace, "utf8").split("\n")) {
			const [, id = "", name = ""] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
			launcher ??= id;
			if (name === "" || (id === launcher && isLaunched)) continue;
			if (name === "execveat") isLaunched = true;
			const number = (perProcess.get(`${id} ${name}`) ?? 0) + 1;
			perProcess.set(`${id} ${name}`, number);
			counts.set(name, Math.max(number, counts.get(name) ?? 0));
		}
		const listed = [...counts].filter(([name]) => !NEVER_FAILS.has(name));
		return listed.flatMap(([name, count]) => Array.from({ length: count }, (_, at) => ({ name, number: at + 1 })));
	}

	async run({ name, number }: Call, error: string): Promise<Outcome> {
		const trace = join(this.#traces, `${name}-${number}`);
		const inject = ["-e", `trace=${name}`, "-e", `inject=${name}:error=${error}:when=${number}`];
		const strace = ["strace", "-f", "-qq", "-e", "signal=none", "-o", trace, ...inject, ...this.#command];
		const [program = "", ...args] = [...this.#before, ...strace];
		const child = spawn(program, args, { cwd: this.#installation.directory, stdio: ["ignore", "pipe", "pipe"] });
		let stdout = "";
		let stderr = "";
		child.stdout.on("data", (bytes) => {
			stdout += bytes;
		});
		child.stderr.on("data", (bytes) => {
			stderr += bytes;
		});
		const status = await new Promise<number | null>((done) => child.on("close", done));
		// Without this a start counts in which nothing failed.
		expect(readFileSync(trace, "utf8")).toContain("(INJECTED)");
		rmSync(trace);
		return { name, number, status, stdout, stderr };
	}
}

/**
 * The call by which strace starts the launcher, those that no kernel lets fail, and `close`, which frees a descriptor on
 * Linux whatever it returns.
 */
const NEVER_FAILS = new Set(
	["execve", "exit", "exit_group", "close"].concat(["getuid", "geteuid", "getgid", "getegid", "getpid", "getppid"]),
);

async function pool<Input, Output>(inputs: readonly Input[], run: (input: Input) => Promise<Output>) {
	const outputs: Output[] = [];
	const left = [...inputs];
	const work = async () => {
		for (let input = left.shift(); input !== undefined; input = left.shift()) outputs.push(await run(input));
	};
	await Promise.all(Array.from({ length: WORKERS }, work));
	return outputs;
}
