/** Tests that a stream has colours only if a person sees them or asked for them. */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { MAIN, makeTree, runner, temporaryDirectory } from "../support.js";
import { hasTerminal } from "../terminal.js";

const COLOUR = "\u001b[";

/**
 * Returns a signed tree with a missing file and a warning, and a function that verifies the tree in a given
 * environment.
 */
function changedTree() {
	const home = temporaryDirectory();
	const sigtool = runner(home);
	const root = makeTree(join(home, "d"), { a: "a", b: "b" });
	expect(sigtool(["sign", root]).status).toBe(0);
	rmSync(join(root, "a"));
	writeFileSync(join(root, "new"), "new");
	const verify = (args: readonly string[], env: Readonly<Record<string, string>>) => {
		return sigtool(["verify", root, "--added", "warn", ...args], {
			env: { NO_COLOR: "", FORCE_COLOR: "", CI: "", ...env },
		});
	};
	return { home, root, verify };
}

describe("colours", () => {
	it("are not written to files and pipes, not even in CI", () => {
		const { verify } = changedTree();
		for (const env of [{ CI: "" }, { CI: "true" }, { CI: "1" }]) {
			const run = verify([], env);
			expect(run.status).toBe(1);
			expect(run.stderr).toContain("warning: ");
			expect(run.stdout + run.stderr).not.toContain(COLOUR);
		}
	});

	it("are not written to files and pipes on Windows", () => {
		const { home, verify } = changedTree();
		const hook = join(home, "windows.cjs");
		// The script shows Windows as the platform, but only to the code that looks for terminals.
		writeFileSync(
			hook,
			`const real = process.platform;
			Object.defineProperty(process, "platform", {
				get: () => (/terminal|mayBe|olour/.test(new Error().stack.split("\\n")[2]) ? "win32" : real),
			});`,
		);
		const run = verify([], { NODE_OPTIONS: `--require=${hook}` });
		expect(run.status).toBe(1);
		expect(run.stdout + run.stderr).not.toContain(COLOUR);
	});

	it("follow --color, which is stronger than the environment", () => {
		const { verify } = changedTree();
		const always = verify(["--color", "always"], { NO_COLOR: "1" });
		expect(always.stdout).toContain(COLOUR);
		expect(always.stderr).toContain(COLOUR);
		const never = verify(["--color=never"], { FORCE_COLOR: "1" });
		expect(never.stdout + never.stderr).not.toContain(COLOUR);
		expect(verify(["--color", "auto"], { FORCE_COLOR: "1" }).stdout).toContain(COLOUR);
		expect(verify([], { FORCE_COLOR: "1", NO_COLOR: "1" }).stdout).not.toContain(COLOUR);
		expect(verify(["--color", "sometimes"], {})).toMatchObject({
			status: 2,
			stderr: 'error: Option --color takes auto, always or never, not "sometimes" [ERR_USAGE]\n',
		});
	});

	it("follow --color in complaints about the command line too", () => {
		const sigtool = runner(temporaryDirectory());
		const env = { NO_COLOR: "" };
		expect(sigtool(["verify", "--color", "always", "--bogus", "x"], { env }).stderr).toContain(COLOUR);
		expect(sigtool(["verify", "--color=never", "--bogus", "x"], { env: { ...env, FORCE_COLOR: "1" } }).stderr).toMatch(
			/^error: /,
		);
	});

	it.skipIf(!hasTerminal)("are decided for each stream: one is a file, the other a terminal", () => {
		const { home, root } = changedTree();
		const shown = (redirect: string) => {
			const file = join(home, "out");
			const command = `'${process.execPath}' '${MAIN}' verify '${root}' --added warn ${redirect} '${file}'; true`;
			const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
			const terminal = execFileSync("script", ["-qec", command, "/dev/null"], {
				encoding: "utf8",
				env: { ...env, TERM: "xterm", XDG_CONFIG_HOME: join(home, "config") },
			});
			return { terminal, file: readFileSync(file, "utf8") };
		};
		const toFile = shown(">");
		expect(toFile.file).toMatch(/^failed /);
		expect(toFile.terminal).toContain("\u001b[33mwarning\u001b[39m: ");
		const errorsToFile = shown("2>");
		expect(errorsToFile.file).toMatch(/^warning: /m);
		expect(errorsToFile.terminal).toContain("\u001b[31mfailed\u001b[39m");
	});
});
