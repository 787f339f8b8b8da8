/** Shows that the gate compiles a long file as it was signed, whatever happens while it reads and digests the file. */

import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { spawn, spawnSync } from "../outside.js";
import { atEndOfFile } from "../temporary.js";
import { answer, KEPT_BYTES } from "./answer.js";
import { hasLauncher } from "./modes.js";
import { type Files, type Place, RELEASES } from "./technique.js";

const scratch = nosuidDirectory(atEndOfFile);
let count = 0;
const newRoot = () => `${scratch}/${count++}`;

// A second thread digests texts from 1 MiB on, while the gate reads them in parts of 128 KiB.
const LONG = 1 << 20;
const PART = 128 << 10;
const LINE = `// ${"-".repeat(60)}\n`;

/** Returns a module of more than 1 MiB whose function, called later, returns both texts. */
function longModule(first: string, last: string): string {
	const begin = `const first = () => "${first}";\nmodule.exports = first;\n`;
	return `${begin}${LINE.repeat(24_000)}module.exports = () => first() + "${last}";\n`;
}

const SIGNED = longModule("signed, ", "whole");

/** Each of these files is read once by the gate, and then known. */
const RACED = Object.fromEntries(
	[...Array(10).keys()].map((number) => [`long-${number}.js`, `${SIGNED}// ${number}\n`]),
);

/** Rewrites, cuts and restores the file that the program names, part by part, until it is killed. */
const REWRITER = `
	const fs = require("fs");
	const [app, data] = process.argv.slice(1);
	const write = (descriptor, text) => {
		for (let at = 0; at < text.length; at += ${PART / 2})
			fs.writeSync(descriptor, text.slice(at, at + ${PART / 2}), at, "latin1");
		fs.ftruncateSync(descriptor, text.length);
	};
	const others = [
		(text) => text.replace("signed, ", "other!, "),
		(text) => text.replace("whole", "other"),
		(text) => text.slice(0, text.length / 2 - ((text.length / 2) % ${LINE.length})) + "\\n",
	];
	const signed = new Map();
	for (let i = 0; ; i++) {
		const name = fs.readFileSync(data + "/current", "latin1");
		if (name === "") continue;
		const file = app + "/" + name;
		if (!signed.has(name)) signed.set(name, fs.readFileSync(file, "latin1"));
		const descriptor = fs.openSync(file, "r+");
		write(descriptor, others[i % others.length](signed.get(name)));
		write(descriptor, signed.get(name));
		fs.closeSync(descriptor);
	}`;

function rewrite({ app, data }: Place): () => void {
	writeFileSync(`${data}/current`, "");
	const child = spawn(process.execPath, ["-e", REWRITER, app, data], { stdio: "inherit" });
	return () => child.kill("SIGKILL");
}

/** Loads each file several times in three threads at once, and prints how often it got which text or error in each. */
const LOADS_IN_THREADS = `
	const { Worker, isMainThread, parentPort } = require("worker_threads");
	const { readdirSync, writeFileSync } = require("fs");
	const names = readdirSync(__dirname).filter((name) => name.startsWith("long-"));
	const load = () => {
		const functions = [];
		for (const name of names) {
			if (isMainThread) writeFileSync(process.argv[2] + "/current", name);
			for (let i = 0; i < 8; i++) {
				delete require.cache[__dirname + "/" + name];
				try {
					functions.push(require("./" + name));
				} catch (error) {
					functions.push(() => error.code ?? error.name);
				}
			}
		}
		const sums = {};
		for (const one of functions) sums[one()] = (sums[one()] ?? 0) + 1;
		return sums;
	};
	if (!isMainThread) parentPort.postMessage(load());
	else {
		const all = [];
		const take = (sums) => {
			all.push(sums);
			if (all.length === 3) console.log(JSON.stringify(all));
		};
		for (let i = 0; i < 2; i++) new Worker(__filename).once("message", take);
		take(load());
	}`;

