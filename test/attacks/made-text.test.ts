/** Shows which text of programs passes as CommonJS: what they make of signed files, and nothing of unsigned files. */

import { linkSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync } from "../outside.js";
import { attempt, namesOf } from "./attempt.js";
import { hasLauncher, type Mode } from "./modes.js";
import { EVIL, GOOD_MARKER, RELEASES, type Technique, withText } from "./technique.js";

// The short run takes both ways in which a hook loads modules: by a thread, and by functions of Node.js.
const full = process.env.SIGTOOL_FULL !== undefined;
const releases = RELEASES.filter((release) => full || release === 20 || release === 24);
const modes = ["hook", "gate", "enforce"] as const satisfies readonly Mode[];
const cases = releases.flatMap((release) => modes.map((mode) => ({ release, mode })));

const GOOD = `console.log(${JSON.stringify(GOOD_MARKER)});`;
const MODULE = 'const Module = require("module");\nconst compile = Module.prototype._compile;\n';
const program = (name: string, main: string, more: Technique["signed"] = {}): Technique => ({
	name,
	signed: { "main.js": MODULE + main, ...more },
});

/** Programs that work without sigtool, in the forms of those who compile or instrument their modules. */
const working: readonly Technique[] = [
	program(
		"instruments each module, as newrelic and elastic-apm do",
		`Module.prototype._compile = function (text, file) {
			return compile.call(this, text + "\\n;module.exports.traced = true;", file);
		};
		if (require("./library.js").traced) ${GOOD}`,
		{ "library.js": "exports.answer = 42;" },
	),
	program(
		"compiles TypeScript, as ts-node does",
		`const { ".js": load } = Module._extensions;
		const extend = (extension) => {
			Module._extensions[extension] = (module, file) => {
				const { _compile } = module;
				module._compile = function (text, name) {
					return _compile.call(this, text.replace(/: string/g, "") + "//# sourceMappingURL=data:", name);
				};
				return load(module, file);
			};
		};
		extend(".ts");
		console.log(require("./typed.ts").answer);`,
		{ "typed.ts": `const answer: string = "${GOOD_MARKER}"; exports.answer = answer;` },
	),
	program(
		"compiles text under a name of its own, as serverless and require-from-string do",
		`const made = new Module(__dirname + "/made-of-text.js", module);
		made.filename = __dirname + "/made-of-text.js";
		made._compile("exports.answer = " + JSON.stringify("${GOOD_MARKER}"), made.filename);
		console.log(made.exports.answer);`,
	),
	program("compiles text under no name", `const made = new Module(""); made._compile('${GOOD}', "");`),
	program("compiles text under the name of a directory", `new Module("a")._compile('${GOOD}', __dirname);`),
	program("compiles text below a file", `new Module("a")._compile('${GOOD}', __filename + "/a.js");`),
	program(
		"compiles the function of a module",
		`const names = ["exports", "require", "module", "__filename", "__dirname"];
		require("vm").compileFunction('${GOOD}', names)();`,
	),
];

const withEvil = (name: string, main: string, more: Partial<Technique> = {}): Technique =>
	withText(name, `${MODULE}const evil = data + "/evil.js";\nconst made = new Module("a");\n${main}`, more);

/** The content of an unsigned file under a path of this file. */
const unsigned: readonly Technique[] = [
	withEvil("content of an unsigned file", "made._compile(text, evil);"),
	withEvil("with a wrapper", 'made._compile("(function () {" + text + "})()", evil);'),
	withEvil("with a byte order mark", 'made._compile("\\ufeff" + text, evil);'),
	withEvil(
		"without its first line",
		'made._compile(require("fs").readFileSync(data + "/line.js", "utf8").slice(15), data + "/line.js");',
		{
			beside: { "line.js": `#!/usr/bin/node${EVIL}` },
		},
	),
	withEvil("with a line feed behind it", 'made._compile(text + "\\n", evil);'),
	withEvil("with a comment", 'made._compile("// compiled\\n" + text, evil);'),
	withEvil("by a relative path", "process.chdir(data); made._compile(text, 'evil.js');"),
	withEvil(
		"by a path with dots",
		"made._compile(text, data + '/../' + require('path').basename(data) + '//./evil.js');",
	),
	withEvil("by a link", "made._compile(text, data + '/link.js');", {
		arrange: ({ data }) => symlinkSync(join(data, "evil.js"), join(data, "link.js")),
	}),
	withEvil("by a link out of the signed tree", "made._compile(text, __dirname + '/link.js');", {
		arrange: ({ app, data }) => symlinkSync(join(data, "evil.js"), join(app, "link.js")),
	}),
	withEvil("by a second name", "made._compile(text, data + '/second.js');", {
		arrange: ({ data }) => linkSync(join(data, "evil.js"), join(data, "second.js")),
	}),
	withEvil("by the root of the process", "made._compile(text, '/proc/self/root' + evil);"),
	withEvil("by a descriptor", "made._compile(text, '/proc/self/fd/' + require('fs').openSync(evil));"),
	withEvil("by a URL", "made._compile(text, require('url').pathToFileURL(evil).href);"),
	withEvil("under the name of a worker's text", "made._compile(text, '[worker eval]-wrapper');"),
	withEvil("as the text of a worker", "new (require('worker_threads').Worker)(text, { eval: true });"),
	withEvil("of a FIFO", "made._compile(text, data + '/fifo');", {
		arrange: ({ data }) => void execFileSync("mkfifo", [join(data, "fifo")]),
	}),
	withEvil(
		"of a changed file",
		"made._compile(require('fs').readFileSync(__dirname + '/library.js', 'utf8') + ';', __dirname + '/library.js');",
		{
			signed: {
				"main.js": `${MODULE}new Module("a")._compile(require("fs").readFileSync(__dirname + "/library.js", "utf8") + ";", __dirname + "/library.js");`,
				"library.js": "exports.a = 1;",
			},
			changed: { "library.js": EVIL },
		},
	),
	withEvil(
		"as the function of a module",
		"require('vm').compileFunction(text, ['exports', 'require', 'module', '__filename', '__dirname'], { filename: evil })();",
	),
	withEvil(
		"by a loader that reads files itself, as pirates does",
		"Module._extensions['.evil'] = (module, file) => module._compile(require('fs').readFileSync(file, 'utf8') + ';', file);\nrequire(data + '/file.evil');",
		{ beside: { "file.evil": EVIL } },
	),
	withEvil("in a worker", "new (require('worker_threads').Worker)(__dirname + '/thread.js', { argv: [data] });", {
		signed: {
			"main.js": "new (require('worker_threads').Worker)(__dirname + '/thread.js', { argv: [process.argv[2]] });",
			"thread.js": `const evil = process.argv[2] + "/evil.js";\nnew (require("module"))("a")._compile(require("fs").readFileSync(evil, "utf8") + ";", evil);`,
		},
	}),
	withEvil(
		"where no descriptor is left",
		"const fs = require('fs'); try { for (;;) fs.openSync('/dev/null'); } catch {}\nmade._compile(text + ';', evil);",
	),
];

