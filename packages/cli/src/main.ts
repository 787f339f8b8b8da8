#!/usr/bin/env node
import { printFailure } from "./output/output.js";
import { isBareVerify, runBareVerify } from "./verify-operands.js";

const argv = process.argv.slice(2);

const fail = (error: unknown) => process.exit(printFailure("", error, { json: argv.includes("--json") }));
// An error event of a stream or a worker does not reach `run`, so it is handled here.
process.on("uncaughtException", fail);
// If nothing is left to wait for, Node.js ends with status 0, which means trusted. That would be wrong for a command
// that has not ended with an outcome.
process.on("beforeExit", () => fail(new Error("it ended without an outcome")));

const status = isBareVerify(argv) ? runBareVerify(argv) : import("./program.js").then(({ run }) => run(argv));
status.then((exitStatus) => {
	process.exit(exitStatus);
});
