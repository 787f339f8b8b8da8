/** Implements `sigtool timestamp`: adds a timestamp to a signed catalog. */

import { COMMAND, quote, SigtoolError } from "../errors.js";
import { newTimestamp } from "../formats/cat-envelope.js";
import { CATALOG_OID } from "../formats/cat-model.js";
import { encodeAttribute, parseSignedData, type SignerInfo, withUnsignedAttributes } from "../pki/cms.js";
import { verifySigner } from "../pki/cms-verify.js";
import { describeFileBytes } from "../pki/file-kind.js";
import { isTimestampAttribute, TOKEN_ATTRIBUTE } from "../pki/timestamp.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import { outputFile } from "../system/output-file.js";
import { readBounded } from "../system/read-file.js";
import { writeAtomically } from "../system/store.js";
import { MAX_CATALOG_BYTES } from "../verify/catalog-file.js";

/** The options of `timestampCatalog`. */
export interface TimestampOptions {
	readonly request: TimestampRequest;
	/**
	 * With `replace`, the new timestamp replaces those that the catalog has. With `refuse`, the default, such a catalog
	 * is refused.
	 */
	readonly existing?: "refuse" | "replace";
	/** Ends the request early. The promise rejects with AbortError, and the file is not changed. */
	readonly signal?: AbortSignal;
}

/**
 * Verifies the catalog's signature, requests a timestamp of that signature, and writes the timestamp into the file.
 * Apart from unsigned attributes, all content of the file stays unchanged. If a step fails, the file is not changed.
 * @throws ERR_UNSIGNED; ERR_USAGE for a trust index, and if the catalog has a timestamp and `existing` is `refuse`;
 * ERR_CATALOG_FORMAT, ERR_DER, ERR_CMS_FORMAT, ERR_SIGNATURE, ERR_SIGNED_ATTRIBUTES, ERR_SIGNER_CERTIFICATE,
 * ERR_WEAK_DIGEST, ERR_UNSUPPORTED_ALGORITHM, ERR_NETWORK, ERR_TIMESTAMP, ERR_FILE_CHANGED, ERR_IO, and AbortError
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { certificatesFromPem, timestampCatalog } from "@sigtool/core";
 *
 * const anchors = certificatesFromPem(readFileSync("tsa.crt", "utf8"));
 * const request = { urls: ["http://timestamp.example.com"], anchors };
 * const { time } = await timestampCatalog("lib/lib.cat", { request });
 * console.log(new Date(time).toISOString()); // 2…Z
 * ```
 */
export async function timestampCatalog(file: string, options: TimestampOptions): Promise<NewTimestamp> {
	const { request, existing = "refuse" } = options;
	const bytes = readBounded(file, MAX_CATALOG_BYTES);
	if (describeFileBytes(bytes).kind === "trust index") {
		const reason = `it is a trust index, which \`${COMMAND} compile --timestamp URL\` timestamps when it signs it`;
		throw new SigtoolError("ERR_USAGE", `Cannot timestamp ${quote(file)}: ${reason}`, { path: file });
	}
	const { contentType, contentValue, certificates, signers } = parseSignedData(bytes, "catalog");
	if (contentType !== CATALOG_OID.certTrustList || contentValue === undefined) {
		throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot timestamp ${quote(file)}: it is not a catalog`, {
			path: file,
		});
	}
	const signer = onlySigner(signers, file);
	const { certificate } = verifySigner(signer, { contentType, contentValue, certificates, profile: "default" });
	if (existing === "refuse" && signer.unsignedAttributes.some(isTimestampAttribute)) {
		const message = `Cannot timestamp ${quote(file)}: it has a timestamp; --force replaces it`;
		throw new SigtoolError("ERR_USAGE", message, { path: file });
	}
	const timestamp = await newTimestamp(signer.signature, certificate, request, options.signal);
	if (!readBounded(file, MAX_CATALOG_BYTES).equals(bytes)) {
		throw new SigtoolError("ERR_FILE_CHANGED", `Cannot timestamp ${quote(file)}: it changed meanwhile`, { path: file });
	}
	const others = signer.unsignedAttributes.filter((attribute) => !isTimestampAttribute(attribute));
	const attributes = [
		...others.map(({ oid, values }) => encodeAttribute(oid, ...values)),
		encodeAttribute(TOKEN_ATTRIBUTE, timestamp.token),
	];
	writeAtomically(outputFile(file), withUnsignedAttributes(bytes, attributes));
	return timestamp;
}

function onlySigner([signer, ...others]: readonly SignerInfo[], file: string): SignerInfo {
	if (signer === undefined) {
		throw new SigtoolError("ERR_UNSIGNED", `Cannot timestamp ${quote(file)}: it is not signed`, { path: file });
	}
	if (others.length === 0) return signer;
	const message = `Cannot timestamp ${quote(file)}: it carries more than one signature`;
	throw new SigtoolError("ERR_CMS_FORMAT", message, { path: file });
}
