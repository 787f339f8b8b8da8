import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { databaseTime, issueList } from "../../../../core/test/pki/local-ca.js";
import { type LocalServer, serveTokens, TIME_STAMPER } from "../../../../core/test/pki/local-tsa.js";
import { CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "../../../../core/test/pki/openssl.js";
import { makeTree, servedRunner, temporaryDirectory } from "../../support.js";

const sigtool = servedRunner("/nonexistent");
/** At this time every certificate of these tests has expired. */
const LATER = ["--at", "2041-01-01"];

describe("compile --timestamp", () => {
	let workshop: Workshop;
	let root: Issued;
	let signer: Issued;
	let timeRoot: Issued;
	let authority: Issued;
	const servers: LocalServer[] = [];

	beforeAll(() => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root" });
		signer = workshop.issue({ subject: "/CN=Signer", issuer: root, extensions: CODE_SIGNER });
		timeRoot = workshop.issue({ subject: "/CN=Time root" });
		authority = workshop.issue({ subject: "/CN=Time authority", issuer: timeRoot, extensions: TIME_STAMPER });
	});
	afterEach(async () => {
		for (const server of servers.splice(0)) await server.close();
	});
	afterAll(() => workshop.remove());

	async function server(issuer = authority): Promise<string> {
		const started = await serveTokens(issuer, workshop);
		servers.push(started);
		return started.url;
	}
	const key = () => ["--key", signer.keyFile, "--cert", signer.file];
	const trust = () => ["--trust", root.file];

	async function compile(...options: string[]) {
		const lib = makeTree(join(temporaryDirectory(), "lib"), { "index.js": "1\n" });
		const index = join(temporaryDirectory(), "lib.sigx");
		expect(await sigtool("sign", lib, ...key())).toMatchObject({ status: 0 });
		return { index, run: await sigtool("compile", lib, "-o", index, ...key(), ...trust(), ...options) };
	}

	it("makes an index that outlives its signer's certificate, where the authority is trusted", async () => {
		const { index, run } = await compile("--timestamp", await server(), "--tsa-trust", timeRoot.file);
		expect(run.status).toBe(0);
		expect(run.stdout).toMatch(/timestamp +20\d\d-\S+Z by CN=Time authority/);
		const later = await sigtool(
			"verify",
			index,
			"--signature-only",
			...trust(),
			"--tsa-trust",
			timeRoot.file,
			...LATER,
		);
		expect(later).toMatchObject({ status: 0, stderr: "" });
		expect(later.stdout).toMatch(/judged at +20\d\d-\S+Z \(rfc3161, by CN=Time authority\)/);
		const untrusted = await sigtool("verify", index, "--signature-only", ...trust(), ...LATER);
		expect(untrusted).toMatchObject({ status: 1, stderr: expect.stringMatching(/its timestamp was not used: /) });
		const shown = await sigtool("inspect", index, "--json");
		expect(JSON.parse(shown.stdout).timestamps).toMatchObject([{ kind: "rfc3161", signer: "CN=Time authority" }]);
		expect((await sigtool("inspect", index)).stdout).toMatch(/timestamp +rfc3161 20\d\d-\S+Z CN=Time authority/);
	});

	it("says in JSON by whom and when, and for which time the signer was judged", async () => {
		const url = await server();
		const { index, run } = await compile("--timestamp", url, "--tsa-trust", timeRoot.file, "--json");
		expect(JSON.parse(run.stdout).timestamp).toMatchObject({ authority: "CN=Time authority", url });
		const verified = await sigtool(
			"verify",
			index,
			"--signature-only",
			...trust(),
			"--tsa-trust",
			timeRoot.file,
			"--json",
		);
		const [{ judgedAt }] = JSON.parse(verified.stdout).results;
		expect(judgedAt).toMatchObject({ source: "rfc3161", authority: "CN=Time authority" });
		expect(Math.abs(Date.parse(judgedAt.time) - Date.now())).toBeLessThan(300_000);
	});

	it("ends with the signer's certificate without a timestamp, and with --not-after in any case", async () => {
		const { index } = await compile();
		const tsa = ["--tsa-trust", timeRoot.file];
		expect((await sigtool("verify", index, "--signature-only", ...trust())).stdout).toMatch(
			/\(now: it has no timestamp\)/,
		);
		expect(await sigtool("verify", index, "--signature-only", ...trust(), ...tsa, ...LATER)).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("ERR_CERTIFICATE_EXPIRED"),
		});
		const ends = await compile("--timestamp", await server(), ...tsa, "--not-after", "30");
		expect(await sigtool("verify", ends.index, ...trust(), ...tsa, ...LATER)).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("ERR_INDEX_EXPIRED"),
		});
	});

	it("writes nothing when no authority answers with a valid token, or when its options do not fit", async () => {
		const stranger = workshop.issue({ subject: "/CN=Stranger", extensions: TIME_STAMPER.slice(0, 4) });
		const cases: [string[], number, string][] = [
			[["--timestamp", await server(stranger), "--tsa-trust", timeRoot.file], 1, "[ERR_TIMESTAMP]"],
			[["--timestamp", "http://127.0.0.1:9/", "--tsa-trust", timeRoot.file], 3, "[ERR_NETWORK]"],
			[["--timestamp", await server()], 2, "--tsa-trust"],
			[["--tsa-trust", timeRoot.file], 2, "--timestamp"],
		];
		for (const [options, status, reason] of cases) {
			const { index, run } = await compile(...options);
			expect(run).toMatchObject({ status, stderr: expect.stringContaining(reason) });
			expect(existsSync(index)).toBe(false);
		}
	});

	it("is dropped by verify if the authority was revoked, and proves a time before the signer was revoked", async () => {
		const [own, time] = [
			workshop.issue({ subject: "/CN=Own", issuer: root, extensions: CODE_SIGNER, serial: "11" }),
			workshop.issue({ subject: "/CN=Own time", issuer: timeRoot, extensions: TIME_STAMPER, serial: "22" }),
		];
		const lib = makeTree(join(temporaryDirectory(), "lib"), { "index.js": "1\n" });
		const index = join(temporaryDirectory(), "lib.sigx");
		const ownKey = ["--key", own.keyFile, "--cert", own.file];
		await sigtool("sign", lib, ...ownKey);
		const stamping = ["--timestamp", await server(time), "--tsa-trust", timeRoot.file];
		expect(await sigtool("compile", lib, "-o", index, ...ownKey, ...trust(), ...stamping)).toMatchObject({ status: 0 });
		const list = (issuer: Issued, serial: string, when: number) =>
			issueList(workshop, issuer, [{ serial, revoked: `${databaseTime(when)},keyCompromise` }]);
		const none = (issuer: Issued) => issueList(workshop, issuer, []);
		const verify = (...files: string[]) =>
			sigtool(
				"verify",
				index,
				"--signature-only",
				...trust(),
				"--tsa-trust",
				timeRoot.file,
				...files.flatMap((file) => ["--crl", file]),
			);
		const [before, after] = [Date.now() - 3_600_000, Date.now() + 60_000];

		const sound = await verify(none(root), none(timeRoot));
		expect(sound).toMatchObject({ status: 0, stderr: "" });
		expect(sound.stdout).toMatch(/not revoked: CN=Own \(/);
		expect(sound.stdout).toMatch(/not revoked: CN=Own time \(/);
		const dropped = await verify(none(root), list(timeRoot, "22", before));
		expect(dropped).toMatchObject({ status: 0, stderr: expect.stringMatching(/a timestamp was not used: .*Own time/) });
		expect(dropped.stdout).toMatch(/\(now: its timestamp does not verify\)/);
		expect(await verify(list(root, "11", after), none(timeRoot))).toMatchObject({
			status: 0,
			stdout: expect.stringMatching(/revoked later: CN=Own \(/),
		});
		expect(await verify(list(root, "11", after), list(timeRoot, "22", before))).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("[ERR_CERTIFICATE_REVOKED]"),
		});
		expect(await verify(list(root, "11", before), none(timeRoot))).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("[ERR_CERTIFICATE_REVOKED]"),
		});
	});

	it("leaves the signature one that openssl cms verifies", async () => {
		const { index } = await compile("--timestamp", await server(), "--tsa-trust", timeRoot.file);
		const bytes = readFileSync(index);
		const [head, entries, names] = [12, 16, 20].map((at) => bytes.readUInt32LE(at));
		const end = 24 + head + 48 * entries + names;
		const [content, signature] = ["content", "signature"].map((name) => join(temporaryDirectory(), name));
		writeFileSync(content, bytes.subarray(0, end));
		writeFileSync(signature, bytes.subarray(end));
		const args = ["cms", "-verify", "-cades", "-binary", "-purpose", "any", "-inform", "DER", "-in", signature];
		execFileSync("openssl", [...args, "-content", content, "-CAfile", root.file, "-out", "/dev/null"], {
			stdio: "pipe",
		});
	});
});
