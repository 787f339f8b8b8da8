import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	realpathSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { hasPrebuilt } from "../../../test/install/project.js";
import { skip, spawnSync } from "../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../test/temporary.js";
import { documentSchemas } from "../../json/documents.mjs";
import { registryEnvironment } from "../../registry-environment.mjs";
import { packTarballs } from "../../release/npm-tarballs.mjs";
import { releaseFacts } from "../../release/workspace.mjs";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const scratch = temporaryDirectory(atEndOfFile);
const packages = hasPrebuilt ? packTarballs(join(scratch, "packed")) : [];
beforeAll(() => {
	if (!hasPrebuilt) skip("the native parts of all targets are not built (`pnpm native:all`)");
});

/** Unpacks each package where npm would install it, below `project`. */
function unpackInto(project: string): void {
	for (const { manifest, tarball } of packages) {
		const folder = join(project, "node_modules", manifest.name);
		mkdirSync(folder, { recursive: true });
		expect(spawnSync("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"]).status).toBe(0);
	}
}

const installed = join(scratch, "installed");
unpackInto(installed);
const placeOf = (name: string) => join(installed, "node_modules", name);

/** Runs a program of this workspace's node_modules. */
function tool(name: string, args: readonly string[], cwd = workspace) {
	const { status, stdout, stderr } = spawnSync(join(workspace, "node_modules/.bin", name), args, {
		cwd,
		encoding: "utf8",
		env: { ...registryEnvironment(), NO_COLOR: "1" },
	});
	return { status, said: `${stdout}${stderr}` };
}

const shipped = packages.map(({ manifest, tarball }) => ({ name: manifest.name, tarball }));
const manifestOf = (name: string) => JSON.parse(readFileSync(join(placeOf(name), "package.json"), "utf8"));
const modules = shipped.filter(({ name }) => manifestOf(name).exports?.["."]?.types !== undefined);

it("packs nothing while a setting of this machine keeps pnpm from calling the hook", () => {
	if (releaseFacts().registry !== null) return;
	process.env.pnpm_config_ignore_pnpmfile = "true";
	try {
		expect(() => packTarballs(join(scratch, "without-hook"))).toThrow("let pnpm call .pnpmfile.cjs");
	} finally {
		delete process.env.pnpm_config_ignore_pnpmfile;
	}
});

describe.each(shipped)("$name", ({ name, tarball }) => {
	const manifest = manifestOf(name);

	it("has each file that exports, bin, man and types name", () => {
		const targets = targetsOf([manifest.exports, manifest.bin, manifest.main, manifest.man, manifest.types]);
		expect(targets.filter((target) => !existsSync(join(placeOf(name), target)))).toEqual([]);
	});

	it("has its licence, and nothing that only developers need", () => {
		const files = readdirSync(placeOf(name), { recursive: true, encoding: "utf8" });
		expect(files).toContain("LICENSE");
		expect(files.filter((file) => /\.map$|tsbuildinfo|(^|\/)(src|test)\//.test(file))).toEqual([]);
	});

	it("depends on the other packages by their version", () => {
		const versions = new Map(packages.map(({ manifest }) => [manifest.name, manifest.version]));
		for (const [other, version] of Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies }))
			if (versions.has(other)) expect(version).toBe(versions.get(other));
	});

	it("asks no registry for native parts, while release.json names none", () => {
		if (releaseFacts().registry !== null) return;
		const asked = Object.keys(manifest.optionalDependencies ?? {});
		expect(asked.filter((other) => other.startsWith("@sigtool/"))).toEqual([]);
	});

	it("names the addresses of release.json, and no others", () => {
		const { repository, bugs, homepage } = releaseFacts();
		expect([manifest.repository?.url ?? null, manifest.bugs ?? null, manifest.homepage ?? null]).toEqual([
			repository === null ? null : `git+${repository}.git`,
			bugs,
			homepage,
		]);
	});

	it("passes publint, suggestions included", () => {
		const { status, said } = tool("publint", ["run", tarball, "--strict"]);
		expect(said).toContain("All good!");
		expect(status).toBe(0);
	});
});

it("@sigtool/cli has the JSON Schemas that the build made, and the page about them", () => {
	const cli = placeOf("@sigtool/cli");
	expect(readdirSync(join(cli, "schemas"))).toEqual([...documentSchemas().keys()].sort());
	expect(existsSync(join(cli, "sigtool.config.schema.json"))).toBe(true);
	expect(readFileSync(join(cli, "json.md"), "utf8")).toContain("| `catalog` |");
});

// The profile leaves out two ways to resolve a package: that of Node.js before 12, and require() from CommonJS, which gets
// a module in Node.js 20.19 and later, and an error before (`cjs-resolves-to-esm`). The packages are modules alone.
it.each(modules)("$name passes arethetypeswrong as a package of modules alone", ({ tarball }) => {
	const { status, said } = tool("attw", [tarball, "--profile", "esm-only", "--format", "json"]);
	expect({ status, said: status === 0 ? "" : said }).toEqual({ status: 0, said: "" });
});

/** Lists the files that a value of `exports` or `bin` names. Patterns are none of ours. */
function targetsOf(value: unknown): string[] {
	if (typeof value === "string") return [value];
	return typeof value === "object" && value !== null ? Object.values(value).flatMap(targetsOf) : [];
}

