import type { IndexContentView } from "@sigtool/core";
import { openUnsignedIndex, finishIndex as signUnsignedIndex, type UnsignedIndex } from "@sigtool/core";
import { indexChangesSince } from "@sigtool/core/internal";
import { SIGNED_BY_DEVELOPMENT } from "../../options/development.js";
import { openSigner } from "../../options/signer-options.js";
import { sourceDate } from "../../options/source-date.js";
import { timestampFields, timestampRequestOf, timestampText } from "../../options/timestamp-options.js";
import { usageError } from "../../options/usage.js";
import { productRows, textsText } from "../../output/index-file.js";
import { untilInterrupted } from "../../output/interruption.js";
import { escaped, printNote, type Report, rows } from "../../output/output.js";
import { count, isoTime, signerFields, signerRows, writtenRows } from "../../output/render.js";
import type { FinishCommandOptions } from "./finish-options.js";

/** Shows on stderr what is about to be signed, then signs it. */
export async function finishIndex(file: string, options: FinishCommandOptions): Promise<Report> {
	if ((options.description ?? options.url) !== undefined)
		throw usageError("Leave out --description and --url: a trust index holds neither");
	const timestampRequest = timestampRequestOf(options);
	const startedAt = performance.now();
	const warnings: string[] = [];
	const { expectDigest, output } = options;
	const unsigned = openUnsignedIndex(file, { expectDigest });
	const changes = options.previous === undefined ? undefined : describeChanges(options.previous, unsigned, options);
	if (changes !== undefined) warnings.push(...changes.doubts);
	const about = rows([...contentRows(unsigned.index), ["unsigned", unsigned.sha256], ["since", changes?.summary]]);
	printNote([`about to sign ${escaped(file)}`, ...about, ...(changes?.lines ?? [])].join("\n"), options);
	const signer = await openSigner(options, (text) => warnings.push(text));
	const finishing = { signer, output, time: sourceDate(), timestamp: timestampRequest };
	const finish = (signal: AbortSignal) => signUnsignedIndex(unsigned, { ...finishing, signal });
	const { indexBytes, timestamp } = await untilInterrupted(finish).finally(signer.close);
	const [leaf] = signer.certificates;
	const { products, compiled, policy, notAfter } = unsigned.index;
	const fields = {
		index: output ?? file,
		compiled: compiled ?? null,
		products: products.map((product) => ({ ...product, sequence: product.sequence ?? null })),
		policy,
		notAfter: notAfter === undefined ? null : isoTime(notAfter),
		unsignedDigest: `sha256:${unsigned.sha256}`,
		signer: signerFields(leaf, signer.development),
		...(timestamp && { timestamp: timestampFields(timestamp) }),
		...(changes === undefined ? {} : { since: changes.fields }),
	};
	return {
		exit: 0,
		fields,
		subjects: [{ path: output ?? file, verdict: "signed", findings: [], facts: fields }],
		lines: [
			`signed ${escaped(output ?? file)}`,
			...rows([
				...signerRows(leaf, signer.development),
				["timestamp", timestamp && timestampText(timestamp)],
				...(options.verbose === true ? writtenRows("index", indexBytes, startedAt) : []),
			]),
		],
		warnings,
		notes: signer.development ? [SIGNED_BY_DEVELOPMENT] : [],
	};
}

/** Shows the content, with the digests of the catalogs: whoever signed these catalogs can compare them. */
function contentRows(index: IndexContentView): [string, string | undefined][] {
	const { products, compiled, entryCount, policy, notAfter } = index;
	return [
		...products.flatMap((product): [string, string][] => [
			...productRows(product),
			...product.catalogs.map((sha256): [string, string] => ["catalog", sha256]),
		]),
		["index", `sequence ${compiled ?? "(none)"}`],
		["content", count(entryCount, "entry", "entries")],
		["texts", textsText(index)],
		["policy", escaped(JSON.stringify(policy))],
		["until", notAfter === undefined ? "(no end)" : isoTime(notAfter)],
	];
}

function describeChanges(previousFile: string, unsigned: UnsignedIndex, { requireNewer }: FinishCommandOptions) {
	const require = requireNewer === true ? "newer" : "any";
	const { previous, doubts, ...changes } = indexChangesSince(previousFile, unsigned, { require });
	const textKinds = [
		["text added", changes.addedTexts],
		["text removed", changes.removedTexts],
	] as const;
	const kinds = [
		["added", changes.added],
		["removed", changes.removed],
		["changed", changes.changed],
		...textKinds.filter(([, texts]) => texts.length > 0),
	] as const;
	const counts = kinds.map(([kind, paths]) => `${paths.length} ${kind}`).join(", ");
	return {
		fields: {
			index: previousFile,
			compiled: previous.compiled ?? null,
			...changes,
		},
		doubts,
		summary: `${escaped(previousFile)} (not verified), sequence ${previous.compiled ?? "none"}: ${counts}`,
		lines: kinds.flatMap(([kind, paths]) => paths.map((path) => `  ${kind} ${escaped(path)}`)),
	};
}
