/** The verb: a timestamp for a catalog that is signed already. */

import { quote, SigtoolError } from "../errors.js";
import { CATALOG_OID } from "../formats/cat.js";
import { newTimestamp } from "../formats/cat-envelope.js";
import { encodeAttribute, parseSignedData, type SignerInfo, withUnsignedAttributes } from "../pki/cms.js";
import { verifySigner } from "../pki/cms-verify.js";
import { isTimestampAttribute, TOKEN_ATTRIBUTE } from "../pki/timestamp.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import { readBounded, writeAtomically } from "../system/store.js";
import { MAX_CATALOG_BYTES } from "../verify/catalog-file.js";

export interface TimestampOptions {
	readonly request: TimestampRequest;
	/** Of timestamps the catalog has. Default `refuse`. */
	readonly existing?: "refuse" | "replace";
}

/**
 * Asks for a timestamp over the catalog's signature, which must be sound, and writes it into the file; all else in
 * it stays. The file is as it was when anything fails.
 * @throws ERR_UNSIGNED, ERR_USAGE when there is a timestamp, ERR_NETWORK, ERR_TIMESTAMP, ERR_FILE_CHANGED, ERR_IO, and what
 * `parseSignedData` and `verifySigner` throw
 */
export async function timestampCatalog(file: string, options: TimestampOptions): Promise<NewTimestamp> {
	const { request, existing = "refuse" } = options;
	const octets = readBounded(file, MAX_CATALOG_BYTES);
	const { contentType, contentValue, certificates, signers } = parseSignedData(octets, "catalog");
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
	const timestamp = await newTimestamp(signer.signature, certificate, request);
	if (!readBounded(file, MAX_CATALOG_BYTES).equals(octets)) {
		throw new SigtoolError("ERR_FILE_CHANGED", `Cannot timestamp ${quote(file)}: it changed meanwhile`, { path: file });
	}
	const others = signer.unsignedAttributes.filter((attribute) => !isTimestampAttribute(attribute));
	const attributes = [
		...others.map(({ oid, values }) => encodeAttribute(oid, ...values)),
		encodeAttribute(TOKEN_ATTRIBUTE, timestamp.token),
	];
	writeAtomically(file, withUnsignedAttributes(octets, attributes));
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
