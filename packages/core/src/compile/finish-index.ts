/**
 * Implements split signing of a trust index: one machine compiles it without a key, and another machine, which never has
 * the files, signs exactly the bytes that the first machine announced.
 */

import { hash } from "node:crypto";
import { namingErrors, quote, SigtoolError } from "../errors.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";
import { outputFile } from "../system/output-file.js";
import { readBounded } from "../system/read-file.js";
import { writeAtomically } from "../system/store.js";
import type { IndexEntry } from "../trust/index-entries.js";
import { MAX_TRUST_INDEX_BYTES } from "../trust/index-layout.js";
import { type IndexContentView, parseTrustIndex, parseUnsignedIndex } from "../trust/trust-index.js";
import { requireReplaceableIndex } from "./replaceable-index.js";
import { signContent } from "./sign-content.js";

/** A trust index that was compiled with `signer: "none"`, read and checked, but signed by nobody. */
export interface UnsignedIndex {
	readonly file: string;
	/** The SHA-256 of the file in lower-case hexadecimal. */
	readonly sha256: string;
	/** The bytes to sign. */
	readonly content: Uint8Array;
	readonly index: IndexContentView;
}

/** The options of `openUnsignedIndex`. */
export interface OpenUnsignedIndexOptions {
	/** The hexadecimal SHA-256 that the file must have, as `compileTrustIndex` reported it. */
	readonly expectDigest?: string;
}

/**
 * Reads an unsigned index completely, each of its entries too.
 * @throws ERR_DIGEST_MISMATCH, ERR_INDEX_FORMAT, ERR_POLICY, ERR_LIMIT, ERR_ROOT_MISSING, ERR_IO
 * @example
 * ```ts
 * import { openUnsignedIndex } from "@sigtool/core";
 *
 * const { index, sha256 } = openUnsignedIndex("unsigned.sigx");
 * console.log(index.products[0].name, sha256.length); // lib 64
 * ```
 */
export function openUnsignedIndex(file: string, options: OpenUnsignedIndexOptions = {}): UnsignedIndex {
	const content = readBounded(file, MAX_TRUST_INDEX_BYTES);
	const sha256 = hash("sha256", content, "hex");
	const expected = options.expectDigest?.toLowerCase().replace(/^sha256:/, "");
	if (expected !== undefined && expected !== sha256) {
		const message = `Cannot sign ${quote(file)}: its digest is ${sha256}, expected ${expected}; get the file again from who compiled it`;
		throw new SigtoolError("ERR_DIGEST_MISMATCH", message, { path: file });
	}
	return { file, sha256, content, index: namingErrors("trust index", file, () => parseUnsignedIndex(content)) };
}

/** The options of `finishIndex`. */
export interface FinishIndexOptions {
	readonly signer: Signer;
	/** The path of the signed index. By default the signed index replaces the unsigned one. */
	readonly output?: string;
	/** The signing time in milliseconds since the epoch. The default is the present time. */
	readonly time?: number;
	readonly timestamp?: TimestampRequest;
	/** Ends the work early. The promise rejects with AbortError, and nothing is written. */
	readonly signal?: AbortSignal;
}

/** Reports what `finishIndex` has written. */
export interface FinishedIndex {
	/** The size of the written file in bytes. */
	readonly indexBytes: number;
	readonly timestamp: NewTimestamp | undefined;
}

const ELSEWHERE = "write it elsewhere, or remove that file";

/**
 * Signs the content of an unsigned index.
 * @throws ERR_USAGE, ERR_OUTPUT_EXISTS, ERR_CATALOG_EXISTS, ERR_LIMIT, ERR_NETWORK, ERR_TIMESTAMP, ERR_IO, the errors of the signer,
 * and AbortError
 * @example
 * ```ts
 * import { finishIndex, openPemSigner, openUnsignedIndex } from "@sigtool/core";
 *
 * const signer = await openPemSigner({ keyFile: "release.key", certFile: "release.crt" });
 * await finishIndex(openUnsignedIndex("unsigned.sigx"), { signer, output: "signed.sigx" });
 * ```
 */
export async function finishIndex(unsigned: UnsignedIndex, options: FinishIndexOptions): Promise<FinishedIndex> {
	const output = outputFile(options.output ?? unsigned.file);
	requireReplaceableIndex(output, unsigned.index.compiled ?? 0, { noIndex: ELSEWHERE, newer: ELSEWHERE });
	const { pieces, timestamp } = await signContent(unsigned.content, options);
	writeAtomically(output, pieces);
	return { indexBytes: pieces.reduce((sum, piece) => sum + piece.length, 0), timestamp };
}

