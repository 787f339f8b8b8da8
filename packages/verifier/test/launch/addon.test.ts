import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { BUILT, CROSS, compileProgram, hasCompiler, hasCross, NATIVE, writeCrossCompiler } from "./support.js";

const ADDON = join(BUILT, "addon.node");
const [EACCES, EINVAL, ERANGE, ENODATA] = [13, 22, 34, 61];

describe.skipIf(!existsSync(ADDON))("the addon (needs it built)", () => {
	/**
	 * Runs statements with the variables `addon`, `program` (the descriptor of an executable file) and `text` (of a text
	 * file). Returns the JSON value that they return.
	 */
	function run(body: string): unknown {
		const script = `
			const addon = require(${JSON.stringify(ADDON)}), fs = require("node:fs");
			const program = fs.openSync(process.execPath), text = fs.openSync(process.argv[1]);
			console.log(JSON.stringify((() => { ${body} })()));`;
		const directory = temporaryDirectory();
		writeFileSync(join(directory, "main.cjs"), script, { mode: 0o644 });
		const { status, stdout, stderr } = spawnSync(process.execPath, [join(directory, "main.cjs")], { encoding: "utf8" });
		expect([status, stderr]).toEqual([0, ""]);
		return JSON.parse(stdout);
	}

	it("asks whether the kernel would execute a file, without executing it", (context) => {
		const answers = run(`
			const written = __dirname + "/written";
			fs.writeFileSync(written, "", { mode: 0o755 });
			const objections = () => [program, text, fs.openSync(written)].map((fd) => addon.kernelObjection(fd) ?? null);
			const before = [addon.kernelAnswers(), objections()], writer = fs.openSync(written, "r+");
			return [...before, objections()];`) as [boolean, ...unknown[]];
		if (!answers[0]) context.skip("Linux before 6.14 knows no AT_EXECVE_CHECK");
		expect(answers).toEqual([true, [null, null, null], [null, null, "it is open for writing"]]);
	});

	it("treats a value that is no descriptor like a file on a noexec mount", () => {
		const given = `[undefined, null, "0", {}, -5, -1, 4000].map((fd) => addon.kernelObjection(fd))`;
		const answers = run(`return [...${given}, addon.kernelObjection()];`) as string[];
		expect(new Set(answers)).toEqual(new Set(["its mount is noexec"]));
	});

	it("keeps one index, which is a copy of a file that can change", () => {
		const answers = run(`
			const file = __dirname + "/index", own = () => Buffer.from(addon.keptIndex()).toString();
			fs.writeFileSync(file, "");
			const before = [addon.keptIndex() ?? null, addon.keepIndex(-1, true), addon.keepIndex(fs.openSync(__dirname), false), addon.keepIndex(fs.openSync(file), true), addon.keepIndex()];
			fs.writeFileSync(file, "first");
			const kept = [addon.keepIndex(fs.openSync(file), false), own(), addon.keepIndex(text, true)];
			fs.writeFileSync(file, "other bytes");
			return [...before, ...kept, own()];`);
		expect(answers).toEqual([null, false, false, false, false, true, "first", false, "first"]);
	});

	it("maps a file that cannot change, once for all threads", () => {
		const answers = run(`
			const { Worker, receiveMessageOnPort, MessageChannel } = require("node:worker_threads");
			addon.keepIndex(program, true);
			const source = 'const { workerData: [addon, port, done] } = require("node:worker_threads");' +
				'port.postMessage(new Uint8Array(require(addon).keptIndex(), 1, 3)); Atomics.store(done, 0, 1); Atomics.notify(done, 0)';
			const { port1, port2 } = new MessageChannel(), done = new Int32Array(new SharedArrayBuffer(4));
			new Worker(source, { eval: true, workerData: [${JSON.stringify(ADDON)}, port2, done], transferList: [port2] });
			Atomics.wait(done, 0, 0, 60_000);
			const seen = Buffer.from(receiveMessageOnPort(port1).message).toString();
			const maps = fs.readFileSync("/proc/self/maps", "utf8").split("\\n").filter((line) => line.endsWith(process.execPath) && / r--s /.test(line));
			port1.close();
			return [seen, addon.keptIndex().byteLength === fs.statSync(process.execPath).size, maps.length];`);
		expect(answers).toEqual(["ELF", true, 1]);
	});

	it("ends a process that writes to the kept index, and finds nothing in one that was taken away", () => {
		const answers = run(`
			addon.keepIndex(text, true);
			const buffer = addon.keptIndex(), bytes = new Uint8Array(buffer);
			const { size } = fs.statSync(__filename);
			try { structuredClone(buffer, { transfer: [buffer] }); } catch {}
			const isThere = bytes.length === size;
			buffer.transfer?.();
			return [isThere, addon.findRecord(bytes, 24, 72, 80, 0, 1, "x"), addon.keptIndex().byteLength === size];`);
		expect(answers).toEqual([true, -2, true]);
		for (const isFixed of [true, false]) {
			const script = `const addon = require(${JSON.stringify(ADDON)});
				addon.keepIndex(require("node:fs").openSync(process.execPath), ${isFixed});
				const bytes = new Uint8Array(addon.keptIndex());
				console.log(bytes[1]);
				bytes[1] = 7;
				console.log("changed");`;
			const { signal, stdout } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
			expect([signal, stdout]).toEqual(["SIGSEGV", "69\n"]);
		}
	});

	it.skipIf(process.getuid?.() !== 0)(
		"tells whether root owns a file that it read, and it alone may write (needs root)",
		() => {
			const answers = run(`
			const file = __dirname + "/owned", facts = new Uint8Array(33);
			fs.writeFileSync(file, "");
			return [0, 1234].map((owner) => [0o600, 0o4755, 0o620, 0o602, 0o664].map((mode) => {
				fs.chownSync(file, owner, 0);
				fs.chmodSync(file, mode);
				addon.readRegularFile(file, 1e6, facts);
				return facts[32] & 6;
			}));`);
			expect(answers).toEqual([
				[6, 6, 2, 2, 2],
				[4, 4, 0, 0, 0],
			]);
		},
	);

	it("reads only regular files without links on the path, in one call, with their digest", () => {
		const answers = run(`
			const { createHash } = require("node:crypto");
			const facts = new Uint8Array(33), read = (path, most = 1e6) => addon.readRegularFile(path, most, facts);
			const own = read(process.argv[1]), digest = Buffer.from(facts).toString("hex", 0, 32);
			fs.symlinkSync(process.argv[1], __dirname + "/link");
			fs.writeFileSync(__dirname + "/text", "\\u00e4");
			return [
				own === fs.readFileSync(process.argv[1], "utf8"), digest === createHash("sha256").update(own).digest("hex"), facts[32] & 1,
				Buffer.from(read(__dirname + "/text")).toString(),
				[__dirname, __dirname + "/link", __dirname + "/none", "main.cjs", "/dev/null", __dirname + "/./text", "", "/"].map((path) => read(path)),
				[read(process.argv[1], own.length - 1), typeof read(process.argv[1], own.length), read(process.argv[1] + "\\0x")],
				[[], ["/etc/passwd"], ["/etc/passwd", 1e6], ["/etc/passwd", 1e6, new Uint8Array(32)], [7, 1e6, facts], ["/etc/passwd", "1", facts]]
					.map((given) => addon.readRegularFile(...given)),
			];`);
		const none = (count: number) => Array(count).fill(null); // JSON turns undefined into null.
		expect(answers).toEqual([true, true, 1, "ä", none(8), [null, "string", null], none(6)]);
	});

	it("refuses a path that is too long, also where its buffer ends inside of a character", () => {
		const answers = run(`
			const facts = new Uint8Array(33);
			const directory = fs.realpathSync(__dirname);
			let file = directory;
			while (Buffer.byteLength(file) < 3900) file += "/" + "d".repeat(Math.min(200, 4093 - Buffer.byteLength(file) - 1));
			file += "/" + "f".repeat(4093 - Buffer.byteLength(file) - 1);
			process.chdir(directory);
			for (const step of file.slice(directory.length + 1).split("/").slice(0, -1)) { fs.mkdirSync(step); process.chdir(step); }
			fs.writeFileSync(file.slice(file.lastIndexOf("/") + 1), "short");
			process.chdir(directory);
			return [Buffer.byteLength(file), ...["", "x", "\u00e9", "\u20acx.js", "\u{1f600}"].map((end) => addon.readRegularFile(file + end, 1e6, facts))];`);
		expect(answers).toEqual([4093, "short", null, null, null, null]);
	});

	it("accepts the same UTF-8 as Node.js, and returns the same text", () => {
		const answers = run(`
			const { isUtf8 } = require("node:buffer");
			const file = __dirname + "/text", facts = new Uint8Array(33), wrong = [];
			function check(bytes) {
				fs.writeFileSync(file, bytes);
				const expected = isUtf8(bytes) ? bytes.utf8Slice(0, bytes.length) : undefined;
				if (addon.readRegularFile(file, 1e6, facts) !== expected) wrong.push(bytes.toString("hex"));
			}
			const points = [0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xffff, 0x10000, 0x10ffff];
			for (const point of points) for (const before of [0, 1, 61, 62, 63, 64]) {
				const text = Buffer.from("x".repeat(before) + String.fromCodePoint(point) + "y".repeat(9));
				check(text);
				for (let end = before; end < before + 4; end++) check(text.subarray(0, end));
			}
			for (let first = 0x7f; first < 0x100; first++)
				for (const second of [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]) check(Buffer.from([first, second, 0x80, 0xbf]));
			return wrong;`);
		expect(answers).toEqual([]);
	});

	it("reads attributes into the given view, and truncates no name", () => {
		const answers = run(`
			require("node:child_process").spawnSync("setfattr", ["-n", "user.sigtool", "-v", "value", process.argv[1]]);
			const view = new Uint8Array(16);
			const length = addon.fgetxattr(text, "user.sigtool", view);
			return [
				length < 0 ? "value" : Buffer.from(view.subarray(0, length)).toString(),
				addon.fgetxattr(text, "user.none", view),
				addon.fgetxattr(text, "user.sigtool\\0more", view),
				addon.fgetxattr(text, "user." + "x".repeat(300), view),
				addon.fgetxattr(text, "user.sigtool", new Float64Array(2)),
				addon.fgetxattr(text, "user.sigtool"),
				addon.fgetxattr(),
			];`);
		expect(answers).toEqual(["value", -ENODATA, -ERANGE, -ERANGE, -EINVAL, -EINVAL, -ERANGE]);
	});

	it("locks down every thread of a running process, which stays usable", () => {
		const answers = run(`
			const { spawnSync } = require("node:child_process");
			const before = spawnSync("true").error?.errno;
			const result = addon.lockdown();
			fs.readFileSync(process.argv[1]);
			return [before ?? 0, result, spawnSync("true").error?.errno, typeof addon.kernelAnswers()];`);
		expect(answers).toEqual([0, 0, -EACCES, "boolean"]);
	});

	it("locks down a process whose libuv has an io_uring ring, which the process keeps", () => {
		const script = `
			const addon = require(${JSON.stringify(ADDON)}), fs = require("node:fs");
			addon.lockdown();
			fs.readFile(process.execPath + ".none", ({ code }) => setTimeout(() => console.log(code), 10));`;
		const env = { ...process.env, UV_USE_IO_URING: "1" };
		const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", script], {
			env,
			encoding: "utf8",
			timeout: 120_000,
		});
		expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "ENOENT\n", stderr: "" });
	});

	it("reads regular files after it locked down, and refuses links as before", () => {
		const answers = run(`
			fs.symlinkSync(__dirname, __dirname + "/up");
			fs.symlinkSync(process.argv[1], __dirname + "/link");
			const facts = new Uint8Array(33), read = (name) => addon.readRegularFile(__dirname + name, 1e6, facts);
			const names = ["/main.cjs", "/up/main.cjs", "/link", "/./main.cjs", "/none", ""];
			const before = names.map(read);
			addon.lockdown();
			return [before[0] === fs.readFileSync(process.argv[1], "utf8"), before, names.map(read)];`) as unknown[][];
		const [isWhole, before, after] = answers;
		expect([isWhole, before?.slice(1)]).toEqual([true, Array(5).fill(null)]);
		expect(after).toEqual(before);
	});

	it("ends the whole process from a worker", () => {
		const script = `
			const { Worker, isMainThread } = require("node:worker_threads");
			const { exitProcess } = require(${JSON.stringify(ADDON)});
			if (isMainThread) new Worker(__filename).on("exit", () => console.log("lives")); else exitProcess(126);`;
		const directory = temporaryDirectory();
		writeFileSync(join(directory, "main.cjs"), script);
		const { status, stdout } = spawnSync(process.execPath, [join(directory, "main.cjs")], { encoding: "utf8" });
		expect({ status, stdout }).toEqual({ status: 126, stdout: "" });
	});

	it("loads in workers too", () => {
		const script = `
			const { Worker, isMainThread } = require("node:worker_threads");
			const { kernelAnswers } = require(${JSON.stringify(ADDON)});
			if (isMainThread) new Worker(__filename); else console.log(kernelAnswers());`;
		const directory = temporaryDirectory();
		writeFileSync(join(directory, "main.cjs"), script);
		expect(spawnSync(process.execPath, [join(directory, "main.cjs")], { encoding: "utf8" }).stdout).toMatch(
			/^(true|false)\n$/,
		);
	});

	it("is optional", async () => {
		const { loadKernelAddon } = await import("../../dist/monitor/kernel-addon.js");
		expect(loadKernelAddon(undefined)).toBeUndefined();
		expect(loadKernelAddon("/nonexistent/addon.node")).toBeUndefined();
		expect(typeof loadKernelAddon(ADDON)?.kernelAnswers).toBe("function");
		expect(() => createRequire(import.meta.url)("/nonexistent/addon.node")).toThrow();
	});
});

