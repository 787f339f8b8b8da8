import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasProgram, spawnSync } from "../../../../../test/outside.js";
import {
	type Exchange,
	type LocalServer,
	replyTo,
	sendReply,
	serve,
	TIME_STAMPER,
} from "../../../../core/test/pki/local-tsa.js";
import {
	CODE_SIGNER,
	type Issued,
	needsOpenssl,
	openWorkshop,
	type Workshop,
} from "../../../../core/test/pki/openssl.js";
import { makeTree, servedRunner, temporaryDirectory } from "../../support.js";

const sigtool = servedRunner("/nonexistent");

describe("timestamps on the command line", () => {
	let workshop: Workshop;
	let root: Issued;
	let signer: Issued;
	let timeRoot: Issued;
	let authority: Issued;
	let key: string[];
	const servers: LocalServer[] = [];

	beforeAll(() => {
		workshop = openWorkshop();
		needsOpenssl();
		root = workshop.issue({ subject: "/CN=Root" });
		signer = workshop.issue({ subject: "/CN=Signer", issuer: root, extensions: CODE_SIGNER });
		timeRoot = workshop.issue({ subject: "/CN=Time root" });
		authority = workshop.issue({ subject: "/CN=Time authority", issuer: timeRoot, extensions: TIME_STAMPER });
		key = ["--key", signer.keyFile, "--cert", signer.file];
	});
	afterEach(async () => {
		for (const server of servers.splice(0)) await server.close();
	});
	afterAll(() => workshop.remove());

	async function server(answer: (exchange: Exchange) => void): Promise<string> {
		const started = await serve(answer);
		servers.push(started);
		return started.url;
	}
	const good = () => server(({ query, response }) => sendReply(response, replyTo(query, authority, workshop)));
	const bad = () => server(({ query, response }) => sendReply(response, replyTo(query, authority, workshop, "sha1")));
	const tree = () => makeTree(join(temporaryDirectory(), "lib"), { "index.js": "1\n", "more/a.js": "2\n" });
	const trust = () => ["--trust", root.file, "--tsa-trust", timeRoot.file];
	/** At this time every certificate of these tests has expired. */
	const LATER = ["--at", "2041-01-01"];

	it("says of a trust index how it is timestamped", async () => {
		const index = workshop.write("app.sigx", Buffer.from("\x89SIGX\r\n\x1a\nmore", "latin1"));
		const url = ["--timestamp", "http://127.0.0.1:9/", "--tsa-trust", timeRoot.file];
		expect(await sigtool("timestamp", index, ...url)).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(/it is a trust index, which `sigtool compile --timestamp URL` .*\[ERR_USAGE\]/),
		});
	});

	async function expectTimestamped(lib: string): Promise<void> {
		const later = await sigtool("verify", lib, ...trust(), ...LATER);
		expect(later).toMatchObject({ status: 0, stderr: "" });
		expect(later.stdout).toMatch(/judged at +20\d\d-\S+Z \(rfc3161, by CN=Time authority\)/);
		if (!hasProgram("osslsigncode")) return;
		const files = ["-in", join(lib, "lib.cat"), "-CAfile", root.file, "-TSA-CAfile", timeRoot.file];
		const judged = spawnSync("osslsigncode", ["verify", ...files, "-ignore-crl"], { encoding: "utf8" });
		expect(judged.stdout).toMatch(/Timestamp Server Signature verification: ok/);
		expect(judged.stdout).toMatch(/Signature verification: ok/);
	}

	it("sign adds a timestamp, so that the catalog stays valid after its signer's certificate expired", async () => {
		const lib = tree();
		const url = await good();
		const signed = await sigtool("sign", lib, ...key, "--timestamp", url, "--tsa-trust", timeRoot.file);
		expect(signed.status).toBe(0);
		expect(signed.stdout).toMatch(/timestamp +20\d\d-\S+Z by CN=Time authority/);
		await expectTimestamped(lib);
	});

	it("verify refuses an expired signer without a timestamp, and says why it judges at the current time", async () => {
		const lib = tree();
		await sigtool("sign", lib, ...key);
		expect((await sigtool("verify", lib, ...trust())).stdout).toMatch(/\(now: it has no timestamp\)/);
		const later = await sigtool("verify", lib, ...trust(), ...LATER);
		expect(later).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_CERTIFICATE_EXPIRED") });
	});

	it("timestamp adds a timestamp later, and replaces it only with --force", async () => {
		const lib = tree();
		const catalog = join(lib, "lib.cat");
		const options = ["--timestamp", await good(), "--tsa-trust", timeRoot.file];
		await sigtool("sign", lib, ...key);
		const added = await sigtool("timestamp", catalog, ...options, "--json");
		expect(JSON.parse(added.stdout)).toMatchObject({ exit: 0, timestamp: { authority: "CN=Time authority" } });
		await expectTimestamped(lib);
		const before = readFileSync(catalog);
		expect(await sigtool("timestamp", catalog, ...options)).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("--force replaces it"),
		});
		expect(readFileSync(catalog)).toEqual(before);
		expect(await sigtool("timestamp", catalog, ...options, "--force")).toMatchObject({ status: 0 });
		expect(readFileSync(catalog)).not.toEqual(before);
		await expectTimestamped(lib);
	});

	it("finish adds a timestamp", async () => {
		const lib = tree();
		await sigtool("sign", lib, "--unsigned");
		const options = ["--timestamp", await good(), "--tsa-trust", timeRoot.file];
		const finished = await sigtool("finish", join(lib, "lib.cat"), ...key, ...options);
		expect(finished.stdout).toMatch(/timestamp +20/);
		await expectTimestamped(lib);
	});

	it("the old catalog stays unchanged when no authority answers with a valid token", async () => {
		const lib = tree();
		await sigtool("sign", lib, ...key);
		const before = readFileSync(join(lib, "lib.cat"));
		const cases: [url: string, status: number, reason: string][] = [
			[await bad(), 1, "[ERR_TIMESTAMP]"],
			[await server(({ response }) => response.writeHead(404).end()), 3, "its status is 404"],
			["http://127.0.0.1:9/", 3, "[ERR_NETWORK]"],
			["tsa.example", 2, "not an http or https URL"],
		];
		for (const [url, status, reason] of cases) {
			const options = ["--timestamp", url, "--tsa-trust", timeRoot.file];
			const args = [
				["timestamp", join(lib, "lib.cat"), ...options],
				["sign", lib, ...key, ...options],
			];
			for (const each of args) {
				expect(await sigtool(...each)).toMatchObject({ status, stderr: expect.stringContaining(reason) });
				expect(readFileSync(join(lib, "lib.cat"))).toEqual(before);
				expect(readdirSync(lib)).toEqual(["index.js", "lib.cat", "more"]);
			}
		}
	});

	it("a catalog that another process changes meanwhile is not overwritten", async () => {
		const lib = tree();
		const catalog = join(lib, "lib.cat");
		await sigtool("sign", lib, ...key);
		const url = await server(({ query, response }) => {
			writeFileSync(catalog, "another");
			sendReply(response, replyTo(query, authority, workshop));
		});
		const stamped = await sigtool("timestamp", catalog, "--timestamp", url, "--tsa-trust", timeRoot.file);
		expect(stamped).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_FILE_CHANGED") });
		expect(readFileSync(catalog, "utf8")).toBe("another");
	});

	it("asks the next authority when one fails", async () => {
		const lib = tree();
		const options = ["--timestamp", await bad(), "--timestamp", await good(), "--tsa-trust", timeRoot.file];
		expect(await sigtool("sign", lib, ...key, ...options)).toMatchObject({ status: 0 });
		await expectTimestamped(lib);
	});

	it("uses the timestamp authorities of the trust store, which are not trusted for signers", async () => {
		const lib = tree();
		const sigtool = servedRunner(temporaryDirectory());
		await sigtool("trust", "add", timeRoot.file, "--timestamps");
		expect((await sigtool("trust", "add", signer.file)).status).toBe(0);
		expect((await sigtool("sign", lib, ...key, "--timestamp", await good())).status).toBe(0);
		expect((await sigtool("verify", lib)).stdout).toMatch(/rfc3161, by CN=Time authority/);
		const { trusted } = JSON.parse((await sigtool("trust", "list", "--json")).stdout);
		expect(trusted).toMatchObject([{ kind: "pin" }, { kind: "timestamps", label: "CN=Time root" }]);
		const stranger = workshop.issue({ subject: "/CN=Signer", issuer: timeRoot, extensions: CODE_SIGNER });
		await sigtool("sign", lib, "--key", stranger.keyFile, "--cert", stranger.file);
		expect((await sigtool("verify", lib)).stderr).toContain("ERR_UNTRUSTED_SIGNER");
		expect((await sigtool("trust", "add", signer.file, "--timestamps")).stderr).toContain("it is not an authority");
		await sigtool("trust", "remove", trusted[1].id);
		expect((await sigtool("sign", lib, ...key, "--timestamp", await good())).stderr).toContain("--timestamps");
	});

	it("--tsa-trust refuses the authority's own certificate for timestamps, as trust add does, before any request", async () => {
		const lib = tree();
		const catalog = join(lib, "lib.cat");
		await sigtool("sign", lib, ...key);
		const before = readFileSync(catalog);
		const url = await good();
		const stamping = ["--timestamp", url, "--tsa-trust", authority.file];
		const index = join(temporaryDirectory(), "lib.sigx");
		const reason = /"CN=Time authority" for timestamps: it is not an authority; add the root that its issuer leads to/;
		for (const line of [
			["trust", "add", authority.file, "--timestamps"],
			["sign", lib, "--force", ...key, ...stamping],
			["timestamp", catalog, ...stamping],
			["compile", lib, "-o", index, ...key, "--trust", root.file, ...stamping],
			["verify", lib, "--trust", root.file, "--tsa-trust", authority.file],
		]) {
			expect(await sigtool(...line), line[0]).toMatchObject({ status: 2, stderr: expect.stringMatching(reason) });
		}
		expect(servers.flatMap(({ requests }) => requests)).toEqual([]);
		expect(readFileSync(catalog)).toEqual(before);
		expect(existsSync(index)).toBe(false);
		expect((await sigtool("verify", "--help")).stdout.replace(/\s+/g, " ")).toContain(
			"root certificates of timestamping authorities to trust",
		);
	});

	it("refuses to timestamp an unsigned catalog, or without a trusted timestamp authority", async () => {
		const lib = tree();
		const catalog = join(lib, "lib.cat");
		await sigtool("sign", lib, ...key);
		const options = ["--timestamp", await good(), "--tsa-trust", timeRoot.file];
		expect((await sigtool("timestamp", catalog, "--timestamp", await good())).stderr).toContain("--tsa-trust");
		await sigtool("sign", lib, "--unsigned", "--force");
		expect((await sigtool("timestamp", catalog, ...options)).stderr).toContain("ERR_UNSIGNED");
		expect((await sigtool("sign", lib, "--unsigned", ...options)).stderr).toContain("ERR_USAGE");
	});
});
