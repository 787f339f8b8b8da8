import { chmodSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { eventOf, loaded, project } from "./project.js";

describe("policy init", () => {
	it("writes a policy in mode audit, and replaces none without --force", () => {
		const { sigtool, at } = project();
		expect(sigtool(["policy", "init"])).toMatchObject({
			status: 0,
			stdout: expect.stringContaining("wrote policy.json"),
		});
		expect(JSON.parse(readFileSync(at("policy.json"), "utf8"))).toEqual({ version: 1, mode: "audit" });
		expect(sigtool(["policy", "init", "--mode", "enforce"])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("it exists; --force replaces it [ERR_OUTPUT_EXISTS]"),
		});
		expect(sigtool(["policy", "init", "--mode", "enforce", "--force"]).status).toBe(0);
		expect(sigtool(["policy", "check", "policy.json", "--json"]).json()).toMatchObject({ mode: "enforce", rules: [] });
	});
});

describe("policy check", () => {
	it("names the line and the column of a fault", () => {
		const { sigtool, write } = project();
		write("bad.json", '{\n  "version": 1,\n  "rules": [\n    { "deny": { "path": "/etc" } }\n  ]\n}');
		expect(sigtool(["policy", "check", "bad.json"])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining('"$.rules[0].deny.path" must be a relative path'),
		});
		expect(sigtool(["policy", "check", "bad.json"]).stderr).toContain("(line 4, column 17) [ERR_POLICY]");
	});

	it("warns about rules that end, that have no effect, and that match nobody", () => {
		const { sigtool, write } = project();
		const signer = { authority: "c".repeat(64), subject: "cn=Release" };
		write("policy.json", {
			rules: [
				{ allow: { product: "app" }, expires: "2020-01-01" },
				{ deny: { name: "a.js" }, label: "no-a", expires: "2020-01-01" },
				{ allow: { name: "a.js" } },
				{ allow: { product: "app" } },
				{ deny: { signer } },
				{ deny: { path: "lib/e\u0301.js" } },
				{ deny: { name: "x" }, expires: new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10) },
			],
		});
		const { status, stderr, stdout } = sigtool(["policy", "check", "policy.json"]);
		expect(status).toBe(0);
		const warnings = [
			"rules[0] expired on 2020-01-01, and allows nothing: renew or remove it",
			"rules[no-a] expired on 2020-01-01, and still refuses: renew or remove it",
			"rules[2] allows nothing, because rules[no-a] denies the same files",
			"rules[3] matches what rules[0] matches",
			'rules[4] matches nobody: write the subject as "CN=Release"',
			"rules[5] has letters in a decomposed form",
			"rules[6] ends on ",
		];
		for (const warning of warnings) expect(stderr).toContain(`warning: ${warning}`);
		expect(stdout).toContain("3 allow rules, 4 deny rules; what no allow rule matches is refused");
	});

	it("checks supplemental policies with their base", () => {
		const { sigtool, write } = project();
		write("base.json", { rules: [{ allow: { product: "app" } }] });
		write("more.json", { rules: [{ deny: { name: "a.js" } }] });
		write("wrong.json", { mode: "audit" });
		const { rules } = sigtool(["policy", "check", "base.json", "more.json", "--json"]).json();
		expect(rules).toMatchObject([{ supplemental: false }, { name: "rules[1]", supplemental: true }]);
		expect(sigtool(["policy", "check", "base.json", "wrong.json"])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining(
				'"$.mode" is for the base policy: a supplemental one has rules alone (line 1, column 14)',
			),
		});
	});
});

