/** Tests what a terminal shows: escaped names, progress, and help that fits. */

import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { type ProgressState, progressText } from "../../dist/output/progress.js";
import { MAIN, makeTree, runner, temporaryDirectory } from "../support.js";
import { hasTerminal } from "../terminal.js";

const UNSEEN = ["\u061c", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202e", "\u2060", "\u2066", "\ufeff"];

/** Runs the command line on a terminal with that many columns, and returns what it shows. */
function onColumns(columns: number, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
	const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(" ");
	const { stdout } = spawnSync("script", ["-qec", `stty cols ${columns} rows 24; ${command}`, "/dev/null"], {
		encoding: "utf8",
		env: { ...process.env, NO_COLOR: "1", TERM: "xterm", ...env },
		maxBuffer: 1 << 28,
	});
	return stdout.replaceAll("\r\n", "\n");
}

describe("names with invisible characters", () => {
	it.skipIf(process.platform === "win32")("are escaped in reports, warnings and errors", () => {
		const home = temporaryDirectory();
		const sigtool = runner(home);
		const root = makeTree(join(home, "d"), { a: "a" });
		expect(sigtool(["sign", root]).status).toBe(0);
		for (const unseen of UNSEEN) writeFileSync(join(root, `x${unseen}y`), "x");
		const runs = [
			sigtool(["verify", root]),
			sigtool(["verify", root, "--added", "warn"]),
			...UNSEEN.map((unseen) => sigtool(["verify", join(home, `no${unseen}where`)])),
			...UNSEEN.map((unseen) => sigtool(["sign", root, "--product", `p${unseen}q`])),
		];
		const shown = runs.map(({ stdout, stderr }) => stdout + stderr).join("");
		for (const unseen of UNSEEN) {
			expect(shown).not.toContain(unseen);
			expect(shown).toContain(`x\\u${unseen.charCodeAt(0).toString(16).padStart(4, "0")}y`);
		}
	});
});

describe("progressText()", () => {
	const MiB = 2 ** 20;
	const state: ProgressState = {
		...{ files: 100, totalFiles: 200, bytes: 300 * MiB, totalBytes: 1200 * MiB },
		...{ elapsedMs: 3000, found: "all" },
	};

	it("counts bytes, with the rate and the time left", () => {
		expect(progressText("hashing", state, 100)).toBe(
			`hashing [${"=".repeat(10)}${"-".repeat(30)}] 25% 300.0 MiB of 1.2 GiB, 100.0 MiB/s, 9 s left`,
		);
		expect(progressText("hashing", { ...state, totalBytes: 100_000 * MiB }, 100)).toContain(
			"100.0 MiB/s, 16 min 37 s left",
		);
		expect(progressText("hashing", { ...state, found: "growing" }, 100)).toBe(
			"hashing 100 files, 300.0 MiB, 100.0 MiB/s",
		);
	});

	it("is shorter than the terminal is wide", () => {
		for (const found of ["all", "growing"] as const) {
			for (let columns = 1; columns <= 200; columns++) {
				expect(progressText("verifying", { ...state, found }, columns).length).toBeLessThan(Math.max(columns, 1));
			}
		}
		expect(progressText("verifying", state, 40)).toBe("verifying 25% 100.0 MiB/s, 9 s left");
	});

	it.skipIf(!hasTerminal)("is shown on a terminal while a large file is hashed, within 40 columns", () => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "d"), { large: "" });
		truncateSync(join(root, "large"), 2 ** 31);
		const shown = onColumns(40, ["sign", root], { XDG_CONFIG_HOME: join(home, "config") });
		// biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's sequences are removed.
		const lines = shown.split(/\r|\n|\u001b\[\d*[A-Za-z]/).filter((line) => line.startsWith("hashing"));
		expect(lines.length).toBeGreaterThan(0);
		expect(lines.some((line) => /\d+% .*iB\/s, \d+ s left$/.test(line))).toBe(true);
		expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(40);
	});
});

describe("a report", () => {
	it.skipIf(!hasTerminal)("puts a value that does not fit a terminal of 40 columns below its label", () => {
		const home = temporaryDirectory();
		const sigtool = runner(home);
		const root = makeTree(join(home, "d"), { a: "1", ".git/x": "2" });
		expect(sigtool(["sign", root]).status).toBe(0);
		const piped = sigtool(["verify", root]).stdout;
		const pin = /^ {2}pin +([0-9a-f]{64})$/m.exec(piped)?.[1];
		const shown = onColumns(40, ["verify", root], { XDG_CONFIG_HOME: join(home, "config") }).split("\n");
		expect(shown).toContain("  product     d, sequence ".concat(/sequence (\d+)/.exec(piped)?.[1] ?? ""));
		expect(shown.join("\n")).toContain(`  pin\n    ${pin}\n`);
		expect(shown.join("\n")).toContain("  hidden\n    1 entry by 1 signed rule;\n    --no-ignore reports them\n");
		const rows = shown.filter((line) => line.startsWith("  "));
		expect(rows.filter((line) => line.length > 40 && line.trim().includes(" "))).toEqual([]);
	});
});

describe("help", () => {
	it("puts options into groups", () => {
		const sigtool = runner(temporaryDirectory());
		const headings = (command: string) => {
			return [...sigtool([command, "--help"]).stdout.matchAll(/^(\S[^\n]*):$/gm)].map(([, heading]) => heading);
		};
		expect(headings("verify")).toEqual(
			expect.arrayContaining(["Arguments", "Catalogs", "Trust", "What is compared", "Extended attributes", "Output"]),
		);
		expect(headings("sign")).toEqual(
			expect.arrayContaining(["Key", "What is signed", "What is written", "About the release", "Timestamp", "Output"]),
		);
		for (const command of ["sign", "verify", "restore"]) expect(headings(command)).not.toContain("Options");
	});

	it.skipIf(!hasTerminal)("fits a terminal of 40 columns, except for examples to copy", () => {
		for (const command of ["sign", "verify", "compile", "identity", "run", "trust", "digest"]) {
			const lines = onColumns(40, [command, "--help"]).split("\n");
			const long = lines.filter((line) => line.length > 40 && !line.startsWith("  $ ") && !line.startsWith("Usage: "));
			expect(long).toEqual([]);
		}
		const lines = onColumns(40, ["--help"]).split("\n");
		expect(lines.filter((line) => line.length > 40 && !line.startsWith("  $ "))).toEqual([]);
	});

	it("follows COLUMNS without a terminal", () => {
		const sigtool = runner(temporaryDirectory());
		const widest = (COLUMNS: string, command: string) => {
			const lines = sigtool([command, "--help"], { env: { COLUMNS } }).stdout.split("\n");
			return Math.max(
				...lines.filter((line) => !line.startsWith("  $ ") && !line.startsWith("Usage: ")).map(({ length }) => length),
			);
		};
		for (const command of ["sign", "verify", "trust"]) {
			expect(widest("40", command), command).toBeLessThanOrEqual(40);
			expect(widest("120", command), command).toBeGreaterThan(80);
			for (const wrong of ["", "0", "-4", "x", "1e9"]) expect(widest(wrong, command)).toBeLessThanOrEqual(80);
		}
	});

	it("is at most 80 columns wide without a terminal", () => {
		const sigtool = runner(temporaryDirectory());
		for (const args of [["--help"], ["sign", "--help"], ["verify", "--help"], ["run", "--help"]]) {
			const lines = sigtool(args).stdout.split("\n");
			expect(lines.filter((line) => line.length > 80 && !line.startsWith("  $ "))).toEqual([]);
		}
	});
});
