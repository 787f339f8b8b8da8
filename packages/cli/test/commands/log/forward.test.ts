import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import {
	appendFileSync,
	chmodSync,
	constants,
	copyFileSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	renameSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { bytesOf, type Step, writeLog } from "../../../../core/test/log/chained-log.js";
import { isSingleFile, MAIN } from "../../support.js";
import { linesOf, makeTlsFiles, startForwarder, startReceiver, until } from "./forwarder.js";
import { events, place } from "./logs.js";

const TRAPS = ['/a\n<0>Jan 1 "x" \\ ] {', `/${"long".repeat(1024)}`, "/ä€\u{1f600}\ud800", "/%msg%\u0000\u001b[2J"];
const traps: Step[] = TRAPS.map((path) => ({ kind: "event", path }));

/** Makes a log of several files, and returns their lines. */
function chained(...files: (readonly Step[])[]): string[][] {
	return writeLog(files.flatMap((steps, index) => (index === 0 ? steps : [{ kind: "rotate" as const }, ...steps])));
}

describe("sigtool log forward", () => {
	it("sends each line whole and once, through rotation, and goes on there after a new start", async () => {
		const { file } = place();
		const [log, state] = [file("audit.jsonl"), file("state.json")];
		mkdirSync(file("old"));
		const files = chained([...traps, ...events(50)], events(50, 100), events(50, 200), events(50, 300), events(5, 400));
		const [first = [], second = [], third = [], fourth = [], fifth = []] = files;
		const receiver = await startReceiver();
		const args = [log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`, "--state", state, "--rotated", file("old")];
		const arrived = (number: number) =>
			until(
				() => receiver.messages.length >= number,
				() => `${receiver.messages.length} of ${number}: ${forwarder.output().stderr}`,
			);
		writeFileSync(log, bytesOf(first.slice(0, 20)));
		let forwarder = startForwarder(args);
		await arrived(20);
		appendFileSync(log, bytesOf(first.slice(20, 30)).subarray(0, -5));
		await arrived(29);
		appendFileSync(log, bytesOf(first.slice(20, 30)).subarray(-5));
		await arrived(30);
		// It is rotated while it runs, and a last line still comes to the old file.
		renameSync(log, file("old/audit.jsonl.1"));
		writeFileSync(log, "");
		appendFileSync(file("old/audit.jsonl.1"), bytesOf(first.slice(30)));
		await arrived(first.length);
		appendFileSync(log, bytesOf(second.slice(0, 10)));
		await arrived(first.length + 10);
		expect(await forwarder.end()).toBe(0);
		expect(forwarder.output().stdout).toContain(`sent ${first.length + 10} lines of `);
		expect(statSync(state).mode & 0o777).toBe(0o600);

		// It is rotated three times while it is stopped, and compressed.
		appendFileSync(log, bytesOf(second.slice(10)));
		for (const [name, lines] of [
			["3", second],
			["2", third],
		] as const)
			writeFileSync(file(`old/audit.jsonl.${name}.gz`), gzipSync(bytesOf(lines)));
		rmSync(log);
		writeFileSync(file("old/audit.jsonl.1"), bytesOf(fourth));
		writeFileSync(log, bytesOf(fifth));
		forwarder = startForwarder(args);
		await arrived(files.flat().length);
		expect(await forwarder.end()).toBe(0);
		expect(linesOf(receiver.messages)).toEqual(files.flat());
		expect(forwarder.output().stderr).toBe("");
		expect(receiver.messages[1]).toMatch(
			/^<85>1 2026-11-29T10:00:00.001Z \S+ sigtool 7 module.open_code \[sigtool@32473 event="module.open_code" verdict="allow" seq="2"\] \{/,
		);
	}, 60_000);

	it("says how many lines were gone before it could send them", async () => {
		const { file } = place();
		const [log, state] = [file("audit.jsonl"), file("state.json")];
		const [first = [], , third = []] = chained(events(10), events(20, 100), events(5, 200));
		const receiver = await startReceiver();
		const args = [log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`, "--state", state, "--json"];
		const arrived = (number: number) =>
			until(
				() => receiver.messages.length >= number,
				() => receiver.messages.join("\n"),
			);
		writeFileSync(log, bytesOf(first));
		let forwarder = startForwarder(args);
		await arrived(first.length);
		await forwarder.end();
		writeFileSync(log, bytesOf(third));
		forwarder = startForwarder(args);
		await arrived(first.length + 1 + third.length);
		expect(await forwarder.end()).toBe(0);
		const lines = linesOf(receiver.messages);
		expect(JSON.parse(lines[first.length] ?? "")).toMatchObject({ event: "log.missed", path: log, count: 21 });
		expect(receiver.messages[first.length]).toMatch(/^<84>1 /);
		expect(lines.slice(first.length + 1)).toEqual(third);
		expect(JSON.parse(forwarder.output().stdout)).toMatchObject({ forwarded: [{ sent: 7, missed: 21, failures: 0 }] });
	}, 60_000);

	it("says of no line that it is missing where lines do not name the one before", async () => {
		const { file } = place();
		const [log, state] = [file("audit.jsonl"), file("state.json")];
		const foreign = '{"time":"2026-11-29T10:00:00.004Z","event":"fs.open","verdict":"allow"}';
		const files = writeLog([
			...([...events(3), { kind: "foreign", text: foreign }, { kind: "rotate" }] as const),
			...([...events(3, 10), { kind: "replace" }, ...events(3, 20)] as const),
		]);
		const receiver = await startReceiver();
		const args = [log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`, "--state", state];
		let sent = 0;
		for (const [index, lines] of files.entries()) {
			writeFileSync(`${log}.new`, bytesOf(lines));
			if (index > 0) renameSync(log, `${log}.${files.length - index}`);
			renameSync(`${log}.new`, log);
			const forwarder = startForwarder(args);
			sent += lines.length;
			await until(
				() => receiver.messages.length >= sent,
				() => receiver.messages.join("\n"),
			);
			await forwarder.end();
		}
		expect(linesOf(receiver.messages)).toEqual(files.flat());
	}, 60_000);

	it("goes on after copytruncate, and finds the lines before it in the copy", async () => {
		const { file } = place();
		const log = file("audit.jsonl");
		const [first = [], second = []] = chained(events(10), events(5, 100));
		const receiver = await startReceiver();
		const arrived = (number: number) =>
			until(
				() => receiver.messages.length >= number,
				() => receiver.messages.join("\n"),
			);
		writeFileSync(log, bytesOf(first.slice(0, 5)));
		const forwarder = startForwarder([log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`]);
		await arrived(5);
		appendFileSync(`${log}.1`, bytesOf(first));
		truncateSync(log);
		await arrived(first.length);
		writeFileSync(log, bytesOf(second));
		await arrived(first.length + second.length);
		await forwarder.end();
		expect(linesOf(receiver.messages)).toEqual([...first, ...second]);
	}, 60_000);

	it("waits for a receiver that is away, that breaks off or does not read, and leaves nothing out", async () => {
		const { file } = place();
		const [log, state] = [file("audit.jsonl"), file("state.json")];
		const [lines = []] = chained([...events(40_000)]);
		let receiver = await startReceiver();
		const { port } = receiver;
		await receiver.close();
		writeFileSync(log, bytesOf(lines.slice(0, 10)));
		const args = [log, "--to", `syslog+tcp://127.0.0.1:${port}`, "--state", state];
		let forwarder = startForwarder(args);
		await until(
			() => forwarder.output().stderr.includes("trying again"),
			() => forwarder.output().stderr,
		);
		expect(forwarder.output().stderr).toMatch(
			/^warning: Cannot send to "syslog\+tcp:.*ECONNREFUSED.*; trying again\n$/,
		);
		receiver = await startReceiver({ port });
		const all = [receiver];
		const arrived = () => new Set(all.flatMap(({ messages }) => linesOf(messages)));
		await until(
			() => arrived().size === 10,
			() => `${arrived().size}`,
		);
		await until(
			() => / sends to .* again\n|^sends to .* again$/m.test(forwarder.output().stderr),
			() => forwarder.output().stderr,
		);
		// The receiver dies with what it has just been sent, and another one takes its place.
		appendFileSync(log, bytesOf(lines.slice(10, 20)));
		await until(
			() => arrived().size === 20,
			() => `${arrived().size}`,
		);
		await receiver.close();
		receiver = await startReceiver({ port });
		all.push(receiver);
		await until(
			() => lines.slice(10, 20).every((line) => linesOf(receiver.messages).includes(line)),
			() => `${receiver.messages.length}`,
		);
		// It stops reading. The forwarder waits, and ends in order all the same.
		for (const socket of receiver.sockets) socket.pause();
		appendFileSync(log, bytesOf(lines.slice(20)));
		await new Promise((resolve) => setTimeout(resolve, 1500));
		const memory = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${forwarder.child.pid}/status`, "utf8"))?.[1]);
		expect(memory).toBeLessThan(150_000);
		const startMs = Date.now();
		expect(await forwarder.end()).toBe(0);
		expect(Date.now() - startMs).toBeLessThan(8000);
		await receiver.close();
		receiver = await startReceiver({ port });
		all.push(receiver);
		forwarder = startForwarder(args);
		await until(
			() => arrived().size === lines.length,
			() => `${arrived().size}`,
		);
		await forwarder.end();
		expect([...arrived()].sort()).toEqual([...lines].sort());
	}, 90_000);

	it("sends lines at most twice to a receiver that closes idle connections", async () => {
		const { file } = place();
		const log = file("audit.jsonl");
		const [lines = []] = chained(events(9));
		writeFileSync(log, bytesOf(lines));
		const receiver = await startReceiver({ idleMs: 200 });
		const forwarder = startForwarder([log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`]);
		await until(
			() => receiver.messages.length === 20,
			() => forwarder.output().stderr,
		);
		await new Promise((resolve) => setTimeout(resolve, 3000));
		expect(linesOf(receiver.messages)).toEqual([...lines, ...lines]);
		expect(forwarder.output().stderr).toMatch(
			/^warning: .*has closed the connection .*; trying again\nsends to .* again\n$/,
		);
		await forwarder.end();
	}, 60_000);

	it("only reads the log, and holds no lock on it, so that nobody who writes it can wait for a receiver", async () => {
		const { file } = place();
		const log = file("audit.jsonl");
		const [lines = []] = chained(events(20_000));
		writeFileSync(log, bytesOf(lines));
		const receiver = await startReceiver();
		const forwarder = startForwarder([
			log,
			"--to",
			`syslog+tcp://127.0.0.1:${receiver.port}`,
			"--to",
			"syslog+tcp://127.0.0.1:1",
		]);
		await until(
			() => receiver.sockets.size > 0,
			() => forwarder.output().stderr,
		);
		for (const socket of receiver.sockets) socket.pause();
		const folder = `/proc/${forwarder.child.pid}`;
		const opened = readdirSync(`${folder}/fd`).filter((number) => readlinkSync(`${folder}/fd/${number}`) === log);
		expect(opened.length).toBeGreaterThan(0);
		for (const number of opened) {
			const [, flags = ""] = /^flags:\s*(\d+)$/m.exec(readFileSync(`${folder}/fdinfo/${number}`, "utf8")) ?? [];
			expect(Number.parseInt(flags, 8) & (constants.O_WRONLY | constants.O_RDWR)).toBe(0);
		}
		expect(readFileSync("/proc/locks", "utf8")).not.toContain(`:${statSync(log).ino} `);
	}, 60_000);

	it("sends each log to each receiver, and no receiver waits for another", async () => {
		const { file } = place();
		const [one, two] = [file("one.jsonl"), file("two.jsonl")];
		const [lines = []] = chained(events(9));
		writeFileSync(one, bytesOf(lines.slice(0, 5)));
		writeFileSync(two, `no event\n${bytesOf(lines.slice(5))}`);
		const receiver = await startReceiver();
		const urls = [`syslog+tcp://127.0.0.1:${receiver.port}`, "syslog+tcp://127.0.0.1:1"];
		const forwarder = startForwarder([
			one,
			two,
			...urls.flatMap((url) => ["--to", url]),
			"--facility",
			"local3",
			"--json",
		]);
		await until(
			() => receiver.messages.length === 11,
			() => receiver.messages.join("\n"),
		);
		expect(await forwarder.end()).toBe(0);
		expect(receiver.messages.filter((message) => message.startsWith("<157>1 "))).toHaveLength(10);
		expect(receiver.messages.filter((message) => /^<156>1 \S+ \S+ sigtool - - - no event$/.test(message))).toHaveLength(
			1,
		);
		const { forwarded } = JSON.parse(forwarder.output().stdout);
		expect(forwarded.map(({ sent }: { sent: number }) => sent)).toEqual([5, 0, 6, 0]);
	}, 60_000);

	it("sends one datagram a line over UDP, and cuts a line that has no room", async () => {
		const { file } = place();
		const log = file("audit.jsonl");
		const long: Step = { kind: "event", path: `/${"x".repeat(70_000)}` };
		const [lines = []] = chained([...traps, long, ...events(1)]);
		writeFileSync(log, bytesOf(lines));
		const socket = createSocket("udp4");
		onTestFinished(() => void socket.close());
		const messages: string[] = [];
		socket.on("message", (message) => messages.push(message.toString()));
		await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
		const forwarder = startForwarder([log, "--to", `syslog+udp://127.0.0.1:${socket.address().port}`]);
		await until(
			() => messages.length === lines.length,
			() => `${messages.length}`,
		);
		expect(await forwarder.end()).toBe(0);
		const cut = linesOf(messages).findIndex((line, index) => line !== lines[index]);
		expect(cut).toBe(5);
		expect(messages[cut]).toHaveLength(65_487);
		expect(messages[cut]).toContain(` sizeBytes="${lines[cut]?.length}"]`);
		expect(lines[cut]?.startsWith(linesOf(messages)[cut] ?? "no")).toBe(true);
		expect(linesOf(messages)[6]).toBe(lines[6]);
	}, 60_000);

	it("speaks TLS only with the receiver that it was told, and shows its own certificate", async () => {
		const { directory, file } = place();
		const { at } = makeTlsFiles(directory);
		const log = file("audit.jsonl");
		const [lines = []] = chained(events(3));
		writeFileSync(log, bytesOf(lines));
		const read = (name: string) => readFileSync(at(name));
		const serve = (name: string) =>
			startReceiver({
				tls: { ca: read("ca.pem"), cert: read(`${name}.pem`), key: read(`${name}.key`), requestCert: true },
			});
		const trusted = ["--tls-ca", at("ca.pem"), "--tls-cert", at("client.pem"), "--tls-key", at("client.key")];
		const attempt = async (name: string, args: readonly string[], says: RegExp) => {
			const receiver = await serve(name);
			const forwarder = startForwarder([log, "--to", `syslog+tls://localhost:${receiver.port}`, ...args], {
				NODE_TLS_REJECT_UNAUTHORIZED: "0",
			});
			await until(
				() => says.test(forwarder.output().stderr) || receiver.messages.length === lines.length,
				() => forwarder.output().stderr,
			);
			expect(await forwarder.end()).toBe(0);
			return receiver.messages;
		};
		expect(await attempt("other", trusted, /altnames.*trying again/)).toEqual([]);
		expect(await attempt("server", [], /certificate.*trying again/)).toEqual([]);
		expect(linesOf(await attempt("server", trusted, /trying again/))).toEqual(lines);
	}, 60_000);

	it("refuses what it cannot follow, send to or go on from", () => {
		const { file, sigtool } = place();
		const log = file("audit.jsonl");
		writeFileSync(log, "");
		writeFileSync(file("bad.json"), '{"version":1,"positions":[{}]}');
		copyFileSync(file("bad.json"), file("key.pem"));
		const to = ["--to", "syslog+tls://localhost:6514"];
		for (const [args, says] of [
			[[log], /required option '--to <url>'|--to/],
			[[file("missing"), ...to], /no such file; .* \[ERR_ROOT_MISSING\]/],
			[["-", ...to], /Cannot follow/],
			[[log, "--to", "otlp+https://u:p@localhost"], /give a URL without credentials/],
			[[log, "--to", "journald:socket"], /Cannot send to "journald:socket": give --to syslog/],
			[[log, "--to", "http://localhost"], /Cannot send to "http:\/\/localhost": give --to syslog/],
			[[log, "--to", "syslog+tcp://u:p@localhost:5"], /give host and port alone/],
			[[log, "--to", "syslog+tcp://localhost:5/x"], /give host and port alone/],
			[[log, "--to", "syslog+tcp://localhost"], /give host and port alone/],
			[[log, ...to, "--facility", "kern"], /--facility takes/],
			[[log, ...to, "--state", file("bad.json")], /it is not a state of `log forward`.*\[ERR_CONFIG\]/],
			[[log, ...to, "--tls-cert", file("bad.json")], /Give --tls-cert and --tls-key together/],
			[[log, ...to, "--tls-cert", file("bad.json"), "--tls-key", file("key.pem")], /Cannot speak TLS with/],
			[[log, ...to, "--tls-ca", log], /it has no certificate in PEM \[ERR_USAGE\]/],
			[[log, "--to", "syslog+tcp://localhost:5", "--tls-ca", log], /Use --tls-ca and --tls-cert with a receiver/],
		] as const) {
			const { status, stderr } = sigtool(["log", "forward", ...args]);
			expect([args, status, stderr]).toEqual([args, 2, expect.stringMatching(says)]);
		}
		const args = ["log", "forward", log, ...to, "--state", file("missing/state.json")];
		expect(sigtool(args)).toMatchObject({ status: 3, stderr: expect.stringContaining("Cannot write ") });
	});

	it.skipIf(isSingleFile)("says how to install the exporter of OpenTelemetry, and takes no other code for it", () => {
		const { file } = place();
		writeFileSync(file("audit.jsonl"), "");
		mkdirSync(file("bin"));
		const dist = dirname(MAIN);
		for (const name of readdirSync(dist).filter((name) => name.endsWith(".cjs")))
			copyFileSync(join(dist, name), join(file("bin"), name));
		const says = () => {
			const args = [
				join(file("bin"), "main.cjs"),
				"log",
				"forward",
				file("audit.jsonl"),
				"--to",
				"otlp+http://localhost:9",
			];
			const env = { ...process.env, NO_COLOR: "1", NODE_PATH: file("other") };
			const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
			return [status, stderr];
		};
		const install = (folder: string, version: string) => {
			const directory = join(file(folder), "@opentelemetry/exporter-logs-otlp-http");
			mkdirSync(directory, { recursive: true });
			writeFileSync(join(directory, "package.json"), JSON.stringify({ version, main: "evil.js" }));
			writeFileSync(join(directory, "evil.js"), "console.error('evil');");
			return directory;
		};
		const way = "run `npm install @opentelemetry/exporter-logs-otlp-http@0.223` where sigtool is installed";
		const missing = [2, expect.stringContaining(`http is not installed; ${way} [ERR_UNSUPPORTED_PLATFORM]`)];
		expect(says()).toEqual(missing);
		install("other", "0.223.1");
		expect(says()).toEqual(missing);
		chmodSync(install("node_modules", "0.223.1"), 0o777);
		expect(says()).toEqual(missing);
		chmodSync(install("node_modules", "0.301.0"), 0o755);
		expect(says()).toEqual([2, expect.stringContaining(`http has version 0.301.0; ${way}`)]);
	});
});
