/** Lists which test files run in parallel, which run alone, and which run only by `pnpm test:long` or in a suite. */

/** Matches every test file. */
export const ALL = [
	"packages/*/test/**/*.test.ts",
	"scripts/test/**/*.test.ts",
	"test/**/*.test.ts",
	"test-fixtures/**/*.test.ts",
];

/**
 * These files run one at a time, after the others, because test files that run at the same time would change their
 * results.
 */
export const ALONE = [
	// These tests kill a program, either at a random moment or when an event has happened.
	"packages/cli/test/attributes/killed.test.ts",
	"packages/cli/test/durability.test.ts",
	"packages/core/test/system/store.test.ts",
	// This test races with a process that writes to the file which the test reads.
	"packages/core/test/fileset/hash/hash-files.test.ts",
	// These tests measure memory and descriptors.
	"packages/verifier/test/process.test.ts",
	"packages/verifier/test/python/leaks.test.ts",
	// These tests mount a loop device, as packages/core/test/system/attributes.test.ts does. Two files that run at the
	// same time could choose the same device.
	"packages/cli/test/attributes/room.test.ts",
	"packages/verifier/test/launch/sandbox/btrfs.test.ts",
	// These tests change settings of the kernel for a moment: core_pattern, and the content of the kernel's log.
	"packages/verifier/test/launch/sandbox/core-dumps.test.ts",
	"packages/verifier/test/launch/sandbox/kernel-log.test.ts",
	// Each of these tests uses every core. The tests of test/python also change the standard library of CPython for a
	// moment.
	"test/attacks/attacks.test.ts",
	"test/python/bypasses.test.ts",
	"test/python/loading-suites.test.ts",
	"test/python/suites.test.ts",
];

