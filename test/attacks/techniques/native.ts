/** These techniques load native code: addons and libraries, by everything that calls dlopen(). */

import { copyFileSync, linkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { DATA, type Library, type Place, type Technique, withData } from "../technique.js";

/**
 * Makes a technique with native code. The attacker's library is evil.node beside the tree. It prints the marker when it
 * is loaded.
 */
const native = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	...withData(name, program, more),
	native: true,
});

/** Returns the content of a file for `OPENSSL_CONF` that loads a library as a provider. */
const PROVIDER = (data: string) => `nodejs_conf = openssl_init
openssl_conf = openssl_init
[openssl_init]
providers = providers
[providers]
evil = evil
[evil]
module = ${data}/evil.node
activate = 1
`;

const provider = ({ data }: Place) => writeFileSync(`${data}/openssl.cnf`, PROVIDER(data));

const OPENER = { "opener.node": { library: "opener" } } as const;
const opening = (directory: string, mode: string) => `process.env.LIBRARY = data + "/evil.node";
process.dlopen({ exports: {} }, ${directory} + "/opener.node", ${mode});`;
const ADDON = { "good.node": { library: "good" } } as const;

/** Signed native code loads unsigned libraries, by modes and functions of the loader. */
export const loaderModes: readonly Technique[] = [
	...Object.entries({
		RTLD_DEEPBIND: "2 | 8",
		"RTLD_LAZY and RTLD_DEEPBIND": "1 | 8",
		"RTLD_GLOBAL and RTLD_DEEPBIND": "2 | 8 | 256",
		"RTLD_NODELETE and RTLD_DEEPBIND": "2 | 8 | 4096",
	}).map(([flags, mode]) =>
		native(`unsigned library by a signed addon that was loaded with ${flags}`, "", {
			signed: { "main.js": `${DATA}${opening("__dirname", mode)}`, ...OPENER },
		}),
	),
	native("unsigned library by a signed addon with RTLD_DEEPBIND in a worker", "", {
		signed: {
			"main.js": `${DATA}process.env.LIBRARY = data + "/evil.node";
new (require("worker_threads").Worker)(__dirname + "/inner.js", { argv: [data], execArgv: [] });`,
			"inner.js": `process.dlopen({ exports: {} }, __dirname + "/opener.node", 2 | 8);`,
			...OPENER,
		},
	}),
	native("unsigned library by a signed addon with RTLD_DEEPBIND from an ES module", "", {
		signed: {
			"main.mjs": `const data = process.argv[2]; ${opening("import.meta.dirname", "2 | 8")}`,
			...OPENER,
		},
	}),
	native("unsigned library by a signed addon that was loaded with each bit of the mode", "", {
		signed: {
			"main.js": `${DATA}process.env.LIBRARY = data + "/evil.node";
// The first bit is RTLD_DEEPBIND. Those from 26 on are for glibc itself, and end unguarded Node.js.
for (let bit = 3; bit < 31; bit++) try { process.dlopen({ exports: {} }, __dirname + "/opener.node", 2 | (1 << bit)); } catch {}`,
			...OPENER,
		},
	}),
	...Object.entries({
		namespace: "dlmopen() into a namespace of its own",
		base: "dlmopen() into the namespace of the program",
		lookup: "a dlopen() that was looked up in libc",
		versioned: "a dlopen() of a version that only libc has",
	} as const).flatMap(([library, how]) => {
		const addon = { "opener.node": { library: library as Library } };
		return [
			native(`unsigned library by a signed addon with ${how}`, "", {
				signed: { "main.js": `${DATA}${opening("__dirname", "2")}`, ...addon },
			}),
			native(`unsigned library by a signed addon with ${how}, in a worker`, "", {
				signed: {
					"main.js": `${DATA}process.env.LIBRARY = data + "/evil.node";
new (require("worker_threads").Worker)(__dirname + "/inner.js", { argv: [data], execArgv: [] });`,
					"inner.js": `process.dlopen({ exports: {} }, __dirname + "/opener.node");`,
					...addon,
				},
			}),
		];
	}),
];

/** Signed libraries name unsigned ones as filters. */
export const filters: readonly Technique[] = [
	...(["filter", "auxiliary"] as const).flatMap((library) => [
		native(`unsigned ${library} library of a signed addon in a worker`, "", {
			signed: {
				"main.js": `${DATA}process.chdir(data);
new (require("worker_threads").Worker)(__dirname + "/inner.js", { execArgv: [] });`,
				"inner.js": `try { process.dlopen({ exports: {} }, __dirname + "/filtered.node"); } catch (error) { console.log(error.message); }`,
				"filtered.node": { library },
			},
		}),
		native(`unsigned ${library} library of a signed addon from an ES module`, "", {
			signed: {
				"main.mjs": `import { createRequire } from "module";
process.chdir(process.argv[2]);
try { createRequire(import.meta.url)("./filtered.node"); } catch (error) { console.log(error.message); }`,
				"filtered.node": { library },
			},
		}),
		native(`unsigned ${library} library of a signed library of sqlite`, "", {
			signed: {
				"main.js": `${DATA}process.chdir(data);
const { DatabaseSync } = require("node:sqlite");
const database = new DatabaseSync(":memory:", { allowExtension: true });
try { database.loadExtension(__dirname + "/filtered.node"); } catch (error) { console.log(error.message); }`,
				"filtered.node": { library },
			},
			notOn: { 20: "not in this release" },
		}),
	]),
	...(["filter", "auxiliary"] as const).map((library) =>
		native(`unsigned ${library} library of a signed addon`, "", {
			signed: {
				"main.js": `${DATA}process.chdir(data);
try { process.dlopen({ exports: {} }, __dirname + "/filtered.node"); } catch (error) { console.log(error.message); }`,
				"filtered.node": { library },
			},
		}),
	),
];

