import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeOfRelease } from "../../../../scripts/node-releases.mjs";
import { compileTrustIndex } from "../../../core/dist/compile/compile.js";
import { trustFromCertificates } from "../../../core/dist/pki/trust-policy.js";
import { parseUnsignedIndex } from "../../../core/dist/trust/trust-index.js";
import { sha256 } from "../support.js";
import { type Application, makeApplication, RELEASES } from "./application.js";

const MARK = "\ufeff";
const TYPED = "const a: string = 'é';\n";
const JAVASCRIPT = {
	"package.json": "{}",
	"plain.js": "exports.a = 0;",
	"marked.js": `${MARK}exports.a = 1;`,
	"marked.cjs": `${MARK}exports.a = 2;`,
	"marked.mjs": `${MARK}export const a = 1;`,
	"detected.js": `${MARK}export const a = 2;`,
	marked: `${MARK}exports.a = 3;`,
	"module/package.json": '{ "type": "module" }',
	"module/marked.js": `${MARK}export const a = 3;`,
	"module/marked": `${MARK}export const a = 4;`,
};
const TYPESCRIPT = {
	"typed.ts": `${TYPED}exports.a = a;`,
	"detected.ts": `${TYPED}export { a };`,
	"typed.cts": `${TYPED}exports.a = a as string;`,
	"typed.mts": `${TYPED}export { a };\n`,
	"marked.cts": `${MARK}${TYPED}exports.a = [a];`,
	"marked.mts": `${MARK}${TYPED}export { a };\r\n`,
	"untyped.ts": "exports.a = 4;",
	"module/typed.ts": `${TYPED}export default a;`,
};
/**
 * Loads every file by `require` and `import`, and prints the texts that V8 compiled. The inspector is refused where
 * policies are enforced, so the application runs in mode audit.
 */
const MAIN = `
const { Session } = require("node:inspector");
const session = new Session();
const scripts = [];
session.connect();
const keep = ({ params: { url, scriptId } }) => url.includes(__dirname) && scripts.push(scriptId);
session.on("Debugger.scriptParsed", keep);
session.on("Debugger.scriptFailedToParse", keep);
session.post("Debugger.enable");
(async () => {
	const how = process.argv[2];
	for (const file of process.argv.slice(3)) {
		if (how === "import") await import("./" + file);
		else require("./" + file);
	}
	const texts = [];
	for (const scriptId of scripts) {
		session.post("Debugger.getScriptSource", { scriptId }, (error, result) => texts.push(result?.scriptSource ?? error.message));
	}
	process.stdout.write(JSON.stringify(texts));
})();
`;

/** Node.js appends the name of the file to a text without types, and up to twice. */
const SUFFIX = /(\n\n\/\/# sourceURL=[^\n\r\u2028\u2029]*){1,2}$/;

describe.each(RELEASES)("texts that V8 compiles under the hook of Node.js %s", (release) => {
	const stripsTypes = Number(release) >= 22;
	const files = stripsTypes ? { ...JAVASCRIPT, ...TYPESCRIPT } : JAVASCRIPT;
	const names = Object.keys(files).filter((name) => !name.endsWith("package.json"));
	let application: Application;
	let digests: ReadonlySet<string>;
	let texts: readonly string[];

	beforeAll(async () => {
		application = await makeApplication({ ...files, "main.cjs": MAIN }, { policy: { mode: "audit" } });
		const output = join(application.home, "texts.sigx");
		const stripTypesWith = stripsTypes ? [nodeOfRelease(release)] : [];
		const compiling = { adopt: [application.directory], output, stripTypesWith, trust: trustFromCertificates([]) };
		await compileTrustIndex([], { ...compiling, signer: "none" });
		const index = parseUnsignedIndex(readFileSync(output));
		texts = index.texts;
		digests = new Set([...texts, ...Object.values(files).map(sha256)]);
	});
	afterAll(() => application[Symbol.dispose]());

	it.each(["require", "import"])("are in the index or are files of it, loaded by %s", (how) => {
		const loaded = how === "require" ? names.filter((name) => release !== "20" || isCommonJs(name)) : names;
		const { status, stdout, stderr } = application.run(release, ["main.cjs", how, ...loaded]);
		expect(status, stderr).toBe(0);
		const compiled = JSON.parse(stdout).filter((text: string) => text !== MAIN);
		expect(compiled.length).toBeGreaterThanOrEqual(loaded.length);
		const unknown = compiled.filter((text: string) => !digests.has(sha256(text.replace(SUFFIX, ""))));
		expect(unknown).toEqual([]);
	});

	it("are in the index only if they differ from their files", () => {
		const own = new Set(Object.values(files).map(sha256));
		const marked = Object.values(JAVASCRIPT).filter((text) => text.startsWith(MARK)).length;
		const typed = Object.values(TYPESCRIPT).filter((text) => text.includes(TYPED)).length;
		expect(texts).toHaveLength(marked + (stripsTypes ? typed : 0));
		expect(texts.filter((text) => own.has(text))).toEqual([]);
	});
});

/** On Node.js 20 ES modules cannot be required. */
function isCommonJs(name: string): boolean {
	return !/\.mjs$|^module|^detected/.test(name);
}
