/** Tests that a tree of many links with long targets takes little memory to verify. */

import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { MAIN, runner, temporaryDirectory } from "../../support.js";

const LINKS = 6_000;
/** The target's length in characters. Linux allows 4,095. */
const LENGTH = 4_000;

/** Writes the peak of the process's resident memory, in KiB, when it ends. */
const MEASURE = `
	const { readFileSync, writeFileSync } = require("node:fs");
	process.on("exit", () => {
		writeFileSync(process.env.PEAK_FILE, /VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "latin1"))[1]);
	});
`;

describe.skipIf(!existsSync("/proc/self/status"))("13 (hostile input): links with long targets (needs /proc)", () => {
	it("13 (hostile input): take less than five times the size of the catalog in memory", () => {
		const home = temporaryDirectory();
		const at = (name: string) => join(home, name);
		mkdirSync(at("lib"));
		writeFileSync(at("lib/a.js"), "1");
		for (let link = 0; link < LINKS; link++) {
			const target = `${String(link).padStart(8, "0")}/`.padEnd(LENGTH, "xyz/");
			symlinkSync(target, at(`lib/l${link}`));
		}
		const sigtool = runner(home);
		expect(sigtool(["sign", at("lib")])).toMatchObject({ status: 0 });
		writeFileSync(at("measure.cjs"), MEASURE);
		const peak = (path: string) => {
			const { status } = spawnSync(process.execPath, ["--require", at("measure.cjs"), MAIN, "verify", path], {
				env: { ...process.env, XDG_CONFIG_HOME: at("config"), PEAK_FILE: at("peak") },
			});
			expect(status).toBe(0);
			return Number(readFileSync(at("peak"), "utf8")) * 1024;
		};
		const own = peak(at("lib/a.js"));
		const catalogBytes = readFileSync(at("lib/lib.cat")).length;
		expect(catalogBytes).toBeGreaterThan(2 * LINKS * LENGTH);
		expect(own).toBeLessThan(64e6 + 5 * catalogBytes);
		expect(peak(at("lib"))).toBeLessThan(64e6 + 5 * catalogBytes);
	});
});