describe("policy explain", () => {
	it("explains the decision about a file of an index, with signers and a policy of its own", () => {
		const { sigtool, write, at } = project();
		write("policy.json", {
			rules: [{ deny: { path: "lib/**" }, label: "no-lib", message: "retired" }, { allow: { product: "app" } }],
		});
		expect(sigtool(["compile", "app", "-o", "app.sigx", "--policy", "policy.json", "--allow-development"]).status).toBe(
			0,
		);
		const explained = sigtool(["policy", "explain", "app/lib/a.js", "--index", "app.sigx", "--json"]).json();
		expect(explained).toMatchObject({ allowed: false, rule: "rules[no-lib]", others: ["rules[1]"], entry: "lib/a.js" });
		expect(sigtool(["policy", "explain", "app/lib/a.js", "--index", "app.sigx"]).stdout.trimEnd().split("\n")).toEqual([
			at("app/lib/a.js"),
			'  refused by rules[no-lib] (deny path "lib/**"): retired',
			'  also matches: rules[1] (allow product "app")',
			"  to allow it: remove or narrow rules[no-lib]",
		]);
		write("signer.json", { rules: [{ allow: { signer: { key: "0".repeat(64) } } }] });
		const other = sigtool(["policy", "explain", "app/main.js", "--index", "app.sigx", "--policy", "signer.json"]);
		expect(other.stdout).toContain("refused: no allow rule of the policy matches it");
		write("app/added.js", "added()");
		write("app/main.js", "changed()");
		for (const [file, code] of [
			["app/added.js", "ERR_FILE_ADDED"],
			["app/main.js", "ERR_FILE_MODIFIED"],
			["signer.json", "ERR_OUTSIDE_PRODUCTS"],
		] as const) {
			const { stdout } = sigtool(["policy", "explain", file, "--index", "app.sigx"]);
			expect(stdout).toContain(`(${code})\n  no rule can allow it: rules choose among what is signed`);
		}
	});

	it("explains a refusal by owner or mode, of a file and of an event, with the way out", () => {
		const { sigtool, write, at } = project();
		expect(sigtool(["compile", "app", "-o", "app.sigx", "--allow-development"]).status).toBe(0);
		const policy = write("policy.json", { files: { othersWrite: "refuse" } });
		const explain = (subject: string, name = policy) =>
			sigtool(["policy", "explain", subject, "--index", "app.sigx", "--policy", name]).stdout;
		chmodSync(at("app/main.js"), 0o664);
		expect(explain("app/main.js")).toBe(
			`${at("app/main.js")}\n  refused: its mode 0664 lets its group or others write it, and the policy refuses that (ERR_FILE_WRITABLE)\n` +
				"  to allow it: take the right to write from its group and others, or set files.othersWrite to allow in the policy\n",
		);
		expect(sigtool(["policy", "explain", "app/main.js", "--index", "app.sigx"]).stdout).not.toContain("ERR_FILE");
		write("deny.json", { files: { othersWrite: "refuse" }, rules: [{ deny: { name: "main.js" } }] });
		expect(explain("app/main.js", "deny.json")).toContain("refused by rules[0]");
		chmodSync(at("app/main.js"), 0o644);
		expect(explain("app/main.js")).not.toContain("refused");
		const ofAnother = loaded("main.js", {
			verdict: "refuse",
			rule: "files",
			reason: "ERR_FILE_OWNER",
			detail: "owner 1000, mode 0664",
		});
		write("owner.json", { files: { owner: "root" } });
		expect(explain(ofAnother, "owner.json")).toContain(
			"another user does (ERR_FILE_OWNER)\n  to allow it: make root its owner, or set files.owner to any in the policy\n",
		);
	});

	it("explains an event, also from standard input", () => {
		const { sigtool, write } = project();
		write("policy.json", { rules: [{ allow: { path: "*.js" } }] });
		const event = loaded("lib/a.js");
		const { stdout } = sigtool(["policy", "explain", event, "--policy", "policy.json"]);
		expect(stdout).toContain("refused: no allow rule of the policy matches it\n");
		expect(sigtool(["policy", "explain", "-", "--policy", "policy.json"], `Jan 31 host: ${event}\n`).stdout).toBe(
			stdout,
		);
		const outside = eventOf({
			path: "/tmp/x.js",
			sha256: "b".repeat(64),
			verdict: "audit",
			reason: "ERR_OUTSIDE_PRODUCTS",
		});
		expect(sigtool(["policy", "explain", outside, "--policy", "policy.json"]).stdout).toContain("no rule can allow it");
		const child = eventOf({
			event: "child_process.spawn",
			verdict: "audit",
			reason: "ERR_RUNTIME_RULE",
			file: "/bin/sh",
		});
		expect(sigtool(["policy", "explain", child, "--policy", "policy.json"]).stdout).toContain(
			"runtime.children of the policy refuses it",
		);
		const text = eventOf({ event: "python.compile", verdict: "refuse", reason: "ERR_RUNTIME_RULE", detail: "f()" });
		write("strict.json", { mode: "strict" });
		expect(sigtool(["policy", "explain", text, "--policy", "strict.json"]).stdout).toMatch(
			/refused: python\.stringCode of the policy refuses it .*\n {2}to allow it \(python\.stringCode\): name the module .*python\.stringCodeFrom/,
		);
		const hook = eventOf({ event: "python.sys.addaudithook", verdict: "refuse", reason: "ERR_RUNTIME_RULE" });
		expect(sigtool(["policy", "explain", hook, "--policy", "strict.json"]).stdout).toContain(
			"no policy allows it in mode strict (python.auditHooks)",
		);
		expect(sigtool(["policy", "explain", "app/main.js"]).status).toBe(2);
		expect(sigtool(["policy", "explain", "{", "--policy", "policy.json"])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("no line is an event"),
		});
	});
});

