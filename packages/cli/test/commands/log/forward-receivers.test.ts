import { createSocket } from "node:dgram";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { bytesOf, type Step } from "../../../../core/test/log/chained-log.js";
import { linesOf, makeTlsFiles, startForwarder, startReceiver, until } from "./forwarder.js";
import { chained, events, place, traps } from "./logs.js";

describe("sigtool log forward, with receivers", () => {
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
		expect(await forwarder.end()).toBe(0);
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
	});

	it("sends lines at most twice to a receiver that closes idle connections", async () => {
		const { file } = place();
		const log = file("audit.jsonl");
		const [lines = []] = chained(events(9));
		writeFileSync(log, bytesOf(lines));
		const receiver = await startReceiver({ idleMs: 1000 });
		const forwarder = startForwarder([log, "--to", `syslog+tcp://127.0.0.1:${receiver.port}`]);
		await receiver.arrived(20);
		await new Promise((resolve) => setTimeout(resolve, 3000));
		expect(linesOf(receiver.messages)).toEqual([...lines, ...lines]);
		expect(forwarder.output().stderr).toMatch(
			/^warning: .*has closed the connection .*; trying again\nsends to .* again\n$/,
		);
		await forwarder.end();
	});

	it("sends each log to each receiver, and no receiver waits for another", async () => {
		const { file } = place();
		const [one, two] = [file("one.jsonl"), file("two.jsonl")];
		const [lines = []] = chained(events(9));
		writeFileSync(one, bytesOf(lines.slice(0, 5)));
		writeFileSync(two, `no event\n${bytesOf(lines.slice(5))}`);
		const receiver = await startReceiver();
		const urls = [`syslog+tcp://127.0.0.1:${receiver.port}`, "syslog+tcp://127.0.0.1:1"];
		const to = urls.flatMap((url) => ["--to", url]);
		const forwarder = startForwarder([one, two, ...to, "--facility", "local3", "--json"]);
		await receiver.arrived(11);
		expect(await forwarder.end()).toBe(0);
		expect(receiver.messages.filter((message) => message.startsWith("<157>1 "))).toHaveLength(10);
		expect(receiver.messages.filter((message) => /^<156>1 \S+ \S+ sigtool - - - no event$/.test(message))).toHaveLength(
			1,
		);
		const { forwarded } = JSON.parse(forwarder.output().stdout);
		expect(forwarded.map(({ sent }: { sent: number }) => sent)).toEqual([5, 0, 6, 0]);
	});

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
	});

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
	});
});
