/**
 * The story of a log that is rotated: every refusal of a running service is in one of its files, once, and the service
 * can do nothing else with these files than before. Repeated refusals are counted.
 */

import {
	chmodSync,
	chownSync,
	closeSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readLog } from "../../packages/verifier/test/launch/chain.js";
import { withoutRefusals } from "../../packages/verifier/test/support.js";
import { programOf } from "../host/host.js";
import { RUNTIMES } from "../host/runtimes.js";
import { type ChildProcessWithoutNullStreams, hasProgram, spawnSync } from "../outside.js";
import { canOperate, Service } from "./service.js";

const SNIPPET = readFileSync(fileURLToPath(new URL("../../examples/deploy/logrotate", import.meta.url)), "utf8");
const canRotate = hasProgram("logrotate");

const PROGRAMS = "/var/lib/sigtool-operations-programs";

/** The user of the service: nobody. */
const USER = 65534;
const AS_USER = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];

type Kind = "node" | "python";

/** Loads one unsigned file after the other until SIGTERM, and prints their number. */
const REFUSES: Readonly<Record<Kind, string>> = {
	node: `
		const { unlinkSync, writeFileSync } = require("node:fs");
		let number = 0;
		function load() {
			const file = \`DATA/evil-\${number++}.js\`;
			writeFileSync(file, "evil()");
			try { require(file); } catch {}
			unlinkSync(file);
		}
		console.log("ready");
		setInterval(() => { for (let i = 0; i < 5; i++) load(); }, 5);
		process.on("SIGTERM", () => { console.log(number); process.exit(0); });`,
	python: `
import io, os, signal, sys, time
number = 0
def stop(*_):
    global stopped
    stopped = True
stopped = False
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while not stopped:
    file = f"DATA/evil-{number}.py"
    number += 1
    with open(file, "w") as out: out.write("evil()")
    try: io.open_code(file)
    except PermissionError: pass
    os.unlink(file)
    time.sleep(0.001)
print(number)`,
};

const SERVES: Readonly<Record<Kind, string>> = { node: "console.log('serving')", python: "print('serving')" };

/** Overwrites a file as soon as it is there, and prints what came of it. */
const WAITS: Readonly<Record<Kind, string>> = {
	node: `
		const fs = require("node:fs");
		console.log("ready");
		const timer = setInterval(() => {
			if (!fs.existsSync(process.argv[2])) return;
			clearInterval(timer);
			try { fs.writeSync(fs.openSync(process.argv[2], "r+"), "X", 0); } catch {}
			try { fs.truncateSync(process.argv[2], 1); } catch {}
			console.log("done");
		}, 5);`,
	python: `
import os, sys, time
print("ready", flush=True)
while not os.path.exists(sys.argv[1]): time.sleep(0.005)
try: os.pwrite(os.open(sys.argv[1], os.O_RDWR), b"X", 0)
except OSError: pass
try: os.truncate(sys.argv[1], 1)
except OSError: pass
print("done")`,
};

/** Loads the same unsigned file 300 times. */
const REPEATS: Readonly<Record<Kind, string>> = {
	node: `
		require("node:fs").writeFileSync("DATA/evil.js", "evil()");
		for (let i = 0; i < 300; i++) try { require("DATA/evil.js"); } catch {}`,
	python: `
import io, os, sys
with open("DATA/evil.py", "w") as out: out.write("evil()")
def load(times):
    for _ in range(times):
        try: io.open_code("DATA/evil.py")
        except PermissionError: pass
load(290)
child = os.fork()
load(10)
if child != 0: os.waitpid(child, 0)
sys.exit(0)`,
};

