/** Writes techniques into a tree, and starts one. The suites of Node.js and CPython share it. */

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Run, runProgram } from "./program.js";
import type { TechniqueOf } from "./technique.js";

/** The two directories of one technique: the program's, in the signed tree, and the attacker's, beside the tree. */
export interface Directories {
	readonly app: string;
	readonly data: string;
}

export function directoriesOf(root: string, { name }: { readonly name: string }): Directories {
	const directory = name.replaceAll(/[^A-Za-z0-9]+/g, "-").toLowerCase();
	return { app: join(root, "app", directory), data: join(root, "data", directory) };
}

type Bytes = string | Uint8Array;

/** Writes files by their paths below a directory. `bytesOf` returns the bytes of a content that is neither text nor bytes. */
export function writeFiles<Content>(
	directory: string,
	files: Readonly<Record<string, Content>>,
	bytesOf: (content: Content) => Bytes,
): void {
	for (const [path, content] of Object.entries(files)) {
		const file = join(directory, path);
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(file, bytesOf(content));
	}
}

/** Writes the signed files and links of a technique. */
export function writeSigned<Content>(
	{ app }: Directories,
	{ signed, links = {} }: Pick<TechniqueOf<never, never, Content>, "signed" | "links">,
	bytesOf: (content: Content) => Bytes,
): void {
	writeFiles(app, signed, bytesOf);
	for (const [path, target] of Object.entries(links)) symlinkSync(target, join(app, path));
}

export interface RuntimeOf<Place> {
	/** Makes a command from the options and the script that the attacker gives. */
	command(options: readonly string[], script: readonly string[], place: Place): readonly string[];
	readonly environment: Readonly<Record<string, string>>;
}

export interface Start {
	/** The program's own script. */
	readonly main: string;
	readonly environment: Readonly<Record<string, string>>;
	/** When the output matches, the wait ends, because a parent process may continue after a refusal. */
	readonly settled: RegExp;
}

export function start<Place extends Directories>(
	technique: TechniqueOf<Place, PropertyKey, unknown>,
	place: Place,
	runtime: RuntimeOf<Place>,
	{ main, environment, settled }: Start,
): Promise<Run> {
	const script = technique.script?.(place) ?? [join(place.app, main), place.data];
	const command = runtime.command(technique.flags?.(place) ?? [], script, place);
	return runProgram({
		command: [...(technique.through?.(place) ?? []), ...command],
		directory: place.app,
		environment: {
			PATH: process.env.PATH,
			HOME: place.app,
			...environment,
			...runtime.environment,
			...technique.environment?.(place),
		},
		input: technique.input?.(place),
		settled,
	});
}
