import { closeSync, existsSync, openSync, readSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { type OperandKind, operandKind, outputFile, writeAtomically } from "@sigtool/core/internal";
import { COMMAND, ioError, quote } from "@sigtool/core/internal/errors";
import { type JudgementOptions, judgementOf } from "../../options/judgement.js";
import { existingOutput } from "../../options/output-exists.js";
import { type SignerDemandOptions, signerDemandsOf } from "../../options/signer-demands.js";
import { sourceDate } from "../../options/source-date.js";
import { requireOutputName, usageError } from "../../options/usage.js";
import { pathWithin } from "../../output/locations.js";
import { type ExitStatus, escaped, type OutputOptions, type Report, rows, worse } from "../../output/output.js";
import { bytes } from "../../output/render.js";
import { rulesToCompare } from "../../policy/unused-rules.js";
import { catalogSection } from "./catalog-section.js";
import { collectCatalogs } from "./collect-catalog.js";
import { documentOf, PAGE_START } from "./document.js";
import { eventsSection } from "./events-section.js";
import { indexSection } from "./index-section.js";
import type { Subject } from "./subject.js";

export interface ReportOptions extends JudgementOptions, SignerDemandOptions, OutputOptions {
	readonly output: string;
	readonly root?: string;
	readonly signatureOnly?: boolean;
	readonly title?: string;
	readonly product?: string;
	readonly profile: "default" | "windows-legacy";
}

/**
 * Writes the page. A catalog or an index that is not trusted is shown as such, and decides the exit status.
 * @throws ERR_USAGE for a file that is neither; ERR_OUTPUT_EXISTS, ERR_ROOT_MISSING, ERR_IO, and the errors about
 * malformed files
 */
export async function report(paths: readonly string[], options: ReportOptions): Promise<Report> {
	const { output, title = "What was signed, and what was run" } = options;
	requireOutputName(output);
	const target = outputFile(output);
	refuseOthers(target);
	const judge = { ...(await judgementOf(options)), ...(await signerDemandsOf(options)) };
	const subjects: Subject[] = [];
	const indexes = paths.filter((path) => kindOf(path) === "index");
	const unusedAmong = indexes.length === 1 ? rulesToCompare(indexes) : undefined;
	for (const [index, path] of paths.entries()) {
		const id = `s${index}`;
		const kind = kindOf(path);
		if (kind === "index") subjects.push(await indexSection(id, path, { ...judge, product: options.product }));
		else if (kind === "events") subjects.push(await eventsSection(id, path, unusedAmong));
		else subjects.push(catalogSection(id, await collectCatalogs(path, { ...judge, ...verifyOptions(options) })));
	}
	const page = Buffer.from(documentOf(escaped(title), subjects, sourceDate()));
	writeAtomically(target, page);
	const trees = subjects.filter(({ root }) => root !== undefined && isWithin(root, dirname(target)));
	return {
		exit: subjects.reduce<ExitStatus>((worst, { exit }) => worse(worst, exit), 0),
		fields: {
			output,
			sizeBytes: page.length,
			subjects: subjects.map(({ path, kind, fields }) => ({ path, kind, ...fields })),
		},
		lines: [
			`wrote ${escaped(output)}`,
			...rows([
				...subjects.map(({ kind, path, verdict }): [string, string] => [kind, `${escaped(path)}: ${verdict}`]),
				["page", bytes(page.length)],
			]),
		],
		failures: subjects.flatMap(({ exit, path, verdict }) => (exit === 0 ? [] : [`${escaped(path)}: ${verdict}`])),
		warnings: [
			...subjects.flatMap(({ warnings }) => warnings),
			...trees.map(
				({ path }) => `the page lies in the tree of ${quote(path)}, where \`${COMMAND} verify\` finds it as added`,
			),
		],
		notes: subjects.flatMap(({ notes }) => notes),
	};
}

function verifyOptions({ root, product, profile, signatureOnly }: ReportOptions) {
	return { root, product, profile, signatureOnly: signatureOnly === true };
}

/** @throws ERR_USAGE for a file that is none of these; ERR_ROOT_MISSING, ERR_IO */
function kindOf(path: string): Exclude<OperandKind, "file" | "missing"> | "events" {
	const kind = operandKind(path);
	if (kind === "missing") throw usageError(`Cannot report on ${quote(path)}: it does not exist`);
	if (kind !== "file") return kind;
	if (/\.(jsonl|ndjson|log)$/i.test(path) || beginningOf(path, 1) === "{") return "events";
	throw usageError(
		`Cannot report on ${quote(path)}: it is no catalog, directory, trust index or file of events; name its catalog`,
	);
}

/** Refuses to replace a file that is no page, such as one of the operands. @throws ERR_OUTPUT_EXISTS, ERR_IO */
function refuseOthers(file: string): void {
	if (!existsSync(file) || beginningOf(file, PAGE_START.length) === PAGE_START) return;
	throw existingOutput(file, "it is there, and is no page; name another file");
}

function isWithin(root: string, directory: string): boolean {
	return pathWithin(realpathSync(root), realpathSync(directory)) !== undefined;
}

function beginningOf(path: string, length: number): string {
	try {
		const descriptor = openSync(path, "r");
		try {
			const head = Buffer.alloc(length);
			return head.toString("latin1", 0, readSync(descriptor, head, 0, length, 0));
		} finally {
			closeSync(descriptor);
		}
	} catch (cause) {
		throw ioError("read", path, cause);
	}
}