/** Attacks the file of events that the first argument names, in each way or in the one that the second names. */
const ATTACKS: Readonly<Record<Kind, string>> = {
	node: `
		const fs = require("node:fs");
		const [events, only] = process.argv.slice(2);
		const directory = require("node:path").dirname(events);
		const attacks = {
			truncate: () => fs.truncateSync(events),
			ftruncate: () => fs.ftruncateSync(fs.openSync(events, "r+")),
			O_TRUNC: () => fs.openSync(events, "w"),
			"ftruncate of its own descriptor": () => {
				for (const number of fs.readdirSync("/proc/self/fd")) {
					let file;
					try { file = fs.readlinkSync("/proc/self/fd/" + number); } catch { continue; }
					if (file === events) return fs.ftruncateSync(Number(number), 1);
				}
				throw new Error("not open");
			},
			create: () => fs.writeFileSync(directory + "/new", ""),
			mkdir: () => fs.mkdirSync(directory + "/newer"),
			symlink: () => fs.symlinkSync("/etc/passwd", directory + "/link"),
			link: () => fs.linkSync(events, directory + "/hard"),
			"link elsewhere": () => fs.linkSync(events, "DATA/hard"),
			rename: () => fs.renameSync(events, directory + "/renamed"),
			"rename over it": () => { fs.writeFileSync("DATA/fake", ""); fs.renameSync("DATA/fake", events); },
			"rename of the directory": () => fs.renameSync(directory, directory + "-moved"),
			"overwrite rotated": () => fs.writeSync(fs.openSync(directory + "-rotated/old", "r+"), "x", 0),
			overwrite: () => fs.writeSync(fs.openSync(events, "r+"), "XXXX", 0),
			unlink: () => fs.unlinkSync(events),
		};
		for (const [name, attack] of Object.entries(attacks)) {
			if (only === undefined || only === name) try { attack(); console.log(name); } catch {}
		}`,
	python: `
import os, sys
events = sys.argv[1]
directory = os.path.dirname(events)
def own():
    for number in os.listdir("/proc/self/fd"):
        try: file = os.readlink("/proc/self/fd/" + number)
        except OSError: continue
        if file == events: return os.ftruncate(int(number), 1)
    raise OSError("not open")
def replace():
    open("DATA/fake", "w").close()
    os.rename("DATA/fake", events)
attacks = {
    "truncate": lambda: os.truncate(events, 0),
    "ftruncate": lambda: os.ftruncate(os.open(events, os.O_RDWR), 0),
    "O_TRUNC": lambda: open(events, "w"),
    "ftruncate of its own descriptor": own,
    "create": lambda: open(directory + "/new", "w"),
    "mkdir": lambda: os.mkdir(directory + "/newer"),
    "symlink": lambda: os.symlink("/etc/passwd", directory + "/link"),
    "link": lambda: os.link(events, directory + "/hard"),
    "link elsewhere": lambda: os.link(events, "DATA/hard"),
    "rename": lambda: os.rename(events, directory + "/renamed"),
    "rename over it": replace,
    "rename of the directory": lambda: os.rename(directory, directory + "-moved"),
    "overwrite rotated": lambda: os.pwrite(os.open(directory + "-rotated/old", os.O_RDWR), b"x", 0),
    "overwrite": lambda: os.pwrite(os.open(events, os.O_RDWR), b"XXXX", 0),
    "unlink": lambda: os.unlink(events),
}
for name, attack in attacks.items():
    if name not in (sys.argv[2:] or attacks): continue
    try: attack()
    except OSError: continue
    print(name)`,
};

const ATTACK_NAMES = [...(ATTACKS.python.split("attacks = {")[1] ?? "").matchAll(/^ {4}"([^"]+)":/gm)].map(
	([, name]) => name ?? "",
);

type Line = Readonly<Record<string, unknown>> & { readonly count?: number };

