/**
 * Manages identities: keys and certificates that sigtool keeps for a user. Each identity has a directory. `key.pem` is
 * the key. `certificate.pem` is the certificate, followed by the certificates of its issuers. sigtool makes the
 * identity named `development` at its first use, and marks its certificate as a development certificate.
 */

import { createPublicKey, generateKeyPair } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { promisify } from "node:util";
import { COMMAND, quote, SigtoolError, shell } from "../../errors.js";
import { type Certificate, isDevelopmentCertificate, publicKeyOf } from "../../pki/certificate.js";
import { type DevelopmentUse, developmentUse, requireDevelopmentUse } from "../../system/development-use.js";
import { exists, listDirectory } from "../../system/look-up.js";
import { createDirectory } from "../../system/store.js";
import {
	DEVELOPMENT_IDENTITY,
	IDENTITY_BACKDATE_MS,
	identitiesDirectory,
	identityFiles,
} from "../../system/user-files.js";
import { openKeyFile, openPemSigner, type PemSignerOptions, readCertificates } from "../pem.js";
import type { PassphraseSource, Signer } from "../signer.js";
import { type CertificateOrder, certificateToPem, issueCertificate } from "./issue-certificate.js";

/** The type of a new key: RSA with 3072 bits, or ECDSA on the curve P-256 or P-384. */
export type IdentityKeyType = "rsa-3072" | "p256" | "p384";

/** A key with its certificate that sigtool keeps for this user. */
export interface Identity {
	readonly name: string;
	readonly certificate: Certificate;
	/** The certificates of the issuers, if they are in `certificateFile`. */
	readonly issuers: readonly Certificate[];
	readonly development: boolean;
	/** Path of the key in PEM. Only its owner can read the file. The key is encrypted if it was imported encrypted. */
	readonly keyFile: string;
	readonly certificateFile: string;
}

/** The options of `createIdentity`. */
export interface IdentityOptions {
	readonly keyType: IdentityKeyType;
	/** The common name of the certificate. */
	readonly subject: string;
	/** The certificate expires this many days from now, but never later than the certificate of the authority. */
	readonly days: number;
	/** An `authority` signs certificates and nothing else. Default `signer`. */
	readonly role?: "signer" | "authority";
	/** The name of the authority that issues the certificate. If undefined, the certificate is self-signed. */
	readonly issuedBy?: string;
	/** The passphrase of the authority's key, if that key is encrypted. */
	readonly passphrase?: PassphraseSource;
}

/**
 * Returns the signer for a user that has no key. The first call makes its key, RSA with 3072 bits, and a certificate
 * for ten years. Processes that call this function at the same time get the same identity.
 * @throws ERR_DEVELOPMENT_REFUSED if `use` or SIGTOOL_DEVELOPMENT refuses development identities; ERR_CONFIG if the
 * certificate lacks the development marker; ERR_KEY if the certificate has expired; ERR_IO
 * @example
 * ```ts
 * import { developmentIdentity, signPaths } from "@sigtool/core";
 *
 * const signer = await developmentIdentity();
 * await signPaths(["src"], { signer });
 * console.log(signer.development); // true
 * ```
 */
export async function developmentIdentity(use: DevelopmentUse = developmentUse()): Promise<Signer> {
	requireDevelopmentUse(use);
	if (!exists(identityFiles(DEVELOPMENT_IDENTITY).keyFile)) {
		const order = { keyType: "rsa-3072", subject: developmentName(), days: 3650, kind: "development" } as const;
		await makeIdentity(DEVELOPMENT_IDENTITY, order); // If another process made the identity first, it is kept.
	}
	const signer = await openIdentity(DEVELOPMENT_IDENTITY);
	if (!signer.development) {
		const { directory } = identityFiles(DEVELOPMENT_IDENTITY);
		const message = `Cannot use the development identity in ${quote(directory)}: its certificate lacks the development marker`;
		throw new SigtoolError("ERR_CONFIG", message, { path: directory });
	}
	return signer;
}

