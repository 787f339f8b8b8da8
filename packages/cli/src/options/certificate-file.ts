import { type Certificate, certificatesFromFileBytes, readBounded } from "@sigtool/core";
import { quote, reasonOf, SigtoolError } from "@sigtool/core/errors";
import { usageError } from "./usage.js";

/** A bundle of CA certificates has some 200 KB. */
const MAX_BYTES = 2 ** 22;

/** Every certificate of a PEM or DER file named on the command line. @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_IO, ERR_LIMIT */
export function readCertificates(file: string): Certificate[] {
	const octets = readBounded(file, MAX_BYTES);
	try {
		return certificatesFromFileBytes(octets);
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		throw usageError(`Cannot use ${quote(file)}: ${reasonOf(error)}`);
	}
}

/** The only certificate of a file. @throws as readCertificates */
export function readCertificateFile(file: string): Certificate {
	const [certificate, ...others] = readCertificates(file);
	if (others.length > 0) throw usageError(`Cannot choose among ${others.length + 1} certificates in ${quote(file)}`);
	return certificate;
}
