import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createChainChecker } from "../../src/log/chain.js";
import { createLineSplitter } from "../../src/log/lines.js";
import { bytesOf, digestOf, type Step, writeLog } from "./chained-log.js";

/** Reads the files in pieces of `pieceBytes`. */
function check(files: readonly Buffer[], pieceBytes = 1000) {
	const checker = createChainChecker();
	for (const [index, bytes] of files.entries()) {
		const splitter = createLineSplitter((part) => checker.addPart(part, `file ${index}`));
		for (let at = 0; at < bytes.length; at += pieceBytes)
			for (const line of splitter.push(bytes.subarray(at, at + pieceBytes))) checker.add(line, `file ${index}`);
		const rest = splitter.end();
		if (rest !== undefined) checker.add(rest, `file ${index}`);
	}
	return checker.findings();
}

const TEXT = fc.string({ unit: "grapheme", maxLength: 30 });
const STEP: fc.Arbitrary<Step> = fc.oneof(
	{ weight: 8, arbitrary: TEXT.map((path): Step => ({ kind: "event", path })) },
	{ weight: 2, arbitrary: TEXT.map((text): Step => ({ kind: "foreign", text: text.replace(/[\n\r]/g, "") })) },
	fc.constant<Step>({ kind: "restart" }),
	fc.constantFrom<Step>(
		{ kind: "rotate" },
		{ kind: "rotate", foreign: ["", "a"] },
		{ kind: "replace" },
		{ kind: "replace", foreign: ["a", ""] },
		{ kind: "unknown", begin: "uncovered" },
		{ kind: "unknown", begin: "unreadable" },
	),
);
const STEPS = fc.array(STEP, { minLength: 3, maxLength: 40 });
const events = (count: number): Step[] => Array.from({ length: count }, (_, i) => ({ kind: "event", path: `/${i}` }));

const isChained = (line: string | undefined) => line !== undefined && /"chain":"[0-9a-f]{64}"\}$/.test(line);

