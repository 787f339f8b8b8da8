/** These techniques load native code: addons and libraries, by everything that calls dlopen(). */

import { copyFileSync, linkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { DATA, type Place, type Technique, withData } from "../technique.js";

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

const ADDON = { "good.node": { library: "good" } } as const;

export const nativeTechniques: readonly Technique[] = [
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
