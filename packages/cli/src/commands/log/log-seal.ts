import { existsSync, realpathSync } from "node:fs";
import { hostname } from "node:os";
import {
	type Checkpoint,
	createChainChecker,
	createMerkleTree,
	decodeNote,
	encodeCheckpoint,
	isOrigin,
	type LogLine,
	leafHash,
	MAX_NOTE_BYTES,
	openSealKey,
	outputFile,
	parseCheckpoint,
	readBounded,
	sealWithKey,
	sealWithSigner,
	writeAtomically,
} from "@sigtool/core/internal";
import { namingErrors, quote, SigtoolError } from "@sigtool/core/internal/errors";
import { eachLine } from "../../events/log-lines.js";
import { SIGNED_BY_DEVELOPMENT } from "../../options/development.js";
import { type KeyOptions, namesKey, openSigner, passphrases } from "../../options/signer-options.js";
import { sourceDate } from "../../options/source-date.js";
import {
	type TimestampingOptions,
	timestampFields,
	timestampRequestOf,
	timestampText,
} from "../../options/timestamp-options.js";
import { requireOutputName, usageError } from "../../options/usage.js";
import { untilInterrupted } from "../../output/interruption.js";
import { escaped, type OutputOptions, printNote, type Report, rows } from "../../output/output.js";
import { count, signerFields, signerRows, thousands } from "../../output/render.js";
import { changeText } from "./change-text.js";
import { requireLog } from "./require-log.js";

export interface LogSealOptions extends KeyOptions, TimestampingOptions, OutputOptions {
	readonly output: string;
	readonly origin?: string;
	readonly unsigned?: boolean;
	readonly text?: string;
	readonly force?: boolean;
}

/**
 * Signs a checkpoint of a log, or of the text that --unsigned wrote.
 * @throws ERR_USAGE; ERR_LOG_CHANGED for a log whose chain is broken, or that an earlier checkpoint does not fit;
 * ERR_OUTPUT_EXISTS; the errors of `requireLog` and of the signer
 */
export async function logSeal(files: readonly string[], options: LogSealOptions): Promise<Report> {
	const { output, text: textFile, unsigned = false } = options;
	requireOutputName(output);
	checkTogether(files, options);
	for (const file of files) requireLog(file, "read");
	const target = outputFile(output);
	const warnings: string[] = [];
	const checkpoint = textFile === undefined ? await checkpointOf(files, target, options, warnings) : readText(textFile);
	const text = encodeCheckpoint(checkpoint);
	const fields = { ...checkpoint, root: checkpoint.root.toString("base64") };
	const facts: [string, string][] = [
		["log", escaped(checkpoint.origin)],
		["lines", thousands(checkpoint.size)],
		["root", fields.root],
	];
	if (unsigned) {
		writeAtomically(target, Buffer.from(text));
		const way = `sign it with \`log seal --text\` where the key is`;
		return {
			exit: 0,
			fields: { text: output, ...fields },
			lines: [`wrote ${escaped(output)}; ${way}`, ...rows(facts)],
			warnings,
		};
	}
	if (textFile !== undefined) printNote([`about to sign ${escaped(textFile)}`, ...rows(facts)].join("\n"), options);
	const sealed = await seal(text, options, warnings);
	writeAtomically(target, Buffer.from(sealed.note));
	return {
		exit: 0,
		fields: { checkpoint: output, ...fields, ...sealed.fields },
		lines: [`sealed ${escaped(output)}: ${count(checkpoint.size, "line")}`, ...rows([...facts, ...sealed.rows])],
		warnings,
		notes: sealed.notes,
	};
}

function checkTogether(files: readonly string[], options: LogSealOptions): void {
	const { text, unsigned, origin, timestamp } = options;
	if (files.length === 0 && text === undefined) throw usageError("Name the log to seal, or a text with --text");
	if (text !== undefined && (files.length > 0 || origin !== undefined || unsigned === true))
		throw usageError("Use --text without a log, --origin and --unsigned: the text says what it is about");
	if (unsigned === true && (namesKey(options) || timestamp !== undefined))
		throw usageError("Use --unsigned without a key and --timestamp");
	if (origin !== undefined && !isOrigin(origin))
		throw usageError("Give --origin a name without spaces and +, such as example.com/web1");
	if (isKeyAlone(options) && timestamp !== undefined)
		throw usageError("Use --timestamp with a key that has a certificate: a signature of Ed25519 has no place for one");
}

/** A key without a certificate is one of Ed25519. */
function isKeyAlone({ key, cert }: KeyOptions): boolean {
	return key !== undefined && cert === undefined;
}

