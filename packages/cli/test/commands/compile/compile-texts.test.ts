import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../../../../scripts/node-releases.mjs";
import { makeSelfSigned, makeTree, runner, temporaryDirectory } from "../../support.js";

const NODE = nodeOfRelease("24");
const MARK = "\ufeff";
const FILES = {
	"main.ts": "let a: 1;",
	"marked.js": `${MARK}1`,
	"enum.ts": "enum A { B }",
	"lib/enum.ts": "enum A { B }",
};
const TEXTS = ["let a   ;", "1"].map((text) => createHash("sha256").update(text).digest("hex")).sort();

/** Makes a signed directory, and the arguments that compile it. */
function signedApp(files: Readonly<Record<string, string>> = FILES) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "app"), files);
	const sigtool = runner(home);
	expect(sigtool(["sign", root, "--sequence", "7"]).status).toBe(0);
	const index = join(home, "app.sigx");
	return { home, root, sigtool, index, compile: ["compile", root, "-o", index, "--allow-development"] };
}

describe("compile --strip-types-with", () => {
	test("records texts, and notes files that cannot be stripped", () => {
		const { root, sigtool, index, compile } = signedApp();
		const { status, stdout, stderr } = sigtool([...compile, "--strip-types-with", NODE]);
		expect(status).toBe(0);
		expect(stdout).toMatch(/texts +2 texts; types stripped by Node\.js v24\.\S+\n/);
		expect(stderr).toMatch(
			/\nnote: the index has no text of 2 TypeScript files, because .* first ".*\/enum\.ts": Node\.js v24\.\S+: ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX; --json lists all\n$/,
		);
		const json = sigtool([...compile, "--strip-types-with", NODE, "--json"]).json();
		expect(json).toMatchObject({ texts: TEXTS, typeStrippers: [{ program: NODE }] });
		expect(json.unstripped.map(({ path }: { path: string }) => path).sort()).toEqual([
			join(root, "enum.ts"),
			join(root, "lib/enum.ts"),
		]);
		expect(sigtool(["inspect", index]).stdout).toMatch(/texts +2 texts\n/);
		expect(sigtool(["inspect", index]).stdout).not.toContain(TEXTS[0]);
		expect(sigtool(["inspect", index, "--verbose"]).stdout).toMatch(
			new RegExp(TEXTS.map((text) => `text +${text}`).join("\n +")),
		);
		expect(sigtool(["inspect", index, "--json"]).json().texts).toEqual(TEXTS);
	});

	test("takes several programs, whose texts are the same", () => {
		const { sigtool, compile } = signedApp();
		const options = [NODE, NODE].flatMap((node) => ["--strip-types-with", node]);
		const { texts, typeStrippers } = sigtool([...compile, ...options, "--json"]).json();
		expect([texts, typeStrippers.length]).toEqual([TEXTS, 2]);
	});

	test("says nothing about texts where there are none", () => {
		const { sigtool, index, compile } = signedApp({ "main.js": "1" });
		expect(sigtool(compile).stdout).not.toContain("text");
		expect(sigtool(["inspect", index]).stdout).not.toContain("text");
		expect(sigtool(["inspect", index, "--json"]).json().texts).toEqual([]);
	});

	test.each([
		["/nowhere/node", "does not exist", "ERR_ROOT_MISSING"],
		["/bin/true", "name a Node.js program", "ERR_USAGE"],
		[nodeOfRelease("20"), "name one of release 22.13 or later", "ERR_UNSUPPORTED_PLATFORM"],
	])("refuses %s, and leaves no file", (program, message, code) => {
		const { sigtool, index, compile } = signedApp();
		const { status, stderr } = sigtool([...compile, "--strip-types-with", program]);
		expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
		expect(stderr).toContain(`[${code}]`);
		expect(() => readFileSync(index)).toThrow("ENOENT");
	});

	test("warns about TypeScript if the Node.js that runs strips no types", () => {
		const { sigtool, compile } = signedApp();
		const { status, stderr } = sigtool(compile);
		const strips = Number(process.versions.node.split(".")[0]) >= 22;
		expect([status, /^warning: .*--strip-types-with \[ERR_UNSUPPORTED_PLATFORM\]$/m.test(stderr)]).toEqual([
			0,
			!strips,
		]);
	});
});

describe("finish of an index with texts", () => {
	test("shows the texts that are new since the previous index", () => {
		const { home, root, sigtool, index, compile } = signedApp({ "main.js": "1" });
		const { keyFile, certFile } = makeSelfSigned(join(home, "release"));
		const previous = join(home, "previous.sigx");
		expect(sigtool([...compile, "--sequence", "1"]).status).toBe(0);
		writeFileSync(previous, readFileSync(index));
		writeFileSync(join(root, "marked.js"), `${MARK}1`);
		expect(sigtool(["sign", root, "--sequence", "8"]).status).toBe(0);
		rmSync(index);
		expect(sigtool([...compile, "--sequence", "2", "--unsigned"]).status).toBe(0);
		const finish = ["finish", index, "--previous", previous, "--key", keyFile, "--cert", certFile];
		const [text] = TEXTS.filter((each) => each === createHash("sha256").update("1").digest("hex"));
		const { stderr } = sigtool([...finish, "-o", join(home, "signed.sigx")]);
		expect(stderr).toMatch(/texts +1 text\n/);
		expect(stderr).toMatch(/: 1 added, 0 removed, 0 changed, 1 text added\n/);
		expect(stderr).toContain(`  text added ${text}\n`);
		expect(sigtool([...finish, "--json"]).json().since).toMatchObject({ addedTexts: [text], removedTexts: [] });
	});
});
