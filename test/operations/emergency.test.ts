/** Opens a host in an emergency. What each mode still needs is compared with the table of docs/how-to/emergency.md. */

import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { pinOf } from "../../packages/cli/test/launcher-host.js";
import { spawn, spawnSync } from "../outside.js";
import { canBeHost, RUNTIMES, Site } from "./site.js";

const PAGE = readFileSync(new URL("../../docs/how-to/emergency.md", import.meta.url), "utf8");
const MODES = ["enforce", "audit", "off"] as const;
type Mode = (typeof MODES)[number];

/** Faults by the words of the page's table. Each is made on a host that is in the mode of its column. */
const FAULTS: Readonly<Record<string, (site: Site, mode: Mode) => void>> = {
	"a file of the program was changed": (site) => write(site, "mended"),
	"the index has expired": (site) => {
		site.compile("app", "app.sigx", ["--not-after", "1"], { SOURCE_DATE_EPOCH: "1700000000" });
	},
	"the index is damaged": (site) => truncateSync(site.at("app.sigx"), 100),
	"the index is missing": (site) => rmSync(site.at("app.sigx")),
	"the signer's key is denied": (site, mode) => {
		const { "spki-sha256": key } = pinOf(site.host.key);
		configure(site, mode, { deny: [{ key, reason: "stolen" }] });
	},
	"`verifier.json` is damaged": (site) => writeFileSync(site.at("verifier.json"), "{"),
	"`verifier.json` is missing": (site) => rmSync(site.at("verifier.json")),
	"the hook or spython was changed": (site) => writeFileSync(hookOf(site), "\n", { flag: "a" }),
	"`launcher.conf` is missing": (site) => rmSync(site.at("lib/launcher.conf")),
};

function write(site: Site, word: string): void {
	const text = site.runtime.kind === "node" ? `console.log("${word}")` : `print("${word}")`;
	writeFileSync(site.at(`app/${site.script}`), `${text}\n`);
}

function hookOf(site: Site): string {
	const line = /^(?:bundle|spython) (.*) \w+$/m.exec(readFileSync(site.at("lib/launcher.conf"), "utf8"));
	return line?.[1] ?? "";
}

function configure(site: Site, mode: Mode, members: Readonly<Record<string, unknown>> = {}): void {
	const audit = { jsonLines: site.at("events.jsonl"), stderr: "off" };
	site.configure("app", { mode, audit, onRefusal: "exit", ...members });
}

/** Changes both files of root. */
function open(site: Site, mode: Mode): void {
	configure(site, mode);
	site.install("app.sigx", mode);
}

/** Changes the mode in verifier.json by the command of the page. */
function setMode(config: string, mode: string): void {
	const [, command = ""] = new RegExp(`sudo (sed .*"mode": "${mode}".*) /etc/sigtool/verifier.json\n`).exec(PAGE) ?? [];
	const { status, stderr } = spawnSync("sh", ["-c", `${command} "$0"`, config], { encoding: "utf8" });
	expect([status, stderr]).toEqual([0, ""]);
}

/** Returns the rows of the first table of the page, without its header. */
function rowsOfPage(): string[][] {
	const section = PAGE.split("\n## ")[1] ?? "";
	const lines = section.split("\n").filter((line) => line.startsWith("| "));
	return lines.slice(2).map((line) => line.slice(2, -2).split(" | "));
}

describe("the commands of docs/how-to/emergency.md that change the mode", () => {
	const members = { version: 1, pins: [{ label: "{" }], deny: [{ file: "0", reason: "the mode" }] };
	it.each([
		["in one line", { mode: "enforce", ...members }, undefined],
		["in lines", { ...members, mode: "strict" }, "\t"],
		["absent", members, undefined],
		["absent, in lines", members, 2],
	])("open and close a configuration whose mode is %s, and keep what was denied in between", (_, document, indent) => {
		const config = join(mkdtempSync(join(tmpdir(), "sigtool-mode-")), "verifier.json");
		writeFileSync(config, JSON.stringify(document, null, indent));
		const read = () => JSON.parse(readFileSync(config, "utf8"));
		for (let times = 0; times < 2; times++) {
			setMode(config, "audit");
			expect(read()).toEqual({ ...document, mode: "audit" });
		}
		const deny = [...members.deny, { file: "1", reason: "stolen" }];
		writeFileSync(config, JSON.stringify({ ...read(), deny }, null, indent));
		for (let times = 0; times < 2; times++) {
			setMode(config, "enforce");
			expect(read()).toEqual({ ...document, deny, mode: "enforce" });
		}
		rmSync(dirname(config), { recursive: true });
	});
});

