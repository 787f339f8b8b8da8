import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { ALL, ALONE, LONG, SAME_ON_EVERY_RELEASE } from "./scripts/test-projects.mjs";

/** Projects run one behind the other, in this order. */
const PROJECTS = [
	{ name: "parallel", include: ALL, exclude: [...ALONE, ...LONG] },
	{ name: "alone", include: ALONE, exclude: LONG },
	{ name: "long", include: LONG, exclude: ALONE },
	{ name: "long-alone", include: LONG.filter((file) => ALONE.includes(file)), exclude: [] },
];

// Tests import what ships: the built files under packages/*/dist (see CONTRIBUTING.md).
export default defineConfig(({ mode }) => ({
	test: {
		// `--mode full` (pnpm test:full) lengthens the tests that look at SIGTOOL_FULL; `--mode release` is test-node-versions.mjs.
		env: mode === "full" ? { SIGTOOL_FULL: "1" } : {},
		// For a test that hangs. On a busy machine a sound one takes many times what it takes at rest.
		testTimeout: 300_000,
		hookTimeout: 300_000,
		pool: "forks",
		projects: PROJECTS.map(({ name, include, exclude }, groupOrder) => ({
			extends: true as const,
			test: {
				name,
				include,
				exclude: ["**/node_modules/**", ...exclude, ...(mode === "release" ? SAME_ON_EVERY_RELEASE : [])],
				maxWorkers: name.endsWith("alone") ? 1 : availableParallelism(),
				sequence: { groupOrder },
			},
		})),
		// One result file a run, for scripts/test-summary.mjs.
		reporters: ["./scripts/test-reporter.mjs", ...(process.env.CI ? ["json"] : [])],
		outputFile: { json: `.cache/test-results/${process.version}-${process.pid}.json` },
	},
}));
