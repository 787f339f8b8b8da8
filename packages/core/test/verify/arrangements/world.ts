/** A world of directories, links and catalogs in memory, which a test can write to the disk and judge without it. */

import { createHash } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { ENTRY_KIND } from "../../../dist/fileset/manifest.js";
import { encodeCatalog } from "../../../dist/formats/cat-encode.js";
import { signEncoded } from "../../../dist/formats/cat-envelope.js";
import { type Signer, signerFromKey } from "../../../dist/signer/signer.js";
import { certificateFor, p256 } from "../../signer/material.js";

export type Node = Directory | File | Link;

export interface Directory {
	readonly kind: "directory";
	readonly names: Map<string, Node>;
	/** Everyone may write to it. */
	isOpen?: boolean;
}

export interface File {
	readonly kind: "file";
	readonly content: Buffer;
	/** Present if the content is a catalog. */
	readonly catalog?: Catalog;
	/** Another user owns it. */
	isForeign?: boolean;
}

/** A symbolic link with a relative target, or one from the top of the world, which begins with "/". */
export interface Link {
	readonly kind: "link";
	readonly target: string;
}

/** The words of a catalog. */
export interface Catalog {
	/** Each entry by its path: the content of a file, or the target of a link. */
	readonly signs: ReadonlyMap<string, Buffer | string>;
	/** The rule that selects what is signed: everything, all but a name at any depth, or the path of one directory. */
	readonly rule: { readonly kind: "whole" } | { readonly kind: "ignore" | "include" | "scope"; readonly name: string };
	readonly isTrusted: boolean;
}

export const directory = (): Directory => ({ kind: "directory", names: new Map() });
export const file = (text: string): File => ({ kind: "file", content: Buffer.from(text) });

/** A place in the world: the names from its top down, none of them a link. */
export type Place = readonly string[];

export function nodeAt(world: Directory, place: Place): Node | undefined {
	let node: Node | undefined = world;
	for (const name of place) node = node?.kind === "directory" ? node.names.get(name) : undefined;
	return node;
}

export function directoryAt(world: Directory, place: Place): Directory {
	const node = nodeAt(world, place);
	if (node?.kind !== "directory") throw new Error(`no directory at ${place.join("/")}`);
	return node;
}

/** Calls `visit` with everything below a directory and its path from there. Follows no links. */
export function walk(from: Directory, visit: (path: string, node: Node) => void, prefix = ""): void {
	for (const [name, node] of from.names) {
		visit(prefix + name, node);
		if (node.kind === "directory") walk(node, visit, `${prefix}${name}/`);
	}
}

/** Copies what can be changed: directories and owners. */
export function copy(node: Node): Node {
	if (node.kind !== "directory") return { ...node };
	return { ...node, names: new Map(Array.from(node.names, ([name, inner]) => [name, copy(inner)])) };
}

/** Writes the world to an empty directory. The `ownership` is left alone if this user may not change it. */
export function write(world: Directory, home: string, ownership: "changed" | "kept"): void {
	walk(world, (path, node) => {
		const at = `${home}/${path}`;
		if (node.kind === "directory") {
			mkdirSync(at);
			if (node.isOpen === true) chmodSync(at, 0o777);
		} else if (node.kind === "link") {
			symlinkSync(node.target.startsWith("/") ? home + node.target : node.target, at);
		} else {
			writeFileSync(at, node.content);
			if (node.isForeign === true && ownership === "changed") chownSync(at, 65534, 65534);
		}
	});
}

const [trustedKey, otherKey] = [p256(), p256()];
export const certificate = certificateFor(trustedKey);
const trusted = signerFromKey(trustedKey, [certificate]);
const other = signerFromKey(otherKey, [certificateFor(otherKey)]);

/** Makes the file of a catalog. A link from the top of the world is signed as it is written below `home`. */
export async function seal(catalog: Catalog, home: string): Promise<File> {
	const { rule, signs, isTrusted } = catalog;
	const files = [...signs].filter((entry): entry is [string, Buffer] => typeof entry[1] !== "string");
	const links = [...signs].filter((entry): entry is [string, string] => typeof entry[1] === "string");
	files.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
	const ends = files.map((_, row) => files.slice(0, row + 1).reduce((sum, [path]) => sum + Buffer.byteLength(path), 0));
	const manifest = {
		...{ root: "/", count: files.length, digestBytes: 32, linkTargets: new Map(), ignoredCount: 0, problems: [] },
		pathBytes: Buffer.from(files.map(([path]) => path).join("")),
		pathOffsets: Uint32Array.from([0, ...ends]),
		kinds: new Uint8Array(files.length).fill(ENTRY_KIND.file),
		modes: new Uint16Array(files.length).fill(0o644),
		sizes: Float64Array.from(files, ([, content]) => content.length),
		digests: Buffer.concat(files.map(([, content]) => createHash("sha256").update(content).digest())),
	};
	const facts = {
		...({ modes: "none", links: "record", caseCollisions: "refuse" } as const),
		ignore: rule.kind === "ignore" ? [rule.name] : [],
		include: rule.kind === "include" ? [`${rule.name}/**`] : [],
		scope: rule.kind === "scope" ? [rule.name] : ("root" as const),
		emptyFiles: new Map(),
		symbolicLinks: new Map(links.map(([path, target]) => [path, target.startsWith("/") ? home + target : target])),
	};
	const signer: Signer = isTrusted ? trusted : other;
	const { pieces } = await signEncoded(encodeCatalog(manifest, facts, { thisUpdate: Date.now() }), signer, {});
	return { kind: "file", content: Buffer.concat(pieces), catalog };
}
