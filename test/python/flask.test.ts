import { appendFileSync, cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PYTHONS } from "../../packages/verifier/test/python/support.js";
import { type ChildProcess, spawn, spawnSync } from "../outside.js";
import { temporaryDirectory } from "../temporary.js";
import { adoptInstalled } from "./installed.js";

const PROGRAM = fileURLToPath(new URL("flask", import.meta.url));
const [python] = PYTHONS.filter(({ executable }) => spawnSync(executable, ["-I", "-c", "import flask"]).status === 0);

const MAKERS = ["jinja2.environment", "werkzeug.routing.rules"];

describe.skipIf(python === undefined)("Debian's Flask (python3-flask)", () => {
	let home: string;
	let program: string;
	let server: ChildProcess | undefined;
	beforeEach(() => {
		home = temporaryDirectory();
		program = join(home, "app");
		cpSync(PROGRAM, program, { recursive: true });
	});
	afterEach(() => void server?.kill());

	/** Starts the service, and returns its address when it is ready. */
	function start([file = "", ...args]: readonly string[]): Promise<string> {
		const child = spawn(file, [...args, join(program, "main.py")], { stdio: ["ignore", "pipe", "ignore"] });
		server = child;
		return new Promise((resolve, reject) => {
			child.stdout.once("data", (port) => resolve(`http://127.0.0.1:${Number(port)}`));
			child.once("close", (status) => reject(new Error(`It ended with ${status}`)));
		});
	}

	async function ask(origin: string): Promise<unknown[]> {
		const post = { method: "POST", body: `{"a":[1,2]}`, headers: { "content-type": "application/json" } };
		const responses = [
			await fetch(origin),
			await fetch(`${origin}/echo`, post),
			...(await Promise.all(["x", "y", "<z>"].map((name) => fetch(`${origin}/page/${encodeURIComponent(name)}`)))),
			await fetch(`${origin}/none`),
		];
		return Promise.all(responses.map(async (response) => [response.status, await response.text()]));
	}

	test.each(["enforce", "strict"])("serves in %s what it serves on unguarded python3", async (mode) => {
		if (python === undefined) return;
		const unguarded = await ask(await start([python.executable, "-I"]));
		expect(unguarded).toHaveLength(6);
		expect(unguarded[0]).toEqual([200, `{"answer":42}\n`]);
		server?.kill();
		// Templates and routes become code of text and of trees.
		const policy = mode === "strict" ? { python: { stringCodeFrom: MAKERS } } : {};
		const spython = await adoptInstalled(python, program, home, { policy, audit: { stderr: "off" } });
		expect(await ask(await start([...spython, "--mode", mode]))).toEqual(unguarded);
	});

	test("answers that it failed where a module changed that it loads late, and goes on serving", async () => {
		if (python === undefined) return;
		const events = join(home, "events.jsonl");
		const audit = { stderr: "off", jsonLines: events };
		const origin = await start(await adoptInstalled(python, program, home, { policy: {}, audit }));
		appendFileSync(join(program, "late.py"), "# changed\n");
		expect((await fetch(`${origin}/late`)).status).toBe(500);
		expect((await fetch(origin)).status).toBe(200);
		const refused = readFileSync(events, "utf8")
			.split("\n")
			.filter((line) => line.includes(`"refuse"`));
		expect(refused.map((line) => JSON.parse(line))).toEqual([
			expect.objectContaining({ path: join(program, "late.py"), reason: "ERR_FILE_MODIFIED" }),
		]);
	});
});
