/** Exchanges identities with other programs by certificate requests, imports and PKCS#12 containers. */

import type { KeyObject } from "node:crypto";
import { compareBytes } from "../../asn1/der.js";
import { quote, SigtoolError } from "../../errors.js";
import type { Certificate } from "../../pki/certificate.js";
import { exists } from "../../system/look-up.js";
import { outputFile } from "../../system/output-file.js";
import { writeAtomically } from "../../system/store.js";
import { identityFiles } from "../../system/user-files.js";
import { openKeyFile, readCertificates } from "../pem.js";
import { openContainerFile } from "../pkcs12/pkcs12.js";
import { encodePkcs12, encryptKey } from "../pkcs12/pkcs12-encode.js";
import { checkFitness, type PassphraseSource, signerFromKey } from "../signer.js";
import { type Identity, openIdentity, requireNewName, showIdentity, storeIdentity } from "./identities.js";
import { certificateToPem, requestCertificate, toPem } from "./issue-certificate.js";

/** A function that gets a file's path and returns the source of that file's passphrase. */
export type PassphraseOf = (file: string) => PassphraseSource;

/**
 * Returns a certificate request, PKCS#10 in PEM, with the subject and the key of the identity's certificate.
 * @throws ERR_USAGE if there is no such identity; `ERR_KEY*`, ERR_IO
 * @example
 * ```ts
 * import { requestForIdentity } from "@sigtool/core";
 *
 * const pem = await requestForIdentity("release", () => () => "");
 * console.log(pem.split("\n")[0]); // -----BEGIN CERTIFICATE REQUEST-----
 * ```
 */
export async function requestForIdentity(name: string, passphraseOf: PassphraseOf): Promise<string> {
	const { certificate, keyFile } = showIdentity(name);
	const signer = await openIdentity(name, { passphrase: passphraseOf(keyFile), unfit: "allow" });
	return toPem("CERTIFICATE REQUEST", await requestCertificate(certificate, signer.sign));
}

/**
 * Names the source of an imported key. A key from a PEM file is stored unchanged, encrypted or not. A key from a
 * container is stored encrypted under the container's passphrase.
 */
export type ImportSource = { readonly keyFile: string; readonly certFile: string } | { readonly containerFile: string };

/** The options of `importIdentity`. */
export interface ImportOptions {
	readonly chainFiles: readonly string[];
	readonly passphraseOf: PassphraseOf;
	readonly onWarning?: (text: string) => void;
}

/**
 * Imports a key with its certificates under a new name. The key and its certificate must be fit to sign catalogs today.
 * @throws ERR_USAGE, `ERR_KEY*`, `ERR_PKCS12*`, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { importIdentity } from "@sigtool/core";
 *
 * const source = { containerFile: "release.p12" };
 * const { name } = await importIdentity("imported", source, { chainFiles: [], passphraseOf: () => () => "secret" });
 * console.log(name); // imported
 * ```
 */
export async function importIdentity(name: string, source: ImportSource, options: ImportOptions): Promise<Identity> {
	requireNewName(name);
	const chain = options.chainFiles.flatMap(readCertificates);
	const { key, pem, certificates } =
		"keyFile" in source ? await fromPem(source, options) : await fromPkcs12(source, options);
	const signer = signerFromKey(key, [...certificates, ...chain]);
	storeIdentity(name, pem, signer.certificates);
	return showIdentity(name);
}

interface Imported {
	readonly key: KeyObject;
	readonly pem: string;
	readonly certificates: readonly Certificate[];
}

async function fromPem(
	{ keyFile, certFile }: { readonly keyFile: string; readonly certFile: string },
	{ passphraseOf, onWarning }: ImportOptions,
): Promise<Imported> {
	const certificates = readCertificates(certFile);
	return { ...(await openKeyFile(keyFile, passphraseOf(keyFile), onWarning)), certificates };
}

async function fromPkcs12(
	{ containerFile: file }: { readonly containerFile: string },
	{ passphraseOf, onWarning }: ImportOptions,
): Promise<Imported> {
	const passphrase = await passphraseOf(file)();
	const { key, certificates } = await openContainerFile({ file, passphrase: () => passphrase, onWarning });
	return { key, pem: toPem("ENCRYPTED PRIVATE KEY", encryptKey(key, passphrase)), certificates };
}

/**
 * Replaces the identity's certificate by a new one of the same key, usually from an authority. The other certificates
 * in `files` are stored as those of its issuers.
 * @throws ERR_USAGE if there is no such identity, or if it is a development identity; ERR_KEY_MISMATCH, ERR_KEY,
 * ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { importCertificate } from "@sigtool/core";
 *
 * const { certificate } = importCertificate("release", ["release.crt"]);
 * console.log(certificate.issuer.text); // CN=ca
 * ```
 */
export function importCertificate(name: string, files: readonly string[]): Identity {
	const { certificate, development } = showIdentity(name);
	if (development) {
		const message = `Cannot import into ${quote(name)}: it is a development identity, and stays marked as one`;
		throw new SigtoolError("ERR_USAGE", message);
	}
	const certificates = files.flatMap(readCertificates);
	const leaf = certificates.find(({ spki }) => compareBytes(spki, certificate.spki) === 0);
	if (leaf === undefined) {
		const message = `Cannot import into ${quote(name)}: no certificate in ${quote(files[0])} belongs to its key`;
		throw new SigtoolError("ERR_KEY_MISMATCH", message);
	}
	checkFitness(leaf);
	const issuers = certificates.filter((each) => compareBytes(each.spki, leaf.spki) !== 0);
	const pem = [leaf, ...issuers].map(certificateToPem).join("");
	writeAtomically(identityFiles(name).certificateFile, Buffer.from(pem));
	return showIdentity(name);
}

/** The options of `exportIdentity`. */
export interface ExportOptions {
	readonly output: string;
	/** Passphrase of the container. It also opens the identity's key, if that key is encrypted. */
	readonly passphrase: string;
	/** The value `any` replaces an existing file. Default `refuse`. */
	readonly overwrite?: "refuse" | "any";
}

/**
 * Writes key and certificates of an identity as a PKCS#12 container that only its owner can read.
 * @throws ERR_USAGE if there is no such identity; ERR_OUTPUT_EXISTS if `output` exists and `overwrite` is `refuse`;
 * `ERR_KEY*`, ERR_IO
 * @example
 * ```ts
 * import { exportIdentity } from "@sigtool/core";
 *
 * await exportIdentity("release", { output: "backup.p12", passphrase: "a long passphrase" });
 * ```
 */
export async function exportIdentity(
	name: string,
	{ output, passphrase, overwrite }: ExportOptions,
): Promise<Identity> {
	const identity = showIdentity(name);
	const written = outputFile(output);
	if (overwrite !== "any" && exists(written)) {
		const message = `Cannot write ${quote(output)}: there is a file of that name; --force replaces it`;
		throw new SigtoolError("ERR_OUTPUT_EXISTS", message, { path: output });
	}
	const { certificate, issuers, keyFile } = identity;
	const { key } = await openKeyFile(keyFile, () => passphrase);
	const container = encodePkcs12({ key, certificates: [certificate, ...issuers], friendlyName: name, passphrase });
	writeAtomically(written, container, { mode: 0o600 });
	return identity;
}
