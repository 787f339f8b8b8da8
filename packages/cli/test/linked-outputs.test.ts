/**
 * Tests that commands write and read the file that the kernel finds by a path with `..` behind a link, or by the name of
 * a link. As text, `link/../x` would be another file.
 */

import {
	chmodSync,
	copyFileSync,
	existsSync,
	lchownSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasLauncher } from "../../../test/launcher.js";
import { execFileSync } from "../../../test/outside.js";
import { makeSelfSigned, makeTree, runner, temporaryDirectory } from "./support.js";

/** Makes a home with a tree `app`, and a link `link` to `real/deep`, so that `link/..` is `real` for the kernel. */
function workspace() {
	const home = temporaryDirectory();
	makeTree(home, { "real/deep/x": "1", link: { link: "real/deep" }, "app/sub/x": "1", into: { link: "app/sub" } });
	makeTree(join(home, "app"), { "main.js": "console.log('ran')" });
	const run = runner(home);
	const sigtool = (...args: string[]) => run(args, { cwd: home });
	return { sigtool, at: (path: string) => join(home, path), namesIn: (path: string) => readdirSync(join(home, path)) };
}

describe("`link/../x`", () => {
	it("as output of sign is where the kernel writes", () => {
		const { sigtool, at, namesIn } = workspace();
		expect(sigtool("sign", "app", "-o", "link/../x.cat")).toMatchObject({ status: 0 });
		expect(namesIn("real").sort()).toEqual(["deep", "x.cat"]);
		expect(existsSync(at("x.cat"))).toBe(false);
		expect(sigtool("verify", "app", "--catalog", "link/../x.cat", "--root", "app")).toMatchObject({ status: 0 });
	});

	it("as output of sign inside the tree is not signed itself", () => {
		const { sigtool } = workspace();
		for (let i = 0; i < 2; i++) expect(sigtool("sign", "app", "-o", "into/../app.cat")).toMatchObject({ status: 0 });
		expect(sigtool("verify", "app")).toMatchObject({ status: 0 });
	});

	it("as one of several paths to sign is the directory that the kernel finds", () => {
		const { sigtool } = workspace();
		const { status, stdout } = sigtool("sign", "link/..", "app/sub/..", "-o", "both.cat", "--json");
		expect(status).toBe(0);
		expect(JSON.parse(stdout)).toMatchObject({ files: 3 });
	});

	it("as output of compile may not lie in the signed tree", () => {
		const { sigtool, namesIn } = workspace();
		expect(sigtool("sign", "app")).toMatchObject({ status: 0 });
		const compile = (output: string) => sigtool("compile", "app", "-o", output, "--allow-development");
		const inside = compile("into/../app.sigx");
		expect(inside).toMatchObject({ status: 2, stderr: expect.stringContaining("it would be an unsigned file") });
		expect(compile("link/../app.sigx")).toMatchObject({ status: 0 });
		expect(namesIn("real").sort()).toEqual(["app.sigx", "deep"]);
	});

	it("as output of convert must be another file than the content", () => {
		const { sigtool, at, namesIn } = workspace();
		expect(sigtool("sign", "app", "-o", "x.cat")).toMatchObject({ status: 0 });
		const convert = (output: string, content: string) =>
			sigtool("convert", "x.cat", "-o", output, "--content", content);
		for (const [output, content] of [
			["link/../x.p7", "real/x.p7"],
			["link/y.p7", "real/deep/y.p7"],
		] as const) {
			const same = convert(output, content);
			expect(same).toMatchObject({ status: 2, stderr: expect.stringContaining("different names") });
		}
		expect(namesIn("real")).toEqual(["deep"]);
		expect(convert("link/../x.p7", "x.p7")).toMatchObject({ status: 0 });
		expect(namesIn("real").sort()).toEqual(["deep", "x.p7"]);
		expect(existsSync(at("x.p7"))).toBe(true);
	});

	it.skipIf(!hasLauncher)("as index or catalog of run is read where the kernel finds it (launcher)", () => {
		const { sigtool } = workspace();
		expect(sigtool("sign", "app")).toMatchObject({ status: 0 });
		expect(sigtool("compile", "app", "-o", "real/app.sigx", "--allow-development")).toMatchObject({ status: 0 });
		const run = (...args: string[]) => sigtool("run", "--allow-development", ...args, "app/main.js");
		expect(run("--index", "link/../app.sigx")).toMatchObject({ status: 0, stdout: "ran\n" });
		expect(run("--catalog", "into/../app.cat")).toMatchObject({ status: 0, stdout: "ran\n" });
		expect(run("--index", "none/app.sigx")).toMatchObject({ status: 2, stderr: expect.stringContaining("ERR_ROOT") });
	});
});

