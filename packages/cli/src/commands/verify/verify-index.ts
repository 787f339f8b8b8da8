import {
	type IndexedProduct,
	type SignerStatus,
	type TrustPolicy,
	type VerifiedTrustIndex,
	verifyTrustIndex,
} from "@sigtool/core";
import { expiryNotice, verifyUnrevokedIndex } from "@sigtool/core/internal";
import { COMMAND, errorNaming, quote, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { givenTrust, type Judgement } from "../../options/judgement.js";
import type { SignerDemands } from "../../options/signer-demands.js";
import { usageError } from "../../options/usage.js";
import { fromIndexFile, indexFields, indexRows, policySignerRows } from "../../output/index-file.js";
import { escaped, rows } from "../../output/output.js";
import {
	developmentNotes,
	isoTime,
	judgedFields,
	judgedRow,
	notesOfPins,
	revocationFields,
	revocationRows,
	trustedSignerFields,
	trustedSignerRows,
} from "../../output/render.js";
import { colour } from "../../output/terminal.js";
import type { Outcome, VerifyCommandOptions } from "./verify-options.js";

/**
 * Verifies the signature and the signer of a trust index. Compares no files, so the verdict is `signed`. Without
 * `signatureOnly` a valid index is an error, so that the user does not believe that files were compared.
 * @throws the errors of `verifyTrustIndex` and `verifyUnrevokedIndex`; ERR_PRODUCT_MISMATCH; ERR_USAGE without
 * `signatureOnly`
 */
export async function verifyIndex(
	file: string,
	options: VerifyCommandOptions,
	judgement: Judgement & SignerDemands,
): Promise<Outcome> {
	const { product, signatureOnly } = options;
	const trust = withPolicySigners(judgement.trust, options.policySigner);
	const { index, signer, policySignature, judgedAt, statuses, warnings } = await verified(file, {
		...judgement,
		trust,
	});
	if (product !== undefined && !index.products.some(({ name }) => name === product)) {
		const message = `Cannot trust ${quote(file)}: it is not of product ${quote(product)}`;
		throw new SigtoolError("ERR_PRODUCT_MISMATCH", message, { path: file });
	}
	const notice = judgedAt.source === "now" ? expiryNotice(signer.expiries, judgedAt.at) : undefined;
	const findings = (trust.deny ?? [])
		.filter(({ kind, sha256 }) => kind === "file" && index.hasContent(sha256))
		.map(({ sha256, reason }) => ({
			code: "ERR_DENIED" as const,
			path: file,
			message: `it holds a denied file: ${reason}`,
			sha256,
		}));
	const pins = notesOfPins(warnings, statuses, options);
	const passed = findings.length === 0;
	if (passed && signatureOnly !== true) throw comparesNoFiles(file, index.products);
	const verdict = passed ? "signed" : "failed";
	const lines = [
		passed
			? `${colour.green(verdict)} ${escaped(file)}: its signature alone; no files were compared`
			: `${colour.red(verdict)} ${escaped(file)}`,
		...rows([
			...indexRows(index),
			["until", index.notAfter === undefined ? "(no end)" : undefined],
			...trustedSignerRows(signer),
			["signer until", isoTime(Math.min(...signer.expiries.map(({ notAfter }) => notAfter)))],
			["trusted by", `${signer.trustedBy.kind} ${escaped(signer.trustedBy.label)}`],
			...policySignerRows(index, policySignature),
			judgedRow(judgedAt),
			...revocationRows(statuses),
			["checked", "the trust index's own signature; no files"],
		]),
	];
	return {
		exit: passed ? 0 : 1,
		fields: {
			path: file,
			verdict,
			development: signer.development,
			match: "none",
			findings,
			index: indexFields(index),
			signer: trustedSignerFields(signer),
			trustedBy: signer.trustedBy,
			policySigner: policySignature === undefined ? null : trustedSignerFields(policySignature.signer),
			judgedAt: judgedFields(judgedAt),
			...revocationFields(statuses),
		},
		findings: findings.map(({ code, message }) => ({ code, path: file, message })),
		lines: [...lines, ...findings.map(({ message, sha256, code }) => escaped(`  ${message} (${sha256}) [${code}]`))],
		problems: [],
		warnings: [
			...pins.warnings,
			...(notice === undefined ? [] : [`${notice}; without a timestamp, the index fails from then on`]),
		],
		notes: [...developmentNotes(file, [signer]), ...pins.notes],
	};
}

/** @throws ERR_USAGE for the certificate of an authority, because policy signers are pinned */
function withPolicySigners(trust: TrustPolicy, named: readonly string[] | undefined): TrustPolicy {
	if (named === undefined) return trust;
	const { pins, authorities } = givenTrust(named);
	if (authorities.length === 0) return { ...trust, policySigners: { pins } };
	throw usageError("Give --policy-signer the certificate of the signer itself, not that of an authority");
}

/**
 * Verifies the index. If revocation is checked, checks the certificates of the signer of the index and those of the
 * timestamping authority. The signers of the catalogs from which the index was compiled are not checked, because the
 * index has only their keys and no certificates.
 */
async function verified(
	file: string,
	{ trust, timestampAnchors, at, revocation }: Judgement & SignerDemands,
): Promise<VerifiedTrustIndex & { readonly statuses?: readonly SignerStatus[] }> {
	const options = { trust, timestampAnchors, at, development: "allow" } as const;
	if (revocation === undefined) return fromIndexFile(file, (bytes) => verifyTrustIndex(bytes, options));
	const checking = fromIndexFile(file, (bytes) => verifyUnrevokedIndex(bytes, { ...options, revocation }));
	return checking.catch((cause) => {
		throw cause instanceof SigtoolError ? errorNaming("trust index", file, cause) : cause;
	});
}

/**
 * Makes the error for an index without `signatureOnly`. The message names the trees that `sigtool verify` can compare:
 * those that have catalogs. The files of an adopted directory are compared only by a runtime, when it loads them.
 */
function comparesNoFiles(file: string, products: readonly IndexedProduct[]): SigtoolError {
	const signed = products.filter(({ adopted }) => adopted !== true).map(({ root }) => root);
	const trees =
		shell`${COMMAND} verify ${signed.slice(0, MAX_NAMED_TREES)}` + (signed.length > MAX_NAMED_TREES ? " …" : "");
	const message =
		`Cannot compare files with ${quote(file)}: runtimes do that when they load them; ` +
		`verify its signature alone with --signature-only${signed.length === 0 ? "" : `, and its trees with \`${trees}\``}`;
	return new SigtoolError("ERR_USAGE", message, { path: file });
}

const MAX_NAMED_TREES = 3;
