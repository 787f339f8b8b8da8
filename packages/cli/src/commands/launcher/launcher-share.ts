import { readLauncherConf } from "../../launcher/launcher-conf.js";
import { installedIn } from "../../launcher/launcher-place.js";
import { shareIndexes } from "../../launcher/shared-index.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";

export interface LauncherShareOptions extends OutputOptions {
	readonly prefix: string;
}

export async function launcherShare(files: readonly string[], options: LauncherShareOptions): Promise<Report> {
	const { directory: prefix, confFile } = installedIn(options.prefix);
	const indexes = files.length > 0 ? files : [readLauncherConf(confFile).index];
	const shared = shareIndexes(prefix, indexes);
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
