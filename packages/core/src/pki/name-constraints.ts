/**
 * Applies name constraints (RFC 5280 §4.2.1.10) to DNS and email names. If an authority constrains names of another
 * form, every certificate with a name of that form is refused. A constraint on directory names therefore refuses every
 * certificate, because each has a subject, and a subject is a directory name.
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
		// A name in UTF-16, or with a space at its end, would match no constraint, and so no exclusion would refuse it.
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
 * Returns the cost of comparing every name with every constraint. The cost of one pair is the size of the name and of
 * the constraint in bytes, plus 16 for each of the two.
 */
function costOfComparing(names: readonly GeneralName[], bases: readonly GeneralName[]): number {
	const weight = (list: readonly GeneralName[]) => list.reduce((sum, { value }) => sum + value.length + 16, 0);
	return names.length * weight(bases) + bases.length * weight(names);
}

/**
 * A larger result of `costOfComparing` is refused, because hostile certificates can cause hundreds of calls of
 * `checkNameConstraints` in one search for a chain. For scale, three names of 50 bytes under a hundred constraints of
 * 50 bytes cost about 40,000.
 */
const MAX_COST = 2 ** 18;

/** Converts a constraint to text once, before it is compared with every name. */
function baseOf(base: GeneralName): { kind: GeneralName["kind"]; text: string } {
	return { kind: base.kind, text: ascii(base) };
}

const PRINTABLE = /^[\x21-\x7e]*$/;

/**
 * Returns the subject, the email addresses in the subject, and the alternative names. RFC 5280 applies constraints to
 * addresses in the subject only if there are no alternative names. An authority could then evade a constraint by adding
 * any alternative name, so sigtool always judges these addresses, as OpenSSL does.
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
 * Returns true if the constraint covers the host. `example.com` covers that host and all hosts below it. `.example.com`
 * covers only the hosts below it. The empty constraint covers every host.
 */
function isWithinDomain(name: string, base: string): boolean {
	const [host, domain] = [name.toLowerCase(), base.toLowerCase()];
	return domain === "" || host === domain || host.endsWith(domain.startsWith(".") ? domain : `.${domain}`);
}

/**
 * Returns true if the constraint covers the mailbox. A constraint that is a mailbox covers only this mailbox.
 * `example.com` covers every mailbox on that host, `.example.com` every mailbox on the hosts below it. The empty
 * constraint covers every mailbox.
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
