/** Lets the daemons of Debian judge what `log forward` sends. */

import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeTlsFiles, startForwarder, until } from "../../packages/cli/test/commands/log/forwarder.js";
import { hasProgram, runner, temporaryDirectory } from "../../packages/cli/test/support.js";
import { bytesOf, type Step, writeLog } from "../../packages/core/test/log/chained-log.js";
import { canOverlay } from "./overlay-root.js";
import { EXAMPLES, SignedHost } from "./signed-host.js";
import { canFilter } from "./unit-sandbox.js";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/reference/forwarding.md", import.meta.url)), "utf8");
const [, WITH_TLS = ""] = /```\n(# \/etc\/rsyslog\.d\/\S+ on the log host, with TLS\n[^`]*)```/.exec(PAGE) ?? [];
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
		// It listens shortly after it has written its number.
		await new Promise((resolve) => setTimeout(resolve, 500));
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

	it.skipIf(!hasTlsDriver)(
		"over TLS, with certificates of both, as the page configures it",
		async () => {
			const at = temporaryDirectory();
			makeTlsFiles(at, { server: "log" });
			const file = (name: string) => join(at, name);
			const tls = ["--tls-ca", file("ca.pem"), "--tls-cert", file("client.pem"), "--tls-key", file("client.key")];
			const url = (port: number) => `syslog+tls://localhost:${port}`;
			const { arrived, whole, log } = await forwarded(WITH_TLS, url, tls, at);
			expect(arrived.equals(whole)).toBe(true);
			const { status, stdout } = runner(at)(["log", "verify", log]);
			expect([status, stdout]).toEqual([0, expect.stringContaining("301 lines")]);
		},
		60_000,
	);

	it.skipIf(!hasTlsDriver || !canOverlay || !canFilter)(
		"from the unit of the example, which may read the log of another user (needs root, overlayfs and setpriv)",
		async () => {
			const at = temporaryDirectory();
			makeTlsFiles(at, { server: "log" });
			const { port, arrived } = await startRsyslog(WITH_TLS, at);
			const host = new SignedHost();
			onTestFinished(() => host.remove());
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
				.replace("ExecStart=", "ExecStart=timeout --preserve-status -s TERM 4 ");
			const { status, stdout, stderr } = host.startUnit(unit);
			expect([status, stderr]).toEqual([0, ""]);
			expect(stdout).toContain("sent 301 lines of /var/log/sigtool/audit.jsonl to syslog+tls://localhost");
			expect(arrived().equals(whole)).toBe(true);
			const state = JSON.parse(readFileSync(host.at("/var/lib/private/sigtool-forward/state.json"), "utf8"));
			expect(state.positions[0].position.seq).toBe(301);
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
	}, 60_000);

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
	}, 60_000);
});

