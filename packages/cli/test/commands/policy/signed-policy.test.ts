/** Tests signed policies from the command that signs them to the processes that a host starts with them. */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canBeHost, Host, pinOf } from "../../../../../test/host/host.js";
import { makeSelfSigned, makeTree, runner, type SelfSigned, temporaryDirectory } from "../../support.js";

/** Makes a tree that `release` signed, and a policy signer. */
function project() {
	const cwd = temporaryDirectory();
	const run = runner(cwd);
	const sigtool = (...args: readonly string[]) => run(args, { cwd });
	const [release, security] = [makeSelfSigned(join(cwd, "release")), makeSelfSigned(join(cwd, "security"))];
	const write = (name: string, members: object) => {
		writeFileSync(join(cwd, name), JSON.stringify({ version: 1, ...members }));
		return name;
	};
	makeTree(join(cwd, "app"), { "main.js": "main()" });
	expect(sigtool("sign", "app", "--product", "app", ...keyOf(release))).toMatchObject({ status: 0 });
	const sign = (...args: readonly string[]) => sigtool("policy", "sign", ...args, ...keyOf(security));
	const compile = (...policies: readonly string[]) => {
		const given = policies.flatMap((policy) => ["--policy", policy]);
		return sigtool("compile", "app", "-o", "app.sigx", "--trust", release.certFile, ...given, ...keyOf(release));
	};
	const verify = (...signers: readonly SelfSigned[]) => {
		const given = signers.flatMap(({ certFile }) => ["--policy-signer", certFile]);
		return sigtool("verify", "app.sigx", "--signature-only", "--trust", release.certFile, ...given);
	};
	return { at: (name: string) => join(cwd, name), sigtool, release, security, write, sign, compile, verify };
}

function keyOf({ keyFile, certFile }: SelfSigned): readonly string[] {
	return ["--key", keyFile, "--cert", certFile];
}

