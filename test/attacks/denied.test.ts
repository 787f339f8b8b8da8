/** Shows that denied content does not run where its text differs from its file. */

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { withoutFilesOfTexts } from "../../packages/verifier/test/node/application.js";
import { attempt, namesOf } from "./attempt.js";
import { hasLauncher, type Mode } from "./modes.js";
import { BEFORE_22, EVIL, type Files, RELEASES, type Release, type Technique } from "./technique.js";

// The short run takes both ways in which a hook loads modules: by a thread, and by functions of Node.js.
const full = process.env.SIGTOOL_FULL !== undefined;
const releases = RELEASES.filter((release) => full || release === 20 || release === 24);
const MARK = "\ufeff";
const TYPED = `const answer: number = 42;\n${EVIL}`;
const JAVASCRIPT = `const answer         = 42;\n${EVIL}`;
const SHELL = `${MARK}#!/usr/bin/env node\n${EVIL}`;
const OTHER = `${EVIL}// another content\n`;
const WORKER = 'const { Worker } = require("worker_threads");\n';
const UNMARKED = `const text = require("fs").readFileSync(__dirname + "/bad.js", "utf8").slice(1);\n`;

interface Denied {
	readonly name: string;
	/** The file whose digest is denied. */
	readonly file: string;
	readonly content: string;
	readonly main: string;
	readonly more?: Files;
	readonly notOn?: Technique["notOn"];
}
const denied: readonly Denied[] = [
	{ name: "module with a mark, imported", file: "bad.mjs", content: MARK + EVIL, main: 'import("./bad.mjs")' },
	{
		name: "module with a mark and a first line for the shell",
		file: "bad.mjs",
		content: SHELL,
		main: 'import("./bad.mjs")',
	},
	{
		name: "module with a mark in a package of modules",
		file: "bad.js",
		content: MARK + EVIL,
		main: 'import("./bad.js")',
		more: { "package.json": '{ "type": "module" }' },
	},
	{ name: "CommonJS with a mark, imported", file: "bad.cjs", content: MARK + EVIL, main: 'import("./bad.cjs")' },
	{ name: "TypeScript, required", file: "bad.cts", content: TYPED, main: 'require("./bad.cts")', notOn: BEFORE_22 },
	{ name: "TypeScript, imported", file: "bad.mts", content: TYPED, main: 'import("./bad.mts")', notOn: BEFORE_22 },
	{
		name: "TypeScript of a detected kind",
		file: "bad.ts",
		content: TYPED,
		main: 'import("./bad.ts")',
		notOn: BEFORE_22,
	},
	{
		name: "TypeScript with a mark",
		file: "bad.mts",
		content: MARK + TYPED,
		main: 'import("./bad.mts")',
		notOn: BEFORE_22,
	},
	{
		name: "module with a mark as a worker",
		file: "bad.mjs",
		content: MARK + EVIL,
		main: `${WORKER}new Worker(__dirname + "/bad.mjs")`,
	},
	{
		name: "TypeScript as a worker",
		file: "bad.mts",
		content: TYPED,
		main: `${WORKER}new Worker(__dirname + "/bad.mts")`,
		notOn: BEFORE_22,
	},
	{
		name: "module with a mark that a signed module imports in a worker",
		file: "bad.mjs",
		content: MARK + EVIL,
		main: `${WORKER}new Worker(__dirname + "/good.mjs")`,
		more: { "good.mjs": 'import "./bad.mjs";' },
	},
	{
		name: "text without its mark by vm.Script",
		file: "bad.js",
		content: MARK + EVIL,
		main: `${UNMARKED}new (require("vm").Script)(text).runInThisContext()`,
	},
	{
		name: "text without its mark by vm.compileFunction",
		file: "bad.js",
		content: MARK + EVIL,
		main: `${UNMARKED}require("vm").compileFunction(text)()`,
	},
	{
		name: "text without its mark by _compile under its path",
		file: "bad.js",
		content: MARK + EVIL,
		main: `${UNMARKED}new module.constructor("a")._compile(text, __dirname + "/bad.js")`,
	},
	{
		name: "text without its mark by _compile under no path",
		file: "bad.js",
		content: MARK + EVIL,
		main: `${UNMARKED}new module.constructor("a")._compile(text, "")`,
	},
	{
		name: "text without its types by vm.Script",
		file: "bad.ts",
		content: TYPED,
		main: `const text = process.argv[3] ?? ${JSON.stringify(JAVASCRIPT)};\nnew (require("vm").Script)(text).runInThisContext()`,
	},
	{
		name: "content of the file by vm.Script",
		file: "bad.txt",
		content: OTHER,
		main: 'new (require("vm").Script)(require("fs").readFileSync(__dirname + "/bad.txt", "utf8")).runInThisContext()',
	},
];
/** Text of eval is judged by the gate alone. */
const evaluated: Denied = {
	name: "text without its mark by eval",
	file: "bad.js",
	content: MARK + EVIL,
	main: `${UNMARKED}(0, eval)(text)`,
};

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function techniqueOf({ name, file, content, main, more }: Denied, before = ""): Technique {
	const isModule = more !== undefined && "package.json" in more;
	return {
		name,
		signed: { [isModule ? "main.mjs" : "main.js"]: `${before}${main};`, [file]: content, ...more },
	};
}

