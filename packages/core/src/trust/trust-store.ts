/**
 * Reads the keys and authorities that this user trusts. The root certificates of the system and of Node.js, which are for
 * TLS, are not read.
 */

import { quote, reasonOf, SigtoolError } from "../errors.js";
import {
	type Certificate,
	certificatesFromFileBytes,
	isDevelopmentCertificate,
	MAX_CERTIFICATE_SIZE,
	spkiSha256,
} from "../pki/certificate.js";
import type { Denial } from "../pki/deny-list.js";
import type { TrustedPin, TrustPolicy } from "../pki/trust-policy.js";
import { developmentUse } from "../system/development-use.js";
import { exists } from "../system/look-up.js";
import { readBounded } from "../system/read-file.js";
import { DEVELOPMENT_IDENTITY, hasHome, identityFiles } from "../system/user-files.js";
import { readTrustFile, type StoredPin } from "./trust-file.js";

/**
 * Returns the content of the trust store, and this machine's development identity as a pin. SIGTOOL_DEVELOPMENT decides
 * if development identities are trusted.
 * @throws ERR_CONFIG, ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { defaultTrust } from "@sigtool/core/read";
 *
 * const { pins, authorities } = defaultTrust();
 * console.log(pins.size, authorities.length); // 1 0
 * ```
 */
export function defaultTrust(): TrustPolicy {
	const { pins, authorities, timestampAuthorities, denied } = readTrustFile();
	const development = developmentCertificate();
	return {
		development: developmentUse(),
		...(development === undefined ? {} : { developmentKey: spkiSha256(development) }),
		timestampAuthorities: timestampAuthorities.map(({ certificate }) => certificate),
		deny: denied,
		pins: new Map<string, TrustedPin>([
			...pins.map((pin) => [pin.spkiSha256, storedPin(pin)] as const),
			// The development identity comes last in the map, so it replaces a pin of the trust store for the same key.
			// The key then counts as development whatever the trust store says.
			...(development === undefined ? [] : [developmentPin(development)]),
		]),
		authorities: authorities.map(({ certificate, subject, label }) => ({
			certificate,
			subject,
			label,
			source: "store",
		})),
	};
}

/**
 * Returns the denials of this user's trust store, which apply whatever else is trusted. If the user has no home
 * directory, the list is empty.
 * @throws ERR_CONFIG, ERR_LIMIT, ERR_IO
 */
export function storedDenials(): readonly Denial[] {
	return hasHome() ? readTrustFile().denied : [];
}

/**
 * Returns the key of this machine's development identity, for `TrustPolicy.developmentKey`. Returns undefined if there
 * is no such identity, or if the user has no home directory.
 * @throws ERR_CONFIG, ERR_LIMIT, ERR_IO
 */
export function storedDevelopmentKey(): string | undefined {
	const certificate = hasHome() ? developmentCertificate() : undefined;
	return certificate && spkiSha256(certificate);
}

/**
 * Returns the certificate of this machine's development identity, or undefined if there is none.
 * @throws ERR_CONFIG if the file has no certificate or the first one lacks the development marker; ERR_LIMIT, ERR_IO
 */
export function developmentCertificate(): Certificate | undefined {
	const { certificateFile: path, directory } = identityFiles(DEVELOPMENT_IDENTITY);
	if (!exists(path)) return undefined;
	const refuse = (reason: string, cause?: unknown) => {
		const message = `Cannot use development identity ${quote(path)}: ${reason}`;
		return new SigtoolError("ERR_CONFIG", message, { cause, path });
	};
	const bytes = readBounded(path, MAX_CERTIFICATE_SIZE);
	let certificate: Certificate;
	try {
		[certificate] = certificatesFromFileBytes(bytes);
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		throw refuse(`${reasonOf(cause)}; remove ${quote(directory)}, and the next \`sign\` makes another`, cause);
	}
	if (!isDevelopmentCertificate(certificate)) throw refuse("its certificate lacks the development marker");
	return certificate;
}

/**
 * Returns true if the certificate has the key of this machine's development identity. The certificate need not have the
 * development marker, because anybody with the key can make another certificate without it.
 * @throws ERR_CONFIG, ERR_LIMIT, ERR_IO
 */
export function isDevelopmentKey(certificate: Certificate): boolean {
	return spkiSha256(certificate) === storedDevelopmentKey();
}

function storedPin({ certificate, label }: StoredPin): TrustedPin {
	return { label, source: "store", ...(certificate === undefined ? {} : { certificate }) };
}

function developmentPin(certificate: Certificate): [string, TrustedPin] {
	return [spkiSha256(certificate), { label: certificate.subject.text, source: "development", certificate }];
}
