import { closeSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { type ErrorCode, SigtoolError } from "../../dist/errors.js";
import { type AttributeAccess, attributeError } from "../../dist/system/attributes.js";
import { readTwice } from "../../dist/system/attributes-by-path.js";
import { expectError } from "../pki/expect-error.js";
import { bytes, doors, opened, temporaryFile, temporaryFolder } from "./attribute-doors.js";

const attributesModule = new URL("../../dist/system/attributes.js", import.meta.url).href;
const hasAttributes = doors.some(({ access }) => access !== undefined);
const isRoot = process.getuid?.() === 0;
const hasAttr = hasProgram("getfattr");
const hasMkfs = hasProgram("mkfs.ext4");
/** True if security.* can be written, which needs root and a file system that supports it. */
const hasSecurity = isRoot && hasAttr && canWriteSecurity();

function canWriteSecurity(): boolean {
	const folder = temporaryDirectory(atEndOfFile);
	writeFileSync(join(folder, "file"), "");
	return spawnSync("setfattr", ["-n", "security.ima", "-v", "0x0404", join(folder, "file")]).status === 0;
}

/** Returns the attribute as getfattr prints it. */
function getfattr(path: string, name: string): Buffer {
	return execFileSync("getfattr", ["--only-values", "--absolute-names", "-n", name, path]);
}

describe.each(doors)("AttributeAccess by $name (needs it, and user attributes)", ({ access, file }) => {
	describe.skipIf(access === undefined)("in the temporary folder", () => {
		const attributes = access as AttributeAccess; // Tests that use it are skipped if it is undefined.
		const module = new URL(`../../dist/system/${file}.js`, import.meta.url).href;
		const loading = file === "attributes-by-path" ? "await m.attributesByPath()" : "m.attributesByDescriptor()";

		it("writes, reads and removes through a descriptor opened for reading", () => {
			const { descriptor } = temporaryFile();
			expect(attributes.read(descriptor, "user.one")).toBeUndefined();
			expect(attributes.remove(descriptor, "user.one")).toBe(false);
			for (const value of [bytes(300), bytes(40), bytes(0)]) {
				attributes.write(descriptor, "user.one", value);
				expect(attributes.read(descriptor, "user.one")).toEqual(Buffer.from(value));
			}
			expect(attributes.remove(descriptor, "user.one")).toBe(true);
			expect(attributes.read(descriptor, "user.one")).toBeUndefined();
		});

		it("writes only the bytes of a view into a larger buffer", () => {
			const { descriptor } = temporaryFile();
			attributes.write(descriptor, "user.part", bytes(100).subarray(10, 20));
			expect(attributes.read(descriptor, "user.part")).toEqual(Buffer.from(bytes(100).subarray(10, 20)));
		});

		it("uses the opened file when another one replaces it at its path", () => {
			const { path, descriptor } = temporaryFile();
			renameSync(path, `${path}.moved`);
			writeFileSync(path, "another");
			attributes.write(descriptor, "user.one", bytes(5));
			expect(attributes.read(opened(path), "user.one")).toBeUndefined();
			expect(attributes.read(opened(`${path}.moved`), "user.one")).toEqual(Buffer.from(bytes(5)));
		});

		it.each([
			["an empty name", ""],
			["a name with NUL", "user.a\0b"],
			["a name of 256 bytes", `user.x${"é".repeat(125)}`],
		])("refuses %s before it reaches the system", (_, name) => {
			const { descriptor } = temporaryFile();
			expectError("ERR_USAGE", () => attributes.read(descriptor, name));
			expectError("ERR_USAGE", () => attributes.write(descriptor, name, bytes(1)));
			expectError("ERR_USAGE", () => attributes.remove(descriptor, name));
		});

		it("loads in a worker thread", async () => {
			const { descriptor } = temporaryFile();
			const code = `
			import(${JSON.stringify(module)}).then(async (m) => {
				(${loading}).write(${descriptor}, "user.worker", new Uint8Array([1, 2]));
				require("node:worker_threads").parentPort.postMessage("done");
			});`;
			const worker = new Worker(code, { eval: true });
			await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
			await worker.terminate();
			expect(attributes.read(descriptor, "user.worker")).toEqual(Buffer.from([1, 2]));
		});

		it.skipIf(!hasAttr)("agrees with getfattr and setfattr (needs attr)", () => {
			const { path, descriptor } = temporaryFile();
			attributes.write(descriptor, "user.ours", bytes(256));
			expect(getfattr(path, "user.ours")).toEqual(Buffer.from(bytes(256)));
			execFileSync("setfattr", ["-n", "user.theirs", "-v", "0x00ff0a00", path]);
			expect(attributes.read(descriptor, "user.theirs")).toEqual(Buffer.from([0, 255, 10, 0]));
		});

		it.skipIf(!hasSecurity)("reaches security.ima (needs root and attr)", () => {
			const { path, descriptor } = temporaryFile();
			attributes.write(descriptor, "security.ima", Uint8Array.of(4, 4, ...bytes(32)));
			expect(getfattr(path, "security.ima")).toEqual(Buffer.from([4, 4, ...bytes(32)]));
		});

		it.skipIf(process.platform !== "linux")("reports a file system without attributes", () => {
			const descriptor = opened("/proc/self/status");
			let error: unknown;
			try {
				attributes.write(descriptor, "user.one", bytes(1));
			} catch (cause) {
				error = attributeError("write", "status", "user.one", cause);
			}
			expect(error).toMatchObject({ code: "ERR_ATTRIBUTE_UNSUPPORTED", path: "status" });
			expect(String(error)).toContain("--format cat");
		});

		it.skipIf(!isRoot)("without privileges advises what works (needs root, to drop it)", () => {
			const { path } = temporaryFile();
			execFileSync("chmod", ["-R", "a+rwX", join(path, "..")]);
			const code = `
			import(${JSON.stringify(module)}).then(async (m) => {
				const access = ${loading};
				const { attributeError } = await import(${JSON.stringify(attributesModule)});
				process.setgid(65534), process.setuid(65534);
				const descriptor = require("node:fs").openSync(${JSON.stringify(path)}, "r");
				for (const name of ["security.ima", "user.ok"]) {
					try { access.write(descriptor, name, new Uint8Array(2)); console.log(name); }
					catch (error) { const { code, message } = attributeError("write", "f", name, error); console.log(code, message); }
				}
			});`;
			const { stdout } = spawnSync(process.execPath, ["-e", code], { encoding: "utf8" });
			expect(stdout).toBe(
				'ERR_ATTRIBUTE_DENIED Cannot write attribute "security.ima" of "f": it needs root (CAP_SYS_ADMIN); ' +
					"`--namespace user` works without (EPERM)\nuser.ok\n",
			);
		});
	});
});

/** Mounts a small ext4 with 1 KiB blocks. Returns undefined if that is not permitted. */
const mounted = hasAttributes && isRoot && hasMkfs ? mountSmallBlocks() : undefined;

function mountSmallBlocks(): string | undefined {
	const folder = mkdtempSync(join(tmpdir(), "sigtool-ext4-"));
	const mountPoint = join(folder, "mount");
	mkdirSync(mountPoint);
	const script = `truncate -s 4M "${folder}/image" && mkfs.ext4 -q -b 1024 -I 256 "${folder}/image" && mount -o loop "${folder}/image" "${mountPoint}"`;
	if (spawnSync("sh", ["-c", script]).status === 0) return mountPoint;
	rmSync(folder, { recursive: true, force: true });
	return undefined;
}

describe.skipIf(mounted === undefined)("ext4 with 1 KiB blocks (needs root, e2fsprogs and loop devices)", () => {
	const mountPoint = mounted ?? "";
	afterAll(() => {
		execFileSync("umount", [mountPoint]);
		rmSync(join(mountPoint, ".."), { recursive: true, force: true });
	});

	it.each(doors)("stores 968 bytes of security.ima by $name, and reports that more do not fit", ({ access }) => {
		const attributes = access as AttributeAccess; // Both packages are there if attributes can be written.
		const path = join(mountPoint, "file");
		writeFileSync(path, "content");
		const descriptor = openSync(path, "r");
		try {
			const signature = (length: number) => Uint8Array.from(bytes(length), (byte, index) => (index === 0 ? 3 : byte));
			attributes.write(descriptor, "security.ima", signature(968));
			expect(() => attributes.write(descriptor, "security.ima", signature(969))).toThrow(
				expect.objectContaining({ code: "ENOSPC" }),
			);
			expect(attributes.read(descriptor, "security.ima")).toEqual(Buffer.from(signature(968)));
		} finally {
			closeSync(descriptor);
		}
	});
});

describe("attributeError()", () => {
	const failure = (code: string) => Object.assign(new Error("from fs-xattr"), { code, errno: 1 });

	it.each<["read" | "write" | "remove", string, string, ErrorCode, RegExp]>([
		["write", "user.x", "EPERM", "ERR_ATTRIBUTE_DENIED", /the file may be immutable \(lsattr shows it\) \(EPERM\)$/],
		["remove", "user.x", "EPERM", "ERR_ATTRIBUTE_DENIED", /the file may be immutable/],
		["read", "security.ima", "EACCES", "ERR_ATTRIBUTE_DENIED", /: permission denied \(EACCES\)$/],
		["remove", "user.x", "ENOTSUP", "ERR_ATTRIBUTE_UNSUPPORTED", /no such attributes \(ENOTSUP\)$/],
		["write", "user.x", "EACCES", "ERR_ATTRIBUTE_DENIED", /permission denied \(EACCES\)/],
		["write", "user.x", "ENOTSUP", "ERR_ATTRIBUTE_UNSUPPORTED", /no such attributes.*--format cat/],
		["write", "user.x", "ENOSPC", "ERR_ATTRIBUTE_SPACE", /its 5000 bytes do not fit \(ENOSPC\).*--format cat/],
		["write", "user.x", "E2BIG", "ERR_ATTRIBUTE_SPACE", /do not fit/],
		["write", "user.x", "ERANGE", "ERR_ATTRIBUTE_SPACE", /do not fit/],
		["write", "user.x", "EDQUOT", "ERR_ATTRIBUTE_SPACE", /EDQUOT/],
		["write", "user.x", "EROFS", "ERR_IO", /read-only file system/],
		["read", "user.x", "E2BIG", "ERR_ATTRIBUTE_FORMAT", /longer than 65536 bytes/],
		["read", "user.x", "ERANGE", "ERR_FILE_CHANGED", /kept changing/],
		["read", "user.x", "EIO", "ERR_IO", /input\/output error/],
	])("%s of %s: %s is %s", (action, name, errno, code, reason) => {
		const error = attributeError(action, "lib/a\n.py", name, failure(errno), { sizeBytes: 5000 });
		expect(error.code).toBe(code);
		expect(error.message).toMatch(reason);
		expect(error.message).toContain(`Cannot ${action} attribute "${name}" of "lib/a\\n.py": `);
		expect(error.path).toBe("lib/a\n.py");
		expect(error.cause).toMatchObject({ code: errno });
	});

	describe("of security.*", () => {
		const message = (user: number, action: "write" | "remove", name: string, instead?: "none") => {
			const geteuid = vi.spyOn(process, "geteuid").mockReturnValue(user);
			onTestFinished(() => geteuid.mockRestore());
			return attributeError(action, "a", name, failure("EPERM"), { instead }).message.replace(/^.*?": /, "");
		};
		const NEEDS_ROOT = "it needs root (CAP_SYS_ADMIN)";

		it("says that root is needed, and advises `--namespace user` when IMA's or EVM's is written", () => {
			for (const name of ["security.ima", "security.evm"]) {
				expect(message(1000, "write", name)).toBe(`${NEEDS_ROOT}; \`--namespace user\` works without (EPERM)`);
			}
			expect(message(1000, "write", "security.x")).toBe(`${NEEDS_ROOT} (EPERM)`);
		});

		it("does not advise it for removing attributes or restoring signed ones", () => {
			expect(message(1000, "remove", "security.ima")).toBe(`${NEEDS_ROOT} (EPERM)`);
			expect(message(1000, "write", "security.ima", "none")).toBe(`${NEEDS_ROOT} (EPERM)`);
			expect(attributeError("write", "a", "user.ima", failure("ENOTSUP"), { instead: "none" }).message).toMatch(
				/no such attributes \(ENOTSUP\)$/,
			);
		});

		it("names other causes to root", () => {
			const reason = "the file may be immutable (lsattr shows it), or it needs a root that has CAP_SYS_ADMIN";
			expect(message(0, "remove", "security.ima")).toBe(`${reason} (EPERM)`);
			expect(message(0, "write", "security.ima")).toBe(`${reason}; \`--namespace user\` works without (EPERM)`);
		});
	});

	it("returns a SigtoolError unchanged", () => {
		const error = new SigtoolError("ERR_USAGE", "Cannot use it");
		expect(attributeError("read", "a", "user.x", error)).toBe(error);
	});
});

it("loadAttributes() says what to install when both packages are missing", () => {
	const folder = temporaryFolder();
	execFileSync("cp", ["-r", new URL("../../dist", import.meta.url).pathname, folder]);
	writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
	const code = `import("file://${folder}/dist/system/attributes.js").then(({ loadAttributes }) => loadAttributes())
		.catch(({ code, message }) => console.log(code, message));`;
	const { NODE_PATH: _, ...env } = process.env;
	const { stdout } = spawnSync(process.execPath, ["-e", code], { encoding: "utf8", env });
	expect(stdout).toMatch(
		/^ERR_ATTRIBUTES_UNAVAILABLE Cannot use extended attributes: fs-xattr is not installed, and .*optional dependencies/,
	);
});

describe("readTwice()", () => {
	const reads = (...texts: (string | undefined)[]) => {
		return () => {
			const text = texts.length > 1 ? texts.shift() : texts[0];
			return text === undefined ? undefined : Buffer.from(text);
		};
	};

	it("returns no value that was read only once, such as one that ends in stale memory", () => {
		expect(readTwice(reads("old stale", "old", "old"))).toEqual(Buffer.from("old"));
		expect(readTwice(reads("old", undefined, undefined))).toBeUndefined();
		expect(readTwice(reads("same"))).toEqual(Buffer.from("same"));
	});

	it("gives up on a value that keeps changing", () => {
		let count = 0;
		expect(() => readTwice(() => Buffer.from(String(count++)))).toThrow(expect.objectContaining({ code: "EBUSY" }));
	});
});
