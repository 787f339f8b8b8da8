#!/usr/bin/env node
/**
 * Prints metrics of launched services in the text format of Prometheus, for the textfile collector of node_exporter:
 *
 *   metrics.mjs [--prefix DIR --events FILE]… > sigtool.prom.new && mv sigtool.prom.new sigtool.prom
 *
 * Each --prefix is an installed launcher, and --events the file of its events. Run it as root, every minute.
 */

import { spawnSync } from "node:child_process";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const { values } = parseArgs({
	options: {
		prefix: { type: "string", multiple: true, default: ["/usr/lib/sigtool"] },
		events: { type: "string", multiple: true, default: ["/var/log/sigtool/audit.jsonl"] },
	},
});

const METRICS = {
	sigtool_check_findings: ["gauge", "Findings of sigtool launcher check."],
	sigtool_installed_mode: ["gauge", "The weakest mode of the installed launcher."],
	sigtool_events: ["counter", "Events in the present file, by verdict. Starts again when the file is rotated."],
	sigtool_events_dropped: ["counter", "Events that were not written."],
	sigtool_events_unreadable: ["counter", "Lines that are no events."],
	sigtool_last_start_seconds: ["gauge", "Time of the last start, by its mode and verdict."],
	sigtool_last_refusal_seconds: ["gauge", "Time of the last refusal."],
};

const samples = [];
for (const [i, prefix] of values.prefix.entries()) {
	check(prefix);
	readMode(prefix);
	const file = values.events[i];
	if (file !== undefined && existsSync(file)) await count(prefix, file);
}
for (const [name, [type, help]] of Object.entries(METRICS)) {
	console.log(`# HELP ${name} ${help}\n# TYPE ${name} ${type}`);
	for (const sample of samples.filter((each) => each.name === name)) console.log(sample.line);
}

function add(name, labels, value) {
	const shown = Object.entries(labels).map(([key, text]) => `${key}="${String(text).replace(/[\\"\n]/g, "_")}"`);
	samples.push({ name, line: `${name}{${shown.join(",")}} ${value}` });
}

/** A check that says nothing, because sigtool is missing or ends early, counts as one wrong finding. */
function check(prefix) {
	const { stdout } = spawnSync("sigtool", ["launcher", "check", "--json", "--prefix", prefix], { encoding: "utf8" });
	let findings = [{ status: "wrong" }];
	try {
		({ findings } = JSON.parse(stdout));
	} catch {}
	for (const status of ["ok", "note", "wrong"]) {
		add("sigtool_check_findings", { prefix, status }, findings.filter((each) => each.status === status).length);
	}
}

/** Mode off of Node.js writes no event, so launcher.conf has to tell. */
function readMode(prefix) {
	const file = join(prefix, "launcher.conf");
	const [, mode] = (existsSync(file) ? /^mode (\w+)$/m.exec(readFileSync(file, "utf8")) : null) ?? [];
	if (mode !== undefined) add("sigtool_installed_mode", { prefix, mode }, 1);
}

/** The program can write to its file of events, so a line may be anything. */
function parsed(line) {
	try {
		const event = JSON.parse(line);
		return typeof event === "object" && event !== null ? event : undefined;
	} catch {
		return undefined;
	}
}

async function count(prefix, file) {
	const verdicts = new Map([
		["allow", 0],
		["record", 0],
		["audit", 0],
		["refuse", 0],
	]);
	let dropped = 0;
	let unreadable = 0;
	let start;
	// The latest counts, so that a line with an older time hides nothing.
	let refused = Number.NaN;
	for await (const line of createInterface({ input: createReadStream(file) })) {
		const event = parsed(line);
		if (event === undefined) {
			unreadable++;
			continue;
		}
		verdicts.set(event.verdict, (verdicts.get(event.verdict) ?? 0) + 1);
		if (event.event === "verifier.dropped") dropped += Number(event.count);
		if (event.event === "verifier.start") start = event;
		if (event.verdict === "refuse" && (Number.isNaN(refused) || secondsOf(event) > refused)) refused = secondsOf(event);
	}
	for (const verdict of ["allow", "record", "audit", "refuse"])
		add("sigtool_events", { prefix, verdict }, verdicts.get(verdict));
	add("sigtool_events_dropped", { prefix }, dropped);
	add("sigtool_events_unreadable", { prefix }, unreadable);
	if (start !== undefined) {
		const { mode = "unknown", verdict } = start;
		add("sigtool_last_start_seconds", { prefix, mode, verdict }, secondsOf(start));
	}
	if (!Number.isNaN(refused)) add("sigtool_last_refusal_seconds", { prefix }, refused);
}

function secondsOf({ time }) {
	return Date.parse(time) / 1000;
}