describe("a link to a file", () => {
	/** Makes a workspace with keys, a signed tree, and an unsigned catalog and index. */
	function signing() {
		const { sigtool, at } = workspace();
		writeFileSync(at("passphrase"), "a long passphrase\n", { mode: 0o600 });
		const { keyFile, certFile } = makeSelfSigned(at("release"));
		const keys = ["--key", keyFile, "--cert", certFile];
		const expectDone = (...args: string[]) => expect(sigtool(...args)).toMatchObject({ status: 0 });
		expectDone("sign", "app", ...keys);
		expectDone("sign", "app", "-o", "unsigned.cat", "--unsigned");
		expectDone("compile", "app", "-o", "unsigned.sigx", "--trust", certFile, "--unsigned");
		expectDone("identity", "new", "own", "--passphrase-file", "passphrase");
		mkdirSync(at("target"));
		return { sigtool, at, keys, certFile };
	}
	/** Each line has `OUT` in the place of the output. */
	const COMMANDS = [
		"sign app -o OUT KEYS",
		"compile app -o OUT --trust CERT KEYS",
		"finish unsigned.cat -o OUT KEYS",
		"finish unsigned.sigx -o OUT KEYS",
		"convert app/app.cat -o OUT --content content --trust CERT --force",
		"identity export own --to-p12 OUT --passphrase-file passphrase --force",
	];

	it.each(COMMANDS)("is written where it leads by: %s", (line) => {
		const { sigtool, at, keys, certFile } = signing();
		const run = (output: string) => {
			const words = line.replace("OUT", output).replace("CERT", certFile).split(" ");
			return sigtool(...words.flatMap((word) => (word === "KEYS" ? keys : word)));
		};
		for (const name of ["there", "dangling"]) {
			symlinkSync(`target/${name}`, at(name));
			symlinkSync(name, at(`to-${name}`));
		}
		expect(run("target/there")).toMatchObject({ status: 0 });
		for (const name of ["there", "dangling"]) {
			expect(run(`to-${name}`)).toMatchObject({ status: 0 });
			expect([name, lstatSync(at(name)).isSymbolicLink()]).toEqual([name, true]);
			expect(lstatSync(at(`target/${name}`)).isFile()).toBe(true);
		}
		expect(readdirSync(at("target")).sort()).toEqual(["dangling", "there"]);

		execFileSync("mkfifo", [at("fifo")]);
		symlinkSync("fifo", at("to-fifo"));
		symlinkSync("circle", at("circle"));
		for (const [name, says] of [
			["to-fifo", /Cannot write "to-fifo": it is no regular file; name another \[ERR_USAGE\]/],
			["circle", /"circle": .*\(ELOOP\) \[ERR_IO\]/],
		] as const) {
			expect(run(name).stderr).toMatch(says);
		}
		expect(lstatSync(at("fifo")).isFIFO()).toBe(true);
	});

	it("is signed where it leads by finish without -o", () => {
		const { sigtool, at, keys } = signing();
		for (const name of ["unsigned.cat", "unsigned.sigx"]) {
			symlinkSync(name, at(`to-${name}`));
			const before = readFileSync(at(name));
			expect(sigtool("finish", `to-${name}`, ...keys)).toMatchObject({ status: 0 });
			expect(lstatSync(at(`to-${name}`)).isSymbolicLink()).toBe(true);
			expect(readFileSync(at(name))).not.toEqual(before);
		}
	});

	it.skipIf(process.getuid?.() !== 0)("of another user in a shared directory is not followed (needs root)", () => {
		const { sigtool, at, keys } = signing();
		chmodSync(at("target"), 0o1777);
		symlinkSync(at("victim"), at("target/x.cat"));
		lchownSync(at("target/x.cat"), 1234, 1234);
		copyFileSync(at("app/app.cat"), at("victim"));
		const before = readFileSync(at("victim"));
		expect(sigtool("sign", "app", "-o", "target/x.cat", ...keys)).toMatchObject({
			status: 3,
			stderr: expect.stringMatching(/target\/x\.cat": (it is a link of user 1234; remove it|permission denied)/),
		});
		expect(readFileSync(at("victim"))).toEqual(before);
	});
});
