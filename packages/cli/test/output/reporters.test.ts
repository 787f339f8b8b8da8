/** Tests that each reporter writes valid documents which leave nothing out, also about hostile names. */

import {
	appendFileSync,
	existsSync,
	mkdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync, spawnSync } from "../../../../test/outside.js";
import { processorMs } from "../../../core/test/processor-time.js";
import { messageOf } from "../../dist/output/sarif-message.js";
import { hasXmllint, junitValues, sarifRun } from "../report-schemas.js";
import { canWriteAttributes, MAIN, makeTree, type Run, runner, temporaryDirectory } from "../support.js";

/** Names that would be markup, commands or ends of lines if a reporter did not escape them. */
const HOSTILE = [
	"::error file=x::y",
	"a%0Ab,c:d",
	"##[add-matcher]x.json",
	"new\nline\r",
	'"><script>&amp;]]>',
	"`|<b>[x](evil:a){0}",
	"\u202eexe.txt\u0001\u001b[31m",
	"ﬁle\ufffd",
	"x?query#fragment",
];

/** Makes a repository with a signed tree, and returns functions that run sigtool in it as GitHub Actions would. */
function repository(tree: Readonly<Record<string, string>> = { a: "1", b: "2", "sub/c": "3" }) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "work space"), { "lib/.keep": "x" });
	mkdirSync(join(root, ".git"));
	makeTree(join(root, "lib"), tree);
	const run = runner(home);
	const summary = join(home, "summary.md");
	const sigtool = (args: readonly string[]): Run =>
		run(args, { cwd: root, env: { GITHUB_WORKSPACE: "", GITHUB_STEP_SUMMARY: summary } });
	expect(sigtool(["sign", "lib"]).status).toBe(0);
	return { home, root, lib: join(root, "lib"), sigtool, summary, run };
}

