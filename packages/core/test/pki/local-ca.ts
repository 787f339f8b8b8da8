/**
 * Provides an authority that revokes certificates. `openssl ca` makes its lists, and `openssl ocsp` makes the responses
 * of its responder.
 */

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execFileSync } from "../../../../test/outside.js";
import type { Exchange } from "./local-tsa.js";
import type { Issued, Workshop } from "./openssl.js";

export interface Revocation {
	readonly serial: string;
	/**
	 * The time as YYMMDDHHMMSSZ, followed by a reason in the form of openssl's database, such as `,keyCompromise` or
	 * `,keyTime,20250101000000Z`.
	 */
	readonly revoked?: string;
}

export const OCSP_SIGNER = [
	"basicConstraints=critical,CA:FALSE",
	"keyUsage=critical,digitalSignature",
	"extendedKeyUsage=OCSPSigning",
];

/** Formats a time as openssl's database does: YYMMDDHHMMSSZ. */
export function databaseTime(milliseconds: number): string {
	return `${new Date(milliseconds)
		.toISOString()
		.replace(/[-:T]|\.\d+Z$/g, "")
		.slice(2)}Z`;
}

/** Writes a database with these certificates into a new directory, and returns this directory. */
function openDatabase({ directory }: Workshop, entries: readonly Revocation[]): string {
	const place = mkdtempSync(join(directory, "ca-"));
	mkdirSync(place, { recursive: true });
	const lines = entries.map(({ serial, revoked }) => {
		return [revoked === undefined ? "V" : "R", "400101000000Z", revoked ?? "", serial, "unknown", `/CN=${serial}`].join(
			"\t",
		);
	});
	writeFileSync(join(place, "index.txt"), lines.map((line) => `${line}\n`).join(""));
	writeFileSync(join(place, "ca.cnf"), `[ca]\ndefault_ca=one\n[one]\ndatabase=${place}/index.txt\ndefault_md=sha256\n`);
	return place;
}

export interface ListOptions {
	/** The times are in the form YYMMDDHHMMSSZ. By default a list is valid for a week from now. */
	readonly lastUpdate?: string;
	readonly nextUpdate?: string;
	/** Additional lines of openssl's configuration. */
	readonly extensions?: readonly string[];
}

/** Issues a list in PEM and returns its path. */
export function issueList(
	workshop: Workshop,
	authority: Issued,
	entries: readonly Revocation[],
	{ lastUpdate, nextUpdate, extensions = [] }: ListOptions = {},
): string {
	const place = openDatabase(workshop, entries);
	const file = join(place, "list.pem");
	writeFileSync(join(place, "extensions.cnf"), ["[more]", ...extensions].join("\n"));
	workshop.openssl(
		...["ca", "-gencrl", "-config", join(place, "ca.cnf"), "-cert", authority.file, "-keyfile", authority.keyFile],
		...["-out", file, "-crldays", "7"],
		...(lastUpdate === undefined ? [] : ["-crl_lastupdate", lastUpdate]),
		...(nextUpdate === undefined ? [] : ["-crl_nextupdate", nextUpdate]),
		...(extensions.length === 0 ? [] : ["-crlexts", "more", "-config", joined(place)]),
	);
	return file;
}

/** Joins the two configurations to one file. `-crlexts` names a section, and openssl reads only one configuration. */
function joined(place: string): string {
	const file = join(place, "both.cnf");
	writeFileSync(file, ["ca.cnf", "extensions.cnf"].map((name) => readFileSync(join(place, name), "utf8")).join("\n"));
	return file;
}

/** Makes an OCSP response to a request. */
export function respond(
	workshop: Workshop,
	request: Uint8Array,
	authority: Issued,
	signer: Issued,
	entries: readonly Revocation[],
	args: readonly string[] = ["-ndays", "1"],
): Buffer {
	const place = openDatabase(workshop, entries);
	const [query, reply] = [join(place, "query.der"), join(place, "reply.der")];
	writeFileSync(query, request);
	execFileSync(
		"openssl",
		[
			...["ocsp", "-index", join(place, "index.txt"), "-CA", authority.file, "-rsigner", signer.file],
			...["-rkey", signer.keyFile, "-reqin", query, "-respout", reply, ...args],
		],
		{ stdio: "pipe" },
	);
	return readFileSync(reply);
}

export function sendResponse({ response }: Exchange, body: Uint8Array): void {
	response.writeHead(200, { "content-type": "application/ocsp-response" }).end(body);
}
