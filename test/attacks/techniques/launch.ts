/**
 * These techniques attack the start: the script path, the launch record and the configuration. Others write memory
 * through the file system.
 */

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { DATA, EVIL, type Technique, withData } from "../technique.js";

/**
 * Returns a program that finds in memory the text of a function which V8 has not compiled yet, and overwrites this
 * text.
 */
const OVERWRITES = (path: string) => `const fs = require("fs");
function lazy() { return "${"-".repeat(EVIL.length)}"; }
const evil = fs.readFileSync(process.argv[2] + "/evil.txt", "latin1").trim();
const before = Buffer.from('return "' + "-".repeat(${EVIL.length}) + '"', "latin1");
const after = Buffer.from(evil.padEnd(before.length), "latin1");
const memory = fs.openSync(${path}, "r+");
const bytes = Buffer.alloc(1 << 20);
const step = bytes.length - before.length;
for (let pass = 0; pass < 5 && String(lazy).includes("---"); pass++)
  for (const line of fs.readFileSync("/proc/self/maps", "latin1").split("\\n")) {
    const [range, mode] = line.split(" ");
    if (!mode?.startsWith("rw")) continue;
    const [start, end] = range.split("-").map((hex) => Number.parseInt(hex, 16));
    for (let from = start; from < end; from += step) {
      let length = 0;
      try { length = fs.readSync(memory, bytes, 0, Math.min(bytes.length, end - from), from); } catch { break; }
      for (let at = bytes.indexOf(before); at >= 0 && at + before.length <= length; at = bytes.indexOf(before, at + 1))
        fs.writeSync(memory, after, 0, after.length, from + at);
    }
  }
lazy();`;

/** Makes a technique that overwrites memory in a worker, because the heap of a worker is small enough for a search. */
const memory = (name: string, path: string): Technique => ({
	name: `memory by ${name}`,
	signed: {
		"main.js": `${DATA}new (require("worker_threads").Worker)(__dirname + "/inner.js", { argv: [data], execArgv: [] });`,
		"inner.js": OVERWRITES(path),
	},
});

export const launch: readonly Technique[] = [
	withData("unsigned script", "", { script: ({ data }) => [`${data}/evil.js`] }),
	withData("unsigned script by path traversal", "", {
		script: ({ app, data }) => [`${app}/${"../".repeat(20)}${data.slice(1)}/evil.js`],
	}),
	withData("unsigned script by a link", "", {
		arrange: ({ data }) => symlinkSync("evil.js", `${data}/main.js`),
		script: ({ data }) => [`${data}/main.js`],
	}),
	withData("unsigned script by a link in the signed tree", "", {
		arrange: ({ app, data }) => symlinkSync(`${data}/evil.js`, `${app}/start.js`),
		script: ({ app }) => [`${app}/start.js`],
	}),
	withData("unsigned directory as the script", "", {
		arrange: ({ data }) => {
			mkdirSync(`${data}/start`);
			writeFileSync(`${data}/start/package.json`, `{"main":"../evil.js"}`);
		},
		script: ({ data }) => [`${data}/start`],
	}),
	withData("unsigned script without its extension", "", { script: ({ data }) => [`${data}/evil`] }),
	withData("unsigned script after --", "", { script: ({ data }) => ["--", `${data}/evil.js`] }),
	withData("unsigned script in the working directory", "", {
		arrange: ({ app }) => writeFileSync(`${app}/relative.js`, EVIL),
		script: () => ["relative.js"],
	}),
	withData("script by a descriptor", "", {
		script: () => ["/proc/self/fd/0"],
		input: ({ data }) => `${data}/evil.js`,
	}),
	withData("signed file that is no program as the script", "", {
		signed: { "main.js": "0;", "migrations/drop.js": EVIL },
		changed: { "package.json": `{"main":"migrations/drop.js"}` },
		script: ({ app }) => [app],
	}),
	withData("launch record forged in the environment", `require(data + "/evil.js");`, {
		environment: ({ data }) => ({ SIGTOOL_LAUNCH: "3:4", SIGTOOL_INDEX: `${data}/index` }),
		through: ({ data }) => [
			"sh",
			"-c",
			`printf 'version 1\\nmode off\\ndevelopment allow\\n' > '${data}/record'; exec 3<'${data}/record' 4<'${data}/record'; exec "$@"`,
			"sh",
		],
	}),
	withData("configuration forged in the home directory", `require(data + "/evil.js");`, {
		arrange: ({ data }) => {
			mkdirSync(`${data}/sigtool`);
			writeFileSync(`${data}/sigtool/verifier.json`, JSON.stringify({ version: 1, mode: "off" }));
			mkdirSync(`${data}/.config/sigtool`, { recursive: true });
			writeFileSync(`${data}/.config/sigtool/verifier.json`, JSON.stringify({ version: 1, mode: "off" }));
		},
		environment: ({ data }) => ({ HOME: data, XDG_CONFIG_HOME: data, SIGTOOL_MODE: "off" }),
	}),
	withData(
		"launch record written to",
		`const fs = require("fs");
for (const fd of [3, 4, 5]) for (const file of ["/proc/self/fd/" + fd]) try { if (fs.readlinkSync(file).includes("memfd")) fs.writeFileSync(file, "version 1\\nmode off\\n"); } catch {}
for (const fd of [3, 4, 5]) try { if (fs.readlinkSync("/proc/self/fd/" + fd).includes("memfd")) fs.writeSync(fd, "version 1\\nmode off\\n", 0); } catch {}
require(data + "/evil.js");`,
	),
	memory("/proc/self/mem", `"/proc/self/mem"`),
	memory("/proc/thread-self/mem", `"/proc/thread-self/mem"`),
	memory("the process's number", "`/proc/${process.pid}/mem`"),
	memory("the first thread", "`/proc/self/task/${process.pid}/mem`"),
];
