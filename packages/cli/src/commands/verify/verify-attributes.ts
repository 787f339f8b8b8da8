import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type AttributeFormat, type AttributeVerification, verifyAttributes } from "@sigtool/core";
import { worstExitStatus } from "@sigtool/core/internal";
import { readCertificates } from "../../options/certificate-file.js";
import type { Judgement } from "../../options/judgement.js";
import type { SignerDemands } from "../../options/signer-demands.js";
import { countByKind, findingLines } from "../../output/findings.js";
import { untilInterrupted } from "../../output/interruption.js";
import { escaped, rows } from "../../output/output.js";
import { startProgress } from "../../output/progress.js";
import {
	count,
	developmentNotes,
	notesOfPins,
	revocationFields,
	revocationRows,
	signerFields,
	signerRows,
} from "../../output/render.js";
import { colour } from "../../output/terminal.js";
import type { Outcome, VerifyCommandOptions } from "./verify-options.js";

/** Verifies the extended attributes of a file, or of all files below a directory, for `verify --format`. */
export async function verifyAttributesOf(
	path: string,
	formats: readonly AttributeFormat[],
	options: VerifyCommandOptions,
	{ trust, at, revocation }: Judgement & SignerDemands,
): Promise<Outcome> {
	const progress = await startProgress("verifying", options);
	try {
		const verification = await untilInterrupted((signal) =>
			verifyAttributes(path, {
				...{ trust, at, revocation },
				formats,
				namespace: options.namespace,
				attribute: options.attribute,
				certificates: options.cert?.flatMap(readCertificates),
				profile: options.profile,
				bareHashes: options.allowUnsigned === true ? "accept" : "refuse",
				onProgress: (done) => progress.update(done),
				signal,
			}),
		);
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
	const { path, verdict, counts, findings, fileCount, linkCount, signers, passedOver, attributes } = verification;
	const { revocation } = verification;
	const pins = notesOfPins(verification.warnings, revocation, options);
	const passed = verdict === "trusted" || verdict === "unchanged";
	const lines = [
		headline(verification),
		...rows([
			["checked", `${count(fileCount, "file")} for ${formats.join(" and ")}`],
			["found", found(counts)],
			[
				"links",
				linkCount === 0 ? undefined : `${count(linkCount, "link")} not looked at: they have no such attributes`,
			],
			["passed over", passedOver && `${escaped(passedOver)}: a catalog, which has a signature of its own`],
			...signers.flatMap(({ certificate, development }) => signerRows(certificate, development)),
			...revocationRows(revocation),
			[
				"binds",
				signers.length > 0 ? `${bound(formats)}, not names: a signed file may stand in another's place` : undefined,
			],
		]),
		...(options.verbose === true ? attributes.map(attributeLine) : []),
	];
	return {
		exit: passed ? 0 : worstExitStatus(findings),
		fields: {
			path,
			verdict,
			formats,
			counts,
			files: fileCount,
			links: linkCount,
			binds: signers.length > 0 ? bound(formats) : null,
			passedOver: passedOver ?? null,
			attributes,
			findings,
			signers: signers.map(({ certificate, development, trustedBy }) => ({
				...signerFields(certificate, development),
				trustedBy,
			})),
			...revocationFields(revocation),
		},
		findings: findings.map((finding) => {
			// A finding about the operand as a whole has the operand's path. It is made absolute, because relative to the
			// directory it could be the name of a file in it.
			const isOfOperand = finding.code === "ERR_UNSIGNED" && finding.format === undefined;
			return isOfOperand ? { ...finding, path: resolve(path) } : finding;
		}),
		root: rootOf(path),
		lines: [...lines, ...findingLines(findings, { ...options, origin: "recorded" })],
		problems: [],
		warnings: pins.warnings,
		notes: [...developmentNotes(path, signers), ...pins.notes],
	};
}

/** Returns the directory to which the names of files are relative: `path`, or the directory of the file. */
function rootOf(path: string): string {
	const absolute = resolve(path);
	return statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === true ? absolute : dirname(absolute);
}

function headline({ path, verdict, findings, counts }: AttributeVerification): string {
	if (verdict === "trusted") return `${colour.green(verdict)} ${escaped(path)}`;
	if (verdict !== "unchanged") {
		return `${colour.red(verdict)} ${escaped(path)}: ${count(findings.length, "problem")}: ${countByKind(findings)}`;
	}
	const rest = counts.trusted > 0 ? "not all is signed" : "nothing is signed";
	return `${colour.green(verdict)} ${escaped(path)}: hashes match; ${rest}`;
}

function bound(formats: readonly AttributeFormat[]): string {
	return formats.includes("evm") ? "content, owner, group and mode" : "content";
}

function found(counts: Readonly<Record<string, number>>): string {
	const present = Object.entries(counts).filter(([, number]) => number > 0);
	return present.length === 0 ? "nothing" : present.map(([status, number]) => `${number} ${status}`).join(", ");
}

function attributeLine({ path, format, status }: AttributeVerification["attributes"][number]): string {
	return `  ${status.padEnd(16)} ${format.padEnd(10)} ${escaped(path)}`;
}
