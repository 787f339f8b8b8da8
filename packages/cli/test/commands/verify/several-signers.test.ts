import { createPrivateKey } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import {
	type Authority,
	issueByAuthority,
	makeAuthority,
	makeTree,
	type Run,
	runner,
	temporaryDirectory,
} from "../../support.js";

describe("verify and compile --require", () => {
	let home: string;
	let lib: string;
	let sigs: string;
	let sigtool: (args: readonly string[]) => Run;
	let ada: Authority;
	let bob: Authority;

	beforeEach(() => {
		home = temporaryDirectory();
		sigtool = runner(home);
		[ada, bob] = ["ada", "bob"].map((name) => makeAuthority(join(home, name), "P-256"));
		lib = makeTree(join(home, "lib"), { "index.js": "1\n", "more/a.js": "2\n", link: { link: "index.js" } });
		sigs = join(home, "sigs");
		mkdirSync(sigs);
	});

	function sign(name: string, { keyFile, certFile }: Pick<Authority, "keyFile" | "certFile">, ...args: string[]): void {
		const key = ["--key", keyFile, "--cert", certFile];
		expect(sigtool(["sign", lib, "-o", join(sigs, `${name}.cat`), "--product", "lib", ...key, ...args]).status).toBe(0);
	}
	const trust = () => [...["--trust", ada.caFile], ...["--trust", bob.caFile]];
	const verify = (required: string, path = lib) =>
		sigtool(["verify", path, "--catalog", sigs, "--require", required, ...trust(), "--root", lib]);

	test("two keys over one tree count as two signers, and not as three", () => {
		sign("ada", ada);
		sign("bob", bob);
		expect(verify("2")).toMatchObject({ status: 0, stderr: "" });
		expect(verify("2", join(lib, "index.js"))).toMatchObject({ status: 0 });
		expect(verify("2", join(lib, "more"))).toMatchObject({ status: 0 });
		expect(verify("3")).toMatchObject({
			status: 1,
			stderr: expect.stringMatching(/2 keys signed, 3 are required.*\[ERR_TOO_FEW_SIGNERS\]/),
		});
	});

	test("one key counts as one signer, however many catalogs and certificates it has", () => {
		sign("ada", ada);
		sign("again", ada, "--sequence", "7");
		const other = join(home, "other.pem");
		const key = createPrivateKey(readFileSync(ada.keyFile));
		issueByAuthority(join(home, "bob"), other, { subject: "/CN=Other name", key });
		sign("other", { keyFile: ada.keyFile, certFile: other });
		expect(verify("1")).toMatchObject({ status: 0 });
		expect(verify("2")).toMatchObject({ status: 1, stderr: expect.stringContaining("1 key signed, 2 are required") });
	});

	test("a file that only one signer added is refused", () => {
		sign("ada", ada);
		writeFileSync(join(lib, "evil.js"), "3\n");
		sign("bob", bob);
		// Without --require one signer is enough.
		expect(sigtool(["verify", lib, "--catalog", sigs, ...trust()]).status).toBe(0);
		for (const added of ["fail", "warn", "ignore"]) {
			const { status, stdout } = sigtool([
				"verify",
				lib,
				"--catalog",
				sigs,
				"--require",
				"2",
				...trust(),
				"--added",
				added,
			]);
			expect(status).toBe(1);
			expect(stdout).toMatch(/"evil.js": 1 key signed it, 2 are required \[ERR_TOO_FEW_SIGNERS\]/);
			expect(stdout).not.toMatch(/index.js/);
		}
		expect(verify("2", join(lib, "evil.js")).status).toBe(1);
		expect(verify("2", join(lib, "index.js")).status).toBe(0);
	});

	test("an index is compiled only from files that enough signers signed", () => {
		sign("ada", ada);
		sign("bob", bob);
		const index = join(home, "lib.sigx");
		const key = ["--key", ada.keyFile, "--cert", ada.certFile];
		const compile = (required: string) =>
			sigtool(["compile", lib, "-o", index, "--catalog", sigs, "--require", required, ...trust(), ...key]);
		expect(compile("3")).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_TOO_FEW_SIGNERS") });
		expect(existsSync(index)).toBe(false);
		expect(compile("2")).toMatchObject({ status: 0 });
	});

	test("says why it cannot count signers", () => {
		sigtool(["sign", lib, "--key", ada.keyFile, "--cert", ada.certFile]);
		const own = sigtool(["verify", lib, "--require", "2", ...trust()]);
		expect(own).toMatchObject({ status: 1, stderr: expect.stringContaining("name the other catalogs with --catalog") });
		expect(sigtool(["verify", join(lib, "lib.cat"), "--require", "2", ...trust()]).status).toBe(1);
		for (const number of ["0", "-1", "two", "1.5"]) expect(verify(number).status).toBe(2);
		sign("ada", ada);
		sign("bob", bob);
		const byDigest = ["--match", "digest", "--catalog", sigs, "--require", "2", ...trust()];
		expect(sigtool(["verify", lib, ...byDigest])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("by digest"),
		});
		expect(sigtool(["verify", lib, "--format", "ima", "--require", "2"]).status).toBe(2);
	});
});
