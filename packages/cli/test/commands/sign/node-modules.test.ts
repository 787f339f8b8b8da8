import { createHash } from "node:crypto";
import {
	chmodSync,
	existsSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	renameSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { registryEnvironment } from "../../../../../scripts/registry-environment.mjs";
import { execFileSync, spawnSync } from "../../../../../test/outside.js";
import { atEndOfFile, runner, temporaryDirectory } from "../../support.js";

const PACKAGES = ["eslint@9.39.1", "react@19.2.0", "react-dom@19.2.0", "typescript@5.9.3", "webpack@5.102.1"];
const CACHE = fileURLToPath(new URL("../../../../../.cache", import.meta.url));

const installed = process.platform === "win32" ? undefined : install();

describe.skipIf(installed === undefined)("verify of a real node_modules (npm and its registry)", () => {
	const home = temporaryDirectory(atEndOfFile);
	const root = join(home, "node_modules");
	const at = (path: string) => join(root, path);
	const sigtool = runner(home);
	const verify = () => sigtool(["verify", root, "--json"]);
	/** Returns path and code of each finding, in the order of paths. */
	const findings = (): string[] => {
		const { exit, results } = verify().json();
		expect(exit).toBe(results[0].findings.length === 0 ? 0 : 1);
		return results[0].findings.map(({ code, path }: { code: string; path: string }) => `${path}: ${code}`).sort();
	};

	beforeAll(() => {
		execFileSync("cp", ["-a", installed ?? "", root]);
		expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
	});

	test("is trusted as it was installed: thousands of files, links in .bin, scripts that may be executed", () => {
		const { results } = verify().json();
		expect(results).toMatchObject([{ verdict: "trusted", match: "path", findings: [] }]);
		expect(results[0].checked).toBeGreaterThan(3000);
		const programs = readdirSync(at(".bin"));
		expect(programs).toEqual(expect.arrayContaining(["eslint", "tsc", "webpack"]));
		expect(programs.every((name) => lstatSync(at(`.bin/${name}`)).isSymbolicLink())).toBe(true);
	});

	/** Each `make` makes one change and returns a function that undoes it. */
	const changes: readonly { name: string; make: () => () => void; expected: readonly string[] }[] = [
		{
			name: "one changed byte",
			make: () => {
				const file = at("typescript/lib/typescript.js");
				const original = readFileSync(file);
				const changed = Buffer.from(original);
				changed[changed.length >> 1] ^= 1;
				writeFileSync(file, changed);
				return () => writeFileSync(file, original);
			},
			expected: ["typescript/lib/typescript.js: ERR_FILE_MODIFIED"],
		},
		{
			name: "an added file",
			make: () => {
				writeFileSync(at("react/cjs/react.extra.js"), "module.exports = 1;\n");
				return () => unlinkSync(at("react/cjs/react.extra.js"));
			},
			expected: ["react/cjs/react.extra.js: ERR_FILE_ADDED"],
		},
		{
			name: "a deleted file",
			make: () => move(at("eslint/lib/api.js"), join(home, "api.js")),
			expected: ["eslint/lib/api.js: ERR_FILE_MISSING"],
		},
		{
			name: "two signed files swapped",
			make: () => {
				const files = [at("react/index.js"), at("react-dom/index.js")] as const;
				swap(...files);
				return () => swap(...files);
			},
			expected: ["react-dom/index.js: ERR_FILE_MODIFIED", "react/index.js: ERR_FILE_MODIFIED"],
		},
		{
			name: "a retargeted link",
			make: () => {
				const target = readlinkSync(at(".bin/tsc"));
				retarget(at(".bin/tsc"), readlinkSync(at(".bin/tsserver")));
				return () => retarget(at(".bin/tsc"), target);
			},
			expected: [".bin/tsc: ERR_LINK_CHANGED"],
		},
		{
			name: "a dropped execute bit",
			make: () => {
				const program = at("webpack/bin/webpack.js");
				const mode = lstatSync(program).mode & 0o777;
				expect(mode & 0o111).not.toBe(0);
				chmodSync(program, mode & ~0o111);
				return () => chmodSync(program, mode);
			},
			expected: ["webpack/bin/webpack.js: ERR_MODE_CHANGED"],
		},
	];

	test.each(changes)("$name is reported by name and alone", ({ make, expected }) => {
		const undo = make();
		try {
			expect(findings()).toEqual(expected);
		} finally {
			undo();
		}
		expect(findings()).toEqual([]);
	});

	test("all of these at once are reported, and nothing else", () => {
		const undos = changes.map(({ make }) => make());
		try {
			expect(findings()).toEqual(changes.flatMap(({ expected }) => expected).sort());
		} finally {
			for (const undo of undos) undo();
		}
		expect(findings()).toEqual([]);
	});
});

/**
 * Installs the packages above once and returns their node_modules. Returns undefined if the registry cannot be reached.
 */
function install(): string | undefined {
	const hash = createHash("sha256").update(PACKAGES.join(" ")).digest("hex").slice(0, 12);
	const directory = join(CACHE, `node-modules-${hash}`);
	if (!existsSync(directory)) {
		mkdirSync(CACHE, { recursive: true });
		const scratch = mkdtempSync(`${directory}.`);
		writeFileSync(join(scratch, "package.json"), '{ "private": true }\n');
		const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--fetch-retries=1"];
		const run = { cwd: scratch, env: registryEnvironment(), timeout: 240_000 };
		const { status } = spawnSync("npm", ["install", ...options, ...PACKAGES], run);
		if (status === 0 && !existsSync(directory)) renameSync(scratch, directory);
		else rmSync(scratch, { recursive: true, force: true });
	}
	return existsSync(directory) ? join(directory, "node_modules") : undefined;
}

function move(from: string, to: string): () => void {
	renameSync(from, to);
	return () => renameSync(to, from);
}

function swap(a: string, b: string): void {
	renameSync(a, `${a}.swap`);
	renameSync(b, a);
	renameSync(`${a}.swap`, b);
}

function retarget(link: string, target: string): void {
	unlinkSync(link);
	symlinkSync(target, link);
}