function readText(file: string): Checkpoint {
	const bytes = readBounded(file, MAX_NOTE_BYTES);
	return namingErrors("text", file, () => {
		const text = decodeNote(bytes);
		const checkpoint = parseCheckpoint(text);
		if (encodeCheckpoint(checkpoint) === text && isOrigin(checkpoint.origin)) return checkpoint;
		throw new SigtoolError("ERR_CHECKPOINT_FORMAT", "Cannot sign it: it has more than origin, lines and root");
	});
}

/** Computes the checkpoint of a log. A line that is being written at its end is left for the next checkpoint. */
async function checkpointOf(
	files: readonly string[],
	target: string,
	{ origin, force = false }: LogSealOptions,
	warnings: string[],
): Promise<Checkpoint> {
	const name = origin ?? defaultOrigin(files[files.length - 1]);
	const earlier = force ? undefined : earlierCheckpoint(target, name);
	const chain = createChainChecker();
	const tree = createMerkleTree();
	let isEarlierPart = earlier === undefined || (earlier.size === 0 && tree.root().equals(earlier.root));
	const last = files.at(-1);
	const take = (line: LogLine, file: string) => {
		if (file === last && line.end === "end of file") {
			warnings.push(`the last line of ${quote(file)} has no end yet, so the checkpoint does not cover it`);
			return;
		}
		chain.add(line, file);
		tree.add(leafHash(line));
		if (tree.size === earlier?.size) isEarlierPart = tree.root().equals(earlier.root);
	};
	await eachLine(files, take, chain.addPart);
	const { change } = chain.findings();
	if (change !== undefined && !force)
		throw new SigtoolError("ERR_LOG_CHANGED", `Cannot seal a log that was changed: ${changeText(change)}`);
	if (change !== undefined) warnings.push(`sealed although it was changed: ${changeText(change)}`);
	if (isEarlierPart) return { origin: name, size: tree.size, root: tree.root() };
	const message = `Cannot replace the checkpoint ${quote(target)}: it covers ${thousands(earlier?.size ?? 0)} lines that are not the first lines of this log; find out why, and use --force for another log`;
	throw new SigtoolError("ERR_LOG_CHANGED", message, { path: target });
}

function defaultOrigin(file: string): string {
	if (file !== "-") {
		const name = `${hostname()}${realpathSync(file)}`;
		if (isOrigin(name)) return name;
	}
	throw usageError("Name the log with --origin, such as example.com/web1");
}

/** Returns what the file says that the new checkpoint replaces. Its signature is not verified, since it is only compared. */
function earlierCheckpoint(target: string, origin: string): Checkpoint | undefined {
	if (!existsSync(target)) return undefined;
	const refusal = (reason: string) => {
		const message = `Cannot replace ${quote(target)}: it is ${reason}; write elsewhere, or use --force`;
		return new SigtoolError("ERR_OUTPUT_EXISTS", message, { path: target });
	};
	let found: Checkpoint;
	try {
		const text = decodeNote(readBounded(target, MAX_NOTE_BYTES));
		found = parseCheckpoint(text.slice(0, text.lastIndexOf("\n\n") + 1) || text);
	} catch (error) {
		if (!(error instanceof SigtoolError) || !NO_CHECKPOINT.has(error.code)) throw error;
		throw refusal("no checkpoint");
	}
	if (found.origin === origin) return found;
	throw refusal(`a checkpoint of ${quote(found.origin)}, not of ${quote(origin)}`);
}

/** The errors of a file that is no checkpoint, or is larger than one can be. */
const NO_CHECKPOINT: ReadonlySet<string> = new Set(["ERR_CHECKPOINT_FORMAT", "ERR_LIMIT"]);

interface Sealed {
	readonly note: string;
	readonly fields: Record<string, unknown>;
	readonly rows: readonly (readonly [string, string | undefined])[];
	readonly notes: readonly string[];
}

async function seal(text: string, options: LogSealOptions, warnings: string[]): Promise<Sealed> {
	const onWarning = (warning: string) => warnings.push(warning);
	if (isKeyAlone(options) && options.key !== undefined) {
		const key = await openSealKey(options.key, passphrases(options)(options.key), onWarning);
		const { note, verifierKey } = sealWithKey(text, key);
		return { note, fields: { verifierKey }, rows: [["key", verifierKey]], notes: [] };
	}
	const timestamp = timestampRequestOf(options);
	const signer = await openSigner(options, onWarning);
	const sign = (signal: AbortSignal) => sealWithSigner(text, signer, { time: sourceDate(), timestamp, signal });
	const made = await untilInterrupted(sign).finally(signer.close);
	const [leaf] = signer.certificates;
	return {
		note: made.note,
		fields: {
			signer: signerFields(leaf, signer.development),
			...(made.timestamp && { timestamp: timestampFields(made.timestamp) }),
		},
		rows: [...signerRows(leaf, signer.development), ["timestamp", made.timestamp && timestampText(made.timestamp)]],
		notes: signer.development ? [SIGNED_BY_DEVELOPMENT] : [],
	};
}
