/**
 * Tests what an attacker reaches with a configuration: one who wrote a checkout, and another user of the machine. Each
 * attack is first shown to matter: with the same file, named on purpose, it succeeds.
 */

import {
	chmodSync,
	chownSync,
	copyFileSync,
	existsSync,
	lchownSync,
	mkdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canBeUser, canMount, spawnSync } from "../../../../test/outside.js";
import { MAIN, makeSelfSigned, makeTree, type RunOptions, runner, temporaryDirectory } from "../support.js";

const isRoot = process.getuid?.() === 0;
const canAttack = process.platform !== "win32";

/** Makes a checkout whose directory `dist` an attacker signed, and a user whose trust store trusts somebody else. */
function checkout() {
	const home = temporaryDirectory();
	const at = (path: string) => join(home, path);
	makeTree(at("checkout"), { "dist/a.js": "evil", "package.json": '{ "name": "nice" }' });
	const sigtool = runner(home);
	const mallory = makeSelfSigned(at("mallory"));
	const release = makeSelfSigned(at("release"));
	copyFileSync(mallory.certFile, at("checkout/mallory.pem"));
	const sign = (who: typeof mallory, path = at("checkout/dist"), ...more: string[]) => {
		const key = ["--key", who.keyFile, "--cert", who.certFile];
		expect(sigtool(["sign", path, "--no-config", ...key, ...more]).status).toBe(0);
	};
	sign(mallory);
	expect(sigtool(["trust", "add", release.certFile]).status).toBe(0);
	const configure = (members: object, file = "checkout/sigtool.config.json") => {
		makeTree(home, { [file]: JSON.stringify(members) });
		return at(file);
	};
	const inCheckout = (args: readonly string[], options: RunOptions = {}) => {
		return sigtool(args, { cwd: at("checkout"), ...options });
	};
	return { home, at, sigtool, mallory, release, sign, configure, inCheckout };
}

const TRUSTS_MALLORY = { sign: ["dist"], verify: { trust: ["mallory.pem"] } };

