import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { certificatesFromPem, isDevelopmentCertificate, spkiSha256 } from "../../dist/pki/certificate.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { createIdentity, developmentIdentity } from "../../dist/signer/identity/identities.js";
import { addTrust, listTrust, removeTrust } from "../../dist/trust/trust-edit.js";
import { defaultTrust } from "../../dist/trust/trust-store.js";
import { corpusPem, hasCorpus } from "../pki/corpus.js";
import { expectError } from "../pki/expect-error.js";
import { CODE_SIGNER, type Issued, openWorkshop } from "../pki/openssl.js";
import { certificateFor, p256 } from "../signer/material.js";

const PIN = "ab".repeat(32);
const leafKey = p256();
const leaf = certificateFor(leafKey, "Leaf");

let home: string;
let file: string;
beforeEach(() => {
	home = temporaryDirectory();
	file = join(home, "sigtool", "trust.json");
	vi.stubEnv("XDG_CONFIG_HOME", home);
	vi.stubEnv("APPDATA", home);
});
afterEach(() => {
	vi.unstubAllEnvs();
});

describe("defaultTrust()", () => {
	it("trusts nobody at first and makes no file", () => {
		expect(defaultTrust()).toEqual({
			development: "allow",
			pins: new Map(),
			authorities: [],
			timestampAuthorities: [],
			deny: [],
		});
		expect(readdirSync(home)).toEqual([]);
	});

	it("trusts this machine's development identity once there is one, and marks it as such", async () => {
		const [certificate] = (await developmentIdentity()).certificates;
		const pin = { label: certificate.subject.text, source: "development" };
		expect([...defaultTrust().pins]).toMatchObject([[spkiSha256(certificate), pin]]);
		expect(listTrust()).toMatchObject([{ id: spkiSha256(certificate), kind: "pin", source: "development" }]);
	});

	it("SIGTOOL_DEVELOPMENT decides whether development identities sign and are trusted", async () => {
		try {
			process.env.SIGTOOL_DEVELOPMENT = "refuse";
			expect(defaultTrust().development).toBe("refuse");
			await expect(developmentIdentity()).rejects.toMatchObject({ code: "ERR_DEVELOPMENT_REFUSED", exitStatus: 2 });
			expect(readdirSync(home)).toEqual([]);
			process.env.SIGTOOL_DEVELOPMENT = "refused";
			expect(() => defaultTrust()).toThrowError(expect.objectContaining({ code: "ERR_CONFIG" }));
			process.env.SIGTOOL_DEVELOPMENT = "allow";
			expect(defaultTrust().development).toBe("allow");
		} finally {
			delete process.env.SIGTOOL_DEVELOPMENT;
		}
	});

	it("refuses a certificate without the marker in the place of the development identity", async () => {
		const { certificateFile } = await createIdentity("other", { keyType: "p256", subject: "Other", days: 1 });
		const place = join(dirname(dirname(certificateFile)), "development", "certificate.pem");
		mkdirSync(dirname(place));
		writeFileSync(place, readFileSync(certificateFile));
		expect(expectError("ERR_CONFIG", defaultTrust).message).toMatch(/its certificate lacks the development marker$/);
		writeFileSync(place, "nothing");
		const { path, message } = expectError("ERR_CONFIG", defaultTrust);
		expect(path).toBe(place);
		expect(message).toMatch(/it is a text file, not a certificate; remove ".*development", and the next `sign`/);
	});
});

