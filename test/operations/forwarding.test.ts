/** Lets the daemons of Debian judge what `log forward` sends. */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeTlsFiles, startForwarder, until } from "../../packages/cli/test/commands/log/forwarder.js";
import { hasProgram, runner, temporaryDirectory } from "../../packages/cli/test/support.js";
import { bytesOf, type Step, writeLog } from "../../packages/core/test/log/chained-log.js";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/reference/forwarding.md", import.meta.url)), "utf8");
const TRAPS = ['/a\n<0>Jan 1 "x" \\ ] {', `/${"long".repeat(1024)}`, "/ä€\u{1f600}\ud800", "/%msg%\u0000\u001b[2J"];

/** A log with the traps, of some hundred lines. */
function trapped(): Buffer {
	const steps = Array.from({ length: 300 }, (_, index): Step => {
		return { kind: "event", path: TRAPS[index % 50] ?? `/srv/${index}.js` };
	});
	return bytesOf(writeLog(steps)[0] ?? []);
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	return typeof address === "object" && address !== null ? address.port : 0;
}

const hasTlsDriver = ["x86_64", "aarch64"].some((name) =>
	existsSync(`/usr/lib/${name}-linux-gnu/rsyslog/lmnsd_ossl.so`),
);

describe.skipIf(!hasProgram("rsyslogd"))("rsyslog gets each line byte for byte", () => {
	/** Starts rsyslog with a configuration, and forwards a log to it. Returns what rsyslog wrote. */
	async function forwarded(configuration: string, url: (port: number) => string, args: readonly string[], at: string) {
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
		// It listens shortly after it has written its number.
		await new Promise((resolve) => setTimeout(resolve, 500));
		const whole = trapped();
		writeFileSync(file("audit.jsonl"), whole);
		const forwarder = startForwarder([file("audit.jsonl"), "--to", url(port), ...args]);
		const arrived = () =>
			existsSync(file("hosts/one.jsonl")) ? readFileSync(file("hosts/one.jsonl")) : Buffer.alloc(0);
		await until(
			() => arrived().length >= whole.length,
			() => `${arrived().length} of ${whole.length}: ${said} ${forwarder.output().stderr}`,
		);
		expect(await forwarder.end()).toBe(0);
		expect(forwarder.output().stderr).toBe("");
		return { arrived: arrived(), whole, log: file("hosts/one.jsonl") };
	}

	const plain = (module: string, more = "") => `global(maxMessageSize="256k")
main_queue(queue.workerThreads="1")
module(load="${module}")
input(type="${module}" port="6514" ruleset="sigtool"${more})
template(name="event" type="string" string="%msg%\\n")
ruleset(name="sigtool") { action(type="omfile" file="/var/log/sigtool-hosts/%HOSTNAME%.jsonl" template="event") }
`;

	it.skipIf(!hasTlsDriver)(
		"over TLS, with certificates of both, as the page configures it",
		async () => {
			const at = temporaryDirectory();
			makeTlsFiles(at, { server: "log" });
			const [, configuration = ""] =
				/```\n(# \/etc\/rsyslog\.d\/\S+ on the log host, with TLS\n[^`]*)```/.exec(PAGE) ?? [];
			const file = (name: string) => join(at, name);
			const tls = ["--tls-ca", file("ca.pem"), "--tls-cert", file("client.pem"), "--tls-key", file("client.key")];
			const { arrived, whole, log } = await forwarded(
				configuration,
				(port) => `syslog+tls://localhost:${port}`,
				tls,
				at,
			);
			expect(arrived.equals(whole)).toBe(true);
			const { status, stdout } = runner(at)(["log", "verify", log]);
			expect([status, stdout]).toEqual([0, expect.stringContaining("301 lines")]);
		},
		60_000,
	);

	it("over TCP", async () => {
		const at = temporaryDirectory();
		const { arrived, whole } = await forwarded(plain("imtcp"), (port) => `syslog+tcp://127.0.0.1:${port}`, [], at);
		expect(arrived.equals(whole)).toBe(true);
	}, 60_000);

	it("over UDP, as long as none is lost", async () => {
		const at = temporaryDirectory();
		const { arrived, whole } = await forwarded(
			plain("imudp", ' rcvbufSize="1m"'),
			(port) => `syslog+udp://127.0.0.1:${port}`,
			[],
			at,
		);
		expect(arrived.equals(whole)).toBe(true);
	}, 60_000);
});
