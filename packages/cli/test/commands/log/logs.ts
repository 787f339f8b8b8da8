/** Writes logs for tests of the command line, as the collector chains them. */

import { createPublicKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { toPem } from "../../../../core/test/kept-keys.js";
import { bytesOf, type Step, writeLog } from "../../../../core/test/log/chained-log.js";
import { newPrivateKey } from "../../../../core/test/pki/make-certificate.js";
import { runner, temporaryDirectory } from "../../support.js";

export const events = (count: number, first = 0): Step[] =>
	Array.from({ length: count }, (_, index) => ({ kind: "event", path: `/srv/${first + index}.js` }));

/** Paths by which a line could be read as two, as another message, or cut short. */
export const TRAPS = [
	'/a\n<0>Jan 1 "x" \\ ] {',
	`/${"long".repeat(1024)}`,
	"/ä€\u{1f600}\ud800",
	"/%msg%\u0000\u001b[2J",
];
export const traps: readonly Step[] = TRAPS.map((path) => ({ kind: "event", path }));

/** Makes a log of several files, and returns their lines. */
export function chained(...files: (readonly Step[])[]): string[][] {
	return writeLog(files.flatMap((steps, index) => (index === 0 ? steps : [{ kind: "rotate" as const }, ...steps])));
}

/** Writes the first file of a log, and returns its lines. */
export function writeChained(file: string, count: number): string[] {
	const [lines = []] = writeLog(events(count - 1));
	writeFileSync(file, bytesOf(lines));
	return lines;
}

/** Returns an event as a line without a chain. */
export function eventLine(event: string, members: object = {}): string {
	return `${JSON.stringify({ time: "2026-01-31T12:00:00.000Z", event, verdict: "allow", pid: 7, thread: 0, ...members })}\n`;
}

/** Makes a folder, and returns what the tests do in it. */
export function place() {
	const directory = temporaryDirectory();
	return { directory, file: (name: string) => join(directory, name), sigtool: runner(directory) };
}

/** Makes a key of Ed25519, and returns the files of both halves. */
export function newKey(directory: string) {
	const [key, pub] = [join(directory, "log.key"), join(directory, "log.pub")];
	const privateKey = newPrivateKey("ed25519");
	writeFileSync(key, toPem(privateKey), { mode: 0o600 });
	writeFileSync(pub, createPublicKey(privateKey).export({ type: "spki", format: "pem" }));
	return { key, pub };
}
