/**
 * These techniques use files that changed after signing or were never signed. Every loader that takes a path loads
 * them.
 */

import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { DATA, EVIL, EVIL_SHELL, type Files, type Place, type Technique, withData } from "../technique.js";

const GOOD = "exports.good = true;\n";
const GOOD_MODULE = "export const good = true;\n";

/** Makes a technique in which a program loads one of its signed files after the attacker has overwritten this file. */
const changes = (name: string, main: string, file: string, good: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { [more.script || !main.includes("import ") ? "main.js" : "main.mjs"]: main, [file]: good },
	changed: { [file]: EVIL },
	...more,
});

const redirects = (name: string, main: string, signed: Files, changed: Files): Technique => ({
	name,
	signed: { [main.startsWith("import") ? "main.mjs" : "main.js"]: main, ...signed },
	changed,
});

const TYPES_STRIPPED = { 20: "does not strip types" } as const;

/** Replaces a directory of the signed tree by the attacker's directory. */
function replaceDirectory({ app, data }: Place): void {
	mkdirSync(`${data}/lib`);
	writeFileSync(`${data}/lib/dep.js`, EVIL);
	renameSync(`${app}/lib`, `${data}/lib.signed`);
	renameSync(`${data}/lib`, `${app}/lib`);
}

export const files: readonly Technique[] = [
	{ name: "changed CommonJS main", signed: { "main.js": GOOD }, changed: { "main.js": EVIL } },
	{ name: "changed ES module main", signed: { "main.mjs": GOOD_MODULE }, changed: { "main.mjs": EVIL } },
	{
		name: "changed main without extension",
		signed: { main: GOOD },
		changed: { main: EVIL },
		script: ({ app }) => [`${app}/main`],
	},
	{
		name: "changed TypeScript main",
		signed: { "main.ts": "const n: number = 1;\n" },
		changed: { "main.ts": `const n: number = 1;\n${EVIL}` },
		script: ({ app }) => [`${app}/main.ts`],
		notOn: TYPES_STRIPPED,
	},
	changes("changed file by require()", `require("./dep.js");`, "dep.js", GOOD),
	changes("changed file without extension by require()", `require("./dep");`, "dep", GOOD),
	changes("changed directory index by require()", `require("./dep");`, "dep/index.js", GOOD),
	changes(
		"changed file by createRequire()",
		`require("module").createRequire(__filename)("./dep.js");`,
		"dep.js",
		GOOD,
	),
	changes("changed file behind a byte order mark", `require("./dep.js");`, "dep.js", GOOD, {
		changed: { "dep.js": `\uFEFF${EVIL}` },
	}),
	changes("changed file behind a hashbang", `require("./dep.js");`, "dep.js", GOOD, {
		changed: { "dep.js": `#!/usr/bin/env node\n${EVIL}` },
	}),
	changes("changed file larger than any limit", `require("./dep.js");`, "dep.js", GOOD, {
		arrange: ({ app }) => writeFileSync(`${app}/dep.js`, EVIL + " ".repeat(65 << 20)),
	}),
	changes("changed module by static import", `import "./dep.mjs";`, "dep.mjs", GOOD_MODULE),
	changes("changed module by import() with a query", `import ("./dep.mjs?v=1#x");`, "dep.mjs", GOOD_MODULE),
	changes("changed module by import() in CommonJS", `import("./dep.mjs");`, "dep.mjs", GOOD_MODULE),
	changes("changed module by a percent-encoded path", `import ("./d%65p.mjs");`, "dep.mjs", GOOD_MODULE),
	changes("changed CommonJS by import", `import "./dep.cjs";`, "dep.cjs", GOOD),
	changes("changed module by require()", `require("./dep.mjs");`, "dep.mjs", GOOD_MODULE),
	{
		name: "changed module imported by a module that require() loads",
		signed: { "main.js": `require("./dep.mjs");`, "dep.mjs": `import "./deep.mjs";`, "deep.mjs": GOOD_MODULE },
		changed: { "deep.mjs": EVIL },
	},
	changes("changed TypeScript by require()", `require("./dep.cts");`, "dep.cts", GOOD, {
		changed: { "dep.cts": `const n: number = 1;\n${EVIL}` },
		notOn: TYPES_STRIPPED,
	}),
	changes("changed TypeScript by import", `import "./dep.mts";`, "dep.mts", GOOD_MODULE, { notOn: TYPES_STRIPPED }),
	changes("changed module by --import of the program itself", "", "dep.mjs", GOOD_MODULE, {
		flags: ({ app }) => ["--import", `file://${app}/dep.mjs`],
	}),

	withData("unsigned file by require()", `require(data + "/evil.js");`),
	withData("unsigned file by require() through a file with another name", `require(data + "/evil.txt");`),
	withData("unsigned module by import()", `import(data + "/evil.mjs");`),
	withData("unsigned CommonJS by import()", `import(data + "/evil.cjs");`),
	withData("unsigned TypeScript by require()", `require(data + "/evil.ts");`, { notOn: TYPES_STRIPPED }),
	withData("unsigned file by path traversal", `require("./plugins/" + "../".repeat(9) + data.slice(1) + "/evil.js");`, {
		signed: {
			"main.js": `${DATA}require(__dirname + "/plugins/" + "../".repeat(20) + data.slice(1) + "/evil.js");`,
			"plugins/ok.js": GOOD,
		},
	}),
	withData("unsigned file by /proc/self/root", `require("/proc/self/root" + data + "/evil.js");`),
	withData("unsigned file by /proc/self/cwd", `process.chdir(data); require("/proc/self/cwd/evil.js");`),
	withData("unsigned file by /proc/self/fd", `require("/proc/self/fd/" + require("fs").openSync(data + "/evil.js"));`),
	withData(
		"file added to a directory the program loads from",
		`for (const name of require("fs").readdirSync(__dirname + "/plugins")) require("./plugins/" + name);`,
		{
			signed: {
				"main.js": `for (const name of require("fs").readdirSync(__dirname + "/plugins")) require("./plugins/" + name);`,
				"plugins/good.js": GOOD,
			},
			changed: { "plugins/evil.js": EVIL },
		},
	),
	{
		name: "file added under a name that differs in case",
		signed: {
			"main.js": `for (const name of require("fs").readdirSync(__dirname + "/plugins")) require("./plugins/" + name);`,
			"plugins/good.js": GOOD,
		},
		changed: { "plugins/Good.js": EVIL },
	},
	{
		name: "file added under a name that differs in Unicode normalization",
		signed: {
			"main.js": `for (const name of require("fs").readdirSync(__dirname + "/plugins")) require("./plugins/" + name);`,
			"plugins/caf\u00e9.js": GOOD,
		},
		changed: { "plugins/cafe\u0301.js": EVIL },
	},
	{
		name: "nearer node_modules shadows the signed package",
		signed: { "main.js": `require("./lib/a.js");`, "lib/a.js": `require("dep");`, "node_modules/dep/index.js": GOOD },
		changed: { "lib/node_modules/dep/index.js": EVIL },
	},
	{
		name: "file beside the tree shadows an optional dependency",
		signed: { "main.js": `try { require("optional-dependency-of-this"); } catch {}` },
		arrange: ({ app }) => {
			mkdirSync(`${app}/../../node_modules/optional-dependency-of-this`, { recursive: true });
			writeFileSync(`${app}/../../node_modules/optional-dependency-of-this/index.js`, EVIL);
		},
	},
	{
		name: "file removed so that another extension answers",
		signed: { "main.js": `require("./dep");`, "dep.js": GOOD },
		changed: { "dep.json": "{}" },
		arrange: ({ app }) => {
			rmSync(`${app}/dep.js`);
			mkdirSync(`${app}/dep`);
			rmSync(`${app}/dep.json`);
			writeFileSync(`${app}/dep/index.js`, EVIL);
		},
	},

	redirects(
		"package.json main leads out of the tree",
		`require("./dep");`,
		{ "dep/package.json": `{"main":"index.js"}`, "dep/index.js": GOOD },
		{ "dep/package.json": `{"main":"evil.js"}`, "dep/evil.js": EVIL },
	),
	redirects(
		"package.json exports lead to an unsigned file",
		`import "dep";`,
		{ "node_modules/dep/package.json": `{"exports":"./index.js"}`, "node_modules/dep/index.js": GOOD },
		{ "node_modules/dep/package.json": `{"exports":"./evil.js"}`, "node_modules/dep/evil.js": EVIL },
	),
	redirects(
		"package.json imports lead to an unsigned file",
		`import "#dep";`,
		{ "package.json": `{"imports":{"#dep":"./dep.js"}}`, "dep.js": GOOD },
		{ "package.json": `{"imports":{"#dep":"./evil.js"}}`, "evil.js": EVIL },
	),
	redirects(
		"package.json main leads to another signed file",
		`require("./dep");`,
		{ "dep/package.json": `{"main":"index.js"}`, "dep/index.js": GOOD, "dep/migrate.js": EVIL },
		{ "dep/package.json": `{"main":"migrate.js"}` },
	),
	redirects(
		"package.json exports lead to another signed file",
		`import "dep";`,
		{
			"node_modules/dep/package.json": `{"exports":"./index.js"}`,
			"node_modules/dep/index.js": GOOD,
			"node_modules/dep/migrate.js": EVIL,
		},
		{ "node_modules/dep/package.json": `{"exports":"./migrate.js"}` },
	),
	redirects(
		"package.json imports lead to another signed file",
		`import "#dep";`,
		{ "package.json": `{"imports":{"#dep":"./dep.js"}}`, "dep.js": GOOD, "migrate.js": EVIL },
		{ "package.json": `{"imports":{"#dep":"./migrate.js"}}` },
	),
	redirects(
		"package.json added where none was signed",
		`require("./dep");`,
		{ "dep/index.js": GOOD, "dep/migrate.js": EVIL },
		{ "dep/package.json": `{"main":"migrate.js"}` },
	),
	redirects(
		"package.json type makes a signed script a module",
		`import ("./dep/index.js");`,
		{ "dep/package.json": "{}", "dep/index.js": `if (this === undefined) ${EVIL}` },
		{ "dep/package.json": `{"type":"module"}` },
	),
	redirects(
		"signed file in another signed file's place",
		`require("./dep.js");`,
		{ "dep.js": GOOD, "migrate.js": EVIL },
		{ "dep.js": EVIL },
	),

	{
		name: "signed file replaced by a link",
		signed: { "main.js": `require("./dep.js");`, "dep.js": GOOD },
		arrange: ({ app, data }) => {
			rmSync(`${app}/dep.js`);
			symlinkSync(`${data}/evil.js`, `${app}/dep.js`);
		},
	},
	{
		name: "link leads to another signed file",
		signed: { "main.js": `require("./dep.js");`, "dep.js": GOOD, "migrate.js": EVIL },
		arrange: ({ app }) => {
			rmSync(`${app}/dep.js`);
			symlinkSync("migrate.js", `${app}/dep.js`);
		},
	},
	{
		name: "link leads an import to another signed file",
		signed: { "main.mjs": `import "./dep.cjs";`, "dep.cjs": GOOD, "migrate.cjs": EVIL },
		arrange: ({ app }) => {
			rmSync(`${app}/dep.cjs`);
			symlinkSync("migrate.cjs", `${app}/dep.cjs`);
		},
	},
	{
		name: "link leads the main program to another signed file",
		signed: { "main.js": GOOD, "migrate.js": EVIL },
		arrange: ({ app }) => {
			rmSync(`${app}/main.js`);
			symlinkSync("migrate.js", `${app}/main.js`);
		},
	},
	{
		name: "link in a package leads to another signed file",
		signed: {
			"main.mjs": `import "dep";`,
			"node_modules/dep/index.js": GOOD,
			"node_modules/dep/package.json": "{}",
			"node_modules/dep/migrate.js": EVIL,
		},
		arrange: ({ app }) => {
			rmSync(`${app}/node_modules/dep/index.js`);
			symlinkSync("migrate.js", `${app}/node_modules/dep/index.js`);
		},
	},
	{
		name: "signed link retargeted to a signed directory",
		signed: { "main.mjs": `import "./lib/dep.mjs";`, "one/dep.mjs": GOOD_MODULE, "two/dep.mjs": EVIL },
		links: { lib: "one" },
		arrange: ({ app }) => {
			rmSync(`${app}/lib`);
			symlinkSync("two", `${app}/lib`);
		},
	},
	{
		name: "signed directory replaced by a link",
		signed: { "main.js": `require("./lib/dep.js");`, "lib/dep.js": GOOD },
		arrange: ({ app, data }) => {
			mkdirSync(`${data}/lib`);
			writeFileSync(`${data}/lib/dep.js`, EVIL);
			rmSync(`${app}/lib`, { recursive: true });
			symlinkSync(`${data}/lib`, `${app}/lib`);
		},
	},
	{
		name: "signed directory replaced by a link to a signed directory",
		signed: { "main.js": `require("./lib/dep.js");`, "lib/dep.js": GOOD, "tools/dep.js": EVIL },
		arrange: ({ app }) => {
			rmSync(`${app}/lib`, { recursive: true });
			symlinkSync("tools", `${app}/lib`);
		},
	},
	{
		name: "signed directory renamed away",
		signed: { "main.js": `require("./lib/dep.js");`, "lib/dep.js": GOOD },
		arrange: replaceDirectory,
	},
	{
		name: "signed file replaced by a hard link",
		signed: { "main.js": `require("./dep.js");`, "dep.js": GOOD },
		arrange: ({ app, data }) => {
			rmSync(`${app}/dep.js`);
			linkSync(`${data}/evil.js`, `${app}/dep.js`);
		},
	},
	{
		name: "signed directory under a bind mount",
		mounts: true,
		signed: { "main.js": `require("./lib/dep.js");`, "lib/dep.js": GOOD },
		arrange: ({ data }) => {
			mkdirSync(`${data}/lib`);
			writeFileSync(`${data}/lib/dep.js`, EVIL);
		},
		through: ({ app, data }) => [
			"unshare",
			"-m",
			"sh",
			"-c",
			`mount --bind '${data}/lib' '${app}/lib' && exec "$@"`,
			"sh",
		],
	},
	{
		name: "signed file replaced by a pipe",
		signed: { "main.js": `require("./dep.js");`, "dep.js": GOOD },
		through: ({ app, data }) => [
			"sh",
			"-c",
			`rm '${app}/dep.js' && mkfifo '${app}/dep.js' && { timeout 4 sh -c 'cat "${data}/evil.js" > "${app}/dep.js"' & } && exec "$@"`,
			"sh",
		],
	},

	withData("program writes into the signed file it then loads", "", {
		signed: {
			"main.js": `${DATA}require("fs").copyFileSync(data + "/evil.js", __dirname + "/dep.js"); require("./dep.js");`,
			"dep.js": GOOD,
		},
	}),
	withData(
		"program moves a file into the signed tree",
		`require("fs").renameSync(data + "/evil.js", __dirname + "/new.js"); require("./new.js");`,
	),
	withData(
		"program makes a link in the signed tree",
		`require("fs").symlinkSync(data + "/evil.js", __dirname + "/new.js"); require("./new.js");`,
	),
	withData(
		"program writes code where it may write",
		`require("fs").writeFileSync(data + "/new.js", require("fs").readFileSync(data + "/evil.txt")); require(data + "/new.js");`,
	),
	withData(
		"program runs a shell script it wrote",
		`require("fs").writeFileSync(data + "/new.sh", "#!/bin/sh\\n${EVIL_SHELL.replaceAll("$", "\\$")}\\n", { mode: 0o755 });
require("child_process").spawnSync(data + "/new.sh", { stdio: "inherit" });`,
	),
];
