/**
 * Makes a host with a launcher as `sigtool launcher install` makes it, and a signed tree with the probes: an addon for
 * Node.js, and a library that CPython loads by ctypes. Root owns the host. Probes run as root or as the user nobody.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
	chmodSync,
	chownSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pinOf } from "../../../../cli/test/launcher-host.js";
import { hasProgram, makeSelfSigned, makeTree, runner } from "../../../../cli/test/support.js";
import { PYTHONS } from "../../python/support.js";
import { hasCompiler, hasLauncher, isRoot } from "../support.js";

export type Runtime = "Node.js" | "CPython";
export type User = "root" | "nobody";
export type Mode = "unguarded" | "enforce" | "strict";

export const USERS: readonly User[] = ["root", "nobody"];
export const MODES: readonly Mode[] = ["unguarded", "enforce", "strict"];

const PROBES = fileURLToPath(new URL("./probes/", import.meta.url));
/** The number of the user and the group nobody on Linux. */
export const NOBODY = 65534;
/** Addons are loaded from a copy, which needs one of a few directories. The launcher wants a nosuid mount for root. */
const GRANTED = "/dev/shm";
const MOUNT = ["unshare", "-m", "sh", "-c", `mount -t tmpfs -o nosuid,mode=1777 none ${GRANTED} && exec "$@"`, "sh"];
/** Arguments in front of a command, which then runs as nobody. */
export const AS_NOBODY = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];

const MAIN_JS = `
const { runProbe } = require("./probes.node");
for (const name of process.argv.slice(2)) console.log(name, runProbe(name));
`;
/** The callback proves that ctypes can still make functions of Python callable from C. */
const MAIN_PY = `
import ctypes, os, sys
library = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "libprobes.so"))
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))(lambda a, b: a[0] - b[0])
numbers = (ctypes.c_int * 3)(3, 1, 2)
ctypes.CDLL(None).qsort(numbers, 3, ctypes.sizeof(ctypes.c_int), compare)
print("callback", 0 if list(numbers) == [1, 2, 3] else 254, flush=True)
for name in sys.argv[1:]: print(name, library.run_probe(name.encode()), flush=True)
`;

const python = PYTHONS[0];
const nobodyCanRun = (program: string) =>
	spawnSync("setpriv", [...AS_NOBODY.slice(1), program, "--version"]).status === 0;

/** Says what is missing for a host, or is undefined. */
export const missing: string | undefined = [
	[isRoot, "root"],
	[hasLauncher, "the launcher built"],
	[hasCompiler, "cc"],
	[hasProgram("unshare") && hasProgram("setpriv"), "unshare and setpriv"],
	[isRoot && nobodyCanRun(process.execPath), "a Node.js that nobody can run"],
].find(([isThere]) => !isThere)?.[1] as string | undefined;

/** Returns the title of a suite, which says why the suite is skipped. */
export function titleOf(title: string, lacks: string | undefined): string {
	return lacks === undefined ? title : `${title} (needs ${lacks})`;
}

export const runtimes: readonly Runtime[] = python === undefined ? ["Node.js"] : ["Node.js", "CPython"];

export interface Attempt {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
	/** The result of each probe by its name: the name of an errno, or `0`. */
	readonly results: Readonly<Record<string, string>>;
}

export interface AttemptOptions {
	readonly env?: Readonly<Record<string, string>>;
	/** script(1) with its options. It gets the command as one argument, and makes a terminal for it. */
	readonly before?: readonly string[];
	/** A program with arguments that starts the launcher. */
	readonly through?: readonly string[];
	/** The name of a file of the signed tree. */
	readonly script?: string;
}

export class SandboxHost {
	readonly directory = mkdtempSync("/var/lib/sigtool-sandbox-");
	readonly environment: Record<string, string>;
	#outside: ChildProcess | undefined;
	#settings: string | undefined;

	/** `files` are more files of the signed tree. */
	constructor(files: Readonly<Record<string, string>> = {}) {
		chmodSync(this.directory, 0o755);
		makeTree(this.at("app"), { "main.js": MAIN_JS, "main.py": MAIN_PY, ...files });
		const own = this.at("own");
		mkdirSync(own);
		writeFileSync(join(own, "file"), "content");
		for (const path of [own, join(own, "file")]) chownSync(path, NOBODY, NOBODY);
		this.environment = {
			PATH: process.env.PATH ?? "",
			PROBE_DIRECTORY: GRANTED,
			PROBE_FILE: join(own, "file"),
			PROBE_BTRFS: own,
			PROBE_NAME: this.directory.slice(1),
			PROBE_SOCKETS: join(own, "socket"),
		};
		this.#compile();
		this.#install();
	}

	at(path: string): string {
		return join(this.directory, path);
	}

