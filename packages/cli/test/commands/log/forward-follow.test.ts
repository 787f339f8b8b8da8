import {
	appendFileSync,
	constants,
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
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bytesOf, writeLog } from "../../../../core/test/log/chained-log.js";
import { linesOf, startForwarder, startReceiver, until } from "./forwarder.js";
import { chained, events, place, traps } from "./logs.js";

describe("sigtool log forward, as it follows a log", () => {
	it("sends each line whole and once, through rotation, and goes on there after a new start", async () => {
		const { file } = place();
		const [log, state] = [file("audit.jsonl"), file("state.json")];
		mkdirSync(file("old"));
		const files = chained([...traps, ...events(50)], events(50, 100), events(50, 200), events(50, 300), events(5, 400));
		const [first = [], second = [], third = [], fourth = [], fifth = []] = files;
		const receiver = await startReceiver();
		const args = [log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`, "--state", state, "--rotated", file("old")];
		writeFileSync(log, bytesOf(first.slice(0, 20)));
		let forwarder = startForwarder(args);
		await receiver.arrived(20);
		appendFileSync(log, bytesOf(first.slice(20, 30)).subarray(0, -5));
		await receiver.arrived(29);
		appendFileSync(log, bytesOf(first.slice(20, 30)).subarray(-5));
		await receiver.arrived(30);
		// It is rotated while it runs, and a last line still comes to the old file.
		renameSync(log, file("old/audit.jsonl.1"));
		writeFileSync(log, "");
		appendFileSync(file("old/audit.jsonl.1"), bytesOf(first.slice(30)));
		await receiver.arrived(first.length);
		appendFileSync(log, bytesOf(second.slice(0, 10)));
		await receiver.arrived(first.length + 10);
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
		await receiver.arrived(files.flat().length);
		expect(await forwarder.end()).toBe(0);
		expect(linesOf(receiver.messages)).toEqual(files.flat());
		expect(forwarder.output().stderr).toBe("");
		expect(receiver.messages[1]).toMatch(
			/^<85>1 2026-11-29T10:00:00.001Z \S+ sigtool 7 module.open_code \[sigtool@32473 event="module.open_code" verdict="allow" seq="2"\] \{/,
		);
	});

	it("says how many lines were gone before it could send them", async () => {
		const { file } = place();
		const [log, state] = [file("audit.jsonl"), file("state.json")];
		const [first = [], , third = []] = chained(events(10), events(20, 100), events(5, 200));
		const receiver = await startReceiver();
		const args = [log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`, "--state", state, "--json"];
		writeFileSync(log, bytesOf(first));
		let forwarder = startForwarder(args);
		await receiver.arrived(first.length);
		await forwarder.end();
		writeFileSync(log, bytesOf(third));
		forwarder = startForwarder(args);
		await receiver.arrived(first.length + 1 + third.length);
		expect(await forwarder.end()).toBe(0);
		const lines = linesOf(receiver.messages);
		expect(JSON.parse(lines[first.length] ?? "")).toMatchObject({ event: "log.missed", path: log, count: 21 });
		expect(receiver.messages[first.length]).toMatch(/^<84>1 /);
		expect(lines.slice(first.length + 1)).toEqual(third);
		expect(JSON.parse(forwarder.output().stdout)).toMatchObject({ forwarded: [{ sent: 7, missed: 21, failures: 0 }] });
	});

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
			await receiver.arrived(sent);
			await forwarder.end();
		}
		expect(linesOf(receiver.messages)).toEqual(files.flat());
	});

	it("goes on after copytruncate, and finds the lines before it in the copy", async () => {
		const { file } = place();
		const log = file("audit.jsonl");
		const [first = [], second = []] = chained(events(10), events(5, 100));
		const receiver = await startReceiver();
		writeFileSync(log, bytesOf(first.slice(0, 5)));
		const forwarder = startForwarder([log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`]);
		await receiver.arrived(5);
		appendFileSync(`${log}.1`, bytesOf(first));
		truncateSync(log);
		await receiver.arrived(first.length);
		writeFileSync(log, bytesOf(second));
		await receiver.arrived(first.length + second.length);
		await forwarder.end();
		expect(linesOf(receiver.messages)).toEqual([...first, ...second]);
	});

	it("only reads the log, and holds no lock on it, so that nobody who writes it can wait for a receiver", async () => {
		const { file } = place();
		const log = file("audit.jsonl");
		const [lines = []] = chained(events(20_000));
		writeFileSync(log, bytesOf(lines));
		const receiver = await startReceiver();
		const to = [receiver.port, 1].flatMap((port) => ["--to", `syslog+tcp://127.0.0.1:${port}`]);
		const forwarder = startForwarder([log, ...to]);
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
	});
});
