import { defineConfig } from "vitest/config";

// Tests import what ships: the built files under packages/*/dist (see CONTRIBUTING.md).
export default defineConfig(({ mode }) => ({
	test: {
		include: [
			"packages/*/test/**/*.test.ts",
			"scripts/test/**/*.test.ts",
			"test/**/*.test.ts",
			"test-fixtures/**/*.test.ts",
		],
		// `--mode full` (pnpm test:full) runs the long tests too: those that look at SIGTOOL_FULL.
		env: mode === "full" ? { SIGTOOL_FULL: "1" } : {},
		testTimeout: 60_000,
		hookTimeout: 120_000,
		pool: "forks",
		// One result file a run, for scripts/test-summary.mjs.
		reporters: process.env.CI ? ["default", "json"] : ["default"],
		outputFile: { json: `.cache/test-results/${process.version}-${process.pid}.json` },
	},
}));
