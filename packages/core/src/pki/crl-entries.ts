/**
 * Reads the entries of a revocation list: SEQUENCE OF SEQUENCE { userCertificate INTEGER, revocationDate Time,
 * crlEntryExtensions OPTIONAL } (RFC 5280 §5.1.2.6). The entries stay bytes and do not become objects, because some
 * lists have a million entries.
 */

import { compareBytes, DerReader, TAG } from "../asn1/der.js";
import { reasonOf, SigtoolError } from "../errors.js";
import { type Extension, readExtensionMap } from "./extensions.js";
import { type RevocationDetails, revokedSinceEver, worse } from "./revocation.js";

/**
 * Refuses a list if any entry has a critical extension that sigtool does not apply, because such a list must not be
 * used for any certificate (§5.3). Also refuses a list with a malformed serial number, because nobody can tell which
 * certificate the entry revokes. The other details of an entry are read only by `findRevocation`.
 * @throws ERR_CERTIFICATE_EXTENSION, ERR_DER
 */
export function checkEntries(entries: Uint8Array): void {
	const reader = new DerReader(entries, WHAT);
	reader.open(TAG.SEQUENCE);
	while (!reader.done) {
		const outer = reader.open(TAG.SEQUENCE);
		reader.integerBytes();
		reader.next();
		if (!reader.done) checkCritical(reader);
		reader.close(outer);
	}
}

/**
 * Reads crlEntryExtensions and refuses a critical extension that sigtool does not apply. Other extensions are not
 * decoded, because a list may have a million entries.
 */
function checkCritical(reader: DerReader): void {
	const outer = reader.open(TAG.SEQUENCE);
	while (!reader.done) {
		const { position } = reader;
		const inner = reader.open(TAG.SEQUENCE);
		reader.next(TAG.OID);
		if (reader.peek() === TAG.BOOLEAN && reader.boolean()) refuseUnapplied(reader, position);
		reader.next(TAG.OCTET_STRING);
		reader.close(inner);
	}
	reader.close(outer);
}

function refuseUnapplied({ bytes }: DerReader, position: number): void {
	const reader = new DerReader(bytes, WHAT, position);
	reader.open(TAG.SEQUENCE);
	const oid = reader.oid();
	if (oid === REASON_CODE || oid === INVALIDITY_DATE) return;
	const message = `Cannot use the revocation list: an entry has the critical extension ${oid}, which is not applied`;
	throw new SigtoolError("ERR_CERTIFICATE_EXTENSION", message);
}

/**
 * Returns the details of the entry with a serial number, or undefined if there is none. If several entries have the
 * number, their details are joined by `worse`. `serial` is the value of an INTEGER in minimal form.
 * @throws ERR_DER
 */
export function findRevocation(entries: Uint8Array, serial: Uint8Array): RevocationDetails | undefined {
	const reader = new DerReader(entries, WHAT);
	let found: RevocationDetails | undefined;
	reader.open(TAG.SEQUENCE);
	while (!reader.done) {
		const outer = reader.open(TAG.SEQUENCE);
		// integerBytes() refuses a number that is not minimal. Otherwise a revoked serial number in another encoding would
		// not be found.
		if (compareBytes(reader.integerBytes(), serial) === 0) {
			const details = detailsOrWorst(() => readEntryDetails(new DerReader(entries, WHAT, reader.position, reader.end)));
			found = found === undefined ? details : worse(found, details);
		}
		reader.leave(outer);
	}
	return found;
}

function readEntryDetails(reader: DerReader): RevocationDetails {
	return { revokedAt: reader.time(), ...readDetails(reader.done ? NONE : readExtensionMap(reader)) };
}

/**
 * Returns the details that `read` returns. If `read` throws a SigtoolError, returns the worst details instead:
 * otherwise the revocation would be lost, and an older statement of another source could prove that the certificate is
 * good.
 */
export function detailsOrWorst(read: () => RevocationDetails): RevocationDetails {
	try {
		return read();
	} catch (error) {
		if (error instanceof SigtoolError) return revokedSinceEver(reasonOf(error));
		throw error;
	}
}

/** Reads reasonCode and invalidityDate, §5.3. An OCSP response may have these extensions too, RFC 6960 §4.4.5. */
export function readDetails(extensions: ReadonlyMap<string, Extension>): Omit<RevocationDetails, "revokedAt"> {
	const reason = extensions.get(REASON_CODE);
	const invalidity = extensions.get(INVALIDITY_DATE);
	return {
		...(reason && { reason: new DerReader(reason.value, WHAT).integer(TAG.ENUMERATED) }),
		...(invalidity && { invalidSince: new DerReader(invalidity.value, WHAT).time() }),
	};
}

const WHAT = "revocation list";
const NONE: ReadonlyMap<string, Extension> = new Map();
const REASON_CODE = "2.5.29.21";
const INVALIDITY_DATE = "2.5.29.24";
