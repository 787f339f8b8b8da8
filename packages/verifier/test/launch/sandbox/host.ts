/**
 * Makes a host with a launcher as `sigtool launcher install` makes it, and a signed tree with the probes: an addon for
 * Node.js, and a library that CPython loads by ctypes. If root runs the tests, root owns the host, and probes run as root
 * or as the user nobody. Otherwise the user who runs the tests owns the host, and probes run as this user.
 */

import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Host } from "../../../../../test/host/host.js";
import { type ChildProcess, spawn, spawnSync } from "../../../../../test/outside.js";
import { PYTHONS } from "../../python/support.js";
import { hasCompiler, hasLauncher, isRoot } from "../support.js";

export type Runtime = "Node.js" | "CPython";
export type User = "root" | "user";
export type Mode = "unguarded" | "enforce" | "strict";

export const USERS: readonly User[] = isRoot ? ["root", "user"] : ["user"];
export const MODES: readonly Mode[] = ["unguarded", "enforce", "strict"];

const PROBES = fileURLToPath(new URL("./probes/", import.meta.url));
/** The user and the group whose rights the attempts have. On Linux 65534 is the user nobody. */
export const USER_ID = isRoot ? 65534 : (process.getuid?.() ?? 0);
const GROUP_ID = isRoot ? 65534 : (process.getgid?.() ?? 0);
/** Node.js loads an addon from a copy, and the copy needs a writable directory such as this one. */
const GRANTED = "/dev/shm";
/**
 * In mode strict the launcher grants root only directories on nosuid mounts. Only the started process and its child
 * processes see this mount.
 */
const MOUNT = ["unshare", "-m", "sh", "-c", `mount -t tmpfs -o nosuid,mode=1777 none ${GRANTED} && exec "$@"`, "sh"];
/** The command that follows these arguments runs as the user USER_ID. */
export const AS_USER = isRoot ? ["setpriv", `--reuid=${USER_ID}`, `--regid=${GROUP_ID}`, "--clear-groups"] : ["env"];

/** The option with which the launcher trusts files of a user. */
const DEVELOPMENT = isRoot ? [] : ["--allow-development"];

const MAIN_JS = `
const { runProbe } = require("./probes.node");
for (const name of process.argv.slice(2)) console.log(name, runProbe(name));
`;
/** The script lets C call a Python function, which shows that callbacks of ctypes still work. */
const MAIN_PY = `
import ctypes, os, sys
library = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "libprobes.so"))
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))(lambda a, b: a[0] - b[0])
numbers = (ctypes.c_int * 3)(3, 1, 2)
ctypes.CDLL(None).qsort(numbers, 3, ctypes.sizeof(ctypes.c_int), compare)
print("callback", 0 if list(numbers) == [1, 2, 3] else 254, flush=True)
for name in sys.argv[1:]: print(name, library.run_probe(name.encode()), flush=True)
`;

const succeeds = (...command: readonly string[]) => spawnSync("env", command).status === 0;
const canRun = (program: string) => succeeds(...AS_USER, program, "--version");
const python = PYTHONS.find(({ executable }) => canRun(executable));

const requirements: readonly (readonly [boolean, string])[] = [
	[hasLauncher, "the launcher built"],
	[hasCompiler, "cc"],
	[!isRoot || succeeds(...MOUNT, "true"), "mounts in a namespace"],
	[canRun(process.execPath), "a Node.js that the user nobody can run"],
];
/** The reason why there can be no host, or undefined. */
export const missing = requirements.find(([isThere]) => !isThere)?.[1];
/** The reason why a test cannot act as root, or undefined. */
export const missingRoot = missing ?? (isRoot ? undefined : "root");

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
	/**
	 * The command script(1) with its options. It runs the rest of the command line, as one argument, on a new terminal.
	 */
	readonly before?: readonly string[];
	/** A program with arguments that starts the launcher. */
	readonly through?: readonly string[];
	/** The name of a file of the signed tree. */
	readonly script?: string;
}

