/**
 * Tests that every use of a development identity is reported, and that a pipeline can refuse development identities.
 */

import { createPrivateKey } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { certificateToPem } from "../../../core/dist/signer/identity/issue-certificate.js";
import { CODE_SIGNER, makeCertificate } from "../../../core/test/pki/make-certificate.js";
import { daysFromNow, makeAuthority, makeTree, runner, temporaryDirectory } from "../support.js";

const SIGNED = "note: signed with this machine's development identity; other machines do not trust it\n";
const TRUSTED = /^note: a development identity signed ".*d"; other machines do not trust it\n/;

function workspace() {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "d"), { a: "1" });
	return { home, root, sigtool: runner(home, { identity: "none" }), at: (path: string) => join(home, path) };
}

describe("a development identity", () => {
	it("is noted when it signs and when it is trusted, also with -q, and in JSON", () => {
		const { root, sigtool, at } = workspace();
		expect(sigtool(["sign", root, "-q"])).toMatchObject({ status: 0, stdout: "", stderr: SIGNED });
		expect(sigtool(["sign", root, "--json"]).json()).toMatchObject({ development: true, notes: [SIGNED.slice(6, -1)] });
		for (const path of [root, join(root, "a")]) {
			expect(sigtool(["verify", path, "-q"])).toMatchObject({
				status: 0,
				stdout: "",
				stderr: expect.stringMatching(/^note: /),
			});
		}
		expect(sigtool(["verify", root, "-q"]).stderr).toMatch(TRUSTED);
		const verified = sigtool(["verify", root, "--json"]).json();
		expect(verified.notes).toEqual([expect.stringMatching(/^a development identity signed /)]);
		expect(verified.results[0].development).toBe(true);
		const compiled = sigtool(["compile", root, "-o", at("d.sigx"), "--allow-development", "-q"]);
		expect(compiled).toMatchObject({ status: 0, stdout: "", stderr: SIGNED });
		expect(sigtool(["verify", at("d.sigx"), "--signature-only", "-q"])).toMatchObject({
			status: 0,
			stderr: expect.stringMatching(/^note: /),
		});
	});

	const refusals: [name: string, args: string[], env: Record<string, string>][] = [
		["--no-development", ["--no-development"], {}],
		["SIGTOOL_DEVELOPMENT=refuse", [], { SIGTOOL_DEVELOPMENT: "refuse" }],
	];
	it.each(refusals)("%s refuses to sign with one, makes none, and ends with 2", (_, args, env) => {
		const { root, sigtool, at } = workspace();
		const run = sigtool(["sign", root, ...args], { env });
		expect(run.stderr).toMatch(
			/^error: Cannot sign with a development identity: .*--key.*\[ERR_DEVELOPMENT_REFUSED\]\n$/,
		);
		expect([run.status, existsSync(join(root, "d.cat")), existsSync(at("config"))]).toEqual([2, false, false]);
		sigtool(["sign", root]);
		expect(sigtool(["compile", root, "-o", at("d.sigx"), ...args], { env }).stderr).toContain(
			"[ERR_DEVELOPMENT_REFUSED]",
		);
		const key = at("config/sigtool/identities/development/key.pem");
		const named = sigtool(["sign", root, "--key", key, "--cert", key.replace("key.pem", "certificate.pem"), ...args], {
			env,
		});
		expect(named).toMatchObject({ status: 2, stderr: expect.stringContaining("[ERR_DEVELOPMENT_REFUSED]") });
	});

	it.each(refusals)("%s refuses to trust one, and ends with 2", (_, args, env) => {
		const { root, sigtool, at } = workspace();
		sigtool(["sign", root]);
		sigtool(["compile", root, "-o", at("d.sigx"), "--allow-development"]);
		const certificate = at("config/sigtool/identities/development/certificate.pem");
		for (const operands of [
			[root],
			[join(root, "a")],
			[join(root, "d.cat"), "--signature-only"],
			[root, "--trust", certificate],
			[at("d.sigx")],
			[at("d.sigx"), "--signature-only"],
		]) {
			const run = sigtool(["verify", ...operands, ...args], { env });
			expect(run.stderr, operands.join(" ")).toMatch(/a development identity signed .*\[ERR_DEVELOPMENT_REFUSED\]/);
			expect(run.status, operands.join(" ")).toBe(2);
		}
		expect(sigtool(["convert", join(root, "d.cat"), "-o", at("d.p7"), ...args], { env }).status).toBe(2);
		const json = sigtool(["verify", root, "--json", ...args], { env }).json();
		expect(json).toMatchObject({ exit: 2, results: [{ error: { code: "ERR_DEVELOPMENT_REFUSED" } }] });
	});

	it("an unmarked certificate of the development key counts as development", () => {
		const { root, sigtool, at } = workspace();
		sigtool(["sign", root]);
		const key = at("config/sigtool/identities/development/key.pem");
		const nice = at("nice.crt");
		certify(key, nice);
		expect(sigtool(["sign", root, "--key", key, "--cert", nice])).toMatchObject({ status: 0 });
		for (const path of [root, join(root, "a")]) {
			const trusted = sigtool(["verify", "-q", path, "--trust", nice]);
			expect([path, trusted.status, trusted.stderr]).toEqual([path, 0, expect.stringMatching(/^note: a development/)]);
			const refused = sigtool(["verify", "-q", path, "--trust", nice, "--no-development"]);
			expect(refused.stderr).toMatch(/a development identity signed .*\[ERR_DEVELOPMENT_REFUSED\]/);
			expect(refused.status).toBe(2);
		}
		expect(sigtool(["compile", root, "--trust", nice, "-o", at("x.sigx")]).stderr).toContain(
			"[ERR_DEVELOPMENT_IDENTITY]",
		);
		// Without a home directory there is no development identity to compare with.
		const homeless = { XDG_CONFIG_HOME: "", HOME: "", SIGTOOL_DEVELOPMENT: "refuse" };
		expect(sigtool(["verify", root, "--trust", nice], { env: homeless }).status).toBe(0);
	});

	const inProject = (file: string, content: string) => {
		const { home, root, sigtool, at } = workspace();
		makeTree(home, { [file]: content });
		return { root, at, run: (...args: string[]) => sigtool(args, { cwd: root }) };
	};

	it.each([
		["sigtool.config.json", '{ "development": "refuse" }'],
		["package.json", '{ "name": "x", "sigtool": { "development": "refuse" } }'],
	])("the project's configuration in %s refuses one, and nothing else", (file, content) => {
		const { root, run, at } = inProject(file, content);
		expect(run("sign", root)).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(/the project's configuration forbids it.*\[ERR_DEVELOPMENT_REFUSED\]/),
		});
		runner(at("elsewhere"), { identity: "none" })(["sign", root], { cwd: "/", env: { XDG_CONFIG_HOME: at("config") } });
		for (const form of [[root], ["."], [join(root, "d.cat"), "--signature-only"]]) {
			expect(run("verify", "-q", ...form), form.join(" ")).toMatchObject({ status: 2 });
		}
		const script = join(root, "a");
		expect(run("run", "--allow-development", script)).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("[ERR_DEVELOPMENT_REFUSED]"),
		});
	});

	it.each([
		["trust", '{ "trust": ["mallory.pem"] }', /line 1, column 3: "trust" is not a member/],
		["a value that allows", '{ "development": "allow" }', /line 1, column 3: "development" must be "refuse"/],
		["a list", "[]", /line 1, column 1: the configuration must be an object/],
		["no JSON", "{", /line 1, column 2: it is not JSON/],
	])("a project's configuration with %s is an error, and decides nothing", (_, content, message) => {
		const { root, run } = inProject("sigtool.config.json", content);
		const { status, stderr } = run("verify", root);
		expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
		expect(stderr).toContain("[ERR_CONFIG]");
	});

	it("a package.json that refuses one and is not quite JSON is an error, and no permission", () => {
		for (const content of [
			'{ "sigtool": { "development": "refuse" }, }',
			'{ /* no */ "sigtool": { "development": "refuse" } }',
		]) {
			const { root, run } = inProject("package.json", content);
			const { status, stderr } = run("sign", root);
			expect([status, stderr]).toEqual([
				2,
				expect.stringMatching(/line 1, column \d+: it is not JSON.*\[ERR_CONFIG\]/),
			]);
		}
		const { root, run } = inProject("package.json", '\ufeff{ "sigtool": { "development": "refuse" } }');
		expect(run("sign", root)).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("[ERR_DEVELOPMENT_REFUSED]"),
		});
	});

	it("a package.json that is no JSON, or has no member sigtool, changes nothing", () => {
		for (const content of ["{", '{ "name": "x" }', "[]", "null"]) {
			const { root, run } = inProject("package.json", content);
			expect(run("sign", root), content).toMatchObject({ status: 0 });
		}
	});

	it("a misspelt SIGTOOL_DEVELOPMENT allows nothing", () => {
		const { root, sigtool } = workspace();
		const run = sigtool(["sign", root], { env: { SIGTOOL_DEVELOPMENT: "no" } });
		expect(run).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(/SIGTOOL_DEVELOPMENT.*refuse.*\[ERR_CONFIG\]/),
		});
	});

	it("an empty SIGTOOL_DEVELOPMENT, as a pipeline sets it for a variable without a value, allows nothing", () => {
		const { root, sigtool } = workspace();
		for (const args of [
			["sign", root],
			["verify", root],
			["verify", join(root, "a"), "-q"],
		]) {
			const run = sigtool(args, { env: { SIGTOOL_DEVELOPMENT: "" } });
			expect(run.stderr, args.join(" ")).toContain(
				"error: Set SIGTOOL_DEVELOPMENT to refuse or allow, or unset it: it is empty [ERR_CONFIG]\n",
			);
			expect([run.status, existsSync(join(root, "d.cat"))]).toEqual([2, false]);
		}
	});

	it("the development key under another certificate is noted and refused", () => {
		const { root, sigtool, at } = workspace();
		sigtool(["sign", root]);
		const key = at("config/sigtool/identities/development/key.pem");
		const certificate = at("other.crt");
		certify(key, certificate);
		const sign = ["sign", root, "-q", "--key", key, "--cert", certificate];
		for (const [name, args, env] of refusals) {
			const run = sigtool([...sign, ...args], { env });
			expect(run, name).toMatchObject({ status: 2, stderr: expect.stringContaining("[ERR_DEVELOPMENT_REFUSED]") });
		}
		expect(sigtool(sign)).toMatchObject({ status: 0, stderr: expect.stringContaining(SIGNED) });
		const verify = ["verify", root, "-q", "--trust", certificate];
		for (const [name, args, env] of refusals) {
			const run = sigtool([...verify, ...args], { env });
			expect(run, name).toMatchObject({ status: 2, stderr: expect.stringContaining("[ERR_DEVELOPMENT_REFUSED]") });
		}
		expect(sigtool(verify)).toMatchObject({ status: 0, stderr: expect.stringMatching(TRUSTED) });
	});

	it("a release key is not noted, and passes where development is refused", () => {
		const { root, sigtool, at } = workspace();
		const { keyFile, certFile, caFile } = makeAuthority(at("pki"), "P-256");
		const env = { SIGTOOL_DEVELOPMENT: "refuse" };
		expect(sigtool(["sign", root, "-q", "--key", keyFile, "--cert", certFile], { env })).toMatchObject({
			status: 0,
			stderr: "",
		});
		expect(sigtool(["verify", root, "-q", "--trust", caFile], { env })).toMatchObject({ status: 0, stderr: "" });
		writeFileSync(join(root, "a"), "changed");
		expect(sigtool(["verify", root, "-q", "--trust", caFile], { env })).toMatchObject({ status: 1 });
	});
});

