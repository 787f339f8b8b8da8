import { appendFileSync, mkdirSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { spawn } from "../../../../../test/outside.js";
import { MAIN, makeTree } from "../../support.js";
import { eventLine, place } from "./logs.js";

const REFUSED = { verdict: "refuse", reason: "ERR_FILE_MODIFIED", rule: "entry", path: "/srv/a.js" };

describe("sigtool log", () => {
	it("shows events, explains refusals as why does, and sums counts", () => {
		const { file, sigtool: log } = place();
		const refusal = eventLine("module.open_code", REFUSED);
		const text = [
			eventLine("verifier.start", { host: "web1", mode: "enforce" }),
			refusal,
			eventLine("module.open_code", { ...REFUSED, count: 41 }),
			eventLine("verifier.dropped", { count: 5 }),
		].join("");
		writeFileSync(file("a.jsonl"), text);
		const { status, stdout } = log(["log", file("a.jsonl")]);
		expect(status).toBe(0);
		expect(stdout).toContain("web1 refused module.open_code /srv/a.js (ERR_FILE_MODIFIED)\n  rule ");
		expect(stdout).toContain("×41");
		expect(stdout.match(/mend /g)).toHaveLength(1);
		expect(stdout).toContain("44 events of 1 host");
		expect(stdout).toContain("5 events lost");

		const { events, total, exit } = log(["log", file("a.jsonl"), "--json"]).json();
		expect([exit, total]).toEqual([
			0,
			expect.objectContaining({ events: 44, refused: 42, audited: 0, hosts: 1, dropped: 5 }),
		]);
		const explained = log(["why", refusal, "--json", "--prefix", "/nowhere"]).json();
		expect(events[1]).toMatchObject({
			...{ line: 2, host: "web1", count: 1, event: { path: "/srv/a.js" } },
			...{ rule: explained.rule, meaning: explained.meaning, mend: explained.mend },
		});
		expect(log(["log", file("a.jsonl"), "--verbose"]).stdout).toContain(`mend    ${explained.mend}`);
		expect(log(["log", "--quiet", file("a.jsonl")]).stdout.split("\n")).toHaveLength(3);
	});

	it("shows a verdict that it does not know as it is, and counts it as neither allowed nor refused", () => {
		const { file, sigtool: log } = place();
		const denied = eventLine("module.open_code", { ...REFUSED, verdict: "deny\u001b[2J" });
		writeFileSync(file("a.jsonl"), [denied, eventLine("module.open_code", { path: "/srv/b.js" })].join(""));
		const { stdout } = log(["log", file("a.jsonl")]);
		expect(stdout).toContain('unknown verdict "deny\\u001b[2J" module.open_code /srv/a.js (ERR_FILE_MODIFIED)\n');
		expect(stdout).toContain("1 allowed, 1 of unknown verdict");
		expect(log(["log", file("a.jsonl"), "--json"]).json().total).toMatchObject({ events: 2, refused: 0, unknown: 1 });
		expect(log(["why", denied]).stdout).toContain('unknown verdict "deny\\u001b[2J": module.open_code /srv/a.js');
	});

	it("shows what was refused, cut and escaped, and explains each cause once", () => {
		const { file, sigtool: log } = place();
		const refused = (event: string, members: object) => eventLine(event, { verdict: "refuse", ...members });
		const byLauncher = (detail: string) => refused("verifier.start", { reason: "ERR_LAUNCHER", detail });
		const byPolicy = (event: string, detail: string) => refused(event, { reason: "ERR_RUNTIME_RULE", detail });
		const text = [
			byPolicy("python.subprocess.Popen", "ls\u001b[2J, ['ls']"),
			byPolicy("python.os.system", "x".repeat(5000)),
			refused("verifier.start", { reason: "ERR_PRODUCT_MISMATCH", product: "shop" }),
			byLauncher("Cannot mount: /proc is not there"),
			byLauncher('Cannot make "/x" writable: it belongs to the kernel'),
			byLauncher('Cannot make "/y" writable: it belongs to the kernel'),
			eventLine("python.os.system", { detail: "allowed" }),
		];
		writeFileSync(file("a.jsonl"), text.join(""));
		const { stdout } = log(["log", file("a.jsonl")]);
		expect(stdout).toContain("refused python.subprocess.Popen (ERR_RUNTIME_RULE): ls\\u001b[2J, ['ls']\n");
		expect(stdout).toMatch(/python\.os\.system \(ERR_RUNTIME_RULE\): x{200}…\n/);
		expect(stdout).toContain("refused verifier.start (ERR_PRODUCT_MISMATCH): shop\n");
		expect(stdout).toContain('(ERR_LAUNCHER): Cannot make "/x" writable: it belongs to the kernel\n');
		expect(stdout.match(/mend +mount \/proc\n/g)).toHaveLength(1);
		expect(stdout.match(/mend +grant another directory/g)).toHaveLength(1);
		expect(stdout).toMatch(/allowed python\.os\.system\n/);
	});

	it("knows the host of the events before the first start, and never by one that the program spoke with", () => {
		const { file, sigtool: log } = place();
		const text = [
			eventLine("log.begin", { kind: "new", pid: 1 }),
			eventLine("net.connect", { host: "example.com", pid: 2 }),
			eventLine("catalog.load", { pid: 3 }),
			eventLine("verifier.start", { host: "web1", pid: 3 }),
		].join("");
		writeFileSync(file("a.jsonl"), text);
		const { stdout } = log(["log", file("a.jsonl"), "--by", "host"]);
		expect(stdout).toMatch(/^ *4 +web1 /);
		expect(stdout).toContain("4 events of 1 host from");
	});

	it("selects by time, age, name and verdict", () => {
		const { file, sigtool: log } = place();
		const old = eventLine("module.dlopen", { path: "/old" });
		const now = eventLine("python.open", { path: "/new", time: new Date().toISOString(), verdict: "audit" });
		writeFileSync(file("a.jsonl"), `${old}${now}${eventLine("fs.open", { time: "yesterday", path: "/never" })}`);
		const paths = (...args: string[]) =>
			log(["log", file("a.jsonl"), "--json", ...args])
				.json()
				.events.map(({ event }: { event: { path: string } }) => event.path);
		expect(paths("--since", "1h")).toEqual(["/new"]);
		expect(paths("--until", "2026-01-31T12:00:00Z")).toEqual(["/old"]);
		expect(paths("--since", "2026-01-31", "--until", "2026-02-01")).toEqual(["/old"]);
		expect(paths("--event", "python.*", "--event", "module.dlopen")).toEqual(["/old", "/new"]);
		expect(paths("--event", "python")).toEqual([]);
		const named = (name: string) => log(["log", file("a.jsonl"), "--event", name]);
		expect(named("verifier.star")).toMatchObject({
			...{ status: 0, stdout: "no events\n" },
			stderr: 'note: this release has no event "verifier.star"; did you mean verifier.start?\n',
		});
		for (const known of ["verifier.start", "python.gc.get_objects", "wasm.*"]) expect(named(known).stderr).toBe("");
		expect(paths("--refused")).toEqual(["/new"]);
		// In mode audit the event of a start tells the mode by its verdict, and enforcement would refuse nothing.
		const start = (members: object) => eventLine("verifier.start", { verdict: "audit", script: "/s.js", ...members });
		writeFileSync(file("starts.jsonl"), start({ mode: "audit" }) + start({ mode: "audit", reason: "ERR_POLICY" }));
		expect(log(["log", file("starts.jsonl"), "--refused", "--json"]).json().total).toMatchObject({
			events: 1,
			audited: 1,
		});
		for (const wrong of [
			["--since", "noon"],
			["--since", "1h", "--until", "2h"],
			["--event", "a b"],
			["--by", "colour"],
		])
			expect(log(["log", file("a.jsonl"), ...wrong]).status).toBe(2);
	});

	it("reads audit of a log of an earlier release as recorded where it can mean nothing else", () => {
		const { file, sigtool: log } = place();
		const text = { kind: "eval", sha256: "a".repeat(64), verdict: "audit" };
		const ruled = { verdict: "audit", reason: "ERR_RUNTIME_RULE" };
		const start = (mode: string, pid: number) => eventLine("verifier.start", { mode, pid, host: "web1" });
		/** Each line with the number of findings in it. */
		const lines: [string, number][] = [
			// The native gate alone writes no reason, and bytecode is dropped in every mode.
			[eventLine("code.string", text), 0],
			[eventLine("vm.compile", { ...text, reason: "ERR_UNSIGNED_BYTECODE" }), 0],
			[eventLine("verifier.expired", { what: "index", verdict: "audit" }), 0],
			[eventLine("log.malformed", { sizeBytes: 7, verdict: "audit" }), 0],
			// The log has no start of this process.
			[eventLine("vm.compile", ruled), 1],
			[start("enforce", 8), 0],
			[eventLine("vm.compile", { ...ruled, pid: 8 }), 0],
			[eventLine("child_process.spawn", { ...ruled, pid: 8, file: "/bin/true" }), 0],
			[eventLine("python.subprocess.Popen", { ...ruled, pid: 8, detail: "true" }), 0],
			[start("audit", 9), 0],
			[eventLine("vm.compile", { ...ruled, pid: 9 }), 1],
			// A process of the same number starts on a host that was opened.
			[start("audit", 8), 0],
			[eventLine("vm.compile", { ...ruled, pid: 8 }), 1],
			[eventLine("module.open_code", { verdict: "audit", reason: "ERR_FILE_ADDED", path: "/a.js" }), 1],
		];
		writeFileSync(file("a.jsonl"), lines.map(([line]) => line).join(""));
		const shown = log(["log", file("a.jsonl"), "--refused", "--json"]).json();
		const expected = lines.flatMap(([, findings], index) => (findings > 0 ? [index + 1] : []));
		expect(shown.events.map(({ line }: { line: number }) => line)).toEqual(expected);
		expect(log(["log", file("a.jsonl"), "--json"]).json().total).toMatchObject({ refused: 0, audited: 4, recorded: 7 });
	});

	it("counts by file, rule, signer, host and event, with the time of the last", () => {
		const { file, sigtool: log } = place();
		const web = (time: string, event: string, members: object) =>
			`Jan 31 12:00:00 web1 app[7]: ${eventLine(event, { time, ...members })}`;
		const text = [
			web("2026-01-01T00:00:00.000Z", "catalog.load", { product: "app", signer: "aa" }),
			web("2026-01-02T00:00:00.000Z", "module.open_code", { ...REFUSED, product: "app", count: 3 }),
			web("2026-01-03T00:00:00.000Z", "module.open_code", { path: "/srv/b.js", product: "app", rule: "entry" }),
			web("2026-01-04T00:00:00.000Z", "worker.spawn", { verdict: "audit", reason: "ERR_RUNTIME_RULE", path: "/w.js" }),
			`<13>1 2026-01-05T00:00:00.000+01:00 web2 app 7 - - ${eventLine("vm.compile", { kind: "script" })}`,
		];
		writeFileSync(file("all.log"), text.join(""));
		const by = (what: string) => {
			const { groups, ungrouped } = log(["log", file("all.log"), "--by", what, "--json"]).json();
			return { groups: groups.map((group: Record<string, unknown>) => [group[what], group.events]), ungrouped };
		};
		expect(by("file").groups).toEqual([
			["/srv/a.js", 3],
			["/srv/b.js", 1],
			["/w.js", 1],
		]);
		expect(by("rule")).toEqual({
			groups: [
				["entry", 4],
				["runtime.workers", 1],
			],
			ungrouped: 2,
		});
		expect(by("signer").groups).toEqual([["aa", 5]]);
		expect(by("host").groups).toEqual([
			["web1", 6],
			["web2", 1],
		]);
		expect(by("event").groups[0]).toEqual(["module.open_code", 4]);
		const { stdout } = log(["log", file("all.log"), "--by", "rule"]);
		expect(stdout).toMatch(/4 {2}entry {2}1 allowed, 3 refused, last 2026-01-03T00:00:00\.000Z/);
	});

	it("lists the rules of a policy or an index that no event names, in the time that is asked for", () => {
		const { file, sigtool: log } = place();
		const loaded = (rule: string, time: string) => eventLine("module.open_code", { path: "/a", rule, time });
		writeFileSync(
			file("a.jsonl"),
			loaded("rules[app]", new Date().toISOString()) + loaded("rules[1]", "2026-01-03T00:00:00.000Z"),
		);
		const rules = [
			{ allow: { product: "app" }, label: "app" },
			{ allow: { product: "old" }, expires: "2099-12-31" },
			{ deny: { name: "x.js" }, label: "no-x", owner: "Ada\u202e" },
		];
		writeFileSync(file("policy.json"), JSON.stringify({ version: 1, rules }));
		const args = ["log", "--by", "rule", file("a.jsonl"), "--policy", file("policy.json")];
		const { stdout } = log(args);
		expect(stdout).toContain("1  rules[app]  1 allowed, last 20");
		expect(stdout).toContain("1  rules[1]  1 allowed, last 2026-01-03T00:00:00.000Z\n");
		expect(stdout).toMatch(
			/^not used from 2026-01-03T00:00:00\.000Z to 20\S+Z: rules\[no-x\] \(deny name "x\.js", owner "Ada\\u202e"\)$/m,
		);
		expect(log([...args, "--json"]).json().unusedRules).toEqual([{ rule: "rules[no-x]", owner: "Ada\u202e" }]);
		expect(log([...args, "--since", "90d", "--json"]).json().unusedRules).toMatchObject([
			{ rule: "rules[1]", expires: "2099-12-31" },
			{ rule: "rules[no-x]" },
		]);
		makeTree(file("app"), { "a.js": "a()" });
		expect(log(["sign", file("app")]).status).toBe(0);
		const compile = ["compile", file("app"), "-o", file("app.sigx"), "--policy", file("policy.json")];
		expect(log([...compile, "--allow-development"]).status).toBe(0);
		expect(log([...args.slice(0, -1), file("app.sigx")]).stdout).toMatch(/^not used from \S+ to \S+: rules\[no-x\] /m);
		writeFileSync(file("none.jsonl"), "");
		const none = log(["log", "--by", "rule", file("none.jsonl"), "--policy", file("policy.json")]);
		expect(none.stdout).toContain("not used (no event has a time): rules[no-x] ");
		writeFileSync(file("used.json"), JSON.stringify({ version: 1, rules: rules.slice(0, 1) }));
		expect(log([...args.slice(0, -1), file("used.json")]).stdout).toContain("every rule of the policy was used\n");
		for (const wrong of [
			["log", file("a.jsonl"), "--policy", file("policy.json")],
			[...args, "--follow"],
		])
			expect(log(wrong)).toMatchObject({ status: 2, stderr: expect.stringContaining("Give --policy with --by rule") });
		for (const fewer of [["--refused"], ["--event", "module.*"]])
			expect(log([...args, ...fewer])).toMatchObject({
				status: 2,
				stderr: expect.stringContaining("Give --policy without --refused and --event"),
			});
	});

	it("counts and names lines that are no events, and shows the others", () => {
		const { file, sigtool: log } = place();
		const whole = eventLine("module.dlopen", { path: "/a" });
		const parts = [
			whole,
			'{"time":"2026-01-31T12:00:00.000Z","event":"mod',
			"\n",
			`{"time":"2026-01-31T1${whole}`, // A line that a full disk has cut, without its end.
			"Starting \u001b[31m{app}\n",
			`${"[".repeat(300_000)}\n`,
			`{"event":"${"x".repeat(3 << 20)}"}\n`,
			'{"event":5,"verdict":"refuse"}\n',
			'{"__proto__":{"event":"a","verdict":"refuse"}}\n',
			"\n",
			eventLine("evil\u001b]0;title\u0007\u202e", { path: "/b\u001b[2J\n<0>", verdict: "refuse", reason: 5 }),
		];
		writeFileSync(file("a.jsonl"), Buffer.concat([Buffer.from(parts.join("")), Buffer.of(0xff, 0x00, 0x0a)]));
		const { status, stdout, stderr } = log(["log", file("a.jsonl")]);
		expect(status).toBe(0);
		expect(stdout.match(/\/a$/gm)).toHaveLength(2);
		expect(stderr).toContain('7 lines of "');
		expect(stderr).toContain("(3 torn, 3 foreign, 1 huge), the first is line 2;");
		// biome-ignore lint/suspicious/noControlCharactersInRegex: no such character may reach a terminal.
		expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
		const document = log(["log", file("a.jsonl"), "--json"]).json();
		expect(document.broken).toEqual({ [file("a.jsonl")]: { torn: 3, foreign: 3, huge: 1, firstLine: 2 } });
		expect(document.events).toHaveLength(3);
	});

	it("reads several files, compressed ones, and standard input", () => {
		const { file, sigtool: log } = place();
		writeFileSync(file("a.jsonl"), eventLine("module.dlopen", { path: "/a" }));
		writeFileSync(file("b.gz"), gzipSync(eventLine("module.dlopen", { path: "/b" })));
		const input = eventLine("module.dlopen", { path: "/c" });
		const { stdout } = log(["log", file("a.jsonl"), file("b.gz"), "-"], { input });
		expect([...stdout.matchAll(/module\.dlopen (\S+)/g)].map(([, path]) => path)).toEqual(["/a", "/b", "/c"]);
		expect(log(["log", "--by", "event", "-"], { input: gzipSync(input) }).stdout).toContain("module.dlopen");
		// A rest of a compressed file is shown as far as it goes, and the others too.
		const whole = gzipSync(Array.from({ length: 5000 }, (_, i) => eventLine("fs.open", { path: `/${i}` })).join(""));
		writeFileSync(file("cut.gz"), whole.subarray(0, whole.length - 100));
		const cut = log(["log", file("cut.gz"), file("a.jsonl"), "--json"]);
		expect(cut.status).toBe(3);
		expect(cut.json().unread).toMatchObject([{ code: "ERR_IO", message: expect.stringContaining("ends early") }]);
		expect(cut.json().events.at(-1).event.path).toBe("/a");
	});

	it("says what to do when there is no log to read", () => {
		const { file, sigtool: log } = place();
		mkdirSync(file("dir"));
		writeFileSync(file("a.bz2"), "BZh91AY");
		for (const [args, says] of [
			[["log", "--prefix", "/nowhere"], /Name a log.*--prefix names its directory \[ERR_USAGE\]/],
			[["log", file("missing")], /no such file; a host has its log from .* \[ERR_ROOT_MISSING\]/],
			[["log", file("dir")], /it is a directory; name the files in it \[ERR_USAGE\]/],
			[["log", "--follow", "-"], /Cannot follow "-"/],
		] as const)
			expect([log(args).status, log(args).stderr]).toEqual([2, expect.stringMatching(says)]);
		expect(log(["log", file("a.bz2")])).toMatchObject({
			...{ status: 3, stdout: "" },
			stderr: expect.stringContaining("run `bzcat"),
		});
	});

	it("groups in bounded memory", () => {
		const { file, sigtool: log } = place();
		const lines = Array.from(
			{ length: 100_100 },
			(_, index) => `{"event":"fs.open","verdict":"allow","path":"/${index}"}`,
		);
		writeFileSync(file("a.jsonl"), lines.join("\n"));
		const { groups, beyond } = log(["log", "--by", "file", "--json", file("a.jsonl")]).json();
		expect([groups.length, beyond]).toEqual([100_000, 100]);
	});
});

describe("sigtool log --follow", () => {
	function follow(file: string, ...args: string[]) {
		const child = spawn(process.execPath, [MAIN, "log", "--follow", file, ...args], {
			env: { ...process.env, NO_COLOR: "1" },
			stdio: ["ignore", "pipe", "pipe"],
		});
		onTestFinished(() => {
			child.kill("SIGKILL");
		});
		let output = "";
		child.stdout.on("data", (data) => {
			output += data;
		});
		let errors = "";
		child.stderr.on("data", (data) => {
			errors += data;
		});
		const until = async (text: string) => {
			await expect.poll(() => output).toContain(text);
		};
		const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
		return { child, until, ended, output: () => output, errors: () => errors };
	}

	it("goes on through rotation, replacement and emptying, and ends in order", async () => {
		const { file } = place();
		const path = file("a.jsonl");
		const event = (name: string) => eventLine("fs.open", { path: name });
		writeFileSync(path, event("/1"));
		const { child, until, ended, output } = follow(path);
		await until("/1\n");
		appendFileSync(path, event("/2").slice(0, 20));
		appendFileSync(path, event("/2").slice(20));
		await until("/2\n");
		renameSync(path, `${path}.1`);
		appendFileSync(`${path}.1`, event("/3")); // A process that has not noticed it yet.
		await until("/3\n");
		writeFileSync(path, event("/4"));
		await until("/4\n");
		// The event after the emptying is shorter, so the file has shrunk however late the follower looks at it.
		writeFileSync(`${path}.new`, event(`/${"long/".repeat(50)}5`));
		renameSync(`${path}.new`, path);
		await until("/5\n");
		truncateSync(path);
		appendFileSync(path, event("/6"));
		await until("/6\n");
		child.kill("SIGINT");
		expect(await ended).toBe(0);
		expect(output()).toMatch(/6 events of 1 host from .*: 6 allowed\n$/);
	});

	it("waits for a file that does not exist yet", async () => {
		const { file } = place();
		const { child, until, ended, output, errors } = follow(file("later/a.jsonl"));
		await expect.poll(errors).toContain(`waits for "${file("later/a.jsonl")}"`);
		mkdirSync(file("later"));
		writeFileSync(file("later/a.jsonl"), eventLine("fs.open", { path: "/1" }));
		await until("/1\n");
		child.kill("SIGINT");
		expect(await ended).toBe(0);
		expect(output()).toContain("1 event of 1 host");
	});

	it("ends in order while it waits", async () => {
		const { file } = place();
		const { child, ended, errors } = follow(file("never.jsonl"));
		await expect.poll(errors).toContain("no such file yet");
		child.kill("SIGTERM");
		expect(await ended).toBe(0);
	});

	it("prints one document a line with --json", async () => {
		const { file } = place();
		writeFileSync(file("a.jsonl"), eventLine("fs.open", REFUSED) + eventLine("fs.open"));
		const { child, until, ended, output } = follow(file("a.jsonl"), "--json", "--refused");
		await until("ERR_FILE_MODIFIED");
		child.kill("SIGTERM");
		expect(await ended).toBe(0);
		const documents = output()
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line));
		expect(documents).toMatchObject([{ event: REFUSED }, { command: "log show", exit: 0, total: { events: 1 } }]);
	});
});
