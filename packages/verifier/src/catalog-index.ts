/** Makes an index from verified catalogs, for programs that load from signed directories without a trust index. */

import { realpathSync } from "node:fs";
import {
	ENTRY_KIND,
	errnoReason,
	loadCatalogs,
	productSigner,
	quote,
	signedEntries,
} from "@sigtool/core/internal/read";
import type { SignedFile } from "@sigtool/core/read";
import { DEFAULT_POLICY, SigtoolError, type TrustPolicy } from "@sigtool/core/read";
import type { CatalogSource } from "./catalog-source.js";
import type { Development } from "./host/config.js";
import type { Evidence } from "./monitor/create-monitor.js";
import { endsOf, groundsOf } from "./monitor/deny-list.js";
import type { CodeEntry, IndexedProduct } from "./monitor/judge.js";
import { mapGet, sha256 } from "./safe/primordials.js";

/**
 * Makes the evidence of all sources. @throws the errors of `loadCatalogs`; ERR_DEVELOPMENT_IDENTITY if a development
 * identity signed and `development` is `refuse`; ERR_PRODUCT_MISMATCH if two sources have the same product
 */
export function evidenceOf(sources: readonly CatalogSource[], trust: TrustPolicy, development: Development): Evidence {
	const trees = sources.map((source) => treeOf(source, trust, development));
	const names = new Map(trees.map((tree) => [tree.product.name, tree]));
	if (names.size < trees.length) {
		const message = "Cannot use these directories together: two have the same product; name it in each with `product`";
		throw new SigtoolError("ERR_PRODUCT_MISMATCH", message);
	}
	return {
		index: {
			products: trees.map(({ product }) => product),
			compiled: Number.MAX_SAFE_INTEGER,
			notAfter: undefined,
			find: (product, path) => mapGet(names, product)?.find(path),
			hasContent: () => false,
			fileTexts: [],
		},
		policy: DEFAULT_POLICY,
		signers: trees.flatMap(({ signers }) => signers),
		digests: undefined,
		isPolicySigned: false,
		grounds: trees.flatMap(({ grounds }) => grounds),
		ends: trees.flatMap(({ ends }) => ends),
	};
}

function treeOf(source: CatalogSource, trust: TrustPolicy, development: Development) {
	const root = realPathOf(source.directory);
	const options = { trust, product: source.product, catalogs: source.files, match: "path" } as const;
	const { catalogs } = loadCatalogs(root, options);
	const developer = catalogs.find(({ signer }) => signer.development);
	if (developer !== undefined && development === "refuse") {
		const message = `Cannot trust "${developer.file}": a development identity signed it; sign it with a release key`;
		throw new SigtoolError("ERR_DEVELOPMENT_IDENTITY", message, { path: developer.file });
	}
	const { files, links } = signedEntries(catalogs, options).set;
	const sequences = catalogs.map(({ facts }) => facts.sequence ?? -1);
	const lowest = Math.min(...sequences);
	const product: IndexedProduct = {
		name: source.product ?? catalogs[0]?.facts.product ?? root,
		root,
		sequence: lowest === -1 ? undefined : lowest,
		catalogs: catalogs.map(({ bytes }) => sha256(bytes)),
		signers: catalogs.map(({ signer }) => productSigner(signer)),
	};
	return {
		product,
		signers: catalogs.map(({ signer }) => signer),
		grounds: [
			...product.catalogs.map((sha256) => ({ kind: "catalog", sha256, what: "a catalog", from: 0 }) as const),
			...catalogs.flatMap(groundsOf),
		],
		ends: catalogs.flatMap(endsOf),
		find(path: string): CodeEntry | undefined {
			const target = mapGet(links, path);
			if (target !== undefined) return { kind: "link", target };
			const file = mapGet(files, path);
			return file === undefined ? undefined : entryOf(file);
		},
	};
}

/** @throws ERR_ROOT_MISSING, ERR_IO */
function realPathOf(directory: string): string {
	try {
		return realpathSync.native(directory);
	} catch (cause) {
		// The type assertion is safe: realpath throws only errors that have a code.
		const code = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "ERR_ROOT_MISSING" : "ERR_IO";
		const message = `Cannot use directory ${quote(directory)}: ${errnoReason(cause)}`;
		throw new SigtoolError(code, message, { cause, path: directory });
	}
}

/**
 * Returns the entry with the digest of the whole file. A digest of unknown kind counts as the digest of the whole file,
 * so that the digest of a part never makes a PE image or a cabinet trusted.
 */
function entryOf({ kind, digest, wholeSha256 }: SignedFile): CodeEntry {
	if (digest.length === 0) return { kind: "file", sha256: EMPTY };
	const isPartial = kind === ENTRY_KIND.pe || kind === ENTRY_KIND.cab;
	const whole = isPartial ? wholeSha256 : digest;
	return whole === undefined ? { kind: "partial" } : { kind: "file", sha256: Buffer.from(whole).toString("hex") };
}

const EMPTY = sha256(new Uint8Array());
