import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { developmentIdentity, isDevelopmentCertificate, spkiSha256, trustFromCertificates } from "@sigtool/core";
import { HOST_CONFIGURATION_FILE } from "@sigtool/core/internal";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import { faultOfFile } from "@sigtool/verifier/internal";
import { readCertificates } from "../../options/certificate-file.js";
import { digestOf } from "../../options/digest.js";
import { requireOutputName, usageError } from "../../options/usage.js";
import { untilInterrupted } from "../../output/interruption.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { bytes } from "../../output/render.js";
import { colour } from "../../output/terminal.js";
import {
	aboutSpython,
	buildSpython,
	libraryOf,
	ownSpython,
	type SpythonFacts,
	searchedFor,
} from "../../python/spython.js";
import { type GapVerdict, tryGaps } from "./try-gaps.js";

export interface PythonBuildOptions extends OutputOptions {
	readonly python: string;
	readonly trust?: readonly string[];
	readonly output?: string;
	readonly allowDevelopment?: boolean;
}

/** Compiles a spython, and returns the facts that the spython prints about itself. */
export async function pythonBuild(options: PythonBuildOptions): Promise<Report> {
	const { python, trust = [], allowDevelopment = false } = options;
	requireOutputName(options.output);
	const given = trust.flatMap((each) => pinsOf(each, allowDevelopment));
	const ownIdentity = trust.length === 0 && allowDevelopment;
	const pins = ownIdentity ? [spkiSha256((await developmentIdentity()).certificates[0])] : given;
	const output = resolve(options.output ?? ownSpython());
	if (existsSync(output) && !isProgram(output)) {
		throw usageError(
			`Cannot write ${quote(output)}: the existing file is no compiled program; remove it, or name another file`,
		);
	}
	buildSpython({ python, pins: [...new Set(pins)], development: allowDevelopment, output });
	const facts = aboutSpython(output);
	const library = libraryOf(facts);
	const searched = searchedFor(facts);
	return {
		exit: 0,
		fields: { spython: output, ...facts, library, searched },
		lines: [
			`built ${escaped(output)}`,
			...rows([
				["python", `${escaped(facts.python)}, built for ${escaped(facts.executable)}`],
				["libpython", facts.libpython === null ? undefined : escaped(facts.libpython)],
				...searched.map((directory): [string, string] => ["searched", escaped(directory)]),
				...library.map((directory): [string, string] => ["library", escaped(directory)]),
				...facts.pins.map((pin): [string, string] => ["pin", pin]),
				["size", bytes(statSync(output).size)],
			]),
		],
		warnings: [
			...(facts.development ? ["it trusts a development identity, so do not use it in production"] : []),
			...writableByOthers(facts, searched),
		],
		notes: facts.pins.length > 0 ? [] : [`no key is built in: ${HOST_CONFIGURATION_FILE} must pin who may sign`],
	};
}

/**
 * Returns a warning for each file and directory by which others than root could exchange the interpreter, or plant a
 * library that it is linked to. No spython is loaded then yet.
 */
function writableByOthers({ program, libpython }: SpythonFacts, searched: readonly string[]): string[] {
	const places = [program, ...(libpython === null ? [] : [libpython]), ...searched.map((each) => realpathSync(each))];
	const faults = places.flatMap((place) => faultOfFile(place, { development: "refuse", sticky: "refuse" }) ?? []);
	return [...new Set(faults)].map(
		(fault) => `others than root decide what this Python is: ${fault}; in production, take one that belongs to root`,
	);
}

/** Returns true if the file is an ELF file. The build may overwrite an existing file only if it is one. */
function isProgram(file: string): boolean {
	if (!statSync(file).isFile()) return false;
	const descriptor = openSync(file, "r");
	const head = Buffer.alloc(4);
	readSync(descriptor, head, 0, head.length, 0);
	closeSync(descriptor);
	return head.toString("latin1") === "\x7fELF";
}

/**
 * Returns the pins that a value of --trust gives: the value itself if it is a pin, or else the pins of the certificates
 * in the file that it names.
 * @throws ERR_USAGE, ERR_DEVELOPMENT_IDENTITY, and the errors of `readCertificates`
 */
function pinsOf(trust: string, allowDevelopment: boolean): string[] {
	const pin = digestOf(trust);
	if (pin !== undefined) return [pin];
	const certificates = readCertificates(trust);
	if (certificates.some(isDevelopmentCertificate) && !allowDevelopment) {
		const message = `Cannot trust ${quote(trust)}: it is the certificate of a development identity; add --allow-development to accept it`;
		throw new SigtoolError("ERR_DEVELOPMENT_IDENTITY", message, { path: trust });
	}
	const { pins, authorities } = trustFromCertificates(certificates);
	if (authorities.length === 0) return [...pins.keys()];
	throw usageError(
		`Cannot trust ${quote(trust)}: it is the certificate of an authority; name the certificates of the signers`,
	);
}

export interface PythonGapsOptions extends OutputOptions {
	readonly spython?: string;
}

/**
 * Tries ways to run unsigned code with a spython, and returns a verdict for each. The exit status is 0 even if a way is
 * open, because some ways are known to be open; docs/explanation/threat-model.md lists these.
 */
export async function pythonGaps({ spython = ownSpython() }: PythonGapsOptions): Promise<Report> {
	const about = aboutSpython(spython);
	const { gaps, withoutLauncher } = await untilInterrupted((signal) => tryGaps(resolve(spython), signal));
	const cell = (verdict: GapVerdict | undefined) => COLOURS[verdict ?? "untried"]((verdict ?? "-").padEnd(8));
	const lines = gaps.map(({ name, works, spython, launcher }) => {
		return `${cell(spython)}  ${cell(launcher)}  ${name}${works ? "" : " (does not work in unguarded Python either)"}`;
	});
	return {
		exit: 0,
		fields: { spython, ...about, gaps: gaps.map((gap) => ({ ...gap, launcher: gap.launcher ?? null })) },
		lines: [`${escaped(spython)}, CPython ${escaped(about.python)}`, "spython   launcher, strict", ...lines],
		warnings: withoutLauncher === undefined ? [] : [`the launcher could not be tried: ${escaped(withoutLauncher)}`],
	};
}

const COLOURS: Readonly<Record<GapVerdict | "untried", (text: string) => string>> = {
	closed: colour.green,
	logged: colour.yellow,
	open: colour.red,
	untried: (text) => text,
};
