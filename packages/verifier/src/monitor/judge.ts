/** Judges bytes by path and content, with a verified index, the host's list of products, its deny list, and the time. */

import { realpathSync } from "node:fs";
import { type FileRules, type FileRuling, type FileText, quote, ruleOn } from "@sigtool/core/internal/read";
import { type Denial, type ProductSigner, SigtoolError } from "@sigtool/core/read";
import type { BoundProduct } from "../host/config.js";
import { mapGet, sha256, slice, startsWith } from "../safe/primordials.js";
import { addDenials, createDenyList, type DenyList, noDenials } from "./deny-list.js";
import type { Term } from "./term.js";
import { type TrustedVerdict, type UntrustedVerdict, untrusted, type Verdict } from "./verdict.js";

/** The signed entries. Look-ups are by product and path, so that signed content does not count under another path. */
export interface CodeIndex {
	readonly products: readonly IndexedProduct[];
	/** The sequence of the index itself. Catalogs are verified anew at each start, so they have the highest one. */
	readonly compiled: number | undefined;
	/** The expiry in milliseconds since the epoch. */
	readonly notAfter: number | undefined;
	find(product: string, path: string): CodeEntry | undefined;
	/**
	 * Tells whether a file of any product has this SHA-256, in lower-case hexadecimal. Always false for an
	 * index that is made from catalogs. `counts`, if given, has to accept the product and the path of such a file.
	 */
	hasContent(sha256: string, counts?: (product: string, path: string) => boolean): boolean;
	/** The texts that Node.js compiles and that differ from their files, by SHA-256. */
	readonly fileTexts: readonly FileText[];
}

export interface IndexedProduct {
	readonly name: string;
	/** The absolute real path of the product's directory. */
	readonly root: string;
	readonly sequence: number | undefined;
	/** The SHA-256 of each catalog, in lower-case hexadecimal. */
	readonly catalogs: readonly string[];
	readonly adopted?: true | undefined;
	/** The signers of the catalogs. Undefined for an adopted product, and if the index does not name them. */
	readonly signers?: readonly ProductSigner[] | undefined;
}

/**
 * A signed entry. `sha256` covers the whole file. An entry of kind `partial` is a PE image or a cabinet of which only an
 * Authenticode digest was signed. Such an entry is never trusted, because this digest leaves out bytes that can be code.
 * Code tests `kind` instead of the presence of a member, because a program can put members on Object.prototype.
 */
export type CodeEntry =
	| { readonly kind: "file"; readonly sha256: string }
	| { readonly kind: "partial" }
	| { readonly kind: "link"; readonly target: string };

export interface Judge {
	/**
	 * Returns the verdict. `path` is the real path of the bytes. If there are several reasons, the first in the order of
	 * docs/reference/verifier.md counts.
	 */
	decide(path: string, bytes: Uint8Array): Verdict;
	/**
	 * Returns the verdict if content with this SHA-256, in lower-case hexadecimal, is trusted at this path. Otherwise
	 * returns undefined.
	 */
	trustedAs(path: string, sha256: string): TrustedVerdict | undefined;
	/** Tells whether a link may be followed. A link inside a product must be signed with this target. */
	admitsLink(path: string, target: string): boolean;
	/** Tells whether the index names a file or a link at this path. */
	isNamed(path: string): boolean;
	/** Returns the place of a signed file that counts and has this SHA-256, in lower-case hexadecimal. */
	placeOfContent(sha256: string): Place | undefined;
	/**
	 * Returns the refusal of a text with this SHA-256 if it is that of files which the deny list or a deny rule names, and
	 * of no other signed file. No policy lets such a text pass.
	 */
	refusalOfText(sha256: string): UntrustedVerdict | undefined;
	/** Returns the product whose tree contains the path, and the relative path below its root. */
	placeOf(path: string): Place | undefined;
}

export interface Place {
	readonly product: string;
	readonly entry: string;
}

/**
 * A judge gets these from its process: the deny list and the term, which can change while the process runs, and the time
 * of its start, which cannot.
 */
export interface JudgeSettings {
	readonly denyList: DenyList;
	readonly term: Term;
	/** The time of the start, in milliseconds since the epoch, for which the index's expiry is judged. */
	readonly at: number;
	/** The rules of the policy. They are asked last, about a file that everything else trusts. */
	readonly rules: FileRules | undefined;
}

/**
 * Makes a judge. By default the deny list stays as it is, nothing ends after the start, and there are no rules. `known`
 * has the real paths of roots that were looked up before. The others are looked up, and added to it.
 * @throws ERR_PRODUCT_MISMATCH, ERR_SEQUENCE, ERR_DENIED, ERR_INDEX_EXPIRED, ERR_POLICY if the index must not be used at all
 */
