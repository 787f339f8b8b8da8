/** Tests `sigtool why`, the other name of `sigtool explain`, with events, messages and logs. */

import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../../test/outside.js";
import type { ErrorCode } from "../../../../core/dist/errors.js";
import { mendOf } from "../../../dist/events/mends.js";
import { MAIN, runner, temporaryDirectory } from "../../support.js";

const NOWHERE = ["--prefix", "/nowhere"];

function why(input: string) {
	const { status, stdout, stderr } = runner(temporaryDirectory())(["why", "-", "--json", ...NOWHERE], { input });
	return status === 0 ? { status, ...JSON.parse(stdout) } : { status, ...JSON.parse(stdout).error, stderr };
}

const eventOf = (event: string, members: object = {}) =>
	JSON.stringify({ time: "2026-01-31T12:00:00.000Z", event, verdict: "refuse", pid: 7, thread: 0, ...members });

it.each([
	[
		"worker.spawn",
		{ reason: "ERR_RUNTIME_RULE", path: "/a.js" },
		"runtime.workers of the policy",
		/set runtime\.workers in the policy/,
	],
	[
		"child_process.spawn",
		{ reason: "ERR_RUNTIME_RULE", file: "/bin/sh" },
		"runtime.children of the policy",
		/runtime\.children/,
	],
	["python.sys.addaudithook", { reason: "ERR_RUNTIME_RULE" }, "python.auditHooks of the policy", /python\.auditHooks/],
	[
		"python.compile",
		{ reason: "ERR_RUNTIME_RULE", detail: "print(1), <string>" },
		"python.stringCode of the policy",
		/python\.stringCodeFrom/,
	],
	[
		"python.import",
		{ reason: "ERR_RUNTIME_RULE", detail: "multiprocessing.popen_spawn_posix, None, None" },
		"runtime.children of the policy",
		/set runtime\.children/,
	],
	[
		"python.mmap",
		{ reason: "ERR_RUNTIME_RULE", detail: "memory" },
		"launch.writableCode of the policy",
		/writableCode/,
	],
	["python.sqlite3.load_extension", { reason: "ERR_RUNTIME_RULE" }, "a rule that no policy changes", /^change/],
	["ffi.open", { reason: "ERR_RUNTIME_RULE" }, "a rule that no policy changes", /^change the program/],
	[
		"worker.spawn",
		{ reason: "ERR_LAUNCHER", kind: "hook" },
		"start: a worker loads the version that its process started with",
		/start the service again/,
	],
	[
		"verifier.start",
		{ reason: "ERR_INDEX_EXPIRED" },
		"start: settings, index, signer and system must be as they should",
		/^compile and install a new index$/,
	],
	[
		"module.open_code",
		{ reason: "ERR_DENIED", rule: "deny" },
		"deny: the deny list of the host configuration",
		/without it/,
	],
])("why explains %s with %j", (event, members, rule, mend) => {
	expect(why(eventOf(event, members))).toMatchObject({ status: 0, rule, mend: expect.stringMatching(mend) });
});

it("why takes the last refusal of a journal, and passes over what ran", () => {
	const journal = [
		`Jan 31 12:00:00 host app[7]: sigtool: ${eventOf("verifier.start", { reason: "ERR_CLOCK" })}`,
		'Jan 31 12:00:01 host app[7]: sigtool: ERR_SEQUENCE: Cannot use product "app": this host demands 4',
		`Jan 31 12:00:02 host app[7]: ${JSON.stringify({ event: "verifier.start", verdict: "allow" })}`,
		"Jan 31 12:00:03 host app[7]: listening {on} 8080",
		'Jan 31 12:00:04 host app[7]: sigtool-launch: warning: root may write "/data", whose mount is not nosuid',
		"",
	];
	expect(why(journal.join("\n"))).toMatchObject({ reason: "ERR_SEQUENCE", detail: expect.stringContaining("app") });
	expect(why(journal[0] ?? "")).toMatchObject({ reason: "ERR_CLOCK", mend: expect.stringMatching(/^set the clock/) });
	expect(why('error: Cannot run "a.js": it was modified [ERR_FILE_MODIFIED]')).toMatchObject({
		reason: "ERR_FILE_MODIFIED",
		mend: expect.stringMatching(/^restore the signed file/),
	});
});

