/** Bundles test files of this project, so that a Node.js for Windows can run them by run-tests.mjs. */

import { readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { windowsPath } from "./wine.js";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** These are the paths of the bundles below the output directory. */
export const RUNNER = "test/windows/run-tests.mjs";
export const bundleOf = (testFile: string) => testFile.replace(/\.ts$/, ".mjs");

/**
 * Bundles test files, given by their paths in the workspace. A bundle holds the packages that a test uses, because
 * pnpm links packages, and Node.js under Wine does not see links. What the tests test is not bundled: the built files
 * are loaded from where they are.
 */
export async function bundleTests(testFiles: readonly string[], directory: string): Promise<void> {
	await build({
		entryPoints: [RUNNER, ...testFiles].map((file) => join(ROOT, file)),
		outdir: directory,
		outbase: ROOT,
		outExtension: { ".js": ".mjs" },
		bundle: true,
		// All bundles share one Vitest. Two would not see each other's tests.
		splitting: true,
		format: "esm",
		platform: "node",
		target: "node20",
		logLevel: "error",
		banner: {
			js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
		},
		plugins: [vitestRunner, builtFiles, placesOnWindows],
	});
}

/** pnpm gives the workspace no link to @vitest/runner, so it is found from Vitest's own directory. */
const vitestRunner: Plugin = {
	name: "vitest-runner",
	setup({ onResolve, resolve: find }) {
		const resolveDir = realpathSync(join(ROOT, "node_modules/vitest"));
		onResolve({ filter: /^@vitest\/runner$/ }, ({ path, kind, pluginData }) =>
			pluginData === FOUND ? undefined : find(path, { resolveDir, kind, pluginData: FOUND }),
		);
	},
};

/** Leaves the built files of the packages out of the bundles. */
const builtFiles: Plugin = {
	name: "built-files",
	setup({ onResolve, resolve: find }) {
		onResolve({ filter: /^\..*\/dist\/.*\.[cm]?js$/ }, ({ path, importer }) =>
			importer.includes("node_modules") ? undefined : { path: urlOf(resolve(dirname(importer), path)), external: true },
		);
		onResolve({ filter: /^@sigtool\// }, async ({ path, kind, importer, resolveDir, pluginData }) => {
			if (pluginData === FOUND) return undefined;
			const found = await find(path, { resolveDir, kind, importer, pluginData: FOUND });
			return found.errors.length > 0 ? found : { path: urlOf(found.path), external: true };
		});
	},
};

const FOUND = Symbol("found");

/**
 * Writes each file's own place into it, because the bundle is somewhere else. Tests that give a program a configuration
 * directory name the variable of Linux, so they get that of Windows.
 */
const placesOnWindows: Plugin = {
	name: "places-on-windows",
	setup({ onLoad }) {
		onLoad({ filter: /\/test\/.*\.ts$/ }, ({ path }) => {
			if (path.includes("node_modules")) return undefined;
			const contents = readFileSync(path, "utf8")
				.replaceAll("import.meta.url", JSON.stringify(urlOf(path)))
				.replaceAll("import.meta.dirname", JSON.stringify(windowsPath(dirname(path))))
				.replaceAll("XDG_CONFIG_HOME", "APPDATA");
			return { contents, loader: "ts" };
		});
	},
};

const urlOf = (path: string) => `file:///Z:${path}`;
