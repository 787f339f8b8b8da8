/**
 * Writes a log of audit events as the collector chains them. One event in a thousand is a refusal.
 *
 * Usage: `node bench/make-log.mjs FILE LINES`.
 */

import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";

const [file, lines] = process.argv.slice(2);
const descriptor = openSync(file, "w");
const START_MS = Date.parse("2026-11-29T10:00:00Z");
const PIECE_LENGTH = 1 << 20;
let digest = "0".repeat(64);
let pending = "";

for (let number = 1; number <= Number(lines); number++) {
	const event = number === 1 ? beginning() : opened(number);
	const line = `${JSON.stringify(event).slice(0, -1)},"seq":${number},"from":811,"chain":"${digest}"}`;
	digest = createHash("sha256").update(line).digest("hex");
	pending += `${line}\n`;
	if (pending.length > PIECE_LENGTH) flush();
}
flush();
closeSync(descriptor);

function flush() {
	writeSync(descriptor, pending);
	pending = "";
}

function beginning() {
	return { ...common("log.begin", "allow", 1), kind: "new" };
}

function opened(number) {
	const path = `/srv/app/node_modules/package-${number % 500}/lib/module-${number % 5000}.js`;
	const file = { path, use: "require", sha256: "4".repeat(64), product: "app", rule: "entry" };
	if (number % 1000 !== 0) return { ...common("module.open_code", "allow", number), ...file };
	return { ...common("module.open_code", "refuse", number), ...file, reason: "ERR_FILE_MODIFIED" };
}

function common(event, verdict, number) {
	return { time: new Date(START_MS + 3 * number).toISOString(), event, verdict, pid: 811, thread: 0 };
}
