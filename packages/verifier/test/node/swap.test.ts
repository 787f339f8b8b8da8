import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execFileSync, hasProgram } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { type Application, makeApplication, REGISTER, RELEASES, write } from "./application.js";

/**
 * In each case, a file is replaced right after its digest was computed. Every program prints "good" if it got the
 * signed file, and "evil" if it got the replacement.
 */
interface Case {
	readonly name: string;
	readonly main: string;
	readonly files?: Record<string, string>;
	/** The file that is replaced. By default its replacement has "evil" in place of "good". */
	readonly victim: string;
	readonly kind?: "addon" | "link" | "directory";
	readonly since?: number;
}

const SAY = 'console.log("good");';
const WORKER = (file: string) => `new (require("worker_threads").Worker)(require("path").resolve("${file}"))`;
const CASES: readonly Case[] = [
	{ name: "CommonJS main", main: "main.cjs", victim: "main.cjs", files: { "main.cjs": SAY } },
	{
		name: "CommonJS dependency",
		main: "main.cjs",
		victim: "v.js",
		files: { "main.cjs": 'require("./v.js")', "v.js": SAY },
	},
	{ name: "extensionless file", main: "main.cjs", victim: "v", files: { "main.cjs": 'require("./v")', v: SAY } },
	{
		name: "JSON",
		main: "main.cjs",
		victim: "v.json",
		files: { "main.cjs": 'console.log(require("./v"))', "v.json": '"good"' },
	},
	{
		name: "createRequire",
		main: "main.mjs",
		victim: "v.js",
		files: { "main.mjs": 'import m from "module"; m.createRequire(import.meta.url)("./v.js")', "v.js": SAY },
	},
	{ name: "ES module main", main: "main.mjs", victim: "main.mjs", files: { "main.mjs": SAY } },
	{ name: "static import", main: "main.mjs", victim: "v.mjs", files: { "main.mjs": 'import "./v.mjs"', "v.mjs": SAY } },
	{
		name: "dynamic import",
		main: "main.cjs",
		victim: "v.mjs",
		files: { "main.cjs": 'import("./v.mjs")', "v.mjs": SAY },
	},
	{
		name: "import of CommonJS",
		main: "main.mjs",
		victim: "v.cjs",
		files: { "main.mjs": 'import "./v.cjs"', "v.cjs": SAY },
	},
	{
		name: "import of JSON",
		main: "main.mjs",
		victim: "v.json",
		files: { "main.mjs": 'import v from "./v.json" with { type: "json" }; console.log(v)', "v.json": '"good"' },
	},
	{
		name: "require(esm)",
		main: "main.cjs",
		victim: "v.mjs",
		since: 22,
		files: { "main.cjs": 'require("./v.mjs")', "v.mjs": SAY },
	},
	{
		name: "import in require(esm)",
		main: "main.cjs",
		victim: "v.mjs",
		since: 22,
		files: { "main.cjs": 'require("./m.mjs")', "m.mjs": 'import "./v.mjs"', "v.mjs": SAY },
	},
	{
		name: "TypeScript as CommonJS",
		main: "main.ts",
		victim: "main.ts",
		since: 22,
		files: { "main.ts": 'const said: string = "good"; console.log(said); module.exports = 1;' },
	},
	{
		name: "TypeScript as ES module",
		main: "main.mjs",
		victim: "v.ts",
		since: 22,
		files: { "main.mjs": 'import "./v.ts"', "v.ts": 'export const said: string = "good"; console.log(said);' },
	},
	{
		name: ".cts and .mts",
		main: "main.mts",
		victim: "v.cts",
		since: 22,
		files: {
			"main.mts": 'import v from "./v.cts"; console.log(v as string)',
			"v.cts": 'const v: string = "good"; module.exports = v;',
		},
	},
	{
		name: "addon by require",
		main: "main.cjs",
		victim: "v.node",
		kind: "addon",
		files: { "main.cjs": 'console.log(require("./v.node"))' },
	},
	{
		name: "addon by process.dlopen",
		main: "main.cjs",
		victim: "v.node",
		kind: "addon",
		files: {
			"main.cjs":
				'const m = { exports: {} }; process.dlopen(m, require("path").resolve("v.node")); console.log(m.exports)',
		},
	},
	{
		name: "worker in CommonJS",
		main: "main.cjs",
		victim: "w.cjs",
		files: { "main.cjs": WORKER("w.cjs"), "w.cjs": SAY },
	},
	{
		name: "worker as ES module",
		main: "main.cjs",
		victim: "w.mjs",
		files: { "main.cjs": WORKER("w.mjs"), "w.mjs": SAY },
	},
	{
		name: "link led elsewhere",
		main: "main.cjs",
		victim: "current",
		kind: "link",
		files: { "main.cjs": 'require("./current/v.js")', "one/v.js": SAY, "two/v.js": "" },
	},
	{
		name: "renamed directory",
		main: "main.cjs",
		victim: "lib",
		kind: "directory",
		files: { "main.cjs": 'require("./lib/v.js")', "lib/v.js": SAY },
	},
];

