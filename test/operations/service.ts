/** A service on a host as in production: a release key, a signed program, a launcher. Root is needed. */

import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { pinOf } from "../../packages/cli/test/launcher-host.js";
import { makeSelfSigned, type Run, runner, type SelfSigned } from "../../packages/cli/test/support.js";
import { PYTHONS } from "../../packages/verifier/test/python/support.js";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { type ChildProcessWithoutNullStreams, type SpawnSyncReturns, spawn, spawnSync } from "../outside.js";

const NATIVE = fileURLToPath(new URL("../../packages/verifier/native", import.meta.url));
const LAUNCHER = fileURLToPath(new URL("../../packages/verifier/dist/native/sigtool-launch", import.meta.url));

/** Only root can make a directory below which root owns everything, and mount in a namespace of its own. */
export const canOperate =
	existsSync(LAUNCHER) && process.getuid?.() === 0 && spawnSync("unshare", ["-m", "true"]).status === 0;

export interface Runtime {
	readonly name: string;
	readonly kind: "node" | "python";
	/** The program of the runtime. Undefined if it is not on this machine. */
	readonly program: string | undefined;
	/** The unit file that the documentation shows. */
	readonly unit: string;
}

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
const python = PYTHONS[0]?.executable;

/** The oldest release of Node.js has its stories in the full run alone. */
export const NODE_RELEASES: readonly string[] = process.env.SIGTOOL_FULL === undefined ? ["24"] : ["20", "24"];

export const RUNTIMES: readonly Runtime[] = [
	...NODE_RELEASES.map((release): Runtime => {
		return {
			name: `Node.js ${release}`,
			kind: "node",
			program: canOperate ? trusted(nodeOfRelease(release)) : undefined,
			unit: `${EXAMPLES}/deploy/app.service`,
		};
	}),
	{ name: "CPython", kind: "python", program: python, unit: `${EXAMPLES}/deploy-python/app.service` },
];

/** The launcher trusts no program below a directory that everyone may write, so none that npm installed below /tmp. */
function trusted(program: string | undefined): string | undefined {
	for (let path = program ?? "/"; path !== "/"; path = dirname(path))
		if ((statSync(path).mode & 0o002) !== 0) return undefined;
	return program;
}

/** A service that takes so long to start hangs. */
const HANGS_MS = 10_000;

/** Replacements of texts: in the hook of Node.js, and in a header of the C that the spython links. */
interface OtherHook {
	readonly node: readonly (readonly [string | RegExp, string])[];
	readonly header: string;
	readonly python: readonly (readonly [string, string])[];
}

/** Replaces the first match, or the last occurrence of a text, which must be in the file. */
function replaceIn(file: string, texts: readonly (readonly [string | RegExp, string])[]): void {
	let text = readFileSync(file, "utf8");
	for (const [former, other] of texts) {
		const found = typeof former === "string" ? former : (former.exec(text)?.[0] ?? "");
		const at = typeof former === "string" ? text.lastIndexOf(found) : text.indexOf(found);
		if (at === -1 || found === "") throw new Error(`Cannot install another hook: ${former} is not in ${file}`);
		text = text.slice(0, at) + other + text.slice(at + found.length);
	}
	writeFileSync(file, text);
}

export interface StartOptions {
	/** A program and its arguments, which starts the launcher. */
	readonly before?: readonly string[];
	/** The arguments of the script. */
	readonly args?: readonly string[];
}

export interface ServiceOptions {
	readonly isBuiltIn?: boolean;
	/** Files of the program, by name. */
	readonly files?: Readonly<Record<string, string>>;
}

export class Service {
	readonly directory = mkdtempSync("/var/lib/sigtool-operations-");
	readonly key: SelfSigned;
	readonly sigtool: ReturnType<typeof runner>;
	readonly #runtime: Runtime;
	/** The directories of Python's library. */
	#library: readonly string[] = [];

