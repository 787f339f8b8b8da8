/**
 * Signers over a program: it reads what is to be signed from standard input and writes the signature to standard output,
 * so that any key service can sign. The protocol is in docs/signer-command.md.
 */

import { spawnSync } from "node:child_process";
import { errnoReason, quote, SigtoolError } from "../errors.js";
import { type Certificate, spkiSha256 } from "../pki/certificate.js";
import type { EvidenceDigest } from "../pki/signature-algorithm.js";
import { readCertificates } from "./pem.js";
import { type Signer, type SignerOptions, signerFromExternalKey } from "./signer.js";

export interface CommandSignerOptions extends SignerOptions {
	/** A path, or a name to look up in PATH. No shell sees it. */
	readonly program: string;
	readonly args?: readonly string[];
	/** The key's certificate, PEM or DER; its issuers may follow. */
	readonly certFile: string;
	readonly chainFiles?: readonly string[];
	/** For each signature. Default 60 s. */
	readonly timeoutMs?: number;
}

/** The program is first run for the first signature. @throws ERR_KEY, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO */
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
						pieces.push(Buffer.from(content)); // A copy: the reader of a file reuses its memory.
					},
					sign: () => runProgram(options, certificates[0], digest, Buffer.concat(pieces)),
				};
			},
			close() {},
		},
		certificates,
		options,
	);
}

/** What the program wrote to standard output. @throws ERR_SIGNER_COMMAND */
function runProgram(
	{ program, args = [], timeoutMs = DEFAULT_TIMEOUT_MS }: CommandSignerOptions,
	certificate: Certificate,
	digest: EvidenceDigest,
	input: Buffer,
): Buffer {
	const family = certificate.keyAlgorithm.kind === "rsa" ? "rsa-pkcs1" : "ecdsa";
	const { error, status, signal, stdout } = spawnSync(program, args, {
		input,
		stdio: ["pipe", "pipe", "inherit"],
		timeout: timeoutMs,
		killSignal: "SIGKILL",
		maxBuffer: MAX_SIGNATURE_BYTES,
		env: {
			...process.env,
			SIGTOOL_SIGNER_PROTOCOL: "1",
			SIGTOOL_SIGNER_ALGORITHM: `${family}-${digest}`,
			SIGTOOL_SIGNER_KEY: spkiSha256(certificate),
		},
	});
	const limit = error && LIMITS[codeOf(error)]?.(timeoutMs / 1000);
	if (limit !== undefined) throw failure(program, limit, error);
	if (signal !== null) throw failure(program, `it was ended by ${signal}`);
	if (status !== null && status !== 0) throw failure(program, `it ended with exit status ${status}`);
	if (error !== undefined) {
		// Only now: a program that gave up has not read everything either.
		throw failure(
			program,
			codeOf(error) === "EPIPE" ? "it did not read what is to be signed" : errnoReason(error),
			error,
		);
	}
	if (stdout.length === 0) throw failure(program, "it wrote no signature to standard output");
	return stdout;
}

/** What ends a program from here, with SIGKILL. */
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
	const reason = `content of more than ${MAX_INPUT_BYTES} bytes is not passed on; sign it with a key or a token`;
	return new SigtoolError("ERR_LIMIT", `Cannot have it signed by ${quote(program)}: ${reason}`);
}

const DEFAULT_TIMEOUT_MS = 60_000;
/** Of one signature: what catalogs and indexes have signed is some 200 bytes; for IMA it is a file's whole content. */
const MAX_INPUT_BYTES = 64 * 2 ** 20;
/** An RSA key of 8192 bits makes 1024 bytes. */
const MAX_SIGNATURE_BYTES = 1024;
