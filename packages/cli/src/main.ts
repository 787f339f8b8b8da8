import { printFailure } from "./output.js";
import { run } from "./program.js";

const argv = process.argv.slice(2);

// What `run` cannot catch: an error event of a stream or a worker.
process.on("uncaughtException", (error) => {
	process.exit(printFailure("", error, { json: argv.includes("--json") }));
});

run(argv).then((exitStatus) => {
	process.exitCode = exitStatus;
});
