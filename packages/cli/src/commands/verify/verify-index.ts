import { expiryNotice, verifyTrustIndex } from "@sigtool/core";
import { quote, SigtoolError } from "@sigtool/core/errors";
import type { Judgement } from "../../options/judgement.js";
import { fromIndexFile, indexFields, indexRows } from "../../output/index-file.js";
import { escaped, rows } from "../../output/output.js";
import { developmentNotes, isoTime, trustedSignerFields, trustedSignerRows } from "../../output/render.js";
import { colour } from "../../output/terminal.js";
import type { Outcome, VerifyCommandOptions } from "./verify-options.js";

/**
 * Verifies the signature and the signer of a trust index, but no files, so the verdict is `signed`. @throws as
 * `verifyTrustIndex`
 */
export function verifyIndex(file: string, { product }: VerifyCommandOptions, { trust, at }: Judgement): Outcome {
	const { index, signer, judgedAt } = fromIndexFile(file, (bytes) => {
		return verifyTrustIndex(bytes, { trust, at, development: "allow" });
	});
	if (product !== undefined && !index.products.some(({ name }) => name === product)) {
		const message = `Cannot trust ${quote(file)}: it is not of product ${quote(product)}`;
		throw new SigtoolError("ERR_PRODUCT_MISMATCH", message, { path: file });
	}
	const notice = at === undefined ? expiryNotice(signer.expiries, judgedAt) : undefined;
	const findings = (trust.deny ?? [])
		.filter(({ kind, sha256 }) => kind === "file" && index.hasContent(sha256))
		.map(({ sha256, reason }) => ({
			code: "ERR_DENIED",
			path: file,
			message: `it holds a denied file: ${reason}`,
			sha256,
		}));
	const passed = findings.length === 0;
	const verdict = passed ? "signed" : "failed";
	const lines = [
		passed
			? `${colour.green(verdict)} ${escaped(file)}: its signature alone; no files were compared`
			: `${colour.red(verdict)} ${escaped(file)}`,
		...rows([
			...indexRows(index),
			...trustedSignerRows(signer),
			["trusted by", `${signer.trustedBy.kind} ${escaped(signer.trustedBy.label)}`],
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
			judgedAt: isoTime(judgedAt),
		},
		lines: [...lines, ...findings.map(({ message, sha256, code }) => escaped(`  ${message} (${sha256}) [${code}]`))],
		problems: [],
		warnings: notice === undefined ? [] : [`${notice}; the index fails from then on`],
		notes: developmentNotes(file, [signer]),
	};
}
