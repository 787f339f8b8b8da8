import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import {
	type Checkpoint,
	createTileWriter,
	hasContent,
	leafHash,
	MAX_ENTRY_BYTES,
	MAX_NOTE_BYTES,
	parseCheckpoint,
	parseNote,
	readBounded,
	writeAtomically,
} from "@sigtool/core/internal";
import { namingErrors, quote, SigtoolError } from "@sigtool/core/internal/errors";
import { eachLine } from "../../events/log-lines.js";
import { makeOutputDirectory } from "../../options/output-directory.js";
import { requireOutputName } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { count, thousands } from "../../output/render.js";
import { requireLog } from "./require-log.js";

export interface LogTilesOptions extends OutputOptions {
	readonly output: string;
	readonly checkpoint?: string;
}

/**
 * Writes the tree of a log as tiles. A tile that is there already stays, and must be the same. With a checkpoint, the
 * tree is the checkpoint's, and lines behind it are left out. The checkpoint itself comes last, so a reader finds every
 * tile that it needs. Its signature is not verified here, since readers verify it.
 * @throws the errors of `requireLog`; ERR_LOG_CHANGED if a tile or the checkpoint is not of this log;
 * ERR_CHECKPOINT_FORMAT; ERR_IO
 */
export async function logTiles(files: readonly string[], options: LogTilesOptions): Promise<Report> {
	const { output, checkpoint: checkpointFile } = options;
	requireOutputName(output);
	for (const file of files) requireLog(file, "read");
	const note = checkpointFile === undefined ? undefined : readBounded(checkpointFile, MAX_NOTE_BYTES);
	const checkpoint = note && readNote(note, checkpointFile ?? "");
	const most = checkpoint?.size ?? Number.POSITIVE_INFINITY;
	let kept = 0;
	let written = 0;
	const writer = createTileWriter((path, content) => {
		const isNew = putTile(join(output, ...path.split("/")), content);
		if (isNew) written++;
		else kept++;
	});
	let size = 0;
	const last = files.at(-1);
	await eachLine(files, (line, file) => {
		if (size >= most || (file === last && line.end === "end of file" && checkpoint === undefined)) return;
		size++;
		writer.add(leafHash(line), line.bytes);
	});
	const { root, missingBundles } = writer.finish();
	if (checkpoint !== undefined && (size !== checkpoint.size || !root.equals(checkpoint.root))) {
		const message = `Cannot write tiles: the checkpoint ${quote(checkpointFile ?? "")} is not of this log, or the log was changed; see \`log verify\``;
		throw new SigtoolError("ERR_LOG_CHANGED", message, { path: checkpointFile });
	}
	if (note !== undefined) {
		makeOutputDirectory(output);
		writeAtomically(join(output, "checkpoint"), note);
	}
	const fields = { size, root: root.toString("base64"), written, kept, missingBundles };
	return {
		exit: 0,
		fields: { directory: output, checkpoint: checkpointFile ?? null, ...fields },
		lines: [
			`wrote ${escaped(output)}: ${count(written, "file")}`,
			...rows([
				["kept", kept === 0 ? undefined : count(kept, "file")],
				["lines", thousands(size)],
				["root", fields.root],
			]),
		],
		warnings:
			missingBundles.length === 0
				? []
				: [
						`${count(missingBundles.length, "bundle")} could not be written, because a line is longer than ${MAX_ENTRY_BYTES} bytes; the hashes are complete`,
					],
	};
}

function readNote(bytes: Buffer, file: string): Checkpoint {
	return namingErrors("checkpoint", file, () => parseCheckpoint(parseNote(bytes).text));
}

/**
 * Writes a file that never changes again. Returns false if it is there already.
 * @throws ERR_LOG_CHANGED, ERR_USAGE, ERR_IO
 */
function putTile(file: string, content: Buffer): boolean {
	if (existsSync(file)) {
		if (hasContent(file, content.length, (found) => found.equals(content))) return false;
		const message = `Cannot replace ${quote(file)}: it is of another log, or the log was changed; write the tiles elsewhere`;
		throw new SigtoolError("ERR_LOG_CHANGED", message, { path: file });
	}
	makeOutputDirectory(dirname(file));
	// A tile stays for good, so it has to be on the disk before it has its name.
	writeAtomically(file, content);
	return true;
}
