import { chmodSync, mkdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileProgram, hasCompiler, hasLauncher, Installation, isRoot, pinned } from "./support.js";

/** A static program that takes the place of CPython. It prints as JSON what it was given and what the kernel allows. */
const STAND_IN = `
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void text(const char *s) {
	putchar('"');
	for (; *s; s++) *s == '\\n' ? fputs("\\\\n", stdout) : putchar(*s);
	putchar('"');
}
static void content(int descriptor) {
	char buffer[65536];
	ssize_t got = pread(descriptor, buffer, sizeof buffer - 1, 0);
	buffer[got < 0 ? 0 : got] = 0;
	text(buffer);
}
int main(int argc, char **argv) {
	printf("{\\"args\\":[");
	for (int i = 0; i < argc; i++) { if (i) putchar(','); text(argv[i]); }
	printf("],\\"index\\":");
	content(3);
	printf(",\\"announced\\":%d", getenv("SIGTOOL_LAUNCH") != NULL || fcntl(4, F_GETFD) >= 0);
	printf(",\\"preloaded\\":");
	content(open(getenv("LD_PRELOAD"), O_RDONLY));
	printf(",\\"pythonpath\\":%d", getenv("PYTHONPATH") != NULL);
	fflush(stdout);
	int status, child = fork();
	if (child == 0) _exit(execve("/bin/true", (char *[]){"true", NULL}, (char *[]){NULL}) == 0 ? 0 : errno);
	waitpid(child, &status, 0);
	printf(",\\"execve\\":%d", WEXITSTATUS(status));
	int file = open(".written", O_WRONLY | O_CREAT, 0600);
	printf(",\\"write\\":%d}\\n", file < 0 ? errno : 0);
}
`;

function installed(): Installation {
	const installation = new Installation();
	const program = compileProgram(installation.at("bin"), "python", STAND_IN);
	installation.set("python", pinned(program));
	installation.write("bin/spython", "a spython");
	installation.set("spython", pinned(installation.at("bin/spython")));
	installation.write("app/main.py", "");
	return installation;
}

type Refusal = [what: string, arrange: (i: Installation) => void, args: string[], status: number, message: RegExp];

const EACCES = 13;

const OPTIONS = ["--launched", "--mode", "enforce", "--config", "/etc/sigtool/verifier.json", "--allow-development"];

