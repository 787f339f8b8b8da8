import { type CatalogFacts, finishCatalog, openUnsigned, type UnsignedCatalog } from "@sigtool/core";
import { changesSince, isTrustIndex, MAX_TRUST_INDEX_BYTES, readBounded } from "@sigtool/core/internal";
import { SIGNED_BY_DEVELOPMENT } from "../../options/development.js";
import { digestOf } from "../../options/digest.js";
import { namesKey, openSigner } from "../../options/signer-options.js";
import { timestampFields, timestampRequestOf, timestampText } from "../../options/timestamp-options.js";
import { requireOutputName, usageError } from "../../options/usage.js";
import { untilInterrupted } from "../../output/interruption.js";
import { escaped, printNote, type Report, rows } from "../../output/output.js";
import { count, signerFields, signerRows, writtenRows } from "../../output/render.js";
import type { FinishCommandOptions } from "./finish-options.js";

/**
 * Signs a catalog that was written without a signature. Before that, shows on standard error the content that is about
 * to be signed, unless --quiet or --json is given.
 */
export async function finish(file: string, options: FinishCommandOptions): Promise<Report> {
	if (options.expectDigest !== undefined && digestOf(options.expectDigest) === undefined) {
		throw usageError("Give --expect-digest the 64 hexadecimal digits that the command with --unsigned printed");
	}
	if (!namesKey(options))
		throw usageError("Name the key to sign with: --key and --cert, --p12, --pkcs11 or --signer-command");
	if (options.requireNewer === true && options.previous === undefined) {
		throw usageError("Name with --previous the catalog or index that --require-newer is about");
	}
	requireOutputName(options.output);
	if (startsAsIndex(file)) return (await import("./finish-index.js")).finishIndex(file, options);
	const timestampRequest = timestampRequestOf(options);
	const startedAt = performance.now();
	const warnings: string[] = [];
	const catalog = openUnsigned(file, { expectDigest: options.expectDigest });
	const { product, sequence } = catalog.facts;
	const changes = options.previous === undefined ? undefined : describeChanges(options.previous, catalog, options);
	if (changes !== undefined) warnings.push(...changes.doubts);
	const content = `${count(catalog.fileCount, "file")}, ${count(catalog.linkCount, "link")}`;
	const about = rows([
		["product", `${escaped(product ?? "(none)")}, sequence ${sequence ?? "(none)"}`],
		["content", content],
		["links", catalog.facts.links === "record" ? undefined : catalog.facts.links],
		["scope", scopeOf(catalog.facts)],
		...rulesOf(catalog.facts).map((rule): [string, string] => ["rule", escaped(rule)]),
		["unsigned", catalog.sha256],
		["since", changes?.summary],
	]);
	printNote([`about to sign ${escaped(file)}`, ...about, ...(changes?.lines ?? [])].join("\n"), options);
	const signer = await openSigner(options, (text) => warnings.push(text));
	const { output, description, url } = options;
	const finishing = { signer, output, description, url, timestamp: timestampRequest };
	const finish = (signal: AbortSignal) => finishCatalog(catalog, { ...finishing, signal });
	const { catalogBytes, timestamp } = await untilInterrupted(finish).finally(signer.close);
	const [leaf] = signer.certificates;
	const fields = {
		catalog: output ?? file,
		product: product ?? null,
		sequence: sequence ?? null,
		files: catalog.fileCount,
		links: catalog.linkCount,
		unsignedDigest: `sha256:${catalog.sha256}`,
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
				...(options.verbose === true ? writtenRows("catalog", catalogBytes, startedAt) : []),
			]),
		],
		warnings,
		notes: signer.development ? [SIGNED_BY_DEVELOPMENT] : [],
	};
}

function startsAsIndex(file: string): boolean {
	return isTrustIndex(readBounded(file, MAX_TRUST_INDEX_BYTES));
}

/** Returns texts about the signed rules because of which `verify` does not report some files as added. */
function rulesOf({ ignore, include }: CatalogFacts): string[] {
	return [...ignore.map((pattern) => `ignore ${pattern}`), ...include.map((glob) => `include ${glob}`)];
}

function scopeOf({ scope }: CatalogFacts): string | undefined {
	if (scope === "root") return undefined;
	return scope === "listed" ? "only the listed files; others are not looked at" : scope.map(escaped).join(", ");
}

function describeChanges(previousFile: string, catalog: UnsignedCatalog, { requireNewer }: FinishCommandOptions) {
	const { facts, diff, doubts } = changesSince(previousFile, catalog, {
		require: requireNewer === true ? "newer" : "any",
	});
	const kinds = [
		["added", diff.added],
		["removed", diff.removed],
		["changed", diff.changed],
		["mode changed", diff.modeChanged],
	] as const;
	const lines = kinds.flatMap(([kind, paths]) => paths.map((path) => `  ${kind} ${escaped(path)}`));
	const counts = kinds.map(([kind, paths]) => `${paths.length} ${kind}`).join(", ");
	return {
		fields: { catalog: previousFile, product: facts.product ?? null, sequence: facts.sequence ?? null, ...diff },
		doubts,
		summary: `${escaped(previousFile)} (not verified), sequence ${facts.sequence ?? "none"}: ${counts}`,
		lines,
	};
}