	/** Signs, compiles and installs. With `isBuiltIn` the spython is built with the release key. */
	constructor(runtime: Runtime, { isBuiltIn = false, files = {} }: ServiceOptions = {}) {
		this.#runtime = runtime;
		this.key = makeSelfSigned(this.at("release"));
		this.sigtool = runner(this.at("home"));
		for (const directory of ["app", "data", "log"]) mkdirSync(this.at(directory));
		writeFileSync(this.at("app/main.js"), "console.log('serving')\n");
		writeFileSync(this.at("app/main.py"), "print('serving')\n");
		for (const [name, text] of Object.entries(files)) writeFileSync(this.at(`app/${name}`), text);
		this.configure();
		if (runtime.kind === "python") this.#buildSpython(isBuiltIn ? ["--trust", this.key.certFile] : []);
		this.ship();
		this.install();
	}

	/** The directories of Python's library, which the index adopts. */
	get library(): readonly string[] {
		return this.#library;
	}

	at(path: string): string {
		return join(this.directory, path);
	}

	get script(): string {
		return this.at(this.#runtime.kind === "node" ? "app/main.js" : "app/main.py");
	}

	get conf(): string {
		return this.at("lib/launcher.conf");
	}

	get config(): string {
		return this.at("verifier.json");
	}

	get index(): string {
		return this.at("app.sigx");
	}

	/** The file that the runtime loads first: the hook of Node.js, or the spython. */
	get hook(): string {
		const key = this.#runtime.kind === "node" ? "bundle" : "spython";
		return new RegExp(`^${key} (.+) \\w+$`, "m").exec(readFileSync(this.conf, "utf8"))?.[1] ?? "";
	}

	/** Writes verifier.json, with these members replaced. */
	configure(members: object = {}): void {
		const audit = { jsonLines: this.at("log/events.jsonl"), stderr: "off" };
		const document = { version: 1, onRefusal: "exit", pins: [pinOf(this.key)], audit, ...members };
		writeFileSync(this.config, JSON.stringify(document));
	}

	/** The products of the index beside the application: the directories of Python's library. */
	libraryProducts(): readonly { readonly name: string }[] {
		return this.#library.map((name) => ({ name }));
	}

	/** Signs the program, and compiles the index with more options. */
	ship(key = this.key, compiling: readonly string[] = []): void {
		const signing = ["--key", key.keyFile, "--cert", key.certFile];
		this.#do(["sign", this.at("app"), "--force", ...signing]);
		this.#do([...this.compileArguments(key), ...compiling]);
	}

	compileArguments(key = this.key): readonly string[] {
		const signing = ["--key", key.keyFile, "--cert", key.certFile];
		const adopted = this.#library.flatMap((directory) => ["--adopt", directory]);
		return ["compile", this.at("app"), "-o", this.index, "--trust", key.certFile, ...adopted, ...signing];
	}

	install(): void {
		this.#do(this.installing());
	}

	/** Returns the arguments of the command line that install the launcher, with this spython for CPython. */
	installing(spython = this.at("spython")): string[] {
		const { kind, program = "" } = this.#runtime;
		const runtime = kind === "node" ? ["--node", program] : ["--no-node", "--python", spython];
		const places = ["--prefix", this.at("lib"), "--index", this.index, "--config", this.config];
		return ["launcher", "install", ...places, ...runtime];
	}

	check(...options: string[]): Run {
		return this.sigtool(["launcher", "check", "--prefix", this.at("lib"), ...options]);
	}

	start(options: StartOptions = {}): SpawnSyncReturns<string> {
		const [program = "", ...args] = this.#command(options);
		// Node.js can hang for lack of descriptors, as it does without the launcher.
		return spawnSync(program, args, { encoding: "utf8", timeout: HANGS_MS, killSignal: "SIGKILL" });
	}

	/** Starts the service without waiting for its end. */
	run(options: StartOptions = {}): ChildProcessWithoutNullStreams {
		const [program = "", ...args] = this.#command(options);
		return spawn(program, args);
	}

	#command({ before = [], args = [] }: StartOptions): string[] {
		return [...before, this.at("lib/sigtool-launch"), "--write", this.at("data"), this.script, ...args];
	}

	/** Saves a file, and returns a function that brings it back. */
	saved(file: string): () => void {
		const copy = `${this.at("saved")}-${file.replaceAll("/", "-")}`;
		cpSync(file, copy, { preserveTimestamps: true });
		return () => {
			rmSync(file, { force: true });
			cpSync(copy, file, { preserveTimestamps: true });
		};
	}