describe.skipIf(!hasLauncher || !hasCompiler)("sigtool-launch of CPython (needs it built, and a C compiler)", () => {
	const told = (installation: Installation, ...args: string[]) => {
		const { status, stderr, stdout } = installation.run(args, { env: { PYTHONPATH: "/evil" } });
		const stopped =
			"sigtool-launch: environment variables stopped by mode strict (policy: launch.environment): PYTHONPATH\n";
		expect([status, stderr]).toEqual([0, args.includes("strict") ? stopped : ""]);
		return JSON.parse(stdout);
	};

	it("starts it for a .py script, under the name that was given, with the script's arguments", () => {
		const installation = installed();
		const { args, index, preloaded, announced, pythonpath } = told(installation, "app/main.py", "a b", "-m", "--x");
		expect(args).toEqual([installation.at("bin/python"), ...OPTIONS, "--", "app/main.py", "a b", "-m", "--x"]);
		expect([index, preloaded]).toEqual(["an index", "a spython"]);
		expect([announced, pythonpath]).toEqual([0, 0]);
	});

	it("starts it with --python, whatever the script's name", () => {
		const installation = installed();
		installation.write("serve", "");
		expect(told(installation, "--python", "serve").args.slice(1)).toEqual([...OPTIONS, "--", "serve"]);
	});

	it("starts it with a module's name", () => {
		const { args } = told(installed(), "-m", "pkg.serve", "--port", "80");
		expect(args.slice(1)).toEqual([...OPTIONS, "-m", "pkg.serve", "--port", "80"]);
	});

	it("neither needs nor checks node and its hook", () => {
		const installation = installed();
		installation.set("bundle", `/nonexistent ${"0".repeat(64)}`);
		expect(told(installation, "app/main.py").args).toEqual([
			installation.at("bin/python"),
			...OPTIONS,
			"--",
			"app/main.py",
		]);
		for (const key of ["node", "node-major", "bundle"]) installation.set(key, undefined);
		installation.write("serve.js", "");
		expect(told(installation, "serve.js").args.slice(-2)).toEqual(["--", "serve.js"]);
	});

	it("passes on the file of events", () => {
		const installation = installed();
		installation.set("audit", installation.at("events.jsonl"));
		const { args } = told(installation, "app/main.py");
		expect(args.slice(6, 8)).toEqual(["--audit", installation.at("events.jsonl")]);
	});

	it("requires the shared library with the interpreter to be the installed one", () => {
		const installation = installed();
		const library = installation.write("lib/libpython3.so", "the interpreter");
		installation.set("libpython", pinned(library));
		expect(told(installation, "app/main.py").preloaded).toBe("a spython");
		installation.write("lib/libpython3.so", "another one");
		const { status, stdout, stderr } = installation.run(["app/main.py"]);
		expect([status, stdout]).toEqual([126, ""]);
		expect(stderr).toMatch(
			/Cannot trust ".*lib\/libpython3\.so": its SHA-256 is .*; run `sigtool launcher install` again/,
		);
	});

	it("is restricted by the kernel like node, and in audit mode not at all", () => {
		const installation = installed();
		expect(told(installation, "app/main.py")).toMatchObject({ execve: EACCES, write: EACCES });
		expect(told(installation, "--mode", "strict", "app/main.py")).toMatchObject({ execve: EACCES, write: EACCES });
		expect(told(installation, "--mode", "audit", "app/main.py")).toMatchObject({ execve: 0, write: 0 });
		expect(told(installation, "--mode", "off", "app/main.py").args.slice(2, 4)).toEqual(["--mode", "off"]);
		mkdirSync(installation.at("data"));
		const run = installation.run(["--write", ".", "../app/main.py"], { cwd: installation.at("data") });
		expect(JSON.parse(run.stdout)).toMatchObject({ execve: EACCES, write: 0 });
	});

	it.skipIf(!isRoot)("python 15: says that a directory for everyone, as /tmp, is the wrong place (as root)", () => {
		const installation = installed();
		chmodSync(installation.at("bin"), 0o1777);
		const { status, stderr } = installation.runAsGiven(["app/main.py"]);
		expect(status).toBe(126);
		expect(stderr).toContain(`/bin": everyone may write there; use a file below another directory`);
	});

	const without =
		(...keys: string[]) =>
		(i: Installation) => {
			for (const key of keys) i.set(key, undefined);
		};
	it.each<Refusal>([
		["a script when no python is configured", without("python", "spython"), ["app/main.py"], 2, /names no python/],
		[
			"a script when no spython is configured",
			(i) => i.set("spython", undefined),
			["app/main.py"],
			2,
			/"\$.python" needs spython beside it/,
		],
		...["python", "spython"].map(
			(key): Refusal => [
				`another file as ${key}`,
				(i) => i.set(key, pinned(i.at(`bin/${key}`)).replace(/.{64}$/, "0".repeat(64))),
				["app/main.py"],
				126,
				/its SHA-256 is/,
			],
		),
		["code on the command line", () => {}, ["--python", "-c", "0"], 2, /Unknown option/],
		["a module without a name", () => {}, ["-m"], 2, /Name a script/],
		["an option in a module's place", () => {}, ["-m", "-i"], 2, /is no script/],
		["a module with a line break", () => {}, ["-m", "a\nmode off"], 126, /line break/],
		["its own directory made writable", () => {}, ["--write", "bin", "app/main.py"], 126, /Cannot make/],
		[
			"neither node nor python",
			without("node", "python", "spython"),
			["app/main.py"],
			2,
			/"\$" must have at least one of node, python/,
		],
	])("refuses %s", (_, arrange, args, status, message) => {
		const installation = installed();
		arrange(installation);
		const run = installation.run(args);
		expect([run.status, run.stdout]).toEqual([status, ""]);
		expect(run.stderr).toMatch(message);
	});
});
