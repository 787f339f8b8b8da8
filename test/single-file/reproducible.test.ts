/** Two builds of the single file have the same bytes, and a foreign one runs. */

import { createHash } from "node:crypto";
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeTree } from "../../packages/cli/test/support.js";
import { execFileSync } from "../outside.js";
import { buildSingleFile, canBuild, newFolder, WORKSPACE, withoutNode } from "./build.js";

let folder: string;
beforeEach(() => {
	folder = newFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("build of the single file", () => {
	it.skipIf(!canBuild("x64"))("gives the same bytes in another folder at another time", () => {
		const first = buildSingleFile(join(folder, "first"), "x64");
		const copy = join(folder, "a copy of the workspace");
		copyWorkspace(copy);
		const before = "umask 077; export TZ=Asia/Tokyo LC_ALL=C.UTF-8 HOME=/nonexistent";
		const second = buildSingleFile(join(folder, "second"), "x64", { workspace: copy, before });
		expect(digestOf(second)).toBe(digestOf(first));
	});

	const canRun = process.arch === "x64" && canBuild("arm64");
	it.skipIf(!canRun)("makes one for arm64, which signs with native threads and verifies", () => {
		const program = buildSingleFile(folder, "arm64");
		const emulated = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", program];
		const sigtool = withoutNode(
			[execFileSync("sh", ["-c", `command -v ${emulated[0]}`], { encoding: "utf8" }).trim(), ...emulated.slice(1)],
			folder,
		);
		makeTree(join(folder, "many"), Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`${n}.txt`, `${n}\n`])));
		expect(sigtool(["sign", "many"])).toMatchObject({ status: 0 });
		expect(sigtool(["verify", "many"])).toMatchObject({ status: 0 });
		appendFileSync(join(folder, "many/7.txt"), "x");
		const failed = sigtool(["verify", "many"]);
		expect(failed.stdout).toContain('"7.txt" was modified [ERR_FILE_MODIFIED]');
		expect(failed.status).toBe(1);
	});
});

/** Copies what the build reads. What others made, such as the packages of npm, is linked. */
function copyWorkspace(copy: string): void {
	const source = join(WORKSPACE, "packages");
	mkdirSync(copy);
	for (const name of ["scripts", "packages", "LICENSE"]) {
		cpSync(join(WORKSPACE, name), join(copy, name), {
			recursive: true,
			filter: (file) => !["node_modules", "test"].includes(basename(file)),
		});
	}
	for (const name of ["node_modules", ".cache"]) symlinkSync(join(WORKSPACE, name), join(copy, name));
	for (const name of readdirSync(source)) {
		symlinkSync(join(source, name, "node_modules"), join(copy, "packages", name, "node_modules"));
	}
}

function digestOf(file: string): string {
	return createHash("sha256").update(readFileSync(file)).digest("hex");
}