/** Returns a signed program that says when it has begun, waits, and then prints what `expression` gives. */
function waiting(expression: string): string {
	return `
		const fs = require("fs");
		const data = process.argv[2];
		${KEPT_BYTES}
		fs.writeFileSync(data + "/pid.new", String(process.pid));
		fs.renameSync(data + "/pid.new", data + "/pid");
		while (!fs.existsSync(data + "/go")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
		${expression}`;
}

/** Calls `act` with the process id of a program of waiting(), and then lets the program go on. */
function whileWaiting({ data }: Place, act: (pid: string) => void): () => void {
	chmodSync(data, 0o777);
	const timer = setInterval(() => {
		if (!existsSync(`${data}/pid`)) return;
		clearInterval(timer);
		act(readFileSync(`${data}/pid`, "utf8"));
		writeFileSync(`${data}/go`, "");
	}, 10);
	return () => clearInterval(timer);
}

const HEAD = "module.exports = function () { /* ";
const TAIL = " */ };\n";

/** Returns a module of this size in bytes, with some bytes at this offset. */
function moduleOf(size: number, offset = HEAD.length, bytes: Uint8Array = Buffer.of()): Buffer {
	const content = Buffer.alloc(size, "a");
	content.write(HEAD);
	content.write(TAIL, size - TAIL.length);
	content.set(bytes, offset);
	return content;
}

const WELL_FORMED = { latin1: "é", wide: "€", surrogates: "🙂" };
const MALFORMED = { byte: Buffer.of(0xff), cut: Buffer.of(0xe2, 0x82), surrogate: Buffer.of(0xed, 0xa0, 0x80) };
// The character lies in the first part, on the border of two parts, at the end of the last whole part, and at the end.
const OFFSETS = [5000, PART - 1, PART, LONG - 2, LONG + 5];
const SIZE = LONG + 5 + 4 + TAIL.length;

function modulesWith(texts: Readonly<Record<string, string | Uint8Array>>): Files {
	return Object.fromEntries(
		Object.entries(texts).flatMap(([name, text]) =>
			OFFSETS.map((offset) => [`${name}-${offset}.js`, moduleOf(SIZE, offset, Buffer.from(text as string))]),
		),
	);
}

const READABLE: Files = {
	...modulesWith(WELL_FORMED),
	...Object.fromEntries(
		[LONG - 1, LONG, LONG + 1, LONG + PART - 1, LONG + PART].map((size) => [`size-${size}.js`, moduleOf(size)]),
	),
	"mark-ascii.js": Buffer.concat([Buffer.from("\ufeff"), moduleOf(LONG)]),
	"mark-wide.js": Buffer.concat([Buffer.from("\ufeff"), moduleOf(LONG, LONG - 20, Buffer.from("€"))]),
};
const UNREADABLE: Files = {
	...modulesWith(MALFORMED),
	"utf-16.js": Buffer.from(`\ufeff${moduleOf(LONG)}`, "utf16le"),
	"utf-16-big-endian.js": Buffer.from(`\ufeff${moduleOf(LONG)}`, "utf16le").swap16(),
};

const isRoot = process.getuid?.() === 0;
const ANY_USER = ["setpriv", "--reuid=61234", "--regid=61234", "--clear-groups"];

