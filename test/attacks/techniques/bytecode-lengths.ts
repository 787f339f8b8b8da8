/**
 * These techniques give V8 bytecode in more memory than an int can count. Node.js passes the length on as an int, which is
 * then negative, and V8 reads it without a sign.
 */

import { execFileSync } from "../../outside.js";
import { EVIL, type Place, type Technique } from "../technique.js";
import { inModule, inScript, inWorker, type MakeTechnique } from "./programs.js";

/** V8 compares no more of the text than its length. */
const GOOD = "0;".padEnd(EVIL.length + 40);
const EVIL_PADDED = JSON.stringify(EVIL.padEnd(GOOD.length));

const MAKES = {
	"vm.Script": [
		`new Script(${EVIL_PADDED}).createCachedData()`,
		`new Script(good, { cachedData, filename }).runInThisContext();`,
	],
	"vm.compileFunction()": [
		`compileFunction(${EVIL_PADDED}, [], { produceCachedData: true }).cachedData`,
		`compileFunction(good, [], { cachedData, filename })();`,
	],
} as const;

const negative = (make: MakeTechnique, kind: keyof typeof MAKES, where: string, lengthBytes: string): Technique => {
	const [bytecode, use] = MAKES[kind];
	const program = `const fs = require("fs"), { Script, compileFunction } = require("vm");
const good = fs.readFileSync(__dirname + "/good.js", "utf8"), filename = __dirname + "/good.js";
const cachedData = new Uint8Array(${lengthBytes});
cachedData.set(fs.readFileSync(process.argv[2] + "/evil.bytecode"));
${use}`;
	const arrange = ({ node, data, v8Flags }: Place) =>
		execFileSync(node, [
			...v8Flags,
			"-e",
			`const { Script, compileFunction } = require("vm");
fs.writeFileSync(${JSON.stringify(`${data}/evil.bytecode`)}, ${bytecode});`,
		]);
	return make(`bytecode of ${lengthBytes} bytes by ${kind} in ${where}`, program, {
		signed: { "good.js": GOOD },
		arrange,
	});
};

export const bytecodeLengths: readonly Technique[] = [
	negative(inScript, "vm.Script", "a script", "2 ** 31"),
	negative(inScript, "vm.Script", "a script", "2 ** 32 - 8"),
	negative(inModule, "vm.Script", "a module", "2 ** 31"),
	negative(inWorker, "vm.Script", "a worker", "2 ** 31"),
	negative(inScript, "vm.compileFunction()", "a script", "2 ** 31"),
	negative(inWorker, "vm.compileFunction()", "a worker", "3 * 2 ** 30"),
];