/** Writes a certificate for code signing that the key signs itself, without the marker of a development identity. */
function certify(keyFile: string, file: string): void {
	const key = createPrivateKey(readFileSync(keyFile));
	const order = { subject: "/CN=Release", key, extensions: CODE_SIGNER, ...daysFromNow(9) };
	writeFileSync(file, certificateToPem(makeCertificate(order)));
}

/** Returns the code blocks of a page, with lines that end in a backslash joined. */
function codeBlocks(page: string): string[] {
	const text = readFileSync(join(REPOSITORY, page), "utf8");
	return [...text.matchAll(/^ *```\w*\n([\s\S]*?)^ *```$/gm)].map(([, block]) => block.replace(/\\\n/g, " "));
}

/**
 * Matches a command that does not use the development identity by itself: it names a key, or it needs none. Commands
 * for a person's first try do not match.
 */
const NAMES_KEY = /sigtool finish|--unsigned|--key|--p12|--pkcs11|--signer-command/;

const REPOSITORY = fileURLToPath(new URL("../../../..", import.meta.url));

/** A line that holds for those after it, of a shell or of a Makefile. */
const REFUSES = /^export SIGTOOL_DEVELOPMENT ?:?= ?refuse\b/m;

describe("recipes for pipelines refuse development identities", () => {
	const recipes = readdirSync(join(REPOSITORY, "examples"), { recursive: true, encoding: "utf8" })
		.filter((name) => /\.(sh|ya?ml)$|Dockerfile$|\.service$/.test(name) && !name.includes("node_modules"))
		.map((name) => [`examples/${name}`, readFileSync(join(REPOSITORY, "examples", name), "utf8")])
		.filter(([, text]) => /^[^#]*\bsigtool (sign|finish|verify|compile)\b/m.test(text));
	it("there are some", () => expect(recipes.length).toBeGreaterThanOrEqual(5));

	const pages = [
		"README.md",
		...readdirSync(join(REPOSITORY, "docs"), { recursive: true, encoding: "utf8" }).map((name) => `docs/${name}`),
	];
	const blocks = pages
		.filter((page) => page.endsWith(".md"))
		.flatMap((page) => codeBlocks(page).map((block): [string, string] => [page, block]))
		.filter(([, block]) => {
			const lines = block.match(/^[^#\n]*\bsigtool (sign|finish|compile)\b.*/gm) ?? [];
			return lines.length > 0 && lines.every((line) => NAMES_KEY.test(line));
		});
	it("there are some blocks in pages", () => expect(blocks.length).toBeGreaterThanOrEqual(5));
	it.each(blocks)("a block of %s that signs with named keys", (_, block) => {
		for (const [line] of block.matchAll(/^[^#\n]*\bsigtool (sign|finish|verify|compile)\b.*/gm)) {
			const isRefused = REFUSES.test(block) || /SIGTOOL_DEVELOPMENT=refuse .*\bsigtool |--no-development/.test(line);
			expect(isRefused, line).toBe(true);
		}
	});
	it.each(recipes)("%s", (_, text) => {
		const refusesAll = /^\s*(export |env: .*)?SIGTOOL_DEVELOPMENT[=:] ?"?refuse/m.test(text);
		for (const [line] of text.matchAll(/^[^#\n]*\bsigtool (sign|finish|verify|compile)\b.*/gm)) {
			expect(refusesAll || line.includes("--no-development"), line).toBe(true);
		}
	});
});
