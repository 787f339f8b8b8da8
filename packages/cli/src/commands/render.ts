/** How facts that several commands show are written. */

import { type Certificate, spkiSha256 } from "@sigtool/core";
import { plain } from "../output.js";

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

/** For --verbose: what was written, and how long it took. */
export function writtenRows(catalogBytes: number, startedAt: number): [string, string][] {
	return [
		["catalog", `${thousands(catalogBytes)} bytes`],
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
