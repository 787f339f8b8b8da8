import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
	databaseTime,
	issueList,
	OCSP_SIGNER,
	type Revocation,
	respond,
	sendResponse,
} from "../../../../core/test/pki/local-ca.js";
import { type LocalServer, serve } from "../../../../core/test/pki/local-tsa.js";
import {
	CODE_SIGNER,
	type Issued,
	needsOpenssl,
	openWorkshop,
	type Workshop,
} from "../../../../core/test/pki/openssl.js";
import { canWriteAttributes, makeTree, servedRunner } from "../../support.js";

const sigtool = servedRunner("/nonexistent");
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n";

describe("verify --crl and --ocsp", () => {
	let workshop: Workshop;
	let root: Issued;
	let responder: LocalServer;
	let known: readonly Revocation[] | "down" | "switches";
	let lib: string;
	const REVOKED = databaseTime(Date.now() - 3_600_000);

	beforeAll(async () => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root" });
		const ocspSigner = workshop.issue({ subject: "/CN=Responder", issuer: root, extensions: OCSP_SIGNER });
		responder = await serve((exchange) => {
			if (known === "down") exchange.response.writeHead(503).end();
			else if (known === "switches") exchange.request.socket.write(SWITCHING);
			else sendResponse(exchange, respond(workshop, exchange.query, root, ocspSigner, known));
		});
		const extensions = [...CODE_SIGNER, `authorityInfoAccess=OCSP;URI:${responder.url}`];
		const signer = workshop.issue({ subject: "/CN=Signer", issuer: root, extensions, serial: "1001" });
		lib = makeTree(join(workshop.directory, "lib"), { "index.js": "1\n" });
		await sigtool("sign", lib, "--key", signer.keyFile, "--cert", signer.file);
	});
	afterAll(async () => {
		await responder.close();
		workshop.remove();
	});

	const verify = (...args: string[]) => sigtool("verify", lib, "--trust", root.file, ...args);

	it("exit 0 when the responder knows the signer, 1 when the signer was revoked", async () => {
		needsOpenssl();
		known = [{ serial: "1001" }];
		const good = await verify("--ocsp", "require");
		expect(good).toMatchObject({ status: 0, stderr: "" });
		expect(good.stdout).toMatch(/revocation +not revoked: CN=Signer \(responder "http:\/\/127\.0\.0\.1:\d+\/tsr", 20/);
		known = [{ serial: "1001", revoked: `${REVOKED},keyCompromise` }];
		expect(await verify("--ocsp", "prefer")).toMatchObject({
			status: 1,
			stderr: expect.stringMatching(/key compromise.*\[ERR_CERTIFICATE_REVOKED\]/),
		});
	});

	it.each(["http://127.0.0.1:9/x.crl", "HTTPS://example.org/x.crl", "ldap://example.org/cn=x"])(
		"points to --crl fetch for the address %s",
		async (address) => {
			const run = await verify("--crl", address);
			expect(run.status).toBe(2);
			expect(run.stderr).toContain(`not the address "${address}"; --crl fetch gets the lists`);
			expect(run.stderr).toContain("[ERR_USAGE]");
		},
	);

	it("exit 3 with require and a warning with prefer when the responder is down", async () => {
		known = "down";
		expect(await verify("--ocsp", "require")).toMatchObject({
			status: 3,
			stderr: expect.stringMatching(/status 503.*\[ERR_REVOCATION_UNKNOWN\]/),
		});
		expect(await verify("--ocsp", "prefer")).toMatchObject({
			status: 0,
			stderr: expect.stringMatching(/^warning: Cannot tell whether certificate "CN=Signer" was revoked: .*status 503/),
		});
		expect(await verify("--ocsp", "off")).toMatchObject({ status: 0, stderr: "" });
	});

	it("exit 3 when the responder answers with a switch of protocols", async () => {
		known = "switches";
		expect(await verify("--ocsp", "require")).toMatchObject({
			status: 3,
			stderr: expect.stringMatching(/without an answer.*\[ERR_REVOCATION_UNKNOWN\]/),
		});
	});

	it("accepts revocation lists in PEM, and says what is wrong with other files", async () => {
		const good = issueList(workshop, root, []);
		const { results } = JSON.parse((await verify("--crl", good, "--json")).stdout);
		expect(results[0].catalogs[0].revocation).toMatchObject([{ subject: "CN=Signer", status: "good" }]);
		const revoked = issueList(workshop, root, [{ serial: "1001", revoked: REVOKED }]);
		expect(await verify("--crl", good, "--crl", revoked)).toMatchObject({ status: 1 });
		expect(await verify("--crl", root.file)).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("holds no revocation list"),
		});
		const cut = workshop.write("cut.crl", readFileSync(good, "latin1").slice(0, 200));
		expect(await verify("--crl", cut)).toMatchObject({ status: 2, stderr: expect.stringContaining("does not end") });
	});
});

