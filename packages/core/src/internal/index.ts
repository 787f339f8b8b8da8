/**
 * Exports functions for the command line of this project. Each release may rename or remove them. Their arguments are
 * not checked, because the compiler has checked the calls.
 */

export { checkCompileTarget } from "../compile/compile.js";
export { type IndexChanges, indexChangesSince } from "../compile/finish-index.js";
export { sharedDirectoryWarning } from "../compile/shared-directory.js";
export { encodeSignedPolicy, signPolicy } from "../compile/sign-policy.js";
export { mountOptions } from "../doctor/doctor.js";
export type { SignedSetDiff } from "../fileset/compare/diff.js";
export { type DeniedDigest, denialsOfFile } from "../inspect/denials-of-file.js";
export { openSealKey, type SealOptions, sealWithKey, sealWithSigner } from "../log/seal.js";
export { refuseDeniedCertificates } from "../pki/deny-list.js";
export { reverseNameText } from "../pki/name-text.js";
export { checkTimestampRequest } from "../pki/timestamp-request.js";
export { type ChangesOptions, type ChangesSince, changesSince } from "../sign/changes-since.js";
export { packageDirectoryOf } from "../sign/package-files.js";
export { type PreviewOptions, previewTarget, type SignPreview } from "../sign/preview.js";
export { signTarget } from "../sign/sign.js";
export { resolveSignTarget, type SignTarget } from "../sign/target.js";
export { DEVELOPMENT_REFUSERS, developmentUse, requireDevelopmentUse } from "../system/development-use.js";
export { HIGHER_OR_FORCE, outputFile, refuseLowerSequence } from "../system/output-file.js";
export { type SingleFile, singleFile } from "../system/parts.js";
export { hostNode, programIn, requireHostNode } from "../system/programs.js";
export { readInput } from "../system/read-file.js";
export { exclusively, makePrivateDirectory, writeAtomically } from "../system/store.js";
export { type ObjectShape, type Refusal, readShape, type Shape, UNKNOWN, type ValueOf } from "../trust/shape.js";
export { isDevelopmentKey, storedDenials, storedDevelopmentKey } from "../trust/trust-store.js";
export { compareEntries } from "../verify/compare-entries.js";
export * from "./read.js";
