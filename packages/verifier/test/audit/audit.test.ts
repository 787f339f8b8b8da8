import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../../../cli/test/support.js";
import { createAudit, MAX_QUEUED } from "../../dist/audit/audit.js";
import type { AuditEvent } from "../../dist/audit/events.js";
import { jsonLinesSink } from "../../dist/audit/events-file.js";
import { indexOf, memorySink, monitorFor, refusal } from "../support.js";

const broken = (wants: "all" | "refusals" = "all") => ({
	name: "broken",
	wants,
	write() {
		throw new Error("no space");
	},
});

test("hooks see events in order, frozen and without a prototype", () => {
	const audit = createAudit([]);
	const seen: [number, AuditEvent][] = [];
	audit.addHook((event) => seen.push([1, event]));
	audit.addHook((event) => seen.push([2, event]));
	audit.raise("vm.compile", "allow", { kind: "Script" });
	expect(seen.map(([hook, { event }]) => [hook, event])).toEqual([
		[1, "verifier.addhook"],
		[1, "vm.compile"],
		[2, "vm.compile"],
	]);
	const event = seen[1]?.[1];
	expect(event).toMatchObject({ verdict: "allow", kind: "Script", pid: process.pid });
	expect(Object.getPrototypeOf(event)).toBe(null);
	expect(Object.isFrozen(event)).toBe(true);
});

test("a throwing hook refuses, and the refusal is written", () => {
	const sink = memorySink("refusals");
	const audit = createAudit([sink]);
	audit.addHook(({ event }) => {
		if (event === "dns.lookup") throw new Error("not today");
	});
	audit.raise("net.connect", "allow", { port: "1" });
	expect(() => audit.raise("dns.lookup", "allow", { host: "example.org" })).toThrow(
		expect.objectContaining({ code: "ERR_AUDIT_HOOK", cause: expect.objectContaining({ message: "not today" }) }),
	);
	expect(sink.events).toMatchObject([{ event: "dns.lookup", verdict: "refuse", reason: "ERR_AUDIT_HOOK" }]);
});

test("a hook refuses code too, and further hooks", () => {
	const root = temporaryDirectory();
	writeFileSync(join(root, "a.js"), "a()");
	const { monitor } = monitorFor(indexOf(root));
	monitor.audit.addHook(() => {
		throw new Error("nothing at all");
	});
	expect(() => monitor.openCodeSync(join(root, "a.js"), "module")).toThrow(refusal("ERR_AUDIT_HOOK"));
	expect(() => monitor.audit.addHook(() => {})).toThrow(refusal("ERR_AUDIT_HOOK"));
});

test("a program that replaces the channel's methods keeps no event from the sinks", () => {
	const sink = memorySink("refusals");
	const audit = createAudit([sink]);
	const own = channel("sigtool:audit");
	const fail = () => {
		throw new Error("mine");
	};
	Object.defineProperties(own, {
		hasSubscribers: { get: fail, configurable: true },
		publish: { value: fail, configurable: true },
	});
	try {
		audit.raise("vm.compile", "refuse", { path: "/x" });
	} finally {
		for (const name of ["hasSubscribers", "publish"]) Reflect.deleteProperty(own, name);
	}
	expect(sink.events).toMatchObject([{ event: "vm.compile", path: "/x" }]);
});

test("events go to the diagnostics channel, except those that a subscriber causes", () => {
	const audit = createAudit([]);
	const seen: unknown[] = [];
	const listener = (event: unknown) => {
		seen.push(event);
		audit.raise("fs.open", "allow", { path: "the subscriber's own log" });
	};
	subscribe("sigtool:audit", listener);
	onTestFinished(() => void unsubscribe("sigtool:audit", listener));
	audit.raise("fs.open", "allow", { path: "/x" });
	audit.raise("vm.compile", "allow", {});
	expect(seen).toMatchObject([{ event: "fs.open", path: "/x" }, { event: "vm.compile" }]);
});

test("frequent events go to hooks and not to sinks, unless a hook refuses; a file that a hook opens raises none", () => {
	const sink = memorySink();
	const audit = createAudit([sink]);
	const seen: unknown[] = [];
	audit.addHook(({ event, path }) => {
		if (event !== "fs.open") return;
		seen.push(path);
		audit.raise("fs.open", "allow", { path: "the hook's own log" });
		if (path === "/etc/shadow") throw new Error("not that");
	});
	audit.raise("fs.open", "allow", { path: "/tmp/x" });
	expect(() => audit.raise("fs.open", "allow", { path: "/etc/shadow" })).toThrow(refusal("ERR_AUDIT_HOOK"));
	audit.flush();
	expect(seen).toEqual(["/tmp/x", "/etc/shadow"]);
	expect(sink.events).toMatchObject([
		{ event: "verifier.addhook" },
		{ event: "fs.open", verdict: "refuse", path: "/etc/shadow" },
	]);
});