describe("addTrust() and removeTrust()", () => {
	it("pin a key by its hash", () => {
		const entry = addTrust({ spkiSha256: PIN, label: "CI" });
		expect(entry).toMatchObject({ id: PIN, kind: "pin", label: "CI", source: "store" });
		expect(entry.added).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
		expect(defaultTrust().pins.get(PIN)).toEqual({ label: "CI", source: "store" });
		expect(listTrust()).toEqual([entry]);
		if (process.platform !== "win32") expect(statSync(file).mode & 0o777).toBe(0o600);
	});

	it("pin the key of a certificate that is not an authority, with its subject as label, and keep the certificate", () => {
		addTrust({ certificate: leaf });
		const [[hash, { certificate, ...pin }]] = defaultTrust().pins;
		expect([hash, pin]).toEqual([spkiSha256(leaf), { label: "CN=Leaf", source: "store" }]);
		expect(certificate?.der).toEqual(Buffer.from(leaf.der));
	});

	it("keep the certificate of a key that is pinned again by its hash, and replace it by a newly given one", () => {
		const theOnlyPin = () => {
			const pins = [...defaultTrust().pins.values()];
			expect(pins).toHaveLength(1);
			return pins[0];
		};
		addTrust({ certificate: leaf });
		addTrust({ spkiSha256: spkiSha256(leaf), label: "renamed" });
		expect(theOnlyPin()).toMatchObject({ label: "renamed", certificate: { subject: { text: "CN=Leaf" } } });
		const renewed = certificateFor(leafKey, "Renewed");
		addTrust({ certificate: renewed });
		expect(theOnlyPin()).toMatchObject({ certificate: { subject: { text: "CN=Renewed" } } });
	});

	it("give the new label to a key that is pinned already", () => {
		addTrust({ spkiSha256: PIN, label: "old" });
		addTrust({ spkiSha256: PIN, label: "new" });
		expect(listTrust().map(({ label }) => label)).toEqual(["new"]);
	});

	it("refuse a label that could not be read again, and write nothing", () => {
		expectError("ERR_USAGE", () => addTrust({ spkiSha256: PIN, label: "two\nlines" }));
		expectError("ERR_LIMIT", () => addTrust({ spkiSha256: PIN, label: "x".repeat(2 ** 20) }));
		addTrust({ spkiSha256: PIN, label: "" });
		expect(listTrust()).toMatchObject([{ id: PIN, label: "" }]);
	});

	it("refuse a subject for a certificate that is not an authority, and a malformed pin", () => {
		expectError("ERR_USAGE", () => addTrust({ certificate: leaf, subject: "CN=Leaf" }));
		expectError("ERR_USAGE", () => addTrust({ certificate: leaf, anySubject: true }));
		expect(() => addTrust({ spkiSha256: "ab" })).toThrow(RangeError);
		expect(listTrust()).toEqual([]);
	});

	it("remove an entry by the beginning of its id, when no other begins so", () => {
		addTrust({ spkiSha256: PIN });
		addTrust({ spkiSha256: `abcd${PIN.slice(4)}` });
		expect(expectError("ERR_USAGE", () => removeTrust("ab")).message).toMatch(/2 ids begin with it$/);
		expectError("ERR_USAGE", () => removeTrust("ff"));
		expectError("ERR_USAGE", () => removeTrust(""));
		expect(removeTrust("ABCD")).toMatchObject([{ id: `abcd${PIN.slice(4)}` }]);
		expect(removeTrust(`sha256:${PIN}`)).toMatchObject([{ id: PIN }]);
		expect(listTrust()).toEqual([]);
	});

	it("do not remove the development identity, and say how to", async () => {
		const [certificate] = (await developmentIdentity()).certificates;
		const [{ added }] = listTrust();
		expect(Math.abs(Date.parse(added) - Date.now())).toBeLessThan(3_600_000);
		const error = expectError("ERR_USAGE", () => removeTrust(spkiSha256(certificate)));
		expect(error.message).toMatch(/delete ".*development" instead$/);
	});
});

