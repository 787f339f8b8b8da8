/** Gives the commands about a launcher files that are none, or that cannot be read, and looks at what they leave. */

import {
	chmodSync,
	copyFileSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canBeHost, Host } from "../../../../../test/host/host.js";
import { canBeUser, spawnSync } from "../../../../../test/outside.js";
import { MAIN, runner, temporaryDirectory } from "../../support.js";

const CONFS: Readonly<Record<string, readonly [make: (file: string) => void, says: RegExp, status: number]>> = {
	"a FIFO": [(file) => spawnSync("mkfifo", [file]), /launcher\.conf": it is not a regular file \[ERR_IO\]/, 3],
	"a directory": [(file) => mkdirSync(file), /launcher\.conf": it is a directory; name a file \[ERR_USAGE\]/, 2],
	empty: [(file) => writeFileSync(file, ""), /launcher\.conf": .* \[ERR_CONFIG\]/, 2],
};

describe("a launcher.conf that cannot be read", () => {
	it.each(Object.entries(CONFS))("%s is named", (_, [make, says, status]) => {
		const directory = temporaryDirectory();
		make(join(directory, "launcher.conf"));
		for (const command of [
			["launcher", "status"],
			["launcher", "share"],
			["why", "/x"],
		]) {
			const run = runner(directory)([...command, "--prefix", directory]);
			expect([command, run.status, run.stderr]).toEqual([command, status, expect.stringMatching(says)]);
		}
		expect(runner(directory)(["launcher", "check", "--prefix", directory])).toMatchObject({ status: 1, stderr: "" });
		expect(runner(directory)(["doctor", "--prefix", directory]).status).toBe(0);
	});

	it("below a file is named by install", () => {
		const directory = temporaryDirectory();
		writeFileSync(join(directory, "file"), "");
		const places = ["--config", join(directory, "verifier.json"), "--index", join(directory, "app.sigx")];
		const run = runner(directory)(["launcher", "install", "--prefix", join(directory, "file/lib"), ...places]);
		expect(run).toMatchObject({ status: 3, stderr: expect.stringMatching(/file\/lib\/launcher\.conf": .*ENOTDIR/) });
	});
});

it("an installation that cannot be planned writes nothing", () => {
	const directory = temporaryDirectory();
	const at = (name: string) => join(directory, name);
	const places = ["--prefix", at("lib"), "--config", at("verifier.json"), "--index", at("app.sigx")];
	const run = runner(at("home"))(["launcher", "install", ...places, "--node", at("none")]);
	expect(run).toMatchObject({ status: 3, stderr: expect.stringContaining(at("none")) });
	expect(readdirSync(directory).filter((name) => name !== "home")).toEqual([]);
});

it.each(["--prefix", "--config", "--index"])("a control character in %s is refused by its name", (option) => {
	const directory = temporaryDirectory();
	const at = (name: string) => join(directory, name);
	for (const name of ["line\nbreak", "escape\u001b"]) {
		const places = { "--prefix": at("lib"), "--config": at("verifier.json"), "--index": at("app.sigx") };
		const args = Object.entries({ ...places, [option]: at(name) }).flat();
		const says = `Cannot use "${directory}/${JSON.stringify(name).slice(1, -1)}" with ${option}: `;
		expect(runner(at("home"))(["launcher", "install", ...args])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining(says),
		});
		expect(readdirSync(directory).filter((name) => name !== "home")).toEqual([]);
	}
});

describe.skipIf(!canBeHost)("an installed launcher (needs root, and the launcher built)", () => {
	it("that is cut, or another program, is wrong and is not run", () => {
		const host = new Host();
		host.deploy();
		const launcher = host.at("lib/sigtool-launch");
		const whole = readFileSync(launcher);
		const check = () => host.sigtool(["launcher", "check", ...host.prefix]);
		expect(check().stdout).toMatch(/^ok +seccomp/m);
		for (const bytes of [0, 30, 100]) {
			truncateSync(launcher, bytes);
			expect([bytes, check().status]).toEqual([bytes, 1]);
			writeFileSync(launcher, whole);
		}
		writeFileSync(launcher, `#!/bin/sh\ntouch ${host.at("ran")}\n`);
		expect(check()).toMatchObject({
			status: 1,
			stdout: expect.stringMatching(/^wrong +launcher .*no static program/m),
		});
		// A static program of the right shape that is another one passes for it, and is not run.
		writeFileSync(launcher, Buffer.concat([whole, Buffer.from("x")]));
		expect(check().stdout).not.toMatch(/seccomp/);
		expect(existsSync(host.at("ran"))).toBe(false);
	});

	it("names the index or the configuration that cannot be used", () => {
		const host = new Host();
		host.deploy();
		const [index, config] = [host.at("app.sigx"), host.at("verifier.json")];
		const run = (...args: string[]) => host.sigtool([...args, ...host.prefix]).stdout;
		truncateSync(index, 100);
		expect(run("launcher", "check")).toMatch(`cannot use trust index "${index}": it is truncated`);
		expect(run("launcher", "check", "--files")).toMatch(`not compared: cannot use trust index "${index}": it is`);
		expect(run("why", host.at("app/main.js"))).toMatch(`Cannot use trust index "${index}": it is truncated`);
		rmSync(config);
		expect(run("launcher", "check")).toMatch(
			`${config} does not exist: run \`sigtool launcher install --prefix ${host.at("lib")}\``,
		);
	});

	const user = ["--reuid=1234", "--regid=1234", "--clear-groups", process.execPath];
	it.skipIf(!canBeUser(1234, MAIN))(
		"is not missing for who may not look (needs setpriv, and files that all may read)",
		() => {
			const host = new Host();
			host.deploy();
			chmodSync(host.at("lib"), 0o700);
			for (const command of [
				["launcher", "status", ...host.prefix],
				["launcher", "share", ...host.prefix],
				["why", ...host.prefix, "/x"],
				["run", ...host.prefix, "/x.js"],
			]) {
				const { status, stderr } = spawnSync("setpriv", [...user, MAIN, ...command], {
					env: { NO_COLOR: "1" },
					encoding: "utf8",
				});
				expect([command, status, stderr]).toEqual([
					command,
					3,
					expect.stringMatching(/lib\/.*": permission denied \(EACCES\)/),
				]);
			}
		},
	);

	it("whose events file is a directory is wrong", () => {
		const host = new Host();
		mkdirSync(host.at("log/audit.jsonl"), { recursive: true });
		host.configure({ audit: { jsonLines: host.at("log/audit.jsonl") } });
		host.deploy();
		const { status, stdout } = host.sigtool(["launcher", "check", ...host.prefix]);
		expect([status, stdout]).toEqual([1, expect.stringMatching(/^wrong +events .*is a directory/m)]);
	});

	it("shares no index whose path has a control character, and names it", () => {
		const host = new Host();
		host.deploy();
		const before = readdirSync(host.at("lib/indexes"));
		for (const [name, shown] of [
			["line\nbreak", "line\\nbreak"],
			["escape\u001b", "escape\\u001b"],
		] as const) {
			copyFileSync(host.at("app.sigx"), host.at(name));
			expect(host.sigtool(["launcher", "share", ...host.prefix, host.at(name)])).toMatchObject({
				status: 2,
				stderr: expect.stringContaining(`Cannot share "${host.at(shown)}": `),
			});
		}
		expect(readdirSync(host.at("lib/indexes"))).toEqual(before);
	});

	it("gets a new configuration where a link leads", () => {
		const host = new Host();
		symlinkSync("new.json", host.at("link.json"));
		const places = ["--index", host.at("app.sigx"), "--config", host.at("link.json")];
		expect(host.sigtool(["launcher", "install", ...host.prefix, ...places]).status).toBe(0);
		expect(lstatSync(host.at("link.json")).isSymbolicLink()).toBe(true);
		expect(existsSync(host.at("new.json"))).toBe(true);
	});

	it("gets a denial although its configuration was named by a link", () => {
		const host = new Host();
		host.deploy();
		symlinkSync("verifier.json", host.at("link.json"));
		const deny = ["trust", "deny", host.at("app/main.js"), "--reason", "bad", "--config", host.at("link.json")];
		expect(host.sigtool(deny).status).toBe(0);
		expect(lstatSync(host.at("link.json")).isSymbolicLink()).toBe(true);
		expect(JSON.parse(readFileSync(host.at("verifier.json"), "utf8")).deny).toHaveLength(1);
	});
});
