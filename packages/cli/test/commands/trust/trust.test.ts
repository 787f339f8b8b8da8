import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { makeAuthority, makeTree, runner, temporaryDirectory } from "../../support.js";

function workspace() {
	const home = temporaryDirectory();
	return { home, root: makeTree(join(home, "pack"), { a: "1" }), sigtool: runner(home, { identity: "none" }) };
}

const DIGITS = "a SHA-256 has 64 hexadecimal digits";

describe("files of certificates", () => {
	test.each([
		["trust add FILE", "missing", 2, 'Cannot read "FILE": no such file or directory [ERR_ROOT_MISSING]'],
		["verify pack --trust FILE", "missing", 2, 'Cannot read "FILE": no such file or directory [ERR_ROOT_MISSING]'],
		["verify pack --tsa-trust FILE", "missing", 2, 'Cannot read "FILE": no such file or directory [ERR_ROOT_MISSING]'],
		["sign pack --files-from FILE", "missing", 2, 'Cannot read "FILE": no such file or directory [ERR_ROOT_MISSING]'],
		["trust add a66e9c33", "missing", 2, `Cannot read "a66e9c33": no such file; ${DIGITS}, not 8 [ERR_USAGE]`],
		[
			"verify pack --trust A66E9C33",
			"missing",
			2,
			`Cannot read "A66E9C33": no such file; ${DIGITS}, not 8 [ERR_USAGE]`,
		],
		["trust add FILE", "text", 2, 'Cannot use "FILE": it is a text file, not a certificate [ERR_USAGE]'],
		["trust add FILE", "key", 2, 'Cannot use "FILE": it is a private key in PEM, not a certificate [ERR_USAGE]'],
		["trust add FILE", "fifo", 3, 'Cannot read "FILE": it is not a regular file [ERR_IO]'],
		["verify pack --trust FILE", "fifo", 3, 'Cannot read "FILE": it is not a regular file [ERR_IO]'],
	])("%s with FILE %s: exit %i", (line, kind, status, message) => {
		const { home, sigtool } = workspace();
		const file = join(home, "FILE");
		if (kind === "text") writeFileSync(file, "text\n");
		if (kind === "fifo") execFileSync("mkfifo", [file]);
		if (kind === "key") {
			sigtool(["identity", "new", "one", "--key-type", "p256"]);
			writeFileSync(file, readFileSync(join(home, "config/sigtool/identities/one/key.pem")));
		}
		expect(sigtool(line.split(" "), { cwd: home })).toMatchObject({ status, stderr: `error: ${message}\n` });
	});
});

describe("--trust with a pin", () => {
	test("trusts that key alone, in place of the trust store, and never a development identity by it", () => {
		const { home, root, sigtool } = workspace();
		sigtool(["identity", "new", "one", "--key-type", "p256"]);
		const { spkiSha256: pin } = sigtool(["sign", root, "--identity", "one", "--json"]).json().signer;
		const other = `${pin[0] === "0" ? "1" : "0"}${pin.slice(1)}`;
		for (const [given, status] of [
			[pin, 0],
			[`sha256:${pin.toUpperCase()}`, 0],
			[other, 1],
		] as const) {
			expect(sigtool(["verify", root, "--trust", given]).status).toBe(status);
			const index = join(home, `${status}.sigx`);
			const compiling = ["compile", root, "-o", index, "--identity", "one", "--trust", given, "--force"];
			expect(sigtool(compiling).status).toBe(status);
		}
		const developer = runner(temporaryDirectory());
		const signed = developer(["sign", root, "--force", "--json"]).json().signer.spkiSha256;
		const refused = sigtool(["verify", root, "--trust", signed, "--no-development"]);
		expect(refused.stderr).toContain("[ERR_DEVELOPMENT_REFUSED]");
	});
});

describe("authorities", () => {
	test("have one entry for each subject, which can be removed separately", () => {
		const { home, root, sigtool } = workspace();
		const { caFile, keyFile, certFile, subject } = makeAuthority(join(home, "pki"), "P-256");
		sigtool(["sign", root, "--key", keyFile, "--cert", certFile]);
		const ids = ["cn=test signer, o=Example", "cn=Test Signer, o=Example"].map((text) => {
			return sigtool(["trust", "add", caFile, "--subject", text, "--json"]).json().id;
		});
		expect(new Set(ids).size).toBe(2);
		expect(sigtool(["verify", root])).toMatchObject({ status: 0 });
		expect(sigtool(["trust", "list"]).stdout).toContain(`subject  ${subject}`);
		expect(sigtool(["trust", "remove", ids[1]]).stdout).toMatch(/^removed authority CN=Test Root\n/);
		expect(sigtool(["verify", root])).toMatchObject({ status: 1 });
		expect(sigtool(["trust", "remove", "nothing"])).toMatchObject({ status: 2 });
		expect(sigtool(["trust", "list", "--json"]).json().trusted).toMatchObject([{ id: ids[0] }]);
	});

	test("warn when a subject is in reverse order", () => {
		const { home, sigtool } = workspace();
		const { caFile } = makeAuthority(join(home, "pki"), "P-256");
		const add = (subject: string) => sigtool(["trust", "add", caFile, "--subject", subject]);
		const reversed = add("C=DE,O=Example\\, Inc.,CN=Release");
		expect(reversed).toMatchObject({
			status: 0,
			stderr: expect.stringContaining('"CN=Release,O=Example\\, Inc.,C=DE"'),
		});
		expect(add("CN=Release,O=Example")).toMatchObject({ status: 0, stderr: "" });
		expect(add("/O=Example/CN=Release")).toMatchObject({ status: 2, stderr: expect.stringContaining("ERR_USAGE") });
	});

	test("a removed pin is named", () => {
		const { home, sigtool } = workspace();
		const { certFile, subject } = makeAuthority(join(home, "pki"), "P-256");
		const { id } = sigtool(["trust", "add", certFile, "--json"]).json();
		expect(sigtool(["trust", "remove", id.slice(0, 8)]).stdout).toMatch(new RegExp(`^removed pin ${subject}\n`));
	});
});
