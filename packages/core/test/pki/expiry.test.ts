import { expect, it } from "vitest";
import { expiryNotice } from "../../dist/pki/expiry.js";
import { issueCertificate } from "../../dist/signer/identity/issue-certificate.js";
import { DAY_MS, p256 } from "../signer/material.js";

const end = Date.parse("2027-03-31T12:00:00Z");
const certificate = issueCertificate({
	commonName: "Release",
	key: p256(),
	notBefore: end - 365 * DAY_MS,
	notAfter: end,
	kind: "release",
});

it.each([
	[31, undefined],
	[30, undefined],
	[29.99, "expires in 29 days, at 2027-03-31T12:00:00Z"],
	[1.5, "expires in 1 day, at 2027-03-31T12:00:00Z"],
	[0.5, "expires in less than a day, at 2027-03-31T12:00:00Z"],
	[-0.1, "expired at 2027-03-31T12:00:00Z"],
])("expiryNotice() %s days before the end: %s", (daysLeft, notice) => {
	const expected = notice === undefined ? undefined : `the certificate of "CN=Release" ${notice}`;
	expect(expiryNotice([certificate], end - daysLeft * DAY_MS)).toBe(expected);
});

it("expiryNotice() names the certificate that expires first", () => {
	const validity = { notBefore: end - 365 * DAY_MS, notAfter: end - 10 * DAY_MS };
	const issuer = issueCertificate({ commonName: "Issuer", key: p256(), ...validity, kind: "authority" });
	expect(expiryNotice([certificate, issuer], end - 35 * DAY_MS)).toContain('"CN=Issuer" expires in 25 days');
});
