/** Runs real programs by the launcher, and compares what they print with unguarded CPython. */

import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { PYTHONS } from "../../packages/verifier/test/python/support.js";
import { hasLauncher } from "../launcher.js";
import { nosuidDirectory } from "../nosuid-directory.js";
import { spawnSync } from "../outside.js";
import { atEndOfFile, temporaryDirectory } from "../temporary.js";
import { adoptInstalled } from "./installed.js";
import { launcherIn } from "./launched.js";
import { type Needs, PROGRAMS, type Program } from "./programs.js";

const [python] = PYTHONS;
const isRoot = process.getuid?.() === 0;
const DOCUMENT = fileURLToPath(new URL("../../docs/reference/compatibility.md", import.meta.url));

/** Gives root a /dev/shm of its own that is nosuid, because strict demands that of what root may write to. */
const OWN_SEMAPHORES = ["unshare", "-m", "sh", "-c", `mount -t tmpfs -o nosuid,nodev none /dev/shm; exec "$@"`, "sh"];

function isInstalled(module: string): boolean {
	const script = `import importlib.util as u, sys; sys.exit(u.find_spec(${JSON.stringify(module)}) is None)`;
	return python !== undefined && spawnSync(python.executable, ["-I", "-c", script]).status === 0;
}

it("docs/reference/compatibility.md has each of these programs", () => {
	const document = readFileSync(DOCUMENT, "utf8");
	for (const { name, debian } of PROGRAMS)
		expect(document).toMatch(new RegExp(`^\\| ${name}[^|]*\\| \`${debian}\``, "m"));
});

describe.skipIf(!hasLauncher || python === undefined)("programs under the launcher (needs it, and CPython)", () => {
	let home: string;
	let output: string;
	const launchers = new Map<string, Promise<readonly string[]>>();
	beforeAll(() => {
		home = temporaryDirectory(atEndOfFile);
		output = nosuidDirectory(atEndOfFile);
		cpSync(fileURLToPath(new URL("programs", import.meta.url)), join(home, "app"), { recursive: true });
	});

	/** Adopts what is installed, once for the same needs. */
	function launcherFor({ policy, directories = [] }: Needs): Promise<readonly string[]> {
		const key = JSON.stringify([policy, directories]);
		const made = launchers.get(key) ?? install({ policy, directories }, join(home, `launcher-${launchers.size}`));
		launchers.set(key, made);
		return made;
	}

	async function install(needs: Needs, directory: string): Promise<readonly string[]> {
		if (python === undefined) throw new Error("There is no CPython");
		mkdirSync(directory);
		// The configuration is where this user's own files count. The refusals go to standard error.
		const rules = { ...needs, audit: { stderr: "refusals" }, host: { onRefusal: "exit" } };
		const [spython = "", , index = "", , config = ""] = await adoptInstalled(
			python,
			join(home, "app"),
			directory,
			rules,
		);
		return launcherIn(directory, { python, spython, index, config, trees: [join(home, "app")] });
	}

	function run(command: readonly string[], { script }: Program, place: string) {
		const directory = join(output, place);
		mkdirSync(directory);
		const [file = "", ...args] = [...command, join(home, "app", script), directory];
		const env = { PATH: process.env.PATH, HOME: directory, LANG: "C.UTF-8", TMPDIR: directory };
		return spawnSync(file, args, { cwd: join(home, "app"), env, encoding: "utf8", timeout: 200_000 });
	}

	it("a pool whose semaphores are refused is told which directory it needs", async () => {
		const pool = PROGRAMS.find(({ script }) => script === "use_pool.py") as Program;
		const { status, stderr } = run([...(await launcherFor({ policy: {} })), "--"], pool, "pool-refused");
		expect([status, stderr]).toEqual([1, expect.stringContaining("PermissionError")]);
		expect(stderr).toMatch(
			/spython: multiprocessing keeps its semaphores in \/dev\/shm; start with --write \/dev\/shm/,
		);
	});

	for (const program of PROGRAMS) {
		it.skipIf(!isInstalled(program.module))(`${program.name} (needs ${program.debian})`, async () => {
			const plain = run([python?.executable ?? "", "-B", "-s", "-E"], program, `${program.script}-plain`);
			expect(plain.status, plain.stderr).toBe(0);
			const launcher = await launcherFor(program);
			for (const mode of ["enforce", "strict"]) {
				const place = `${program.script}-${mode}`;
				const writes = [join(output, place), ...(program.write ?? [])].flatMap((each) => ["--write", each]);
				const before = isRoot && program.write !== undefined ? OWN_SEMAPHORES : [];
				const { status, stdout, stderr } = run(
					[...before, ...launcher, "--mode", mode, ...writes, "--"],
					program,
					place,
				);
				expect([mode, status, stdout], stderr).toEqual([mode, 0, plain.stdout]);
				// Programs may try a child process, and go on without. No code of them is refused.
				const refused = stderr.split("\n").filter((line) => line.startsWith("sigtool: "));
				const events = refused.map((line) => JSON.parse(line.slice("sigtool: ".length)).event);
				expect(events.filter((event) => event !== "python.subprocess.Popen")).toEqual([]);
			}
		});
	}
});
