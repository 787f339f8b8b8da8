/** Computes the digests by which the deny list refuses a given file. */

import { hash } from "node:crypto";
import { namingErrors, quote, SigtoolError } from "../errors.js";
import { digestFile } from "../fileset/hash/digest-file.js";
import { certificatesFromFileBytes, spkiSha256 } from "../pki/certificate.js";
import { parseSignedData } from "../pki/cms.js";
import type { DeniedKind } from "../pki/deny-list.js";
import { readBounded } from "../system/read-file.js";
import { isTrustIndex, signedPartOf } from "../trust/trust-index.js";
import { parseCatalogFile } from "../verify/catalog-file.js";

export interface DeniedDigest {
	readonly kind: DeniedKind;
	/** The digest in lower-case hexadecimal. */
	readonly sha256: string;
}

/**
 * Returns the digests to deny. For the kinds `catalog` and `certificate` there are two: the digest of the whole, and
 * the digest of the signed part, which stays the same if certificates, timestamps or the signature are replaced. For
 * the other kinds there is one.
 * @param kind is derived from the name if it is absent: `key` for `*.pem`, `*.crt`, `*.cer` and `*.der`, `catalog` for
 * `*.cat` and `*.sigx`, else `file`
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_IO, ERR_LIMIT, and the errors of parsing a certificate, catalog or index
 */
export function denialsOfFile(file: string, kind: DeniedKind = kindByName(file)): DeniedDigest[] {
	switch (kind) {
		case "file":
			return [{ kind, sha256: Buffer.from(digestFile(file, "sha256").digest).toString("hex") }];
		case "catalog": {
			const parts = parseCatalogFile(file, (bytes) => [bytes, signedBytes(bytes, file)]);
			return parts.map((part) => ({ kind, sha256: hash("sha256", part, "hex") }));
		}
		default: {
			const bytes = readBounded(file, MAX_CERTIFICATE_FILE_BYTES);
			const read = () => certificatesFromFileBytes(bytes);
			const [certificate, ...others] = namingErrors("certificate", file, read);
			if (others.length > 0) {
				const message = `Cannot choose among ${others.length + 1} certificates in ${quote(file)}: name a file with one`;
				throw new SigtoolError("ERR_USAGE", message, { path: file });
			}
			if (kind === "key") return [{ kind, sha256: spkiSha256(certificate) }];
			return [certificate.der, certificate.tbs].map((part) => ({ kind, sha256: hash("sha256", part, "hex") }));
		}
	}
}

function kindByName(file: string): DeniedKind {
	if (/\.(pem|crt|cer|der)$/i.test(file)) return "key";
	return /\.(cat|sigx)$/i.test(file) ? "catalog" : "file";
}

function signedBytes(bytes: Uint8Array, file: string): Uint8Array {
	if (isTrustIndex(bytes)) return signedPartOf(bytes);
	const { contentValue } = parseSignedData(bytes, "catalog");
	if (contentValue !== undefined) return contentValue;
	throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot deny ${quote(file)}: it has no content`, { path: file });
}

const MAX_CERTIFICATE_FILE_BYTES = 2 ** 22;
