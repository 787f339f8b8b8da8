/** Opens a host in an emergency. What each mode still needs is compared with the table of docs/how-to/emergency.md. */

import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { canBeHost, Host, pinOf } from "../host/host.js";
import { RUNTIMES } from "../host/runtimes.js";
import { spawn, spawnSync } from "../outside.js";

const PAGE = readFileSync(new URL("../../docs/how-to/emergency.md", import.meta.url), "utf8");
const MODES = ["enforce", "audit", "off"] as const;
type Mode = (typeof MODES)[number];

/** Faults by the words of the page's table. Each is made on a host that is in the mode of its column. */
const FAULTS: Readonly<Record<string, (host: Host, mode: Mode) => void>> = {
	"a file of the program was changed": (host) => write(host, "mended"),
	"the index has expired": (host) => {
		host.compile("app", "app.sigx", ["--not-after", "1", "--force"], { SOURCE_DATE_EPOCH: "1700000000" });
	},
	"the index is damaged": (host) => truncateSync(host.at("app.sigx"), 100),
	"the index is missing": (host) => rmSync(host.at("app.sigx")),
	"the signer's key is denied": (host, mode) => {
		const { "spki-sha256": key } = pinOf(host.key);
		configure(host, mode, { deny: [{ key, reason: "stolen" }] });
	},
	"`verifier.json` is damaged": (host) => writeFileSync(host.at("verifier.json"), "{"),
	"`verifier.json` is missing": (host) => rmSync(host.at("verifier.json")),
	"the hook or spython was changed": (host) => writeFileSync(hookOf(host), "\n", { flag: "a" }),
	"`launcher.conf` is missing": (host) => rmSync(host.at("lib/launcher.conf")),
};

function write(host: Host, word: string): void {
	const text = host.runtime?.kind === "node" ? `console.log("${word}")` : `print("${word}")`;
	writeFileSync(host.script, `${text}\n`);
}

function hookOf(host: Host): string {
	const line = /^(?:bundle|spython) (.*) \w+$/m.exec(readFileSync(host.at("lib/launcher.conf"), "utf8"));
	return line?.[1] ?? "";
}

function configure(host: Host, mode: Mode, members: Readonly<Record<string, unknown>> = {}): void {
	const audit = { jsonLines: host.at("events.jsonl"), stderr: "off" };
	host.bind("app", { mode, audit, onRefusal: "exit", ...members });
}

