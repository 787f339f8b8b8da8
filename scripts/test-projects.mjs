/** Lists which test files run in parallel, which run alone, and which run only by `pnpm test:long`. */

/** Every test file. */
export const ALL = [
	"packages/*/test/**/*.test.ts",
	"scripts/test/**/*.test.ts",
	"test/**/*.test.ts",
	"test-fixtures/**/*.test.ts",
];

/** These run one at a time, after the others, because another file at work would change what they find. */
export const ALONE = [
	// They kill a program at a random moment, or at one that they wait for.
	"packages/cli/test/attributes/killed.test.ts",
	"packages/cli/test/durability.test.ts",
	"packages/core/test/system/store.test.ts",
	// It races with a process that writes what is being read.
	"packages/core/test/fileset/hash-files.test.ts",
	// They measure memory and descriptors.
	"packages/verifier/test/process.test.ts",
	"packages/verifier/test/python/leaks.test.ts",
	// It mounts a loop device, as packages/core/test/system/attributes.test.ts does: both could take the same one.
	"packages/cli/test/attributes/room.test.ts",
	// They use every core by themselves. The ones of CPython also change its standard library for a moment.
	"test/attacks/attacks.test.ts",
	"test/python/bypasses.test.ts",
	"test/python/suites.test.ts",
];

/** `pnpm test` names these and leaves them out, because each takes long. */
export const LONG = [
	// Every known attack, and one bit flipped after the other.
	"packages/core/test/verify/tamper.test.ts",
	"test/attacks/attacks.test.ts",
	"test/python/bypasses.test.ts",
	// Kills over and over.
	"packages/cli/test/attributes/killed.test.ts",
	"packages/cli/test/durability.test.ts",
	// Tens of thousands of files, a million members, a thousand signatures.
	"packages/cli/test/commands/inspect/inspect-size.test.ts",
	"packages/cli/test/many-files.test.ts",
	"packages/core/test/fileset/long-lived.test.ts",
	"packages/core/test/fileset/many-files.test.ts",
	// Every CPython that is found, and spython compiled with several options, or with sanitizers.
	"packages/cli/test/commands/compile/compile-python.test.ts",
	"packages/cli/test/commands/python/python.test.ts",
	"packages/verifier/test/python/leaks.test.ts",
	"packages/verifier/test/python/sanitized.test.ts",
	"test/python/flask.test.ts",
	"test/python/suites.test.ts",
	"test/python/witness.test.ts",
	// Every guard of Node.js, each in a process of its own; every format under evmctl; programs that sign slowly.
	"packages/cli/test/attributes/oracles.test.ts",
	"packages/cli/test/options/signer-command.test.ts",
	"packages/verifier/test/node/guards.test.ts",
	// Random trees under every form of verify; keys of every kind; installed launchers.
	"packages/cli/test/commands/verify/every-form.test.ts",
	"packages/cli/test/commands/identity/identity.test.ts",
	"packages/cli/test/commands/launcher/launcher.test.ts",
	// Deployments, programs that npm installs, and every tool that moves files.
	"packages/cli/test/commands/python/deploy-python.test.ts",
	"packages/cli/test/commands/launcher/deploy.test.ts",
	"packages/cli/test/commands/sign/node-modules.test.ts",
	"packages/cli/test/transports.test.ts",
	"test/applications/applications.test.ts",
	"test/applications/suites.test.ts",
	"test/examples/examples.test.ts",
];

/**
 * Tests of packages/core that the releases of Node.js besides the oldest leave out: they compute on bytes and JSON by the
 * language alone. All others reach what differs by release: files, worker threads, sockets, processes, and node:crypto,
 * which makes and checks keys, signatures and certificates by the OpenSSL of that release.
 */
export const SAME_ON_EVERY_RELEASE = [
	"packages/core/test/{asn1,formats,trust}/**",
	// It bounds resident memory, of which the garbage collector of each release keeps another amount.
	"packages/core/test/fileset/long-lived.test.ts",
];