export interface IndexChanges {
	/** The earlier index. Its signature is not verified. */
	readonly previous: IndexContentView;
	/** Entries, each as `product: path`. */
	readonly added: readonly string[];
	readonly removed: readonly string[];
	readonly changed: readonly string[];
	/** The SHA-256 of texts that differ from their files, which only one of the two indexes has. */
	readonly addedTexts: readonly string[];
	readonly removedTexts: readonly string[];
	/** The reasons why `newer` would refuse the index, as texts for the user. */
	readonly doubts: readonly string[];
}

/**
 * Returns the changes since an earlier index, signed or not, whose signature is not verified. With `newer` the index
 * must have the same products and policy, and a higher sequence.
 * @throws ERR_NOT_NEWER, ERR_INDEX_FORMAT, ERR_DER, ERR_CMS_FORMAT, ERR_POLICY, ERR_LIMIT, ERR_ROOT_MISSING, ERR_IO
 */
export function indexChangesSince(
	previousFile: string,
	unsigned: UnsignedIndex,
	{ require = "any" }: { readonly require?: "any" | "newer" } = {},
): IndexChanges {
	const bytes = readBounded(previousFile, MAX_TRUST_INDEX_BYTES);
	const previous = namingErrors("trust index", previousFile, () => parseTrustIndex(bytes));
	const doubts = doubtsAbout(previous, unsigned.index);
	if (require === "newer" && doubts.length > 0) {
		const message = `Cannot sign ${quote(unsigned.file)}: it is no newer index than ${quote(previousFile)}: ${doubts.join("; ")}`;
		throw new SigtoolError("ERR_NOT_NEWER", message, { path: unsigned.file });
	}
	const [before, after] = [entriesOf(previous), entriesOf(unsigned.index)];
	const paths = [...after.keys()];
	return {
		previous,
		added: paths.filter((path) => !before.has(path)).sort(),
		removed: [...before.keys()].filter((path) => !after.has(path)).sort(),
		changed: paths.filter((path) => before.has(path) && before.get(path) !== after.get(path)).sort(),
		addedTexts: notIn(previous.texts, unsigned.index.texts),
		removedTexts: notIn(unsigned.index.texts, previous.texts),
		doubts,
	};
}

function notIn(others: readonly string[], texts: readonly string[]): string[] {
	const known = new Set(others);
	return texts.filter((text) => !known.has(text));
}

/** Returns all entries. The keys are `product: path`, and equal values are equal content. */
function entriesOf(index: IndexContentView): Map<string, string> {
	const all = new Map<string, string>();
	for (const { name } of index.products) {
		for (const [path, entry] of index.entries(name)) all.set(`${name}: ${path}`, contentOf(entry));
	}
	return all;
}

function contentOf(entry: IndexEntry): string {
	return entry.kind === "file" ? entry.sha256 : `link ${entry.target}`;
}

function doubtsAbout(previous: IndexContentView, index: IndexContentView): string[] {
	const doubts: string[] = [];
	const products = (view: IndexContentView) =>
		view.products.map(({ name, adopted }) => `${quote(name)}${adopted === true ? " (adopted)" : ""}`).join(", ");
	if (products(previous) !== products(index)) {
		doubts.push(`the previous index is of the products ${products(previous)}, this one of ${products(index)}`);
	}
	if ((previous.compiled ?? -1) >= (index.compiled ?? -1)) {
		const [before, now] = [previous.compiled ?? "none", index.compiled ?? "none"];
		doubts.push(`the sequence of the index does not grow: the previous index has ${before}, this one ${now}`);
	}
	for (const { name, sequence } of index.products) {
		const before = previous.products.find((each) => each.name === name)?.sequence;
		if ((before ?? -1) > (sequence ?? -1))
			doubts.push(
				`product ${quote(name)} is older: the previous index has sequence ${before}, this one ${sequence ?? "none"}`,
			);
	}
	if (JSON.stringify(previous.policy) !== JSON.stringify(index.policy)) doubts.push("the policy differs");
	else if (previous.signedPolicy !== undefined && index.signedPolicy === undefined)
		doubts.push("the policy of the previous index is signed, and this one is not");
	return doubts;
}
