import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../test/outside.js";
import { temporaryDirectory } from "../../test/temporary.js";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const script = join(workspace, "scripts/schema.mjs");

/** Each row has a generated file, and a text in it that comes from the table. */
const PARTS = [
	["packages/verifier/native/shared/settings/mode.h", "MODE_STRICT"],
	["packages/verifier/native/shared/settings/constants.h", "INDEX_DESCRIPTOR"],
	["packages/verifier/native/shared/settings/schema.h", "POLICY_MODE"],
	["packages/verifier/native/shared/settings/schema.c", "2147483647"],
	["packages/verifier/native/shared/events/verdicts.h", "RECORD"],
	["docs/reference/configuration.md", "`key.pkcs11`"],
	["docs/reference/policy.md", "2147483647"],
	["docs/reference/verifier.md", "9007199254740991"],
	["docs/reference/launcher.md", "`PATH SHA256`"],
] as const;

function check(change: (root: string) => void) {
	const root = temporaryDirectory();
	for (const [file] of PARTS) cpSync(join(workspace, file), join(root, file), { recursive: true });
	change(root);
	const env = { ...process.env, SIGTOOL_SCHEMA_ROOT: root };
	return spawnSync(process.execPath, [script, "--check"], { env, encoding: "utf8" });
}

describe("what is generated from the schema", () => {
	it("is as the table has it, and `pnpm lint` looks", () => {
		expect(check(() => {})).toMatchObject({ status: 0, stderr: "" });
		const { scripts } = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8"));
		expect(scripts.lint).toContain("node scripts/schema.mjs --check");
	});

	it.each(PARTS)("fails the check where %s is stale, and is named", (file, said) => {
		const { status, stderr } = check((root) => {
			const text = readFileSync(join(root, file), "utf8");
			expect(text).toContain(said);
			writeFileSync(join(root, file), text.replace(said, "x"));
		});
		expect(stderr).toContain(`members.ts: ${file}; run \`pnpm generate\``);
		expect(status).toBe(1);
	});

	it("fails the check where a file is missing", () => {
		const [file] = PARTS[0];
		expect(check((root) => rmSync(join(root, file)))).toMatchObject({
			status: 1,
			stderr: expect.stringContaining(file),
		});
	});
});
