/** Shows that V8 compiles the texts which the gate itself has read as they are in their files, whatever the program does. */

import { describe, expect, test } from "vitest";
import { nosuidDirectory } from "../nosuid-directory.js";
import { atEndOfFile } from "../temporary.js";
import { answer as answerOf, KEPT_BYTES } from "./answer.js";
import { hasLauncher } from "./modes.js";
import { type Files, RELEASES, type Release } from "./technique.js";

const scratch = nosuidDirectory(atEndOfFile);
let count = 0;

/** Signs files and runs `main.js` of them under the launcher. Returns what it printed. */
function answer(release: Release, signed: Files, onRefusal: "exit" | "throw" = "exit"): Promise<unknown> {
	return answerOf(`${scratch}/${count++}`, { release, signed, onRefusal });
}

/** Returns the source of a module whose function has the text in it, as often as the size in characters needs. */
function moduleWith(text: string, size: number): string {
	return `module.exports = function () { /* ${text.repeat(Math.ceil(size / text.length))} */ };\n`;
}

const TEXTS = {
	ascii: "only ASCII. ",
	latin1: "Größe und Maß, façade. ",
	wide: "размер и мера ✓ ",
	surrogates: "one 𝒯𝓌ℴ 🙂 three ",
	mixed: `${"a".repeat(2047)}🙂${"b".repeat(2047)}é${"c".repeat(2046)}€`,
};
// The gate reads texts from two kilobytes on, and internalizes those from 65,536 characters on.
const SIZES = { small: 100, medium: 5000, long: 70_000, huge: 1_200_000 };

const modules = Object.fromEntries(
	Object.entries(TEXTS).flatMap(([kind, text]) =>
		Object.entries(SIZES).map(([name, size]) => [`${kind}-${name}.js`, moduleWith(text, size)]),
	),
);

const HELPERS = `
	const { readFileSync, readdirSync } = require("fs");
	const { Worker, isMainThread, parentPort } = require("worker_threads");
	const names = readdirSync(__dirname).filter((name) => name.includes("-"));
	const textOf = (name) => readFileSync(__dirname + "/" + name, "utf8");
	const wrong = () => names.filter((name) => "module.exports = " + require("./" + name) + ";\\n" !== textOf(name));
	${KEPT_BYTES}
	const before = keptBytes();`;

/** The bytes of the characters in memory: V8 needs two for each if one of them is not Latin-1. */
function bytesInMemory(text: string): number {
	return /[\u0100-\uffff]/.test(text) ? 2 * text.length : text.length;
}
const leastKept = Object.values(modules)
	.filter((text) => Buffer.byteLength(text) >= 2048)
	.reduce((sum, text) => sum + bytesInMemory(text), 0);

