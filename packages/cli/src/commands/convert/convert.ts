import { convertCatalog } from "@sigtool/core";
import { type JudgementOptions, judgementOf } from "../../options/judgement.js";
import { requireOutputName, usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { catalogFields, catalogRows, developmentNotes } from "../../output/render.js";

export interface ConvertCommandOptions extends JudgementOptions, OutputOptions {
	readonly output: string;
	readonly content?: string;
	readonly product?: string;
	readonly profile: "default" | "windows-legacy";
	readonly force?: boolean;
}

export async function convert(file: string, options: ConvertCommandOptions): Promise<Report> {
	const { output, content, product, profile } = options;
	requireOutputName(output);
	if (content === "" || content === "-") throw usageError("Name a file with --content");
	const { into, contentFile, verified } = convertCatalog(file, {
		...(await judgementOf(options)),
		output,
		contentFile: content,
		product,
		profile,
		overwrite: options.force === true ? "any" : "refuse",
	});
	const catalog = { ...verified, file };
	return {
		exit: 0,
		fields: { output, into, content: contentFile, ...catalogFields(catalog) },
		lines: [
			`wrote ${escaped(output)}`,
			...rows([
				[into === "detached" ? "content" : "content was", escaped(contentFile)],
				...catalogRows(catalog, options),
			]),
		],
		warnings: verified.warnings,
		notes: developmentNotes(file, [verified.signer]),
	};
}
