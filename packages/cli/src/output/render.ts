/** Formats facts that several commands show. */

import { isAbsolute, relative } from "node:path";
import {
	type Certificate,
	type JudgedTime,
	type SignerStatus,
	spkiSha256,
	type TimestampDescription,
	type UsedCatalog,
	type VerifiedSigner,
} from "@sigtool/core";
import { quote } from "@sigtool/core/errors";
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
 * Shows the signer of something verified. If the key is pinned by its hash alone, shows only the pin, because nobody
 * signed the certificate that came with the signature.
 */
export function trustedSignerRows({ certificate, spkiSha256, development }: VerifiedSigner): [string, string][] {
	return certificate === undefined
		? [["pin", `${spkiSha256}  (the key alone, without dates)`]]
		: signerRows(certificate, development);
}

/** Returns the content of `trustedSignerRows` for the JSON document. */
export function trustedSignerFields({ certificate, spkiSha256, development }: VerifiedSigner): Record<string, unknown> {
	if (certificate !== undefined) return signerFields(certificate, development);
	return { subject: null, issuer: null, notBefore: null, notAfter: null, spkiSha256, development };
}

type ShownCatalog = Pick<UsedCatalog, "file" | "facts" | "signer" | "judgedAt" | "revocation">;

/**
 * Returns the note that a development identity signed `path`, or no note if none did. A note is printed even with
 * --quiet.
 */
export function developmentNotes(path: string, signers: readonly { readonly development: boolean }[]): string[] {
	if (!signers.some(({ development }) => development)) return [];
	return [`a development identity signed ${quote(path)}; other machines do not trust it`];
}

/** Shows a verified catalog and why it is trusted. */
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

/** Shows the status of each certificate, or nothing if revocation was not checked. */
export function revocationRows(statuses: readonly SignerStatus[] = []): [string, string][] {
	return statuses.map((status) => ["revocation", revocationText(status)]);
}

/** Returns the content of `revocationRows` for the JSON document. */
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
 * Separates the warnings about pinned keys, if statuses are required. They are then notes, because with --quiet nobody
 * would see that no authority was asked.
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

/** Shows the time for which a signer was judged, and where that time comes from. */
export function judgedRow(judgedAt: JudgedTime): [string, string] {
	return ["judged at", `${isoTime(Math.floor(judgedAt.at / 1000) * 1000)} (${timeSource(judgedAt)})`];
}

/** Returns the content of `judgedRow` for the JSON document. */
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

/** Shows a timestamp as it claims to be. Nothing about it is verified. */
export function timestampClaim({ kind, time, signer }: TimestampDescription): string {
	return `${kind} ${time === undefined ? "(unreadable)" : isoTime(time)} ${escaped(signer ?? "")}`;
}

/** Returns the content of `timestampClaim`, and more, for the JSON document. */
export function timestampClaimFields(timestamp: TimestampDescription): Record<string, unknown> {
	return { ...timestamp, time: timestamp.time === undefined ? null : isoTime(timestamp.time) };
}

/**
 * Describes the source of the time for which a signer was judged. If the time is not from a timestamp, adds the reason.
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

/** Makes a path relative if it is below the working directory. */
export function shownPath(file: string): string {
	const path = relative(process.cwd(), file);
	return path.startsWith("..") || isAbsolute(path) ? file : path;
}

/** Returns the content of `catalogRows` for the JSON document. */
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

/** Shows with --verbose how much was written and how long it took. */
export function writtenRows(catalogBytes: number | undefined, startedAt: number): [string, string | undefined][] {
	return [
		["catalog", catalogBytes === undefined ? undefined : `${thousands(catalogBytes)} bytes`],
		["took", `${((performance.now() - startedAt) / 1000).toFixed(2)} s`],
	];
}

export function count(number: number, one: string, many = `${one}s`): string {
	return `${thousands(number)} ${number === 1 ? one : many}`;
}

/**
 * Formats a number as 1,234,567. toLocaleString() would load a locale's data, which takes longer than verifying a file.
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
