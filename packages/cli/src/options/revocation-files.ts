import { type RevocationList, revocationListsFromFileBytes } from "@sigtool/core";
import { readBounded } from "@sigtool/core/internal";
import { quote, reasonOf, SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "./usage.js";

/** The size limit of a file with revocation lists, 64 MiB. This is room for about a million revoked certificates. */
const MAX_BYTES = 2 ** 26;

/**
 * Reads all revocation lists in a PEM or DER file that the user named. There is at least one.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_IO, ERR_LIMIT
 */
export function readRevocationLists(file: string): RevocationList[] {
	if (/^(https?|ldaps?):\/\//i.test(file)) {
		const fetching = "--crl fetch gets the lists from the addresses that the certificates name";
		throw usageError(`Give --crl a file, not the address ${quote(file)}; ${fetching}`);
	}
	const bytes = readBounded(file, MAX_BYTES);
	let lists: RevocationList[];
	try {
		lists = revocationListsFromFileBytes(bytes, quote(file));
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		throw usageError(`Cannot use ${quote(file)}: ${reasonOf(error)}`);
	}
	if (lists.length === 0) throw usageError(`Cannot use ${quote(file)}: it holds no revocation list`);
	return lists;
}