let tools: string;
const addons: Record<"good" | "evil", string> = { good: "", evil: "" };
beforeAll(() => {
	tools = temporaryDirectory(atEndOfFile);
	for (const word of ["good", "evil"] as const) {
		addons[word] = join(tools, `${word}.node`);
		const source = join(tools, `${word}.c`);
		write(source, ADDON.replace("WORD", word));
		execFileSync("cc", ["-shared", "-fPIC", "-o", addons[word], source]);
	}
});

const ADDON = `
#include <stddef.h>
typedef struct env *env; typedef struct value *value;
int napi_create_string_utf8(env, const char *, size_t, value *);
value napi_register_module_v1(env e, value exports) { napi_create_string_utf8(e, "WORD", 4, &exports); return exports; }
`;

/**
 * Says what computes the digest: the native addon in one call, or JavaScript. An ordinary run tries each way on one
 * release.
 */
type Way = "addon" | "JavaScript";
const runs = RELEASES.filter(() => hasProgram("cc")).flatMap((release) => {
	const ways: readonly Way[] = process.env.SIGTOOL_FULL
		? ["addon", "JavaScript"]
		: [release === "20" ? "JavaScript" : "addon"];
	return ways.map((way) => ({ release, way }));
});
describe.each(runs)(
	"a file replaced right after its digest was computed by $way, on Node.js $release",
	({ release, way }) => {
		const known = CASES.filter(({ since = 20 }) => Number(release) >= since);
		let ranEvil = 0;

		describe.each(known)("$name", (each) => {
			let application: Application;
			beforeAll(async () => {
				application = await arrange(each);
			});
			afterAll(() => application[Symbol.dispose]());

			it("never runs", () => {
				const { status, stdout, stderr } = application.run(release, [each.main], {
					register: preload(application, each, way, REGISTER),
				});
				expect(existsSync(join(application.home, "swapped")), "the file was replaced").toBe(true);
				expect(stdout, stderr).not.toContain("evil");
				// Status 126 is a success too: if Node.js opens the file a second time, the hook refuses the
				// replacement.
				if (status !== 126) expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "good\n" });
				else expect(stderr).toContain("ERR_UNTRUSTED_CODE");
			});

			it("may run under a naive hook", async () => {
				application[Symbol.dispose]();
				application = await arrange(each);
				const { stdout } = application.run(release, [each.main], {
					register: preload(application, each, "JavaScript", "./naive.cjs"),
				});
				if (stdout.includes("evil")) ranEvil++;
			});
		});

		it("runs in at least 15 cases under a naive hook, which checks and then loads", () => {
			expect(ranEvil).toBeGreaterThanOrEqual(15);
		});
	},
);

