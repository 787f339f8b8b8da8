import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { nativeAbsence } from "../../dist/system/native-absence.js";
import { nativePart } from "../../dist/system/native-package.js";
import { libcOf, nativeTarget } from "../../dist/system/native-target.js";

function temporaryFolder(): string {
	const folder = temporaryDirectory();
	return folder;
}

function write(file: string, content: string | Uint8Array = ""): string {
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, content);
	return file;
}

/** Makes a 64-bit ELF file with one program header, which names the loader. */
function elf(loader: string, { count = 1, size = 56, length = loader.length + 1 } = {}): Buffer {
	const bytes = Buffer.alloc(200);
	bytes.write("\x7fELF", "latin1");
	bytes.writeBigUInt64LE(64n, 32);
	bytes.writeUInt16LE(size, 54);
	bytes.writeUInt16LE(count, 56);
	bytes.writeUInt32LE(3, 64);
	bytes.writeBigUInt64LE(120n, 64 + 8);
	bytes.writeBigUInt64LE(BigInt(length), 64 + 32);
	bytes.write(`${loader}\0`, 120, "latin1");
	return bytes;
}

describe("libcOf()", () => {
	it.each([
		["musl", elf("/lib/ld-musl-x86_64.so.1")],
		["musl", elf("/lib/ld-musl-aarch64.so.1")],
		["glibc", elf("/lib64/ld-linux-x86-64.so.2")],
		["glibc", elf("/opt/ld-musl-like/ld-linux.so.2")],
		["glibc", elf("/lib/ld-musl-x86_64.so.1", { count: 0 })],
		["glibc", elf("/lib/ld-musl-x86_64.so.1", { size: 8 })],
		["glibc", elf("/lib/ld-musl-x86_64.so.1").subarray(0, 100)],
		["glibc", Buffer.from("#!/bin/sh\n")],
		["glibc", Buffer.alloc(0)],
	])("%s: row %#", (libc, bytes) => {
		expect(libcOf(write(join(temporaryFolder(), "program"), bytes))).toBe(libc);
	});

	it("reads no more than a path of a header that claims a huge one", () => {
		const bytes = elf("/lib/ld-musl-x86_64.so.1", { length: 2 ** 40 });
		expect(libcOf(write(join(temporaryFolder(), "program"), bytes))).toBe("musl");
	});

	it("takes a program that is not there for one with glibc", () => {
		expect(libcOf(join(temporaryFolder(), "none"))).toBe("glibc");
	});

	it.skipIf(process.platform !== "linux")("agrees with what Node.js reports", () => {
		const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
		expect(libcOf(process.execPath)).toBe(report.header.glibcVersionRuntime === undefined ? "musl" : "glibc");
	});
});

const target = nativeTarget();
const NAME = `@sigtool/native-${target}`;

describe.skipIf(target === undefined)("nativePart() (needs Linux on x64 or arm64)", () => {
	/** Makes a package with this part, as far as the search is concerned. */
	function makePackage(modules: string): string {
		write(join(modules, NAME, "package.json"), "{}");
		return write(join(modules, NAME, "sigtool.node"));
	}

	it("takes a compiled part first, then the nearest package above the module", () => {
		const folder = temporaryFolder();
		const from = join(folder, "node_modules/@sigtool/core/dist/system/native.js");
		const compiled = join(folder, "compiled");
		expect(nativePart("sigtool.node", from, compiled)).toBeUndefined();
		const outer = makePackage(join(folder, "node_modules"));
		expect(nativePart("sigtool.node", from, compiled)).toBe(outer);
		const inner = makePackage(join(folder, "node_modules/@sigtool/core/node_modules"));
		expect(nativePart("sigtool.node", from, undefined)).toBe(inner);
		const own = write(join(compiled, "sigtool.node"));
		expect(nativePart("sigtool.node", from, compiled)).toBe(own);
		expect(nativePart("gate.so", from, compiled)).toBeUndefined();
	});

	it("takes no package that everyone can exchange", () => {
		const folder = temporaryFolder();
		const from = join(folder, "project/node_modules/@sigtool/core/dist/system/native.js");
		const part = makePackage(join(folder, "node_modules"));
		for (const place of [dirname(part), join(folder, "node_modules/@sigtool"), join(folder, "node_modules")]) {
			chmodSync(place, 0o1777);
			expect(nativePart("sigtool.node", from, undefined)).toBeUndefined();
			expect(nativeAbsence(from).reason).toBe(`another user could have put "${dirname(part)}" there`);
			chmodSync(place, 0o755);
			expect(nativePart("sigtool.node", from, undefined)).toBe(part);
		}
	});

	it.skipIf(process.getuid?.() !== 0)(
		"takes no package of another user, unless the module is that user's (needs root)",
		() => {
			const folder = temporaryFolder();
			const from = write(join(folder, "project/node_modules/@sigtool/core/dist/system/native.js"));
			const part = makePackage(join(folder, "node_modules"));
			const places = [dirname(part), join(folder, "node_modules/@sigtool"), join(folder, "node_modules")];
			for (const place of places) {
				chownSync(place, 65534, 65534);
				expect(nativePart("sigtool.node", from, undefined)).toBeUndefined();
				chownSync(from, 65534, 65534);
				expect(nativePart("sigtool.node", from, undefined)).toBe(part);
				chownSync(from, 0, 0);
				chownSync(place, 0, 0);
			}
			const elsewhere = temporaryFolder();
			symlinkSync(join(folder, "node_modules"), join(elsewhere, "node_modules"));
			const other = join(elsewhere, "project/dist/native.js");
			expect(nativePart("sigtool.node", other, undefined)).toBeDefined();
			lchownSync(join(elsewhere, "node_modules"), 65534, 65534);
			expect(nativePart("sigtool.node", other, undefined)).toBeUndefined();
		},
	);

	it("searches no folder that the environment names", () => {
		const folder = temporaryFolder();
		const elsewhere = join(folder, "elsewhere");
		makePackage(elsewhere);
		makePackage(join(folder, "home/.node_modules"));
		const module = new URL("../../dist/system/native-package.js", import.meta.url).href;
		const code = `import(${JSON.stringify(module)}).then((m) => console.log(m.nativePackage("/nowhere/dist/file.js")))`;
		const env = { ...process.env, NODE_PATH: elsewhere, HOME: join(folder, "home") };
		expect(execFileSync(process.execPath, ["-e", code], { encoding: "utf8", env })).toBe("undefined\n");
	});
});

