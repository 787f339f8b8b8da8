import {
	defaultTrust,
	type IndexEntry,
	parseTrustIndex,
	type TrustIndex,
	type VerifiedTrustIndex,
	verifyTrustIndex,
} from "@sigtool/core";
import { reasonOf, SigtoolError } from "@sigtool/core/errors";
import { fromIndexFile, indexFields, indexRows } from "../../output/index-file.js";
import { type OutputOptions, plain, type Report, rows } from "../../output/output.js";
import { signerFields, signerRows } from "../../output/render.js";

/** What a trust index says, and whether this user trusts whoever signed it. */
export async function inspectIndex(file: string, options: OutputOptions): Promise<Report> {
	const { index, verdict } = fromIndexFile(file, (octets) => ({
		index: parseTrustIndex(octets),
		verdict: judge(octets),
	}));
	const members = options.json === true || options.verbose === true ? membersOf(index) : [];
	const failed = verdict instanceof SigtoolError;
	const { certificate, development } = failed ? {} : verdict.signer;
	return {
		exit: 0,
		fields: {
			index: file,
			verified: !failed,
			...(failed && { problem: { code: verdict.code, message: verdict.message } }),
			signer: certificate === undefined ? null : signerFields(certificate, development === true),
			...indexFields(index),
			members,
		},
		lines: [
			plain(file),
			...rows([
				[
					"status",
					failed
						? `not verified: ${plain(reasonOf(verdict))} [${verdict.code}]`
						: "verified; its files were not looked at",
				],
				...(certificate === undefined ? [] : signerRows(certificate, development === true)),
				...indexRows(index),
				...index.signers.map((pin): [string, string] => ["catalogs by", pin]),
				...index.products.flatMap(({ catalogs }) => catalogs).map((digest): [string, string] => ["catalog", digest]),
				...policyRows(index.policy),
				["sha256", index.digest],
				...members.map(({ product, path, ...entry }): [string, string] => {
					const content = entry.kind === "file" ? entry.sha256 : `leads to ${plain(entry.target)}`;
					return [plain(product), `${plain(path)} ${content}`];
				}),
			]),
		],
	};
}

/** @throws ERR_INDEX_FORMAT when entries are out of order */
function membersOf(index: TrustIndex): ({ readonly product: string; readonly path: string } & IndexEntry)[] {
	return index.products.flatMap(({ name: product }) => {
		return Array.from(index.entries(product), ([path, entry]) => ({ product, path, ...entry }));
	});
}

function judge(octets: Uint8Array): VerifiedTrustIndex | SigtoolError {
	try {
		return verifyTrustIndex(octets, { trust: defaultTrust(), development: "allow" });
	} catch (error) {
		if (error instanceof SigtoolError) return error;
		throw error;
	}
}

/** One row for each of the policy's groups, as JSON. */
function policyRows(policy: object): [string, string][] {
	return Object.entries(policy)
		.filter(([name]) => name !== "version" && name !== "mode")
		.map(([name, value]) => [name, plain(JSON.stringify(value))]);
}
