/** Lets rsyslog of Debian judge what `log forward` sends. */

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeTlsFiles, startForwarder, until } from "../../packages/cli/test/commands/log/forwarder.js";
import { runner, temporaryDirectory } from "../../packages/cli/test/support.js";
import { hasProgram, spawn } from "../outside.js";
import { freePort } from "./free-port.js";
import { canOverlay } from "./overlay-root.js";
import { EXAMPLES, SignedHost } from "./signed-host.js";
import { trapped } from "./trapped-log.js";
import { canFilter } from "./unit-sandbox.js";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/reference/forwarding.md", import.meta.url)), "utf8");
const [, WITH_TLS = ""] = /```\n(# \/etc\/rsyslog\.d\/\S+ on the log host, with TLS\n[^`]*)```/.exec(PAGE) ?? [];

const hasTlsDriver = ["x86_64", "aarch64"].some((name) =>
	existsSync(`/usr/lib/${name}-linux-gnu/rsyslog/lmnsd_ossl.so`),
);

/** Runs a command until rsyslog has written so many bytes, or for two minutes. */
const UNTIL_ARRIVED = `#!/bin/sh
bytes=$1; shift
"$@" &
for _ in $(seq 1200); do
	[ "$(stat -c %s /srv/hosts/one.jsonl 2>/dev/null || echo 0)" -lt "$bytes" ] || break
	sleep 0.1
done
kill -TERM $!
wait $!
`;

/** Tells whether a socket of TCP or UDP has the port. rsyslog has it only shortly after it has written its number. */
function isBound(port: number): boolean {
	const local = new RegExp(`^ *\\d+: [0-9A-F]+:${port.toString(16).toUpperCase().padStart(4, "0")} `, "m");
	return ["tcp", "tcp6", "udp", "udp6"].some((name) => {
		const table = `/proc/net/${name}`;
		return existsSync(table) && local.test(readFileSync(table, "utf8"));
	});
}

describe.skipIf(!hasProgram("rsyslogd"))("rsyslog gets each line byte for byte", () => {
	/** Starts rsyslog with a configuration. Returns its port and what it has written. */
	async function startRsyslog(configuration: string, at: string) {
		const port = await freePort();
		const file = (name: string) => join(at, name);
		const placed = configuration
			.replaceAll("6514", String(port))
			.replace(`port="${port}"`, `address="127.0.0.1" port="${port}"`)
			.replaceAll("/etc/sigtool-log", at)
			.replace("/var/log/sigtool-hosts/%HOSTNAME%", file("hosts/one"));
		mkdirSync(file("hosts"));
		writeFileSync(file("rsyslog.conf"), placed);
		const daemon = spawn("rsyslogd", ["-n", "-f", file("rsyslog.conf"), "-i", file("rsyslog.pid")], { stdio: "pipe" });
		onTestFinished(() => {
			daemon.kill("SIGKILL");
		});
		let said = "";
		daemon.stderr.on("data", (data) => {
			said += data;
		});
		await until(
			() => existsSync(file("rsyslog.pid")),
			() => said,
		);
		await until(
			() => isBound(port),
			() => said,
		);
		const log = file("hosts/one.jsonl");
		return { port, log, said: () => said, arrived: () => (existsSync(log) ? readFileSync(log) : Buffer.alloc(0)) };
	}

	/** Forwards a log to rsyslog, and returns what rsyslog wrote. */
	async function forwarded(configuration: string, url: (port: number) => string, args: readonly string[], at: string) {
		const { port, log, arrived, said } = await startRsyslog(configuration, at);
		const whole = trapped();
		writeFileSync(join(at, "audit.jsonl"), whole);
		const forwarder = startForwarder([join(at, "audit.jsonl"), "--to", url(port), ...args]);
		await until(
			() => arrived().length >= whole.length,
			() => `${arrived().length} of ${whole.length}: ${said()} ${forwarder.output().stderr}`,
		);
		expect(await forwarder.end()).toBe(0);
		expect(forwarder.output().stderr).toBe("");
		return { arrived: arrived(), whole, log };
	}

	const plain = (module: string, more = "") => `global(maxMessageSize="256k")
main_queue(queue.workerThreads="1")
module(load="${module}")
input(type="${module}" port="6514" ruleset="sigtool"${more})
template(name="event" type="string" string="%msg%\\n")
ruleset(name="sigtool") { action(type="omfile" file="/var/log/sigtool-hosts/%HOSTNAME%.jsonl" template="event") }
`;

	it.skipIf(!hasTlsDriver)("over TLS, with certificates of both, as the page configures it", async () => {
		const at = temporaryDirectory();
		makeTlsFiles(at, { server: "log" });
		const file = (name: string) => join(at, name);
		const tls = ["--tls-ca", file("ca.pem"), "--tls-cert", file("client.pem"), "--tls-key", file("client.key")];
		const url = (port: number) => `syslog+tls://localhost:${port}`;
		const { arrived, whole, log } = await forwarded(WITH_TLS, url, tls, at);
		expect(arrived.equals(whole)).toBe(true);
		const { status, stdout } = runner(at)(["log", "verify", log]);
		expect([status, stdout]).toEqual([0, expect.stringContaining("301 lines")]);
	});

	it.skipIf(!hasTlsDriver || !canOverlay || !canFilter)(
		"from the unit of the example, which may read the log of another user (needs root, overlayfs and setpriv)",
		async () => {
			const host = new SignedHost();
			const at = host.at("/srv");
			makeTlsFiles(at, { server: "log" });
			const { port, arrived } = await startRsyslog(WITH_TLS, at);
			const whole = trapped();
			host.write("/var/log/sigtool/audit.jsonl", whole, 0o600);
			chmodSync(host.at("/var/log/sigtool"), 0o700);
			for (const [name, source] of [
				["ca.pem", "ca.pem"],
				["host.pem", "client.pem"],
				["host.key", "client.key"],
			] as const)
				host.write(`/etc/sigtool-forward/${name}`, readFileSync(join(at, source)), 0o600);
			host.write("/usr/bin/sigtool", readFileSync(host.at("/usr/local/bin/sigtool")), 0o755);
			const unit = readFileSync(join(EXAMPLES, "monitoring/sigtool-forward.service"), "utf8")
				.replace("log.example:6514", `localhost:${port}`)
				.replace("ExecStart=", `ExecStart=/usr/local/bin/until-arrived ${whole.length} `);
			host.write("/usr/local/bin/until-arrived", UNTIL_ARRIVED, 0o755);
			const { status, stdout, stderr } = host.startUnit(unit);
			expect([status, stderr]).toEqual([0, ""]);
			expect(stdout).toContain("sent 301 lines of /var/log/sigtool/audit.jsonl to syslog+tls://localhost");
			expect(arrived().equals(whole)).toBe(true);
			const state = JSON.parse(readFileSync(host.at("/var/lib/private/sigtool-forward/state.json"), "utf8"));
			expect(state.positions[0].position.seq).toBe(301);
		},
	);

	it("over TCP", async () => {
		const at = temporaryDirectory();
		const { arrived, whole } = await forwarded(plain("imtcp"), (port) => `syslog+tcp://127.0.0.1:${port}`, [], at);
		expect(arrived.equals(whole)).toBe(true);
	});

	it("over UDP, as long as none is lost", async () => {
		const at = temporaryDirectory();
		const { arrived, whole } = await forwarded(
			plain("imudp", ' rcvbufSize="1m"'),
			(port) => `syslog+udp://127.0.0.1:${port}`,
			[],
			at,
		);
		expect(arrived.equals(whole)).toBe(true);
	});
});
