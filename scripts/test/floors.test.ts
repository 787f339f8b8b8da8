import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../test/temporary.js";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");

/**
 * Each row has a file, modules that it may import, and modules that it may not import. A row tests one step between two
 * floors of docs/explanation/house.md.
 */
const FLOORS: readonly (readonly [file: string, allowed: readonly string[], refused: readonly string[]])[] = [
	["core/src/error-codes.ts", [], ["./errors.js", "node:util"]],
	["core/src/errors.ts", ["./error-codes.js"], ["./asn1/der.js", "node:util"]],
	["core/src/options/check.ts", ["../errors.js"], ["../digest/algorithms.js", "node:crypto"]],
	["core/src/digest/algorithms.ts", ["../errors.js", "node:crypto"], ["../asn1/der.js", "node:fs", "node-forge"]],
	["core/src/digest/authenticode.ts", ["./algorithms.js"], ["../system/store.js", "node:fs/promises"]],
	[
		"core/src/asn1/der.ts",
		["../errors.js", "../digest/algorithms.js"],
		["../system/store.js", "../pki/cms.js", "node:fs", "./../pki/cms.js"],
	],
	[
		"core/src/system/store.ts",
		["../errors.js", "./look-up.js", "node:fs"],
		["../pki/chain.js", "./http.js", "node:https", "../sign/sign.js"],
	],
	["core/src/system/read-file.ts", ["./disk-errors.js", "node:path"], ["./store.js", "../pki/chain.js", "node:https"]],
	["core/src/system/look-up.ts", ["../errors.js"], ["./store.js", "../fileset/walk/walk.js"]],
	["core/src/system/output-file.ts", ["./look-up.js"], ["./store.js", "../sign/sign.js"]],
	["core/src/system/user-files.ts", ["../errors.js", "node:os"], ["../fileset/walk/walk.js", "node:fs"]],
	["core/src/system/http.ts", ["./http-url.js", "node:https"], ["./store.js", "../fileset/walk/walk.js", "node:fs"]],
	["core/src/system/http-url.ts", ["../errors.js"], ["../pki/chain.js", "node:fs"]],
	["core/src/system/parts.ts", ["node:worker_threads"], ["../errors.js", "node:fs", "node:child_process"]],
	["core/src/system/programs.ts", ["./parts.js", "../errors.js"], ["./store.js", "node:child_process"]],
	[
		"core/src/system/attributes.ts",
		["../errors.js", "./native.js"],
		["../fileset/walk/walk.js", "fs-xattr", "node:fs"],
	],
	["core/src/system/attributes-by-path.ts", ["../errors.js", "fs-xattr"], ["../fileset/walk/walk.js", "node:https"]],
	["core/src/system/native.ts", ["node:module"], ["../errors.js", "node:fs", "fs-xattr"]],
	[
		"core/src/pki/chain.ts",
		["../asn1/der.js", "../system/http.js"],
		["../fileset/manifest.js", "../signer/pem.js", "node:fs", "node-forge"],
	],
	[
		"core/src/doctor/kernel.ts",
		["../system/attributes.js", "./check.js"],
		["../pki/chain.js", "../fileset/walk/walk.js", "node:https"],
	],
	[
		"core/src/fileset/walk/walk.ts",
		["../../pki/name.js", "../paths/entry-path.js"],
		["../select/glob.js", "../hash/hash-file.js", "../../signer/pem.js", "../../sign/sign.js", "node:http"],
	],
	["core/src/fileset/manifest.ts", ["../errors.js"], ["./paths/entry-path.js", "../pki/name.js"]],
	["core/src/fileset/paths/entry-path.ts", ["../manifest.js"], ["../walk/walk.js", "../../formats/cat.js"]],
	["core/src/fileset/packages/dpkg-lists.ts", ["../../system/read-file.js"], ["../paths/entry-path.js"]],
	[
		"core/src/fileset/select/selection.ts",
		["../paths/entry-path.js", "./glob.js"],
		["../walk/walk.js", "../hash/hash-file.js", "../../formats/cat.js"],
	],
	["core/src/fileset/hash/hash-files.ts", ["../walk/walk.js", "../manifest.js"], ["../compare/compare.js"]],
	[
		"core/src/fileset/compare/compare.ts",
		["../hash/hash-file.js"],
		["../../formats/cat.js", "../packages/dpkg-lists.js"],
	],
	["core/src/system/native.ts", ["./native-package.js", "node:module"], ["./store.js", "node:fs", "fs-xattr"]],
	["core/src/system/native-package.ts", ["./native-target.js", "node:path"], ["./store.js", "node:module", "node:os"]],
	[
		"core/src/fileset/hash/native-threads.ts",
		["../../system/native.js"],
		["node:module", "node:fs", "../walk/walk.js"],
	],
	[
		"core/src/signer/pem.ts",
		["../system/store.js", "./pbe/pkcs12-derivation.js"],
		["./pkcs12/pkcs12.js", "../fileset/walk/walk.js", "../verify/verify.js", "node-forge", "node:fs"],
	],
	[
		"core/src/signer/pbe/pkcs12-derivation.ts",
		["../../asn1/der.js"],
		["../pem.js", "../pkcs12/pkcs12-mac.js", "node:fs"],
	],
	[
		"core/src/signer/pkcs11/pkcs11-module.ts",
		["./pkcs11-channel.js", "../signer.js"],
		["../pkcs12/pkcs12.js", "../../sign/sign.js", "node:module", "node-forge"],
	],
	["core/src/signer/pkcs11/pkcs11-channel.ts", ["node:worker_threads"], ["../../sign/sign.js", "node:child_process"]],
	[
		"core/src/signer/pkcs11/pkcs11-supervisor.ts",
		["node:child_process"],
		["../../sign/sign.js", "node:fs", "node:module"],
	],
	[
		"core/src/signer/pkcs11/pkcs11-process.ts",
		["../../system/native.js", "../../system/parts.js"],
		["../../sign/sign.js", "node:module", "node:child_process", "node:https"],
	],
	["core/src/signer/command.ts", ["./signer.js", "node:child_process"], ["../sign/sign.js", "node:fs", "node:https"]],
	[
		"core/src/signer/pkcs12/pkcs12.ts",
		["node:crypto", "../pem.js"],
		["../identity/identities.js", "../../sign/sign.js", "node:https", "node-forge"],
	],
	[
		"core/src/signer/identity/identity-exchange.ts",
		["../pkcs12/pkcs12.js", "../signer.js"],
		["../pkcs11/pkcs11.js", "../../sign/sign.js", "node:fs"],
	],
	[
		"core/src/signer/pbe/decrypt-rc2.ts",
		["node-forge/lib/rc2.js"],
		["node-forge", "../pkcs12/pkcs12.js", "node:crypto"],
	],
	[
		"core/src/formats/cat.ts",
		["../pki/cms.js", "../signer/signer.js"],
		["../trust/policy.js", "../sign/sign.js", "../index.js", "node:fs", "fast-glob"],
	],
	["core/src/trust/policy.ts", ["../errors.js"], ["../formats/cat.js", "../verify/verify.js", "node:net", "node:fs"]],
	["core/src/trust/trust-index.ts", ["../pki/cms.js"], ["../signer/signer.js", "./index-encode.js"]],
	[
		"core/src/trust/trust-edit.ts",
		["../system/store.js", "../pki/trust-policy.js"],
		["../signer/identity/identities.js"],
	],
	[
		"core/src/log/chain.ts",
		["./lines.js", "../pki/cms.js", "node:crypto"],
		["./seal.js", "../signer/signer.js", "../formats/cat.js", "../verify/verify.js", "node:fs"],
	],
	["core/src/log/seal.ts", ["../signer/signer.js", "./note.js"], ["../sign/sign.js", "../formats/cat.js", "node:fs"]],
	["core/src/trust/index-encode.ts", ["../signer/signer.js"], ["../sign/sign.js"]],
	[
		"core/src/verify/verify.ts",
		["../formats/cat.js", "../fileset/hash/digest-file.js", "./sources.js"],
		[
			"../sign/sign.js",
			"../signer/pem.js",
			"../inspect/inspect.js",
			"../trust/index-encode.js",
			"../read.js",
			"node:fs",
			"@sigtool/verifier",
		],
	],
	["core/src/error-help.ts", ["./errors.js"], ["./digest/algorithms.js", "node:util"]],
	["core/src/diff/diff.ts", ["../verify/verify-catalog.js"], ["../inspect/inspect.js", "../sign/finish.js", "node:fs"]],
	["core/src/inspect/inspect.ts", ["../verify/verify.js"], ["../sign/finish.js", "../signer/signer.js"]],
	[
		"core/src/sign/sign.ts",
		["../formats/cat.js", "../signer/signer.js", "../signer/identity/identities.js", "../verify/merge.js"],
		["../compile/compile.js", "../index.js", "../read.js", "node:fs", "@sigtool/cli"],
	],
	[
		"core/src/compile/compile.ts",
		["../trust/index-encode.js", "../verify/verify-directory.js"],
		["../sign/sign.js", "../read.js", "node:fs"],
	],
	[
		"core/src/compile/type-stripper.ts",
		["../system/store.js", "node:child_process"],
		["./compile.js", "../sign/sign.js", "node:fs"],
	],
	["core/src/rewrite/convert.ts", ["../verify/verify-catalog.js"], ["../inspect/inspect.js", "node:fs"]],
	["core/src/elsewhere/new.ts", [], ["../errors.js", "node:fs"]],
	[
		"core/src/read.ts",
		["./verify/verify.js"],
		[
			"./sign/sign.js",
			"./compile/compile.js",
			"./trust/index-encode.js",
			"./log/seal.js",
			"./signer/pkcs12/pkcs12.js",
			"./internal/read.js",
			"node:crypto",
		],
	],
	[
		"core/src/index.ts",
		["./sign/sign.js", "./read.js"],
		["./checked/index.js", "./internal/index.js", "../../cli/src/program.js", "node-forge"],
	],
	[
		"core/src/internal/read.ts",
		["../verify/verify.js", "../errors.js"],
		["../sign/sign.js", "../signer/signer.js", "../trust/index-encode.js", "../log/seal.js", "../index.js", "node:fs"],
	],
	["core/src/internal/index.ts", ["../sign/sign.js", "./read.js"], ["../checked/index.js", "node:fs"]],
	[
		"core/src/checked/read.ts",
		["../read.js", "../options/check.js", "./shapes.js"],
		["./index.js", "../index.js", "../sign/sign.js", "../signer/signer.js", "node:fs"],
	],
	["core/src/checked/index.ts", ["../index.js", "./read.js", "../signer/pem.js"], ["node-forge", "node:fs"]],
	["verifier/src/safe/primordials.ts", ["node:fs"], ["../audit/audit.js", "../host/config.js", "@sigtool/core"]],
	[
		"verifier/src/host/config.ts",
		["@sigtool/core/read"],
		["../monitor/monitor.js", "../safe/primordials.js", "@sigtool/core"],
	],
	[
		"verifier/src/audit/sinks.ts",
		["../safe/primordials.js", "@sigtool/core/read"],
		["../monitor/monitor.js", "@sigtool/core", "fast-glob"],
	],
	[
		"verifier/src/monitor/monitor.ts",
		["../audit/audit.js", "../host/config.js"],
		["../node/load/links.js", "../verifier.js"],
	],
	["verifier/src/node/guards/guards.ts", ["../../monitor/monitor.js"], ["../load/links.js", "../start/start.js"]],
	[
		"verifier/src/node/load/links.ts",
		["../../monitor/monitor.js", "../guards/guards.js"],
		["../legacy/esm.js", "../start/start.js"],
	],
	[
		"verifier/src/node/legacy/esm.ts",
		["../load/links.js", "node:module"],
		["../start/start.js", "@sigtool/core", "../../../core/dist/index.js"],
	],
	[
		"verifier/src/node/start/start.ts",
		["../legacy/esm.js", "../../monitor/monitor.js"],
		["../../verifier.js", "@sigtool/core"],
	],
	["verifier/src/elsewhere/new.ts", [], ["../monitor/monitor.js", "node:fs"]],
	[
		"verifier/src/index.ts",
		["@sigtool/core/read", "@sigtool/core/internal/read", "./monitor/monitor.js"],
		["@sigtool/core", "@sigtool/core/internal", "@sigtool/cli", "../../core/src/sign.js", "ignore"],
	],
	["cli/src/output/render.ts", ["@sigtool/core"], ["../options/usage.js", "node:crypto"]],
	[
		"cli/src/configuration/read-document.ts",
		["../output/output.js", "@sigtool/core", "jsonc-parser"],
		["../options/usage.js", "../commands/sign/sign.js", "commander", "node:crypto"],
	],
	[
		"cli/src/options/usage.ts",
		["../output/output.js", "../configuration/configuration.js"],
		["../commands/sign/sign.js", "../launcher/launcher-conf.js", "jsonc-parser"],
	],
	[
		"cli/src/events/explain.ts",
		["./event.js", "../output/output.js", "@sigtool/verifier/internal"],
		["../commands/explain/explain.js", "../launcher/launcher-conf.js", "node:crypto"],
	],
	[
		"cli/src/python/spython.ts",
		["../native/native-parts.js"],
		["../launcher/launcher-place.js", "../commands/sign/sign.js"],
	],
	["cli/src/single-file/load.ts", ["./assets.js", "node:vm"], ["../program.js", "../output/output.js", "node:crypto"]],
	[
		"cli/src/forward/forward-log.ts",
		["../events/follow.js", "node:net"],
		["../launcher/installed-log.js", "node:crypto"],
	],
	["cli/src/policy/learn.ts", ["../options/usage.js"], ["../launcher/launcher-place.js", "../commands/run/run.js"]],
	["cli/src/launcher/launcher-place.ts", ["../python/spython.js"], ["../commands/run/run.js"]],
	[
		"cli/src/commands/sign/sign.ts",
		[
			"@sigtool/core",
			"@sigtool/core/internal",
			"@sigtool/core/internal/errors",
			"../../output/output.js",
			"./declaration.js",
		],
		["../verify/verify.js", "@sigtool/core/dist/sign.js", "node:crypto", "fast-glob"],
	],
	["cli/src/page/main.ts", ["./files-view.js"], ["../output/output.js", "@sigtool/core", "node:fs"]],
	["cli/src/commands/report/document.ts", ["../../page/text.js"], ["../verify/verify.js", "node:crypto"]],
	["cli/src/commands/commands.ts", ["./sign/declaration.js"], ["./sign/sign.js", "../program.js"]],
	["cli/src/program.ts", ["commander", "./output/output.js"], ["node:crypto", "../../core/dist/sign.js", "node-forge"]],
];