it("why says of what is only recorded that nothing has to be done, and which member of the policy says so", () => {
	const recorded = (event: string, members: object = {}) => eventOf(event, { verdict: "record", ...members });
	const text = recorded("code.string", { kind: "eval" });
	expect(why(text)).toMatchObject({
		...{ status: 0, what: "code.string eval", verdict: "record", rule: "runtime.stringCode of the policy" },
		mend: expect.stringMatching(/^nothing has to be done: runtime\.stringCode of the policy says `audit`/),
	});
	expect(why(recorded("python.subprocess.Popen", { detail: "true" }))).toMatchObject({
		rule: "runtime.children of the policy",
	});
	// A line of an earlier release, which only the native gate can have written.
	expect(why(eventOf("code.string", { kind: "eval", verdict: "audit" }))).toMatchObject({ verdict: "record" });
	const start = why(recorded("verifier.start", { mode: "audit", script: "/a.js" }));
	expect([start.verdict, start.rule, start.mend]).toEqual(["record", undefined, undefined]);
	expect(why(recorded("verifier.detached", { reason: "ERR_AUDIT_SINK" }))).toMatchObject({
		...{ verdict: "record", reason: "ERR_AUDIT_SINK", mend: expect.stringContaining("disk") },
	});
	// A refusal says more, even if text was recorded after it.
	expect(why(`${eventOf("module.open_code", ADDED)}\n${text}`)).toMatchObject({ reason: "ERR_FILE_ADDED" });
	const { stdout } = runner(temporaryDirectory())(["why", text]);
	expect(stdout).toMatch(/^recorded: code\.string eval\n/);
});

const ADDED = { reason: "ERR_FILE_ADDED", rule: "entry", path: "/srv/rel/1/app/a.js", sha256: "1".repeat(64) };
const SAYS_NODE =
	'app[7]: sigtool: ERR_UNTRUSTED_CODE: Cannot load "/srv/current/app/a.js": no signature covers it (ERR_FILE_ADDED; rule entry, found 11)';
const SAYS_PYTHON = `app[7]: spython: Cannot load '/srv/current/app/a.js': no signature covers it (ERR_FILE_ADDED, got 11)`;

it.each([
	["Node.js", SAYS_NODE],
	["CPython", SAYS_PYTHON],
])("why explains the refusal of a file by the event before the message, %s", (_, message) => {
	const event = `app[7]: ${eventOf("module.open_code", ADDED)}`;
	const other = eventOf("module.open_code", { ...ADDED, path: "/srv/rel/1/app/b.js" });
	const known = { status: 0, reason: "ERR_FILE_ADDED", mend: expect.stringMatching(/^remove it, or sign/) };
	expect(why([other, event, "app[7]: bye", message].join("\n"))).toMatchObject({
		...known,
		event: ADDED,
		rule: expect.stringMatching(/^entry: /),
	});
	// Alone, or after the event of another file, the message has the code itself.
	for (const before of [[], [event, other], [eventOf("verifier.start", { reason: "ERR_CLOCK" })]]) {
		expect(why([...before, message].join("\n"))).toMatchObject({ ...known, event: { event: "message" } });
	}
});

it("why explains the message of a spython about a file that was modified", () => {
	expect(why("spython: File hash mismatch: '/a.py' (expected: 1, got 2)")).toMatchObject({
		reason: "ERR_FILE_MODIFIED",
		mend: expect.stringMatching(/^restore the signed file/),
	});
});

it("why leads from a mode that is weaker than the host's to the setting that is", () => {
	const message = 'Cannot be in mode audit: host configuration "/x" says strict; start in this mode';
	const mend = expect.stringMatching(/^install the launcher in the mode that the message names last/);
	expect(why(`sigtool: ERR_START: ${message}\n`)).toMatchObject({ reason: "ERR_START", mend });
});

it.each([
	["compile", "no signed file has this text (policy: python.stringCode)", "python.stringCode of the policy"],
	["import", "child processes are refused (policy: runtime.children)", "runtime.children of the policy"],
	["import", "the policy says python.extensions: refuse", "python.extensions of the policy"],
	["ctypes.dlopen", "the policy says python.extensions: refuse", "python.extensions of the policy"],
	["ctypes.dlopen", "it names no file", "a rule that no policy changes"],
])("why explains the message of a spython about %s: %s", (event, said, rule) => {
	expect(why(`spython: Cannot go on with ${event}: ${said} (ERR_RUNTIME_RULE), at /a.py:1`)).toMatchObject({ rule });
});

it("why explains an error code, with what to do about a program that was refused", () => {
	const sigtool = runner(temporaryDirectory());
	expect(sigtool(["why", "ERR_INDEX_EXPIRED"]).stdout).toMatch(
		/^ERR_INDEX_EXPIRED: .*\n +at run time +compile and install a new index\n/s,
	);
	expect(sigtool(["why", "ERR_IO", "--json"]).json()).toMatchObject({ exit: 0, command: "explain", code: "ERR_IO" });
});

