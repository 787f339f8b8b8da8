import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Application, makeApplication, RELEASES, write } from "./application.js";

const FILES = {
	"package.json": "{}",
	"require.cjs": 'require("./unsigned.cjs");',
	"import.mjs": 'import "./unsigned.mjs";',
	"later.mjs": 'await import("./unsigned.mjs");',
	"binding.cjs": 'process.binding("spawn_sync");',
	"flag.cjs": 'require("node:v8").setFlagsFromString("--max-optimized-bytecode-size=9");',
	"sizes.cjs":
		'for (const name of ["max_old_space_size", "stack-size"]) require("node:v8").setFlagsFromString("--" + name + "=900");',
};

/** Node.js 20 shows where it reports the error of an import that another thread has answered. */
const LINES_OF_NODE = /^\n?node:internal\/.*\n.*\n +\^\n/;

describe.each(RELEASES)("an uncaught refusal on Node.js %s", (release) => {
	let application: Application;
	beforeAll(async () => {
		const policy = { runtime: { stringCode: "audit" } };
		application = await makeApplication(FILES, { policy, configuration: { onRefusal: "throw" } });
		for (const name of ["unsigned.cjs", "unsigned.mjs"]) write(join(application.directory, name), "1");
	});
	afterAll(() => application[Symbol.dispose]());

	it.each([
		["require.cjs", "ERR_UNTRUSTED_CODE", "Cannot load "],
		["import.mjs", "ERR_UNTRUSTED_CODE", "Cannot load "],
		["later.mjs", "ERR_UNTRUSTED_CODE", "Cannot load "],
		["binding.cjs", "ERR_RUNTIME_RULE", "Cannot go on with process.binding "],
		["flag.cjs", "ERR_RUNTIME_RULE", "Cannot go on with code.string "],
	])("shows its message and code, and no line of the hook: %s", (file, code, message) => {
		const { status, stderr } = application.run(release, [file]);
		const report = stderr.slice(stderr.indexOf("\n") + 1); // Behind the event.
		expect(status).toBe(1);
		expect(report.replace(LINES_OF_NODE, "")).toMatch(/^\n?(Error \[)?SigtoolError\]?: Cannot /);
		expect(report).toContain(message);
		expect(report).toContain(`code: '${code}'`);
		expect(report).not.toMatch(/problems|findings|passing|root:/);
	});

	it("is none for a size of V8's heap", () => {
		expect(application.run(release, ["sizes.cjs"])).toMatchObject({ status: 0, stderr: "" });
	});
});
