import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bytesOf, writeLog } from "../../../../core/test/log/chained-log.js";
import { events, place, writeChained } from "./logs.js";

describe("sigtool log verify", () => {
	it("follows the chain through rotated and compressed files", () => {
		const { file, sigtool } = place();
		const files = writeLog([...events(3), { kind: "rotate" }, ...events(2), { kind: "restart" }, ...events(2)]);
		writeFileSync(file("a.1.gz"), gzipSync(bytesOf(files[0] ?? [])));
		writeFileSync(file("a"), bytesOf(files[1] ?? []));
		const whole = sigtool(["log", "verify", file("a.1.gz"), file("a"), "--json"]);
		expect([whole.status, whole.json()]).toEqual([
			0,
			expect.objectContaining({ verdict: "intact", lines: 9, chained: 9, uncovered: 1, continues: null, gapCount: 0 }),
		]);
		const digest = createHash("sha256")
			.update(files[0]?.at(-1) ?? "")
			.digest("hex");
		expect(sigtool(["log", "verify", file("a"), "--json"]).json()).toMatchObject({ exit: 0, continues: digest });
		expect(sigtool(["log", "verify", file("a")]).stdout).toContain(
			`a file whose last lines have the SHA-256 ${digest}`,
		);
		expect(sigtool(["log", "verify", "-"], { input: bytesOf(files[0] ?? []) }).status).toBe(0);
	});

	it("names file, line, byte and kind of the first change", () => {
		const { file, sigtool } = place();
		const lines = writeChained(file("a"), 6);
		const offset = bytesOf(lines.slice(0, 2)).length;
		writeFileSync(file("a"), bytesOf(lines.with(2, lines[2].replace("/1.js", "/X.js"))));
		const { status, stdout } = sigtool(["log", "verify", file("a")]);
		expect([status, stdout]).toEqual([
			1,
			expect.stringContaining(`changed ${file("a")}: line 3 of "${file("a")}" (byte ${offset}) was edited`),
		]);
		expect(sigtool(["log", "verify", "--quiet", file("a")]).stdout).toMatch(/^changed .* \[ERR_LOG_CHANGED\]\n$/);
		expect(sigtool(["log", "verify", file("a"), "--json"]).json()).toMatchObject({
			...{ exit: 1, verdict: "changed", misfits: 1, problem: { code: "ERR_LOG_CHANGED" } },
			change: { kind: "edited", first: { file: file("a"), line: 3, offsetBytes: offset }, last: { line: 4 } },
		});
	});

	it("says why nothing covers the end of a file that was rotated while no collector ran", () => {
		const { file, sigtool } = place();
		const [first = [], second = []] = writeLog([...events(2), { kind: "replace" }, ...events(1)]);
		writeFileSync(file("a.1"), bytesOf(first));
		writeFileSync(file("a"), bytesOf(second));
		const { status, stdout } = sigtool(["log", "verify", file("a.1"), file("a")]);
		expect([status, stdout]).toEqual([
			3,
			expect.stringContaining(`at line 1 of "${file("a")}" (byte 0) a chain of its own begins, as after a rotation`),
		]);
	});

	it("refuses a directory and a missing file as `log show` does", () => {
		const { directory, file, sigtool } = place();
		const seal = ["seal", "-o", file("c"), "--key", "k"];
		for (const command of [["verify"], ["show"], seal, ["tiles", "-o", file("t")]]) {
			for (const wrong of [directory, file("none")])
				expect(sigtool(["log", ...command, wrong])).toMatchObject({
					status: 2,
					stderr: expect.stringMatching(/it is a directory; name the files in it|no such file; a host has its log/),
				});
		}
	});

	it("without an operand verifies the log of the launcher", () => {
		const { directory, file, sigtool } = place();
		const verify = () => sigtool(["log", "verify", "--prefix", directory]);
		expect(verify()).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(/Name a log, .*no launcher is installed/),
		});
		writeChained(file("audit.jsonl"), 5);
		const pin = `/x ${"0".repeat(64)}`;
		const settings = ["version 1", `node ${pin}`, "node-major 22", `bundle ${pin}`, "index /i", "config /c"];
		writeFileSync(file("launcher.conf"), [...settings, `audit ${file("audit.jsonl")}`, ""].join("\n"));
		expect(verify()).toMatchObject({ status: 0, stdout: expect.stringMatching(/^intact .*audit\.jsonl/) });
	});

	it("covers the lines of a program without a collector", () => {
		const { file, sigtool } = place();
		const [lines = []] = writeLog([...events(2), { kind: "foreign", text: "a" }, ...events(1)]);
		writeFileSync(file("a"), bytesOf(lines));
		expect(sigtool(["log", "verify", file("a"), "--json"]).json()).toMatchObject({ exit: 0, lines: 5, chained: 4 });
		writeFileSync(file("a"), bytesOf(lines.toSpliced(3, 1, "b", "c")));
		expect(sigtool(["log", "verify", file("a")])).toMatchObject({
			status: 1,
			stdout: expect.stringContaining("one of the lines from line 3 of"),
		});
		// A line that is too long to be kept is covered too.
		const [long = []] = writeLog([...events(1), { kind: "foreign", text: "x".repeat(3 << 20) }, ...events(1)]);
		writeFileSync(file("long"), bytesOf(long));
		expect(sigtool(["log", "verify", file("long")]).status).toBe(0);
		writeFileSync(file("long"), bytesOf(long.with(2, `y${"x".repeat((3 << 20) - 1)}`)));
		expect(sigtool(["log", "verify", file("long")]).status).toBe(1);
	});

	it("cannot decide about a log in which nothing names the lines before", () => {
		const { file, sigtool } = place();
		writeFileSync(file("plain"), "a\nb\n");
		writeFileSync(file("empty"), "");
		for (const name of ["plain", "empty"])
			expect(sigtool(["log", "verify", file(name)])).toMatchObject({
				status: 3,
				stdout: expect.stringContaining("only a checkpoint would show a change"),
			});
		const [lines = []] = writeLog([...events(2), { kind: "unknown", begin: "uncovered" }, ...events(1)]);
		writeFileSync(file("mixed"), bytesOf(lines));
		const mixed = sigtool(["log", "verify", file("mixed")]);
		expect(mixed).toMatchObject({ status: 3, stdout: expect.stringContaining("line 4 of") });
		expect(mixed.stderr).toContain("too many lines of others");
		expect(sigtool(["log", "verify", file("mixed"), "--json"]).json()).toMatchObject({
			problem: { code: "ERR_LOG_UNCOVERED" },
			gaps: [{ kind: "uncovered", line: 4, linesBefore: 3 }],
		});
		const whole = gzipSync(bytesOf(writeLog(events(500))[0] ?? []));
		writeFileSync(file("cut.gz"), whole.subarray(0, -50));
		expect(sigtool(["log", "verify", file("cut.gz")])).toMatchObject({
			status: 3,
			stdout: expect.stringMatching(/^undecided .*: Cannot read .* to its end/),
		});
		expect(sigtool(["log", "verify", file("missing")]).status).toBe(2);
	});
});