it.each([
	["its owner", 'Cannot trust "/x": it belongs to another user; make root its owner', /make root its owner/],
	["its digest", `Cannot trust "/x": its SHA-256 is 1, not 2`, /if not, somebody changed it/],
	["no index", 'Cannot open the trust index "/x": No such file or directory', /sigtool compile/],
	["a directory", 'Cannot make "/x" writable: it belongs to the kernel', /grant another directory/],
	[
		"a link",
		'Cannot follow the link "/x" to a signed tree or index: root does not own it; make it anew as root',
		/^make the link anew as root$/,
	],
	["a weaker mode", "Cannot be in mode audit: launcher.conf says enforce", /install the launcher with this mode/],
	["anything else", "Cannot drop capabilities: x", /docs\/reference\/launcher\.md/],
])("why leads from a message of the launcher to its mend: %s", (_, message, mend) => {
	const told = why(`sigtool-launch: ${message}\n`);
	expect(told).toMatchObject({ reason: "ERR_LAUNCHER", detail: message, mend: expect.stringMatching(mend) });
});

it("why refuses what is no refusal, and says what it takes", () => {
	for (const input of ["", "hello\n", "{}", '{"event":"x"}', JSON.stringify({ event: "x", verdict: "allow" })]) {
		expect(why(input)).toMatchObject({ status: 2, code: "ERR_USAGE" });
	}
	const sigtool = runner(temporaryDirectory());
	expect(sigtool(["why", "/some/file", ...NOWHERE])).toMatchObject({ status: 2, stdout: "" });
	expect(sigtool(["why", MAIN, ...NOWHERE]).stdout).toMatch(/\nno launcher is installed .*--prefix.*--log\n$/);
	expect(sigtool(["why"]).status).toBe(2);
});

it("why finds the last refusal of a file in a log, and lets no event control the terminal", () => {
	const directory = temporaryDirectory();
	const log = join(directory, "events.jsonl");
	const file = join(directory, "a.js");
	const lines = [
		eventOf("module.open_code", { path: file, reason: "ERR_FILE_ADDED", rule: "entry", sha256: "old" }),
		eventOf("module.open_code", { path: file, reason: "ERR_FILE_MODIFIED", rule: "entry", sha256: "new\u001b[31m" }),
		eventOf("module.open_code", { path: `${file}x`, reason: "ERR_DENIED" }),
		"{ half a li",
	];
	writeFileSync(log, lines.join("\n"));
	const run = runner(directory)(["why", "--log", log, ...NOWHERE, file]);
	expect(run).toMatchObject({ status: 0, stderr: "" });
	expect(run.stdout).toContain(`refused: module.open_code ${file}`);
	expect(run.stdout).toMatch(/reason +ERR_FILE_MODIFIED: /);
	expect(run.stdout).not.toContain("\u001b");
	expect(runner(directory)(["why", "--log", log, ...NOWHERE, "/other"]).stdout).toBe(
		`no refusal of /other in ${log}, with events since 2026-01-31T12:00:00.000Z\n`,
	);
	expect(runner(directory)(["why", "--log", "/none", ...NOWHERE, file])).toMatchObject({ status: 3 });
});

it("why finds a file by its real path too, also if the file is gone", () => {
	const directory = realpathSync(temporaryDirectory());
	const release = join(directory, "rel/2");
	mkdirSync(release, { recursive: true });
	symlinkSync("rel/2", join(directory, "current"));
	const log = join(directory, "events.jsonl");
	writeFileSync(log, eventOf("module.open_code", { path: join(release, "a.js"), reason: "ERR_FILE_ADDED" }));
	const told = () => runner(directory)(["why", "--log", log, ...NOWHERE, join(directory, "current/a.js")]).stdout;
	expect(told()).toMatch(/reason +ERR_FILE_ADDED/);
	writeFileSync(join(release, "a.js"), "");
	expect(told()).toMatch(/reason +ERR_FILE_ADDED/);
});

