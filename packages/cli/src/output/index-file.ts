import { type IndexedProduct, MAX_TRUST_INDEX_BYTES, readBounded, type TrustIndex } from "@sigtool/core";
import { quote, reasonOf, SigtoolError } from "@sigtool/core/errors";
import { plain } from "./output.js";
import { count, isoTime } from "./render.js";

/** What `read` makes of an index file; its errors name the file. @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, as `read` */
export function fromIndexFile<T>(file: string, read: (octets: Uint8Array) => T): T {
	const octets = readBounded(file, MAX_TRUST_INDEX_BYTES);
	try {
		return read(octets);
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		const message = `Cannot use trust index ${quote(file)}: ${reasonOf(cause)}`;
		throw new SigtoolError(cause.code, message, { cause, path: file });
	}
}

/** What may be loaded, from where, and whether anybody signed it. */
export function productRows({ name, root, sequence, adopted }: Omit<IndexedProduct, "catalogs">): [string, string][] {
	const release = sequence === undefined ? "" : `, sequence ${sequence}`;
	return [
		["product", `${plain(name)}${release}${adopted === true ? ", adopted: nobody signed it" : ""}`],
		["root", plain(root)],
	];
}

/** What an index says, but for its entries. */
export function indexRows(index: TrustIndex): [string, string | undefined][] {
	const { products, policy, compiledAt, notAfter, entryCount } = index;
	return [
		...products.flatMap(productRows),
		["entries", count(entryCount, "entry", "entries")],
		["mode", policy.mode],
		["compiled", isoTime(compiledAt)],
		["until", notAfter === undefined ? undefined : isoTime(notAfter)],
	];
}

/** As `indexRows`, for the JSON document. */
export function indexFields(index: TrustIndex): Record<string, unknown> {
	const { products, policy, compiledAt, notAfter, signers, entryCount, digest } = index;
	return {
		sha256: digest,
		products: products.map((product) => ({ ...product, sequence: product.sequence ?? null })),
		policy,
		compiledAt: isoTime(compiledAt),
		notAfter: notAfter === undefined ? null : isoTime(notAfter),
		catalogSigners: signers,
		entries: entryCount,
	};
}
