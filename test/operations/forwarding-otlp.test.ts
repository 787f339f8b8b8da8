/** Receives what `log forward` sends by OTLP. */

import { readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeTlsFiles, startForwarder, until } from "../../packages/cli/test/commands/log/forwarder.js";
import { TRAPS } from "../../packages/cli/test/commands/log/logs.js";
import { temporaryDirectory } from "../../packages/cli/test/support.js";
import { trapped } from "./trapped-log.js";

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
	});

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
	});
});
