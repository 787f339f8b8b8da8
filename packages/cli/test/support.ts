/**
 * Provides the tests of the command line with functions that run sigtool, trees, and certificates.
 */

import { createPrivateKey, type KeyObject } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execFile, execFileSync, hasProgram, spawnSync } from "../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../test/temporary.js";
import { type Certificate, certificatesFromPem } from "../../core/dist/pki/certificate.js";
import { certificateToPem } from "../../core/dist/signer/identity/issue-certificate.js";
import { encodePkcs12 } from "../../core/dist/signer/pkcs12/pkcs12-encode.js";
import { toPem } from "../../core/test/kept-keys.js";
import { AUTHORITY, CODE_SIGNER, makeCertificate, newPrivateKey } from "../../core/test/pki/make-certificate.js";
import { giveDevelopmentIdentity } from "./development-identity.js";
import { requireDocument } from "./documents.js";
import { KEPT_COMPILER } from "./kept-compiler/kept-compiler.js";
import { runKept } from "./kept-process/kept-process.js";

export { atEndOfFile, temporaryDirectory };

export const MAIN = fileURLToPath(new URL("../dist/main.cjs", import.meta.url));
/** The command under test. The variable can name another one: the single file. CONTRIBUTING.md shows how. */
const { SIGTOOL_TEST_PROGRAM } = process.env;
export const isSingleFile = SIGTOOL_TEST_PROGRAM !== undefined;
const [PROGRAM, ...BEFORE] = SIGTOOL_TEST_PROGRAM === undefined ? [process.execPath, MAIN] : [SIGTOOL_TEST_PROGRAM];

// biome-ignore lint/suspicious/noExplicitAny: tests read documents without types, and fail when a member is missing.
type Json = any;

export interface Run {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
	/** Parses the one document that --json prints. */
	readonly json: () => Json;
}

export interface RunOptions {
	readonly cwd?: string;
	readonly env?: Readonly<Record<string, string>>;
	readonly input?: string | Buffer;
}

export interface RunnerOptions {
	/**
	 * With `given`, the default, the run finds a development identity. With `none`, the run has to make one, which
	 * takes a while.
	 */
	readonly identity?: "given" | "none";
	/** With `true`, each run is a process of its own, for tests of what a process does. */
	readonly spawn?: boolean;
}

/**
 * Returns a function that runs the built command line, with a configuration directory below `home`. A JSON document that
 * its schema does not describe fails the test.
 */
export function runner(home: string, { identity = "given", spawn = isSingleFile }: RunnerOptions = {}) {
	let isGiven = identity === "none";
	return (args: readonly string[], { cwd, env, input }: RunOptions = {}): Run => {
		if (!isGiven) giveDevelopmentIdentity(join(home, "config"));
		isGiven = true;
		const { NODE_EXTRA_CA_CERTS: _, SOURCE_DATE_EPOCH: __, SIGTOOL_DEVELOPMENT: ___, ...inherited } = process.env;
		const all = { ...inherited, ...KEPT_COMPILER, NO_COLOR: "1", XDG_CONFIG_HOME: join(home, "config"), ...env };
		const run = { args, cwd, env: all };
		const { status, stdout, stderr } =
			(spawn || input !== undefined ? undefined : runKept(MAIN, run)) ??
			spawnSync(PROGRAM, [...BEFORE, ...args], { cwd, env: all, input, encoding: "utf8", maxBuffer: 1 << 28 });
		requireDocument(args, stdout);
		return { status, stdout, stderr, json: () => JSON.parse(stdout) };
	};
}

export type Outcome = Pick<Run, "status" | "stdout" | "stderr">;

/**
 * Returns a function that runs the built command line asynchronously and without a proxy, so that servers in this
 * process can answer it.
 */
export function servedRunner(configHome: string) {
	return (...args: string[]): Promise<Outcome> => {
		const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
		const env = { ...inherited, NO_COLOR: "1", XDG_CONFIG_HOME: configHome, no_proxy: "*" };
		return new Promise<Outcome>((resolve) => {
			execFile(PROGRAM, [...BEFORE, ...args], { env, encoding: "utf8" }, (error, stdout, stderr) => {
				resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
			});
		}).then((run) => {
			requireDocument(args, run.stdout);
			return run;
		});
	};
}

/** A file's content, a link's target, or content with a mode. */
export type TreeEntry = string | { readonly link: string } | { readonly content: string; readonly mode: number };

export function makeTree(root: string, entries: Readonly<Record<string, TreeEntry>>): string {
	mkdirSync(root, { recursive: true });
	for (const [path, entry] of Object.entries(entries)) {
		const file = join(root, path);
		mkdirSync(dirname(file), { recursive: true });
		if (typeof entry === "string") writeFileSync(file, entry, { mode: 0o644 });
		else if ("link" in entry) symlinkSync(entry.link, file);
		else {
			writeFileSync(file, entry.content);
			chmodSync(file, entry.mode);
		}
	}
	return root;
}

export interface Authority {
	readonly caFile: string;
	readonly certFile: string;
	readonly keyFile: string;
	readonly subject: string;
}

/**
 * Makes a root certificate, and a code-signing certificate that the root issued. The two keys are of the given kind.
 */
