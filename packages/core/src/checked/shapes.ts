/** Defines the checks of the values that several public functions take as arguments. */

import type { AttributeNaming } from "../formats/attribute-format.js";
import {
	type Check,
	callback,
	finiteNumber,
	listOf,
	made,
	mapOf,
	type ObjectChecks,
	object,
	oneOf,
	optional,
	sha256Text,
	someOf,
	text,
	wholeNumber,
} from "../options/check.js";
import type { TrustedPin } from "../pki/trust-policy.js";
import type {
	AttributeFormat,
	CatalogVerifyOptions,
	Certificate,
	Denial,
	HashProgress,
	PolicySigners,
	RevocationOptions,
	SigtoolError,
	TrustPolicy,
} from "../read.js";
import type { MergeOptions } from "../verify/merge.js";
import type { SourceOptions } from "../verify/sources.js";

export const path = text;
export const paths = listOf(text, "a list of paths");
/** Accepts a list of at least one path. With an empty list, the function would have nothing to do. */
export const somePaths = someOf(text, "a list of paths");
export const texts = listOf(text);
/** Accepts a time in milliseconds since the epoch. */
export const milliseconds = finiteNumber;
/** Accepts a duration in whole milliseconds, at least 1. */
export const duration = wholeNumber(1);

export const certificate = made<Certificate>("a certificate, which parseCertificate() returns", "der", "spki", "tbs");
export const certificates = listOf(certificate, "a list of certificates, which certificatesFromPem() returns");

export const denial: Check<Denial> = object<Denial>({
	kind: oneOf("file", "key", "certificate", "catalog"),
	sha256: sha256Text,
	reason: text,
});

const pins = mapOf(
	sha256Text,
	made<TrustedPin>("a pin, { label, source }", "label", "source"),
	"of pins by their SHA-256",
);

export const trust: Check<TrustPolicy> = object<TrustPolicy>(
	{
		pins,
		authorities: listOf(made<TrustPolicy["authorities"][number]>("a trusted authority", "certificate", "label")),
		timestampAuthorities: optional(certificates),
		deny: optional(listOf(denial)),
		mend: optional(text),
		development: optional(oneOf("allow", "refuse")),
		developmentKey: optional(text),
		within: (value) => (value === undefined ? { accepted: value } : trust(value)),
		policySigners: optional(object<PolicySigners>({ pins, minimumSequence: optional(finiteNumber) })),
	},
	"a trust policy, which defaultTrust() or trustFromCertificates(certificatesFromPem(…)) returns",
);

export const profile = optional(oneOf("default", "windows-legacy"));
export const development = optional(oneOf("refuse", "allow"));
export const onProgress: Check<((done: HashProgress) => void) | undefined> = optional(callback());
export const signal: Check<AbortSignal | undefined> = optional(
	made<AbortSignal>("an AbortSignal", "aborted", "addEventListener"),
);
export const attributeFormat: Check<AttributeFormat> = oneOf("spython", "ima-hash", "ima", "evm", "ima-verity");

export const naming: ObjectChecks<AttributeNaming> = {
	namespace: optional(oneOf("security", "user")),
	attribute: optional(text),
};

export const refusedAuthorities = optional(
	mapOf(sha256Text, made<SigtoolError>("a SigtoolError", "code", "message"), "of errors by the SHA-256 of a key"),
);

export const catalogMembers: ObjectChecks<CatalogVerifyOptions> = {
	trust,
	timestampAnchors: optional(certificates),
	refusedAuthorities,
	at: optional(milliseconds),
	profile,
	product: optional(text),
};

const mergeMembers: ObjectChecks<MergeOptions> = {
	match: optional(oneOf("path", "digest")),
	requiredSigners: optional(wholeNumber(1)),
	profile,
};

export const sourceMembers: ObjectChecks<SourceOptions> = {
	...catalogMembers,
	...mergeMembers,
	catalogs: optional(somePaths),
	root: optional(path),
};

const givenRevocation: Check<RevocationOptions> = object<RevocationOptions>({
	lists: optional(listOf(made("a list that revocationListsFromFileBytes() returns", "issuer", "thisUpdate"))),
	listSource: optional(oneOf("given", "fetch")),
	ocsp: optional(oneOf("require", "prefer", "off")),
	timeoutMs: optional(duration),
});
export const revocation: Check<RevocationOptions | undefined> = optional(givenRevocation);
