import {
	defaultTrust,
	type IndexEntry,
	type TrustIndex,
	type VerifiedTrustIndex,
	verifyTrustIndex,
} from "@sigtool/core";
import { parseTrustIndex } from "@sigtool/core/internal";
import { reasonOf, SigtoolError } from "@sigtool/core/internal/errors";
import { fromIndexFile, indexFields, indexRows, policySignerRows } from "../../output/index-file.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import {
	judgedFields,
	judgedRow,
	timestampClaim,
	timestampClaimFields,
	trustedSignerFields,
	trustedSignerRows,
} from "../../output/render.js";

/**
 * Returns the content of a trust index, and whether this user's trust store trusts its signer. The content is shown
 * even if it does not.
 */
export async function inspectIndex(file: string, options: OutputOptions): Promise<Report> {
	const { index, verdict } = fromIndexFile(file, (bytes) => ({
		index: parseTrustIndex(bytes),
		verdict: judge(bytes),
	}));
	const members = options.json === true || options.verbose === true ? membersOf(index) : [];
	const failed = verdict instanceof SigtoolError;
	return {
		exit: 0,
		fields: {
			index: file,
			verified: !failed,
			...(failed && { problem: { code: verdict.code, message: verdict.message } }),
			signer: failed ? null : trustedSignerFields(verdict.signer),
			judgedAt: failed ? null : judgedFields(verdict.judgedAt),
			timestamps: index.timestamps.map(timestampClaimFields),
			...indexFields(index),
			texts: index.texts,
			members,
		},
		lines: [
			escaped(file),
			...rows([
				[
					"status",
					failed
						? `not verified: ${escaped(reasonOf(verdict))} [${verdict.code}]`
						: "verified; its files were not looked at",
				],
				...(failed ? [] : [...trustedSignerRows(verdict.signer), judgedRow(verdict.judgedAt)]),
				...index.timestamps.map((timestamp): [string, string] => ["timestamp", timestampClaim(timestamp)]),
				...indexRows(index),
				...index.signers.map((pin): [string, string] => ["catalog signer", pin]),
				...index.products.flatMap(({ catalogs }) => catalogs).map((digest): [string, string] => ["catalog", digest]),
				...policySignerRows(index),
				...policyRows(index.policy),
				["sha256", index.digest],
				...members.map(({ product, path, ...entry }): [string, string] => {
					const content = entry.kind === "file" ? entry.sha256 : `leads to ${escaped(entry.target)}`;
					return [escaped(product), `${escaped(path)} ${content}`];
				}),
				...(options.verbose === true ? index.texts : []).map((digest): [string, string] => ["text", digest]),
			]),
		],
	};
}

/** Returns the entries of all products. @throws ERR_INDEX_FORMAT if an entry is malformed or out of order */
function membersOf(index: TrustIndex): ({ readonly product: string; readonly path: string } & IndexEntry)[] {
	return index.products.flatMap(({ name: product }) => {
		return Array.from(index.entries(product), ([path, entry]) => ({ product, path, ...entry }));
	});
}

function judge(bytes: Uint8Array): VerifiedTrustIndex | SigtoolError {
	try {
		return verifyTrustIndex(bytes, { trust: defaultTrust(), development: "allow" });
	} catch (error) {
		if (error instanceof SigtoolError) return error;
		throw error;
	}
}

/**
 * Returns the members of the policy, each as a row with its value in JSON. The mode is left out, because `indexRows`
 * has it.
 */
function policyRows(policy: object): [string, string][] {
	return Object.entries(policy)
		.filter(([name, value]) => name !== "version" && name !== "mode" && value !== undefined)
		.map(([name, value]) => [name, escaped(JSON.stringify(value))]);
}
