/** Reads and writes the text of a checkpoint (c2sp.org/tlog-checkpoint): origin, size and root hash, each on a line. */

import { isKeyName, malformed } from "./note.js";

/** The head of the Merkle tree over the lines of a log. */
export interface Checkpoint {
	/** The name of the log. */
	readonly origin: string;
	/** The number of lines. */
	readonly size: number;
	/** The root of the tree over the lines. */
	readonly root: Buffer;
}

/** The origin is the name of the key too, so it must be one that a key may have. */
export function isOrigin(text: string): boolean {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression has to match control characters.
	return isKeyName(text) && !/[\x00-\x1f\x7f]/.test(text) && text.length <= MAX_ORIGIN;
}

const MAX_ORIGIN = 255;

export function encodeCheckpoint({ origin, size, root }: Checkpoint): string {
	return `${origin}\n${size}\n${root.toString("base64")}\n`;
}

/** Further lines are extensions, which are allowed and mean nothing here. @throws ERR_CHECKPOINT_FORMAT */
export function parseCheckpoint(text: string): Checkpoint {
	if (!text.endsWith("\n")) throw malformed("its last line has no end");
	const [origin = "", size = "", root = "", ...extensions] = text.slice(0, -1).split("\n");
	if (origin === "") throw malformed("its first line, the origin, is empty");
	if (!/^(?:0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)))
		throw malformed("its second line is no number of lines");
	const bytes = Buffer.from(root, "base64");
	if (bytes.length !== ROOT_BYTES || bytes.toString("base64") !== root)
		throw malformed("its third line is no root hash in base64");
	if (extensions.includes("")) throw malformed("an extension is an empty line");
	return { origin, size: Number(size), root: bytes };
}

const ROOT_BYTES = 32;
