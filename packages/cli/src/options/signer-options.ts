/**
 * Opens the signer that the key options name. A secret comes from a file, from the environment or from a prompt, but
 * never from a command-line argument, which other users of the machine could see.
 */

import { resolve } from "node:path";
import {
	developmentIdentity,
	openCommandSigner,
	openPemSigner,
	openPkcs11Signer,
	openPkcs12Signer,
	parsePkcs11Uri,
	type Signer,
	showIdentity,
} from "@sigtool/core";
import {
	expiryNotice,
	isDevelopmentKey,
	refuseDeniedCertificates,
	requireDevelopmentUse,
	storedDenials,
} from "@sigtool/core/internal";
import { quote, reasonOf, SigtoolError } from "@sigtool/core/internal/errors";
import { type DevelopmentOptions, developmentOf } from "./development.js";
import { readInputFile } from "./input-file.js";
import { askSecret, type Question } from "./prompt.js";
import { PASSPHRASE_VARIABLE, PIN_VARIABLE, takeSecret } from "./secret-variables.js";
import { usageError } from "./usage.js";

export interface KeyOptions extends DevelopmentOptions {
	readonly identity?: string;
	readonly key?: string;
	readonly cert?: string;
	readonly chain?: readonly string[];
	readonly p12?: string;
	readonly passphraseFile?: string;
	readonly pkcs11?: string;
	readonly pkcs11Module?: string;
	readonly pinFile?: string;
	readonly signerCommand?: string;
	readonly signerArgument?: readonly string[];
	readonly signerTimeout?: string;
}

/** Returns true if an option names an identity, a key, a certificate or a chain. */
export function namesKey({ cert, chain = [], ...options }: KeyOptions): boolean {
	return SOURCES.some((source) => options[source] !== undefined) || cert !== undefined || chain.length > 0;
}

/**
 * Opens the signer that the options name, or the development identity if they name none. The caller must close the
 * signer.
 * @throws ERR_USAGE for key options that do not fit together, or an identity that does not exist; ERR_DEVELOPMENT_REFUSED; ERR_KEY*, ERR_PKCS12*
 */
export async function openSigner(options: KeyOptions, onWarning: (text: string) => void): Promise<Signer> {
	const signer = withDevelopmentKey(await openNamed(options, onWarning));
	if (signer.development && (await developmentOf(options)) === "refuse") {
		signer.close();
		requireDevelopmentUse("refuse");
	}
	const notice = expiryNotice(signer.certificates.slice(0, 1), Date.now());
	if (notice !== undefined) onWarning(notice);
	warnIfDenied(signer, onWarning);
	return signer;
}

/** Others may verify by other deny lists, so a denial, or a trust store that cannot be read, is no refusal. */
function warnIfDenied({ certificates }: Signer, onWarning: (text: string) => void): void {
	try {
		refuseDeniedCertificates(storedDenials(), certificates);
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		onWarning(`this user's verify refuses what this key signs: ${reasonOf(error)}`);
	}
}

/**
 * Marks a signer as a development identity if it uses the key of this user's development identity, even if its
 * certificate lacks the marker.
 */
function withDevelopmentKey(signer: Signer): Signer {
	return { ...signer, development: signer.development || isDevelopmentKey(signer.certificates[0]) };
}

async function openNamed(options: KeyOptions, onWarning: (text: string) => void): Promise<Signer> {
	const { identity, key, cert, chain = [], p12, pkcs11, signerCommand } = options;
	const pinValue = takeSecret(PIN_VARIABLE);
	const passphrase = passphrases(options);
	checkTogether(options);
	if (identity !== undefined && identity !== DEVELOPMENT_IDENTITY) {
		const { keyFile, certificateFile } = showIdentity(identity);
		return openPemSigner({ keyFile, certFile: certificateFile, passphrase: passphrase(keyFile), onWarning });
	}
	if (p12 !== undefined) {
		return openPkcs12Signer({ file: p12, chainFiles: chain, passphrase: passphrase(p12), onWarning });
	}
	if (key !== undefined && cert !== undefined) {
		return openPemSigner({ keyFile: key, certFile: cert, chainFiles: chain, passphrase: passphrase(key), onWarning });
	}
	if (pkcs11 !== undefined) {
		const uri = parsePkcs11Uri(pkcs11);
		return openPkcs11Signer({
			uri,
			modulePath: options.pkcs11Module === undefined ? undefined : resolve(options.pkcs11Module),
			certFile: cert,
			chainFiles: chain,
			pin: (token, warning) => {
				// The warning is a part of the question, so that the user sees it before typing the PIN, even with
				// --quiet or --json.
				const before = warning === undefined ? "" : `Warning: ${warning}\n`;
				const question = { text: `${before}PIN of the token ${quote(token)}: `, otherwise: NO_PIN };
				return readSecret(question, options.pinFile ?? uri.pinFile, pinValue);
			},
			timeoutMs: timeoutMs(options.signerTimeout),
			onWarning,
		});
	}
	if (signerCommand !== undefined && cert !== undefined) {
		return openCommandSigner({
			program: signerCommand,
			args: options.signerArgument,
			timeoutMs: timeoutMs(options.signerTimeout),
			certFile: cert,
			chainFiles: chain,
		});
	}
	return developmentIdentity(await developmentOf(options));
}

