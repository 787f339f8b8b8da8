/** These techniques use the inspector, from inside the process and through its port. */

import { type Technique, withText } from "../technique.js";

/**
 * Sends one Runtime.evaluate in WebSocket frames that the function makes itself, because not every release has a
 * client.
 */
const CLIENT = `function evaluate(url) {
  const { request } = require("http");
  const { hostname, port, pathname } = new URL(url);
  const key = Buffer.alloc(16).toString("base64");
  const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": 13, "sec-websocket-key": key };
  request({ hostname, port, path: pathname, headers }).on("upgrade", (_, socket) => {
    const message = Buffer.from(JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression: text } }));
    socket.write(Buffer.concat([Buffer.from([0x81, 0xfe, message.length >> 8, message.length & 255, 0, 0, 0, 0]), message]));
    setTimeout(() => process.exit(), 300);
  }).end();
}\n`;

const session = (name: string, program: string, more: Partial<Technique> = {}) =>
	withText(
		name,
		`const inspector = require("inspector");
const session = new inspector.Session();
session.connect();
${program}`,
		more,
	);

export const inspector: readonly Technique[] = [
	session("Runtime.evaluate of a session", `session.post("Runtime.evaluate", { expression: text });`),
	session(
		"Runtime.compileScript and runScript of a session",
		`session.post("Runtime.enable");
session.post("Runtime.compileScript", { expression: text, sourceURL: "x", persistScript: true }, (_, { scriptId }) =>
  session.post("Runtime.runScript", { scriptId }));`,
	),
	session(
		"Runtime.callFunctionOn of a session",
		`session.post("Runtime.evaluate", { expression: "globalThis" }, (_, { result }) =>
  session.post("Runtime.callFunctionOn", { functionDeclaration: "function () {" + text + "}", objectId: result.objectId }));`,
	),
	session(
		"text of a signed function replaced by a session",
		`function victim() { return "REPLACED"; }
session.on("Debugger.scriptParsed", ({ params }) => {
  if (!params.url.endsWith("main.js")) return;
  session.post("Debugger.getScriptSource", { scriptId: params.scriptId }, (_, { scriptSource }) =>
    session.post("Debugger.setScriptSource", { scriptId: params.scriptId, scriptSource: scriptSource.replace('return "REPLACED"', text) }));
});
session.post("Debugger.enable");
setTimeout(victim, 100);`,
		{ notOn: { 26: "V8 no longer edits scripts" } },
	),
	session(
		"condition of a breakpoint",
		`function victim() { return 1; }
session.post("Debugger.enable");
session.post("Runtime.evaluate", { expression: "0" });
session.post("Debugger.setBreakpointByUrl", { lineNumber: 5, urlRegex: ".*main.js", condition: "(() => {" + text + "})()" });
setTimeout(victim, 50);`,
	),
	withText(
		"session of inspector/promises",
		`const { Session } = require("inspector/promises");
const session = new Session();
session.connect();
session.post("Runtime.evaluate", { expression: text });`,
	),
	withText("session by a named import", "", {
		signed: {
			"main.mjs": `import { Session } from "inspector"; import { readFileSync } from "fs";
const session = new Session();
session.connect();
session.post("Runtime.evaluate", { expression: readFileSync(process.argv[2] + "/evil.txt", "utf8") });`,
		},
	}),
	withText(
		"session by process.binding('inspector')",
		`const { Connection } = process.binding("inspector");
const connection = new Connection(() => {});
connection.dispatch(JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression: text } }));`,
	),
	withText(
		"port opened by inspector.open()",
		`${CLIENT}const inspector = require("inspector");
inspector.open(0, "127.0.0.1");
evaluate(inspector.url());`,
	),
	withText(
		"port opened by SIGUSR1",
		`${CLIENT}const inspector = require("inspector");
process.debugPort = 0;
process.kill(process.pid, "SIGUSR1");
const timer = setInterval(() => { if (inspector.url()) { clearInterval(timer); evaluate(inspector.url()); } }, 20);
setTimeout(() => process.exit(), 4000).unref();`,
	),
	withText(
		"port opened by process._debugProcess()",
		`${CLIENT}const inspector = require("inspector");
process.debugPort = 0;
process._debugProcess(process.pid);
const timer = setInterval(() => { if (inspector.url()) { clearInterval(timer); evaluate(inspector.url()); } }, 20);
setTimeout(() => process.exit(), 4000).unref();`,
	),
	withText("port opened by --inspect", `${CLIENT}evaluate(require("inspector").url());`, {
		flags: () => ["--inspect=127.0.0.1:0"],
	}),
	withText("port opened by --inspect in NODE_OPTIONS", `${CLIENT}evaluate(require("inspector").url());`, {
		environment: () => ({ NODE_OPTIONS: "--inspect=127.0.0.1:0" }),
	}),
	withText("main thread's session from a worker", "", {
		signed: {
			"main.js": `new (require("worker_threads").Worker)(__dirname + "/inner.js", { argv: [process.argv[2]], execArgv: [] });`,
			"inner.js": `const { Session } = require("inspector");
const session = new Session();
session.connectToMainThread();
session.post("Runtime.evaluate", { expression: require("fs").readFileSync(process.argv[2] + "/evil.txt", "utf8") });`,
		},
	}),
];
