/** Makes a PKCS#11 token for tests: SoftHSM2 with a separate configuration and store. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execFileSync, hasProgram } from "../../../test/outside.js";
import { toPem } from "../../core/test/kept-keys.js";

/** The path of SoftHSM2's module on Debian. */
export const SOFTHSM_MODULE = "/usr/lib/softhsm/libsofthsm2.so";
export const hasSoftToken = existsSync(SOFTHSM_MODULE) && hasProgram("softhsm2-util") && hasProgram("pkcs11-tool");
export const canLoadPkcs11 = hasPackage();

export const PIN = "71 ünïq";

export interface SoftToken {
	/** The environment variable with which SoftHSM2 finds the token. */
	readonly env: { readonly SOFTHSM2_CONF: string };
	readonly pinFile: string;
	readonly addToken: (label: string) => void;
	/** Imports the key of a PEM file into the token. `id` is in hexadecimal. */
	readonly importKey: (keyFile: string, object: TokenObject) => void;
	/** Imports a key like `importKey`, even if another key already has that id. */
	readonly importKeyAgain: (keyFile: string, object: TokenObject) => void;
	readonly importCertificate: (certFile: string, object: TokenObject) => void;
	readonly tool: (...args: string[]) => string;
}

export interface TokenObject {
	readonly label: string;
	readonly id: string;
	/** The token's label. Default `release`. */
	readonly token?: string;
}

/** Makes a store that has one token, `release`. */
export function makeSoftToken(directory: string): SoftToken {
	const at = (name: string) => join(directory, name);
	mkdirSync(at("tokens"), { recursive: true });
	writeFileSync(at("softhsm2.conf"), `directories.tokendir = ${at("tokens")}\nlog.level = ERROR\n`);
	writeFileSync(at("pin"), `${PIN}\n`, { mode: 0o600 });
	const env = { SOFTHSM2_CONF: at("softhsm2.conf") };
	const run = (program: string, args: readonly string[]) => {
		return execFileSync(program, args, { env: { ...process.env, ...env }, stdio: "pipe", encoding: "utf8" });
	};
	const tool = (...args: string[]) => run("pkcs11-tool", ["--module", SOFTHSM_MODULE, ...args]);
	const login = (token: string) => ["--token-label", token, "--login", "--pin", PIN];
	const importKey = (keyFile: string, { label, id, token = "release" }: TokenObject, ...options: string[]) => {
		writeFileSync(at("pkcs8.pem"), toPem(createPrivateKey(readFileSync(keyFile))), { mode: 0o600 });
		const object = ["--label", label, "--id", id, "--pin", PIN];
		run("softhsm2-util", ["--import", at("pkcs8.pem"), "--token", token, ...object, ...options]);
	};
	const softToken: SoftToken = {
		env,
		pinFile: at("pin"),
		addToken(label) {
			run("softhsm2-util", ["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678"]);
		},
		importKey: (keyFile, object) => importKey(keyFile, object),
		importKeyAgain: (keyFile, object) => importKey(keyFile, object, "--force"),
		importCertificate(certFile, { label, id, token = "release" }) {
			writeFileSync(at("cert.der"), new X509Certificate(readFileSync(certFile)).raw);
			tool(...login(token), "--write-object", at("cert.der"), "--type", "cert", "--id", id, "--label", label);
		},
		tool,
	};
	softToken.addToken("release");
	return softToken;
}

/** Compiles the module that stands in front of SoftHSM2 and misbehaves. Needs gcc. Returns its path. */
export function makeShim(directory: string): string {
	const shim = join(directory, "shim.so");
	const source = fileURLToPath(new URL("./pkcs11-shim.c", import.meta.url));
	execFileSync("gcc", ["-std=gnu11", "-Wall", "-Werror", "-shared", "-fPIC", "-o", shim, source, "-ldl"]);
	return shim;
}

/** Tells whether the native addon can be loaded. */
function hasPackage(): boolean {
	try {
		createRequire(import.meta.url)("../../native/sigtool.node");
		return true;
	} catch {
		return false;
	}
}
