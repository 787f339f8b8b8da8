import { basename } from "node:path";
import type { Verification } from "@sigtool/core";
import { worstExitStatus } from "@sigtool/core/internal";
import { SigtoolError } from "@sigtool/core/internal/errors";
import { type ExitStatus, errorFields, escaped } from "../../output/output.js";
import { developmentNotes, shownPath } from "../../output/render.js";
import { STATES } from "../../page/data.js";
import { type FileModel, fileModel } from "../../page/file-model.js";
import { count, thousands } from "../../page/text.js";
import type { CollectedCatalogs } from "./collect-catalog.js";
import { collectFiles } from "./collect-files.js";
import { filesPart, stateTiles } from "./files-parts.js";
import { findingsTable } from "./findings-table.js";
import { type Html, html } from "./html.js";
import type { Tone } from "./icons.js";
import { code, type Facts, factList, moment, verdictBand, warningList } from "./parts.js";
import { claimedChain, revocationPart, timeParts, trustedChain } from "./signer-parts.js";
import { type Subject, untrustedVerdict } from "./subject.js";

export function catalogSection(id: string, collected: CollectedCatalogs): Subject {
	const { path, verification, catalogs } = collected;
	const data = collectFiles(collected.files);
	const model = fileModel(data);
	const verdict = judge(collected, model);
	const isUndecided = verification instanceof SigtoolError;
	const findings = isUndecided ? [] : [...verification.findings, ...verification.notices];
	const warnings = isUndecided ? [] : verification.warnings;
	const name = escaped(basename(path) || path);
	const body = html`<section class="subject" id="${id}" aria-labelledby="${id}-title">
${verdictBand(id, verdict.tone, `Catalog ${escaped(shownPath(path))}`, verdict.headline, verdict.reasons)}
${warningList(warnings.map(escaped))}
${factList(factsOf(collected))}
${stateTiles(model)}
${findingsTable(findings)}
${filesPart(id, model, data, true)}
${catalogs.map((each) => signatureParts(each, verification))}
${catalogs.map(details)}
</section>`;
	return {
		...{ name, path, kind: "catalog", body, tone: verdict.tone, verdict: verdict.short, exit: verdict.exit },
		root: isUndecided ? undefined : verification.root,
		warnings: [...warnings, ...aloneWarning(collected)],
		notes: isUndecided
			? []
			: developmentNotes(
					path,
					verification.catalogs.map(({ signer }) => signer),
				),
		fields: {
			verdict: isUndecided ? untrustedVerdict(verification) : verification.verdict,
			problem: isUndecided ? errorFields(verification) : null,
			files: model.fileCount,
			states: Object.fromEntries(STATES.map(({ id }, rank) => [id, model.counts[rank]])),
		},
	};
}

interface Judged {
	readonly tone: Tone;
	readonly short: string;
	readonly headline: string;
	readonly reasons: readonly string[];
	readonly exit: ExitStatus;
}

function judge({ verification, isAlone }: CollectedCatalogs, { fileCount, counts }: FileModel): Judged {
	if (verification instanceof SigtoolError) {
		const { exitStatus: exit, code, message } = verification;
		const isUndecided = exit === 3;
		const headline = isUndecided ? "Nothing could be decided" : "Not trusted";
		const reasons = [`${escaped(message)} [${code}]`, "No file was compared. What follows is what the catalog claims."];
		return { tone: isUndecided ? "warning" : "bad", short: headline.toLowerCase(), headline, reasons, exit };
	}
	const { verdict, findings, checkedCount, notices } = verification;
	const development = verification.catalogs.some(({ signer }) => signer.development);
	const marker = development ? ["A development identity signed this. Other machines do not trust it."] : [];
	if (verdict === "trusted") {
		const reasons = [`${count(checkedCount, "entry was", "entries were")} compared with what a trusted signer signed.`];
		if (notices.length > 0) reasons.push(`${count(notices.length, "entry", "entries")} beside them nobody signed.`);
		const tone = development || notices.length > 0 ? "warning" : "good";
		return { tone, short: "trusted", headline: "Every file is as signed", reasons: [...reasons, ...marker], exit: 0 };
	}
	if (verdict === "signed") {
		const reason = isAlone ? "None of its files lies beside the catalog." : "Only the signature was asked about.";
		const headline = "The signature is good, and no file was compared";
		return { tone: "warning", short: "signed", headline, reasons: [reason, ...marker], exit: 0 };
	}
	const exit = worstExitStatus(findings);
	if (verdict === "undecided") {
		const headline = `${count(findings.length, "entry", "entries")} could not be read`;
		return { tone: "warning", short: "undecided", headline, reasons: ["Nothing else is wrong.", ...marker], exit };
	}
	const sound = counts[STATES.length - 1];
	const wrong = fileCount - sound;
	const headline =
		wrong === 0
			? "The tree is not as signed"
			: `${thousands(wrong)} of ${count(fileCount, "file")} ${wrong === 1 ? "is" : "are"} not as signed`;
	return { tone: "bad", short: "failed", headline, reasons: [differences(counts), ...marker], exit };
}

