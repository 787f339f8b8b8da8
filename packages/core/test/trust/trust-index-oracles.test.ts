import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "../../../../test/outside.js";
import { openPemSigner } from "../../dist/signer/pem.js";
import { encodeIndex } from "../../dist/trust/index-encode.js";
import { tempTree } from "../fileset/temp-tree.js";
import { CODE_SIGNER, openWorkshop } from "../pki/openssl.js";
import { CONTENT, makeIndex, makeSigner, signed } from "./make-index.js";

const READER = fileURLToPath(new URL("../../dist/read.js", import.meta.url));

describe("find() in a program that replaced every method it can reach", () => {
	/**
	 * Returns the exit status of a process that runs the statement `sabotage` and then looks up entries. The status is
	 * 1 if a result is wrong.
	 */
	async function lookUpAfter(sabotage: string): Promise<number | null> {
		const signer = makeSigner();
		const home = tempTree({ "app.sigx": await makeIndex(signer), "signer.der": signer.certificates[0].der });
		const script = `
			import { readFileSync } from "node:fs";
			import * as core from ${JSON.stringify(READER)};
			const trust = core.trustFromCertificates([core.parseCertificate(readFileSync("signer.der"))]);
			const { index } = core.verifyTrustIndex(readFileSync("app.sigx"), { trust, at: ${CONTENT.notAfter} });
			const exit = process.reallyExit.bind(process);
			const [a, b] = ["a".repeat(64), "b".repeat(64)];
			${sabotage};
			const main = index.find("app", "main.js");
			const deep = index.find("app", "lib/größe.js");
			const link = index.find("app", "current");
			const isAbsent = index.find("app", "evil.js") === undefined && index.find("evil", "main.js") === undefined;
			const knows = index.hasContent(b) && !index.hasContent("1" + b);
			const isRight = main.sha256 === a && deep.sha256 === b && link.target === "lib/größe.js";
			exit(isRight && isAbsent && knows ? 0 : 1);
		`;
		return spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd: home }).status;
	}

	const EVERYTHING = `
		const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
		const evil = function () { return 0; };
		const { getOwnPropertyDescriptors, defineProperty } = Object;
		const { ownKeys } = Reflect;
		for (const owner of [Math, JSON, Number, Object, Reflect, Buffer, Uint8Array, String, ...[
			Array, String, Number, Map, Set, WeakMap, RegExp, Buffer, Uint8Array, DataView, TextEncoder, TextDecoder, ArrayBuffer, Function,
		].map(({ prototype }) => prototype), typedArray, Object.getPrototypeOf([][Symbol.iterator]())]) {
			const found = getOwnPropertyDescriptors(owner);
			const keys = ownKeys(found);
			for (let i = 0; i < keys.length; i++) {
				const { configurable, value, get } = found[keys[i]];
				if (!configurable || keys[i] === "constructor") continue;
				if (get !== undefined) defineProperty(owner, keys[i], { get: evil });
				else if (typeof value === "function") defineProperty(owner, keys[i], { value: evil });
			}
		}
		Array.prototype[0] = Object.prototype.sha256 = Object.prototype.written = Object.prototype.target = "evil";
		globalThis.Uint8Array = globalThis.Buffer = globalThis.TextDecoder = globalThis.TextEncoder = evil`;

	it("still returns the right results", async () => {
		expect(await lookUpAfter("")).toBe(0);
		expect(await lookUpAfter(EVERYTHING)).toBe(0);
	});

	it("returns wrong results if it uses those methods", async () => {
		expect(await lookUpAfter(`${EVERYTHING}; exit("main.js".endsWith(".js") ? 0 : 7)`)).toBe(7);
	});
});

describe("a trust index's signature", () => {
	it.each(["rsa2048", "p256"] as const)("is verified by openssl over the bytes in front of it (%s)", async (key) => {
		const workshop = openWorkshop();
		try {
			const root = workshop.issue({ subject: "/CN=Root" });
			const leaf = workshop.issue({ subject: "/CN=Leaf", issuer: root, extensions: CODE_SIGNER, key });
			const signer = await openPemSigner({ keyFile: leaf.keyFile, certFile: leaf.file });
			const content = encodeIndex(CONTENT);
			const bytes = await signed(content, signer);
			const verify = (signedContent: Uint8Array) => {
				const at = (name: string) => join(workshop.directory, name);
				writeFileSync(at("content"), signedContent);
				writeFileSync(at("signature"), bytes.subarray(content.length));
				const files = ["-content", at("content"), "-in", at("signature"), "-CAfile", root.file, "-out", "/dev/null"];
				return spawnSync("openssl", [
					"cms",
					"-verify",
					"-cades",
					"-binary",
					"-inform",
					"DER",
					"-purpose",
					"any",
					...files,
				]);
			};
			expect(verify(content).stderr.toString()).toContain("Verification successful");
			expect(verify(Buffer.concat([content, Buffer.of(0)])).status).not.toBe(0);
			const text = execFileSync("openssl", [
				"cms",
				"-cmsout",
				"-print",
				"-inform",
				"DER",
				"-in",
				join(workshop.directory, "signature"),
			]);
			for (const said of ["signingTime", "id-smime-aa-signingCertificateV2", "eContent: <ABSENT>"]) {
				expect(text.toString()).toContain(said);
			}
		} finally {
			workshop.remove();
		}
	});
});
