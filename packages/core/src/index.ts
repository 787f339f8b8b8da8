/// <reference types="node" preserve="true" />
/**
 * This entry point exports everything public. docs/reference/library.md introduces it. Programs that only verify use
 * `@sigtool/core/read`. Functions that are for the other packages of this project alone are in `internal/`.
 * @module @sigtool/core
 */

export {
	type AdoptedPackage,
	type CompiledProduct,
	type CompileOptions,
	type CompileResult,
	compileTrustIndex,
	type DirectoryOptions,
	type TypeStripper,
	type UnstrippedFile,
} from "./compile/compile.js";
export {
	type FinishedIndex,
	type FinishIndexOptions,
	finishIndex,
	type OpenUnsignedIndexOptions,
	openUnsignedIndex,
	type UnsignedIndex,
} from "./compile/finish-index.js";
export type { Check } from "./doctor/check.js";
export { examineSystem } from "./doctor/doctor.js";
export type { EnvelopeOptions, ProgramInfo } from "./formats/cat-envelope.js";
export type { SigningAlgorithm } from "./pki/signature-algorithm.js";
export type { NewTimestamp, TimestampRequest } from "./pki/timestamp-request.js";
export { timestampAnchors } from "./pki/trust-policy.js";
export * from "./read.js";
export { type Conversion, type ConvertOptions, convertCatalog } from "./rewrite/convert.js";
export { type Restoration, type RestoreOptions, restoreAttributes } from "./rewrite/restore.js";
export { type StripOptions, type StripResult, stripAttributes } from "./rewrite/strip-attributes.js";
export {
	type FinishOptions,
	type FinishResult,
	finishCatalog,
	type OpenUnsignedOptions,
	openUnsigned,
	type UnsignedCatalog,
} from "./sign/finish.js";
export type { HashingOptions } from "./sign/hash-target.js";
export type { Prepare } from "./sign/prepared.js";
export { type SignFormat, type SignOptions, type SignResult, signPaths, type WrittenCatalog } from "./sign/sign.js";
export type { WrittenAttribute } from "./sign/sign-attributes.js";
export { type TimestampOptions, timestampCatalog } from "./sign/timestamp-catalog.js";
export { type CommandSignerOptions, openCommandSigner } from "./signer/command.js";
export {
	createIdentity,
	developmentIdentity,
	type Identity,
	type IdentityKeyType,
	type IdentityOptions,
	listIdentities,
	showIdentity,
} from "./signer/identity/identities.js";
export {
	type ExportOptions,
	exportIdentity,
	type ImportOptions,
	type ImportSource,
	importCertificate,
	importIdentity,
	type PassphraseOf,
	requestForIdentity,
} from "./signer/identity/identity-exchange.js";
export { openPemSigner, type PemSignerOptions } from "./signer/pem.js";
export { openPkcs11Signer, type Pkcs11SignerOptions } from "./signer/pkcs11/pkcs11.js";
export { type Pkcs11Uri, parsePkcs11Uri } from "./signer/pkcs11/pkcs11-uri.js";
export { openPkcs12Signer, type Pkcs12SignerOptions } from "./signer/pkcs12/pkcs12.js";
export {
	type ContentSignature,
	type PassphraseSource,
	type Signer,
	type SignerOptions,
	signerFromKey,
} from "./signer/signer.js";
export { addTrust, denyTrust, listTrust, type NewTrust, removeTrust, type TrustEntry } from "./trust/trust-edit.js";
export type { IndexContentView } from "./trust/trust-index.js";
