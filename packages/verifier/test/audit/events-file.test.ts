/** The events file is renamed, deleted and replaced while the sink is in use. */

import {
	chownSync,
	closeSync,
	fstatSync,
	linkSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { canMount, spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../cli/test/support.js";
import { createAudit } from "../../dist/audit/audit.js";
import { jsonLinesSink, REPORT_MS } from "../../dist/audit/events-file.js";
import { memorySink, refusal } from "../support.js";

/** The verifier captures Date.now when it is loaded, so it must be replaced before. */
const clock = vi.hoisted(() => {
	const real = Date.now;
	const shifted = { byMs: 0 };
	Date.now = () => real() + shifted.byMs;
	return shifted;
});
/** The same holds for Atomics.wait. */
const waiting = vi.hoisted(() => {
	const before = { each: () => {} };
	Atomics.wait = new Proxy(Atomics.wait, {
		apply(wait, self, args) {
			before.each();
			return Reflect.apply(wait, self, args);
		},
	});
	return before;
});

function makeSink() {
	const directory = temporaryDirectory();
	const file = join(directory, "audit.jsonl");
	const reasons: string[] = [];
	const audit = createAudit([jsonLinesSink(file, { onDetached: (reason) => reasons.push(reason) })]);
	let number = 0;
	return {
		directory,
		file,
		reasons,
		audit,
		refuse: () => audit.raise("vm.compile", "refuse", { path: `${++number}` }),
	};
}

function pathsIn(file: string): string[] {
	return readFileSync(file, "utf8")
		.split("\n")
		.slice(0, -1)
		.map((line) => JSON.parse(line).path);
}

/** Returns the descriptors that are open on files of a directory. */
function openIn(directory: string): string[] {
	const open: string[] = [];
	for (const number of readdirSync("/proc/self/fd")) {
		try {
			const path = readlinkSync(`/proc/self/fd/${number}`);
			if (path.startsWith(directory)) open.push(path);
		} catch {
			// The descriptor of the listed directory is closed by now.
		}
	}
	return open;
}

test("a refusal after a rotation is in the new file, and the old file is closed", () => {
	const { directory, file, reasons, refuse } = makeSink();
	refuse();
	renameSync(file, `${file}.1`);
	writeFileSync(file, "");
	refuse();
	expect([pathsIn(`${file}.1`), pathsIn(file), reasons]).toEqual([["1"], ["2"], []]);
	expect(openIn(directory)).toEqual([file]);
});

test("queued events after a rotation are in the new file", () => {
	const { file, audit } = makeSink();
	audit.raise("vm.compile", "allow", { path: "1" });
	renameSync(file, `${file}.1`);
	writeFileSync(file, "");
	audit.flush();
	expect([pathsIn(`${file}.1`), pathsIn(file)]).toEqual([[], ["1"]]);
});

test("a file that was copied and truncated keeps the descriptor", () => {
	const { file, refuse } = makeSink();
	refuse();
	truncateSync(file, 0);
	refuse();
	expect(pathsIn(file)).toEqual(["2"]);
});

test("while the new file is missing, refusals go to the old one, and that is reported once a minute", () => {
	const { file, reasons, refuse } = makeSink();
	refuse();
	renameSync(file, `${file}.1`);
	for (let i = 0; i < 3; i++) refuse();
	expect([pathsIn(`${file}.1`), reasons.length]).toEqual([["1", "2", "3", "4"], 1]);
	expect(reasons[0]).toMatch(/no such file/i);
	clock.byMs += REPORT_MS;
	refuse();
	expect(reasons).toHaveLength(2);
	// A clock that is set back delays no report.
	clock.byMs -= 2 * REPORT_MS;
	refuse();
	expect(reasons).toHaveLength(3);
	writeFileSync(file, "");
	refuse();
	expect([pathsIn(file), reasons.length]).toEqual([["7"], 3]);
});

test("a refusal waits for the new file for a moment, as between the rename and the creation by logrotate", () => {
	const { file, reasons, refuse } = makeSink();
	renameSync(file, `${file}.1`);
	let waits = 0;
	waiting.each = () => {
		if (++waits === 3) writeFileSync(file, "");
	};
	refuse();
	waiting.each = () => {};
	expect([pathsIn(file), reasons, waits]).toEqual([["1"], [], 3]);
});

test("a file that was deleted is made again", () => {
	const { file, reasons, refuse } = makeSink();
	rmSync(file);
	refuse();
	expect([pathsIn(file), reasons]).toEqual([["1"], []]);
});

test("a file that was deleted and cannot be made again is a failing sink", () => {
	const { directory, file, reasons, refuse } = makeSink();
	rmSync(file);
	renameSync(directory, `${directory}-moved`);
	expect(refuse).toThrow(refusal("ERR_AUDIT_SINK"));
	expect(reasons).toHaveLength(1);
	renameSync(`${directory}-moved`, directory);
	refuse();
	expect(pathsIn(file)).toEqual(["2"]);
});

const TRAPS: Readonly<Record<string, (file: string) => void>> = {
	"a link": (file) => symlinkSync(`${file}.victim`, file),
	"a hard link": (file) => linkSync(`${file}.victim`, file),
	"a FIFO that nobody reads": (file) => void spawnSync("mkfifo", [file]),
	"a directory": (file) => void mkdirSync(file),
	...(process.getuid?.() === 0 && {
		"another user's file": (file: string) => {
			writeFileSync(file, "");
			chownSync(file, 65534, 65534);
		},
	}),
};

test.each(Object.entries(TRAPS))("%s in place of the file gets nothing, and that is reported", (_, set) => {
	const { file, reasons, refuse } = makeSink();
	writeFileSync(`${file}.victim`, "");
	refuse();
	renameSync(file, `${file}.1`);
	set(file);
	refuse();
	expect([pathsIn(`${file}.1`), readFileSync(`${file}.victim`, "utf8"), reasons.length]).toEqual([["1", "2"], "", 1]);
});

test("the report reaches the other sinks although it is made while another event is written", () => {
	const directory = temporaryDirectory();
	const file = join(directory, "audit.jsonl");
	const other = memorySink("refusals");
	const audit = createAudit([
		jsonLinesSink(file, {
			onDetached: (detail) => audit.raise("verifier.detached", "audit", { path: file, detail }),
		}),
		other,
	]);
	renameSync(file, `${file}.1`);
	mkdirSync(file);
	audit.raise("vm.compile", "refuse", { path: "1" });
	expect(other.events.map(({ event }) => event)).toEqual(["verifier.detached", "vm.compile"]);
	expect(readFileSync(`${file}.1`, "utf8").split("\n")).toHaveLength(3);
});

test("events reach the file although a program makes another file look like it", () => {
	const { directory, file, refuse } = makeSink();
	refuse();
	const other = join(directory, "other");
	const descriptor = readdirSync("/proc/self/fd").find((each) => linkOf(each) === file);
	const { dev, ino } = fstatSync(Number(descriptor), { bigint: true });
	closeSync(Number(descriptor));
	expect(openSync(other, "a")).toBe(Number(descriptor));
	const answers: Readonly<Record<string, bigint>> = { dev, ino, nlink: 1n };
	try {
		for (const [name, value] of Object.entries(answers)) {
			Object.defineProperty(Object.prototype, name, { get: () => value, set() {}, configurable: true });
		}
		// The attack works on an object whose prototype is not shielded.
		const unshielded: { ino?: bigint } = {};
		unshielded.ino = 5n;
		expect(unshielded.ino).toBe(ino);
		refuse();
	} finally {
		for (const name of Object.keys(answers)) Reflect.deleteProperty(Object.prototype, name);
	}
	refuse();
	closeSync(Number(descriptor));
	expect([pathsIn(file), readFileSync(other, "utf8")]).toEqual([["1", "2", "3"], ""]);
});

function linkOf(descriptor: string): string | undefined {
	try {
		return readlinkSync(`/proc/self/fd/${descriptor}`);
	} catch {
		return undefined;
	}
}

test.skipIf(!canMount())("after a line that a full disk cut, the next one begins anew (as root)", () => {
	const directory = temporaryDirectory();
	const modules = ["audit", "events-file"].map((name) => new URL(`../../dist/audit/${name}.js`, import.meta.url));
	const program = `
			import { writeFileSync, rmSync } from "node:fs";
			const [{ createAudit }, { jsonLinesSink }] = await Promise.all(${JSON.stringify(modules)}.map((url) => import(url)));
			const audit = createAudit([jsonLinesSink("audit.jsonl")]);
			writeFileSync("filler", Buffer.alloc(4096));
			let number = 0;
			const refuse = () => audit.raise("vm.compile", "refuse", { path: "long".repeat(100) + number++ });
			try { for (;;) refuse(); } catch (error) { console.error(error.code); }
			rmSync("filler");
			refuse();`;
	writeFileSync(join(directory, "program.mjs"), program);
	const mount = `mount -t tmpfs -o size=8k none log && cd log && "$0" ../program.mjs; cat audit.jsonl`;
	mkdirSync(join(directory, "log"));
	const run = spawnSync("unshare", ["-m", "sh", "-c", mount, process.execPath], { cwd: directory, encoding: "utf8" });
	expect(run.stderr).toBe("ERR_AUDIT_SINK\n");
	const lines = run.stdout.split("\n").slice(0, -1);
	expect(lines.filter((line) => !isJson(line))).toHaveLength(1);
	expect(JSON.parse(lines.at(-1) ?? "").path).toMatch(/long\d+$/);
});

function isJson(text: string): boolean {
	try {
		return typeof JSON.parse(text) === "object";
	} catch {
		return false;
	}
}