describe("authorities", () => {
	const workshop = openWorkshop();
	afterAll(() => workshop.remove());
	const authority: Issued = workshop.issue({ subject: "/O=Example/CN=Root" });
	const { certificate } = authority ?? {};

	it("need an exact subject, or the explicit choice of any subject", () => {
		const error = expectError("ERR_USAGE", () => addTrust({ certificate }));
		expect(error.message).toMatch(/--subject, or use --any-subject$/);
		expect(addTrust({ certificate, subject: "CN=Release,O=Example" })).toMatchObject({
			kind: "authority",
			label: "CN=Root,O=Example",
			subject: "CN=Release,O=Example",
		});
		expect(addTrust({ certificate, anySubject: true })).toMatchObject({ subject: undefined });
	});

	it.each([
		"CN=Release; O=Example",
		"FOO=x",
		"2.5.4.99=x",
		"CN=\\FF",
		"CN=#0",
		"Release",
		"",
		"/O=Example/CN=Release",
		"CN=a,b",
		"CN=Release,",
	])("refuse %j as a subject, because no certificate can have it", (subject) => {
		expectError("ERR_USAGE", () => addTrust({ certificate, subject }));
	});

	it("accept every subject that a certificate can have", () => {
		for (const subject of ["CN=a\\, b\\+c=d", "2.5.4.99=#0C0161", "CN=x+OU=y,O=z", "CN=", "CN=a\\0Ab"]) {
			addTrust({ certificate, subject });
		}
		expect(defaultTrust().authorities).toHaveLength(5);
	});

	it.each([
		["cn=Release, o = Example", "CN=Release,O=Example"],
		["2.5.4.3=Release", "CN=Release"],
		["STREET=a+ou=b,EMAILADDRESS=c", "street=a+OU=b,emailAddress=c"],
		["CN=a\\2c b\\\\\\20", "CN=a\\, b\\\\\\ "],
		["CN=\\C3\\A9", "CN=\u00e9"],
		["2.5.4.99=#0c0161", "2.5.4.99=#0C0161"],
	])("normalize the subject %j to %j", (subject, normalized) => {
		expect(addTrust({ certificate, subject })).toMatchObject({ subject: normalized });
	});

	it.skipIf(!hasCorpus)("accept the subjects of the corpus", () => {
		for (const { subject } of certificatesFromPem(corpusPem("CAfile-all.pem"))) {
			expect(addTrust({ certificate, subject: subject.text })).toMatchObject({ subject: subject.text });
		}
		expect(defaultTrust().authorities.length).toBeGreaterThan(50);
	});

	it("share one certificate object among their subjects, so that a chain's anchor finds them all", () => {
		addTrust({ certificate, subject: "CN=One" });
		addTrust({ certificate, subject: "CN=Two" });
		const [one, two] = defaultTrust().authorities;
		expect(one.certificate).toBe(two.certificate);
		expect([one.subject, two.subject]).toEqual(["CN=One", "CN=Two"]);
		expect(removeTrust(listTrust()[0].id)).toMatchObject([{ subject: "CN=One" }]);
		expect(defaultTrust().authorities).toMatchObject([{ subject: "CN=Two" }]);
	});

	it("given as an option vouch for any subject; other certificates are pinned, self-signed or not", () => {
		const issued = workshop.issue({ subject: "/CN=Issued", issuer: authority, extensions: CODE_SIGNER });
		const trust = trustFromCertificates([certificate, issued.certificate, leaf]);
		expect(trust.authorities).toEqual([
			{ certificate, subject: undefined, label: "CN=Root,O=Example", source: "option" },
		]);
		expect([...trust.pins]).toMatchObject([
			[spkiSha256(issued.certificate), { label: "CN=Issued", source: "option" }],
			[spkiSha256(leaf), { label: "CN=Leaf", source: "option" }],
		]);
		expect(isDevelopmentCertificate(leaf)).toBe(false);
	});
});

