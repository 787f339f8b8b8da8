/**
 * Applies name constraints (RFC 5280 §4.2.1.10) to DNS and email names. Constraints on names of another form refuse
 * every certificate with a name of that form; every subject is a directory name.
 */

import { quote } from "../errors.js";
import type { Certificate } from "./certificate.js";
import { refusal } from "./certificate-checks.js";
import type { GeneralName } from "./general-name.js";
import { emailAddressesIn } from "./name.js";

/**
 * Refuses a certificate that violates the name constraints of an authority above it.
 * @throws ERR_CERTIFICATE_CONSTRAINTS
 */
export function checkNameConstraints(certificate: Certificate, authority: Certificate): void {
	const { nameConstraints } = authority.extensions;
	if (nameConstraints === undefined) return;
	const { permitted, excluded } = nameConstraints;
	const names = namesOf(certificate);
	if (costOfComparing(names, [...permitted, ...excluded]) > MAX_COST) {
		throw refusal(
			"ERR_CERTIFICATE_CONSTRAINTS",
			certificate,
			"it has too many names to compare them with the constraints above it",
		);
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
		// A name in UTF-16, or with a space at its end, would match no constraint, and so pass every exclusion.
		if (!PRINTABLE.test(text)) {
			const reason = `its ${name.kind} name ${quote(text)} is not printable ASCII, and its issuer constrains such names`;
			throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, reason);
		}
		if (allowed.length > 0 && !allowed.some((base) => matches(text, base.text))) {
			throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, `its issuer does not permit the name ${quote(text)}`);
		}
		if (denied.some((base) => matches(text, base.text))) {
			throw refusal("ERR_CERTIFICATE_CONSTRAINTS", certificate, `its issuer excludes the name ${quote(text)}`);
		}
	}
}

/**
 * Returns the cost of comparing every name with every constraint: for each pair, the bytes of both and 16 more for
 * each.
 */
function costOfComparing(names: readonly GeneralName[], bases: readonly GeneralName[]): number {
	const weight = (list: readonly GeneralName[]) => list.reduce((sum, { value }) => sum + value.length + 16, 0);
	return names.length * weight(bases) + bases.length * weight(names);
}

/**
 * Three names of 50 bytes under a hundred constraints of 50 bytes cost 40,000. Hostile certificates can cause some
 * hundred such comparisons in one search for a chain.
 */
const MAX_COST = 2 ** 18;

/** Returns a constraint as text, so that it is decoded once for all names. */
function baseOf(base: GeneralName): { kind: GeneralName["kind"]; text: string } {
	return { kind: base.kind, text: ascii(base) };
}

const PRINTABLE = /^[\x21-\x7e]*$/;

/**
 * Returns the subject, the email addresses in it, and the alternative names. RFC 5280 demands the first addresses only
 * without alternative names; an authority could then avoid its constraint by adding any such name. OpenSSL always
 * judges them too.
 */
function namesOf({ subject, extensions }: Certificate): GeneralName[] {
	const { subjectAltName } = extensions;
	const emails = emailAddressesIn(subject).map((value): GeneralName => ({ kind: "email", value }));
	return [{ kind: "directory", value: subject.der }, ...emails, ...(subjectAltName ?? [])];
}

const MATCHERS: Readonly<Partial<Record<GeneralName["kind"], (name: string, base: string) => boolean>>> = {
	dns: isWithinDomain,
	email: isMailboxWithin,
};

/**
 * Returns true when the constraint covers the host. `example.com` covers itself and all hosts below, `.example.com`
 * only those below, the empty constraint every host.
 */
function isWithinDomain(name: string, base: string): boolean {
	const [host, domain] = [name.toLowerCase(), base.toLowerCase()];
	return domain === "" || host === domain || host.endsWith(domain.startsWith(".") ? domain : `.${domain}`);
}

/**
 * Returns true when the constraint covers the mailbox. A mailbox covers itself, `example.com` every mailbox on that
 * host, `.example.com` those on the hosts below it, the empty constraint every mailbox.
 */
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
