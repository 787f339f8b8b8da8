import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { ALL, ALONE, BY_PATH, FULL, IN_SUITES, LONG, SAME_ON_EVERY_RELEASE, SUITES } from "./scripts/test-projects.mjs";
import TestSequencer from "./scripts/test-sequencer.mjs";

// The file scripts/registry-environment.mjs says why, and gives the variable back to npm.
if (process.env.NODE_EXTRA_CA_CERTS !== undefined) {
	process.env.SIGTOOL_TEST_CA_CERTS = process.env.NODE_EXTRA_CA_CERTS;
	delete process.env.NODE_EXTRA_CA_CERTS;
}

/** Says whether the tests run at their longest. */
const isFull = (mode: string) => mode === "full" || process.env.SIGTOOL_FULL !== undefined;

interface Project {
	readonly name: string;
	readonly include: string[];
	readonly exclude: readonly string[];
	/** A file that tests, and the programs that they start, load first. */
	readonly preload?: string;
}

/**
 * Returns how many files of a project run at once. Many tests wait for a time or for a process, the long ones for two
 * fifths of their time. So there are more files than cores.
 */
function workersOf(project: string): number {
	if (project.endsWith("alone") || project === "windows") return 1;
	return availableParallelism() + (project === "parallel" || project === "by-path" ? 1 : 2);
}

/** Projects run one after the other, in this order. */
const PROJECTS: readonly Project[] = [
	{ name: "parallel", include: ALL, exclude: [...ALONE, ...LONG, ...IN_SUITES] },
	{
		name: "by-path",
		include: BY_PATH,
		exclude: [],
		preload: "packages/core/test/system/without-native-attributes.cjs",
	},
	{ name: "alone", include: ALONE, exclude: LONG },
	{ name: "long", include: LONG, exclude: ALONE },
	{ name: "long-alone", include: LONG.filter((file) => ALONE.includes(file)), exclude: [] },
	...Object.entries(SUITES).map(([name, { files }]) => ({ name, include: files, exclude: [] })),
];

/** Returns settings by which the file is loaded in tests, and in the programs that they start. */
function preloaded(file: string) {
	const path = fileURLToPath(new URL(file, import.meta.url));
	return { setupFiles: [path], env: { NODE_OPTIONS: `--require ${JSON.stringify(path)}` } };
}

// Tests import what ships, which is the built files under packages/*/dist (see CONTRIBUTING.md).
export default defineConfig(({ mode }) => ({
	test: {
		// `--mode full` (pnpm test:full) makes the tests that read SIGTOOL_FULL longer.
		// The script test-node-versions.mjs uses `--mode release`, on the release that the tests of the hook then run on.
		env: {
			...(isFull(mode) ? { SIGTOOL_FULL: "1" } : {}),
			...(mode === "release" ? { SIGTOOL_RELEASE: process.versions.node.replace(/\..*/, "") } : {}),
		},
		// These limits are for tests that hang. On a busy machine any other test takes many times as long as on an idle one.
		testTimeout: 600_000,
		hookTimeout: 600_000,
		expect: { poll: { timeout: 60_000 } },
		pool: "forks",
		// Node.js itself loads the built files, in less time than Vitest takes.
		server: { deps: { external: [/\/packages\/\w+\/dist\//] } },
		sequence: { sequencer: TestSequencer },
		projects: PROJECTS.map(({ name, include, exclude, preload }, groupOrder) => ({
			extends: true as const,
			test: {
				name,
				include,
				...(preload === undefined ? {} : preloaded(preload)),
				exclude: [
					"**/node_modules/**",
					...exclude,
					...(isFull(mode) ? [] : FULL),
					...(mode === "release" ? SAME_ON_EVERY_RELEASE : []),
				],
				maxWorkers: workersOf(name),
				sequence: { groupOrder },
			},
		})),
		// Each run writes one result file, which scripts/test-summary.mjs reads.
		reporters: ["./scripts/test-reporter.mjs", ...(process.env.CI ? ["json"] : [])],
		outputFile: { json: `.cache/test-results/${process.version}-${process.pid}.json` },
	},
}));
