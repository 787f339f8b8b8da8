/**
 * Name constraints, RFC 5280 §4.2.1.10, for DNS and email names. Constraints on other forms are not applied: a
 * certificate that carries a name of such a form is refused, and every subject is a directory name.
 */

import { quote } from "../errors.js";
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
	if (costOfComparing(names, [...permitted, ...excluded]) > MAX_COST) {
		throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, "it has more names than can be held to constraints");
	}
	const [permittedBases, excludedBases] = [permitted.map(baseOf), excluded.map(baseOf)];
	for (const name of names) {
		const allowed = permittedBases.filter((base) => base.kind === name.kind);
		const denied = excludedBases.filter((base) => base.kind === name.kind);
		if (allowed.length === 0 && denied.length === 0) continue;
		const matches = MATCHERS[name.kind];
		if (matches === undefined) {
			const reason = `its issuer constrains ${name.kind} names, which is not supported`;
			throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, reason);
		}
		const text = ascii(name);
		if (allowed.length > 0 && !allowed.some((base) => matches(text, base.text))) {
			throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, `its issuer does not permit the name ${quote(text)}`);
		}
		if (denied.some((base) => matches(text, base.text))) {
			throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, `its issuer excludes the name ${quote(text)}`);
		}
	}
}

/** Octets looked at when every name is compared with every base, and 16 more for each of the two. */
function costOfComparing(names: readonly GeneralName[], bases: readonly GeneralName[]): number {
	const weight = (list: readonly GeneralName[]) => list.reduce((sum, { value }) => sum + value.length + 16, 0);
	return names.length * weight(bases) + bases.length * weight(names);
}

/** Three names of 50 octets under a hundred bases of 50 cost 40,000. Anyone can ask for it some hundred times a search. */
const MAX_COST = 2 ** 18;

/** A constraint, its octets turned to text once for all names. */
function baseOf(base: GeneralName): { kind: GeneralName["kind"]; text: string } {
	return { kind: base.kind, text: ascii(base) };
}

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
