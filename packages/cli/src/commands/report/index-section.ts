import { basename } from "node:path";
import { type SignerStatus, type VerifiedTrustIndex, verifyTrustIndex } from "@sigtool/core";
import { type ParsedTrustIndex, parseTrustIndex, verifyUnrevokedIndex } from "@sigtool/core/internal";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import type { Judgement } from "../../options/judgement.js";
import type { SignerDemands } from "../../options/signer-demands.js";
import { fromIndexFile } from "../../output/index-file.js";
import { errorFields, escaped } from "../../output/output.js";
import { developmentNotes, shownPath } from "../../output/render.js";
import { fileModel } from "../../page/file-model.js";
import { count, thousands } from "../../page/text.js";
import { type CollectedFile, collectFiles } from "./collect-files.js";
import { filesPart } from "./files-parts.js";
import { type Html, html } from "./html.js";
import type { Tone } from "./icons.js";
import { code, factList, moment, table, tiles, verdictBand, warningList } from "./parts.js";
import { revocationPart, timeParts, trustedChain } from "./signer-parts.js";
import { type Subject, untrustedVerdict } from "./subject.js";

type IndexOptions = Judgement & SignerDemands & { readonly product: string | undefined };

/** @throws the errors of `parseTrustIndex`, if the file is no index */
export async function indexSection(id: string, path: string, options: IndexOptions): Promise<Subject> {
	const index = fromIndexFile(path, parseTrustIndex);
	const verified = await verifiedIndex(path, options).catch((error: unknown) => {
		if (error instanceof SigtoolError && error.code !== "ERR_USAGE") return error;
		throw error;
	});
	const isUndecided = verified instanceof SigtoolError;
	const data = collectFiles(entriesOf(index));
	const verdict = judge(verified);
	const body = html`<section class="subject" id="${id}" aria-labelledby="${id}-title">
${verdictBand(id, verdict.tone, `Trust index ${escaped(shownPath(path))}`, verdict.headline, verdict.reasons)}
${warningList(isUndecided ? [] : verified.warnings.map(escaped))}
${factList([
	["Mode", index.policy.mode],
	["Sequence of the index", index.compiled === undefined ? "none" : String(index.compiled)],
	["Compiled", moment(index.compiledAt)],
	["Ends", index.notAfter === undefined ? "never by itself" : moment(index.notAfter)],
	[
		"Signer's certificate ends",
		isUndecided ? undefined : moment(Math.min(...verified.signer.expiries.map(({ notAfter }) => notAfter))),
	],
	["SHA-256", code(index.digest)],
])}
${tiles([
	{ number: thousands(index.products.length), label: index.products.length === 1 ? "product" : "products" },
	{ number: thousands(index.entryCount), label: index.entryCount === 1 ? "entry" : "entries" },
	{ number: thousands(index.texts.length), label: "compiled texts" },
	{ number: thousands(index.signers.length), label: index.signers.length === 1 ? "catalog signer" : "catalog signers" },
])}
<h3>Products</h3>${productTable(index)}
<h3>Policy</h3>${policyTable(index.policy)}
<h3>Who signed the index</h3>${isUndecided ? html`<p class="trust">Not verified, so nobody vouches for what follows.</p>` : trustedChain(verified.signer)}
<h3>When</h3>${timeParts(isUndecided ? undefined : verified.judgedAt, [{ timestamps: index.timestamps }])}
${isUndecided ? undefined : revocationPart(verified.statuses)}
<h3>Who signed the catalogs</h3><ul>${index.signers.map((pin) => html`<li>${code(pin)}</li>`)}</ul>
${filesPart(id, fileModel(data), data, false)}
</section>`;
	return {
		...{ name: escaped(basename(path)), path, kind: "index", body, tone: verdict.tone, verdict: verdict.short },
		exit: isUndecided ? verified.exitStatus : 0,
		warnings: isUndecided ? [] : verified.warnings,
		notes: isUndecided ? [] : developmentNotes(path, [verified.signer]),
		fields: {
			verdict: isUndecided ? untrustedVerdict(verified) : "signed",
			problem: isUndecided ? errorFields(verified) : null,
			entries: index.entryCount,
			products: index.products.map(({ name }) => name),
		},
	};
}

