import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");

/** File, a module it may import, and modules it may not. Each line of the table is one step between two floors. */
const FLOORS: readonly (readonly [file: string, allowed: readonly string[], refused: readonly string[]])[] = [
	["core/src/errors.ts", [], ["./asn1/der.js", "node:util"]],
	["core/src/asn1/der.ts", ["../errors.js"], ["../store.js", "../pki/cms.js", "node:fs", "./../pki/cms.js"]],
	["core/src/digest/algorithms.ts", ["../asn1/der.js", "node:crypto"], ["../fileset/walk.js", "node:fs", "node-forge"]],
	["core/src/digest/authenticode.ts", ["./algorithms.js"], ["../store.js", "node:fs/promises"]],
	["core/src/store.ts", ["./errors.js", "node:fs"], ["./pki/chain.js", "./fileset/walk.js", "node:https", "./sign.js"]],
	["core/src/user-files.ts", ["./errors.js", "node:os"], ["./store.js", "node:fs"]],
	["core/src/catalog-file.ts", ["./verify-sources.js"], ["./sign.js", "./signer/pem.js"]],
	["core/src/http.ts", ["./store.js", "./http-url.js", "node:https"], ["./fileset/walk.js", "node:fs"]],
	["core/src/http-url.ts", ["./errors.js"], ["./pki/chain.js", "node:fs"]],
	["core/src/attributes.ts", ["./errors.js", "fs-xattr"], ["./fileset/walk.js", "node:https"]],
	["core/src/doctor/kernel.ts", ["../attributes.js", "./check.js"], ["../store.js", "../pki/chain.js", "node:https"]],
	[
		"core/src/fileset/walk.ts",
		["../pki/name.js", "fast-glob", "ignore"],
		["../formats/cat.js", "../sign.js", "node:http"],
	],
	["core/src/fileset/native-threads.ts", ["node:module"], ["node:fs", "../formats/cat.js"]],
	["core/src/pki/chain.ts", ["../fileset/manifest.js", "../http.js"], ["../signer/pem.js", "node:fs", "node-forge"]],
	[
		"core/src/formats/cat.ts",
		["../pki/cms.js", "../signer/signer.js"],
		["../sign.js", "../index.js", "node:fs", "fast-glob"],
	],
	["core/src/trust/policy.ts", ["../errors.js"], ["../verify.js", "node:net", "node:fs"]],
	["core/src/trust/trust-index.ts", ["../pki/cms.js"], ["../signer/signer.js", "./index-encode.js"]],
	["core/src/trust/index-encode.ts", ["../signer/signer.js"], ["../sign.js"]],
	["core/src/compile.ts", ["./trust/index-encode.js", "./verify-directory.js"], ["./read.js", "node:fs"]],
	["core/src/signer/pem.ts", ["../store.js"], ["../verify.js", "node-forge", "node:fs"]],
	["core/src/signer/pkcs11-module.ts", ["node:module", "./signer.js"], ["../sign.js", "node:fs", "node-forge"]],
	["core/src/signer/command.ts", ["./signer.js", "node:child_process"], ["../sign.js", "node:fs", "node:https"]],
	["core/src/signer/pkcs12.ts", ["node-forge"], ["../sign.js", "node:https"]],
	[
		"core/src/sign.ts",
		["./formats/cat.js", "./signer/signer.js"],
		["./index.js", "./read.js", "node:fs", "@sigtool/cli"],
	],
	["core/src/verify.ts", ["./formats/cat.js"], ["./sign.js", "./signer/pem.js", "./read.js", "@sigtool/verifier"]],
	["core/src/inspect.ts", ["./verify.js"], ["./finish.js", "./signer/signer.js"]],
	["core/src/elsewhere/new.ts", [], ["../errors.js", "node:fs"]],
	["core/src/read.ts", ["./verify.js"], ["./sign.js", "./compile.js", "./trust/index-encode.js", "node:crypto"]],
	["core/src/index.ts", ["./sign.js", "./read.js"], ["../../cli/src/program.js", "node-forge"]],
	[
		"verifier/src/index.ts",
		["@sigtool/core/read"],
		["@sigtool/core", "@sigtool/cli", "../../core/src/sign.js", "ignore"],
	],
	["verifier/src/audit/sinks.ts", ["../primordials.js", "@sigtool/core/read"], ["@sigtool/core", "fast-glob"]],
	["verifier/src/node/esm.ts", ["../open-code.js", "node:module"], ["@sigtool/core", "../../../core/dist/index.js"]],
	["cli/src/program.ts", ["commander", "./output.js"], ["node:crypto", "../../core/dist/sign.js", "node-forge"]],
	[
		"cli/src/commands/sign.ts",
		["@sigtool/core", "@sigtool/core/errors", "../output.js"],
		["@sigtool/core/dist/sign.js", "node:crypto", "fast-glob"],
	],
];

