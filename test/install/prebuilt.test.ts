/**
 * Tests the prebuilt parts themselves: that two builds have the same bytes, what they ask of a system, and that musl's
 * loader loads those for musl.
 */

import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { EMULATOR, hasEmulator } from "../../packages/verifier/test/gate/support.js";
import { muslOf } from "../../scripts/native/musl.mjs";
import { packageOf, partsOf } from "../../scripts/native/parts.mjs";
import { compilerOf, TARGETS } from "../../scripts/native/targets.mjs";
import { execFileSync, hasProgram, spawnSync } from "../outside.js";
import { atEndOfFile, temporaryDirectory } from "../temporary.js";
import { elfOf } from "./elf.js";
import { hasPrebuilt } from "./project.js";

const WORKSPACE = fileURLToPath(new URL("../..", import.meta.url));
const scratch = temporaryDirectory(atEndOfFile);

const PARTS = TARGETS.flatMap((target) => partsOf(target).map(({ name }) => ({ target, name })));
const fileOf = ({ target, name }: (typeof PARTS)[number]) => join(packageOf(target), name);

describe.skipIf(!hasPrebuilt)("the prebuilt parts (needs `pnpm native:all`)", () => {
	it("have the same bytes when they are built in another folder at another time", () => {
		const other = join(scratch, "another folder/with a longer name");
		for (const folder of ["packages/native", "packages/verifier/native", "scripts/native", "scripts/native-all.mjs"]) {
			cpSync(join(WORKSPACE, folder), join(other, folder), { recursive: true });
		}
		mkdirSync(join(other, ".cache"));
		symlinkSync(join(WORKSPACE, ".cache/musl"), join(other, ".cache/musl"));
		execFileSync(process.execPath, [join(other, "scripts/native-all.mjs"), "--out", join(other, "out")], {
			cwd: "/",
			stdio: "pipe",
			env: { ...process.env, TZ: "Pacific/Auckland", LANG: "de_DE.UTF-8" },
		});
		const differing = PARTS.filter((part) => {
			const again = readFileSync(join(other, "out", part.target.name, part.name));
			return !again.equals(readFileSync(fileOf(part)));
		});
		expect(differing).toEqual([]);
	});

	it.each(PARTS)("$target.name/$name asks for nothing that its systems lack", (part) => {
		const { target, name } = part;
		const elf = elfOf(fileOf(part));
		const processor = { x64: "Advanced Micro Devices X86-64", arm64: "AArch64" }[target.cpu];
		expect(elf).toMatchObject({ processor, type: "DYN", loader: undefined, isHardened: true });
		if (name === "sigtool-launch") {
			expect(elf.needed).toEqual([]);
			return;
		}
		const isMusl = target.libc === "musl";
		// musl's loader is its libc by every name that begins with `libc.`.
		for (const library of elf.needed) expect(library).toMatch(isMusl ? /^libc\.so$/ : /^(libc\.so\.6|ld-linux-.*)$/);
		const newer = elf.glibcVersions.filter((version) => isNewer(version, isMusl ? "0" : "2.28"));
		expect(newer).toEqual([]);
	});

	it("has an addon for each target, and a gate for glibc", () => {
		expect(PARTS.map(({ target, name }) => `${target.name}/${name}`)).toContain("linux-arm64-musl/addon.node");
		expect(existsSync(join(packageOf({ name: "linux-x64-musl", cpu: "x64", libc: "musl" }), "gate.so"))).toBe(false);
	});
});

function isNewer(version: string, floor: string): boolean {
	const [a = [], b = []] = [version, floor].map((text) => text.split(".").map(Number));
	const at = [0, 1].find((n) => (a[n] ?? 0) !== (b[n] ?? 0)) ?? 0;
	return (a[at] ?? 0) > (b[at] ?? 0);
}

const MUSL = TARGETS.filter(({ libc }) => libc === "musl");
const hasBinutils = hasProgram("readelf");

describe.skipIf(!hasPrebuilt || !hasEmulator || !hasBinutils)(
	`the prebuilt parts for musl (needs \`pnpm native:all\` and ${EMULATOR[0]})`,
	() => {
		const through = (cpu: string) => (cpu === process.arch ? [] : [EMULATOR[0]]);

		it.each(MUSL)("$name: the launcher runs", ({ name, cpu, libc }) => {
			const [program = "", ...args] = [...through(cpu), join(packageOf({ name, cpu, libc }), "sigtool-launch")];
			const { status, stdout } = spawnSync(program, [...args, "--help"], { encoding: "utf8" });
			expect([status, stdout]).toEqual([0, expect.stringMatching(/^Usage: sigtool-launch/)]);
		});

		it.each(MUSL)("$name: musl's loader loads the addons, and their functions register", (target) => {
			const addons = ["addon.node", "sigtool.node"].map((name) => fileOf({ target, name }));
			const program = compileLoadAddon(target, addons);
			const { loader } = muslOf(target.cpu);
			const names = addons.map((addon) => {
				const [command = "", ...args] = [...through(target.cpu), loader, program, addon];
				const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
				expect([status, stderr]).toEqual([0, ""]);
				return stdout.trim().split("\n");
			});
			expect(names).toEqual([
				expect.arrayContaining(["kernelAnswers", "kernelObjection", "readRegularFile"]),
				expect.arrayContaining(["start", "work", "stop", "readAttribute", "loadPkcs11"]),
			]);
		});
	},
);

/**
 * Compiles load-addon.c for musl, with stand-ins for the functions of Node.js and OpenSSL that the addons call. They return 0, which
 * is success.
 */
function compileLoadAddon(target: (typeof TARGETS)[number], addons: readonly string[]): string {
	const source = fileURLToPath(new URL("load-addon.c", import.meta.url));
	const own = ["napi_create_function", "napi_set_named_property"];
	const others = new Set(
		addons.flatMap((addon) => elfOf(addon).undefinedNames).filter((name) => /^(napi|node_api|EVP)_/.test(name)),
	);
	const standIns = join(scratch, `${target.name}.c`);
	const lines = [...others].filter((name) => !own.includes(name)).map((name) => `int ${name}(void) { return 0; }\n`);
	writeFileSync(standIns, lines.join(""));
	const output = join(scratch, target.name);
	const { program, before, after } = compilerOf(target, "dynamic");
	execFileSync(program, ["-fPIE", "-pie", "-rdynamic", ...before, "-o", output, source, standIns, ...after], {
		stdio: "pipe",
	});
	return output;
}
