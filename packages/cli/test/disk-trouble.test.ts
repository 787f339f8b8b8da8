import { chmodSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { canBeUser, canMount, spawnSync } from "../../../test/outside.js";
import { fillDisk, mountDisk } from "./small-disk.js";
import { MAIN, makeTree, runner, temporaryDirectory } from "./support.js";

const NOBODY = 65_534;
/** These files are enough for a catalog of several blocks. */
const FILES = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`lib/file-${n}.js`, `export default ${n};\n`]));

describe.skipIf(!canMount())("a full disk (tmpfs, mounted as root) is exit 3, names the catalog, and keeps it", () => {
	const fillings: [name: string, mountOption: string, fill: (disk: string, neededBytes: number) => void][] = [
		["no room at all", "size=1m", (disk) => fillDisk(disk, 0)],
		["room for half of it", "size=1m", (disk, needed) => fillDisk(disk, Math.floor(needed / 2))],
		["no inode left", "nr_inodes=60", fillInodes],
	];
	test.each(fillings)("%s", (_, mountOption, fill) => {
		const home = temporaryDirectory();
		const disk = join(home, "disk");
		mountDisk(disk, mountOption);
		const { root, sigtool, catalog } = signedTree(home, join(disk, "tree"), FILES);
		const before = readFileSync(catalog);
		const names = readdirSync(root);
		fill(disk, before.length);
		const run = sigtool(["sign", root, "--sequence", "2", "--force"]);
		expect(run).toMatchObject({ status: 3, stdout: "" });
		expect(run.stderr).toMatch(new RegExp(`error: Cannot write "${catalog}": .*\\(ENOSPC\\) \\[ERR_IO\\]`));
		expect(sigtool(["sign", root, "--json"]).json()).toMatchObject({
			exit: 3,
			error: { code: "ERR_IO", path: catalog },
		});
		expect(readFileSync(catalog).equals(before)).toBe(true);
		expect(readdirSync(root)).toEqual(names);
		expect(sigtool(["verify", root])).toMatchObject({
			status: 0,
			stderr: expect.stringMatching(/^note: a development identity signed [^\n]*\n$/),
		});
	});
});

