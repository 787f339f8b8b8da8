/** Follows docs/how-to/split-signing.md, on two machines that share only the files that are handed over. */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { hasSoftToken, makeSoftToken, SOFTHSM_MODULE } from "../../soft-token.js";
import { type Authority, MAIN, makeAuthority, makeTree, temporaryDirectory } from "../../support.js";

const EXAMPLES = fileURLToPath(new URL("../../../../../examples/split-signing", import.meta.url));

describe("split signing", () => {
	let home: string;
	let app: string;
	let key: Authority;
	beforeEach(() => {
		home = temporaryDirectory();
		mkdirSync(join(home, "bin"));
		symlinkSync(MAIN, join(home, "bin/sigtool"));
		for (const machine of ["build", "signing"]) mkdirSync(join(home, machine));
		app = makeTree(join(home, "build/app"), { "main.js": "1", "lib/a.js": "2" });
	});

	/**
	 * Runs a script of the examples on one of the two machines. Each has a separate home directory and configuration.
	 */
	function on(machine: "build" | "signing", script: string, args: readonly string[], env: Record<string, string> = {}) {
		const { status, stdout, stderr } = spawnSync(join(EXAMPLES, script), args, {
			cwd: join(home, machine),
			env: { PATH: `${join(home, "bin")}:${process.env.PATH}`, HOME: join(home, machine), NO_COLOR: "1", ...env },
			encoding: "utf8",
		});
		return { status, stdout, stderr };
	}

	/** Builds the unsigned catalog and hands it over. Returns the digest, because the script prints nothing else. */
	function build(...options: string[]): string {
		const run = on("build", "build.sh", ["app", "out", "--product", "app", ...options]);
		expect([run.status, run.stderr]).toEqual([0, ""]);
		expect(run.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
		cpSync(join(home, "build/out/unsigned.cat"), join(home, "signing/unsigned.cat"));
		return run.stdout.trim();
	}

	/** Makes the key only after the first build. So no step of the build can have used the key. */
	function makeKey(): readonly string[] {
		key = makeAuthority(join(home, "signing/pki"), "P-256");
		return ["--key", key.keyFile];
	}

	const sign = (digest: string, previous: string, options: readonly string[], env: Record<string, string> = {}) =>
		on("signing", "sign.sh", ["unsigned.cat", digest, "app.cat", previous, ...options], {
			SIGN_CERT: key.certFile,
			...env,
		});

	function publish() {
		cpSync(join(home, "signing/app.cat"), join(home, "build/app.cat"));
		return on("build", "publish.sh", ["app", "app.cat"], { SIGN_CERT: key.certFile });
	}

	it("signs the announced digest, and shows for the next release what changed since", () => {
		let digest = build("--sequence", "1");
		const options = makeKey();
		expect(sign(digest, "first", options)).toMatchObject({ status: 0 });
		expect(publish()).toMatchObject({ status: 0, stderr: "" });
		cpSync(join(home, "signing/app.cat"), join(home, "signing/previous.cat"));

		writeFileSync(join(app, "lib/a.js"), "changed");
		writeFileSync(join(app, "added.js"), "3");
		digest = build("--sequence", "2");
		const run = sign(digest, "previous.cat", options);
		expect(run.status).toBe(0);
		expect(run.stderr).toContain("since     previous.cat (not verified), sequence 1: 1 added, 0 removed, 1 changed");
		expect(run.stderr).not.toContain("warning");
		expect(run.stderr).toContain("  added added.js\n  changed lib/a.js");
		expect(publish()).toMatchObject({ status: 0, stderr: "" });
	});

	it("signs the announced index by the same scripts, and the previous one is verified first", () => {
		build("--sequence", "1");
		const options = makeKey();
		const catalog = on(
			"signing",
			"sign.sh",
			["unsigned.cat", digestOf("unsigned.cat"), "app.cat", "first", ...options],
			{
				SIGN_CERT: key.certFile,
			},
		);
		expect(catalog).toMatchObject({ status: 0 });
		cpSync(join(home, "signing/app.cat"), join(home, "build/app.cat"));
		let previous = "first";
		for (const sequence of ["1", "2"]) {
			const args = ["app", "app.cat", "out/unsigned.sigx", "--sequence", sequence];
			const published = on("build", "publish.sh", args, { SIGN_CERT: key.certFile });
			expect(published).toMatchObject({ status: 0, stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) });
			cpSync(join(home, "build/out/unsigned.sigx"), join(home, "signing/unsigned.sigx"));
			const signing = ["unsigned.sigx", published.stdout.trim(), `app-${sequence}.sigx`, previous, ...options];
			const run = on("signing", "sign.sh", signing, { SIGN_CERT: key.certFile });
			expect([run.status, run.stderr]).toEqual([0, expect.stringContaining(`sequence ${sequence}`)]);
			previous = `app-${sequence}.sigx`;
		}
		const forged = ["unsigned.sigx", digestOf("unsigned.cat"), "x.sigx", previous, ...options];
		expect(on("signing", "sign.sh", forged, { SIGN_CERT: key.certFile })).toMatchObject({ status: 1 });
		expect(existsSync(join(home, "signing/x.sigx"))).toBe(false);
	});

	/** Returns the digest of a file on the signing machine. */
	function digestOf(file: string): string {
		const { stdout } = spawnSync("sha256sum", [join(home, "signing", file)], { encoding: "utf8" });
		return `sha256:${stdout.slice(0, 64)}`;
	}

	it.skipIf(!hasSoftToken)("signs in a token of the signing machine (needs SoftHSM2)", () => {
		const digest = build();
		makeKey();
		const token = makeSoftToken(join(home, "signing/token"));
		token.importKey(key.keyFile, { label: "signer", id: "01" });
		const uri = `pkcs11:token=release;object=signer?module-path=${SOFTHSM_MODULE}&pin-source=${token.pinFile}`;
		const run = sign(digest, "first", ["--pkcs11", uri], token.env);
		expect([run.stderr.split("\n")[0], run.status]).toEqual(["about to sign unsigned.cat", 0]);
		expect(publish()).toMatchObject({ status: 0, stderr: "" });
	});

	it("refuses an unsigned catalog with another digest, and a previous catalog of another signer", () => {
		const digest = build();
		const options = makeKey();
		writeFileSync(join(app, "evil.js"), "evil");
		build();
		expect(sign(digest, "first", options).stderr).toContain("[ERR_DIGEST_MISMATCH]");
		rmSync(join(app, "evil.js"));
		expect(sign(build("--sequence", "7", "--force"), "unsigned.cat", options).stderr).toContain("[ERR_UNSIGNED]");
		expect(existsSync(join(home, "signing/app.cat"))).toBe(false);
	});

	it("does not publish files that changed after signing", () => {
		const digest = build();
		const options = makeKey();
		expect(sign(digest, "first", options)).toMatchObject({ status: 0 });
		writeFileSync(join(app, "main.js"), "evil");
		const published = publish();
		expect(published.status).toBe(1);
		expect(published.stdout).toContain('"main.js" was modified');
	});

	it("prints no digest when the tree cannot be signed", () => {
		symlinkSync("/etc/passwd", join(app, "out-of-the-tree"));
		expect(on("build", "build.sh", ["app", "out"])).toMatchObject({ status: 1, stdout: "" });
	});

	it("makes the same unsigned catalog on two machines", () => {
		const options = ["--sequence", "5", "--product", "app"];
		const env = { SOURCE_DATE_EPOCH: "1700000000" };
		const digests = ["one", "two"].map((out) => on("build", "build.sh", ["app", out, ...options], env).stdout);
		expect(digests[0]).toMatch(/^sha256:/);
		expect(digests[1]).toBe(digests[0]);
	});

	it("has a workflow that gives secrets and key options to the signing job alone", () => {
		const workflow = readFileSync(join(EXAMPLES, "workflow.yml"), "utf8");
		const jobs = [...workflow.matchAll(/^ {2}(\w+):\n((?: {4}.*\n| {6,}.*\n)+)/gm)];
		expect(jobs.map(([, name]) => name)).toEqual(["build", "sign", "publish"]);
		for (const [, name, text] of jobs) {
			const hasKey = /secrets\.|vars\.|--pkcs11|--key|environment:/.test(text);
			expect([name, hasKey]).toEqual([name, name === "sign"]);
			expect(text).toMatch(new RegExp(`/${name}\\.sh `));
			// The signing job must not check out the repository, so that no script of the release runs where the key
			// is.
			expect([name, text.includes("actions/checkout")]).toEqual([name, name !== "sign"]);
		}
	});
});
