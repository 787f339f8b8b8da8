import { type Certificate, certificatesFromFileBytes, readBounded } from "@sigtool/core";
import { quote, reasonOf, SigtoolError } from "@sigtool/core/errors";
import { usageError } from "./usage.js";

/** The limit is 4 MiB. A bundle of all public authorities has about 200 KB. */
const MAX_BYTES = 2 ** 22;

/**
 * Reads every certificate of a PEM or DER file that was named on the command line.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_IO, ERR_LIMIT
 */
export function readCertificates(file: string): Certificate[] {
	const bytes = readBounded(file, MAX_BYTES);
	try {
		return certificatesFromFileBytes(bytes);
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		throw usageError(`Cannot use ${quote(file)}: ${reasonOf(error)}`);
	}
}

/** Reads the certificate of a file that has only one. @throws as readCertificates */
export function readCertificateFile(file: string): Certificate {
	const [certificate, ...others] = readCertificates(file);
	if (others.length > 0)
		throw usageError(`Cannot use ${quote(file)}: it has ${others.length + 1} certificates; name a file with one`);
	return certificate;
}
