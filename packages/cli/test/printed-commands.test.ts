/**
 * Pastes the commands that messages recommend into a shell, with names in them that the shell would carry out or take
 * apart. Each command has to do what the message says, and nothing else.
 */

import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { hasProgram, spawnSync } from "../../../test/outside.js";
import { eventOf } from "./commands/policy/project.js";
import { MAIN, makeSelfSigned, makeTree, type Run, type RunOptions, runner, temporaryDirectory } from "./support.js";

const NAMES = ["$(touch PWN)", "`touch PWN`", "a b'\";touch PWN;'", "';touch PWN;'\nb", "-rf", "~"];

/** Makes a directory of this name, a shell whose `sigtool` is this one, and a function that takes commands from texts. */
function desk(name: string) {
	const home = temporaryDirectory();
	const place = join(home, name);
	mkdirSync(place);
	const bin = join(home, "bin");
	makeTree(bin, { sigtool: { content: `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`, mode: 0o755 } });
	const sigtool = runner(home);
	const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, XDG_CONFIG_HOME: join(home, "config") };
	const textOf = ({ stdout, stderr }: Run) => `${stdout}\n${stderr}`;
	return {
		home,
		place,
		sigtool: (args: readonly string[], options: RunOptions = {}) => textOf(sigtool(args, { cwd: home, ...options })),
		/** Runs a command as a person would: in the directory in which the message was printed. */
		paste: (command: string, cwd = home) => {
			const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { cwd, env, encoding: "utf8" });
			const found = readdirSync(home, { recursive: true }).filter((path) => String(path).endsWith("PWN"));
			expect([command, found]).toEqual([command, []]);
			return { status, stdout, text: `${command}\n${stdout}\n${stderr}` };
		},
	};
}

