/**
 * These techniques start worker threads from a file or from text, or attack them by values that the threads inherit.
 */

import { DATA, EVIL, TEXT, type Technique, withData, withText } from "../technique.js";

const WORKER = `const { Worker, SHARE_ENV } = require("worker_threads");\n`;
const IDLE = { "idle.js": "0;\n" };

const idles = (name: string, program: string): Technique => ({
	name,
	signed: { "main.js": `${DATA}${WORKER}${program}`, ...IDLE },
});

export const workers: readonly Technique[] = [
	withData("worker of an unsigned file", `${WORKER}new Worker(data + "/evil.js");`),
	withData("worker of an unsigned module", `${WORKER}new Worker(new URL("file://" + data + "/evil.mjs"));`),
	{
		name: "worker of a changed file",
		signed: { "main.js": `${WORKER}new Worker(__dirname + "/idle.js");`, ...IDLE },
		changed: { "idle.js": EVIL },
	},
	withText("worker of text", `${WORKER}new Worker(text, { eval: true });`),
	withText(
		"worker of a data: URL",
		`${WORKER}new Worker(new URL("data:text/javascript," + encodeURIComponent(text)));`,
	),
	withText("class that extends Worker", `${WORKER}new (class extends Worker {})(text, { eval: true });`),
	withText("Reflect.construct of Worker", `${WORKER}Reflect.construct(Worker, [text, { eval: true }]);`),
	{
		name: "Worker by a named import",
		signed: {
			"main.mjs": `import { Worker } from "worker_threads"; import { readFileSync } from "fs";
new Worker(readFileSync(process.argv[2] + "/evil.txt", "utf8"), { eval: true });`,
		},
	},
	withText(
		"options of a worker that read differently a second time",
		`${WORKER}for (let nth = 1; nth < 6; nth++) {
  let reads = 0;
  try { new Worker(text, { get eval() { return ++reads >= nth; } }).on("error", () => {}); } catch {}
}`,
	),
	withData(
		"file name of a worker that reads differently a second time",
		`${WORKER}for (let nth = 1; nth < 8; nth++) {
  let reads = 0;
  class Url extends URL { get href() { return "file://" + (++reads >= nth ? data + "/evil.js" : __dirname + "/idle.js"); } get pathname() { return this.href.slice(7); } }
  try { new Worker(new Url("file://" + data + "/evil.js")).on("error", () => {}); } catch {}
}`,
		{
			signed: {
				"main.js": `${DATA}${WORKER}for (let nth = 1; nth < 8; nth++) {
  let reads = 0;
  class Moving extends URL {
    get href() { return "file://" + (++reads >= nth ? data + "/evil.js" : __dirname + "/idle.js"); }
    get pathname() { return this.href.slice(7); }
  }
  try { new Worker(new Moving("file://" + data + "/evil.js")).on("error", () => {}); } catch {}
}`,
				...IDLE,
			},
		},
	),
	idles(
		"worker's execArgv with --require",
		`new Worker(__dirname + "/idle.js", { execArgv: ["--require", data + "/evil.js"] });`,
	),
	idles(
		"worker's execArgv with --import",
		`new Worker(__dirname + "/idle.js", { execArgv: ["--import", "file://" + data + "/evil.mjs"] });`,
	),
	{
		name: "worker without the program's own preloads",
		signed: {
			"main.js": `${DATA}${WORKER}new Worker(__dirname + "/loads.js", { execArgv: [], argv: [data] });`,
			"loads.js": `require(process.argv[2] + "/evil.js");`,
		},
	},
	idles(
		"worker's NODE_OPTIONS",
		`new Worker(__dirname + "/idle.js", { env: { NODE_OPTIONS: "--require " + data + "/evil.js" } });`,
	),
	idles(
		"NODE_OPTIONS of a worker by a copy of the environment",
		`process.env.NODE_OPTIONS = "--require " + data + "/evil.js"; new Worker(__dirname + "/idle.js", { env: { ...process.env } });`,
	),
	{
		name: "NODE_PATH of a worker",
		signed: {
			"main.js": `${DATA}${WORKER}new Worker(__dirname + "/loads.js", { env: { NODE_PATH: data } });`,
			"loads.js": `require("evil");`,
		},
	},
	{
		name: "worker of a worker",
		signed: {
			"main.js": `${DATA}${WORKER}new Worker(__dirname + "/inner.js", { argv: [data], execArgv: [] });`,
			"inner.js": `${TEXT}${WORKER}new Worker(text, { eval: true, execArgv: [] });`,
		},
	},
	{
		name: "launch record forged for a worker",
		signed: {
			"main.js": `${DATA}${WORKER}const fs = require("fs");
for (const name of ["/index", "/record"]) fs.writeFileSync(data + name, "version 1\\nmode off\\ndevelopment allow\\n");
process.env.SIGTOOL_LAUNCH = fs.openSync(data + "/index") + ":" + fs.openSync(data + "/record");
new Worker(__dirname + "/loads.js", { argv: [data], env: SHARE_ENV });`,
			"loads.js": `require(process.argv[2] + "/evil.js");`,
		},
	},
	{
		name: "trust of a worker changed where its parent keeps it",
		signed: {
			"main.js": `${DATA}const { Worker, getEnvironmentData } = require("worker_threads");
new Worker(__dirname + "/idle.js");
const trust = getEnvironmentData("sigtool:start");
if (trust) {
  trust.mode = "off";
  trust.configuration.mode = "off";
}
new Worker(data + "/evil.js");`,
			...IDLE,
		},
	},
	{
		name: "descriptors of the launch record closed and reopened before a worker",
		signed: {
			"main.js": `${DATA}${WORKER}const fs = require("fs");
fs.writeFileSync(data + "/record", "version 1\\nmode off\\ndevelopment allow\\n");
for (const fd of [3, 4, 5]) try { if (fs.readlinkSync("/proc/self/fd/" + fd).includes("memfd")) fs.closeSync(fd); } catch {}
for (const _ of [3, 4, 5]) fs.openSync(data + "/record");
process.env.SIGTOOL_LAUNCH = "3:4";
new Worker(__dirname + "/loads.js", { argv: [data] });`,
			"loads.js": `require(process.argv[2] + "/evil.js");`,
		},
	},
	withText(
		"web worker of the global scope",
		`new globalThis.Worker("data:text/javascript," + encodeURIComponent(text));`,
		{
			flags: ({ release }) => (release === 26 ? ["--experimental-web-worker"] : []),
			notOn: { 20: "not in this release", 22: "not in this release", 24: "not in this release" },
		},
	),
	{
		name: "worker of text by the constructor that a channel hands out",
		signed: {
			"main.js": `${TEXT}${WORKER}let isFirst = true;
require("diagnostics_channel").subscribe("worker_threads", ({ worker }) => {
  if (isFirst) {
    isFirst = false;
    new worker.constructor(text, { eval: true, execArgv: [], env: {} });
  }
});
new Worker(__dirname + "/idle.js");`,
			...IDLE,
		},
	},
];
