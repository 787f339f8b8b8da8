/**
 * Formats facts that several commands print, as rows (label and value) for a person and as fields for the JSON
 * document.
 */

import {
	type Certificate,
	type JudgedTime,
	type SignerStatus,
	spkiSha256,
	type TimestampDescription,
	type UsedCatalog,
	type VerifiedSigner,
} from "@sigtool/core";
import { quote } from "@sigtool/core/internal/errors";
import { pathWithin } from "./locations.js";
import { escaped, type OutputOptions } from "./output.js";

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
	const subject = escaped(certificate.subject.text);
	return [
		["signer", development ? `${subject}  (development)` : subject],
		["pin", spkiSha256(certificate)],
	];
}

/**
 * Returns the rows about the signer of a verified catalog or trust index. If the key is pinned by its SHA-256 alone,
 * there is only the pin: the names and dates in the certificate are then not verified.
 */
export function trustedSignerRows({ certificate, spkiSha256, development }: VerifiedSigner): [string, string][] {
	return certificate === undefined
		? [["pin", `${spkiSha256}  (the key alone, without dates)`]]
		: signerRows(certificate, development);
}

/** Returns the facts of `trustedSignerRows` for the JSON document. */
export function trustedSignerFields({ certificate, spkiSha256, development }: VerifiedSigner): Record<string, unknown> {
	if (certificate !== undefined) return signerFields(certificate, development);
	return { subject: null, issuer: null, notBefore: null, notAfter: null, spkiSha256, development };
}

type ShownCatalog = Pick<UsedCatalog, "file" | "facts" | "signer" | "judgedAt" | "revocation">;

/**
 * Returns the note that a development identity signed `path`, or an empty list if none did. A note is printed even with
 * --quiet.
 */
export function developmentNotes(path: string, signers: readonly { readonly development: boolean }[]): string[] {
	if (!signers.some(({ development }) => development)) return [];
	return [`a development identity signed ${quote(path)}; other machines do not trust it`];
}

/** Returns the rows about a verified catalog and the reason why it is trusted. */
export function catalogRows(catalog: ShownCatalog, options: OutputOptions): [string, string | undefined][] {
	const { file, facts, signer, judgedAt } = catalog;
	const sequence = facts.sequence === undefined ? "" : `, sequence ${facts.sequence}`;
	const chain = options.verbose === true ? signer.chain.slice(1) : [];
	return [
		["catalog", escaped(shownPath(file))],
		["product", facts.product === undefined ? undefined : `${escaped(facts.product)}${sequence}`],
		...trustedSignerRows(signer),
		...chain.map((certificate): [string, string] => ["issued by", escaped(certificate.subject.text)]),
		["trusted by", `${signer.trustedBy.kind} ${escaped(signer.trustedBy.label)}`],
		...revocationRows(catalog.revocation),
		judgedRow(judgedAt),
	];
}

/** Returns a row with the revocation status of each certificate, or no rows if revocation was not checked. */
export function revocationRows(statuses: readonly SignerStatus[] = []): [string, string][] {
	return statuses.map((status) => ["revocation", revocationText(status)]);
}

/** Returns the facts of `revocationRows` for the JSON document. */
export function revocationFields(statuses: readonly SignerStatus[] | undefined): Record<string, unknown> {
	if (statuses === undefined) return {};
	return {
		revocation: statuses.map((status) => {
			const { statement, reasons } = status;
			return { subject: subjectOf(status), status: status.status, source: statement?.source ?? null, reasons };
		}),
	};
}

/**
 * Separates the warnings about pinned keys from the others if --ocsp is `require`. They become notes: a note is printed
 * even with --quiet, so the user learns that no authority was asked about the key.
 */
export function notesOfPins(
	warnings: readonly string[],
	statuses: readonly SignerStatus[] = [],
	{ ocsp }: { readonly ocsp?: string },
): { readonly notes: readonly string[]; readonly warnings: readonly string[] } {
	if (ocsp !== "require") return { notes: [], warnings };
	const notes = new Set(statuses.flatMap(({ status, reasons }) => (status === "not-asked" ? reasons : [])));
	return { notes: [...notes], warnings: warnings.filter((warning) => !notes.has(warning)) };
}

