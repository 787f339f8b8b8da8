/** Tests sign, verify and compile without operands, in a project with a configuration. */

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "../../../../test/outside.js";
import { readDocument } from "../../dist/configuration/read-document.js";
import { MAIN, makeSelfSigned, makeTree, runner, temporaryDirectory, writeContainer } from "../support.js";

function project(members: object | undefined, entries: Parameters<typeof makeTree>[1] = { "dist/a.js": "1" }) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "p"), entries);
	if (members !== undefined) makeTree(root, { "sigtool.config.json": JSON.stringify(members, null, "\t") });
	const run = runner(home);
	const sigtool = (args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) => {
		return run(args, { cwd: root, ...options });
	};
	return { home, root, sigtool, at: (path: string) => join(root, path) };
}

const PAGE = readFileSync(new URL("../../../../docs/reference/configuration.md", import.meta.url), "utf8");

/** Returns the code blocks of a section of the page, or of its beginning. */
function blocks(section?: string): string[] {
	const parts = PAGE.split(/^## /m);
	const text = parts.find((part) => part.startsWith(section ?? "# ")) ?? "";
	return [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block]) => block);
}

describe("docs/reference/configuration.md", () => {
	it("begins with commands that work one after the other", () => {
		const { sigtool } = project(undefined);
		const [commands] = blocks();
		const lines = commands.trim().split("\n");
		expect(lines.map((line) => line.split(" ")[1])).toEqual(["init", "sign", "sign", "verify"]);
		for (const line of lines) expect(sigtool(line.split(" ").slice(1)).status, line).toBe(0);
	});

	it("shows a configuration that can be read", () => {
		const [, example] = blocks();
		const { members } = readDocument("example", Buffer.from(example));
		expect(members).toMatchObject({ sign: ["dist"], key: { p12: "env:RELEASE_P12" }, development: "refuse" });
	});
});

