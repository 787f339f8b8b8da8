import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { spawn } from "../../../../../test/outside.js";
import { MAIN } from "../../support.js";
import { type Forwarder, startForwarder, startReceiver, until } from "./forwarder.js";
import { place, writeChained } from "./logs.js";

describe("the state of sigtool log forward", () => {
	it("is used by one process alone, and by the next once that process is gone", async () => {
		const { directory, file, sigtool } = place();
		const { port, messages, arrived } = await startReceiver();
		writeChained(file("audit.jsonl"), 1);
		const args = [file("audit.jsonl"), "--to", `syslog+tcp://127.0.0.1:${port}`, "--state", file("state.json")];
		const lock = file("state.json.lock");
		/** Sends one more line, so that the forwarder is known to work. */
		const works = async ({ child, output }: Forwarder) => {
			appendFileSync(file("audit.jsonl"), `${child.pid}\n`);
			await until(
				() => messages.some((message) => message.endsWith(` ${child.pid}`)),
				() => output().stderr,
			);
			expect(readFileSync(lock, "utf8")).toMatch(new RegExp(`^${child.pid} `));
		};
		const first = startForwarder(args);
		await arrived(1);
		const second = sigtool(["log", "forward", ...args]);
		expect(second).toMatchObject({ status: 2, stderr: expect.stringContaining(`process ${first.child.pid} forwards`) });
		const elsewhere = startForwarder([...args.slice(0, -1), file("other.json")]);
		await arrived(2);
		expect(await elsewhere.end()).toBe(0);

		first.child.kill("SIGKILL");
		await new Promise((resolve) => first.child.on("close", resolve));
		const third = startForwarder(args);
		await works(third);
		expect(await third.end()).toBe(0);
		expect(existsSync(lock)).toBe(false);

		writeFileSync(lock, `${process.pid} 1\n`); // A process with this number runs, but it is another one.
		const fourth = startForwarder(args);
		await works(fourth);
		expect(await fourth.end()).toBe(0);
		expect(readdirSync(directory).filter((name) => name.includes(".lock"))).toEqual([]);
	});

	it("is free if its lock names this process itself, as the lock of an earlier container may", async () => {
		const { file } = place();
		const { port, arrived } = await startReceiver();
		writeChained(file("audit.jsonl"), 1);
		// The shell becomes the forwarder, which has its number and its start.
		const script = `
			start=$(sed 's/.*) //' /proc/$$/stat | cut -d ' ' -f 20)
			echo "$$ $start" > "$1"; shift
			exec "$@"`;
		const state = file("state.json");
		const command = [process.execPath, MAIN, "log", "forward", file("audit.jsonl"), "--state", state];
		const args = ["-c", script, "sh", `${state}.lock`, ...command, "--to", `syslog+tcp://127.0.0.1:${port}`];
		const child = spawn("sh", args, { stdio: ["ignore", "ignore", "inherit"] });
		onTestFinished(() => void child.kill("SIGKILL"));
		const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
		await arrived(1);
		child.kill("SIGTERM");
		expect(await ended).toBe(0);
	});
});