/** Parses the lines of standard output as the runner of GitHub Actions does. */
function annotationsOf(stdout: string): { command: string; properties: Record<string, string>; message: string }[] {
	const decoded = (text: string) => text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
	const property = (text: string) => decoded(text.replaceAll("%3A", ":").replaceAll("%2C", ","));
	let stop: string | undefined;
	return stdout.split("\n").flatMap((line) => {
		const [, command, list = "", message] = /^\s*::([\w-]+)(?: (.*?))?::(.*)$/s.exec(line) ?? [];
		if (stop !== undefined) {
			if (line.trim() === `::${stop}::`) stop = undefined;
			return [];
		}
		expect(line).not.toMatch(command === undefined ? /##\[/ : /^$/);
		if (command === undefined) return [];
		if (command === "stop-commands") {
			stop = message;
			return [];
		}
		const pairs = list.split(",").map((pair) => pair.split("=") as [string, string]);
		const properties = Object.fromEntries(pairs.map(([name, ...value]) => [name, property(value.join("="))]));
		return [{ command, properties, message: decoded(message) }];
	});
}

describe("verify of a changed tree", () => {
	function changed() {
		const all = repository();
		writeFileSync(join(all.lib, "a"), "changed");
		rmSync(join(all.lib, "b"));
		writeFileSync(join(all.lib, "sub/added"), "");
		return all;
	}
	const FOUND = [
		["ERR_FILE_MODIFIED", "lib/a"],
		["ERR_FILE_MISSING", "lib/b"],
		["ERR_FILE_ADDED", "lib/sub/added"],
	];

	test("--reporter text prints what is printed without it, and json what --json prints", () => {
		const { sigtool } = changed();
		const still = (text: string) => text.replace(/\d\d:\d\d:\d\d(\.\d+)?/g, "");
		for (const [one, other] of [
			[[], ["--reporter", "text"]],
			[["--json"], ["--reporter=json"]],
		]) {
			const [a, b] = [sigtool(["verify", "lib", ...one]), sigtool(["verify", "lib", ...other])];
			expect([b.status, still(b.stdout), still(b.stderr)]).toEqual([1, still(a.stdout), still(a.stderr)]);
		}
	});

	test("--reporter sarif is valid, with paths relative to the repository", () => {
		const { sigtool, root } = changed();
		const { status, stdout, stderr } = sigtool(["verify", "lib", "--reporter", "sarif"]);
		expect(status).toBe(1);
		expect(stderr).toMatch(/^note: a development identity signed/);
		const run = sarifRun(stdout);
		const results = run.results.map((result: { ruleId: string; locations: never[] }) => {
			const [{ physicalLocation }] = result.locations as { physicalLocation: { artifactLocation: object } }[];
			return [result.ruleId, physicalLocation.artifactLocation];
		});
		expect(results.sort()).toEqual(FOUND.map(([code, uri]) => [code, { uri, uriBaseId: "SRCROOT" }]).sort());
		expect(run.originalUriBaseIds.SRCROOT.uri).toBe(`file://${encodeURI(root)}/`);
		expect(run.tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(FOUND.map(([code]) => code).sort());
		for (const { ruleId, ruleIndex } of run.results) expect(run.tool.driver.rules[ruleIndex].id).toBe(ruleId);
		expect(run.tool.driver.rules[0].help.text).toMatch(
			/What to do: .*\nSee docs\/reference\/errors\.md#err_file_added\.$/,
		);
		expect(run.invocations[0]).toMatchObject({ executionSuccessful: true, exitCode: 1 });
		expect(run.invocations[0].toolExecutionNotifications).toEqual([
			{ level: "note", message: { text: expect.stringMatching(/^a development identity signed/) } },
		]);
	});

	test.skipIf(!hasXmllint)("--reporter junit is valid (needs xmllint)", () => {
		const { sigtool } = changed();
		const { status, stdout } = sigtool(["verify", "lib", "--reporter", "junit"]);
		expect(status).toBe(1);
		const suite = "/testsuites/testsuite[1]";
		expect(
			junitValues(
				stdout,
				"/testsuites/@failures",
				`${suite}/@name`,
				`${suite}/testcase[failure/@type='ERR_FILE_MODIFIED']/@name`,
				`count(${suite}/testcase)`,
				`${suite}/properties/property[@name='verdict']/@value`,
				"/testsuites/testsuite[2]/system-err",
			),
		).toEqual(["3", "lib", "a", "3", "failed", expect.stringMatching(/^note: a development identity signed "lib"/)]);
	});

	test("--reporter github annotates each file, and appends to the job summary", () => {
		const { sigtool, summary } = changed();
		writeFileSync(summary, "before\n");
		const { status, stdout, stderr } = sigtool(["verify", "lib", "--reporter", "github"]);
		expect([status, stderr]).toEqual([1, ""]);
		const annotations = annotationsOf(stdout);
		const errors = annotations.filter(({ command }) => command === "error");
		expect(
			errors.map(({ properties, message }) => [/ERR_\w+(?=\]$)/.exec(message)?.[0], properties.file]).sort(),
		).toEqual([...FOUND].sort());
		expect(annotations.find(({ command }) => command === "notice")?.message).toMatch(/^a development identity/);
		expect(stdout).toContain("failed lib: 3 differences");
		const text = readFileSync(summary, "utf8");
		expect(text).toMatch(/^before\n### sigtool verify: failed\n/);
		expect(text).toContain("<code>sub&#47;added</code>");
	});

	test("--reporter github names paths relative to GITHUB_WORKSPACE, also through a link", () => {
		const { run, home, root } = changed();
		const link = join(home, "link");
		symlinkSync(root, link);
		const env = { GITHUB_WORKSPACE: link, GITHUB_STEP_SUMMARY: "" };
		const { stdout } = run(["verify", root, join(link, "lib"), "--reporter", "github"], { cwd: "/", env });
		const files = annotationsOf(stdout).flatMap(({ properties }) => properties.file ?? []);
		expect(files.filter((file) => file.startsWith("lib/")).sort()).toEqual(["lib/a", "lib/b", "lib/sub/added"]);
		expect(files).not.toContainEqual(expect.stringMatching(/^\.\.|^\/.*lib/));
	});
});

describe("hostile names", () => {
	const names = process.platform === "win32" ? [] : HOSTILE;
	function hostile() {
		const all = repository();
		for (const name of names) writeFileSync(join(all.lib, name), "x");
		return all;
	}

	test("stay data in annotations, and do nothing in the log", () => {
		const { sigtool } = hostile();
		const { stdout } = sigtool(["verify", "lib", "--reporter", "github"]);
		const annotations = annotationsOf(stdout);
		expect(annotations.map(({ command }) => command).sort()).toEqual([...names.map(() => "error"), "notice"].sort());
		for (const { properties, message, command } of annotations) {
			if (command === "notice") continue;
			expect(Object.keys(properties)).toEqual(["file", "title"]);
			expect(message).not.toMatch(/[\n\r]/);
		}
		const plain = names
			.filter((name) => ![...name].some((character) => "\u0001\u202e".includes(character)))
			.map((name) => `lib/${name}`);
		expect(annotations.flatMap(({ properties }) => properties.file ?? [])).toEqual(expect.arrayContaining(plain));
	});

	test("stay data in SARIF, in URIs that lead back to the file", () => {
		const { sigtool } = hostile();
		const run = sarifRun(sigtool(["verify", "lib", "--reporter", "sarif"]).stdout);
		const uris: string[] = run.results.map(
			(result: { locations: { physicalLocation: { artifactLocation: { uri: string } } }[] }) =>
				result.locations[0].physicalLocation.artifactLocation.uri,
		);
		expect(uris.map(decodeURIComponent).sort()).toEqual(names.map((name) => `lib/${name}`).sort());
		for (const uri of uris)
			expect(new URL(uri, "http://x.example/y/").search + new URL(uri, "http://x.example/").hash).toBe("");
		const texts = run.results.map(({ message }: { message: { text: string } }) => message.text).join("\n");
		expect(texts).toContain("\\[x](evil:a){{0}}");
	});

	test("with many brackets take no time in SARIF", () => {
		const startedAt = processorMs();
		expect(messageOf("[".repeat(2 ** 18))).toEqual({ text: "[".repeat(2 ** 18) });
		expect(processorMs() - startedAt).toBeLessThan(1000);
		expect(messageOf("[[a](b) [c] (d) e](f) [g]").text).toBe("\\[\\[a](b) [c] (d) e](f) [g]");
	});

	test.skipIf(!hasXmllint)("stay data in JUnit XML (needs xmllint)", () => {
		const { sigtool } = hostile();
		const { stdout } = sigtool(["verify", "lib", "--reporter", "junit"]);
		const cases = names.map((_, index) => `/testsuites/testsuite[1]/testcase[${index + 1}]/@name`);
		const found = junitValues(stdout, ...cases).map((name) => JSON.parse(`"${name.replaceAll('"', '\\"')}"`));
		expect(found.sort()).toEqual([...names].sort());
	});

	test("stay data in the job summary", () => {
		const { sigtool, summary } = hostile();
		sigtool(["verify", "lib", "--reporter", "github"]);
		const rows = readFileSync(summary, "utf8")
			.split("\n")
			.filter((line) => line.startsWith("| <code>ERR"));
		expect(rows).toHaveLength(names.length);
		for (const row of rows) {
			expect(row.replaceAll(/<\/?code>/g, "").split("|")).toHaveLength(5);
			expect(row.replaceAll(/<\/?code>/g, "").replaceAll(/&#\d+;/g, "")).not.toMatch(/[<>[\]`*_]/);
		}
	});

	test("of a catalog to finish are no commands either", () => {
		const { root, sigtool } = hostile();
		for (const name of names.filter((each) => /[\\]|[. ]$/.test(each))) rmSync(join(root, "lib", name));
		const signed = sigtool(["sign", "lib", "--unsigned", "--force"]);
		expect(signed.status).toBe(0);
		writeFileSync(join(root, "old.cat"), readFileSync(join(root, "lib/lib.cat")));
		expect(sigtool(["identity", "new", "release"]).status).toBe(0);
		const args = ["finish", "lib/lib.cat", "--previous", "old.cat", "--p12", "missing.p12", "--reporter", "github"];
		const { stdout, stderr } = sigtool(args);
		expect(stderr).toContain("about to sign lib/lib.cat");
		expect(annotationsOf(`${stdout}${stderr}`).map(({ command }) => command)).toEqual(["error"]);
	});
});

describe("a failure", () => {
	test.each([
		[["verify", "nowhere"], 2, "ERR_ROOT_MISSING"],
		[["verify", "lib", "--links", "x"], 2, "ERR_USAGE"],
		[["verify"], 2, "ERR_USAGE"],
		[["verify", "lib", "--trust", "missing.pem"], 2, "ERR_ROOT_MISSING"],
		[["sign", "lib", "--links", "x"], 2, "ERR_USAGE"],
		[["sign", "nowhere"], 2, "ERR_ROOT_MISSING"],
		[["compile", "nowhere", "-o", "x.sigx"], 2, "ERR_ROOT_MISSING"],
		[["finish", "nowhere.cat", "--p12", "x"], 2, "ERR_ROOT_MISSING"],
	])("%j is a valid document in every format", (args, status, code) => {
		const { sigtool } = repository();
		const sarif = sigtool([...args, "--reporter", "sarif"]);
		expect(sarif.status).toBe(status);
		const [invocation] = sarifRun(sarif.stdout).invocations;
		expect(invocation).toMatchObject({
			executionSuccessful: false,
			exitCode: status,
			toolExecutionNotifications: [{ level: "error", associatedRule: { id: code } }],
		});
		const github = sigtool([...args, "--reporter", "github"]);
		expect(annotationsOf(github.stdout)).toEqual([
			expect.objectContaining({ command: "error", message: expect.stringContaining(`[${code}]`) }),
		]);
		expect(github.status).toBe(status);
		if (!hasXmllint) return;
		const junit = sigtool([...args, "--reporter", "junit"]);
		expect(junit.status).toBe(status);
		expect(junitValues(junit.stdout, "//error/@type", "/testsuites/@errors")).toEqual([code, "1"]);
	});

	test("with exit status 1 is a result, because it is a verdict", () => {
		const { home, sigtool, lib, run, root } = repository();
		const env = { XDG_CONFIG_HOME: join(home, "empty") };
		const other = run(["verify", lib, "--reporter", "sarif"], { cwd: root, env });
		expect(other.status).toBe(1);
		const { results, invocations } = sarifRun(other.stdout);
		expect(results).toMatchObject([{ ruleId: "ERR_UNTRUSTED_SIGNER", level: "error" }]);
		expect(invocations[0].executionSuccessful).toBe(true);
		const compiled = sigtool(["compile", "lib", "-o", "x.sigx", "--reporter", "sarif"]);
		expect(sarifRun(compiled.stdout).results).toMatchObject([{ ruleId: "ERR_DEVELOPMENT_IDENTITY" }]);
	});

	test("of standard output is one line on stderr", () => {
		const { home, root } = repository();
		if (!existsSync("/dev/full")) return;
		for (const format of ["junit", "sarif", "github"]) {
			const { status, stderr } = spawnSync(
				"sh",
				["-c", 'exec "$0" "$@" >/dev/full', process.execPath, MAIN, "verify", "lib", "--reporter", format],
				{
					cwd: root,
					encoding: "utf8",
					env: { ...process.env, XDG_CONFIG_HOME: join(home, "config"), NO_COLOR: "1", GITHUB_STEP_SUMMARY: "" },
				},
			);
			expect(status).toBe(3);
			const lines = stderr.split("\n").filter((line) => !line.startsWith("note: "));
			expect(lines).toEqual(["error: Cannot write to standard output: no space left on device (ENOSPC) [ERR_IO]", ""]);
		}
	});
});

describe("sign, compile and finish", () => {
	test.skipIf(process.platform === "win32")(
		"files that cannot be signed are findings, at their place in the repository",
		() => {
			const { sigtool, lib } = repository();
			execFileSync("mkfifo", [join(lib, "sub/fifo"), join(lib, "pipe")]);
			const { status, stdout } = sigtool(["sign", "lib", "--reporter", "github"]);
			expect(status).toBe(1);
			const files = annotationsOf(stdout).map(({ properties }) => properties.file);
			expect(files.sort()).toEqual(["lib/pipe", "lib/sub/fifo"]);
			rmSync(join(lib, "pipe"));
			const one = sarifRun(sigtool(["sign", "lib", "--reporter", "sarif"]).stdout);
			expect(one.results).toMatchObject([
				{ ruleId: "ERR_FILE_TYPE", locations: [{ physicalLocation: { artifactLocation: { uri: "lib/sub/fifo" } } }] },
			]);
		},
	);

	test("compile reports every difference, not only the first", () => {
		const { sigtool, lib } = repository();
		appendFileSync(join(lib, "a"), "x");
		appendFileSync(join(lib, "b"), "x");
		const args = ["compile", "lib", "-o", "x.sigx", "--allow-development"];
		const { stdout, status } = sigtool([...args, "--reporter", "github"]);
		expect(status).toBe(1);
		expect(annotationsOf(stdout).map(({ properties }) => properties.file)).toEqual(["lib/a", "lib/b"]);
		expect(sigtool([...args, "--json"]).json().error.findings).toHaveLength(2);
	});

	test("a success is a valid document with the facts", () => {
		const { sigtool } = repository();
		for (const args of [
			["sign", "lib", "--sequence", "4000000000"],
			["verify", "lib"],
			["compile", "lib", "-o", "x.sigx", "--allow-development"],
			["verify", "x.sigx", "--signature-only"],
		]) {
			const { status, stdout } = sigtool([...args, "--reporter", "sarif"]);
			expect(status).toBe(0);
			const { properties, results, invocations } = sarifRun(stdout);
			expect([results, invocations[0].executionSuccessful]).toEqual([[], true]);
			expect(properties.subjects).toHaveLength(1);
			const github = sigtool([...args, "--reporter", "github"]);
			expect(annotationsOf(github.stdout).filter(({ command }) => command !== "notice")).toEqual([]);
			if (hasXmllint) {
				const junit = sigtool([...args, "--reporter", "junit"]);
				expect(junitValues(junit.stdout, "/testsuites/@failures", "/testsuites/@tests")).toEqual(["0", "1"]);
			}
		}
	});
});

describe("entries that do not decide", () => {
	test("notices are warnings, and what cannot be read makes the execution unsuccessful", () => {
		const { sigtool, lib } = repository();
		writeFileSync(join(lib, "more"), "");
		const args = ["verify", "lib", "--added", "warn"];
		const run = sarifRun(sigtool([...args, "--reporter", "sarif"]).stdout);
		expect(run.results).toMatchObject([{ ruleId: "ERR_FILE_ADDED", level: "warning" }]);
		const github = sigtool([...args, "--reporter", "github"]);
		expect(github.status).toBe(0);
		expect(annotationsOf(github.stdout).find(({ properties }) => properties.file === "lib/more")?.command).toBe(
			"warning",
		);
	});
});

describe.skipIf(!canWriteAttributes("user"))("verify of attributes (needs attr and user attributes)", () => {
	test("names each file, and the tree if the finding is about all of it", () => {
		const { sigtool, lib } = repository();
		// A file with the name of its directory must not be taken for the directory.
		writeFileSync(join(lib, "lib"), "x");
		const format = ["--format", "ima-hash", "--namespace", "user"];
		expect(sigtool(["sign", "lib", ...format]).status).toBe(0);
		const filesOf = (...args: string[]) => {
			const { stdout } = sigtool(["verify", "lib", ...format, "--reporter", "github", ...args]);
			return annotationsOf(stdout).flatMap(({ command, properties }) => (command === "error" ? properties.file : []));
		};
		expect(filesOf("--allow-unsigned")).toEqual([]);
		expect(filesOf()).toEqual(["lib"]);
		appendFileSync(join(lib, "sub/c"), "x");
		appendFileSync(join(lib, "lib"), "x");
		expect(filesOf("--allow-unsigned").sort()).toEqual(["lib/lib", "lib/sub/c"]);
	});
});

describe("the job summary", () => {
	test("has a bounded size, and says how much it leaves out", () => {
		const { sigtool, lib, summary } = repository();
		for (let index = 0; index < 1500; index++) writeFileSync(join(lib, `${"long name ".repeat(10)}${index}`), "");
		const { stdout } = sigtool(["verify", "lib", "--reporter", "github"]);
		expect(annotationsOf(stdout).filter(({ command }) => command === "error")).toHaveLength(1500);
		expect(statSync(summary).size).toBeLessThan(2 ** 18);
		const rows = readFileSync(summary, "utf8").match(/^\| <code>ERR/gm)?.length ?? 0;
		const [, left] = /\n\n(\d+) more lines are in the log of the step\.\n\n$/.exec(readFileSync(summary, "utf8")) ?? [];
		expect(rows + Number(left)).toBe(1500);
		for (let times = 0; times < 4; times++) sigtool(["verify", "lib", "--reporter", "github"]);
		expect(statSync(summary).size).toBeLessThan(2 ** 20);
	});

	test("that cannot be written is a warning, and changes nothing else", () => {
		const { run, root } = repository();
		const env = { GITHUB_STEP_SUMMARY: "/nowhere/summary.md" };
		const { status, stderr } = run(["verify", "lib", "--reporter", "github"], { cwd: root, env });
		expect([status, stderr]).toEqual([
			0,
			'warning: cannot write the job summary "/nowhere/summary.md": no such file or directory (ENOENT)\n',
		]);
	});
});
