/**
 * Tries a complete attack by a deputy: another Node.js process of the same user, which opens its inspector when it gets
 * SIGUSR1.
 */

import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { type ChildProcess, spawn } from "../../../../../test/outside.js";
import { AS_USER, MODES, type Mode, missing, SandboxHost, titleOf } from "./host.js";

/**
 * Sends SIGUSR1 by the addon, then asks the inspector to evaluate an expression that starts a program. The arguments
 * are the inspector's port, and the file that the program makes. Prints the result of the signal, and then the answer
 * of the inspector.
 */
const ATTACK = `
const { runProbe } = require("./probes.node");
const { get } = require("node:http"), net = require("node:net");
const [port, file] = process.argv.slice(2);
const signal = runProbe("signal-usr1");
console.log("signal", signal);
const later = () => new Promise((resolve) => setTimeout(resolve, 100));
const targets = () => new Promise((resolve) => {
	get({ port, path: "/json/list" }, async (response) => resolve(JSON.parse(Buffer.concat(await response.toArray()))))
		.on("error", () => resolve(undefined));
});
/** Makes a WebSocket frame. Its mask is zero, so the text is not changed. */
function frame(text) {
	const head = Buffer.alloc(8);
	head.writeUInt16BE(0x81fe);
	head.writeUInt16BE(text.length, 2);
	return Buffer.concat([head, Buffer.from(text)]);
}
(async () => {
	let list;
	const most = signal === 0 ? 600 : 20;
	for (let tries = 0; list === undefined && tries < most; tries++, await later()) list = await targets();
	if (list === undefined) return console.log("inspector closed");
	const { pathname } = new URL(list[0].webSocketDebuggerUrl);
	const socket = net.connect({ port, host: "127.0.0.1" });
	socket.write("GET " + pathname + " HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n" +
		"Sec-WebSocket-Key: " + Buffer.alloc(16).toString("base64") + "\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n");
	await new Promise((resolve) => socket.once("data", resolve));
	const expression = "process.getBuiltinModule('node:child_process').execFileSync('touch', [" + JSON.stringify(file) + "])";
	socket.write(frame(JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression } })));
	await new Promise((resolve) => socket.once("data", resolve));
	socket.destroy();
	console.log("inspector obeyed");
})();
`;

describe.skipIf(missing !== undefined)(titleOf("another Node.js as deputy", missing), () => {
	let host: SandboxHost;
	let deputy: ChildProcess;
	beforeAll(() => {
		host = new SandboxHost({ "attack.js": ATTACK });
	});

	/** Starts the deputy, whose inspector would listen at `port`, and attacks it. */
	async function attack(mode: Mode, port: number) {
		const code = "setInterval(() => {}, 1000); console.log('ready')";
		const command = [...AS_USER, process.execPath, `--inspect-port=${port}`, "-e", code];
		deputy = spawn("env", command, { stdio: ["ignore", "pipe", "ignore"] });
		try {
			await once(deputy.stdout as NonNullable<typeof deputy.stdout>, "data");
			const env = { PROBE_PID: String(deputy.pid) };
			const file = host.at("own/made-by-deputy");
			const run = host.attempt("Node.js", "user", mode, [String(port), file], { env, script: "attack.js" });
			const isMade = existsSync(file);
			rmSync(file, { force: true });
			return { ...run, isMade };
		} finally {
			deputy.kill("SIGKILL");
		}
	}

	it("starts a program for an unguarded one, and gets no signal from a launched one", async () => {
		await host.startOutside();
		const port = Number(host.environment.PROBE_FREE);
		const outcomes = [];
		for (const mode of MODES) outcomes.push(await attack(mode, port));
		expect(outcomes.map(({ stdout, isMade }) => [stdout, isMade])).toEqual([
			["signal 0\ninspector obeyed\n", true],
			["signal 1\ninspector closed\n", false],
			["signal 1\ninspector closed\n", false],
		]);
	});
});