describe.skipIf(!hasLauncher || process.arch !== "x64").each(RELEASES)("Node.js %i", (release) => {
	test("compiles texts of every length and of all characters as they are in their files", async () => {
		const { wrong, kept } = (await answer(release, {
			...modules,
			"main.js": `${HELPERS} console.log(JSON.stringify({ wrong: wrong(), kept: keptBytes() - before }));`,
		})) as { wrong: string[]; kept: number };
		expect(wrong).toEqual([]);
		// Only main.js and a page for each text are kept besides. Without the hook of its thread, Node.js 20 has none.
		expect(kept).toBeGreaterThan(leastKept);
		expect(kept).toBeLessThan(leastKept + (1 << 20));
	});

	test("keeps a text once, for all threads and all that load it again", async () => {
		const results = (await answer(release, {
			...modules,
			"main.js": `${HELPERS}
				const load = () => {
					for (const file of Object.keys(require.cache)) delete require.cache[file];
					return wrong();
				};
				if (!isMainThread) return parentPort.postMessage(load());
				const first = [load(), keptBytes() > before];
				const kept = keptBytes();
				for (let i = 0; i < 3; i++) load();
				new Worker(__filename).once("message", (wrong) => {
					console.log(JSON.stringify([...first, wrong, keptBytes() - kept]));
				});`,
		})) as unknown[];
		// V8 of Node.js 26 has a page of this kind for each thread.
		expect(results).toEqual([[], true, [], expect.any(Number)]);
		expect(results[3]).toBeLessThanOrEqual(1 << 16);
	});

	test("keeps a long text out of the heaps of threads with little memory, also if all load it at once", async () => {
		const results = await answer(release, {
			"long.js": moduleWith(TEXTS.ascii, 12 << 20),
			"main.js": `${HELPERS}
				if (!isMainThread) return parentPort.postMessage(typeof require("./long.js"));
				const results = [];
				for (let i = 0; i < 6; i++)
					new Worker(__filename, { resourceLimits: { maxOldGenerationSizeMb: 12 } })
						.on("message", (type) => results.push(type))
						.on("error", ({ code }) => results.push(code));
				process.on("exit", () => console.log(JSON.stringify(results)));`,
		});
		expect(results).toEqual(Array(6).fill("function"));
	});

	test("compiles texts that the program has used as names of members, before or afterwards", async () => {
		const results = await answer(release, {
			...modules,
			"main.js": `${HELPERS}
				const members = {};
				// A text of more than a million characters is the documented exception.
				const short = names.filter((name) => textOf(name).length < 1e6);
				for (const name of short.slice(0, 8)) members[textOf(name)] = name;
				const differing = wrong().length;
				for (const name of names) members[textOf(name)] = name;
				for (const file of Object.keys(require.cache)) delete require.cache[file];
				const functions = names.map((name) => {
					const text = require("./" + name).toString();
					members["module.exports = " + text + ";\\n"] += "!";
					return require("./" + name) + "";
				});
				console.log(JSON.stringify([differing, wrong(), Object.keys(members).length, new Set(functions).size]));`,
		});
		const total = new Set(Object.values(modules)).size;
		expect(results).toEqual([0, [], total, total]);
	});

	test("tells many texts apart, and keeps each", async () => {
		const numbers = [...Array(500).keys()];
		const signed = Object.fromEntries(
			numbers.map((number) => [`${number}.js`, `module.exports = ${number}; // ${TEXTS.ascii.repeat(200)}\n`]),
		);
		const [results, kept] = (await answer(release, {
			...signed,
			"main.js": `${HELPERS}
				const results = [...Array(${numbers.length}).keys()].map((number) => require("./" + number + ".js"));
				console.log(JSON.stringify([results, keptBytes() - before]));`,
		})) as [number[], number];
		expect(results).toEqual(numbers);
		expect(kept).toBeGreaterThanOrEqual(numbers.length * 4096);
	});

	test("runs no code of the program while it reads a file", async () => {
		const results = await answer(release, {
			"text.js": moduleWith(TEXTS.ascii, SIZES.medium),
			"long.js": moduleWith(TEXTS.ascii, SIZES.long),
			// The hook has read no text for the gate before this one, because it is short.
			"main.js": `
				const calls = [];
				const long = require("fs").readFileSync(__dirname + "/long.js", "utf8");
				for (const name of ["sigtool-gate", "\\u2713sigtool-gat", long])
					Object.defineProperty(Object.prototype, name, {
						set() {
							calls.push(name.length);
							throw new Error("thrown by the program");
						},
					});
				console.log(JSON.stringify([require("./text.js").name, require("./long.js").name, calls]));`,
		});
		expect(results).toEqual(["", "", []]);
	});

	test("keeps no text that is not signed", async () => {
		const results = await answer(
			release,
			{
				"main.js": `${HELPERS}
				require("fs").writeFileSync(process.argv[2] + "/text.js", "//" + "-".repeat(1e6));
				let code;
				try {
					require(process.argv[2] + "/text.js");
				} catch (error) {
					code = error.code;
				}
				console.log(JSON.stringify([code, keptBytes() - before]));`,
			},
			"throw",
		);
		expect(results).toEqual(["ERR_UNTRUSTED_CODE", expect.any(Number)]);
		// Only main.js itself, and a page of V8, may come in between.
		expect((results as [string, number])[1]).toBeLessThanOrEqual(1 << 16);
	});

	test("loads files also if the program has already used the texts by which the gate learns about V8", async () => {
		const results = await answer(release, {
			...modules,
			// The hook has read no text for the gate before, because this one is short.
			"main.js": `
				globalThis.members = { "sigtool-gate": 1, "\\u2713sigtool-gat": 2 };
				console.log(JSON.stringify(require("./helpers.js")));`,
			"helpers.js": `${HELPERS} module.exports = wrong();`,
		});
		expect(results).toEqual([]);
	});

	test("keeps no text where an ArrayBuffer was, to which a socket may still write", async () => {
		const results = await answer(release, {
			"gc.js": "gc",
			"text.js": moduleWith(TEXTS.ascii, SIZES.medium),
			"main.js": `
				const fs = require("fs");
				require("v8").setFlagsFromString("--expose-gc");
				const gc = require("vm").runInNewContext("gc", {}, { filename: __dirname + "/gc.js" });
				const ranges = (pattern) => fs.readFileSync("/proc/self/maps", "latin1").split("\\n")
					.filter((line) => pattern.test(line)).map((line) => line.match(/[0-9a-f]+/g).slice(0, 2).map((at) => parseInt(at, 16)));
				const size = 4e8;
				let memory = new ArrayBuffer(size);
				const [[first, end]] = ranges(/ rw-p 0+ 00:00 0/).filter(([first, end]) => end - first >= size);
				structuredClone(memory, { transfer: [memory] });
				memory = undefined;
				for (let i = 0; i < 4; i++) gc();
				// The range may have become longer.
				const isTaken = ranges(/ rw-p /).some(([at, behind]) => at <= first && end <= behind);
				const { name } = require("./text.js");
				const kept = ranges(/ r--p 0+ 00:00 0 *$/).filter(([at]) => at >= first && at < end);
				console.log(JSON.stringify([isTaken, name, kept]));`,
		});
		expect(results).toEqual([true, "", []]);
	});

	test("gives back the memory that it used for a large file", async () => {
		const size = 20 << 20;
		const results = (await answer(release, {
			"large.js": moduleWith(TEXTS.ascii, size),
			"main.js": `
				const rss = () => Number(/VmRSS:\\s+(\\d+)/.exec(require("fs").readFileSync("/proc/self/status", "latin1"))[1]) * 1024;
				const load = () => {
					delete require.cache[require.resolve("./large.js")];
					require("./large.js");
					return rss();
				};
				const before = rss();
				console.log(JSON.stringify([load() - before, load() - before]));`,
		})) as number[];
		expect(results[0]).toBeGreaterThan(size);
		expect(results[1]).toBeLessThan(1.5 * size);
	});
});