/** File and a statement that is refused although the module may be imported. */
const STATEMENTS: readonly (readonly [file: string, allowed: string, refused: readonly string[]])[] = [
	[
		"core/src/fileset/walk.ts",
		'import { constants, openSync, type Stats } from "node:fs";',
		['import { writeFileSync } from "node:fs";', 'import * as fs from "node:fs";', 'import fs from "node:fs";'],
	],
	[
		"core/src/digest/authenticode.ts",
		'import { readSync } from "node:fs";',
		['import { rmSync } from "node:fs";', 'await import("node:fs");'],
	],
	[
		"core/src/fileset/walk.ts",
		'import type { Manifest } from "./manifest.js";',
		['import type { Catalog } from "../formats/cat.js";', 'export * from "../sign.js";', 'await import("../sign.js");'],
	],
	["core/src/pki/chain.ts", "export {};", ['await fetch("https://example.org/");']],
];

describe("the floors", () => {
	let folder: string;
	/** Lines that Biome refused, as `file:line`. */
	let refused: Set<string>;
	/** One file a floor: its statements, one a line. */
	const files = new Map<string, string[]>();

	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), "sigtool-floors-"));
		for (const file of [
			"biome.json",
			".gitignore",
			...["core", "verifier", "cli"].map((name) => `packages/${name}/biome.jsonc`),
		]) {
			mkdirSync(dirname(join(folder, file)), { recursive: true });
			copyFileSync(join(workspace, file), join(folder, file));
		}
		for (const [file, allowed, refusals] of FLOORS) {
			for (const module of [...allowed, ...refusals]) lineOf(file, `import "${module}";`);
		}
		for (const [file, allowed, refusals] of STATEMENTS) for (const line of [allowed, ...refusals]) lineOf(file, line);
		for (const [file, lines] of files) {
			mkdirSync(dirname(join(folder, "packages", file)), { recursive: true });
			writeFileSync(join(folder, "packages", file), lines.join("\n"));
		}
		const args = [
			"lint",
			"--only=style/noRestrictedImports",
			"--only=style/noRestrictedGlobals",
			"--max-diagnostics=none",
		];
		const result = spawnSync(process.execPath, [biome, ...args, "--reporter=github", "."], {
			cwd: folder,
			encoding: "utf8",
		});
		refused = new Set(
			[...result.stdout.matchAll(/file=.*?packages\/(.*?),line=(\d+)/g)].map(([, file, line]) => `${file}:${line}`),
		);
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	/** Line number of a statement in its file, which is added when it is not there yet. */
	function lineOf(file: string, statement: string): number {
		const lines = files.get(file) ?? [];
		files.set(file, lines);
		if (!lines.includes(statement)) lines.push(statement);
		return lines.indexOf(statement) + 1;
	}

	const verdict = (file: string, statement: string) =>
		refused.has(`${file}:${lineOf(file, statement)}`) ? "refused" : "allowed";

	it.each(FLOORS)("%s imports %j and not %j", (file, allowed, refusals) => {
		for (const module of allowed) expect([module, verdict(file, `import "${module}";`)]).toEqual([module, "allowed"]);
		for (const module of refusals) expect([module, verdict(file, `import "${module}";`)]).toEqual([module, "refused"]);
	});

	it.each(STATEMENTS)("%s may say %j and not %j", (file, allowed, refusals) => {
		expect(verdict(file, allowed)).toBe("allowed");
		for (const statement of refusals) expect([statement, verdict(file, statement)]).toEqual([statement, "refused"]);
	});
});

describe("the reading door", () => {
	it("reaches nothing that signs, by any path", async () => {
		const { metafile } = await build({
			entryPoints: [join(workspace, "packages/core/dist/read.js")],
			bundle: true,
			platform: "node",
			format: "esm",
			packages: "external",
			write: false,
			metafile: true,
		});
		const signing = Object.keys(metafile.inputs).filter((file) => /\/(sign|finish)\.js$|\/signer\//.test(file));
		expect(signing).toEqual([]);
	});
});
