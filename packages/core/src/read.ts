/// <reference types="node" preserve="true" />
/**
 * This entry point is for programs that verify. It exports no function that signs or uses a private key.
 * @module @sigtool/core/read
 */

export type { FsverityOptions } from "./digest/fsverity.js";
export {
	ERROR_CODES,
	type ErrorCode,
	type ExitStatus,
	type FoundProblem,
	SigtoolError,
	type SigtoolErrorOptions,
} from "./errors.js";
export type { Finding, SignedFile, SignedSet } from "./fileset/compare/compare.js";
export {
	digestFile,
	type FileDigest,
	type FileDigestAlgorithm,
	type FileDigestOptions,
} from "./fileset/hash/digest-file.js";
export type { HashProgress } from "./fileset/hash/hash-files.js";
export type { CarriedAttribute } from "./fileset/manifest.js";
export { ATTRIBUTE_FORMATS, type AttributeFormat, type AttributeNaming } from "./formats/attribute-format.js";
export type { CatalogFacts } from "./formats/cat-facts.js";
export type { Catalog, MemberTable, NameValue } from "./formats/cat-model.js";
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
export type { TrustedKey } from "./pki/attribute-keys.js";
export {
	type Certificate,
	certificatesFromFileBytes,
	certificatesFromPem,
	isDevelopmentCertificate,
	type KeyAlgorithm,
	parseCertificate,
	spkiSha256,
} from "./pki/certificate.js";
export type { Chain } from "./pki/chain.js";
export { type RevocationList, revocationListsFromFileBytes } from "./pki/crl.js";
export { DENIED_KINDS, type Denial, type DeniedKind } from "./pki/deny-list.js";
export type { ListScope } from "./pki/distribution-points.js";
export type { Expiry } from "./pki/expiry.js";
export type { CertificateExtensions, Extension } from "./pki/extensions.js";
export type { GeneralName, GeneralNameKind } from "./pki/general-name.js";
export type { DistinguishedName } from "./pki/name.js";
export { normalizeNameText } from "./pki/name-text.js";
export type { CertificateStatus, RevocationDetails, RevocationStatement, StatementSource } from "./pki/revocation.js";
export type { AlgorithmIdentifier, DigestName, EvidenceDigest, Profile } from "./pki/signature-algorithm.js";
export type { Timestamp, TimestampDescription, TimestampKind } from "./pki/timestamp.js";
export {
	type PolicySigners,
	type TrustedAuthority,
	type TrustedPin,
	type TrustPolicy,
	type TrustSource,
	trustFromCertificates,
} from "./pki/trust-policy.js";
export { AbortError } from "./system/abort.js";
export type { DevelopmentUse } from "./system/development-use.js";
export { DEFAULT_POLICY } from "./trust/default-policy.js";
export type { ProductSigner } from "./trust/file-rules.js";
export type { FileText } from "./trust/index-head.js";
export { MODES, type Mode } from "./trust/mode.js";
export { type Policy, parsePolicy, policyFromFileBytes } from "./trust/policy.js";
export type { SignedPolicy } from "./trust/signed-policy.js";
export type { FindRecord, IndexDigests, IndexEntry, IndexedProduct, TrustIndex } from "./trust/trust-index.js";
export { defaultTrust } from "./trust/trust-store.js";
export type { VerifiedSignature } from "./trust/verify-detached.js";
export { type TrustIndexVerifyOptions, type VerifiedTrustIndex, verifyTrustIndex } from "./trust/verify-index.js";
export type { AttributeStatus } from "./verify/attribute-trial.js";
export type { PinnedStatus, SignerStatus } from "./verify/chain-revocation.js";
export type { MergeOptions } from "./verify/merge.js";
export type { RevocationOptions } from "./verify/revocation-sources.js";
export type { SourceOptions } from "./verify/sources.js";
export type { UsedCatalog } from "./verify/used-catalog.js";
export type {
	FailedVerification,
	SignedVerification,
	TrustedVerification,
	UndecidedVerification,
	Verification,
	VerificationFacts,
	VerifyOptions,
} from "./verify/verification.js";
export { verifyPath } from "./verify/verify.js";
export {
	type AttributeFinding,
	type AttributeVerification,
	type AttributeVerificationFacts,
	type AttributeVerifyOptions,
	type PassedAttributes,
	type RefusedAttributes,
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
