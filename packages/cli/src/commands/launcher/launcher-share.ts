import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ioError } from "@sigtool/core/errors";
import { parseLauncherConf } from "../../launcher/launcher-conf.js";
import { CONF_NAME } from "../../launcher/launcher-place.js";
import { shareIndexes } from "../../launcher/shared-index.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";

export interface LauncherShareOptions extends OutputOptions {
	readonly prefix: string;
}

export async function launcherShare(files: readonly string[], options: LauncherShareOptions): Promise<Report> {
	const prefix = resolve(options.prefix);
	const shared = shareIndexes(prefix, files.length > 0 ? files : [indexOfLauncher(join(prefix, CONF_NAME))]);
	return {
		exit: 0,
		fields: { prefix, shared },
		lines: shared.flatMap(({ index, copy, sizeBytes, changed }) => [
			`${changed ? "shared" : "shared already:"} ${escaped(index)}`,
			...rows([
				["copy", escaped(copy)],
				["bytes", String(sizeBytes)],
			]),
		]),
	};
}

function indexOfLauncher(confFile: string): string {
	let bytes: Buffer;
	try {
		bytes = readFileSync(confFile);
	} catch (cause) {
		throw ioError("read", confFile, cause);
	}
	return parseLauncherConf(bytes, confFile).index;
}
