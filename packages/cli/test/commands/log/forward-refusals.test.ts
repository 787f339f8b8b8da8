import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { isSingleFile, MAIN } from "../../support.js";
import { place } from "./logs.js";

describe("sigtool log forward, before it sends", () => {
	it("refuses what it cannot follow, send to or go on from", () => {
		const { file, sigtool } = place();
		const log = file("audit.jsonl");
		writeFileSync(log, "");
		writeFileSync(file("bad.json"), '{"version":1,"positions":[{}]}');
		copyFileSync(file("bad.json"), file("key.pem"));
		const to = ["--to", "syslog+tls://localhost:6514"];
		for (const [args, says] of [
			[[log], /required option '--to <url>'|--to/],
			[[file("missing"), ...to], /no such file; .* \[ERR_ROOT_MISSING\]/],
			[["-", ...to], /Cannot follow/],
			[[log, "--to", "otlp+https://u:p@localhost"], /give a URL without credentials/],
			[[log, "--to", "journald:socket"], /Cannot send to "journald:socket": give --to syslog/],
			[[log, "--to", "http://localhost"], /Cannot send to "http:\/\/localhost": give --to syslog/],
			[[log, "--to", "syslog+tcp://u:p@localhost:5"], /give host and port alone/],
			[[log, "--to", "syslog+tcp://localhost:5/x"], /give host and port alone/],
			[[log, "--to", "syslog+tcp://localhost"], /give host and port alone/],
			[[log, ...to, "--facility", "kern"], /--facility takes/],
			[[log, ...to, "--state", file("bad.json")], /it is not a state of `log forward`.*\[ERR_CONFIG\]/],
			[[log, ...to, "--tls-cert", file("bad.json")], /Give --tls-cert and --tls-key together/],
			[[log, ...to, "--tls-cert", file("bad.json"), "--tls-key", file("key.pem")], /Cannot speak TLS with/],
			[[log, ...to, "--tls-ca", log], /it has no certificate in PEM \[ERR_USAGE\]/],
			[[log, "--to", "syslog+tcp://localhost:5", "--tls-ca", log], /Use --tls-ca and --tls-cert with a receiver/],
		] as const) {
			const { status, stderr } = sigtool(["log", "forward", ...args]);
			expect([args, status, stderr]).toEqual([args, 2, expect.stringMatching(says)]);
		}
		const args = ["log", "forward", log, ...to, "--state", file("missing/state.json")];
		expect(sigtool(args)).toMatchObject({ status: 3, stderr: expect.stringContaining("Cannot write ") });
	});

	it.skipIf(isSingleFile)("says how to install the exporter of OpenTelemetry, and takes no other code for it", () => {
		const { file } = place();
		writeFileSync(file("audit.jsonl"), "");
		mkdirSync(file("bin"));
		const dist = dirname(MAIN);
		for (const name of readdirSync(dist).filter((name) => name.endsWith(".cjs")))
			copyFileSync(join(dist, name), join(file("bin"), name));
		const says = () => {
			const args = [
				join(file("bin"), "main.cjs"),
				"log",
				"forward",
				file("audit.jsonl"),
				"--to",
				"otlp+http://localhost:9",
			];
			const env = { ...process.env, NO_COLOR: "1", NODE_PATH: file("other") };
			const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
			return [status, stderr];
		};
		const install = (folder: string, version: string) => {
			const directory = join(file(folder), "@opentelemetry/exporter-logs-otlp-http");
			mkdirSync(directory, { recursive: true });
			writeFileSync(join(directory, "package.json"), JSON.stringify({ version, main: "evil.js" }));
			writeFileSync(join(directory, "evil.js"), "console.error('evil');");
			return directory;
		};
		const way = "run `npm install @opentelemetry/exporter-logs-otlp-http@0.223` where sigtool is installed";
		const missing = [2, expect.stringContaining(`http is not installed; ${way} [ERR_UNSUPPORTED_PLATFORM]`)];
		expect(says()).toEqual(missing);
		install("other", "0.223.1");
		expect(says()).toEqual(missing);
		chmodSync(install("node_modules", "0.223.1"), 0o777);
		expect(says()).toEqual(missing);
		chmodSync(install("node_modules", "0.301.0"), 0o755);
		expect(says()).toEqual([2, expect.stringContaining(`http has version 0.301.0; ${way}`)]);
	});
});