describe.skipIf(!canBeHost)("an emergency (needs root, and the launcher built)", () => {
	it.each(RUNTIMES)("$name needs in each mode what docs/how-to/emergency.md says", (runtime) => {
		const site = new Site(runtime);
		write(site, "signed");
		site.release("app", {}, 1);
		site.compile("app", "app.sigx");
		const found: string[][] = [];
		for (const [fault, make] of Object.entries(FAULTS)) {
			const row: string[] = [fault];
			for (const mode of MODES) {
				open(site, mode);
				const saved = ["app", "app.sigx"].map((name) => [name, `${name}.saved`] as const);
				for (const [name, copy] of saved) cpSync(site.at(name), site.at(copy), { recursive: true });
				expect(site.start(`app/${site.script}`)).toMatchObject({ status: 0, stdout: "signed\n" });
				make(site, mode);
				const { status, stdout } = site.start(`app/${site.script}`);
				// 126 is for what was judged, and 75 for what could not be judged. Before a mode is known it can be 2.
				if (status !== 0) expect([2, 75, 126]).toContain(status);
				expect(stdout === "").toBe(status !== 0);
				row.push(status === 0 ? "runs" : "ends");
				for (const [name, copy] of saved) {
					rmSync(site.at(name), { recursive: true, force: true });
					cpSync(site.at(copy), site.at(name), { recursive: true });
				}
			}
			found.push(row);
		}
		const other = runtime.kind === "node" ? "Python" : "Node.js";
		const expected = rowsOfPage().map(([fault, ...cells]) => {
			const own = cells.map((cell) => cell.split("; ").find((part) => !part.startsWith(other)) ?? "");
			return [fault, ...own.map((part) => /runs|ends/.exec(part)?.[0])];
		});
		expect(found).toEqual(expected);
	});

	it.each(RUNTIMES)("$name is opened by both files alone, tells of it, and is closed again", (runtime) => {
		const site = new Site(runtime);
		write(site, "signed");
		site.release("app", {}, 1);
		site.compile("app", "app.sigx");
		open(site, "enforce");
		write(site, "mended");
		const start = () => site.start(`app/${site.script}`);
		expect(start()).toMatchObject({ status: 126, stdout: "" });
		site.install("app.sigx", "audit");
		expect(start()).toMatchObject({ status: 126, stdout: "" });
		site.install("app.sigx", "enforce");
		setMode(site.at("verifier.json"), "audit");
		expect(start()).toMatchObject({ status: 126, stdout: "" });
		site.install("app.sigx", "audit");
		rmSync(site.at("events.jsonl"), { force: true });
		expect(start()).toMatchObject({ status: 0, stdout: "mended\n" });
		const events = site.host.events(site.at("events.jsonl"));
		const at = (event: string) => events.find((each) => each.event === event && each.verdict === "audit");
		expect(at("verifier.start")).toMatchObject({ mode: "audit" });
		expect(at("module.open_code")).toMatchObject({ reason: "ERR_FILE_MODIFIED" });
		setMode(site.at("verifier.json"), "enforce");
		site.install("app.sigx", "enforce");
		expect(start()).toMatchObject({ status: 126, stdout: "" });
		write(site, "signed");
		expect(start()).toMatchObject({ status: 0, stdout: "signed\n" });
	});

	it.each(RUNTIMES)("the last steps of the page fail on a host of $name that is half open", async (runtime) => {
		const site = new Site(runtime);
		const wait = runtime.kind === "node" ? "setTimeout(() => {}, 60_000)" : "import time\ntime.sleep(60)";
		const ready = runtime.kind === "node" ? 'console.log("up")' : 'print("up", flush=True)';
		writeFileSync(site.at(`app/${site.script}`), `${ready}\n${wait}\n`);
		site.release("app", {}, 1);
		site.compile("app", "app.sigx");
		const sigtool = (...args: readonly string[]) => site.host.sigtool(["launcher", ...args, ...site.host.prefix]);
		const files = (launcher: string, verifier: string) =>
			new RegExp(
				`^wrong +mode +\\S+launcher\\.conf has mode ${launcher}, \\S+verifier\\.json has mode ${verifier}: .*Closing`,
				"m",
			);
		const steps = PAGE.split("## Closing")[1] ?? "";
		for (const command of [
			"sigtool launcher install --mode enforce",
			"sigtool launcher check",
			"sigtool launcher status",
		])
			expect(steps).toContain(command);

		open(site, "audit");
		expect(sigtool("check")).toMatchObject({
			status: 0,
			stdout: expect.stringMatching(/^note +mode .*nobody signed/m),
		});
		const process = spawn(site.launcher, [site.at(`app/${site.script}`)]);
		try {
			await once(process.stdout, "data");
			configure(site, "enforce");
			expect(sigtool("check")).toMatchObject({ status: 1, stdout: expect.stringMatching(files("audit", "enforce")) });
			// Without --mode an installation keeps the mode.
			expect(sigtool("install").status).toBe(0);
			expect(sigtool("check")).toMatchObject({ status: 1, stdout: expect.stringMatching(files("audit", "enforce")) });
			expect(sigtool("install", "--mode", "enforce").status).toBe(0);
			expect(sigtool("check")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^ok +mode /m) });
			expect(sigtool("status").stdout).toContain("not restricted");
			configure(site, "audit");
			expect(sigtool("check")).toMatchObject({ status: 1, stdout: expect.stringMatching(files("enforce", "audit")) });
			open(site, "off");
			expect(sigtool("check")).toMatchObject({ status: 1, stdout: expect.stringMatching(files("off", "off")) });
			open(site, "enforce");
			expect(sigtool("check")).toMatchObject({ status: 0 });
		} finally {
			process.kill("SIGKILL");
			await once(process, "close");
		}
		expect(sigtool("status").stdout).not.toContain("not restricted");
	});

	it.each(RUNTIMES)("$name tells of mode off as the page says", (runtime) => {
		const site = new Site(runtime);
		write(site, "signed");
		site.release("app", {}, 1);
		site.compile("app", "app.sigx");
		open(site, "off");
		write(site, "mended");
		expect(site.start(`app/${site.script}`)).toMatchObject({ status: 0, stdout: "mended\n" });
		const file = site.at("events.jsonl");
		const events = existsSync(file) ? site.host.events(file) : [];
		const told = events.map(({ event, mode }) => [event, mode]);
		expect(told).toEqual(runtime.kind === "node" ? [] : [["verifier.start", "off"]]);
		expect(PAGE).toContain(
			runtime.kind === "node" ? "| off, Node.js | none," : "| off, Python | `verifier.start` alone |",
		);
	});
});
