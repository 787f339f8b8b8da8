/**
 * The story of faults that pass: under the units of the documentation a service comes up by itself when the fault has
 * passed, and stays down, with an alert, when it was refused.
 */

import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { StartOptions } from "../host/host.js";
import { RUNTIMES } from "../host/runtimes.js";
import { spawnSync } from "../outside.js";
import { unmountAtEnd } from "../unmount-at-end.js";
import { canOperate, Service } from "./service.js";
import { parseUnit, supervise } from "./supervisor.js";

/** A fault. Returns the function that makes it pass. */
type Fault = (service: Service) => () => void;

/** Makes a file vanish. */
function without(file: (service: Service) => string): Fault {
	return (service) => {
		const undo = service.saved(file(service));
		rmSync(file(service));
		return undo;
	};
}

/** Changes a file. */
function altered(file: (service: Service) => string, change: (file: string) => void): Fault {
	return (service) => {
		const undo = service.saved(file(service));
		change(file(service));
		return undo;
	};
}

/** Mounts a file system for the events that is full. It has an empty file of events, or no room for one. */
function fullDisk(hasFile: boolean): Fault {
	return (service) => {
		const log = service.at("log");
		const options = "mode=755,nosuid,size=8k,nr_inodes=4";
		expect(spawnSync("mount", ["-t", "tmpfs", "-o", options, "none", log]).status).toBe(0);
		unmountAtEnd(log);
		if (hasFile) writeFileSync(`${log}/events.jsonl`, "");
		spawnSync("sh", ["-c", `cat /dev/zero > ${log}/filler; for i in 1 2 3; do : > ${log}/more$i; done`]);
		return () => expect(spawnSync("umount", [log]).status).toBe(0);
	};
}

const index = ({ index }: Service) => index;
const config = ({ config }: Service) => config;
const sizeOf = (file: string) => readFileSync(file).length;
const halfOf = (file: string) => Math.floor(sizeOf(file) / 2);

/** Faults that pass when a file is as it was. */
const FAULTS: Readonly<Record<string, Fault>> = {
	"no room for a file of events": fullDisk(false),
	"a clock before the release": (service) => service.installLaterRelease(),
	"an index that is half copied": altered(index, (file) => truncateSync(file, halfOf(file))),
	"an index whose signature is half copied": altered(index, (file) => truncateSync(file, sizeOf(file) - 100)),
	"an index of which ten bytes are copied": altered(index, (file) => truncateSync(file, 10)),
	"an index of which nothing is copied": altered(index, (file) => truncateSync(file, 0)),
	"an index that is not there": without(index),
	"a configuration that is not there": without(config),
	"a configuration that is empty": altered(config, (file) => truncateSync(file, 0)),
	"a configuration that is half written": altered(config, (file) => truncateSync(file, halfOf(file))),
	"a policy that is half written": (service) => {
		const undo = service.saved(service.config);
		writeFileSync(service.at("policy.json"), '{"version":1,"mode":');
		service.configure({ policy: service.at("policy.json") });
		return undo;
	},
	"a launcher.conf that is not there": without(({ conf }) => conf),
	"a launcher.conf that is empty": altered(
		({ conf }) => conf,
		(file) => truncateSync(file, 0),
	),
	"a hook that is not there": without(({ hook }) => hook),
};

