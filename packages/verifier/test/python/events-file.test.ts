/** The events file of a spython without a launcher is renamed, deleted and replaced, and refusals repeat. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { withoutRefusals } from "../support.js";
import { describeEach, PYTHONS, Site } from "./support.js";

/** The program can load an unsigned file by number, and rotates its own log. */
const PROGRAM = `
import io, os, sys
log = sys.argv[1]
other = os.path.join(os.path.dirname(log), "victim")
def load(number):
    file = f"{log}.evil-{number}"
    if not os.path.exists(file):
        with open(file, "w") as out: out.write("evil()")
    try: io.open_code(file)
    except PermissionError: pass
def rotate(make):
    load(1)
    os.rename(log, log + ".1")
    make()
    load(2)
    load(3)
`;

const MAKES: Readonly<Record<string, string>> = {
	"a link": "os.symlink(other, log)",
	"a hard link": "os.link(other, log)",
	"a FIFO that nobody reads": "os.mkfifo(log)",
	"a directory": "os.mkdir(log)",
	"another user's file": "(open(log, 'w').close(), os.chown(log, 65534, 65534))",
	nothing: "None",
};

describeEach(PYTHONS.slice(0, 1), process.getuid?.() === 0)(
	"the events file of spython $version (as root)",
	(python) => {
		// Sanitizers find reads and writes outside of the table of refusals.
		const sites: Site[] = [];
		beforeAll(() => void sites.push(new Site(python), new Site(python, { sanitize: true })));

		let runs = 0;
		async function run(program: string, kind: number) {
			const site = sites[kind] as Site;
			site.write({ "main.py": PROGRAM + program });
			await site.sign();
			runs++;
			const log = join(site.root, `events-${runs}.jsonl`);
			writeFileSync(join(site.root, "victim"), "");
			const config = join(site.root, "verifier.json");
			const document = { version: 1, ...site.trusted, audit: { jsonLines: log, stderr: "off" } };
			writeFileSync(config, JSON.stringify(document), { mode: 0o600 });
			const { status, stderr } = site.run(["app/main.py", log], { options: ["--config", config] });
			return { log, status, stderr: withoutRefusals(stderr), victim: readFileSync(join(site.root, "victim"), "utf8") };
		}

		/** Returns the number of refusals for each unsigned file. */
		function refused(file: string): Record<string, number> {
			const found: Record<string, number> = {};
			for (const line of readFileSync(file, "utf8").split("\n").slice(0, -1)) {
				const { path, verdict, count = 1 } = JSON.parse(line);
				const [, number] = /\.evil-(.*)$/.exec(path) ?? [];
				if (number !== undefined && verdict === "refuse") found[number] = (found[number] ?? 0) + count;
			}
			return found;
		}

		it("is followed when it was renamed and made anew", async () => {
			const { log, status, stderr } = await run("rotate(lambda: open(log, 'w').close())", 0);
			expect([status, stderr]).toEqual([0, ""]);
			expect([refused(`${log}.1`), refused(log)]).toEqual([{ 1: 1 }, { 2: 1, 3: 1 }]);
		});

		it("is made again when it was deleted", async () => {
			const { log, stderr } = await run("load(1); os.unlink(log); load(2)", 0);
			expect([stderr, refused(log)]).toEqual(["", { 2: 1 }]);
		});

		// With O_DIRECT, and without O_APPEND, a file system writes no line, or writes it elsewhere.
		it.each(["os.O_APPEND | os.O_DIRECT", "os.O_APPEND", "0", "os.O_DIRECT"])(
			"is written though the program sets its flags to %s",
			async (flags) => {
				const program = `
import fcntl
for each in os.listdir("/proc/self/fd"):
    try: is_log = os.readlink("/proc/self/fd/" + each) == log
    except OSError: is_log = False
    if is_log: fcntl.fcntl(int(each), fcntl.F_SETFL, ${flags})
load(1); load(2)`;
				const { log, status, stderr } = await run(program, 0);
				expect([status, stderr, refused(log)]).toEqual([0, "", { 1: 1, 2: 1 }]);
			},
		);

		it.each(Object.entries(MAKES))("stays the old one if %s has its path, and that is said once", async (_, make) => {
			const { log, status, stderr, victim } = await run(`rotate(lambda: ${make})`, 0);
			expect([status, victim, refused(`${log}.1`)]).toEqual([0, "", { 1: 1, 2: 1, 3: 1 }]);
			expect(stderr.match(/^spython: ERR_AUDIT_SINK: Cannot write audit events to /gm)).toHaveLength(1);
			expect(readFileSync(`${log}.1`, "utf8").match(/"event":"verifier.detached","verdict":"record"/g)).toHaveLength(1);
		});

		it.each([
			["returns", "", 0],
			["calls sys.exit()", "sys.exit(3)", 3],
			["ends by an exception", "raise RuntimeError", 1],
			["is interrupted", "raise KeyboardInterrupt", null],
		])("has the number of repeated refusals when the program %s", async (_, end, expected) => {
			const { log, status } = await run(`for _ in range(300): load(1)\n${end}`, 0);
			expect([status, refused(log)]).toEqual([expected, { 1: 300 }]);
			expect(readFileSync(log, "utf8").match(/evil-1"/g)).toHaveLength(10);
		});

		it("has the number of each of 80 refusals, in any order, from threads and forked processes", async () => {
			const program = `
import random, threading
random.seed(16)
numbers = [number for number in range(80) for _ in range(20)]
random.shuffle(numbers)
def loads(part):
    for number in part: load(number)
threads = [threading.Thread(target=loads, args=(numbers[i::4],)) for i in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
loads([7, 7, 7, 7, 7, 7])
child = os.fork()
loads([8, 8, 8, 8, 8, 8])
if child != 0: os.waitpid(child, 0)
`;
			for (const kind of [0, 1]) {
				const { log, status, stderr } = await run(program, kind);
				expect(status, stderr).toBe(0);
				const expected = Object.fromEntries(Array.from({ length: 80 }, (_, number) => [number, 20]));
				expect(refused(log)).toEqual({ ...expected, 7: 26, 8: 32 });
			}
		});
	},
);
