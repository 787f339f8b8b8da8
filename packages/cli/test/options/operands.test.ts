/** Tests patterns among operands, which sigtool expands where no shell has. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "../../../../test/outside.js";
import { COMMANDS } from "../../dist/commands/commands.js";
import type { CommandDeclaration } from "../../dist/options/declaration.js";
import { expandOperands } from "../../dist/options/operands.js";
import { MAIN, makeTree, runner, temporaryDirectory } from "../support.js";

function project(files: Readonly<Record<string, string>>) {
	const home = temporaryDirectory();
	const cwd = makeTree(join(home, "project"), files);
	const sigtool = runner(home);
	return { cwd, sigtool: (...args: string[]) => sigtool(args, { cwd }) };
}

/** Returns the files that `digest` prints for the operands. */
function digested(files: Readonly<Record<string, string>>, ...operands: string[]): string[] {
	return digestedIn(project(files), ...operands);
}

function digestedIn({ sigtool }: ReturnType<typeof project>, ...operands: string[]): string[] {
	const { status, stdout, stderr } = sigtool("digest", ...operands);
	expect([status, stderr]).toEqual([0, ""]);
	return stdout
		.trimEnd()
		.split("\n")
		.map((line) => line.slice(line.indexOf("  ") + 2));
}

const PACKAGES = {
	"packages/b/dist/b.js": "b",
	"packages/a/dist/a.js": "a",
	"packages/a/src/a.ts": "",
	"v1/x.js": "x",
};

describe("a pattern", () => {
	it.each([
		[["packages/*/dist/*"], ["packages/a/dist/a.js", "packages/b/dist/b.js"]],
		[["**/*.js"], ["packages/a/dist/a.js", "packages/b/dist/b.js", "v1/x.js"]],
		[["v?/x.js"], ["v1/x.js"]],
		[["v[0-9]/?.js"], ["v1/x.js"]],
		[["packages/{b,a}/dist/*.js"], ["packages/a/dist/a.js", "packages/b/dist/b.js"]],
		[["./v1/*"], ["./v1/x.js"]],
		[
			["v1/x.js", "packages/b/dist/b.js", "**/*.js"],
			["v1/x.js", "packages/b/dist/b.js", "packages/a/dist/a.js"],
		],
		[["v1/*", "./v1/x.js"], ["v1/x.js"]],
	])("%j names %j, sorted and each once", (operands, files) => {
		expect(digested(PACKAGES, ...operands)).toEqual(files);
	});

	it("finds directories to sign and catalogs to verify", () => {
		const { sigtool } = project(PACKAGES);
		expect(sigtool("sign", "packages/*/dist", "-o", "all.cat").status).toBe(0);
		expect(sigtool("sign", "v?").status).toBe(0);
		expect(sigtool("verify", "v?/*.cat").stdout).toMatch(/^trusted v1\/v1\.cat\n/);
		const { status, stdout } = sigtool("verify", "v?/*.cat", "packages/*/dist", "--catalog", "all.cat");
		expect(status).not.toBe(0);
		expect(stdout).toContain("packages/b/dist");
	});

	it("finds one file for a command that takes one, and is refused if it finds more", () => {
		const { sigtool } = project(PACKAGES);
		sigtool("sign", "v1");
		expect(sigtool("inspect", "v?/*.cat").stdout).toMatch(/^v1\/v1\.cat\n/);
		expect(sigtool("inspect", "packages/*")).toMatchObject({
			status: 2,
			stderr: expect.stringContaining('Name one file: the pattern "packages/*" matches 2 [ERR_USAGE]'),
		});
	});

	it.each(["verify", "verify --json", "sign", "digest", "inspect", "strip", "report -o report.html"])(
		"that finds nothing is an error of `%s`, which names it",
		(command) => {
			const { sigtool } = project(PACKAGES);
			for (const pattern of ["nothing/*.cat", "v1/x.js/*", "*.none"]) {
				const { status, stdout, stderr } = sigtool(...command.split(" "), pattern);
				const text = `${stdout}${stderr}`.replaceAll('\\"', '"');
				expect([status, text]).toEqual([
					2,
					expect.stringContaining(`Cannot find "${pattern}": no file matches this pattern`),
				]);
				expect(text).toContain("ERR_ROOT_MISSING");
			}
		},
	);

	it.each([
		["{1..100000}", "it stands for too many patterns, or is too long [ERR_USAGE]", 2],
		["a*".repeat(40_000), "it stands for too many patterns, or is too long [ERR_USAGE]", 2],
	])("that fast-glob refuses is an error of usage: %.12s", (pattern, message, exit) => {
		const { status, stderr } = project(PACKAGES).sigtool("digest", pattern);
		expect([status, stderr]).toEqual([exit, expect.stringContaining(message)]);
	});

	it("finds names that begin with a dot, as a directory to sign has them", () => {
		expect(digested({ "d/.hidden": "", "d/shown": "" }, "d/*")).toEqual(["d/.hidden", "d/shown"]);
	});

	it("with backslashes of Windows means the same there", () => {
		const { sigtool } = project(PACKAGES);
		const { status, stdout } = sigtool("digest", "packages\\*\\dist\\*");
		if (process.platform === "win32") expect(stdout).toMatch(/packages.a.dist.a\.js\n.*packages.b.dist.b\.js\n$/);
		else expect(status).toBe(2);
	});
});

