/** Refusals that repeat are counted. The sum over all lines is the number of refusals. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../cli/test/support.js";
import { createAudit } from "../../dist/audit/audit.js";
import { COUNT_MS, createRepeats, MAX_KINDS } from "../../dist/audit/repeats.js";
import { memorySink, refusal } from "../support.js";

/** The verifier captures Date.now when it is loaded, so it must be replaced before. */
const clock = vi.hoisted(() => {
	const real = Date.now;
	const shifted = { byMs: 0 };
	Date.now = () => real() + shifted.byMs;
	return shifted;
});

const line = (path: string) => `{"time":"2026-01-31T12:00:00.000Z","event":"e","path":"${path}"}\n`;

/** Adds up the lines by path. */
function sums(lines: readonly string[]): Record<string, number> {
	const found: Record<string, number> = {};
	for (const { path, count = 1 } of lines.map((text) => JSON.parse(text))) found[path] = (found[path] ?? 0) + count;
	return found;
}

test("300 equal refusals are ten lines, which say how many there were", () => {
	const sink = memorySink();
	const audit = createAudit([sink]);
	for (let i = 0; i < 300; i++) audit.raise("vm.compile", "refuse", { path: "/x", reason: "ERR_UNSIGNED" });
	expect(sink.events.map(({ count }) => count)).toEqual([undefined, undefined, 2, 4, 8, 16, 32, 64, 128]);
	audit.finish();
	expect(sink.events.at(-1)).toMatchObject({ event: "vm.compile", verdict: "refuse", path: "/x", count: 44 });
	audit.finish();
	expect(sink.events).toHaveLength(10);
});

test("refusals that differ in a field are not one", () => {
	const sink = memorySink();
	const audit = createAudit([sink]);
	for (const reason of ["a", "b"]) for (const path of ["1", "2"]) audit.raise("vm.compile", "refuse", { path, reason });
	audit.raise("vm.compile", "audit", { path: "1", reason: "a" });
	expect(sink.events).toHaveLength(5);
});

test("hooks get each of them", () => {
	const audit = createAudit([memorySink()]);
	let calls = 0;
	audit.addHook(() => void calls++);
	for (let i = 0; i < 10; i++) audit.raise("vm.compile", "refuse", { path: "/x" });
	expect(calls).toBe(10);
});

const steps = (kinds: number) =>
	fc.array(fc.record({ kind: fc.nat(kinds - 1), fails: fc.boolean() }), { maxLength: 2000 });

test("no count is lost, whatever comes in whatever order", () => {
	fc.assert(
		fc.property(steps(MAX_KINDS + 6), (all) => {
			const lines: string[] = [];
			const repeats = createRepeats((text) => void lines.push(text));
			for (const { kind } of all) repeats.add(line(`${kind}`));
			repeats.writeCounts("all");
			expect(repeats.isWaiting()).toBe(false);
			expect(sums(lines)).toEqual(sums(all.map(({ kind }) => line(`${kind}`))));
		}),
	);
});

test("no count is lost, whenever a sink fails", () => {
	fc.assert(
		fc.property(steps(5), (all) => {
			const lines: string[] = [];
			let isFailing = false;
			const repeats = createRepeats((text) => {
				if (isFailing) throw new Error("full");
				lines.push(text);
			});
			const expected: string[] = [];
			for (const { kind, fails } of all) {
				isFailing = fails;
				const one = line(`${kind}`);
				try {
					repeats.add(one);
					expected.push(one);
				} catch {
					// Nobody knows of a first refusal that is not written. A later one is counted.
					if (expected.includes(one)) expected.push(one);
				}
			}
			isFailing = false;
			repeats.writeCounts("all");
			expect(sums(lines)).toEqual(sums(expected));
		}),
	);
});

test("a count is written a minute after the last line, with the next refusal of any kind", () => {
	const lines: string[] = [];
	const repeats = createRepeats((text) => void lines.push(text));
	for (let i = 0; i < 3; i++) repeats.add(line("x"));
	repeats.writeCounts("due");
	expect(lines).toHaveLength(2);
	clock.byMs += COUNT_MS;
	repeats.writeCounts("due");
	expect(lines.map((text) => JSON.parse(text).count)).toEqual([undefined, undefined, undefined]);
	for (let minute = 0; minute < 3; minute++) {
		clock.byMs += COUNT_MS;
		repeats.add(line("x"));
	}
	expect(lines).toHaveLength(6);
});

test("at most 64 kinds are remembered, and the count of one that is forgotten is written", () => {
	const lines: string[] = [];
	const repeats = createRepeats((text) => void lines.push(text));
	for (let i = 0; i < 3; i++) repeats.add(line("first"));
	expect(lines).toHaveLength(2);
	for (let i = 0; i < MAX_KINDS; i++) repeats.add(line(`${i}`));
	expect(sums(lines).first).toBe(3);
	repeats.add(line("first"));
	expect(sums(lines).first).toBe(4);
});

test("a sink that fails loses no count", () => {
	const sink = memorySink();
	let isFull = false;
	const write = (lines: string) => {
		if (isFull) throw new Error("no space");
		sink.write(lines);
	};
	const audit = createAudit([{ name: "disk", wants: "all", write }]);
	const refuse = () => audit.raise("vm.compile", "refuse", { path: "/x" });
	refuse();
	isFull = true;
	expect(refuse).toThrow(refusal("ERR_AUDIT_SINK"));
	isFull = false;
	audit.finish();
	expect(sink.events).toHaveLength(2);
});

test.each([
	["returns", ""],
	["calls process.exit()", "process.exit(3)"],
	["ends by an exception", "throw new Error('end')"],
])("the count is written when the program %s", (_, end) => {
	const file = join(temporaryDirectory(), "audit.jsonl");
	const at = (name: string) => JSON.stringify(fileURLToPath(new URL(`../../dist/audit/${name}.js`, import.meta.url)));
	const program = `
		import { createAudit } from ${at("audit")};
		import { jsonLinesSink } from ${at("events-file")};
		const audits = Array.from({ length: 12 }, () => createAudit([jsonLinesSink(${JSON.stringify(file)})]));
		for (const audit of audits)
			for (let i = 0; i < 100; i++) audit.raise("vm.compile", "refuse", { path: "/x" });
		process.on("exit", () => {
			for (let i = 0; i < 3; i++) audits[0].raise("vm.compile", "refuse", { path: "/late" });
		});
		${end}`;
	const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
	expect(sums(readFileSync(file, "utf8").split("\n").slice(0, -1))).toEqual({ "/x": 1200, "/late": 3 });
	expect(stderr).not.toContain("MaxListenersExceededWarning");
});
