/** The checks of values that are arguments of several public functions. */

import type { AttributeNaming } from "../formats/attribute-format.js";
import {
	type Check,
	callback,
	finiteNumber,
	listOf,
	made,
	type ObjectChecks,
	object,
	oneOf,
	optional,
	text,
} from "../options/check.js";
import type {
	AttributeFormat,
	CatalogVerifyOptions,
	Certificate,
	Denial,
	HashProgress,
	RevocationOptions,
	TrustPolicy,
} from "../read.js";
import type { MergeOptions } from "../verify/merge.js";
import type { SourceOptions } from "../verify/sources.js";

export const path = text;
export const paths = listOf(text, "a list of paths");
export const texts = listOf(text);
/** A number of milliseconds: a duration, or a time since the epoch. */
export const milliseconds = finiteNumber;

export const certificate = made<Certificate>("a certificate, which parseCertificate() returns", "der", "spki", "tbs");
export const certificates = listOf(certificate, "a list of certificates, which certificatesFromPem() returns");

export const denial: Check<Denial> = object<Denial>({
	kind: oneOf("file", "key", "certificate", "catalog"),
	sha256: text,
	reason: text,
});

export const trust: Check<TrustPolicy> = object<TrustPolicy>(
	{
		pins: made<TrustPolicy["pins"]>("a Map", "get", "entries"),
		authorities: listOf(made<TrustPolicy["authorities"][number]>("a trusted authority", "certificate", "label")),
		timestampAuthorities: optional(certificates),
		deny: optional(listOf(denial)),
		mend: optional(text),
		development: optional(oneOf("allow", "refuse")),
	},
	"a trust policy, which defaultTrust() or trustFromCertificates(certificatesFromPem(…)) returns",
);

export const profile = optional(oneOf("default", "windows-legacy"));
export const development = optional(oneOf("refuse", "allow"));
export const onProgress: Check<((done: HashProgress) => void) | undefined> = optional(callback());
export const attributeFormat: Check<AttributeFormat> = oneOf("spython", "ima-hash", "ima", "evm", "ima-verity");

export const naming: ObjectChecks<AttributeNaming> = {
	namespace: optional(oneOf("security", "user")),
	attribute: optional(text),
};

export const refusedAuthorities = optional(
	made<NonNullable<CatalogVerifyOptions["refusedAuthorities"]>>("a Map", "get", "entries"),
);

export const catalogMembers: ObjectChecks<CatalogVerifyOptions> = {
	trust,
	timestampAnchors: optional(certificates),
	refusedAuthorities,
	at: optional(milliseconds),
	profile,
	product: optional(text),
};

export const mergeMembers: ObjectChecks<MergeOptions> = {
	match: optional(oneOf("path", "digest")),
	requiredSigners: optional(finiteNumber),
	profile,
};

export const sourceMembers: ObjectChecks<SourceOptions> = {
	...catalogMembers,
	...mergeMembers,
	catalogs: optional(paths),
	root: optional(path),
};

export const givenRevocation: Check<RevocationOptions> = object<RevocationOptions>({
	lists: optional(listOf(made("a list that revocationListsFromFileBytes() returns", "issuer", "thisUpdate"))),
	listSource: optional(oneOf("given", "fetch")),
	ocsp: optional(oneOf("require", "prefer", "off")),
	timeoutMs: optional(milliseconds),
});
export const revocation: Check<RevocationOptions | undefined> = optional(givenRevocation);