function differences(counts: readonly number[]): string {
	const kinds = STATES.flatMap(({ id, label }, rank) => {
		return counts[rank] === 0 || id === "trusted" ? [] : [`${thousands(counts[rank])} ${label.toLowerCase()}`];
	});
	return kinds.length === 0 ? "" : `${kinds.join(", ")}.`;
}

function aloneWarning({ isAlone, path, verification }: CollectedCatalogs): string[] {
	if (!isAlone || verification instanceof SigtoolError) return [];
	return [`no signed file lies beside ${escaped(path)}, so no file was compared; name the tree with --root`];
}

function factsOf({ verification, catalogs }: CollectedCatalogs): Facts {
	const isUndecided = verification instanceof SigtoolError;
	const [first] = catalogs;
	const { product, sequence } = first?.inspection.facts ?? {};
	const used = isUndecided ? undefined : verification.catalogs[0];
	const signers = catalogs.flatMap(({ inspection }) => inspection.signers);
	return [
		["Product", product === undefined ? "not named" : escaped(product)],
		["Sequence", sequence === undefined ? "none" : String(sequence)],
		["Signed by", names(signers.map(({ subject }) => subject ?? "a key without a certificate"))],
		["Trusted by", used && `${used.signer.trustedBy.kind} ${escaped(used.signer.trustedBy.label)}`],
		["Made", first && moment(first.inspection.thisUpdate)],
		[
			"Compared with",
			isUndecided || verification.root === undefined ? "nothing" : escaped(shownPath(verification.root) || "."),
		],
		[
			"Hidden by signed rules",
			isUndecided || verification.ignoredCount === 0 ? undefined : count(verification.ignoredCount, "entry", "entries"),
		],
		[
			"Other files there",
			isUndecided || !verification.otherCount ? undefined : `${thousands(verification.otherCount)}, not looked at`,
		],
		[
			"Links that lead out",
			isUndecided || !verification.outsideLinkCount
				? undefined
				: `${thousands(verification.outsideLinkCount)}; what lies behind was not looked at`,
		],
	];
}

function names(list: readonly string[]): string {
	return list.length === 0 ? "nobody" : [...new Set(list)].map(escaped).join("; ");
}

type Inspected = CollectedCatalogs["catalogs"][number];

function signatureParts({ file, inspection }: Inspected, verification: Verification | SigtoolError): Html {
	const used =
		verification instanceof SigtoolError
			? undefined
			: verification.catalogs.find((each) => each.file === file || verification.catalogs.length === 1);
	const { certificates, signers } = inspection;
	return html`<h3>Who signed ${escaped(basename(file))}</h3>
${used === undefined ? claimedChain(certificates, signers) : trustedChain(used.signer)}
<h3>When</h3>${timeParts(used?.judgedAt, signers)}${revocationPart(used?.revocation)}`;
}

function details({ file, inspection }: Inspected): Html {
	const { facts, attributes, members, listId, version, anomalies } = inspection;
	const rules = [...(facts?.ignore ?? []), ...(facts?.include ?? []).map((glob) => `include ${glob}`)];
	return html`<details><summary>Everything else in ${escaped(basename(file))}</summary>${factList([
		["File", code(escaped(file))],
		["Members", thousands(members.count)],
		["Version", String(version)],
		["List id", code(listId)],
		["Signed rules", rules.length === 0 ? "none" : escaped(rules.join("  "))],
		["Oddities", anomalies.length === 0 ? undefined : escaped(anomalies.join("; "))],
		["Attributes", attributes.length === 0 ? undefined : thousands(attributes.length)],
	])}</details>`;
}
