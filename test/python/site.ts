/** Makes a tree with every technique, a standard library, and the attackers' directories. Runs one technique. */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Python } from "../../packages/verifier/test/python/support.js";
import type { Run } from "../attacks/program.js";
import { directoriesOf, type RuntimeOf, start, writeFiles, writeSigned } from "../attacks/tree.js";
import { EVIL_FILES, type Files, type Place, type Technique, type Version } from "./technique.js";

export interface Site {
	readonly root: string;
	/** The signed tree, with one directory for each technique. */
	readonly tree: string;
	/** The signed prefix. `library` is the standard library in it. */
	readonly home: string;
	readonly library: string;
	readonly python: Python;
}

export interface Runtime extends RuntimeOf<Place> {
	/** The program that is started. */
	readonly program: string;
}

/** These directories are not copied: no program of the suite imports from them, and the site has its own site-packages. */
const LEFT_OUT = /^(test|idlelib|tkinter|turtledemo|ensurepip|pydoc_data|site-packages|dist-packages|config-.*)$/;

export function makeSite(root: string, python: Python, techniques: readonly Technique[], program: string): Site {
	const home = join(root, "home");
	const library = join(home, "lib", basename(python.library));
	const site = { root, tree: join(root, "app"), home, library, python };
	cpSync(python.library, library, {
		recursive: true,
		dereference: true,
		preserveTimestamps: true,
		filter: (source) => dirname(source) !== python.library || !LEFT_OUT.test(basename(source)),
	});
	for (const technique of techniques) {
		const place = placeOf(site, technique, program);
		mkdirSync(place.sitePackages, { recursive: true });
		writeSigned(place, technique, asIs);
		technique.prepare?.(place);
	}
	return site;
}

const asIs = (content: string | Uint8Array) => content;

export function placeOf({ root, home, library, python }: Site, technique: Technique, program: string): Place {
	const { executable, release } = python;
	const sitePackages = executable.startsWith("/usr/")
		? join(home, "lib/python3/dist-packages")
		: join(library, "site-packages");
	return {
		...directoriesOf(root, technique),
		home,
		library,
		sitePackages,
		python: executable,
		program,
		version: release as Version,
	};
}

/** Tries one technique, `most` times if unsigned code does not run before, and restores the standard library afterwards. */
export async function tryTechnique(
	site: Site,
	technique: Technique,
	runtime: Runtime,
	native: Files,
	most = 1,
): Promise<Run> {
	const place = placeOf(site, technique, runtime.program);
	writeFiles(place.data, EVIL_FILES, asIs);
	if (technique.native) writeFiles(place.data, native, asIs);
	writeFiles(place.data, technique.beside ?? {}, asIs);
	writeFiles(place.app, technique.changed ?? {}, asIs);
	const restore = (technique.touches?.(place) ?? []).map(saved);
	try {
		technique.arrange?.(place);
		let result = await run(technique, place, runtime);
		for (let tries = 1; tries < most && !result.evil; tries++) result = await run(technique, place, runtime);
		return result;
	} finally {
		for (const putBack of restore) putBack();
	}
}

function run(technique: Technique, place: Place, runtime: Runtime): Promise<Run> {
	// From 3.14 on, ctypes makes a callback when it is imported, for which libffi needs a directory.
	const environment = { LANG: "C.UTF-8", TMPDIR: place.data };
	return start(technique, place, runtime, { main: "main.py", environment, settled: /evil-ran-42/ });
}

function saved(file: string): () => void {
	if (!existsSync(file)) return () => rmSync(file, { force: true });
	const [content, { atime, mtime }] = [readFileSync(file), statSync(file)];
	return () => {
		writeFileSync(file, content);
		utimesSync(file, atime, mtime);
	};
}
