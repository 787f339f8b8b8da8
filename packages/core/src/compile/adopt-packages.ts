/**
 * Adopts the files of packages of the distribution into a trust index, by dpkg's lists. Nobody signed these files for
 * this index, so the signer of the index vouches for them, as for those of an adopted directory. The digests in dpkg's
 * lists find files that changed by mistake. They are no evidence against attackers: who can write a file of a package
 * can write the lists, too.
 */

import { createHash, type Hash } from "node:crypto";
import { dirname, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import type { FileVisitor } from "../fileset/hash/hash-file.js";
import { cannotAdopt } from "../fileset/packages/dpkg-lists.js";
import { ANY, type PackagedFile, type PackagedTree, type PackagePlan } from "../fileset/packages/packaged-files.js";
import { isBelow, realPath } from "../fileset/paths/locate-catalogs.js";
import { findOtherWriters } from "../fileset/paths/other-writers.js";
import { type AdoptOptions, adoptFiles } from "./adopt-directory.js";
import type { CompiledDirectory } from "./compile-directory.js";

export interface AdoptPackagesOptions extends AdoptOptions {
	/**
	 * The treatment of files that changed, or are missing, since their package was installed. The value `accept` takes
	 * them as they are.
	 */
	readonly changes: "refuse" | "accept";
}

/**
 * Records the planned files as they are now, and compares them with dpkg's digests.
 * @throws ERR_PACKAGE for a file that changed, and the errors of `adoptDirectory`
 */
export async function adoptPackages(plan: PackagePlan, options: AdoptPackagesOptions): Promise<CompiledDirectory[]> {
	const compiled: CompiledDirectory[] = [];
	for (const tree of plan.trees) compiled.push(await adoptTree(tree, options));
	return compiled;
}

async function adoptTree(tree: PackagedTree, options: AdoptPackagesOptions): Promise<CompiledDirectory> {
	const { root, files } = tree;
	if (realPath(root) !== root) {
		const message = `Cannot adopt ${quote(root)}: it is reached through a symbolic link`;
		throw new SigtoolError("ERR_LINK_PARENT", message, { path: root });
	}
	const inner = options.roots.filter((each) => each !== root && isBelow(root, each));
	const own = [...files].filter(([entry]) => !inner.some((each) => isBelow(each, join(root, entry))));
	const isThere = own.filter(([, { kind }]) => kind !== "missing").map(([entry]) => entry);
	const missing = own.filter(([, { kind }]) => kind === "missing");
	if (isThere.length === 0) throw cannotAdopt(missing[0]?.[1].of ?? "", `none of its files is below ${quote(root)}`);
	const writers = findOtherWriters(root);
	const same = new Set<string>();
	const look = (directory: string) => writers.look(join(root, directory));
	const adopted = await adoptFiles(root, options, writers, { only: isThere, visitor: compareWith(files, same, look) });
	const [first, ...others] = own.filter(([entry, { kind, md5 }]) => {
		return kind === "missing" || (md5 !== undefined && md5 !== ANY && !same.has(entry));
	});
	const text = first && changesText(root, first, others.length);
	if (text !== undefined && options.changes === "refuse") {
		const message = `Cannot adopt ${text}; install the package again, or take it as it is with --accept-package-changes`;
		throw new SigtoolError("ERR_PACKAGE", message, { path: root });
	}
	const unknown = own.filter(([, { md5, kind }]) => kind === "listed" && md5 === undefined).length;
	return {
		...adopted,
		warnings: [
			...adopted.warnings,
			...(text === undefined ? [] : [`${text}: taken as it is`]),
			...(unknown === 0 ? [] : [`in ${quote(root)}, dpkg has no digest of ${unknown} files: taken as they are`]),
			...pathFileWarnings(tree),
		],
	};
}

function changesText(root: string, [entry, { of }]: readonly [string, PackagedFile], others: number): string {
	const more = others === 0 ? "" : `, and ${others} more`;
	return `${quote(join(root, entry))}${more}, which changed since package ${of} was installed`;
}

/**
 * Returns a visitor that adds the entry path of each file with dpkg's digest to `same`, and calls `look` once for each
 * directory of a file.
 */
function compareWith(
	files: ReadonlyMap<string, PackagedFile>,
	same: Set<string>,
	look: (directory: string) => void,
): FileVisitor {
	const seen = new Set(["."]);
	let expected: string | undefined;
	let md5: Hash | undefined;
	return {
		begin({ name }) {
			for (let directory = dirname(name); !seen.has(directory); directory = dirname(directory)) {
				look(directory);
				seen.add(directory);
			}
			expected = files.get(name)?.md5;
			md5 = expected === undefined || expected === ANY ? undefined : newMd5();
		},
		content(piece) {
			md5?.update(piece);
		},
		end({ name }) {
			if (md5?.digest("hex") === expected) same.add(name);
			return "looked";
		},
		undo() {},
	};
}

function newMd5(): Hash {
	try {
		return createHash("md5");
	} catch (cause) {
		const message = "Cannot compare files with dpkg's digests: this Node.js computes no MD5, as in FIPS mode";
		throw new SigtoolError("ERR_UNSUPPORTED_ALGORITHM", message, { cause });
	}
}

/** CPython reads these files at each start, as code, from the directories of modules. */
function pathFileWarnings({ root, foreignPathFiles }: PackagedTree): string[] {
	return foreignPathFiles.map(({ entry, owner }) => {
		const mend = owner === undefined ? "no package has it: remove it" : `adopt its package ${owner} too, or remove it`;
		return `Python reads ${quote(join(root, entry))} at each start, and no adopted package has it: with "onRefusal": "exit" no program starts; ${mend}`;
	});
}