/** Each of these files takes long. So `pnpm test` does not run them, but lists them at its end. */
export const LONG = [
	// These tests try every known attack, or flip each bit.
	"packages/core/test/verify/tamper.test.ts",
	"test/attacks/attacks.test.ts",
	"test/python/bypasses.test.ts",
	// This test loads many texts.
	"test/attacks/verified-texts.test.ts",
	// This test asks OpenSSL about each row of a table.
	"packages/core/test/pki/revocation-table.test.ts",
	// These tests try every attack on the events, and start a hundred processes.
	"packages/verifier/test/launch/collector.test.ts",
	"packages/verifier/test/launch/collector-chain.test.ts",
	"packages/verifier/test/launch/collector-process.test.ts",
	"test/operations/event-attacks.test.ts",
	// These tests kill a process many times.
	"packages/cli/test/attributes/killed.test.ts",
	"packages/cli/test/durability.test.ts",
	// These tests use tens of thousands of files, a million members, or a thousand signatures.
	"packages/cli/test/commands/diff/diff-size.test.ts",
	"packages/cli/test/commands/inspect/inspect-size.test.ts",
	"packages/cli/test/many-files.test.ts",
	"packages/core/test/fileset/hash/many-files.test.ts",
	// These tests are slow because they run every CPython that is found, or compile spython with several options.
	"packages/cli/test/commands/compile/compile-python.test.ts",
	"packages/cli/test/commands/python/python.test.ts",
	"packages/verifier/test/python/authorities.test.ts",
	"packages/verifier/test/python/prevented-looks.test.ts",
	"test/python/flask.test.ts",
	"test/python/learning.test.ts",
	"test/python/loading-suites.test.ts",
	"test/python/programs.test.ts",
	"test/python/suites.test.ts",
	"test/python/witness.test.ts",
	// These tests try every guard of Node.js in a separate process, let evmctl judge every format, or run programs that
	// sign slowly.
	"packages/cli/test/attributes/oracles.test.ts",
	"packages/cli/test/options/signer-command.test.ts",
	"packages/verifier/test/node/guards.test.ts",
	// These tests verify random trees in every way that a user can call `verify`, make keys of every kind, or install
	// launchers.
	"packages/cli/test/commands/verify/every-form.test.ts",
	"packages/cli/test/commands/identity/identity.test.ts",
	"packages/cli/test/commands/launcher/launcher.test.ts",
	"packages/cli/test/commands/launcher/check.test.ts",
	"packages/cli/test/commands/launcher/bad-places.test.ts",
	// These tests exchange a file at every moment of a load, sign with every kind of key, wait for tokens that hang,
	// trace every system call for secrets, write every value of an attribute, or print every document in every format.
	"packages/cli/test/attributes/attributes.test.ts",
	"packages/cli/test/attributes/commands.test.ts",
	"packages/cli/test/attributes/spython.test.ts",
	"packages/cli/test/attributes/values.test.ts",
	"packages/cli/test/options/key-sources.test.ts",
	"packages/cli/test/options/pkcs11-modules.test.ts",
	"packages/cli/test/options/secrets.test.ts",
	"packages/cli/test/output/reporters.test.ts",
	"packages/verifier/test/node/package-scope.test.ts",
	"packages/verifier/test/node/swap.test.ts",
	// These tests spell paths in every way, follow many links, answer as a hostile authority or responder in every way,
	// wait for a token, or open the containers of other tools.
	"packages/cli/test/commands/verify/long-links.test.ts",
	"packages/cli/test/commands/verify/operand-paths.test.ts",
	"packages/cli/test/options/pkcs11.test.ts",
	"packages/core/test/fileset/walk/followed-links.test.ts",
	"packages/core/test/sign/hostile-authorities.test.ts",
	"packages/core/test/signer/pkcs12/containers-of-others.test.ts",
	"packages/core/test/signer/pkcs12/pkcs12.test.ts",
	"packages/core/test/verify/fetch-list.test.ts",
	"packages/core/test/verify/hostile-responders.test.ts",
	// These tests try the ways round the gate on every release, and programs that compile what they write.
	"test/attacks/denied.test.ts",
	"test/attacks/gate.test.ts",
	"test/attacks/made-text.test.ts",
	"test/attacks/module-hooks.test.ts",
	"test/attacks/refused-wasm.test.ts",
	"test/attacks/sealed-data.test.ts",
	"test/applications/texts.test.ts",
	// This test runs each program that the gate refuses in mode audit too.
	"packages/cli/test/commands/run/audit-gate.test.ts",
	// Each of these tests installs a launcher, or starts one a hundred times.
	"packages/verifier/test/launch/addon.test.ts",
	"packages/verifier/test/launch/granted-directories.test.ts",
	"packages/verifier/test/launch/granted-hard-links.test.ts",
	"packages/verifier/test/launch/granted-launchers.test.ts",
	"packages/verifier/test/launch/granted-libraries.test.ts",
	"packages/verifier/test/launch/granted-mounts.test.ts",
	"packages/verifier/test/launch/sandbox/btrfs.test.ts",
	"packages/verifier/test/launch/sandbox/core-dumps.test.ts",
	"packages/verifier/test/launch/sandbox/deputy.test.ts",
	"packages/verifier/test/launch/sandbox/kernel-log.test.ts",
	"packages/verifier/test/launch/sandbox/older-kernels.test.ts",
	"packages/verifier/test/launch/sandbox/replay.test.ts",
	"packages/verifier/test/launch/sandbox/sandbox.test.ts",
	"packages/verifier/test/launch/sandbox/terminal.test.ts",
	"test/operations/asking.test.ts",
	"test/operations/emergency.test.ts",
	"test/operations/denying.test.ts",
	"test/operations/expiring.test.ts",
	"test/operations/faults.test.ts",
	"test/operations/installing.test.ts",
	"test/operations/changes.test.ts",
	"test/operations/monitoring.test.ts",
	"test/operations/keeping.test.ts",
	"test/operations/logging.test.ts",
	"test/operations/older-index.test.ts",
	"test/operations/recording.test.ts",
	"test/operations/runbook.test.ts",
	"test/operations/stolen-key.test.ts",
	"test/operations/sharing.test.ts",
	"test/operations/switching.test.ts",
	"test/operations/two-services.test.ts",
	"test/operations/units.test.ts",
	"test/operations/upgrading.test.ts",
	// These tests abort at random moments, or type into three shells, or compile and run each example of the library.
	"packages/cli/test/commands/completion/completion.test.ts",
	"packages/cli/test/interruption.test.ts",
	"packages/core/test/system/abort.test.ts",
	"test/library/docstrings.test.ts",
	"test/library/page.test.ts",
	// These tests make, sign, compare and learn policies by some hundred commands.
	"packages/cli/test/commands/policy/policy.test.ts",
	"packages/cli/test/commands/policy/signed-policy.test.ts",
	// These tests wait until receivers are tried again, or start the daemons of others.
	"packages/cli/test/commands/log/forward-follow.test.ts",
	"packages/cli/test/commands/log/forward-receivers.test.ts",
	"packages/cli/test/commands/log/forward-refusals.test.ts",
	"test/operations/forwarding-journald.test.ts",
	"test/operations/forwarding-otlp.test.ts",
	"test/operations/forwarding-rsyslog.test.ts",
	// Together these tests start sigtool several hundred times.
	"packages/cli/test/commands/completion/completion-attacks.test.ts",
	"packages/cli/test/linked-outputs.test.ts",
	"packages/cli/test/commands/log/seal.test.ts",
	"packages/cli/test/commands/timestamp/timestamp.test.ts",
	"packages/cli/test/commands/trust/deny.test.ts",
	"packages/cli/test/commands/verify/catalog-operand.test.ts",
	"packages/cli/test/commands/verify/found-catalogs.test.ts",
	"packages/cli/test/commands/verify/operand-kinds.test.ts",
	"packages/cli/test/commands/verify/revocation.test.ts",
	"packages/cli/test/configuration/hostile.test.ts",
	"packages/cli/test/configuration/project.test.ts",
	"packages/cli/test/options/development.test.ts",
	"packages/cli/test/output/terminal-text.test.ts",
	// These tests run deployments, programs that npm installs, or every tool that moves files.
	"packages/cli/test/commands/python/deploy-python.test.ts",
	"packages/cli/test/commands/launcher/deploy.test.ts",
	"packages/cli/test/commands/sign/node-modules.test.ts",
	"packages/cli/test/transports.test.ts",
	"test/applications/applications.test.ts",
	"test/applications/learning.test.ts",
	"test/applications/popular.test.ts",
	"test/applications/services.test.ts",
	"test/applications/suites.test.ts",
	"test/examples/examples.test.ts",
	// This test installs the packages, and compiles what they carry.
	"test/install/compiling.test.ts",
	// These tests run pipelines, and the programs of others that they call.
	"test/pipelines/github.test.ts",
	"test/pipelines/gitlab.test.ts",
	"test/pipelines/published.test.ts",
	"test/pipelines/snippets.test.ts",
	// This test compiles with sanitizers.
	"packages/core/test/signer/pkcs11/pkcs11-hostile.test.ts",
	// These tests open pages in a browser.
	"packages/cli/test/commands/report/page.test.ts",
	"packages/cli/test/commands/report/page-size.test.ts",
];

