/**
 * Exports functions for the other packages of this project that only read and verify. Each release may rename or remove
 * them. Their arguments are not checked, because the compiler has checked the calls.
 */

export { type Diff, type DiffSide, diffSigned } from "../diff/diff.js";
export type { EntryDifference } from "../diff/diff-entries.js";
export type { FactDifference } from "../diff/diff-facts.js";
export type { DiffOptions, DiffSigner } from "../diff/diff-side.js";
export { contentDigest } from "../digest/authenticode.js";
export { createFsverityHasher, type FsverityHasher } from "../digest/fsverity.js";
export { ERROR_HELP, type ErrorHelp } from "../error-help.js";
export { COMMAND, errnoReason, isPassing, namingErrors, quote, shell } from "../errors.js";
export { digestStandardInput } from "../fileset/hash/digest-file.js";
export { ENTRY_KIND } from "../fileset/manifest.js";
export { pathOfDescriptor } from "../fileset/paths/descriptor-path.js";
export { otherWriterOf } from "../fileset/paths/other-writers.js";
export { resolveEntry } from "../fileset/paths/resolve-entry.js";
export { VERSION_CONTROL } from "../fileset/select/selection.js";
export { isSignatureFormat } from "../formats/attribute-format.js";
export {
	type CoveringCatalog,
	type ExplainedCheck,
	type ExplainedFile,
	explainFile,
	type SaidOfEntry,
} from "../inspect/explain-file.js";
export { type ChainChecker, type ChainFindings, type ChainGap, createChainChecker } from "../log/chain.js";
export type { ChangeKind, LinePlace, LogChange } from "../log/chain-break.js";
export { type Checkpoint, encodeCheckpoint, isOrigin, parseCheckpoint } from "../log/checkpoint.js";
export { type NoteKey, parseNoteKey } from "../log/checkpoint-keys.js";
export {
	createLineSplitter,
	type LinePart,
	type LineSplitter,
	type LogLine,
	leafHash,
	lineDigest,
	MAX_LINE_BYTES,
} from "../log/lines.js";
export { decodeNote, MAX_NOTE_BYTES, parseNote } from "../log/note.js";
export { createTileWriter, MAX_ENTRY_BYTES, type PutTile, type TileSummary, type TileWriter } from "../log/tiles.js";
export { createMerkleTree, type MerkleTree } from "../log/tree.js";
export {
	type CheckpointSigner,
	type CheckpointTrust,
	type VerifiedCheckpoint,
	verifyCheckpoint,
} from "../log/verify-checkpoint.js";
export { argumentChecks, type Check, type ParameterChecks } from "../options/check.js";
export { isCertificateAuthority } from "../pki/certificate-checks.js";
export { digestsToDeny } from "../pki/deny-list.js";
export { expiryNotice } from "../pki/expiry.js";
export { type DatagramSender, datagramSender } from "../system/datagrams.js";
export { type NativeAbsence, nativeAbsence } from "../system/native-absence.js";
export { type NativePart, nativePackage, nativePart, packageAbove } from "../system/native-package.js";
export { type NativeTarget, nativeTarget } from "../system/native-target.js";
export { hasContent, readBounded } from "../system/read-file.js";
export { configDirectory } from "../system/user-files.js";
export { described, explainRules, type RuleExplanation } from "../trust/explain-rules.js";
export {
	type FileRule,
	type FileRules,
	type FileRuling,
	fileRulesOf,
	type PolicyFileRule,
	type RuledFile,
	ruleOn,
} from "../trust/file-rules.js";
export type { FileText } from "../trust/index-head.js";
export { MAX_TRUST_INDEX_BYTES } from "../trust/index-layout.js";
export { mergedPolicy, type PolicyFile, policyInMode } from "../trust/policy.js";
export { productSigner } from "../trust/product-signer.js";
export {
	DESCRIPTORS,
	EARLIEST_SECONDS,
	HOST_CONFIGURATION_FILE,
	type HostDocument,
	type LauncherDocument,
	LOOK_SECONDS,
	MAX_FILE_BYTES,
	MAX_HOST_BYTES,
	MAX_POLICY_BYTES,
	MAX_RECORD_BYTES,
	MAX_SHARED_BYTES,
	type SharedDocument,
} from "../trust/schema.js";
export { hostFromFileBytes, launcherFromFileBytes, sharedFromFileBytes } from "../trust/settings.js";
export {
	isSignedPolicy,
	MAX_SIGNED_POLICY_BYTES,
	parseSignedPolicy,
	policyCertificate,
	policyOfSigned,
	unsignedPolicy,
} from "../trust/signed-policy.js";
export { isTrustIndex, type ParsedTrustIndex, parseTrustIndex } from "../trust/trust-index.js";
export { readCatalogFile } from "../verify/catalog-file.js";
export { catalogsCovering } from "../verify/find-catalogs.js";
export {
	type CheckedTrustIndex,
	type IndexRevocationOptions,
	verifyUnrevokedIndex,
} from "../verify/index-revocation.js";
export { signedEntries } from "../verify/merge.js";
export { type OperandKind, operandKind } from "../verify/operand.js";
export { type KeepingCatalogs, loadCatalogs } from "../verify/sources.js";
export { worstExitStatus } from "../verify/verification.js";
export { verifyKeeping } from "../verify/verify.js";
