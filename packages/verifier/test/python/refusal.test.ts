/** Tests what a refusal does to the program, and what it says on standard error. */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { describeEach, PYTHONS, type Run, Site } from "./support.js";

const isRoot = process.getuid?.() === 0;

/** Makes a name of a file that ends a line and begins another, which looks like an event. */
const FORGED = `x\nsigtool: {"event":"forged","verdict":"allow"}\u2028\u009b31m\x1b[31m`;

/** Returns a literal of Python in ASCII, because a traceback shows the line of the program. */
function ascii(text: string): string {
	const escaped = [...text].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
	return `"${escaped.join("")}"`;
}

describeEach(PYTHONS, isRoot)("a refusal of spython $version, $executable (as root)", (python) => {
	let site: Site;
	// The Python has a home without packages. A .pth file of this machine would end each process at its start.
	const home = temporaryDirectory(atEndOfFile);
	beforeAll(() => {
		mkdirSync(join(home, "lib"));
		symlinkSync(python.library, join(home, "lib", basename(python.library)));
		site = new Site(python, { home });
	});

	/** Signs the files, then writes `added`, and runs main.py on a host with this configuration. */
	async function run(
		files: Readonly<Record<string, string>>,
		host: object = { onRefusal: "exit" },
		{ policy, added = {} }: { policy?: object; added?: Readonly<Record<string, string>> } = {},
	): Promise<Run> {
		rmSync(site.application, { recursive: true });
		site.write(files);
		await site.sign(policy === undefined ? {} : { policy });
		site.write(added);
		const config = join(site.root, "verifier.json");
		writeFileSync(config, JSON.stringify({ version: 1, ...site.trusted, ...host }));
		return site.run(["app/main.py"], { options: ["--config", config] });
	}
	const lastWords = ({ stderr }: Run) => stderr.split("\n").filter((line) => line.startsWith("spython: "));

	const CHILDREN = `import ctypes.util, os, platform, subprocess
for name, start in [
	("run", lambda: subprocess.run(["true"])),
	("system", lambda: os.system("true")),
	("exec", lambda: os.execv("/bin/true", ["true"])),
	("spawn", lambda: os.posix_spawn("/bin/true", ["true"], {})),
	("module", lambda: __import__("multiprocessing.popen_spawn_posix")),
]:
	try: start(); print(name, "did")
	except PermissionError: print(name, "threw")
platform.platform(), platform.processor(), ctypes.util.find_library("c")
print("went on")
`;
	const WENT_ON = "run threw\nsystem threw\nexec threw\nspawn threw\nmodule threw\nwent on\n";

	it("throws at a child process, also with onRefusal exit, so that programs which try one go on", async () => {
		const result = await run({ "main.py": CHILDREN });
		expect(result).toMatchObject({ status: 0, stdout: WENT_ON });
		const popen = { event: "python.subprocess.Popen", verdict: "refuse", reason: "ERR_RUNTIME_RULE" };
		expect(result.events).toContainEqual(expect.objectContaining(popen));
	});

	it("ends the process at a child if the policy says exit, whatever onRefusal says", async () => {
		const files = {
			"main.py": "import subprocess\ntry:\n    subprocess.run(['true'])\nfinally:\n    print('went on')\n",
		};
		for (const host of [{ onRefusal: "exit" }, {}]) {
			const result = await run(files, host, { policy: { runtime: { children: "exit" } } });
			expect(result).toMatchObject({ status: 126, stdout: "" });
			expect(lastWords(result)).toEqual([
				expect.stringMatching(/child processes are refused.*ERR_RUNTIME_RULE\), at .*app\/main\.py:3$/),
			]);
		}
	});

	it.each(["off", "refusals", "all"])(
		'is one line that the program cannot keep away, with stderr "%s"',
		async (stderr) => {
			const main = "try: import extra\nexcept PermissionError: print('went on')\n";
			const child = "import os\ntry: os.system('true')\nexcept PermissionError: print('went on')\n";
			const refusals = ({ stderr: said }: Run) =>
				said.split("\n").filter((line) => line.startsWith("spython: ") || line.includes('"verdict":"refuse"'));
			for (const onRefusal of ["throw", "exit"]) {
				const host = { onRefusal, audit: { stderr } };
				const tried = await run({ "main.py": child }, host);
				expect(tried).toMatchObject({ status: 0, stdout: "went on\n" });
				expect(refusals(tried)).toEqual([expect.stringMatching(/^sigtool: \{.*"event":"python\.os\.system"/)]);
			}
			const added = { "extra.py": "" };
			const caught = await run({ "main.py": main }, { audit: { stderr } }, { added });
			expect(caught).toMatchObject({ status: 0, stdout: "went on\n" });
			expect(refusals(caught)).toEqual([expect.stringMatching(/^sigtool: \{.*extra\.py.*"reason":"ERR_FILE_ADDED"/)]);
			const ended = await run({ "main.py": main }, { onRefusal: "exit", audit: { stderr } }, { added });
			expect(ended).toMatchObject({ status: 126, stdout: "" });
			// The message of the end says more than the event.
			expect(refusals(ended)).toHaveLength(stderr === "off" ? 1 : 2);
			expect(lastWords(ended)).toEqual([expect.stringMatching(/extra\.py.*ERR_FILE_ADDED/)]);
		},
	);

	it("says which line of the program led to refused code", async () => {
		const files = { "main.py": "import helper\n", "helper.py": "def load():\n    import extra\n\nload()\n" };
		const result = await run(files, { onRefusal: "exit" }, { added: { "extra.py": "" } });
		expect(result).toMatchObject({ status: 126, stdout: "" });
		expect(lastWords(result)).toEqual([expect.stringMatching(/extra\.py.*ERR_FILE_ADDED.*app\/helper\.py:2$/)]);
	});

	it("writes its last words to the real standard error, also while another file has its place", async () => {
		const main = "import os\nkept = os.dup(2)\nos.dup2(os.open('/dev/null', os.O_WRONLY), 2)\nimport late\n";
		const host = { onRefusal: "exit", audit: { stderr: "off" } };
		const result = await run({ "main.py": main }, host, { added: { "late.py": "" } });
		expect(result).toMatchObject({ status: 126, stdout: "" });
		expect(lastWords(result)).toEqual([expect.stringContaining("late.py")]);
	});

	it("lets a program look for bytecode that is not there, and refuses what is there", async () => {
		const look = (file: string) => `import os
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "${file}")
try: open(path, "rb")
except OSError as error: print(type(error).__name__)
`;
		expect(await run({ "main.py": look("none-pytest-8.pyc") })).toMatchObject({
			status: 0,
			stdout: "PermissionError\n",
		});
		const there = await run({ "main.py": look("some.pyc") }, { onRefusal: "exit" }, { added: { "some.pyc": "" } });
		expect(there).toMatchObject({ status: 126, stdout: "" });
	});

	it("escapes the name of a file in what it throws and in its last words", async () => {
		const main = `import runpy, os
runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), ${ascii(FORGED)}))
`;
		for (const host of [{}, { onRefusal: "exit" }]) {
			const result = await run({ "main.py": main }, host, { added: { [FORGED]: "" } });
			expect(result.stdout).toBe("");
			expect(result.events.map(({ event }) => event)).not.toContain("forged");
			expect(result.stderr).toContain(`x\\x0asigtool: {"event":"forged","verdict":"allow"}\\u2028\\x9b31m\\x1b[31m`);
			for (const character of ["\u001b", "\u009b", "\u2028"]) expect(result.stderr).not.toContain(character);
		}
	});
});