/** These long files take more than a minute, the slowest first. */
export const SLOWEST = [
	"test/operations/installing.test.ts",
	"packages/cli/test/commands/python/python.test.ts",
	"test/operations/sharing.test.ts",
	"test/applications/applications.test.ts",
	"test/operations/emergency.test.ts",
];

/** These tests run once more with fs-xattr in the place of `@sigtool/native`. */
export const BY_PATH = [
	"packages/core/test/fileset/hash/attribute-writer.test.ts",
	"packages/core/test/rewrite/restore.test.ts",
	"packages/core/test/rewrite/strip-attributes.test.ts",
	"packages/core/test/sign/carrying.test.ts",
	"packages/core/test/system/by-path.test.ts",
	"packages/core/test/verify/verify-attributes.test.ts",
];

/**
 * Suites about a part of the project that few changes touch. `.ci/run` runs one only if a file below its `paths` changed
 * since the commit for which `.ci/recorded.json` says that it passed, or if that cannot be told. `.ci/full` runs all.
 */
export const SUITES = {
	/** Packs and releases, installs with every package manager, and builds for every target. */
	packaging: {
		files: [
			"scripts/test/release/debian-package.test.ts",
			"scripts/test/release/image.test.ts",
			"scripts/test/release/release.test.ts",
			"scripts/test/release/tarballs.test.ts",
			"test/install/absent.test.ts",
			"test/install/installing.test.ts",
			"test/install/other-systems.test.ts",
			"test/install/prebuilt.test.ts",
			"test/operations/container.test.ts",
			"test/single-file/reproducible.test.ts",
			"test/single-file/single-file.test.ts",
		],
		paths: [
			...[".pnpmfile.cjs", "package.json", "packages/*/package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"],
			...["release.json", "examples", "scripts/bundle.mjs", "scripts/native", "scripts/native-all.mjs"],
			...["scripts/release", "scripts/single-file", "scripts/single-file.mjs", "scripts/test/release"],
			...["packages/*/*.mjs", "packages/*/native", "packages/native", "packages/cli/src/native"],
			...["packages/cli/src/single-file", "packages/core/src/system", "test/install", "test/single-file"],
		],
	},
	/** Runs the C of the verifier on another processor, in an emulator, and with sanitizers. */
	native: {
		files: ["packages/verifier/test/gate/arm64.test.ts", "packages/verifier/test/python/sanitized.test.ts"],
		paths: ["packages/verifier/native", "packages/verifier/test/gate", "packages/verifier/test/python"],
	},
	/** Opens the documentation as a site, in a browser. */
	site: {
		files: ["scripts/test/docs/site.test.ts"],
		paths: ["docs", "scripts/docs", "scripts/test/docs"],
	},
	/** Signs a tree with the tools of others, changes it, and asks them whether they see it. */
	comparison: {
		files: ["scripts/test/compare.test.ts"],
		paths: ["docs/explanation/comparison.md", "scripts/compare", "scripts/test/compare.test.ts"],
	},
	/** Runs under Wine. These programs use every core, so the files run one at a time. */
	windows: {
		files: ["test/windows/**/*.test.ts"],
		paths: ["packages/core", "packages/cli", "test/windows"],
	},
};

