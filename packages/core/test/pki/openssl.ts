/** Makes certificates for tests with the openssl command line, in a directory that `remove` deletes. */

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync, spawnSync } from "../../../../test/outside.js";
import { type Certificate, certificatesFromPem } from "../../dist/pki/certificate.js";
import { nextRsaKey } from "../kept-keys.js";

/** The tests need `x509 -not_before` of OpenSSL 3.4 and `verify -purpose codesign` of OpenSSL 3.2. */
export const hasOpenssl = isOpensslAtLeast(3, 4);

export type KeyType = "rsa2048" | "rsa1024" | "p256" | "p384" | "ed25519";

export interface Issued {
	readonly certificate: Certificate;
	/** `file` has the certificate and `keyFile` the key, both in PEM. */
	readonly file: string;
	readonly keyFile: string;
	readonly subject: string;
}

export interface Order {
	/** The subject in OpenSSL's form with slashes, `/O=Example/CN=Leaf`. */
	readonly subject: string;
	/** The certificate's issuer. Without one the certificate is self-signed. */
	readonly issuer?: Issued;
	/** Lines of an extension section of openssl's configuration. */
	readonly extensions?: readonly string[];
	readonly key?: KeyType;
	/** Another certificate, whose key this certificate gets. */
	readonly sameKeyAs?: Issued;
	readonly digest?: "sha1" | "sha256" | "sha384" | "md5";
	/** The times are in the form YYYYMMDDHHMMSSZ. */
	readonly notBefore?: string;
	readonly notAfter?: string;
	readonly serial?: string;
}

export interface Workshop {
	readonly directory: string;
	readonly issue: (order: Order) => Issued;
	/** Writes a file with that name and returns its path. */
	readonly write: (name: string, content: string | Uint8Array) => string;
	readonly openssl: (...args: string[]) => Buffer;
	readonly remove: () => void;
}

export const AUTHORITY = [
	"basicConstraints=critical,CA:TRUE",
	"keyUsage=critical,keyCertSign,cRLSign",
	"subjectKeyIdentifier=hash",
];
export const CODE_SIGNER = [
	"basicConstraints=critical,CA:FALSE",
	"keyUsage=critical,digitalSignature",
	"extendedKeyUsage=codeSigning",
	"subjectKeyIdentifier=hash",
	"authorityKeyIdentifier=keyid",
];

export function openWorkshop(): Workshop {
	const directory = mkdtempSync(join(tmpdir(), "sigtool-pki-"));
	const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
	const write = (name: string, content: string | Uint8Array) => {
		const file = join(directory, name);
		writeFileSync(file, content);
		return file;
	};
	let count = 0;
	return {
		directory,
		openssl,
		write,
		issue(order) {
			const name = `${++count}`;
			const { subject, issuer, extensions = AUTHORITY, digest = "sha256" } = order;
			const keyFile = order.sameKeyAs?.keyFile ?? write(`${name}.key`, newKey(order.key ?? "rsa2048"));
			const publicKey = join(directory, `${name}.pub`);
			openssl("pkey", "-in", keyFile, "-pubout", "-out", publicKey);
			const file = join(directory, `${name}.pem`);
			openssl(
				...["x509", "-new", "-subj", subject, "-out", file, "-extfile", write(`${name}.ext`, extensions.join("\n"))],
				...(issuer === undefined
					? ["-signkey", keyFile]
					: ["-force_pubkey", publicKey, "-CA", issuer.file, "-CAkey", issuer.keyFile]),
				...(order.key === "ed25519" ? [] : [`-${digest}`]),
				...["-not_before", order.notBefore ?? "20200101000000Z", "-not_after", order.notAfter ?? "20400101000000Z"],
				...(order.serial === undefined ? [] : ["-set_serial", order.serial]),
			);
			const [certificate] = certificatesFromPem(readFileSync(file, "latin1"));
			return { certificate, file, keyFile, subject };
		},
		remove: () => rmSync(directory, { recursive: true, force: true }),
	};
}

function newKey(type: KeyType): string {
	return newPrivateKey(type).export({ type: "pkcs8", format: "pem" }).toString();
}

function newPrivateKey(type: KeyType): KeyObject {
	switch (type) {
		case "rsa2048":
			return nextRsaKey(2048);
		case "rsa1024":
			return nextRsaKey(1024);
		case "p256":
			return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
		case "p384":
			return generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
		case "ed25519":
			return generateKeyPairSync("ed25519").privateKey;
	}
}

function isOpensslAtLeast(major: number, minor: number): boolean {
	const version = /^OpenSSL (\d+)\.(\d+)/.exec(spawnSync("openssl", ["version"], { encoding: "utf8" }).stdout ?? "");
	if (version === null) return false;
	const [, foundMajor, foundMinor] = version.map(Number);
	return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}