/**
 * Each row has a file, a statement that it may contain, and statements that Biome refuses: other names of an allowed
 * module, other forms of import of a forbidden one, and forbidden globals.
 */
const STATEMENTS: readonly (readonly [file: string, allowed: string, refused: readonly string[]])[] = [
	[
		"core/src/fileset/walk/walk.ts",
		'import { constants, openSync, type Stats } from "node:fs";',
		['import { writeFileSync } from "node:fs";', 'import * as fs from "node:fs";', 'import fs from "node:fs";'],
	],
	[
		"core/src/digest/authenticode.ts",
		'import { readSync } from "node:fs";',
		['import { rmSync } from "node:fs";', 'await import("node:fs");'],
	],
	[
		"core/src/fileset/walk/walk.ts",
		'import type { Manifest } from "../manifest.js";',
		[
			'import type { Catalog } from "../../formats/cat.js";',
			'export * from "../../sign/sign.js";',
			'await import("../../sign/sign.js");',
		],
	],
	[
		"core/src/signer/pkcs11/pkcs11-process.ts",
		'import { readSync, writeSync } from "node:fs";',
		['import { openSync } from "node:fs";', 'import { writeFileSync } from "node:fs";'],
	],
	[
		"core/src/system/read-file.ts",
		'import { readSync } from "node:fs";',
		['import { writeSync } from "node:fs";', 'import { unlinkSync } from "node:fs";', 'await import("node:fs");'],
	],
	["core/src/pki/chain.ts", "export {};", ['await fetch("https://example.org/");']],
];

describe("the floors", () => {
	let folder: string;
	/** The lines that Biome refused, as `file:line`. */
	let refused: Set<string>;
	/** Maps each file to its statements, each of which is one line. */
	const files = new Map<string, string[]>();

	beforeAll(() => {
		folder = temporaryDirectory(atEndOfFile);
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

	/** Returns the line number of a statement in its file. Adds the statement if it is not in the file yet. */
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
	it.each(["read.js", "checked/read.js"])("%s reaches nothing that signs, by any path", async (file) => {
		const { metafile } = await build({
			entryPoints: [join(workspace, "packages/core/dist", file)],
			bundle: true,
			platform: "node",
			format: "esm",
			packages: "external",
			write: false,
			metafile: true,
		});
		const signing = Object.keys(metafile.inputs).filter((file) =>
			/\/dist\/(sign|signer|compile|rewrite)\/|\/(index-encode|seal)\.js$/.test(file),
		);
		expect(signing).toEqual([]);
	});
});
