import { type AttributeFormat, type AttributeVerification, verifyAttributes, worstExitStatus } from "@sigtool/core";
import { plain, rows } from "../output.js";
import { startProgress } from "../progress.js";
import { colour } from "../terminal.js";
import { readCertificates } from "./certificate-file.js";
import type { Judgement } from "./judgement.js";
import { attributeFindingLines, count, signerFields, signerRows } from "./render.js";
import type { Outcome, VerifyCommandOptions } from "./verify.js";

/** Extended attributes of a tree or file, as `verify --format` judges them. */
export async function verifyAttributesOf(
	path: string,
	formats: readonly AttributeFormat[],
	options: VerifyCommandOptions,
	judgement: Judgement,
): Promise<Outcome> {
	const progress = await startProgress("verifying", options);
	try {
		const verification = await verifyAttributes(path, {
			...judgement,
			formats,
			namespace: options.namespace,
			attribute: options.attribute,
			certificates: options.cert?.flatMap(readCertificates),
			profile: options.profile,
			added: options.added,
			bareHashes: options.allowUnsigned === true ? "accept" : "refuse",
			onProgress: (done) => progress.update(done),
		});
		return outcomeOf(verification, formats, options);
	} finally {
		progress.stop();
	}
}

function outcomeOf(
	verification: AttributeVerification,
	formats: readonly AttributeFormat[],
	options: VerifyCommandOptions,
): Outcome {
	const { path, verdict, counts, findings, notices, fileCount, linkCount, signers, attributes } = verification;
	const trusted = verdict === "trusted";
	const lines = [
		headline(verification),
		...rows([
			["checked", `${count(fileCount, "file")} for ${formats.join(" and ")}`],
			["found", found(counts)],
			[
				"links",
				linkCount === 0 ? undefined : `${count(linkCount, "link")} not looked at: they have no such attributes`,
			],
			...signers.flatMap(({ certificate, development }) => signerRows(certificate, development)),
			["binds", signers.length > 0 ? "content, not names: a signed file may stand in another's place" : undefined],
		]),
		...(options.verbose === true ? attributes.map(attributeLine) : []),
	];
	return {
		exit: trusted ? 0 : worstExitStatus(findings),
		fields: {
			path,
			verdict,
			formats,
			counts,
			files: fileCount,
			links: linkCount,
			binds: "content",
			attributes,
			findings,
			notices,
			signers: signers.map(({ certificate, development, trustedBy }) => ({
				...signerFields(certificate, development),
				trustedBy,
			})),
		},
		lines: trusted ? lines : [],
		problems: trusted ? [] : [...lines, ...findings.flatMap(attributeFindingLines)],
		warnings: notices.map(({ message }) => message),
	};
}

function headline({ path, verdict, findings, counts }: AttributeVerification): string {
	if (verdict !== "trusted") {
		return `${colour.red(verdict)} ${plain(path)}: ${count(findings.length, "problem")}`;
	}
	if (counts.trusted > 0) return `${colour.green("trusted")} ${plain(path)}`;
	return `${colour.green("unchanged")} ${plain(path)}: hashes match; nothing is signed`;
}

function found(counts: Readonly<Record<string, number>>): string {
	const present = Object.entries(counts).filter(([, number]) => number > 0);
	return present.length === 0 ? "nothing" : present.map(([status, number]) => `${number} ${status}`).join(", ");
}

function attributeLine({ path, format, status }: AttributeVerification["attributes"][number]): string {
	return `  ${status.padEnd(16)} ${format.padEnd(10)} ${plain(path)}`;
}
