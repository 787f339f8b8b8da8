import { type IndexedProduct, MAX_TRUST_INDEX_BYTES, readBounded, type TrustIndex } from "@sigtool/core";
import { quote, reasonOf, SigtoolError } from "@sigtool/core/errors";
import { escaped } from "./output.js";
import { count, isoTime } from "./render.js";

/**
 * Reads an index file and passes its bytes to `read`, whose errors then name the file.
 * @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, and as `read`
 */
export function fromIndexFile<T>(file: string, read: (bytes: Uint8Array) => T): T {
	const bytes = readBounded(file, MAX_TRUST_INDEX_BYTES);
	try {
		return read(bytes);
	} catch (cause) {
		throw cause instanceof SigtoolError ? indexError(file, cause) : cause;
	}
}

/** Makes an error of the same code that names the index file. */
export function indexError(file: string, cause: SigtoolError): SigtoolError {
	const message = `Cannot use trust index ${quote(file)}: ${reasonOf(cause)}`;
	return new SigtoolError(cause.code, message, { cause, path: file });
}

/** Shows a product, its directory, and whether it was adopted without a signature. */
export function productRows({ name, root, sequence, adopted }: Omit<IndexedProduct, "catalogs">): [string, string][] {
	const release = sequence === undefined ? "" : `, sequence ${sequence}`;
	return [
		["product", `${escaped(name)}${release}${adopted === true ? ", adopted: nobody signed it" : ""}`],
		["root", escaped(root)],
	];
}

/** Shows an index without its entries. */
export function indexRows(index: TrustIndex): [string, string | undefined][] {
	const { products, policy, compiled, compiledAt, notAfter, entryCount } = index;
	return [
		...products.flatMap(productRows),
		["entries", count(entryCount, "entry", "entries")],
		["index", compiled === undefined ? undefined : `sequence ${compiled}`],
		["mode", policy.mode],
		["compiled", isoTime(compiledAt)],
		["until", notAfter === undefined ? undefined : isoTime(notAfter)],
	];
}

/** Returns the content of `indexRows`, and further facts, for the JSON document. */
export function indexFields(index: TrustIndex): Record<string, unknown> {
	const { products, policy, compiled, compiledAt, notAfter, signers, entryCount, digest } = index;
	return {
		sha256: digest,
		products: products.map((product) => ({ ...product, sequence: product.sequence ?? null })),
		policy,
		compiled: compiled ?? null,
		compiledAt: isoTime(compiledAt),
		notAfter: notAfter === undefined ? null : isoTime(notAfter),
		catalogSigners: signers,
		entries: entryCount,
	};
}
