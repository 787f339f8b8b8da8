/** Makes a host as in production, with a program for Node.js or for CPython: release key, launcher, settings of root. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { canBeHost, Host } from "../../packages/cli/test/launcher-host.js";
import { makeTree, type Run } from "../../packages/cli/test/support.js";
import { PYTHONS } from "../../packages/verifier/test/python/support.js";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { type SpawnSyncReturns, spawnSync } from "../outside.js";
import { NODE_RELEASES } from "./service.js";

export { canBeHost };

const [python] = PYTHONS;

export interface Runtime {
	readonly name: string;
	readonly kind: "node" | "python";
	/** The program of the runtime. Undefined if this machine has none. */
	readonly program: string | undefined;
}

export const RUNTIMES: readonly Runtime[] = [
	...NODE_RELEASES.map(
		(release): Runtime => ({ name: `Node.js ${release}`, kind: "node", program: nodeOfRelease(release) }),
	),
	{ name: "Python", kind: "python", program: python?.executable },
];

export class Site {
	readonly host = new Host({});
	readonly runtime: Runtime;
	/** The key that signs releases and indexes. */
	key = this.host.key;
	/** The name of the script of the program. */
	readonly script: string;
	#library: readonly string[] = [];

	constructor(runtime: Runtime) {
		this.runtime = runtime;
		this.script = runtime.kind === "node" ? "main.js" : "main.py";
		if (runtime.kind === "python") this.#buildSpython();
	}

	at(path: string): string {
		return this.host.at(path);
	}

	/** Writes the program into a directory, and signs it as a release. */
	release(directory: string, files: Readonly<Record<string, string>>, sequence: number): void {
		makeTree(this.at(directory), files);
		this.do(["sign", this.at(directory), ...this.keys, "--product", "app", "--sequence", String(sequence)]);
	}

	compile(directory: string, index: string, options: readonly string[] = [], env: NodeJS.ProcessEnv = {}): void {
		this.do([...this.compiling(directory, index), ...this.keys, ...options], env);
	}

	/** Returns the arguments that compile an index, without those that name a key. */
	compiling(directory: string, index: string): readonly string[] {
		const adopted = this.#library.flatMap((each) => ["--adopt", each]);
		return ["compile", this.at(directory), "-o", this.at(index), "--trust", this.key.certFile, ...adopted];
	}

	install(index: string, mode: string): void {
		this.do(this.installing(index, mode));
	}

	installing(index: string, mode: string): readonly string[] {
		const { program = "", kind } = this.runtime;
		const what = kind === "node" ? ["--node", program] : ["--no-node", "--python", this.at("spython")];
		const places = ["--index", this.at(index), "--config", this.at("verifier.json")];
		return ["launcher", "install", ...this.host.prefix, ...places, ...what, "--mode", mode];
	}

	/** Binds the product to a directory. The libraries of CPython are bound to where they are. */
	configure(root: string, members: Readonly<Record<string, unknown>> = {}, product: object = {}): void {
		const libraries = this.#library.map((name) => ({ name }));
		this.host.configure({ products: [{ name: "app", root: this.at(root), ...product }, ...libraries], ...members });
	}

	/** Starts the installed launcher with a script. */
	start(script: string, ...args: readonly string[]): SpawnSyncReturns<string> {
		return spawnSync(this.launcher, [this.at(script), ...args], { encoding: "utf8", timeout: 60_000 });
	}

	get launcher(): string {
		return this.at("lib/sigtool-launch");
	}

	get keys(): readonly string[] {
		return ["--key", this.key.keyFile, "--cert", this.key.certFile];
	}

	/** @throws Error with the output of a command that failed */
	do(args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
		const run = this.host.sigtool(args, { env: env as Record<string, string> });
		if (run.status !== 0) throw new Error(`${args.join(" ")}: ${run.stderr}`);
		return run;
	}

	#buildSpython(): void {
		mkdirSync(join(this.at("spython"), ".."), { recursive: true });
		const trust = ["--python", this.runtime.program ?? "", "--trust", this.host.key.certFile];
		this.#library = this.do(["python", "build", "--json", "-o", this.at("spython"), ...trust]).json().library;
	}
}
