/** Makes a host as in production, in a directory of root: a release key, a signed program, a launcher. */

import { createHash, createPublicKey } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { makeSelfSigned, makeTree, type Run, runner, type SelfSigned } from "../../packages/cli/test/support.js";
import { hasLauncher } from "../launcher.js";
import { type SpawnSyncReturns, skip, spawnSync } from "../outside.js";
import { atEndOfFile } from "../temporary.js";
import type { Runtime } from "./runtimes.js";

/** Only root can make a directory below which root owns everything. */
export const canBeHost = hasLauncher && process.getuid?.() === 0;

const PROGRAM = { "main.js": "console.log('ran', process.argv[2])" };

export interface HostOptions {
	/** The directory in which the host is made. Below the default one, root owns everything. */
	readonly below?: string;
	/** Files of the program, by name. By default a script that prints its argument. */
	readonly files?: Readonly<Record<string, string>>;
	/** Without one the launcher gets the Node.js that installs it. */
	readonly runtime?: Runtime;
	/** The keys that the spython trusts without a host configuration. The release key is one by default. */
	readonly builtIn?: "release" | "none";
	/** How long the host lasts that a hook makes. The default is for a test. */
	readonly lasts?: "test" | "file";
}

export interface StartOptions {
	/** Without one, the program's own script starts. */
	readonly script?: string;
	/** The arguments of the script. */
	readonly args?: readonly string[];
	/** A program and its arguments, which starts the launcher. */
	readonly before?: readonly string[];
	/** The directories that the program may write to. */
	readonly writable?: readonly string[];
	readonly timeoutMs?: number;
}

/** An installation of the launcher. The paths of index and spython are absolute. */
export interface InstallOptions {
	/** Without one, an installation keeps the mode. */
	readonly mode?: string;
	readonly index?: string;
	readonly spython?: string;
}

export class Host {
	readonly directory: string;
	readonly sigtool: ReturnType<typeof runner>;
	/** The key that signs releases and indexes. */
	key: SelfSigned;
	/** The path of the index. */
	index: string;
	readonly runtime: Runtime | undefined;
	/** The directories of Python's library, which an index adopts. */
	readonly library: readonly string[];

	constructor({ below = "/var/lib", files = PROGRAM, runtime, builtIn = "release", lasts = "test" }: HostOptions = {}) {
		this.directory = realpathSync(mkdtempSync(join(below, "sigtool-host-")));
		const atEnd = lasts === "test" ? onTestFinished : atEndOfFile;
		atEnd(() => this.remove());
		if (runtime !== undefined) programOf(runtime);
		this.sigtool = runner(this.at("home"));
		this.key = makeSelfSigned(this.at("release"));
		this.index = this.at("app.sigx");
		this.runtime = runtime;
		for (const directory of ["data", "log"]) mkdirSync(this.at(directory));
		makeTree(this.at("app"), files);
		this.configure();
		this.library = runtime?.kind === "python" ? this.#buildSpython(runtime, builtIn) : [];
	}

	at(path: string): string {
		return join(this.directory, path);
	}

	/** The name of the program's script. */
	get main(): string {
		return this.runtime?.kind === "python" ? "main.py" : "main.js";
	}

	get script(): string {
		return this.at(`app/${this.main}`);
	}

	get launcher(): string {
		return this.at("lib/sigtool-launch");
	}

	get conf(): string {
		return this.at("lib/launcher.conf");
	}

	get config(): string {
		return this.at("verifier.json");
	}

	get prefix(): readonly string[] {
		return ["--prefix", this.at("lib")];
	}

	/** Writes verifier.json, with these members replaced. */
	configure(members: object = {}): void {
		const document = { version: 1, onRefusal: "exit", pins: [pinOf(this.key)], index: this.index, ...members };
		writeFileSync(this.config, JSON.stringify(document));
	}

	/** Writes verifier.json, which binds the program to a directory, and the libraries of CPython to where they are. */
	bind(root: string, members: object = {}, product: object = {}): void {
		const libraries = this.library.map((name) => ({ name }));
		this.configure({ products: [{ name: "app", root: this.at(root), ...product }, ...libraries], ...members });
	}

	/** Writes the program into a directory, and signs it as a release. */
	release(directory: string, files: Readonly<Record<string, string>>, sequence: number): void {
		makeTree(this.at(directory), files);
		this.do(["sign", this.at(directory), ...signing(this.key), "--product", "app", "--sequence", String(sequence)]);
	}

