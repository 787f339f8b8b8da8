/**
 * Prepares extended attributes that are written while files are hashed. If a run writes only hashes (`spython`,
 * `ima-hash`), every thread writes them. If it writes signatures (`ima`, `ima-verity`, `evm`) or a catalog carries
 * attributes, only the calling thread writes. A value that is already right is kept, so that a second run writes
 * nothing.
 */

import { quote, SigtoolError } from "../errors.js";
import { attributeCounts, createAttributeWriter } from "../fileset/hash/attribute-writer.js";
import type { HashFileSetOptions } from "../fileset/hash/hash-files.js";
import type { CarriedAttribute } from "../fileset/manifest.js";
import {
	type AttributeFormat,
	type AttributeNaming,
	attributeName,
	isImaFormat,
	isSignatureFormat,
} from "../formats/attribute-format.js";
import type { EvidenceDigest } from "../pki/signature-algorithm.js";
import type { Signer } from "../signer/signer.js";
import { loadAttributes } from "../system/attributes.js";
import { digestAttribute, makerOf } from "./attribute-makers.js";
import { carryingAfter } from "./carrying.js";

export interface AttributeSignOptions extends AttributeNaming {
	/** The formats. Each may occur once, and only one of IMA's three formats may occur. */
	readonly formats: readonly AttributeFormat[];
	/** The hash function of all formats. Default `sha256`. fs-verity does not support `sha384`. */
	readonly digest?: EvidenceDigest;
	/** The signer. Formats that are signatures need one. */
	readonly signer?: Signer | undefined;
	/** If true, the IMA and EVM attributes that files have after the run are read, so that a catalog can carry them. */
	readonly carry?: boolean;
}

/** Counts the files that have an attribute of one format now. */
export interface WrittenAttribute {
	readonly format: AttributeFormat;
	readonly name: string;
	/** The number of files whose attribute was written. */
	readonly writtenCount: number;
	/** The number of files that already had the right value. */
	readonly unchangedCount: number;
}

/**
 * `hashing` are the options with which `hashFileSet` writes attributes. The other members are results, which are
 * complete after `hashFileSet` has returned.
 */
export interface AttributeSigning {
	readonly hashing: Pick<HashFileSetOptions, "attributes" | "visitor">;
	readonly written: () => WrittenAttribute[];
	/** The attributes that a catalog can carry, by the row of the file in the manifest. */
	readonly carried: ReadonlyMap<number, readonly CarriedAttribute[]>;
	/** Returns the number of files whose EVM signature became invalid, because the run replaced their IMA value. */
	readonly overtakenCount: () => number;
}

/**
 * Checks the formats and returns what `hashFileSet` needs to write their attributes.
 * @throws ERR_USAGE, ERR_UNSUPPORTED_PLATFORM, ERR_ATTRIBUTES_UNAVAILABLE
 */
export async function prepareAttributes(options: AttributeSignOptions): Promise<AttributeSigning> {
	const { digest = "sha256", signer, carry = false } = options;
	// EVM comes last, because its signature covers the IMA value, which must be written first.
	const formats = [...options.formats].sort((a, b) => Number(a === "evm") - Number(b === "evm"));
	checkTogether(formats, digest);
	const names = formats.map((format) => attributeName(format, options));
	const twice = names.find((name, index) => names.indexOf(name) !== index);
	if (twice !== undefined) {
		throw new SigtoolError("ERR_USAGE", `Cannot write two formats to one attribute, ${quote(twice)}`);
	}
	const counts = attributeCounts(formats.length);
	const carried = new Map<number, readonly CarriedAttribute[]>();
	const result = {
		written: () =>
			formats.map((format, index) => {
				const [writtenCount, unchangedCount] = counts.subarray(2 * index, 2 * index + 2);
				return { format, name: names[index], writtenCount, unchangedCount };
			}),
		carried,
		overtakenCount: () => 0,
	};
	const isDigests = !formats.some(isSignatureFormat);
	if (isDigests && !carry) {
		const attributes = formats.map((format, index) => digestAttribute(format, names[index], digest));
		return { ...result, hashing: { attributes: { attributes, counts } } };
	}
	const access = await loadAttributes();
	const ima = formats.some(isImaFormat) ? { value: undefined } : undefined;
	const makers = formats.map((format, index) => {
		return makerOf(format, names[index], { access, signer, digest, ima });
	});
	let overtaken = 0;
	const visitor = carryingAfter(createAttributeWriter(access, makers, counts), {
		...options,
		access,
		signer,
		onCarried: (row, attributes) => carried.set(row, attributes),
		onOvertaken: () => overtaken++,
	});
	return { ...result, overtakenCount: () => overtaken, hashing: { visitor } };
}

function checkTogether(formats: readonly AttributeFormat[], digest: EvidenceDigest): void {
	const ima = formats.filter(isImaFormat);
	if (ima.length > 1) {
		throw new SigtoolError("ERR_USAGE", `Choose one of ${ima.join(" and ")}: they are kept in one attribute`);
	}
	if (formats.includes("ima-verity") && digest === "sha384") {
		throw new SigtoolError("ERR_USAGE", "Use --digest sha256 or sha512 with ima-verity: fs-verity has no other digest");
	}
}
