/**
 * Makes signers that run a program. The program reads the content to sign from standard input and writes the signature
 * to standard output, so that sigtool can use any key service. The protocol is in docs/how-to/signer-command.md.
 */

import { spawn, spawnSync } from "node:child_process";
import { errnoReason, quote, SigtoolError } from "../errors.js";
import { type Certificate, spkiSha256 } from "../pki/certificate.js";
import type { EvidenceDigest } from "../pki/signature-algorithm.js";
import { throwIfAborted } from "../system/abort.js";
import { readCertificates } from "./pem.js";
import { type Signer, type SignerOptions, signerFromExternalKey } from "./signer.js";

/** The options of `openCommandSigner`. */
export interface CommandSignerOptions extends SignerOptions {
	/** A path, or a name that is searched in PATH. No shell interprets the name. */
	readonly program: string;
	readonly args?: readonly string[];
	/** File with the key's certificate, in PEM or DER. In PEM, the certificates of its issuers may follow. */
	readonly certFile: string;
	readonly chainFiles?: readonly string[];
	/** Time limit of each signature in milliseconds. Default 60,000. */
	readonly timeoutMs?: number;
}

/**
 * Makes a signer. The program is not run now, but once for each signature.
 * @throws ERR_KEY, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { openCommandSigner, signPaths } from "@sigtool/core";
 *
 * const signer = openCommandSigner({ program: "./sign.sh", certFile: "release.crt" });
 * await signPaths(["src"], { signer });
 * ```
 */
export function openCommandSigner(options: CommandSignerOptions): Signer {
	const { program, certFile, chainFiles = [] } = options;
	const certificates = [certFile, ...chainFiles].flatMap(readCertificates);
	return signerFromExternalKey(
		{
			place: quote(program),
			begin: (digest) => {
				const pieces: Buffer[] = [];
				let sizeBytes = 0;
				return {
					update(content) {
						sizeBytes += content.length;
						if (sizeBytes > MAX_INPUT_BYTES) throw tooMuch(program);
						pieces.push(Buffer.from(content)); // File readers reuse their buffer, so this is a copy.
					},
					sign: () => runProgram(options, certificates[0], digest, Buffer.concat(pieces)),
				};
			},
			signOnce: (content, signal) => startProgram(options, certificates[0], content, signal),
			close() {},
		},
		certificates,
		options,
	);
}

/**
 * Runs the program and returns its standard output. Blocks the thread, because attributes are made while files are
 * read, one file after another.
 * @throws ERR_SIGNER_COMMAND if the program fails, takes too long, or writes nothing or too much
 */
function runProgram(
	{ program, args = [], timeoutMs = DEFAULT_TIMEOUT_MS }: CommandSignerOptions,
	certificate: Certificate,
	digest: EvidenceDigest,
	input: Buffer,
): Buffer {
	const { error, status, signal, stdout } = spawnSync(program, args, {
		input,
		stdio: ["pipe", "pipe", "inherit"],
		timeout: timeoutMs,
		killSignal: "SIGKILL",
		maxBuffer: MAX_SIGNATURE_BYTES,
		env: environmentOf(certificate, digest),
	});
	return signatureOf(program, timeoutMs, { error, status, signal, stdout });
}

/**
 * Does what `runProgram` does with content for SHA-256, without blocking the thread. Ends the program if the signal is
 * aborted.
 * @throws AbortError, and the errors of `runProgram`
 */
