/** Makes trees and logs with names that try to become markup or script, and pages about them. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTree, runner } from "../../support.js";

export const IMAGE = '"><img src=x onerror=alert(1)>';
/** A file name has no slash, so the tag that ends a script is a directory and a file. */
export const SCRIPT = "<!--<script><";
export const SCRIPT_REST = "script><script>window.hacked = 1;\u2028\u202egnp.exe";
const LONG = Array.from({ length: 16 }, (_, index) => `${index}`.padEnd(250, "long")).join("/");

export const HOSTILE_NAMES: readonly string[] = [
	IMAGE,
	`${SCRIPT}/${SCRIPT_REST}`,
	"'onload='alert(1)",
	"{{constructor.constructor('alert(1)')()}}.js",
	"&lt;b&gt;.js",
	"line\nbreak\r\u0000tab\t.js".replace("\0", ""),
	"\u2066isolate\u2069\u200b.js",
	LONG,
];

/** A name whose bytes are not UTF-8. */
export const NOT_UTF8 = Buffer.from([0x66, 0xff, 0xfe, 0x2e, 0x6a, 0x73]);

export function hostileTree(root: string): void {
	makeTree(root, Object.fromEntries(HOSTILE_NAMES.map((name) => [name, name])));
	makeTree(root, { "lib/index.js": "module.exports = 1;\n", "lib/gone.js": "gone\n", "main.js": "main\n" });
}

/** Adds what nobody signed, changes a file, and removes one. */
export function changeTree(root: string): void {
	writeFileSync(join(root, "main.js"), "changed\n");
	rmSync(join(root, "lib/gone.js"));
	writeFileSync(join(root, `${IMAGE}.added`), "added\n");
	writeFileSync(Buffer.concat([Buffer.from(`${root}/`), NOT_UTF8]), "added\n");
	mkdirSync(join(root, "new"));
	writeFileSync(join(root, "new/a.js"), "a\n");
	writeFileSync(join(root, "new/b.js"), "b\n");
}

export function eventLine(event: string, verdict: string, fields: object, second = 0): string {
	const time = new Date(Date.UTC(2026, 0, 31, 12, 0, second)).toISOString();
	return `${JSON.stringify({ time, event, verdict, pid: 7, thread: 0, ...fields })}\n`;
}

/** A log with refusals of hostile names, and a line that a full disk cut. */
export function hostileLog(): string {
	return [
		eventLine("verifier.start", "allow", { mode: "audit", host: "web-1" }, 0),
		...HOSTILE_NAMES.map((path, index) =>
			eventLine("module.open_code", "refuse", { path, rule: "entry", reason: "ERR_FILE_ADDED" }, 40 + index),
		),
		eventLine("child_process.spawn", "refuse", { file: "/bin/sh", reason: "ERR_RUNTIME_RULE" }, 30),
		eventLine("code.string", "audit", { kind: "eval", path: "/srv/app/a.js", reason: "ERR_RUNTIME_RULE" }, 20),
		...Array.from({ length: 30 }, (_, second) =>
			eventLine("module.open_code", "allow", { path: `/srv/app/${second % 3}.js`, rule: "entry" }, second),
		),
		'{"time":"2026-01-31T12:0\n',
	].join("");
}

/** Signs a hostile tree, changes it, and writes one page about it, an index and a log. Returns the page's path. */
export function hostilePage(directory: string, { changed = true } = {}): string {
	const at = (name: string) => join(directory, name);
	const sigtool = runner(directory);
	hostileTree(at("app"));
	makeTree(at("other"), { "a.js": "a\n" });
	for (const tree of ["app", "other"]) expectDone(sigtool(["sign", at(tree)]));
	expectDone(sigtool(["compile", at("other"), "-o", at("other.sigx"), "--allow-development"]));
	if (changed) changeTree(at("app"));
	writeFileSync(at("audit.jsonl"), hostileLog());
	const subjects = [at("app/app.cat"), at("other.sigx"), at("audit.jsonl")];
	expectDone(sigtool(["report", ...subjects, "-o", at("report.html")]), changed ? 1 : 0);
	return at("report.html");
}

function expectDone({ status, stdout, stderr }: ReturnType<ReturnType<typeof runner>>, ...allowed: number[]): void {
	const statuses = allowed.length === 0 ? [0] : allowed;
	if (!statuses.includes(status ?? -1)) throw new Error(`It ended with ${status}: ${stdout}${stderr}`);
}
