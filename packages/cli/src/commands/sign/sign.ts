import type { SignFormat, SignResult, WrittenAttribute } from "@sigtool/core";
import { isSignatureFormat, resolveSignTarget, signTarget } from "@sigtool/core/internal";
import { COMMAND, quote, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { isNamed } from "../../configuration/configuration.js";
import { namingMembers } from "../../configuration/naming-members.js";
import { SIGNED_BY_DEVELOPMENT } from "../../options/development.js";
import { readInputFile } from "../../options/input-file.js";
import { parseSequence } from "../../options/sequence.js";
import { namesKey, openSigner } from "../../options/signer-options.js";
import { sourceDate } from "../../options/source-date.js";
import { requireSlashes } from "../../options/system.js";
import { timestampFields, timestampRequestOf, timestampText } from "../../options/timestamp-options.js";
import { requireOutputName, usageError } from "../../options/usage.js";
import { untilInterrupted } from "../../output/interruption.js";
import { escaped, type Report, rows } from "../../output/output.js";
import { startProgress } from "../../output/progress.js";
import { bytes, count, isoTime, signerFields, signerRows, writtenRows } from "../../output/render.js";
import type { CompiledPython } from "../../python/compile-python.js";
import type { ConfiguredSign } from "./configured-sign.js";
import { dryRun } from "./dry-run.js";
import { checkByNpm } from "./packed-files.js";
import type { SignCommandOptions } from "./sign-options.js";

export async function sign(operands: readonly string[], given: SignCommandOptions): Promise<Report> {
	const { paths, options, configuration } = await configured(operands, given);
	return namingMembers(configuration, () => signWith(paths, options));
}

async function signWith(paths: readonly string[], options: SignCommandOptions): Promise<Report> {
	const startedAt = performance.now();
	const warnings: string[] = [];
	const formats = [...new Set(options.format ?? ["cat" as const])];
	checkCombination(formats, options);
	if (options.product === "") throw usageError("Give --product a name");
	requireOutputName(options.output);
	const files = options.filesFrom === undefined ? undefined : readFileList(options.filesFrom);
	const sequence = parseSequence(options.sequence);
	const time = sourceDate();
	if (options.dryRun === true) return dryRun(paths, { ...options, format: formats }, { files, sequence, time });
	const timestamp = timestampRequestOf(options);
	// A wrong path must be reported before the user is asked for a passphrase.
	const target = resolveSignTarget(paths, { output: options.output, files, formats, carry: options.carry });
	const check = options.check === undefined ? undefined : checkByNpm(target);
	const needsKey = formats.some((format) => (format === "cat" ? options.unsigned !== true : isSignatureFormat(format)));
	const signer = !needsKey ? undefined : await openSigner(options, (text) => warnings.push(text));
	const progress = await startProgress("hashing", options);
	let compiled: CompiledPython | undefined;
	const prepare = await preparation(options, (what) => {
		compiled = what;
	});
	let result: SignResult;
	try {
		result = await untilInterrupted((signal) =>
			signTarget(target, {
				output: options.output,
				signer: signer ?? "none",
				formats,
				attribute: options.attribute,
				digest: options.digest,
				namespace: options.namespace,
				carry: options.carry,
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
				packed: check?.packed,
				prepare,
				overwrite: options.force === true ? "any" : "own",
				time,
				timestamp,
				onProgress: (done) => progress.update(done),
				signal,
			}),
		);
	} catch (error) {
		throw files === undefined ? error : withListHint(error, paths[0]);
	} finally {
		progress.stop();
		signer?.close();
	}
	check?.confirm();
	if (result.overtakenCount > 0) {
		const holds = result.overtakenCount === 1 ? "holds" : "hold";
		const files = count(result.overtakenCount, "EVM signature");
		warnings.push(`${files} no longer ${holds}, because the IMA attribute changed; add --format evm`);
	}
	const verboseRows = options.verbose === true ? detailRows(result, startedAt) : [];
	return report(
		result,
		[...warnings, ...result.warnings, ...(compiled?.warnings ?? [])],
		[...compiledRow(compiled), ...verboseRows],
	);
}

/** With operands, only a configuration that was named says more than the options do. */
async function configured(paths: readonly string[], options: SignCommandOptions): Promise<ConfiguredSign> {
	if (paths.length > 0 && !isNamed(options)) return { paths, options };
	return (await import("./configured-sign.js")).configuredSign(paths, options);
}

/**
 * Returns the step that compiles Python sources before the files are hashed, or undefined without --compile-python. The
 * code for this step is loaded only with that option. The step passes its result to `tell`, and returns the .pyc files
 * to sign.
 */
async function preparation(options: SignCommandOptions, tell: (compiled: CompiledPython) => void) {
	if (options.compilePython !== true) return undefined;
	const { compilePython } = await import("../../python/compile-python.js");
	const pythons = options.python ?? [(await import("../../python/spython.js")).usualPython()];
	return (root: string, files: readonly string[]) => {
		const compiled = compilePython(root, files, pythons);
		tell(compiled);
		return [...compiled.made, ...compiled.same];
	};
}

function compiledRow(compiled: CompiledPython | undefined): [string, string][] {
	if (compiled === undefined) return [];
	const { made, same, removed } = compiled;
	return [
		["compiled", `${count(made.length, ".pyc file")} written, ${same.length} unchanged, ${removed.length} removed`],
	];
}

function checkCombination(formats: readonly SignFormat[], options: SignCommandOptions): void {
	requireSlashes([...(options.include ?? []), ...(options.exclude ?? [])]);
	const makesSignatures = formats.some((format) => format !== "cat" && isSignatureFormat(format));
	if (options.unsigned === true && (namesKey(options) || makesSignatures)) {
		throw usageError(`Use --unsigned without a key, and for a catalog only: \`${COMMAND} finish\` signs it later`);
	}
	if (options.python !== undefined && options.compilePython !== true)
		throw usageError("Use --python with --compile-python");
	if (options.filesFrom === "-" && (options.passphraseFile === "-" || options.pinFile === "-")) {
		throw usageError("Use - only once: standard input is either the list of --files-from or the secret");
	}
	if (options.compilePython === true && options.dryRun === true) {
		throw usageError("Use --dry-run without --compile-python, which writes files");
	}
	if (options.compilePython === true && options.filesFrom !== undefined) {
		throw usageError("Use --compile-python without --files-from: the list does not name the files that it makes");
	}
	const [only] = formats.filter((format) => format === "cat" || isSignatureFormat(format));
	if (only === undefined && namesKey(options)) {
		throw usageError(`Leave out the key: ${formats.join(" and ")} is a hash without a signature`);
	}
	if (options.timestamp !== undefined && (options.unsigned === true || !formats.includes("cat"))) {
		throw usageError("Use --timestamp only when a catalog is signed: it is a timestamp of that signature");
	}
	if (options.attribute !== undefined && !formats.includes("spython")) {
		throw usageError("Use --attribute with --format spython: other formats have fixed names");
	}
	const isCatalogOnly = formats.every((format) => format === "cat");
	if (
		isCatalogOnly &&
		(options.digest !== "sha256" || (options.namespace !== "security" && options.carry === undefined))
	) {
		throw usageError("Use --digest and --namespace with an attribute format: catalogs always use SHA-256");
	}
}

function report(result: SignResult, warnings: readonly string[], verboseRows: [string, string | undefined][]): Report {
	const { catalog, attributes, overtakenCount, root, fileCount, linkCount, totalBytes, signer } = result;
	const { ignoredCount, ignoreRules } = result;
	const links = linkCount === 0 ? "" : `, ${count(linkCount, "link")}`;
	const rules = count(ignoreRules.length, "rule");
	const fields = {
		catalog: catalog?.file ?? null,
		root,
		...(catalog && { product: catalog.product, sequence: catalog.sequence, carried: catalog.carryingCount }),
		attributes,
		overtaken: overtakenCount,
		files: fileCount,
		links: linkCount,
		bytes: totalBytes,
		ignored: { entries: ignoredCount, rules: ignoreRules },
		...(catalog?.timestamp && { timestamp: timestampFields(catalog.timestamp) }),
		...(catalog?.unsignedSha256 === undefined ? {} : { digest: `sha256:${catalog.unsignedSha256}` }),
		development: signer?.development === true,
		signer: signer === undefined ? null : signerFields(signer.certificates[0], signer.development),
	};
	return {
		exit: 0,
		fields,
		subjects: [
			{
				path: catalog?.file ?? root,
				verdict: signer === undefined ? "unsigned" : "signed",
				findings: [],
				facts: fields,
			},
		],
		lines: [
			headline(result),
			...rows([
				["content", `${count(fileCount, "file")}${links}, ${bytes(totalBytes)}`],
				["product", catalog && `${escaped(catalog.product)}, sequence ${catalog.sequence}`],
				...attributes.map(attributeRow),
				[
					"links",
					catalog === undefined && linkCount > 0
						? "not signed, because links have no attributes; a catalog signs them"
						: undefined,
				],
				[
					"carried",
					catalog?.carryingCount ? `attributes of ${catalog.carryingCount} of ${count(fileCount, "file")}` : undefined,
				],
				...(signer === undefined ? [] : signerRows(signer.certificates[0], signer.development)),
				["timestamp", catalog?.timestamp && timestampText(catalog.timestamp)],
				["sha256", catalog?.unsignedSha256],
				["ignored", ignoreRules.length === 0 ? undefined : `${count(ignoredCount, "entry", "entries")} by ${rules}`],
				["paths", result.rootNote === undefined ? undefined : escaped(result.rootNote)],
				...verboseRows,
			]),
		],
		warnings,
		notes: signer?.development === true ? [SIGNED_BY_DEVELOPMENT] : [],
	};
}

function headline({ catalog, signer, root, attributes }: SignResult): string {
	if (catalog !== undefined) return `${signer === undefined ? "wrote unsigned" : "signed"} ${escaped(catalog.file)}`;
	if (attributes.every(({ writtenCount }) => writtenCount === 0)) return `nothing to write in ${escaped(root)}`;
	return signer === undefined ? `wrote hashes in ${escaped(root)}; nothing is signed` : `signed ${escaped(root)}`;
}

function attributeRow({ format, name, writtenCount, unchangedCount }: WrittenAttribute): [string, string] {
	return [format, `${escaped(name)}: ${writtenCount} written, ${unchangedCount} unchanged`];
}

/** Returns the rows that only --verbose shows: rules, root, time, size and duration. */
function detailRows(
	{ root, ignoreRules, time, catalog }: SignResult,
	startedAt: number,
): [string, string | undefined][] {
	return [
		...ignoreRules.map((rule): [string, string] => ["rule", escaped(rule)]),
		["root", escaped(root)],
		["time", isoTime(time)],
		...writtenRows("catalog", catalog?.sizeBytes, startedAt),
	];
}

/**
 * Reads the list of --files-from: paths that are separated by NUL, as `find -print0` and `git ls-files -z` print them.
 * @throws ERR_USAGE, and the errors of `readInputFile`
 */
function readFileList(file: string): string[] {
	const list = readInputFile(file, MAX_LIST_BYTES);
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(list);
	} catch {
		throw usageError(`Cannot use the list of files ${quote(file)}: a name in it is not UTF-8`);
	}
	const names = text.split("\0").filter((name) => name !== "");
	if (names.length === 0) throw usageError(`Cannot use the list of files ${quote(file)}: it is empty`);
	if (names.length === 1 && /\n./.test(text)) {
		throw usageError(`Cannot use the list of files ${quote(file)}: separate names with NUL, e.g. ${FIND}`);
	}
	return names;
}

/**
 * If the error is about a missing file, adds a hint: the paths in the list are relative to the signed directory, but
 * the user may have made the list in another directory. Returns any other error unchanged.
 */
function withListHint(error: unknown, directory: string): unknown {
	if (!(error instanceof SigtoolError) || error.code !== "ERR_ROOT_MISSING") return error;
	const { code, message, path, root, cause, problems } = error;
	const hint = `names in the list are relative to ${quote(directory)}, e.g. (${shell`cd ${directory}`} && ${FIND})`;
	return new SigtoolError(code, `${message}; ${hint}`, { path, root, cause, problems });
}

/**
 * The command that an error message recommends. It lists only regular files, because a catalog has no entries for
 * directories.
 */
const FIND = "find . -type f -print0";

/** The size limit of a list of files, 256 MiB. This is room for a million paths of 250 bytes. */
const MAX_LIST_BYTES = 2 ** 28;
