/**
 * Runs services for a long time while somebody operates them: releases are switched, the configuration is edited, the
 * file of events is rotated, the disk is filled and freed, the release key is replaced. Meanwhile each service loads
 * signed modules, and attacks try to run code that nobody signed. Everything that should not have happened is recorded.
 */

import { createHash } from "node:crypto";
import {
	chmodSync,
	chownSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { makeSelfSigned, type SelfSigned } from "../../packages/cli/test/support.js";
import { Host, pinOf } from "../host/host.js";
import type { Runtime } from "../host/runtimes.js";
import { spawnSync } from "../outside.js";
import { unmountAtEnd } from "../unmount-at-end.js";
import { AskedProcess } from "./asked-process.js";

/** The user of the services. */
const USER = 64_321;
/** A release has so many modules that a process can load after its start. */
const MODULES = 200;
/** A process that does not answer for so long hangs. */
const ANSWER_MS = 60_000;
/** After so long a running process must know a longer deny list. docs/reference/verifier.md promises 5 seconds. */
const RELOAD_MS = 8_000;
/** A start that could not be judged is repeated, as the units say. */
const RESTART_MS = 1_000;

export interface Figures {
	seconds: number;
	loads: number;
	starts: number;
	/** Starts that ended with status 75 and were repeated. */
	startsLater: number;
	releases: number;
	edits: number;
	rotations: number;
	fullDisks: number;
	keys: number;
	/** Attacks, each of which had to be refused. */
	attacks: number;
	/** Refused attacks whose event is in a log. The others were made while the disk was full, and standard error says so. */
	attacksLogged: number;
	/** Lines of logs that end early, because the disk became full while they were written. */
	tornLines: number;
	/** The resident memory of the services that ran from the beginning to the end, in MB: least and most growth. */
	growthMb: readonly [number, number];
	/** Each event that should not have happened, with its reason. */
	undue: string[];
}

/** The answer of a process to a line: its own line, or its end. */
type Answer = { readonly line: string } | { readonly status: number | null; readonly stderr: string };

/** A running program that answers lines. */
class Program extends AskedProcess {
	async answer(next = this.line()): Promise<Answer> {
		const limit = setTimeout(() => this.kill(), ANSWER_MS);
		const line = await next;
		clearTimeout(limit);
		return line === undefined ? { status: await this.ended, stderr: this.stderr } : { line };
	}

	/** The resident memory in MB. */
	get residentMb(): number {
		const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
		return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
	}
}

/** A host with some services of one runtime, which share releases, configuration, launcher and log. */
export class Fleet {
	readonly host: Host;
	readonly runtime: Runtime;
	readonly figures: Figures;
	readonly services: SoakedService[] = [];
	#release = 0;
	#pins: SelfSigned[];
	#denied: string[] = [];
	#isDiskFull = false;
	/** Paths of refused code whose events must be in a log. */
	readonly #awaited = new Set<string>();
	/** Paths that the events of the logs so far refuse. */
	readonly #refused = new Set<string>();

	constructor(runtime: Runtime, figures: Figures) {
		this.runtime = runtime.kind === "node" ? { ...runtime, program: copyForUsers(runtime.program) } : runtime;
		this.host = new Host({ runtime: this.runtime });
		this.figures = figures;
		this.#pins = [this.host.key];
		chmodSync(this.host.directory, 0o755);
		for (const directory of ["evil", "rel"]) mkdirSync(this.host.at(directory));
		const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "nosuid,mode=755,size=16m", "none", this.host.at("log")]);
		if (mounted.status !== 0) throw new Error(`Cannot mount a log: ${mounted.stderr}`);
		unmountAtEnd(this.host.at("log"));
		onTestFinished(() => void spawnSync("umount", ["--lazy", this.host.at("log")]));
		chownSync(this.host.at("log"), USER, USER);
		this.ship();
		this.edit();
		this.host.install({ index: this.host.at("current/app.sigx"), mode: "enforce" });
	}

	async start(count: number): Promise<void> {
		for (let number = 0; number < count; number++) {
			const service = new SoakedService(this, `${this.runtime.name} ${number}`);
			this.services.push(service);
			await service.start();
		}
	}

	/** Signs a release and switches to it by one rename, as docs/how-to/changes.md shows. */
	ship(): void {
		const release = ++this.#release;
		const directory = `rel/${release}/app`;
		mkdirSync(this.host.at(directory), { recursive: true });
		this.host.release(directory, filesOf(this.runtime, release), release);
		this.host.compile(directory, `rel/${release}/app.sigx`);
		symlinkSync(`rel/${release}`, this.host.at("current.new"));
		renameSync(this.host.at("current.new"), this.host.at("current"));
		this.figures.releases++;
	}

	/** Writes the configuration anew, by a rename. */
	edit(): void {
		const members = {
			pins: this.#pins.map(pinOf),
			deny: this.#denied.map((file) => ({ file, reason: "a test" })),
			audit: { jsonLines: this.log, stderr: "refusals" },
			index: this.host.at("current/app.sigx"),
		};
		this.host.bind("current/app", members, { minimumSequence: Math.max(1, this.#release - 3) });
		this.figures.edits++;
	}

	/** Denies a file that was signed. Returns when running processes must know. */
	async deny(path: string): Promise<void> {
		this.#denied.push(createHash("sha256").update(readFileSync(path)).digest("hex"));
		this.edit();
		await wait(RELOAD_MS);
	}

	/** Replaces the release key: both count until the next release is out, then the new one alone. */
	replaceKey(): void {
		this.host.key = makeSelfSigned(this.host.at(`key-${this.figures.keys}`));
		this.#pins = [...this.#pins, this.host.key];
		this.edit();
		this.ship();
		this.#pins = [this.host.key];
		this.edit();
		this.figures.keys++;
	}

	get log(): string {
		return this.host.at("log/events.jsonl");
	}

	/** Renames the file of events and makes a new one, as logrotate does with `create`. Keeps two older files. */
	rotate(): void {
		this.figures.rotations++;
		this.#takeLog(`${this.log}.2`);
		if (existsSync(`${this.log}.1`)) renameSync(`${this.log}.1`, `${this.log}.2`);
		renameSync(this.log, `${this.log}.1`);
		writeFileSync(this.log, "", { mode: 0o600 });
		chownSync(this.log, USER, USER);
	}

	fillDisk(): void {
		this.#isDiskFull = true;
		this.figures.fullDisks++;
		spawnSync("sh", ["-c", `cat /dev/zero > "$1"`, "sh", this.host.at("log/filler")]);
	}

	freeDisk(): void {
		rmSync(this.host.at("log/filler"));
		this.#isDiskFull = false;
	}

	/** Asks a service to load code that must be refused, looks at how the process ends, and starts the service again. */
	attack(service: SoakedService, path: string, line: string): Promise<void> {
		return service.alone(async () => {
			const wasFull = this.#isDiskFull;
			const answer = await service.ask(line);
			this.figures.attacks++;
			if ("line" in answer || answer.status !== 126) {
				this.figures.undue.push(`${service.name}: not refused: ${path}: ${JSON.stringify(answer)}`);
			} else if (!wasFull && !this.#isDiskFull) {
				this.#awaited.add(path);
			} else if (wasFull && this.#isDiskFull && !answer.stderr.includes(path)) {
				this.figures.undue.push(`${service.name}: silent about ${path}: ${answer.stderr}`);
			}
			await service.start();
		});
	}

	/** Writes a file that nobody signed, whose code would answer. */
	plant(): { readonly path: string; readonly line: string } {
		const { kind } = this.runtime;
		const path = this.host.at(`evil/evil${this.figures.attacks}.${kind === "node" ? "js" : "py"}`);
		writeFileSync(path, kind === "node" ? `console.log("evil")` : `print("evil", flush=True)`);
		return { path, line: `run ${path}` };
	}

	/** Counts the attacks whose event is in a log, and records the others. */
	examineLogs(): void {
		for (const file of [`${this.log}.2`, `${this.log}.1`, this.log]) this.#takeLog(file);
		for (const path of this.#awaited) {
			if (this.#refused.has(path)) this.figures.attacksLogged++;
			else this.figures.undue.push(`no event about ${path}`);
		}
	}

	/** Notes the refusals in a file of events, and removes the file. */
	#takeLog(file: string): void {
		if (!existsSync(file)) return;
		for (const text of readFileSync(file, "utf8").split("\n").slice(0, -1)) {
			const event = eventIn(text);
			if (event === undefined) this.figures.tornLines++;
			else if (event.verdict === "refuse" && typeof event.path === "string") this.#refused.add(event.path);
		}
		rmSync(file);
	}
}

export class SoakedService {
	readonly name: string;
	readonly #fleet: Fleet;
	#program: Program | undefined;
	#loaded = 0;
	#release = "";
	#last: Promise<unknown> = Promise.resolve();

	constructor(fleet: Fleet, name: string) {
		this.#fleet = fleet;
		this.name = name;
	}

	async start(): Promise<void> {
		await this.#program?.stop();
		const { host, figures } = this.#fleet;
		const user = [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
		for (;;) {
			this.#program = new Program("setpriv", [...user, host.launcher, host.at(`current/app/${host.main}`)]);
			const answer = await this.#program.answer();
			if ("line" in answer) {
				figures.starts++;
				this.#release = answer.line;
				this.#loaded = 0;
				return;
			}
			if (answer.status !== 75) {
				figures.undue.push(`${this.name}: did not start: ${answer.status} ${answer.stderr}`);
				throw new Error(`Cannot go on: ${figures.undue.join("\n")}`);
			}
			figures.startsLater++;
			await wait(RESTART_MS);
		}
	}

	/** Loads the next module of the release. */
	load(): Promise<void> {
		return this.alone(async () => {
			const { figures } = this.#fleet;
			if (this.#loaded === MODULES) return;
			const name = `mod${this.#loaded++}`;
			const answer = await this.ask(`load ${name}`);
			figures.loads++;
			if ("line" in answer && answer.line === `${name} of ${this.#release}`) return;
			figures.undue.push(`${this.name}: did not load ${name} of ${this.#release}: ${JSON.stringify(answer)}`);
			if ("status" in answer) await this.start();
		});
	}

	restart(): Promise<void> {
		return this.alone(() => this.start());
	}

	/** Waits until the service does nothing else. */
	alone<Result>(action: () => Promise<Result>): Promise<Result> {
		const done = this.#last.then(action);
		this.#last = done;
		return done;
	}

	ask(line: string): Promise<Answer> {
		if (this.#program === undefined) throw new Error(`${this.name} was not started`);
		return this.#program.answer(this.#program.ask(line));
	}

	/** The directory of the release that runs. */
	get directory(): string {
		return this.#fleet.host.at(`rel/${this.#release.split(" ")[1]}/app`);
	}

	get residentMb(): number {
		return this.#program?.residentMb ?? 0;
	}

	async stop(): Promise<void> {
		await this.#program?.stop();
	}
}

/** Parses a line of a log. Returns undefined if the line ends early, as when the disk became full. */
function eventIn(line: string): { readonly verdict?: unknown; readonly path?: unknown } | undefined {
	try {
		return JSON.parse(line);
	} catch {
		return undefined;
	}
}

/** Copies a Node.js that npm installed for its own user to a place where every user can start it. */
function copyForUsers(program = ""): string {
	const directory = mkdtempSync("/var/lib/sigtool-node-");
	onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
	chmodSync(directory, 0o755);
	const copy = join(directory, "node");
	copyFileSync(program, copy);
	chmodSync(copy, 0o755);
	return copy;
}

/** The program says its release, and then runs or loads a file for each line that it reads. */
function filesOf({ kind }: Runtime, release: number): Record<string, string> {
	const [suffix, main] = kind === "node" ? ["js", NODE_PROGRAM] : ["py", PYTHON_PROGRAM];
	const files: Record<string, string> = { [`main.${suffix}`]: main.replace("RELEASE", `release ${release}`) };
	const names = [...Array.from({ length: MODULES }, (_, number) => `mod${number}`), "denied", "victim"];
	for (const name of names) {
		const value = JSON.stringify(`${name} of release ${release}`);
		files[`${name}.${suffix}`] = kind === "node" ? `module.exports = ${value}` : `value = ${value}`;
	}
	return files;
}

const NODE_PROGRAM = `
console.log("RELEASE");
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
	const [verb, name] = line.split(" ");
	const value = require(verb === "load" ? "./" + name + ".js" : name);
	if (verb === "load") console.log(value);
});`;

const PYTHON_PROGRAM = `
import importlib, importlib.util, sys
print("RELEASE", flush=True)
for line in sys.stdin:
    verb, name = line.split()
    if verb == "load":
        print(importlib.import_module(name).value, flush=True)
    else:
        spec = importlib.util.spec_from_file_location("evil", name)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
`;

/** Runs `count` services for some seconds. Each period has every operation once. */
export async function soak(
	runtimes: readonly Runtime[],
	count: number,
	seconds: number,
	period: number,
): Promise<Figures> {
	const figures: Figures = {
		seconds,
		loads: 0,
		starts: 0,
		startsLater: 0,
		releases: 0,
		edits: 0,
		rotations: 0,
		fullDisks: 0,
		keys: 0,
		attacks: 0,
		attacksLogged: 0,
		tornLines: 0,
		growthMb: [0, 0],
		undue: [],
	};
	const fleets = runtimes.map((runtime) => new Fleet(runtime, figures));
	for (const [number, fleet] of fleets.entries()) {
		await fleet.start(Math.floor((count + number) / fleets.length));
	}
	const end = Date.now() + seconds * 1000;
	const isOver = () => Date.now() > end;
	// The first service of each fleet runs from the beginning to the end.
	const veterans = fleets.map(({ services }) => services[0] as SoakedService);
	const before = veterans.map(({ residentMb }) => residentMb);
	await Promise.all([
		...fleets.map((fleet) => serve(fleet, isOver)),
		...fleets.map((fleet) => operate(fleet, period, isOver)),
	]);
	const growth = veterans.map(({ residentMb }, number) => Math.round(residentMb - (before[number] ?? 0)));
	figures.growthMb = [Math.min(...growth), Math.max(...growth)];
	for (const fleet of fleets) {
		for (const service of fleet.services) await service.stop();
		fleet.examineLogs();
	}
	return figures;
}

/** Lets each service load one module after the other. */
async function serve({ services }: Fleet, isOver: () => boolean): Promise<void> {
	while (!isOver()) {
		for (const service of services) {
			await service.load();
			await wait(100);
		}
	}
}

/** Does everything once a period that an operator does, and attacks after each operation. */
async function operate(fleet: Fleet, periodMs: number, isOver: () => boolean): Promise<void> {
	const suffix = fleet.host.script.split(".")[1];
	const pause = () => wait(periodMs / 6);
	const plantAndAttack = (service: SoakedService) => {
		const { path, line } = fleet.plant();
		return fleet.attack(service, path, line);
	};
	for (let period = 0; !isOver(); period++) {
		const [, ...others] = fleet.services;
		const target = others[period % others.length] as SoakedService;
		fleet.ship();
		for (const [number, service] of others.entries()) if ((number + period) % 2 === 0) await service.restart();
		await pause();

		fleet.rotate();
		await plantAndAttack(target);
		await pause();

		const denied = join(target.directory, `denied.${suffix}`);
		await fleet.deny(denied);
		await fleet.attack(target, denied, "load denied");
		await pause();

		const victim = join(target.directory, `victim.${suffix}`);
		const signed = readFileSync(victim);
		writeFileSync(victim, `${signed} `);
		await fleet.attack(target, victim, "load victim");
		writeFileSync(victim, signed);
		await pause();

		fleet.fillDisk();
		const attacked = plantAndAttack(target);
		await pause();
		fleet.freeDisk();
		await attacked;
		if (period % 3 === 2) fleet.replaceKey();
		await pause();
	}
}