describe.skipIf(target === undefined)("nativeAbsence() (needs Linux on x64 or arm64)", () => {
	// pnpm, which may run the tests, sets this variable.
	const agent = process.env.npm_config_user_agent;
	beforeEach(() => {
		delete process.env.npm_config_user_agent;
	});
	afterEach(() => {
		if (agent !== undefined) process.env.npm_config_user_agent = agent;
	});

	/** Makes a project with these files, and returns the path of a module that is installed in it. */
	function installed(files: readonly string[]): string {
		const folder = temporaryFolder();
		for (const file of files) write(join(folder, file), `${NAME}@0.1.0`);
		write(
			join(folder, "node_modules/@sigtool/core/package.json"),
			`{ "optionalDependencies": { "${NAME}": "0.1.0" } }`,
		);
		return join(folder, "node_modules/@sigtool/core/dist/system/native.js");
	}

	it.each([
		["npm", ["package.json", "node_modules/.package-lock.json"], "--omit=optional", "npm install --include=optional"],
		["npm", ["package.json", "package-lock.json"], "--omit=optional", "npm install --include=optional"],
		[
			"npm everywhere",
			[],
			"--omit=optional",
			`npm install --global --include=optional ./release/*.tgz ./release/native/sigtool-native-${target}-[0-9]*.tgz`,
		],
		["pnpm", ["package.json", "node_modules/.modules.yaml"], "--no-optional", "pnpm install"],
		[
			"pnpm before npm's lock",
			["pnpm-lock.yaml", "package-lock.json", "node_modules/.pnpm/x"],
			"--no-optional",
			"pnpm install",
		],
		["yarn", ["package.json", "yarn.lock"], "--ignore-optional", "yarn install --force"],
		["bun", ["package.json", "bun.lock"], "--omit=optional", "bun install --force"],
	])("%s: left out", (_, files, option, command) => {
		expect(nativeAbsence(installed(files))).toEqual({
			reason: `${NAME} was left out when sigtool was installed, as ${option} does`,
			remedy: `run \`${command}\``,
		});
	});

	it("names the file in a release where no package names the native parts", () => {
		const from = installed(["package.json", "package-lock.json"]);
		write(
			from.replace("dist/system/native.js", "package.json"),
			`{ "optionalDependencies": { "${NAME}-other": "0.1.0" } }`,
		);
		expect(nativeAbsence(from)).toEqual({
			reason: `${NAME} is not installed`,
			remedy: `install its file, native/sigtool-native-${target}-*.tgz, of the release that sigtool came from`,
		});
	});

	it("believes the environment where nothing else tells which package manager is in use", () => {
		process.env.npm_config_user_agent = "pnpm/12.21.0 npm/? node/v24.0.0 linux x64";
		expect(nativeAbsence(installed([])).remedy).toBe("run `pnpm install`");
	});

	it("does not take the name of another target for the name that it looks for", () => {
		const from = installed(["package.json"]);
		const lock = from.replace(/node_modules.*/, "yarn.lock");
		write(lock, `"${NAME}-musl@0.1.0":\n"${NAME}-else@0.1.0":\n`);
		expect(nativeAbsence(from).reason).toContain("yarn.lock does not name");
		write(lock, `"${NAME}-musl@0.1.0":\n"${NAME}@0.1.0":\n`);
		expect(nativeAbsence(from).reason).toContain("was left out");
	});

	it("knows a checkout", () => {
		const folder = temporaryFolder();
		write(join(folder, "node_modules", NAME, "package.json"));
		// A checkout's packages are links to folders that lie in no node_modules.
		execFileSync("mkdir", ["-p", join(folder, "checkout/core/node_modules/@sigtool")]);
		write(join(folder, "checkout/native/package.json"));
		execFileSync("ln", ["-s", "../../../native", join(folder, "checkout/core/node_modules", NAME)]);
		expect(nativeAbsence(join(folder, "checkout/core/dist/native.js"))).toEqual({
			reason: "this checkout has no native parts yet",
			remedy: "run `pnpm build`",
		});
	});

	it.each([
		["linux", "riscv64", "compile the parts with `sigtool native build`, which needs a C compiler"],
		["darwin", "arm64", "compile the parts with `sigtool native build`, which needs a C compiler"],
		["win32", "x64", "sigtool does without them, slower"],
	])("has nothing for %s on %s", (platform, arch, remedy) => {
		const { platform: ownPlatform, arch: ownArch } = process;
		Object.defineProperties(process, { platform: { value: platform }, arch: { value: arch } });
		onTestFinished(() => {
			Object.defineProperties(process, { platform: { value: ownPlatform }, arch: { value: ownArch } });
		});
		const reason = `sigtool has no prebuilt native parts for ${platform} on ${arch}`;
		expect(nativeAbsence("/project/node_modules/x/y.js")).toEqual({ reason, remedy });
	});
});