export const nativeTechniques: readonly Technique[] = [
	...loaderModes,
	...filters,
	native("unsigned addon by require()", `require(data + "/evil.node");`),
	native("unsigned addon by process.dlopen()", `process.dlopen({ exports: {} }, data + "/evil.node");`),
	native(
		"unsigned addon by process.dlopen() with flags",
		`process.dlopen({ exports: {} }, data + "/evil.node", require("os").constants.dlopen.RTLD_NOW);`,
	),
	native(
		"unsigned addon under another name by process.dlopen()",
		`process.dlopen({ exports: {} }, data + "/picture.png");`,
		{
			arrange: ({ data }) => copyFileSync(`${data}/evil.node`, `${data}/picture.png`),
		},
	),
	native("unsigned addon by createRequire()", `require("module").createRequire(data + "/")("./evil.node");`),
	native(
		"unsigned addon by the handler of .node",
		`require("module")._extensions[".node"](module, data + "/evil.node");`,
	),
	native(
		"handler of .node for another extension",
		`require.extensions[".png"] = require.extensions[".node"]; require(data + "/picture.png");`,
		{ arrange: ({ data }) => copyFileSync(`${data}/evil.node`, `${data}/picture.png`) },
	),
	native("unsigned addon by import", "", {
		signed: { "main.mjs": `await import("file://" + process.argv[2] + "/evil.node");` },
		flags: () => ["--experimental-addon-modules"],
		notOn: { 20: "not in this release" },
	}),
	native("changed addon", "", {
		signed: { "main.js": `require("./good.node");`, ...ADDON },
		arrange: ({ app, data }) => copyFileSync(`${data}/evil.node`, `${app}/good.node`),
	}),
	native("addon replaced by a link", "", {
		signed: { "main.js": `require("./good.node");`, ...ADDON },
		arrange: ({ app, data }) => {
			rmSync(`${app}/good.node`);
			symlinkSync(`${data}/evil.node`, `${app}/good.node`);
		},
	}),
	native("addon replaced by a hard link", "", {
		signed: { "main.js": `require("./good.node");`, ...ADDON },
		arrange: ({ app, data }) => {
			rmSync(`${app}/good.node`);
			linkSync(`${data}/evil.node`, `${app}/good.node`);
		},
	}),
	native(
		"addon by a descriptor of a file that is gone",
		`const fs = require("fs"); const fd = fs.openSync(data + "/evil.node"); fs.unlinkSync(data + "/evil.node");
process.dlopen({ exports: {} }, "/proc/self/fd/" + fd);`,
	),
	native("addon in a worker", "", {
		signed: {
			"main.js": `${DATA}new (require("worker_threads").Worker)(__dirname + "/inner.js", { argv: [data], execArgv: [] });`,
			"inner.js": `process.dlopen({ exports: {} }, process.argv[2] + "/evil.node");`,
		},
	}),
	native(
		"addon name that reads differently a second time",
		`for (let nth = 1; nth < 6; nth++) {
  let reads = 0;
  const name = { toString: () => (++reads >= nth ? data + "/evil.node" : __dirname + "/main.js") };
  try { process.dlopen({ exports: {} }, name); } catch {}
}`,
	),
	native("changed library of a signed addon", "", {
		signed: {
			"main.js": `try { require("./linked.node"); } catch {}`,
			"linked.node": { library: "linked" },
			"libdep.so": { library: "good" },
		},
		arrange: ({ app, data }) => copyFileSync(`${data}/evil.node`, `${app}/libdep.so`),
	}),
	native(
		"library of sqlite by loadExtension()",
		`const { DatabaseSync } = require("node:sqlite");
const database = new DatabaseSync(":memory:", { allowExtension: true });
database.loadExtension(data + "/evil.node");`,
		{ notOn: { 20: "not in this release" } },
	),
	native("library by node:ffi", `new (require("node:ffi").DynamicLibrary)(data + "/evil.node");`, {
		flags: ({ release }) => (release === 26 ? ["--experimental-ffi"] : []),
		notOn: { 20: "not in this release", 22: "not in this release", 24: "not in this release" },
	}),
	native("library by crypto.setEngine()", `require("crypto").setEngine(data + "/evil.node");`),
	native("library by OPENSSL_CONF", `require("crypto").getCiphers();`, {
		arrange: provider,
		environment: ({ data }) => ({ OPENSSL_CONF: `${data}/openssl.cnf` }),
	}),
	native("library by --openssl-config", `require("crypto").getCiphers();`, {
		arrange: provider,
		flags: ({ data }) => [`--openssl-config=${data}/openssl.cnf`],
	}),
	native("library by LD_PRELOAD", "", { environment: ({ data }) => ({ LD_PRELOAD: `${data}/evil.node` }) }),
	native("library by LD_AUDIT", "", { environment: ({ data }) => ({ LD_AUDIT: `${data}/evil.node` }) }),
	native("library by LD_LIBRARY_PATH", "", {
		arrange: ({ data }) => copyFileSync(`${data}/evil.node`, `${data}/libdl.so.2`),
		environment: ({ data }) => ({ LD_LIBRARY_PATH: data }),
	}),
	native(
		"library by the handler of another suffix",
		`require.extensions[".so"] = require.extensions[".node"];
require("fs").copyFileSync(data + "/evil.node", data + "/evil.so");
require(data + "/evil.so");`,
	),
];
