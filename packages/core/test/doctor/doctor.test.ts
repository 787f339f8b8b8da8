import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import type { Check } from "../../dist/doctor/check.js";
import { examineSystem } from "../../dist/doctor/doctor.js";
import { kernelChecks } from "../../dist/doctor/kernel.js";
import { mountOf } from "../../dist/doctor/mount.js";
import { runtimeChecks } from "../../dist/doctor/runtime.js";
import { parseKernelConfig, type SystemFacts, systemFacts } from "../../dist/doctor/system.js";
import { loadAttributes } from "../../dist/system/attributes.js";

const isLinux = process.platform === "linux";
const isRoot = process.getuid?.() === 0;
const hasPackage = await loadAttributes().then(
	() => true,
	() => false,
);

function temporaryFolder(): string {
	const folder = temporaryDirectory();
	return folder;
}

const byId = (checks: readonly Check[]) => new Map(checks.map((check) => [check.id, check]));

const IDS = [
	...["file-system", "executable", "attributes", "attribute-room", "user-attributes", "security-ima", "security-evm"],
	...["trusted-attributes", "exec-check", "securebits", "seccomp", "no-new-privileges", "landlock", "ima", "evm"],
	...["fs-verity", "audit", "node", "compiler", "native"],
];

describe("examineSystem()", () => {
	it("has every check, each with a value and a meaning on one line", async () => {
		const checks = await examineSystem(temporaryFolder());
		expect(checks.map(({ id }) => id)).toEqual(IDS);
		for (const { title, status, value, meaning } of checks) {
			expect(["yes", "no", "partly", "unknown"]).toContain(status);
			for (const text of [title, value, meaning]) expect(text).toMatch(/^\S.*\S$/);
		}
	});

	it("leaves nothing behind", async () => {
		const folder = temporaryFolder();
		await examineSystem(folder);
		expect(readdirSync(folder)).toEqual([]);
	});

	it("examines the directory of a file", async () => {
		const folder = temporaryFolder();
		writeFileSync(join(folder, "file"), "");
		const checks = byId(await examineSystem(join(folder, "file")));
		expect(checks.get("attribute-room")).toEqual(byId(await examineSystem(folder)).get("attribute-room"));
	});

	it("refuses a path that is not there", async () => {
		await expect(examineSystem(join(tmpdir(), "sigtool-none", "x"))).rejects.toMatchObject({
			code: "ERR_ROOT_MISSING",
		});
	});

	it.skipIf(!isLinux)("says so when it cannot create a file", async () => {
		const checks = byId(await examineSystem("/proc"));
		expect(checks.get("file-system")).toMatchObject({ value: expect.stringMatching(/^proc on \/proc, /) });
		expect(checks.get("user-attributes")).toMatchObject({ status: "unknown" });
	});
});

/** Mounts a tmpfs with noexec. Returns undefined if that is not permitted. */
const tmpfs = isLinux && isRoot && hasPackage ? mountTmpfs() : undefined;

function mountTmpfs(): string | undefined {
	const folder = temporaryDirectory(atEndOfFile);
	const mountPoint = join(folder, "a b");
	mkdirSync(mountPoint);
	if (spawnSync("mount", ["-t", "tmpfs", "-o", "noexec,size=1m", "tmpfs", mountPoint]).status === 0) return mountPoint;
	return undefined;
}

describe.skipIf(tmpfs === undefined)(
	"examineSystem() on a noexec tmpfs (needs root, mount and @sigtool/native)",
	() => {
		const mountPoint = tmpfs ?? "";
		afterAll(() => {
			execFileSync("umount", [mountPoint]);
		});

		it("finds the mount with a space in its name, and noexec", async () => {
			const checks = byId(await examineSystem(mountPoint));
			expect(checks.get("file-system")?.value).toContain(`tmpfs on ${mountPoint}, rw,noexec`);
			expect(checks.get("executable")).toMatchObject({ status: "no", value: "mounted noexec" });
		});

		it("finds the attributes that can then be written", async () => {
			const checks = byId(await examineSystem(mountPoint));
			expect(checks.get("trusted-attributes")).toMatchObject({ status: "yes" });
			const room = Number(/^(\d+) bytes$/.exec(checks.get("attribute-room")?.value ?? "")?.[1]);
			expect(room).toBeGreaterThan(600);
			expect(room).toBeLessThanOrEqual(65_536);
		});
	},
);

