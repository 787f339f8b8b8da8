/** Keeps in a file how far each log was sent to each receiver. */

import { existsSync } from "node:fs";
import { readBounded, writeAtomically } from "@sigtool/core/internal";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import type { Position } from "./position.js";

export interface StateFile {
	positionOf(log: string, receiver: string): Position | undefined;
	/** Keeps a position, which `save` writes. */
	put(log: string, receiver: string, position: Position): void;
	/** Writes the file if there is something new. @throws ERR_IO */
	save(): void;
}

/** Reads the file if it is there. Without a name, nothing is kept. @throws ERR_CONFIG; ERR_IO */
export function openState(file: string | undefined): StateFile {
	const entries = new Map<string, Entry>();
	if (file !== undefined && existsSync(file)) {
		for (const entry of parseState(file)) entries.set(keyOf(entry.log, entry.to), entry);
	}
	// A file that cannot be written shows at the beginning.
	let isChanged = file !== undefined && !existsSync(file);
	return {
		positionOf: (log, receiver) => entries.get(keyOf(log, receiver))?.position,
		put(log, receiver, position) {
			entries.set(keyOf(log, receiver), { log, to: receiver, position });
			isChanged = true;
		},
		save() {
			if (file === undefined || !isChanged) return;
			const document = { version: VERSION, positions: [...entries.values()] };
			writeAtomically(file, Buffer.from(`${JSON.stringify(document, null, "\t")}\n`), { mode: 0o600 });
			isChanged = false;
		},
	};
}

const VERSION = 1;
const MAX_BYTES = 2 ** 20;

interface Entry {
	readonly log: string;
	readonly to: string;
	readonly position: Position;
}

function keyOf(log: string, receiver: string): string {
	return JSON.stringify([log, receiver]);
}

/** A file that is not in the expected form is refused, because to begin anew would send everything again. */
function parseState(file: string): Entry[] {
	let document: unknown;
	try {
		document = JSON.parse(readBounded(file, MAX_BYTES).toString());
	} catch (cause) {
		const isNone = cause instanceof SyntaxError || (cause instanceof SigtoolError && cause.code === "ERR_LIMIT");
		if (!isNone) throw cause;
	}
	if (isObject(document) && document.version === VERSION && Array.isArray(document.positions)) {
		const { positions } = document;
		if (positions.every(isEntry)) return positions;
	}
	const message = `Cannot use ${quote(file)}: it is not a state of \`log forward\`; remove it to send the log from its beginning`;
	throw new SigtoolError("ERR_CONFIG", message, { path: file });
}

function isEntry(value: unknown): value is Entry {
	return isObject(value) && typeof value.log === "string" && typeof value.to === "string" && isPosition(value.position);
}

function isPosition(value: unknown): value is Position {
	if (!isObject(value)) return false;
	const { startBytes, endBytes, digest, inode, seq, time } = value;
	const isSize = (number: unknown) => typeof number === "number" && Number.isSafeInteger(number) && number >= 0;
	return (
		isSize(startBytes) &&
		isSize(endBytes) &&
		isSize(inode) &&
		typeof digest === "string" &&
		(seq === undefined || typeof seq === "number") &&
		(time === undefined || typeof time === "string")
	);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null;
}
