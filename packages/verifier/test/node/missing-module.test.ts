import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { type Application, makeApplication, RELEASES, write } from "./application.js";

const SIGNED = {
	"package.json": "{}",
	"by-require.cjs": 'console.log(require("dep"));',
	"by-import.mjs": 'import dep from "dep"; console.log(dep);',
	"by-path.cjs": 'console.log(require("./lib/own"));',
	"by-url.mjs": 'import own from "./lib/own.js"; console.log(own);',
	"by-link.cjs": 'require("linked");',
	"by-link.mjs": 'import "linked";',
	"node_modules/.store/linked/package.json": '{ "name": "linked" }',
	"node_modules/.store/linked/index.js": "module.exports = 1;",
	"below.cjs": 'require("./by-require.cjs");',
	"optional.cjs": 'try { require("dep"); } catch (error) { console.log(error.code); }',
	"never.cjs": 'require("never-signed");',
	"lib/own.js": 'module.exports = "own";',
	"node_modules/dep/package.json": '{ "name": "dep", "version": "1.0.0", "main": "index.js" }',
	"node_modules/dep/index.js": 'module.exports = "dep";',
};

/** Each change of the tree, the programs that it stops, and the file that the hook names, with the reason. */
const CHANGES: Readonly<Record<string, readonly [change: (at: (path: string) => string) => void, string[], RegExp]>> = {
	"a dependency that is gone": [
		(at) => rmSync(at("node_modules/dep"), { recursive: true }),
		["by-require.cjs", "by-import.mjs", "below.cjs"],
		/Cannot find ".*\/node_modules\/dep\/package\.json": it is signed, but it is not there; put the signed release in place/,
	],
	"a file of a dependency that is gone": [
		(at) => rmSync(at("node_modules/dep/index.js")),
		["by-require.cjs", "by-import.mjs"],
		/Cannot find ".*\/node_modules\/dep\/index\.js": it is signed, but it is not there/,
	],
	"a dependency whose link leads nowhere": [
		(at) => rmSync(at("node_modules/.store/linked"), { recursive: true }),
		["by-link.cjs", "by-link.mjs"],
		/Cannot find ".*\/node_modules\/\.store\/linked\/package\.json": it is signed, but it is not there/,
	],
	"a file of the application that is gone": [
		(at) => rmSync(at("lib/own.js")),
		["by-path.cjs", "by-url.mjs"],
		/Cannot find ".*\/lib\/own\.js": it is signed, but it is not there/,
	],
	"a version of a dependency without the entry": [
		(at) =>
			write(
				at("node_modules/dep/package.json"),
				'{ "name": "dep", "version": "2.0.0", "exports": { "./x": "./x.js" } }',
			),
		["by-require.cjs", "by-import.mjs"],
		/Cannot load ".*\/node_modules\/dep\/package\.json": it was modified \(ERR_FILE_MODIFIED/,
	],
	"a version of a dependency that was never built": [
		(at) => {
			rmSync(at("node_modules/dep/index.js"));
			write(at("node_modules/dep/package.json"), '{ "name": "dep", "version": "2.0.0", "main": "dist/index.js" }');
		},
		["by-require.cjs", "by-import.mjs"],
		/Cannot load ".*\/node_modules\/dep\/package\.json": it was modified \(ERR_FILE_MODIFIED/,
	],
};

const application: Application = await makeApplication(SIGNED);
symlinkSync(".store/linked", join(application.directory, "node_modules/linked"));
await application.sign();
afterAll(() => application[Symbol.dispose]());
const at = (path: string) => join(application.directory, path);

describe.each(RELEASES)("a module that Node.js %s does not find", (release) => {
	beforeEach(() => {
		for (const [path, text] of Object.entries(SIGNED)) write(at(path), text);
	});
	const run = (program: string) => application.run(release, [program]);
	/** The lines of the hook alone. */
	const saidBy = ({ stderr }: { readonly stderr: string }) => stderr.match(/^sigtool: .*$/gm) ?? [];

	it.each(Object.entries(CHANGES))("is told from one that was never there: %s", (_, [change, programs, says]) => {
		for (const program of programs) {
			const ended = run(program);
			expect([program, ended.status], ended.stderr).toEqual([program, 0]);
		}
		change(at);
		for (const program of programs) {
			const ended = run(program);
			expect([program, ended.status], ended.stderr).toEqual([program, 1]);
			// The error of Node.js stays as it is.
			expect(ended.stderr).toMatch(/code: 'ERR_\w+'|code: 'MODULE_NOT_FOUND'/);
			expect([program, saidBy(ended)]).toEqual([program, [expect.stringMatching(says)]]);
		}
	});

	it("is nothing to explain if nobody signed it, or if the program lives without it", () => {
		const never = run("never.cjs");
		expect([never.status, saidBy(never)], never.stderr).toEqual([1, []]);
		rmSync(at("node_modules/dep"), { recursive: true });
		const optional = run("optional.cjs");
		expect([optional.status, optional.stdout, saidBy(optional)]).toEqual([0, "MODULE_NOT_FOUND\n", []]);
	});
});
