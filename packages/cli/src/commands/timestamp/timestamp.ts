import { timestampCatalog } from "@sigtool/core";
import {
	type TimestampingOptions,
	timestampFields,
	timestampRequestOf,
	timestampText,
} from "../../options/timestamp-options.js";
import { usageError } from "../../options/usage.js";
import { untilInterrupted } from "../../output/interruption.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";

export interface TimestampCommandOptions extends TimestampingOptions, OutputOptions {
	readonly force?: boolean;
}

export async function timestamp(file: string, options: TimestampCommandOptions): Promise<Report> {
	const request = timestampRequestOf(options);
	if (request === undefined) throw usageError("Name the timestamping authority with --timestamp");
	const existing = options.force === true ? "replace" : "refuse";
	const added = await untilInterrupted((signal) => timestampCatalog(file, { request, existing, signal }));
	return {
		exit: 0,
		fields: { catalog: file, timestamp: timestampFields(added) },
		lines: [`timestamped ${escaped(file)}`, ...rows([["timestamp", timestampText(added)]])],
	};
}
