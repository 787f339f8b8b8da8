/**
 * Runs the built command line again and again in one process, for kept-process.ts. Each run evaluates the modules of the
 * command line anew, from code that was compiled once, so nothing that a module remembers reaches the next run. Before
 * each run the state of the process is set, and afterwards the listeners of the run are removed. If a run leaves anything
 * else behind, the process ends after its answer, and the next run gets another one.
 */

const { openSync, closeSync, readFileSync, readSync, writeSync } = require("node:fs");
const { createRequire, wrap } = require("node:module");
const { dirname, sep } = require("node:path");
const { setFlagsFromString } = require("node:v8");
const { Script, constants, runInNewContext } = require("node:vm");

/** V8 does not count the shared memory of row-arena.ts when it decides whether to collect garbage. */
const RUNS_PER_COLLECTION = 8;

const { exit, execPath } = process;
const [, , MAIN] = process.argv;
const BUILT = dirname(MAIN) + sep;
const requests = notInherited(3, "r");
const answers = notInherited(4, "w");
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

let startedWorker = false;
process.on("worker", () => {
	startedWorker = true;
});
const ownListeners = new Set(listeners().map(([, listener]) => listener));

/** Maps each file of the command line to its compiled code. */
const scripts = new Map();
require.extensions[".cjs"] = (module, file) => {
	const script = scripts.get(file) ?? compile(file);
	scripts.set(file, script);
	const evaluate = script.runInThisContext();
	evaluate.call(module.exports, module.exports, createRequire(file), module, file, dirname(file));
};

answerRequests();

async function answerRequests() {
	let text = "";
	for (let count = 1; ; count++) {
		while (!text.endsWith("\n")) {
			const piece = Buffer.alloc(2 ** 16);
			const length = readSync(requests, piece);
			if (length === 0) exit(0);
			text += piece.toString("latin1", 0, length);
		}
		const request = JSON.parse(Buffer.from(text, "latin1").toString());
		text = "";
		const status = await run(request);
		const isLast = leavesSomething();
		writeSync(answers, `${JSON.stringify({ status, isLast })}\n`);
		if (isLast) exit(0);
		if (count % RUNS_PER_COLLECTION === 0) collectGarbage();
	}
}

/** Returns the exit status, or undefined if the run could not begin. */
async function run({ args, cwd, env, umask }) {
	try {
		process.chdir(cwd);
	} catch {
		return undefined;
	}
	for (const name of Object.keys(process.env)) if (!Object.hasOwn(env, name)) delete process.env[name];
	Object.assign(process.env, env);
	process.umask(umask);
	process.argv = [execPath, MAIN, ...args];
	process.exitCode = undefined;
	const status = await new Promise((resolve) => {
		process.exit = (given = process.exitCode ?? 0) => resolve(given);
		require(MAIN);
	});
	// What the run has already put into the queues happens before its state is looked at.
	await new Promise((resolve) => setImmediate(resolve));
	return status;
}

/** Removes the modules and the listeners of a run. Returns true if something else is left of it. */
function leavesSomething() {
	for (const file of Object.keys(require.cache)) if (file.startsWith(BUILT)) delete require.cache[file];
	module.children.length = 0;
	const atExit = process.listenerCount("exit");
	for (const [name, listener] of listeners()) if (!ownListeners.has(listener)) process.off(name, listener);
	return atExit > 0 || startedWorker || process.getActiveResourcesInfo().length > 0;
}

function listeners() {
	return process.eventNames().flatMap((name) => process.rawListeners(name).map((listener) => [name, listener]));
}

function compile(file) {
	const source = readFileSync(file, "utf8").replace(/^#!.*/, "");
	return new Script(wrap(source), {
		filename: file,
		importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
	});
}

/** Opens a pipe that this process inherited once more, because programs that it starts would inherit the first one. */
function notInherited(descriptor, flags) {
	const own = openSync(`/proc/self/fd/${descriptor}`, flags);
	closeSync(descriptor);
	return own;
}
