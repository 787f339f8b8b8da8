import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { hasProgram, spawnSync } from "../../../test/outside.js";
import { quote, quoteAscii, reasonOf, SigtoolError, shell } from "../dist/errors.js";

describe("quote()", () => {
	it("escapes characters that would break or disguise a line", () => {
		expect(quote('a"b\\c\n\u0085\u202e\ud800é')).toBe('"a\\"b\\\\c\\n\\u0085\\u202e\\ud800é"');
	});

	it("escapes characters that are invisible or change the order of text", () => {
		for (const unseen of "\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff") {
			expect(quote(`a${unseen}b`)).toBe(`"a\\u${unseen.charCodeAt(0).toString(16).padStart(4, "0")}b"`);
		}
		expect(quote("a\u2010\u2027\u202f\u205f\u2070é日😀")).toBe('"a\u2010\u2027\u202f\u205f\u2070é日😀"');
	});

	it("escapes exactly what this runtime's Unicode data call control, format, separator or ignorable", () => {
		const unseen = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\p{Default_Ignorable_Code_Point}]/u;
		const different: string[] = [];
		for (let point = 0; point <= 0x10ffff; point++) {
			const character = String.fromCodePoint(point);
			const isEscaped = quote(character) !== `"${character}"`;
			const isExpected = unseen.test(character) || character === '"' || character === "\\";
			// A character that was added by a later version of Unicode is unassigned in this runtime. It is escaped
			// too.
			if (isEscaped !== isExpected && !/\P{Assigned}/u.test(character)) different.push(point.toString(16));
		}
		expect(different).toEqual([]);
	});

	it("escapes a character above U+FFFF as JSON does", () => {
		expect(quote("a\u{e0001}b\u{1d173}")).toBe('"a\\udb40\\udc01b\\ud834\\udd73"');
		expect(JSON.parse(quote("a\u{e0001}b\u{1d173}"))).toBe("a\u{e0001}b\u{1d173}");
	});

	it("shows the beginning of a name that is too long for a message", () => {
		expect(quote("x".repeat(500))).toHaveLength(502);
		expect(quote("x".repeat(501))).toBe(`"${"x".repeat(500)}…"`);
		expect(quote(`${"x".repeat(499)}😀`)).toBe(`"${"x".repeat(499)}…"`);
	});
});

it("quoteAscii() distinguishes names that look the same", () => {
	expect(quoteAscii("\u00e9 e\u0301 😀")).toBe('"\\u00e9 e\\u0301 \\ud83d\\ude00"');
});

it.each([
	["Cannot trust the catalog: SHA-1 is no evidence", "SHA-1 is no evidence"],
	["Cannot parse certificate: INTEGER is not minimal", "INTEGER is not minimal"],
	["Cannot check the signature: RSA-PSS is not accepted", "RSA-PSS is not accepted"],
	["Cannot check the signature: Ed25519 is not accepted", "Ed25519 is not accepted"],
	["Cannot parse timestamp: TSTInfo has version 2", "TSTInfo has version 2"],
	["Give the URL in ASCII", "give the URL in ASCII"],
	["SHA-1 is no evidence", "SHA-1 is no evidence"],
])("reasonOf() writes names in %j as they are", (message, reason) => {
	expect(reasonOf(new SigtoolError("ERR_DER", message))).toBe(reason);
});

it("reasonOf() removes the action from a message unless it contains a name", () => {
	expect(reasonOf(new SigtoolError("ERR_DER", "Cannot parse catalog: bad: worse"))).toBe("bad: worse");
	expect(reasonOf(new SigtoolError("ERR_PATH_EMPTY", 'Cannot use entry "a: b": no'))).toBe(
		'cannot use entry "a: b": no',
	);
});

/** Names that a shell would take apart or carry out, and that output would change. */
const NAMES = [
	"plain/name.js",
	"",
	"$(touch PWN)",
	"`touch PWN`",
	"a b  c",
	"it's",
	`"both' kinds"`,
	"';touch PWN;'",
	"';touch PWN;'\n",
	"';touch PWN;'\nnext",
	'";touch PWN;"\u200b',
	"line\nbreak",
	"tab\tand\u0007bell",
	"\u001b[31mred",
	"100%\n%s\\n\\0101",
	"\\\\server\\share",
	"\\",
	"\\';touch PWN;\\'",
	"a\\\\\\';touch PWN;'\\",
	"%self",
	"~",
	"~root",
	"=ls",
	"*?[a]{b,c}",
	"!touch\n!!",
	"#comment",
	"a&b|c>d<e",
	"日本 é\u0301",
	"\u202eexe.txt",
];

describe("shell``", () => {
	it.each(["sh", "bash", "dash", "zsh", "fish"].filter((program) => hasProgram(program)))(
		"gives %s each value as one word",
		(program) => {
			const directory = mkdtempSync(join(tmpdir(), "sigtool-shell-"));
			onTestFinished(() => rmSync(directory, { recursive: true }));
			for (const name of NAMES) {
				// dash and fish do not know the form that keeps a newline at the end. dash reads another name then, fish
				// refuses the line, and neither runs anything.
				const isMisread = /^(sh|dash|fish)$/.test(program) && name.endsWith("\n");
				const command = shell`printf '<%s>' --option ${name} ${[name, "two words"]}`;
				const { stdout, stderr } = spawnSync(program, ["-c", command], { cwd: directory, encoding: "utf8" });
				expect(readdirSync(directory), command).toEqual([]);
				if (isMisread) continue;
				expect([command, stderr]).toEqual([command, ""]);
				expect([command, stdout]).toEqual([command, `<--option><${name}><${name}><two words>`]);
			}
		},
	);

	it("writes commands that output shows as they are, and in which no backtick ends a quoted command", () => {
		for (const name of NAMES) {
			const word = shell`${name}`;
			expect(quote(word).slice(1, -1).replaceAll('\\"', '"').replaceAll("\\\\", "\\")).toBe(word);
			expect(word).not.toContain("`");
		}
	});

	it("names a path that begins with a hyphen by its directory, unless it is the value of an option", () => {
		expect(shell`rm ${"-rf"}`).toBe("rm ./-rf");
		expect(shell`sigtool trust deny x --reason ${"-- no --"}`).toBe("sigtool trust deny x --reason '-- no --'");
		expect(shell`sigtool verify ${["-a", "b"]} --config=${"-c"}`).toBe("sigtool verify ./-a b --config=-c");
	});
});
