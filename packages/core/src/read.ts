/// <reference types="node" preserve="true" />
/** This entry point is for programs that verify. It exports no function that signs or uses a private key. */

export { contentDigest } from "./digest/authenticode.js";
export { createFsverityHasher, type FsverityHasher, type FsverityOptions } from "./digest/fsverity.js";
export {
	COMMAND,
	ERROR_CODES,
	type ErrorCode,
	type ExitStatus,
	errnoReason,
	isPassing,
	namingErrors,
	quote,
	SigtoolError,
} from "./errors.js";
export type { Finding, SignedFile, SignedSet } from "./fileset/compare.js";
export { pathOfDescriptor } from "./fileset/descriptor-path.js";
export {
	digestFile,
	digestStandardInput,
	type FileDigest,
	type FileDigestAlgorithm,
	type FileDigestOptions,
} from "./fileset/digest-file.js";
export type { HashProgress } from "./fileset/hash-files.js";
export { type CarriedAttribute, ENTRY_KIND } from "./fileset/manifest.js";
export { otherWriterOf } from "./fileset/other-writers.js";
export { resolveEntry } from "./fileset/resolve-entry.js";
export { VERSION_CONTROL } from "./fileset/selection.js";
export {
	ATTRIBUTE_FORMATS,
	type AttributeFormat,
	type AttributeNaming,
	isSignatureFormat,
} from "./formats/attribute-format.js";
export type { Catalog, MemberTable, NameValue } from "./formats/cat.js";
export type { CatalogFacts } from "./formats/cat-facts.js";
export {
	type CatalogFileInspection,
	type CatalogInspection,
	type InspectedCertificate,
	type InspectedMember,
	type InspectedMembers,
	type InspectedNestedSignature,
	type InspectedSigner,
	inspectCatalog,
	inspectCatalogFile,
} from "./inspect/inspect.js";
export { type InspectedAttribute, inspectAttributes } from "./inspect/inspect-attributes.js";
export { argumentChecks, type Check, type ParameterChecks } from "./options/check.js";
export {
	type Certificate,
	certificatesFromFileBytes,
	certificatesFromPem,
	isDevelopmentCertificate,
	parseCertificate,
	spkiSha256,
} from "./pki/certificate.js";
export { isCertificateAuthority } from "./pki/certificate-checks.js";
export { type RevocationList, revocationListsFromFileBytes } from "./pki/crl.js";
export { DENIED_KINDS, type Denial, type DeniedKind, digestsToDeny } from "./pki/deny-list.js";
export { expiryNotice } from "./pki/expiry.js";
export { normalizeNameText } from "./pki/name-text.js";
export type { CertificateStatus } from "./pki/revocation.js";
export type { TimestampDescription } from "./pki/timestamp.js";
export {
	defaultTrust,
	type TrustedAuthority,
	type TrustedPin,
	type TrustPolicy,
	trustFromCertificates,
} from "./pki/trust-store.js";
export { type NativeAbsence, nativeAbsence } from "./system/native-absence.js";
export { type NativePart, nativePackage, nativePart, packageAbove } from "./system/native-package.js";
export { type NativeTarget, nativeTarget } from "./system/native-target.js";
export { readBounded } from "./system/store.js";
export { configDirectory } from "./system/user-files.js";
export { MAX_TRUST_INDEX_BYTES } from "./trust/index-layout.js";
export { MODES, type Mode } from "./trust/mode.js";
export { DEFAULT_POLICY, type Policy, parsePolicy, policyFromFileBytes, policyInMode } from "./trust/policy.js";
export {
	EARLIEST_SECONDS,
	type HostDocument,
	type LauncherDocument,
	LOOK_SECONDS,
	MAX_HOST_BYTES,
	MAX_POLICY_BYTES,
	MAX_SHARED_BYTES,
	type SharedDocument,
} from "./trust/schema.js";
export { hostFromFileBytes, launcherFromFileBytes, sharedFromFileBytes } from "./trust/settings.js";
export {
	type FindRecord,
	type IndexContentView,
	type IndexDigests,
	type IndexEntry,
	type IndexedProduct,
	isTrustIndex,
	type ParsedTrustIndex,
	parseTrustIndex,
	type TrustIndex,
	type TrustIndexVerifyOptions,
	type VerifiedTrustIndex,
	verifyTrustIndex,
} from "./trust/trust-index.js";
export type { AttributeStatus } from "./verify/attribute-trial.js";
export { readCatalogFile } from "./verify/catalog-file.js";
export type { PinnedStatus, RevocationReport, SignerStatus } from "./verify/chain-revocation.js";
export { catalogsCovering } from "./verify/find-catalogs.js";
export {
	type CheckedTrustIndex,
	type IndexRevocationOptions,
	verifyUnrevokedIndex,
} from "./verify/index-revocation.js";
export { signedEntries } from "./verify/merge.js";
export { type OperandKind, operandKind } from "./verify/operand.js";
export type { RevocationOptions } from "./verify/revocation-sources.js";
export { loadCatalogs } from "./verify/sources.js";
export type { UsedCatalog } from "./verify/used-catalog.js";
export { type Verification, type VerifyOptions, worstExitStatus } from "./verify/verification.js";
export { verifyPath } from "./verify/verify.js";
export {
	type AttributeVerification,
	type AttributeVerifyOptions,
	type VerifiedAttribute,
	verifyAttributes,
} from "./verify/verify-attributes.js";
export {
	type CatalogVerifyOptions,
	type JudgedTime,
	type Verified,
	type VerifiedCatalog,
	type VerifiedSigner,
	verifyCatalog,
} from "./verify/verify-catalog.js";
