/** Attacks `log forward` by what stands in a log and beside it. */

import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { bytesOf, digestOf } from "../../../../core/test/log/chained-log.js";
import { startForwarder, startReceiver, until } from "./forwarder.js";
import { eventLine, place } from "./logs.js";

/** Returns a line as the collector writes it of what a program has sent. */
function sentLine(chain: string, members: object): string {
	return eventLine("module.load", members).replace(/\}\n$/, `,"chain":"${chain}"}`);
}

describe("sigtool log forward, attacked by a log", () => {
	it("finds the lines in a compressed copy, whatever time the last one says", async () => {
		for (const time of ["2999-01-01T00:00:00.000Z", "soon", new Date(Date.now() + 5000).toISOString()]) {
			const { file } = place();
			const log = file("audit.jsonl");
			const receiver = await startReceiver();
			const args = [log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`, "--state", file("state.json")];
			const first = sentLine("0".repeat(64), { time });
			const second = sentLine(digestOf(first), { verdict: "refuse" });
			const third = sentLine(digestOf(second), {});
			writeFileSync(log, bytesOf([first]));
			const forwarder = startForwarder(args);
			await receiver.arrived(1);
			await forwarder.end();
			writeFileSync(`${log}.1.gz`, gzipSync(bytesOf([first, second])));
			renameSync(log, file("gone"));
			writeFileSync(log, bytesOf([third]));
			const again = startForwarder(args);
			await receiver.arrived(3);
			expect(await again.end()).toBe(0);
			expect(receiver.messages.map((message) => message.slice(message.indexOf("{")))).toEqual([first, second, third]);
		}
	});

	it("goes on after a line with a number or a time that no state can hold", async () => {
		const { file } = place();
		const log = file("audit.jsonl");
		const receiver = await startReceiver();
		const args = [log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`, "--state", file("state.json")];
		for (const line of [
			'{"event":"a","verdict":"allow","seq":1e999}\n',
			eventLine("a", { time: "9".repeat(2 ** 20 - 200) }),
		]) {
			const before = receiver.messages.length;
			appendFileSync(log, line);
			const forwarder = startForwarder(args);
			await receiver.arrived(before + 1);
			expect([await forwarder.end(), forwarder.output().stderr]).toEqual([0, ""]);
			expect(readFileSync(file("state.json")).length).toBeLessThan(1000);
		}
		expect(receiver.messages).toHaveLength(2);
	});

	it("gives each message a time that receivers can read, so that its host stays the right one", async () => {
		const { file } = place();
		const log = file("audit.jsonl");
		const receiver = await startReceiver();
		const [right, ...wrong] = [
			"2026-02-28T23:59:59.123456Z",
			...["2026-99-99T99:99:99Z", "2026-02-30T10:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T10:00:60Z"],
		];
		writeFileSync(log, [right, ...wrong].map((time) => eventLine("a", { time })).join(""));
		const forwarder = startForwarder([log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`]);
		await receiver.arrived(1 + wrong.length);
		await forwarder.end();
		const times = receiver.messages.map((message) => message.split(" ")[1] ?? "");
		expect(times[0]).toBe(right);
		for (const [index, time] of times.slice(1).entries()) {
			expect(time).not.toBe(wrong[index]);
			expect(new Date(time).toISOString()).toBe(time);
		}
	});

	it.each(["FIFO", "directory"])("waits while a %s has the name of the log, and ends in order", async (kind) => {
		const { file, sigtool } = place();
		const log = file("audit.jsonl");
		const make = () => execFileSync(kind === "FIFO" ? "mkfifo" : "mkdir", [log]);
		const receiver = await startReceiver();
		const to = ["--to", `syslog+tcp://127.0.0.1:${receiver.port}`];
		make();
		expect(sigtool(["log", "forward", log, ...to])).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(/not a regular file|is a directory/),
		});
		rmSync(log, { recursive: true });
		writeFileSync(log, eventLine("a"));
		const forwarder = startForwarder([log, ...to]);
		const said = () => forwarder.output().stderr;
		await receiver.arrived(1);
		rmSync(log);
		make();
		await until(() => said().includes("it is not a regular file [ERR_IO]; trying again"), said);
		rmSync(log, { recursive: true });
		writeFileSync(log, eventLine("b"));
		await receiver.arrived(2);
		expect(await forwarder.end()).toBe(0);
	});

	it("reads no more of a compressed file than its first line can have", async () => {
		const { file } = place();
		const log = file("audit.jsonl");
		const receiver = await startReceiver();
		const args = [log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`, "--state", file("state.json")];
		writeFileSync(log, eventLine("a"));
		let forwarder = startForwarder(args);
		const arrived = (number: number) =>
			until(
				() => receiver.messages.length >= number,
				() => forwarder.output().stderr,
				30_000,
			);
		await arrived(1);
		await forwarder.end();
		// 64 GiB, which take longer to decompress than this test waits.
		writeFileSync(`${log}.1.gz`, Buffer.concat(Array(4096).fill(gzipSync(Buffer.alloc(2 ** 24)))));
		rmSync(log);
		writeFileSync(log, eventLine("b"));
		forwarder = startForwarder(args);
		await arrived(2); // A message that lines are missing may come before.
		expect(await forwarder.end()).toBe(0);
	});

	it("shows no secrets of URLs, and little of what a receiver says", async () => {
		const { file, sigtool } = place();
		const log = file("audit.jsonl");
		writeFileSync(log, eventLine("a"));
		for (const url of [
			...["syslog+tcp://u:s3cret@localhost:5", "syslog+tls://localhost:5?key=s3cret", "smtp://u:s3cret@localhost"],
			...["otlp+http://u:s3cret@localhost", "otlp+http://localhost/#s3cret"],
		]) {
			const { status, stdout, stderr } = sigtool(["log", "forward", log, "--to", url]);
			expect([url, status, `${stdout}${stderr}`.includes("s3cret")]).toEqual([url, 2, false]);
		}
		const answer = JSON.stringify({ partialSuccess: { rejectedLogRecords: "1", errorMessage: "no".repeat(10 ** 6) } });
		const server = createServer((_, response) => response.writeHead(200).end(answer));
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		onTestFinished(() => void server.close());
		const address = server.address();
		const port = typeof address === "object" ? address?.port : undefined;
		const forwarder = startForwarder([log, "--to", `otlp+http://127.0.0.1:${port}/v1/logs?key=s3cret`]);
		const { stderr } = forwarder.output();
		await until(
			() => forwarder.output().stderr.includes("Partial Success"),
			() => stderr,
		);
		server.closeAllConnections();
		expect(await forwarder.end()).toBe(0);
		expect(forwarder.output().stderr.length).toBeLessThan(1000);
		expect(forwarder.output().stdout).toContain(`to otlp+http://127.0.0.1:${port}/v1/logs?…`);
	});
});
