import { type Restoration, restoreAttributes } from "@sigtool/core";
import { worstExitStatus } from "@sigtool/core/internal";
import { type JudgementOptions, judgementOf } from "../../options/judgement.js";
import { findingLines } from "../../output/findings.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { startProgress } from "../../output/progress.js";
import { catalogFields, catalogRows, count, developmentNotes } from "../../output/render.js";
import { colour } from "../../output/terminal.js";

export interface RestoreCommandOptions extends JudgementOptions, OutputOptions {
	readonly all?: boolean;
	readonly catalog?: readonly string[];
	readonly root?: string;
	readonly product?: string;
	readonly profile: "default" | "windows-legacy";
}

export async function restore(path: string, options: RestoreCommandOptions): Promise<Report> {
	const judgement = await judgementOf(options);
	const progress = await startProgress("restoring", options);
	let restoration: Restoration;
	try {
		restoration = await restoreAttributes(path, {
			...judgement,
			catalogs: options.catalog,
			root: options.root,
			product: options.product,
			profile: options.profile,
			onProgress: (done) => progress.update(done),
		});
	} finally {
		progress.stop();
	}
	return report(restoration, options);
}

function report(restoration: Restoration, options: RestoreCommandOptions): Report {
	const { path, verdict, catalogs, fileCount, writtenFileCount, writtenCount, unchangedCount, findings } = restoration;
	const isRestored = verdict === "restored";
	const refused = `${colour.red(verdict)} ${escaped(path)}: ${count(findings.length, "file")} not restored`;
	const lines = [
		isRestored ? `${colour.green(writtenCount === 0 ? "nothing to restore" : "restored")} ${escaped(path)}` : refused,
		...rows([
			...catalogs.flatMap((catalog) => catalogRows(catalog, options)),
			["carried", `for ${count(fileCount, "file")}`],
			["written", `${count(writtenCount, "attribute")} of ${count(writtenFileCount, "file")}`],
			["unchanged", count(unchangedCount, "attribute")],
		]),
		...findingLines(findings, options),
	];
	return {
		exit: isRestored ? 0 : worstExitStatus(findings),
		fields: {
			path,
			verdict,
			files: fileCount,
			written: { files: writtenFileCount, attributes: writtenCount },
			unchanged: unchangedCount,
			findings,
			catalogs: catalogs.map(catalogFields),
		},
		lines,
		failures: isRestored ? [] : lines,
		warnings: restoration.warnings,
		notes: developmentNotes(
			path,
			catalogs.map(({ signer }) => signer),
		),
	};
}
