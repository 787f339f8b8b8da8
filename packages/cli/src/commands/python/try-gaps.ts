/**
 * Tries the ways of gaps.ts around a spython, in temporary directories. Tries each way first in unguarded Python, in
 * which the attack should work, and then with the spython, alone and under the launcher, where it should fail.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
	compileTrustIndex,
	defaultTrust,
	developmentIdentity,
	parsePolicy,
	signPaths,
	spkiSha256,
} from "@sigtool/core";
import { ioError, isErrnoException, requireStarted, SigtoolError } from "@sigtool/core/internal/errors";
import { launcherIn, placeLauncher } from "../../launcher/launcher-place.js";
import { newDirectoryIn, temporaryPlace } from "../../launcher/temporary-place.js";
import { type NativeParts, nativeParts } from "../../native/native-parts.js";
import { aboutSpython, libraryOf } from "../../python/spython.js";
import { ATTACKER_FILES, GAPS, type Gap, MARKER } from "./gaps.js";

/**
 * The verdict on one attempt. It is `closed` if the attacker's code does not run, `logged` if the code runs and an
 * event records that, and `open` if the code runs without such an event. These attempts record all events; a policy may
 * select fewer.
 */
export type GapVerdict = "closed" | "logged" | "open";

export interface TriedGap {
	readonly name: string;
	/** True if the attack works in unguarded Python. Otherwise there is nothing that the spython has to prevent. */
	readonly works: boolean;
	readonly spython: GapVerdict;
	/** The verdict with the spython under the launcher, in strict mode. Undefined if the launcher cannot start. */
	readonly launcher: GapVerdict | undefined;
}

export interface TriedGaps {
	readonly gaps: readonly TriedGap[];
	/** The reason why the launcher could not be tried. Undefined if it was tried. */
	readonly withoutLauncher: string | undefined;
}

/**
 * Tries all gaps with a spython. @throws ERR_LAUNCHER if the spython does not run even signed code; ERR_USAGE if another
 * user could exchange what is tried; ERR_IO; AbortError
 */
export async function tryGaps(spython: string, signal: AbortSignal): Promise<TriedGaps> {
	const directory = newDirectoryIn(temporaryPlace(), "sigtool-gaps-");
	try {
		const trial = await prepare(directory, spython);
		const [unguarded, alone, launched] = starts(trial, spython);
		const complaint = control(alone, trial);
		if (complaint !== undefined) {
			throw new SigtoolError("ERR_LAUNCHER", `Cannot try ${spython}: it does not run signed code: ${complaint}`);
		}
		const withoutLauncher = launched === undefined ? "it is not built" : control(launched, trial);
		const gaps: TriedGap[] = [];
		for (const gap of GAPS) {
			await untilSignalsAreDelivered();
			signal.throwIfAborted();
			gaps.push({
				name: gap.name,
				works: attempt(gap, unguarded, trial) !== "closed",
				spython: attempt(gap, alone, trial),
				launcher: launched && withoutLauncher === undefined ? attempt(gap, launched, trial) : undefined,
			});
		}
		return { gaps, withoutLauncher };
	} catch (cause) {
		// Only the files below `directory` are written.
		throw isErrnoException(cause) ? ioError("write below", directory, cause) : cause;
	} finally {
		rmSync(directory, { recursive: true, force: true });
	}
}