describe("a program in strict TypeScript, with nothing installed but our packages", () => {
	const types = realpathSync(join(workspace, "node_modules/@types/node"));
	const depending = packages.filter(({ manifest }) => manifest.dependencies?.["@types/node"] !== undefined);

	/** Lays out what npm installs for `names`: these packages, and the types of Node.js if one depends on them. */
	function project(names: readonly string[]): string {
		const folder = mkdtempSync(join(scratch, "consumer-"));
		for (const name of names) spawnSync("mkdir", ["-p", join(folder, "node_modules", name, "..")]);
		for (const name of names) spawnSync("cp", ["-r", placeOf(name), join(folder, "node_modules", name)]);
		if (depending.some(({ manifest }) => names.includes(manifest.name))) {
			for (const [source, name] of [
				[types, "@types/node"],
				[join(types, "../../undici-types"), "undici-types"],
			] as const) {
				mkdirSync(join(folder, "node_modules", name, ".."), { recursive: true });
				spawnSync("cp", ["-rL", source, join(folder, "node_modules", name)]);
			}
		}
		writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
		return folder;
	}

	const LIBRARY = `
		import { SigtoolError, signPaths, type ErrorCode } from "@sigtool/core";
		import { SigtoolError as ReadError, defaultTrust, verifyPath } from "@sigtool/core/read";
		const code: ErrorCode = "ERR_USAGE";
		export const error: Error = new SigtoolError(code, "consumer");
		export const same: boolean = error instanceof ReadError;
		export const { verdict, findings } = await verifyPath("./lib", { trust: defaultTrust() });
		export const sign = (...args: Parameters<typeof signPaths>) => signPaths(...args);`;
	const VERIFIER = `
		import { createVerifier, type Verifier } from "@sigtool/verifier";
		import "@sigtool/verifier/register";
		export const verifier: Verifier = createVerifier({ catalogs: [{ directory: "lib" }] });`;

	it.each([
		["nodenext", "nodenext", ["@sigtool/core"], LIBRARY],
		["bundler", "esnext", ["@sigtool/core"], LIBRARY],
		["nodenext", "nodenext", ["@sigtool/verifier"], VERIFIER],
		["bundler", "esnext", ["@sigtool/verifier"], VERIFIER],
	])("compiles with --moduleResolution %s (%s): %s", (moduleResolution, module, names, program) => {
		const folder = project(names);
		writeFileSync(join(folder, "consumer.ts"), program);
		const options = ["--strict", "--noEmit", "--target", "es2022", "--lib", "es2023", "--ignoreConfig"];
		const { status, said } = tool(
			"tsc",
			[...options, "--module", module, "--moduleResolution", moduleResolution, "consumer.ts"],
			folder,
		);
		expect(said).toBe("");
		expect(status).toBe(0);
	});
});

describe("docs/how-to/release.md", () => {
	const page = readFileSync(join(workspace, "docs/how-to/release.md"), "utf8").replace(/^ {2}/gm, "");
	const version = packages[0]?.manifest.version ?? "";
	/** Returns the only snippet of the page in this language, or the only line that begins with a command. */
	const found = (pattern: RegExp) => (pattern.exec(page)?.[1] ?? "").replaceAll("VERSION", version);
	const overrides = found(/```yaml\n([\s\S]*?)```/);
	const resolutions = found(/```json\n([\s\S]*?)```/);

	it.each([
		["pnpm", "pnpm@12", '{ "private": true }', { "pnpm-workspace.yaml": overrides }],
		["yarn", "yarn@1", resolutions, {}],
		["yarn", "@yarnpkg/cli-dist@4", resolutions, { ".yarnrc.yml": "nodeLinker: node-modules\n", "yarn.lock": "" }],
		["bun", "bun@1", resolutions, {}],
	])(
		"%s installs the packages as it says, and asks no registry for one of them (%s)",
		(name, client, manifest, files) => {
			const command = found(new RegExp(`^(${name} add .*)$`, "m")).replaceAll("linux-x64", `linux-${process.arch}`);
			const folder = join(scratch, `with-${client.replace("/", "-")}`);
			mkdirSync(folder);
			symlinkSync(join(scratch, "packed"), join(folder, "release"));
			const npmrc = "@sigtool:registry=http://127.0.0.1:9\n";
			const written = Object.entries({ "package.json": manifest, ".npmrc": npmrc, ...files });
			for (const [file, text] of written) writeFileSync(join(folder, file), text);
			const env = { ...registryEnvironment(), CI: "true", YARN_ENABLE_IMMUTABLE_INSTALLS: "false" };
			const run = (line: string, cwd = folder) => spawnSync("sh", ["-c", line], { cwd, env, encoding: "utf8" });
			// npm reads the project's package.json in the directory from which it starts a client, so this is another one.
			const added = run(`npx -y -p ${client} -- sh -c 'cd "$0" && ${command}' '${folder}'`, scratch);
			expect([added.status, added.status === 0 ? "" : `${added.stdout}${added.stderr}`]).toEqual([0, ""]);
			expect(run("./node_modules/.bin/sigtool --version").stdout).toBe(`${version}\n`);
			const doctor = run("./node_modules/.bin/sigtool doctor");
			if (process.platform === "linux") expect(doctor.stdout).toMatch(/native addon +prebuilt for linux-/);
		},
	);
});

it("each tarball has the name of its package and version", () => {
	for (const { manifest, tarball } of packages)
		expect(basename(tarball)).toBe(`${manifest.name.slice(1).replace("/", "-")}-${manifest.version}.tgz`);
});