export function createJudge(
	index: CodeIndex,
	bounds: readonly BoundProduct[],
	deny: readonly Denial[],
	settings: Partial<JudgeSettings> = {},
	known: Map<string, string> = new Map(),
): Judge {
	for (const product of index.products) checkProduct(product, index.compiled, bounds, deny);
	const { notAfter } = index;
	const { at = Date.now(), term = ENDLESS, rules } = settings;
	if (rules?.namesSigner === true) requireSigners(index);
	if (notAfter !== undefined && at > notAfter) {
		const message = `Cannot use the trust index: it expired at ${new Date(notAfter).toISOString()}; compile a new one`;
		throw new SigtoolError("ERR_INDEX_EXPIRED", message);
	}
	const trees = treesOf(index.products, bounds, known);
	const denyList = settings.denyList ?? createDenyList(addDenials(noDenials(), deny), [], undefined, undefined);

	const filesOfTexts = filesByText(index.fileTexts);

	function placeOf(path: string): Place | undefined {
		for (let tree = trees; tree !== undefined; tree = tree.next) {
			if (startsWith(path, tree.prefix)) return { product: tree.product, entry: slice(path, tree.prefix.length) };
		}
		return undefined;
	}

	/** Returns the ruling about a signed file. Undefined if there are no rules. */
	function rulingOn(product: string, path: string, digest: string): FileRuling | undefined {
		if (rules === undefined) return undefined;
		return ruleOn(rules, { product, path, sha256: digest, signers: signersIn(trees, product) });
	}

	function placeOfContent(digest: string): Place | undefined {
		if (denyList.denialOf(digest) !== undefined || term.refusal() !== undefined) return undefined;
		let place: Place | undefined;
		index.hasContent(digest, (product, entry) => {
			const counts = rulingOn(product, entry, digest)?.isAllowed !== false;
			if (counts) place = { product, entry };
			return counts;
		});
		return place;
	}

	/** Returns the refusal of content that the deny list or a deny rule names. */
	function denialOfContent(digest: string): UntrustedVerdict | undefined {
		const denied = denyList.denialOfFile(digest);
		if (denied !== undefined) {
			return untrusted("ERR_DENIED", { sha256: digest, why: denied.why, denial: denied.reason });
		}
		let refused: UntrustedVerdict | undefined;
		if (rules !== undefined) {
			index.hasContent(digest, (product, entry) => {
				const ruling = rulingOn(product, entry, digest);
				if (ruling?.by?.isDeny !== true) return false;
				refused = untrusted("ERR_POLICY_RULE", { product, entry, sha256: digest, ...factsOf(ruling) });
				return true;
			});
		}
		return refused;
	}

	return {
		placeOf,
		placeOfContent,
		refusalOfText(digest) {
			const files = mapGet(filesOfTexts, digest);
			let refused = denialOfContent(digest);
			if (refused?.reason === "ERR_DENIED") return refused;
			for (let of = files; of !== undefined && refused === undefined; of = of.next) refused = denialOfContent(of.file);
			if (refused === undefined || placeOfContent(digest) !== undefined) return undefined;
			for (let of = files; of !== undefined; of = of.next) {
				if (placeOfContent(of.file) !== undefined) return undefined;
			}
			return refused;
		},
		admitsLink(path, target) {
			const place = placeOf(path);
			if (place === undefined) return true;
			const entry = index.find(place.product, place.entry);
			return entry?.kind === "link" && entry.target === target;
		},
		isNamed(path) {
			const place = placeOf(path);
			return place !== undefined && index.find(place.product, place.entry) !== undefined;
		},
		trustedAs(path, digest) {
			const place = placeOf(path);
			if (place === undefined || denyList.denialOf(digest) !== undefined || term.refusal() !== undefined)
				return undefined;
			const { product, entry } = place;
			const signed = index.find(product, entry);
			if (signed?.kind !== "file" || signed.sha256 !== digest) return undefined;
			const ruling = rulingOn(product, entry, digest);
			if (ruling?.isAllowed === false) return undefined;
			return { trusted: true, product, entry, sha256: digest, rule: allowing(ruling) };
		},
		decide(path, bytes) {
			const digest = sha256(bytes);
			const place = placeOf(path);
			const denied = denyList.denialOf(digest);
			if (denied !== undefined) {
				const { why, reason: denial, mend } = denied;
				return refusal("ERR_DENIED", { why, denial, ...(mend !== undefined && { mend }) });
			}
			const expired = term.refusal();
			if (expired !== undefined) return refusal(expired);
			if (place === undefined) return refusal("ERR_OUTSIDE_PRODUCTS");
			const { product, entry } = place;
			const signed = index.find(product, entry);
			if (signed === undefined || signed.kind === "link") return refusal("ERR_FILE_ADDED");
			if (signed.kind === "partial") return refusal("ERR_UNSIGNED_BYTES");
			if (digest !== signed.sha256) return refusal("ERR_FILE_MODIFIED", { expected: signed.sha256 });
			const ruling = rulingOn(product, entry, digest);
			if (ruling?.isAllowed === false) return refusal("ERR_POLICY_RULE", factsOf(ruling));
			return { trusted: true, product, entry, sha256: digest, rule: allowing(ruling) };

			function refusal(code: UntrustedVerdict["reason"], facts: Partial<UntrustedVerdict> = {}): Verdict {
				return untrusted(code, { ...place, sha256: digest, ...facts });
			}
		},
	};
}

