import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

function signed() {
	const home = temporaryDirectory();
	const sigtool = runner(home);
	const tree = join(home, "lib");
	makeTree(tree, { a: "1" });
	sigtool(["sign", tree]);
	return { home, tree, sigtool };
}

describe("verify --max-size", () => {
	it("fails for a huge file in the place of a signed one, without reading it", () => {
		const { tree, sigtool } = signed();
		expect(sigtool(["verify", tree, "--max-size", "1K"])).toMatchObject({ status: 0 });
		writeFileSync(join(tree, "a"), "");
		truncateSync(join(tree, "a"), 2 ** 43);
		const { status, stdout, stderr } = sigtool(["verify", tree, "--max-size", "1K"]);
		expect(status).toBe(1);
		expect(stdout + stderr).toContain('"a" was not read: it has 8796093022208 bytes, and the limit is 1024');
	});

	it("is a member of the configuration too, and the option wins", () => {
		const { home, tree, sigtool } = signed();
		const verify = (...options: string[]) => sigtool(["verify", ...options], { cwd: home });
		const configuration = { sign: ["lib"], output: "lib/lib.cat", verify: { maxFileBytes: 1 } };
		writeFileSync(join(home, "sigtool.config.json"), JSON.stringify(configuration));
		expect(verify()).toMatchObject({ status: 0 });
		writeFileSync(join(tree, "a"), "12");
		expect(verify()).toMatchObject({ status: 1, stdout: expect.stringContaining("the limit is 1 [ERR_LIMIT]") });
		expect(verify("--max-size", "2").stdout).toContain("[ERR_FILE_MODIFIED]");
		sigtool(["sign", tree]);
		expect(verify()).toMatchObject({ status: 1 });
		expect(verify("--max-size", "2")).toMatchObject({ status: 0 });
		expect(verify("--signature-only")).toMatchObject({ status: 0 });
	});

	it.each(["", "-1", "1.5", "1k", "1KiB", " 5", "99999999T", "1e3"])("refuses the size %j", (size) => {
		const { tree, sigtool } = signed();
		expect(sigtool(["verify", tree, "--max-size", size])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("Unknown size"),
		});
	});

	it("is about files and catalogs alone", () => {
		const { tree, sigtool } = signed();
		for (const option of ["--signature-only", "--format=ima"])
			expect(sigtool(["verify", tree, "--max-size", "1K", option])).toMatchObject({
				status: 2,
				stderr: expect.stringContaining("Leave --max-size out"),
			});
	});
});
