import {
	chmodSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { canMount, spawn, spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { createDirectory, removeOldest, temporaryNameFor, writeAtomically } from "../../dist/system/store.js";
import { expectError } from "../pki/expect-error.js";

const STORE = fileURLToPath(new URL("../../dist/system/store.js", import.meta.url));
const isRoot = process.getuid?.() === 0;

let directory: string;
let file: string;
beforeEach(() => {
	directory = temporaryDirectory();
	file = join(directory, "lib.cat");
});

describe("writeAtomically()", () => {
	it("writes several chunks one behind the other and leaves nothing else", () => {
		writeAtomically(file, [Buffer.from("ab"), new Uint8Array(0), Buffer.from("c")]);
		expect(readFileSync(file, "utf8")).toBe("abc");
		expect(readdirSync(directory)).toEqual(["lib.cat"]);
	});

	it("keeps the mode of the file it replaces, and takes a given one exactly", () => {
		writeFileSync(file, "old");
		chmodSync(file, 0o664);
		writeAtomically(file, Buffer.from("new"));
		expect(statSync(file).mode & 0o777).toBe(0o664);
		writeAtomically(file, Buffer.from("new"), { mode: 0o600 });
		expect(statSync(file).mode & 0o777).toBe(0o600);
	});

	it("removes what a killed run left", () => {
		writeFileSync(temporaryNameFor(file), "half a cata");
		writeAtomically(file, Buffer.from("new"));
		expect(readdirSync(directory)).toEqual(["lib.cat"]);
	});

	it("keeps its temporary file beside the file that the kernel finds behind `link/..`", () => {
		mkdirSync(join(directory, "real/deep"), { recursive: true });
		symlinkSync("real/deep", join(directory, "link"));
		writeFileSync(temporaryNameFor(file), "of another run");
		writeAtomically(`${directory}/link/../lib.cat`, Buffer.from("new"));
		expect(readFileSync(join(directory, "real/lib.cat"), "utf8")).toBe("new");
		expect(readFileSync(temporaryNameFor(file), "utf8")).toBe("of another run");
	});

	it("does not follow a link at the temporary name", () => {
		const victim = join(directory, "victim");
		writeFileSync(victim, "precious");
		symlinkSync(victim, temporaryNameFor(file));
		writeAtomically(file, Buffer.from("new"));
		expect(readFileSync(victim, "utf8")).toBe("precious");
		expect(lstatSync(file).isFile()).toBe(true);
	});

	it("replaces a link at the target and leaves what it pointed to", () => {
		const victim = join(directory, "victim");
		writeFileSync(victim, "precious");
		symlinkSync(victim, file);
		writeAtomically(file, Buffer.from("new"));
		expect(readFileSync(victim, "utf8")).toBe("precious");
		expect(readFileSync(file, "utf8")).toBe("new");
	});

	it("fails over a directory, naming the target, and cleans up", () => {
		mkdirSync(file);
		const error = expectError("ERR_IO", () => writeAtomically(file, Buffer.from("new")));
		expect(error.message).toContain(`Cannot write "${file}": is a directory (EISDIR)`);
		expect(readdirSync(directory)).toEqual(["lib.cat"]);
	});

	it("fails on a directory at the temporary name", () => {
		mkdirSync(temporaryNameFor(file));
		expect(expectError("ERR_IO", () => writeAtomically(file, Buffer.from("new"))).path).toBe(file);
	});

	it("fails when the directory does not exist", () => {
		const error = expectError("ERR_IO", () => writeAtomically(join(directory, "no", "lib.cat"), Buffer.from("new")));
		expect(error.message).toMatch(/no such file or directory \(ENOENT\)$/);
	});

	it.skipIf(!isRoot)("fails in a directory that cannot be written, and keeps the old file", () => {
		writeFileSync(file, "old");
		chmodSync(directory, 0o555);
		const script = `
			import { writeAtomically } from ${JSON.stringify(STORE)};
			process.setuid(65534);
			try { writeAtomically(${JSON.stringify(file)}, Buffer.from("new")); } catch (error) { console.log(error.code, error.message); }`;
		const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
		chmodSync(directory, 0o755);
		expect(stdout.trim()).toBe(`ERR_IO Cannot write "${file}": permission denied (EACCES)`);
		expect(readFileSync(file, "utf8")).toBe("old");
	});

	it.skipIf(!canMount())("on a full disk (a tmpfs) keeps the old file, names it with the reason, and cleans up", () => {
		mountTmpfs(directory);
		try {
			writeAtomically(file, Buffer.alloc(100_000, "a"));
			const error = expectError("ERR_IO", () => writeAtomically(file, Buffer.alloc(400_000, "b")));
			expect(error.message).toBe(`Cannot write "${file}": no space left on device (ENOSPC)`);
			expect(error.exitStatus).toBe(3);
			expect(readFileSync(file).equals(Buffer.alloc(100_000, "a"))).toBe(true);
			expect(readdirSync(directory)).toEqual(["lib.cat"]);
		} finally {
			spawnSync("umount", [directory]);
		}
	});

	it("leaves the old content or the new one when it is killed at any moment", async () => {
		const size = 300_000;
		const script = `
			import { writeAtomically } from ${JSON.stringify(STORE)};
			const contents = ["a", "b"].map((letter) => Buffer.alloc(${size}, letter));
			process.stdout.write("ready");
			for (let i = 0; ; i++) writeAtomically(${JSON.stringify(file)}, contents[i % 2]);`;
		let leftovers = 0;
		for (let run = 0; run < 50; run++) {
			const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
				stdio: ["ignore", "pipe", "inherit"],
			});
			const ended = new Promise((resolve) => child.once("exit", resolve));
			await new Promise((resolve) => child.stdout.once("data", resolve));
			await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
			child.kill("SIGKILL");
			await ended;
			if (existsSync(temporaryNameFor(file))) leftovers++;
			if (!existsSync(file)) continue; // The process was killed before the first rename.
			const found = readFileSync(file);
			expect(found.length).toBe(size);
			expect(found.equals(Buffer.alloc(size, found[0]))).toBe(true);
		}
		expect(leftovers, "some kills hit the middle of a write").toBeGreaterThan(0);
		writeAtomically(file, Buffer.from("next run"));
		expect(readdirSync(directory)).toEqual(["lib.cat"]);
	});

	it("survives two processes that write the same path", async () => {
		const script = (letter: string) => `
			import { writeAtomically } from ${JSON.stringify(STORE)};
			const content = Buffer.alloc(200_000, ${JSON.stringify(letter)});
			let done = 0;
			for (let i = 0; i < 100; i++) {
				try { writeAtomically(${JSON.stringify(file)}, content); done++; }
				catch (error) { if (error.code !== "ERR_IO") throw error; }
			}
			console.log(done);`;
		const statuses = await Promise.all(
			["a", "b"].map((letter) => {
				const child = spawn(process.execPath, ["--input-type=module", "-e", script(letter)], { stdio: "ignore" });
				return new Promise((resolve) => child.once("exit", resolve));
			}),
		);
		expect(statuses).toEqual([0, 0]);
		const found = readFileSync(file);
		expect(found.equals(Buffer.alloc(200_000, found[0]))).toBe(true);
		expect(readdirSync(directory)).toEqual(["lib.cat"]);
	});
});

