import { createHash } from "node:crypto";
import {
	chownSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { revocationListsFromFileBytes } from "../../dist/pki/crl.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { openPemSigner } from "../../dist/signer/pem.js";
import type { RevocationOptions } from "../../dist/verify/revocation-sources.js";
import type { Verification } from "../../dist/verify/verification.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { databaseTime, issueList, type ListOptions, type Revocation } from "../pki/local-ca.js";
import { type LocalServer, serve, serveTokens, TIME_STAMPER } from "../pki/local-tsa.js";
import { CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "../pki/openssl.js";

const HOUR = 3_600_000;
const MIB = 2 ** 20;

describe("lists from distribution points", () => {
	let workshop: Workshop;
	let root: Issued;
	let timeRoot: Issued;
	/** Answers requests for the paths in `served`, and all other requests with status 404. */
	let server: LocalServer;
	const served = new Map<string, (response: ServerResponse) => void>();
	let cache: string;
	const SERIAL = "1001";
	const now = Date.now();
	const BEFORE = databaseTime(now - HOUR);
	const OUTDATED: ListOptions = {
		lastUpdate: databaseTime(now - 48 * HOUR),
		nextUpdate: databaseTime(now - 24 * HOUR),
	};

	beforeAll(async () => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root", key: "p256" });
		timeRoot = workshop.issue({ subject: "/CN=Time root", key: "p256" });
		server = await serve(({ request, response }) => {
			const answer = served.get(request.url ?? "");
			if (answer === undefined) response.writeHead(404).end();
			else answer(response);
		});
	});
	beforeEach(() => {
		cache = mkdtempSync(join(tmpdir(), "sigtool-cache-"));
		vi.stubEnv("XDG_CACHE_HOME", cache);
	});
	afterEach(() => {
		vi.unstubAllEnvs();
		vi.restoreAllMocks();
		rmSync(cache, { recursive: true, force: true });
		served.clear();
		server.requests.splice(0);
	});
	afterAll(async () => {
		await server.close();
		workshop.remove();
	});

	const at = (path: string) => server.url.replace("/tsr", path);
	const pointsAt = (...urls: string[]) => `crlDistributionPoints=${urls.map((url) => `URI:${url}`).join(",")}`;

	interface SignedOptions {
		readonly issuer?: Issued;
		readonly tsa?: string;
		readonly extensions?: readonly string[];
	}

	/** Maps a name to the file that was signed for it. The signer's certificate names the lists at `paths`. */
	const signedFiles = new Map<string, string>();
	async function signed(name: string, paths: readonly string[], more: SignedOptions = {}) {
		const known = signedFiles.get(name);
		if (known !== undefined) return known;
		const points =
			paths.length === 0 ? [] : [pointsAt(...paths.map((path) => (path.startsWith("/") ? at(path) : path)))];
		const { keyFile, file } = workshop.issue({
			...{ subject: `/CN=${name}`, key: "p256", issuer: more.issuer ?? root, serial: `${SERIAL}` },
			extensions: [...CODE_SIGNER, ...points, ...(more.extensions ?? [])],
		});
		const path = workshop.write(`${name}.js`, "1\n");
		const timestamp = more.tsa === undefined ? undefined : { urls: [more.tsa], anchors: [timeRoot.certificate] };
		const signer = await openPemSigner({ keyFile, certFile: file });
		await signPaths([path], { output: join(workshop.directory, `${name}.cat`), signer, timestamp });
		signedFiles.set(name, path);
		return path;
	}
	const plain = () => signed("Plain", ["/root.crl"]);

	function verify(path: string, more: RevocationOptions = {}): Promise<Verification> {
		return verifyPath(path, {
			trust: trustFromCertificates([root.certificate]),
			timestampAnchors: [timeRoot.certificate],
			catalogs: [path.replace(/\.js$/, ".cat")],
			revocation: { listSource: "fetch", ...more },
		});
	}
	const statusOf = ({ catalogs }: Verification) => catalogs[0].revocation?.map(({ status }) => status);
	/** Encodes a certificate revocation list in DER. */
	function list(entries: readonly Revocation[] = [], options: ListOptions = {}, by = root): Buffer {
		return workshop.openssl("crl", "-in", issueList(workshop, by, entries, options), "-outform", "DER");
	}
	const publish = (path: string, bytes: Uint8Array) => served.set(path, (response) => void response.end(bytes));
	const cacheFile = (path: string) =>
		join(cache, "sigtool/crl", `${createHash("sha256").update(at(path)).digest("hex")}.crl`);
	function putInCache(path: string, bytes: Uint8Array): void {
		mkdirSync(join(cache, "sigtool/crl"), { recursive: true });
		writeFileSync(cacheFile(path), bytes);
	}
	const REVOKED = { code: "ERR_CERTIFICATE_REVOKED" };
	const UNKNOWN = { code: "ERR_REVOCATION_UNKNOWN" };

	it("requests the list that the certificate names, and says whose it is", async () => {
		publish("/root.crl", list());
		const verification = await verify(await plain());
		expect(verification).toMatchObject({ verdict: "trusted", warnings: [] });
		expect(statusOf(verification)).toEqual(["good"]);
		expect(verification.catalogs[0].revocation?.[0].statement?.source).toBe(`revocation list "${at("/root.crl")}"`);
		expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(["GET /root.crl"]);
	});

	it("refuses a signer who is in it, in DER and in PEM", async () => {
		const revoked = [{ serial: SERIAL, revoked: `${BEFORE},keyCompromise` }];
		publish("/root.crl", list(revoked));
		await expect(verify(await plain())).rejects.toMatchObject(REVOKED);
		rmSync(cache, { recursive: true });
		publish("/root.crl", readFileSync(issueList(workshop, root, revoked)));
		await expect(verify(await plain())).rejects.toMatchObject(REVOKED);
	});

	it("requests nothing by default, and when lists are given alone", async () => {
		publish("/root.crl", list([{ serial: SERIAL, revoked: BEFORE }]));
		const lists = revocationListsFromFileBytes(list(), "given");
		expect(statusOf(await verify(await plain(), { listSource: "given", lists }))).toEqual(["good"]);
		expect(server.requests).toEqual([]);
		await expect(verify(await plain(), { lists })).rejects.toMatchObject(REVOKED);
	});

	describe("unknown, with the reason: a warning, and ERR_REVOCATION_UNKNOWN with require", () => {
		const impostor = () => workshop.issue({ subject: "/CN=Root", key: "p256" });
		const REASONS: Record<string, [arrange: () => void, reason: RegExp]> = {
			"a server that has no list": [() => {}, /list "http:.*root.crl": its status is 404/],
			"a server that fails": [() => served.set("/root.crl", (response) => response.writeHead(503).end()), /status 503/],
			"a server that never answers": [() => served.set("/root.crl", () => {}), /no answer within 0.4 s/],
			"a server that sends one byte now and then": [
				() =>
					served.set("/root.crl", (response) => {
						const timer = setInterval(() => response.write("0"), 50);
						response.on("close", () => clearInterval(timer));
					}),
				/no answer within 0.4 s/,
			],
			"a page": [() => publish("/root.crl", Buffer.from("<html>")), /it is no revocation list/],
			"half a list": [() => publish("/root.crl", list().subarray(0, -9)), /reaches past the end/],
			"two lists in PEM": [
				() => {
					const pem = readFileSync(issueList(workshop, root, []));
					publish("/root.crl", Buffer.concat([pem, pem]));
				},
				/more than one revocation list/,
			],
			"a list of another issuer": [
				() => publish("/root.crl", list([], {}, timeRoot)),
				/a list of "CN=Time root", another issuer/,
			],
			"a list that another key of that name signed": [
				() => publish("/root.crl", list([], {}, impostor())),
				/root.crl": its issuer's key did not sign it/,
			],
			"an outdated list": [() => publish("/root.crl", list([], OUTDATED)), /was valid until/],
			"a redirect to a file": [
				() => served.set("/root.crl", (response) => response.writeHead(302, { location: "file:///etc/passwd" }).end()),
				/redirects to "file:/,
			],
		};
		it.each(Object.entries(REASONS))("%s", async (_, [arrange, reason]) => {
			arrange();
			const path = await plain();
			const timeoutMs = reason.source.includes("within") ? 400 : 10_000;
			const verification = await verify(path, { timeoutMs });
			expect(statusOf(verification)).toEqual(["unknown"]);
			expect(verification.warnings).toEqual([expect.stringMatching(reason)]);
			await expect(verify(path, { timeoutMs, ocsp: "require" })).rejects.toMatchObject({
				...UNKNOWN,
				message: expect.stringMatching(reason),
			});
			expect(existsSync(cacheFile("/root.crl"))).toBe(false);
		});

		it("a certificate that names no list", async () => {
			const { warnings } = await verify(await signed("Nameless", []));
			expect(warnings).toEqual([expect.stringMatching(/it names no address of a list$/)]);
		});

		it("an answer of more than 64 MiB, of which no more is read", async () => {
			let written = 0;
			served.set("/root.crl", (response) => {
				const piece = Buffer.alloc(MIB);
				const write = (): void => {
					while (!response.destroyed && written < 200 * MIB) {
						written += piece.length;
						if (!response.write(piece)) return void response.once("drain", write);
					}
					response.end();
				};
				write();
			});
			const { warnings } = await verify(await plain());
			expect(warnings).toEqual([expect.stringContaining("larger than 67108864 bytes")]);
			expect(written).toBeLessThan(100 * MIB);
		});
	});

	it("accepts a list of the distribution point that the certificate names, and no list of another one", async () => {
		const scoped = (...lines: string[]) =>
			list([], { extensions: ["issuingDistributionPoint=critical,@idp", "[idp]", ...lines] });
		publish("/root.crl", scoped(`fullname=URI:${at("/root.crl")}`, "onlyuser=TRUE"));
		expect(statusOf(await verify(await plain()))).toEqual(["good"]);
		rmSync(cache, { recursive: true });
		publish("/root.crl", scoped(`fullname=URI:${at("/other.crl")}`));
		const { warnings } = await verify(await plain());
		expect(warnings).toEqual([
			expect.stringMatching(/root.crl": it is of a distribution point that the certificate does not/),
		]);
		publish("/root.crl", scoped("onlyCA=TRUE"));
		expect((await verify(await plain())).warnings).toEqual([
			expect.stringContaining("covers only authority certificates"),
		]);
	});

	it("asks the next address after a useless answer, at most three, and the better answer counts", async () => {
		publish("/b.crl", list([], OUTDATED));
		publish("/c.crl", list());
		expect(statusOf(await verify(await signed("Three", ["/a.crl", "/b.crl", "/c.crl"])))).toEqual(["good"]);
		expect(server.requests.map(({ url }) => url)).toEqual(["/a.crl", "/b.crl", "/c.crl"]);
		publish("/d.crl", list());
		expect(statusOf(await verify(await signed("Four", ["/v.crl", "/x.crl", "/y.crl", "/d.crl"])))).toEqual(["unknown"]);
	});

	it("asks for lists and responders alike, so that either one suffices", async () => {
		publish("/root.crl", list());
		const verification = await verify(await plain(), { ocsp: "require" });
		expect(statusOf(verification)).toEqual(["good"]);
		expect(verification.catalogs[0].revocation?.[0].reasons).toEqual(["it names no OCSP responder"]);
	});

	it("requests a list once for all certificates that name it", async () => {
		publish("/root.crl", list());
		vi.stubEnv("XDG_CACHE_HOME", "/proc/nowhere");
		const [one, two] = [await plain(), await signed("Second", ["/root.crl"])];
		const catalogs = [one, two].map((path) => path.replace(/\.js$/, ".cat"));
		const trust = trustFromCertificates([root.certificate]);
		const options = { trust, catalogs, root: workshop.directory, revocation: { listSource: "fetch" } } as const;
		const { catalogs: used } = await verifyPath(one, options);
		expect(used.flatMap(({ revocation }) => revocation?.map(({ status }) => status))).toEqual(["good", "good"]);
		expect(server.requests).toHaveLength(1);
	});

	it("requests the list of a timestamping authority, whose token counts no more when it was revoked", async () => {
		const extensions = [...TIME_STAMPER, pointsAt(at("/time.crl"))];
		const authority = workshop.issue({
			...{ subject: "/CN=Time authority", key: "p256", issuer: timeRoot, serial: "2001" },
			extensions,
		});
		const tsa = await serveTokens(authority, workshop);
		const path = await signed("Stamped", ["/root.crl"], { tsa: tsa.url });
		await tsa.close();
		publish("/root.crl", list());
		publish("/time.crl", list([], {}, timeRoot));
		const good = await verify(path, { ocsp: "require" });
		expect([statusOf(good), good.catalogs[0].judgedAt.source]).toEqual([["good", "good"], "rfc3161"]);
		rmSync(cache, { recursive: true });
		publish("/time.crl", list([{ serial: "2001", revoked: `${BEFORE},keyCompromise` }], {}, timeRoot));
		const { catalogs, warnings } = await verify(path);
		expect(catalogs[0].judgedAt.source).toBe("now");
		expect(warnings).toEqual([expect.stringMatching(/a timestamp was not used: .*it was revoked/)]);
		served.delete("/time.crl");
		rmSync(cache, { recursive: true });
		await expect(verify(path, { ocsp: "require" })).rejects.toMatchObject({
			...UNKNOWN,
			message: expect.stringMatching(/"CN=Time authority" was revoked: list .*404/),
		});
	});

	describe("the cache", () => {
		it("keeps a list in a private file named by the digest of its URL, and uses it until its next update", async () => {
			const bytes = list();
			publish("/root.crl", bytes);
			await verify(await plain());
			expect(readFileSync(cacheFile("/root.crl"))).toEqual(bytes);
			expect(statSync(cacheFile("/root.crl")).mode & 0o777).toBe(0o600);
			expect(statSync(join(cache, "sigtool/crl")).mode & 0o777).toBe(0o700);
			served.clear();
			const again = await verify(await plain(), { ocsp: "require" });
			expect(again.catalogs[0].revocation?.[0].statement?.source).toMatch(/root.crl", cached$/);
			expect(server.requests).toHaveLength(1);
		});

		it("requests a list again after its next update, and replaces it", async () => {
			putInCache("/root.crl", list([], OUTDATED));
			const bytes = list();
			publish("/root.crl", bytes);
			expect(statusOf(await verify(await plain()))).toEqual(["good"]);
			expect(readFileSync(cacheFile("/root.crl"))).toEqual(bytes);
		});

		it("is as unverified as an answer: a list that does not verify is requested again", async () => {
			const good = list();
			const impostor = workshop.issue({ subject: "/CN=Root", key: "p256" });
			const altered = Buffer.from(good);
			altered[altered.length - 1] ^= 1;
			for (const bytes of [Buffer.from("?"), altered, list([], {}, impostor), list([], {}, timeRoot)]) {
				putInCache("/root.crl", bytes);
				served.clear();
				expect(statusOf(await verify(await plain()))).toEqual(["unknown"]);
				publish("/root.crl", good);
				expect(statusOf(await verify(await plain()))).toEqual(["good"]);
				expect(readFileSync(cacheFile("/root.crl"))).toEqual(good);
			}
		});

		it("never serves a certificate that names another address, or has another issuer", async () => {
			publish("/root.crl", list());
			await verify(await plain());
			expect(statusOf(await verify(await signed("Elsewhere", ["/elsewhere.crl"])))).toEqual(["unknown"]);
			const other = workshop.issue({ subject: "/CN=Other root", key: "p256" });
			const path = await signed("Foreign", ["/root.crl"], { issuer: other });
			const trust = trustFromCertificates([other.certificate]);
			const catalogs = [path.replace(/\.js$/, ".cat")];
			const { warnings } = await verifyPath(path, { trust, catalogs, revocation: { listSource: "fetch" } });
			expect(warnings).toEqual([expect.stringMatching(/a list of "CN=Root", another issuer/)]);
		});

		it("proves a revocation when it is outdated and no server answers, but not the absence of one", async () => {
			putInCache("/root.crl", list([{ serial: SERIAL, revoked: databaseTime(now - 72 * HOUR) }], OUTDATED));
			await expect(verify(await plain())).rejects.toMatchObject(REVOKED);
			putInCache("/root.crl", list([], OUTDATED));
			const { warnings } = await verify(await plain());
			expect(warnings).toEqual([expect.stringMatching(/cached was valid until .*; list .*status is 404/)]);
		});

		it("is passed over when it cannot be written", async () => {
			writeFileSync(join(cache, "sigtool"), "a file in the place of the directory");
			publish("/root.crl", list());
			expect(statusOf(await verify(await plain(), { ocsp: "require" }))).toEqual(["good"]);
			expect(readFileSync(join(cache, "sigtool"), "utf8")).toMatch(/^a file/);
		});

		it("stays below 256 MiB: the lists that were kept first are removed", async () => {
			const directory = join(cache, "sigtool/crl");
			mkdirSync(directory, { recursive: true });
			const name = (number: number) => `${String(number).repeat(64)}.crl`;
			for (let number = 0; number < 5; number++) {
				const file = join(directory, name(number));
				writeFileSync(file, "");
				truncateSync(file, 64 * MIB);
				utimesSync(file, 1000 + number, 1000 + number);
			}
			publish("/root.crl", list());
			await verify(await plain());
			expect([0, 1, 2, 3, 4].filter((number) => existsSync(join(directory, name(number))))).toEqual([2, 3, 4]);
			expect(existsSync(cacheFile("/root.crl"))).toBe(true);
		});

		it("keeps its list when an older one is replayed, which proves nothing but a revocation", async () => {
			const recent: ListOptions = {
				lastUpdate: databaseTime(now - 3 * HOUR),
				nextUpdate: databaseTime(now - 2 * HOUR),
			};
			const older: ListOptions = { lastUpdate: databaseTime(now - 30 * HOUR) };
			const path = await plain();
			const revoked = list([{ serial: SERIAL, revoked: databaseTime(now - 4 * HOUR) }], recent);
			putInCache("/root.crl", revoked);
			publish("/root.crl", list([], older));
			for (let time = 0; time < 2; time++) await expect(verify(path)).rejects.toMatchObject(REVOKED);
			expect(readFileSync(cacheFile("/root.crl"))).toEqual(revoked);

			const silent = list([], recent);
			putInCache("/root.crl", silent);
			const { warnings } = await verify(path);
			expect(warnings).toEqual([expect.stringMatching(/root.crl": it is older than the list in the cache/)]);
			await expect(verify(path, { ocsp: "require" })).rejects.toMatchObject(UNKNOWN);
			publish("/root.crl", list([{ serial: SERIAL, revoked: databaseTime(now - 40 * HOUR) }], older));
			await expect(verify(path)).rejects.toMatchObject(REVOKED);
			expect(readFileSync(cacheFile("/root.crl"))).toEqual(silent);
		});

		it("a list from the future, or one that does not verify, keeps no other list away", async () => {
			const future: ListOptions = { lastUpdate: databaseTime(now + HOUR), nextUpdate: databaseTime(now + 9 * HOUR) };
			const impostor = workshop.issue({ subject: "/CN=Root", key: "p256" });
			const bytes = list([], { lastUpdate: databaseTime(now - 30 * HOUR) });
			publish("/root.crl", bytes);
			for (const cached of [list([], future), list([], {}, impostor)]) {
				putInCache("/root.crl", cached);
				expect(statusOf(await verify(await plain(), { ocsp: "require" }))).toEqual(["good"]);
				expect(readFileSync(cacheFile("/root.crl"))).toEqual(bytes);
			}
		});

		it("keeps an outdated list that revokes, so that it counts when no server answers", async () => {
			const bytes = list([{ serial: SERIAL, revoked: databaseTime(now - 72 * HOUR) }], OUTDATED);
			publish("/root.crl", bytes);
			await expect(verify(await plain())).rejects.toMatchObject(REVOKED);
			expect(readFileSync(cacheFile("/root.crl"))).toEqual(bytes);
			served.clear();
			await expect(verify(await plain())).rejects.toMatchObject(REVOKED);
		});

		it("removes no file that it did not make, and uses no directory that is a link", async () => {
			const directory = join(cache, "sigtool/crl");
			const elsewhere = join(cache, "elsewhere");
			const ours = `${"0".repeat(64)}.crl`;
			const others = ["film.mkv", "0.crl", `x${ours}`, `${ours}.bak`];
			const fill = (place: string) => {
				mkdirSync(place, { recursive: true });
				for (const name of [ours, ...others]) {
					writeFileSync(join(place, name), "");
					truncateSync(join(place, name), 300 * MIB);
				}
			};
			publish("/root.crl", list());
			fill(elsewhere);
			mkdirSync(join(cache, "sigtool"));
			symlinkSync(elsewhere, directory);
			expect(statusOf(await verify(await plain(), { ocsp: "require" }))).toEqual(["good"]);
			expect(readdirSync(elsewhere).sort()).toEqual([ours, ...others].sort());
			rmSync(directory);
			fill(directory);
			await verify(await plain());
			expect(readdirSync(directory).sort()).toEqual([...others, basename(cacheFile("/root.crl"))].sort());
		});

		it.skipIf(process.getuid?.() !== 0)("uses no directory of another user (needs root)", async () => {
			const directory = join(cache, "sigtool/crl");
			mkdirSync(directory, { recursive: true });
			chownSync(directory, 65534, 65534);
			publish("/root.crl", list());
			expect(statusOf(await verify(await plain()))).toEqual(["good"]);
			expect(readdirSync(directory)).toEqual([]);
		});
	});

	it.each(["http://me:50%@p:1", "socks5://me:50%25@p:1"])(
		"reports a malformed proxy as the mistake it is, at once, for lists and responders: %s",
		async (proxy) => {
			vi.stubEnv("http_proxy", proxy);
			vi.stubEnv("no_proxy", "");
			const extensions = [`authorityInfoAccess=OCSP;URI:${server.url}`];
			const [path, asked] = [await plain(), await signed("Asked", [], { extensions })];
			const timers = vi.spyOn(globalThis, "setTimeout");
			const CONFIG = { code: "ERR_CONFIG", exitStatus: 2, message: expect.stringMatching(/"http_proxy"/) };
			await expect(verify(path)).rejects.toMatchObject(CONFIG);
			for (const ocsp of ["prefer", "require"] as const) {
				await expect(verify(asked, { listSource: "given", ocsp })).rejects.toMatchObject(CONFIG);
			}
			expect(timers).not.toHaveBeenCalled(); // A second attempt would come after a pause.
		},
	);

	it("takes the address in a certificate that holds a password as a reason", async () => {
		const { warnings } = await verify(await signed("Secret", ["http://me:secret@127.0.0.1:9/root.crl"]));
		expect(warnings).toEqual([expect.stringMatching(/it holds a user name or a password/)]);
		expect(warnings.join()).not.toContain("secret@");
	});
});