describe("a project's configuration", () => {
	it("tells sign and verify what to do, from any directory of the project", () => {
		const { sigtool, at } = project(
			{ sign: ["dist"], product: "app", exclude: ["*.map"] },
			{ "dist/a.js": "1", "dist/a.map": "", "src/b": "" },
		);
		for (const cwd of [at("."), at("src"), at("dist")]) {
			const signed = sigtool(["sign", "--json"], { cwd }).json();
			expect(signed).toMatchObject({ product: "app", files: 1, root: at("dist") });
			expect(sigtool(["verify"], { cwd }).status).toBe(0);
		}
		writeFileSync(at("dist/a.js"), "2");
		expect(sigtool(["verify"]).status).toBe(1);
	});

	it("is named by --config or SIGTOOL_CONFIG from anywhere, and is left aside by --no-config", () => {
		const { sigtool, at, home } = project({ sign: ["dist"], product: "app" });
		const config = at("sigtool.config.json");
		expect(sigtool(["sign", "--config", config], { cwd: home }).status).toBe(0);
		expect(sigtool(["verify"], { cwd: home, env: { SIGTOOL_CONFIG: config } }).status).toBe(0);
		for (const args of [["sign"], ["verify"], ["compile", "-o", "x.sigx"]]) {
			for (const how of [{ cwd: home }, { cwd: at("."), args: ["--no-config"] }]) {
				const { status, stderr } = sigtool([...args, ...(how.args ?? [])], { cwd: how.cwd });
				expect([status, stderr]).toEqual([
					2,
					expect.stringMatching(/^error: Name what to .*`sigtool init` \[ERR_USAGE\]\n$/),
				]);
			}
		}
	});

	it("gives way to options, and counts with operands only if it was named", () => {
		const { sigtool, at } = project(
			{ sign: ["dist"], product: "app", exclude: ["*.map"], links: "reject" },
			{ "dist/a.js": "1", "dist/a.map": "" },
		);
		const facts = (...args: string[]) => {
			const { product, files } = sigtool(["sign", "--json", "--force", ...args]).json();
			return [product, files];
		};
		expect(facts()).toEqual(["app", 1]);
		expect(facts("--product", "other")).toEqual(["other", 1]);
		expect(facts("--exclude", "nothing")).toEqual(["app", 2]);
		expect(facts("dist")).toEqual(["dist", 2]);
		expect(facts("dist", "--config", at("sigtool.config.json"))).toEqual(["dist", 2]);
		expect(facts("--product", "app")).toEqual(["app", 1]);
		expect(sigtool(["verify", "--product", "other"]).stderr).toContain("[ERR_PRODUCT_MISMATCH]");
		makeTree(at("dist"), { link: { link: "a.js" } });
		expect(sigtool(["sign"]).stderr).toContain("[ERR_LINK");
		expect(sigtool(["sign", "--links", "record"]).status).toBe(0);
	});

	it("signs several paths into one output, and verifies and compiles them", () => {
		const { sigtool, at } = project(
			{ sign: ["bin", "lib"], output: "release/app.cat", product: "app" },
			{ "bin/a": "1", "lib/b": "1", other: "", "release/README": "" },
		);
		expect(sigtool(["sign", "--json"]).json()).toMatchObject({ catalog: "release/app.cat", files: 2 });
		const { results } = sigtool(["verify", "--json"]).json();
		expect(results).toMatchObject([{ verdict: "trusted", covers: "paths", checked: 2 }]);
		expect(sigtool(["verify", "--signature-only", "--json"]).json().results).toMatchObject([{ verdict: "signed" }]);
		writeFileSync(at("lib/added"), "");
		expect(sigtool(["verify"]).status).toBe(1);
	});

	it("gives compile the directories, the key and the policy", () => {
		const { sigtool, at } = project({ sign: ["dist"], policy: "policy.json" });
		makeTree(at("."), { "policy.json": '{ "version": 1, "mode": "audit" }' });
		expect(sigtool(["sign"]).status).toBe(0);
		const compiled = sigtool(["compile", "-o", "app.sigx", "--allow-development", "--json"]).json();
		expect(compiled).toMatchObject({ products: [{ root: at("dist") }], policy: { mode: "audit" } });
		expect(sigtool(["compile", "dist", "-o", "app.sigx", "--allow-development", "--json"]).json().policy.mode).toBe(
			"enforce",
		);
	});

	it("without anything to sign says so, with its place", () => {
		const { sigtool } = project({ product: "app" });
		expect(sigtool(["sign"]).stderr).toMatch(/name the files to sign with the member "sign" \[ERR_CONFIG\]/);
		expect(sigtool(["sign", "dist"]).status).toBe(0);
	});

	it("counts in a package.json with a byte order mark, as npm reads it", () => {
		const { sigtool } = project(undefined, {
			"package.json": '\ufeff{ "sigtool": { "sign": ["dist"], "product": "marked", "development": "refuse" } }',
			"dist/a.js": "1",
		});
		expect(sigtool(["sign", "--dry-run", "--json"]).json().product).toBe("marked");
		expect(sigtool(["sign", "dist"]).stderr).toContain("[ERR_DEVELOPMENT_REFUSED]");
	});

	it("refuses a lower place for its own file than package.json above", () => {
		const { sigtool, at } = project(undefined, {
			"package.json": '{ "sigtool": { "sign": ["dist"], "product": "above" } }',
			"dist/a.js": "1",
			"sub/lib/b": "1",
		});
		makeTree(at("sub"), { "sigtool.config.json": '{ "sign": ["lib"], "product": "below" }' });
		expect(sigtool(["sign", "--json"]).json().product).toBe("above");
		expect(sigtool(["sign", "--json"], { cwd: at("sub") }).json().product).toBe("below");
	});
});

describe("sign --identity", () => {
	it("signs with an identity, by an option or by the configuration", () => {
		const { sigtool } = project({ sign: ["dist"], identity: "release" });
		expect(sigtool(["sign"]).stderr).toMatch(/Cannot find identity "release".*\[ERR_USAGE\]/);
		expect(sigtool(["identity", "new", "release", "--key-type", "p256", "--common-name", "Release"]).status).toBe(0);
		const signed = sigtool(["sign", "--json"]).json();
		expect(signed).toMatchObject({ development: false, signer: { subject: "CN=Release" } });
		expect(sigtool(["sign", "dist", "--identity", "release", "--json"]).json().signer).toEqual(signed.signer);
		expect(sigtool(["sign", "--identity", "development", "--json"]).json().development).toBe(true);
		for (const more of [["--key", "k", "--cert", "c"], ["--p12", "p"], ["--cert", "c"], ["--unsigned"]]) {
			const { status, stderr } = sigtool(["sign", "dist", "--identity", "release", ...more]);
			expect([status, stderr], more.join(" ")).toEqual([2, expect.stringContaining("[ERR_USAGE]")]);
		}
		const env = { SIGTOOL_DEVELOPMENT: "refuse" };
		expect(sigtool(["sign", "--identity", "development"], { env }).stderr).toContain("[ERR_DEVELOPMENT_REFUSED]");
	});

	it("is what identity new recommends", () => {
		const { sigtool } = project(undefined);
		const { stdout } = sigtool(["identity", "new", "release", "--key-type", "p256"]);
		expect(stdout).toContain("sigtool sign PATH --identity release");
	});
});

