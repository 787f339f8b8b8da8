/**
 * Provides the tests of spython with the Pythons of this machine, a spython for one of them, and trees signed for it.
 */

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe } from "vitest";
import { hasHeader, spawnSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { giveDevelopmentIdentity } from "../../../cli/test/development-identity.js";
import { adoptDirectory } from "../../../core/dist/compile/adopt-directory.js";
import { type CompiledDirectory, compileDirectory } from "../../../core/dist/compile/compile-directory.js";
import { spkiSha256 } from "../../../core/dist/pki/certificate.js";
import { trustFromCertificates } from "../../../core/dist/pki/trust-policy.js";
import { signPaths } from "../../../core/dist/sign/sign.js";
import { issueCertificate } from "../../../core/dist/signer/identity/issue-certificate.js";
import { openPemSigner, readCertificates } from "../../../core/dist/signer/pem.js";
import { encodeIndex, signIndex } from "../../../core/dist/trust/index-encode.js";
import { parsePolicy } from "../../../core/dist/trust/policy.js";
import { keptKey } from "../../../core/test/kept-keys.js";
import { buildOrCopySpython } from "./kept-spython.js";

export const NATIVE = fileURLToPath(new URL("../../native", import.meta.url));
const SIGTOOL = fileURLToPath(new URL("../../../cli/dist/main.cjs", import.meta.url));

export interface Python {
	readonly executable: string;
	/** The release, e.g. `3.13`. */
	readonly release: string;
	readonly version: string;
	/** The directory of the standard library. */
	readonly library: string;
	/** The other existing directories on `sys.path`. */
	readonly packages: readonly string[];
}

const QUESTION = `
import json, os, sys, sysconfig
library = sysconfig.get_path("stdlib")
print(json.dumps({"executable": sys.executable, "release": "%d.%d" % sys.version_info[:2], "version": sys.version.split()[0], "library": os.path.realpath(library),
	"packages": [p for p in sys.path if os.path.isdir(p) and not p.startswith(library)], "include": sysconfig.get_config_var("INCLUDEPY")}))`;

/**
 * Every CPython from 3.8 on, of the system and of pyenv, for which a spython can be compiled. An ordinary run uses only the first, the
 * system's newest.
 */
export const PYTHONS: readonly Python[] = findPythons();

function findPythons(): Python[] {
	const versions = join(homedir(), ".pyenv/versions");
	const pyenv = existsSync(versions) ? readdirSync(versions).map((name) => join(versions, name, "bin/python3")) : [];
	const system = ["3.14", "3.13", "3.12", "3.11"].map((release) => `/usr/bin/python${release}`);
	const found = [...system, ...pyenv].filter(existsSync).flatMap((executable) => askPython(executable));
	return process.env.SIGTOOL_FULL === undefined ? found.slice(0, 1) : found;
}

/** Declares a group for each CPython. Without one it is skipped by name, because Vitest refuses a file without tests. */
export function describeEach(pythons: readonly Python[], isPossible = true) {
	return describe.skipIf(!isPossible || pythons.length === 0).each(pythons.length === 0 ? [NO_PYTHON] : pythons);
}

const NEEDED = "(needs headers of CPython)";
const NO_PYTHON: Python = { executable: NEEDED, release: NEEDED, version: NEEDED, library: "", packages: [] };

function askPython(executable: string): Python[] {
	const { status, stdout } = spawnSync(executable, ["-I", "-c", QUESTION], { encoding: "utf8" });
	if (status !== 0) return [];
	const { include, ...python } = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
	const hasHeaders = existsSync(join(include, "Python.h")) && hasHeader("openssl/cms.h");
	const usable = Number(python.release.split(".")[1]) >= 8 && hasHeaders;
	return usable ? [python] : [];
}

/** True if every spython of the tests is built with AddressSanitizer and UndefinedBehaviorSanitizer. */
export const isSanitized = process.env.SIGTOOL_SANITIZE !== undefined;
/**
 * The options for a spython with sanitizers: memory that CPython keeps to its end is no leak, and the order of loaded
 * libraries does not matter. Without sanitizers they have no effect.
 */
export const SANITIZER: Readonly<Record<string, string>> = { ASAN_OPTIONS: "detect_leaks=0:verify_asan_link_order=0" };

export interface Run {
	readonly status: number | null;
	readonly signal: string | null;
	readonly stdout: string;
	readonly stderr: string;
	/** The events on standard error. */
	readonly events: readonly Readonly<Record<string, string | number>>[];
}

export interface RunOptions {
	readonly cwd?: string;
	readonly env?: Readonly<Record<string, string>>;
	readonly input?: string;
	/** Further options, which come before `--index`. */
	readonly options?: readonly string[];
	readonly index?: string;
}

interface SignOptions {
	readonly policy?: object;
	readonly library?: string;
	readonly key?: string;
	readonly output?: string;
	/** The compiled texts in the index, by SHA-256. */
	readonly fileTexts?: readonly { readonly text: string; readonly file: string }[];
}

/** A directory with a signer, a spython that pins the signer's key, an application and its index. */
export class Site {
	readonly root: string;
	readonly application: string;
	readonly index: string;
	readonly spython: string;
	readonly pin: string;
	readonly python: Python;

	constructor(python: Python, settings: { home?: string; sanitize?: boolean } = {}) {
		this.python = python;
		this.root = temporaryDirectory(atEndOfFile);
		this.application = join(this.root, "app");
		this.index = join(this.root, "app.sigx");
		this.spython = join(this.root, "spython");
		mkdirSync(this.application);
		// All sites have the same key, so that their spythons are the same and need not be compiled again.
		this.pin = makeKey(this.root, "signer", "release", keptKey("spython", newKey));
		buildOrCopySpython(python, this.spython, { pins: [this.pin], sanitize: isSanitized, ...settings });
	}

	/** Members of a host configuration that pins the signer. */
	get trusted(): { readonly pins: readonly { readonly "spki-sha256": string }[] } {
		return { pins: [{ "spki-sha256": this.pin }] };
	}

	/** Writes files into the directory of the application. Each key is a path relative to that directory. */
	write(files: Readonly<Record<string, string | Uint8Array>>): void {
		for (const [name, content] of Object.entries(files)) {
			const path = join(this.application, name);
			mkdirSync(join(path, ".."), { recursive: true });
			writeFileSync(path, content);
		}
	}

	/** Signs the application and compiles its index, with the library adopted. `key` names another signer. */
	async sign(options: SignOptions = {}): Promise<void> {
		const { policy, library = this.python.library, key = "signer", output = this.index, fileTexts } = options;
		const [keyFile, certFile] = [join(this.root, `${key}.key`), join(this.root, `${key}.pem`)];
		const signer = await openPemSigner({ keyFile, certFile });
		await signPaths([this.application], { signer, product: "app", overwrite: "any" });
		const trust = trustFromCertificates(readCertificates(certFile));
		const compiled = [
			await compileDirectory(this.application, { trust }),
			await (library === this.python.library ? adoptOnce(library) : adopt(library)),
		];
		const content = encodeIndex({
			notAfter: undefined,
			policy: parsePolicy({ version: 1, ...policy }),
			signers: [spkiSha256(signer.certificates[0])],
			products: compiled.map((each) => each.content),
			fileTexts,
		});
		writeFileSync(output, Buffer.concat(await signIndex(content, signer, Date.now())));
		collectGarbage();
	}

	/**
	 * Builds another spython in which what judges code, and what judges libraries, begins with these C statements. The statements are a deliberate
	 * fault, which the tests must find.
	 */
	async buildAltered(statements: string, options: { sanitize?: boolean } = {}): Promise<string> {
		const copy = mkdtempSync(join(this.root, "native-"));
		cpSync(NATIVE, copy, { recursive: true });
		const functions = {
			"open-verified.c": /^(PyObject \*open_verified\([^)]*\)\n\{)$/m,
			"native-code.c": /^(int prepare_library\([^)]*\)\n\{)$/m,
		};
		for (const [name, beginning] of Object.entries(functions)) {
			const file = join(copy, "spython", name);
			const text = readFileSync(file, "utf8");
			const altered = text.replace(beginning, `$1 ${statements}`);
			if (altered === text) throw new Error(`Cannot alter spython: ${name} has no ${beginning}`);
			writeFileSync(file, altered);
		}
		const { buildSpython: build } = await import(pathToFileURL(join(copy, "build-spython.mjs")).href);
		const output = join(copy, "altered");
		build({ python: this.python.executable, pins: [this.pin], output, ...options });
		return output;
	}

	sigtool(...args: readonly string[]): string {
		giveDevelopmentIdentity(join(this.root, "config"));
		const { status, stdout, stderr } = spawnSync(process.execPath, [SIGTOOL, ...args], {
			env: { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(this.root, "config") },
			encoding: "utf8",
		});
		if (status !== 0) throw new Error(`sigtool ${args.join(" ")}: ${stderr}`);
		return stdout;
	}

	run(
		args: readonly string[],
		{ cwd = this.root, env, input = "", options = [], index = this.index }: RunOptions = {},
	): Run {
		const before = [...options, "--index", index];
		const result = spawnSync(this.spython, [...before, ...args], {
			cwd,
			env: { ...process.env, ...SANITIZER, ...env },
			input,
			encoding: "utf8",
		});
		const lines = result.stderr.split("\n");
		const events = lines.filter((line) => line.startsWith("sigtool: ")).map((line) => JSON.parse(line.slice(9)));
		return { ...result, events };
	}
}

/**
 * Frees the memory of earlier hashing. Each hashing reserves 360 MiB of shared memory. The garbage collector does not
 * know that size, but fork(2) counts it, and fails if the process has more memory than the machine.
 */
function collectGarbage(): void {
	setFlagsFromString("--expose-gc");
	runInNewContext("gc")();
}

/**
 * Adopts each library only once, because libraries do not change during the tests and hashing takes most of the time.
 */
function adoptOnce(library: string): Promise<CompiledDirectory> {
	const known = adopted.get(library) ?? adopt(library);
	adopted.set(library, known);
	return known;
}

const adopted = new Map<string, Promise<CompiledDirectory>>();

function adopt(library: string): Promise<CompiledDirectory> {
	return adoptDirectory(library, { roots: [library], trust: trustFromCertificates([]), onProgress: undefined });
}

function newKey(): KeyObject {
	return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** Makes a key and a certificate, NAME.key and NAME.pem, in a directory. Returns the pin. */
export function makeKey(
	directory: string,
	name: string,
	kind: "release" | "development" = "release",
	privateKey = newKey(),
): string {
	const now = Date.now();
	const order = { commonName: name, key: privateKey, notBefore: now - 86_400_000, notAfter: now + 86_400_000, kind };
	const certificate = issueCertificate(order);
	const body = Buffer.from(certificate.der).toString("base64").replace(/.{64}/g, "$&\n");
	writeFileSync(join(directory, `${name}.key`), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
	writeFileSync(join(directory, `${name}.pem`), `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`);
	return spkiSha256(certificate);
}

export function flipByte(path: string, at = 0): void {
	const bytes = readFileSync(path);
	bytes[at] = (bytes[at] ?? 0) ^ 1;
	writeFileSync(path, bytes);
}
