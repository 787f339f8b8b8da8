/** Tells a person's tools which files the index of this host vouches for, and where they lie. */

import { readHostConfiguration } from "./host/config.js";
import { verifyIndexFile } from "./monitor/verify-index-file.js";

/** A product of a verified trust index, bound as on this host. */
export interface HostProduct {
	readonly name: string;
	/** The directory that the host configuration binds, else the one from which the product was compiled. */
	readonly root: string;
	/** True if nobody signed the directory, and the signer of the index adopted it. */
	readonly adopted: boolean;
	/** The entries by their paths below `root`, in byte order. */
	readonly entries: () => Iterable<[path: string, entry: HostEntry]>;
}

export type HostEntry =
	| { readonly kind: "file"; readonly sha256: string; readonly size: number }
	| { readonly kind: "link"; readonly target: string };

export interface HostProductsOptions {
	readonly index: string;
	readonly config: string;
	readonly development?: "refuse" | "allow";
}

/**
 * Verifies an index by the trust policy of a host configuration, and returns its products. Only `verifyHost` also checks
 * that the index and its products are not older than the host allows.
 * @throws ERR_HOST_CONFIG, ERR_IO, the errors of `verifyTrustIndex`
 */
export function productsOfHost({ index: file, config, development }: HostProductsOptions): HostProduct[] {
	const { trust, products: bound } = readHostConfiguration({ file: config, development });
	const { index } = verifyIndexFile(file, { trust, development });
	return index.products.map(({ name, root, adopted = false }) => ({
		name,
		root: bound.find((each) => each.name === name)?.root ?? root,
		adopted,
		entries: () => index.entries(name),
	}));
}
