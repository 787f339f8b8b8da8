import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SigtoolError } from "../../../dist/errors.js";
import { parsePkcs11Uri } from "../../../dist/signer/pkcs11/pkcs11-uri.js";
import { expectError } from "../../pki/expect-error.js";

describe("parsePkcs11Uri()", () => {
	it("reads every attribute, percent-encoded", () => {
		const text =
			"pkcs11:token=my%20token;manufacturer=a+b;model=m;serial=00ff;slot-id=7;object=k%C3%BC;id=%00%ffA;type=private" +
			"?module-path=/usr/lib/a%20b.so&pin-source=file:/run/secrets/pin";
		expect(parsePkcs11Uri(text)).toEqual({
			token: "my token",
			manufacturer: "a+b",
			model: "m",
			serial: "00ff",
			slotId: 7,
			object: "kü",
			id: Buffer.from([0, 255, 65]),
			modulePath: "/usr/lib/a b.so",
			pinFile: "/run/secrets/pin",
		});
		expect(Object.values(parsePkcs11Uri("pkcs11:")).filter((value) => value !== undefined)).toEqual([]);
	});

	it.each([
		["/run/pin", "/run/pin"],
		["file:///run/a%20pin".replace("%", "%25"), "/run/a pin"],
	])("accepts the pin-source %s", (source, file) => {
		expect(parsePkcs11Uri(`pkcs11:?pin-source=${source}`).pinFile).toBe(file);
	});

	it.each([
		["PKCS11:token=a", "does not begin with pkcs11:"],
		["token=a", "does not begin with pkcs11:"],
		["pkcs11:token=a?x?y", "more than one ?"],
		["pkcs11:token=a;token=b", "token twice"],
		["pkcs11:token", "token is not percent-encoded"],
		["pkcs11:token=", "token is empty"],
		["pkcs11:token=a=b=c;object=a", "token is not percent-encoded"],
		["pkcs11:token=a b", "token is not percent-encoded"],
		["pkcs11:token=%4", "token is not percent-encoded"],
		["pkcs11:token=%zz", "token is not percent-encoded"],
		["pkcs11:token=a\u0085", "token is not percent-encoded"],
		["pkcs11:token=\ud800", "token is not percent-encoded"],
		["pkcs11:token=a\ufffd", "token is not text in UTF-8; percent-encode its bytes"],
		["pkcs11:token=a/b", "token is not percent-encoded"],
		["pkcs11:token=%ff", "token is not text in UTF-8"],
		["pkcs11:object=a%00b", "object is not text in UTF-8"],
		["pkcs11:token=a;", '"" is not one of'],
		["pkcs11:Token=a", '"Token" is not one of'],
		["pkcs11:x-vendor=a", '"x-vendor" is not one of'],
		["pkcs11:library-version=1", '"library-version" is not one of'],
		["pkcs11:slot-id=-1", "not a number of 32 bits"],
		["pkcs11:slot-id=4294967296", "not a number of 32 bits"],
		["pkcs11:type=cert", "only private keys sign"],
		["pkcs11:pin-source=/x", '"pin-source" is not one of'],
		["pkcs11:?module-path=softhsm.so", "module-path is not an absolute path"],
		["pkcs11:?pin-source=pin", "pin-source is not an absolute path"],
		["pkcs11:?pin-source=|cat /x", "pin-source is not percent-encoded"],
		["pkcs11:?pin-source=|cat", "pin-source is not an absolute path"],
		["pkcs11:?pin-source=file://elsewhere/pin", "not a file of this machine"],
		["pkcs11:?pin-source=file:run/pin", "not a file of this machine"],
		["pkcs11:?pin-source=file:", "not a file of this machine"],
		["pkcs11:?pin-source=file:////host/pin", "not a file of this machine"],
		["pkcs11:?pin-source=file:/run/a%3Fb", "not a file of this machine"],
		["pkcs11:?pin-source=file:/run/a%23b", "not a file of this machine"],
		["pkcs11:?pin-source=file:/run/a%252Fb", "not a file of this machine"],
		["pkcs11:?module-name=softhsm", '"module-name" is not one of'],
	])("refuses %s", (text, reason) => {
		expect(expectError("ERR_USAGE", () => parsePkcs11Uri(text)).message).toContain(reason);
	});

	it("refuses a PIN anywhere in the URI, and does not repeat it in the message", () => {
		for (const text of ["pkcs11:token=a?pin-value=98765", "pkcs11:token=a;pin-value=98765", "pkcs11:token=9876 5"]) {
			expect(expectError("ERR_USAGE", () => parsePkcs11Uri(text)).message).not.toContain("9876");
		}
	});

	it("reads letters outside of ASCII as pkcs11-tool prints them, and in paths", () => {
		const printed =
			"pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=75c053176327cd7f;" +
			"token=Prüf%20Stelle%3b%3f%26;id=%01;object=Schlüssel%20ü🔑;type=private";
		const asked = parsePkcs11Uri(`${printed}?module-path=/usr/lib/größe.so&pin-source=file:/run/größe`);
		expect(asked).toMatchObject({ token: "Prüf Stelle;?&", object: "Schlüssel ü🔑", id: Buffer.of(1) });
		expect(asked).toMatchObject({ modulePath: "/usr/lib/größe.so", pinFile: "/run/größe" });
		expect(parsePkcs11Uri("pkcs11:object=k%C3%BCü").object).toBe("küü");
	});

	it("decodes any text that was percent-encoded", () => {
		const encoded = (text: string) => Buffer.from(text).toString("hex").replace(/../g, "%$&");
		fc.assert(
			fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => {
				fc.pre(!text.includes("\0"));
				expect(parsePkcs11Uri(`pkcs11:object=${encoded(text)}`).object).toBe(text);
			}),
		);
	});

	it("ends in a SigtoolError for any other text", () => {
		const noise = fc.array(fc.constantFrom(..."pkcs11:;?&=%token4f object|/"), { maxLength: 40 });
		fc.assert(
			fc.property(noise, (characters) => {
				try {
					parsePkcs11Uri(`pkcs11:${characters.join("")}`);
				} catch (error) {
					expect(error).toBeInstanceOf(SigtoolError);
				}
			}),
		);
	});
});
