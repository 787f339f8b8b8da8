#!/usr/bin/env node
import { printFailure } from "./output/output.js";
import { isPlain, runPlain } from "./verify-operands.js";

const argv = process.argv.slice(2);

const fail = (error: unknown) => process.exit(printFailure("", error, { json: argv.includes("--json") }));
// What `run` cannot catch: an error event of a stream or a worker.
process.on("uncaughtException", fail);
// Nothing left to wait for and no outcome: Node.js would end with 0, which says trusted.
process.on("beforeExit", () => fail(new Error("it ended without an outcome")));

const status = isPlain(argv) ? runPlain(argv) : import("./program.js").then(({ run }) => run(argv));
status.then((exitStatus) => {
	process.exit(exitStatus);
});
