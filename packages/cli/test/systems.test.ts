/**
 * Runs the command line as if this were another system, where /proc is missing and no compiled package can be loaded.
 * Paths are still those of Linux. test/windows runs it on a Node.js for Windows.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeTree, runner, temporaryDirectory } from "./support.js";

/**
 * Is loaded before the command line. Ends it when it reaches for something that Linux alone has. The optional packages
 * are not installed, and libraries of Linux cannot be loaded.
 */
const PRELOAD = `
	const fs = require("node:fs"), Module = require("node:module");
	const system = process.env.TEST_SYSTEM;
	Object.defineProperty(process, "platform", { value: system });
	const refuse = (what) => { fs.writeSync(2, "reached for " + what + "\\n"); process.exit(99); };
	for (const name of ["openSync", "readFileSync", "statSync", "lstatSync", "readlinkSync", "existsSync", "readdirSync"]) {
		const original = fs[name];
		fs[name] = (path, ...rest) => /^\\/(?:proc|sys)\\//.test(path) ? refuse(path) : original(path, ...rest);
	}
	const load = Module._load;
	Module._load = (request, ...rest) => {
		if (!/^(?:fs-xattr|pkcs11js|@sigtool\\/native)/.test(request)) return load(request, ...rest);
		throw Object.assign(new Error("Cannot find module"), { code: "MODULE_NOT_FOUND" });
	};
	process.dlopen = () => { throw new Error("not a library of this system"); };
`;

/** These commands need nothing of the system but files. */
const EVERYWHERE = [
	["--version"],
	["sign", "app"],
	["verify", "app"],
	["verify", "app/index.js", "--json"],
	["inspect", "app/app.cat"],
	["convert", "app/app.cat", "-o", "app.p7"],
	["digest", "app/index.js"],
	["identity", "new", "release", "--key-type", "p256"],
	["identity", "list"],
	["trust", "list"],
	["compile", "app", "-o", "app.sigx", "--allow-development"],
];
const LINUX_ONLY = [
	["run", "app/index.js"],
	["run", "--allow-development", "app/index.js"],
	["launcher", "install"],
	["launcher", "check"],
	["launcher", "status"],
	["python", "build"],
	["python", "gaps"],
];

describe.each([
	["macOS", "darwin"],
	["Windows", "win32"],
])("on %s", (name, system) => {
	function workspace() {
		const home = temporaryDirectory();
		const preload = join(home, "preload.cjs");
		writeFileSync(preload, PRELOAD);
		makeTree(join(home, "app"), { "index.js": "1\n", "lib/a.js": "2\n", "lib/empty.js": "" });
		const env = { TEST_SYSTEM: system, NODE_OPTIONS: `--require ${preload}`, APPDATA: join(home, "config") };
		const sigtool = runner(home);
		return (args: readonly string[]) => sigtool(args, { cwd: home, env });
	}

	test("commands on files work without anything that Linux alone has", () => {
		const sigtool = workspace();
		for (const args of EVERYWHERE) {
			const { status, stderr } = sigtool(args);
			expect([args, status, status === 0 ? "" : stderr]).toEqual([args, 0, ""]);
		}
	});

	test("commands that run programs say that they need Linux", () => {
		const sigtool = workspace();
		for (const args of LINUX_ONLY) {
			const { status, stdout, stderr } = sigtool(args);
			expect([args, status, stdout]).toEqual([args, 2, ""]);
			expect(stderr).toMatch(
				new RegExp(
					`^error: Cannot use \`sigtool ${args[0]}.*\` on ${name}: it exists on Linux only; .*\\[ERR_UNSUPPORTED_PLATFORM\\]\n$`,
				),
			);
		}
		if (system === "win32") {
			expect(sigtool(["native", "build"]).stderr).toContain("on Windows: it exists on Linux and macOS only; ");
		}
		expect(sigtool(["launcher", "install", "--help"]).status).toBe(0);
		expect(sigtool(["launcher", "status", "--json"]).json()).toMatchObject({ exit: 2 });
	});

	test("a pattern with backslashes between names is refused where they look like separators", () => {
		const sigtool = workspace();
		for (const option of ["--include", "--exclude"]) {
			const { status, stderr } = sigtool(["sign", "app", option, "lib\\*.js"]);
			const isRefused = stderr.includes('write "/" between names in patterns, on Windows too [ERR_USAGE]');
			expect([option, isRefused]).toEqual([option, system === "win32"]);
			if (isRefused) expect(status).toBe(2);
		}
		expect(sigtool(["sign", "app", "--exclude", "\\[a\\]", "--exclude", "lib/*"]).status).toBe(0);
		expect(sigtool(["verify", "app", "--added", "ignore"]).stdout).toContain("1 entr");
	});

	test("attributes are refused with what works here", () => {
		const sigtool = workspace();
		const { status, stderr } = sigtool(["sign", "app", "--format", "ima-hash"]);
		expect(status).toBe(2);
		expect(stderr).toContain("[ERR_UNSUPPORTED_PLATFORM]");
		expect(stderr).toContain(
			system === "win32" ? "sign into a catalog, with --format cat" : "--namespace user works here",
		);
	});
});
