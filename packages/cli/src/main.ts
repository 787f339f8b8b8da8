#!/usr/bin/env node
import { printFailure } from "./output.js";
import { isPlain, runPlain } from "./plain.js";

const argv = process.argv.slice(2);

// What `run` cannot catch: an error event of a stream or a worker.
process.on("uncaughtException", (error) => {
	process.exit(printFailure("", error, { json: argv.includes("--json") }));
});

const status = isPlain(argv) ? runPlain(argv) : import("./program.js").then(({ run }) => run(argv));
status.then((exitStatus) => {
	process.exit(exitStatus);
});
