/** A service that runs and loads code when it is asked to, as a service does at a user's request. */

import { mkdirSync, writeFileSync } from "node:fs";
import type { Runtime } from "../host/runtimes.js";
import { AskedProcess } from "./asked-process.js";
import type { Service } from "./service.js";

/** It answers each line `load NAME` or `child NAME`: the child is a worker thread, or a fork. */
const NODE = `
const { Worker } = require("node:worker_threads");
const say = (text) => process.stdout.write(text + "\\n");
const codeOf = (error) => error.cause?.code ?? error.code ?? String(error);
say("ready");
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
	const [order, name] = line.split(" ");
	if (order === "child") {
		new Worker(__dirname + "/worker.js", { argv: [name] }).on("message", say).on("error", (error) => say("refused " + codeOf(error)));
		return;
	}
	try {
		say(require("./lazy/" + name + ".js"));
	} catch (error) {
		say("refused " + codeOf(error));
	}
});
`;
const WORKER = `
const { parentPort } = require("node:worker_threads");
try {
	parentPort.postMessage(require("./lazy/" + process.argv[2] + ".js"));
} catch (error) {
	parentPort.postMessage("refused " + (error.cause?.code ?? error.code));
}
`;
const PYTHON = `
import importlib, os, re, sys
def load(name):
    try:
        return importlib.import_module("lazy." + name).SAID
    except PermissionError as error:
        return "refused " + (re.findall("ERR_[A-Z_]+", str(error)) or [str(error)])[0]
print("ready", flush=True)
while True:
    line = sys.stdin.readline()
    if not line:
        break
    order, name = line.split()
    if order == "child":
        child = os.fork()
        if child == 0:
            print(load(name), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
    else:
        print(load(name), flush=True)
`;

/** Writes the program of the service, with modules of these names. */
export function writeProgram(service: Service, names: readonly string[]): void {
	mkdirSync(service.at("app/lazy"), { recursive: true });
	writeFileSync(service.at("app/main.js"), NODE);
	writeFileSync(service.at("app/worker.js"), WORKER);
	writeFileSync(service.at("app/main.py"), PYTHON);
	writeFileSync(service.at("app/lazy/__init__.py"), "");
	for (const name of names) {
		writeFileSync(service.at(`app/lazy/${name}.js`), `module.exports = "loaded ${name}";\n`);
		writeFileSync(service.at(`app/lazy/${name}.py`), `SAID = "loaded ${name}"\n`);
	}
}

/** Returns the path of a module of the program. */
export function moduleOf(service: Service, { kind }: Runtime, name: string): string {
	return service.at(`app/lazy/${name}.${kind === "node" ? "js" : "py"}`);
}

export class Session extends AskedProcess {
	static async open(service: Service): Promise<Session> {
		const session = new Session(...service.command({ writable: [service.at("data")] }), () => {});
		const line = await session.line();
		if (line !== "ready") throw new Error(`The service does not start: ${line} ${session.stderr}`);
		return session;
	}

	/** Returns what the service answers, or `ended` and its exit status. */
	async load(name: string, by: "load" | "child" = "load"): Promise<string> {
		return (await this.ask(`${by} ${name}`)) ?? `ended ${await this.ended}`;
	}

	async close(): Promise<void> {
		this.kill("SIGTERM");
		await this.stop();
	}
}