describe("a file that exists is no pattern:", () => {
	it.each(["a[1].js", "{a,b}", "!(x)", "[a-z]"])("%s", (name) => {
		expect(digested({ [name]: "x", a: "1", b: "2", "a1.js": "3" }, name)).toEqual([name]);
	});

	it.each(["*", "?", "a*", "a?b"])("on Linux %s", (name) => {
		expect(digested({ [name]: "x", a: "1", ab: "2", "a.b": "3" }, name)).toEqual([name]);
	});
});

describe("hostile names", () => {
	it("are files and never options, standard input, or patterns again", () => {
		const files = { "-": "", "--json": "", "*": "", "!a": "", "$(x)": "", "a b": "", "{a,b}": "" };
		expect(digested(files, "?*")).toEqual(["!a", "$(x)", "*", "--json", "./-", "a b", "{a,b}"]);
		expect(digested(files, "!?")).toEqual(["!a"]);
	});

	it("that are not UTF-8 are refused, where the pattern would have to look at them", () => {
		const made = project({ "d/a": "", "e/a": "", "d/\ufffd": "" });
		expect(digestedIn(made, "d/*")).toEqual(["d/a", "d/\ufffd"]);
		writeFileSync(Buffer.from(`${made.cwd}/d/\xff`, "latin1"), "");
		mkdirSync(Buffer.from(`${made.cwd}/e/\xfe`, "latin1"));
		for (const pattern of ["d/*", "**/a", "e/**"]) {
			const { status, stderr } = made.sigtool("digest", pattern);
			expect([status, stderr]).toEqual([1, expect.stringContaining("[ERR_PATH_ENCODING]")]);
		}
	});

	it("of links are found, and no wildcard leads through one", () => {
		const home = temporaryDirectory();
		const cwd = makeTree(join(home, "project"), {
			"real/a": "1",
			link: { link: "real" },
			loop: { link: "." },
			outside: { link: "/etc" },
		});
		const sigtool = runner(home);
		const digest = (pattern: string) => sigtool(["digest", pattern], { cwd }).stdout.match(/\S+$/gm);
		expect(digest("**/a")).toEqual(["real/a"]);
		expect(digest("*/a")).toEqual(["real/a"]);
		// The user wrote the name of the link.
		expect(digest("link/*")).toEqual(["link/a"]);
	});
});

describe("the shell", () => {
	/** Runs a command line in a shell. `sigtool` is a function in it. */
	function shell(program: string, line: string, { cwd } = project(PACKAGES)): string {
		const text = `sigtool() { ${process.execPath} ${MAIN} "$@"; }; ${line}`;
		return execFileSync(program, ["-c", text], { cwd, encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
	}

	it.each(["packages/*/dist/*.js", "*/*", "v?/x.js", "[vp]*/x.js", "packages/{b,a}/dist/*"])(
		"bash finds the same for %s as sigtool",
		(pattern) => {
			// Bash keeps the order of the words in braces.
			const sorted = (text: string) => text.split("\n").sort();
			const made = project({ ...PACKAGES, "v1/.hidden": "" });
			const [unquoted, quoted] = [pattern, `'${pattern}'`].map((operand) =>
				shell("bash", `shopt -s dotglob; sigtool verify --json ${operand} | grep '"path"'`, made),
			);
			expect(quoted).toContain("path");
			expect(sorted(quoted)).toEqual(sorted(unquoted));
		},
	);

	it("sh leaves a quoted pattern to sigtool", () => {
		expect(shell("sh", "sigtool digest 'packages/*/dist/*'")).toBe(shell("sh", "sigtool digest packages/*/dist/*"));
	});

	it("sh names nothing for a pattern that finds nothing, quoted or not", () => {
		for (const operand of ["nope/*", "'nope/*'"]) {
			expect(shell("sh", `sigtool digest ${operand} 2>&1 || echo $?`)).toMatch(/no file matches this pattern.*\n2\n$/);
		}
	});
});

describe("operands that are not expanded", () => {
	it("are those of a started program, names, codes, events, and whom to trust", () => {
		const names = new Map<string, string[]>();
		const collect = ({ name, declare, commands = [] }: CommandDeclaration, above: string) => {
			const command = new Command();
			declare(command);
			for (const argument of command.registeredArguments) {
				names.set(argument.name(), [...(names.get(argument.name()) ?? []), `${above}${name}`]);
			}
			for (const each of commands) collect(each, `${above}${name} `);
		};
		for (const each of COMMANDS) collect(each, "");
		expect(Object.fromEntries([...names].filter(([name]) => !FILES.has(name)))).toEqual({
			args: ["run", "audit"],
			certificate: ["trust add"],
			"code|event|file": ["explain"],
			"file|event": ["policy explain"],
			id: ["trust remove"],
			name: ["identity new", "identity csr", "identity import", "identity export", "identity show"],
			script: ["run", "audit"],
			shell: ["completion"],
			what: ["trust deny"],
		});
	});

	it("stay as they are", async () => {
		const declared = new Command().argument("<script>").argument("[args...]").registeredArguments;
		expect(await expandOperands(declared, ["*", ["*", "**"], { json: true }])).toEqual([
			"*",
			["*", "**"],
			{ json: true },
		]);
	});

	it("are the arguments of a program that `run` starts", () => {
		const { cwd } = project({ "main.js": "console.log(process.argv.slice(2).join())", a: "" });
		const { stdout } = spawnSync(process.execPath, [MAIN, "audit", "main.js", "*", "**/*.js"], {
			cwd,
			encoding: "utf8",
		});
		expect(stdout).toContain("*,**/*.js");
	});
});

const FILES: ReadonlySet<string> = new Set([
	...["after", "before", "catalog", "dir", "file", "index", "log", "path", "policy"],
]);
