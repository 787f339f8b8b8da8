/** Makes a tree with every technique in it, and the attackers' directories beside it. Runs one technique. */

import { join } from "node:path";
import type { Run } from "./program.js";
import {
	type Content,
	EVIL_FILES,
	type Files,
	type Library,
	type Place,
	type Release,
	type Technique,
} from "./technique.js";
import { directoriesOf, type RuntimeOf, start, writeFiles, writeSigned } from "./tree.js";

export type Libraries = Readonly<Record<Library, Uint8Array>>;

export interface Site {
	/** The signed tree, with one directory for each technique. */
	readonly tree: string;
	place(technique: Technique): Place;
}

export interface Runtime extends RuntimeOf<Place> {
	readonly node: string;
	readonly release: Release;
	readonly v8Flags: readonly string[];
}

export function makeSite(
	root: string,
	{ node, release, v8Flags }: Runtime,
	techniques: readonly Technique[],
	libraries: Libraries | undefined,
): Site {
	const site: Site = {
		tree: join(root, "app"),
		place: (technique) => ({ ...directoriesOf(root, technique), node, release, v8Flags }),
	};
	for (const each of techniques) writeSigned(site.place(each), each, (content) => bytesOf(content, libraries));
	return site;
}

/** Makes the attacker's changes, after the tree was signed. */
export function attack(site: Site, technique: Technique, libraries: Libraries | undefined): void {
	const place = site.place(technique);
	const write = (to: string, files: Files) => writeFiles(to, files, (content) => bytesOf(content, libraries));
	write(place.data, EVIL_FILES);
	if (technique.native) write(place.data, { "evil.node": { library: "evil" } });
	write(place.data, technique.beside ?? {});
	write(place.app, technique.changed ?? {});
	technique.arrange?.(place);
}

function bytesOf(content: Content, libraries: Libraries | undefined): string | Uint8Array {
	if (typeof content === "string" || content instanceof Uint8Array) return content;
	return Buffer.concat([libraries?.[content.library] ?? Buffer.alloc(0), Buffer.alloc(content.padding ?? 0)]);
}

const SETTLED = /evil-ran-42|ERR_UNTRUSTED_CODE|ERR_RUNTIME_RULE|ERR_START/;

export function run(site: Site, technique: Technique, runtime: Runtime): Promise<Run> {
	const main = "main.mjs" in technique.signed ? "main.mjs" : "main.js";
	return start(technique, site.place(technique), runtime, { main, environment: { NO_COLOR: "1" }, settled: SETTLED });
}