describe("createDirectory()", () => {
	const files = [{ name: "key.pem", content: Buffer.from("key"), mode: 0o600 }];

	it("makes the directory with its files, private", () => {
		const target = join(directory, "new", "identity");
		expect(createDirectory(target, files)).toBe("created");
		expect(readFileSync(join(target, "key.pem"), "utf8")).toBe("key");
		expect(readdirSync(join(directory, "new"))).toEqual(["identity"]);
		if (process.platform === "win32") return;
		expect(statSync(target).mode & 0o777).toBe(0o700);
		expect(statSync(join(directory, "new")).mode & 0o777).toBe(0o700);
		expect(statSync(join(target, "key.pem")).mode & 0o777).toBe(0o600);
	});

	it("leaves a directory that is there as it is", () => {
		const target = join(directory, "identity");
		createDirectory(target, files);
		expect(createDirectory(target, [{ name: "key.pem", content: Buffer.from("other"), mode: 0o600 }])).toBe("exists");
		expect(readFileSync(join(target, "key.pem"), "utf8")).toBe("key");
		expect(readdirSync(directory)).toEqual(["identity"]);
	});

	it("fails over a file", () => {
		writeFileSync(file, "not a directory");
		expectError("ERR_IO", () => createDirectory(file, files));
		expect(readdirSync(directory)).toEqual(["lib.cat"]);
	});
});

/** Mounts a file system of 256 KiB on the directory, and returns true on success. */
function mountTmpfs(path: string): boolean {
	return spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", path]).status === 0;
}

describe("removeOldest()", () => {
	it("removes the files that were written first until the rest fits, and nothing else", () => {
		for (const [name, writtenAt] of Object.entries({ b: 2, a: 3, c: 1, d: 4 })) {
			writeFileSync(join(directory, name), "12345");
			utimesSync(join(directory, name), writtenAt, writtenAt);
		}
		mkdirSync(join(directory, "folder"));
		symlinkSync("/etc/passwd", join(directory, "link"));
		removeOldest(directory, 20, /^[a-d]$/);
		expect(readdirSync(directory)).toEqual(["a", "b", "c", "d", "folder", "link"]);
		removeOldest(directory, 14, /^[a-d]$/);
		expect(readdirSync(directory)).toEqual(["a", "d", "folder", "link"]);
		removeOldest(directory, 0, /^[b-z]/);
		expect(readdirSync(directory)).toEqual(["a", "folder", "link"]);
		removeOldest(join(directory, "nowhere"), 0, /./);
	});
});
