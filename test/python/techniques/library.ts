/** These techniques change or add files in the standard library and in the directories beside it. */

import { copyFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { cachePath, extensionModule, makeBytecode, makeZip } from "../making.js";
import { EVIL, type Place, type Technique } from "../technique.js";

const LOADS_JSON = "import json\n";
const LOADS_EVIL = { signed: { "main.py": "import evil\n" } };

/** Makes a technique that changes one file of the library. `path` is below the library's directory. */
const changes = (
	name: string,
	path: string | ((place: Place) => string),
	change: (place: Place, file: string) => void,
	more: Partial<Technique> = {},
): Technique => {
	const file = (place: Place) => `${place.library}/${typeof path === "string" ? path : path(place)}`;
	return {
		name,
		signed: { "main.py": LOADS_JSON },
		touches: (place) => [file(place)],
		arrange: (place) => change(place, file(place)),
		...more,
	};
};

const byText = (_: Place, file: string) => writeFileSync(file, `${EVIL}\n`);
const byLine = (_: Place, file: string) => writeFileSync(file, `import os; ${EVIL}\n`);
const byBytecode = (place: Place, target: string) => makeBytecode(place, { target });
const byBytecodeOf = (source: string) => (place: Place, target: string) =>
	makeBytecode(place, { target, of: `${place.library}/${source}` });
const cached = (directory: string) => (place: Place) => cachePath(place, directory, "__init__");

const inSitePackages = (name: string) => (place: Place) => `${relative(place.library, place.sitePackages)}/${name}`;

export const library: readonly Technique[] = [
	changes("changed module of the standard library", "json/__init__.py", byText),
	changes("changed bytecode of the standard library", cached("json"), byBytecodeOf("json/__init__.py")),
	changes("unchecked bytecode of the standard library", cached("json"), byBytecode),
	changes("changed module that start-up loads", "encodings/__init__.py", byText),
	changes("changed bytecode that start-up loads", cached("encodings"), byBytecodeOf("encodings/__init__.py")),
	changes("sitecustomize added", "sitecustomize.py", byText),
	changes("usercustomize added", "usercustomize.py", byText),
	changes(".pth added to site-packages", inSitePackages("evil.pth"), byLine),
	changes("module added to the standard library", "evil.py", byText, LOADS_EVIL),
	changes("module added to site-packages", inSitePackages("evil.py"), byText, LOADS_EVIL),
	changes("bytecode without source added to the standard library", "evil.pyc", byBytecode, LOADS_EVIL),
	changes("extension module added to the standard library", "lib-dynload/evil.so", byLibrary, {
		...LOADS_EVIL,
		native: true,
	}),
	changes(
		"changed extension module of the standard library",
		(place) => relative(place.library, extensionModule(place.library, "_queue")),
		byLibrary,
		{
			signed: { "main.py": "import _queue\n" },
			native: true,
		},
	),
	changes("encoding added", "encodings/evil.py", byText, { signed: { "main.py": `b"x".decode("evil")\n` } }),
	changes("encoding added, named by a source file", "encodings/evil.py", byText, {
		signed: { "main.py": "import dep\n", "dep.py": "# coding: evil\n" },
	}),
	changes("encoding added, named by PYTHONIOENCODING", "encodings/evil.py", byText, {
		environment: () => ({ PYTHONIOENCODING: "evil" }),
	}),
	changes(
		"archive of the standard library added",
		({ version }) => `../python${version.replace(".", "")}.zip`,
		(place, file) => makeZip(place, file, { "json.py": EVIL }),
	),
];

function byLibrary({ data }: Place, file: string): void {
	copyFileSync(`${data}/evil.so`, file);
}
