/** Verdicts for bytes by their place and content, from an index that was verified, the host's bounds and its deny list. */

import { realpathSync } from "node:fs";
import { contentDigest, type Denial, quote, SigtoolError } from "@sigtool/core/read";
import type { BoundProduct } from "../host/config.js";
import { now, sha256, slice, startsWith } from "../safe/primordials.js";
import { type TrustedVerdict, type UntrustedVerdict, untrusted, type Verdict } from "./verdict.js";

/** What a trusted signer said may run. Entries are asked for by product and path, never by content alone. */
export interface CodeIndex {
	readonly products: readonly IndexedProduct[];
	/** Milliseconds since the epoch. */
	readonly notAfter: number | undefined;
	find(product: string, path: string): CodeEntry | undefined;
	/** Whether a file of any product has this content, by lowercase hexadecimal SHA-256. */
	hasContent(sha256: string): boolean;
}

export interface IndexedProduct {
	readonly name: string;
	/** Absolute real path. */
	readonly root: string;
	readonly sequence: number | undefined;
	/** Lowercase hexadecimal SHA-256 of each. */
	readonly catalogs: readonly string[];
}

/**
 * `sha256`: of a file's whole content, or of what Authenticode's rules say counts in an image, a cabinet, or whatever it
 * is. A kind of its own, as no member may be absent: programs can put members on Object.prototype.
 */
export type CodeEntry =
	| { readonly kind: "file"; readonly sha256: string }
	| { readonly kind: "authenticode"; readonly sha256: string; readonly content: "pe" | "cab" | "any" }
	| { readonly kind: "link"; readonly target: string };

export interface Judge {
	/** `path` is where the bytes really lie. */
	decide(path: string, bytes: Uint8Array): Verdict;
	/** The verdict that `decide` gives when it is a good one, for content known by its lowercase hexadecimal SHA-256. */
	trustedAs(path: string, sha256: string): TrustedVerdict | undefined;
	/** Whether a link may be followed: those inside a product must be signed with that target. */
	admitsLink(path: string, target: string): boolean;
	/** Whether content is that of a signed file, wherever it lies; by lowercase hexadecimal SHA-256. */
	hasContent(sha256: string): boolean;
	/** The product whose tree a path lies in, and the path below its root. */
	placeOf(path: string): Place | undefined;
}

export interface Place {
	readonly product: string;
	readonly entry: string;
}

/** @throws ERR_PRODUCT_MISMATCH, ERR_SEQUENCE, ERR_DENIED, ERR_INDEX_EXPIRED when the index may not be used at all */
export function createJudge(index: CodeIndex, bounds: readonly BoundProduct[], deny: readonly Denial[]): Judge {
	for (const product of index.products) checkProduct(product, bounds, deny);
	const { notAfter } = index;
	if (isPast(notAfter)) {
		const message = `Cannot use the trust index: it expired at ${new Date(notAfter ?? 0).toISOString()}; compile a new one`;
		throw new SigtoolError("ERR_INDEX_EXPIRED", message);
	}
	const trees = treesOf(index.products, bounds);
	const denied: Record<string, string | undefined> = Object.create(null);
	for (const { kind, sha256, reason } of deny) if (kind === "file") denied[sha256] = reason;

	function placeOf(path: string): Place | undefined {
		for (let tree = trees; tree !== undefined; tree = tree.next) {
			if (startsWith(path, tree.prefix)) return { product: tree.product, entry: slice(path, tree.prefix.length) };
		}
		return undefined;
	}

	return {
		placeOf,
		hasContent: (digest) => denied[digest] === undefined && !isPast(notAfter) && index.hasContent(digest),
		admitsLink(path, target) {
			const place = placeOf(path);
			if (place === undefined) return true;
			const entry = index.find(place.product, place.entry);
			return entry?.kind === "link" && entry.target === target;
		},
		trustedAs(path, digest) {
			const place = placeOf(path);
			if (place === undefined || denied[digest] !== undefined || isPast(notAfter)) return undefined;
			const { product, entry } = place;
			const signed = index.find(product, entry);
			if (signed?.kind !== "file" || signed.sha256 !== digest) return undefined;
			return { trusted: true, product, entry, sha256: digest, rule: "entry" };
		},
		decide(path, bytes) {
			const digest = sha256(bytes);
			const place = placeOf(path);
			const reason = denied[digest];
			if (reason !== undefined) return refusal("ERR_DENIED", { why: `the deny list names it: ${reason}` });
			if (place === undefined) return refusal("ERR_OUTSIDE_PRODUCTS");
			if (isPast(notAfter)) return refusal("ERR_INDEX_EXPIRED");
			const { product, entry } = place;
			const signed = index.find(product, entry);
			if (signed === undefined || signed.kind === "link") return refusal("ERR_FILE_ADDED");
			const found = signed.kind === "file" ? digest : authenticodeDigest(bytes, signed.content);
			if (found !== signed.sha256) return refusal("ERR_FILE_MODIFIED", { expected: signed.sha256 });
			return { trusted: true, product, entry, sha256: digest, rule: "entry" };

			function refusal(code: UntrustedVerdict["reason"], facts: Partial<UntrustedVerdict> = {}): Verdict {
				return untrusted(code, { ...place, sha256: digest, ...facts });
			}
		},
	};
}

