/**
 * Lists the suites that run on Windows, and the tests of them that cannot pass there. A suite is left out if it needs
 * openssl or another program of Linux for most of its tests, attributes, launchers, CPython, or minutes.
 */

const CORE = [
	"asn1/ber",
	"asn1/der",
	"checked/checked",
	"compile/compile",
	"digest/algorithms",
	"digest/authenticode",
	"digest/fsverity",
	"digest/siphash",
	"doctor/doctor",
	"errors",
	"fileset/paths/deep-paths",
	"fileset/hash/digest-file",
	"fileset/paths/entry-path",
	"fileset/hash/hash-file",
	"fileset/compare/line-ends",
	"fileset/paths/path-table",
	"fileset/compare/whole-directories",
	"fileset/paths/windows-names",
	"formats/cat",
	"formats/cat-carried",
	"formats/cat-entries",
	"formats/cat-limits",
	"formats/cross-signature",
	"formats/evm",
	"formats/ima",
	"formats/spython",
	"pki/attribute-keys",
	"pki/canonical-name",
	"pki/certificate",
	"pki/cms",
	"pki/degenerate-keys",
	"pki/expiry",
	"pki/file-kind",
	"pki/pem-blocks",
	"pki/revocation",
	"pki/timestamp",
	"trust/trust-store",
	"sign/prepared",
	"signer/identity/identities",
	"signer/identity/issue-certificate",
	"signer/pem",
	"signer/pkcs11/pkcs11-remote",
	"signer/pkcs11/pkcs11-search",
	"signer/pkcs11/pkcs11-uri",
	"signer/pbe/decrypt-rc2",
	"signer/pbe/pkcs12-derivation",
	"signer/pkcs12/pkcs12-encode",
	"signer/signer",
	"system/http",
	"trust/hostile-index",
	"trust/policy",
	"trust/policy-schema",
	"trust/trust-index",
	"verify/hostile-structure",
	"verify/member-paths",
	"verify/nested-signature",
	"verify/operand",
	"verify/uncovered-bytes",
];

const CLI = [
	"commands/digest/digest",
	"commands/identity/identity",
	"commands/trust/trust",
	"commands/verify/partial-catalogs",
	"commands/verify/pinned-signer",
	"commands/verify/report",
	"configuration/patterns",
	"options/operands",
	"output/colour",
	"output/terminal-text",
	"verify-operands",
];

export const SUITES = [
	...CORE.map((name) => `packages/core/test/${name}.test.ts`),
	...CLI.map((name) => `packages/cli/test/${name}.test.ts`),
];

export interface NotOnWindows {
	readonly file: string;
	/** Matches the names of the tests that fail on Windows. */
	readonly tests: RegExp;
	readonly why: string;
}

const LINK = "Wine makes no symbolic links";
const NAME = "Windows has no names with `*` or `?`";
const FIFO = "Windows has no FIFOs in its file system";

export const NOT_ON_WINDOWS: readonly NotOnWindows[] = [
	{
		file: "packages/core/test/checked/checked.test.ts",
		tests: /a format that is a signature needs a signer$/,
		why: "attributes are refused before their options are read",
	},
	{
		file: "packages/core/test/compile/compile.test.ts",
		tests: /records the SHA-256 of whole files, links|writes nothing when an entry (?:is a link|leads elsewhere)/,
		why: LINK,
	},
	{ file: "packages/core/test/fileset/hash/digest-file.test.ts", tests: /also through a link$/, why: LINK },
	{
		file: "packages/core/test/fileset/hash/hash-file.test.ts",
		tests: /reports a file that cannot be read$/,
		why: "a mode does not keep the owner from reading, and Windows has no /proc",
	},
	{
		file: "packages/core/test/signer/pkcs11/pkcs11-uri.test.ts",
		tests: /reads every attribute|accepts the pin-source file:|reads letters outside of ASCII/,
		why: "a file URI of Windows names a drive",
	},
	{ file: "packages/core/test/verify/operand.test.ts", tests: /recognises a catalog under any name/, why: LINK },
	{
		file: "packages/cli/test/configuration/patterns.test.ts",
		tests: /whatever its directory is called|if a file has this name/,
		why: NAME,
	},
	{ file: "packages/cli/test/options/operands.test.ts", tests: /on Linux|hostile names/, why: NAME },
	{
		file: "packages/cli/test/options/operands.test.ts",
		tests: /the shell|that `run` starts/,
		why: "Windows has no bash and no `run`",
	},
	{ file: "packages/cli/test/commands/trust/trust.test.ts", tests: /FILE fifo/, why: FIFO },
];
