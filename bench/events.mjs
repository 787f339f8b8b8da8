/**
 * Measures how events reach the file: by the collector of sigtool-launch, also while `log forward` sends the file to a
 * receiver that does not read, and by the program itself.
 */

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const beside = (path) => fileURLToPath(new URL(path, import.meta.url));
const NATIVE = "../packages/verifier/native";
const SOURCES = ["event-channel", "event-line", "utf8"].map((name) => beside(`${NATIVE}/shared/${name}.c`));

/**
 * Installs launchers that start the program of send-events.c in the place of Node.js.
 *
 * @param {string} scratch
 * @returns a function that runs it, with a collector or without
 */
export function eventSenders(scratch) {
	const home = join(realpathSync(scratch), "events");
	mkdirSync(home, { recursive: true, mode: 0o755 });
	const program = join(home, "send-events");
	const sources = [beside("send-events.c"), ...SOURCES, beside(`${NATIVE}/trust/event-file.c`)];
	const { status, stderr } = spawnSync("cc", ["-O2", "-o", program, ...sources], { encoding: "utf8" });
	if (status !== 0) throw new Error(stderr);
	const launchers = { true: install(home, program, true), false: install(home, program, false) };
	return (options) => send({ ...options, ...launchers[options.collects] });
}

function install(home, program, collects) {
	const directory = join(home, collects ? "collector" : "file");
	mkdirSync(join(directory, "log"), { recursive: true });
	const at = (name) => join(directory, name);
	copyFileSync(beside("../packages/verifier/dist/native/sigtool-launch"), at("sigtool-launch"));
	for (const name of ["register.cjs", "app.sigx", "script"]) writeFileSync(at(name), "");
	const pinned = (file) => `${file} ${createHash("sha256").update(readFileSync(file)).digest("hex")}`;
	const lines = [
		"version 1",
		"development allow",
		`node ${pinned(program)}`,
		"node-major 24",
		`bundle ${pinned(at("register.cjs"))}`,
		`index ${at("app.sigx")}`,
		`config ${at("verifier.json")}`,
		`audit ${at("log/audit.jsonl")}`,
		...(collects ? ["collector use"] : []),
	];
	writeFileSync(at("launcher.conf"), `${lines.join("\n")}\n`, { mode: 0o644 });
	return { launcher: at("sigtool-launch"), script: at("script"), file: at("log/audit.jsonl") };
}

/** Returns what the program prints, and the memory of the collector and the size of the file at its end. */
async function send({ launcher, script, file, what, count, stops = false, forwards = false }) {
	writeFileSync(file, "", { mode: 0o600 });
	const stopForwarding = forwards ? await forwardTo(file) : () => {};
	const child = spawn(launcher, ["--allow-development", "--mode", "enforce", script, what, file, String(count)]);
	let text = "";
	const ready = new Promise((done) => {
		child.stdout.on("data", (bytes) => {
			text += bytes;
			done();
		});
	});
	const ended = new Promise((done) => child.on("close", done));
	await Promise.race([ready, ended]);
	const pid = what === "append" ? undefined : collectorOf(child.pid);
	if (stops) process.kill(pid, "SIGSTOP");
	const rss = () => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
	let mib = pid === undefined ? 0 : rss();
	const timer = setInterval(() => {
		try {
			mib = Math.max(mib, rss());
		} catch {
			// It has ended.
		}
	}, 50);
	child.stdin.end("go\n");
	await new Promise((done) => child.stdout.on("end", done));
	clearInterval(timer);
	if (stops) process.kill(pid, "SIGCONT");
	await ended;
	await stopForwarding();
	const value = Number(text.split("\n")[1]);
	if (Number.isNaN(value)) throw new Error(`${what}: ${text}`);
	return { value, mib, bytes: statSync(file).size };
}

/** Starts `log forward` with a receiver that reads nothing. Returns what ends both, when the connection is full. */
async function forwardTo(file) {
	const sockets = [];
	const server = createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket.on("error", () => {})));
	const connected = new Promise((done) => server.once("connection", done));
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	// This is more than the system keeps for a receiver.
	appendFileSync(file, `${"no event ".repeat(1000)}\n`.repeat(2000));
	const url = `syslog+tcp://127.0.0.1:${server.address().port}`;
	const forwarder = spawn(process.execPath, [
		beside("../packages/cli/dist/main.cjs"),
		"log",
		"forward",
		file,
		"--to",
		url,
	]);
	await connected;
	await new Promise((done) => setTimeout(done, 1000));
	return async () => {
		forwarder.kill("SIGKILL");
		for (const socket of sockets) socket.destroy();
		await new Promise((done) => server.close(done));
	};
}

function collectorOf(pid) {
	return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
}

/** Prints the measurements of all rounds as JSON, if this is the program. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const [, , scratch, rounds, lines] = process.argv;
	const sent = eventSenders(scratch);
	const found = { refused: [], forwarded: [], appended: [], stopped: [], streamed: [], queued: [], memory: [] };
	const take = async (name, options) => {
		const { value, mib } = await sent(options);
		found[name].push(value);
		return mib;
	};
	for (let round = 0; round < Number(rounds); round++) {
		await take("appended", { what: "append", count: 2000, collects: false });
		await take("refused", { what: "refuse", count: 2000, collects: true });
		await take("forwarded", { what: "refuse", count: 2000, collects: true, forwards: true });
		await take("stopped", { what: "allow", count: 2000, collects: true, stops: true });
	}
	for (let round = 0; round < 3; round++) {
		await take("queued", { what: "queue", count: Number(lines), collects: true });
		found.memory.push(await take("streamed", { what: "stream", count: Number(lines), collects: true }));
	}
	process.stdout.write(JSON.stringify(found));
}
