/** A tree with every technique in it, its attackers' directories beside it, and what running one of them gives. */

import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
	type Content,
	EVIL_FILES,
	type Files,
	GOOD_MARKER,
	type Library,
	MARKER,
	type Place,
	type Release,
	type Technique,
} from "./technique.js";

export type Libraries = Readonly<Record<Library, Uint8Array>>;

export interface Site {
	/** The signed tree: one directory a technique. */
	readonly tree: string;
	place(technique: Technique): Place;
}

export interface Runtime {
	readonly node: string;
	readonly release: Release;
	readonly v8Flags: readonly string[];
	/** From the options and the script, as the attacker has them, to a command. */
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

/** The attacker's part, once the tree is signed. */
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
	return libraries?.[content.library] ?? "";
}

export interface Run {
	/** Code nobody signed ran. */
	readonly evil: boolean;
	/** A control did what it was signed for. */
	readonly good: boolean;
	readonly status: number | null;
	readonly output: string;
	readonly late: boolean;
}

const LIMIT_MS = 15_000;
/** A refusal that a parent process outlives ends the wait. */
const SETTLED = /evil-ran-42|ERR_UNTRUSTED_CODE|ERR_RUNTIME_RULE|ERR_START/;

export function run(site: Site, technique: Technique, runtime: Runtime): Promise<Run> {
	const place = site.place(technique);
	const main = join(place.app, "main.mjs" in technique.signed ? "main.mjs" : "main.js");
	const command = runtime.command(
		technique.flags?.(place) ?? [],
		technique.script?.(place) ?? [main, place.data],
		place,
	);
	const [program = "", ...words] = [...(technique.through?.(place) ?? []), ...command];
	const input = openSync(technique.input?.(place) ?? "/dev/null", "r");
	return new Promise((resolve, reject) => {
		const child = spawn(program, words, {
			cwd: place.app,
			env: {
				PATH: process.env.PATH,
				HOME: place.app,
				NO_COLOR: "1",
				...runtime.environment,
				...technique.environment?.(place),
			},
			stdio: [input, "pipe", "pipe"],
			detached: true,
		});
		closeSync(input);
		let output = "";
		let late = false;
		// The group is our own: the child was detached.
		const end = () => {
			try {
				process.kill(-(child.pid ?? Number.NaN), "SIGKILL");
			} catch {}
		};
		const timer = setTimeout(() => {
			late = true;
			end();
		}, LIMIT_MS);
		let settling: NodeJS.Timeout | undefined;
		for (const stream of [child.stdout, child.stderr])
			stream?.on("data", (chunk: Buffer) => {
				output += chunk.toString("latin1");
				if (settling === undefined && SETTLED.test(output)) settling = setTimeout(end, 1_500);
			});
		child.on("error", reject);
		child.on("close", (status) => {
			clearTimeout(timer);
			clearTimeout(settling);
			end();
			resolve({ evil: output.includes(MARKER), good: output.includes(GOOD_MARKER), status, output, late });
		});
	});
}

/** As many at a time as the machine has cores for. */
export async function pool<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
	const results: R[] = [];
	let next = 0;
	const worker = async () => {
		for (let index = next++; index < items.length; index = next++) {
			const item = items[index] as T;
			results[index] = await work(item);
		}
	};
	await Promise.all(Array.from({ length: width }, worker));
	return results;
}