function startProgram(
	{ program, args = [], timeoutMs = DEFAULT_TIMEOUT_MS }: CommandSignerOptions,
	certificate: Certificate,
	input: Uint8Array,
	abort: AbortSignal | undefined,
): Promise<Buffer> {
	throwIfAborted(abort);
	return new Promise((resolve, reject) => {
		const env = environmentOf(certificate, "sha256");
		const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "inherit"] });
		const pieces: Buffer[] = [];
		let sizeBytes = 0;
		let isStarted = false;
		let error: Error | undefined;
		const end = () => {
			child.kill("SIGKILL");
			child.stdout.destroy(); // Another process may hold it open, and would be waited for.
		};
		const stop = (code: string) => {
			error = Object.assign(new Error(code), { code });
			end();
		};
		const timer = setTimeout(stop, timeoutMs, "ETIMEDOUT");
		abort?.addEventListener("abort", end);
		child.stdout.on("data", (piece: Buffer) => {
			sizeBytes += piece.length;
			pieces.push(piece);
			if (sizeBytes > MAX_SIGNATURE_BYTES) stop("ENOBUFS");
		});
		child.on("spawn", () => {
			isStarted = true;
		});
		child.on("error", (cause) => {
			error ??= cause; // For example, there is no such program.
		});
		child.stdin.on("error", (cause) => {
			error ??= cause; // The program did not read its input.
		});
		child.stdin.end(input);
		child.on("close", (code, signal) => {
			const status = isStarted ? code : null; // If there is no such program, Node.js has a code of its own.
			clearTimeout(timer);
			abort?.removeEventListener("abort", end);
			try {
				throwIfAborted(abort);
				resolve(signatureOf(program, timeoutMs, { error, status, signal, stdout: Buffer.concat(pieces) }));
			} catch (failure) {
				reject(failure);
			}
		});
	});
}

/** The protocol of docs/how-to/signer-command.md. */
function environmentOf(certificate: Certificate, digest: EvidenceDigest): NodeJS.ProcessEnv {
	const family = certificate.keyAlgorithm.kind === "rsa" ? "rsa-pkcs1" : "ecdsa";
	return {
		...process.env,
		SIGTOOL_SIGNER_PROTOCOL: "1",
		SIGTOOL_SIGNER_ALGORITHM: `${family}-${digest}`,
		SIGTOOL_SIGNER_KEY: spkiSha256(certificate),
	};
}

/** The end of the program, as spawnSync() reports it. */
interface ProgramEnd {
	readonly error?: Error | undefined;
	readonly status: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly stdout: Buffer;
}

/** Returns the signature. @throws ERR_SIGNER_COMMAND */
function signatureOf(program: string, timeoutMs: number, { error, status, signal, stdout }: ProgramEnd): Buffer {
	const limit = error && LIMITS[codeOf(error)]?.(timeoutMs / 1000);
	if (limit !== undefined) throw failure(program, limit, error);
	if (signal !== null) throw failure(program, `it was ended by ${signal}`);
	if (status !== null && status !== 0) throw failure(program, `it ended with exit status ${status}`);
	if (error !== undefined) {
		// This check comes last. If a program fails for another reason, it may leave its input unread too, and the
		// other reason helps the user more.
		throw failure(
			program,
			codeOf(error) === "EPIPE" ? "it did not read what is to be signed" : errnoReason(error),
			error,
		);
	}
	if (stdout.length === 0) throw failure(program, "it wrote no signature to standard output");
	return stdout;
}

/** Maps an error code of spawnSync() to the reason why the program was ended by SIGKILL. */
const LIMITS: Readonly<Record<string, (seconds: number) => string>> = {
	ETIMEDOUT: (seconds) => `it took longer than ${seconds} s`,
	ENOBUFS: () => `it wrote more than ${MAX_SIGNATURE_BYTES} bytes to standard output`,
};

function codeOf(error: Error): string {
	return "code" in error ? String(error.code) : "";
}

function failure(program: string, reason: string, cause?: Error): SigtoolError {
	return new SigtoolError("ERR_SIGNER_COMMAND", `Cannot get a signature from ${quote(program)}: ${reason}`, { cause });
}

function tooMuch(program: string): SigtoolError {
	const reason = `content of more than ${MAX_INPUT_BYTES} bytes is not passed to a program; sign it with a key file or a token`;
	return new SigtoolError("ERR_LIMIT", `Cannot sign with ${quote(program)}: ${reason}`);
}

const DEFAULT_TIMEOUT_MS = 60_000;
/**
 * The content of one signature has at most this many bytes. For a catalog or trust index the program gets some 200
 * bytes. For IMA it gets the whole content of a file.
 */
const MAX_INPUT_BYTES = 64 * 2 ** 20;
/** The limit is the size of a signature by an RSA key of 8192 bits. */
const MAX_SIGNATURE_BYTES = 1024;
