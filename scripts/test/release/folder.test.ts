import { createHash } from "node:crypto";
import { chmodSync, chownSync, lchownSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../test/temporary.js";
import { placeOfTarball } from "../../release/npm-tarballs.mjs";
import { publicPackages } from "../../release/workspace.mjs";

const script = fileURLToPath(new URL("../../release/release.mjs", import.meta.url));
const scratch = temporaryDirectory(atEndOfFile);

function expectRefusal(folder: string): void {
	const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--out", folder], { encoding: "utf8" });
	expect(stderr).toBe(
		`error: Cannot release into ${folder}: other users can write to it; name a folder of yours with --out\n`,
	);
	expect([status, stdout, readdirSync(folder)]).toEqual([1, "", []]);
}

describe("a release into a folder that others could have made", () => {
	it("is refused if they can write to it", () => {
		const folder = join(scratch, "open");
		mkdirSync(folder);
		for (const mode of [0o777, 0o1777, 0o775]) {
			chmodSync(folder, mode);
			expectRefusal(folder);
		}
	});

	it.skipIf(process.getuid?.() !== 0)("is refused if it, or the link to it, is another user's (needs root)", () => {
		const folder = join(scratch, "theirs");
		mkdirSync(folder);
		chownSync(folder, 65534, 65534);
		expectRefusal(folder);
		chownSync(folder, 0, 0);
		const link = join(scratch, "link");
		symlinkSync(folder, link);
		lchownSync(link, 65534, 65534);
		expectRefusal(link);
	});
});

describe("the question to the registry", () => {
	it("takes no package of the same name and version for ours, only the same bytes", () => {
		const folder = join(scratch, "release");
		const programs = join(scratch, "programs");
		for (const each of [join(folder, "native"), programs]) mkdirSync(each, { recursive: true });
		for (const { manifest } of publicPackages()) writeFileSync(placeOfTarball(folder, manifest), "ours");
		const check = (bytes: string) => {
			return checkWith(`sha512-${createHash("sha512").update(bytes).digest("base64")}`);
		};
		const checkWith = (answer: unknown) => {
			writeFileSync(join(programs, "npm"), `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`, { mode: 0o755 });
			const env = { ...process.env, PATH: `${programs}:${process.env.PATH}` };
			return spawnSync(process.execPath, [script, "--check", "--out", folder], { encoding: "utf8", env });
		};
		expect(check("ours")).toMatchObject({ status: 0, stderr: "" });
		const { status, stdout } = check("theirs");
		expect(stdout).toContain("ANOTHER PACKAGE: the registry has sha512-");
		expect(status).toBe(1);
		expect(checkWith({ error: { code: "E404" } })).toMatchObject({ status: 1 });
		const unreachable = checkWith({ error: { code: "ECONNREFUSED" } });
		expect(unreachable.stdout).toContain("the registry cannot be asked (ECONNREFUSED)");
		expect(unreachable.status).toBe(3);
		rmSync(folder, { recursive: true });
		expect(check("ours").stdout).toContain("is missing; make the release first");
	});
});
