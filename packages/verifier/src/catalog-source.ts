/** A signed directory to use instead of a trust index. */
export interface CatalogSource {
	readonly directory: string;
	/** The product that the catalog must state. */
	readonly product?: string;
	/** The paths of catalog files. Default: the directory's own catalog, `<dir>/<name>.cat`. */
	readonly files?: readonly string[];
}
