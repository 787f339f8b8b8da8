import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeEach, PYTHONS } from "../../packages/verifier/test/python/support.js";
import { adoptInstalled } from "./installed.js";
import { differences, SuiteRuns } from "./suite-runs.js";

/**
 * The tests that end otherwise, by test file. Nearly all load a file or an archive that they wrote themselves, which
 * enforce refuses. A spython writes no bytecode (test_bug7732), and raises FileNotFoundError in place of ImportError for
 * an extension module without a file (test_load_dynamic_ImportError_path).
 */
const DIFFERING: Readonly<Record<string, readonly string[]>> = {
	test_imp: [
		"ImportTests.test_bug7732",
		"ImportTests.test_find_and_load_checked_pyc",
		"ImportTests.test_issue3594",
		"ImportTests.test_issue5604",
		"ImportTests.test_load_dynamic_ImportError_path",
	],
	test_pkgutil: [
		"ExtendPathTests.test_iter_importers",
		"ExtendPathTests.test_mixed_namespace",
		"ExtendPathTests.test_simple",
		"NestedNamespacePackageTest.test_nested",
		"PkgutilTests.test_getdata_filesys",
		"PkgutilTests.test_getdata_zipfile",
		"PkgutilTests.test_issue44061_iter_modules",
		"PkgutilTests.test_name_resolution",
		"PkgutilTests.test_walkpackages_filesys",
		"PkgutilTests.test_walkpackages_zipfile",
	],
	// Debian's test compiles a library if a compiler is there.
	test_ctypes: ["test_dlerror.TestNullDlsym.test_null_dlsym"],
	test_sqlite3: [],
};
const LIMIT_MS = 900_000;

const pythons = PYTHONS.filter(
	({ release, library }) => /^3\.1[13]$/.test(release) && existsSync(join(library, "test/test_pkgutil.py")),
);

describeEach(pythons)("CPython $release's own tests of what loads code, under enforce", (python) => {
	const runs = new SuiteRuns();

	const files = Object.entries(DIFFERING).filter(([name]) =>
		["", ".py"].some((end) => existsSync(join(python.library, "test", `${name}${end}`))),
	);
	test.each(files)(
		"%s gives the same results, but for tests that are named here",
		async (name, differing) => {
			const policy = { runtime: { children: "allow" }, python: { auditHooks: "allow" } };
			const spython = await adoptInstalled(python, runs.program, runs.home, { policy, audit: { stderr: "off" } });
			const unguarded = await runs.run([python.executable, "-I"], name, "unguarded");
			const enforced = await runs.run(spython, name, "enforced");
			expect(Object.keys(unguarded.outcomes).length).toBeGreaterThan(25);
			const existing = differing.map((test) => `test.${name}.${test}`).filter((test) => test in unguarded.outcomes);
			const found = differences(unguarded, enforced).map(([test]) => test);
			expect(found.toSorted()).toEqual(existing.toSorted());
		},
		LIMIT_MS,
	);
});