	compile(directory: string, index: string, options: readonly string[] = [], env: Record<string, string> = {}): void {
		this.do([...this.compiling(this.key, directory, index), ...options], env);
	}

	compiling(key = this.key, directory = "app", index = "app.sigx"): readonly string[] {
		const adopted = this.library.flatMap((each) => ["--adopt", each]);
		const places = [this.at(directory), "-o", this.at(index)];
		return ["compile", ...places, "--trust", key.certFile, ...adopted, ...signing(key)];
	}

	/** Signs the program, and compiles the index with more options. */
	ship(key = this.key, compiling: readonly string[] = []): void {
		this.do(["sign", this.at("app"), "--force", ...signing(key)]);
		this.do([...this.compiling(key), ...compiling]);
	}

	/** Returns the arguments of the command line that install the launcher. */
	installing({ mode, index = this.index, spython = this.at("spython") }: InstallOptions = {}): readonly string[] {
		const { kind, program = "" } = this.runtime ?? {};
		const node = kind === "node" ? ["--node", program] : [];
		const runtime = kind === "python" ? ["--no-node", "--python", spython] : node;
		const places = ["--index", index, "--config", this.config, ...runtime];
		return ["launcher", "install", ...this.prefix, ...places, ...(mode === undefined ? [] : ["--mode", mode])];
	}

	install(options: InstallOptions = {}): void {
		this.do(this.installing(options));
	}

	/** Signs, compiles and installs. */
	deploy(key = this.key, compiling: readonly string[] = []): void {
		this.ship(key, compiling);
		this.install({ mode: "enforce" });
	}

	check(...options: readonly string[]): Run {
		return this.sigtool(["launcher", "check", ...this.prefix, ...options]);
	}

	/** Returns the path of an installed part, such as `register.cjs`. */
	part(name: string): string {
		return new RegExp(`^\\w+ (.+/${name}) \\w+$`, "m").exec(readFileSync(this.conf, "utf8"))?.[1] ?? "";
	}

	/** Returns the command that starts the launcher. */
	command({ script = this.script, args = [], before = [], writable = [] }: StartOptions = {}): [string, string[]] {
		const granted = writable.flatMap((directory) => ["--write", directory]);
		const [program = "", ...rest] = [...before, this.launcher, ...granted, script, ...args];
		return [program, rest];
	}

	/** Starts the launcher, and waits for the end of the program. */
	start({ timeoutMs = 60_000, ...options }: StartOptions = {}): SpawnSyncReturns<string> {
		return spawnSync(...this.command(options), { encoding: "utf8", timeout: timeoutMs, killSignal: "SIGKILL" });
	}

	/** Starts the launcher by `sigtool run`. */
	run(...args: readonly string[]): Run {
		return this.sigtool(["run", ...this.prefix, ...args]);
	}

	/** @throws Error with the output of a command that failed */
	do(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
		const run = this.sigtool(args, { env });
		if (run.status !== 0) throw new Error(`${args.join(" ")}: ${run.stderr}`);
		return run;
	}

	/** Returns the events in a file, which does not have to be there. */
	events(file = this.at("log/events.jsonl")): readonly Readonly<Record<string, unknown>>[] {
		if (!existsSync(file)) return [];
		const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
		return lines.map((line) => JSON.parse(line));
	}

	remove(): void {
		rmSync(this.directory, { recursive: true, force: true });
	}

	#buildSpython({ program = "" }: Runtime, builtIn: "release" | "none"): readonly string[] {
		const trust = builtIn === "release" ? ["--trust", this.key.certFile] : [];
		const building = ["python", "build", "--json", "--python", program, "-o", this.at("spython"), ...trust];
		return this.do(building).json().library;
	}
}

/** Returns the program of a runtime. Skips the running test, or the group whose hook runs, if this machine has none. */
export function programOf({ name, program }: Runtime): string {
	return program ?? skip(`${name} is missing`);
}

function signing({ keyFile, certFile }: SelfSigned): readonly string[] {
	return ["--key", keyFile, "--cert", certFile];
}

export function pinOf({ keyFile }: SelfSigned): { readonly "spki-sha256": string; readonly name: string } {
	const spki = createPublicKey(readFileSync(keyFile)).export({ type: "spki", format: "der" });
	return { "spki-sha256": createHash("sha256").update(spki).digest("hex"), name: keyFile };
}