/**
 * Returns a function that, for the path of a file, returns a source of the passphrase of this file. The source asks the
 * user only when it is called. The environment variable with the passphrase is deleted at once.
 */
export function passphrases({
	passphraseFile,
}: Pick<KeyOptions, "passphraseFile">): (file: string) => () => Promise<string> {
	const value = takeSecret(PASSPHRASE_VARIABLE);
	return (file) => () => {
		const question = { text: `Passphrase for ${quote(file)}: `, otherwise: NO_PASSPHRASE };
		return readSecret(question, passphraseFile, value);
	};
}

/**
 * Gets the passphrase for a new file. If the user types it on the terminal, it must be typed twice.
 * @throws ERR_KEY_PASSPHRASE
 */
export async function newPassphrase(options: Pick<KeyOptions, "passphraseFile">, file: string): Promise<string> {
	const value = takeSecret(PASSPHRASE_VARIABLE);
	const question = { text: `New passphrase for ${quote(file)}: `, otherwise: NO_PASSPHRASE };
	const passphrase = await readSecret(question, options.passphraseFile, value);
	if ((options.passphraseFile ?? value) !== undefined) return passphrase;
	if ((await askSecret({ ...question, text: "Repeat the passphrase: " })) === passphrase) return passphrase;
	throw new SigtoolError("ERR_KEY_PASSPHRASE", `Cannot protect ${quote(file)}: the two passphrases differ`);
}

/** The identity that sigtool makes when nothing names a key, and that can be named too. */
const DEVELOPMENT_IDENTITY = "development";

const SOURCES = ["identity", "key", "p12", "pkcs11", "signerCommand"] as const;

function checkTogether(options: KeyOptions): void {
	const [source, ...others] = SOURCES.filter((name) => options[name] !== undefined);
	if (others.length > 0) {
		throw usageError("Use only one of --identity, --key, --p12, --pkcs11 and --signer-command");
	}
	const { cert, chain = [], signerArgument, signerTimeout, pkcs11Module, pinFile } = options;
	if (source === undefined && (cert !== undefined || chain.length > 0)) {
		throw usageError("Name the private key with --key");
	}
	if (source === "identity" && (cert !== undefined || chain.length > 0)) {
		throw usageError("Use --identity without --cert and --chain: an identity has its certificates");
	}
	if (source === "p12" && cert !== undefined) throw usageError("Use --p12 alone, or --key with --cert");
	if ((source === "key" || source === "signerCommand") && cert === undefined) {
		throw usageError("Name the key's certificate with --cert");
	}
	if (options.signerCommand === "") throw usageError("Give --signer-command a program");
	if (signerArgument?.some((argument) => argument.includes("\ufffd"))) {
		throw usageError(
			"Give --signer-argument text in UTF-8: one has other bytes, or U+FFFD, with which Node.js replaces them",
		);
	}
	if (source !== "signerCommand" && signerArgument !== undefined) {
		throw usageError("Use --signer-argument with --signer-command");
	}
	if (source !== "signerCommand" && source !== "pkcs11" && signerTimeout !== undefined) {
		throw usageError("Use --signer-timeout with --signer-command or --pkcs11");
	}
	if (source !== "pkcs11" && (pkcs11Module ?? pinFile) !== undefined) {
		throw usageError("Use --pkcs11-module and --pin-file with --pkcs11");
	}
}

function timeoutMs(seconds: string | undefined): number | undefined {
	if (seconds === undefined) return undefined;
	if (!/^[1-9]\d{0,4}$/.test(seconds))
		throw usageError(`Give --signer-timeout whole seconds from 1 to 99999, not ${quote(seconds)}`);
	return Number(seconds) * 1000;
}

/**
 * Returns the first line of `file` if it is given, or else `value` if it is given, or else the answer that the user
 * types on the terminal.
 */
async function readSecret(question: Question, file: string | undefined, value: string | undefined): Promise<string> {
	if (file !== undefined) return firstLine(readInputFile(file, MAX_SECRET_FILE_BYTES));
	return value ?? askSecret(question);
}

function firstLine(bytes: Buffer): string {
	return bytes.toString("utf8").replace(/\r?\n[\s\S]*$/, "");
}

const NO_PASSPHRASE: Question["otherwise"] = {
	code: "ERR_KEY_PASSPHRASE",
	needs: "a passphrase",
	use: `--passphrase-file or ${PASSPHRASE_VARIABLE}`,
};
const NO_PIN: Question["otherwise"] = { code: "ERR_PIN", needs: "a PIN", use: `--pin-file or ${PIN_VARIABLE}` };
const MAX_SECRET_FILE_BYTES = 65_536;
