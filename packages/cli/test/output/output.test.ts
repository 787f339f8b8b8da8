/** Tests output and exit status when the command line is wrong or the output cannot be written. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasProgram, spawnSync } from "../../../../test/outside.js";
import { asSigtoolError } from "../../dist/output/output.js";
import { encryptKeyFile, isSingleFile, MAIN, makeAuthority, makeTree, runner, temporaryDirectory } from "../support.js";

function workspace() {
	const home = temporaryDirectory();
	return { home, root: makeTree(join(home, "pack"), { a: "1" }), sigtool: runner(home) };
}

describe.skipIf(!existsSync("/dev/full"))("standard output that cannot be written", () => {
	test.each([
		"--help",
		"--version",
		"help sign",
		"sign ROOT",
		"sign ROOT --json",
		"sign ROOT --json --links x",
		"verify ROOT --json",
		"identity list --json",
	])("%s ends with one line on stderr and status 3", (line) => {
		const { home, root } = workspace();
		const run = spawnSync(
			"sh",
			["-c", `"$0" "$1" ${line.replace("ROOT", '"$2"')} >/dev/full`, process.execPath, MAIN, root],
			{
				encoding: "utf8",
				env: { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(home, "config") },
			},
		);
		const lines = run.stderr.split("\n").filter((text) => !text.startsWith("note: "));
		expect(lines).toEqual(["error: Cannot write to standard output: no space left on device (ENOSPC) [ERR_IO]", ""]);
		expect(run.status).toBe(3);
	});

	test("a closed pipe is silent, and stderr that cannot be written changes nothing", () => {
		const { home } = workspace();
		const shell = (script: string) => {
			const env = { ...process.env, XDG_CONFIG_HOME: join(home, "config") };
			return spawnSync("bash", ["-c", script, process.execPath, MAIN, join(home, "pack")], { encoding: "utf8", env });
		};
		expect(shell('set -o pipefail; "$0" "$1" --help | true')).toMatchObject({ status: 0, stderr: "" });
		expect(shell('"$0" "$1" sign "$2" 2>/dev/full')).toMatchObject({
			status: 0,
			stdout: expect.stringMatching(/^signed/),
		});
		expect(shell('"$0" "$1" verify "$2/no" 2>/dev/full')).toMatchObject({ status: 2 });
	});
});

describe("a wrong command line", () => {
	test.each([
		[[], "Name a command; see `sigtool --help`"],
		[["identity"], "Name a command; see `sigtool identity --help`"],
	])("%j shows the help on stderr, then the error", (args, message) => {
		const { sigtool } = workspace();
		const run = sigtool(args);
		expect(run).toMatchObject({ status: 2, stdout: "" });
		expect(run.stderr).toMatch(/^Usage: sigtool/);
		expect(run.stderr.trimEnd().split("\n").at(-1)).toBe(`error: ${message} [ERR_USAGE]`);
	});

	test.each([
		[["help", "bogus"], 'Unknown command "bogus"; see `sigtool --help`'],
		[["bogus"], "Unknown command 'bogus'; see `sigtool --help`"],
		[["sign", "x", "--links", "y"], 'Option --links takes record, reject or follow, not "y"'],
		[["verify", "x", "--match", ""], 'Option --match takes path or digest, not ""'],
		[
			["inspect", "a", "b"],
			"Too many arguments for 'inspect'. Expected 1 argument but got 2; see `sigtool inspect --help`",
		],
		[["identity", "new", "x", "--common-name", "CN=x"], 'Give --common-name the name alone, without "CN="'],
		[
			["identity", "new", "X"],
			'Cannot name an identity "X": use lower-case letters, digits, dots, dashes and underscores',
		],
	])("%j gets one line", (args, message) => {
		const { sigtool } = workspace();
		const run = sigtool(args);
		expect(run).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining(message) });
		expect(run.stderr).toMatch(/^error: .* \[ERR_USAGE\]\n$/);
	});
});

describe("inspect", () => {
	test("names the file that is no catalog", () => {
		const { home, sigtool } = workspace();
		writeFileSync(join(home, "README.md"), "# text");
		const run = sigtool(["inspect", "README.md"], { cwd: home });
		expect(run.stderr).toMatch(/^error: Cannot inspect "README\.md": it is no catalog and has no attributes of /);
		expect(run.status).toBe(1);
	});

	test("shows algorithms by name, and the signer's certificate first", () => {
		const { home, root, sigtool } = workspace();
		const { keyFile, certFile, caFile, subject } = makeAuthority(join(home, "pki"), "P-256");
		sigtool(["sign", root, "--key", keyFile, "--cert", certFile, "--chain", caFile]);
		const file = join(root, "pack.cat");
		const { stdout } = sigtool(["inspect", file]);
		expect(stdout).toContain(`signed by ${subject}`);
		expect(stdout).toContain("digest sha256 (2.16.840.1.101.3.4.2.1)");
		expect(stdout).toContain("signature ecdsa-with-SHA256 (1.2.840.10045.4.3.2)");
		const { certificates, signers } = sigtool(["inspect", file, "--json"]).json();
		expect(certificates).toMatchObject([
			{ subject, signer: true, spkiSha256: signers[0].spkiSha256 },
			{ subject: "CN=Test Root", signer: false },
		]);
		expect(signers[0].digestAlgorithmName).toBe("sha256");
	});
});

describe.skipIf(!hasProgram("python3"))("the passphrase prompt", () => {
	test.each([
		["secret\\r", 0],
		["wrong\\x15secrex\\x7ft\\n", 0],
		["wrong\\r", 2],
		["\\x04", 2],
		["se\\x03", 130],
	])("on the terminal takes %j while stdin is a pipe: exit %i, terminal as before", (keys, status) => {
		const { home, root, sigtool } = workspace();
		const { keyFile, certFile } = makeAuthority(join(home, "pki"), "P-256");
		const encrypted = join(home, "encrypted.key");
		encryptKeyFile(keyFile, encrypted, "secret");
		const args = ["sign", root, "--key", encrypted, "--cert", certFile, "--files-from", "-"];
		const run = spawnSync("python3", ["-c", ON_A_TERMINAL, keys, process.execPath, MAIN, ...args], {
			encoding: "utf8",
			env: { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(home, "config") },
		});
		expect(run.stderr).toBe("");
		expect(run.stdout).toMatch(/^Passphrase for ".*encrypted\.key": \r\n/);
		expect(run.stdout).toContain(`exit ${status}, terminal unchanged`);
		expect(run.stdout).not.toMatch(/secret|wrong\r/);
		expect(sigtool(["verify", root]).status === 0 || existsSync(join(root, "pack.cat"))).toBe(status === 0);
		if (status === 0) expect(readFileSync(join(root, "pack.cat")).length).toBeGreaterThan(0);
	});
});

/**
 * Runs a command on a new terminal, with a pipe as standard input. Types the keys when the command asks for something.
 */
