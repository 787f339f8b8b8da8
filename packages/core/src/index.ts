/** Everything public, by name. Programs that only verify use `@sigtool/core/read`. */

export {
	type CompiledProduct,
	type CompileOptions,
	type CompileResult,
	checkCompileTarget,
	compileTrustIndex,
} from "./compile.js";
export { type Conversion, type ConvertOptions, convertCatalog } from "./convert.js";
export { type DeniedDigest, denialsOfFile } from "./denials-of-file.js";
export type { Check } from "./doctor/check.js";
export { examineSystem } from "./doctor.js";
export type { SignedSetDiff } from "./fileset/diff.js";
export {
	changesSince,
	type FinishOptions,
	type FinishResult,
	finishCatalog,
	openUnsigned,
	type UnsignedCatalog,
} from "./finish.js";
export type { ProgramInfo } from "./formats/cat-envelope.js";
export { normalizeNameText, reverseNameText } from "./pki/name-text.js";
export { checkTimestampRequest, type NewTimestamp, type TimestampRequest } from "./pki/timestamp-request.js";
export { addTrust, denyTrust, listTrust, type NewTrust, removeTrust, type TrustEntry } from "./pki/trust-edit.js";
export { storedDenials, timestampAnchors } from "./pki/trust-store.js";
export * from "./read.js";
export { type Restoration, type RestoreOptions, restoreAttributes } from "./restore.js";
export {
	checkSignTarget,
	type SignFormat,
	type SignOptions,
	type SignResult,
	signPaths,
	type WrittenCatalog,
} from "./sign.js";
export type { WrittenAttribute } from "./sign-attributes.js";
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
export { exclusively, readBounded, readInput, writeAtomically } from "./store.js";
export { type StripOptions, type StripResult, stripAttributes } from "./strip-attributes.js";
export { type TimestampOptions, timestampCatalog } from "./timestamp-catalog.js";
