import { closeSync, openSync, readSync } from "node:fs";
import { type OperandKind, operandKind, outputFile, writeAtomically } from "@sigtool/core/internal";
import { ioError, quote } from "@sigtool/core/internal/errors";
import { type JudgementOptions, judgementOf } from "../../options/judgement.js";
import { type SignerDemandOptions, signerDemandsOf } from "../../options/signer-demands.js";
import { sourceDate } from "../../options/source-date.js";
import { requireOutputName, usageError } from "../../options/usage.js";
import { type ExitStatus, escaped, type OutputOptions, type Report, rows, worse } from "../../output/output.js";
import { bytes } from "../../output/render.js";
import { catalogSection } from "./catalog-section.js";
import { collectCatalogs } from "./collect-catalog.js";
import { documentOf } from "./document.js";
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
 * @throws ERR_USAGE for a file that is neither; ERR_ROOT_MISSING, ERR_IO, and the errors about malformed files
 */
export async function report(paths: readonly string[], options: ReportOptions): Promise<Report> {
	const { output, title = "What was signed, and what was run" } = options;
	requireOutputName(output);
	const target = outputFile(output);
	const judge = { ...(await judgementOf(options)), ...(await signerDemandsOf(options)) };
	const subjects: Subject[] = [];
	for (const [index, path] of paths.entries()) {
		const id = `s${index}`;
		const kind = kindOf(path);
		if (kind === "index") subjects.push(await indexSection(id, path, { ...judge, product: options.product }));
		else if (kind === "events") subjects.push(eventsSection(id, path));
		else subjects.push(catalogSection(id, await collectCatalogs(path, { ...judge, ...verifyOptions(options) })));
	}
	const page = Buffer.from(documentOf(title, subjects, sourceDate()));
	writeAtomically(target, page);
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
		warnings: subjects.flatMap(({ warnings }) => warnings),
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
	if (/\.(jsonl|ndjson|log)$/i.test(path) || firstByteOf(path) === "{") return "events";
	throw usageError(
		`Cannot report on ${quote(path)}: it is no catalog, directory, trust index or file of events; name its catalog`,
	);
}

function firstByteOf(path: string): string {
	try {
		const descriptor = openSync(path, "r");
		try {
			const head = Buffer.alloc(1);
			return head.toString("latin1", 0, readSync(descriptor, head, 0, 1, 0));
		} finally {
			closeSync(descriptor);
		}
	} catch (cause) {
		throw ioError("read", path, cause);
	}
}
