/**
 * Records a terminal: sign, verify, change one byte, verify, run. Writes docs/recordings/one-changed-byte.cast, an
 * asciicast of version 2, and the same text into docs/README.md. Every line is the output of a command that really ran.
 * Pin, sequence, user, host and time differ from run to run, so each has a fixed value in the recording, and the moments
 * of the lines follow a schedule.
 *
 * Usage: `node scripts/docs/record.mjs [--check]`, after a build. With --check nothing is written, and the exit status is
 * 1 if the recording is stale.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./pages.mjs";
import { RECORDING_REGION, readCast, textOf } from "./recordings.mjs";

const NAME = "one-changed-byte";
const CAST = join(root, "docs/recordings", `${NAME}.cast`);
const DOCUMENT = join(root, "docs/README.md");
const PROGRAM = fileURLToPath(new URL("../../packages/cli/dist/main.cjs", import.meta.url));

/** The files of the program that is signed. */
const FILES = {
	"app/package.json": '{ "type": "module" }\n',
	"app/main.js": 'import { greet } from "./lib/greet.js";\n\nconsole.log(greet("Ada"));\n',
	"app/lib/greet.js": 'export const greet = (name) => "hello " + name;\n',
};
/** Each command with the exit status that it must have. */
const COMMANDS = [
	["sigtool sign ./app", 0],
	["sigtool run --allow-development ./app/main.js", 0],
	["sed -i s/hello/Hello/ app/lib/greet.js", 0],
	["sigtool verify ./app", 1],
	["sigtool run --allow-development ./app/main.js", 126],
];
/** Values that differ from run to run, and what the recording says in their place. */
const FIXED = [
	[/\b[0-9a-f]{64}\b/g, "fd71e30a6287266a7882036d7e96455c0593017346e41896787a04391e57ca2a"],
	[/\bsequence \d+/g, "sequence 1795577496"],
	[/\(\S+@[^\s)]+\)/g, "(ada@laptop)"],
	[/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "2026-11-25T03:31:39Z"],
];
const SECONDS = { perWord: 0.25, beforeOutput: 0.3, perLine: 0.06, afterOutput: 1.4 };

const cast = castOf(record());
const document = readFileSync(DOCUMENT, "utf8").replace(RECORDING_REGION, (written, begin, name, end) =>
	name === NAME ? `${begin}${textOf(readCast(cast))}${end}` : written,
);
if (process.argv.includes("--check")) check();
else {
	mkdirSync(join(root, "docs/recordings"), { recursive: true });
	writeFileSync(CAST, cast);
	writeFileSync(DOCUMENT, document);
}

function check() {
	for (const [path, text] of [
		[CAST, cast],
		[DOCUMENT, document],
	]) {
		if (readFileSync(path, "utf8") === text) continue;
		console.error(`"${path}" is stale: run pnpm docs:recording`);
		process.exitCode = 1;
	}
}

/** Runs the commands in a new folder and returns each with its output. */
function record() {
	const folder = mkdtempSync(join(tmpdir(), "sigtool-recording-"));
	try {
		for (const name of ["app/lib", "bin", "home"]) mkdirSync(join(folder, name), { recursive: true });
		for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
		const script = `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`;
		writeFileSync(join(folder, "bin/sigtool"), script, { mode: 0o755 });
		const env = {
			PATH: `${join(folder, "bin")}:${process.env.PATH}`,
			HOME: join(folder, "home"),
			TMPDIR: tmpdir(),
			LANG: "C.UTF-8",
			NO_COLOR: "1",
		};
		return COMMANDS.map(([command, expected]) => ({ command, output: run(command, expected, { cwd: folder, env }) }));
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function run(command, expected, options) {
	const { status, stdout } = spawnSync("sh", ["-c", `${command} 2>&1`], { ...options, encoding: "utf8" });
	if (status !== expected)
		throw new Error(`Cannot record: "${command}" ended with ${status} and not ${expected}:\n${stdout}`);
	return FIXED.reduce((text, [pattern, fixed]) => text.replace(pattern, fixed), stdout);
}

function castOf(commands) {
	const events = [];
	let time = 0;
	const write = (text, seconds) => {
		events.push([Number(time.toFixed(2)), "o", text]);
		time += seconds;
	};
	for (const { command, output } of commands) {
		write("$ ", SECONDS.perWord);
		for (const word of command.split(/(?= )/)) write(word, SECONDS.perWord);
		write("\r\n", SECONDS.beforeOutput);
		for (const line of output.split("\n").slice(0, -1)) write(`${line}\r\n`, SECONDS.perLine);
		time += SECONDS.afterOutput;
	}
	const width = Math.max(
		...textOf(events)
			.split("\n")
			.map((line) => line.length),
	);
	const header = { version: 2, width, height: 30, title: "One changed byte: verify fails, run refuses" };
	return [header, ...events].map((line) => `${JSON.stringify(line)}\n`).join("");
}
