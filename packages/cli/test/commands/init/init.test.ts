import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readDocument } from "../../../dist/configuration/read-document.js";
import { makeTree, runner, type TreeEntry, temporaryDirectory } from "../../support.js";
import { hasTerminal, onTerminal } from "../../terminal.js";

function project(entries: Parameters<typeof makeTree>[1] = { "dist/a.js": "1", "package.json": '{ "name": "app" }' }) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "p"), entries);
	const run = runner(home);
	const file = join(root, "sigtool.config.json");
	return {
		...{ home, root, file },
		sigtool: (...args: string[]) => run(args, { cwd: root }),
		written: () => readDocument(file, readFileSync(file)).members,
	};
}

describe("sigtool init", () => {
	it("writes what a project usually signs with --yes, and says what it wrote and what comes next", () => {
		const { sigtool, file, written } = project();
		const { status, stdout, stderr } = sigtool("init", "--yes");
		expect([status, stderr]).toEqual([0, ""]);
		expect(written()).toMatchObject({ sign: ["dist"], product: "app" });
		expect(stdout).toMatch(/^wrote sigtool\.config\.json\n +sign +dist\n +product +app\n\nNext:\n/);
		for (const command of ["sign --dry-run", "sign", "verify", "config"])
			expect(stdout).toContain(`  sigtool ${command}  `);
		expect(readFileSync(file, "utf8")).toContain(
			'\t// The directories and files that are signed and verified, or patterns of them.\n\t"sign": ["dist"],\n',
		);
		expect(sigtool("sign").status).toBe(0);
		expect(sigtool("verify").status).toBe(0);
	});

	it("takes every option, and paths as the file needs them", () => {
		const { sigtool, written, home } = project();
		const options = [
			...[
				"./dist/",
				"--output",
				"../out.cat",
				"--product",
				"x",
				"--include",
				"*.js",
				"--exclude",
				"a",
				"--exclude",
				"b",
			],
			...[
				"--format",
				"cat",
				"--description",
				"d",
				"--url",
				"u",
				"--key",
				"env:KEY",
				"--cert",
				"release.crt",
				"--chain",
				"c",
			],
			...["--passphrase-file", "/run/p", "--timestamp", "http://t", "--tsa-trust", "t.pem", "--trust", "release.crt"],
			...["--policy", "policy.json", "--no-development"],
		];
		expect(sigtool("init", ...options).status).toBe(0);
		expect(JSON.parse(JSON.stringify(written()))).toEqual({
			...{ sign: ["dist"], output: join(home, "out.cat"), product: "x", include: ["*.js"], exclude: ["a", "b"] },
			...{ formats: ["cat"], description: "d", url: "u", timestamp: ["http://t"], timestampTrust: ["t.pem"] },
			key: { key: "env:KEY", cert: "release.crt", chain: ["c"], passphraseFile: "/run/p" },
			...{ verify: { trust: ["release.crt"] }, policy: "policy.json", development: "refuse" },
		});
	});

	it("names the configuration in the next steps if it signs what lies outside of its directory", () => {
		const home = temporaryDirectory();
		makeTree(join(home, "p"), { "own/a.js": "1" });
		makeTree(join(home, "other"), { "a.js": "1" });
		const sigtool = (...args: string[]) => runner(home)(args, { cwd: join(home, "p") });
		expect(sigtool("init", "--yes", "own").stdout).toMatch(/^ +sigtool sign +signs/m);
		const { stdout } = sigtool("init", "--yes", "--force", "../other");
		const steps = [...stdout.matchAll(/^ +sigtool ((?:sign|verify) .*?) {2}/gm)].map(([, step]) => step.split(" "));
		expect(steps).toHaveLength(3);
		for (const step of steps) expect(sigtool(...step), step.join(" ")).toMatchObject({ status: 0 });
	});

	it("never replaces a configuration without --force, in whatever file it is", () => {
		const existing: [file: string, entry: TreeEntry][] = [
			["sigtool.config.json", "{}"],
			["package.json", '{ "sigtool": {} }'],
			["sigtool.config.json", { link: "none" }],
		];
		for (const [file, entry] of existing) {
			const { sigtool, root } = project({ [file]: entry });
			const refused = sigtool("init", "--yes");
			expect(refused).toMatchObject({ status: 2, stderr: expect.stringMatching(/--force replaces it \[ERR_USAGE\]/) });
			expect(existsSync(join(root, "none"))).toBe(false);
			expect(sigtool("init", "--yes", "--force").status).toBe(0);
		}
	});

	it("writes nothing that no configuration can have", () => {
		const { sigtool, file } = project();
		for (const options of [
			["--product", "a\nb"],
			["--identity", "a", "--p12", "b"],
			["--key", "a"],
			["--passphrase-file", "a"],
			["--exclude", "a", "--exclude", "a"],
		]) {
			const { status, stderr } = sigtool("init", "--yes", ...options);
			expect([status, stderr], options.join(" ")).toEqual([2, expect.stringContaining("[ERR_CONFIG]")]);
		}
		expect(existsSync(file)).toBe(false);
	});

	it("asks nobody without a terminal, but says what to give", () => {
		const { sigtool, file } = project();
		expect(sigtool("init")).toMatchObject({ status: 2, stderr: expect.stringMatching(/--yes.*\[ERR_USAGE\]/) });
		expect(existsSync(file)).toBe(false);
	});

	it("names the JSON Schema where the command is installed in the project", () => {
		const { sigtool, root, written } = project();
		mkdirSync(join(root, "node_modules/@sigtool/cli"), { recursive: true });
		writeFileSync(join(root, "node_modules/@sigtool/cli/sigtool.config.schema.json"), "{}");
		sigtool("init", "--yes");
		expect(written().$schema).toBe("./node_modules/@sigtool/cli/sigtool.config.schema.json");
	});

	describe.skipIf(!hasTerminal)("on a terminal", () => {
		const ask = async (answers: readonly string[], ...args: string[]) => {
			const made = project();
			const env = { XDG_CONFIG_HOME: join(made.home, "config") };
			return { ...made, ...(await onTerminal(["init", ...args], env, answers, 0, made.root)) };
		};

		it("asks, and takes an empty answer for the default", async () => {
			const { status, text, written } = await ask(["", "", "", "", "", ""]);
			expect([status, text]).toEqual([0, expect.stringContaining("What to sign (directories or files) [dist]: ")]);
			expect(JSON.parse(JSON.stringify(written()))).toEqual({ sign: ["dist"], product: "app" });
		});

		it("takes answers, and does not ask for what an option said", async () => {
			const answers = ["bin lib", "all.cat", "*.map *.ts", "key env:KEY release.crt", "http://t", "release.crt"];
			const { status, text, written } = await ask(answers, "--product", "x");
			expect(status).toBe(0);
			expect(text).not.toContain("Name of the product");
			expect(written()).toMatchObject({
				...{
					sign: ["bin", "lib"],
					output: "all.cat",
					product: "x",
					exclude: ["*.map", "*.ts"],
					timestamp: ["http://t"],
				},
				...{ key: { key: "env:KEY", cert: "release.crt" }, verify: { trust: ["release.crt"] } },
			});
		});

		it("refuses an answer that it does not understand, and writes nothing", async () => {
			const { status, text, file } = await ask(["", "", "", "my key"]);
			expect([status, existsSync(file)]).toEqual([2, false]);
			expect(text).toContain("[ERR_USAGE]");
		});

		it("ends with 130 at Ctrl-C and with 2 at the end of the input, and writes nothing", async () => {
			const interrupted = await ask(["\u0003"]);
			expect([interrupted.status, existsSync(interrupted.file)]).toEqual([130, false]);
			const ended = await ask(["\u0004"]);
			expect([ended.status, existsSync(ended.file)]).toEqual([2, false]);
		});
	});
});
