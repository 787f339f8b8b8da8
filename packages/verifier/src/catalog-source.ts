/** A signed directory to use instead of a trust index. */
export interface CatalogSource {
	readonly directory: string;
	/** The product that the catalog must be of. */
	readonly product?: string;
	/** Catalog files. Default: the directory's own `<dir>/<name>.cat`. */
	readonly files?: readonly string[];
}
