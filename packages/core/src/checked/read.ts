/**
 * Programs load this module as `@sigtool/core/read`. It exports everything that `../read.js` exports. The functions
 * that are named below check their arguments before they run. The other packages of this project are bundled with
 * `../read.js`, without these checks, because the compiler has checked the arguments of their calls.
 */

import type { FileDigestAlgorithm, FileDigestOptions } from "../fileset/hash/digest-file.js";
import {
	bytes,
	type Check,
	callback,
	checkedFunctions,
	finiteNumber,
	type ObjectChecks,
	object,
	oneOf,
	optional,
	sha256Text,
	someOf,
	text,
	wholeNumber,
} from "../options/check.js";
import * as unchecked from "../read.js";
import {
	attributeFormat,
	catalogMembers,
	certificate,
	certificates,
	development,
	milliseconds,
	naming,
	onProgress,
	path,
	profile,
	refusedAuthorities,
	revocation,
	signal,
	sourceMembers,
	trust,
} from "./shapes.js";

export * from "../read.js";

const fsverityMembers = { blockSize: optional(finiteNumber), salt: optional(bytes) };
const fileDigestOptions: Check<FileDigestOptions | undefined> = optional(object<FileDigestOptions>(fsverityMembers));
const indexMembers: ObjectChecks<unchecked.TrustIndexVerifyOptions> = {
	trust,
	timestampAnchors: optional(certificates),
	refusedAuthorities,
	at: optional(milliseconds),
	development,
	findRecord: optional(callback()),
	digests: optional(object<unchecked.IndexDigests>({ index: sha256Text, content: sha256Text })),
};
const STREAM_ALGORITHMS = ["sha256", "sha512", "fsverity-sha256", "fsverity-sha512"] as const;
const FILE_ALGORITHMS = [...STREAM_ALGORITHMS, "authenticode"] as const satisfies readonly FileDigestAlgorithm[];

export const {
	certificatesFromFileBytes,
	certificatesFromPem,
	digestFile,
	inspectAttributes,
	inspectCatalog,
	inspectCatalogFile,
	isDevelopmentCertificate,
	normalizeNameText,
	parseCertificate,
	policyFromFileBytes,
	revocationListsFromFileBytes,
	spkiSha256,
	trustFromCertificates,
	verifyAttributes,
	verifyCatalog,
	verifyPath,
	verifyTrustIndex,
} = checkedFunctions(unchecked, {
	certificatesFromFileBytes: [["bytes", bytes]],
	certificatesFromPem: [["text", text]],
	digestFile: [
		["path", path],
		["algorithm", oneOf(...FILE_ALGORITHMS)],
		["options", fileDigestOptions],
	],
	inspectAttributes: [["path", path]],
	inspectCatalog: [["bytes", bytes]],
	inspectCatalogFile: [["file", path]],
	isDevelopmentCertificate: [["certificate", certificate]],
	normalizeNameText: [["text", text]],
	parseCertificate: [["der", bytes]],
	policyFromFileBytes: [
		["bytes", bytes],
		["file", path],
	],
	revocationListsFromFileBytes: [
		["bytes", bytes],
		["name", text],
	],
	spkiSha256: [["certificate", certificate]],
	trustFromCertificates: [["certificates", certificates]],
	verifyAttributes: [
		["path", path],
		[
			"options",
			object<unchecked.AttributeVerifyOptions>({
				...naming,
				formats: someOf(attributeFormat, "a list of formats"),
				trust,
				certificates: optional(certificates),
				at: optional(milliseconds),
				profile,
				revocation,
				bareHashes: optional(oneOf("refuse", "accept")),
				onProgress,
				signal,
			}),
		],
	],
	verifyCatalog: [
		["bytes", bytes],
		["options", object<unchecked.CatalogVerifyOptions>(catalogMembers)],
	],
	verifyPath: [
		["path", path],
		[
			"options",
			object<unchecked.VerifyOptions>({
				...sourceMembers,
				extent: optional(oneOf("files", "signature")),
				added: optional(oneOf("fail", "warn", "ignore")),
				ignoreRules: optional(oneOf("apply", "report")),
				maxFileBytes: optional(wholeNumber(0)),
				revocation,
				onProgress,
				signal,
			}),
		],
	],
	verifyTrustIndex: [
		["bytes", bytes],
		["options", object<unchecked.TrustIndexVerifyOptions>(indexMembers)],
	],
});