describe.skipIf(!canOperate).each(RUNTIMES)(
	"the log of a service, $name (as root, with the launcher built)",
	(runtime) => {
		const { kind } = runtime;
		let service: Service;
		let running: ChildProcessWithoutNullStreams[] = [];
		const events = () => service.at("log/audit.jsonl");
		const rotated = () => service.at("log-rotated");

		beforeAll(() => {
			service = new Service({ ...runtime, program: publicProgram() });
			chmodSync(service.directory, 0o755);
			chownSync(service.at("data"), USER, USER);
			configure(true);
		});
		afterAll(() => rmSync(PROGRAMS, { recursive: true, force: true }));
		beforeEach(() => {
			for (const directory of [service.at("log"), rotated()]) rmSync(directory, { recursive: true, force: true });
			mkdirSync(service.at("log"));
			writeFileSync(events(), "");
			chownSync(events(), 0, USER);
			chmodSync(events(), 0o620);
		});
		afterEach(() => {
			for (const child of running) child.kill("SIGKILL");
			running = [];
		});

		/** Copies a Node.js that only root can reach. */
		function publicProgram(): string {
			const program = programOf(runtime);
			if (program.startsWith("/usr/")) return program;
			mkdirSync(PROGRAMS, { recursive: true });
			copyFileSync(program, `${PROGRAMS}/node`);
			return `${PROGRAMS}/node`;
		}

		/** Installs the launcher with or without a collector of events. */
		function configure(collector: boolean): void {
			service.configure({ onRefusal: "throw", audit: { jsonLines: events(), collector, stderr: "off" } });
			service.install();
		}

		function ship(text: string): void {
			writeFileSync(service.script, text.replaceAll("DATA", service.at("data")));
			service.ship();
		}

		/** Starts the service as its user, and waits until it loads. Returns what ends it, and what it wrote. */
		async function started(before = AS_USER, args: string[] = []) {
			const child = service.launch({ before, args });
			running.push(child);
			const said = { stdout: "", stderr: "" };
			for (const name of ["stdout", "stderr"] as const) {
				child[name].on("data", (bytes) => {
					said[name] += bytes;
				});
			}
			const ended = new Promise((done) => child.on("close", done));
			await expect.poll(() => said.stdout, { message: said.stderr }).toBe("ready\n");
			const end = async () => {
				child.kill("SIGTERM");
				await ended;
				return Number(said.stdout.split("\n")[1]);
			};
			return { said, end, ended };
		}

		/** Writes the snippet of the documentation, for this service's files. */
		function rotate(change = (text: string) => text): void {
			const text = SNIPPET.replaceAll("/var/log/sigtool-rotated", rotated()).replaceAll(
				"/var/log/sigtool/audit.jsonl",
				events(),
			);
			writeFileSync(service.at("logrotate"), change(text), { mode: 0o644 });
			const args = ["--force", "--state", service.at("logrotate.state"), service.at("logrotate")];
			const { status, stderr } = spawnSync("logrotate", args, { encoding: "utf8" });
			expect([status, stderr]).toEqual([0, ""]);
		}

		/** Returns the lines of every file of events. */
		function lines(): Line[] {
			const files = [service.at("log"), rotated()].flatMap((directory) =>
				existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [],
			);
			return files.flatMap((file) => {
				const bytes = readFileSync(file);
				return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes)
					.toString()
					.split("\n")
					.slice(0, -1)
					.map((line) => JSON.parse(line));
			});
		}

		/** Returns the numbers of the files that were refused, in order. */
		function refused(all = lines()): number[] {
			const found = all.flatMap(({ path, verdict, event }) => {
				const [, number] = (event === "module.open_code" && /\/evil-(\d+)\./.exec(`${path}`)) || [];
				return number !== undefined && verdict === "refuse" ? [Number(number)] : [];
			});
			return found.sort((a, b) => a - b);
		}
		const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);
		/** Waits until the service has written to the file that has the path. */
		const isUsed = () => expect.poll(() => readFileSync(events(), "utf8")).toContain("/evil-");
		const complains = (said: { readonly stderr: string }) => expect.poll(() => said.stderr).toContain("ERR_AUDIT_SINK");

		describe.skipIf(!canRotate)("while logrotate works", () => {
			beforeAll(() => ship(REFUSES[kind]));

			it("has each refusal once, in a directory of root's", async () => {
				const { said, end } = await started();
				for (let i = 0; i < 8; i++) {
					await isUsed();
					rotate();
				}
				await isUsed();
				await expect.poll(() => refused().length).toBeGreaterThan(100);
				const count = await end();
				expect(withoutRefusals(said.stderr)).toBe("");
				expect(readdirSync(rotated()).sort()).toContain("audit.jsonl.8.gz");
				expect(refused()).toEqual(numbers(count));
				// The service went over to each file.
				expect(readFileSync(events(), "utf8")).not.toBe("");
				expect(readFileSync(join(rotated(), "audit.jsonl.1"), "utf8")).not.toBe("");
			});

			it("has each refusal once, in a directory of the service's user, which LogsDirectory= makes", async () => {
				rmSync(events());
				chownSync(service.at("log"), USER, USER);
				const { said, end } = await started();
				for (let i = 0; i < 4; i++) {
					await isUsed();
					rotate();
				}
				await isUsed();
				const count = await end();
				expect(withoutRefusals(said.stderr)).toBe("");
				expect(refused()).toEqual(numbers(count));
				expect(readFileSync(events(), "utf8")).not.toBe("");
			});

			it("has each refusal once in files that are append-only", async (context) => {
				const flag = (sign: string) => spawnSync("chattr", [`${sign}a`, events()]).status === 0;
				if (!flag("+")) return context.skip("no chattr +a here");
				const { end } = await started();
				for (let i = 0; i < 4; i++) {
					await isUsed();
					rotate((text) => text.replaceAll(/^\t#(?=\t|prerotate|postrotate|endscript)/gm, "\t"));
				}
				await isUsed();
				const count = await end();
				expect(spawnSync("lsattr", [events()], { encoding: "utf8" }).stdout).toMatch(/^-+a/);
				expect(flag("-")).toBe(true);
				expect(refused()).toEqual(numbers(count));
				expect(readFileSync(events(), "utf8")).not.toBe("");
			});

			it("goes over to the new file although the directory holds other files", async () => {
				expect(service.check().stdout).toMatch(/^ok +events .*, which only a collector writes$/m);
				writeFileSync(service.at("log/other"), "");
				const { said, end } = await started();
				await isUsed();
				rotate();
				await isUsed();
				const count = await end();
				rmSync(service.at("log/other"));
				expect(withoutRefusals(said.stderr)).toBe("");
				expect(refused()).toEqual(numbers(count));
				expect(readLog(join(rotated(), "audit.jsonl.1"), events())).toMatchObject({ broken: [], unchained: [] });
			});

			it("goes on in the old file, and says so, if the directory holds other files and there is no collector", async () => {
				configure(false);
				expect(service.check().stdout).toMatch(/^note +events .*can overwrite what it wrote/m);
				writeFileSync(service.at("log/other"), "");
				expect(service.check()).toMatchObject({
					status: 0,
					stdout: expect.stringMatching(/^note +events .*cannot open it again after a rotation/m),
				});
				const { said, end } = await started();
				rotate();
				await complains(said);
				const count = await end();
				configure(true);
				rmSync(service.at("log/other"));
				expect(refused()).toEqual(numbers(count));
				expect(readFileSync(events(), "utf8")).toBe("");
				expect(said.stderr.match(/ERR_AUDIT_SINK.*: permission denied/gi)).toHaveLength(1);
				expect(lines().filter(({ event }) => event === "verifier.detached")).toMatchObject([
					{ verdict: "record", path: events(), reason: "ERR_AUDIT_SINK" },
				]);
			});

			it("says so at once when the next refusal comes if nobody made a new file", async () => {
				const { said, end } = await started();
				rotate((text) => text.replace(/\tcreate$/m, "\tnocreate"));
				await complains(said);
				const count = await end();
				expect(refused()).toEqual(numbers(count));
				expect(said.stderr.match(/ERR_AUDIT_SINK.*no such file/gi)).toHaveLength(1);
			});

			it("goes on in the same file after copytruncate", async () => {
				const { said, end } = await started();
				rotate((text) => text.replace(/\tcreate$/m, "\tcopytruncate"));
				await isUsed();
				const count = await end();
				expect(withoutRefusals(said.stderr)).toBe("");
				const found = refused();
				expect(new Set(found).size).toBe(found.length);
				expect(found.at(-1)).toBe(count - 1);
			});

			it("says that a deleted file is lost, and reports how many events it lost", async () => {
				const { said, end } = await started();
				const deleted = openSync(events(), "r");
				rmSync(events());
				await complains(said);
				writeFileSync(events(), "");
				chmodSync(events(), 0o666);
				await isUsed();
				const count = await end();
				expect(said.stderr.match(/ERR_AUDIT_SINK.*no such file/gi)).toHaveLength(1);
				expect(refused().at(-1)).toBe(count - 1);
				const before = readFileSync(deleted, "utf8").match(/evil-\d+/g)?.length ?? 0;
				closeSync(deleted);
				if (kind !== "python") return;
				const dropped = lines().filter(({ event }) => event === "verifier.dropped");
				const sum = dropped.reduce((total, { count = 0 }) => total + count, 0);
				expect(sum).toBe(count - before - refused().length);
			});
		});

		describe.skipIf(!canRotate)("while logrotate works, at a start", () => {
			beforeAll(() => ship(SERVES[kind]));

			it("has each start that was verified", async () => {
				const children = [];
				for (let i = 0; i < 12; i++) {
					children.push(service.launch({ before: AS_USER }));
					rotate();
				}
				running.push(...children);
				const statuses = await Promise.all(
					children.map((child) => new Promise((done) => child.on("close", (status) => done(status)))),
				);
				for (const status of statuses) expect([0, 75]).toContain(status);
				// Node.js 20 has a thread for the loader, which starts the verifier too.
				const starts = lines().filter(({ event, verdict }) => event === "verifier.start" && verdict === "allow");
				expect(new Set(starts.map(({ pid }) => pid)).size).toBe(statuses.filter((status) => status === 0).length);
			});

			it("is tried again if the new file is not there yet, and this user cannot make it", () => {
				rmSync(events());
				expect(service.start({ before: AS_USER })).toMatchObject({ status: 75, stdout: "" });
			});

			it("is refused if this user may not append to the file", () => {
				chmodSync(events(), 0o600);
				expect(service.start({ before: AS_USER })).toMatchObject({ status: 126, stdout: "" });
			});
		});

		it("has the number of repeated refusals, in few lines", () => {
			ship(REPEATS[kind]);
			const { status, stderr } = service.start({ before: AS_USER });
			expect(status, stderr).toBe(0);
			const found = lines().filter(({ path }) => /\/evil\.\w+$/.test(`${path}`));
			const sum = found.reduce((total, { count = 1 }) => total + count, 0);
			expect(sum).toBe(kind === "python" ? 310 : 300);
			expect(found.length).toBeLessThan(20);
		});

		describe("which the program attacks as root", () => {
			beforeAll(() => ship(ATTACKS[kind]));
			beforeEach(() => {
				mkdirSync(rotated());
				writeFileSync(join(rotated(), "old"), "evidence");
			});

			it.each(ATTACK_NAMES)("would lose by %s without the launcher", (name) => {
				writeFileSync(events(), "evidence\n");
				// Neither attack works without a file that is open.
				if (name === "ftruncate of its own descriptor") return;
				const args = [service.script, events(), name];
				expect(spawnSync(programOf(runtime), args, { encoding: "utf8" }).stdout).toBe(`${name}\n`);
				rmSync(service.at("log-moved"), { recursive: true, force: true });
				for (const file of ["hard", "fake"]) rmSync(service.at(`data/${file}`), { force: true });
			});

			it.each([
				["only what is overwritten in the file itself", false, "overwrite\n"],
				["nothing where a collector writes", true, ""],
			])("loses %s", (_, collector, expected) => {
				configure(collector);
				const { status, stdout, stderr } = service.start({ args: [events()] });
				configure(true);
				expect([status, stdout], stderr).toEqual([0, expected]);
				expect(readdirSync(service.at("log"))).toEqual(["audit.jsonl"]);
				expect(readFileSync(join(rotated(), "old"), "utf8")).toBe("evidence");
				if (collector) expect(readLog(events())).toMatchObject({ broken: [], unchained: [], beginnings: [1] });
			});

			it("is no way to the other files of its directory", () => {
				writeFileSync(service.at("log/other"), "other");
				const text = ATTACKS[kind].replaceAll("-rotated/old", "/other");
				ship(text);
				for (const [collector, expected] of [
					[false, "overwrite\n"],
					[true, ""],
				] as const) {
					configure(collector);
					const { stdout } = service.start({ args: [events()] });
					expect([stdout, readFileSync(service.at("log/other"), "utf8")]).toEqual([expected, "other"]);
				}
				ship(ATTACKS[kind]);
			});

			it.each([
				["a way to overwrite, not to truncate,", false, "Xater"],
				["no way to change, where a collector writes,", true, "later"],
			])("is %s what somebody puts into its directory later", async (_, collector, expected) => {
				configure(collector);
				ship(WAITS[kind]);
				const later = service.at("log/later");
				const { said, ended } = await started([], [later]);
				writeFileSync(`${later}.new`, "later");
				renameSync(`${later}.new`, later);
				await ended;
				configure(true);
				ship(ATTACKS[kind]);
				expect([said.stdout, readFileSync(later, "utf8")]).toEqual(["ready\ndone\n", expected]);
			});

			it("loses nothing if the file is append-only", (context) => {
				if (spawnSync("chattr", ["+a", events()]).status !== 0) return context.skip("no chattr +a here");
				configure(false);
				const { status, stdout, stderr } = service.start({ args: [events()] });
				configure(true);
				spawnSync("chattr", ["-a", events()]);
				expect([status, stdout], stderr).toEqual([0, ""]);
			});
		});
	},
);
