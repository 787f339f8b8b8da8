import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Application, makeApplication, RELEASES } from "./application.js";

const releases = RELEASES.filter((release) => Number(release) >= 22);
const FILES = {
	"package.json": "{}",
	"main.ts": 'import { b } from "./b.mts"; import c from "./c.cts"; const said: string = b + c; console.log(said);',
	"b.mts": 'export const b: string = "sa";',
	"c.cts": 'const c: string = require("./d.cts").d; module.exports = c;',
	"d.cts": 'exports.d = "id" as string;',
	"main.cts": 'const c: string = require("./c.cts"); console.log("sa" + c);',
	"typed/package.json": '{ "type": "module" }',
	"main.mts": 'import c from "./c.cts"; import e from "./e.ts"; console.log(c === "id" && ((e + c) as string));',
	"e.ts": 'const e: string = "sa"; module.exports = e;',
	"typed/main.ts": 'import c from "../c.cts"; const { b } = await import("../b.mts"); console.log((b + c) as string);',
};

/** With the policy `stringCode: refuse`, Node.js must be started with this option. */
const NO_STRINGS = { nodeArguments: ["--disallow-code-generation-from-strings"] };

describe.each(releases)("TypeScript on Node.js %s", (release) => {
	let application: Application;
	beforeAll(async () => {
		application = await makeApplication(FILES, { policy: { runtime: { stringCode: "refuse" } } });
	});
	afterAll(() => application[Symbol.dispose]());

	it.each(["main.ts", "main.cts", "main.mts", "typed/main.ts"])("runs a signed %s", (main) => {
		const { status, stdout, stderr } = application.run(release, [main], NO_STRINGS);
		expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "said\n" });
		expect(application.events().filter(({ verdict }) => verdict !== "allow")).toEqual([]);
	});

	it("refuses an imported .cts whose bytes changed", async () => {
		writeFileSync(join(application.directory, "c.cts"), FILES["c.cts"].replace("c;", "7;"));
		const { status, stderr } = application.run(release, ["main.mts"], NO_STRINGS);
		expect(status).toBe(126);
		expect(stderr).toContain('"reason":"ERR_FILE_MODIFIED"');
	});
});
