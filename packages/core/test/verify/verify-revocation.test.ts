import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { revocationListsFromFileBytes } from "../../dist/pki/crl.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { openPemSigner } from "../../dist/signer/pem.js";
import type { RevocationOptions } from "../../dist/verify/revocation-sources.js";
import type { Verification, VerifyOptions } from "../../dist/verify/verification.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { databaseTime, issueList, OCSP_SIGNER, type Revocation, respond, sendResponse } from "../pki/local-ca.js";
import { type Exchange, type LocalServer, serve, serveTokens, TIME_STAMPER } from "../pki/local-tsa.js";
import { AUTHORITY, CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "../pki/openssl.js";

const HOUR = 3_600_000;

describe("verifyPath(), revocation by openssl ca and openssl ocsp", () => {
	let workshop: Workshop;
	let root: Issued;
	let signer: Issued;
	let timeRoot: Issued;
	let authority: Issued;
	let responder: LocalServer;
	let answer: (exchange: Exchange) => void;
	let ocspSigner: Issued;
	/**
	 * The paths of two files that `signer` signed, the first with a timestamp for the current time, the second without
	 * one.
	 */
	let stamped: string;
	let plain: string;
	const SERIAL = "1001";
	const TIME_SERIAL = "2001";
	const now = Date.now();
	const BEFORE = databaseTime(now - HOUR);
	const AFTER = databaseTime(now + HOUR);

	beforeAll(async () => {
		workshop = openWorkshop();
		responder = await serve((exchange) => answer(exchange));
		root = workshop.issue({ subject: "/CN=Root" });
		const extensions = [...CODE_SIGNER, `authorityInfoAccess=OCSP;URI:${responder.url}`];
		signer = workshop.issue({ subject: "/CN=Signer", issuer: root, extensions, serial: `${SERIAL}` });
		ocspSigner = workshop.issue({ subject: "/CN=Responder", key: "p256", issuer: root, extensions: OCSP_SIGNER });
		timeRoot = workshop.issue({ subject: "/CN=Time root" });
		const stamper = { subject: "/CN=Time authority", issuer: timeRoot, extensions: TIME_STAMPER };
		authority = workshop.issue({ ...stamper, serial: `${TIME_SERIAL}` });
		plain = await signed("plain");
		const tsa = await serveTokens(authority, workshop);
		stamped = await signed("stamped", tsa.url);
		await tsa.close();
	});
	afterEach(() => responder.requests.splice(0));
	afterAll(async () => {
		await responder.close();
		workshop.remove();
	});

	async function signed(name: string, url?: string, by = signer): Promise<string> {
		const file = workshop.write(`${name}.js`, "1\n");
		const output = join(workshop.directory, `${name}.cat`);
		const key = await openPemSigner({ keyFile: by.keyFile, certFile: by.file });
		const timestamp = url === undefined ? undefined : { urls: [url], anchors: [timeRoot.certificate] };
		await signPaths([file], { output, signer: key, timestamp });
		return file;
	}

	function verify(
		file: string,
		revocation: RevocationOptions,
		more: Partial<VerifyOptions> = {},
	): Promise<Verification> {
		return verifyPath(file, {
			trust: trustFromCertificates([root.certificate]),
			timestampAnchors: [timeRoot.certificate],
			catalogs: [file.replace(/\.js$/, ".cat")],
			revocation,
			...more,
		});
	}
	const listsOf = (...files: string[]) =>
		files.flatMap((file) => revocationListsFromFileBytes(readFileSync(file), file));
	const list = (entries: readonly Revocation[], options = {}, by = root) =>
		listsOf(issueList(workshop, by, entries, options));
	const statusOf = ({ catalogs }: Verification) => catalogs[0].revocation?.map(({ status }) => status);
	const responds = (entries: readonly Revocation[], by = ocspSigner, words?: readonly string[]) => {
		answer = (exchange) => sendResponse(exchange, respond(workshop, exchange.query, root, by, entries, words));
	};
	const REVOKED = { code: "ERR_CERTIFICATE_REVOKED" };
	const UNKNOWN = { code: "ERR_REVOCATION_UNKNOWN" };

	describe("by list", () => {
		it("accepts a signer who is not in it", async () => {
			const verification = await verify(plain, { lists: list([{ serial: "FF", revoked: BEFORE }]) });
			expect(verification).toMatchObject({ verdict: "trusted", warnings: [] });
			expect(statusOf(verification)).toEqual(["good"]);
		});

		it("refuses a signer who is in it, with date, reason and file", async () => {
			const lists = list([{ serial: SERIAL, revoked: `${BEFORE},keyCompromise` }]);
			await expect(verify(plain, { lists })).rejects.toMatchObject({
				...REVOKED,
				message: expect.stringMatching(
					/"CN=Signer": it was revoked on 20\S+Z \(key compromise; revocation list .*list.pem\)/,
				),
			});
			expect((await verify(plain, {})).verdict).toBe("trusted");
		});

		it("refuses a signature whose timestamp is younger than the revocation, and accepts an older one", async () => {
			const before = list([{ serial: SERIAL, revoked: BEFORE }]);
			const after = list([{ serial: SERIAL, revoked: AFTER }]);
			await expect(verify(stamped, { lists: before })).rejects.toMatchObject(REVOKED);
			const verification = await verify(stamped, { lists: after });
			expect(verification.verdict).toBe("trusted");
			expect(statusOf(verification)).toEqual(["revoked-later", "unknown"]);
			expect(verification.warnings[0]).toMatch(/"CN=Signer" was revoked later/);
		});

		it("uses the date from which the key was invalid, not that of the revocation", async () => {
			const year = new Date(now - HOUR).toISOString().replace(/[-:T]|\.\d+Z$/g, "");
			const lists = list([{ serial: SERIAL, revoked: `${AFTER},keyTime,${year}Z` }]);
			await expect(verify(stamped, { lists })).rejects.toMatchObject({
				...REVOKED,
				message: expect.stringContaining("invalid since"),
			});
		});

		it("uses no timestamp of a revoked authority, unless it was revoked later and without compromise", async () => {
			const lists = (revoked: string) => list([{ serial: TIME_SERIAL, revoked }], {}, timeRoot);
			const usedTime = async (revoked: string) => {
				const { catalogs, warnings } = await verify(stamped, { lists: lists(revoked) });
				return [catalogs[0].judgedAt.source, warnings.some((warning) => warning.includes("was not used"))];
			};
			expect(await usedTime(`${BEFORE},superseded`)).toEqual(["now", true]);
			expect(await usedTime(`${AFTER},superseded`)).toEqual(["rfc3161", false]);
			expect(await usedTime(`${AFTER},keyCompromise`)).toEqual(["now", true]);
			expect(await usedTime(AFTER)).toEqual(["now", true]);
		});

		it("refuses revoked intermediates too", async () => {
			const middle = workshop.issue({ subject: "/CN=Middle", issuer: root, serial: "3001" });
			const low = workshop.issue({ subject: "/CN=Low", issuer: middle, extensions: CODE_SIGNER, serial: "3002" });
			const file = workshop.write("low.js", "1\n");
			const key = await openPemSigner({ keyFile: low.keyFile, certFile: low.file, chainFiles: [middle.file] });
			await signPaths([file], { output: join(workshop.directory, "low.cat"), signer: key });
			const good = list([], {}, middle);
			await expect(
				verify(file, { lists: [...good, ...list([{ serial: "3001", revoked: BEFORE }])] }),
			).rejects.toMatchObject({ ...REVOKED, message: expect.stringContaining("CN=Middle") });
			expect(statusOf(await verify(file, { lists: [...good, ...list([])] }))).toEqual(["good", "good"]);
			expect(statusOf(await verify(file, { lists: good }))).toEqual(["good", "unknown"]);
		});

		it("refuses a list by another key, by a certificate that may not sign lists, or for only some reasons", async () => {
			const impostor = workshop.issue({ subject: "/CN=Root" });
			const reason = async (lists: RevocationOptions["lists"]) => (await verify(plain, { lists })).warnings[0];
			expect(await reason(list([{ serial: SERIAL, revoked: BEFORE }], {}, impostor))).toMatch(
				/issuer's key did not sign it/,
			);
			expect(() =>
				list([], { extensions: ["issuingDistributionPoint=critical,@idp", "[idp]", "onlysomereasons=keyCompromise"] }),
			).toThrow("it covers only some reasons");
			const noLists = workshop.issue({
				subject: "/CN=No lists",
				extensions: AUTHORITY.map((line) => line.replace(",cRLSign", "")),
			});
			const under = workshop.issue({
				subject: "/CN=Under",
				issuer: noLists,
				extensions: CODE_SIGNER,
				serial: "4001",
			});
			const file = await signed("under", undefined, under);
			const lists = list([{ serial: "4001", revoked: BEFORE }], {}, noLists);
			const { warnings } = await verify(file, { lists }, { trust: trustFromCertificates([noLists.certificate]) });
			expect(warnings[0]).toMatch(/key usage of its issuer does not allow it/);
		});

		it("uses an outdated list as proof of a revocation, but not of its absence", async () => {
			const old = { lastUpdate: databaseTime(now - 48 * HOUR), nextUpdate: databaseTime(now - 24 * HOUR) };
			const verification = await verify(plain, { lists: list([], old) });
			expect(statusOf(verification)).toEqual(["unknown"]);
			expect(verification.warnings[0]).toMatch(/was valid until/);
			const revoked = list([{ serial: SERIAL, revoked: databaseTime(now - 72 * HOUR) }], old);
			await expect(verify(plain, { lists: [...revoked, ...list([])] })).rejects.toMatchObject(REVOKED);
		});

		it("lifts a hold by a newer list, but not by an older one", async () => {
			const old = { lastUpdate: databaseTime(now - 48 * HOUR), nextUpdate: AFTER };
			const held = { serial: SERIAL, revoked: `${BEFORE},certificateHold` };
			expect((await verify(plain, { lists: [...list([held], old), ...list([])] })).verdict).toBe("trusted");
			await expect(verify(plain, { lists: [...list([held]), ...list([], old)] })).rejects.toMatchObject(REVOKED);
		});

		it("warns that the status of a pinned key is not requested", async () => {
			const pinned = { trust: trustFromCertificates([signer.certificate]) };
			const lists = list([{ serial: SERIAL, revoked: BEFORE }]);
			const { warnings } = await verify(plain, { lists }, pinned);
			expect(warnings).toEqual([expect.stringContaining("is pinned")]);
		});
	});

	describe("by responder", () => {
		const good = [{ serial: SERIAL }];

		it.each(["require", "prefer"] as const)(
			"%s: accepts a signer it knows, asking once for two catalogs",
			async (ocsp) => {
				responds(good);
				const catalog = plain.replace(/\.js$/, ".cat");
				const verification = await verify(plain, { ocsp }, { catalogs: [catalog, catalog] });
				expect(verification).toMatchObject({ verdict: "trusted", warnings: [] });
				expect(statusOf(verification)).toEqual(["good"]);
				expect(responder.requests).toHaveLength(1);
				expect(responder.requests[0].headers["content-type"]).toBe("application/ocsp-request");
			},
		);

		it.each(["require", "prefer"] as const)("%s: refuses a revoked signer", async (ocsp) => {
			responds([{ serial: SERIAL, revoked: `${BEFORE},superseded` }]);
			await expect(verify(plain, { ocsp })).rejects.toMatchObject({
				...REVOKED,
				message: expect.stringMatching(/\(superseded; responder "http:/),
			});
		});

		it("compares the time of the revocation with the timestamp", async () => {
			responds([{ serial: SERIAL, revoked: AFTER }]);
			expect((await verify(stamped, { ocsp: "prefer" })).verdict).toBe("trusted");
			responds([{ serial: SERIAL, revoked: BEFORE }]);
			await expect(verify(stamped, { ocsp: "prefer" })).rejects.toMatchObject(REVOKED);
		});

		it("sends no request when off", async () => {
			expect((await verify(plain, { ocsp: "off" })).verdict).toBe("trusted");
			expect(responder.requests).toEqual([]);
		});

		const foreign = () => workshop.issue({ subject: "/CN=Stranger", key: "p256" });
		const UNUSABLE: Record<string, [arrange: () => void, reason: RegExp]> = {
			"is down": [() => (answer = ({ response }) => response.writeHead(503).end()), /status 503/],
			hangs: [() => (answer = () => {}), /no answer within/],
			"answers with a page": [() => (answer = ({ response }) => response.end("<html>")), /of type ""/],
			"answers with rubbish": [() => (answer = (exchange) => sendResponse(exchange, Buffer.from("0"))), /truncated/],
			refuses: [
				() => (answer = (exchange) => sendResponse(exchange, Buffer.from("30030a0106", "hex"))),
				/answered with unauthorized/,
			],
			"does not know the certificate": [() => responds([]), /does not know the certificate/],
			"signs with a certificate that is not for that": [
				() =>
					responds(
						good,
						workshop.issue({ subject: "/CN=No OCSP", key: "p256", issuer: root, extensions: CODE_SIGNER }),
					),
				/does not name ocspSigning/,
			],
			"signs with a certificate of another issuer": [
				() =>
					responds(good, workshop.issue({ subject: "/CN=X", key: "p256", issuer: foreign(), extensions: OCSP_SIGNER })),
				/no certificate of .* was found/,
			],
			"signs with a certificate that expired": [
				() =>
					responds(
						good,
						workshop.issue({
							subject: "/CN=X",
							key: "p256",
							issuer: root,
							extensions: OCSP_SIGNER,
							notAfter: "20210101000000Z",
						}),
					),
				/it expired on 2021/,
			],
			"answers an older question": [
				() => {
					let first: Buffer | undefined;
					answer = (exchange) => {
						first ??= respond(workshop, exchange.query, root, ocspSigner, good);
						sendResponse(exchange, first);
					};
				},
				/nonce is not the one that was sent/,
			],
			"answers about another certificate": [
				() => {
					answer = ({ query, response }) => {
						const other = Buffer.from(query);
						other[other.indexOf(Buffer.from("02021001", "hex")) + 3] = 2;
						sendResponse(
							{ query, response } as Exchange,
							respond(workshop, other, root, ocspSigner, [{ serial: "1002" }]),
						);
					};
				},
				/about another certificate/,
			],
		};

		it.each(Object.entries(UNUSABLE))(
			"a responder that %s: ERR_REVOCATION_UNKNOWN with require, a warning with prefer",
			async (name, [arrange, reason]) => {
				arrange();
				const timeoutMs = name === "hangs" ? 200 : 10_000;
				if (name === "answers an older question") await verify(plain, { ocsp: "require" });
				await expect(verify(plain, { ocsp: "require", timeoutMs })).rejects.toMatchObject({
					...UNKNOWN,
					message: expect.stringMatching(reason),
				});
				const verification = await verify(plain, { ocsp: "prefer", timeoutMs });
				expect(verification.verdict).toBe("trusted");
				expect(verification.warnings).toEqual([expect.stringMatching(reason)]);
			},
		);

		it("accepts a prepared response without the nonce while it is fresh", async () => {
			responds(good, ocspSigner, ["-ndays", "1", "-resp_no_certs"]);
			expect((await verify(plain, { ocsp: "prefer" })).warnings[0]).toMatch(
				/neither the issuer nor a certificate in it/,
			);
			responds(good, root);
			expect((await verify(plain, { ocsp: "require" })).verdict).toBe("trusted");
		});

		it("is not asked when a fresh list has the status, and does not override a list that revokes", async () => {
			answer = ({ response }) => response.writeHead(404).end();
			expect((await verify(plain, { ocsp: "require", lists: list([]) })).verdict).toBe("trusted");
			responds(good);
			const lists = list([{ serial: SERIAL, revoked: BEFORE }]);
			await expect(verify(plain, { ocsp: "prefer", lists })).rejects.toMatchObject(REVOKED);
		});

		it("reports a revocation rather than an unreachable responder", async () => {
			answer = ({ response }) => response.writeHead(404).end();
			const middle = workshop.issue({ subject: "/CN=Gone", issuer: root, serial: "5001" });
			const extensions = [...CODE_SIGNER, `authorityInfoAccess=OCSP;URI:${responder.url}`];
			const low = workshop.issue({ subject: "/CN=Below", issuer: middle, extensions });
			const file = workshop.write("below.js", "1\n");
			const key = await openPemSigner({ keyFile: low.keyFile, certFile: low.file, chainFiles: [middle.file] });
			await signPaths([file], { output: join(workshop.directory, "below.cat"), signer: key });
			const lists = list([{ serial: "5001", revoked: BEFORE }]);
			await expect(verify(file, { ocsp: "require", lists })).rejects.toMatchObject(REVOKED);
			await expect(verify(file, { ocsp: "require" })).rejects.toMatchObject(UNKNOWN);
		});

		it("requires the status of the timestamping authority too", async () => {
			responds(good);
			await expect(verify(stamped, { ocsp: "require" })).rejects.toMatchObject({
				...UNKNOWN,
				message: expect.stringMatching(/"CN=Time authority" was revoked: it names no OCSP responder/),
			});
			expect((await verify(stamped, { ocsp: "require", lists: list([], {}, timeRoot) })).verdict).toBe("trusted");
		});
	});
});
