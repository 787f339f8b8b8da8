/** Signs a private copy of a Python library with --format spython. */

import { createHash } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync, hasProgram } from "../../../../test/outside.js";
import { canWriteAttributes, getfattr, runner, temporaryDirectory } from "../support.js";

const ATTRIBUTE = "user.org.python.x-spython-hash";
const hasAttributes = canWriteAttributes("user");

/**
 * Writes attributes as mkxattr.py of github.com/zooba/spython does, or reads them. Prints a JSON object that maps paths
 * to attributes.
 */
const PYTHON_LOOP = `
import hashlib, json, os, sys
action, root = sys.argv[1:]
found = {}
for folder, _, names in os.walk(root):
    for name in names:
        path = os.path.join(folder, name)
        if not name.endswith((".py", ".pyc")):
            continue
        if action == "write":
            with open(path, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            os.setxattr(path, "${ATTRIBUTE}", digest.encode("ascii"))
        found[os.path.relpath(path, root)] = os.getxattr(path, "${ATTRIBUTE}").decode("latin1")
json.dump(found, sys.stdout)
`;

function python(action: "write" | "read", root: string): Record<string, string> {
	return JSON.parse(execFileSync("python3", ["-I", "-c", PYTHON_LOOP, action, root], { encoding: "utf8" }));
}

/** Makes two private copies of a few packages of Python's library, with bytecode as in an installation. */
function copyLibrary() {
	const home = temporaryDirectory();
	const stdlib = execFileSync("python3", ["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"], {
		encoding: "utf8",
	}).trim();
	const [library, second] = ["library", "second"].map((name) => join(home, name));
	for (const name of ["json", "email"]) cpSync(join(stdlib, name), join(library, name), { recursive: true });
	execFileSync("python3", ["-m", "compileall", "-q", library]);
	cpSync(library, second, { recursive: true });
	return { library, second, run: runner(home) };
}

const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

const title = "a private copy of a Python library (needs python3, attr and user attributes)";
describe.skipIf(!hasAttributes || !hasProgram("python3"))(title, () => {
	test("gets the hashes that spython's own loop writes, as getfattr and Python see them", () => {
		const { library, second, run } = copyLibrary();
		expect(run(["sign", library, "--format", "spython"])).toMatchObject({ status: 0 });
		const theirs = python("write", second);
		expect(Object.keys(theirs)).toContain("json/decoder.py");
		expect(Object.keys(theirs).some((path) => path.endsWith(".pyc"))).toBe(true);
		expect(python("read", library)).toEqual(theirs);
		for (const [path, value] of Object.entries(theirs)) {
			expect(getfattr(join(library, path), ATTRIBUTE)?.toString("latin1"), path).toBe(value);
		}
	});

	test("verifies as unsigned hashes, and with --allow-unsigned as unchanged", () => {
		const { library, run } = copyLibrary();
		const { files } = run(["sign", library, "--format", "spython", "--json"]).json();
		const refused = run(["verify", library, "--format", "spython"]);
		expect(refused).toMatchObject({ status: 1, stderr: "" });
		expect(refused.stdout).toMatch(
			new RegExp(`\n  ${files} hashes match; nothing is signed: .* \\[ERR_UNSIGNED\\]\n$`),
		);
		const accepted = run(["verify", library, "--format", "spython", "--allow-unsigned"]);
		expect(accepted).toMatchObject({ status: 0, stderr: "" });
		expect(accepted.stdout).toContain(`unchanged ${library}: hashes match; nothing is signed\n`);
	});

	test("with hashes from spython's own loop verifies, except for files that the loop skips", () => {
		const { second, run } = copyLibrary();
		const paths = Object.keys(python("write", second));
		const hashed = paths.length;
		writeFileSync(join(second, "notes.txt"), "not Python\n");
		const verify = ["verify", second, "--format", "spython", "--allow-unsigned"];
		const [{ counts, files }] = run([...verify, "--json"]).json().results;
		expect(counts).toMatchObject({ "hash-only": hashed, unsigned: files - hashed, mismatch: 0, malformed: 0 });
		expect(run(verify).stdout).toContain('"notes.txt" has no attribute user.org.python.x-spython-hash [ERR_UNSIGNED]');
		const alone = paths.map((path) => join(second, path));
		expect(run(["verify", ...alone, "--format", "spython", "--allow-unsigned"])).toMatchObject({ status: 0 });
	});

	test("after a change of one byte, names the file with both digests", () => {
		const { library, run } = copyLibrary();
		run(["sign", library, "--format", "spython"]);
		const file = join(library, "json/decoder.py");
		const before = sha256(file);
		writeFileSync(file, readFileSync(file).fill("#", 100, 101));
		const after = sha256(file);
		expect(after).not.toBe(before);

		for (const allow of [[], ["--allow-unsigned"]]) {
			const table = run(["verify", library, "--format", "spython", "--verbose", ...allow]);
			expect(table).toMatchObject({ status: 1, stderr: "" });
			const [first, ...digests] = table.stdout.slice(table.stdout.lastIndexOf('"json/')).split("\n");
			expect(first).toBe('"json/decoder.py" was modified [ERR_FILE_MODIFIED]');
			expect(digests.slice(0, 2).map((line) => line.trim().split(/\s+/))).toEqual([
				["recorded", before],
				["found", after],
			]);
		}
		const [result] = run(["verify", library, "--format", "spython", "--allow-unsigned", "--json"]).json().results;
		expect(result.findings).toMatchObject([
			{ code: "ERR_FILE_MODIFIED", path: "json/decoder.py", expected: before, actual: after },
		]);
		expect(result.counts).toMatchObject({ mismatch: 1, "hash-only": result.files - 1 });
	});

	test("signed again changes no attribute and says so; after a change it updates that file's attribute", () => {
		const { library, run } = copyLibrary();
		const sign = () => run(["sign", library, "--format", "spython", "--json"]).json().attributes[0];
		const { writtenCount, unchangedCount } = sign();
		expect(unchangedCount).toBe(0);
		const second = run(["sign", library, "--format", "spython"]);
		expect(second).toMatchObject({ status: 0 });
		expect(second.stdout).toMatch(/^nothing to write in /);
		expect(second.stdout).toContain(`${ATTRIBUTE}: 0 written, ${writtenCount} unchanged\n`);
		writeFileSync(join(library, "json/decoder.py"), "pass\n");
		expect(sign()).toMatchObject({ writtenCount: 1, unchangedCount: writtenCount - 1 });
	});

	test.each(["sha384", "sha512"] as const)("takes --digest %s and another --attribute", (digest) => {
		const { library, run } = copyLibrary();
		const naming = ["--format", "spython", "--attribute", "user.test-hash"];
		expect(run(["sign", library, ...naming, "--digest", digest])).toMatchObject({ status: 0 });
		const content = readFileSync(join(library, "json/decoder.py"));
		const expected = createHash(digest).update(content).digest("hex");
		expect(getfattr(join(library, "json/decoder.py"), "user.test-hash")?.toString("latin1")).toBe(expected);
		expect(getfattr(join(library, "json/decoder.py"), ATTRIBUTE)).toBeUndefined();
		expect(run(["verify", library, ...naming, "--allow-unsigned"])).toMatchObject({ status: 0 });
		expect(run(["verify", library, "--format", "spython", "--allow-unsigned"])).toMatchObject({ status: 1 });
	});
});
