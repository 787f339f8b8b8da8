import { createIdentity, type Identity, listIdentities, showIdentity } from "@sigtool/core";
import { type OutputOptions, plain, type Report, rows } from "../output.js";
import { usageError } from "../usage.js";
import { isoTime, signerFields, signerRows } from "./render.js";

export interface IdentityNewOptions extends OutputOptions {
	readonly keyType: "rsa-3072" | "p256" | "p384";
	readonly commonName?: string;
	readonly days: string;
}

export async function identityNew(
	name: string,
	{ keyType, commonName = name, days }: IdentityNewOptions,
): Promise<Report> {
	if (/^\s*CN\s*=/i.test(commonName)) throw usageError('Give --common-name the name alone, without "CN="');
	if (!/^[1-9]\d{0,4}$/.test(days)) throw usageError(`Give --days a number from 1 to 99999, not "${days}"`);
	const identity = await createIdentity(name, { keyType, subject: commonName, days: Number(days) });
	return {
		exit: 0,
		fields: identityFields(identity),
		lines: [
			`made identity ${plain(name)}`,
			...identityRows(identity),
			"",
			`Sign with:   sigtool sign PATH --key ${plain(identity.keyFile)} --cert ${plain(identity.certificateFile)}`,
			`Trust it by: sigtool trust add ${plain(identity.certificateFile)}`,
		],
	};
}

export async function identityList(_options: OutputOptions): Promise<Report> {
	const identities = listIdentities();
	return {
		exit: 0,
		fields: { identities: identities.map(identityFields) },
		lines:
			identities.length === 0
				? ["no identities; make one with `sigtool identity new NAME`"]
				: identities.flatMap((identity) => [plain(identity.name), ...identityRows(identity)]),
	};
}

export async function identityShow(name: string, _options: OutputOptions): Promise<Report> {
	const identity = showIdentity(name);
	return { exit: 0, fields: identityFields(identity), lines: [plain(identity.name), ...identityRows(identity)] };
}

function identityRows({ certificate, development, keyFile, certificateFile }: Identity): string[] {
	return rows([
		...signerRows(certificate, development),
		["valid", `${isoTime(certificate.notBefore)} to ${isoTime(certificate.notAfter)}`],
		["key", plain(keyFile)],
		["certificate", plain(certificateFile)],
	]);
}

function identityFields({
	name,
	certificate,
	development,
	keyFile,
	certificateFile,
}: Identity): Record<string, unknown> {
	return { name, ...signerFields(certificate, development), keyFile, certificateFile };
}
