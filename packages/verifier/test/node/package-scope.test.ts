import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Application, makeApplication, RELEASES, write } from "./application.js";

/** The signed files, which include no package.json. */
const FILES = {
	"common.js":
		'const { n } = require("./n.js"); import("./n.js").then((m) => console.log(n, m.n, require.main === module, this === module.exports));',
	"module.js":
		'import { n } from "./n.js"; import { e } from "./e.js"; await null; console.log(n, e, this === undefined);',
	main: 'console.log(require("./n").n, typeof __filename);',
	"n.js": "exports.n = 1;",
	"e.js": "export const e = 2;",
	"named.mjs": 'import "./common.js"; import { e } from "./e.js"; console.log(e);',
	"by-hash.cjs": 'require("#n");',
	"by-name.mjs": 'import "project";',
};
const TYPESCRIPT = {
	"module.ts": 'import { t } from "./t.ts"; const e = (await import("./e.js")).e as number; console.log(t, e);',
	"common.ts": 'const { t } = require("./t.ts"); console.log(t as number, typeof module);',
	"t.ts": "export const t: number = 3;",
};
const UNSIGNED = {
	none: undefined,
	"no type": {},
	module: { name: "project", type: "module", main: "app/n.js", dependencies: {} },
	commonjs: { type: "commonjs" },
};

describe.each(RELEASES)("package.json above the signed tree on Node.js %s", (release) => {
	const files = { ...FILES, ...(release === "20" ? {} : TYPESCRIPT) };
	const programs = ["common.js", "module.js", "main", "named.mjs", "module.ts", "common.ts"].filter(
		(name) => name in files,
	);
	let application: Application;
	beforeAll(async () => {
		application = await makeApplication(files);
	});
	afterAll(() => application[Symbol.dispose]());

	function runBelow(content: unknown, name: string, register?: string) {
		const above = join(application.home, "package.json");
		rmSync(above, { force: true });
		if (content !== undefined) write(above, typeof content === "string" ? content : JSON.stringify(content));
		return application.run(release, [name], register === undefined ? {} : { register });
	}

	it("changes what runs on unguarded Node.js", () => {
		expect(runBelow(UNSIGNED.none, "common.js", "none").status).toBe(0);
		expect(runBelow(UNSIGNED.module, "common.js", "none").status).not.toBe(0);
		expect(runBelow(UNSIGNED.commonjs, "module.js", "none").status).not.toBe(0);
	});

	it.each(programs)("does not change what %s does", (name) => {
		const plain = runBelow(UNSIGNED.none, name, "none");
		expect(plain.status, plain.stderr).toBe(0);
		for (const [label, content] of Object.entries(UNSIGNED)) {
			const { status, stdout, stderr } = runBelow(content, name);
			expect({ label, status, stdout }, stderr).toEqual({ label, status: 0, stdout: plain.stdout });
		}
	});

	it.each([
		["by-hash.cjs", { imports: { "#n": "./app/n.js" } }],
		["by-name.mjs", { name: "project", exports: "./app/n.js" }],
	])("is refused if it decides what names resolve to: %s", (name, content) => {
		expect(runBelow(content, name, "none").status).toBe(0);
		const { status, stderr } = runBelow(content, name);
		expect(status).toBe(126);
		expect(stderr).toMatch(/ERR_OUTSIDE_PRODUCTS: .*add a package\.json to the signed tree/);
		expect(stderr).toContain(JSON.stringify(join(application.home, "package.json")));
	});

	it("stops the program when Node.js cannot read it", () => {
		expect(runBelow('{ "type"', "n.js").status).not.toBe(0);
	});
});

describe.each(RELEASES)("modules without a package.json on Node.js %s", (release) => {
	it("in node_modules do not get the type of the program that uses them", async () => {
		using application = await makeApplication({
			"package.json": '{ "type": "module" }',
			"main.js": `import { createRequire } from "node:module"; import { a } from "./node_modules/loose/index.js";
				import { c } from "./node_modules/module/index.js"; const require = createRequire(import.meta.url);
				console.log(a, require("loose").a, require("single").b, c);`,
			"node_modules/loose/index.js": "exports.a = 1;",
			"node_modules/single.js": "exports.b = 2;",
			"node_modules/module/index.js": "export const c = 3;",
		});
		const { status, stdout, stderr } = application.run(release, ["main.js"]);
		expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "1 1 2 3\n" });
	});
});

describe.each(RELEASES)("imports on Node.js %s do what they do unguarded", (release) => {
	const KINDS = { none: "{}", commonjs: '{ "type": "commonjs" }', module: '{ "type": "module" }', absent: undefined };

	it.each(Object.entries(KINDS))(
		"of CommonJS that hands on another file, and of an empty file (type %s)",
		async (_, type) => {
			const handing = type === KINDS.module ? "cjs" : "js";
			using application = await makeApplication({
				...(type === undefined ? {} : { "package.json": type }),
				"main.mjs": `import { n } from "./outer.${handing}"; import * as empty from "./empty.js"; console.log(n, Object.keys(empty));`,
				[`outer.${handing}`]: `exports = module.exports = require("./inner.${handing}");`,
				[`inner.${handing}`]: "exports.n = 1;",
				"empty.js": "",
			});
			const plain = application.run(release, ["main.mjs"], { register: "none" });
			expect(plain.status, plain.stderr).toBe(0);
			expect(application.run(release, ["main.mjs"])).toMatchObject({ status: 0, stdout: plain.stdout });
		},
	);
});