describe.skipIf(!canBeNobody())("files that an unprivileged user may not access (setpriv, when root)", () => {
	test("a read-only directory is exit 3 and keeps the catalog", () => {
		const { root, sigtool, catalog } = treeOfNobody({ a: "1" });
		const before = readFileSync(catalog);
		chmodSync(root, 0o555);
		expect(sigtool("sign", root)).toMatchObject({
			status: 3,
			stderr: expect.stringMatching(new RegExp(`"${catalog}": .*\\(EACCES\\) \\[ERR_IO\\]`)),
		});
		expect(readFileSync(catalog).equals(before)).toBe(true);
		expect(readdirSync(root)).toEqual(["a", "tree.cat"]);
		expect(sigtool("verify", root)).toMatchObject({ status: 0 });
	});

	test("report calls the files of a directory that cannot be read undecided, and never trusted", () => {
		const { root, sigtool } = treeOfNobody({
			"lib/a.js": "1",
			"lib/deep/b.js": "2",
			"library.js": "3",
			"main.js": "4",
		});
		chmodSync(join(root, "lib"), 0);
		const { status, stdout } = sigtool("report", root, "-o", join(root, "../report.html"), "--json");
		chmodSync(join(root, "lib"), 0o755);
		expect(status).toBe(3);
		const [subject] = JSON.parse(stdout).subjects;
		expect(subject).toMatchObject({ verdict: "undecided", states: { trusted: 2, missing: 0, changed: 0 } });
		// The directory itself has a row too, because the finding is about it.
		expect(subject.states.undecided).toBe(3);
	});

	test("a file that cannot be read is exit 3 and named, by sign and by verify", () => {
		const { root, sigtool, catalog } = treeOfNobody({ "lib/secret.js": "1", "main.js": "2" });
		const before = readFileSync(catalog);
		chmodSync(join(root, "lib/secret.js"), 0);
		const named = expect.stringMatching(/"[^"]*lib\/secret\.js".*\(EACCES\) \[ERR_IO\]/);
		expect(sigtool("sign", root)).toMatchObject({ status: 3, stderr: named });
		expect(sigtool("verify", root)).toMatchObject({ status: 3, stdout: named });
		expect(readFileSync(catalog).equals(before)).toBe(true);
		expect(sigtool("verify", join(root, "main.js"))).toMatchObject({ status: 0 });
		// One file differs and another cannot be read. The proven difference decides the exit status, which is 1 and
		// not 3.
		writeFileSync(join(root, "main.js"), "changed");
		expect(sigtool("verify", root)).toMatchObject({ status: 1 });
	});

	test("a directory that cannot be read is named, by sign and by verify", () => {
		const { root, sigtool } = treeOfNobody({ "lib/secret.js": "1", "main.js": "2" });
		chmodSync(join(root, "lib"), 0);
		onTestFinished(() => chmodSync(join(root, "lib"), 0o700));
		const named = expect.stringMatching(/"[^"]*lib".*\(EACCES\) \[ERR_IO\]/);
		expect(sigtool("sign", root)).toMatchObject({ status: 3, stderr: named });
		expect(sigtool("verify", root)).toMatchObject({ status: 3, stdout: named });
	});

	test("a directory that may be written to and not read takes a file, which is no failure", () => {
		const { root, sigtool } = treeOfNobody({ "box/a": "1" });
		chmodSync(join(root, "box"), 0o300);
		onTestFinished(() => chmodSync(join(root, "box"), 0o700));
		const policy = join(root, "box/policy.json");
		for (const options of [[], ["--force"]]) {
			expect(sigtool("policy", "init", "-o", policy, ...options)).toMatchObject({ status: 0, stderr: "" });
		}
		chmodSync(join(root, "box"), 0o700);
		expect(JSON.parse(readFileSync(policy, "utf8"))).toMatchObject({ mode: "audit" });
		expect(readdirSync(join(root, "box"))).toEqual(["a", "policy.json"]);
	});

	test("a lock that a killed run left and that may not be removed is named", () => {
		const { root, sigtool } = treeOfNobody({ "host/verifier.json": '{"version":1}' });
		const lock = join(root, "host/.verifier.json.sigtool-lock");
		writeFileSync(lock, "");
		utimesSync(lock, 0, 0);
		chmodSync(join(root, "host"), 0o555);
		onTestFinished(() => chmodSync(join(root, "host"), 0o755));
		const config = join(root, "host/verifier.json");
		const run = sigtool("trust", "deny", "0".repeat(64), "--as", "key", "--reason", "x", "--config", config);
		expect(run).toMatchObject({ status: 3, stdout: "" });
		expect(run.stderr).toBe(`error: Cannot remove "${lock}": permission denied (EACCES) [ERR_IO]\n`);
	});

	test("a catalog that cannot be read is exit 3 and named", () => {
		const { root, sigtool, catalog } = treeOfNobody({ a: "1" });
		chmodSync(catalog, 0);
		for (const verb of ["sign", "verify"]) {
			const stderr = expect.stringMatching(new RegExp(`"${catalog}": .*\\(EACCES\\) \\[ERR_IO\\]`));
			expect(sigtool(verb, root)).toMatchObject({ status: 3, stderr });
		}
	});
});

function signedTree(home: string, directory: string, entries: Record<string, string>) {
	const root = makeTree(directory, entries);
	const sigtool = runner(home);
	expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
	return { root, sigtool, catalog: join(root, "tree.cat") };
}

function fillInodes(disk: string): void {
	const fill = () => {
		for (let n = 0; n < 1000; n++) writeFileSync(join(disk, `filler-${n}`), "");
	};
	expect(fill).toThrow("ENOSPC");
}

/** Returns the command that runs another command as an unprivileged user. */
function asNobody(): string[] {
	return process.getuid?.() === 0
		? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"]
		: ["env"];
}

/** Tells whether the unprivileged user can run the built command line. */
function canBeNobody(): boolean {
	return process.platform === "linux" && (process.getuid?.() !== 0 || canBeUser(NOBODY, MAIN));
}

/** Makes a `signedTree` that the unprivileged user owns, and a function that runs sigtool as that user. */
function treeOfNobody(entries: Record<string, string>) {
	const home = temporaryDirectory();
	const { root, catalog } = signedTree(home, join(home, "tree"), entries);
	if (process.getuid?.() === 0) spawnSync("chown", ["-R", `${NOBODY}:${NOBODY}`, home]);
	const env = { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(home, "config") };
	const sigtool = (...args: string[]) => {
		const [program, ...rest] = [...asNobody(), process.execPath, MAIN, ...args];
		return spawnSync(program, rest, { env, encoding: "utf8" });
	};
	return { root, catalog, sigtool };
}
