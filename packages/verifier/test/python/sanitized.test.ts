import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { beforeAll, expect, it } from "vitest";
import { hasProgram, spawn, spawnSync } from "../../../../test/outside.js";
import { describeEach, isSanitized, NATIVE, PYTHONS, SANITIZER, Site } from "./support.js";

const full = process.env.SIGTOOL_FULL !== undefined;
const clang = hasProgram("clang");
const SECONDS = full ? 120 : 5;

describeEach(PYTHONS.slice(0, 1), !isSanitized)(
	"spython of $version under AddressSanitizer and UndefinedBehaviorSanitizer",
	(python) => {
		let site: Site;
		beforeAll(async () => {
			site = new Site(python, { sanitize: true });
			site.write({ "main.py": "import json, ctypes, sqlite3, decimal\nprint('ran')\n", "link/to.py": "" });
			symlinkSync("link/to.py", join(site.application, "other.py"));
			await site.sign({ policy: { python: { events: ["*"] } } });
		});

		it("runs a program with every event written, and refuses", () => {
			const config = join(site.root, "config.json");
			writeFileSync(config, JSON.stringify({ version: 1, ...site.trusted, audit: { stderr: "all" } }), { mode: 0o600 });
			const run = (...args: string[]) => site.run(args, { env: SANITIZER, options: ["--config", config] });
			expect(run("app/main.py")).toMatchObject({ status: 0, stdout: "ran\n" });
			site.write({ "extra.py": "" });
			expect(run("app/extra.py")).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_FILE_ADDED") });
			expect(run("-c", "1").status).toBe(2);
		});

		it.each([
			["AddressSanitizer: heap-buffer-overflow", "{ char *volatile memory = malloc(8); memory[8] = 0; }"],
			["AddressSanitizer: heap-use-after-free", "{ char *volatile memory = malloc(8); free(memory); memory[0] = 0; }"],
			["runtime error: signed integer overflow", "{ volatile int number = INT_MAX; number++; }"],
		])("reports `%s` when the code has that error", async (found, statements) => {
			const altered = await site.buildAltered(`\n#include <limits.h>\n${statements}`, { sanitize: true });
			const run = spawnSync(altered, ["--index", site.index, join(site.application, "main.py")], {
				env: { ...process.env, ...SANITIZER },
				encoding: "utf8",
			});
			expect(run).toMatchObject({ stdout: "", stderr: expect.stringContaining(found) });
			expect(run.status).not.toBe(0);
		});

		if (full)
			it("passes all tests of spython, including CPython's own and the ways around the hooks", async () => {
				const tests = [".", "../../../../test/python"].map((place) => fileURLToPath(new URL(place, import.meta.url)));
				const env = { ...process.env, ...SANITIZER, SIGTOOL_SANITIZE: "1", CI: "" };
				const nested = spawn("npx", ["vitest", "run", ...tests], { env, stdio: ["ignore", "pipe", "inherit"] });
				let output = "";
				nested.stdout.on("data", (text) => {
					output += text;
				});
				const status = await new Promise((resolve) => nested.on("close", resolve));
				expect(status, output.slice(-20_000)).toBe(0);
				expect(Number(/Tests .*?(\d+) passed/.exec(stripVTControlCharacters(output))?.[1])).toBeGreaterThan(100);
			}, 7_200_000);

		it.skipIf(!clang)(`reads indexes that libFuzzer makes, for ${SECONDS} s (needs clang)`, () => {
			const corpus = join(site.root, "corpus");
			mkdirSync(corpus);
			const index = join(site.root, "small.sigx");
			const identity = ["--key", join(site.root, "signer.key"), "--cert", join(site.root, "signer.pem")];
			site.sigtool("sign", site.application, "--product", "app", "--force", ...identity);
			const policy = join(site.root, "policy.json");
			const rules = [{ deny: { path: "*.pth" }, message: "c" }, { allow: { product: "app", path: "**" } }];
			writeFileSync(policy, JSON.stringify({ version: 1, rules }));
			const compiling = ["-o", index, "--policy", policy, "--trust", identity[3] ?? ""];
			site.sigtool("compile", site.application, ...compiling, ...identity);
			const host = JSON.stringify({
				version: 1,
				mode: "enforce",
				pins: [{ "spki-sha256": site.pin, name: "a" }],
				products: [{ name: "app", root: site.application, minimumSequence: 1 }],
				deny: [{ catalog: "0".repeat(64), reason: "b" }],
				audit: { jsonLines: "/c", stderr: "all", syslog: true },
			});
			const heads = [[0], [1], [2, host.length % 256, host.length >> 8, ...Buffer.from(host)]];
			for (const [kind, head] of heads.entries())
				writeFileSync(join(corpus, `${kind}`), Buffer.concat([Buffer.from(head), readFileSync(index)]));
			const signed = join(site.root, "app.policy");
			const demanding = JSON.stringify({ version: 1, policySigners: [{ "spki-sha256": site.pin }] });
			site.sigtool("policy", "sign", policy, "-o", signed, "--sequence", "1", ...identity);
			const compilingSigned = ["-o", index, "--policy", signed, "--trust", identity[3] ?? ""];
			site.sigtool("compile", site.application, ...compilingSigned, ...identity);
			writeFileSync(
				join(corpus, "signed policy"),
				Buffer.concat([Buffer.from([2, demanding.length, 0]), Buffer.from(demanding), readFileSync(index)]),
			);
			// The signature has one byte. The JSON before it is nested as deep as allowed, and never closed.
			const deep = Buffer.from(`\x01${"\0".repeat(24)}${"[".repeat(16)}!`);
			deep.writeUInt32LE(16, 1 + 12);
			writeFileSync(join(corpus, "deep"), deep);
			const target = join(site.root, "fuzz");
			const source = fileURLToPath(new URL("fuzz-index.c", import.meta.url));
			const flags = [
				"-std=gnu11",
				"-g",
				"-O1",
				"-fsanitize=fuzzer,address,undefined",
				"-fno-sanitize-recover=undefined",
				"-I",
				join(NATIVE, "trust"),
			];
			const pins = `-DPINS="${site.pin}"`;
			const built = spawnSync("clang", [...flags, pins, source, "-o", target, "-lcrypto"], { encoding: "utf8" });
			expect(built.stderr).not.toContain("error");
			const run = spawnSync(
				target,
				[
					`-max_total_time=${SECONDS}`,
					"-max_len=8192",
					"-rss_limit_mb=3000",
					"-detect_leaks=0",
					"-print_final_stats=1",
					"-print_coverage=1",
					corpus,
				],
				{ cwd: site.root, env: { ...process.env, ...SANITIZER }, encoding: "utf8" },
			);
			expect(run.status, run.stderr.slice(-3000)).toBe(0);
			expect(Number(/number_of_executed_units: (\d+)/.exec(run.stderr)?.[1])).toBeGreaterThan(1000);
			// The coverage shows that the seeds are parsed completely, and that look-ups in them run.
			expect(Number(/cov: (\d+)/.exec(run.stderr)?.[1])).toBeGreaterThan(200);
			for (const reached of [
				"read_host",
				"load_index",
				"find_entry",
				"find_record",
				"record_of_content",
				"make_file_rules",
				"verify_policy",
				"rule_on",
			])
				expect(run.stderr).toMatch(new RegExp(`^COVERED_FUNC: hits: [1-9].* ${reached} `, "m"));
		});
	},
);