describe.skipIf(!hasLauncher || process.arch !== "x64").each(RELEASES)("Node.js %i", (release) => {
	test("compiles the signed text or none, while another process rewrites, cuts and restores the file", async () => {
		const load = async (mode: "unguarded" | "enforce") => {
			const signed = { ...RACED, "main.js": LOADS_IN_THREADS };
			const results = await answer(newRoot(), { release, mode, onRefusal: "throw", signed, beside: rewrite });
			return Object.assign({}, ...(results as object[])) as Record<string, number>;
		};
		const plain = Object.keys(await load("unguarded"));
		expect(plain.filter((text) => text !== "signed, whole")).not.toEqual([]);
		const guarded = Object.keys(await load("enforce"));
		expect(["ERR_UNTRUSTED_CODE", "signed, whole"]).toEqual(expect.arrayContaining(guarded));
	});

	test("compiles every character of a long text, wherever it lies", async () => {
		const results = await answer(newRoot(), {
			release,
			signed: {
				...READABLE,
				"main.js": `
					const { readFileSync, readdirSync } = require("fs");
					const names = readdirSync(__dirname).filter((name) => name.includes("-"));
					const textOf = (name) => readFileSync(__dirname + "/" + name, "utf8").replace(/^\\ufeff/, "");
					const wrong = names.filter((name) => "module.exports = " + require("./" + name) + ";\\n" !== textOf(name));
					console.log(JSON.stringify([names.length, wrong]));`,
			},
		});
		expect(results).toEqual([Object.keys(READABLE).length, []]);
	});

	test("refuses a long text that is not UTF-8, and keeps none of it", async () => {
		const [codes, kept] = (await answer(newRoot(), {
			release,
			onRefusal: "throw",
			signed: {
				...UNREADABLE,
				"main.js": `
					const fs = require("fs");
					${KEPT_BYTES}
					const before = keptBytes();
					const codes = {};
					for (const name of fs.readdirSync(__dirname).filter((name) => name.includes("-"))) {
						try {
							require("./" + name);
							codes[name] = "compiled";
						} catch (error) {
							codes[name] = error.code;
						}
					}
					console.log(JSON.stringify([codes, keptBytes() - before]));`,
			},
		})) as [Record<string, string>, number];
		expect(codes).toEqual(Object.fromEntries(Object.keys(UNREADABLE).map((name) => [name, "ERR_RUNTIME_RULE"])));
		expect(kept).toBeLessThanOrEqual(1 << 16);
	});

	test.skipIf(!isRoot)("keeps long texts also where the system refuses one more thread (needs root)", async () => {
		const node = `${scratch}/node-${release}`;
		copyFileSync(nodeOfRelease(String(release)), node); // the other user cannot read the original
		const [code, texts, kept] = (await answer(newRoot(), {
			release,
			node,
			through: ANY_USER,
			beside: (place) =>
				whileWaiting(place, (pid) => {
					const limit = [...ANY_USER.slice(1), "prlimit", `--pid=${pid}`, "--nproc=1:1"];
					expect(spawnSync("setpriv", limit).status).toBe(0);
				}),
			signed: {
				"ascii.js": longModule("as", "cii"),
				"latin1.js": longModule("", "é"),
				"wide.js": longModule("€", ""),
				"main.js": waiting(`
					let code;
					try {
						new (require("worker_threads").Worker)(__filename);
					} catch (error) {
						code = error.code;
					}
					const before = keptBytes();
					const texts = ["ascii", "latin1", "wide"].map((name) => escape(require("./" + name + ".js")()));
					console.log(JSON.stringify([code, texts, keptBytes() - before]));`),
			},
		})) as [string, string[], number];
		expect([code, texts]).toEqual(["ERR_WORKER_INIT_FAILED", ["ascii", "%E9", "%u20AC"]]);
		expect(kept).toBeGreaterThanOrEqual(4 * SIGNED.length);
	});

	test("digests long texts while signals arrive", async () => {
		let ender = () => {};
		const [texts, signals] = (await answer(newRoot(), {
			release,
			beside: (place) => {
				const end = whileWaiting(place, (pid) => {
					const pause = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.2)";
					const storm = `for (;;) { process.kill(${pid}, "SIGUSR2"); ${pause}; }`;
					const child = spawn(process.execPath, ["-e", storm], { stdio: "ignore" });
					ender = () => child.kill("SIGKILL");
				});
				return () => {
					end();
					ender();
				};
			},
			signed: {
				"long.js": SIGNED,
				"main.js": waiting(`
					let signals = 0;
					process.on("SIGUSR2", () => signals++);
					const texts = new Set();
					const file = require.resolve("./long.js");
					const load = () => {
						for (let i = 0; i < 100; i++) {
							delete require.cache[file];
							texts.add(require(file)());
						}
						setTimeout(() => {
							if (signals === 0) return load();
							console.log(JSON.stringify([[...texts], signals]));
							process.exit();
						}, 50);
					};
					load();`),
			},
		})) as [string[], number];
		expect(texts).toEqual(["signed, whole"]);
		expect(signals).toBeGreaterThan(0);
	});
});
