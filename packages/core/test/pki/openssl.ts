/**
 * Makes certificates for tests, in files of a directory that `remove` deletes. The openssl command line judges them, and
 * makes what no code of sigtool can make.
 */

import { createPrivateKey, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync, needs, skip } from "../../../../test/outside.js";
import type { Certificate } from "../../dist/pki/certificate.js";
import { certificateToPem } from "../../dist/signer/identity/issue-certificate.js";
import { toPem } from "../kept-keys.js";
import { AUTHORITY, type KeyType, makeCertificate, newPrivateKey } from "./make-certificate.js";

export { AUTHORITY, CODE_SIGNER } from "./make-certificate.js";

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
	/** Lines of an extension section of OpenSSL's configuration. */
	readonly extensions?: readonly string[];
	readonly key?: KeyType;
	/** Another certificate, whose key this certificate gets. */
	readonly sameKeyAs?: Issued;
	readonly digest?: "sha1" | "sha256" | "sha384" | "md5";
	/** The times are in the form YYYYMMDDHHMMSSZ. */
	readonly notBefore?: string;
	readonly notAfter?: string;
	/** The serial number in hexadecimal. */
	readonly serial?: string;
}

export interface Workshop {
	readonly directory: string;
	readonly issue: (order: Order) => Issued;
	/** Writes a file with that name and returns its path. */
	readonly write: (name: string, content: string | Uint8Array) => string;
	/** Runs openssl, as `needsOpenssl` allows. */
	readonly openssl: (...args: string[]) => Buffer;
	readonly remove: () => void;
}

export function openWorkshop(): Workshop {
	const directory = mkdtempSync(join(tmpdir(), "sigtool-pki-"));
	const openssl = (...args: string[]) => {
		needsOpenssl();
		return execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
	};
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
			const { subject, issuer, extensions = AUTHORITY, digest } = order;
			const keyFile = order.sameKeyAs?.keyFile ?? write(`${name}.key`, toPem(newPrivateKey(order.key ?? "rsa2048")));
			const certificate = makeCertificate({
				subject,
				key: keyIn(keyFile),
				issuer: issuer && { certificate: issuer.certificate, key: keyIn(issuer.keyFile) },
				extensions,
				digest,
				notBefore: parseTime(order.notBefore ?? "20200101000000Z"),
				notAfter: parseTime(order.notAfter ?? "20400101000000Z"),
				serial: order.serial === undefined ? undefined : Buffer.from(order.serial, "hex"),
			});
			return { certificate, file: write(`${name}.pem`, certificateToPem(certificate)), keyFile, subject };
		},
		remove: () => rmSync(directory, { recursive: true, force: true }),
	};
}

function keyIn(file: string): KeyObject {
	return createPrivateKey(readFileSync(file));
}

/** Reads a time in the form YYYYMMDDHHMMSSZ. */
function parseTime(text: string): number {
	return Date.parse(text.replace(/^(....)(..)(..)(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

/** Skips the running test, or each of the group whose hook runs, without the `verify -purpose codesign` of OpenSSL 3.2. */
export function needsOpenssl(): void {
	needs("openssl");
	version ??= String(execFileSync("openssl", ["version"]));
	const [, major, minor] = /^OpenSSL (\d+)\.(\d+)/.exec(version) ?? [];
	if (Number(major) < 3 || (major === "3" && Number(minor) < 2)) skip(`openssl is older than 3.2: ${version.trim()}`);
}

let version: string | undefined;
