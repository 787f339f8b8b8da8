/**
 * These signed programs contain no attack. They must run in every mode. So a technique that fails in a mode fails only
 * because it is refused.
 */

import { copyFileSync } from "node:fs";
import { cachePath, extensionModule, makeBytecode, makeZip } from "./making.js";
import type { Technique } from "./technique.js";

const SAYS = `print("good-ran-%d" % (6 * 7))\n`;

const control = (what: string, signed: Technique["signed"], more: Partial<Technique> = {}): Technique => ({
	name: `control: ${what}`,
	signed,
	...more,
});

export const isControl = (name: string) => name.startsWith("control: ");

export const CONTROLS: readonly Technique[] = [
	control("modules, packages, relative and late imports", {
		"main.py": "import package.inner\ndef late():\n    import say\nlate()\n",
		"package/__init__.py": "from . import other\n",
		"package/inner.py": "",
		"package/other.py": "",
		"say.py": SAYS,
	}),
	control("much of the standard library, with its extension modules", {
		"main.py": `import asyncio, concurrent.futures, ctypes, decimal, email, http.client, json, logging, sqlite3, ssl, unittest, xml.dom\n${SAYS}`,
	}),
	control(
		"an archive as the program",
		{ "main.py": "" },
		{
			prepare: (place) =>
				makeZip(place, `${place.app}/program.pyz`, { "__main__.py": `import dep\n${SAYS}`, "dep.py": "" }),
			script: ({ app }) => [`${app}/program.pyz`],
		},
	),
	control("a module by -m", { "main.py": "", "program/__main__.py": SAYS }, { script: () => ["-m", "program"] }),
	control(
		"signed bytecode",
		{ "main.py": "import dep\n", "dep.py": "" },
		{
			prepare: (place) => makeBytecode(place, { target: cachePath(place, place.app, "dep"), text: SAYS }),
		},
	),
	control(
		"a signed archive",
		{ "main.py": `import sys\nsys.path.insert(0, __file__[:-7] + "lib.zip")\nimport dep, say\n` },
		{
			prepare: (place) => makeZip(place, `${place.app}/lib.zip`, { "dep.py": "", "say.py": SAYS }),
		},
	),
	control(
		"a signed archive of bytecode, and of text with other line ends",
		{ "main.py": `import sys\nsys.path.insert(0, __file__[:-7] + "lib.zip")\nimport dep, say\n` },
		{
			prepare: (place) => {
				makeBytecode(place, { target: `${place.app}/made/say.pyc`, text: SAYS });
				makeZip(place, `${place.app}/lib.zip`, {
					"dep.py": "x = 1\r\ny = 2\r\n",
					"say.pyc": `@${place.app}/made/say.pyc`,
				});
			},
		},
	),
	control(
		"an extension module of the program",
		{
			"main.py": `import sys\nsys.path.insert(0, __file__[:-7])\nimport _queue\nif "/app/" in _queue.__file__: ${SAYS}`,
		},
		{
			prepare: ({ app, library }) => copyFileSync(extensionModule(library, "_queue"), `${app}/_queue.so`),
		},
	),
	control(
		"a library that ctypes finds by its path, and the system's by name",
		{
			"main.py": `import ctypes, ctypes.util, sys\nlibrary = ctypes.CDLL(__file__[:-7] + "_queue.so")\nif library._handle: ${SAYS}`,
		},
		{
			prepare: ({ app, library }) => copyFileSync(extensionModule(library, "_queue"), `${app}/_queue.so`),
		},
	),
	control("a signed link", { "main.py": "import lib.say\n", "real/say.py": SAYS }, { links: { lib: "real" } }),
	control("threads and a forked child", {
		"main.py": `import os, threading\nthread = threading.Thread(target=__import__, args=("dep",))\nthread.start()\nthread.join()\nif os.fork() == 0:\n    import say\n    raise SystemExit\nos.wait()\n`,
		"dep.py": "",
		"say.py": SAYS,
	}),
	control("multiprocessing by fork", {
		"main.py": `import multiprocessing\nprocess = multiprocessing.get_context("fork").Process(target=__import__, args=("say",))\nprocess.start()\nprocess.join()\n`,
		"say.py": SAYS,
	}),
	control("functions of the code of others, also of frozen modules", {
		"main.py": `import abc, codecs, importlib, os, site, types\nfor of in (os.path.join, codecs.lookup_error if hasattr(codecs.lookup_error, "__code__") else codecs.open, abc.ABC.register, importlib.import_module, importlib._bootstrap.ModuleSpec, site.addsitedir, os.walk):\n    code = getattr(of, "__code__", None)\n    if code: function = types.FunctionType(code, {}); function.__code__ = code\nexec(compile("pass", "x", "exec"))\n${SAYS}`,
	}),
	control("signatures of functions in C", {
		"main.py": `import inspect\nif "9223372036854775807" in str(inspect.signature([].index)): ${SAYS}`,
	}),
	control("files written where it may", {
		"main.py": `import sys\nopen(sys.argv[1] + "/out.txt", "w").write("x")\nif open(sys.argv[1] + "/out.txt").read() == "x": ${SAYS}`,
	}),
];
