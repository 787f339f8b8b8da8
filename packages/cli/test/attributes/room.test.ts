/**
 * Tests a file system with little room: less than a kilobyte for one attribute, and one block for all attributes of a
 * file.
 */

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../test/outside.js";
import {
	atEndOfFile,
	canWriteAttributes,
	getfattr,
	makeSelfSigned,
	makeTree,
	runner,
	setfattr,
	temporaryDirectory,
} from "../support.js";

const isRoot = process.getuid?.() === 0;
const mounted = isRoot && hasProgram("mkfs.ext4") && canWriteAttributes("security") ? mountSmallBlocks() : undefined;

/**
 * Mounts an ext4 with 1 KiB blocks and no room for attributes in its inodes. Returns undefined without permission to
 * mount.
 */
function mountSmallBlocks(): string | undefined {
	const directory = temporaryDirectory(atEndOfFile);
	const [image, mountPoint] = [join(directory, "image"), join(directory, "mount")];
	mkdirSync(mountPoint);
	const script = 'truncate -s 16M "$0" && mkfs.ext4 -q -b 1024 -I 128 "$0" && mount -o loop "$0" "$1"';
	if (spawnSync("sh", ["-c", script, image, mountPoint]).status === 0) return mountPoint;
	return undefined;
}

const SPYTHON = "user.org.python.x-spython-hash";
const TREE = { "a.py": "a = 1\n", "b.py": "b = 2\n", "empty.py": "" };
const FILES = Object.keys(TREE);

describe.skipIf(mounted === undefined)("ext4 with 1 KiB blocks (needs root, attr, e2fsprogs and loop devices)", () => {
	const mountPoint = mounted ?? "";
	afterAll(() => {
		execFileSync("umount", [mountPoint]);
	});
	let trees = 0;

	function onSmallBlocks(key: "RSA-2048" | "RSA-4096" = "RSA-2048") {
		const home = temporaryDirectory();
		const root = makeTree(join(mountPoint, `tree${++trees}`), TREE);
		const { keyFile, certFile, derFile } = makeSelfSigned(join(home, "key"), key);
		const run = runner(home);
		return {
			root,
			derFile,
			at: (file: string) => join(root, file),
			hash: (...args: string[]) => run(["sign", root, ...args]),
			sign: (...args: string[]) => run(["sign", root, "--key", keyFile, "--cert", certFile, ...args]),
			verify: (...args: string[]) => run(["verify", root, "--trust", certFile, ...args]),
		};
	}
	const formats = ["--format", "ima", "--format", "evm", "--format", "spython"];

	test("holds IMA, EVM and spython side by side under RSA 2048, which verify", () => {
		const { root, sign, verify } = onSmallBlocks();
		expect(spawnSync("stat", ["-f", "-c", "%S %T", root], { encoding: "utf8" }).stdout).toBe("1024 ext2/ext3\n");
		expect(sign(...formats)).toMatchObject({ status: 0 });
		const run = verify(...formats, "--json");
		expect(run).toMatchObject({ status: 0 });
		expect(run.json().results[0].counts).toMatchObject({ trusted: 6, "hash-only": 3 });
		expect(sign(...formats).stdout).toMatch(/^nothing to write /);
	});

	test.skipIf(!hasProgram("evmctl"))("evmctl accepts the attributes (needs evmctl)", () => {
		const { derFile, at, sign } = onSmallBlocks("RSA-4096");
		expect(sign("--format", "ima")).toMatchObject({ status: 0 });
		for (const file of FILES) {
			expect(spawnSync("evmctl", ["ima_verify", "-k", derFile, at(file)]), file).toMatchObject({ status: 0 });
		}
	});

	test("without room left keeps the old value; the error names file, limit and the catalog as a way out", () => {
		const { at, hash, sign, verify } = onSmallBlocks();
		expect(hash("--format", "ima-hash")).toMatchObject({ status: 0 });
		const before = FILES.map((file) => getfattr(at(file), "security.ima"));
		setfattr(at("b.py"), "user.filler", Buffer.alloc(800));

		const run = sign("--format", "ima", "--json");
		expect(run).toMatchObject({ status: 3 });
		const { code, path, message } = run.json().error;
		expect({ code, path }).toEqual({ code: "ERR_ATTRIBUTE_SPACE", path: "b.py" });
		expect(message).toContain('"security.ima" of "b.py": its 265 bytes do not fit (ENOSPC)');
		expect(message).toContain("960 with 1 KiB blocks");
		expect(message).toContain("sign into a catalog instead, with `--format cat`");
		expect(getfattr(at("b.py"), "security.ima")).toEqual(before[1]);
		expect(getfattr(at("b.py"), "user.filler")).toEqual(Buffer.alloc(800));
		expect(verify("--format", "ima-hash", "--allow-unsigned").stdout).toContain("found    1 hash-only, 2 malformed\n");

		execFileSync("setfattr", ["-x", "user.filler", at("b.py")]);
		expect(sign("--format", "ima")).toMatchObject({ status: 0 });
		expect(verify("--format", "ima")).toMatchObject({ status: 0 });
		expect(readFileSync(at("b.py"), "utf8")).toBe(TREE["b.py"]);
	});

	test("without room for the second attribute removes the first again", () => {
		const { at, hash, sign } = onSmallBlocks("RSA-4096");
		expect(sign("--format", "ima", "--format", "evm", "--json").json()).toMatchObject({
			exit: 3,
			error: {
				code: "ERR_ATTRIBUTE_SPACE",
				problems: FILES.map((path) => ({ code: "ERR_ATTRIBUTE_SPACE", path })),
			},
		});
		expect(getfattr(at("a.py"), "security.ima")).toBeUndefined();
		expect(getfattr(at("a.py"), "security.evm")).toBeUndefined();

		hash("--format", "ima-hash");
		const before = getfattr(at("a.py"), "security.ima");
		expect(before?.length).toBe(34);
		expect(sign("--format", "ima", "--format", "evm")).toMatchObject({ status: 3 });
		expect(getfattr(at("a.py"), "security.ima")).toEqual(before);
	});

	test("a catalog can carry attributes that the file system has no room for", () => {
		const { root, at, hash, sign, verify } = onSmallBlocks();
		for (const file of FILES) setfattr(at(file), "user.filler", Buffer.alloc(900));
		expect(hash("--format", "spython")).toMatchObject({ status: 3 });
		for (const file of FILES) expect(getfattr(at(file), SPYTHON)).toBeUndefined();
		expect(sign("--format", "cat")).toMatchObject({ status: 0 });
		expect(verify()).toMatchObject({ status: 0, stdout: expect.stringContaining(`trusted ${root}`) });
	});
});
