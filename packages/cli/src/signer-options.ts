/** From key options to a Signer. Secrets come from a file, the environment or a prompt, never from an argument. */

import { developmentIdentity, openPemSigner, openPkcs12Signer, type Signer } from "@sigtool/core";
import { quote } from "@sigtool/core/errors";
import { readInputFile } from "./input-file.js";
import { readPassphrase } from "./prompt.js";
import { usageError } from "./usage.js";

export interface KeyOptions {
	readonly key?: string;
	readonly cert?: string;
	readonly chain?: readonly string[];
	readonly p12?: string;
	readonly passphraseFile?: string;
}

const MAX_PASSPHRASE_FILE_BYTES = 65_536;

/** Environment variable that may hold the passphrase. */
export const PASSPHRASE_VARIABLE = "SIGTOOL_PASSPHRASE";

/** Whether any option names a key. */
export function namesKey({ key, cert, chain = [], p12 }: KeyOptions): boolean {
	return key !== undefined || cert !== undefined || p12 !== undefined || chain.length > 0;
}

/** @throws ERR_USAGE for key options that do not fit together; ERR_KEY*, ERR_PKCS12* */
export async function openSigner(options: KeyOptions, onWarning: (text: string) => void): Promise<Signer> {
	const { key, cert, chain = [], p12 } = options;
	if (p12 !== undefined) {
		if (key !== undefined || cert !== undefined) throw usageError("Use --p12 alone, or --key with --cert");
		return openPkcs12Signer({ file: p12, chainFiles: chain, passphrase: () => passphrase(options, p12), onWarning });
	}
	if (key !== undefined) {
		if (cert === undefined) throw usageError("Name the key's certificate with --cert");
		return openPemSigner({
			keyFile: key,
			certFile: cert,
			chainFiles: chain,
			passphrase: () => passphrase(options, key),
			onWarning,
		});
	}
	if (cert !== undefined || chain.length > 0) throw usageError("Name the private key with --key");
	return developmentIdentity();
}

async function passphrase({ passphraseFile }: KeyOptions, subject: string): Promise<string> {
	if (passphraseFile !== undefined) {
		return readInputFile(passphraseFile, MAX_PASSPHRASE_FILE_BYTES)
			.toString("utf8")
			.replace(/\r?\n[\s\S]*$/, "");
	}
	const fromEnvironment = process.env[PASSPHRASE_VARIABLE];
	if (fromEnvironment !== undefined) return fromEnvironment;
	return readPassphrase(`Passphrase for ${quote(subject)}: `);
}
