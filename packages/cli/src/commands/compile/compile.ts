import { type CompileResult, compileTrustIndex, type Signer } from "@sigtool/core";
import { checkCompileTarget, sharedDirectoryWarning } from "@sigtool/core/internal";
import { COMMAND, quote } from "@sigtool/core/internal/errors";
import { isNamed } from "../../configuration/configuration.js";
import { namingMembers } from "../../configuration/naming-members.js";
import { SIGNED_BY_DEVELOPMENT } from "../../options/development.js";
import { parseTime, trustOf } from "../../options/judgement.js";
import { parseSequence } from "../../options/sequence.js";
import { signerDemandsOf } from "../../options/signer-demands.js";
import { namesKey, openSigner } from "../../options/signer-options.js";
import { sourceDate } from "../../options/source-date.js";
import { timestampFields, timestampRequestOf, timestampText } from "../../options/timestamp-options.js";
import { requireOutputName, usageError } from "../../options/usage.js";
import { productRows } from "../../output/index-file.js";
import { untilInterrupted } from "../../output/interruption.js";
import { escaped, type Report, rows } from "../../output/output.js";
import { startProgress } from "../../output/progress.js";
import { bytes, catalogFields, count, isoTime, notesOfPins, signerFields, signerRows } from "../../output/render.js";
import { policyForIndex } from "../../policy/policy-files.js";
import type { CompileCommandOptions } from "./compile-options.js";
import type { ConfiguredCompile } from "./configured-compile.js";

export async function compile(operands: readonly string[], given: CompileCommandOptions): Promise<Report> {
	const { directories, options, notes, configuration } = await withConfiguration(operands, given);
	return namingMembers(configuration, () => compileWith(directories, options, notes));
}

async function compileWith(
	directories: readonly string[],
	options: CompileCommandOptions,
	configured: readonly string[],
): Promise<Report> {
	const warnings: string[] = [];
	requireOutputName(options.output);
	if (options.product === "") throw usageError("Give --product a name");
	const isUnsigned = options.unsigned === true;
	if (isUnsigned && (namesKey(options) || options.timestamp !== undefined))
		throw usageError(`Use --unsigned without a key and without --timestamp: \`${COMMAND} finish\` takes them`);
	const time = sourceDate();
	const target = {
		output: options.output,
		adopt: options.adopt,
		adoptPackages: options.adoptPackage,
		packageChanges: options.acceptPackageChanges === true ? "accept" : "refuse",
		stripTypesWith: options.stripTypesWith,
		catalogs: options.catalog,
		product: options.product,
		overwrite: options.force === true ? "any" : "own",
		...(options.policy === undefined ? {} : policyForIndex(options.policy)),
		sequence: parseSequence(options.sequence),
		notAfter: options.notAfter === undefined ? undefined : parseNotAfter(options.notAfter, time),
		timestamp: timestampRequestOf(options),
		time,
	} as const;
	const demands = await signerDemandsOf(options);
	// A wrong target must be reported before the user is asked for a passphrase.
	checkCompileTarget(directories, target);
	const signer = isUnsigned ? undefined : await openSigner(options, (text) => warnings.push(text));
	const progress = await startProgress("verifying", options);
	let result: CompileResult;
	try {
		const trust = await trustOf(options.trust, options);
		result = await untilInterrupted((signal) =>
			compileTrustIndex(directories, {
				...target,
				...demands,
				signer: signer ?? "none",
				trust,
				development: options.allowDevelopment === true ? "allow" : "refuse",
				onProgress: (done) => progress.update(done),
				signal,
			}),
		);
	} finally {
		progress.stop();
		signer?.close();
	}
	const statuses = result.products.flatMap(({ catalogs }) => catalogs.flatMap(({ revocation = [] }) => revocation));
	const shared = (options.adopt ?? []).flatMap((directory) => sharedDirectoryWarning(directory) ?? []);
	const pins = notesOfPins([...warnings, ...result.warnings, ...shared], statuses, options);
	const notes = [...configured, ...developmentNotesOf(signer), ...unstrippedNotes(result), ...pins.notes];
	return { ...report(result, signer), warnings: pins.warnings, notes };
}

