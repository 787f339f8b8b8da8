/** These techniques add, change or replace zip archives that CPython imports from, some of them while in use. */

import { appendFileSync, copyFileSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { makeBytecode, makeZip } from "../making.js";
import { EVIL, type Place, since, type Technique, withData } from "../technique.js";

const IMPORTS = `import sys
sys.path.insert(0, __file__[:-7] + "lib.zip")
import dep
`;
const GOOD = { "dep.py": "good = True\n" };
const makeSigned = (place: Place) => makeZip(place, `${place.app}/lib.zip`, GOOD);
const makeEvil = (path: string) => (place: Place) => makeZip(place, `${place.data}/${path}`, { "evil.py": EVIL });

const ofSigned = (name: string, arrange: (place: Place) => void, program = IMPORTS): Technique => ({
	name,
	signed: { "main.py": program },
	prepare: makeSigned,
	arrange,
});

export const archives: readonly Technique[] = [
	withData("unsigned archive on sys.path", `sys.path.append(data + "/evil.zip")\nimport evil`, {
		arrange: makeEvil("evil.zip"),
	}),
	withData("unsigned archive with another name", `sys.path.append(data + "/evil.txt")\nimport evil`, {
		arrange: makeEvil("evil.txt"),
	}),
	withData("directory inside an unsigned archive", `sys.path.append(data + "/evil.zip/lib")\nimport evil`, {
		arrange: (place) => makeZip(place, `${place.data}/evil.zip`, { "lib/evil.py": EVIL }),
	}),
	withData("unsigned archive behind other bytes", `sys.path.append(data + "/evil.zip")\nimport evil`, {
		arrange: (place) => {
			makeEvil("archive")(place);
			writeFileSync(`${place.data}/evil.zip`, "#!/bin/sh\n");
			appendFileSync(`${place.data}/evil.zip`, readFileSync(`${place.data}/archive`));
		},
	}),
	withData(
		"unsigned archive by zipimporter",
		`import zipimport\nzipimport.zipimporter(data + "/evil.zip").load_module("evil")`,
		{
			arrange: makeEvil("evil.zip"),
		},
	),
	withData("bytecode in an unsigned archive", `sys.path.append(data + "/evil.zip")\nimport evil`, {
		arrange: (place) => {
			makeBytecode(place, { target: `${place.data}/evil.pyc` });
			makeZip(place, `${place.data}/evil.zip`, { "evil.pyc": `@${place.data}/evil.pyc` });
		},
	}),
	withData("unsigned archive by runpy.run_path()", `import runpy\nrunpy.run_path(data + "/evil.zip")`, {
		arrange: (place) => makeZip(place, `${place.data}/evil.zip`, { "__main__.py": EVIL }),
	}),
	withData("unsigned archive by a .pth", "import site\nsite.addsitedir(data)\nimport evil", {
		beside: { "archive.pth": "evil.zip\n" },
		arrange: makeEvil("evil.zip"),
	}),
	ofSigned("changed archive", (place) => makeZip(place, `${place.app}/lib.zip`, { "dep.py": EVIL })),
	ofSigned("file appended to a signed archive", (place) =>
		makeZip(place, `${place.app}/lib.zip`, { "dep.py": EVIL }, "a"),
	),
	ofSigned("archive appended to a signed one", (place) => {
		makeZip(place, `${place.data}/lib.zip`, { "dep.py": EVIL });
		appendFileSync(`${place.app}/lib.zip`, readFileSync(`${place.data}/lib.zip`));
	}),
	ofSigned(
		"signed archive replaced by a link",
		(place) => {
			makeZip(place, `${place.data}/lib.zip`, { "dep.py": EVIL });
			writeFileSync(`${place.app}/lib.zip`, "");
			copyFileSync(`${place.data}/lib.zip`, `${place.app}/lib.zip`);
			symlinkSync(`${place.data}/lib.zip`, `${place.app}/other.zip`);
		},
		IMPORTS.replace("lib.zip", "other.zip"),
	),
	{
		name: "archive replaced after it was imported from",
		signed: {
			"main.py": `${IMPORTS}import shutil
shutil.copy(sys.argv[1] + "/lib.zip", __file__[:-7] + "lib.zip")
sys.path_importer_cache.clear()
import zipimport
zipimport._zip_directory_cache.clear()
import evil
`,
		},
		prepare: makeSigned,
		arrange: (place) => makeZip(place, `${place.data}/lib.zip`, { ...GOOD, "evil.py": EVIL }),
	},
	{
		name: "archive replaced between its list and its content",
		signed: {
			"main.py": `${IMPORTS}import shutil
shutil.copy(sys.argv[1] + "/lib.zip", __file__[:-7] + "lib.zip")
import late
`,
		},
		prepare: (place) => makeZip(place, `${place.app}/lib.zip`, { ...GOOD, "late.py": EVIL.replace(/./g, "#") }),
		arrange: (place) => makeZip(place, `${place.data}/lib.zip`, { ...GOOD, "late.py": EVIL }),
	},
	{
		name: "list of an archive given another's",
		signed: {
			"main.py": `${IMPORTS}import zipimport
evil = zipimport.zipimporter(sys.argv[1] + "/evil.zip")
zipimport._zip_directory_cache[evil.archive]
sys.meta_path.insert(0, evil)
evil.load_module("evil")
`,
		},
		prepare: makeSigned,
		arrange: makeEvil("evil.zip"),
		notOn: since("3.14"), // load_module() asks the archive in a way that it does not know.
	},
	{
		name: "entries of a signed archive's list changed",
		signed: {
			"main.py": `${IMPORTS}import zipimport
signed = __file__[:-7] + "lib.zip"
entries = zipimport._zip_directory_cache[signed]
entry = list(entries["dep.py"])
entry[0] = sys.argv[1] + "/evil.zip/evil.py"
entries["evil.py"] = tuple(entry)
zipimport._get_data = lambda archive, toc: open(sys.argv[1] + "/evil.txt", "rb").read()
sys.modules.pop("evil", None)
import evil
`,
		},
		prepare: makeSigned,
	},
];