describe("policy diff", () => {
	it("tells members, rules and files that differ", () => {
		const { sigtool, write } = project();
		write("old.json", { rules: [{ allow: { product: "app" } }] });
		write("new.json", { mode: "strict", rules: [{ deny: { name: "a.js" } }, { allow: { product: "app" } }] });
		expect(sigtool(["compile", "app", "-o", "app.sigx", "--policy", "old.json", "--allow-development"]).status).toBe(0);
		const { status, stdout } = sigtool(["policy", "diff", "app.sigx", "new.json", "--index", "app.sigx"]);
		expect({ status, lines: stdout.trimEnd().split("\n") }).toEqual({
			status: 1,
			lines: [
				'mode: "enforce" → "strict"',
				'+ rules[0] (deny name "a.js")',
				"now refused: app: lib/a.js: rules[0] of the policy denies it",
				"1 signed file is decided differently",
			],
		});
		expect(sigtool(["policy", "diff", "old.json", "old.json"])).toMatchObject({
			status: 0,
			stdout: "the policies are equal\n",
		});
	});
});

describe("policy test", () => {
	const lines = [
		loaded("main.js"),
		loaded("lib/a.js"),
		loaded("lib/a.js"),
		eventOf({ path: "/tmp/x.js", sha256: "b".repeat(64), verdict: "audit", reason: "ERR_OUTSIDE_PRODUCTS" }),
		eventOf({ event: "child_process.spawn", verdict: "audit", reason: "ERR_RUNTIME_RULE", file: "/bin/sh" }),
		eventOf({ event: "code.string", verdict: "audit", kind: "eval", sha256: "c".repeat(64) }),
		"not an event",
		'{"time":"cut',
	];

	it("judges recorded text by the policy, and counts what the verifier records of itself as no refusal", () => {
		const { sigtool, write } = project();
		const log = [
			eventOf({ event: "code.string", verdict: "record", kind: "eval", sha256: "c".repeat(64) }),
			eventOf({ event: "vm.compile", verdict: "record", kind: "Script", reason: "ERR_UNSIGNED_BYTECODE" }),
			eventOf({ event: "verifier.detached", verdict: "record", reason: "ERR_AUDIT_SINK" }),
		];
		write("log.jsonl", `${log.join("\n")}\n`);
		const refused = (stringCode: string) => {
			write("policy.json", { runtime: { stringCode } });
			return sigtool(["policy", "test", "log.jsonl", "--policy", "policy.json", "--json"]).json().refusedEvents;
		};
		expect([refused("audit"), refused("allow"), refused("signed")]).toEqual([0, 0, 1]);
	});

	it("keeps a refusal by owner or mode unless the policy lifts it, and finds the mode behind the owner", () => {
		const { sigtool, write } = project();
		const refused = (entry: string, reason: string, mode: string) =>
			loaded(entry, { verdict: "refuse", rule: "files", reason, detail: `owner 1000, mode ${mode}` });
		const log = [
			refused("a.js", "ERR_FILE_OWNER", "0644"),
			refused("b.js", "ERR_FILE_OWNER", "0664"),
			refused("c.js", "ERR_FILE_OWNER", "0602"),
			refused("d.js", "ERR_FILE_WRITABLE", "0666"),
		];
		write("log.jsonl", `${log.join("\n")}\n`);
		const told = (files: object) => {
			write("policy.json", { files });
			const { stdout } = sigtool(["policy", "test", "log.jsonl", "--policy", "policy.json"]);
			return [...stdout.matchAll(/refused: \/srv\/app\/(.)\.js/g)].map(([, name]) => name).join("");
		};
		expect(told({ owner: "root", othersWrite: "refuse" })).toBe("abcd");
		expect(told({ othersWrite: "refuse" })).toBe("bcd");
		expect(told({ owner: "root" })).toBe("abc");
		expect(told({ owner: "any", othersWrite: "allow" })).toBe("");
	});

	it("judges text of CPython and memory for code by their members, and names the way out once", () => {
		const { sigtool, write } = project();
		const refused = (event: string, detail: string) =>
			eventOf({ event, verdict: "refuse", reason: "ERR_RUNTIME_RULE", detail });
		const log = [
			refused("python.compile", "f(), <string>"),
			refused("python.compile", "g(), <string>"),
			refused("python.mmap", "memory"),
			eventOf({ event: "python.code.__new__", detail: "code" }),
			eventOf({ event: "python.os.fork" }),
		];
		write("log.jsonl", `${log.join("\n")}\n`);
		const told = (policy: object) => {
			write("policy.json", policy);
			const { stdout, stderr } = sigtool(["policy", "test", "log.jsonl", "--policy", "policy.json"]);
			return {
				members: [...stdout.matchAll(/: ([\w.]+) of the policy refuses it/g)].map(([, member]) => member),
				stderr,
			};
		};
		const strict = told({ mode: "strict" });
		expect(strict.members).toEqual(["python.stringCode", "python.stringCode", "launch.writableCode"]);
		expect(strict.stderr.match(/to allow it \(python\.stringCode\)/g)).toHaveLength(1);
		expect(told({}).members).toEqual([]);
		expect(told({ python: { stringCode: "refuse" } }).members).toEqual(["python.stringCode", "python.stringCode"]);
		expect(told({ mode: "strict", launch: { writableCode: "allow" } }).members).not.toContain("launch.writableCode");
	});

	it("judges native code and WebAssembly by the signed file that counts, and what needs none by no rule", () => {
		const { sigtool, write } = project();
		const native = (members: object) => eventOf({ event: "module.dlopen", sha256: "b".repeat(64), ...members });
		const wasm = (members: object) => eventOf({ event: "wasm.compile", sha256: "c".repeat(64), ...members });
		const signed = (entry: string) => ({ product: "app", entry });
		const log = [
			native({ path: "/srv/app/a.node", ...signed("a.node"), rule: "entry" }),
			native({ path: "/tmp/b.so", kind: "library", ...signed("b.so"), rule: "content" }),
			native({ path: "/run/sigtool/addon.node", kind: "library", rule: "part" }),
			native({ path: "libm.so.6", kind: "library", rule: "system" }),
			native({ path: "/srv/app/older.node" }),
			wasm({ ...signed("w.wasm"), rule: "content" }),
			wasm({ rule: "node" }),
			wasm({ rule: "webAssemblySha256" }),
		];
		write("log.jsonl", log.join("\n"));
		const refused = (policy: object) => {
			write("policy.json", policy);
			const { refused } = sigtool(["policy", "test", "log.jsonl", "--policy", "policy.json", "--json"]).json();
			return refused.map(({ subject }: { subject: string }) => subject).sort();
		};
		const named = `wasm.compile ${"c".repeat(64)}`;
		const runtime = { webAssemblySha256: ["c".repeat(64)] };
		expect(refused({ runtime, rules: [{ allow: { product: "app" } }] })).toEqual([]);
		expect(refused({ rules: [{ allow: { product: "app" } }] })).toEqual([named]);
		expect(refused({ runtime, rules: [{ allow: { path: "a.node" } }] })).toEqual(["/tmp/b.so", named]);
		expect(refused({ runtime, rules: [{ deny: { name: "w.wasm" } }] })).toEqual([named]);
		expect(refused({ runtime: { ...runtime, addons: "refuse" } })).toEqual(["/srv/app/a.node", "/srv/app/older.node"]);
	});

	it("judges the size of a file that an event tells, by the policy that is tried", () => {
		const { sigtool, write } = project();
		const bytes = 70_000_000;
		const log = [
			loaded("large.js", { sizeBytes: bytes, verdict: "audit", rule: "files", reason: "ERR_LIMIT" }),
			loaded("allowed.js", { sizeBytes: bytes }),
		];
		write("log.jsonl", log.join("\n"));
		const told = (files: object) => {
			write("policy.json", { files });
			return sigtool(["policy", "test", "log.jsonl", "--policy", "policy.json"]).stdout;
		};
		expect(told({}).match(/\(ERR_LIMIT\)/g)).toHaveLength(2);
		expect(told({ maxSizeBytes: bytes - 1 }).match(/\(ERR_LIMIT\)/g)).toHaveLength(2);
		expect(told({ maxSizeBytes: bytes })).toBe("2 events: nothing would be refused\n");
	});

	it("tells a child that fails from one whose refusal ends the program", () => {
		const { sigtool, write } = project();
		write(
			"log.jsonl",
			eventOf({ event: "child_process.spawn", verdict: "audit", reason: "ERR_RUNTIME_RULE", file: "git" }),
		);
		const test = (children?: string) => {
			write("policy.json", children === undefined ? {} : { runtime: { children } });
			return sigtool(["policy", "test", "log.jsonl", "--policy", "policy.json"]);
		};
		const line = "child_process.spawn git: runtime.children of the policy refuses it (ERR_RUNTIME_RULE)\n";
		expect(test()).toMatchObject({ status: 0, stdout: `fails: ${line}1 event: nothing would be refused\n` });
		expect(test().stderr).toContain("run it once under enforcement");
		expect(test("exit")).toMatchObject({ status: 1, stdout: `refused: ${line}1 event: 1 would be refused\n` });
		expect(test("allow")).toMatchObject({ status: 0, stdout: "1 event: nothing would be refused\n", stderr: "" });
	});

	it("refuses what no policy allows, although a member decides about other events of that name", () => {
		const { sigtool, write } = project();
		const fixed = {
			event: "code.string",
			kind: "data: URL",
			verdict: "audit",
			reason: "ERR_RUNTIME_RULE",
			rule: "fixed",
		};
		write("log.jsonl", eventOf(fixed));
		write("policy.json", { runtime: { stringCode: "allow" } });
		expect(sigtool(["policy", "test", "log.jsonl", "--policy", "policy.json"])).toMatchObject({
			status: 1,
			stdout: expect.stringContaining("refused: code.string data: URL: no policy allows it (ERR_RUNTIME_RULE)\n"),
			stderr: "",
		});
	});

	it("says that a log without events of text cannot tell about text, unless the index had it judged", () => {
		const { sigtool, write } = project();
		const start = eventOf({ event: "verifier.start", script: "/srv/app/main.py" });
		const text = eventOf({ event: "python.compile", verdict: "audit", reason: "ERR_RUNTIME_RULE", detail: "f()" });
		const note = "note: no event tells of text that CPython made code of";
		const told = (lines: readonly string[], policy: object, ...args: string[]) => {
			write("log.jsonl", `${lines.join("\n")}\n`);
			write("policy.json", policy);
			return sigtool(["policy", "test", "log.jsonl", "--policy", "policy.json", ...args]).stderr;
		};
		expect(told([start], { mode: "strict" })).toContain(note);
		expect(told([eventOf({ event: "python.os.fork" })], { python: { stringCode: "signed" } })).toContain(note);
		expect(told([start], {})).not.toContain(note);
		expect(told([start, text], { mode: "strict" })).not.toContain(note);
		expect(told([loaded("main.js")], { mode: "strict" })).not.toContain(note);
		write("audit.json", { mode: "audit", python: { stringCode: "signed" } });
		const compile = ["compile", "app", "-o", "app.sigx", "--policy", "audit.json", "--allow-development"];
		expect(sigtool(compile).status).toBe(0);
		expect(told([start], { mode: "strict" }, "--index", "app.sigx")).not.toContain(note);
	});

	it("prints what would have been refused, how often and why", () => {
		const { sigtool, write } = project();
		write("log.jsonl", `${lines.join("\n")}\n`);
		write("policy.json", {
			rules: [{ deny: { path: "lib/**" }, message: "retired" }],
			runtime: { stringCode: "signed", children: "allow" },
		});
		const { status, stdout } = sigtool(["policy", "test", "log.jsonl", "--policy", "policy.json"]);
		expect(status).toBe(1);
		expect(stdout).toContain(
			"refused: /srv/app/lib/a.js (2 times): rules[0] of the policy denies it: retired (ERR_POLICY_RULE)\n",
		);
		expect(stdout).toContain("refused: /tmp/x.js: ");
		expect(stdout).toContain(
			"refused: code.string eval: runtime.stringCode of the policy refuses it (ERR_RUNTIME_RULE)\n",
		);
		expect(stdout).toContain("6 events: 4 would be refused; 2 lines of other text\n");
		expect(stdout).not.toContain("/bin/sh");
	});

	it("ends with 0 if nothing would be refused, and needs an index for rules about signers", () => {
		const { sigtool, write } = project();
		write("log.jsonl", `${loaded("main.js")}\n`);
		write("policy.json", { rules: [{ allow: { product: "app" } }] });
		expect(sigtool(["policy", "test", "log.jsonl", "--policy", "policy.json"])).toMatchObject({
			status: 0,
			stdout: "1 event: nothing would be refused\n",
		});
		write("signer.json", { rules: [{ allow: { signer: { key: "1".repeat(64) } } }] });
		expect(sigtool(["policy", "test", "log.jsonl", "--policy", "signer.json"])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("Name the trust index with --index"),
		});
		write("empty.jsonl", "\n");
		expect(sigtool(["policy", "test", "empty.jsonl", "--policy", "policy.json"]).status).toBe(2);
		expect(sigtool(["policy", "test", "missing.jsonl", "--policy", "policy.json"]).status).not.toBe(0);
	});
});

describe("compile with several policies", () => {
	it("merges them into the index, where a supplemental one only narrows", () => {
		const { sigtool, write } = project();
		write("base.json", { mode: "audit", rules: [{ allow: { product: "app" } }] });
		write("more.json", { rules: [{ allow: { path: "main.js" } }] });
		const policies = ["--policy", "base.json", "--policy", "more.json"];
		expect(sigtool(["compile", "app", "-o", "app.sigx", ...policies, "--allow-development"]).status).toBe(0);
		expect(sigtool(["inspect", "app.sigx", "--json"]).json().policy).toMatchObject({
			mode: "audit",
			rules: [{ allow: { product: "app" } }, { allow: { path: "main.js" }, supplemental: true }],
		});
		const { stdout } = sigtool(["policy", "explain", "app/lib/a.js", "--index", "app.sigx"]);
		expect(stdout).toContain("refused: no allow rule of the supplemental policies matches it");
	});
});