/** The content of an unsigned file under a path that says something else. It passes as text of the program does. */
const asText: readonly Technique[] = [
	withEvil("under a path that does not exist", "made._compile(text, data + '/none.js');"),
	withEvil("under the path of a signed file", "made._compile(text, __filename);"),
	withEvil(
		"of a file that was renamed meanwhile",
		"require('fs').renameSync(evil, evil + '.old'); made._compile(text, evil);",
	),
	withEvil("of a file that was exchanged for the signed one meanwhile", "", {
		signed: {
			"main.js": `const fs = require("fs");
					const library = __dirname + "/library.js";
					const text = fs.readFileSync(library, "utf8");
					fs.renameSync(__dirname + "/kept.js", library);
					new (require("module"))("a")._compile(text, library);`,
			"library.js": "exports.a = 1;",
		},
		arrange: ({ app }) => {
			renameSync(join(app, "library.js"), join(app, "kept.js"));
			writeFileSync(join(app, "library.js"), EVIL);
		},
	}),
];

const stringCode = (value: string) => ({ runtime: { stringCode: value } });

describe.skipIf(!hasLauncher || process.arch !== "x64")(
	"text that programs make (needs the launcher built, x64)",
	() => {
		test.each(cases)(
			"of signed files passes in $mode on Node.js $release as the policy says",
			async ({ mode, release }) => {
				const plain = await attempt({ mode: "unguarded", release, techniques: working, policy: {} });
				expect(namesOf(plain.filter(({ good }) => !good))).toEqual([]);
				const audited = await attempt({ mode, release, techniques: working, policy: stringCode("audit") });
				for (const { name, good, output, events } of audited) {
					expect([name, good], output).toEqual([name, true]);
					const told = events.filter(({ verdict }) => verdict === "record" || verdict === "refuse");
					const ofText = told.filter(({ event }) => /^(module\.compile|vm\.compile|code\.string)$/.test(`${event}`));
					expect([name, ofText.length, told.length], output).toEqual([name, mode === "enforce" ? 2 : 1, ofText.length]);
				}
				const allowed = await attempt({ mode, release, techniques: working, policy: stringCode("allow") });
				expect(namesOf(allowed.filter(({ good }) => !good))).toEqual([]);
				for (const value of ["signed", "refuse"]) {
					const refused = await attempt({ mode, release, techniques: working, policy: stringCode(value) });
					expect(namesOf(refused.filter(({ good, status }) => good || status !== 126))).toEqual([]);
				}
			},
		);

		test.each(cases)(
			"is refused in $mode on Node.js $release if it is of an unsigned file",
			async ({ mode, release }) => {
				const plain = await attempt({ mode: "unguarded", release, techniques: unsigned, policy: {} });
				expect(namesOf(plain.filter(({ evil }) => !evil))).toEqual([]);
				for (const value of ["audit", "allow"]) {
					const refused = await attempt({ mode, release, techniques: unsigned, policy: stringCode(value) });
					expect(namesOf(refused.filter(({ evil }) => evil))).toEqual([]);
					for (const { name, status, events, output } of refused) {
						const refusals = events.filter(({ verdict }) => verdict === "refuse");
						expect([name, status, refusals.length], output).toEqual([name, 126, 1]);
					}
				}
			},
		);

		test.each(cases)("under another path is text in $mode on Node.js $release", async ({ mode, release }) => {
			const techniques = mode === "hook" ? asText : asText.filter(({ arrange }) => arrange === undefined);
			const audited = await attempt({ mode, release, techniques, policy: stringCode("audit") });
			for (const { name, evil, events, output } of audited) {
				expect([name, evil], output).toEqual([name, true]);
				expect(events.filter(({ verdict }) => verdict === "record").length, output).toBeGreaterThan(0);
			}
			for (const value of ["signed", "refuse"]) {
				const refused = await attempt({ mode, release, techniques, policy: stringCode(value) });
				expect(namesOf(refused.filter(({ evil }) => evil))).toEqual([]);
			}
		});
	},
);
