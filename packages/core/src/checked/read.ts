/**
 * Programs load this module as `@sigtool/core/read`. It exports everything that `../read.js` exports. The functions
 * that are named below check their arguments before they run. The other packages of this project are bundled with
 * `../read.js`, without these checks, because the compiler has checked the arguments of their calls.
 */

import type { FileDigestAlgorithm, FileDigestOptions } from "../fileset/digest-file.js";
import {
	bytes,
	type Check,
	callback,
	checkedFunctions,
	finiteNumber,
	listOf,
	made,
	type ObjectChecks,
	object,
	oneOf,
	optional,
	sha256Text,
	someOf,
	text,
} from "../options/check.js";
import * as unchecked from "../read.js";
import type { MergeOptions } from "../verify/merge.js";
import type { SourceOptions } from "../verify/sources.js";
import {
	attributeFormat,
	catalogMembers,
	certificate,
	certificates,
	development,
	givenRevocation,
	mergeMembers,
	milliseconds,
	naming,
	onProgress,
	path,
	profile,
	refusedAuthorities,
	revocation,
	sourceMembers,
	trust,
} from "./shapes.js";

export * from "../read.js";

const fsverityMembers = { blockSize: optional(finiteNumber), salt: optional(bytes) };
const fileDigestOptions: Check<FileDigestOptions | undefined> = optional(object<FileDigestOptions>(fsverityMembers));
const usedCatalog = made<unchecked.UsedCatalog>("a catalog that loadCatalogs() returns", "catalog", "facts");
const policy = made<unchecked.Policy>("a policy, which parsePolicy() returns", "version", "files");
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
	catalogsCovering,
	certificatesFromFileBytes,
	certificatesFromPem,
	createFsverityHasher,
	digestFile,
	digestStandardInput,
	digestsToDeny,
	expiryNotice,
	hostFromFileBytes,
	inspectAttributes,
	inspectCatalog,
	inspectCatalogFile,
	isCertificateAuthority,
	isDevelopmentCertificate,
	isTrustIndex,
	launcherFromFileBytes,
	loadCatalogs,
	nativeAbsence,
	nativePackage,
	nativePart,
	normalizeNameText,
	operandKind,
	otherWriterOf,
	packageAbove,
	parseCertificate,
	parseTrustIndex,
	policyFromFileBytes,
	policyInMode,
	readBounded,
	readCatalogFile,
	resolveEntry,
	revocationListsFromFileBytes,
	sharedFromFileBytes,
	signedEntries,
	spkiSha256,
	trustFromCertificates,
	verifyAttributes,
	verifyCatalog,
	verifyPath,
	verifyTrustIndex,
	verifyUnrevokedIndex,
} = checkedFunctions(unchecked, {
	catalogsCovering: [["directory", path]],
	certificatesFromFileBytes: [["bytes", bytes]],
	certificatesFromPem: [["text", text]],
	createFsverityHasher: [
		["options", object<unchecked.FsverityOptions>({ algorithm: oneOf("sha256", "sha512"), ...fsverityMembers })],
	],
	digestFile: [
		["path", path],
		["algorithm", oneOf(...FILE_ALGORITHMS)],
		["options", fileDigestOptions],
	],
	digestStandardInput: [
		["algorithm", oneOf(...STREAM_ALGORITHMS)],
		["options", fileDigestOptions],
	],
	digestsToDeny: [["certificate", certificate]],
	expiryNotice: [
		[
			"certificates",
			listOf(made<Parameters<typeof unchecked.expiryNotice>[0][number]>("a certificate", "subject", "notAfter")),
		],
		["at", milliseconds],
	],
	hostFromFileBytes: [
		["bytes", bytes],
		["file", path],
	],
	inspectAttributes: [["path", path]],
	inspectCatalog: [["bytes", bytes]],
	inspectCatalogFile: [["file", path]],
	isCertificateAuthority: [["certificate", certificate]],
	isDevelopmentCertificate: [["certificate", certificate]],
	isTrustIndex: [["bytes", bytes]],
	launcherFromFileBytes: [
		["bytes", bytes],
		["file", path],
	],
	loadCatalogs: [
		["directory", path],
		["options", object<SourceOptions>(sourceMembers)],
	],
	nativeAbsence: [["from", path]],
	nativePackage: [["from", path]],
	nativePart: [
		["part", oneOf("addon.node", "gate.so", "sigtool.node", "sigtool-launch")],
		["from", path],
		["compiled", optional(path)],
	],
	normalizeNameText: [["text", text]],
	operandKind: [["path", path]],
	otherWriterOf: [
		["stats", made<Parameters<typeof unchecked.otherWriterOf>[0]>("the result of stat()", "mode", "uid")],
		["own", optional(finiteNumber)],
		["sticky", oneOf("accept", "refuse")],
	],
	packageAbove: [
		["name", text],
		["from", path],
	],
	parseCertificate: [["der", bytes]],
	parseTrustIndex: [["bytes", bytes]],
	policyFromFileBytes: [
		["bytes", bytes],
		["file", path],
	],
	policyInMode: [
		["policy", policy],
		["mode", oneOf("off", "audit", "enforce", "strict")],
	],
	readBounded: [
		["path", path],
		["maxBytes", finiteNumber],
	],
	readCatalogFile: [["file", path]],
	resolveEntry: [
		["root", path],
		["path", path],
	],
	revocationListsFromFileBytes: [
		["bytes", bytes],
		["name", text],
	],
	sharedFromFileBytes: [
		["bytes", bytes],
		["file", path],
	],
	signedEntries: [
		["catalogs", listOf(usedCatalog)],
		["options", object<MergeOptions>(mergeMembers)],
		["path", optional(path)],
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
				revocation,
				onProgress,
			}),
		],
	],
	verifyTrustIndex: [
		["bytes", bytes],
		["options", object<unchecked.TrustIndexVerifyOptions>(indexMembers)],
	],
	verifyUnrevokedIndex: [
		["bytes", bytes],
		["options", object<unchecked.IndexRevocationOptions>({ ...indexMembers, revocation: givenRevocation })],
	],
});