describe("trust.json", () => {
	const pin = { spkiSha256: PIN, label: "CI", added: "2026-01-31T12:00:00Z" };
	const notAuthority = {
		certificate: Buffer.from(leaf.der).toString("base64"),
		subject: null,
		label: "x",
		added: pin.added,
	};

	const denial = { kind: "key", sha256: PIN, reason: "stolen", added: "2026-01-31T12:00:00Z" };
	const timestamps = { certificate: notAuthority.certificate, label: "", added: "2026-01-31T12:00:00Z" };

	function write(document: unknown): void {
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(file, typeof document === "string" ? document : JSON.stringify(document));
	}

	it("is read in the documented form", () => {
		write({ version: 1, pins: [pin], authorities: [] });
		expect(listTrust()).toMatchObject([{ id: PIN, added: "2026-01-31T12:00:00Z" }]);
		write({ version: 1, pins: [pin], authorities: [], denied: [denial] });
		expect(listTrust()).toMatchObject([{ id: PIN }, { kind: "denied", denied: "key", sha256: PIN, label: "stolen" }]);
	});

	it.each<[string, unknown, RegExp]>([
		["text that is not JSON", "{", /it is not JSON; take it from a backup, or remove it and/],
		["an empty file", "", /it is not JSON; take it from a backup, or remove it and/],
		["a list", [], /"the document" is not an object/],
		["another version", { version: 2, pins: [], authorities: [] }, /"version" is not 1/],
		["a missing field", { version: 1, pins: [] }, /"the document" lacks "authorities"/],
		["an unknown field", { version: 1, pins: [], authorities: [], deny: [] }, /unknown field "deny"/],
		["__proto__", '{"version":1,"pins":[],"authorities":[],"__proto__":{}}', /unknown field "__proto__"/],
		["pins that are no list", { version: 1, pins: {}, authorities: [] }, /"pins" is not a list/],
		["a pin that is null", { version: 1, pins: [null], authorities: [] }, /"pins\[0\]" is not an object/],
		[
			"a pin in capitals",
			{ version: 1, pins: [{ ...pin, spkiSha256: "AB".repeat(32) }], authorities: [] },
			/spkiSha256/,
		],
		["a pin with more", { version: 1, pins: [{ ...pin, note: "" }], authorities: [] }, /unknown field "note"/],
		[
			"a pin with another key's certificate",
			{ version: 1, pins: [{ ...pin, certificate: notAuthority.certificate }], authorities: [] },
			/"pins\[0\].certificate" does not belong to the pinned key/,
		],
		[
			"a pin with a broken certificate",
			{ version: 1, pins: [{ ...pin, certificate: "MAA=" }], authorities: [] },
			/"pins\[0\].certificate" is not a certificate/,
		],
		[
			"a pin whose certificate is null",
			{ version: 1, pins: [{ ...pin, certificate: null }], authorities: [] },
			/"pins\[0\].certificate" is not of the expected form/,
		],
		[
			"a label that is a number",
			{ version: 1, pins: [pin, { ...pin, label: 1 }], authorities: [] },
			/"pins\[1\].label"/,
		],
		["a label of two lines", { version: 1, pins: [{ ...pin, label: "a\nb" }], authorities: [] }, /"pins\[0\].label"/],
		["another form of time", { version: 1, pins: [{ ...pin, added: "today" }], authorities: [] }, /"pins\[0\].added"/],
		[
			"an authority without a subject",
			{ version: 1, pins: [], authorities: [{ ...notAuthority, subject: undefined }] },
			/lacks "subject"/,
		],
		["an empty subject", { version: 1, pins: [], authorities: [{ ...notAuthority, subject: "" }] }, /authorities\[0\]/],
		[
			"a leaf as an authority",
			{ version: 1, pins: [], authorities: [notAuthority] },
			/is not the certificate of an authority/,
		],
		[
			"a broken certificate",
			{ version: 1, pins: [], authorities: [{ ...notAuthority, certificate: "MAA=" }] },
			/is not a certificate/,
		],
		["denials that are not a list", { version: 1, pins: [], authorities: [], denied: {} }, /"denied" is not a list/],
		[
			"a denial of another kind",
			{ version: 1, pins: [], authorities: [], denied: [{ ...denial, kind: "person" }] },
			/"denied\[0\].kind" is not a known kind/,
		],
		[
			"a denial without a reason",
			{ version: 1, pins: [], authorities: [], denied: [{ ...denial, reason: undefined }] },
			/lacks "reason"/,
		],
		[
			"a leaf for timestamps",
			{ version: 1, pins: [], authorities: [], timestampAuthorities: [timestamps] },
			/"timestampAuthorities\[0\].certificate" is not the certificate of an authority/,
		],
		[
			"what is not base64",
			{ version: 1, pins: [], authorities: [{ ...notAuthority, certificate: "?" }] },
			/of the expected form/,
		],
	])("is refused with %s, naming file and field", (_, document, reason) => {
		write(document);
		const error = expectError("ERR_CONFIG", defaultTrust);
		expect(error.message).toMatch(reason);
		expect(error.message).toContain(`Cannot use trust store ${JSON.stringify(file)}: `);
		expect(error.path).toBe(file);
		// A trust store that cannot be read is not overwritten.
		expectError("ERR_CONFIG", () => addTrust({ spkiSha256: PIN }));
	});

	it("is refused when it is larger than 1 MiB", () => {
		write(" ".repeat(2 ** 20 + 1));
		expectError("ERR_LIMIT", defaultTrust);
	});
});