/** Mistakes in values, each with the member that has to be named, and the command that meets it. */
const MISTAKES: readonly (readonly [member: string, command: string, members: object])[] = [
	["sign[1]", "sign", { sign: ["dist", "none"] }],
	["include[0]", "sign", { include: ["../x"] }],
	["output", "sign", { output: "none/a.cat" }],
	["url", "sign", { url: "two words" }],
	["identity", "sign", { identity: "nobody" }],
	["key.cert", "sign", { key: { key: "a.pem", cert: "none.crt" } }],
	["key.p12", "sign", { key: { p12: "env:NONE" } }],
	["key.pkcs11", "sign", { key: { pkcs11: "object=key" } }],
	["timestamp[0]", "sign", { timestamp: ["ftp://example.com"] }],
	["verify.trust[1]", "verify", { verify: { trust: ["dist/a.js", "none.crt"] } }],
	["verify.crl[0]", "verify", { verify: { crl: ["none.crl"] } }],
	["policy", "compile -o ../a.sigx", { policy: "none.json" }],
];

describe("a value that cannot be used", () => {
	it.each(MISTAKES)("names its member, its file and its place: %s in %s", (member, command, members) => {
		const { sigtool, at } = project({ sign: ["dist"], ...members });
		if (member.startsWith("verify.trust")) copyFileSync(makeSelfSigned(at("../own")).certFile, at("dist/a.js"));
		const { status, stderr } = sigtool(command.split(" "));
		expect(status).toBe(2);
		const { places } = readDocument("", readFileSync(at("sigtool.config.json")));
		const { line, column } = places.get(member) ?? {};
		expect(stderr).toContain(`"${member}"`);
		expect(stderr).toContain("sigtool.config.json");
		expect(stderr).toContain(`line ${line}, column ${column}`);
	});

	it("is not blamed for a value that the user typed, nor for what is judged", () => {
		const { sigtool, at } = project({ sign: ["dist"], product: "p", verify: { crl: ["none.crl"] } });
		expect(sigtool(["sign"]).status).toBe(0);
		expect(sigtool(["verify", "--crl", "other.crl"]).stderr).toMatch(/"other\.crl": no such file or directory \[/);
		makeTree(at("."), { "sigtool.config.json": '{ "sign": ["dist"], "product": "other" }' });
		const compiled = sigtool(["compile", "-o", at("../a.sigx"), "--allow-development"]);
		expect(compiled.stderr).toMatch(/it is of product "p", expected "other" \[/);
	});
});

describe("sigtool config", () => {
	it("shows each value and where it came from", () => {
		const { sigtool, at } = project({
			sign: ["dist"],
			key: { p12: "env:RELEASE" },
			verify: { trust: ["r.pem"], added: "warn" },
		});
		const { stdout } = sigtool(["config"], { env: { SIGTOOL_DEVELOPMENT: "refuse", SIGTOOL_PASSPHRASE: "s3cr3t" } });
		expect(stdout).toMatch(/^.*sigtool\.config\.json \(found here or above\)\n/);
		expect(stdout).toMatch(/^ +sign +dist +\(sigtool\.config\.json:2\)$/m);
		expect(stdout).toMatch(/^ +key\.p12 +env:RELEASE +\(sigtool\.config\.json:\d+; RELEASE, which is not set\)$/m);
		expect(stdout).toMatch(/^ +verify\.trust .*only narrows the trust store, because it was found/m);
		expect(stdout).toMatch(/^ +verify\.added .*has no effect on verify/m);
		expect(stdout).toMatch(/^ +development +refuse +\(\$SIGTOOL_DEVELOPMENT\)$/m);
		expect(stdout).toMatch(/^ +links +record +\(default\)$/m);
		expect(stdout).not.toMatch(/s3cr3t|^ +identity/m);
		const named = sigtool(["config", "--json", "--config", "sigtool.config.json"]).json();
		expect(named.configuration).toEqual({ file: at("sigtool.config.json"), origin: "--config" });
		expect(named.values).toContainEqual({ name: "sign", value: ["dist"], from: "sigtool.config.json:2" });
		expect(named.values.find(({ name }: { name: string }) => name === "verify.trust")).not.toHaveProperty("note");
		expect(sigtool(["config", "--no-config", "--json"]).json().configuration).toBe(null);
	});

	it("knows every member of the table", () => {
		const { sigtool } = project(undefined);
		const names = sigtool(["config", "--json"])
			.json()
			.values.map(({ name }: { name: string }) => name);
		const schema = JSON.parse(readFileSync(new URL("../../sigtool.config.schema.json", import.meta.url), "utf8"));
		const { $schema: _, key: __, verify, ...others } = schema.properties;
		const inVerify = Object.keys(verify.properties).map((name) => `verify.${name}`);
		expect(names.sort()).toEqual([...Object.keys(others), ...inVerify].sort());
	});
});

describe.skipIf(process.platform === "win32")("an initialised project in a pipeline", () => {
	it("is signed with a key from a secret file and verified, without arguments", () => {
		const home = temporaryDirectory();
		const { keyFile, certFile } = makeSelfSigned(join(home, "release"));
		const container = join(home, "release.p12");
		writeContainer(container, { keyFile, certFile }, "s3cr3t");
		// The developer initialises the project, and commits the configuration and the certificate.
		const origin = makeTree(join(home, "origin"), { "dist/a.js": "1", "package.json": '{ "name": "app" }' });
		copyFileSync(certFile, join(origin, "release.crt"));
		const secrets = ["--p12", "env:RELEASE_P12", "--passphrase-file", "env:RELEASE_PASSPHRASE"];
		const init = runner(join(home, "developer"))(
			["init", "--yes", ...secrets, "--trust", "release.crt", "--no-development"],
			{ cwd: origin },
		);
		expect(init.status).toBe(0);
		// The pipeline has a new home, a checkout of its own, and its secrets in files.
		const checkout = join(home, "work/app/app");
		mkdirSync(join(home, "work/app"), { recursive: true });
		execFileSync("cp", ["-r", origin, checkout]);
		const temporary = makeTree(join(home, "temp"), { passphrase: { content: "s3cr3t\n", mode: 0o600 } });
		copyFileSync(container, join(temporary, "release.p12"));
		const { XDG_CONFIG_HOME: _, NODE_EXTRA_CA_CERTS: __, ...inherited } = process.env;
		const pipeline = (script: string, more: Record<string, string> = {}) => {
			const env = {
				...{ ...inherited, HOME: join(home, "runner"), CI: "true", GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: checkout },
				...{
					RUNNER_TEMP: temporary,
					SIGTOOL_DEVELOPMENT: "refuse",
					SIGTOOL_CONFIG: join(checkout, "sigtool.config.json"),
				},
				...{ RELEASE_P12: join(temporary, "release.p12"), RELEASE_PASSPHRASE: join(temporary, "passphrase"), ...more },
			};
			const sigtool = `sigtool() { '${process.execPath}' '${MAIN}' "$@"; }`;
			return spawnSync("bash", ["-ec", `${sigtool}\n${script}`], { cwd: checkout, env, encoding: "utf8" });
		};
		const { status, stdout, stderr } = pipeline("sigtool sign && sigtool verify");
		expect([status, stderr]).toEqual([0, ""]);
		expect(stdout).toMatch(/^signed dist\/dist\.cat\n[\s\S]*^ +product +app,[\s\S]*^trusted dist\n[\s\S]*CN=release/m);
		expect(existsSync(join(home, "runner"))).toBe(false);

		writeFileSync(join(checkout, "dist/a.js"), "changed");
		const changed = pipeline("sigtool verify");
		expect([changed.status, changed.stdout]).toEqual([1, expect.stringContaining('"a.js"')]);
		// A secret that is missing must not lead to another key.
		const missing = pipeline("sigtool sign", { RELEASE_P12: "" });
		expect([missing.status, missing.stderr]).toEqual([
			2,
			expect.stringMatching(/"RELEASE_P12", which is empty; set it to the absolute path of the file \[ERR_CONFIG\]/),
		]);
		// Without the variable, the checkout does not say whom to trust.
		const unnamed = pipeline("unset SIGTOOL_CONFIG; sigtool sign -q && sigtool verify -q");
		expect([unnamed.status, unnamed.stderr]).toEqual([1, expect.stringContaining("[ERR_UNTRUSTED_SIGNER]")]);
		// The page's own recipe, with the secrets in variables.
		const config = join(checkout, "sigtool.config.json");
		writeFileSync(config, readFileSync(config, "utf8").replace(/\s*\/\/.*\s*"passphraseFile".*/, ""));
		const [recipe] = blocks("In a pipeline");
		const secretsInVariables = {
			RELEASE_P12_BASE64: readFileSync(container).toString("base64"),
			SIGTOOL_PASSPHRASE: "s3cr3t",
			...{ SIGTOOL_CONFIG: "", RELEASE_P12: "", SIGTOOL_DEVELOPMENT: "" },
		};
		const followed = pipeline(recipe, secretsInVariables);
		expect([followed.status, followed.stderr]).toEqual([0, ""]);
		expect(
			pipeline("unset SIGTOOL_CONFIG; sigtool trust add release.crt && sigtool sign && sigtool verify", {
				SIGTOOL_PASSPHRASE: "s3cr3t",
			}).status,
		).toBe(0);
	});
});
