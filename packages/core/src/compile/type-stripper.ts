/**
 * Removes the types of TypeScript as Node.js does before it compiles a file. A Node.js program does this in a child
 * process, because the text can depend on its release. It gets the content of files on its standard input, and executes
 * nothing of it.
 */

import { spawnSync } from "node:child_process";
import module from "node:module";
import { parse, resolve } from "node:path";
import { errnoReason, quote, requireStarted, SigtoolError } from "../errors.js";
import { exists } from "../system/look-up.js";
import { hostNode } from "../system/programs.js";

export interface TypeStripper {
	/** The absolute path of the Node.js program. */
	readonly program: string;
	/** The release of this Node.js, such as `v24.1.0`. */
	readonly release: string;
}

/** The SHA-256 of the text without types in lower-case hexadecimal, or the code of the error with which Node.js refuses it. */
export type StrippedText = { readonly sha256: string } | { readonly refusal: string };

/**
 * Asks a Node.js program if it strips types.
 * @throws ERR_ROOT_MISSING if it does not exist; ERR_USAGE if it is another program; ERR_UNSUPPORTED_PLATFORM if it
 * strips no types; ERR_IO if no process can be started
 */
export function openTypeStripper(path: string): TypeStripper {
	const program = resolve(path);
	if (!exists(program))
		throw failure("ERR_ROOT_MISSING", path, "it does not exist; give the path of a Node.js program");
	const { release, strips } = run(program, []);
	if (strips) return { program, release };
	const message = `Node.js ${release} strips no types; name one of release 22.13 or later that does`;
	throw failure("ERR_UNSUPPORTED_PLATFORM", path, message);
}

/** Returns the Node.js that runs programs on this host, or undefined if there is none or it strips no types. */
export function ownTypeStripper(): TypeStripper | undefined {
	const program = hostNode();
	if (program === undefined) return undefined;
	// In a build without the stripper this function exists, too, and the program is asked.
	if (program === process.execPath && !("stripTypeScriptTypes" in module)) return undefined;
	try {
		return openTypeStripper(program);
	} catch (error) {
		if (error instanceof SigtoolError) return undefined;
		throw error;
	}
}

/**
 * Strips texts, which must be UTF-8 without a byte order mark. The results have the order of the texts.
 * @throws ERR_USAGE if the program does not answer as Node.js does; ERR_IO if no process can be started
 */
export function stripTypes({ program }: TypeStripper, texts: readonly Buffer[]): StrippedText[] {
	const results: StrippedText[] = [];
	while (results.length < texts.length) {
		const { answers } = run(program, texts.slice(results.length));
		if (answers.length === 0) throw failure("ERR_USAGE", program, "it gave no answer");
		for (const answer of answers) results.push(DIGEST.test(answer) ? { sha256: answer } : { refusal: answer });
	}
	return results;
}

const DIGEST = /^[0-9a-f]{64}$/;

/**
 * Prints a line with the release, and a line for each text on standard input. Before each text is its size in bytes, 32
 * bits, little-endian. A text that is nested too deeply breaks the stripper for all further texts of the process (seen
 * on 22, 24 and 26), so the program ends after such a text, and is run once more for the rest.
 */
const PROGRAM = `
const { createHash } = require("node:crypto");
const { stripTypeScriptTypes } = require("node:module");
const strip = (text) => stripTypeScriptTypes(text, { mode: "strip" });
const strips = () => {
	try {
		return strip("let a: 1") === "let a   ";
	} catch {
		return false;
	}
};
const lines = ["sigtool " + process.version + (strips() ? " strips" : " does not")];
const input = require("node:fs").readFileSync(0);
for (let at = 0, end; at < input.length && strips(); at = end) {
	end = at + 4 + input.readUInt32LE(at);
	try {
		lines.push(createHash("sha256").update(strip(input.toString("utf8", at + 4, end))).digest("hex"));
	} catch (error) {
		lines.push(String(error.code ?? error.name));
	}
}
process.stdout.write(lines.join("\\n") + "\\n");
`;

interface Answer {
	readonly release: string;
	readonly strips: boolean;
	/** The answers for the first texts, at least one. */
	readonly answers: readonly string[];
}

function run(program: string, texts: readonly Buffer[]): Answer {
	const input = Buffer.concat(texts.flatMap((text) => [sizeOf(text), text]));
	const { error, status, signal, stdout } = spawnSync(program, ["--no-warnings", "-e", PROGRAM], {
		input,
		stdio: ["pipe", "pipe", "ignore"],
		// No variable, such as NODE_OPTIONS, and no file of the working directory changes what the child does.
		env: process.platform === "win32" ? { SystemRoot: process.env.SystemRoot } : {},
		cwd: parse(program).root,
		timeout: TIMEOUT_MS,
		killSignal: "SIGKILL",
		maxBuffer: 1024 + 128 * texts.length,
		encoding: "latin1",
	});
	requireStarted(program, error);
	const [first = "", ...answers] = (stdout ?? "").trimEnd().split("\n");
	const [, release, strips] = /^sigtool (v\d+\.\d+\.\d+\S*) (strips|does not)$/.exec(first) ?? [];
	const isSound = answers.length <= texts.length && answers.every((answer) => /^\w{1,64}$/.test(answer));
	if (error === undefined && status === 0 && release !== undefined && isSound) {
		return { release, strips: strips === "strips", answers };
	}
	const reason = error === undefined ? endOf(status, signal) : errnoReason(error);
	throw failure("ERR_USAGE", program, `it does not answer as Node.js does: ${reason}; name a Node.js program`, error);
}

function sizeOf(text: Buffer): Buffer {
	const size = Buffer.alloc(4);
	size.writeUInt32LE(text.length);
	return size;
}

function endOf(status: number | null, signal: string | null): string {
	return signal === null ? `it ended with status ${status}` : `it was ended by ${signal}`;
}

function failure(
	code: "ERR_ROOT_MISSING" | "ERR_USAGE" | "ERR_UNSUPPORTED_PLATFORM",
	program: string,
	reason: string,
	cause?: Error,
) {
	return new SigtoolError(code, `Cannot strip types with ${quote(program)}: ${reason}`, { cause, path: program });
}

/** The limit for one run. Node.js strips some megabytes in a second. */
const TIMEOUT_MS = 300_000;