/** While a program runs, this process is blocked. Node.js delivers the signals that came meanwhile after it. */
function untilSignalsAreDelivered(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

interface Trial {
	readonly directory: string;
	readonly python: string;
	readonly index: string;
	readonly config: string;
	readonly events: string;
}

/** A command that starts a Python program. The path of the program and its arguments are appended to the command. */
type Start = readonly string[];

/**
 * Makes a signed directory that contains a directory for each gap. Compiles a trust index of the signed directory and
 * of Python's library, and writes a host configuration.
 */
async function prepare(directory: string, spython: string): Promise<Trial> {
	const about = aboutSpython(spython);
	const trial = {
		directory,
		python: about.executable,
		index: join(directory, "gaps.sigx"),
		config: join(directory, "verifier.json"),
		events: join(directory, "events.jsonl"),
	};
	write(controlOf(trial), { "main.py": `print("good-ran-%d" % (6 * 7))\n` });
	for (const gap of GAPS) write(appOf(trial, gap), gap.signed);
	const signer = await developmentIdentity();
	await signPaths([join(directory, "app")], { signer });
	await compileTrustIndex([join(directory, "app")], {
		output: trial.index,
		adopt: libraryOf(about),
		signer,
		trust: defaultTrust(),
		development: "allow",
		policy: parsePolicy({ version: 1, python: { events: ["*"] } }),
	});
	const pins = [{ "spki-sha256": spkiSha256(signer.certificates[0]) }];
	const audit = { jsonLines: trial.events, stderr: "off" };
	writeFileSync(trial.config, JSON.stringify({ version: 1, pins, audit }), { mode: 0o600 });
	return trial;
}

/**
 * Returns three commands: for unguarded Python, for the spython alone, and for the spython under the launcher. The
 * third is undefined if the launcher is not built.
 */
function starts({ directory, python, index, config }: Trial, spython: string): [Start, Start, Start | undefined] {
	const development = "--allow-development";
	const alone = [spython, "--index", index, "--config", config, development];
	let parts: NativeParts;
	try {
		parts = nativeParts();
	} catch {
		return [[python, "-sB"], alone, undefined];
	}
	const installed = join(directory, "launcher");
	placeLauncher(installed, parts, {
		node: undefined,
		spython,
		index,
		config,
		mode: "strict",
		development: "allow",
	});
	return [[python, "-sB"], alone, [launcherIn(installed), development]];
}

/** Runs a signed program that must work. Returns undefined if it does, or else the last line of its errors. */
function control(start: Start, trial: Trial): string | undefined {
	const { stdout, stderr } = run([...start, join(controlOf(trial), "main.py")], trial.directory);
	return stdout.includes("good-ran-42") ? undefined : stderr.trim().split("\n").pop();
}

function attempt(gap: Gap, start: Start, trial: Trial): GapVerdict {
	const [app, data] = [appOf(trial, gap), join(trial.directory, "data")];
	// The signed files are written again, because an earlier attempt may have changed them.
	rmSync(app, { recursive: true });
	rmSync(data, { recursive: true, force: true });
	write(app, gap.signed);
	write(data, ATTACKER_FILES);
	write(app, gap.changed ?? {});
	const making = `app, data = ${JSON.stringify(app)}, ${JSON.stringify(data)}\n${gap.making ?? ""}`;
	run([trial.python, "-IB", "-c", making], data);
	writeFileSync(trial.events, "", { mode: 0o600 });
	const inData = (text: string) => text.replace("DATA", data);
	const args = gap.args?.map(inData) ?? [join(app, "main.py"), data];
	const environment = Object.entries(gap.environment ?? {}).map(([name, value]) => [name, inData(value)]);
	const { stdout } = run([...start, ...args], data, Object.fromEntries(environment));
	if (!stdout.includes(MARKER)) return "closed";
	return tells(readFileSync(trial.events, "utf8"), gap) ? "logged" : "open";
}

function tells(lines: string, { events = [], told = "" }: Gap): boolean {
	return lines
		.split("\n")
		.some((line) => events.some((name) => line.includes(`"event":"${name}"`)) && line.includes(told));
}

/** @throws ERR_IO if the system has no room for a process */
function run([program, ...args]: Start, cwd: string, environment: Readonly<Record<string, string>> = {}) {
	const { error, stdout, stderr } = spawnSync(program, args, {
		cwd,
		env: { PATH: process.env.PATH, HOME: cwd, ...environment },
		encoding: "utf8",
		timeout: 30_000,
	});
	requireStarted(program, error); // A gap is not closed because no process could be started.
	return { stdout: stdout ?? "", stderr: stderr ?? "" };
}

function appOf({ directory }: Trial, gap: Gap): string {
	return join(directory, "app", String(GAPS.indexOf(gap)));
}

function controlOf({ directory }: Trial): string {
	return join(directory, "app/control");
}

function write(directory: string, files: Readonly<Record<string, string>>): void {
	for (const [name, content] of Object.entries(files)) {
		mkdirSync(dirname(join(directory, name)), { recursive: true });
		writeFileSync(join(directory, name), content);
	}
}
