import { createHash } from "node:crypto";
import {
	chmodSync,
	chownSync,
	copyFileSync,
	mkdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { MAX_TRUST_INDEX_BYTES } from "@sigtool/core/internal/read";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { hasLauncher, Installation, isRoot, pinned } from "./support.js";

describe.skipIf(!hasLauncher)("sigtool-launch (needs it built)", () => {
	it("prints the protections of the kernel, or says why it cannot", () => {
		const { launcher } = new Installation();
		const printed = spawnSync(launcher, ["--protections"], { encoding: "utf8" });
		expect(printed.status).toBe(0);
		expect(printed.stdout).toMatch(/^(?:[a-z-]+\t\d\.\d+\t(?:required|optional)\t(?:holds|missing)\n){11}$/);
		const full = spawnSync("sh", ["-c", '"$0" --protections >/dev/full', launcher], { encoding: "utf8" });
		expect(full.stderr).toBe("sigtool-launch: Cannot print the protections: No space left on device\n");
		expect(full.status).toBe(75);
	});

	it("prints its options without settings, or says why it cannot", () => {
		const installation = new Installation();
		const { status, stdout, stderr } = installation.run(["--help"]);
		expect([status, stderr]).toEqual([0, ""]);
		const options = readFileSync(new URL("../../native/launch/options.c", import.meta.url), "utf8");
		const known = [...options.matchAll(/strcmp\(option, "(--?\w[\w-]*)"\)/g)].map(([, option]) => option ?? "");
		expect(known.length).toBeGreaterThan(6);
		for (const option of known) if (option !== "--help") expect(stdout).toMatch(new RegExp(` ${option}\\b`));
		const full = spawnSync("sh", ["-c", '"$0" --help >/dev/full', installation.launcher], { encoding: "utf8" });
		expect(full.stderr).toBe("sigtool-launch: Cannot print the usage: No space left on device\n");
		expect(full.status).toBe(75);
	});

	it.skipIf(!isRoot)("says why it does not start as a set-user-ID program (needs root)", () => {
		const installation = new Installation();
		installation.write("app/main.js", "");
		chmodSync(installation.directory, 0o755);
		chmodSync(installation.launcher, 0o4755);
		const before = ["setpriv", "--reuid=65534", "--clear-groups"];
		expect(installation.run(["app/main.js"], { before })).toMatchObject({
			status: 126,
			stdout: "",
			stderr: expect.stringMatching(/^sigtool-launch: Cannot start: the launcher's file has a set-user-ID bit.*\n$/),
		});
	});

	it("says that a limit on the size of files is too low (needs prlimit)", () => {
		const installation = new Installation();
		installation.write("app/main.js", "");
		const { status, stderr } = installation.run(["app/main.js"], { before: ["prlimit", "--fsize=0"] });
		expect([status, stderr]).toEqual([75, expect.stringMatching(/^sigtool-launch: Cannot .*: File too large\n$/)]);
	});

	it.each(["off", "refusals", "all"])(
		'says a refusal in one line, also where verifier.json has stderr "%s"',
		(stderr) => {
			const installation = new Installation();
			installation.set(
				"config",
				installation.write("verifier.json", JSON.stringify({ version: 1, audit: { stderr } })),
			);
			installation.write("app/main.js", "");
			installation.write("bin/register.cjs", "changed");
			expect(installation.run(["app/main.js"])).toMatchObject({
				status: 126,
				stdout: "",
				stderr: expect.stringMatching(/^sigtool-launch: Cannot .*register\.cjs.*\n$/),
			});
		},
	);

	it("is a static program, so LD_PRELOAD has no effect, and its addresses differ at each start", () => {
		const { launcher } = new Installation();
		const { stdout } = spawnSync("readelf", ["-W", "-h", "-l", launcher], { encoding: "utf8" });
		expect(stdout).toMatch(/Type: +DYN/);
		expect(stdout).toContain("LOAD");
		expect(stdout).not.toContain("INTERP");
	});

	describe("starting a script", () => {
		it("passes arguments, standard input and the exit status through", () => {
			const installation = new Installation();
			const script = installation.write(
				"app/main.js",
				"console.log(JSON.stringify(process.argv.slice(1)), require('fs').readFileSync(0, 'utf8')); process.exitCode = 7;",
			);
			const run = installation.run(["app/main.js", "a b", "--mode", "-x"], { input: "typed" });
			expect(run.rest()).toBe(`${JSON.stringify([script, "a b", "--mode", "-x"])} typed\n`);
			expect(run.status).toBe(7);
			expect(run.stderr).toBe("");
		});

		it("lets the application end by its own signal", () => {
			const installation = new Installation();
			installation.write("main.js", "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 60_000);");
			expect(installation.run(["main.js"]).signal).toBe("SIGTERM");
		});

		it("hands over the index and a record of how it was launched, in sealed memory", () => {
			const installation = new Installation();
			const script = installation.write("main.js", writingTo([3, 4]));
			mkdirSync(installation.at("data"));
			const run = installation.run(["--mode", "enforce", "--write", "data", "./main.js"]);
			const { index, record, links, environment } = run.launched();
			expect(index).toBe("an index");
			expect(links).toEqual(["/memfd:sigtool-index (deleted)", "/memfd:sigtool-record (deleted)"]);
			expect(environment.SIGTOOL_LAUNCH).toBe("3:4");
			const lines = record.split("\n");
			expect(lines.slice(0, 2)).toEqual(["version 1", "mode enforce"]);
			expect(lines).toEqual(
				expect.arrayContaining([
					`script ${script}`,
					`node-major ${process.versions.node.split(".")[0]}`,
					"config /etc/sigtool/verifier.json",
					"development allow",
					`write ${installation.at("data")}`,
				]),
			);
			expect(run.rest()).toBe("EPERM\nEPERM\n");
		});

		it("hands over an index of up to 1 GiB", () => {
			const installation = new Installation();
			installation.write("bin/register.cjs", "console.log(require('fs').fstatSync(3).size);");
			installation.set("bundle", pinned(installation.at("bin/register.cjs")));
			installation.write("main.js", "");
			const runWith = (sizeBytes: number) => {
				truncateSync(installation.at("app.sigx"), sizeBytes);
				const { status, stdout, stderr } = installation.run(["main.js"]);
				return [status, stdout, stderr];
			};
			expect(runWith(300 * 2 ** 20)).toEqual([0, `${300 * 2 ** 20}\n`, ""]);
			const refusal = `sigtool-launch: Cannot copy "${installation.at("app.sigx")}" into memory: File too large\n`;
			expect(runWith(MAX_TRUST_INDEX_BYTES + 1)).toEqual([75, "", refusal]);
		});

		it("records the real path of a script that is a link, and gives it to node", () => {
			const installation = new Installation();
			const script = installation.write("app/main.js", "console.log(process.argv[1])");
			symlinkSync("app/main.js", installation.at("start"));
			const run = installation.run(["start"]);
			expect(run.launched().record).toContain(`script ${script}\n`);
			expect(run.rest()).toBe(`${script}\n`);
		});

		it("leaves no descriptor of the caller open except the standard ones", () => {
			const installation = new Installation();
			installation.write(
				"main.js",
				"console.log(require('fs').readdirSync('/proc/self/fd').filter((fd) => { try { return /app.sigx|main.js/.test(require('fs').readlinkSync('/proc/self/fd/' + fd)) } catch { return false } }).length)",
			);
			const command = `exec 7>>app.sigx; exec "$@" 8<main.js`;
			const run = installation.run(["main.js"], { before: ["sh", "-c", command, "sh"] });
			expect(run.rest()).toBe("0\n");
		});

		it("opens standard descriptors that were closed", () => {
			const installation = new Installation();
			installation.write("main.js", "console.log(require('fs').readlinkSync('/proc/self/fd/0'))");
			const run = installation.run(["main.js"], { before: ["sh", "-c", 'exec "$@" <&-', "sh"] });
			expect(run.rest()).toBe("/dev/null\n");
		});

		it("passes the flags for mode and configuration, and those of strict only in strict mode", () => {
			const installation = new Installation();
			installation.write("main.js", "");
			const flags = (...args: string[]) => installation.run([...args, "main.js"]).launched().flags;
			const require = ["--require", installation.at("bin/register.cjs")];
			const ways = process.versions.node.startsWith("20.") ? "--no-experimental-require-module" : "--disable-sigusr1";
			expect(flags("--mode", "audit")).toEqual([...require, ways]);
			expect(flags("--mode", "enforce")).toEqual([...require, ways]);
			expect(flags()).not.toContain("--disallow-code-generation-from-strings");
			expect(flags("--mode", "strict")).toEqual(
				expect.arrayContaining([
					...require,
					"--disallow-code-generation-from-strings",
					"--allow-addons",
					"--allow-worker",
					"--allow-fs-read=*",
				]),
			);
			installation.set("string-code", "refuse");
			installation.set("addons", "refuse");
			installation.set("workers", "refuse");
			expect(flags()).toEqual(expect.arrayContaining(["--disallow-code-generation-from-strings", "--no-addons"]));
			expect(flags("--mode", "audit")).toEqual([...require, ways]);
			const loader = process.versions.node.startsWith("20.") ? ["--allow-worker"] : [];
			expect(flags("--mode", "strict").filter((flag) => /addons|worker/.test(flag))).toEqual([
				"--no-addons",
				...loader,
			]);
		});

		it("does not let Node.js start another program", () => {
			const installation = new Installation();
			const program = 'console.log(require("node:child_process").spawnSync("true").error?.code)';
			const script = installation.write("main.js", program);
			expect(spawnSync(process.execPath, [script], { encoding: "utf8" }).stdout).toBe("undefined\n");
			expect(installation.run(["main.js"]).rest()).toBe("EACCES\n");
		});

		it("adds nothing in mode off", () => {
			const installation = new Installation();
			installation.set("mode", "off");
			installation.write("main.js", "console.log(process.execArgv.length, process.env.SIGTOOL_LAUNCH)");
			expect(installation.run(["main.js"]).stdout).toBe("0 undefined\n");
		});
	});

	describe("usage", () => {
		const refusedArgs: readonly (readonly [string, readonly string[], RegExp])[] = [
			["no script", [], /Name a script/],
			["an empty script", [""], /Name a script/],
			["code on the command line", ["-e", "0"], /Unknown option "-e"/],
			["printing", ["-p", "0"], /Unknown option/],
			["standard input", ["-"], /Unknown option/],
			["a script that looks like an option", ["--", "-"], /"-" is no script/],
			["options of Node.js", ["--inspect", "main.js"], /options of the runtime are fixed/],
			["an option with its value attached", ["--mode=off", "main.js"], /Unknown option/],
			["a mode that does not exist", ["--mode", "lax", "main.js"], /"lax" is no mode/],
			["an option without its value", ["--write"], /--write needs a value/],
			["a directory", ["."], /not a regular file/],
			["a missing script", ["absent.js"], /Cannot open the script/],
			["a device", ["/dev/null"], /not a regular file/],
			["a missing writable directory", ["--write", "absent", "main.js"], /Cannot make "absent" writable/],
		];
		it.each(refusedArgs)("refuses %s", (_, args, message) => {
			const installation = new Installation();
			installation.write("main.js", "");
			const { status, stderr, stdout } = installation.run(args);
			expect(stderr).toMatch(message);
			expect([status, stdout]).toEqual([2, ""]);
		});

		it("prints no control characters from its arguments", () => {
			const installation = new Installation();
			const { stderr } = installation.run(["./\u001b[2Jmain\n.js"]);
			expect(stderr).toMatch(/^sigtool-launch: [ -~]*\n$/);
		});

		it("prints no control characters of two bytes from its arguments", () => {
			const installation = new Installation();
			const { stderr } = installation.run(["./\u009b2J\u0080\u009f\u00a0é.js"]);
			expect(stderr).toMatch(/^sigtool-launch: [ -~]*\.\/\?\?2J\?{4}\u00a0é\.js[ -~]*\n$/);
		});
	});

	describe("modes", () => {
		it("may be made stricter, but weaker only in development", () => {
			const installation = new Installation();
			installation.write("main.js", "");
			expect(installation.run(["--mode", "strict", "main.js"]).launched().record).toContain("mode strict\n");
			expect(installation.run(["--mode", "audit", "main.js"]).launched().record).toContain("mode audit\n");
		});

		it.skipIf(!isRoot)("cannot be weakened outside development", () => {
			const installation = rootsOwn();
			const { status, stderr } = installation.runAsGiven(["--mode", "audit", "main.js"]);
			expect(stderr).toMatch(/Cannot be in mode audit: launcher.conf says enforce/);
			expect(status).toBe(126);
			expect(installation.runAsGiven(["--mode", "strict", "main.js"]).status).toBe(0);
		});
	});

	describe("the files it trusts", () => {
		const refusals: readonly (readonly [string, (installation: Installation) => void, RegExp, number])[] = [
			[
				"a changed hook",
				(i) => i.write("bin/register.cjs", "evil"),
				/Cannot trust ".*register.cjs": its SHA-256 is/,
				126,
			],
			[
				"another node",
				(i) => i.set("node", `${process.execPath} ${"0".repeat(64)}`),
				/Cannot trust ".*": its SHA-256 is/,
				126,
			],
			[
				"a changed addon",
				(i) => i.set("addon", `${i.write("bin/a.node", "evil")} ${"0".repeat(64)}`),
				/a.node": its SHA/,
				126,
			],
			[
				"a configuration that others may write",
				(i) => chmodSync(i.settingsFile, 0o664),
				/launcher.conf": others may write it/,
				126,
			],
			["a directory that others may write", (i) => chmodSync(i.at("bin"), 0o775), /bin": others may write it/, 126],
			["a hook that others may write", (i) => chmodSync(i.at("bin/register.cjs"), 0o646), /others may write it/, 126],
			["a missing configuration", (i) => rmSync(i.settingsFile), /Cannot open ".*launcher.conf"/, 75],
			["an empty configuration", (i) => writeFileSync(i.settingsFile, ""), /launcher.conf": it is empty/, 75],
			["a hook that is not there", (i) => rmSync(i.at("bin/register.cjs")), /Cannot open ".*register.cjs"/, 75],
			["a hook reached by a link", (i) => throughLink(i), /named by another path/, 126],
			["an index that is not there", (i) => i.set("index", "/nonexistent"), /Cannot open the trust index/, 75],
			[
				"a setting that means nothing",
				(i) => i.set("nodeflags", "-e 0"),
				/"\$.nodeflags" is not a member of this version/,
				2,
			],
			["a setting without a value", (i) => i.set("mode", ""), /"line \d" must be "key value"/, 2],
			[
				"a digest that is none",
				(i) => i.set("bundle", i.at("bin/register.cjs")),
				/"\$.bundle.sha256" must be 64 lower-case/,
				2,
			],
			["a missing setting", (i) => i.set("config", undefined), /"\$.config" must be an absolute path/, 2],
			["a mode that is none", (i) => i.set("mode", "lax"), /"\$.mode" must be one of "off", "audit"/, 2],
			["a setting given twice", (i) => append(i, "mode enforce\nmode off\n"), /"\$.mode" is there twice/, 2],
			["a last line that is cut off", (i) => append(i, "mode off"), /must end with a line break/, 2],
			["a NUL", (i) => append(i, "mode \0off\n"), /it is not text in UTF-8/, 2],
			["another version", (i) => writeFileSync(i.settingsFile, "version 2\n"), /"line 1" must be "version 1"/, 2],
			[
				"settings longer than 64 KiB",
				(i) => append(i, `tree /${"x".repeat(70_000)}\n`),
				/larger than 65536 bytes/,
				126,
			],
			["an index that is a directory", (i) => i.set("index", i.at("bin")), /Cannot copy ".*bin" into memory/, 126],
		];
		it.each(refusals)("refuses %s", (_, arrange, message, exit) => {
			const installation = new Installation();
			installation.write("main.js", "console.log('ran')");
			arrange(installation);
			const { status, stderr, stdout } = installation.run(["main.js"]);
			expect(stderr).toMatch(message);
			expect([status, stdout]).toEqual([exit, ""]);
		});

		it("writes a refusal to the file of events first, if there is one", () => {
			const installation = new Installation();
			installation.write("main.js", "");
			installation.set("audit", installation.at("events.jsonl"));
			installation.write("bin/register.cjs", "evil");
			expect(installation.run(["main.js"]).status).toBe(126);
			const event = JSON.parse(readFileSync(installation.at("events.jsonl"), "utf8"));
			expect(event).toMatchObject({ event: "verifier.start", verdict: "refuse", reason: "ERR_LAUNCHER", thread: 0 });
			expect(new Date(event.time).toISOString()).toBe(event.time);
			expect(Object.keys(event)).toEqual([
				...["time", "event", "verdict", "pid", "thread", "reason", "detail"],
				...("unit" in event ? ["unit"] : []),
				...["uid", "host"],
			]);
		});

		it.skipIf(!isRoot)("gives a new file of events to the owner of its directory, also if root starts first", () => {
			const installation = new Installation();
			const [owned, shared] = [installation.at("events/of-nobody.jsonl"), installation.at("events-of-root.jsonl")];
			installation.write("main.js", "");
			installation.write("bin/register.cjs", "evil");
			mkdirSync(installation.at("events"));
			chownSync(installation.at("events"), 65534, 65533);
			for (const [file, uid, gid] of [
				[owned, 65534, 65533],
				[shared, 0, 0],
			] as const) {
				installation.set("audit", file);
				expect(installation.run(["main.js"]).status).toBe(126);
				expect(statSync(file)).toMatchObject({ uid, gid, mode: 0o100600 });
			}
		});

		it("does not digest node again while it is the installed file, and digests it otherwise", () => {
			const installation = new Installation();
			installation.write("main.js", "console.log('ran')");
			const [node = ""] = pinned(process.execPath).split(" ");
			const { dev, ino, size, mtimeNs, ctimeNs } = statSync(node, { bigint: true });
			const time = (ns: bigint) => `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;
			installation.set("node", `${node} ${"0".repeat(64)}`);
			installation.set("node-identity", `${dev}:${ino}:${size}:${time(mtimeNs)}:${time(ctimeNs)}`);
			expect(installation.run(["main.js"]).rest()).toBe("ran\n");
			installation.set("node-identity", `${dev}:${ino}:${size}:${time(mtimeNs)}:${time(ctimeNs + 1n)}`);
			expect(installation.run(["main.js"]).status).toBe(126);
		});

		it.skipIf(!isRoot)("refuses files of other users, and outside development those of the user", () => {
			const installation = rootsOwn();
			expect(installation.runAsGiven(["main.js"]).rest()).toBe("ran\n");
			expect(installation.run(["main.js"]).stderr).toMatch(/Cannot allow development/);
			chownSync(installation.settingsFile, 1234, 0);
			const refused = installation.runAsGiven(["main.js"]);
			expect(refused.stderr).toMatch(/belongs to another user/);
			expect(refused.status).toBe(126);
		});

		it("computes SHA-256 correctly, at each length around a block", () => {
			const installation = new Installation();
			for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 262_015, 262_016, 262_017, 600_001]) {
				const content = Buffer.alloc(length, "sigtool");
				writeFileSync(installation.at("bin/register.cjs"), content);
				installation.set("bundle", `${installation.at("bin/register.cjs")} ${"0".repeat(64)}`);
				installation.write("main.js", "");
				const digest = createHash("sha256").update(content).digest("hex");
				expect(installation.run(["main.js"]).stderr).toContain(`its SHA-256 is ${digest}, not`);
			}
		});
	});
});

/** Makes an installation below directories that root owns, so that it needs no `--allow-development`. Needs root. */
function rootsOwn(): Installation {
	const temporary = process.env.TMPDIR;
	process.env.TMPDIR = "/var/lib";
	try {
		const installation = new Installation();
		installation.set("development", undefined);
		installation.write("main.js", "console.log('ran')");
		return installation;
	} finally {
		if (temporary === undefined) delete process.env.TMPDIR;
		else process.env.TMPDIR = temporary;
	}
}

/** Makes a program that tries to write to the files of the given descriptors. */
function writingTo(descriptors: readonly number[]): string {
	return `for (const fd of ${JSON.stringify(descriptors)}) {
		try { require("fs").writeSync(fd, "x", 0); console.log("written"); } catch (error) { console.log(error.code); }
	}`;
}

function append({ settingsFile }: Installation, text: string): void {
	writeFileSync(settingsFile, readFileSync(settingsFile, "utf8") + text);
}

function throughLink(installation: Installation): void {
	mkdirSync(installation.at("other"));
	copyFileSync(installation.at("bin/register.cjs"), installation.at("other/register.cjs"));
	symlinkSync("other", installation.at("link"));
	installation.set("bundle", pinned(installation.at("link/register.cjs")));
}
