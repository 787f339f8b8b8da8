/** Learns policies of real programs: eslint over a project, and express under load. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasLauncher } from "../launcher.js";
import { addressOf, LearnedRun, requireLearned, type Use, untilEnd } from "../learned-run.js";
import { type ChildProcess, spawnSync } from "../outside.js";
import { installedPackages } from "./install.mjs";
import { copyApplications } from "./signed-tree.js";

const installed = process.platform === "linux" && hasLauncher ? installedPackages("programs") : undefined;

/** These packages belong to other programs. Without them there are half as many files to sign. */
const OTHERS = [
	"@babel",
	"@types",
	"better-sqlite3",
	"core-js-compat",
	"lodash-es",
	"prettier",
	"typescript",
	"webpack",
];

/** The number of requests, and of clients that send them at the same time. */
const [REQUESTS, CLIENTS] = [2000, 20];

/** Sends many requests to the server, ends it, and returns the answers, each once. */
const load: Use = async (child: ChildProcess) => {
	const origin = await addressOf(child);
	const answers = new Set<string>();
	let sent = 0;
	const client = async () => {
		while (sent < REQUESTS) {
			const kind = sent++ % 4;
			const json = { method: "POST", body: "[1, 2, 3]", headers: { "content-type": "application/json" } };
			const path = ["/greeting/world", "/sum", "/files/shapes.js", "/nothing"][kind];
			const response = await fetch(origin + path, kind === 1 ? json : {});
			answers.add(`${path} ${response.status} ${(await response.text()).length}`);
		}
	};
	await Promise.all(Array.from({ length: CLIENTS }, client));
	child.kill("SIGTERM");
	return [...answers].sort();
};

describe.skipIf(installed === undefined)(
	"policies of real programs (linux, the launcher, npm and its registry)",
	() => {
		let run: LearnedRun | undefined;

		const fill = (directory: string) => {
			copyApplications(directory, installed ?? "", ["programs", "project"]);
			for (const name of OTHERS) rmSync(join(directory, "node_modules", name), { recursive: true, force: true });
		};

		test("eslint over a project", async () => {
			const line = [
				"node_modules/eslint/bin/eslint.js",
				"--no-color",
				"-c",
				"project/eslint.config.mjs",
				"project/src",
			];
			run = new LearnedRun({
				...{ fill, line, runtime: [process.execPath], use: untilEnd, directory: "app" },
				changed: "node_modules/eslint/lib/rules/eqeqeq.js",
			});
			expect(await requireLearned(run, loadedBy(run, line))).toMatchObject({
				status: 1,
				output: expect.stringContaining("6 problems"),
			});
		});

		test("express under load", async () => {
			run = new LearnedRun({
				...{ fill, line: ["../app/programs/express.cjs"], runtime: [process.execPath], use: load },
				changed: "node_modules/qs/lib/parse.js",
			});
			const loaded = loadedBy(run, ["programs/express-itself.cjs"]).filter((path) => !path.endsWith("itself.cjs"));
			expect(await requireLearned(run, loaded)).toMatchObject({
				status: 0,
				output: ["/files/shapes.js 200 129", "/greeting/world 200 17", "/nothing 404 146", "/sum 200 1"],
			});
		});
	},
);

/** Returns the files that Node.js itself says it loads, when nothing guards it. */
function loadedBy(run: LearnedRun, line: readonly string[]): string[] {
	// Under the hook of Node.js 20, require() loads no ES modules, so packages give it other files.
	const [release] = process.versions.node.split(".");
	const options = Number(release) < 22 ? ["--no-experimental-require-module"] : [];
	const { stderr } = spawnSync(process.execPath, [...options, ...line], {
		cwd: run.at("app"),
		env: { ...process.env, NODE_DEBUG: "module,esm" },
		encoding: "utf8",
		maxBuffer: 2 ** 28,
	});
	const files = [
		/^MODULE \d+: load "(\/.+)" for module/gm,
		/^ESM \d+: Translating StandardModule file:\/\/([^?\s]+)/gm,
	];
	const named = files.flatMap((pattern) => [...stderr.matchAll(pattern)].map(([, path = ""]) => path));
	const loaded = [...new Set(named)].filter((path) => path.startsWith(run.at("app/")));
	expect(loaded.length).toBeGreaterThan(50);
	return loaded;
}
