/**
 * What becomes of a file's IMA and EVM attributes in a run: a catalog carries those that a restored file is to have, and
 * an EVM signature that the run left behind is counted.
 */

import { quote, SigtoolError } from "../errors.js";
import { readAttribute } from "../fileset/attribute-writer.js";
import type { FileVisitor, OpenFile } from "../fileset/hash-file.js";
import type { CarriedAttribute } from "../fileset/manifest.js";
import { type AttributeNaming, attributeName } from "../formats/attribute-format.js";
import { parseEvm } from "../formats/evm.js";
import { attributeKeys } from "../pki/attribute-keys.js";
import { trustFromCertificates } from "../pki/trust-store.js";
import type { Signer } from "../signer/signer.js";
import type { AttributeAccess } from "../system/attributes.js";
import { type AttributeTrial, startTrial } from "../verify/attribute-trial.js";
import { withName } from "./attribute-makers.js";

export interface CarryingOptions extends AttributeNaming {
	readonly access: AttributeAccess;
	readonly signer: Signer | undefined;
	/** Called with what a file has in the end, for the catalog. */
	readonly onCarried: (row: number, attributes: readonly CarriedAttribute[]) => void;
	/** Called for a file whose EVM signature is over the IMA value that the run replaced. */
	readonly onOvertaken: () => void;
}

/**
 * Around the visitor that writes. Its `end` throws ERR_FILE_MODIFIED, ERR_SIGNATURE, ERR_ATTRIBUTE_FORMAT and the like for
 * an IMA value that was there before and does not fit the content.
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

/** A signature by another key is for whoever trusts it to judge. */
function requireFit({ name }: OpenFile, trial: AttributeTrial | undefined, sha256: Uint8Array): void {
	const verdict = trial?.verdict(sha256);
	if (verdict?.status !== "mismatch" && verdict?.status !== "malformed") return;
	const reason = "its IMA attribute does not fit its content; add --format ima to write it anew";
	throw new SigtoolError(verdict.code, `Cannot carry attributes of ${quote(name)}: ${reason}`, { path: name });
}

/** An HMAC, or a signature for one inode, is of use on the machine alone that it was made on. */
function isPortable(file: OpenFile, value: Uint8Array | undefined): boolean {
	return value !== undefined && withName(file, () => parseEvm(value)).kind === "portable-signature";
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
	return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}
