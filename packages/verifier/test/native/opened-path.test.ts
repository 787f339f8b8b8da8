/** Opens files as spython and the addon do, while others try to make them believe in a wrong path. */

import {
	closeSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	realpathSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { execFileSync, spawnSync } from "../../../../test/outside.js";
import { compileC, shared } from "../compile-c.js";
import { hasCompiler, isRoot } from "../launch/support.js";

/** The words that make the program's openat2(2) answer like the kernel, or with an error. */
const WAYS = { kernel: [], ENOSYS: ["ENOSYS"], EPERM: ["EPERM"] } as const;
const ways = Object.keys(WAYS) as (keyof typeof WAYS)[];

/**
 * The outcomes of each function: `any` is open_with_real_path(), `strict` is open_without_links(). The others show that
 * an attack works: `ask` believes in every /proc, and `look` looks for the real path before it opens.
 */
type Outcomes = Readonly<Record<"any" | "strict" | "ask" | "look", readonly string[]>>;

interface Place {
	/** A command, to which the program's path and the words are appended. */
	readonly before?: readonly string[];
	readonly cwd?: string;
	/** Standard input. */
	readonly input?: number;
}

describe.skipIf(!hasCompiler)("opening a file with its real path (needs a C compiler)", () => {
	const tools = realpathSync(mkdtempSync(join(tmpdir(), "sigtool-open-files-")));
	const program = join(tools, "open-files");
	beforeAll(() => {
		const sources = shared("owned-file", "call-filter");
		compileC({ own: new URL("open-files.c", import.meta.url), sources, headers: "", output: program });
	});
	// rmSync() removes no path that is longer than the kernel takes.
	afterAll(() => void execFileSync("rm", ["-rf", tools]));

	let directory: string;
	const at = (path: string) => `${directory}/${path}`;
	beforeEach(() => {
		directory = realpathSync(mkdtempSync(join(tools, "tree-")));
		for (const [folder, content] of Object.entries({ good: "good", other: "evil" })) {
			mkdirSync(at(folder));
			writeFileSync(at(`${folder}/x`), `${content}\n`);
		}
		symlinkSync("other", at("linked"));
		symlinkSync("other/x", at("link"));
	});

	function run(words: readonly string[], { before = [], cwd = directory, input }: Place = {}): Outcomes {
		const [command = program, ...args] = [...before, program, ...words];
		const { status, stdout, stderr } = spawnSync(command, args, {
			cwd,
			stdio: [input ?? "ignore", "pipe", "pipe"],
			encoding: "latin1",
			// The search for leaks needs /proc and a descriptor. The program keeps no memory that could leak.
			env: { ...process.env, ASAN_OPTIONS: "detect_leaks=0" },
		});
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
		const lines = stdout.split("\0").slice(0, -1);
		const of = (name: string) =>
			lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
		return { any: of("any"), strict: of("strict"), ask: of("ask"), look: of("look") };
	}

	/** Opens each path once. Returns the outcomes without the numbers of calls. */
	function open(words: readonly string[], paths: readonly string[], place?: Place): Omit<Outcomes, "look"> {
		const { any, strict, ask } = run([...words, "open", ...paths], place);
		const withoutNumbers = (lines: readonly string[]) => lines.map((line) => line.replace(/, \d+$/, ""));
		return { any: withoutNumbers(any), strict: withoutNumbers(strict), ask: withoutNumbers(ask) };
	}

	describe.each(ways)("where openat2() answers as follows: %s", (way) => {
		const words = WAYS[way];

		it("knows the real path, and refuses every other path if there may be no link", () => {
			symlinkSync("none", at("dangling"));
			symlinkSync("endless", at("endless"));
			const good = `good at ${at("good/x")}`;
			const evil = `evil at ${at("other/x")}`;
			// The kernel stops at a link before it looks for the target.
			const noTarget = way === "kernel" ? "ELOOP" : "ENOENT";
			const cases: readonly [path: string, any: string, strict: string][] = [
				[at("good/x"), good, good],
				[at("good"), ` at ${at("good")}`, ` at ${at("good")}`],
				[at("none"), "ENOENT", "ENOENT"],
				[at("good/x/y"), "ENOTDIR", "ENOTDIR"],
				[at("link"), evil, "ELOOP"],
				[at("linked/x"), evil, "ELOOP"],
				[at("dangling"), "ENOENT", noTarget],
				[at("linked/none"), "ENOENT", noTarget],
				[at("endless"), "ELOOP", "ELOOP"],
				[at("other/../good/x"), good, "ELOOP"],
				[at("linked/../good/x"), good, "ELOOP"],
				[at("./good/x"), good, "ELOOP"],
				[at("good//x"), good, "ELOOP"],
				[`/${at("good/x")}`, good, "ELOOP"],
				[at("good/x/"), "ENOTDIR", "ELOOP"],
				[at("good/"), ` at ${at("good")}`, "ELOOP"],
				["/", " at /", "ELOOP"],
				["", "ENOENT", "ELOOP"],
				["good/x", good, "ELOOP"],
				[`/proc/self/root${at("good/x")}`, good, "ELOOP"],
				[`/proc/${process.pid}/root${at("good/x")}`, good, "ELOOP"],
				["/proc/self/cwd/good/x", good, "ELOOP"],
				["/proc/thread-self/cwd/link", evil, "ELOOP"],
				["/proc/self/fd/0", " at /dev/null", "ELOOP"],
			];
			const { any, strict } = open(
				words,
				cases.map(([path]) => path),
			);
			expect(cases.map(([path], i) => [path, any[i], strict[i]])).toEqual(cases);
		});

		it("opens a FIFO without waiting, a device, and no socket", async () => {
			execFileSync("mkfifo", [at("fifo")]);
			const server = createServer().listen(at("socket"));
			onTestFinished(() => void server.close());
			await new Promise((resolve) => server.once("listening", resolve));
			const { any, strict } = open(words, [at("fifo"), "/dev/null", at("socket")]);
			const expected = [` at ${at("fifo")}`, " at /dev/null", "ENXIO"];
			expect({ any, strict }).toEqual({ any: expected, strict: expected });
		});

		it("takes any byte in a name", () => {
			const name = 'a\nb\x01 "\xe9\xff';
			const octal = [...name].map((byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`).join("");
			const script = `name="$(printf '${octal}')"; echo good > "$name"; exec "$@" "$PWD/$name"`;
			const { any, strict } = open(words, [], { before: ["sh", "-ec", script, "sh"] });
			const expected = [`good at ${at(name)}`];
			expect({ any, strict }).toEqual({ any: expected, strict: expected });
		});

		it("knows the longest path that the kernel takes, and no longer one", () => {
			const longest = longDirectory(4093);
			writeFileSync(`${longest}/x`, "good\n");
			const opened = open(words, [`${longest}/x`, `${longest}/xy`, `${longest}${"/y".repeat(452)}`]);
			const expected = [`good at ${longest}/x`, "ENAMETOOLONG", "ENAMETOOLONG"];
			expect(opened).toMatchObject({ any: expected, strict: expected });
			// A relative path is short, although the real path is not.
			const parent = openSync(longest, "r");
			const names = ["y".repeat(250), "y".repeat(250)];
			mkdirSync(`/proc/self/fd/${parent}/${names.join("/")}`, { recursive: true });
			writeFileSync(`/proc/self/fd/${parent}/${names.join("/")}/x`, "good\n");
			closeSync(parent);
			const relative = open(words, [`${names.join("/")}/x`], { cwd: longest });
			expect(relative).toMatchObject({ any: ["good at ENAMETOOLONG"], strict: ["ELOOP"] });
		});

		it("opens nothing without a descriptor, and nothing below a directory that was removed", () => {
			const full = open([...words, "full"], [at("good/x")]);
			expect(full).toMatchObject({ any: ["EMFILE"], strict: ["EMFILE"] });
			const removed = open([...words, "removed"], ["x", "./x", "../x"]);
			const none = Array(3).fill("ENOENT");
			expect(removed).toMatchObject({ any: none, strict: Array(3).fill("ELOOP") });
		});

		it("says of a file that it was removed", () => {
			const input = openSync(at("good/x"), "r");
			unlinkSync(at("good/x"));
			const { any, strict } = open(words, ["/proc/self/fd/0"], { input });
			closeSync(input);
			expect({ any, strict }).toEqual({ any: [`good at ${at("good/x")} (deleted)`], strict: ["ELOOP"] });
		});

		it("takes no terminal", () => {
			const { any, strict, ask } = run([...words, "terminal"]);
			expect(ask).toEqual([expect.stringMatching(/took it$/)]);
			for (const outcome of [...any, ...strict]) expect(outcome).toMatch(/^ at \/dev\/pts\/\d+, \d$/);
		});

		it.skipIf(!isRoot)("needs /proc only where openat2() does not answer (needs root)", () => {
			const { any, strict } = open([...words, `root=${directory}`], ["/good/x", "/link", "/none"]);
			const isKernel = way === "kernel";
			expect(any).toEqual([isKernel ? "good at /good/x" : "good at ENOENT", "evil at ENOENT", "ENOENT"]);
			expect(strict).toEqual([isKernel ? "good at /good/x" : "ELOOP", "ELOOP", "ENOENT"]);
		});

		it.skipIf(!isRoot)("believes no links in the place of /proc (needs root)", () => {
			for (const self of ["self", "thread-self"]) {
				mkdirSync(at(`proc/${self}/fd`), { recursive: true });
				for (let file = 0; file < 16; file++) symlinkSync("/link", at(`proc/${self}/fd/${file}`));
			}
			const { any, strict, ask } = open([...words, `root=${directory}`], ["/link"]);
			expect({ any, strict, ask }).toEqual({
				any: ["evil at ENOENT"],
				strict: ["ELOOP"],
				ask: ["evil at /link"],
			});
		});

		it.skipIf(!isRoot)("believes no link to the /proc of another process (needs root)", () => {
			writeFileSync(at("innocent"), "good\n");
			for (const folder of ["proc", "kernel"]) mkdirSync(at(folder));
			// Another process has the innocent file under the numbers that the program gets.
			const script = `cd ${directory}; mount -t proc proc kernel
				sleep 600 3< innocent 4< innocent 5< innocent & ln -s /kernel/$! proc/thread-self
				"$@" || failed=$?; kill $!; exit $failed`;
			const before = ["unshare", "-m", "sh", "-ec", script, "sh"];
			const { any, strict, ask } = open([...words, `root=${directory}`], ["/link"], { before });
			expect({ any, strict, ask }).toEqual({
				any: ["evil at ENOENT"],
				strict: ["ELOOP"],
				ask: ["evil at /innocent"],
			});
		});

		it("is not deceived by a link that is exchanged for a directory", () => {
			const { any, strict, look } = run([...words, "exchange", at("good"), at("linked"), at("good/x")]);
			const moved = `good at ${at("linked/x")}`;
			expect([`good at ${at("good/x")}`, moved, `evil at ${at("other/x")}`]).toEqual(expect.arrayContaining([...any]));
			expect([...strict].sort()).toEqual(["ELOOP", `good at ${at("good/x")}`]);
			expect(look).toContain(`evil at ${at("good/x")}`);
		});

		it("is not deceived by a link that is exchanged for a file", () => {
			const link = at("absolute");
			symlinkSync(at("other/x"), link);
			const { any, strict, look } = run([...words, "exchange", at("good/x"), link, at("good/x")]);
			const moved = `good at ${link}`;
			expect([`good at ${at("good/x")}`, moved, `evil at ${at("other/x")}`]).toEqual(expect.arrayContaining([...any]));
			expect([...strict].sort()).toEqual(["ELOOP", `good at ${at("good/x")}`]);
			expect(look).toContain(`evil at ${at("good/x")}`);
		});

		it.skipIf(!isRoot)("knows where a mount is that is moved (needs root)", () => {
			mkdirSync(at("second"));
			const moving = ["move", at("other"), at("good"), at("second"), at("good/x")];
			const { any, strict } = run([...words, ...moving], { before: ["unshare", "-m"] });
			const here = [`good at ${at("good/x")}`, `evil at ${at("good/x")}`];
			expect([...here, `evil at ${at("second/x")}`]).toEqual(expect.arrayContaining([...any]));
			expect([...here, "ELOOP"]).toEqual(expect.arrayContaining([...strict]));
		});
	});

	/** Makes directories so that the path of the last one has this many bytes. */
	function longDirectory(bytes: number): string {
		let path = directory;
		while (path.length < bytes) {
			const left = bytes - path.length - 1;
			path += `/${"d".repeat(left > 200 ? Math.min(200, left - 2) : left)}`;
		}
		mkdirSync(path, { recursive: true });
		return path;
	}

	it("opens a second time only for a link, and where openat2() cannot be used", () => {
		const paths = ["good/x", "none", "good/x/y", "link", "linked/none", "good//x"].map(at);
		const numbers = (words: readonly string[]) => {
			const { any, strict } = run([...words, "open", ...paths]);
			return [any, strict].map((lines) => lines.map((line) => Number(line.slice(line.lastIndexOf(" ")))));
		};
		expect(numbers(WAYS.kernel)).toEqual([
			[1, 1, 1, 2, 2, 1],
			[1, 1, 1, 1, 1, 0],
		]);
		// The kernel is asked once whether it has the call.
		expect(numbers(WAYS.ENOSYS)).toEqual([
			[2, 1, 1, 1, 1, 1],
			[1, 1, 1, 1, 1, 0],
		]);
		// An answer about one file may not be that about another.
		expect(numbers(WAYS.EPERM)).toEqual([
			[2, 2, 2, 2, 2, 1],
			[2, 2, 2, 2, 2, 0],
		]);
	});
});
