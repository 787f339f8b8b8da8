/** The door for programs that verify: nothing here can sign or touches a private key. */

export type { AttributeStatus } from "./attribute-trial.js";
export { contentDigest } from "./digest/authenticode.js";
export { createFsverityHasher, type FsverityHasher, type FsverityOptions } from "./digest/fsverity.js";
export { ERROR_CODES, type ErrorCode, type ExitStatus, errnoReason, quote, SigtoolError } from "./errors.js";
export type { Finding, SignedFile, SignedSet } from "./fileset/compare.js";
export {
	digestFile,
	digestStandardInput,
	type FileDigest,
	type FileDigestAlgorithm,
	type FileDigestOptions,
} from "./fileset/digest-file.js";
export type { HashProgress } from "./fileset/hash-files.js";
export { type CarriedAttribute, ENTRY_KIND } from "./fileset/manifest.js";
export { resolveEntry } from "./fileset/resolve-entry.js";
export {
	ATTRIBUTE_FORMATS,
	type AttributeFormat,
	type AttributeNaming,
	isSignatureFormat,
} from "./formats/attribute-format.js";
export type { Catalog, MemberTable, NameValue } from "./formats/cat.js";
export type { CatalogFacts } from "./formats/cat-facts.js";
export {
	type CatalogInspection,
	type InspectedCertificate,
	type InspectedMember,
	type InspectedNestedSignature,
	type InspectedSigner,
	inspectCatalog,
	inspectCatalogFile,
} from "./inspect.js";
export { type InspectedAttribute, inspectAttributes } from "./inspect-attributes.js";
export {
	type Certificate,
	certificatesFromFileBytes,
	certificatesFromPem,
	isDevelopmentCertificate,
	parseCertificate,
	spkiSha256,
} from "./pki/certificate.js";
export { type RevocationList, revocationListsFromFileBytes } from "./pki/crl.js";
export { DENIED_KINDS, type Denial, type DeniedKind } from "./pki/deny-list.js";
export { expiryNotice } from "./pki/expiry.js";
export { normalizeNameText } from "./pki/name-text.js";
export type { CertificateStatus } from "./pki/revocation.js";
export {
	defaultTrust,
	type TrustedAuthority,
	type TrustedPin,
	type TrustPolicy,
	trustFromCertificates,
} from "./pki/trust-store.js";
export { readBounded } from "./store.js";
export { MAX_TRUST_INDEX_BYTES } from "./trust/index-layout.js";
export { jsonShape, type Reader, type Refusal } from "./trust/json-shape.js";
export {
	DEFAULT_POLICY,
	MAX_POLICY_BYTES,
	type Mode,
	type Policy,
	parsePolicy,
	policyFromFileBytes,
	policyInMode,
} from "./trust/policy.js";
export {
	type FindRecord,
	type IndexEntry,
	type IndexedProduct,
	isTrustIndex,
	parseTrustIndex,
	type TrustIndex,
	type TrustIndexVerifyOptions,
	type VerifiedTrustIndex,
	verifyTrustIndex,
} from "./trust/trust-index.js";
export { configDirectory } from "./user-files.js";
export { type RevocationOptions, type Verification, type VerifyOptions, worstExitStatus } from "./verification.js";
export { verifyPath } from "./verify.js";
export {
	type AttributeVerification,
	type AttributeVerifyOptions,
	type VerifiedAttribute,
	verifyAttributes,
} from "./verify-attributes.js";
export {
	type CatalogVerifyOptions,
	type JudgedTime,
	type Verified,
	type VerifiedCatalog,
	type VerifiedSigner,
	verifyCatalog,
} from "./verify-catalog.js";
export { loadCatalogs, readCatalogFile, signedEntries, type UsedCatalog } from "./verify-sources.js";
