import { createHash } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { nodeOfRelease } from "../../../../scripts/node-releases.mjs";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { openTypeStripper, stripTypes } from "../../dist/compile/type-stripper.js";
import type { ErrorCode } from "../../dist/errors.js";
import { expectError } from "../pki/expect-error.js";

const directory = temporaryDirectory(atEndOfFile);
afterEach(() => vi.unstubAllEnvs());

const RELEASES = process.env.SIGTOOL_FULL === undefined ? ["24"] : ["22", "24", "26"];
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Makes a shell program, which gets no variables of this process. */
function program(name: string, script: string): string {
	const path = join(directory, name);
	writeFileSync(path, `#!/bin/sh\n${script}\n`);
	chmodSync(path, 0o755);
	return path;
}

describe.each(RELEASES)("stripTypes() with Node.js %s", (release) => {
	const strip = (...texts: readonly string[]) => {
		return stripTypes(
			openTypeStripper(nodeOfRelease(release)),
			texts.map((text) => Buffer.from(text)),
		);
	};

	it("replaces types by spaces, and keeps everything else", () => {
		expect(openTypeStripper(nodeOfRelease(release)).release).toMatch(new RegExp(`^v${release}\\.\\d+\\.\\d+$`));
		expect(strip("let é: number = 1;\r\n", "", "export type A = 1;", "#!/usr/bin/env node\nf<T>()")).toEqual([
			{ sha256: sha256("let é         = 1;\r\n") },
			{ sha256: sha256("") },
			{ sha256: sha256(" ".repeat(18)) },
			{ sha256: sha256("#!/usr/bin/env node\nf   ()") },
		]);
		expect(strip()).toEqual([]);
	});

	it("returns the code for syntax that is refused, and goes on", () => {
		expect(strip("enum A { B }", "let a: =", "let a: 1")).toEqual([
			{ refusal: "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX" },
			{ refusal: "ERR_INVALID_TYPESCRIPT_SYNTAX" },
			{ sha256: sha256("let a   ") },
		]);
	});

	it("goes on behind texts that break the stripper of a process", () => {
		const deep = `let a: 1 = ${"(".repeat(200_000)}1${")".repeat(200_000)}`;
		const good = { sha256: sha256("let a   ") };
		const broken = { refusal: expect.stringMatching(/^\w+$/) };
		expect(strip("let a: 1", deep, "let a: 1", deep, deep, "let a: 1")).toEqual([
			good,
			broken,
			good,
			broken,
			broken,
			good,
		]);
	});

	it("executes nothing of the texts, and takes no options from the environment", () => {
		const file = join(directory, `executed-${release}.cjs`);
		writeFileSync(file, "process.exit(9)");
		vi.stubEnv("NODE_OPTIONS", `--require ${file}`);
		expect(strip("process.exit(8); let a: 1")).toEqual([{ sha256: sha256("process.exit(8); let a   ") }]);
	});
});

describe("openTypeStripper()", () => {
	const hex = "0".repeat(64);
	it.each<[what: string, path: () => string, code: ErrorCode, message: RegExp]>([
		["a missing file", () => join(directory, "none"), "ERR_ROOT_MISSING", /does not exist; give the path/],
		["a directory", () => directory, "ERR_USAGE", /permission denied .*; name a Node\.js program/],
		["a file that is no program", () => new URL(import.meta.url).pathname, "ERR_USAGE", /permission denied/],
		["a program that says nothing", () => program("quiet", "cat > /dev/null"), "ERR_USAGE", /ended with status 0/],
		["a program that fails", () => program("fails", "exit 3"), "ERR_USAGE", /ended with status 3/],
		["a program that is killed", () => program("killed", "kill -9 $$"), "ERR_USAGE", /ended by SIGKILL/],
		["a program that says what it gets", () => program("echo", "cat"), "ERR_USAGE", /as Node\.js does/],
		["a program that says too much", () => program("loud", "yes"), "ERR_USAGE", /as Node\.js does/],
		[
			"a program that answers more than it was asked",
			() => program("more", `echo sigtool v24.0.0 strips; echo ${hex}`),
			"ERR_USAGE",
			/as Node\.js does/,
		],
		[
			"a Node.js that strips no types",
			() => nodeOfRelease("20"),
			"ERR_UNSUPPORTED_PLATFORM",
			/v20\..* 22\.13 or later/,
		],
	])("refuses %s", (_, path, code, message) => {
		expect(expectError(code, () => openTypeStripper(path())).message).toMatch(message);
	});

	it("refuses a program that answers, but not for the texts", () => {
		const stripper = openTypeStripper(program("lazy", "cat > /dev/null; echo sigtool v24.0.0 strips"));
		expectError("ERR_USAGE", () => stripTypes(stripper, [Buffer.from("")]));
		const liar = openTypeStripper(program("liar", `echo sigtool v24.0.0 strips; test "$(wc -c)" = 0 || echo "a b"`));
		expectError("ERR_USAGE", () => stripTypes(liar, [Buffer.from("a")]));
	});
});
