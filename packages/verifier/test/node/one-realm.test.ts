/** The hook runs in the realm of the program, and hands values to threads of the program. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeApplication, REGISTER, RELEASES, write } from "./application.js";

/** Getters of typed arrays that put `allow` in the place of `refuse` wherever an array holds it. */
const REWRITE = `const Typed = Object.getPrototypeOf(Uint8Array.prototype);
const { get: lengthOf } = Object.getOwnPropertyDescriptor(Typed, "length");
for (const name of ["length", "byteLength"]) {
  const { get } = Object.getOwnPropertyDescriptor(Typed, name);
  Object.defineProperty(Typed, name, { get() {
    const size = lengthOf.call(this);
    for (let i = 0; i + 8 < size; i++)
      if ([..."\\"refuse\\""].every((c, at) => this[i + at] === c.charCodeAt(0)))
        [..."\\"allow\\" "].forEach((c, at) => { this[i + at] = c.charCodeAt(0); });
    return get.call(this);
  }, configurable: true });
}
`;
const SHOW = "require('fs').writeSync(1, JSON.stringify([process.env, process.execArgv]));";

/** The program makes text the first message of a worker, over the port that the hook guards. */
const SEND_TEXT = `const { Worker, MessageChannel } = require("worker_threads");
const text = "process.getBuiltinModule('fs').writeSync(1, 'ev' + 'il')";
Object.defineProperty(Object.prototype, "onexit", { configurable: true, set(value) {
  Object.defineProperty(this, "onexit", { value, writable: true, configurable: true });
  if (!this.messagePort) return;
  const [publicPort, mainThreadPort] = [new MessageChannel().port1, new MessageChannel().port1];
  this.messagePort.postMessage({ type: "loadScript", doEval: process.argv[2], filename: text, argv: [], cwdCounter: new Uint32Array(new SharedArrayBuffer(4)),
    environmentData: new Map(), hasStdin: false, publicPort, mainThreadPort, ...(process.argv[3] && { webWorkerData: { url: "file:///x.js", source: text } }) }, [publicPort, mainThreadPort]);
} });
try { new Worker(__dirname + "/idle.js").on("error", () => {}); } catch {}
setTimeout(() => {}, 300);`;

/** Returns a hook whose check of messages in the parent lets everything pass. */
function lenientHook(): string {
	const checks = [/[\w$]+\.doEval\s*!==\s*(false|!1)/, /[\w$]+\.webWorkerData\s*!==\s*void 0/];
	return checks.reduce(
		(hook, check) => {
			if (!check.test(hook)) throw new Error(`no ${check} in the hook`);
			return hook.replace(check, "false");
		},
		readFileSync(REGISTER, "utf8"),
	);
}

describe.each(RELEASES)("one realm on Node.js %s", (release) => {
	it("writes events that no getter of typed arrays has changed", async () => {
		using application = await makeApplication({ "main.js": `${REWRITE}require("./added.js");` });
		write(`${application.directory}/added.js`, "");
		expect(application.run(release, ["main.js"]).status).toBe(126);
		const refused = application.events().filter(({ verdict }) => verdict === "refuse");
		expect(refused).toMatchObject([{ event: "module.open_code", reason: "ERR_FILE_ADDED" }]);
	});

	it("gives workers the environment as it is, without dangerous variables and the hook's own", async () => {
		using application = await makeApplication({
			"main.js": `process.env.NODE_OPTIONS = process.env.NODE_COMPILE_CACHE = "/x"; process.env.MINE = "1";
new (require("worker_threads").Worker)(__dirname + "/show.js");`,
			"show.js": SHOW,
		});
		const [env] = JSON.parse(application.run(release, ["main.js"]).stdout);
		expect(env).toMatchObject({ MINE: "1", XDG_CONFIG_HOME: `${application.home}/config` });
		expect(Object.keys(env).filter((name) => /^NODE|^SIGTOOL_WORKER/.test(name))).toEqual([]);
	});

	it.each(["undefined", "[]", "process.execArgv"])(
		"passes the options that concern threads to a worker with execArgv %s",
		async (execArgv) => {
			using application = await makeApplication({
				"main.js": `new (require("worker_threads").Worker)(__dirname + "/show.js", { execArgv: ${execArgv} });`,
				"show.js": SHOW,
			});
			const nodeArguments = ["--conditions", "mine", "--no-deprecation", "--title=app"];
			const [, given] = JSON.parse(application.run(release, ["main.js"], { nodeArguments }).stdout);
			expect(given.slice(2)).toEqual(["--conditions", "mine", "--no-deprecation"]);
		},
	);

	it("starts workers in mode off", async () => {
		using application = await makeApplication({
			"main.js": `const { Worker, SHARE_ENV } = require("worker_threads");
(async () => { for (const env of [undefined, {}, SHARE_ENV, process.env]) await new Promise((ended) => new Worker(__dirname + "/show.js", { env }).on("exit", ended)); })();`,
			"show.js": "console.log('ran');",
		});
		await application.sign({ configuration: { mode: "off" } });
		const { status, stdout, stderr } = application.run(release, ["main.js"]);
		expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "ran\n".repeat(4) });
	});

	it.each([
		["classic", ""],
		["module", ""],
		["classic", "web"],
	])("runs no text in a worker although its parent lets it pass: %s %s", async (...how) => {
		using application = await makeApplication({ "main.js": SEND_TEXT, "idle.js": "" });
		const register = `${application.home}/register.cjs`;
		write(register, lenientHook());
		const { stdout, stderr } = application.run(release, ["main.js", ...how], { register });
		expect(stdout).toBe("");
		expect(stderr).toContain('"event":"worker.spawn","verdict":"refuse"');
	});

	if (release === "20") return; // It removes no types.
	it("says what is wrong with TypeScript, as Node.js does", async () => {
		using application = await makeApplication({
			"main.cts":
				"try { require('./bad.cts'); } catch (error) { console.log(error.code, error instanceof SyntaxError); }",
			"bad.cts": "enum Kind { A }",
			"main.mts": "await import('./bad.mts').catch((error: Error & { code: string }) => console.log(error.code));",
			"bad.mts": "const a: = 1;",
		});
		expect(application.run(release, ["main.cts"]).stdout).toBe("ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX true\n");
		expect(application.run(release, ["main.mts"]).stdout).toBe("ERR_INVALID_TYPESCRIPT_SYNTAX\n");
	});

	it("removes the types of a large file after those of a small one", async () => {
		using application = await makeApplication({
			"main.cts": "const a: number = require('./large.cts').a; console.log(a);",
			"large.cts": `const a: number = 42; exports.a = a;\n${"// \u00e9\ud83d\ude00 is longer in UTF-8\n".repeat(100_000)}`,
		});
		const { status, stdout, stderr } = application.run(release, ["main.cts"]);
		expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "42\n" });
	});
});