describe("--crl fetch, and signers of trust indexes and attributes", () => {
	let workshop: Workshop;
	let root: Issued;
	let signer: Issued;
	let server: LocalServer;
	/** The list that the server publishes, in PEM. If it is undefined, the server answers with status 404. */
	let published: Buffer | undefined;
	let lib: string;
	let key: string[];
	let caches = 0;
	const REVOKED = [{ serial: "1001", revoked: `${databaseTime(Date.now() - 3_600_000)},keyCompromise` }];

	beforeAll(async () => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root", key: "p256" });
		server = await serve(({ response }) => {
			if (published === undefined) response.writeHead(404).end();
			else response.end(published);
		});
		signer = workshop.issue({
			...{ subject: "/CN=Signer", key: "p256", issuer: root, serial: "1001" },
			extensions: [...CODE_SIGNER, `crlDistributionPoints=URI:${server.url}`],
		});
		key = ["--key", signer.keyFile, "--cert", signer.file];
		lib = makeTree(join(workshop.directory, "lib"), { "index.js": "1\n" });
		await sigtool("sign", lib, ...key, "--product", "lib");
	});
	beforeEach(() => {
		vi.stubEnv("XDG_CACHE_HOME", join(workshop.directory, `cache-${++caches}`));
		published = undefined;
	});
	afterEach(() => vi.unstubAllEnvs());
	afterAll(async () => {
		await server.close();
		workshop.remove();
	});

	const list = (entries: readonly Revocation[] = []) => readFileSync(issueList(workshop, root, entries));
	const trust = () => ["--trust", root.file];
	const SOURCE = /revocation +not revoked: CN=Signer \(revocation list "http:\/\/127/;

	it("verify requests the list, and ends with 0, 1, or 3 when it must have one", async () => {
		const verify = (...args: string[]) => sigtool("verify", lib, ...trust(), "--crl", "fetch", ...args);
		expect(await verify()).toMatchObject({
			status: 0,
			stderr: expect.stringMatching(/^warning: Cannot tell whether certificate "CN=Signer" was revoked: list .* 404/),
		});
		expect(await verify("--ocsp", "prefer")).toMatchObject({ status: 0, stderr: expect.stringContaining("404") });
		expect(await verify("--ocsp", "require")).toMatchObject({
			status: 3,
			stderr: expect.stringMatching(/status is 404.*\[ERR_REVOCATION_UNKNOWN\]/),
		});
		published = list();
		expect(await verify("--ocsp", "require")).toMatchObject({ status: 0, stdout: expect.stringMatching(SOURCE) });
		const revoked = issueList(workshop, root, REVOKED);
		expect(await verify("--crl", revoked)).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("[ERR_CERTIFICATE_REVOKED]"),
		});
	});

	it("a file called fetch is named with its directory", async () => {
		const file = workshop.write("fetch", list(REVOKED));
		server.requests.splice(0);
		expect(await sigtool("verify", lib, ...trust(), "--crl", file)).toMatchObject({ status: 1 });
		expect(server.requests).toEqual([]);
	});

	it("compile refuses a revoked signer", async () => {
		published = list(REVOKED);
		const output = join(workshop.directory, "refused.sigx");
		const compiled = await sigtool("compile", lib, "-o", output, ...key, ...trust(), "--crl", "fetch");
		expect(compiled).toMatchObject({ status: 1, stderr: expect.stringContaining("[ERR_CERTIFICATE_REVOKED]") });
	});

	it("verify checks the signer of a trust index", async () => {
		const index = join(workshop.directory, "lib.sigx");
		await sigtool("compile", lib, "-o", index, ...key, ...trust());
		const verify = (...args: string[]) => sigtool("verify", index, "--signature-only", ...trust(), ...args);
		expect(await verify("--crl", "fetch", "--ocsp", "require")).toMatchObject({
			status: 3,
			stderr: expect.stringMatching(/Cannot use trust index .*lib.sigx.*status is 404.*\[ERR_REVOCATION_UNKNOWN\]/),
		});
		expect(await verify("--crl", "fetch")).toMatchObject({
			status: 0,
			stderr: expect.stringMatching(/^warning: .* 404/),
		});
		published = list();
		expect(await verify("--crl", "fetch")).toMatchObject({
			...{ status: 0, stderr: "" },
			stdout: expect.stringMatching(SOURCE),
		});
		const { results } = JSON.parse((await verify("--crl", "fetch", "--json")).stdout);
		expect(results[0].revocation).toMatchObject([{ subject: "CN=Signer", status: "good" }]);
		expect(await verify("--crl", issueList(workshop, root, REVOKED))).toMatchObject({
			status: 1,
			stderr: expect.stringMatching(/lib.sigx.*key compromise.*\[ERR_CERTIFICATE_REVOKED\]/),
		});
		const pinned = await sigtool("verify", index, "--signature-only", "--trust", signer.file, "--crl", "fetch");
		expect(pinned).toMatchObject({ status: 0, stderr: expect.stringContaining("is pinned: no authority is asked") });
		expect(JSON.parse((await verify("--json")).stdout).results[0].revocation).toBeUndefined();
	});

	it("says that no authority is asked about a pinned key, with require also with -q", async () => {
		const index = join(workshop.directory, "own.sigx");
		await sigtool("compile", lib, "-o", index, ...key, ...trust());
		const REQUIRE = ["--trust", signer.file, "--ocsp", "require"];
		const note = /^note: the key of .* is pinned: no authority is asked whether it was revoked\n$/;
		const entry = { status: "not-asked", source: null, reasons: [expect.stringContaining("is pinned")] };
		const output = join(workshop.directory, "pinned.sigx");
		const commands = [
			["verify", lib],
			["verify", index, "--signature-only"],
			["compile", lib, "-o", output, ...key],
		];
		for (const command of commands) {
			expect(await sigtool(...command, ...REQUIRE, "-q")).toMatchObject({
				status: 0,
				stderr: expect.stringMatching(note),
			});
			expect((await sigtool(...command, "--trust", signer.file, "--ocsp", "prefer", "-q")).stderr).toBe("");
			const { notes, warnings } = JSON.parse((await sigtool(...command, ...REQUIRE, "--json")).stdout);
			expect(notes).toEqual([expect.stringContaining("is pinned")]);
			expect(warnings.join()).not.toContain("is pinned");
		}
		const { results } = JSON.parse((await sigtool("verify", lib, ...REQUIRE, "--json")).stdout);
		expect(results[0].catalogs[0].revocation).toEqual([{ subject: expect.any(String), ...entry }]);
		const signature = await sigtool("verify", index, "--signature-only", ...REQUIRE, "--json");
		expect(JSON.parse(signature.stdout).results[0].revocation).toMatchObject([entry]);
		expect((await sigtool("verify", lib, ...REQUIRE)).stdout).toMatch(/revocation +not asked \(pinned\): /);
	});

	it.skipIf(!canWriteAttributes("user"))("verify checks the signers of attributes", async () => {
		const tree = makeTree(join(workshop.directory, "tree"), { "a.js": "1\n", "b.js": "2\n" });
		const formats = ["--format", "ima", "--namespace", "user"];
		expect((await sigtool("sign", tree, ...formats, ...key)).status).toBe(0);
		const verify = (...args: string[]) =>
			sigtool("verify", tree, ...formats, "--cert", signer.file, ...trust(), ...args);
		expect(await verify()).toMatchObject({ status: 0, stderr: "" });
		expect(await verify("--crl", "fetch")).toMatchObject({
			status: 0,
			stderr: expect.stringMatching(/^warning: .* 404/),
		});
		expect(await verify("--crl", "fetch", "--ocsp", "require")).toMatchObject({
			status: 3,
			stdout: expect.stringMatching(/^undecided .*2 problems.*/),
		});
		published = list();
		const good = await verify("--crl", "fetch", "--ocsp", "require");
		expect(good).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(SOURCE) });
		const { results } = JSON.parse((await verify("--crl", "fetch", "--json")).stdout);
		expect(results[0].revocation).toMatchObject([{ subject: "CN=Signer", status: "good" }]);
		const revoked = await verify("--crl", issueList(workshop, root, REVOKED));
		expect(revoked).toMatchObject({ status: 1, stdout: expect.stringMatching(/^failed .*2 problems/) });
		expect(revoked.stdout).toMatch(
			/"a.js" is signed by a key that is not trusted: .*key compromise.*\[ERR_CERTIFICATE_REVOKED\]/,
		);
		const pinned = await sigtool("verify", tree, ...formats, "--trust", signer.file, "--crl", "fetch");
		expect(pinned).toMatchObject({ status: 0, stderr: expect.stringContaining("is pinned: no authority is asked") });
	});

	it("refuses --crl and --ocsp where only hashes are verified, which nobody signs", async () => {
		for (const option of [
			["--crl", "fetch"],
			["--ocsp", "prefer"],
		]) {
			expect(await sigtool("verify", lib, "--format", "spython", ...option)).toMatchObject({
				status: 2,
				stderr: expect.stringContaining("nobody signs a hash"),
			});
		}
	});
});