	#compile(): void {
		const sources = readdirSync(PROBES).filter((name) => name.endsWith(".c"));
		const build = (output: string, names: readonly string[]) => {
			const inputs = names.map((name) => join(PROBES, name));
			run("cc", ["-std=gnu11", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-o", output, ...inputs]);
		};
		build(this.at("app/probes.node"), sources);
		build(
			this.at("app/libprobes.so"),
			sources.filter((name) => name !== "addon.c"),
		);
		this.compileProgram("outside");
	}

	/** Compiles a program of this directory, such as outside.c. Returns its path. */
	compileProgram(name: string): string {
		const source = fileURLToPath(new URL(`./${name}.c`, import.meta.url));
		run("cc", ["-std=gnu11", "-O1", "-static", "-o", this.at(name), source]);
		return this.at(name);
	}

	#install(): void {
		const key = makeSelfSigned(this.at("release"));
		const signing = ["--key", key.keyFile, "--cert", key.certFile];
		const sigtool = runner(this.at("home"));
		const [index, config] = [this.at("app.sigx"), this.at("verifier.json")];
		const document = { version: 1, onRefusal: "exit", pins: [pinOf(key)], index, audit: { stderr: "off" } };
		writeFileSync(config, JSON.stringify(document));
		const libraries = python === undefined ? [] : [python.library, ...python.packages, `/etc/python${python.release}`];
		const adopted = libraries.filter(existsSync).flatMap((directory) => ["--adopt", directory]);
		const spython = this.at("spython");
		const steps = [
			["sign", this.at("app"), ...signing],
			["compile", this.at("app"), ...adopted, "-o", index, "--trust", key.certFile, ...signing],
			...(python === undefined
				? []
				: [["python", "build", "--python", python.executable, "--trust", key.certFile, "-o", spython]]),
			[
				...["launcher", "install", "--prefix", this.at("lib"), "--index", index, "--config", config],
				...(python === undefined ? [] : ["--python", spython]),
			],
		];
		for (const step of steps) {
			const { status, stderr } = sigtool(step);
			if (status !== 0) throw new Error(`sigtool ${step.join(" ")}: ${stderr}`);
		}
	}

	/** Adds lines to the end of launcher.conf, in the place of those that an earlier call added. */
	configure(lines: string): void {
		const file = this.at("lib/launcher.conf");
		this.#settings ??= readFileSync(file, "utf8");
		writeFileSync(file, this.#settings + lines);
	}

	/** Starts the process outside of the launcher, as nobody. */
	async startOutside(): Promise<void> {
		const command = [
			...AS_NOBODY.slice(1),
			this.at("outside"),
			this.environment.PROBE_NAME,
			this.environment.PROBE_SOCKETS,
		];
		const outside = spawn("setpriv", command as string[], { stdio: ["pipe", "pipe", "inherit"] });
		this.#outside = outside;
		const [ports] = await once(outside.stdout, "data");
		const names = ["PROBE_PORT", "PROBE_LISTED", "PROBE_FREE", "PROBE_FREE_LISTED"];
		for (const [at, port] of String(ports).trim().split(" ").entries()) this.environment[names[at] ?? ""] = port;
		this.environment.PROBE_PID = String(outside.pid);
	}

	/** Runs a script of the signed tree, by default the one that runs the probes that `args` name. */
	attempt(runtime: Runtime, user: User, mode: Mode, args: readonly string[], options: AttemptOptions = {}): Attempt {
		const { env, before = [], through = [], script = runtime === "CPython" ? "main.py" : "main.js" } = options;
		const file = this.at(`app/${script}`);
		const plain = [runtime === "CPython" ? (python?.executable ?? "") : process.execPath, file];
		const launched = [...through, this.at("lib/sigtool-launch"), "--mode", mode, "--write", GRANTED, file];
		const started = [...(user === "nobody" ? AS_NOBODY : []), ...(mode === "unguarded" ? plain : launched), ...args];
		const command = [...MOUNT, ...(before.length > 0 ? [...before, started.join(" "), "/dev/null"] : started)];
		const { status, stdout, stderr } = spawnSync(command[0] ?? "", command.slice(1), {
			env: { ...this.environment, ...env },
			cwd: this.directory,
			encoding: "utf8",
			timeout: 120_000,
		});
		// A terminal shows a typed character in front of a line.
		const lines = [...stdout.matchAll(/([\w-]+) (\d+)\r?$/gm)];
		const results = Object.fromEntries(lines.map(([, name = "", number]) => [name, nameOf(Number(number))]));
		return { status, stdout, stderr, results };
	}

	remove(): void {
		this.#outside?.stdin?.end();
		rmSync(this.directory, { recursive: true, force: true });
	}
}

/** Returns the name of an errno. Linux has one number for EOPNOTSUPP and ENOTSUP. */
function nameOf(number: number): string {
	const names = Object.entries(constants.errno).find(([name, value]) => value === number && name !== "ENOTSUP");
	return names?.[0] ?? EXTRA.get(number) ?? String(number);
}
/** Node.js does not know these numbers. */
const EXTRA = new Map([[94, "ESOCKTNOSUPPORT"]]);

function run(program: string, args: readonly string[]): void {
	const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
	if (status !== 0) throw new Error(`${program}: ${stderr}`);
}
