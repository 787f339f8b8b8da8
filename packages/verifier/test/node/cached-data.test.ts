import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Application, makeApplication, RELEASES } from "./application.js";

const EVIL = "console.log('evil')";
const SAID = "console.log('said')";
/** Writes bytecode of another text. V8 compares only the lengths of both texts. */
const MAKE = `const { Script } = require("vm");
require("fs").writeFileSync(process.argv[2], new Script(${JSON.stringify(EVIL)}).createCachedData());`;
/** Each program runs a script of the text of said.js, and prints whether its bytecode was rejected. */
const HEAD = `const vm = require("vm"), fs = require("fs");
const filename = __dirname + "/said.js", text = fs.readFileSync(filename, "utf8");
const cachedData = fs.readFileSync(process.argv[2]);
const options = { filename, cachedData };
`;
const PROGRAMS = {
	"script.cjs": `${HEAD}const script = new vm.Script(text, options); script.runInThisContext(); console.log(script.cachedDataRejected);`,
	"subclass.cjs": `${HEAD}class S extends vm.Script {}
const script = new S(text, options); script.runInThisContext(); console.log(script.cachedDataRejected);`,
	"this-context.cjs": `${HEAD}vm.runInThisContext(text, options); console.log(true);`,
	"new-context.cjs": `${HEAD}vm.runInNewContext(text, { console }, options); console.log(true);`,
	"function.cjs": `${HEAD}const made = vm.compileFunction(text, [], options); made(); console.log(made.cachedDataRejected);`,
};
const NO_STRINGS = { nodeArguments: ["--disallow-code-generation-from-strings"] };

describe.each(RELEASES)("cached data of node:vm on Node.js %s", (release) => {
	let application: Application;
	let bytecode: string;
	beforeAll(async () => {
		const files = { "package.json": "{}", "said.js": SAID, "make.cjs": MAKE, "wrong.cjs": WRONG, ...PROGRAMS };
		application = await makeApplication(files, { policy: { runtime: { stringCode: "refuse" } } });
		bytecode = join(application.home, "bytecode");
		const made = application.run(release, ["make.cjs", bytecode], { ...NO_STRINGS, register: "none" });
		expect(made).toMatchObject({ status: 0 });
	});
	afterAll(() => application[Symbol.dispose]());

	it("would run in the place of the text, without the hook", () => {
		const { stdout } = application.run(release, ["script.cjs", bytecode], { ...NO_STRINGS, register: "none" });
		expect(stdout).toBe("evil\nfalse\n");
	});

	it.each(Object.keys(PROGRAMS))("is dropped, and the text runs: %s", (program) => {
		const { status, stdout, stderr } = application.run(release, [program, bytecode], NO_STRINGS);
		expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "said\ntrue\n" });
		const event = application.events().findLast(({ verdict }) => verdict !== "allow");
		const path = join(application.directory, "said.js");
		expect(event).toMatchObject({ event: "vm.compile", verdict: "record", reason: "ERR_UNSIGNED_BYTECODE", path });
	});

	it("that is no bytecode is the TypeError of Node.js", () => {
		const { status, stdout, stderr } = application.run(release, ["wrong.cjs"], NO_STRINGS);
		expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "ERR_INVALID_ARG_TYPE\n" });
	});
});

const WRONG = `const vm = require("vm"), filename = __dirname + "/said.js";
try { new vm.Script(require("fs").readFileSync(filename, "utf8"), { filename, cachedData: "text" }); } catch ({ code }) { console.log(code); }`;