describe.skipIf(process.platform !== "linux" || !hasCompiler)("build.mjs (needs cc)", () => {
	const build = (directory: string, env: NodeJS.ProcessEnv = process.env) => {
		return spawnSync(process.execPath, [join(NATIVE, "build.mjs"), "--out", directory], { env, encoding: "utf8" });
	};
	function place(): string {
		const directory = temporaryDirectory();
		return directory;
	}

	it("compiles all without a warning", () => {
		const directory = place();
		expect(build(directory)).toMatchObject({ status: 0, stdout: "", stderr: "" });
		expect(readdirSync(directory).sort()).toEqual(["addon.node", "gate.so", "sigtool-launch"]);
	});

	it.skipIf(!hasCross)(`compiles all for arm64 (needs ${CROSS})`, () => {
		const env = { ...process.env, CC: writeCrossCompiler(place()) };
		expect(build(place(), env)).toMatchObject({ status: 0, stdout: "", stderr: "" });
	});

	it("says what is missing without a compiler, or when the compiler fails", () => {
		const directory = place();
		const none = build(directory, { ...process.env, CC: "/nonexistent/cc" });
		expect(none.status).toBe(1);
		expect(none.stdout).toMatch(/no launcher, addon or gate \(no C compiler with a static libc\)/);
		const failing = compileProgram(directory, "failing", "int main(void) { return 1; }");
		expect(build(directory, { ...process.env, CC: failing }).stdout).toMatch(/cannot build sigtool-launch/);
	});
});