/** Returns the first command in a text that has this beginning: between backticks, or up to the end of the line. */
function commandIn(text: string, beginning: string): string {
	const at = text.indexOf(beginning);
	expect(at, `${beginning} in ${text}`).toBeGreaterThanOrEqual(0);
	return /^[^`\n]*/.exec(text.slice(at))?.[0].replace(/ \S+\[ERR_.*| \[ERR_.*/, "") ?? "";
}

describe.skipIf(process.platform === "win32")("a printed command", () => {
	describe.each(NAMES)("with the name %j", (name) => {
		it("verifies files that were signed beside their catalog", () => {
			const { place, home, sigtool, paste } = desk(name);
			makeTree(place, { "a/x.js": "1", "b/y.js": "2" });
			const text = sigtool(["sign", join(place, "a"), join(place, "b"), "-o", join(place, "both.cat")]);
			expect(paste(commandIn(text, "sigtool verify ")), home).toMatchObject({ status: 0 });
		});

		it("names a configuration that was found, and that leads out of its directory", () => {
			const { place, sigtool, paste } = desk(name);
			makeTree(place, {
				"../lib/x.js": "1",
				"sigtool.config.json": '{ "sign": ["../lib"], "output": "../lib/lib.cat" }',
			});
			const option = commandIn(sigtool(["sign"], { cwd: place }), "--config ");
			expect(paste(`sigtool sign ${option}`, place)).toMatchObject({ status: 0 });
		});

		it("names a configuration that others could have written, or that names other catalogs", () => {
			const { place, sigtool, paste } = desk(name);
			makeTree(place, { "lib/x.js": "1", "sigtool.config.json": '{ "sign": ["lib"] }' });
			chmodSync(place, 0o777);
			const option = commandIn(sigtool(["sign"], { cwd: place }), "--config ");
			expect(paste(`sigtool sign ${option}`, place)).toMatchObject({ status: 0 });
			chmodSync(place, 0o755);
			sigtool(["sign", "lib", "-o", "other.cat"], { cwd: place });
			writeFileSync(join(place, "sigtool.config.json"), '{ "sign": ["lib"], "verify": { "catalogs": ["other.cat"] } }');
			const other = commandIn(sigtool(["verify"], { cwd: place }), "--config ");
			expect(other).toBe(option);
		});

		it("lists the files of a directory for --files-from", () => {
			const { place, home, sigtool, paste } = desk(name);
			makeTree(place, { "x.js": "1" });
			const text = sigtool(["sign", place, "-o", "x.cat", "--files-from", "-"], { input: "none.js\0" });
			expect(paste(commandIn(text, "(cd "), home).stdout).toBe("./x.js\0");
		});

		it("compiles with a policy, and verifies the trees of an index", () => {
			const { place, home, sigtool, paste } = desk(name);
			makeTree(join(place, "app"), { "x.js": "1" });
			sigtool(["sign", join(place, "app")]);
			const policy = join(place, "policy.json");
			const compile = commandIn(sigtool(["policy", "init", "-o", policy]), "sigtool compile ");
			const tree = `"$(find . -type d -name app)"`;
			expect(paste(`${compile} -o app.sigx --allow-development ${tree}`)).toMatchObject({ status: 0 });
			expect(paste(commandIn(sigtool(["verify", join(home, "app.sigx")]), "sigtool verify "))).toMatchObject({
				status: 0,
			});
			writeFileSync(join(place, "i.sigx"), "");
			spawnSync("cp", ["app.sigx", join(place, "i.sigx")], { cwd: home });
			const about = sigtool(["explain", join(place, "i.sigx")]);
			expect(paste(commandIn(about, "sigtool verify "))).toMatchObject({ status: 0 });
			expect(paste(commandIn(about, "sigtool inspect "))).toMatchObject({ status: 0 });
		});

		it("trusts a certificate, denies a file for a reason, and protects a key", () => {
			const { place, sigtool, paste } = desk(name);
			const own = { XDG_CONFIG_HOME: join(place, "config") };
			const made = sigtool(["identity", "new", "release"], { env: own });
			expect(paste(commandIn(made, "sigtool trust add "))).toMatchObject({ status: 0 });
			makeTree(place, { "x.js": "1", "verifier.json": '{ "version": 1 }' });
			const given = ["trust", "deny", join(place, "x.js"), "--as", "file", "--reason"];
			const denied = sigtool([...given, name.replace("\n", " "), "--config", join(place, "verifier.json")]);
			expect(paste(commandIn(denied, "sigtool trust deny "))).toMatchObject({ status: 0 });
			expect(sigtool(["trust", "list"])).toContain(name.replace("\n", " "));
			const { keyFile, certFile } = makeSelfSigned(join(place, "k"));
			chmodSync(keyFile, 0o644);
			const shared = sigtool(["sign", place, "--no-config", "--key", keyFile, "--cert", certFile]);
			expect(paste(commandIn(shared, "chmod 600 "))).toMatchObject({ status: 0 });
			expect(statSync(keyFile).mode & 0o777).toBe(0o600);
		});

		it.skipIf(!hasProgram("mkfifo"))("reads a log that is compressed, or a FIFO", () => {
			const { place, sigtool, paste } = desk(name);
			writeFileSync(join(place, "log.gz"), gzipSync("{}\n"));
			const zipped = commandIn(sigtool(["explain", "--log", join(place, "log.gz"), "x.js"]), "zcat ");
			expect(paste(zipped.replace(/\|.*/, ""))).toMatchObject({ status: 0, stdout: "{}\n" });
			spawnSync("mkfifo", [join(place, "log.fifo")]);
			const piped = commandIn(sigtool(["explain", "--log", join(place, "log.fifo"), "x.js"]), "cat ");
			expect(
				paste(`echo {} | tee ${piped.replace(/^cat /, "").replace(/\|.*/, "")} & ${piped.replace(/\|.*/, "")}`),
			).toMatchObject({
				status: 0,
			});
		});

		it("signs what a policy was learned from, and compiles it", () => {
			const { place, sigtool, paste } = desk(name);
			makeTree(join(place, "app"), { "x.js": "1" });
			const path = join(place, "app/x.js");
			const refused = eventOf({ path, sha256: "b".repeat(64), verdict: "audit", reason: "ERR_OUTSIDE_PRODUCTS" });
			writeFileSync(join(place, "log.jsonl"), `${refused}\n`);
			const learned = sigtool(["policy", "learn", join(place, "log.jsonl"), "-o", join(place, "policy.json")]);
			expect(paste(commandIn(learned, "sigtool sign "))).toMatchObject({ status: 0 });
			expect(paste(commandIn(learned, "sigtool compile "))).toMatchObject({ status: 0 });
		});

		it("says how to run a script where no launcher is", () => {
			const { place, sigtool } = desk(name);
			makeTree(place, { "x.js": "1" });
			const text = sigtool(["run", "--prefix", join(place, "none"), join(place, "x.js"), "--allow-development"]);
			const words = spawnSync("sh", ["-c", `printf '%s\\0' ${commandIn(text, "sigtool run ")}`], { encoding: "utf8" });
			expect(words.stdout.split("\0").slice(-2)).toEqual([join(place, "x.js"), ""]);
			const install = sigtool(["run", "--prefix", join(place, "none"), join(place, "x.js")]);
			const named = spawnSync("sh", ["-c", `printf '%s\\0' ${commandIn(install, "sigtool launcher ")}`], {
				encoding: "utf8",
			});
			expect(named.stdout.split("\0").slice(-2)).toEqual([join(place, "none"), ""]);
		});
	});
});
