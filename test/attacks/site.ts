/** Makes a tree with every technique in it, and the attackers' directories beside it. Runs one technique. */

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Run, runProgram } from "./program.js";
import {
	type Content,
	EVIL_FILES,
	type Files,
	type Library,
	type Place,
	type Release,
	type Technique,
} from "./technique.js";

export type Libraries = Readonly<Record<Library, Uint8Array>>;

export interface Site {
	/** The signed tree, with one directory for each technique. */
	readonly tree: string;
	place(technique: Technique): Place;
}

export interface Runtime {
	readonly node: string;
	readonly release: Release;
	readonly v8Flags: readonly string[];
	/** Makes a command from the options and the script that the attacker gives. */
	command(options: readonly string[], script: readonly string[], place: Place): readonly string[];
	readonly environment: Readonly<Record<string, string>>;
}

export function makeSite(
	root: string,
	runtime: Runtime,
	techniques: readonly Technique[],
	libraries: Libraries | undefined,
): Site {
	const site: Site = {
		tree: join(root, "app"),
		place: ({ name }) => {
			const directory = name.replaceAll(/[^A-Za-z0-9]+/g, "-").toLowerCase();
			const { node, release, v8Flags } = runtime;
			return { app: join(root, "app", directory), data: join(root, "data", directory), node, release, v8Flags };
		},
	};
	for (const technique of techniques) {
		const { app } = site.place(technique);
		writeFiles(app, technique.signed, libraries);
		for (const [path, target] of Object.entries(technique.links ?? {})) symlinkSync(target, join(app, path));
	}
	return site;
}

/** Makes the attacker's changes, after the tree was signed. */
export function attack(site: Site, technique: Technique, libraries: Libraries | undefined): void {
	const place = site.place(technique);
	writeFiles(place.data, EVIL_FILES, libraries);
	if (technique.native) writeFiles(place.data, { "evil.node": { library: "evil" } }, libraries);
	writeFiles(place.data, technique.beside ?? {}, libraries);
	writeFiles(place.app, technique.changed ?? {}, libraries);
	technique.arrange?.(place);
}

function writeFiles(directory: string, files: Files, libraries: Libraries | undefined): void {
	for (const [path, content] of Object.entries(files)) {
		const file = join(directory, path);
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(file, bytesOf(content, libraries));
	}
}

function bytesOf(content: Content, libraries: Libraries | undefined): string | Uint8Array {
	if (typeof content === "string" || content instanceof Uint8Array) return content;
	return Buffer.concat([libraries?.[content.library] ?? Buffer.alloc(0), Buffer.alloc(content.padding ?? 0)]);
}

/** When the output matches, the wait ends, because a parent process may continue after a refusal. */
const SETTLED = /evil-ran-42|ERR_UNTRUSTED_CODE|ERR_RUNTIME_RULE|ERR_START/;

export function run(site: Site, technique: Technique, runtime: Runtime): Promise<Run> {
	const place = site.place(technique);
	const main = join(place.app, "main.mjs" in technique.signed ? "main.mjs" : "main.js");
	const command = runtime.command(
		technique.flags?.(place) ?? [],
		technique.script?.(place) ?? [main, place.data],
		place,
	);
	return runProgram({
		command: [...(technique.through?.(place) ?? []), ...command],
		directory: place.app,
		environment: {
			PATH: process.env.PATH,
			HOME: place.app,
			NO_COLOR: "1",
			...runtime.environment,
			...technique.environment?.(place),
		},
		input: technique.input?.(place),
		settled: SETTLED,
	});
}
