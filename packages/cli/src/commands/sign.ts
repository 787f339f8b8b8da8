import { checkSignTarget, type SignResult, signPaths } from "@sigtool/core";
import { quote } from "@sigtool/core/errors";
import { readInputFile } from "../input-file.js";
import { type OutputOptions, plain, printNote, type Report, rows } from "../output.js";
import { startProgress } from "../progress.js";
import { type KeyOptions, namesKey, openSigner } from "../signer-options.js";
import { sourceDate } from "../source-date.js";
import { requireOutputName, usageError } from "../usage.js";
import { bytes, count, isoTime, signerFields, signerRows, writtenRows } from "./render.js";

export interface SignCommandOptions extends KeyOptions, OutputOptions {
	readonly output?: string;
	readonly include?: readonly string[];
	readonly exclude?: readonly string[];
	readonly filesFrom?: string;
	readonly links: "record" | "reject" | "follow";
	readonly linksOutside: "refuse" | "record";
	readonly caseCollisions: "refuse" | "allow";
	readonly product?: string;
	readonly sequence?: string;
	readonly description?: string;
	readonly url?: string;
	readonly sha1Twins?: boolean;
	readonly unsigned?: boolean;
	readonly force?: boolean;
}

export async function sign(paths: readonly string[], options: SignCommandOptions): Promise<Report> {
	const startedAt = performance.now();
	const warnings: string[] = [];
	if (options.unsigned === true && namesKey(options)) {
		throw usageError("Use --unsigned without a key; `sigtool finish` signs");
	}
	if (options.product === "") throw usageError("Give --product a name");
	requireOutputName(options.output);
	const files = options.filesFrom === undefined ? undefined : readFileList(options.filesFrom);
	const sequence = parseSequence(options.sequence);
	const time = sourceDate();
	// Before a passphrase is asked for.
	checkSignTarget(paths, { output: options.output, files });
	const signer = options.unsigned === true ? undefined : await openSigner(options, (text) => warnings.push(text));
	const progress = await startProgress("hashing", options);
	let result: SignResult;
	try {
		result = await signPaths(paths, {
			output: options.output,
			signer,
			include: options.include,
			exclude: options.exclude,
			files,
			links: options.links,
			linksOutside: options.linksOutside,
			caseCollisions: options.caseCollisions,
			product: options.product,
			sequence,
			description: options.description,
			url: options.url,
			sha1Twins: options.sha1Twins === true ? "write" : "omit",
			overwrite: options.force === true ? "any" : "own",
			time,
			onProgress: (done) => progress.update(done),
		});
	} finally {
		progress.stop();
	}
	if (signer?.development === true) {
		printNote("note: signed with this machine's development identity; other machines do not trust it", options);
	}
	const verboseRows = options.verbose === true ? detailRows(result, startedAt) : [];
	return report(result, warnings, verboseRows);
}

function report(result: SignResult, warnings: readonly string[], verboseRows: [string, string][]): Report {
	const { catalog, root, fileCount, linkCount, totalBytes, product, sequence, ignoredCount, ignoreRules, signer } =
		result;
	const links = linkCount === 0 ? "" : `, ${count(linkCount, "link")}`;
	const rules = count(ignoreRules.length, "rule");
	return {
		exit: 0,
		fields: {
			catalog,
			root,
			product,
			sequence,
			files: fileCount,
			links: linkCount,
			bytes: totalBytes,
			ignored: { entries: ignoredCount, rules: ignoreRules },
			...(result.unsignedSha256 === undefined ? {} : { digest: `sha256:${result.unsignedSha256}` }),
			signer: signer === undefined ? null : signerFields(signer.certificates[0], signer.development),
		},
		lines: [
			`${signer === undefined ? "wrote unsigned" : "signed"} ${plain(catalog)}`,
			...rows([
				["content", `${count(fileCount, "file")}${links}, ${bytes(totalBytes)}`],
				["product", `${plain(product)}, sequence ${sequence}`],
				...(signer === undefined ? [] : signerRows(signer.certificates[0], signer.development)),
				["sha256", result.unsignedSha256],
				["ignored", ignoreRules.length === 0 ? undefined : `${count(ignoredCount, "entry", "entries")} by ${rules}`],
				["paths", result.rootNote === undefined ? undefined : plain(result.rootNote)],
				...verboseRows,
			]),
		],
		warnings,
	};
}

/** For --verbose. */
function detailRows({ root, ignoreRules, time, catalogBytes }: SignResult, startedAt: number): [string, string][] {
	return [
		...ignoreRules.map((rule): [string, string] => ["rule", plain(rule)]),
		["root", plain(root)],
		["time", isoTime(time)],
		...writtenRows(catalogBytes, startedAt),
	];
}

/** NUL-separated, as `find -print0` and `git ls-files -z` write them. */
function readFileList(file: string): string[] {
	const octets = readInputFile(file, MAX_LIST_BYTES);
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
	} catch {
		throw usageError(`Cannot use the list of files ${quote(file)}: a name in it is not UTF-8`);
	}
	const names = text.split("\0").filter((name) => name !== "");
	if (names.length === 0) throw usageError(`Cannot use the list of files ${quote(file)}: it is empty`);
	if (names.length === 1 && /\n./.test(text)) {
		throw usageError(`Cannot use the list of files ${quote(file)}: separate names with NUL, e.g. find -print0`);
	}
	return names;
}

/** A million paths of 250 bytes. */
const MAX_LIST_BYTES = 2 ** 28;

function parseSequence(text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const sequence = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(sequence)) {
		throw usageError(`Give --sequence a whole number below 2^53, not "${text}"`);
	}
	return sequence;
}
