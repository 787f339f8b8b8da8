import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runner, temporaryDirectory } from "../../support.js";
import { hasShell, SHELLS, Shell, writeProducts } from "./shells.js";

/** Names that run `touch owned…` in a shell that evaluates them, each with another letter at its beginning. */
const HOSTILE = [
	"a$(touch owned-a)",
	"b`touch owned-b`",
	"c;touch owned-c;",
	"d'$(touch owned-d)'",
	'e"$(touch owned-e)"',
	"f(touch owned-f)",
	"g<(touch owned-g)",
	"h|touch owned-h&",
	"i\\$(touch owned-i)",
	"j*{$(touch owned-j),k}",
	"l:$(touch owned-l)",
	"m]%F{$(touch owned-m)}",
	"n$[`touch owned-n`]",
];

/** Names that are more than one line, begin with a dash, or have control characters. */
const UNOFFERED = ["o\ntouch owned-o\n", "--force", "-x", "q\x1b]0;owned\x07", "r\t$(touch owned-r)"];

const ATTACKED = [
	...[..."abcdefghijlmn"].flatMap((letter) => [
		`sigtool verify --catalog ${letter}`,
		`sigtool verify --product ${letter}`,
	]),
	...[..."abde"].flatMap((letter) => [
		`sigtool verify ${letter}`,
		`sigtool verify '${letter}`,
		`sigtool compile "${letter}`,
		`sigtool verify --product=${letter}`,
		`sigtool verify --product '${letter}`,
		`sigtool verify --product "${letter}`,
	]),
	...["o", "q", "r", "-", ""].map((begin) => `sigtool verify --catalog ${begin}`),
	"sigtool verify ",
	"sigtool trust remove ",
	"sigtool trust remove 1",
	"sigtool verify --product z",
	"./sigtool verify --product ",
	"sigtool verify --product ",
	"sigtool verify --product $(touch owned-typed",
];

// Most of the time each shell waits for the next key, so all of them are typed into at the same time.
describe.concurrent.each(SHELLS)("%s", (shell) => {
	it.skipIf(!hasShell(shell))(
		`runs nothing that stands in the name of a file, a product or a key, and offers none of them as an option (needs ${shell})`,
		async ({ onTestFinished }) => {
			const home = temporaryDirectory(onTestFinished);
			const cwd = join(home, "project");
			mkdirSync(cwd);
			for (const name of [...HOSTILE, ...UNOFFERED]) {
				writeFileSync(join(cwd, `${name}.cat`), "");
				mkdirSync(join(cwd, `${name}dir`));
			}
			// Whoever wrote the project named its product.
			writeFileSync(join(cwd, "sigtool.config.json"), JSON.stringify({ product: "z$(touch owned-z)" }));
			writeFileSync(join(cwd, "sigtool"), "#!/bin/sh\n: >owned\n", { mode: 0o755 });
			writeProducts(home, [...HOSTILE, "--force", "-x"]);
			expect(runner(home)(["complete-values", "product"]).stdout.split("\n")).toHaveLength(HOSTILE.length + 1);
			for (const [index, label] of HOSTILE.entries())
				runner(home)(["trust", "add", `${index}${index}`.repeat(32), "--label", label]);
			const started = new Shell(shell, home, cwd, {}, onTestFinished);
			for (const line of ATTACKED) {
				await started.completed(line);
				// A second and a third tab list, and choose, what there is to choose.
				started.type("\t\t");
				// The line is run, with `true` in the place of sigtool, so that what was quoted badly would be run too.
				const completed = await started.line();
				await started.ran(`true${completed.slice(completed.indexOf(" "))}`);
			}
			expect(readdirSync(cwd).filter((name) => name.startsWith("owned"))).toEqual([]);
			expect(readdirSync(home).filter((name) => name.startsWith("owned"))).toEqual([]);
		},
	);
});

it.skipIf(!hasShell("bash"))(
	"bash runs what stands in such a name if a completion expands it (needs bash)",
	async () => {
		const home = temporaryDirectory();
		writeProducts(home, HOSTILE);
		const started = new Shell("bash", home, home);
		started.type(`expanding() { COMPREPLY=($(compgen -W "$(sigtool complete-values product | cut -f 1)" -- $2)); }\r`);
		started.type("complete -F expanding sigtree\r");
		await started.completed("sigtree a");
		expect(readdirSync(home)).toContain("owned-a");
	},
);
