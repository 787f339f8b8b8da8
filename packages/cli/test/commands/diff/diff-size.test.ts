import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { MEASURE, writeLargeCatalog } from "../../large-catalog.js";
import { MAIN, temporaryDirectory } from "../../support.js";

const MEMBERS = 200_000;
/** The memory beside the bytes of the catalogs, in KiB: columns, keys and Node.js itself. */
const BESIDE = 250 * 1024;

describe.skipIf(!existsSync("/proc/self/status"))("sigtool diff of 200,000 members (needs /proc)", () => {
	it("takes little more memory than the two catalogs", { timeout: 600_000 }, () => {
		const directory = temporaryDirectory();
		const at = (name: string) => join(directory, name);
		writeLargeCatalog(at("a.cat"), MEMBERS);
		writeLargeCatalog(at("b.cat"), MEMBERS, "other");
		writeFileSync(at("measure.cjs"), MEASURE);
		const args = ["--require", at("measure.cjs"), MAIN, "diff", at("a.cat"), at("b.cat"), "--json"];
		const env = { ...process.env, PEAK_FILE: at("peak") };
		const { status, stdout } = spawnSync(process.execPath, args, { env, encoding: "utf8", maxBuffer: 2 ** 28 });
		expect(status).toBe(1);
		const { counts, differences } = JSON.parse(stdout);
		expect([counts.modified, differences.length]).toEqual([MEMBERS / 1000, MEMBERS / 1000]);
		expect(differences[0].path).toBe("modules/00000007/index.js");
		const catalogs = (statSync(at("a.cat")).size + statSync(at("b.cat")).size) / 1024;
		expect(Number(readFileSync(at("peak"), "utf8"))).toBeLessThan(catalogs + BESIDE);
	});
});
