#!/usr/bin/env node
import { needsLoading, printFailureBy } from "./output/outcome.js";
import { type ExitStatus, printFailure } from "./output/output.js";
import { outputOptionsIn } from "./output/reporter.js";
import { isBareVerify, runBareVerify } from "./verify-operands.js";

const argv = process.argv.slice(2);

const fail = (error: unknown) => {
	const options = outputOptionsIn(argv);
	if (!needsLoading(options)) return process.exit(printFailure("", error, options));
	process.exitCode = 3;
	printFailureBy("", error, options).then((status) => process.exit(status));
};
// An error event of a stream or a worker does not pass through `run`, so it is handled here.
process.on("uncaughtException", fail);
// Node.js ends with exit status 0 if nothing is left to wait for. Here this status means trusted, so it must not be the
// end of a command that has no result yet.
process.on("beforeExit", () => fail(new Error("it ended without an outcome")));

start().then((exitStatus) => {
	process.exit(exitStatus);
});

async function start(): Promise<ExitStatus> {
	if (isBareVerify(argv)) return runBareVerify(argv);
	if (argv[0] === "complete-values") return (await import("./complete-values.js")).completeValues(argv);
	return (await import("./program.js")).run(argv);
}