function subjectOf(status: SignerStatus): string {
	return status.status === "not-asked" ? status.pin : status.certificate.subject.text;
}

/** Returns the row with the time for which a signer was judged, and with the source of this time. */
export function judgedRow(judgedAt: JudgedTime): [string, string] {
	return ["judged at", `${isoTime(Math.floor(judgedAt.at / 1000) * 1000)} (${timeSource(judgedAt)})`];
}

/** Returns the facts of `judgedRow` for the JSON document. */
export function judgedFields(judgedAt: JudgedTime): Record<string, unknown> {
	return { ...judgedAt, time: isoTime(judgedAt.at), at: undefined };
}

function revocationText(status: SignerStatus): string {
	const { statement } = status;
	const source = statement === undefined ? "" : ` (${escaped(statement.source)}, ${isoTime(statement.thisUpdate)})`;
	return `${REVOCATION_TEXTS[status.status]}: ${escaped(subjectOf(status))}${source}`;
}

const REVOCATION_TEXTS = {
	good: "not revoked",
	"revoked-later": "revoked later",
	unknown: "unknown",
	"not-asked": "not asked (pinned)",
} as const;

/** Returns the text about a timestamp that is not verified: its kind, its time and its signer, as it claims them. */
export function timestampClaim({ kind, time, signer }: TimestampDescription): string {
	return `${kind} ${time === undefined ? "(unreadable)" : isoTime(time)} ${escaped(signer ?? "")}`;
}

/** Returns the facts of `timestampClaim`, and all other facts about the timestamp, for the JSON document. */
export function timestampClaimFields(timestamp: TimestampDescription): Record<string, unknown> {
	return { ...timestamp, time: timestamp.time === undefined ? null : isoTime(timestamp.time) };
}

/**
 * Returns the text about the source of the time for which a signer was judged. If the time is not from a timestamp, the
 * text has the reason.
 */
function timeSource({ source, authority, without }: JudgedTime): string {
	if (authority !== undefined) return `${source}, by ${escaped(authority)}`;
	return without === undefined ? source : `${source}: ${WITHOUT[without]}`;
}

const WITHOUT = {
	"no-timestamp": "it has no timestamp",
	"unusable-timestamp": "its timestamp does not verify",
	"lifetime-signing": "its signer's certificate does not let a timestamp extend its validity",
} as const;

/**
 * Returns the path relative to the working directory if the file is below that directory. Otherwise returns the path
 * unchanged.
 */
export function shownPath(file: string): string {
	return pathWithin(process.cwd(), file) ?? file;
}

/** Returns the facts of `catalogRows` for the JSON document. */
export function catalogFields({ file, facts, signer, judgedAt, revocation }: ShownCatalog): Record<string, unknown> {
	return {
		file,
		product: facts.product ?? null,
		sequence: facts.sequence ?? null,
		signer: trustedSignerFields(signer),
		trustedBy: signer.trustedBy,
		judgedAt: judgedFields(judgedAt),
		...revocationFields(revocation),
	};
}

/**
 * Returns the rows that --verbose adds: the size of the file that was written, and the time since `startedAt`, which is a
 * value of performance.now().
 */
export function writtenRows(
	what: "catalog" | "index",
	sizeBytes: number | undefined,
	startedAt: number,
): [string, string | undefined][] {
	return [
		[what, sizeBytes === undefined ? undefined : `${thousands(sizeBytes)} bytes`],
		["took", `${((performance.now() - startedAt) / 1000).toFixed(2)} s`],
	];
}

export function count(number: number, one: string, many = `${one}s`): string {
	return `${thousands(number)} ${number === 1 ? one : many}`;
}

/**
 * Formats a whole number as 1,234,567. toLocaleString() would load the data of a locale, which takes longer than to
 * verify a file.
 */
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