/** Changes both files of root. */
function open(host: Host, mode: Mode): void {
	configure(host, mode);
	host.install({ mode });
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
		const host = new Host({ runtime });
		write(host, "signed");
		host.release("app", {}, 1);
		host.compile("app", "app.sigx");
		const found: string[][] = [];
		for (const [fault, make] of Object.entries(FAULTS)) {
			const row: string[] = [fault];
			for (const mode of MODES) {
				open(host, mode);
				const saved = ["app", "app.sigx"].map((name) => [name, `${name}.saved`] as const);
				for (const [name, copy] of saved) cpSync(host.at(name), host.at(copy), { recursive: true });
				expect(host.start()).toMatchObject({ status: 0, stdout: "signed\n" });
				make(host, mode);
				const { status, stdout } = host.start();
				// 126 is for what was judged, and 75 for what could not be judged. Before a mode is known it can be 2.
				if (status !== 0) expect([2, 75, 126]).toContain(status);
				expect(stdout === "").toBe(status !== 0);
				row.push(status === 0 ? "runs" : "ends");
				for (const [name, copy] of saved) {
					rmSync(host.at(name), { recursive: true, force: true });
					cpSync(host.at(copy), host.at(name), { recursive: true });
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
		const host = new Host({ runtime });
		write(host, "signed");
		host.release("app", {}, 1);
		host.compile("app", "app.sigx");
		open(host, "enforce");
		write(host, "mended");
		const start = () => host.start();
		expect(start()).toMatchObject({ status: 126, stdout: "" });
		host.install({ mode: "audit" });
		expect(start()).toMatchObject({ status: 126, stdout: "" });
		host.install({ mode: "enforce" });
		setMode(host.at("verifier.json"), "audit");
		expect(start()).toMatchObject({ status: 126, stdout: "" });
		host.install({ mode: "audit" });
		rmSync(host.at("events.jsonl"), { force: true });
		expect(start()).toMatchObject({ status: 0, stdout: "mended\n" });
		const events = host.events(host.at("events.jsonl"));
		const at = (event: string, verdict: string) =>
			events.find((each) => each.event === event && each.verdict === verdict);
		expect(at("verifier.start", "record")).toMatchObject({ mode: "audit" });
		expect(at("module.open_code", "audit")).toMatchObject({ reason: "ERR_FILE_MODIFIED" });
		setMode(host.at("verifier.json"), "enforce");
		host.install({ mode: "enforce" });
		expect(start()).toMatchObject({ status: 126, stdout: "" });
		write(host, "signed");
		expect(start()).toMatchObject({ status: 0, stdout: "signed\n" });
	});

	it.each(RUNTIMES)("the last steps of the page fail on a host of $name that is half open", async (runtime) => {
		const host = new Host({ runtime });
		const wait = runtime.kind === "node" ? "setTimeout(() => {}, 60_000)" : "import time\ntime.sleep(60)";
		const ready = runtime.kind === "node" ? 'console.log("up")' : 'print("up", flush=True)';
		writeFileSync(host.script, `${ready}\n${wait}\n`);
		host.release("app", {}, 1);
		host.compile("app", "app.sigx");
		const sigtool = (...args: readonly string[]) => host.sigtool(["launcher", ...args, ...host.prefix]);
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

		open(host, "audit");
		expect(sigtool("check")).toMatchObject({
			status: 0,
			stdout: expect.stringMatching(/^note +mode .*nobody signed/m),
		});
		const process = spawn(host.launcher, [host.script]);
		try {
			await once(process.stdout, "data");
			configure(host, "enforce");
			expect(sigtool("check")).toMatchObject({ status: 1, stdout: expect.stringMatching(files("audit", "enforce")) });
			// Without --mode an installation keeps the mode.
			expect(sigtool("install").status).toBe(0);
			expect(sigtool("check")).toMatchObject({ status: 1, stdout: expect.stringMatching(files("audit", "enforce")) });
			expect(sigtool("install", "--mode", "enforce").status).toBe(0);
			expect(sigtool("check")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^ok +mode /m) });
			expect(sigtool("status").stdout).toContain("not restricted");
			configure(host, "audit");
			expect(sigtool("check")).toMatchObject({ status: 1, stdout: expect.stringMatching(files("enforce", "audit")) });
			open(host, "off");
			expect(sigtool("check")).toMatchObject({ status: 1, stdout: expect.stringMatching(files("off", "off")) });
			open(host, "enforce");
			expect(sigtool("check")).toMatchObject({ status: 0 });
		} finally {
			process.kill("SIGKILL");
			await once(process, "close");
		}
		expect(sigtool("status").stdout).not.toContain("not restricted");
	});

	it.each(RUNTIMES)("$name tells of mode off as the page says", (runtime) => {
		const host = new Host({ runtime });
		write(host, "signed");
		host.release("app", {}, 1);
		host.compile("app", "app.sigx");
		open(host, "off");
		write(host, "mended");
		expect(host.start()).toMatchObject({ status: 0, stdout: "mended\n" });
		const file = host.at("events.jsonl");
		const events = existsSync(file) ? host.events(file) : [];
		const told = events.map(({ event, mode }) => [event, mode]);
		expect(told).toEqual(runtime.kind === "node" ? [] : [["verifier.start", "off"]]);
		expect(PAGE).toContain(
			runtime.kind === "node" ? "| off, Node.js | none," : "| off, Python | `verifier.start` alone |",
		);
	});
});
