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
	"typed/main.ts": 'import c from "../c.cts"; const { b } = await import("../b.mts"); console.log((b + c) as string);',
};

describe.each(releases)("TypeScript on Node.js %s", (release) => {
	let application: Application;
	beforeAll(async () => {
		application = await makeApplication(FILES);
	});
	afterAll(() => application[Symbol.dispose]());

	it.each(["main.ts", "main.cts", "typed/main.ts"])("runs a signed %s", (main) => {
		const { status, stdout, stderr } = application.run(release, [main]);
		expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "said\n" });
	});
});