/** @throws ERR_PRODUCT_MISMATCH, ERR_DENIED for an index with a denied file, and the errors of `verifyTrustIndex` */
async function verifiedIndex(
	path: string,
	options: IndexOptions,
): Promise<VerifiedTrustIndex & { readonly statuses?: readonly SignerStatus[] }> {
	const { trust, timestampAnchors, at, revocation, product } = options;
	const judgement = { trust, timestampAnchors, at, development: "allow" } as const;
	const verified = await fromIndexFile(path, (bytes) => {
		return revocation === undefined
			? verifyTrustIndex(bytes, judgement)
			: verifyUnrevokedIndex(bytes, { ...judgement, revocation });
	});
	if (product !== undefined && !verified.index.products.some(({ name }) => name === product)) {
		throw new SigtoolError(
			"ERR_PRODUCT_MISMATCH",
			`Cannot trust ${quote(path)}: it is not of product ${quote(product)}`,
			{ path },
		);
	}
	const denial = trust.deny?.find(({ kind, sha256 }) => kind === "file" && verified.index.hasContent(sha256));
	if (denial === undefined) return verified;
	throw new SigtoolError("ERR_DENIED", `Cannot trust ${quote(path)}: it holds a denied file: ${denial.reason}`, {
		path,
	});
}

function judge(verified: VerifiedTrustIndex | SigtoolError): {
	tone: Tone;
	short: string;
	headline: string;
	reasons: string[];
} {
	if (verified instanceof SigtoolError) {
		const { code, message, exitStatus } = verified;
		const headline = exitStatus === 3 ? "Nothing could be decided" : "Not trusted";
		const reasons = [`${escaped(message)} [${code}]`, "What follows is what the index claims."];
		return { tone: exitStatus === 3 ? "warning" : "bad", short: headline.toLowerCase(), headline, reasons };
	}
	const development = verified.signer.development;
	const reasons = ["No file was compared: runtimes do that when they load one."];
	if (development) reasons.push("A development identity signed this. Other machines do not trust it.");
	return { tone: development ? "warning" : "good", short: "signed", headline: "The signature is good", reasons };
}

function productTable({ products }: ParsedTrustIndex): Html {
	const rows = products.map(({ name, root, sequence, adopted, catalogs }) => [
		html`<bdi>${escaped(name)}</bdi>`,
		sequence === undefined ? "none" : String(sequence),
		html`<bdi>${escaped(root)}</bdi>`,
		adopted === true ? "adopted: nobody signed it" : count(catalogs.length, "catalog"),
	]);
	return table({
		caption: "Products of the index",
		columns: [["Product", "name"], ["Sequence", "number"], ["Directory", "name"], ["From"]],
		rows,
	});
}

/** Shows each member of the policy by its path, such as `runtime.children`. */
function policyTable(policy: object): Html {
	const rows = members(policy, "").map(([name, value]) => [code(name), escaped(JSON.stringify(value))]);
	return table({
		caption: "Members of the policy",
		columns: [
			["Member", "name"],
			["Value", "name"],
		],
		rows,
	});
}

function members(value: object, prefix: string): [string, unknown][] {
	return Object.entries(value).flatMap(([name, member]: [string, unknown]): [string, unknown][] => {
		const path = prefix + name;
		if (member === undefined) return [];
		const isGroup = typeof member === "object" && member !== null && !Array.isArray(member);
		return isGroup ? members(member, `${path}.`) : [[path, member]];
	});
}

/** Returns the entries of all products, each below the name of its product. */
function entriesOf(index: ParsedTrustIndex): CollectedFile[] {
	return index.products.flatMap(({ name }) => {
		return Array.from(index.entries(name), ([path, entry]) => ({
			path: `${name}/${path}`,
			state: "u" as const,
			sizeBytes: -1,
			digest: entry.kind === "file" ? entry.sha256 : "",
			findings: [],
		}));
	});
}