async function arrange({ files = {}, kind, victim }: Case): Promise<Application> {
	const content: Record<string, string | Uint8Array> = { "package.json": "{}", ...files };
	if (kind === "addon") content[victim] = readFileSync(addons.good);
	const application = await makeApplication(content);
	const { directory, home } = application;
	if (kind === "link") {
		symlinkSync("one", join(directory, victim));
		await application.sign();
	}
	const evil = join(home, "evil");
	if (kind === "link") symlinkSync(evil, join(home, "evil-link"));
	if (kind === "link" || kind === "directory") write(join(evil, "v.js"), SAY.replace("good", "evil"));
	else if (kind === "addon") cpSync(addons.evil, evil);
	else write(evil, readFileSync(join(directory, victim), "utf8").replace("good", "evil"));
	return application;
}

/**
 * Wraps the digest functions before `hook` captures them, so that the file is replaced right after its digest was
 * computed.
 */
function preload({ directory, home }: Application, { kind, victim }: Case, way: Way, hook: string): string {
	const path = join(directory, victim);
	const judged = kind === "link" ? join(directory, "one/v.js") : kind === "directory" ? join(path, "v.js") : path;
	const digest = createHash("sha256").update(readFileSync(judged)).digest("hex");
	const swap =
		kind === "directory"
			? `fs.renameSync(${q(path)}, ${q(`${path}.old`)}); fs.renameSync(${q(join(home, "evil"))}, ${q(path)});`
			: `fs.renameSync(${q(join(home, kind === "link" ? "evil-link" : "evil"))}, ${q(path)});`;
	write(
		join(home, "swap.cjs"),
		`const crypto = require("crypto"), fs = require("fs"), { hash } = crypto;
const swap = (digest) => {
	if (digest !== "${digest}" || fs.existsSync(${q(join(home, "swapped"))})) return;
	fs.writeFileSync(${q(join(home, "swapped"))}, "");
	${swap}
};
crypto.hash = (...args) => {
	const digest = hash(...args);
	swap(digest);
	return digest;
};
${way === "addon" ? SWAP_IN_ADDON : WITHOUT_ADDON}
require(${q(hook)});`,
	);
	write(join(home, "naive.cjs"), NAIVE);
	return join(home, "swap.cjs");
}

const ADDON_FILE = join(REGISTER, "../native/addon.node");
const SWAP_IN_ADDON = `
const addon = require("${ADDON_FILE}");
for (const name of ["readRegularFile", "readPackageType"]) {
	const read = addon[name];
	addon[name] = (path, maxBytes, facts) => {
		const content = read(path, maxBytes, facts);
		if (content !== undefined && content !== -1) swap(Buffer.from(facts.subarray(0, 32)).toString("hex"));
		return content;
	};
}`;
const WITHOUT_ADDON = `
if (fs.existsSync("${ADDON_FILE}"))
	Object.assign(require("${ADDON_FILE}"), { readRegularFile: undefined, readPackageType: undefined });`;

const q = (text: string) => JSON.stringify(text);

/** A naive hook: it checks each file, and then Node.js opens the file again by its path. */
const NAIVE = `
const crypto = require("crypto"), fs = require("fs"), Module = require("module"), path = require("path");
const { fileURLToPath } = require("url");
const check = (file) => crypto.hash("sha256", fs.readFileSync(file), "hex");
if (Module.registerHooks) {
	Module.registerHooks({ load(url, context, next) { if (url.startsWith("file:")) check(fileURLToPath(url)); return next(url, context); } });
} else {
	for (const name of [".js", ".json"]) {
		const inner = Module._extensions[name];
		Module._extensions[name] = (module, file) => { check(file); inner(module, file); };
	}
	globalThis.check = check;
	if (require("worker_threads").isMainThread) Module.register("data:text/javascript," + encodeURIComponent(
		'import { fileURLToPath } from "url"; export const load = (url, context, next) => { if (url.startsWith("file:")) check(fileURLToPath(url)); return next(url, context); }'));
}
const { require: load } = Module.prototype;
Module.prototype.require = function (request) {
	const file = path.resolve(path.dirname(this.filename ?? ""), request);
	if (request.startsWith("./") && fs.existsSync(file)) check(file);
	return load.call(this, request);
};
const { dlopen } = process;
process.dlopen = (module, file, ...rest) => { check(file); dlopen(module, file, ...rest); };
`;
