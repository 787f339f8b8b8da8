/** Tests which lines the collector writes for the messages that it gets. */

import { statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readLog } from "./chain.js";
import { CollectedInstallation } from "./collected.js";
import { hasLauncher } from "./support.js";

const SOUND = { broken: [], unchained: [] };
const namesOf = (...files: readonly string[]) => readLog(...files).lines.map(({ event }) => event);

describe.skipIf(!hasLauncher)("the collector (needs the launcher built)", () => {
	it("writes each line with its number, its sender and the digest of the line before", async () => {
		const installation = new CollectedInstallation();
		const program = installation.start();
		expect(await program.ask(`send(event("a", { path: "/\u00e9\\n<0>" })), tell("b")`)).toBe("written");
		const log = readLog(installation.events);
		expect(log).toMatchObject({ ...SOUND, beginnings: [1] });
		const from = program.child.pid;
		expect(log.lines).toMatchObject([
			{ event: "log.begin", kind: "new", seq: 1, chain: "0".repeat(64) },
			{ event: "a", path: "/\u00e9\n<0>", seq: 2, from },
			{ event: "b", seq: 3, from },
		]);
		expect(log.lines[0]).not.toHaveProperty("from");
		expect(statSync(installation.events).mode & 0o777).toBe(0o600);
	});

	it("gives the program a descriptor that can only send, and a page that it can only read", async () => {
		const installation = new CollectedInstallation();
		const program = installation.start();
		const attempt = (code: string) => program.ask(`tried(() => ${code})`);
		expect(await attempt("fs.readSync(5, Buffer.alloc(1))")).toBe("worked: 0");
		expect(await attempt("fs.ftruncateSync(5)")).toBe("EINVAL");
		expect(await attempt("fs.openSync('/proc/self/fd/5', 'r+')")).toBe("ENXIO");
		expect(await attempt("fs.closeSync(5)")).toBe("EPERM");
		expect(await attempt("fs.writeSync(6, 'xxxx', 0)")).toBe("EPERM");
		expect(await attempt("fs.ftruncateSync(6)")).toBe("EPERM");
		for (const code of ["truncateSync(FILE)", "unlinkSync(FILE)", "openSync(FILE, 'a')", "renameSync(FILE, 'x')"])
			expect(await attempt(`fs.${code.replace("FILE", JSON.stringify(installation.events))}`)).toBe("EACCES");
	});

	const MESSAGES: readonly (readonly [title: string, code: string, events: readonly unknown[]])[] = [
		["several events in one message", `event("a") + "\\n" + event("b") + "\\n"`, ["a", "b"]],
		["text", `"no event"`, ["log.malformed"]],
		["text among events", `event("a") + "\\nno event\\n" + event("b")`, ["a", "b", "log.malformed"]],
		["a line break within an event", `event("a").replace(",", ",\\n")`, ["log.malformed"]],
		["half an event", `event("a").slice(0, -1)`, ["log.malformed"]],
		["two events on a line", `event("a") + event("b")`, ["log.malformed"]],
		["a carriage return", `event("a").replace(",", ",\\r")`, ["log.malformed"]],
		["a tab", `event("a").replace(",", ",\\t")`, ["log.malformed"]],
		["thousands of short events", `'{"event":"a"}\\n'.repeat(5000)`, Array(5000).fill("a")],
		["an empty object", `"{}"`, ["log.malformed"]],
		["an array", `"[1]"`, ["log.malformed"]],
		[
			"an inner object with a member that the collector adds",
			`event("a", { b: { c: 1, chain: "0" } })`,
			["log.malformed"],
		],
		["a member that the collector adds", `event("a", { chain: "0".repeat(64) })`, ["log.malformed"]],
		["the same, escaped", `'{"event":"a","cha\\\\u0069n":"x"}'`, ["log.malformed"]],
		["a sender", `event("a", { from: 1 })`, ["log.malformed"]],
		["a number", `event("a", { seq: 1 })`, ["log.malformed"]],
		["bytes that are no UTF-8", `Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])`, ["log.malformed"]],
		["NUL bytes", `Buffer.alloc(100)`, ["log.malformed"]],
		["nothing but line feeds", `"\\n".repeat(60_000)`, ["log.malformed"]],
		["100,000 bytes", `"x".repeat(100_000)`, ["log.malformed"]],
		["more than is taken", `"x".repeat(200_000)`, ["log.malformed"]],
		["arrays in arrays", `'{"a":' + "[".repeat(50_000) + "]".repeat(50_000) + "}"`, ["log.malformed"]],
		["an event of 100,000 bytes", `event("a", { path: "x".repeat(100_000) })`, ["a"]],
	];
	it.each(MESSAGES)("writes one sound line for each event, and one for the rest, of %s", async (_, code, expected) => {
		const installation = new CollectedInstallation();
		const program = installation.start();
		await program.ask(`send(${code})`);
		expect(await program.ask(`tell("last")`)).toBe("written");
		expect(namesOf(installation.events)).toEqual(["log.begin", ...expected, "last"]);
		expect(readLog(installation.events)).toMatchObject({ ...SOUND, beginnings: [1] });
	});

	it("says how much it did not take, and shows the beginning", async () => {
		const installation = new CollectedInstallation();
		const program = installation.start();
		await program.ask(`send("no\\0\\u001b\\n" + "x".repeat(200_000)), tell("last")`);
		const line = readLog(installation.events).lines.find(({ event }) => event === "log.malformed");
		expect(line).toMatchObject({ sizeBytes: 200_005, from: program.child.pid, verdict: "record" });
		expect(`${line?.detail}`.slice(0, 20)).toBe(`no\u2400\u001b\n${"x".repeat(15)}`);
	});

	it("stays sound whatever 400 messages of chance contain, empty ones and parts of a head too", async () => {
		const installation = new CollectedInstallation();
		const program = installation.start();
		const code = `for (let i = 0; i < 400; i++) {
			const bytes = require("node:crypto").randomBytes(i % 97);
			for (let j = 0; j < bytes.length; j++) if (i % 3 > 0) bytes[j] = '{}[]",:ae1\\n\\\\'.charCodeAt(bytes[j] % 13);
			try { fs.writeSync(5, bytes); } catch {}
		} tell("last")`;
		expect(await program.ask(code)).toBe("written");
		expect(readLog(installation.events)).toMatchObject({ ...SOUND, beginnings: [1] });
		expect(namesOf(installation.events).at(-1)).toBe("last");
	});
});