const policy = { runtime: { stringCode: "audit" } };
const denials = [MARK + EVIL, TYPED, MARK + TYPED, SHELL, OTHER].map((content) => ({
	file: sha256(content),
	reason: "a test",
}));
const rules = denials.map(({ file }) => ({ deny: { sha256: file } }));

/** Returns what a mode can refuse: the gate alone does not let Node.js strip types, and the hook alone sees no eval. */
function deniedIn(mode: Mode, release: Release): readonly Denied[] {
	const found = denied.filter(({ notOn }) => notOn === undefined || !(release in notOn));
	if (mode === "hook") return found;
	return [
		...found.filter(({ file, name }) => mode !== "gate" || !/[cm]?ts$/.test(file) || name.includes("vm.Script")),
		evaluated,
	];
}

describe.skipIf(!hasLauncher || process.arch !== "x64")("denied content (needs the launcher built, x64)", () => {
	const cases = releases.flatMap((release) =>
		(["hook", "gate", "enforce"] as const).map((mode) => ({ release, mode })),
	);
	test.each(cases)("runs in $mode on Node.js $release only before it is denied", async ({ release, mode }) => {
		const techniques = deniedIn(mode, release).map((each) => techniqueOf(each));
		const permitted = await attempt({ mode, release, techniques, policy });
		expect(namesOf(permitted.filter(({ evil }) => !evil))).toEqual([]);
		for (const host of [{ policy, deny: denials }, { policy: { ...policy, rules } }]) {
			const refused = await attempt({ mode, release, techniques, ...host });
			expect(namesOf(refused.filter(({ evil }) => evil))).toEqual([]);
			for (const { name, events, output } of refused) {
				const refusals = events.filter(({ verdict }) => verdict === "refuse");
				expect([name, refusals.length], output).toEqual([name, 1]);
			}
		}
	});

	test.each(cases)("does not run in $mode on Node.js $release once it is denied", async ({ release, mode }) => {
		const [first] = denied as [Denied];
		const wait = `const fs = require("fs");
			const data = process.argv[2];
			fs.writeFileSync(data + "/begun", "");
			const timer = setInterval(() => {
				if (!fs.existsSync(data + "/denied")) return;
				clearInterval(timer);
				setTimeout(() => { ${first.main} }, 5_100);
			}, 20);`;
		const techniques = [techniqueOf({ ...first, main: wait })];
		const [permitted] = await attempt({ mode, release, techniques, policy, denyLater: [] });
		const [refused] = await attempt({ mode, release, techniques, policy, denyLater: denials });
		expect([permitted?.evil, refused?.evil]).toEqual([true, false]);
		expect(refused?.events.filter(({ verdict }) => verdict === "refuse")).toHaveLength(1);
	});

	test("of an index without the files of its texts runs only where no file is denied", async () => {
		const release = 24;
		const techniques = [techniqueOf(denied[0] as Denied)];
		const old = { mode: "gate", release, techniques, index: withoutFilesOfTexts } as const;
		const other = [{ file: sha256("other"), reason: "a test" }];
		const [plain] = await attempt({ ...old, policy });
		const [denying] = await attempt({ ...old, policy, deny: other });
		const [ruled] = await attempt({ ...old, policy: { ...policy, rules: [{ deny: { path: "other.js" } }] } });
		expect([plain?.evil, denying?.evil, ruled?.evil]).toEqual([true, false, false]);
	});
});
