/**
 * Tests what users get of the packages on a machine with a compiler: with the prebuilt native parts, and without them,
 * when what needs none works and the sources in the packages can be compiled.
 */

import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTree } from "../../packages/cli/test/support.js";
import { hasCompiler } from "../../packages/verifier/test/launch/support.js";
import { PYTHONS } from "../../packages/verifier/test/python/support.js";
import { CLIENTS, fetchClients } from "./clients.js";
import { hasPrebuilt, PackedPackages, type Project } from "./project.js";

const NAME = `@sigtool/native-linux-${process.arch}`;
const TOOLS = { PATH: process.env.PATH };
const [python] = PYTHONS;

describe.skipIf(!hasPrebuilt || !hasCompiler)("packages (needs `pnpm native:all`, and a C compiler)", () => {
	let packed: PackedPackages;
	beforeAll(async () => {
		fetchClients();
		packed = new PackedPackages();
		await packed.open();
	});
	afterAll(() => packed.close());

	describe.each([
		{ title: "with prebuilt parts", isWithout: false, parts: `prebuilt for linux-${process.arch}` },
		{ title: "without native parts", isWithout: true, parts: "compiled on this machine" },
	])("$title", ({ isWithout, parts }) => {
		let project: Project;
		const sigtool = (...args: string[]) => project.sigtool(args, TOOLS);
		const checks = async () => {
			const { output } = await sigtool("doctor", "--json");
			return JSON.parse(output).checks as readonly { readonly id: string; readonly value: string }[];
		};
		beforeAll(async () => {
			const [npm] = CLIENTS;
			if (npm?.name !== "npm 10") throw new Error("npm 10 is gone");
			const installed = await packed.install(isWithout ? "without" : "with", npm, ...(isWithout ? [npm.leaveOut] : []));
			expect(installed.added).toMatchObject({ status: 0 });
			({ project } = installed);
			// For so many files sigtool loads the native threads, if it has them.
			const modules = Array.from({ length: 100 }, (_, n) => [`lib/${n}.js`, `exports.n = ${n};\n`]);
			makeTree(project.at("app"), {
				"main.js": "console.log('ran', typeof require);\n",
				...Object.fromEntries(modules),
			});
		});

		it("sign, verify, inspect, and find a change", async () => {
			expect(await sigtool("sign", "app")).toMatchObject({ status: 0 });
			expect(await sigtool("verify", "app")).toMatchObject({ status: 0 });
			expect(JSON.parse((await sigtool("inspect", "app/app.cat", "--json")).output)).toMatchObject({ verified: false });
			writeFileSync(project.at("app/lib/1.js"), "exports.n = 2;\n");
			const changed = await sigtool("verify", "app", "--json");
			expect([changed.status, changed.output]).toEqual([1, expect.stringContaining("ERR_FILE_MODIFIED")]);
		});

		if (isWithout) {
			it("say what is missing for a token", async () => {
				const { status, output } = await sigtool(
					"sign",
					"app",
					"--json",
					"--pkcs11",
					"pkcs11:",
					"--pkcs11-module",
					"/x.so",
				);
				expect([status, JSON.parse(output).error.message]).toEqual([
					2,
					expect.stringContaining(`${NAME} was left out`),
				]);
			});

			it("compile the parts", async () => {
				expect(await sigtool("native", "build")).toMatchObject({ status: 0 });
			});
		}

		it("have the parts, of which command and library say the same", async () => {
			const script = `import { examineSystem } from "@sigtool/core"; console.log(JSON.stringify(await examineSystem(".")));`;
			const library: Awaited<ReturnType<typeof checks>> = JSON.parse((await project.node(script)).output);
			const command = await checks();
			const find = (all: typeof command, name: string) => all.find(({ id }) => id === name);
			expect(find(command, "native")).toMatchObject({ status: "yes", value: parts });
			expect(find(command, "gate")).toMatchObject({ status: "yes" });
			for (const id of ["native", "attributes"]) expect(find(library, id)).toEqual(find(command, id));
		});

		it("run a signed program through the launcher", async () => {
			expect(await sigtool("sign", "app", "--force")).toMatchObject({ status: 0 });
			// The project's package.json says "module", but nobody signed it.
			const { status, output } = await sigtool("run", "--allow-development", "app/main.js");
			expect([status, output]).toEqual([0, expect.stringMatching(/^ran function$/m)]);
		});

		it.skipIf(python === undefined)("build a spython, and run a signed program with it (needs CPython)", async () => {
			makeTree(project.at("service"), { "main.py": "import part\n", "part.py": "print('ran', 6 * 7)\n" });
			const from = ["--python", python?.executable ?? ""];
			const signed = await sigtool("sign", "service", "--compile-python", ...from);
			expect([signed.status, signed.output]).toEqual([0, expect.stringContaining("2 .pyc files written")]);
			expect(await sigtool("python", "build", ...from, "--allow-development")).toMatchObject({ status: 0 });
			const { status, output } = await sigtool("run", "--allow-development", "service/main.py");
			expect([status, output]).toEqual([0, expect.stringMatching(/^ran 42$/m)]);
		});

		it("have one SigtoolError in all their libraries", async () => {
			const script = `
				import { SigtoolError } from "@sigtool/core";
				import { SigtoolError as ReadError } from "@sigtool/core/read";
				import * as verifier from "@sigtool/verifier";
				console.log(new SigtoolError("ERR_USAGE", "") instanceof ReadError, typeof verifier);`;
			expect(await project.node(script)).toEqual({ status: 0, output: "true object\n" });
		});
	});
});
