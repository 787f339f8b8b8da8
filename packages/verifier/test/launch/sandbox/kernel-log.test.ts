/** Tests that the kernel's log reports refusals, even if the refused process reports nothing. */

import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { missingRoot, runtimes, SandboxHost, titleOf } from "./host.js";

/**
 * Sets whether the kernel audits, and prints whether it did before. The numbers are AUDIT_GET, AUDIT_SET and struct
 * audit_status of include/uapi/linux/audit.h. If a daemon gets the records instead of the log, prints nothing.
 */
const AUDIT = `
import socket, struct, sys
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)
def ask(kind, flags, body):
    netlink.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
ask(1000, 1, b"")
mask, enabled, failure, daemon = struct.unpack_from("=IIII", netlink.recv(8192), 16)
if daemon == 0:
    ask(1001, 1, struct.pack("=10I", 1, int(sys.argv[1]), *[0] * 8))
    print(enabled)
`;
/**
 * With 0, the kernel writes every line. By default it writes ten lines in five seconds, and then the number of lines
 * that it left out.
 */
const LIMIT = "/proc/sys/kernel/printk_ratelimit";
const setAudit = (enabled: string) =>
	spawnSync("python3", ["-I", "-c", AUDIT, enabled], { encoding: "utf8" }).stdout.trim();
const log = () => spawnSync("dmesg", { encoding: "utf8", maxBuffer: 1 << 26 });

/**
 * Returns the lines that were written since the last line of `before`. The kernel removes old lines from the log when
 * new ones come.
 */
function newLines(before: string): string {
	const last = before.trimEnd().split("\n").at(-1) ?? "";
	const now = log().stdout;
	return now.slice(now.lastIndexOf(last) + last.length);
}

const SETNS = process.arch === "x64" ? /type=1326 .*uid=65534 .*syscall=308 / : /type=1326 .*uid=65534 .*syscall=268 /;
const reasons: readonly (readonly [boolean, string])[] = [
	[missingRoot === undefined, missingRoot ?? ""],
	[runtimes.includes("CPython"), "CPython with headers"],
	[missingRoot !== undefined || (log().status === 0 && log().stdout !== ""), "a log of the kernel that root can read"],
];
const lacks = reasons.find(([isThere]) => !isThere)?.[1];

describe.skipIf(lacks !== undefined)(titleOf("the kernel's log", lacks), () => {
	let host: SandboxHost;
	let enabled = "";
	let limit = "";
	beforeAll(() => {
		host = new SandboxHost();
		// The kernel logs refusals of seccomp in any case, and those of Landlock only while it audits.
		enabled = setAudit("1");
		limit = readFileSync(LIMIT, "utf8");
		writeFileSync(LIMIT, "0");
	});
	afterAll(() => {
		if (enabled === "0") setAudit("0");
		if (limit !== "") writeFileSync(LIMIT, limit);
	});

	/**
	 * Repeats an attempt until its refusal is in the log. A thread of the kernel writes the log, perhaps only after the
	 * attempt.
	 */
	async function isLogged(probe: string, line: RegExp): Promise<boolean> {
		for (let tries = 0; tries < 30; tries++) {
			const before = log().stdout;
			host.attempt("CPython", "user", "enforce", [probe]);
			await sleep(1000);
			if (line.test(newLines(before))) return true;
		}
		return false;
	}

	it("tells of a call that the filter refused", async (context) => {
		if (enabled === "") context.skip("auditd gets the lines on this machine");
		expect(await isLogged("setns", SETNS)).toBe(true);
	});

	it("tells of a file that Landlock refused (Linux 6.15)", async (context) => {
		if (enabled === "") context.skip("auditd gets the lines on this machine");
		const { stdout } = spawnSync(host.at("lib/sigtool-launch"), ["--protections"], { encoding: "utf8" });
		if (!/^landlock-log\t.*\tholds$/m.test(stdout)) context.skip("Linux before 6.15 does not log for Landlock");
		expect(await isLogged("write-outside", /type=1423 .*blockers=fs\.write_file .*own\/file"/)).toBe(true);
	});
});