describe("mountOf()", () => {
	const MOUNTINFO = [
		"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=continue",
		"30 21 0:25 / /srv rw,nosuid,noexec shared:2 master:3 - tmpfs tmpfs rw,size=1k",
		"31 30 0:26 /sub /srv/a\\040b rw - fuse.sshfs host:/ rw",
		"32 21 0:27 / /srv ro - xfs /dev/sdb ro",
		"33 21 0:28 / /none rw - bad/../type none rw",
		"not a mount",
		"",
	].join("\n");

	it.each([
		["/", "ext4"],
		["/home/ada", "ext4"],
		["/srv", "xfs"],
		["/srv/a", "xfs"],
		["/srv/a b/c", "fuse.sshfs"],
		["/srvs", "ext4"],
		["/none", "ext4"],
	])("%s is held by %s", (path, type) => {
		expect(mountOf(path, MOUNTINFO)?.type).toBe(type);
	});

	it("returns the options of the mount and the file system, each once", () => {
		expect(mountOf("/srv", MOUNTINFO)?.options).toEqual(["ro"]);
		expect(mountOf("/", MOUNTINFO)?.options).toEqual(["rw", "relatime", "errors=continue"]);
	});

	it("returns undefined for unusable text", () => {
		expect(mountOf("/", "")).toBeUndefined();
		expect(mountOf("relative", MOUNTINFO)).toBeUndefined();
	});
});

describe("kernelChecks()", () => {
	/** Returns facts about a system with these files and, if they are given, these build options. */
	const facts = (release: string, files: Record<string, string>, options?: Record<string, "y" | "m">): SystemFacts => ({
		release,
		text: (path) => files[path],
		exists: (path) => Object.keys(files).some((file) => file === path || file.startsWith(`${path}/`)),
		option: (name) => (options === undefined ? undefined : (options[name] ?? "n")),
	});
	const statuses = (system: SystemFacts | undefined, fileSystem?: string) =>
		Object.fromEntries(kernelChecks(system, fileSystem).map(({ id, status }) => [id, status]));

	it("recognises a system that has every feature", () => {
		const system = facts(
			"6.14.0-1-generic",
			{
				"/proc/self/status": "Name:\tnode\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n",
				"/proc/sys/kernel/seccomp/actions_avail": "kill_process kill_thread trap errno log allow\n",
				"/sys/kernel/security/lsm": "lockdown,capability,landlock,ima,evm\n",
				"/sys/kernel/security/ima/policy": "dont_measure fsmagic=0x9fa0\nappraise func=MODULE_CHECK\n",
				"/sys/kernel/security/evm": "1\n",
				"/sys/fs/ext4/features/verity": "supported\n",
				"/proc/self/loginuid": "1000",
				"/proc/cmdline": "ro quiet audit=1",
			},
			{ FS_VERITY: "y" },
		);
		expect(statuses(system, "ext4")).toEqual({
			...{ "exec-check": "yes", securebits: "unknown", seccomp: "yes", "no-new-privileges": "yes", landlock: "yes" },
			...{ ima: "yes", evm: "yes", "fs-verity": "partly", audit: "yes" },
		});
	});

	it("recognises a system that has no feature", () => {
		expect(statuses(facts("6.13.9", { "/proc/self/status": "NoNewPrivs:\t0\n" }, {}), "ext4")).toEqual({
			...{ "exec-check": "no", securebits: "no", seccomp: "no", "no-new-privileges": "no", landlock: "no" },
			...{ ima: "no", evm: "no", "fs-verity": "no", audit: "no" },
		});
	});

	it("returns `unknown` when files cannot be read or parsed", () => {
		const unknown = { "no-new-privileges": "unknown", landlock: "unknown", ima: "unknown", evm: "unknown" };
		expect(statuses(facts("", {}))).toMatchObject({ ...unknown, "exec-check": "unknown", "fs-verity": "unknown" });
		const nonsense = { "/proc/self/status": "NoNewPrivs:\tyes\n\0", "/proc/cmdline": "\n" };
		expect(statuses(facts("six", nonsense))).toMatchObject({ ...unknown, "exec-check": "unknown" });
		expect(new Set(Object.values(statuses(undefined)))).toEqual(new Set(["unknown"]));
	});

	it.each([
		["", "partly"],
		["ima_policy=tcb", "partly"],
		["ima_policy=tcb|appraise_tcb", "yes"],
		["ima_policy=appraise_tcb ima_appraise=off", "partly"],
	])("with the kernel parameters %j IMA is there: %s", (parameters, status) => {
		const system = facts("6.1.0", { "/sys/kernel/security/ima/violations": "0", "/proc/cmdline": parameters });
		expect(statuses(system)).toMatchObject({ ima: status });
	});

	it("recognises an EVM without keys, and audit that is switched off", () => {
		const files = { "/sys/kernel/security/evm": "0\n", "/proc/self/loginuid": "0", "/proc/cmdline": "quiet audit=0\n" };
		expect(statuses(facts("6.1.0", files))).toMatchObject({ evm: "partly", audit: "no" });
	});

	it("returns `no` for a feature that is not in a readable /sys/kernel/security", () => {
		const files = { "/sys/kernel/security/lsm": "capability,landlock" };
		expect(statuses(facts("6.1.0", files))).toMatchObject({ landlock: "yes", ima: "no", evm: "no" });
	});

	it("recognises a kernel module that is built in and not active", () => {
		const files = { "/sys/kernel/security/lsm": "capability,yama" };
		expect(statuses(facts("6.1.0", files, { SECURITY_LANDLOCK: "y" }))).toMatchObject({ landlock: "no" });
	});
});