/** Debian has no collector of OpenTelemetry, so this test reads the requests itself, as the specification of OTLP has them. */
describe("a receiver of OTLP", () => {
	interface Received {
		readonly body: { readonly stringValue?: string; readonly bytesValue?: string };
		readonly severityNumber: number;
		readonly timeUnixNano: string;
		readonly eventName?: string;
		readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
	}

	/** Starts a receiver that answers with these statuses in turn, and from then on with 200. */
	async function startCollector(
		statuses: readonly number[],
		rejecting: object,
		tls?: { readonly key: Buffer; readonly cert: Buffer },
	) {
		const records: Received[] = [];
		const requests: { readonly url: string | undefined; readonly type: string | undefined; readonly key: unknown }[] =
			[];
		const left = [...statuses];
		const answer: RequestListener = (request, response) => {
			const parts: Buffer[] = [];
			request.on("data", (part) => parts.push(part));
			request.on("end", () => {
				requests.push({ url: request.url, type: request.headers["content-type"], key: request.headers["x-key"] });
				const status = left.shift() ?? 200;
				const { resourceLogs } = JSON.parse(Buffer.concat(parts).toString());
				if (status === 200) {
					for (const { resource, scopeLogs } of resourceLogs) {
						expect(JSON.stringify(resource)).toContain('"service.name","value":{"stringValue":"sigtool"}');
						for (const { logRecords } of scopeLogs) records.push(...logRecords);
					}
				}
				response
					.writeHead(status, { "content-type": "application/json" })
					.end(JSON.stringify({ partialSuccess: rejecting }));
			});
		};
		const server = tls === undefined ? createHttpServer(answer) : createHttpsServer(tls, answer);
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		onTestFinished(() => {
			server.closeAllConnections();
			server.close();
		});
		const address = server.address();
		return { records, requests, port: typeof address === "object" && address !== null ? address.port : 0 };
	}

	const linesOf = (records: readonly Received[]) =>
		Buffer.concat(
			records.flatMap(({ body }) => [
				body.bytesValue === undefined ? Buffer.from(body.stringValue ?? "") : Buffer.from(body.bytesValue, "base64"),
				Buffer.from("\n"),
			]),
		);

	it("gets one record a line, with the line as its body", async () => {
		const at = temporaryDirectory();
		const log = join(at, "audit.jsonl");
		const whole = Buffer.concat([
			trapped(),
			Buffer.from(
				'{"time":"2026-11-29T10:03:22.000Z","event":"module.open_code","verdict":"refuse","path":"/\\ud800\\n<0>"}\n',
			),
			Buffer.from([0xff, 0xfe, 0x22, 0x0d, 0x80, 0x0a]),
		]);
		writeFileSync(log, whole);
		const { records, requests, port } = await startCollector([503, 400], {
			rejectedLogRecords: "2",
			errorMessage: "too\nlong",
		});
		const forwarder = startForwarder([log, "--to", `otlp+http://127.0.0.1:${port}`], {
			OTEL_EXPORTER_OTLP_HEADERS: "x-key=secret",
		});
		await until(
			() => records.length >= 303,
			() => `${records.length} ${forwarder.output().stderr}`,
		);
		expect(await forwarder.end()).toBe(0);
		// The exporter has tried again after 503 itself, and the forwarder after 400.
		expect(forwarder.output().stderr).toMatch(
			/^warning: .*the receiver answers 400 .*; trying again\nwarning: .*"rejectedLogRecords":"2".*\n/,
		);
		expect(linesOf(records).equals(whole)).toBe(true);
		expect(requests[0]).toEqual({ url: "/v1/logs", type: "application/json", key: "secret" });
		const attributesOf = ({ attributes }: Received) =>
			Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
		const [, first] = records;
		const [refused, broken] = records.slice(-2);
		if (first === undefined || refused === undefined || broken === undefined) throw new Error("records are missing");
		expect(first).toMatchObject({ severityNumber: 10, severityText: "notice", eventName: "module.open_code" });
		expect(first.timeUnixNano).toBe(`${BigInt(Date.parse("2026-11-29T10:00:00.001Z")) * 1_000_000n}`);
		expect(attributesOf(first)).toEqual({
			...{ "sigtool.event": "module.open_code", "sigtool.verdict": "allow", "sigtool.seq": "2", "sigtool.from": "7" },
			"sigtool.subject": TRAPS[0],
		});
		expect(attributesOf(records[2] ?? first)["sigtool.subject"]).toBe(TRAPS[1]);
		expect(refused).toMatchObject({ severityNumber: 18 });
		expect(attributesOf(refused)["sigtool.subject"]).toBe("/\ufffd\n<0>");
		expect([broken.severityNumber, broken.attributes]).toEqual([13, []]);
	}, 60_000);

	it("gets nothing over TLS unless its certificate is of its host", async () => {
		const at = temporaryDirectory();
		const file = (name: string) => join(at, name);
		makeTlsFiles(at);
		writeFileSync(file("audit.jsonl"), trapped());
		for (const [name, expected] of [
			["other", 0],
			["server", 301],
		] as const) {
			const tls = { key: readFileSync(file(`${name}.key`)), cert: readFileSync(file(`${name}.pem`)) };
			const { records, port } = await startCollector([], {}, tls);
			const url = `otlp+https://localhost:${port}/v1/logs`;
			const forwarder = startForwarder([file("audit.jsonl"), "--to", url, "--tls-ca", file("ca.pem")], {
				NODE_TLS_REJECT_UNAUTHORIZED: "0",
			});
			await until(
				() => records.length === 301 || /altnames.*trying again/.test(forwarder.output().stderr),
				() => forwarder.output().stderr,
			);
			expect(await forwarder.end()).toBe(0);
			expect(records).toHaveLength(expected);
		}
	}, 60_000);
});
