/**
 * Tests what users get who install the packages with a client that runs no install scripts, on a machine without a
 * compiler: everything works, by prebuilt native parts.
 */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasSoftToken, makeSoftToken, PIN, SOFTHSM_MODULE } from "../../packages/cli/test/soft-token.js";
import { canWriteAttributes, makeSelfSigned, makeTree } from "../../packages/cli/test/support.js";
import { pinOf } from "../host/host.js";
import { CLIENTS, type Client, fetchClients } from "./clients.js";
import { hasPrebuilt, isRoot, PackedPackages, type Project } from "./project.js";

describe.skipIf(!hasPrebuilt)("packages that were installed without scripts (needs `pnpm native:all`)", () => {
	let packed: PackedPackages;
	beforeAll(async () => {
		fetchClients();
		packed = new PackedPackages();
		await packed.open();
	});
	afterAll(() => packed.close());

	describe.each(CLIENTS)("by $name", (client: Client) => {
		let project: Project;
		let warnings: string;
		beforeAll(async () => {
			const installed = await packed.install(client.name.replace(" ", ""), client);
			({ project } = installed);
			const { status, output } = installed.added;
			if (status !== 0) throw new Error(output);
			warnings = output;
			makeTree(project.at("app"), { "main.js": "console.log('ran', typeof require)", "lib.js": "exports.a = 1;" });
			// For so many files sigtool takes the native threads.
			for (let n = 0; n < 100; n++) writeFileSync(project.at(`app/${n}.js`), `exports.n = ${n};\n`);
		});

		it("brings no warning about our packages, and no script waits for approval", async () => {
			expect(warnings).not.toMatch(/warn.*sigtool|script|ignored build|approve|deprecated|gyp/i);
			const script = await project.sigtool(["doctor", "--json"]);
			const { checks } = JSON.parse(script.output) as { checks: readonly { readonly id: string }[] };
			const found = (id: string) => checks.find((check) => check.id === id);
			expect(found("native")).toMatchObject({ status: "yes", value: `prebuilt for linux-${process.arch}` });
			expect(found("compiler")).toMatchObject({ status: "no" });
			expect(found("gate")).toMatchObject({ status: "yes" });
			expect(found("attributes")).toMatchObject({ status: "yes" });
		});

		it("signs, verifies, finds a change, and runs what is signed", async () => {
			expect(await project.sigtool(["sign", "app"])).toMatchObject({ status: 0 });
			expect(await project.sigtool(["verify", "app"])).toMatchObject({ status: 0 });
			const ran = await project.sigtool(["run", "--allow-development", "app/main.js"]);
			// The project's package.json says "module", but nobody signed this package.json.
			expect([ran.status, ran.output]).toEqual([0, expect.stringMatching(/^ran function$/m)]);
			writeFileSync(project.at("app/lib.js"), "exports.a = 2;");
			const changed = await project.sigtool(["verify", "app", "--json"]);
			expect([changed.status, changed.output]).toEqual([1, expect.stringContaining("ERR_FILE_MODIFIED")]);
			rmSync(project.at("app/app.cat"));
		});

		it("needs a compiler only to compile", async () => {
			const prebuilt = await project.sigtool(["native", "build"]);
			expect([prebuilt.status, prebuilt.output]).toEqual([0, expect.stringMatching(/^prebuilt .*sigtool-launch$/m)]);
			const compiled = await project.sigtool(["native", "build", "--from-source"]);
			expect([compiled.status, compiled.output]).toEqual([3, expect.stringContaining("no C compiler")]);
		});

		it("loads as a library", async () => {
			const code = `
				import { examineSystem } from "@sigtool/core";
				import { createRequire } from "node:module";
				const checks = await examineSystem(".");
				console.log(checks.find(({ id }) => id === "native").value);`;
			expect(await project.node(code)).toEqual({ status: 0, output: `prebuilt for linux-${process.arch}\n` });
		});

		it.skipIf(!canWriteAttributes("user"))(
			"writes and verifies attributes (needs a file system with them)",
			async () => {
				const key = makeSelfSigned(project.at("attributes"));
				const format = ["--format", "ima", "--namespace", "user"];
				const signed = await project.sigtool(["sign", "app", ...format, "--key", key.keyFile, "--cert", key.certFile]);
				expect(signed).toMatchObject({ status: 0 });
				const verified = await project.sigtool(["verify", "app", ...format, "--trust", key.certFile]);
				expect(verified).toMatchObject({ status: 0 });
			},
		);

		it.skipIf(!hasSoftToken)("signs with a key in a token (needs SoftHSM2 and opensc)", async () => {
			const { keyFile, certFile } = makeSelfSigned(project.at("token-key"));
			const token = makeSoftToken(project.at("token"));
			token.importKey(keyFile, { label: "key", id: "01" });
			token.importCertificate(certFile, { label: "key", id: "01" });
			const key = ["--pkcs11", "pkcs11:object=key", "--pkcs11-module", SOFTHSM_MODULE];
			const signed = await project.sigtool(["sign", "app", ...key], { ...token.env, SIGTOOL_PIN: PIN });
			expect(signed).toMatchObject({ status: 0 });
			expect(await project.sigtool(["verify", "app", "--trust", certFile])).toMatchObject({ status: 0 });
		});

		it.skipIf(!isRoot)("installs a launcher that enforces (needs root)", async () => {
			const key = makeSelfSigned(project.at("release"));
			const signing = ["--key", key.keyFile, "--cert", key.certFile];
			makeTree(project.at("served"), { "main.js": "console.log('ran', process.argv[2])" });
			mkdirSync(project.at("data"));
			const index = project.at("served.sigx");
			const host = { version: 1, onRefusal: "exit", pins: [pinOf(key)], index };
			writeFileSync(project.at("verifier.json"), JSON.stringify(host));
			const prefix = ["--prefix", project.at("lib")];
			const places = ["--index", index, "--config", project.at("verifier.json"), "--mode", "enforce"];
			for (const step of [
				["sign", "served", ...signing],
				["compile", "served", "-o", index, "--trust", key.certFile, ...signing],
				["launcher", "install", ...prefix, ...places],
				["launcher", "check", ...prefix],
			]) {
				const { status, output } = await project.sigtool(step);
				expect([step[0], status, output]).toEqual([step[0], 0, expect.not.stringContaining("missing")]);
			}
			const main = project.at("served/main.js");
			const ran = await project.sigtool(["run", ...prefix, main, "argument"]);
			expect([ran.status, ran.output]).toEqual([0, expect.stringContaining("ran argument")]);
			writeFileSync(main, "console.log('evil')");
			const refused = await project.sigtool(["run", ...prefix, main]);
			expect([refused.status, refused.output]).toEqual([126, expect.not.stringContaining("evil\n")]);
		});
	});
});