describe("systemFacts()", () => {
	it("reads files without a size, and returns undefined for missing ones", () => {
		const facts = systemFacts();
		if (isLinux) expect(facts.text("/proc/self/status")).toMatch(/^Pid:\t\d+$/m);
		expect(facts.text(join(tmpdir(), "sigtool-none"))).toBeUndefined();
		expect(facts.text(tmpdir())).toBeUndefined();
	});

	it("cuts an endless file", () => {
		const file = join(temporaryFolder(), "long");
		writeFileSync(file, Buffer.alloc((1 << 20) + 5, "a"));
		expect(systemFacts().text(file)).toHaveLength(1 << 20);
	});

	it("finds options by name among other lines", () => {
		const text = '# CONFIG_IMA is not set\nCONFIG_AUDIT=y\nCONFIG_LSM="a,b"\nCONFIG_=y\n CONFIG_X=y\n';
		expect([...parseKernelConfig(text)]).toEqual([
			["AUDIT", "y"],
			["LSM", '"a,b"'],
		]);
		expect(parseKernelConfig(gzipSync(text).toString("latin1")).size).toBe(0);
	});
});

describe("runtimeChecks()", () => {
	it.each([
		["20.20.2", "partly"],
		["22.14.9", "partly"],
		["22.15.0", "yes"],
		["23.4.0", "partly"],
		["24.0.0", "yes"],
	])("Node.js %s enforces: %s", (version, status) => {
		expect(byId(runtimeChecks(version, "")).get("node")).toMatchObject({ status });
	});

	it.skipIf(process.platform === "win32")("finds a compiler in PATH and runs no program", () => {
		const folder = temporaryFolder();
		const compiler = (path: string) => byId(runtimeChecks("24.0.0", path)).get("compiler");
		mkdirSync(join(folder, "gcc"));
		writeFileSync(join(folder, "cc"), "not a program", { mode: 0o644 });
		expect(compiler(`::relative:${folder}`)).toMatchObject({ status: "no" });
		writeFileSync(join(folder, "clang"), "exit 1");
		chmodSync(join(folder, "clang"), 0o755);
		expect(compiler(`/none:${folder}`)).toMatchObject({ status: "yes", value: join(folder, "clang") });
	});
});
