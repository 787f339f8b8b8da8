import { copyFileSync, cpSync, readFileSync, rmSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { describeEach, flipByte, makeKey, PYTHONS, Site } from "./support.js";

describeEach(PYTHONS)("spython of $version, $executable", (python) => {
	let site: Site;
	beforeAll(async () => {
		site = new Site(python);
		site.write({
			"main.py": "import sys, helper\nprint(helper.NAME, sys.argv, __name__, __file__, sys.path[0])\n",
			"helper.py": "NAME = 'helper'\n",
			"package/__init__.py": "",
			"package/__main__.py": "import sys\nprint('package', sys.argv[1:])\n",
			"fails.py":
				"import sys\ndef broken():\n    raise ValueError('here')\nif sys.argv[1:] == ['fail']: broken()\nsys.exit(sys.argv[1])\n",
			"opens.py":
				"import io, sys\nfor path in sys.argv[1:]:\n    try:\n        io.open_code(path).close()\n        print('opened')\n    except OSError as error:\n        print(type(error).__name__)\n",
			"native.py": "import _ctypes, array\nprint(array.array('b', [1]))\n",
		});
		await site.sign();
	});

	it("runs a signed script with arguments, path and name as in Python", () => {
		const plain = spawnSync(python.executable, ["app/main.py", "a", "-b"], {
			cwd: site.root,
			encoding: "utf8",
			env: {},
		});
		expect(site.run(["app/main.py", "a", "-b"])).toMatchObject({ status: 0, stdout: plain.stdout });
	});

	it("runs a signed module, from the working directory too", () => {
		const run = site.run(["-m", "package", "x"], { cwd: site.application });
		expect(run).toMatchObject({ status: 0, stdout: "package ['x']\n" });
		expect(site.run(["-m", "json.tool"], { input: "[1]" }).stdout).toBe("[\n    1\n]\n");
	});

	it("ends like the program: status, message, traceback with source", () => {
		expect(site.run(["app/fails.py", "stop"])).toMatchObject({ status: 1, stderr: expect.stringContaining("stop\n") });
		const failed = site.run(["app/fails.py", "fail"]);
		expect(failed.status).toBe(1);
		expect(failed.stderr).toContain("raise ValueError('here')\n");
	});

	it("refuses a changed script, module and extension, with both digests", () => {
		const path = join(site.application, "helper.py");
		flipByte(path, 8);
		const run = site.run(["app/main.py"]);
		flipByte(path, 8);
		expect(run).toMatchObject({ status: 1, stdout: "" });
		expect(run.stderr).toMatch(
			/PermissionError: File hash mismatch: '.*helper\.py' \(expected: [0-9a-f]{64}, got [0-9a-f]{64}\)/,
		);
		expect(run.events).toContainEqual(
			expect.objectContaining({
				event: "module.open_code",
				verdict: "refuse",
				path,
				reason: "ERR_FILE_MODIFIED",
				product: "app",
				entry: "helper.py",
			}),
		);
		expect(site.run(["app/main.py"]).status).toBe(0);
	});

	it("ends like Python when the script does not exist", () => {
		const missing = (program: string) => ({ status: 2, stdout: "", stderr: expect.stringContaining(program) });
		expect(site.run(["app/none.py"])).toMatchObject(missing("can't open file 'app/none.py': [Errno 2] No such file"));
		const plain = spawnSync(python.executable, ["app/none.py"], { cwd: site.root, encoding: "utf8" });
		expect(plain).toMatchObject(missing("[Errno 2] No such file"));
	});

	it("refuses unsigned files in every directory", () => {
		site.write({ "extra.py": "print('evil')\n" });
		copyFileSync(join(site.application, "helper.py"), join(site.root, "outside.py"));
		expect(site.run(["app/extra.py"])).toMatchObject({
			status: 1,
			stdout: "",
			stderr: expect.stringContaining("ERR_FILE_ADDED"),
		});
		expect(site.run(["outside.py"])).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("ERR_OUTSIDE_PRODUCTS"),
		});
		rmSync(join(site.application, "extra.py"));
	});

	it("refuses a signed file under another's name", () => {
		const main = join(site.application, "main.py");
		const content = readFileSync(main);
		copyFileSync(join(site.application, "fails.py"), main);
		expect(site.run(["app/main.py", "0"])).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("File hash mismatch"),
		});
		site.write({ "main.py": content });
	});

	it("refuses a tree that was moved to another directory", () => {
		const moved = join(site.root, "moved");
		cpSync(site.application, moved, { recursive: true });
		expect(site.run(["moved/main.py"])).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("ERR_OUTSIDE_PRODUCTS"),
		});
	});

	it("judges a file by its real path, whatever path it is opened by", () => {
		const [linked, alias] = [join(site.application, "linked"), join(site.root, "alias")];
		symlinkSync("package", linked);
		symlinkSync("app", alias);
		const at = (path: string) => `${site.application}${path}`;
		const good = [at("/helper.py"), at("//helper.py"), at("/./helper.py"), at("/package/../helper.py")];
		const others = ["app/helper.py", `${alias}/helper.py`, "/proc/self/cwd/app/helper.py"];
		const run = site.run(["app/opens.py", ...good, ...others, `${linked}/__main__.py`, at("/none.py")]);
		rmSync(linked);
		rmSync(alias);
		const opened = [...good, ...others].map(() => "opened");
		expect(run.stdout.trimEnd().split("\n")).toEqual([...opened, "PermissionError", "FileNotFoundError"]);
		expect(run.events).toContainEqual(
			expect.objectContaining({ reason: "ERR_LINK_CHANGED", entry: "package/__main__.py" }),
		);
	});

	it("loads signed extension modules, with one event each", () => {
		const run = site.run(["app/native.py"], { options: [] });
		expect(run).toMatchObject({ status: 0, stdout: "array('b', [1])\n" });
	});

	it.each([
		[["-c", "print(1)"], "'run_command' is disabled by policy"],
		[["-"], "'run_stdin' is disabled by policy"],
		[[], "'run_stdin' is disabled by policy"],
		[["-i", "app/main.py"], "'run_interactivehook' is disabled by policy"],
		[["-X", "dev", "app/main.py"], '"-X" is one option too many'],
	])("refuses %j", (args, message) => {
		const run = site.run(args, { input: "print('evil')\n" });
		expect(run).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining(message) });
		expect(run.events).toEqual([expect.objectContaining({ event: "cmdline.refused", verdict: "refuse" })]);
	});

	describe("an index", () => {
		const refusedFor = (index: string, code: string, status = 126) => {
			expect(site.run(["app/main.py"], { index })).toMatchObject({
				status,
				stdout: "",
				stderr: expect.stringContaining(`spython: ${code}: `),
			});
		};
		const copy = () => {
			const path = join(site.root, "copy.sigx");
			copyFileSync(site.index, path);
			return path;
		};

		it("is refused when another key signed it", async () => {
			makeKey(site.root, "other");
			await site.sign({ key: "other", output: join(site.root, "other.sigx") });
			refusedFor(join(site.root, "other.sigx"), "ERR_UNTRUSTED_SIGNER");
			await site.sign();
		});

		it("may have as many digests of texts as the format allows", async () => {
			const output = join(site.root, "texts.sigx");
			const digests = Array.from({ length: 8192 }, (_, index) => index.toString(16).padStart(64, "0"));
			await site.sign({ output, fileTexts: digests.map((digest) => ({ text: digest, file: digest })) });
			expect(site.run(["app/main.py", "0"], { index: output })).toMatchObject({ status: 0 });
			await site.sign();
		});

		it("is refused when it is truncated, changed, or has no signature", () => {
			const path = copy();
			const { length } = readFileSync(path);
			truncateSync(path, length - 1);
			// A truncated index may be in the middle of a copy, so another start may succeed.
			refusedFor(path, "ERR_INDEX_FORMAT", 75);
			const content = [12, 16, 20].map((at) => readFileSync(path).readUInt32LE(at));
			truncateSync(path, 24 + (content[0] ?? 0) + 48 * (content[1] ?? 0) + (content[2] ?? 0));
			refusedFor(path, "ERR_INDEX_FORMAT", 75);
			const changed = copy();
			flipByte(changed, 60);
			refusedFor(changed, "ERR_SIGNED_ATTRIBUTES");
		});

		it("is refused as a regular file in place of the launcher's sealed memory", () => {
			const run = spawnSync("sh", ["-c", '"$0" --launched app/main.py 3<app.sigx', site.spython], {
				cwd: site.root,
				encoding: "utf8",
			});
			expect(run).toMatchObject({ status: 126, stdout: "", stderr: expect.stringContaining("ERR_LAUNCH_RECORD") });
		});
	});
});
