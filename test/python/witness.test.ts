import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it } from "vitest";
import { describeEach, PYTHONS, SANITIZER } from "../../packages/verifier/test/python/support.js";
import { spawnSync } from "../outside.js";
import { atEndOfFile, temporaryDirectory } from "../temporary.js";
import { adoptInstalled } from "./installed.js";
import { hasStrace, hearWitness, type Testimony, watchedBy } from "./witness.js";

const program = (name: string) => fileURLToPath(new URL(`witness/${name}`, import.meta.url));

describeEach(PYTHONS, hasStrace)(
	"in audit mode, what strace sees spython of $version load (needs strace), $executable",
	(python) => {
		let home: string;
		let events: string;
		let spython: readonly string[];
		beforeAll(async () => {
			home = temporaryDirectory(atEndOfFile);
			events = join(home, "events.jsonl");
			const application = join(home, "app");
			mkdirSync(application);
			for (const name of ["loads.py", "hides.py"]) copyFileSync(program(name), join(application, name));
			const policy = { mode: "audit", python: { events: ["*"] } };
			spython = await adoptInstalled(python, application, home, {
				policy,
				audit: { stderr: "off", jsonLines: events },
			});
		});

		interface Run extends Testimony {
			readonly status: number | null;
			/** Lines of the output, with one character for each byte. */
			readonly lines: readonly string[];
			readonly stderr: string;
		}

		function watch(args: readonly string[], cwd = home): Run {
			const trace = join(home, "trace");
			const [file = "", ...rest] = [...watchedBy(trace), ...spython, ...args];
			const env = { ...process.env, LANG: "C.UTF-8", ...SANITIZER };
			const { status, stdout, stderr } = spawnSync(file, rest, { cwd, env, encoding: "latin1" });
			return { status, stderr, lines: stdout.split("\n").slice(0, -1), ...hearWitness(trace, events) };
		}

		/** Makes a directory outside all signed trees. */
		const scratch = () => mkdtempSync(join(home, "scratch-"));

		it("is told of by its path, whatever kind of code it is and however it is loaded", () => {
			const run = watch(["app/loads.py", scratch()]);
			expect(run).toMatchObject({ status: 0, unexplained: [] });
			expect(run.lines).toHaveLength(15);
			const told = [...run.told].filter((line) => line.startsWith("audit "));
			expect(told.sort()).toEqual([...new Set(run.lines)].map((path) => `audit ${path}`).sort());
			expect(run.told).toContain(`allow ${join(home, "app/loads.py")}`);
			expect(Object.keys(run.explained)).toEqual(expect.arrayContaining(["told as code", "told as native code"]));
		});

		const starts: [string, (directory: string) => { args: string[]; paths: string[] }][] = [
			["a script", (directory) => ({ args: [join(directory, "script.py")], paths: ["script.py"] })],
			["a script by a link", (directory) => ({ args: [join(directory, "link")], paths: ["script.py"] })],
			["a module", () => ({ args: ["-m", "script"], paths: ["script.py"] })],
			["a package", () => ({ args: ["-m", "package"], paths: ["package/__init__.py", "package/__main__.py"] })],
			["a directory", (directory) => ({ args: [join(directory, "package")], paths: ["package/__main__.py"] })],
			["an archive", (directory) => ({ args: [join(directory, "archive.zip")], paths: ["archive.zip"] })],
			["an application", (directory) => ({ args: [join(directory, "archive.pyz")], paths: ["archive.pyz"] })],
		];
		it.each(starts)("is told of as the main program, %s", (_, start) => {
			const directory = scratch();
			mkdirSync(join(directory, "package"));
			for (const name of ["script.py", "package/__init__.py", "package/__main__.py"])
				writeFileSync(join(directory, name), "print(__name__)\n");
			const make = `import os, sys, zipfile
os.chdir(sys.argv[1])
os.symlink("script.py", "link")
for name in ("archive.zip", "archive.pyz"):
    with zipfile.ZipFile(name, "w") as file: file.write("script.py", "__main__.py")`;
			expect(spawnSync(python.executable, ["-I", "-c", make, directory]).status).toBe(0);
			const { args, paths } = start(directory);
			const run = watch(args, directory);
			expect(run).toMatchObject({ status: 0, unexplained: [] });
			expect(run.lines.at(-1)).toBe("__main__");
			const told = [...run.told].filter((line) => line.startsWith("audit "));
			expect(told.sort()).toEqual(paths.map((path) => `audit ${join(directory, path)}`));
		});

		it.each([
			["open", "hidden.py"],
			["map", "termios"],
			["start", "/bin/sh"],
		])("is found where native code hides it from all events, by %s", (way, what) => {
			const run = watch(["app/hides.py", way, scratch()]);
			expect(run).toMatchObject({ status: 0, lines: ["ran"] });
			expect(run.unexplained.filter((line) => line.startsWith(`${way} `) && line.includes(what))).toHaveLength(1);
		});
	},
);
