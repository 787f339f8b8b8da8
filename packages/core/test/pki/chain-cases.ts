/**
 * Lists chains that openssl makes, and the decision about each chain. The chains are judged for the time AT, with the
 * root as trust anchor.
 */

import { parseCertificate } from "../../dist/pki/certificate.js";
import { AUTHORITY, CODE_SIGNER, type Issued, type Workshop } from "./openssl.js";

/** The time for which the cases are judged. */
export const AT = Date.UTC(2025, 0, 1);

export const INTERMEDIATE = [...AUTHORITY, "authorityKeyIdentifier=keyid"];

export interface ChainParts {
	readonly workshop: Workshop;
	readonly root: Issued;
	/** An authority below the root. */
	readonly middle: Issued;
	/** A signer below `middle`. */
	readonly leaf: Issued;
	readonly authority: (issuer: Issued, name: string, extensions?: readonly string[]) => Issued;
	readonly signer: (issuer: Issued, extensions?: readonly string[]) => Issued;
}

export function makeChainParts(workshop: Workshop): ChainParts {
	const root = workshop.issue({ subject: "/CN=Root" });
	const middle = workshop.issue({ subject: "/CN=Middle", issuer: root, extensions: INTERMEDIATE });
	return {
		workshop,
		root,
		middle,
		leaf: workshop.issue({ subject: "/O=Example/CN=Signer", issuer: middle, extensions: CODE_SIGNER }),
		authority: (issuer, name, extensions = INTERMEDIATE) =>
			workshop.issue({ subject: `/CN=${name}`, issuer, extensions, key: "p256" }),
		signer: (issuer, extensions = CODE_SIGNER) =>
			workshop.issue({ subject: "/O=Example/CN=Signer", issuer, extensions, key: "p256" }),
	};
}

/**
 * Replaces the lines of extensions that also occur in `changes`. A change that has a name without a value removes the
 * line.
 */
export function replacing(lines: readonly string[], ...changes: string[]): string[] {
	const names = changes.map((line) => line.split("=")[0]);
	const kept = lines.filter((line) => !names.includes(line.split("=")[0]));
	return [...kept, ...changes.filter((line) => line.includes("="))];
}

export interface ChainCase {
	readonly make: (parts: ChainParts) => [leaf: Issued, ...intermediates: Issued[]];
	/** `ok`, or the code of the error. */
	readonly expect: string;
	/** `ok` if openssl accepts what sigtool refuses. */
	readonly openssl?: "ok";
}

