/** Merges the entries of several verified catalogs into one set. Refuses catalogs that contradict each other. */

import { quote, SigtoolError } from "../errors.js";
import type { Finding, SignedDigest, SignedFile, SignedSet } from "../fileset/compare/compare.js";
import type { HashFileSetOptions } from "../fileset/hash/hash-files.js";
import {
	entriesByDigest,
	entriesByPath,
	entryByPath,
	evidenceSize,
	naturalMatch,
	signsFile,
} from "../formats/cat-entries.js";
import type { Profile } from "../pki/signature-algorithm.js";
import type { UsedCatalog } from "./used-catalog.js";
import { entriesShortOfSigners } from "./verify-signers.js";

/** Tells how files are matched with the members of catalogs, and how many signers are needed. */
export interface MergeOptions {
	/**
	 * The way to match files with entries. The default is `path` if every catalog has paths, and `digest` otherwise.
	 */
	readonly match?: "path" | "digest";
	/**
	 * The number of different keys that must have signed each entry, each key in a catalog of its own. The default is
	 * 1.
	 */
	readonly requiredSigners?: number;
	readonly profile?: Profile;
}

/**
 * Returns the rules for symbolic links when files are compared, from the rules that the catalogs record.
 * @throws ERR_USAGE if the catalogs record different rules
 */
export function linkRules(
	catalogs: readonly UsedCatalog[],
): Required<Pick<HashFileSetOptions, "links" | "linksOutside">> {
	const rules = new Set(catalogs.map(({ facts }) => facts.links));
	if (rules.size > 1) {
		throw new SigtoolError("ERR_USAGE", "Cannot use the catalogs together: they treat symbolic links differently");
	}
	if (rules.has("record")) return { links: "record", linksOutside: "record" };
	return { links: "follow", linksOutside: rules.has("follow-outside") ? "record" : "refuse" };
}

/**
 * The way in which the catalogs identify files: by path, or by digest alone. `digestSize` is the size of the digests in
 * bytes (SHA-1 or SHA-256).
 */
export interface Binding {
	readonly match: "path" | "digest";
	readonly digestSize: 20 | 32;
}

/**
 * Decides in which way the catalogs identify files.
 * @throws ERR_WEAK_DIGEST, ERR_CATALOG_FORMAT; ERR_USAGE if some catalogs have only SHA-1 and others have SHA-256
 */
export function bindingOf(catalogs: readonly UsedCatalog[], options: MergeOptions): Binding {
	const { profile = "default" } = options;
	const [digestSize, ...others] = new Set(catalogs.map(({ catalog }) => evidenceSize(catalog, profile)));
	if (others.length > 0) {
		throw new SigtoolError(
			"ERR_USAGE",
			"Cannot use SHA-1 and SHA-256 catalogs together; verify with catalogs of one digest algorithm at a time",
		);
	}
	const carriesPaths = catalogs.every(({ catalog }) => naturalMatch(catalog, digestSize) === "path");
	return { match: options.match ?? (carriesPaths ? "path" : "digest"), digestSize };
}

export interface SignedEntries extends Binding {
	/** The entries if `match` is `path`. Otherwise the set is empty. */
	readonly set: SignedSet;
	/** The signed digests if `match` is `digest`. Otherwise the list is empty. */
	readonly digests: readonly SignedDigest[];
	/** The entries that fewer than `requiredSigners` keys signed. They are also in `set`. */
	readonly short: readonly Finding[];
}

/**
 * Returns all entries that the catalogs sign. If `path` is given and files are matched by path, returns only the entry
 * at `path`.
 * @throws ERR_WEAK_DIGEST, ERR_PATH_*; ERR_USAGE or ERR_CATALOG_FORMAT if the catalogs do not fit together
 */
export function signedEntries(catalogs: readonly UsedCatalog[], options: MergeOptions, path?: string): SignedEntries {
	const { requiredSigners = 1 } = options;
	const { match, digestSize } = bindingOf(catalogs, options);
	if (match === "digest") {
		if (requiredSigners > 1) {
			throw new SigtoolError("ERR_USAGE", "Cannot count the signers of files that are matched by digest alone");
		}
		const digests = catalogs.flatMap(({ catalog, facts }) => entriesByDigest(catalog, facts, digestSize));
		return { match, digestSize, set: { files: new Map(), links: new Map() }, digests, short: [] };
	}
	const sets = catalogs.map(({ catalog, facts }) => {
		return path === undefined
			? entriesByPath(catalog, facts, digestSize)
			: entryByPath(catalog, facts, digestSize, path);
	});
	const set = sets.length === 1 ? sets[0] : union(sets, catalogs);
	return { match, digestSize, set, digests: [], short: entriesShortOfSigners(sets, catalogs, requiredSigners) };
}

/**
 * Returns a function that tells which files have to be read to compare a tree with the catalogs: those that a catalog
 * names. Everything else was added, whatever it contains. Returns undefined if each file has to be read, because files
 * are matched by their digests.
 * @throws the errors of `bindingOf`. The function throws those of `signedEntries`
 */
export function filesToRead(
	catalogs: readonly UsedCatalog[],
	options: MergeOptions,
): ((path: string) => boolean) | undefined {
	const { match, digestSize } = bindingOf(catalogs, options);
	if (match === "digest") return undefined;
	return (path) => catalogs.some(({ catalog, facts }) => signsFile(catalog, facts, digestSize, path));
}

/**
 * Returns the entries of all sets. Several catalogs may sign the same path.
 * @throws ERR_CATALOG_FORMAT if they sign it differently
 */
function union(sets: readonly SignedSet[], catalogs: readonly UsedCatalog[]): SignedSet {
	const files = new Map(sets[0].files);
	const links = new Map(sets[0].links);
	for (let i = 1; i < sets.length; i++) {
		for (const [path, file] of sets[i].files) {
			const known = files.get(path);
			if (links.has(path) || (known !== undefined && !agree(known, file))) throw contradiction(path, catalogs[i]);
			files.set(path, known === undefined ? file : combined(known, file));
		}
		for (const [path, target] of sets[i].links) {
			if (files.has(path) || (links.get(path) ?? target) !== target) throw contradiction(path, catalogs[i]);
			links.set(path, target);
		}
	}
	return { files, links };
}

/**
 * Joins what two catalogs say about one file. The mode, the digest of the whole file and the carried attributes come
 * from the first catalog that has them.
 */
function combined(first: SignedFile, second: SignedFile): SignedFile {
	const carried = first.carried ?? second.carried;
	const wholeSha256 = first.wholeSha256 ?? second.wholeSha256;
	return {
		...first,
		...(wholeSha256 === undefined ? {} : { wholeSha256 }),
		mode: first.mode === -1 ? second.mode : first.mode,
		...(carried === undefined ? {} : { carried }),
	};
}

function agree(a: SignedFile, b: SignedFile): boolean {
	const sameMode = a.mode === -1 || b.mode === -1 || a.mode === b.mode;
	const sameWhole =
		a.wholeSha256 === undefined || b.wholeSha256 === undefined || Buffer.compare(a.wholeSha256, b.wholeSha256) === 0;
	return sameMode && sameWhole && a.kind === b.kind && Buffer.compare(a.digest, b.digest) === 0;
}

function contradiction(path: string, { file }: UsedCatalog): SigtoolError {
	const message = `Cannot use catalog ${quote(file)} with the others: it signs ${quote(path)} differently`;
	return new SigtoolError("ERR_CATALOG_FORMAT", message, { path: file });
}
