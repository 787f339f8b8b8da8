import { createHash } from "node:crypto";
import {
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { canBeHost, Host } from "../../../../../test/host/host.js";
import { canBeUser, spawnSync } from "../../../../../test/outside.js";
import { MAIN, makeTree } from "../../support.js";

const program = (line: string) => ({ content: `#!/bin/sh\n${line}\n`, mode: 0o755 });

describe.skipIf(!canBeHost)("sigtool launcher (needs root, and the launcher built)", () => {
	it("installs a launcher that starts a signed program without the command line", () => {
		const host = new Host();
		host.deploy();
		expect(statSync(host.at("lib/sigtool-launch")).mode & 0o7777).toBe(0o755);
		expect(statSync(host.part("register.cjs")).mode & 0o7777).toBe(0o644);
		expect(statSync(dirname(host.part("register.cjs"))).mode & 0o7777).toBe(0o755);
		expect(readFileSync(host.at("lib/launcher.conf"), "utf8")).toMatch(
			new RegExp(`^version 1\nmode enforce\ndevelopment refuse\nnode /[\\s\\S]*\ntree ${host.at("app")}\n$`),
		);
		expect(host.run(host.at("app/main.js"), "x")).toMatchObject({ status: 0, stdout: "ran x\n", stderr: "" });
		const check = host.sigtool(["launcher", "check", ...host.prefix]);
		expect(check.stderr).toBe("");
		expect(check.status).toBe(0);
	});

	it("leaves nothing behind after the commands of docs/reference/launcher.md, and programs run without it", () => {
		const host = new Host();
		const files = () => readdirSync(host.directory, { recursive: true, encoding: "utf8" }).sort();
		const signed = ["sign", host.at("app"), "--key", host.key.keyFile, "--cert", host.key.certFile];
		expect(host.sigtool(signed)).toMatchObject({ status: 0 });
		makeTree(host.at("stubs"), {
			sudo: program('exec "$@"'),
			systemctl: program("echo systemctl"),
			sigtool: program('echo "$@"'),
		});
		const before = files().filter((path) => path !== "verifier.json" && path !== "log");
		host.configure({ audit: { jsonLines: host.at("log/events.jsonl") } });
		host.deploy();
		expect(host.sigtool(["launcher", "share", ...host.prefix])).toMatchObject({ status: 0 });
		expect(host.run(host.at("app/main.js"), "a").stdout).toBe("ran a\n");
		expect(existsSync(host.at("lib/indexes")) && existsSync(host.at("log/events.jsonl"))).toBe(true);

		const page = readFileSync(new URL("../../../../../docs/reference/launcher.md", import.meta.url), "utf8");
		const [, section = ""] = page.split("\n## Uninstalling\n");
		const [, block = ""] = /```sh\n([\s\S]*?)```/.exec(section) ?? [];
		const lines = block
			.replace("/usr/lib/sigtool", host.at("lib"))
			.replace("/etc/sigtool", `${host.at("app.sigx")} ${host.at("verifier.json")}`)
			.replace("/var/log/sigtool", host.at("log"));
		const env = { ...process.env, PATH: `${host.at("stubs")}:${process.env.PATH}` };
		const { status, stdout, stderr } = spawnSync("sh", ["-ec", lines], { env, encoding: "utf8" });
		expect([status, stdout, stderr]).toEqual([0, "systemctl\nlauncher status\n", ""]);
		expect(files()).toEqual(before);
		const plain = spawnSync(process.execPath, [host.at("app/main.js"), "b"], { encoding: "utf8" });
		expect([plain.status, plain.stdout]).toEqual([0, "ran b\n"]);
	});

	it('run of a changed tree ends with 126 and says "Cannot run"', () => {
		const host = new Host({ files: { "main.js": "console.log(require('./b.js'))", "b.js": "module.exports = 1" } });
		host.deploy();
		expect(host.run(host.at("app/main.js"))).toMatchObject({ status: 0, stdout: "1\n", stderr: "" });
		for (const name of ["b.js", "main.js"]) {
			writeFileSync(host.at(`app/${name}`), "console.log('evil')");
			const { status, stdout, stderr } = host.run(host.at("app/main.js"));
			expect([status, stdout]).toEqual([126, ""]);
			expect(stderr).toMatch(/error: Cannot run ".*main\.js": .*\[ERR_UNTRUSTED_CODE\]\n$/);
		}
	});

	it("writes a configuration that trusts nobody, and never replaces one", () => {
		const host = new Host();
		const install = [
			"launcher",
			"install",
			...host.prefix,
			"--index",
			host.at("app.sigx"),
			"--config",
			host.at("etc/v.json"),
		];
		expect(host.sigtool(install).stdout).toMatch(/v\.json, new: add a pin to it/);
		expect(JSON.parse(readFileSync(host.at("etc/v.json"), "utf8"))).toMatchObject({ pins: [], authorities: [] });
		const check = host.sigtool(["launcher", "check", ...host.prefix]);
		expect(check.stdout).toMatch(/wrong {2}configuration +.*trusts nobody: add a pin/);
		expect(check.status).toBe(1);
		writeFileSync(host.at("etc/v.json"), '{ "version": 1 }');
		expect(host.sigtool(install).stdout).toMatch(/kept as it was/);
		writeFileSync(host.at("etc/v.json"), "mine");
		expect(host.sigtool(install)).toMatchObject({ status: 2, stderr: expect.stringContaining("ERR_HOST_CONFIG") });
		expect(readFileSync(host.at("etc/v.json"), "utf8")).toBe("mine");
	});

	it("takes flags and writable directories from the index's policy", () => {
		const host = new Host({ files: { "main.js": "eval('1')" } });
		const runtime = { stringCode: "refuse", addons: "refuse", workers: "refuse" };
		writeFileSync(
			host.at("policy.json"),
			JSON.stringify({ version: 1, launch: { write: [host.at("data")] }, runtime }),
		);
		host.deploy(host.key, ["--policy", host.at("policy.json")]);
		expect(readFileSync(host.at("lib/launcher.conf"), "utf8")).toContain(
			`write ${host.at("data")}\nstring-code refuse\naddons refuse\nworkers refuse\n`,
		);
		expect(host.run(host.at("app/main.js")).stderr).toMatch(/ERR_RUNTIME_RULE: Cannot go on with code\.string/);
	});

	it("neither installs, nor finds right, nor starts what may write to signed native code", () => {
		const host = new Host({ files: { "main.js": "console.log('ran')", "plugins/part.so": "no code yet" } });
		const policy = { version: 1, launch: { write: [host.at("app/plugins")] } };
		writeFileSync(host.at("policy.json"), JSON.stringify(policy));
		host.deploy(host.key, ["--policy", host.at("policy.json")]);
		expect(host.run(host.at("app/main.js"))).toMatchObject({ status: 0, stdout: "ran\n" });

		copyFileSync("/bin/true", host.at("app/plugins/part.so"));
		const said = /app\/plugins.*app\/plugins\/part\.so.*grant a directory without it/;
		const { status, findings } = ((run) => ({ ...run, ...run.json() }))(
			host.sigtool(["launcher", "check", "--json", ...host.prefix]),
		);
		expect(status).toBe(1);
		expect(findings).toContainEqual({ what: "write", status: "wrong", says: expect.stringMatching(said) });
		const install = host.sigtool(["launcher", "install", ...host.prefix]);
		expect(install).toMatchObject({ status: 2, stderr: expect.stringMatching(said) });
		const start = host.run(host.at("app/main.js"));
		expect(start).toMatchObject({ status: 126, stdout: "", stderr: expect.stringMatching(said) });
	});

	it("says how to mend a start that cannot write to a new file of events", () => {
		const host = new Host({ files: { "main.js": "console.log('ran')" } });
		host.configure({ audit: { jsonLines: host.at("events.jsonl") } });
		host.deploy();
		expect(host.run(host.at("app/main.js"))).toMatchObject({ status: 0, stdout: "ran\n" });
		host.configure({ audit: { jsonLines: host.at("other.jsonl") } });
		const { status, stderr } = host.run(host.at("app/main.js"));
		expect(stderr).toMatch(/which allows ".*events\.jsonl" alone, run `sigtool launcher install` again/);
		expect(status).not.toBe(0);
	});

	const user = ["--reuid=1234", "--regid=1234", "--clear-groups"];
	it.skipIf(!canBeUser(1234, MAIN))(
		"says in one line who may not install (needs setpriv, and files that all may read)",
		() => {
			const install = [
				MAIN,
				"launcher",
				"install",
				"--prefix",
				"/usr/lib/sigtool-none",
				"--config",
				"/etc/sigtool-none/v.json",
			];
			const { status, stderr } = spawnSync("setpriv", [...user, process.execPath, ...install], {
				env: { ...process.env, NO_COLOR: "1" },
				encoding: "utf8",
			});
			expect(stderr).toMatch(
				/^error: Cannot make "\/usr\/lib\/sigtool-none": permission denied \(EACCES\) \[ERR_IO\]\n$/,
			);
			expect(status).toBe(3);
		},
	);

	it("refuses to install what is not Node.js", () => {
		const host = new Host();
		const { status, stderr } = host.sigtool([...host.installing(), "--node", "/bin/sh"]);
		expect(stderr).toMatch(/is not Node.js 20 or later \[ERR_LAUNCHER\]/);
		expect(status).toBe(2);
	});

	it.each([
		[["--node", "/nope"], /^error: Cannot use "\/nope": no such file or directory \(ENOENT\) \[ERR_IO\]\n$/, 3],
		[["--config", "/etc"], /"\/etc" as configuration: it is not a file \[ERR_USAGE\]/, 2],
		[
			["--index", MAIN],
			/Cannot use trust index ".*": it does not begin with the bytes of a trust index \[ERR_INDEX_FORMAT\]/,
			1,
		],
	] as const)("refuses to install with %s, and names it", (args, message, exit) => {
		const host = new Host();
		const { status, stderr } = host.sigtool([...host.installing(), ...args]);
		expect(stderr).toMatch(message);
		expect(status).toBe(exit);
	});

	it("why says where the launcher lets a program write, and explain what the launcher decides", () => {
		const host = new Host({ files: { "main.js": "require('node:fs').writeFileSync(process.argv[2], '1')" } });
		writeFileSync(host.at("policy.json"), JSON.stringify({ version: 1, launch: { write: [host.at("data")] } }));
		host.deploy(host.key, ["--policy", host.at("policy.json")]);
		mkdirSync(host.at("other"));
		const why = (path: string) => host.sigtool(["why", ...host.prefix, host.at(path)]).stdout;
		for (const [path, isGranted] of [
			["data/a", true],
			["other/a", false],
		] as const) {
			const { status, stderr } = host.run(host.at("app/main.js"), host.at(path));
			expect(status === 0, stderr).toBe(isGranted);
			if (!isGranted) expect(stderr).toContain("EACCES");
			const says = isGranted
				? "granted below .*/data"
				: "refused with EACCES, .*launch\\.write: .*/data\\); start with --write";
			expect(why(path)).toMatch(new RegExp(`^ +write +${says}`, "m"));
		}
		expect(why("app/main.js")).not.toMatch(/^ +write/m);

		const lines = () => host.sigtool(["explain", ...host.prefix, host.at("app/main.js")]).stdout.split("\n");
		const explain = () => lines()[0];
		expect(explain()).toMatch(
			/^the launcher would load \S+; by its catalog and your trust store it is not trusted: ERR_UNTRUSTED_SIGNER$/,
		);
		expect(lines()[1]).toMatch(/^ {2}launcher +would be loaded: /);
		host.sigtool(["trust", "add", host.key.certFile]);
		expect(explain()).toMatch(/^the launcher would load \S+; by its catalog and your trust store it is trusted$/);
		chmodSync(host.at("app/main.js"), 0o664);
		expect(explain()).toMatch(/^the launcher would load /);
		writeFileSync(host.at("policy.json"), JSON.stringify({ version: 1, files: { othersWrite: "refuse" } }));
		host.deploy(host.key, ["--policy", host.at("policy.json")]);
		expect(explain()).toMatch(/^the launcher would refuse \S+ \(ERR_FILE_WRITABLE\); .* it is trusted$/);
		expect(lines()[1]).toMatch(/would be refused: its mode 0664 lets its group or others write it.*take the right/);
		expect(why("app/main.js")).toMatch(/launcher +would be refused: its mode 0664/);
		chmodSync(host.at("app/main.js"), 0o644);
		host.configure({
			deny: [
				{
					catalog: createHash("sha256")
						.update(readFileSync(host.at("app/app.cat")))
						.digest("hex"),
					reason: "withdrawn",
				},
			],
		});
		expect(explain()).toMatch(/^the launcher cannot judge \S+ \(ERR_DENIED\); .* it is trusted$/);
	});

	it.each(["allow", "audit"])(
		"check says that the launcher refuses child processes although the policy says %s",
		(children) => {
			const host = new Host();
			writeFileSync(host.at("policy.json"), JSON.stringify({ version: 1, runtime: { children } }));
			host.deploy(host.key, ["--policy", host.at("policy.json")]);
			const { exit, findings } = host.sigtool(["launcher", "check", "--json", ...host.prefix]).json();
			expect(exit).toBe(0);
			const says = expect.stringContaining(
				`the policy says ${children}, but the launcher lets no process start a program`,
			);
			expect(findings).toContainEqual({ what: "children", status: "note", says });
		},
	);

	it("shares no index where no launcher is", () => {
		const host = new Host();
		host.deploy();
		const share = host.sigtool(["launcher", "share", "--prefix", host.at("none"), host.at("app.sigx")]);
		expect(share.status).toBe(2);
		expect(share.stderr).toMatch(
			/Cannot find ".*none\/launcher\.conf": .* name the directory with --prefix \[ERR_LAUNCHER\]/,
		);
		expect(existsSync(host.at("none"))).toBe(false);
	});

	it("lets the hook append events to the configured file, and the program to no other", () => {
		const host = new Host({
			files: { "main.js": `require("node:fs").writeFileSync(${JSON.stringify("/var/lib/other")}, "")` },
		});
		host.configure({ audit: { jsonLines: host.at("audit.jsonl"), stderr: "off" } });
		host.deploy();
		const { status, stderr } = host.run(host.at("app/main.js"));
		expect(stderr).toMatch(/EACCES/);
		expect(status).toBe(1);
		expect(host.events(host.at("audit.jsonl"))).toContainEqual(expect.objectContaining({ event: "verifier.start" }));
	});
});
