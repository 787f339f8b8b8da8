/**
 * Identities: keys with self-signed certificates that sigtool made and keeps for a user, a directory each
 * (`key.pem`, `certificate.pem`). The one named `development` makes itself and is marked as such in its certificate.
 */

import { generateKeyPair } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { promisify } from "node:util";
import { quote, SigtoolError } from "../errors.js";
import { type Certificate, isDevelopmentCertificate } from "../pki/certificate.js";
import { createDirectory, exists, listDirectory } from "../store.js";
import { DEVELOPMENT_IDENTITY, IDENTITY_BACKDATE_MS, identitiesDirectory, identityFiles } from "../user-files.js";
import { certificateToPem, issueCertificate } from "./issue-certificate.js";
import { openPemSigner, readCertificates } from "./pem.js";
import type { Signer } from "./signer.js";

export type IdentityKeyType = "rsa-3072" | "p256" | "p384";

export interface Identity {
	readonly name: string;
	readonly certificate: Certificate;
	readonly development: boolean;
	/** PKCS#8 in PEM, not encrypted, readable by its owner alone. */
	readonly keyFile: string;
	readonly certificateFile: string;
}

export interface IdentityOptions {
	readonly keyType: IdentityKeyType;
	/** Common name of the certificate. */
	readonly subject: string;
	/** Validity from now on. */
	readonly days: number;
}

/**
 * The signer of a user who has no key: RSA 3072, ten years, made when it is first asked for. Processes that ask at the
 * same time get the same one.
 * @throws ERR_CONFIG when what is there is no development identity, ERR_KEY when it has expired, ERR_IO
 */
export async function developmentIdentity(): Promise<Signer> {
	if (!exists(identityFiles(DEVELOPMENT_IDENTITY).keyFile)) {
		const order = { keyType: "rsa-3072", subject: developmentName(), days: 3650, kind: "development" } as const;
		await makeIdentity(DEVELOPMENT_IDENTITY, order); // When another process was faster, its identity is the one.
	}
	const signer = await openIdentity(DEVELOPMENT_IDENTITY);
	if (!signer.development) {
		const { directory } = identityFiles(DEVELOPMENT_IDENTITY);
		const message = `Cannot use the development identity in ${quote(directory)}: its certificate lacks the marker`;
		throw new SigtoolError("ERR_CONFIG", message, { path: directory });
	}
	return signer;
}

/** Makes a new identity; one that exists is never replaced. @throws ERR_USAGE, ERR_IO */
export async function createIdentity(name: string, options: IdentityOptions): Promise<Identity> {
	checkName(name);
	if (name === DEVELOPMENT_IDENTITY) {
		throw new SigtoolError("ERR_USAGE", `Cannot make identity ${quote(name)}: it makes itself when it is needed`);
	}
	// Looked up first as well: a key takes a while to make.
	if (
		exists(identityFiles(name).directory) ||
		(await makeIdentity(name, { ...options, kind: "release" })) === "exists"
	) {
		throw new SigtoolError("ERR_USAGE", `Cannot make identity ${quote(name)}: there is one of that name`);
	}
	return showIdentity(name);
}

/** Every identity, by name. @throws ERR_KEY for a certificate that cannot be read, ERR_IO */
export function listIdentities(): Identity[] {
	const names = listDirectory(identitiesDirectory()).filter((name) => {
		return NAME.test(name) && exists(identityFiles(name).certificateFile);
	});
	return names.map(readIdentity);
}

/** @throws ERR_USAGE when there is none, ERR_KEY for a certificate that cannot be read, ERR_IO */
export function showIdentity(name: string): Identity {
	checkName(name);
	checkExistence(name);
	return readIdentity(name);
}

/** @throws ERR_USAGE when there is none, ERR_KEY, ERR_KEY_MISMATCH, ERR_IO */
export async function openIdentity(name: string, onWarning?: (text: string) => void): Promise<Signer> {
	checkName(name);
	checkExistence(name);
	const { keyFile, certificateFile } = identityFiles(name);
	return openPemSigner({ keyFile, certFile: certificateFile, onWarning });
}

interface NewIdentity extends IdentityOptions {
	readonly kind: "release" | "development";
}

async function makeIdentity(
	name: string,
	{ keyType, subject, days, kind }: NewIdentity,
): Promise<"created" | "exists"> {
	const { privateKey } = await KEY_GENERATORS[keyType]();
	const now = Date.now();
	const certificate = issueCertificate({
		commonName: subject,
		key: privateKey,
		notBefore: now - IDENTITY_BACKDATE_MS,
		notAfter: now + days * DAY_MS,
		kind,
	});
	const key = privateKey.export({ format: "pem", type: "pkcs8" });
	return createDirectory(identityFiles(name).directory, [
		{ name: "key.pem", content: Buffer.from(key), mode: 0o600 },
		{ name: "certificate.pem", content: Buffer.from(certificateToPem(certificate)), mode: 0o644 },
	]);
}

function readIdentity(name: string): Identity {
	const { keyFile, certificateFile } = identityFiles(name);
	const [certificate] = readCertificates(certificateFile);
	return { name, certificate, development: isDevelopmentCertificate(certificate), keyFile, certificateFile };
}

function checkName(name: string): void {
	if (NAME.test(name)) return;
	const rule = "lower-case letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first";
	throw new SigtoolError("ERR_USAGE", `Cannot name an identity ${quote(name)}: use ${rule}`);
}

function checkExistence(name: string): void {
	if (exists(identityFiles(name).directory)) return;
	throw new SigtoolError("ERR_USAGE", `Cannot find identity ${quote(name)}: \`sigtool identity list\` names them all`);
}

/** `sigtool development (jane@workstation)`, cut to what a common name may hold. */
function developmentName(): string {
	return [...`sigtool development (${userName()}@${hostname()}`].slice(0, 63).join("").concat(")");
}

function userName(): string {
	try {
		return userInfo().username;
	} catch {
		return `uid ${process.getuid?.() ?? "unknown"}`; // No entry in the password file, as in many containers.
	}
}

/** Safe as the name of a directory, and without shapes that a path could take. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

const DAY_MS = 86_400_000;

const generate = promisify(generateKeyPair);
const KEY_GENERATORS = {
	"rsa-3072": () => generate("rsa", { modulusLength: 3072 }),
	p256: () => generate("ec", { namedCurve: "P-256" }),
	p384: () => generate("ec", { namedCurve: "P-384" }),
} as const;
