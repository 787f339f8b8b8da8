/** Says what `sign` would sign, for --dry-run. Needs no key and writes nothing. */

import { basename, join } from "node:path";
import { previewTarget, resolveSignTarget, type SignPreview } from "@sigtool/core/internal";
import { untilInterrupted } from "../../output/interruption.js";
import { findingOf } from "../../output/outcome.js";
import { type ExitStatus, escaped, oneLine, type Report, rows } from "../../output/output.js";
import { startProgress } from "../../output/progress.js";
import { bytes, count, thousands } from "../../output/render.js";
import { colour } from "../../output/terminal.js";
import { checkByNpm } from "./packed-files.js";
import type { SignCommandOptions } from "./sign-options.js";

/** The values that `sign` has read from its options already. */
export interface ReadOptions {
	readonly files: readonly string[] | undefined;
	readonly sequence: number | undefined;
	readonly time: number;
}

/** @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO */
export async function dryRun(
	paths: readonly string[],
	options: SignCommandOptions,
	{ files, sequence, time }: ReadOptions,
): Promise<Report> {
	const { output, format: formats, carry } = options;
	const target = resolveSignTarget(paths, { output, files, formats, carry });
	const packed = options.check === undefined ? undefined : checkByNpm(target).packed;
	const progress = await startProgress("hashing", options);
	try {
		const { include, exclude, links, linksOutside, caseCollisions, product } = options;
		const preview = await untilInterrupted((signal) =>
			previewTarget(target, {
				...{ include, exclude, files, links, linksOutside, caseCollisions, product, sequence, time },
				packed,
				overwrite: options.force === true ? "any" : "own",
				onProgress: (done) => progress.update(done),
				signal,
			}),
		);
		const catalog = preview.output && (output ?? join(paths[0], basename(preview.output)));
		return report(preview, catalog, options);
	} finally {
		progress.stop();
	}
}

function report(preview: SignPreview, catalog: string | undefined, options: SignCommandOptions): Report {
	const { root, product, sequence, files, links, ignored, ignoreRules, problems } = preview;
	const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
	const attributes = (options.format ?? []).filter((format) => format !== "cat");
	const shownLinks = links.length === 0 ? "" : `, ${count(links.length, "link")}`;
	const lines = [
		headline(preview, catalog),
		...rows([
			["content", `${count(files.length, "file")}${shownLinks}, ${bytes(sizeBytes)}`],
			["product", catalog && `${escaped(product)}, sequence ${sequence}`],
			["attributes", attributes.join(", ")],
			["ignored", ignoredText(preview)],
			...listed(
				"file",
				files.map(({ path }) => path),
				options,
			),
			...listed(
				"link",
				links.map(({ path, target }) => `${path} -> ${target}`),
				options,
			),
			...listed("left out", ignored, options),
		]),
	];
	const facts = {
		dryRun: true,
		catalog: catalog ?? null,
		root,
		...(catalog !== undefined && { product, sequence }),
		formats: options.format,
		bytes: sizeBytes,
	};
	return {
		exit: exitOf(preview),
		fields: {
			...facts,
			files: () => files.map((file) => ({ path: file.path, bytes: file.sizeBytes })),
			links,
			ignored,
			rules: ignoreRules,
			problems: problems.map(({ code, message, path }) => ({ code, message, ...(path !== undefined && { path }) })),
		},
		lines,
		failures: problems.length === 0 ? [] : lines.slice(0, 1),
		problems: problems.map(({ code, message }) => `${colour.red("error")}: ${oneLine(message)} [${code}]`),
		notes: ["nothing was signed or written, because of --dry-run"],
		subjects: [
			{
				path: catalog ?? root,
				verdict: problems.length === 0 ? "would be signed" : "would not be signed",
				root,
				findings: problems.map(findingOf),
				facts: { ...facts, files: files.length, links: links.length, ignored: ignored.length, rules: ignoreRules },
			},
		],
	};
}

function headline({ root, problems }: SignPreview, catalog: string | undefined): string {
	const what = escaped(catalog ?? root);
	if (problems.length === 0) return `would sign ${what}`;
	return `${colour.red("would not sign")} ${what}: ${count(problems.length, "problem")}`;
}

function ignoredText({ ignored, ignoreRules }: SignPreview): string | undefined {
	if (ignoreRules.length === 0) return undefined;
	return `${count(ignored.length, "entry", "entries")} by ${count(ignoreRules.length, "rule")}`;
}

/** Returns a row for each entry, without --verbose for at most MAX_ENTRIES of them. */
function listed(label: string, entries: readonly string[], { verbose }: SignCommandOptions): [string, string][] {
	const shown = verbose === true ? entries : entries.slice(0, MAX_ENTRIES);
	const rest = entries.length - shown.length;
	const lines = shown.map((entry): [string, string] => [label, escaped(entry)]);
	return rest === 0 ? lines : [...lines, [label, `and ${thousands(rest)} more; --verbose lists them`]];
}

const MAX_ENTRIES = 20;

/** Returns the status with which `sign` would end: that of a problem about the tree, if there is one. */
function exitOf({ problems }: SignPreview): ExitStatus {
	if (problems.length === 0) return 0;
	return problems.some(({ exitStatus }) => exitStatus === 1) ? 1 : problems[0].exitStatus;
}