/** With operands, only a configuration that was named says more than the options do. */
async function withConfiguration(
	directories: readonly string[],
	options: CompileCommandOptions,
): Promise<ConfiguredCompile> {
	const isComplete = [directories, options.adopt, options.adoptPackage].some((named = []) => named.length > 0);
	if (isComplete && !isNamed(options)) return { directories, options, notes: [] };
	return (await import("./configured-compile.js")).configuredCompile(directories, options);
}

/**
 * Parses a number of days from `now`, or a time that is after `now`. Returns milliseconds since the epoch. @throws
 * ERR_USAGE
 */
function parseNotAfter(text: string, now: number): number {
	const end = /^\d{1,5}$/.test(text)
		? Math.floor(now / 1000) * 1000 + Number(text) * 86_400_000
		: parseTime(text, "--not-after");
	if (end <= now)
		throw usageError(`Give --not-after a number of days, or a time in the future, not "${escaped(text)}"`);
	return end;
}

function developmentNotesOf(signer: Signer | undefined): string[] {
	return signer?.development === true ? [SIGNED_BY_DEVELOPMENT] : [];
}

/** Returns a note about TypeScript files without a text. It is no warning, because Node.js cannot load them either. */
function unstrippedNotes({ unstripped }: CompileResult): string[] {
	const [first] = unstripped;
	if (first === undefined) return [];
	const files = count(new Set(unstripped.map(({ path }) => path)).size, "TypeScript file");
	return [
		`the index has no text of ${files}, because Node.js cannot strip or load them, first ${quote(first.path)}: ${first.reason}; --json lists all`,
	];
}

/** Returns the text about compiled texts, or undefined if there are none. */
function textsText({ texts, typeStrippers }: CompileResult): string | undefined {
	if (texts.length === 0) return undefined;
	const releases = typeStrippers.map(({ release }) => release).join(", ");
	return `${count(texts.length, "text")}${releases === "" ? "" : `; types stripped by Node.js ${releases}`}`;
}

function report(result: CompileResult, signer: Signer | undefined): Report {
	const { file, sizeBytes, sha256, compiled, products, packages, texts, typeStrippers, unstripped } = result;
	const { policy, notAfter, timestamp } = result;
	const [certificate] = signer?.certificates ?? [];
	const fields = {
		index: file,
		bytes: sizeBytes,
		sha256,
		compiled,
		products: products.map(({ name, root, sequence, adopted, fileCount, linkCount, catalogs }) => ({
			name,
			root,
			sequence: sequence ?? null,
			adopted,
			files: fileCount,
			links: linkCount,
			catalogs: catalogs.map(catalogFields),
		})),
		packages: packages.map(({ name, fileCount, otherCount }) => ({ name, files: fileCount, others: otherCount })),
		texts,
		typeStrippers,
		unstripped,
		policy,
		notAfter: notAfter === undefined ? null : isoTime(notAfter),
		...(signer === undefined || certificate === undefined
			? { signer: null, digest: `sha256:${sha256}` }
			: { development: signer.development, signer: signerFields(certificate, signer.development) }),
		...(timestamp && { timestamp: timestampFields(timestamp) }),
	};
	return {
		exit: 0,
		fields,
		subjects: [{ path: file, verdict: signer === undefined ? "unsigned" : "compiled", findings: [], facts: fields }],
		lines: [
			`compiled ${signer === undefined ? "unsigned " : ""}${escaped(file)}`,
			...rows([
				...products.flatMap(({ fileCount, linkCount, ...product }): [string, string][] => [
					...productRows(product),
					["content", `${count(fileCount, "file")}${linkCount === 0 ? "" : `, ${count(linkCount, "link")}`}`],
				]),
				...packages.map(({ name, fileCount, otherCount }): [string, string] => {
					const others = otherCount === 0 ? "" : `; ${count(otherCount, "file")} elsewhere left out`;
					return ["package", `${name}, ${count(fileCount, "file")}${others}`];
				}),
				["texts", textsText(result)],
				["index", `sequence ${compiled}`],
				["mode", policy.mode],
				["until", notAfter === undefined ? undefined : isoTime(notAfter)],
				["size", bytes(sizeBytes)],
				["sha256", sha256],
				...(signer === undefined || certificate === undefined ? [] : signerRows(certificate, signer.development)),
				["timestamp", timestamp && timestampText(timestamp)],
			]),
		],
	};
}