describe("policy sign", () => {
	it("does not replace a policy that has a higher sequence, except by --force", () => {
		const { at, write, sign } = project();
		write("p.json", {});
		const signAs = (...args: string[]) => sign("p.json", "-o", "p.policy", "--sequence", ...args);
		expect(signAs("10")).toMatchObject({ status: 0 });
		const before = readFileSync(at("p.policy"));
		expect(signAs("5")).toMatchObject({
			status: 2,
			stderr: expect.stringContaining(
				"sequence 5 is lower than 10, which it has; give a higher --sequence, or --force",
			),
		});
		expect(readFileSync(at("p.policy"))).toEqual(before);
		expect([signAs("5", "--force").status, signAs("5").status, signAs("6").status]).toEqual([0, 0, 0]);
	});

	it.skipIf(!canBeHost)("makes a policy under which audit records, and whose refusals it counts", () => {
		const { at, sigtool, release, write, sign, compile } = project();
		makeTree(at("app"), { "main.js": 'require("./b.js")', "b.js": "", "allowed.js": "" });
		expect(sigtool("sign", "app", "--product", "app", ...keyOf(release), "--force")).toMatchObject({ status: 0 });
		expect(sigtool("trust", "add", release.certFile)).toMatchObject({ status: 0 });
		write("strict.json", { mode: "strict", products: ["app"], rules: [{ deny: { name: "b.js" } }] });
		expect(sign("strict.json", "-o", "app.policy", "--sequence", "7")).toMatchObject({ status: 0 });
		expect(compile("app.policy")).toMatchObject({ status: 0 });
		const { status, stderr } = sigtool("audit", "--index", "app.sigx", "--log", "run.jsonl", "app/main.js");
		expect(status).toBe(0);
		expect(stderr).toContain(
			'enforcement would have refused 1 event by "app.sigx": `sigtool policy test run.jsonl --index app.sigx`\n',
		);
		const allowed = sigtool("audit", "--index", "app.sigx", "--log", "allowed.jsonl", "app/allowed.js");
		expect(allowed).toMatchObject({ status: 0, stderr: expect.not.stringContaining("would have refused") });
		const tested = sigtool("policy", "test", "run.jsonl", "--index", "app.sigx");
		expect(tested).toMatchObject({ status: 1, stdout: expect.stringContaining("1 would be refused") });
		const learned = sigtool("policy", "learn", "run.jsonl", "--index", "app.sigx", "-o", "learned.json");
		expect(learned).toMatchObject({ status: 0, stderr: expect.stringContaining("let a policy signer sign it") });
	});

	it("merges policies, and compile takes the result as it is", () => {
		const { at, sigtool, security, release, write, sign, compile, verify } = project();
		write("base.json", { mode: "strict", products: ["app"], rules: [{ deny: { name: "a.js" } }] });
		write("team.json", { rules: [{ deny: { name: "b.js" } }] });
		const { status, stdout, stderr } = sign("base.json", "team.json", "-o", "app.policy", "--sequence", "7");
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
		expect(stdout).toMatch(/^signed app\.policy\n {2}sequence {2}7\n {2}mode {6}strict\n {2}products {2}app\n/);
		const document = readFileSync(at("app.policy"), "utf8").split("-----BEGIN CMS-----")[0] ?? "";
		expect(JSON.parse(document)).toMatchObject({
			...{ mode: "strict", sequence: 7, products: ["app"] },
			rules: [{ deny: { name: "a.js" } }, { deny: { name: "b.js" }, supplemental: true }],
		});
		expect(compile("app.policy")).toMatchObject({ status: 0 });
		expect(sigtool("inspect", "app.sigx").stdout).toMatch(/policy signer {4}CN=security; whether a host trusts it/);
		expect(verify(security).stdout).toMatch(/policy signer {4}CN=security; trusted\n.*\n {2}policy sequence {2}7\n/);
		expect(verify(release, security).status).toBe(0);
		const pin = ["--policy-signer", pinOf(security)["spki-sha256"]];
		expect(sigtool("verify", "app.sigx", "--signature-only", "--trust", release.certFile, ...pin).status).toBe(0);
		expect(verify(release)).toMatchObject({ status: 1, stderr: expect.stringContaining("[ERR_POLICY_SIGNER]") });
		expect(sigtool("inspect", "app.policy").stderr).toContain("; `sigtool policy check` shows a policy [ERR_DER]");
		const checked = sigtool("policy", "check", "app.policy");
		const { "spki-sha256": key } = pinOf(security);
		expect(checked.status).toBe(0);
		expect(checked.stdout).toMatch(/policy signer {4}CN=security; whether a host trusts it was not judged\n/);
		expect(checked.stdout).toContain(`policy key       ${key}\n  policy sequence  7\n`);
		expect(sigtool("policy", "check", "app.policy", "--json").json().signedPolicy).toEqual({
			subject: "CN=security",
			key,
		});
		expect(sigtool("policy", "check", "base.json", "--json").json().signedPolicy).toBeNull();
		expect(sigtool("policy", "diff", "app.policy", "app.sigx").stdout).toBe("the policies are equal\n");
	});

	it("warns if the policy counts for every product, and replaces only a signed policy", () => {
		const { sigtool, write, sign } = project();
		write("p.json", {});
		expect(sign("p.json", "-o", "app.policy").stderr).toContain("it names no products, so it counts for every index");
		expect(sign("p.json", "-o", "app.policy").status).toBe(0);
		expect(sign("p.json", "-o", "p.json")).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("it exists and is no signed policy; --force replaces it [ERR_OUTPUT_EXISTS]"),
		});
		for (const output of ["p.json/x", "n".repeat(300)]) {
			const failure = { status: 3, stderr: expect.stringMatching(/^error: Cannot write .*\[ERR_IO\]$/m) };
			expect(sign("p.json", "-o", output)).toMatchObject(failure);
			expect(sigtool("policy", "init", "-o", output)).toMatchObject(failure);
		}
		expect(sigtool("policy", "sign", "p.json", "-o", "own.policy").stderr).toContain("development identity");
	});
});

describe("compile --policy", () => {
	it("refuses a signed policy that was changed, and others beside one", () => {
		const { at, write, sign, compile } = project();
		write("p.json", { products: ["app"] });
		sign("p.json", "-o", "app.policy");
		expect(compile("app.policy", "p.json")).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("merge the policies before they are signed [ERR_USAGE]"),
		});
		const text = readFileSync(at("app.policy"), "utf8");
		writeFileSync(at("bad.policy"), text.replace('"enforce"', '"audit"'));
		expect(compile("bad.policy")).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("the content was changed after it was signed [ERR_SIGNED_ATTRIBUTES]"),
		});
		writeFileSync(at("cut.policy"), text.slice(0, -30));
		expect(compile("cut.policy").stderr).toContain("[ERR_POLICY]");
	});

	it("compiles an index that says who signed its policy, and verify demands one", () => {
		const { write, compile, security, sigtool, verify } = project();
		write("p.json", { products: ["app"] });
		compile("p.json");
		expect(verify().status).toBe(0);
		expect(verify(security)).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("the trust index has no signed policy"),
		});
		expect(sigtool("verify", "app", "--policy-signer", security.certFile)).toMatchObject({
			status: 2,
			stderr: expect.stringContaining('Leave --policy-signer out: "app" is no trust index'),
		});
	});
});

