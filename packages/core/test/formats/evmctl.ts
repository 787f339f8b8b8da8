/** Provides keys for evmctl, runs evmctl, and sets attributes with setfattr, in a directory that `remove` deletes. */

import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync, spawnSync } from "../../../../test/outside.js";
import { type Certificate, parseCertificate } from "../../dist/pki/certificate.js";
import { type Signer, signerFromKey } from "../../dist/signer/signer.js";

const tools = ["evmctl", "setfattr", "getfattr", "openssl"];

/** True if the programs are installed and the file system of temporary files supports attributes. */
export const hasEvmctl = tools.every((tool) => spawnSync(tool, ["--version"]).error === undefined) && takesAttributes();
export const hasFsverity = spawnSync("fsverity", ["--version"]).error === undefined;
export const isRoot = process.getuid?.() === 0;

export const KEYS = {
	"RSA 2048": ["rsa:2048"],
	"RSA 4096": ["rsa:4096"],
	"P-256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
	"P-384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
} as const;
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
	readonly remove: () => void;
}

export function openBench(): Bench {
	const directory = mkdtempSync(join(tmpdir(), "sigtool-evmctl-"));
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
		remove: () => rmSync(directory, { recursive: true, force: true }),
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

function newKey(place: string, type: readonly string[]): EvmctlKey {
	const [keyFile, certificateFile] = [`${place}.key`, `${place}.der`];
	const extensions = [
		"keyUsage=critical,digitalSignature",
		"extendedKeyUsage=codeSigning",
		"subjectKeyIdentifier=hash",
	];
	execFileSync(
		"openssl",
		[
			...["req", "-x509", "-nodes", "-newkey", ...type, "-keyout", keyFile, "-subj", "/CN=Attributes", "-days", "9"],
			...["-outform", "DER", "-out", certificateFile, ...extensions.flatMap((line) => ["-addext", line])],
		],
		{ stdio: "ignore" },
	);
	const certificate = parseCertificate(readFileSync(certificateFile));
	const signer = signerFromKey(createPrivateKey(readFileSync(keyFile)), [certificate]);
	return { keyFile, certificateFile, certificate, signer };
}

function takesAttributes(): boolean {
	const directory = mkdtempSync(join(tmpdir(), "sigtool-attributes-"));
	const { status } = spawnSync("setfattr", ["-n", "user.sigtool", "-v", "1", directory]);
	rmSync(directory, { recursive: true });
	return status === 0;
}
