import { defineConfig } from "vitest/config";

// Tests import what ships: the built files under packages/*/dist (see CONTRIBUTING.md).
export default defineConfig({
	test: {
		include: ["packages/*/test/**/*.test.ts", "test-fixtures/**/*.test.ts"],
		testTimeout: 60_000,
		hookTimeout: 120_000,
		pool: "forks",
	},
});
