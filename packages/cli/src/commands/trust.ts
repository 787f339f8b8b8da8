import { addTrust, listTrust, removeTrust, reverseNameText, type TrustEntry } from "@sigtool/core";
import { type OutputOptions, plain, type Report, rows } from "../output.js";
import { usageError } from "../usage.js";
import { readCertificateFile } from "./certificate-file.js";

export interface TrustAddOptions extends OutputOptions {
	readonly subject?: string;
	readonly anySubject?: boolean;
	readonly label?: string;
}

export async function trustAdd(certificate: string, { subject, anySubject, label }: TrustAddOptions): Promise<Report> {
	if (subject !== undefined && anySubject === true) throw usageError("Use --subject or --any-subject, not both");
	const entry = /^(sha256:)?[0-9a-f]{64}$/i.test(certificate)
		? addTrust({ spkiSha256: certificate.toLowerCase().replace(/^sha256:/, ""), label })
		: addTrust({ certificate: readCertificateFile(certificate), subject, anySubject: anySubject === true, label });
	return {
		exit: 0,
		fields: trustFields(entry),
		lines: [`trusted ${entry.kind} ${plain(entry.label)}`, ...trustRows(entry)],
		warnings:
			anySubject === true
				? [`every signer under "${plain(entry.label)}" is now trusted; --subject names exactly one`]
				: orderWarnings(entry),
	};
}

/** Tools that show names the other way round are common; certificates that are made so are not, but they exist. */
function orderWarnings(entry: TrustEntry): string[] {
	if (entry.kind !== "authority" || entry.subject === undefined) return [];
	if (!/^(?:C|ST|L|O|OU|DC)=.*,CN=/s.test(entry.subject)) return [];
	const { subject } = entry;
	return [`subjects are compared as \`sigtool inspect\` prints them, as a rule "${plain(reverseNameText(subject))}"`];
}

export async function trustList(_options: OutputOptions): Promise<Report> {
	const entries = listTrust();
	return {
		exit: 0,
		fields: { trusted: entries.map(trustFields) },
		lines:
			entries.length === 0
				? ["nothing is trusted; add a signer with `sigtool trust add CERTIFICATE`"]
				: entries.flatMap((entry) => [`${entry.kind} ${plain(entry.label)}`, ...trustRows(entry)]),
	};
}

export async function trustRemove(id: string, _options: OutputOptions): Promise<Report> {
	const removed = removeTrust(id);
	return {
		exit: 0,
		fields: { removed: removed.map(trustFields) },
		lines: removed.flatMap((entry) => [`removed ${entry.kind} ${plain(entry.label)}`, ...trustRows(entry)]),
	};
}

function trustRows(entry: TrustEntry): string[] {
	const subject = entry.kind === "authority" ? (entry.subject ?? "any (whatever it signs)") : undefined;
	return rows([
		["id", entry.id],
		["subject", subject === undefined ? undefined : plain(subject)],
		["added", entry.added],
		["source", entry.source === "development" ? "this machine's development identity" : undefined],
	]);
}

function trustFields(entry: TrustEntry): Record<string, unknown> {
	const subject = entry.kind === "authority" ? { subject: entry.subject ?? null } : {};
	return { id: entry.id, kind: entry.kind, label: entry.label, added: entry.added, source: entry.source, ...subject };
}