test("refusals are written before raise() returns, after the queued events", () => {
	const sink = memorySink();
	const audit = createAudit([sink]);
	audit.raise("vm.compile", "allow", { path: "1" });
	expect(sink.events).toEqual([]);
	audit.raise("vm.compile", "refuse", { path: "2" });
	expect(sink.events.map(({ path }) => path)).toEqual(["1", "2"]);
});

test("a full queue drops only events of verdict allow, counts them and says so", () => {
	const sink = memorySink();
	const audit = createAudit([sink]);
	const path = "x".repeat(MAX_QUEUED / 4);
	for (let i = 0; i < 6; i++) audit.raise("vm.compile", "allow", { path });
	audit.raise("vm.compile", "refuse", { path });
	expect(sink.events.map(({ event, verdict, count }) => [event, verdict, count])).toEqual([
		...Array.from({ length: 3 }, () => ["vm.compile", "allow", undefined]),
		["verifier.dropped", "allow", 3],
		["vm.compile", "refuse", undefined],
	]);
	expect(audit.dropped).toBe(3);
});

test("a failing sink turns a refusal into an error, and other events into a count", () => {
	const sink = memorySink();
	const audit = createAudit([broken(), sink]);
	audit.raise("vm.compile", "allow", { path: "1" });
	audit.flush();
	expect(audit.dropped).toBe(1);
	expect(() => audit.raise("vm.compile", "refuse", { path: "2" })).toThrow(refusal("ERR_AUDIT_SINK"));
	expect(sink.events.map(({ path, count }) => path ?? count)).toContain("2");
});

test.skipIf(!existsSync("/dev/full"))("a full disk is a failing sink: /dev/full", () => {
	const audit = createAudit([jsonLinesSink("/dev/full")]);
	expect(() => audit.raise("vm.compile", "refuse", { path: "2" })).toThrow(
		expect.objectContaining({ code: "ERR_AUDIT_SINK", cause: expect.objectContaining({ code: "ENOSPC" }) }),
	);
});

test("a refusal that cannot be written still refuses, and names both failures", () => {
	const root = temporaryDirectory();
	writeFileSync(join(root, "a.js"), "a()");
	const { monitor } = monitorFor(indexOf(root), { audit: createAudit([broken()]) });
	writeFileSync(join(root, "a.js"), "evil()");
	expect(() => monitor.openCodeSync(join(root, "a.js"), "module")).toThrow(
		expect.objectContaining({
			code: "ERR_AUDIT_SINK",
			message: expect.stringMatching(
				/^Cannot write audit events to broken: .*no space; unwritten: Cannot load ".*a\.js"/,
			),
			cause: refusal("ERR_UNTRUSTED_CODE"),
		}),
	);
	writeFileSync(join(root, "a.js"), "a()");
	monitor.openCodeSync(join(root, "a.js"), "module");
	const { monitor: auditing } = monitorFor(indexOf(root), { audit: createAudit([broken()]), mode: "audit" });
	writeFileSync(join(root, "a.js"), "changed()");
	expect(auditing.openCodeSync(join(root, "a.js"), "module").bytes).toHaveLength(9);
});

test("JSON Lines: one line per event, whatever is in a name", () => {
	const file = join(temporaryDirectory(), "audit.jsonl");
	const path = 'a\n{"event":"forged"}\r\u2028\u001b[2J';
	for (const audit of [createAudit([jsonLinesSink(file)]), createAudit([jsonLinesSink(file)])]) {
		audit.raise("vm.compile", "refuse", { path });
	}
	const lines = readFileSync(file, "utf8").trimEnd().split("\n");
	expect(lines).toHaveLength(2);
	expect(lines.map((line) => JSON.parse(line).path)).toEqual([path, path]);
});

test("JSON Lines: a descriptor that was closed and used for another file is left alone, and the file opened again", () => {
	const directory = temporaryDirectory();
	const probe = openSync(join(directory, "probe"), "w");
	closeSync(probe);
	const audit = createAudit([jsonLinesSink(join(directory, "audit.jsonl"))]);
	// The sink's file now has the number of the probe's descriptor, so this call closes the sink's file.
	closeSync(probe);
	const victim = openSync(join(directory, "victim"), "w");
	onTestFinished(() => closeSync(victim));
	expect(victim).toBe(probe);
	audit.raise("vm.compile", "refuse", { path: "1" });
	audit.raise("vm.compile", "refuse", { path: "2" });
	expect(readFileSync(join(directory, "victim"), "utf8")).toBe("");
	const lines = readFileSync(join(directory, "audit.jsonl"), "utf8").trimEnd().split("\n");
	expect(lines.map((line) => JSON.parse(line).path)).toEqual(["1", "2"]);
});