describe.skipIf(!canBeHost)("a host with policySigners (as root)", () => {
	it("starts Node.js under the launcher with a signed policy, and with no other", () => {
		const host = new Host({ files: { "main.js": "console.log('ran')", "extra.js": "console.log('extra')" } });
		const security = makeSelfSigned(host.at("security"));
		const write = (name: string, members: object) => {
			writeFileSync(host.at(name), JSON.stringify({ version: 1, ...members }));
			return host.at(name);
		};
		const signed = (name: string, members: object, by = security) => {
			const file = write(`${name}.json`, members);
			const output = host.at(`${name}.policy`);
			expect(host.sigtool(["policy", "sign", file, "-o", output, "--sequence", "7", ...keyOf(by)]).status).toBe(0);
			return output;
		};
		const check = () => host.sigtool(["launcher", "check", ...host.prefix]);
		const start = (script = "main.js") => host.run(host.at(`app/${script}`));
		const demanding = { policySigners: [pinOf(security)], minimumPolicySequence: 7 };
		host.configure(demanding);

		host.deploy(host.key, ["--policy", signed("good", { rules: [{ deny: { name: "extra.js" } }] })]);
		expect(start()).toMatchObject({ status: 0, stdout: "ran\n" });
		expect(start("extra.js")).toMatchObject({ status: 126, stderr: expect.stringContaining("ERR_POLICY_RULE") });
		expect(check()).toMatchObject({ status: 0 });

		host.configure({ ...demanding, minimumPolicySequence: 8 });
		expect(start()).toMatchObject({ status: 126, stderr: expect.stringContaining("ERR_SEQUENCE") });
		host.configure({ ...demanding, mode: "audit" });
		expect(start()).toMatchObject({ status: 126, stderr: expect.stringContaining("ERR_POLICY_SIGNER") });
		host.configure({ ...demanding, mode: "off" });
		expect(start()).toMatchObject({ status: 126, stderr: expect.stringContaining("ERR_POLICY_SIGNER") });

		host.configure(demanding);
		for (const policy of [write("plain.json", {}), signed("own", {}, host.key)]) {
			const ship = () => host.deploy(host.key, ["--policy", policy]);
			expect(ship).toThrow(/^launcher install .*\[ERR_POLICY_SIGNER\]\n$/s);
			const stderr = expect.stringContaining("sigtool-gate: ERR_POLICY_SIGNER");
			expect(start()).toMatchObject({ status: 126, stdout: "", stderr });
			expect(check()).toMatchObject({ status: 1, stdout: expect.stringContaining("policySigners") });
		}
		host.configure({});
		expect(start()).toMatchObject({ status: 0, stdout: "ran\n" });
	});

	it("installs what the verified policy grants, also if the index is exchanged meanwhile", () => {
		const host = new Host();
		const security = makeSelfSigned(host.at("security"));
		const write = (name: string, text: string) => {
			writeFileSync(host.at(name), text);
			return host.at(name);
		};
		const loose = write("loose.json", JSON.stringify({ version: 1, launch: { write: [host.at("data")] } }));
		const tight = write("tight.json", '{"version":1}');
		host.sigtool(["policy", "sign", tight, "-o", host.at("tight.policy"), ...keyOf(security)]);
		host.deploy(host.key, ["--policy", loose]);
		const settings = () => readFileSync(host.at("lib/launcher.conf"), "utf8");
		expect(settings()).toContain(`\nwrite ${host.at("data")}\n`);
		renameSync(host.at("app.sigx"), host.at("loose.sigx"));
		host.configure({ policySigners: [pinOf(security)] });
		host.deploy(host.key, ["--policy", host.at("tight.policy")]);
		expect(settings()).not.toContain("\nwrite ");

		// From its second opening on, the index is the other one.
		const swap = write(
			"swap.cjs",
			`const fs = require("node:fs");
			const open = fs.openSync;
			let opened = 0;
			fs.openSync = (path, ...rest) => {
				if (path === ${JSON.stringify(host.at("app.sigx"))} && ++opened === 2) fs.copyFileSync(${JSON.stringify(host.at("loose.sigx"))}, path);
				return open(path, ...rest);
			};`,
		);
		const env = { NODE_OPTIONS: `--require=${swap}` };
		const { stderr } = host.sigtool(host.installing(), { env });
		expect(stderr).toMatch(/^$|it changed while it was read/);
		expect(readFileSync(host.at("app.sigx"))).toEqual(readFileSync(host.at("loose.sigx")));
		expect(settings()).not.toContain("\nwrite ");
	});
});