function isPast(time: number | undefined): boolean {
	return time !== undefined && now() > time;
}

function checkProduct(product: IndexedProduct, bounds: readonly BoundProduct[], deny: readonly Denial[]): void {
	const named = `product ${quote(product.name)}`;
	const bound = bounds.find(({ name }) => name === product.name);
	if (bound === undefined && bounds.length > 0) {
		const message = `Cannot use ${named}: the host configuration does not name it; add it to "products" if it belongs here`;
		throw new SigtoolError("ERR_PRODUCT_MISMATCH", message);
	}
	const { minimumSequence } = bound ?? {};
	if (minimumSequence !== undefined && (product.sequence ?? -1) < minimumSequence) {
		const found = product.sequence === undefined ? "it has no sequence" : `its sequence is ${product.sequence}`;
		const message = `Cannot use ${named}: ${found}, and this host demands at least ${minimumSequence}; install a newer release`;
		throw new SigtoolError("ERR_SEQUENCE", message);
	}
	const denial = deny.find(({ kind, sha256 }) => kind === "catalog" && product.catalogs.includes(sha256));
	if (denial !== undefined) {
		throw new SigtoolError("ERR_DENIED", `Cannot use ${named}: the deny list names its catalog: ${denial.reason}`);
	}
}

interface Tree {
	readonly product: string;
	/** With a slash at its end. */
	readonly prefix: string;
	readonly next: Tree | undefined;
}

/** Deeper trees first, so that a product inside another's tree answers for its own files. */
function treesOf(products: readonly IndexedProduct[], bounds: readonly BoundProduct[]): Tree | undefined {
	const roots = products.map(({ name, root }) => {
		const bound = bounds.find((each) => each.name === name)?.root ?? root;
		const real = realPathIfThere(bound);
		return { product: name, prefix: real.endsWith("/") ? real : `${real}/` };
	});
	const shortFirst = roots.sort((a, b) => a.prefix.length - b.prefix.length);
	return shortFirst.reduce<Tree | undefined>((next, root) => ({ ...root, next }), undefined);
}

function realPathIfThere(path: string): string {
	try {
		return realpathSync.native(path);
	} catch {
		return path; // Nothing can be loaded from there until it exists.
	}
}

/** Only of content that is of the kind signed: the parts that count in an image are also a file of their own. */
function authenticodeDigest(bytes: Uint8Array, content: "pe" | "cab" | "any"): string | undefined {
	const { kind, digest } = contentDigest(bytes, "sha256");
	return content === "any" || content === kind ? Buffer.from(digest).toString("hex") : undefined;
}
