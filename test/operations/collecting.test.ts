import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { runner } from "../../packages/cli/test/support.js";
import { bytesOf, type Step, writeLog } from "../../packages/core/test/log/chained-log.js";
import { hasProgram, spawn } from "../outside.js";
import { temporaryDirectory } from "../temporary.js";
import { freePort } from "./free-port.js";

const page = readFileSync(fileURLToPath(new URL("../../docs/how-to/monitoring.md", import.meta.url)), "utf8");

/** Returns the configuration of rsyslog that the page has for a place. */
function configurationOn(where: string): string {
	const [, text] = new RegExp(`\`\`\`conf\\n(# /etc/rsyslog\\.d/\\S+ on ${where}\\n[^\`]*)\`\`\``).exec(page) ?? [];
	if (text === undefined) throw new Error(`monitoring.md has no configuration on ${where}`);
	return text;
}

it.skipIf(!hasProgram("rsyslogd"))(
	"rsyslog brings a log to the log host byte for byte, so that it verifies there",
	async () => {
		const directory = temporaryDirectory();
		const at = (name: string) => join(directory, name);
		for (const name of ["spool", "hosts"]) mkdirSync(at(name));
		const port = await freePort();
		const placed = (text: string) =>
			text
				.replaceAll("6514", String(port))
				.replace(`port="${port}" ruleset`, `address="127.0.0.1" port="${port}" ruleset`)
				.replace("log.example", "127.0.0.1")
				.replace("/var/spool/rsyslog", at("spool"))
				.replace("/var/log/sigtool-hosts/%HOSTNAME%", at("hosts/one"))
				.replace("/var/log/sigtool/audit.jsonl", at("audit.jsonl"));
		const start = (name: string, text: string) => {
			writeFileSync(at(name), placed(text));
			const daemon = spawn("rsyslogd", ["-n", "-f", at(name), "-i", at(`${name}.pid`)], { stdio: "ignore" });
			onTestFinished(() => {
				daemon.kill("SIGKILL");
			});
		};
		const traps = ['/a\n<0>Jan 1 "x" \\ {', `/${"long".repeat(1024)}`, "/ä€\u{1f600}\ud800", "/%msg%\u0000\u001b[2J"];
		const steps = Array.from({ length: 3000 }, (_, index): Step => {
			return { kind: "event", path: traps[index % 50] ?? `/srv/${index}.js` };
		});
		const whole = bytesOf(writeLog(steps)[0] ?? []);
		writeFileSync(at("audit.jsonl"), "");
		start("receive.conf", configurationOn("the log host"));
		start("send.conf", configurationOn("each host"));
		for (let start = 0; start < whole.length; start += 100_000)
			appendFileSync(at("audit.jsonl"), whole.subarray(start, start + 100_000));
		const arrived = () => statSync(at("hosts/one.jsonl"), { throwIfNoEntry: false })?.size ?? 0;
		for (const end = Date.now() + 240_000; arrived() < whole.length && Date.now() < end; )
			await new Promise((resolve) => setTimeout(resolve, 100));
		expect(readFileSync(at("hosts/one.jsonl")).equals(whole)).toBe(true);
		const { status, stdout } = runner(directory)(["log", "verify", at("hosts/one.jsonl")]);
		expect([status, stdout]).toEqual([0, expect.stringContaining("3,001 lines")]);
	},
);