export function makeAuthority(
	directory: string,
	key: "rsa:2048" | "P-256" | "P-384" | "ed25519" = "rsa:2048",
): Authority {
	const at = (name: string) => join(directory, name);
	mkdirSync(directory, { recursive: true });
	const type =
		key === "rsa:2048" ? "rsa2048" : key === "ed25519" ? key : (key.replace("-", "").toLowerCase() as "p256");
	const [rootKey, leafKey] = [newPrivateKey(type), newPrivateKey(type)];
	const root = makeCertificate({ subject: "/CN=Test Root", key: rootKey, extensions: AUTHORITY, ...daysFromNow(100) });
	const leaf = makeCertificate({
		subject: "/O=Example/CN=Test Signer",
		key: leafKey,
		issuer: { certificate: root, key: rootKey },
		extensions: CODE_SIGNER,
		...daysFromNow(90),
	});
	writeKeyAndCertificate(at("ca"), rootKey, root);
	writeKeyAndCertificate(at("leaf"), leafKey, leaf);
	return {
		caFile: at("ca.pem"),
		certFile: at("leaf.pem"),
		keyFile: at("leaf.key"),
		subject: "CN=Test Signer,O=Example",
	};
}

/** Encrypts the key of a PEM file, PKCS#8 with the algorithms that OpenSSL takes by default. */
export function encryptKeyFile(keyFile: string, file: string, passphrase: string): void {
	const encryption = { cipher: "aes-256-cbc", passphrase, format: "pem", type: "pkcs8" } as const;
	writeFileSync(file, createPrivateKey(readFileSync(keyFile)).export(encryption), { mode: 0o600 });
}

/** Writes a PKCS#12 container with the key and the certificates of these PEM files. */
export function writeContainer(
	file: string,
	{ keyFile, certFile }: Pick<Authority, "keyFile" | "certFile">,
	passphrase: string,
): void {
	const key = createPrivateKey(readFileSync(keyFile));
	const certificates = certificatesFromPem(readFileSync(certFile, "utf8"));
	writeFileSync(file, encodePkcs12({ key, certificates, friendlyName: "release", passphrase }), { mode: 0o600 });
}

/** Writes a code-signing certificate for a key to `file`. The authority of `makeAuthority` in that directory issues it. */
export function issueByAuthority(
	directory: string,
	file: string,
	{ subject, key, digest = "sha256" }: { subject: string; key: KeyObject; digest?: "sha1" | "sha256" },
): void {
	const read = (name: string) => readFileSync(join(directory, name), "utf8");
	const [certificate] = certificatesFromPem(read("ca.pem"));
	if (certificate === undefined) throw new Error(`${directory} has no authority`);
	const issuer = { certificate, key: createPrivateKey(read("ca.key")) };
	const issued = makeCertificate({ subject, key, issuer, digest, extensions: CODE_SIGNER, ...daysFromNow(90) });
	writeFileSync(file, certificateToPem(issued));
}

export interface SelfSigned {
	readonly keyFile: string;
	/** The certificate in PEM. */
	readonly certFile: string;
	/** The certificate in DER, which evmctl needs. */
	readonly derFile: string;
}

const ATTRIBUTE_KEY_TYPES = { "RSA-2048": "rsa2048", "RSA-4096": "rsa4096", "P-256": "p256", "P-384": "p384" } as const;
export type AttributeKey = keyof typeof ATTRIBUTE_KEY_TYPES;
/** The type assertion is safe, because `Object.keys` returns the keys of the table. */
export const ATTRIBUTE_KEYS = Object.keys(ATTRIBUTE_KEY_TYPES) as readonly AttributeKey[];

/**
 * Makes a self-signed code-signing certificate, `place`.pem. `keyIdentifier` is `hash` or hexadecimal, as in OpenSSL's
 * configuration.
 */
export function makeSelfSigned(place: string, key: AttributeKey = "P-256", keyIdentifier = "hash"): SelfSigned {
	const privateKey = newPrivateKey(ATTRIBUTE_KEY_TYPES[key]);
	const extensions = [...CODE_SIGNER.slice(0, 3), `subjectKeyIdentifier=${keyIdentifier}`];
	const subject = `/CN=${basename(place)}`;
	const certificate = makeCertificate({ subject, key: privateKey, extensions, ...daysFromNow(90) });
	writeKeyAndCertificate(place, privateKey, certificate);
	writeFileSync(`${place}.der`, certificate.der);
	return { keyFile: `${place}.key`, certFile: `${place}.pem`, derFile: `${place}.der` };
}

/** Returns the validity of a certificate that begins now. */
export function daysFromNow(days: number): { readonly notBefore: number; readonly notAfter: number } {
	const now = Date.now();
	return { notBefore: now, notAfter: now + days * 86_400_000 };
}

/** Writes `place`.key and `place`.pem. */
export function writeKeyAndCertificate(place: string, key: KeyObject, certificate: Certificate): void {
	writeFileSync(`${place}.key`, toPem(key), { mode: 0o600 });
	writeFileSync(`${place}.pem`, certificateToPem(certificate));
}

export type AttributeNamespace = "user" | "security";

/**
 * Tells whether setfattr and getfattr exist and can write attributes of that namespace below the temporary directory.
 */
export function canWriteAttributes(namespace: AttributeNamespace): boolean {
	if (!hasProgram("setfattr") || !hasProgram("getfattr")) return false;
	const directory = temporaryDirectory(atEndOfFile);
	writeFileSync(join(directory, "file"), "");
	const { status } = spawnSync("setfattr", ["-n", `${namespace}.ima`, "-v", "0x0404", join(directory, "file")]);
	return status === 0;
}

export function setfattr(file: string, name: string, value: Uint8Array): void {
	execFileSync("setfattr", ["-h", "-n", name, "-v", `0x${Buffer.from(value).toString("hex")}`, file]);
}

/** Reads an attribute with getfattr. Returns undefined if the file does not have the attribute. */
export function getfattr(file: string, name: string): Buffer | undefined {
	const { status, stdout } = spawnSync("getfattr", ["-h", "--only-values", "--absolute-names", "-n", name, file]);
	return status === 0 ? stdout : undefined;
}

/** These arguments before a command make it run as root without capabilities. It can still read the files of root. */
export const POWERLESS_ROOT = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"] as const;