describe("the chain of a log", () => {
	it("holds through restarts, rotation, and lines of others, in pieces of any size", () => {
		fc.assert(
			fc.property(STEPS, fc.integer({ min: 1, max: 300 }), (steps, pieceBytes) => {
				const files = writeLog(steps);
				const { change, misfits, gaps, lines, end } = check(files.map(bytesOf), pieceBytes);
				expect({ change, misfits }).toEqual({ change: undefined, misfits: 0 });
				const all = files.flat();
				const isHeld = steps.every(({ kind }) => kind !== "replace" && kind !== "unknown");
				expect(gaps.length === 0).toBe(isHeld || gapsOf(files) === 0);
				expect([lines, end]).toEqual([all.length, digestOf(all.slice(all.findLastIndex(isChained)).join("\n"))]);
			}),
		);
	});

	it("covers lines without a digest, also at the beginning of a file and across files", () => {
		const foreign = (text: string): Step => ({ kind: "foreign", text });
		const files = writeLog([...events(1), foreign("a"), { kind: "rotate", foreign: ["b", "c"] }, ...events(1)]);
		expect(check(files.map(bytesOf))).toMatchObject({ change: undefined, gapCount: 0 });
		// Without the first file nothing tells if the lines at the beginning of the second are as they were.
		expect(check([bytesOf(files[1] ?? [])])).toMatchObject({
			change: undefined,
			gaps: [{ kind: "rotated", linesBefore: 2, place: { line: 3 } }],
		});
		const replaced = writeLog([...events(1), { kind: "replace", foreign: ["b", "c"] }, ...events(1)]);
		expect(check([bytesOf(replaced[1] ?? [])])).toMatchObject({ change: undefined, gapCount: 0 });
		expect(check(replaced.map(bytesOf))).toMatchObject({
			change: undefined,
			gaps: [{ kind: "new", linesBefore: 2, place: { file: "file 1", line: 1 } }],
		});
		const [first = [], second = []] = replaced;
		for (const changed of [second.slice(1), second.with(1, "d"), second.toReversed()])
			expect(check([bytesOf(first), bytesOf(changed)]).change).toBeDefined();
	});

	it("covers a line that is too long to be kept, and one that a crash has cut", () => {
		const long = writeLog([{ kind: "foreign", text: "x".repeat(3 << 20) }, ...events(2)]);
		expect(check(long.map(bytesOf), 1 << 16)).toMatchObject({ change: undefined, lines: 4, chained: 3 });
		const [lines = []] = long;
		for (const other of [`${"x".repeat(3 << 20)}y`, `y${"x".repeat((3 << 20) - 1)}`, "x".repeat((3 << 20) - 1)])
			expect(check([bytesOf(lines.with(1, other))], 1 << 16).change).toMatchObject({
				kind: "changed",
				last: { line: 3 },
			});
		const [, second = []] = writeLog([{ kind: "replace", foreign: ["x".repeat(3 << 20)] }, ...events(1)]);
		expect(check([bytesOf(second)], 1 << 16)).toMatchObject({ change: undefined, gapCount: 0 });
		expect(check([bytesOf(["{}"]), bytesOf(second)], 1 << 16)).toMatchObject({
			gaps: [{ kind: "new", linesBefore: 1 }],
		});
		const torn = writeLog([
			{ kind: "foreign", text: '{"time":"20' },
			{ kind: "rotate", foreign: ["a"] },
		]);
		const [before = [], after = []] = torn;
		expect(check([bytesOf(before).subarray(0, -1), bytesOf(after)])).toMatchObject({ change: undefined, gapCount: 0 });
	});

	it("says which lines at the end nothing covers", () => {
		expect(check(writeLog(events(3)).map(bytesOf)).uncovered).toBe(1);
		const open = writeLog([...events(3), { kind: "foreign", text: "a" }, { kind: "foreign", text: "b" }]);
		expect(check(open.map(bytesOf))).toMatchObject({ uncovered: 3, chained: 4, lines: 6 });
		expect(check([Buffer.from("a\nb\n")])).toMatchObject({ uncovered: 2, chained: 0 });
		expect(check([])).toMatchObject({ uncovered: 0, lines: 0, end: undefined });
	});

	it("names the file that a rotated one continues, and refuses a beginning that is none", () => {
		const [first = [], second = []] = writeLog([...events(2), { kind: "rotate" }, ...events(2)]);
		expect(check([bytesOf(second)])).toMatchObject({ change: undefined, continues: digestOf(first.at(-1) ?? "") });
		expect(check([bytesOf(first.slice(1))]).change).toMatchObject({ kind: "removed", first: { line: 1 } });
		// The files are given in the wrong order, or one of them is missing.
		expect(check([bytesOf(second), bytesOf(first)]).gaps).toMatchObject([{ kind: "new", place: { file: "file 1" } }]);
		const three = writeLog([...events(1), { kind: "rotate" }, ...events(1), { kind: "rotate" }]);
		expect(check([bytesOf(three[0] ?? []), bytesOf(three[2] ?? [])]).change).toMatchObject({
			last: { file: "file 1", line: 1 },
		});
	});

	it("tells that a log had lines before its first one, and begins with no line that begins none", () => {
		for (const begin of ["unreadable", "uncovered"] as const) {
			const [lines = []] = writeLog([...events(3), { kind: "unknown", begin }, ...events(3)]);
			const first = lines.findLastIndex((line) => line.includes("log.begin"));
			expect(check([bytesOf(lines.slice(first))])).toMatchObject({
				change: undefined,
				gaps: [{ kind: begin, linesBefore: 0, place: { line: 1 } }],
			});
		}
		// A program without a collector has put the first line there, before all lines above it were removed.
		const forged = `{"event":"a","verdict":"allow","chain":"${"0".repeat(64)}"}`;
		const next = `{"event":"b","verdict":"allow","seq":9,"from":7,"chain":"${digestOf(forged)}"}`;
		expect(check([bytesOf([forged, next])]).change).toMatchObject({ kind: "removed", first: { line: 1 } });
	});

	it("tells where lines could be missing without a trace", () => {
		const [lines = []] = writeLog(events(3));
		const stamp = `"seq":1,"chain":"${"0".repeat(64)}"}`;
		const again = `{"time":"t","event":"log.begin","verdict":"allow","pid":1,"thread":0,"kind":"unreadable",${stamp}`;
		expect(check([bytesOf([...lines, again])])).toMatchObject({
			change: undefined,
			gaps: [{ kind: "unreadable", place: { line: 5 } }],
		});
		const unread = writeLog([...events(2), { kind: "foreign", text: "a" }, { kind: "unknown", begin: "uncovered" }]);
		expect(check(unread.map(bytesOf))).toMatchObject({
			change: undefined,
			gaps: [{ kind: "uncovered", linesBefore: 4, place: { line: 5 } }],
		});
		// Zeros alone begin nothing, and the beginning of an empty file stands on its first line.
		for (const line of [again.replace("log.begin", "log.other"), again.replace("unreadable", "new")])
			expect(check([bytesOf([...lines, line])]).change).toMatchObject({ last: { line: 5 } });
	});

	it.each([
		["edited", (lines: string[]) => lines.with(3, lines[3].replace("/2", "/X")), 4, 5],
		["edited", (lines: string[]) => lines.with(3, lines[3].replace(/..."}$/, 'abc"}')), 4, 4],
		["removed", (lines: string[]) => lines.toSpliced(3, 2), 3, 4],
		["inserted", (lines: string[]) => lines.toSpliced(3, 0, "{}", "{}"), 4, 5],
		["inserted", (lines: string[]) => lines.toSpliced(5, 0, lines[2]), 6, 6],
		["moved", (lines: string[]) => lines.with(3, lines[4]).with(4, lines[3]), 4, 4],
		["moved", (lines: string[]) => lines.toSpliced(3, 1).toSpliced(6, 0, lines[3]), 4, 4],
		["edited", (lines: string[]) => lines.with(8, lines[8].replace("/7", "/X")), 9, 10],
	] as const)("finds a line that was %s", (kind, edit, first, last) => {
		const [lines = []] = writeLog(events(9));
		expect(check([bytesOf(edit(lines))]).change).toMatchObject({ kind, first: { line: first }, last: { line: last } });
	});

	it.each(["rotated", "cut"])("believes no beginning that a program has sent, such as %s", (kind) => {
		const [lines = []] = writeLog([...events(3), { kind: "forged", begin: kind }, ...events(2)]);
		expect(check([bytesOf(lines)])).toMatchObject({ change: undefined, misfits: 0 });
		// The lines before it are missing, which a real beginning would explain by another file.
		expect(check([bytesOf(lines.slice(4))]).change).toMatchObject({ kind: "removed", first: { line: 1 } });
	});

	it.each([
		[1, "1 line"],
		[2, "2 lines"],
	])("tells by the numbers that %i lines are missing", (count, text) => {
		const [lines = []] = writeLog(events(8));
		const { change } = check([bytesOf(lines.toSpliced(3, count))]);
		expect(change).toMatchObject({ kind: "removed", detail: expect.stringMatching(new RegExp(`${text}$`)) });
	});

	it("finds a file that was cut while its collector ran", () => {
		const [lines = []] = writeLog(events(8));
		const begin = { time: "t", event: "log.begin", verdict: "allow", pid: 1, thread: 0, kind: "cut" };
		const stamp = `,"seq":10,"chain":"${digestOf(lines.at(-1) ?? "")}"}`;
		const line = `${JSON.stringify(begin).slice(0, -1)}${stamp}`;
		expect(check([bytesOf([...lines.slice(0, 3), line])]).change).toMatchObject({
			kind: "removed",
			last: { line: 4 },
			detail: expect.stringContaining("shorter"),
		});
		expect(check([bytesOf(lines), bytesOf([line])]).change).toBeUndefined(); // The copy of copytruncate.
	});

	const EDIT = fc.record({
		how: fc.constantFrom("byte", "remove", "swap", "insert", "copy"),
		at: fc.nat(),
		offset: fc.nat(),
		byte: fc.integer({ min: 0, max: 255 }),
		line: TEXT.map((text) => text.replace(/[\n\r]/g, "")),
	});

	it("finds any single edit of a line that a later one covers, and its place", () => {
		fc.assert(
			fc.property(STEPS, EDIT, (steps, edit) => {
				// Nothing tells which one of equal lines is new.
				const files = writeLog(
					steps.map((step, i) => (step.kind === "foreign" ? { ...step, text: `${i}${step.text}` } : step)),
				);
				const all = files.flat();
				const at = edit.at % all.length;
				// A new line stands before the one that was there.
				const place = edit.how === "insert" || edit.how === "copy" ? at - 1 : at;
				const next = all.findIndex((line, index) => index > place && isChained(line));
				// Nothing covers the lines at the end, and those before a collector that did not know them.
				fc.pre(next !== -1 && covers(files, next));
				// Without its first file a log is one that continues a file which was not given.
				fc.pre(edit.how !== "remove" || files[0].length > 1);
				const edited = editLine(files, at, edit);
				fc.pre(edited !== undefined && !Buffer.concat(edited).equals(Buffer.concat(files.map(bytesOf))));
				const { change, gaps, continues } = check(edited ?? []);
				// A log that has lost its only beginning seems to continue a file which was not given.
				if (continues !== undefined && gaps.some(({ linesBefore }) => linesBefore > at)) return;
				expect(change).toBeDefined();
				const number = ({ file, line }: { file: string; line: number }) =>
					(edited ?? [])
						.slice(0, Number(file.slice(5)))
						.reduce((sum, bytes) => sum + bytes.toString("latin1").split("\n").length - 1, 0) +
					line -
					1;
				const [first, last] = change === undefined ? [-1, -1] : [number(change.first), number(change.last)];
				// A removed line is between two others. A swapped pair begins at the first line that is not in its place.
				expect([first, last], JSON.stringify(change)).toSatisfy(() => first <= at + 1 && last >= at);
				// The place is a span, with the lines at both its ends, of which an edit can have made one of two.
				const before = all.slice(0, at).findLastIndex(isChained);
				expect(first).toBeGreaterThanOrEqual(Math.max(0, before));
				expect(last).toBeLessThanOrEqual(next + 1);
			}),
			{ numRuns: 3000 },
		);
	});
});

/** Tells if the line with a chain covers the lines before it in its log. */
function covers(files: readonly string[][], index: number): boolean {
	const line = files.flat()[index] ?? "";
	if (line.includes(`"chain":"${"0".repeat(64)}"`)) return index === 0;
	const before = files.flat().slice(0, index);
	const span = before.slice(Math.max(0, before.findLastIndex(isChained)));
	return line.includes(`"chain":"${digestOf(span.join("\n"))}"`);
}

/** Returns how many lines with a chain do not cover the lines before them. */
function gapsOf(files: readonly string[][]): number {
	return files.flat().filter((line, index) => isChained(line) && !covers(files, index)).length;
}

/** Changes the line with the index `at`, counted over all files. Returns undefined if the change would change nothing. */
function editLine(
	files: string[][],
	at: number,
	{ how, offset, byte, line }: { how: string; offset: number; byte: number; line: string },
): Buffer[] | undefined {
	let index = at;
	let file = 0;
	while (index >= files[file].length) index -= files[file++].length;
	const lines = files[file];
	const bytes = files.map(bytesOf);
	if (how === "byte") {
		const start = bytesOf(lines.slice(0, index)).length;
		const place = start + (offset % (Buffer.byteLength(lines[index]) + 1));
		if (bytes[file][place] === byte) return undefined;
		bytes[file][place] = byte;
		return bytes;
	}
	const next = index + 1 < lines.length ? index + 1 : -1;
	if (how === "swap" && (next === -1 || lines[index] === lines[next])) return undefined;
	const changes: Readonly<Record<string, () => string[]>> = {
		remove: () => lines.toSpliced(index, 1),
		swap: () => lines.with(index, lines[next]).with(next, lines[index]),
		insert: () => lines.toSpliced(index, 0, line),
		copy: () => lines.toSpliced(index, 0, lines[index]),
	};
	bytes[file] = bytesOf(changes[how]());
	return bytes;
}
