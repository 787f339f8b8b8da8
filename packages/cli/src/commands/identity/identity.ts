import {
	createIdentity,
	exportIdentity,
	type Identity,
	type ImportSource,
	importCertificate,
	importIdentity,
	listIdentities,
	requestForIdentity,
	showIdentity,
	spkiSha256,
} from "@sigtool/core";
import { expiryNotice } from "@sigtool/core/internal";
import { COMMAND, shell } from "@sigtool/core/internal/errors";
import { newPassphrase, passphrases } from "../../options/signer-options.js";
import { requireOutputName, usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { isoTime, signerFields, signerRows } from "../../output/render.js";

interface PassphraseOptions extends OutputOptions {
	readonly passphraseFile?: string;
}

export interface IdentityNewOptions extends PassphraseOptions {
	readonly keyType: "rsa-3072" | "p256" | "p384";
	readonly commonName?: string;
	readonly days: string;
	readonly ca?: boolean;
	readonly issuedBy?: string;
}

export async function identityNew(name: string, options: IdentityNewOptions): Promise<Report> {
	const { keyType, commonName = name, days, ca = false, issuedBy } = options;
	if (/^\s*CN\s*=/i.test(commonName)) throw usageError('Give --common-name the name alone, without "CN="');
	if (!/^[1-9]\d{0,4}$/.test(days)) throw usageError(`Give --days a number from 1 to 99999, not "${days}"`);
	if (ca && issuedBy !== undefined)
		throw usageError("Use --ca or --issued-by, not both: an authority made here is self-signed");
	const identity = await createIdentity(name, {
		keyType,
		subject: commonName,
		days: Number(days),
		role: ca ? "authority" : "signer",
		issuedBy,
		passphrase: passphrases(options)(issuedBy ?? name),
	});
	return {
		exit: 0,
		fields: identityFields(identity),
		lines: [`made identity ${escaped(name)}`, ...identityRows(identity), "", ...nextSteps(identity)],
		warnings: notices([identity]),
	};
}

/** Returns lines with the commands that the user of a new identity probably needs next. */
function nextSteps({ name, certificate, issuers: [issuer], certificateFile }: Identity): string[] {
	if (certificate.extensions.basicConstraints?.isAuthority === true) {
		return [
			`Issue with: ${shell`${COMMAND} identity new NAME --issued-by ${name}`}`,
			`Trust with: ${shell`${COMMAND} trust add ${certificateFile} --subject CN=NAME`}`,
		];
	}
	return [
		`Sign with:  ${shell`${COMMAND} sign PATH --identity ${name}`}`,
		`Trust with: ${shell`${COMMAND} trust add ${issuer === undefined ? certificateFile : spkiSha256(certificate)}`}`,
	];
}

/** Returns the certificate request in PEM as lines for other programs, so that the user can pipe it into a file. */
export async function identityCsr(name: string, options: PassphraseOptions): Promise<Report> {
	const request = await requestForIdentity(name, passphrases(options));
	return { exit: 0, fields: { name, request }, data: [request.trimEnd()], lines: [] };
}

export interface IdentityImportOptions extends PassphraseOptions {
	readonly key?: string;
	readonly cert?: string;
	readonly chain?: readonly string[];
	readonly p12?: string;
}

export async function identityImport(name: string, options: IdentityImportOptions): Promise<Report> {
	const { key, cert, chain = [], p12 } = options;
	const warnings: string[] = [];
	let identity: Identity;
	if (p12 === undefined && key === undefined && cert !== undefined) {
		identity = importCertificate(name, [cert, ...chain]);
	} else {
		identity = await importIdentity(name, importSource(options), {
			chainFiles: chain,
			passphraseOf: passphrases(options),
			onWarning: (text) => warnings.push(text),
		});
	}
	return {
		exit: 0,
		fields: identityFields(identity),
		lines: [`imported ${escaped(name)}`, ...identityRows(identity)],
		warnings: [...warnings, ...notices([identity])],
	};
}

function importSource({ key, cert, p12 }: IdentityImportOptions): ImportSource {
	if (p12 !== undefined && (key ?? cert) === undefined) return { containerFile: p12 };
	if (p12 === undefined && key !== undefined && cert !== undefined) return { keyFile: key, certFile: cert };
	throw usageError("Use --p12 alone, --key with --cert, or --cert alone for the certificate of an identity's key");
}

export interface IdentityExportOptions extends PassphraseOptions {
	readonly toP12: string;
	readonly force?: boolean;
}

export async function identityExport(name: string, options: IdentityExportOptions): Promise<Report> {
	const output = options.toP12;
	requireOutputName(output, "--to-p12");
	showIdentity(name); // An unknown name must be refused before the user is asked for a passphrase.
	const passphrase = await newPassphrase(options, output);
	const identity = await exportIdentity(name, {
		output,
		passphrase,
		overwrite: options.force === true ? "any" : "refuse",
	});
	return {
		exit: 0,
		fields: { ...identityFields(identity), container: output },
		lines: [`exported ${escaped(name)}`, ...rows([["container", escaped(output)]])],
	};
}

export async function identityList(_options: OutputOptions): Promise<Report> {
	const identities = listIdentities();
	return {
		exit: 0,
		fields: { identities: identities.map(identityFields) },
		lines:
			identities.length === 0
				? [`no identities; make one with \`${COMMAND} identity new NAME\``]
				: identities.flatMap((identity) => [escaped(identity.name), ...identityRows(identity)]),
		warnings: notices(identities),
	};
}

export async function identityShow(name: string, _options: OutputOptions): Promise<Report> {
	const identity = showIdentity(name);
	return {
		exit: 0,
		fields: identityFields(identity),
		lines: [escaped(identity.name), ...identityRows(identity)],
		warnings: notices([identity]),
	};
}

/** Returns a warning for each identity whose certificate expires soon or has expired. */
function notices(identities: readonly Identity[]): string[] {
	return identities.flatMap(({ certificate }) => expiryNotice([certificate], Date.now()) ?? []);
}

function identityRows({ certificate, issuers, development, keyFile, certificateFile }: Identity): string[] {
	return rows([
		...signerRows(certificate, development),
		...issuers.map(({ subject }): [string, string] => ["issued by", escaped(subject.text)]),
		["valid", `${isoTime(certificate.notBefore)} to ${isoTime(certificate.notAfter)}`],
		["key", escaped(keyFile)],
		["certificate", escaped(certificateFile)],
	]);
}

function identityFields(identity: Identity): Record<string, unknown> {
	const { name, certificate, issuers, development, keyFile, certificateFile } = identity;
	const above = issuers.map(({ subject }) => subject.text);
	return { name, ...signerFields(certificate, development), issuers: above, keyFile, certificateFile };
}
