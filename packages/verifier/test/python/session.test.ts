import { cpSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { describeEach, flipByte, PYTHONS, Site } from "./support.js";

/** Large directories that no program here loads from. */
const LEFT_OUT = /\/(test|tests|idlelib|lib2to3|ensurepip|site-packages|dist-packages|__pycache__|config-[^/]*)$/;

describeEach(PYTHONS)("one bit of the standard library of $version, $executable", (python) => {
	let home: string;
	let library: string;
	let site: Site;
	beforeAll(async () => {
		home = temporaryDirectory(atEndOfFile);
		library = join(home, "lib", basename(python.library));
		cpSync(python.library, library, { recursive: true, filter: (path) => !LEFT_OUT.test(path) });
		site = new Site(python, { home });
		site.write({ "main.py": "import json.decoder\nprint('OK')\n" });
		await site.sign({ library });
	});

	it("makes the start fail with file and digests, until the library is signed again", async () => {
		expect(site.run(["app/main.py"])).toMatchObject({ status: 0, stdout: "OK\n" });
		for (const name of ["encodings/__init__.py", "json/decoder.py"]) {
			const path = join(library, name);
			flipByte(path, 4);
			const run = site.run(["app/main.py"]);
			expect(run.status).toBeGreaterThan(0);
			expect(run.stdout).toBe("");
			expect(run.stderr).toMatch(/File hash mismatch: '.*' \(expected: [0-9a-f]{64}, got [0-9a-f]{64}\)/);
			expect(run.stderr).toContain(path);
			flipByte(path, 4);
		}
		// The flipped byte is in the docstring, so the module works after it is signed again.
		flipByte(join(library, "json/decoder.py"), 4);
		await site.sign({ library });
		expect(site.run(["app/main.py"])).toMatchObject({ status: 0, stdout: "OK\n" });
	});

	it("is found in an extension module", async () => {
		site.write({ "native.py": "import _json\nprint(_json.__file__)\n" });
		await site.sign({ library });
		const native = site.run(["app/native.py"]);
		// If this Python has the module built in, there is no file to test.
		if (native.status !== 0) return;
		const path = native.stdout.trim();
		flipByte(path, 4000);
		expect(site.run(["app/native.py"])).toMatchObject({
			status: 1,
			stdout: "",
			stderr: expect.stringContaining(`File hash mismatch: '${path}'`),
		});
		flipByte(path, 4000);
	});
});