/** Faults of the process in which the launcher is started. */
const SURROUNDINGS: Readonly<Record<string, StartOptions>> = {
	"no /proc": { before: ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"] },
	"no descriptors above 4": { before: ["prlimit", "--nofile=5", "--"] },
};

const REFUSALS: Readonly<Record<string, Fault>> = {
	"a changed script": altered(
		({ script }) => script,
		(file) => writeFileSync(file, "print('evil')\n"),
	),
	"a changed hook": altered(
		({ hook }) => hook,
		(file) => writeFileSync(file, "evil"),
	),
	"a changed index": altered(index, (file) => {
		const bytes = readFileSync(file);
		bytes[60] = (bytes[60] ?? 0) ^ 1;
		writeFileSync(file, bytes);
	}),
	"an index of nothing that begins like one": altered(index, (file) => writeFileSync(file, "evil")),
	"a configuration with a member that is unknown": altered(config, (file) =>
		writeFileSync(file, '{"version":1,"a":1}'),
	),
	"a configuration that others may write": altered(config, (file) =>
		expect(spawnSync("chmod", ["o+w", file]).status).toBe(0),
	),
	"a configuration that a link leads to": altered(config, (file) => {
		cpSync(file, `${file}.other`);
		rmSync(file);
		expect(spawnSync("ln", ["-s", `${file}.other`, file]).status).toBe(0);
	}),
};

describe.skipIf(!canOperate).each(RUNTIMES)(
	"faults and refusals of a service, $name (as root, with the launcher built)",
	(runtime) => {
		let service: Service;
		const unit = parseUnit(readFileSync(runtime.unit, "utf8"));
		beforeAll(() => {
			service = new Service(runtime);
		});

		const last = (stderr: string) => stderr.trimEnd().split("\n").at(-1);

		it.each(Object.entries(FAULTS))("comes up by itself after %s", (_, cause) => {
			const undo = cause(service);
			let said = "";
			const { endings, delays, alerts, result } = supervise(unit, (number) => {
				if (number === 4) undo();
				const run = service.start();
				if (number === 1) said = run.stderr;
				expect([run.status, run.stdout], run.stderr).toEqual(number < 4 ? [75, ""] : [0, "serving\n"]);
				return run;
			});
			expect(last(said)).toMatch(/^(sigtool|spython|sigtool-launch|sigtool-gate): /);
			expect([endings.length, alerts, result]).toEqual([4, [], "success"]);
			expect(delays[0]).toBe(1);
			expect(delays[2]).toBeGreaterThan(delays[1] ?? 0);
		});

		it.each(Object.entries(SURROUNDINGS))("comes up by itself after %s", (_, options) => {
			const { endings, alerts, result } = supervise(unit, (number) => {
				const run = service.start(number < 4 ? options : {});
				expect([run.status, run.stdout], run.stderr).toEqual(number < 4 ? [75, ""] : [0, "serving\n"]);
				return run;
			});
			expect([endings.length, alerts, result]).toEqual([4, [], "success"]);
		});

		it("is never refused, and never runs unguarded, with few descriptors or little memory", () => {
			const limits = [
				...[3, 4, 6, 8, 10, 11, 12, 14].map((descriptors) => `--nofile=${descriptors}`),
				...[1, 24, 128].map((mebibytes) => `--as=${mebibytes * 2 ** 20}`),
				"--data=65536",
			];
			for (const limit of limits) {
				const ending = service.start({ before: ["prlimit", limit, "--"] });
				expect([limit, ending.status], ending.stderr).not.toEqual([limit, 126]);
				// If the program runs, it was verified: its start is an event.
				if (ending.status === 0) expect(ending.stdout).toBe("serving\n");
				const { result } = supervise(unit, (number) => (number === 1 ? ending : service.start()));
				expect([limit, result]).toEqual([limit, "success"]);
			}
		});

		it("says of a full disk what its runtime needs of it", () => {
			// CPython counts the events that its file does not take, and Node.js starts with a complete trail alone.
			const undo = fullDisk(true)(service);
			const { status, stderr } = service.start();
			undo();
			expect(status, stderr).toBe(runtime.kind === "node" ? 75 : 0);
		});

		it.each(Object.entries(REFUSALS))("stays down after %s, and somebody is told", (_, cause) => {
			const undo = cause(service);
			const { endings, alerts, result } = supervise(unit, () => service.start());
			undo();
			expect(endings.map(({ status }) => status)).toEqual([126]);
			expect([alerts, result]).toEqual([["alert@%N.service"], "failed"]);
			expect(service.start()).toMatchObject({ status: 0, stdout: "serving\n" });
		});

		it("is tried without end while a fault lasts, at most once a minute", () => {
			const undo = without(index)(service);
			const { delays, result, alerts } = supervise(unit, () => service.start(), 12);
			undo();
			expect([result, alerts]).toEqual(["restarting", []]);
			expect(Math.max(...delays)).toBe(60);
			expect(delays.slice(6)).toEqual(Array(5).fill(60));
		});

		it("is passed on by sigtool run, which says that nothing was judged", () => {
			const undo = without(index)(service);
			const run = service.sigtool(["run", "--prefix", service.at("lib"), service.script]);
			undo();
			expect(run).toMatchObject({ status: 75, stdout: "" });
			expect(last(run.stderr)).toMatch(
				/Cannot run ".*": it ended with 75, which means that nothing could be judged now/,
			);
		});

		it("is an event, where the events file is known and can be written", () => {
			const undo = without(index)(service);
			rmSync(service.at("log/events.jsonl"), { force: true });
			service.start();
			undo();
			expect(service.events().at(-1)).toMatchObject({ event: "verifier.start", verdict: "refuse" });
		});

		it("has a unit that waits for the clock, and for whose alert there is an example", () => {
			expect(unit.get("After")?.join(" ")).toContain("time-sync.target");
			expect(unit.get("Wants")?.join(" ")).toContain("time-sync.target");
			const alert = new URL("../../examples/deploy/alert@.service", import.meta.url);
			expect(existsSync(alert)).toBe(true);
			expect(parseUnit(readFileSync(alert, "utf8")).get("ExecStart")?.[0]).toContain("MONITOR_EXIT_STATUS");
		});
	},
);

describe("supervise()", () => {
	const unit = (text: string) => parseUnit(text);
	const ending = (status: number) => ({ status, signal: null });

	it("gives up at the start limit of systemd, as a unit without limits of its own does", () => {
		const { endings, result } = supervise(unit("[Service]\nRestart=on-failure\n"), () => ending(75), 20);
		expect([endings.length, result]).toEqual([5, "failed"]);
	});

	it("does not start again what its unit does not name", () => {
		expect(supervise(unit("[Service]\n"), () => ending(75)).result).toBe("failed");
		const killed = { status: null, signal: "SIGABRT" };
		const again = supervise(unit("[Service]\nRestart=on-failure\n"), (number) => (number === 1 ? killed : ending(0)));
		expect(again.endings).toHaveLength(2);
	});
});
