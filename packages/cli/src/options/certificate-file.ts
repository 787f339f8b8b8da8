import { type Certificate, certificatesFromFileBytes } from "@sigtool/core";
import { readBounded } from "@sigtool/core/internal";
import { quote, reasonOf, SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "./usage.js";

/** The size limit of a certificate file, 4 MiB. A file with all public authorities has about 200 KB. */
const MAX_BYTES = 2 ** 22;

/**
 * Reads all certificates in a PEM or DER file that the user named. There is at least one.
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

/** Reads the only certificate in a file. @throws ERR_USAGE if the file has several; the errors of `readCertificates` */
export function readCertificateFile(file: string): Certificate {
	const [certificate, ...others] = readCertificates(file);
	if (others.length > 0)
		throw usageError(`Cannot use ${quote(file)}: it has ${others.length + 1} certificates; name a file with one`);
	return certificate;
}