/**
 * Makes a new identity and returns it. An existing identity is never replaced.
 * @throws ERR_USAGE, `ERR_KEY*`, ERR_IO
 * @example
 * ```ts
 * import { createIdentity, openPemSigner } from "@sigtool/core";
 *
 * const order = { keyType: "p256", subject: "Nightly", days: 90 } as const;
 * const { keyFile, certificateFile } = await createIdentity("nightly", order);
 * const signer = await openPemSigner({ keyFile, certFile: certificateFile });
 * console.log(signer.certificates[0].subject.text); // CN=Nightly
 * ```
 */
export async function createIdentity(name: string, options: IdentityOptions): Promise<Identity> {
	requireNewName(name);
	const { role = "signer", issuedBy, passphrase } = options;
	const issuer = issuedBy === undefined ? undefined : await openAuthority(issuedBy, passphrase);
	const kind = role === "authority" ? role : "release";
	if ((await makeIdentity(name, { ...options, kind, issuer })) === "exists") throw nameTaken(name);
	return showIdentity(name);
}

/** Refuses a name that no new identity can have. @throws ERR_USAGE, ERR_IO */
export function requireNewName(name: string): void {
	checkName(name);
	if (name === DEVELOPMENT_IDENTITY) {
		throw new SigtoolError("ERR_USAGE", `Cannot make identity ${quote(name)}: sigtool makes it when it is needed`);
	}
	if (exists(identityFiles(name).directory)) throw nameTaken(name);
}

/** Writes a key and its certificates as a new identity. @throws ERR_USAGE if an identity of that name exists; ERR_IO */
export function storeIdentity(name: string, keyPem: string, certificates: readonly Certificate[]): void {
	if (writeIdentity(name, keyPem, certificates) === "exists") throw nameTaken(name);
}

function nameTaken(name: string): SigtoolError {
	const mend = `\`${shell`${COMMAND} identity show ${name}`}\` shows it; use it, or take another name`;
	return new SigtoolError("ERR_USAGE", `Cannot make identity ${quote(name)}: it exists already; ${mend}`);
}

/**
 * Returns every identity that has a certificate file, sorted by name.
 * @throws ERR_KEY for a certificate that cannot be read, ERR_IO
 * @example
 * ```ts
 * import { listIdentities } from "@sigtool/core";
 *
 * console.log(listIdentities().map(({ name }) => name)); // [ 'ca', 'release' ]
 * ```
 */
export function listIdentities(): Identity[] {
	const names = listDirectory(identitiesDirectory()).filter((name) => {
		return NAME.test(name) && exists(identityFiles(name).certificateFile);
	});
	return names.map(readIdentity);
}

/**
 * Returns the identity of this name.
 * @throws ERR_USAGE if there is no such identity; ERR_KEY for a certificate that cannot be read; ERR_IO
 * @example
 * ```ts
 * import { showIdentity } from "@sigtool/core";
 *
 * const { certificate } = showIdentity("release");
 * console.log(certificate.subject.text, new Date(certificate.notAfter) > new Date()); // CN=release true
 * ```
 */
export function showIdentity(name: string): Identity {
	checkName(name);
	checkExistence(name);
	return readIdentity(name);
}

/**
 * Opens the key of an identity. The key must belong to the identity's certificate.
 * @throws ERR_USAGE if there is no such identity; `ERR_KEY*`, ERR_IO
 */
export async function openIdentity(name: string, options: OpenIdentityOptions = {}): Promise<Signer> {
	const { keyFile, certificateFile } = showIdentity(name);
	return openPemSigner({ ...options, keyFile, certFile: certificateFile });
}

export type OpenIdentityOptions = Pick<PemSignerOptions, "passphrase" | "onWarning" | "unfit">;

type Issuer = NonNullable<CertificateOrder["issuer"]>;

