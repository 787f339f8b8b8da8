/** Lets journald judge what `log forward` sends. */

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startForwarder, until } from "../../packages/cli/test/commands/log/forwarder.js";
import { TRAPS } from "../../packages/cli/test/commands/log/logs.js";
import { temporaryDirectory } from "../../packages/cli/test/support.js";
import { bytesOf, type Step, writeLog } from "../../packages/core/test/log/chained-log.js";
import { hasProgram, spawn, spawnSync } from "../outside.js";
import { trapped } from "./trapped-log.js";

const JOURNALD = "/usr/lib/systemd/systemd-journald";
const canRunJournal =
	existsSync(JOURNALD) && process.getuid?.() === 0 && hasProgram("nsenter") && hasProgram("journalctl");

describe.skipIf(!canRunJournal)("journald (needs root, journalctl and nsenter)", () => {
	/** Starts a journald that has a /run of its own. */
	async function startJournal() {
		const script = `
			set -e
			mount -t tmpfs tmpfs /run
			mkdir -p /run/log/journal /run/systemd/journald.conf.d
			printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nReadKMsg=no\nAudit=no\n' > /run/systemd/journald.conf.d/test.conf
			exec ${JOURNALD}`;
		const daemon = spawn("unshare", ["-m", "bash", "-c", script], { stdio: "ignore" });
		onTestFinished(() => {
			daemon.kill("SIGKILL");
		});
		const socket = `/proc/${daemon.pid}/root/run/systemd/journal/socket`;
		await until(
			() => existsSync(socket),
			() => "no socket",
		);
		const entries = () => {
			const args = ["-m", "-t", `${daemon.pid}`, "journalctl", "--all", "-o", "json", "-D", "/run/log/journal"];
			const { stdout } = spawnSync("nsenter", [...args, "SYSLOG_IDENTIFIER=sigtool"], {
				encoding: "utf8",
				maxBuffer: 2 ** 28,
			});
			return stdout
				.split("\n")
				.filter((line) => line !== "")
				.map((line): Record<string, unknown> => JSON.parse(line));
		};
		return { daemon, socket, entries };
	}

	/** The journal prints a value as an array of its bytes where it is no text. */
	const bytesIn = (value: unknown) => (Array.isArray(value) ? Buffer.from(value) : Buffer.from(String(value)));

	it("has one entry a line, byte for byte, also of what is no event, is no text or has no room in a datagram", async () => {
		const at = temporaryDirectory();
		const log = join(at, "audit.jsonl");
		const whole = Buffer.concat([
			trapped(),
			Buffer.from('{"event":"x\\nPRIORITY=0","verdict":"refuse","reason":"ERR_DENIED","path":"/a\\n<0>","seq":"1"}\n'),
			Buffer.from([0xff, 0xfe, 0x22, 0x0d, 0x80, 0x0a]),
			Buffer.alloc(400_000, "y"),
			Buffer.from("\n"),
		]);
		writeFileSync(log, whole);
		const { socket, entries } = await startJournal();
		const forwarder = startForwarder([log, "--to", `journald:${socket}`]);
		await until(
			() => entries().length >= 304,
			() => `${entries().length} ${forwarder.output().stderr}`,
		);
		expect(await forwarder.end()).toBe(0);
		const found = entries();
		expect(found).toHaveLength(304);
		const arrived = Buffer.concat(found.flatMap(({ MESSAGE }) => [bytesIn(MESSAGE), Buffer.from("\n")]));
		expect(arrived.equals(whole)).toBe(true);
		expect(found.at(1)).toMatchObject({
			...{ PRIORITY: "5", SYSLOG_FACILITY: "10", SIGTOOL_EVENT: "module.open_code", SIGTOOL_VERDICT: "allow" },
			...{ SIGTOOL_SEQ: "2", SIGTOOL_FROM: "7", SIGTOOL_SUBJECT: TRAPS[0], _PID: `${forwarder.child.pid}` },
		});
		expect(found.at(-3)).toMatchObject({
			...{ PRIORITY: "2", SIGTOOL_EVENT: "x\nPRIORITY=0", SIGTOOL_REASON: "ERR_DENIED", SIGTOOL_SUBJECT: "/a\n<0>" },
		});
		expect(found.at(-1)).toMatchObject({ PRIORITY: "4" });
	});

	it("is waited for while it takes nothing, and gets everything then", async () => {
		const at = temporaryDirectory();
		const log = join(at, "audit.jsonl");
		const whole = bytesOf(
			writeLog(Array.from({ length: 3000 }, (_, index): Step => ({ kind: "event", path: `/srv/${index}.js` })))[0] ??
				[],
		);
		writeFileSync(log, "");
		const { daemon, socket, entries } = await startJournal();
		daemon.kill("SIGSTOP");
		const forwarder = startForwarder([log, "--to", `journald:${socket}`, "--json"]);
		writeFileSync(log, whole);
		await new Promise((resolve) => setTimeout(resolve, 1500));
		daemon.kill("SIGCONT");
		await until(
			() => entries().length >= 3001,
			() => `${entries().length} ${forwarder.output().stderr}`,
		);
		expect(await forwarder.end()).toBe(0);
		expect(JSON.parse(forwarder.output().stdout)).toMatchObject({
			forwarded: [{ sent: 3001, missed: 0, failures: 0 }],
		});
		const arrived = Buffer.concat(entries().flatMap(({ MESSAGE }) => [bytesIn(MESSAGE), Buffer.from("\n")]));
		expect(arrived.equals(whole)).toBe(true);
	});
});