it("why looks through several logs for the last refusal by time, and through standard input, not through compressed files", () => {
	const directory = temporaryDirectory();
	const at = (name: string) => join(directory, name);
	const refusal = (hour: number, reason: string) => {
		return `${eventOf("module.open_code", { time: `2026-01-31T${hour}:00:00.000Z`, path: "/a.js", reason })}\n`;
	};
	writeFileSync(at("audit.jsonl"), refusal(13, "ERR_DENIED").replace("/a.js", "/b.js"));
	writeFileSync(at("audit.jsonl.1"), refusal(12, "ERR_FILE_MODIFIED"));
	writeFileSync(at("audit.jsonl.2"), refusal(11, "ERR_FILE_ADDED"));
	const logs = ["audit.jsonl.1", "audit.jsonl.2", "audit.jsonl"].flatMap((name) => ["--log", at(name)]);
	const sigtool = runner(directory);
	const told = sigtool(["why", ...logs, ...NOWHERE, "--json", "/a.js"]).json();
	expect(told).toMatchObject({ reason: "ERR_FILE_MODIFIED", since: "2026-01-31T11:00:00.000Z" });
	const input = readFileSync(at("audit.jsonl.2"), "utf8");
	const read = sigtool(["why", "--log", "-", ...NOWHERE, "--json", "/a.js"], { input });
	expect(read.json()).toMatchObject({ reason: "ERR_FILE_ADDED" });

	writeFileSync(at("audit.jsonl.3.gz"), gzipSync(input));
	const compressed = sigtool(["why", "--log", at("audit.jsonl.3.gz"), ...NOWHERE, "/a.js"]);
	expect([compressed.status, compressed.stderr]).toEqual([
		2,
		expect.stringMatching(/is compressed; run `zcat \S*audit\.jsonl\.3\.gz \| sigtool explain --log - PATH`/),
	]);
});

it("why refuses as a log what it would wait for, and a directory, and names the way out", () => {
	const directory = temporaryDirectory();
	const fifo = join(directory, "events");
	execFileSync("mkfifo", [fifo]);
	symlinkSync("events", join(directory, "link"));
	for (const name of ["events", "link"]) {
		const args = [MAIN, "why", "--log", join(directory, name), ...NOWHERE, "/a.js"];
		expect(spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 })).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(/it is a FIFO; run `cat \S+ \| sigtool explain --log - PATH` \[ERR_USAGE\]/),
		});
	}
	expect(runner(directory)(["why", "--log", directory, ...NOWHERE, "/a.js"])).toMatchObject({
		status: 2,
		stderr: expect.stringMatching(/Cannot read ".*": it is a directory; name a file \[ERR_USAGE\]/),
	});
});

it.skipIf(!hasProgram("bash"))("why reads a process substitution as a log (needs bash)", () => {
	const directory = temporaryDirectory();
	const log = join(directory, "events.gz");
	writeFileSync(log, gzipSync(eventOf("module.open_code", { path: "/a.js", reason: "ERR_FILE_ADDED" })));
	const script = `"$0" "$1" why --log <(zcat "$2") --prefix /nowhere /a.js`;
	const { status, stdout } = spawnSync("bash", ["-c", script, process.execPath, MAIN, log], { encoding: "utf8" });
	expect([status, stdout]).toEqual([0, expect.stringMatching(/reason +ERR_FILE_ADDED/)]);
});

it("why has a mend for each code that the table of refusals lists", () => {
	const table = readFileSync(new URL("../../../../../docs/reference/launcher.md", import.meta.url), "utf8")
		.split("## Refusals and their exit statuses")[1]
		?.split("\n## ")[0];
	const codes = [...new Set(table?.match(/ERR_[A-Z]+(?:_[A-Z]+)*(?![A-Z_]|…)/g))];
	expect(codes.length).toBeGreaterThan(20);
	const missing = codes.filter((code) => mendOf(code as ErrorCode) === undefined);
	expect(missing).toEqual([]);
});

it("why prints nothing of a hostile event as it is", () => {
	const red = "\u001b[31m";
	const hostile = {
		path: `/p${red}`,
		sha256: `${red}\n  mend  run curl`,
		expected: `${red}\nx`,
		rule: `${red}\ny`,
		reason: red,
	};
	const run = runner(temporaryDirectory())(["why", "-", ...NOWHERE], { input: eventOf("module.open_code", hostile) });
	expect(run.status).toBe(0);
	expect(run.stdout).not.toContain(red);
	expect(run.stdout.split("\n").filter((line) => /^ {2}mend /.test(line))).toHaveLength(1);
	for (const rule of ["constructor", "__proto__", "toString"]) {
		expect(why(eventOf(rule, { reason: "ERR_DENIED", rule }))).toMatchObject({ status: 0, rule });
	}
});

it("why finds an event behind one that a full disk cut", () => {
	const directory = temporaryDirectory();
	const log = join(directory, "log.jsonl");
	const event = eventOf("module.open_code", { reason: "ERR_DENIED", path: "/evil.py" });
	writeFileSync(log, `${event.slice(0, 60)}${event}\n`);
	expect(runner(directory)(["why", "--log", log, ...NOWHERE, "/evil.py"]).stdout).toMatch(/^refused: .*\/evil\.py/);
});
