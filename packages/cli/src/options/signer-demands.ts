/** Reads what the options demand of signers besides trust: their number, and that none was revoked. */

import type { RevocationOptions } from "@sigtool/core";
import { escaped } from "../output/output.js";
import { usageError } from "./usage.js";

export interface SignerDemandOptions {
	readonly require?: string;
	readonly crl?: readonly string[];
	readonly ocsp?: "require" | "prefer" | "off";
}

export interface SignerDemands {
	readonly requiredSigners: number | undefined;
	readonly revocation: RevocationOptions | undefined;
}

/** @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_IO, ERR_LIMIT */
export async function signerDemandsOf({ require, crl, ocsp }: SignerDemandOptions): Promise<SignerDemands> {
	const requiredSigners = require === undefined ? undefined : parseCount(require);
	if (crl === undefined && (ocsp ?? "off") === "off") return { requiredSigners, revocation: undefined };
	// revocation-files.js is imported only here, so that commands that read no revocation lists start faster.
	const { readRevocationLists } = await import("./revocation-files.js");
	const lists = crl?.filter((each) => each !== FETCH).flatMap(readRevocationLists);
	const listSource = crl?.includes(FETCH) === true ? "fetch" : "given";
	return { requiredSigners, revocation: { lists, listSource, ocsp } };
}

/**
 * With this value of --crl, sigtool fetches the lists from the addresses that the certificates contain. A file with
 * this name has to be given as `./fetch`.
 */
const FETCH = "fetch";

function parseCount(text: string): number {
	if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
	throw usageError(`Give --require a number of signers such as 2, not "${escaped(text)}"`);
}