export const CHAIN_CASES: Readonly<Record<string, ChainCase>> = {
	"a leaf under one intermediate": { expect: "ok", make: ({ middle, leaf }) => [leaf, middle] },
	"three levels of authorities": {
		expect: "ok",
		make: ({ middle, authority, signer }) => {
			const lower = authority(middle, "Lower");
			return [signer(lower), lower, middle];
		},
	},
	"EC keys throughout": {
		expect: "ok",
		make: ({ workshop, root, signer }) => {
			const issuer = workshop.issue({ subject: "/CN=EC", issuer: root, extensions: INTERMEDIATE, key: "p384" });
			return [signer(issuer), issuer];
		},
	},
	"certificate policies with critical mappings, three levels": {
		expect: "ok",
		make: ({ root, authority, signer }) => {
			const policies = ["certificatePolicies=1.2.3.4", "policyMappings=critical,1.2.3.4:1.2.3.5"];
			const upper = authority(root, "Policies", [...INTERMEDIATE, ...policies]);
			const lower = authority(upper, "Mapped", [...INTERMEDIATE, "certificatePolicies=1.2.3.5"]);
			return [signer(lower, [...CODE_SIGNER, "certificatePolicies=1.2.3.5"]), lower, upper];
		},
	},
	"name constraints permitted and obeyed": {
		expect: "ok",
		make: ({ root, authority, signer }) => {
			const issuer = authority(root, "Constrained", [
				...INTERMEDIATE,
				"nameConstraints=critical,permitted;DNS:example.com",
			]);
			return [signer(issuer, [...CODE_SIGNER, "subjectAltName=DNS:build.example.com"]), issuer];
		},
	},
	"an expired leaf": {
		expect: "ERR_CERTIFICATE_EXPIRED",
		make: ({ workshop, middle }) => {
			const expired = { subject: "/CN=Old", issuer: middle, extensions: CODE_SIGNER, notAfter: "20241231235959Z" };
			return [workshop.issue(expired), middle];
		},
	},
	"a leaf that is not yet valid": {
		expect: "ERR_CERTIFICATE_NOT_YET_VALID",
		make: ({ workshop, middle }) => {
			const early = { subject: "/CN=New", issuer: middle, extensions: CODE_SIGNER, notBefore: "20250101000001Z" };
			return [workshop.issue(early), middle];
		},
	},
	"an expired intermediate": {
		expect: "ERR_CERTIFICATE_EXPIRED",
		make: ({ workshop, root, signer }) => {
			const expired = { subject: "/CN=Old", issuer: root, extensions: INTERMEDIATE, notAfter: "20241231235959Z" };
			const issuer = workshop.issue(expired);
			return [signer(issuer), issuer];
		},
	},
	"an intermediate with CA:FALSE": {
		expect: "ERR_CERTIFICATE_CONSTRAINTS",
		make: ({ root, authority, signer }) => {
			const issuer = authority(root, "No authority", replacing(INTERMEDIATE, "basicConstraints=critical,CA:FALSE"));
			return [signer(issuer), issuer];
		},
	},
	"an intermediate without basicConstraints": {
		expect: "ERR_CERTIFICATE_CONSTRAINTS",
		make: ({ root, authority, signer }) => {
			const issuer = authority(root, "Unsaid", replacing(INTERMEDIATE, "basicConstraints"));
			return [signer(issuer), issuer];
		},
	},
	"an intermediate without keyCertSign": {
		expect: "ERR_CERTIFICATE_PURPOSE",
		make: ({ root, authority, signer }) => {
			const issuer = authority(
				root,
				"No issuing",
				replacing(INTERMEDIATE, "keyUsage=critical,digitalSignature,cRLSign"),
			);
			return [signer(issuer), issuer];
		},
	},
	"an authority below one with path length 0": {
		expect: "ERR_CERTIFICATE_CONSTRAINTS",
		make: ({ root, authority, signer }) => {
			const upper = authority(root, "Last", replacing(INTERMEDIATE, "basicConstraints=critical,CA:TRUE,pathlen:0"));
			const lower = authority(upper, "One too many");
			return [signer(lower), lower, upper];
		},
	},
	"a name outside what is permitted": {
		expect: "ERR_CERTIFICATE_CONSTRAINTS",
		make: ({ root, authority, signer }) => {
			const issuer = authority(root, "Constrained", [
				...INTERMEDIATE,
				"nameConstraints=critical,permitted;DNS:example.com",
			]);
			return [signer(issuer, [...CODE_SIGNER, "subjectAltName=DNS:badexample.com"]), issuer];
		},
	},
	"a name that is excluded": {
		expect: "ERR_CERTIFICATE_CONSTRAINTS",
		make: ({ root, authority, signer }) => {
			const issuer = authority(root, "Constrained", [
				...INTERMEDIATE,
				"nameConstraints=critical,excluded;email:example.com",
			]);
			return [signer(issuer, [...CODE_SIGNER, "subjectAltName=email:dev@EXAMPLE.com"]), issuer];
		},
	},
	"a leaf for servers": {
		expect: "ERR_CERTIFICATE_PURPOSE",
		make: ({ middle, signer }) => [signer(middle, replacing(CODE_SIGNER, "extendedKeyUsage=serverAuth")), middle],
	},
	"a leaf without extended key usage": {
		expect: "ERR_CERTIFICATE_PURPOSE",
		make: ({ middle, signer }) => [signer(middle, replacing(CODE_SIGNER, "extendedKeyUsage")), middle],
	},
	"an intermediate for servers": {
		expect: "ERR_CERTIFICATE_PURPOSE",
		openssl: "ok", // OpenSSL does not apply the extended key usages of an issuer.
		make: ({ root, authority, signer }) => {
			const issuer = authority(root, "Servers", [...INTERMEDIATE, "extendedKeyUsage=serverAuth"]);
			return [signer(issuer), issuer];
		},
	},
	"an unknown critical extension": {
		expect: "ERR_CERTIFICATE_EXTENSION",
		make: ({ middle, signer }) => [signer(middle, [...CODE_SIGNER, "1.2.3.4=critical,DER:0500"]), middle],
	},
	"a leaf whose key usage lacks digitalSignature": {
		expect: "ERR_CERTIFICATE_PURPOSE",
		make: ({ middle, signer }) => [signer(middle, replacing(CODE_SIGNER, "keyUsage=critical,keyAgreement")), middle],
	},
	"a leaf signed with SHA-1": {
		expect: "ERR_WEAK_DIGEST",
		make: ({ workshop, middle }) => [
			workshop.issue({ subject: "/CN=Weak", issuer: middle, extensions: CODE_SIGNER, digest: "sha1" }),
			middle,
		],
	},
	"a leaf with an RSA key of 1024 bits": {
		expect: "ERR_WEAK_KEY",
		make: ({ workshop, middle }) => [
			workshop.issue({ subject: "/CN=Short", issuer: middle, extensions: CODE_SIGNER, key: "rsa1024" }),
			middle,
		],
	},
	"a child of a leaf": {
		expect: "ERR_CERTIFICATE_CONSTRAINTS",
		make: ({ middle, leaf, signer }) => [signer(leaf), leaf, middle],
	},
	"a root of the same name with another key": {
		expect: "ERR_CERTIFICATE_SIGNATURE",
		make: ({ workshop, authority, signer }) => {
			const impostor = workshop.issue({ subject: "/CN=Root" });
			const issuer = authority(impostor, "Stranger", replacing(INTERMEDIATE, "authorityKeyIdentifier"));
			return [signer(issuer), issuer];
		},
	},
	"a leaf that was tampered with": {
		expect: "ERR_CERTIFICATE_SIGNATURE",
		make: ({ workshop, middle, leaf }) => {
			const bytes = Buffer.from(leaf.certificate.der);
			bytes[bytes.lastIndexOf("Signer")] ^= 0x01;
			const pem = `-----BEGIN CERTIFICATE-----\n${bytes.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
			const file = workshop.write("tampered.pem", pem);
			return [{ ...leaf, file, certificate: parseCertificate(bytes) }, middle];
		},
	},
};
