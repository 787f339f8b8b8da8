import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../test/outside.js";
import { giveDevelopmentIdentity } from "./development-identity.js";
import { MAIN, temporaryDirectory } from "./support.js";

const SIGTREE = join(dirname(MAIN), "sigtree.cjs");
const packages = fileURLToPath(new URL("../..", import.meta.url));

/** Runs the command line by the path `program`, which gives it its name. */
function start(program: string, args: readonly string[], home = temporaryDirectory()) {
	giveDevelopmentIdentity(join(home, "config"));
	const env = { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(home, "config") };
	return spawnSync(process.execPath, [program, ...args], { cwd: home, env, encoding: "utf8" });
}

/** Makes a link of the given name to the command line, as npm and Debian's alternatives do. */
function linked(name: string): string {
	const link = join(temporaryDirectory(), name);
	symlinkSync(MAIN, link);
	return link;
}

describe("the name of the command", () => {
	it.each([
		["dist/sigtree.cjs", () => SIGTREE, "sigtree"],
		["a link called sigtree", () => linked("sigtree"), "sigtree"],
		["dist/main.cjs", () => MAIN, "sigtool"],
		["a link called sigtool", () => linked("sigtool"), "sigtool"],
		["a link of any other name", () => linked("my-sigtree"), "sigtool"],
	])("of %s stands in help and messages", (_, path, name) => {
		const other = name === "sigtree" ? "sigtool" : "sigtree";
		const program = path();
		const help = start(program, ["sign", "--help"]).stdout;
		expect(help).toContain(`Usage: ${name} sign `);
		expect(help).toContain(`$ git ls-files -z | ${name} sign . -o release.cat`);
		expect(help).toContain(`for \`${name} finish\``);
		expect(help).not.toMatch(new RegExp(`\\b${other} `));
		expect(start(program, ["bogus"]).stderr).toContain(`see \`${name} --help\``);
		expect(start(program, ["identity", "show", "none"]).stderr).toContain(`\`${name} identity list\``);
	});

	it("changes no name of a file that has it", () => {
		const home = temporaryDirectory();
		mkdirSync(join(home, "lib"));
		writeFileSync(join(home, "lib/sigtool sign"), "");
		expect(start(SIGTREE, ["sign", "lib"], home).status).toBe(0);
		writeFileSync(join(home, "lib/sigtool sign"), "x");
		expect(start(SIGTREE, ["verify", "lib"], home).stdout).toContain('"sigtool sign" was modified');
		expect(start(SIGTREE, ["inspect", "lib/lib.cat"], home).stdout).toContain("FilePath sigtool sign");
	});

	it("is never written out in a message, which would be wrong for the other name", () => {
		const commands = readdirSync(join(packages, "cli/src/commands")).filter((name) => !name.includes("."));
		const written = new RegExp(`\\bsigtool (?:${commands.join("|")})\\b`);
		const found = ["core", "verifier", "cli"].flatMap((name) => {
			const folder = join(packages, name, "src");
			return readdirSync(folder, { recursive: true, encoding: "utf8" })
				.filter((file) => /\.ts$/.test(file) && !IN_HELP.test(file))
				.flatMap((file) => {
					const lines = readFileSync(join(folder, file), "utf8").split("\n");
					const wrong = lines.filter((line) => written.test(line.replace(/(^|\s)(\/\/|\/?\*).*$/, "")));
					return wrong.map((line) => `${relative(packages, join(folder, file))}: ${line.trim()}`);
				});
		});
		expect(found).toEqual([]);
	});
});

/** The help passes through a function that puts the name in. The texts of schema.ts are for the documentation. */
const IN_HELP = /(?:^|[\\/])(?:declaration|program|schema)\.ts$/;
