/** Provides keys for evmctl, runs evmctl, and sets attributes with setfattr. */

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execFileSync, hasProgram, spawnSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import type { Certificate } from "../../dist/pki/certificate.js";
import { type Signer, signerFromKey } from "../../dist/signer/signer.js";
import { toPem } from "../kept-keys.js";
import { CODE_SIGNER, type KeyType, makeCertificate, newPrivateKey } from "../pki/make-certificate.js";

const tools = ["evmctl", "setfattr", "getfattr"];

/** True if the programs are installed and the file system of temporary files supports attributes. */
export const hasEvmctl = tools.every((tool) => hasProgram(tool)) && takesAttributes();
export const hasFsverity = hasProgram("fsverity");
export const isRoot = process.getuid?.() === 0;

export const KEYS = { "RSA 2048": "rsa2048", "RSA 4096": "rsa4096", "P-256": "p256", "P-384": "p384" } as const;
export type KeyName = keyof typeof KEYS;

export interface EvmctlKey {
	/** The path of the key in PEM. */
	readonly keyFile: string;
	/** The path of the certificate in DER. Its key identifier is the one that `evmctl` computes from a bare key. */
	readonly certificateFile: string;
	readonly certificate: Certificate;
	readonly signer: Signer;
}

export interface Bench {
	/** Creates a file without attributes, and replaces any file of that name. */
	readonly file: (name: string, content: string | Uint8Array) => string;
	readonly key: (name: KeyName) => EvmctlKey;
	/** Runs evmctl. `output` is its standard output, and `accepted` is true if the exit status was 0. */
	readonly evmctl: (args: readonly string[], input?: string) => { readonly accepted: boolean; readonly output: string };
}

export function openBench(): Bench {
	const directory = temporaryDirectory(atEndOfFile);
	const keys = new Map<KeyName, EvmctlKey>();
	return {
		file(name, content) {
			const path = join(directory, name);
			rmSync(path, { force: true });
			writeFileSync(path, content);
			return path;
		},
		key(name) {
			const key = keys.get(name) ?? newKey(join(directory, name.replace(" ", "-")), KEYS[name]);
			keys.set(name, key);
			return key;
		},
		evmctl(args, input = "") {
			const { status, stdout } = spawnSync("evmctl", args, { encoding: "utf8", input });
			return { accepted: status === 0, output: stdout };
		},
	};
}

export function setAttribute(path: string, name: string, value: Uint8Array): void {
	execFileSync("setfattr", ["-h", "-n", name, "-v", `0x${Buffer.from(value).toString("hex")}`, path]);
}

/** Returns the value, or undefined if the file has no attribute of that name. */
export function getAttribute(path: string, name: string): Buffer | undefined {
	const { stdout } = spawnSync("getfattr", ["-h", "--absolute-names", "-n", name, "-e", "hex", path], {
		encoding: "utf8",
	});
	const hex = /=0x([0-9a-f]*)/.exec(stdout)?.[1];
	return hex === undefined ? undefined : Buffer.from(hex, "hex");
}

function newKey(place: string, type: KeyType): EvmctlKey {
	const [keyFile, certificateFile] = [`${place}.key`, `${place}.der`];
	const key = newPrivateKey(type);
	const validity = { notBefore: Date.now(), notAfter: Date.now() + 9 * 86_400_000 };
	const certificate = makeCertificate({ subject: "/CN=Attributes", key, extensions: CODE_SIGNER, ...validity });
	writeFileSync(keyFile, toPem(key), { mode: 0o600 });
	writeFileSync(certificateFile, certificate.der);
	return { keyFile, certificateFile, certificate, signer: signerFromKey(key, [certificate]) };
}

function takesAttributes(): boolean {
	const directory = temporaryDirectory(atEndOfFile);
	const { status } = spawnSync("setfattr", ["-n", "user.sigtool", "-v", "1", directory]);
	return status === 0;
}
