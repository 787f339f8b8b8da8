/**
 * Shows that a program can make threads while its other threads load files. For as long as one thread asks the kernel if
 * a file may be executed, the kernel refuses every other thread that the process makes.
 */

import { chmodSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nosuidDirectory } from "../nosuid-directory.js";
import { atEndOfFile } from "../temporary.js";
import { answer } from "./answer.js";
import { hasLauncher } from "./modes.js";
import { RELEASES } from "./technique.js";

const scratch = nosuidDirectory(atEndOfFile);
let count = 0;

describe.skipIf(!hasLauncher || process.arch !== "x64").each(RELEASES)("Node.js %i", (release) => {
	test("starts many workers at once", async () => {
		const results = await answer(`${scratch}/${count++}`, {
			release,
			signed: {
				"main.js": `
					const { Worker, isMainThread } = require("worker_threads");
					if (!isMainThread) process.exit(7);
					const statuses = [];
					for (let i = 0; i < 40; i++)
						new Worker(__filename).once("exit", (status) => {
							statuses.push(status);
							if (statuses.length === 40) console.log(JSON.stringify(statuses));
						});`,
			},
		});
		expect(results).toEqual(Array(40).fill(7));
	});

	test("starts workers while others load executable files all the time", async () => {
		const results = await answer(`${scratch}/${count++}`, {
			release,
			beside: ({ app }) => {
				chmodSync(`${app}/executable.js`, 0o755);
				return () => {};
			},
			signed: {
				"executable.js": "module.exports = 42;",
				"main.js": `
					const { Worker, workerData } = require("worker_threads");
					const file = require.resolve("./executable.js");
					while (workerData === "loads") {
						delete require.cache[file];
						require(file);
					}
					if (workerData === "ends") process.exit(7);
					const statuses = [];
					const next = () => {
						if (statuses.length < 12)
							return new Worker(__filename, { workerData: "ends" }).once("exit", (status) => {
								statuses.push(status);
								next();
							});
						console.log(JSON.stringify(statuses));
						process.exit();
					};
					let loading = 0;
					for (let i = 0; i < 3; i++)
						new Worker(__filename, { workerData: "loads" }).once("online", () => ++loading === 3 && next());`,
			},
		});
		expect(results).toEqual(Array(12).fill(7));
	});
});
