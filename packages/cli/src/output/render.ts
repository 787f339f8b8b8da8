/** How facts that several commands show are written. */

import { isAbsolute, relative } from "node:path";
import { type Certificate, type CertificateStatus, type Finding, spkiSha256, type UsedCatalog } from "@sigtool/core";
import { type OutputOptions, plain, rows } from "./output.js";

export function signerFields(certificate: Certificate, development: boolean): Record<string, unknown> {
	return {
		subject: certificate.subject.text,
		issuer: certificate.issuer.text,
		notBefore: isoTime(certificate.notBefore),
		notAfter: isoTime(certificate.notAfter),
		spkiSha256: spkiSha256(certificate),
		development,
	};
}

export function signerRows(certificate: Certificate, development: boolean): [string, string][] {
	const subject = plain(certificate.subject.text);
	return [
		["signer", development ? `${subject}  (development)` : subject],
		["pin", spkiSha256(certificate)],
	];
}

type ShownCatalog = Omit<UsedCatalog, "octets">;

/** A verified catalog and why it is trusted. */
export function catalogRows(catalog: ShownCatalog, options: OutputOptions): [string, string | undefined][] {
	const { file, facts, signer, judgedAt } = catalog;
	const sequence = facts.sequence === undefined ? "" : `, sequence ${facts.sequence}`;
	const chain = options.verbose === true ? signer.chain.slice(1) : [];
	return [
		["catalog", plain(shownPath(file))],
		["product", facts.product === undefined ? undefined : `${plain(facts.product)}${sequence}`],
		...signerRows(signer.certificate, signer.development),
		...chain.map((certificate): [string, string] => ["issued by", plain(certificate.subject.text)]),
		["trusted by", `${signer.trustedBy.kind} ${plain(signer.trustedBy.label)}`],
		...(catalog.revocation ?? []).map((status): [string, string] => ["revocation", revocationText(status)]),
		["judged at", `${isoTime(Math.floor(judgedAt.at / 1000) * 1000)} (${timeSource(judgedAt)})`],
	];
}

function revocationText({ certificate, status, statement }: CertificateStatus): string {
	const source = statement === undefined ? "" : ` (${plain(statement.source)}, ${isoTime(statement.thisUpdate)})`;
	return `${REVOCATION_WORDS[status]}: ${plain(certificate.subject.text)}${source}`;
}

const REVOCATION_WORDS = { good: "not revoked", "revoked-later": "revoked later", unknown: "unknown" } as const;

/** Which time it is and why. */
function timeSource({ source, authority, without }: ShownCatalog["judgedAt"]): string {
	if (authority !== undefined) return `${source}, by ${plain(authority)}`;
	return without === undefined ? source : `${source}: ${WITHOUT[without]}`;
}

const WITHOUT = {
	"no-timestamp": "it has no timestamp",
	"unusable-timestamp": "its timestamp does not verify",
	"lifetime-signing": "its signer allows no timestamp to outlive the certificate",
} as const;

/** Relative to where the person stands when it lies there. */
function shownPath(file: string): string {
	const path = relative(process.cwd(), file);
	return path.startsWith("..") || isAbsolute(path) ? file : path;
}

/** As `catalogRows`, for the JSON document. */
export function catalogFields({ file, facts, signer, judgedAt, revocation }: ShownCatalog): Record<string, unknown> {
	return {
		file,
		product: facts.product ?? null,
		sequence: facts.sequence ?? null,
		signer: signerFields(signer.certificate, signer.development),
		trustedBy: signer.trustedBy,
		judgedAt: { ...judgedAt, time: isoTime(judgedAt.at), at: undefined },
		...(revocation && { revocation: revocation.map(revocationFields) }),
	};
}

function revocationFields({ certificate, status, statement, reasons }: CertificateStatus): Record<string, unknown> {
	return { subject: certificate.subject.text, status, source: statement?.source ?? null, reasons };
}

/** What differs, with both digests of a modified file when they are known; none is that of an empty file. */
export function findingLines(finding: Finding): string[] {
	return digestLines(finding, "signed");
}

/** As `findingLines`, of attributes: nobody signed a hash that one of them holds. */
export function attributeFindingLines(finding: Finding): string[] {
	return digestLines(finding, "recorded");
}

function digestLines({ message, code, expected, actual }: Finding, origin: "signed" | "recorded"): string[] {
	const lines = [`  ${message} [${code}]`];
	if (code === "ERR_FILE_MODIFIED" && expected !== undefined) {
		lines.push(
			...rows([
				[`  ${origin}`, expected || "empty"],
				["  found", actual || "empty"],
			]),
		);
	}
	return lines;
}

/** For --verbose: what was written, and how long it took. */
export function writtenRows(catalogBytes: number | undefined, startedAt: number): [string, string | undefined][] {
	return [
		["catalog", catalogBytes === undefined ? undefined : `${thousands(catalogBytes)} bytes`],
		["took", `${((performance.now() - startedAt) / 1000).toFixed(2)} s`],
	];
}

export function count(number: number, one: string, many = `${one}s`): string {
	return `${thousands(number)} ${number === 1 ? one : many}`;
}

/** 1,234,567. Not toLocaleString: loading a locale's data takes longer than verifying a file. */
export function thousands(number: number): string {
	return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function bytes(size: number): string {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let power = 0;
	for (let left = size; left >= 1024 && power < units.length - 1; left /= 1024) power++;
	return `${power === 0 ? size : (size / 1024 ** power).toFixed(1)} ${units[power]}`;
}

export function isoTime(milliseconds: number): string {
	return new Date(milliseconds).toISOString().replace(".000Z", "Z");
}
