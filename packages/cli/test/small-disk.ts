/** Mounts small disks for a test, and fills them. */

import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { spawnSync } from "../../../test/outside.js";

/** Makes the directory and mounts a tmpfs there until the test has finished. */
export function mountDisk(directory: string, option: string): void {
	mkdirSync(directory, { recursive: true });
	expect(spawnSync("mount", ["-t", "tmpfs", "-o", option, "tmpfs", directory]).status).toBe(0);
	onTestFinished(() => {
		spawnSync("umount", [directory]);
	});
}

/** The name of the file that fills a disk. */
export const FILLER = "filler";

/** Grows a file on the disk until it is full, then makes it `roomBytes` smaller. */
export function fillDisk(disk: string, roomBytes: number): void {
	const descriptor = openSync(join(disk, FILLER), "w");
	let size = 0;
	try {
		for (;;) size += writeSync(descriptor, Buffer.alloc(4096));
	} catch (error) {
		expect(error).toMatchObject({ code: "ENOSPC" });
	}
	ftruncateSync(descriptor, Math.max(0, size - roomBytes));
	closeSync(descriptor);
}