interface FilesOfText {
	readonly file: string;
	readonly next: FilesOfText | undefined;
}

function filesByText(fileTexts: readonly FileText[]): Map<string, FilesOfText> {
	const files = new Map<string, FilesOfText>();
	for (const { text, file } of fileTexts) files.set(text, { file, next: files.get(text) });
	return files;
}

/** Returns the name of the check that a trusted file passed last. */
function allowing(ruling: FileRuling | undefined): TrustedVerdict["rule"] {
	// The type assertion is safe: an allowing rule has the name `rules[…]`.
	return (ruling?.rule as TrustedVerdict["rule"] | undefined) ?? "entry";
}

/** Returns what a refusal by a rule says. */
function factsOf({ rule, why, by }: FileRuling): Partial<UntrustedVerdict> {
	const { message, url } = by ?? {};
	return {
		// The type assertion is safe: a refusal has the name of a rule, or `rules`.
		rule: rule as UntrustedVerdict["rule"],
		why: message === undefined ? why : `${why}: ${message}`,
		denial: message,
		...(url !== undefined && { mend: `see ${url}` }),
	};
}

/** @throws ERR_POLICY if the signers of a signed product are unknown, so that no rule about signers can be applied */
function requireSigners({ products }: CodeIndex): void {
	for (const { name, adopted, signers } of products) {
		if (adopted === true || signers !== undefined) continue;
		const message = `Cannot use the policy: its rules name signers, and the trust index does not name those of product ${quote(name)}; compile it again with a policy that has rules`;
		throw new SigtoolError("ERR_POLICY", message);
	}
}

const ENDLESS: Term = { refusal: () => undefined };

function checkProduct(
	product: IndexedProduct,
	compiled: number | undefined,
	bounds: readonly BoundProduct[],
	deny: readonly Denial[],
): void {
	const named = `product ${quote(product.name)}`;
	const bound = bounds.find(({ name }) => name === product.name);
	if (bound === undefined && bounds.length > 0) {
		const message = `Cannot use ${named}: the host configuration does not name it; add it to "products" if it belongs here`;
		throw new SigtoolError("ERR_PRODUCT_MISMATCH", message);
	}
	const { minimumSequence, minimumCompiled } = bound ?? {};
	if (minimumCompiled !== undefined && (compiled ?? -1) < minimumCompiled) {
		const found = compiled === undefined ? "its index has no sequence" : `the sequence of its index is ${compiled}`;
		const message = `Cannot use ${named}: ${found}, and this host demands at least ${minimumCompiled}; install a newer index`;
		throw new SigtoolError("ERR_SEQUENCE", message);
	}
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
	/** The root with a slash at its end. */
	readonly prefix: string;
	readonly signers: readonly ProductSigner[];
	readonly next: Tree | undefined;
}

/**
 * Returns the trees, the deepest first. So a file in a product inside another product's tree belongs to the inner
 * product.
 */
function treesOf(
	products: readonly IndexedProduct[],
	bounds: readonly BoundProduct[],
	known: Map<string, string>,
): Tree | undefined {
	const roots = products.map(({ name, root, signers = [] }) => {
		const bound = bounds.find((each) => each.name === name)?.root ?? root;
		const real = known.get(bound) ?? realPathIfThere(bound);
		known.set(bound, real);
		return { product: name, prefix: real.endsWith("/") ? real : `${real}/`, signers };
	});
	const shortFirst = roots.sort((a, b) => a.prefix.length - b.prefix.length);
	return shortFirst.reduce<Tree | undefined>((next, root) => ({ ...root, next }), undefined);
}

function signersIn(trees: Tree | undefined, product: string): readonly ProductSigner[] {
	for (let tree = trees; tree !== undefined; tree = tree.next) if (tree.product === product) return tree.signers;
	return NOBODY;
}

const NOBODY: readonly ProductSigner[] = [];

function realPathIfThere(path: string): string {
	try {
		return realpathSync.native(path);
	} catch {
		return path; // The directory does not exist, so no file can be loaded from it.
	}
}
