import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { giveDevelopmentIdentity } from "../../development-identity.js";
import { runner, temporaryDirectory } from "../../support.js";
import { hasShell, SHELLS, Shell, writeProducts } from "./shells.js";

/** Lines, and what each is after the tab key. A line alone does not change. */
const LINES: readonly (readonly [before: string, after?: string])[] = [
	// Commands
	["sigtool ver", "sigtool verify "],
	["sigtree ver", "sigtree verify "],
	["sigtool trust li", "sigtool trust list "],
	["sigtool help ver", "sigtool help verify "],
	["sigtool completion fi", "sigtool completion fish "],
	// Options, and their choices
	["sigtool verify --sig", "sigtool verify --signature-only "],
	["sigtool trust add --time", "sigtool trust add --timestamps "],
	["sigtool sign --format i", "sigtool sign --format ima"],
	["sigtool sign --format=ca", "sigtool sign --format=cat "],
	["sigtool digest --algorithm sha5", "sigtool digest --algorithm sha512 "],
	["sigtool verify --profile w", "sigtool verify --profile windows-legacy "],
	["sigtool run --mode au", "sigtool run --mode audit "],
	["sigtool verify --color ne", "sigtool verify --color never "],
	// The command that is meant if none is named
	["sigtool log --by ho", "sigtool log --by host "],
	["sigtool log --fol", "sigtool log --follow "],
	["sigtool log --refused --by ru", "sigtool log --refused --by rule "],
	["sigtool log other.t", "sigtool log other.txt "],
	["sigtool log other.txt --by ev", "sigtool log other.txt --by event "],
	["sigtool log show --by ho", "sigtool log show --by host "],
	["sigtool log sea", "sigtool log seal "],
	["sigtool log verify --no-dev", "sigtool log verify --no-development "],
	// Files and directories, by kind
	["sigtool verify --catalog o", "sigtool verify --catalog one.cat "],
	["sigtool verify other.t", "sigtool verify other.txt "],
	["sigtool sign -o oth", "sigtool sign -o other.txt "],
	["sigtool sign --key ow", "sigtool sign --key own.pem "],
	["sigtool run --index ou", "sigtool run --index out.sigx "],
	["sigtool compile a", "sigtool compile a\\ dir/"],
	["sigtool compile a\\ dir/i", "sigtool compile a\\ dir/inner/"],
	// Names that this machine knows
	["sigtool identity show dev", "sigtool identity show development "],
	["sigtool explain ERR_FILE_MOD", "sigtool explain ERR_FILE_MODIFIED "],
	["sigtool why oth", "sigtool why other.txt "],
	["sigtool trust remove 00", `sigtool trust remove ${"00".repeat(32)} `],
	["sigtool verify --product pay", "sigtool verify --product payments "],
	["sigtree verify x --product=pay", "sigtree verify x --product=payments "],
	// Values that only the user knows, and arguments of another program
	["sigtool sign --sequence oth"],
	["sigtool identity new oth"],
	["sigtool run main.js --mod"],
	["sigtool run --mode audit main.js --ind"],
];

describe.each(SHELLS)("%s", (shell) => {
	it.skipIf(!hasShell(shell))(
		`completes commands, options, choices, files by kind and names of this machine (needs ${shell})`,
		async () => {
			const home = temporaryDirectory();
			const cwd = join(home, "project");
			mkdirSync(join(cwd, "a dir/inner"), { recursive: true });
			for (const name of ["one.cat", "other.txt", "own.pem", "out.sigx", "and.txt"]) writeFileSync(join(cwd, name), "");
			giveDevelopmentIdentity(join(home, "config"));
			expect(runner(home)(["trust", "add", "00".repeat(32)])).toMatchObject({ status: 0 });
			writeProducts(home, ["payments", "web"]);
			const started = new Shell(shell, home, cwd);
			const found: [string, string][] = [];
			for (const [before] of LINES) found.push([before, await started.completed(before)]);
			expect(found).toEqual(LINES.map(([before, after]) => [before, after ?? before]));
		},
	);
});
