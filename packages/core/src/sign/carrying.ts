/**
 * Collects the IMA and EVM attributes that files have after a run, so that a catalog can carry them. Also reports the
 * files whose EVM signature the run made invalid.
 */

import { quote, SigtoolError } from "../errors.js";
import { readAttribute } from "../fileset/hash/attribute-writer.js";
import type { FileVisitor, OpenFile } from "../fileset/hash/hash-file.js";
import type { CarriedAttribute } from "../fileset/manifest.js";
import { type AttributeNaming, attributeName } from "../formats/attribute-format.js";
import { parseEvm } from "../formats/evm.js";
import { attributeKeys } from "../pki/attribute-keys.js";
import { trustFromCertificates } from "../pki/trust-policy.js";
import type { Signer } from "../signer/signer.js";
import type { AttributeAccess } from "../system/attributes.js";
import { type AttributeTrial, startTrial } from "../verify/attribute-trial.js";
import { withName } from "./attribute-makers.js";

export interface CarryingOptions extends AttributeNaming {
	readonly access: AttributeAccess;
	readonly signer: Signer | undefined;
	/** Receives the attributes to carry of the file in this row. It is called only if the file has any. */
	readonly onCarried: (row: number, attributes: readonly CarriedAttribute[]) => void;
	/**
	 * Is called for each file whose EVM signature the run kept although it covers an IMA value that the run replaced.
	 */
	readonly onOvertaken: () => void;
}

/**
 * Wraps `writer`, the visitor that writes attributes. The `end` of the result throws ERR_FILE_MODIFIED, ERR_SIGNATURE,
 * ERR_ATTRIBUTE_FORMAT or another code of an `AttributeVerdict` if the run kept an IMA value that does not match the
 * content. It also throws ERR_ATTRIBUTE_FORMAT for a malformed EVM value.
 */
export function carryingAfter(writer: FileVisitor, options: CarryingOptions): FileVisitor {
	const { access, signer, onCarried, onOvertaken } = options;
	const keys = attributeKeys(trustFromCertificates(signer?.certificates.slice(0, 1) ?? []), []);
	const names = [attributeName("ima", options), attributeName("evm", options)] as const;
	const read = (file: OpenFile) => names.map((name) => readAttribute(access, file, name));
	let before: (Uint8Array | undefined)[] = [];
	let trial: AttributeTrial | undefined;
	return {
		...writer,
		begin(file) {
			before = read(file);
			trial = before[0] && startTrial("ima", { value: before[0], subject: undefined }, keys);
			writer.begin(file);
		},
		content(piece) {
			trial?.content(piece);
			writer.content(piece);
		},
		end(file, sha256) {
			const outcome = writer.end(file, sha256);
			const [ima, evm] = read(file);
			const isKept = isEqual(ima, before[0]);
			if (isKept) requireFit(file, trial, sha256);
			const isOvertaken = !isKept && evm !== undefined && isEqual(evm, before[1]);
			if (isOvertaken) onOvertaken();
			const values = [ima, isOvertaken || !isPortable(file, evm) ? undefined : evm];
			const attributes = values.flatMap((value, index) => (value === undefined ? [] : [{ name: names[index], value }]));
			if (attributes.length > 0) onCarried(file.row, attributes);
			return outcome;
		},
	};
}

/**
 * Refuses an IMA value that does not match the content. A signature by another key cannot be checked here and is
 * accepted.
 */
function requireFit({ name }: OpenFile, trial: AttributeTrial | undefined, sha256: Uint8Array): void {
	const verdict = trial?.verdict(sha256);
	if (verdict?.status !== "mismatch" && verdict?.status !== "malformed") return;
	const reason = "its IMA attribute does not fit its content; add --format ima to replace it";
	throw new SigtoolError(verdict.code, `Cannot carry attributes of ${quote(name)}: ${reason}`, { path: name });
}

/**
 * Returns true for a portable EVM signature. An HMAC, or a signature bound to an inode, is valid only on the machine
 * that made it, so a catalog does not carry it.
 */
function isPortable(file: OpenFile, value: Uint8Array | undefined): boolean {
	return value !== undefined && withName(file, () => parseEvm(value)).kind === "portable-signature";
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
	return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}
