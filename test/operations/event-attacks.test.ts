/**
 * A hostile program against the way of its events, under the launcher as root: it may add lines about itself, and can
 * neither change nor remove one that was written, nor end unseen the process that writes.
 */

import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { readLog } from "../../packages/verifier/test/launch/chain.js";
import { isRunning } from "../../packages/verifier/test/launch/collected.js";
import { RUNTIMES } from "../host/runtimes.js";
import { type ChildProcess, spawn, spawnSync } from "../outside.js";
import {
	EVENT_ATTACKS,
	FORGERIES,
	ON_FILE,
	ON_PROCESS,
	ON_PROCESS_BY_PYTHON,
	ON_QUEUE_BY_PYTHON,
	ON_WAY,
	ON_WAY_BY_PYTHON,
	REFUSED_LATER,
	SHUT_DOWN,
} from "./event-attacks.js";
import { canOperate, Service } from "./service.js";

const WAITS = {
	node: "console.log('ready'); setInterval(() => {}, 1000);",
	python: "import time\nprint('ready', flush=True)\nwhile True: time.sleep(1)",
} as const;
const EVIDENCE = `${JSON.stringify({ event: "evidence" })}\n`;

describe.skipIf(!canOperate).each(RUNTIMES.filter(({ name }) => name !== "Node.js 20"))(
	"a hostile program and its events, $name (as root, with the launcher built)",
	(runtime) => {
		const { kind, program = "" } = runtime;
		const isPython = kind === "python";
		let service: Service;
		let children: ChildProcess[] = [];
		let collectors: number[] = [];
		const events = () => service.at("log/audit.jsonl");
		const script = (name: string) => service.at(`app/${name}.${isPython ? "py" : "js"}`);

		beforeAll(() => {
			service = new Service(runtime);
			service.configure({ onRefusal: "throw", audit: { jsonLines: events(), stderr: "off" } });
			service.install();
			const programs = { main: EVENT_ATTACKS[kind], waits: WAITS[kind], later: REFUSED_LATER[kind], down: SHUT_DOWN };
			for (const [name, text] of Object.entries(programs))
				writeFileSync(script(name), text.replaceAll("DATA", service.at("data")));
			service.ship();
		});
		afterEach(() => {
			for (const child of children) child.kill("SIGKILL");
			children = [];
			// One that an attack has stopped does not end by itself.
			spawnSync("sh", ["-c", `kill -KILL ${collectors.filter(isRunning).join(" ")}`]);
			collectors = [];
			rmSync(service.at("log"), { recursive: true, force: true });
			mkdirSync(service.at("log"));
		});

		/** Runs the attack under the launcher. Returns what it printed first. */
		function attacked(name: string): string {
			const { stdout, stderr, status } = service.start({ args: [events(), name] });
			expect(status, stderr).toBe(0);
			if (isPython) expect(stdout.split("\n")[1]).toBe("no child");
			return stdout.split("\n")[0] ?? "";
		}

		/** Returns how often the refusals before and after the attack are in the log, whose chain must be sound. */
		function refusals(): readonly number[] {
			const log = readLog(events());
			expect(log).toMatchObject({ broken: [], unchained: [], beginnings: [1] });
			expect(log.lines[0]).toMatchObject({ event: "log.begin" });
			const count = (name: string) =>
				log.lines.filter(({ path, verdict }) => verdict === "refuse" && `${path}`.includes(`/${name}.`)).length;
			return [count("before"), count("after")];
		}

		it.each(ON_FILE)("%s: would change a file that the program may write", (name) => {
			writeFileSync(events(), EVIDENCE);
			const command = 'file=$1; shift; exec 5<>"$file"; exec "$@"';
			const args = ["-c", command, "sh", events(), program, service.script, events(), name, "1"];
			expect(spawnSync("sh", args, { encoding: "utf8" }).stdout).toMatch(/^worked\n/);
			const isLinked = name === "link" && existsSync(`${events()}.gone`);
			expect(isLinked || !existsSync(events()) || readFileSync(events(), "utf8") !== EVIDENCE).toBe(true);
		});

		it.each(ON_FILE)("%s: does nothing under the launcher", (name) => {
			expect(attacked(name)).not.toBe("worked");
			expect(refusals()).toEqual([1, 1]);
		});

		it.each(FORGERIES)("%s: would break a file that the program may write", (name) => {
			writeFileSync(events(), EVIDENCE);
			const command = 'file=$1; shift; exec 5>>"$file"; exec "$@"';
			const args = ["-c", command, "sh", events(), program, service.script, events(), name, "1"];
			expect(spawnSync("sh", args, { encoding: "utf8" }).stdout).toMatch(/^worked\n/);
			appendFileSync(events(), EVIDENCE);
			expect(readLog(events()).unchained.length).toBeGreaterThan(1);
		});

		it.each(FORGERIES)("%s: is a marked record under the launcher", (name) => {
			attacked(name);
			expect(refusals()).toEqual([1, 1]);
			const { lines } = readLog(events());
			expect(lines.filter(({ event }) => event === "forged")).toEqual([]);
			if (name !== "write a huge line") expect(lines.some(({ event }) => event === "log.malformed")).toBe(true);
		});

		/** Starts a service, and returns the number of its collector. */
		async function startedCollector(): Promise<number> {
			const child = service.launch({ script: script("waits") });
			children.push(child);
			await new Promise((done) => child.stdout.once("data", done));
			const found = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
			collectors.push(Number(found[0]));
			return Number(found[0]);
		}

		describe("against the collector", () => {
			const attacks = isPython ? [...ON_PROCESS, ...ON_PROCESS_BY_PYTHON] : ON_PROCESS;

			it.each(attacks)("%s: would work without the launcher", async (name) => {
				const pid = await startedCollector();
				const outside = spawn(program, [service.script, events(), name, String(pid)]);
				children.push(outside);
				let said = "";
				outside.stdout.on("data", (bytes) => {
					said += bytes;
				});
				await expect.poll(() => said !== "" || !isRunning(pid)).toBe(true);
				if (isRunning(pid)) expect(said).toMatch(/^worked/);
			});

			it.each(attacks)("%s: does nothing under the launcher", (name) => {
				expect(attacked(name)).not.toBe("worked");
				expect(refusals()).toEqual([1, 1]);
			});
		});

		it.each(isPython ? [...ON_WAY, ...ON_WAY_BY_PYTHON] : ON_WAY)("%s: keeps no refusal out of the log", (name) => {
			const said = attacked(name);
			if (name !== "exhaust descriptors" && name !== "close a range") expect(said).not.toBe("worked");
			expect(refusals()).toEqual([1, 1]);
		});

		const tryQueue = isPython ? it : undefined;
		tryQueue?.each(ON_QUEUE_BY_PYTHON)("%s: keeps no refusal out of the log", (name) => {
			attacked(name);
			expect(refusals()).toEqual([1, 1]);
		});

		it("refuses, and goes on with nothing, when the collector was killed", async () => {
			const child = service.launch({ script: script("later") });
			children.push(child);
			let said = "";
			for (const stream of [child.stdout, child.stderr])
				stream.on("data", (bytes) => {
					said += bytes;
				});
			const ended = new Promise((done) => child.on("close", done));
			await expect.poll(() => said).toContain("ready");
			const [collector] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
			process.kill(Number(collector), "SIGKILL");
			child.stdin.write("load\n");
			expect(await ended).toBe(126);
			expect(said).toContain("ERR_AUDIT_SINK");
		});

		// Node.js cannot send a descriptor to itself.
		const tryShutDown = isPython ? it : undefined;
		tryShutDown?.("leaves a line when the program shuts its way down, and ends with the next refusal", () => {
			const { status, stderr } = service.start({ script: script("down") });
			expect(status, stderr).toBe(126);
			expect(stderr).toContain("ERR_AUDIT_SINK: Cannot go on: the collector of events does not answer");
			const log = readLog(events());
			expect(log).toMatchObject({ broken: [], unchained: [], beginnings: [1] });
			expect(log.lines.at(-1)).toMatchObject({ event: "log.abandoned", verdict: "record" });
		});
	},
);
