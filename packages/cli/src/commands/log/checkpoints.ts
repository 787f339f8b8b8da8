/** Verifies the checkpoints of a log, and compares them with its lines while these are read. */

import {
	createMerkleTree,
	type LogLine,
	leafHash,
	MAX_NOTE_BYTES,
	type NoteKey,
	parseNoteKey,
	readBounded,
	type VerifiedCheckpoint,
	verifyCheckpoint,
} from "@sigtool/core/internal";
import { namingErrors, quote, SigtoolError } from "@sigtool/core/internal/errors";
import { type JudgementOptions, judgementOf } from "../../options/judgement.js";

export interface CheckpointOptions extends JudgementOptions {
	readonly checkpoint?: readonly string[];
	readonly origin?: string;
}

export interface GivenCheckpoint extends VerifiedCheckpoint {
	readonly file: string;
}

/** Returns the checkpoints, that of the fewest lines first. @throws the errors of `verifyCheckpoint`; ERR_LOG_CHANGED for another log */
export async function readCheckpoints(options: CheckpointOptions): Promise<GivenCheckpoint[]> {
	const { checkpoint: files = [], origin } = options;
	if (files.length === 0) return [];
	const { keys, certificates } = trusted(options.trust);
	const judgement = await judgementOf({ ...options, trust: certificates });
	const read = files.map((file): GivenCheckpoint => {
		const bytes = readBounded(file, MAX_NOTE_BYTES);
		const verified = namingErrors("checkpoint", file, () => verifyCheckpoint(bytes, { keys, ...judgement }));
		const found = verified.checkpoint.origin;
		if (origin === undefined || found === origin) return { ...verified, file };
		const message = `Cannot use the checkpoint ${quote(file)}: it is of the log ${quote(found)}, not of ${quote(origin)}`;
		throw new SigtoolError("ERR_LOG_CHANGED", message, { path: file });
	});
	return read.sort((a, b) => a.checkpoint.size - b.checkpoint.size);
}

/** A file of --trust has one key of Ed25519, or certificates. With --trust the trust store does not count. */
function trusted(files: readonly string[] | undefined): {
	readonly keys: readonly NoteKey[];
	readonly certificates: readonly string[] | undefined;
} {
	const keys: NoteKey[] = [];
	const certificates = files?.filter((file) => {
		const key = parseNoteKey(readBounded(file, MAX_NOTE_BYTES));
		if (key !== undefined) keys.push(key);
		return key === undefined;
	});
	return { keys, certificates };
}

export interface CheckpointComparison {
	add(line: LogLine): void;
	/** Returns the number of lines that a checkpoint covers, and the first checkpoint that does not fit. */
	result(): { readonly covered: number; readonly misfit: CheckpointMisfit | undefined };
}

export interface CheckpointMisfit {
	readonly given: GivenCheckpoint;
	/** `short`: lines are missing at the end. `other`: one of the lines is another one. */
	readonly how: "short" | "other";
	/** The lines before are as a checkpoint says. */
	readonly intact: number;
}

export function compareCheckpoints(checkpoints: readonly GivenCheckpoint[]): CheckpointComparison {
	const tree = createMerkleTree();
	const waiting = [...checkpoints];
	let covered = 0;
	let misfit: CheckpointMisfit | undefined;

	function compare(): void {
		while (waiting[0]?.checkpoint.size === tree.size) {
			const [given] = waiting.splice(0, 1);
			if (!tree.root().equals(given.checkpoint.root)) misfit ??= { given, how: "other", intact: covered };
			else if (misfit === undefined) covered = tree.size;
		}
	}

	return {
		add(line) {
			compare();
			if (waiting.length > 0) tree.add(leafHash(line));
		},
		result() {
			compare();
			const [given] = waiting;
			if (given !== undefined) misfit ??= { given, how: "short", intact: covered };
			return { covered, misfit };
		},
	};
}