export const IN_SUITES = Object.values(SUITES).flatMap(({ files }) => files);

/**
 * Only `pnpm test:full` runs these tests. They try for a long time until memory is where it has to be, start a program
 * fifty times for each technique, let each system call of a start fail, race with other processes, compare the memory of
 * processes after thousands of loads, or install programs of hundreds of megabytes.
 */
export const FULL = [
	"packages/core/test/fileset/hash/long-lived.test.ts",
	"packages/verifier/test/launch/shortages.test.ts",
	"packages/verifier/test/python/leaks.test.ts",
	"test/applications/builds.test.ts",
	"test/attacks/memory.test.ts",
	"test/attacks/starts.test.ts",
	"test/attacks/threads.test.ts",
	"test/attacks/verified-texts-racing.test.ts",
	"test/operations/soak.test.ts",
	"test/python/torch.test.ts",
];

/**
 * These tests of packages/core run only on the oldest release of Node.js, because they use only the language itself, to
 * compute on bytes and JSON. All other tests use parts that differ between releases: files, worker threads, sockets,
 * processes, and node:crypto, which makes and checks keys, signatures and certificates with the release's OpenSSL.
 */
export const SAME_ON_EVERY_RELEASE = [
	"packages/core/test/{asn1,formats}/**",
	"packages/core/test/trust/!(trust-store)*",
];
