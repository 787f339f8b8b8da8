#!/usr/bin/env node
import { printFailure } from "./output/output.js";
import { isBareVerify, runBareVerify } from "./verify-operands.js";

const argv = process.argv.slice(2);

const fail = (error: unknown) => process.exit(printFailure("", error, { json: argv.includes("--json") }));
// `run` cannot catch an error event of a stream or a worker.
process.on("uncaughtException", fail);
// When nothing is left to wait for, Node.js would end with status 0, which means trusted. Without an outcome that is
// wrong.
process.on("beforeExit", () => fail(new Error("it ended without an outcome")));

const status = isBareVerify(argv) ? runBareVerify(argv) : import("./program.js").then(({ run }) => run(argv));
status.then((exitStatus) => {
	process.exit(exitStatus);
});
