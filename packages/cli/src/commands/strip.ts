import { type AttributeFormat, stripAttributes } from "@sigtool/core";
import { type OutputOptions, plain, type Report, rows } from "../output.js";
import { usageError } from "../usage.js";
import { count } from "./render.js";

export interface StripCommandOptions extends OutputOptions {
	readonly format?: readonly AttributeFormat[];
	readonly attribute?: string;
	readonly namespace?: "security" | "user";
}

export async function strip(paths: readonly string[], options: StripCommandOptions): Promise<Report> {
	const { format: formats, attribute, namespace } = options;
	if (formats === undefined) throw usageError("Name with --format what to remove, e.g. --format spython");
	const removed = new Map<string, number>();
	let files = 0;
	for (const path of paths) {
		const result = await stripAttributes(path, { formats, attribute, namespace });
		files += result.fileCount;
		for (const [name, number] of result.removed) removed.set(name, (removed.get(name) ?? 0) + number);
	}
	return {
		exit: 0,
		fields: { files, removed: Object.fromEntries(removed) },
		lines: rows([
			["looked at", count(files, "file")],
			...Array.from(removed, ([name, number]): [string, string] => [
				"removed",
				`${plain(name)} of ${count(number, "file")}`,
			]),
		]),
	};
}