const ON_A_TERMINAL = `
import os, pty, sys, termios
keys = sys.argv[1].encode().decode("unicode_escape").encode()
pid, terminal = pty.fork()
if pid == 0:
    read, write = os.pipe()
    os.write(write, b"a\\0")
    os.close(write)
    os.dup2(read, 0)
    os.execv(sys.argv[2], sys.argv[2:])
before = termios.tcgetattr(terminal)
output, asked = b"", False
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    output += chunk
    if not asked and output.endswith(b'": '):
        asked = True
        # Keys typed before raw mode is on would be edited by the terminal itself.
        while termios.tcgetattr(terminal)[3] & termios.ICANON:
            pass
        os.write(terminal, keys)
try:
    after = termios.tcgetattr(terminal)
except termios.error:
    after = before
_, status = os.waitpid(pid, 0)
print(output.decode(), end="")
print("exit %d, terminal %s" % (os.waitstatus_to_exitcode(status), "unchanged" if before == after else "changed"))
`;

// The single file ignores NODE_OPTIONS, by which this test makes a request silent.
test.skipIf(isSingleFile)("a run that ends without an outcome has status 3", () => {
	const { home, root, sigtool } = workspace();
	const { caFile } = makeAuthority(join(home, "authority"));
	sigtool(["sign", root]);
	const hook = join(home, "hook.cjs");
	const silent = "() => Object.assign(new (require('node:events'))(), { end() {} })";
	writeFileSync(hook, `require("node:http").request = ${silent};\n`);
	const args = ["timestamp", join(root, "pack.cat"), "--timestamp", "http://127.0.0.1:9", "--tsa-trust", caFile];
	const run = sigtool(args, { env: { NODE_OPTIONS: `--require=${hook}`, no_proxy: "*" } });
	expect(run).toMatchObject({ status: 3, stderr: expect.stringContaining("without an outcome") });
	expect(run.stderr).toContain("[ERR_INTERNAL]");
});

test("an error of the system that nobody expected has the code ERR_IO, and any other ERR_INTERNAL", () => {
	const system = (members: object) => Object.assign(new Error("refused"), { code: "EMFILE", ...members });
	for (const [error, code, message] of [
		[system({ path: "/a" }), "ERR_IO", 'Cannot use "/a": too many open files (EMFILE)'],
		[system({}), "ERR_IO", "Cannot continue: too many open files (EMFILE)"],
		[system({ syscall: "uv_cwd" }), "ERR_IO", expect.stringMatching(/^Cannot use the working directory: /)],
		[system({ code: "ERR_X" }), "ERR_INTERNAL", "Cannot continue: Error: refused; please report this"],
	] as const)
		expect(asSigtoolError(error)).toMatchObject({ code, message });
});
