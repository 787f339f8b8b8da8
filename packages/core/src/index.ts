/// <reference types="node" preserve="true" />
/** This entry point exports everything public. Programs that only verify use `@sigtool/core/read`. */

export {
	type AdoptedPackage,
	type CompiledProduct,
	type CompileOptions,
	type CompileResult,
	checkCompileTarget,
	compileTrustIndex,
	type TypeStripper,
	type UnstrippedFile,
} from "./compile/compile.js";
export {
	type FinishedIndex,
	type FinishIndexOptions,
	finishIndex,
	type IndexChanges,
	indexChangesSince,
	type OpenUnsignedIndexOptions,
	openUnsignedIndex,
	type UnsignedIndex,
} from "./compile/finish-index.js";
export { sharedDirectoryWarning } from "./compile/shared-directory.js";
export type { Check } from "./doctor/check.js";
export { examineSystem, mountOptions } from "./doctor/doctor.js";
export type { SignedSetDiff } from "./fileset/diff.js";
export type { ProgramInfo } from "./formats/cat-envelope.js";
export { type DeniedDigest, denialsOfFile } from "./inspect/denials-of-file.js";
export { normalizeNameText, reverseNameText } from "./pki/name-text.js";
export { checkTimestampRequest, type NewTimestamp, type TimestampRequest } from "./pki/timestamp-request.js";
export { addTrust, denyTrust, listTrust, type NewTrust, removeTrust, type TrustEntry } from "./pki/trust-edit.js";
export { isDevelopmentKey, storedDenials, storedDevelopmentKey, timestampAnchors } from "./pki/trust-store.js";
export * from "./read.js";
export { type Conversion, type ConvertOptions, convertCatalog } from "./rewrite/convert.js";
export { type Restoration, type RestoreOptions, restoreAttributes } from "./rewrite/restore.js";
export { type StripOptions, type StripResult, stripAttributes } from "./rewrite/strip-attributes.js";
export { type ChangesOptions, type ChangesSince, changesSince } from "./sign/changes-since.js";
export {
	type FinishOptions,
	type FinishResult,
	finishCatalog,
	openUnsigned,
	type UnsignedCatalog,
} from "./sign/finish.js";
export { type PreviewOptions, previewTarget, type SignPreview } from "./sign/preview.js";
export {
	type SignFormat,
	type SignOptions,
	type SignResult,
	signPaths,
	signTarget,
	type WrittenCatalog,
} from "./sign/sign.js";
export type { WrittenAttribute } from "./sign/sign-attributes.js";
export { resolveSignTarget, type SignTarget } from "./sign/target.js";
export { type TimestampOptions, timestampCatalog } from "./sign/timestamp-catalog.js";
export { openCommandSigner } from "./signer/command.js";
export {
	createIdentity,
	developmentIdentity,
	type Identity,
	listIdentities,
	showIdentity,
} from "./signer/identities.js";
export {
	exportIdentity,
	type ImportSource,
	importCertificate,
	importIdentity,
	requestForIdentity,
} from "./signer/identity-exchange.js";
export { openPemSigner } from "./signer/pem.js";
export { openPkcs11Signer } from "./signer/pkcs11.js";
export { type Pkcs11Uri, parsePkcs11Uri } from "./signer/pkcs11-uri.js";
export { openPkcs12Signer } from "./signer/pkcs12.js";
export { type PassphraseSource, type Signer, signerFromKey } from "./signer/signer.js";
export {
	DEVELOPMENT_REFUSERS,
	type DevelopmentUse,
	developmentUse,
	requireDevelopmentUse,
} from "./system/development-use.js";
export { type SingleFile, singleFile } from "./system/parts.js";
export { hostNode, requireHostNode } from "./system/programs.js";
export { exclusively, outputFile, readBounded, readInput, writeAtomically } from "./system/store.js";
export { type ObjectShape, type Refusal, readShape, type ValueOf } from "./trust/shape.js";
export { compareEntries } from "./verify/compare-entries.js";
