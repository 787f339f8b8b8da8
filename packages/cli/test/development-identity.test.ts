import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { certificateToPem } from "../../core/dist/signer/identity/issue-certificate.js";
import { CODE_SIGNER, makeCertificate, newPrivateKey } from "../../core/test/pki/make-certificate.js";
import { sharedConfiguration } from "./development-identity.js";
import { temporaryDirectory } from "./support.js";

const YEAR_MS = 366 * 86_400_000;

it.each([
	["lies in the future", YEAR_MS, 9 * YEAR_MS],
	["lies in the past", -9 * YEAR_MS, -YEAR_MS],
	["was long ago", -YEAR_MS, 9 * YEAR_MS],
])("tests get another development identity if the time of the one that is kept %s", (_, begin, end) => {
	const cache = temporaryDirectory();
	const first = sharedConfiguration(cache);
	expect(sharedConfiguration(cache)).toBe(first);
	const now = Date.now();
	const place = join(first, "sigtool/identities/development");
	const key = newPrivateKey("p256");
	const validity = { notBefore: now + begin, notAfter: now + end };
	const wrong = makeCertificate({ subject: "/CN=Wrong", key, extensions: CODE_SIGNER, ...validity });
	writeFileSync(join(place, "certificate.pem"), certificateToPem(wrong));
	const second = sharedConfiguration(cache);
	expect(second).not.toBe(first);
	expect(sharedConfiguration(cache)).toBe(second);
});
