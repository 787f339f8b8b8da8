/** What to put on a deny list for a file that is at hand. */

import { createHash } from "node:crypto";
import { quote, SigtoolError } from "../errors.js";
import { digestFile } from "../fileset/digest-file.js";
import { certificatesFromFileBytes, spkiSha256 } from "../pki/certificate.js";
import { parseSignedData } from "../pki/cms.js";
import type { DeniedKind } from "../pki/deny-list.js";
import { readBounded } from "../system/store.js";
import { isTrustIndex, signedPartOf } from "../trust/trust-index.js";
import { readCatalogFile } from "../verify/catalog-file.js";

export interface DeniedDigest {
	readonly kind: DeniedKind;
	/** Lowercase hexadecimal. */
	readonly sha256: string;
}

/**
 * @param kind by the name when absent: the key of `*.pem`, `*.crt`, `*.cer` and `*.der`, `*.cat` and `*.sigx` as catalogs, all
 * else as files
 * @returns of a catalog two: the file, and what is signed in it, which no other certificates or timestamps change; of a
 * certificate too
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_IO, ERR_LIMIT, and what reading a certificate, catalog or index throws
 */
export function denialsOfFile(file: string, kind: DeniedKind = kindByName(file)): DeniedDigest[] {
	switch (kind) {
		case "file":
			return [{ kind, sha256: Buffer.from(digestFile(file, "sha256").digest).toString("hex") }];
		case "catalog": {
			const octets = readCatalogFile(file);
			return [octets, signedOctets(octets, file)].map((part) => ({ kind, sha256: sha256Of(part) }));
		}
		default: {
			const [certificate, ...others] = certificatesFromFileBytes(readBounded(file, MAX_CERTIFICATE_FILE_BYTES));
			if (others.length > 0) {
				const message = `Cannot choose among ${others.length + 1} certificates in ${quote(file)}`;
				throw new SigtoolError("ERR_USAGE", message, { path: file });
			}
			if (kind === "key") return [{ kind, sha256: spkiSha256(certificate) }];
			return [certificate.der, certificate.tbs].map((part) => ({ kind, sha256: sha256Of(part) }));
		}
	}
}

function kindByName(file: string): DeniedKind {
	if (/\.(pem|crt|cer|der)$/i.test(file)) return "key";
	return /\.(cat|sigx)$/i.test(file) ? "catalog" : "file";
}

function signedOctets(octets: Uint8Array, file: string): Uint8Array {
	if (isTrustIndex(octets)) return signedPartOf(octets);
	const { contentValue } = parseSignedData(octets, "catalog");
	if (contentValue !== undefined) return contentValue;
	throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot deny ${quote(file)}: nothing is signed in it`, { path: file });
}

function sha256Of(octets: Uint8Array): string {
	return createHash("sha256").update(octets).digest("hex");
}

const MAX_CERTIFICATE_FILE_BYTES = 2 ** 22;