describe.skipIf(!canAttack)("a hostile checkout whose configuration trusts its author", () => {
	it("would be trusted if its configuration counted", () => {
		const { configure, inCheckout, at } = checkout();
		const config = configure(TRUSTS_MALLORY);
		expect(inCheckout(["verify", "--config", config]).status).toBe(0);
		const sourceOf = (...args: string[]) =>
			inCheckout(["verify", "--json", ...args]).json().results[0].catalogs[0].trustedBy.source;
		expect(sourceOf("--config", config)).toBe("configuration");
		expect(sourceOf("--config", config, "--trust", at("checkout/mallory.pem"))).toBe("option");
		expect(inCheckout(["verify", "dist", "--config", config]).status).toBe(0);
		expect(inCheckout(["verify"], { env: { SIGTOOL_CONFIG: config } }).status).toBe(0);
		expect(inCheckout(["verify", "dist/a.js"], { cwd: at("checkout"), env: { SIGTOOL_CONFIG: config } }).status).toBe(
			0,
		);
	});

	it("is not trusted without operands, and the message says why and what to do", () => {
		const { configure, inCheckout, at } = checkout();
		configure(TRUSTS_MALLORY);
		for (const cwd of [at("checkout"), at("checkout/dist")]) {
			const { status, stdout, stderr } = inCheckout(["verify"], { cwd });
			expect([status, stdout]).toEqual([1, ""]);
			expect(stderr).toMatch(/cannot decide that, because it was found; `--config .* \[ERR_UNTRUSTED_SIGNER\]/);
			expect(stderr).toContain("`sigtool trust add`");
		}
	});

	it.each([["dist"], ["dist/a.js"], ["dist/dist.cat"], ["dist/dist.cat", "--signature-only"], ["."]])(
		"ends with the operand %s as without the file",
		(...operands) => {
			const { configure, inCheckout } = checkout();
			const without = inCheckout(["verify", ...operands]);
			configure(TRUSTS_MALLORY);
			const { json: _, ...ends } = inCheckout(["verify", ...operands]);
			expect(ends).toEqual({ status: 1, stdout: without.stdout, stderr: without.stderr });
		},
	);

	it("is not trusted by the member of package.json", () => {
		const { inCheckout, at } = checkout();
		makeTree(at("checkout"), { "package.json": JSON.stringify({ name: "nice", sigtool: TRUSTS_MALLORY }) });
		expect(inCheckout(["verify", "--config", "package.json"]).status).toBe(0);
		expect(inCheckout(["verify"]).status).toBe(1);
	});

	it("is not trusted when what it installed elsewhere is verified from it", () => {
		const { configure, inCheckout, at } = checkout();
		const config = configure(TRUSTS_MALLORY);
		expect(spawnSync("cp", ["-r", at("checkout/dist"), at("installed")]).status).toBe(0);
		expect(inCheckout(["verify", at("installed"), "--config", config]).status).toBe(0);
		expect(inCheckout(["verify", at("installed")]).status).toBe(1);
	});

	it("is not compiled into a trust index", () => {
		const { configure, inCheckout, at } = checkout();
		const config = configure(TRUSTS_MALLORY);
		expect(inCheckout(["compile", "-o", at("x.sigx"), "--config", config]).status).toBe(0);
		rmSync(at("x.sigx"));
		const { status, stderr } = inCheckout(["compile", "-o", at("x.sigx")]);
		expect([status, existsSync(at("x.sigx"))]).toEqual([1, false]);
		expect(stderr).toContain("[ERR_UNTRUSTED_SIGNER]");
	});

	it("gets no weaker rules for added files", () => {
		const { configure, inCheckout, sign, release, at } = checkout();
		sign(release, at("checkout/dist"), "--force");
		makeTree(at("checkout"), { "dist/added.js": "evil" });
		for (const added of ["ignore", "warn"]) {
			const config = configure({ sign: ["dist"], verify: { added } });
			expect(inCheckout(["verify", "--config", config]).status).toBe(0);
			expect(inCheckout(["verify"]).status).toBe(1);
			expect(inCheckout(["verify", "dist"]).status).toBe(1);
		}
	});

	it("may make stricter: fewer signers, more signatures, another product", () => {
		const { configure, inCheckout, sign, release, at } = checkout();
		sign(release, at("checkout/dist"), "--force");
		configure({ sign: ["dist"] });
		expect(inCheckout(["verify"]).status).toBe(0);
		configure({ sign: ["dist"], verify: { trust: [release.certFile] } });
		expect(inCheckout(["verify"]).status).toBe(0);
		configure(TRUSTS_MALLORY);
		expect(inCheckout(["verify"]).stderr).toMatch(/names other signers \[ERR_UNTRUSTED_SIGNER\]/);
		configure({ sign: ["dist"], product: "other" });
		expect(inCheckout(["verify"]).stderr).toContain("[ERR_PRODUCT_MISMATCH]");
		configure({ sign: ["dist"], verify: { requireSignatures: 2 } });
		expect(inCheckout(["verify"]).stderr).toContain("[ERR_TOO_FEW_SIGNERS]");
		configure({ sign: ["dist"], verify: { trust: [] } });
		expect(inCheckout(["verify"]).status).toBe(1);
		expect(inCheckout(["verify", "--trust", release.certFile]).status).toBe(0);
	});

	it.each([
		["no form at all", { sign: ["dist"], formats: [] }, /"formats" must not be empty \[ERR_CONFIG\]/],
		["attributes in place of a catalog", { sign: ["dist"], formats: ["spython"] }, /in place of ".*dist\.cat"/],
		["hashes in place of a catalog", { sign: ["dist"], formats: ["ima-hash"] }, /in place of ".*dist\.cat"/],
	])("cannot have %s verified", (_, members, message) => {
		const { configure, inCheckout } = checkout();
		configure(members);
		const { status, stdout, stderr } = inCheckout(["verify"]);
		expect([status, stdout, stderr]).toEqual([2, "", expect.stringMatching(message)]);
	});

	it.skipIf(!isRoot)("cannot hide that attributes alone were verified", () => {
		const { configure, inCheckout, at, sign, release } = checkout();
		makeTree(at("checkout"), { "lone/a.js": "1" });
		sign(release, at("checkout/lone"), "--format", "ima");
		configure({ sign: ["lone"], formats: ["ima"] });
		const { status, stderr } = inCheckout(["verify"]);
		expect([status, stderr]).toEqual([
			0,
			'note: "sigtool.config.json" says what is verified: "lone", by its attributes (ima)\n',
		]);
	});

	it("says which configuration chose what was verified, also with -q", () => {
		const { configure, inCheckout, sign, release, at } = checkout();
		makeTree(at("checkout"), { "vendor/v.js": "good" });
		sign(release, at("checkout/vendor"));
		configure({ sign: ["vendor"] });
		const { status, stderr } = inCheckout(["verify", "-q"]);
		expect([status, stderr]).toEqual([0, 'note: "sigtool.config.json" says what is verified: "vendor"\n']);
		expect(inCheckout(["verify", "--json"]).json().notes).toEqual([stderr.slice(6, -1)]);
	});

	it.each([
		["sign", { sign: ["../elsewhere"] }],
		["sign", { sign: ["up"] }],
		["sign", { sign: ["away"] }],
		["output", { sign: ["dist"], output: "../elsewhere/x.cat" }],
		["output", { sign: ["dist"], output: "away/x.cat" }],
		["verify.catalogs", { sign: ["dist"], verify: { catalogs: ["../elsewhere/e.cat"] } }],
	])("reaches no file outside of itself by %s", (name, members) => {
		const { configure, inCheckout, sign, release, at } = checkout();
		makeTree(at("elsewhere"), { "e.js": "good" });
		sign(release, at("elsewhere"), "-o", at("elsewhere/e.cat"));
		symlinkSync("..", at("checkout/up"));
		symlinkSync("../elsewhere", at("checkout/away"));
		configure(members);
		for (const command of ["sign", "verify"]) {
			const { status, stderr } = inCheckout([command]);
			expect([status, stderr]).toEqual([2, expect.stringMatching(/leads out of the directory .*\[ERR_CONFIG\]/)]);
			expect(stderr).toContain(name);
		}
		expect(existsSync(at("elsewhere/x.cat"))).toBe(false);
	});

	it("chooses no catalog in place of the one that covers the files", () => {
		const { configure, inCheckout, sign, release, at } = checkout();
		sign(release, at("checkout/dist"), "--force", "-o", at("checkout/older.cat"));
		rmSync(at("checkout/dist/dist.cat"));
		makeTree(at("checkout"), { "other.js": "1" });
		sign(release, at("checkout"), "--exclude", "dist");
		const config = configure({ sign: ["dist"], output: "older.cat" });
		expect(inCheckout(["verify", "dist"]).status).toBe(1);
		expect(inCheckout(["verify", "--config", config]).status).toBe(0);
		for (const args of [["verify"], ["compile", "-o", at("x.sigx")]]) {
			const { status, stderr } = inCheckout(args);
			expect([status, stderr]).toEqual([2, expect.stringMatching(/in place of ".*checkout\.cat".*\[ERR_CONFIG\]/)]);
		}
		// Two catalogs in one directory hide what lies above, so they must not lead round the check.
		for (const name of ["b.cat", "c.cat"]) copyFileSync(at("checkout/older.cat"), at(`checkout/dist/${name}`));
		expect(inCheckout(["verify"]).status).not.toBe(0);
	});

	it("names no program to run", () => {
		const { configure, inCheckout, at, mallory } = checkout();
		makeTree(at("checkout"), { "run.sh": { content: `#!/bin/sh\ntouch ${at("ran")}\n`, mode: 0o755 } });
		const program = ["--signer-command", "./run.sh", "--cert", mallory.certFile];
		expect(inCheckout(["sign", "dist", ...program]).status).not.toBe(0);
		expect(existsSync(at("ran"))).toBe(true);
		rmSync(at("ran"));
		for (const members of [
			{ sign: ["dist"], signerCommand: "./run.sh" },
			{ sign: ["dist"], key: { signerCommand: "./run.sh", cert: "mallory.pem" } },
			{ sign: ["dist"], key: { pkcs11: `pkcs11:object=x?module-path=${at("checkout/run.sh")}` } },
			{ sign: ["dist"], key: { pkcs11: "pkcs11:object=x", pkcs11Module: "./run.sh" } },
		]) {
			const config = configure(members);
			for (const named of [[], ["--config", config]]) {
				const { status, stderr } = inCheckout(["sign", ...named]);
				expect([status, stderr]).toEqual([2, expect.stringMatching(/\[ERR_CONFIG\]\n$/)]);
			}
		}
		expect(existsSync(at("ran"))).toBe(false);
	});

	it("gets no other file than the one in a variable, and never shows the variable's value", () => {
		const { configure, inCheckout } = checkout();
		configure({ sign: ["dist"], key: { p12: "env:SECRET" } });
		for (const SECRET of ["MIIKs3cr3t+s3cr3t==", "/s3cr3t/s3cr3t", "s3cr3t\n-----BEGIN PRIVATE KEY-----\ns3cr3t", ""]) {
			const { status, stdout, stderr } = inCheckout(["sign"], { env: { SECRET } });
			expect([status, stderr]).toEqual([2, expect.stringMatching(/"SECRET", .*\[ERR_CONFIG\]\n$/)]);
			expect(stdout + stderr).not.toContain("s3cr3t");
			expect(inCheckout(["config"], { env: { SECRET } }).stdout).not.toContain("s3cr3t");
		}
		const { status, stderr } = inCheckout(["sign"]);
		expect([status, stderr]).toEqual([2, expect.stringContaining("which is not set")]);
	});

	it.each([
		["many items", "sigtool.config.json", `{"sign":["dist"],"x":[\n${"1,\n".repeat(2 ** 17)}1]}`, 2],
		["many lines", "sigtool.config.json", `${"\n".repeat(2 ** 22)}{"sign":["dist"]}`, 2],
		["many lines of package.json", "package.json", `${"\n".repeat(2 ** 22)}{"sigtool":{"sign":["dist"]}}`, 2],
	])("makes no command slow by %s", (_, name, text, status) => {
		const { at, inCheckout } = checkout();
		makeTree(at("checkout"), { [name]: text });
		const startedAt = performance.now();
		expect(inCheckout(["verify"]).status).toBe(status);
		expect(inCheckout(["verify", "dist"]).status).toBe(status);
		expect(performance.now() - startedAt).toBeLessThan(60_000);
	});

	it("makes no command wait, fill the memory or hide itself from the message", () => {
		const { at, inCheckout } = checkout();
		spawnSync("mkfifo", [at("checkout/sigtool.config.json")]);
		expect(inCheckout(["verify"]).status).toBe(3);
		rmSync(at("checkout/sigtool.config.json"));
		symlinkSync("/dev/zero", at("checkout/sigtool.config.json"));
		expect(inCheckout(["verify"]).status).toBe(3);
		rmSync(at("checkout/sigtool.config.json"));
		makeTree(at("checkout"), { "sigtool.config.json": '{ "\\u001b[2Jx\\u202e": 1 }' });
		const { status, stderr } = inCheckout(["verify"]);
		// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression has to match control characters.
		expect([status, /[\u001b\u202e]/.test(stderr)]).toEqual([2, false]);
	});
});

describe.skipIf(!canAttack)("a configuration that the user named", () => {
	it.each([
		["it lies in the tree", ["dist/c.json"], "dist/c.json", "../mallory.pem"],
		["a link leads to it in the tree", ["dist/c.json"], "link.json", "../mallory.pem"],
		["its path leads through a link of the tree", ["c.json"], "dist/away/c.json", "mallory.pem"],
		["its link leads through a link of the tree", ["c.json"], "round.json", "mallory.pem"],
		["its certificate lies in the tree", ["c.json"], "c.json", "dist/m.pem"],
		["its certificate is a link into the tree", ["c.json"], "c.json", "link.pem"],
	])("decides about no trust if %s", (_, [file], named, trust) => {
		const { configure, inCheckout, at, sign, mallory } = checkout();
		copyFileSync(mallory.certFile, at("checkout/dist/m.pem"));
		symlinkSync("../", at("checkout/dist/away"));
		symlinkSync("../c.json", at("checkout/dist/c2"));
		symlinkSync("dist/c2", at("checkout/round.json"));
		symlinkSync("dist/c.json", at("checkout/link.json"));
		symlinkSync("dist/m.pem", at("checkout/link.pem"));
		sign(mallory, at("checkout/dist"), "--force", "--links-outside", "record");
		configure({ verify: { added: "ignore", trust: [trust] } }, `checkout/${file}`);
		const { status, stderr } = inCheckout(["verify", "dist", "--config", named]);
		expect(stderr).toMatch(/lies in the tree that is verified, or its path leads through it/);
		expect(status).toBe(1);
		const safe = configure({ verify: { added: "ignore", trust: [mallory.certFile] } }, "safe.json");
		expect(inCheckout(["verify", "dist", "--config", safe]).status).toBe(0);
	});

	it("decides about no trust if an outer tree covers what is verified, and holds it", () => {
		const { configure, inCheckout, at, sign, mallory } = checkout();
		const config = configure({ verify: { trust: ["mallory.pem"] } });
		expect(inCheckout(["verify", "dist", "--config", config]).status).toBe(0);
		sign(mallory, at("checkout"));
		expect(inCheckout(["verify", "dist", "--config", config]).status).toBe(1);
	});

	it.skipIf(!canMount())("decides nothing through a bind mount", () => {
		const { configure, at, home } = checkout();
		configure({ verify: { added: "ignore", trust: ["../mallory.pem"] } }, "checkout/dist/c.json");
		mkdirSync(at("bound"));
		copyFileSync(at("checkout/mallory.pem"), at("mallory.pem"));
		const main = process.argv0;
		expect(main).not.toBe("");
		const command = `mount --bind ${at("checkout/dist")} ${at("bound")} && exec "$0" "$@"`;
		const env = { ...process.env, XDG_CONFIG_HOME: join(home, "config"), NO_COLOR: "1" };
		const cli = new URL("../../dist/main.cjs", import.meta.url).pathname;
		const args = ["verify", at("checkout/dist"), "--config", at("bound/c.json")];
		const run = spawnSync("unshare", ["-m", "sh", "-c", command, process.execPath, cli, ...args], {
			env,
			encoding: "utf8",
		});
		expect([run.status, run.stderr]).toEqual([1, expect.stringContaining("lies in the tree that is verified")]);
	});

	it("must exist, and the variable must have an absolute path", () => {
		const { inCheckout } = checkout();
		expect(inCheckout(["verify", "dist", "--config", "none.json"]).stderr).toContain("[ERR_ROOT_MISSING]");
		for (const SIGTOOL_CONFIG of ["", "sigtool.config.json"]) {
			for (const args of [["verify", "dist"], ["verify"], ["sign"], ["config"]]) {
				const { status, stderr } = inCheckout(args, { env: { SIGTOOL_CONFIG } });
				expect([status, stderr]).toEqual([2, expect.stringMatching(/Set SIGTOOL_CONFIG .*\[ERR_CONFIG\]/)]);
			}
		}
		expect(inCheckout(["verify"], { env: { SIGTOOL_CONFIG: "/none/none" } }).status).toBe(2);
	});
});

describe.skipIf(!canAttack)("a configuration that another user could have written", () => {
	const cases: [name: string, spoil: (at: (path: string) => string) => void, fault: RegExp][] = [
		["everyone may write it", (at) => chmodSync(at("checkout/sigtool.config.json"), 0o666), /by everyone/],
		["everyone may exchange it", (at) => chmodSync(at("checkout"), 0o777), /by everyone/],
	];
	if (isRoot) {
		cases.push(
			["another user owns it", (at) => chownSync(at("checkout/sigtool.config.json"), 4242, 0), /belongs to user 4242/],
			["another user owns the directory", (at) => chownSync(at("checkout"), 4242, 0), /belongs to user 4242/],
			[
				"a group of others may write it",
				(at) => {
					chownSync(at("checkout/sigtool.config.json"), 0, 4242);
					chmodSync(at("checkout/sigtool.config.json"), 0o664);
				},
				/by its group/,
			],
			[
				"it is another user's link to a file of yours",
				(at) => {
					copyFileSync(at("checkout/sigtool.config.json"), at("real.json"));
					rmSync(at("checkout/sigtool.config.json"));
					symlinkSync("../real.json", at("checkout/sigtool.config.json"));
					lchownSync(at("checkout/sigtool.config.json"), 4242, 0);
				},
				/belongs to user 4242/,
			],
			[
				"a link of it leads through a directory for everyone",
				(at) => {
					mkdirSync(at("open"));
					chmodSync(at("open"), 0o777);
					copyFileSync(at("checkout/sigtool.config.json"), at("real.json"));
					symlinkSync("../real.json", at("open/link"));
					rmSync(at("checkout/sigtool.config.json"));
					symlinkSync("../open/link", at("checkout/sigtool.config.json"));
				},
				/by everyone/,
			],
		);
	}
	it.each(cases)("is refused if %s, and --config and --no-config are ways out", (_, spoil, fault) => {
		const { configure, inCheckout, at, sign, release } = checkout();
		sign(release, at("checkout/dist"), "--force");
		const config = configure({ sign: ["dist"] });
		expect(inCheckout(["verify"]).status).toBe(0);
		spoil(at);
		for (const args of [["verify"], ["sign"], ["sign", "--dry-run"], ["compile", "-o", "x.sigx"], ["config"]]) {
			const { status, stderr } = inCheckout(args);
			expect([status, stderr]).toEqual([2, expect.stringMatching(fault)]);
			expect(stderr).toMatch(/name it with `--config .*`; --no-config does without \[ERR_CONFIG\]/);
		}
		expect(inCheckout(["verify", "--config", config]).status).toBe(0);
		expect(inCheckout(["verify", "--no-config", "dist"]).status).toBe(0);
		expect(inCheckout(["verify", "dist"]).status).toBe(0);
	});

	const [program, ...user] = ["setpriv", "--reuid=33", "--regid=33", "--clear-groups"] as const;
	const hasOwnGroup = /^www-data:x:33:33:/m.test(readFileSync("/etc/passwd", "utf8")) && canBeUser(33, MAIN);
	it.skipIf(!hasOwnGroup)("is used if the user's own group may write it, but not another group", () => {
		const { home, at } = checkout();
		const config = makeTree(at("project"), { "sigtool.config.json": '{ "sign": ["dist"] }', "dist/a": "1" });
		const file = join(config, "sigtool.config.json");
		chmodSync(home, 0o755);
		const dryRun = () => {
			const env = { ...process.env, XDG_CONFIG_HOME: at("none") };
			const args = [...user, process.execPath, MAIN, "sign", "--dry-run"];
			return spawnSync(program, args, { cwd: config, env, encoding: "utf8" });
		};
		for (const path of [config, file]) {
			chownSync(path, 33, 33);
			chmodSync(path, path === config ? 0o775 : 0o664);
		}
		expect(dryRun().status).toBe(0);
		chownSync(file, 33, 100);
		expect(dryRun()).toMatchObject({ status: 2, stderr: expect.stringContaining("can be written to by its group") });
	});
});
