/** Tries to write to a btrfs by requests to a directory that is open for reading and not granted. */

import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasProgram, spawnSync } from "../../../../../test/outside.js";
import { MODES, missingRoot, runtimes, SandboxHost, titleOf, USER_ID, USERS } from "./host.js";

const lacks =
	missingRoot ??
	(hasProgram("mkfs.btrfs") && existsSync("/dev/loop-control") ? undefined : "btrfs-progs and loop devices");

describe.skipIf(lacks !== undefined)(titleOf("btrfs", lacks), () => {
	let host: SandboxHost;
	let disk = "";
	let isMounted = false;
	beforeAll(() => {
		host = new SandboxHost();
		disk = host.at("disk");
		mkdirSync(disk);
		const script = 'truncate -s 120M "$1.image" && mkfs.btrfs -q "$1.image" && mount -o loop,nosuid "$1.image" "$1"';
		const { status, stderr } = spawnSync("sh", ["-c", script, "sh", disk], { encoding: "utf8" });
		if (status !== 0) throw new Error(stderr);
		isMounted = true;
		mkdirSync(`${disk}/granted`);
		writeFileSync(`${disk}/file`, "content");
		for (const path of ["", "/granted", "/file"]) chownSync(disk + path, USER_ID, USER_ID);
		chmodSync(`${disk}/granted`, 0o1777);
		host.addSettings(`write ${disk}/granted\n`);
	});
	afterAll(() => {
		if (isMounted) spawnSync("umount", [disk]);
	});

	const cases = runtimes.flatMap((runtime) => USERS.map((user) => ({ runtime, user })));
	it.each(cases)("has no new subvolume or snapshot, but clones, by $runtime as $user", ({ runtime, user }) => {
		const names = ["btrfs-subvolume", "btrfs-snapshot", "clone-file"];
		const env = { PROBE_BTRFS: disk, PROBE_FILE: `${disk}/file`, PROBE_DIRECTORY: `${disk}/granted` };
		const before = readdirSync(disk).length;
		const tried = MODES.map((mode) => {
			const { results } = host.attempt(runtime, user, mode, names, { env });
			return [...names.map((name) => results[name]), readdirSync(disk).length];
		});
		const [made, refused] = [
			["0", "0", "0", before + 2],
			["EPERM", "EPERM", "0", before + 2],
		];
		expect(tried).toEqual([made, refused, refused]);
	});
});
