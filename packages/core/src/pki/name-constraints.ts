/**
 * Name constraints, RFC 5280 §4.2.1.10, for DNS and email names. Constraints on other forms are not applied: a
 * certificate that carries a name of such a form is refused, and every subject is a directory name.
 */

import type { Certificate } from "./certificate.js";
import { refusal } from "./certificate-checks.js";
import type { GeneralName } from "./general-name.js";
import { emailAddressesIn } from "./name.js";

/** Holds `certificate` to the constraints of an authority above it. @throws ERR_CERTIFICATE_CONSTRAINTS */
export function checkNameConstraints(certificate: Certificate, authority: Certificate): void {
	const { nameConstraints } = authority.extensions;
	if (nameConstraints === undefined) return;
	const { permitted, excluded } = nameConstraints;
	const names = namesOf(certificate);
	if (names.length * (permitted.length + excluded.length) > MAX_COMPARISONS) {
		throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, "it has more names than can be held to constraints");
	}
	for (const name of names) {
		const allowed = permitted.filter((base) => base.kind === name.kind);
		const denied = excluded.filter((base) => base.kind === name.kind);
		if (allowed.length === 0 && denied.length === 0) continue;
		const matches = MATCHERS[name.kind];
		if (matches === undefined) {
			const reason = `its issuer constrains ${name.kind} names, which is not supported`;
			throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, reason);
		}
		const text = ascii(name);
		if (allowed.length > 0 && !allowed.some((base) => matches(text, ascii(base)))) {
			throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, `its issuer does not permit the name ${text}`);
		}
		if (denied.some((base) => matches(text, ascii(base)))) {
			throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, `its issuer excludes the name ${text}`);
		}
	}
}

const MAX_COMPARISONS = 65_536;

/** The subject, the alternative names, and, where there are none, the email addresses within the subject. */
function namesOf({ subject, extensions }: Certificate): GeneralName[] {
	const { subjectAltName } = extensions;
	const emails = emailAddressesIn(subject).map((value): GeneralName => ({ kind: "email", value }));
	return [{ kind: "directory", value: subject.der }, ...(subjectAltName ?? emails)];
}

const MATCHERS: Readonly<Partial<Record<GeneralName["kind"], (name: string, base: string) => boolean>>> = {
	dns: isWithinDomain,
	email: isMailboxWithin,
};

/** `example.com` covers itself and what ends in `.example.com`; `.example.com` only the latter; the empty one all. */
function isWithinDomain(name: string, base: string): boolean {
	const [host, domain] = [name.toLowerCase(), base.toLowerCase()];
	return domain === "" || host === domain || host.endsWith(domain.startsWith(".") ? domain : `.${domain}`);
}

/** A mailbox names itself, `example.com` every mailbox on that host, `.example.com` on the hosts below it. */
function isMailboxWithin(name: string, base: string): boolean {
	if (base === "") return true;
	const at = name.lastIndexOf("@");
	const host = name.slice(at + 1).toLowerCase();
	const baseAt = base.lastIndexOf("@");
	const domain = base.slice(baseAt + 1).toLowerCase();
	if (baseAt !== -1) return host === domain && name.slice(0, at) === base.slice(0, baseAt);
	return domain.startsWith(".") ? host.endsWith(domain) : host === domain;
}

function ascii({ value }: GeneralName): string {
	return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
}