export class SandboxHost extends Host {
	readonly environment: Record<string, string>;
	#outside: ChildProcess | undefined;
	#settings: string | undefined;

	/** `files` are added to the signed tree. */
	constructor(files: Readonly<Record<string, string>> = {}) {
		super({
			below: isRoot ? "/var/lib" : tmpdir(),
			files: { "main.js": MAIN_JS, "main.py": MAIN_PY, ...files },
			lasts: "file",
		});
		chmodSync(this.directory, 0o755);
		const own = this.at("own");
		mkdirSync(own);
		writeFileSync(join(own, "file"), "content");
		for (const path of [own, join(own, "file")]) chownSync(path, USER_ID, GROUP_ID);
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
		this.configure({ audit: { stderr: "off" } });
		const policy = this.at("policy.json");
		writeFileSync(policy, JSON.stringify({ version: 1, launch: { environment: ["PROBE_*"] } }));
		const libraries = python === undefined ? [] : [python.library, ...python.packages, `/etc/python${python.release}`];
		this.ship(this.key, ["--policy", policy, ...libraries.filter(existsSync).flatMap((each) => ["--adopt", each])]);
		const spython = python === undefined ? [] : ["--python", this.at("spython")];
		const trust = ["--trust", this.key.certFile];
		if (python !== undefined)
			this.do(["python", "build", "-o", this.at("spython"), "--python", python.executable, ...trust]);
		this.do([...this.installing(), ...spython, ...DEVELOPMENT]);
	}

	/** Puts lines at the end of launcher.conf. Lines of an earlier call are removed. */
	addSettings(lines: string): void {
		this.#settings ??= readFileSync(this.conf, "utf8");
		writeFileSync(this.conf, this.#settings + lines);
	}

	/** Starts the program of outside.c without the launcher, as the user USER_ID. */
	async startOutside(): Promise<void> {
		const { PROBE_NAME = "", PROBE_SOCKETS = "" } = this.environment;
		const outside = spawn("env", [...AS_USER, this.at("outside"), PROBE_NAME, PROBE_SOCKETS], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		this.#outside = outside;
		const [ports] = await once(outside.stdout, "data");
		const names = ["PROBE_PORT", "PROBE_LISTED", "PROBE_FREE", "PROBE_FREE_LISTED"];
		for (const [at, port] of String(ports).trim().split(" ").entries()) this.environment[names[at] ?? ""] = port;
		this.environment.PROBE_PID = String(outside.pid);
	}

	/** Runs a script of the signed tree. By default this script runs the probes that `args` names. */
	attempt(runtime: Runtime, user: User, mode: Mode, args: readonly string[], options: AttemptOptions = {}): Attempt {
		const { env, before = [], through = [], script = runtime === "CPython" ? "main.py" : "main.js" } = options;
		const file = this.at(`app/${script}`);
		const plain = [runtime === "CPython" ? (python?.executable ?? "") : process.execPath, file];
		const flags = ["--mode", mode, "--write", GRANTED, ...DEVELOPMENT];
		const launched = [...through, this.launcher, ...flags, file];
		const started = [...(user === "user" ? AS_USER : []), ...(mode === "unguarded" ? plain : launched), ...args];
		const inTerminal = before.length > 0 ? [...before, started.join(" "), "/dev/null"] : started;
		const { status, stdout, stderr } = spawnSync("env", [...(isRoot ? MOUNT : []), ...inTerminal], {
			env: { ...this.environment, ...env },
			cwd: this.directory,
			encoding: "utf8",
			timeout: 120_000,
		});
		// A terminal echoes a typed character before the line.
		const lines = [...stdout.matchAll(/([\w-]+) (\d+)\r?$/gm)];
		const results = Object.fromEntries(lines.map(([, name = "", number]) => [name, nameOf(Number(number))]));
		return { status, stdout, stderr, results };
	}

	override remove(): void {
		this.#outside?.stdin?.end();
		super.remove();
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