	/** Installs a hook of a release that is made in 2100, so that the clock of this machine is before it. */
	installLaterRelease(): () => void {
		const [now, later] = [Date.UTC(2026, 10, 1) / 1000, Date.UTC(2100, 0, 1) / 1000];
		// The number is larger than an int, so it becomes a macro.
		return this.#installOther({
			node: [["Date.UTC(2026,10,1)/1e3", String(later)]],
			header: "shared/settings/constants.h",
			python: [
				[`\tEARLIEST_SECONDS = ${now},`, "\tFORMER_SECONDS = 0,"],
				["#endif\n", `#define EARLIEST_SECONDS ${later}L\n#endif\n`],
			],
		});
	}

	/**
	 * Installs a hook whose clock differs from that of this machine by what `setClock` says, and which looks at the
	 * configuration every second.
	 */
	installOtherClock(): void {
		this.setClock(0);
		const file = JSON.stringify(this.at("clock"));
		const node = `"use strict";{const now=Date.now,read=require("fs").readFileSync;Date.now=()=>now()+Number(read(${file},"utf8"));}`;
		const python = `#include <stdio.h>
#include <stdlib.h>
static inline time_t shifted_time(void)
{
	long long shift = 0;
	FILE *file = fopen(${file}, "r");
	if (file == NULL || fscanf(file, "%lld", &shift) != 1)
		abort();
	fclose(file);
	return time(NULL) + (time_t)(shift / 1000);
}
#define time(none) shifted_time()
#define LOOK_SECONDS 1
#endif
`;
		this.#installOther({
			node: [
				// The bundle has lines of limited length, so a line can end in the middle of this expression.
				[/BigInt\(\s*\w+\s*\)\s*\*\s*1000000000n/, "1000000000n"],
				[/"use strict";/, node],
			],
			header: "trust/trust.h",
			python: [["#endif\n", python]],
		});
	}

	/** Sets the clock of the installed hook: processes that run see it too. */
	setClock(differenceMs: number): void {
		writeFileSync(`${this.at("clock")}.new`, String(differenceMs));
		renameSync(`${this.at("clock")}.new`, this.at("clock"));
	}

	/** Installs a hook, or a spython built from sources, with other texts. Returns a function that brings the former back. */
	#installOther({ node, header, python }: OtherHook): () => void {
		const undo = [this.saved(this.hook), this.saved(this.conf)];
		if (this.#runtime.kind === "node") {
			replaceIn(this.hook, node);
		} else {
			rmSync(this.at("other"), { recursive: true, force: true });
			cpSync(NATIVE, this.at("other"), { recursive: true });
			replaceIn(this.at(`other/${header}`), python);
			const builder = `import { buildSpython } from ${JSON.stringify(this.at("other/build-spython.mjs"))};
				buildSpython({ python: ${JSON.stringify(this.#runtime.program)}, output: ${JSON.stringify(this.hook)} });`;
			const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", builder], {
				encoding: "utf8",
			});
			if (status !== 0) throw new Error(stderr);
		}
		this.pinHook();
		return () => {
			for (const each of undo) each();
		};
	}

	/** Writes the present digest of the hook into launcher.conf. */
	pinHook(): void {
		const digest = spawnSync("sha256sum", [this.hook], { encoding: "utf8" }).stdout.slice(0, 64);
		const text = readFileSync(this.conf, "utf8");
		writeFileSync(this.conf, text.replace(new RegExp(`^(\\w+ ${this.hook}) \\w+$`, "m"), `$1 ${digest}`));
	}

	events(): readonly Readonly<Record<string, unknown>>[] {
		const file = this.at("log/events.jsonl");
		if (!existsSync(file)) return [];
		return readFileSync(file, "utf8")
			.split("\n")
			.slice(0, -1)
			.map((line) => JSON.parse(line));
	}

	remove(): void {
		spawnSync("umount", ["--lazy", this.at("log")]);
		rmSync(this.directory, { recursive: true, force: true });
	}

	#buildSpython(trust: readonly string[]): void {
		const { program = "" } = this.#runtime;
		const { library } = this.#do([
			"python",
			"build",
			"--json",
			"--python",
			program,
			"-o",
			this.at("spython"),
			...trust,
		]).json();
		this.#library = library;
	}

	#do(args: readonly string[]): Run {
		const run = this.sigtool(args);
		if (run.status !== 0) throw new Error(`${args.join(" ")}: ${run.stderr}`);
		return run;
	}
}
