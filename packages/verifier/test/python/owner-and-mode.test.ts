/** Tests that spython applies `files.owner` and `files.othersWrite` of the policy. */

import { chmodSync, chownSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../test/outside.js";
import { describeEach, flipByte, PYTHONS, Site } from "./support.js";

const isRoot = process.getuid?.() === 0;
/** In such a namespace without a map, all files have the owner 65534. */
const hasNamespaces = spawnSync("unshare", ["--user", "true"]).status === 0;
const hasCompiler = hasProgram("cc");

describeEach(PYTHONS, isRoot)("owner and mode in spython $version, $executable (needs root)", (python) => {
	let site: Site;
	const at = (name: string) => join(site.application, name);
	beforeAll(() => {
		site = new Site(python);
		site.write({
			"main.py": "import part\nprint(part.NAME)\n",
			"part.py": "NAME = 'part'\n",
			"native.py": "import ctypes, os\nctypes.CDLL(os.path.dirname(__file__) + '/libact.so').act()\n",
		});
		if (hasCompiler) {
			const source = '#include <unistd.h>\nvoid act(void) { (void)!write(1, "acted\\n", 6); }\n';
			execFileSync("cc", ["-shared", "-fPIC", "-x", "c", "-", "-o", at("libact.so")], { input: source });
		}
	});

	const sign = (files: object, policy: object = {}) => site.sign({ policy: { files, ...policy } });
	/** Gives a file of the application an owner and a mode while `act` runs. */
	function given<Result>(name: string, owner: number, mode: number, act: () => Result): Result {
		chownSync(at(name), owner, 0);
		chmodSync(at(name), mode);
		try {
			return act();
		} finally {
			chownSync(at(name), 0, 0);
			chmodSync(at(name), 0o644);
		}
	}
	const start = () => site.run(["app/main.py"]);
	const ran = { status: 0, stdout: "part\n" };

	it("refuses no owner and no mode without the members", async () => {
		for (const files of [{}, { owner: "any", othersWrite: "allow" }]) {
			await sign(files);
			expect(given("part.py", 1234, 0o666, start)).toMatchObject(ran);
		}
	});

	it.each([
		["its group may write", 0o664],
		["others may write", 0o646],
		["everybody may write", 0o666],
	])("with othersWrite refuses a file that %s", async (_, mode) => {
		await sign({ othersWrite: "refuse" });
		expect(start()).toMatchObject(ran);
		expect(given("part.py", 1234, 0o755, start)).toMatchObject(ran);
		const run = given("part.py", 0, mode, start);
		expect(run).toMatchObject({ status: 1, stdout: "" });
		const octal = `0${mode.toString(8)}`;
		expect(run.stderr).toMatch(
			`its mode ${octal} lets its group or others write it, and the policy refuses that (ERR_FILE_WRITABLE, got `,
		);
		expect(run.stderr).toContain("; take the right to write from its group and others");
		expect(run.events.find(({ reason }) => reason === "ERR_FILE_WRITABLE")).toMatchObject({
			event: "module.open_code",
			verdict: "refuse",
			rule: "files",
			product: "app",
			entry: "part.py",
			detail: `owner 0, mode ${octal}`,
		});
		// The script itself is judged like what it imports.
		expect(given("main.py", 0, mode, start).stderr).toContain("ERR_FILE_WRITABLE");
	});

	it("with owner refuses a file of another user, and tells of the content first", async () => {
		await sign({ owner: "root", othersWrite: "refuse" });
		expect(start()).toMatchObject(ran);
		const run = given("part.py", 1234, 0o666, start);
		expect(run).toMatchObject({ status: 1, stdout: "" });
		expect(run.stderr).toContain("user 1234 owns it, and the policy demands root (ERR_FILE_OWNER, got ");
		expect(run.stderr).toContain("; make root its owner");
		expect(run.events.find(({ reason }) => reason === "ERR_FILE_OWNER")).toMatchObject({
			detail: "owner 1234, mode 0666",
			rule: "files",
		});
		flipByte(at("part.py"), 8);
		expect(given("part.py", 1234, 0o666, start).stderr).toContain("File hash mismatch");
		flipByte(at("part.py"), 8);
	});

	it("refuses nothing in mode audit, and the event says what enforcement would refuse", async () => {
		await sign({ owner: "root" }, { mode: "audit" });
		const log = join(site.root, "events");
		const run = given("part.py", 1234, 0o644, () => site.run(["app/main.py"], { options: ["--audit", log] }));
		expect(run).toMatchObject(ran);
		const events = readFileSync(log, "utf8")
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		expect(events.filter(({ reason }) => reason === "ERR_FILE_OWNER")).toMatchObject([
			{ verdict: "audit", entry: "part.py", detail: "owner 1234, mode 0644" },
		]);
		rmSync(log);
	});

	it.skipIf(!hasNamespaces)(
		"judges a kept archive anew when its owner is another one (needs user namespaces)",
		async () => {
			const archive =
				"import zipfile, sys\nz = zipfile.ZipFile(sys.argv[1], 'w')\nfor n in ('one', 'two'): z.writestr(n + '.py', '')";
			execFileSync(python.executable, ["-c", archive, at("modules.zip")]);
			site.write({
				"zip.py": `
import ctypes, os, sys
sys.path.insert(0, os.path.dirname(__file__) + "/modules.zip")
import one
if len(sys.argv) > 1 and ctypes.CDLL(None).unshare(0x10000000) != 0: sys.exit("no user namespace")
import two
print("two")
`,
			});
			await sign({ owner: "root" });
			expect(site.run(["app/zip.py"])).toMatchObject({ status: 0, stdout: "two\n" });
			const run = site.run(["app/zip.py", "unshare"]);
			expect(run).toMatchObject({ status: 1, stdout: "" });
			expect(run.events.find(({ reason }) => reason === "ERR_FILE_OWNER")).toMatchObject({
				entry: "modules.zip",
				detail: "owner 65534, mode 0644",
			});
		},
	);

	it.skipIf(!hasCompiler)("refuses native code like any other file, with its own event (needs cc)", async () => {
		expect(existsSync(at("libact.so"))).toBe(true);
		await sign({ owner: "root", othersWrite: "refuse" });
		const native = () => site.run(["app/native.py"]);
		expect(given("libact.so", 0, 0o755, native)).toMatchObject({ status: 0, stdout: "acted\n" });
		for (const [owner, mode, reason] of [
			[1234, 0o755, "ERR_FILE_OWNER"],
			[0, 0o775, "ERR_FILE_WRITABLE"],
		] as const) {
			const run = given("libact.so", owner, mode, native);
			expect(run).toMatchObject({ status: 1, stdout: "" });
			expect(run.stderr).toContain(reason);
			expect(run.events.find((event) => event.reason === reason)).toMatchObject({
				event: "module.dlopen",
				verdict: "refuse",
				entry: "libact.so",
				detail: `owner ${owner}, mode 0${mode.toString(8)}`,
			});
		}
	});
});
