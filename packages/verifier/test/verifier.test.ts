import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
// By the name it is published under: the bundle, not the modules it is made from.
import { createVerifier } from "@sigtool/verifier";
import { expect, onTestFinished, test } from "vitest";
import { makeAuthority, makeTree, runner } from "../../cli/test/support.js";

function signedPlugins() {
	const home = mkdtempSync(join(tmpdir(), "sigtool-verifier-"));
	onTestFinished(() => rmSync(home, { recursive: true, force: true }));
	const root = makeTree(join(home, "plugins"), { "a.js": "a()", "d/b.js": "b()", "empty.js": "", l: { link: "a.js" } });
	const { keyFile, certFile, caFile } = makeAuthority(join(home, "pki"));
	expect(runner(home)(["sign", root, "--key", keyFile, "--cert", certFile])).toMatchObject({ status: 0 });
	return { home, root, trust: readFileSync(caFile, "utf8"), at: (path: string) => join(root, path) };
}

const refusal = (code: string) => expect.objectContaining({ code });

test("createVerifier() hands out signed files, through links too", () => {
	const { root, trust, at } = signedPlugins();
	const verifier = createVerifier(root, { trust, product: "plugins" });
	expect(Buffer.from(verifier.readFileSync(at("d/b.js"))).toString()).toBe("b()");
	expect(Buffer.from(verifier.readFileSync(at("l"))).toString()).toBe("a()");
	expect(verifier.readFileSync(at("empty.js"))).toHaveLength(0);
});

test("readFileSync() refuses what was not signed under its name", () => {
	const { home, root, trust, at } = signedPlugins();
	const verifier = createVerifier(root, { trust });
	writeFileSync(at("new.js"), "");
	writeFileSync(join(home, "outside.js"), "a()");
	copyFileSync(at("a.js"), at("d/b.js"));
	writeFileSync(at("empty.js"), "evil()");
	unlinkSync(at("l"));
	symlinkSync("../outside.js", at("l"));
	expect(() => verifier.readFileSync(at("new.js"))).toThrow(refusal("ERR_FILE_ADDED"));
	expect(() => verifier.readFileSync(join(home, "outside.js"))).toThrow(refusal("ERR_FILE_ADDED"));
	expect(() => verifier.readFileSync(at("l"))).toThrow(refusal("ERR_LINK_CHANGED"));
	symlinkSync("a.js", at("new-link.js"));
	expect(() => verifier.readFileSync(at("new-link.js"))).toThrow(refusal("ERR_LINK_CHANGED"));
	expect(() => verifier.readFileSync(at("d/b.js"))).toThrow(refusal("ERR_FILE_MODIFIED"));
	expect(() => verifier.readFileSync(at("empty.js"))).toThrow(refusal("ERR_FILE_MODIFIED"));
	unlinkSync(at("a.js"));
	execFileSync("mkfifo", [at("a.js")]);
	expect(() => verifier.readFileSync(at("a.js"))).toThrow(refusal("ERR_FILE_TYPE"));
});

test("createVerifier() refuses another root of the same name, another product, and a development identity", () => {
	const { home, root, trust } = signedPlugins();
	expect(() => createVerifier(root, { trust, product: "other" })).toThrow(refusal("ERR_PRODUCT_MISMATCH"));
	const other = makeAuthority(join(home, "other"));
	expect(() => createVerifier(root, { trust: readFileSync(other.caFile, "utf8") })).toThrow(
		refusal("ERR_CERTIFICATE_SIGNATURE"),
	);
	expect(runner(home)(["sign", root])).toMatchObject({ status: 0 });
	const certificate = join(home, "config/sigtool/identities/development/certificate.pem");
	const development = { trust: readFileSync(certificate, "utf8") };
	expect(() => createVerifier(root, development)).toThrow(refusal("ERR_DEVELOPMENT_IDENTITY"));
	expect(createVerifier(root, { ...development, development: "allow" }).root).toBe(root);
});
