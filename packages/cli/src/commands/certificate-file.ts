import { readFileSync } from "node:fs";
import { type Certificate, certificatesFromFileBytes } from "@sigtool/core";
import { SigtoolError } from "@sigtool/core/errors";
import { plain } from "../output.js";
import { usageError } from "../usage.js";

/** Every certificate of a PEM or DER file named on the command line. @throws ERR_USAGE */
export function readCertificates(file: string): Certificate[] {
	let octets: Buffer;
	try {
		octets = readFileSync(file);
	} catch (cause) {
		throw usageError(`Cannot read certificates from "${plain(file)}": ${(cause as NodeJS.ErrnoException).code}`);
	}
	try {
		return certificatesFromFileBytes(octets);
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		throw usageError(`Cannot use certificates from "${plain(file)}": ${error.message}`);
	}
}

/** The only certificate of a file. @throws ERR_USAGE */
export function readCertificateFile(file: string): Certificate {
	const [certificate, ...others] = readCertificates(file);
	if (others.length > 0) throw usageError(`Cannot choose among ${others.length + 1} certificates in "${plain(file)}"`);
	return certificate;
}
