import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listUrls } from "../../dist/pki/distribution-points.js";
import { CODE_SIGNER, openWorkshop, type Workshop } from "./openssl.js";

describe("listUrls()", () => {
	let workshop: Workshop;
	beforeAll(() => {
		workshop = openWorkshop();
	});
	afterAll(() => workshop.remove());

	const urlsOf = (...lines: string[]) =>
		listUrls(
			workshop.issue({ subject: "/CN=Signer", key: "p256", extensions: [...CODE_SIGNER, ...lines] }).certificate,
		);

	it("returns the http and https URLs of all points, in order", () => {
		expect(urlsOf("crlDistributionPoints=URI:http://a/1.crl,URI:HTTPS://b/2.crl")).toEqual([
			"http://a/1.crl",
			"HTTPS://b/2.crl",
		]);
		expect(urlsOf()).toEqual([]);
	});

	it("leaves out other protocols, and points without a URL", () => {
		expect(urlsOf("crlDistributionPoints=URI:ldap://a/x,URI:file:///etc/passwd,URI:http://a/")).toEqual(["http://a/"]);
		expect(urlsOf("crlDistributionPoints=dp", "[dp]", "relativename=name", "[name]", "CN=list")).toEqual([]);
	});

	it("leaves out lists for some reasons, and lists of another issuer", () => {
		expect(
			urlsOf("crlDistributionPoints=dp", "[dp]", "fullname=URI:http://a/", "reasons=keyCompromise,CACompromise"),
		).toEqual([]);
		expect(
			urlsOf(
				"crlDistributionPoints=dp",
				"[dp]",
				"fullname=URI:http://a/",
				"CRLissuer=dirName:other",
				"[other]",
				"CN=O",
			),
		).toEqual([]);
	});

	it("returns none of a malformed extension", () => {
		expect(urlsOf("2.5.29.31=DER:3000")).toEqual([]);
		expect(urlsOf("2.5.29.31=DER:30053003A0010500")).toEqual([]);
		const point = "3010A00EA00C860A687474703A2F2F612F31"; // One point with the URL http://a/1.
		expect(urlsOf(`2.5.29.31=DER:3012${point}`)).toEqual(["http://a/1"]);
		expect(urlsOf(`2.5.29.31=DER:3012${point}0500`)).toEqual([]);
	});
});