interface NewIdentity extends IdentityOptions {
	readonly kind: CertificateOrder["kind"];
	readonly issuer?: Issuer;
}

async function openAuthority(name: string, passphrase: PassphraseSource | undefined): Promise<Issuer> {
	const { certificate, keyFile } = showIdentity(name);
	if (certificate.extensions.basicConstraints?.isAuthority !== true) {
		const message = `Cannot issue with ${quote(name)}: it is not an authority; make one with \`${COMMAND} identity new NAME --ca\``;
		throw new SigtoolError("ERR_USAGE", message);
	}
	if (certificate.notAfter <= Date.now()) {
		throw new SigtoolError("ERR_KEY", `Cannot issue with ${quote(name)}: its certificate has expired`);
	}
	const { key } = await openKeyFile(keyFile, passphrase);
	if (!createPublicKey(key).equals(publicKeyOf(certificate))) {
		throw new SigtoolError(
			"ERR_KEY_MISMATCH",
			`Cannot issue with ${quote(name)}: its certificate belongs to another key`,
		);
	}
	return { certificate, key };
}

async function makeIdentity(
	name: string,
	{ keyType, subject, days, kind, issuer }: NewIdentity,
): Promise<"created" | "exists"> {
	const { privateKey } = await KEY_GENERATORS[keyType]();
	const now = Date.now();
	const certificate = issueCertificate({
		commonName: subject,
		key: privateKey,
		issuer,
		notBefore: now - IDENTITY_BACKDATE_MS,
		notAfter: Math.min(now + days * DAY_MS, issuer?.certificate.notAfter ?? Number.POSITIVE_INFINITY),
		kind,
	});
	const key = privateKey.export({ format: "pem", type: "pkcs8" });
	return writeIdentity(name, key.toString(), issuer === undefined ? [certificate] : [certificate, issuer.certificate]);
}

function writeIdentity(name: string, keyPem: string, certificates: readonly Certificate[]): "created" | "exists" {
	return createDirectory(identityFiles(name).directory, [
		{ name: "key.pem", content: Buffer.from(keyPem), mode: 0o600 },
		{ name: "certificate.pem", content: Buffer.from(certificates.map(certificateToPem).join("")), mode: 0o644 },
	]);
}

function readIdentity(name: string): Identity {
	const { keyFile, certificateFile } = identityFiles(name);
	const [certificate, ...issuers] = readCertificates(certificateFile);
	const development = isDevelopmentCertificate(certificate);
	return { name, certificate, issuers, development, keyFile, certificateFile };
}

function checkName(name: string): void {
	if (NAME.test(name)) return;
	const rule = "lower-case letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first";
	throw new SigtoolError("ERR_USAGE", `Cannot name an identity ${quote(name)}: use ${rule}`);
}

function checkExistence(name: string): void {
	if (exists(identityFiles(name).directory)) return;
	throw new SigtoolError(
		"ERR_USAGE",
		`Cannot find identity ${quote(name)}: \`${COMMAND} identity list\` shows all identities`,
	);
}

/** Returns a text like `sigtool development (jane@workstation)`, cut to the maximum length of a common name. */
function developmentName(): string {
	return [...`sigtool development (${userName()}@${hostname()}`].slice(0, 63).join("").concat(")");
}

function userName(): string {
	try {
		return userInfo().username;
	} catch {
		return `uid ${process.getuid?.() ?? "unknown"}`; // Many containers have no entry for this user.
	}
}

/**
 * Matches names that are safe for a directory and cannot be mistaken for a path, because they have no `/` and do not
 * begin with a dot.
 */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

const DAY_MS = 86_400_000;

const generate = promisify(generateKeyPair);
const KEY_GENERATORS = {
	"rsa-3072": () => generate("rsa", { modulusLength: 3072 }),
	p256: () => generate("ec", { namedCurve: "P-256" }),
	p384: () => generate("ec", { namedCurve: "P-384" }),
} as const;
