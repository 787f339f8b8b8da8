/** Says how far a log was sent, by the last line: it is found again in a file that was renamed, copied or compressed. */

export interface Position {
	/** Where the line begins in its file, and where it ends, without its line feed. */
	readonly startBytes: number;
	readonly endBytes: number;
	/** The digest that `lineDigest` returns for the line. */
	readonly digest: string;
	/** The inode of the file, in which the line is looked for first. */
	readonly inode: number;
	/** The number and the time of the line, if it has them. */
	readonly seq?: number | undefined;
	readonly time?: string | undefined;
}
