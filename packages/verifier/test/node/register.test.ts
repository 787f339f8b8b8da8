import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Application, makeApplication, REGISTER, RELEASES, write } from "./application.js";

const ADDON = fileURLToPath(new URL("../../dist/native/addon.node", import.meta.url));
const FILES = {
	"package.json": "{}",
	"main.cjs":
		'console.log("main", require("./dependency.js"), require("./data.json"), require("./plain")); require("./late")();',
	"dependency.js": 'module.exports = "dependency";',
	"data.json": '"data"',
	plain: 'module.exports = "extensionless";',
	"late.js": 'module.exports = () => import("./module.mjs").then((m) => console.log(m.default));',
	"module.mjs":
		'import d from "./dependency.js"; import j from "./data.json" with { type: "json" }; import "./ambiguous.js"; import fs from "fs"; export default [d, j, typeof fs.readFileSync].join();',
	"ambiguous.js": 'import "./typed/a.js"; console.log(import.meta.url.endsWith("ambiguous.js"));',
	"typed/package.json": '{ "type": "module" }',
	"typed/a.js": 'export const a = 1; console.log("typed");',
};

describe.each(RELEASES)("register on Node.js %s", (release) => {
	let application: Application;
	beforeAll(async () => {
		application = await makeApplication(FILES);
	});
	afterAll(() => application[Symbol.dispose]());

	it("runs a signed program as Node.js alone does", () => {
		const alone = application.run(release, ["main.cjs"], { register: "none" });
		expect(alone.stdout).toBe("main dependency data extensionless\ntyped\ntrue\ndependency,data,function\n");
		const { stdout, stderr, status } = application.run(release, ["main.cjs"]);
		expect({ stdout, stderr: withoutIds(stderr), status }).toEqual({
			stdout: alone.stdout,
			stderr: withoutIds(alone.stderr),
			status: 0,
		});
	});

	it.each(Object.keys(FILES))("refuses a changed %s with an event and status 126", (path) => {
		const file = join(application.directory, path);
		const content = FILES[path as keyof typeof FILES];
		write(file, `${content} `);
		try {
			const { status, stderr } = application.run(release, ["main.cjs"]);
			expect(status).toBe(126);
			expect(stderr).toContain("ERR_UNTRUSTED_CODE");
			const refusals = application.events().filter(({ verdict }) => verdict === "refuse");
			expect(refusals.at(-1)).toMatchObject({ event: "module.open_code", path: file, reason: "ERR_FILE_MODIFIED" });
		} finally {
			write(file, content);
		}
	});

	it("starts workers with this hook, not with a file of the same name in another working directory", async () => {
		const named = relative(application.directory, REGISTER);
		using program = await makeApplication({
			"main.cjs": `process.chdir(process.argv[2]); new (require("worker_threads").Worker)(__dirname + "/worker.js");`,
			"worker.js": 'console.log("signed");',
		});
		const elsewhere = join(program.home, "a/b/c/d/e/f");
		mkdirSync(elsewhere, { recursive: true });
		write(join(elsewhere, named), 'console.log("evil");');
		const { stdout, stderr } = program.run(release, ["main.cjs", elsewhere], { register: named });
		expect(stdout, stderr).toBe("signed\n");
	});

	it("treats standard error as a failed sink when it is another file", async () => {
		using program = await makeApplication({
			"main.cjs": `const fs = require("fs"); fs.closeSync(2); fs.openSync(process.argv[2], "w"); require("./added.cjs");`,
		});
		write(join(program.directory, "added.cjs"), "console.log('evil');");
		const taken = join(program.home, "taken");
		const { status, stdout } = program.run(release, ["main.cjs", taken]);
		expect([status, stdout]).toEqual([126, ""]);
		expect(readFileSync(taken, "utf8")).toMatch(/^sigtool: ERR_AUDIT_SINK: .*standard error.*; unwritten: /);
	});

	it.skipIf(!existsSync(ADDON))(
		"ends the whole process when a worker loads unsigned code (needs the addon built)",
		async () => {
			const worker = 'try { require("./added.js"); } catch {}';
			using threads = await makeApplication({
				"package.json": "{}",
				"main.cjs": 'new (require("worker_threads").Worker)("./worker.js").on("exit", () => console.log("goes on"));',
				"worker.js": worker,
				"ended.cjs": 'new (require("worker_threads").Worker)("./none.js").on("exit", () => console.log("goes on"));',
				"none.js": "",
			});
			write(join(threads.directory, "added.js"), "console.log('evil')");
			expect(threads.run(release, ["ended.cjs"])).toMatchObject({ status: 0, stdout: "goes on\n" });
			expect(threads.run(release, ["main.cjs"])).toMatchObject({ status: 126, stdout: "" });
			expect(threads.events().at(-1)).toMatchObject({ verdict: "refuse", reason: "ERR_FILE_ADDED" });
		},
	);

	it("lets a signed program add an audit hook that refuses, through the library", async () => {
		using watched = await makeApplication({
			"package.json": "{}",
			"main.mjs": `import { addAuditHook, hookCapabilities } from "./verifier.mjs";
				const added = addAuditHook(({ event, path }) => {
					if (event === "module.open_code" && path.endsWith("second.cjs")) throw new Error("not this one");
				});
				console.log(added, hookCapabilities()?.tier ?? "none");
				await import("./first.cjs");
				await import("./second.cjs");`,
			"first.cjs": 'console.log("first");',
			"second.cjs": 'console.log("second");',
			"verifier.mjs": readFileSync(new URL("../../dist/index.mjs", import.meta.url)),
		});
		const tier = release === "20" ? "enforce-limited" : "enforce";
		const refused = watched.run(release, ["main.mjs"]);
		expect(refused).toMatchObject({ status: 126, stdout: `true ${tier}\nfirst\n` });
		expect(refused.stderr).toContain("ERR_AUDIT_HOOK");
		expect(watched.events().map(({ event }) => event)).toContain("verifier.addhook");
		const alone = watched.run(release, ["main.mjs"], { register: "none" });
		expect(alone).toMatchObject({ status: 0, stdout: "false none\nfirst\nsecond\n" });
	});

	it("starts under a policy that refuses workers", async () => {
		const policy = { runtime: { workers: "refuse" } };
		using program = await makeApplication({ "main.js": 'console.log("ran")' }, { policy });
		const { status, stdout, stderr } = program.run(release, ["main.js"]);
		expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "ran\n" });
		expect(program.events().map(({ event }) => event)).not.toContain("worker.spawn");
	});

	it("refuses an added file", () => {
		const file = join(application.directory, "added.js");
		write(file, "console.log('evil')");
		const { status, stdout } = application.run(release, ["added.js"]);
		rmSync(file);
		expect({ status, stdout }).toEqual({ status: 126, stdout: "" });
	});
});

/** Removes the process id from warnings. */
function withoutIds(text: string): string {
	return text.replace(/\(node:\d+\)/g, "(node)");
}
