import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { bytesOf, writeLog } from "../../../../core/test/log/chained-log.js";
import { leafOf, rootOf } from "../../../../core/test/log/rfc6962.js";
import { serveTokens, TIME_STAMPER } from "../../../../core/test/pki/local-tsa.js";
import {
	CODE_SIGNER,
	type Issued,
	needsOpenssl,
	openWorkshop,
	type Workshop,
} from "../../../../core/test/pki/openssl.js";
import { servedRunner } from "../../support.js";
import { events, newKey, place, writeChained } from "./logs.js";

describe("sigtool log seal", () => {
	it("makes a checkpoint by which lines that are missing at the end are found", () => {
		const { directory, file, sigtool } = place();
		const { key, pub } = newKey(directory);
		const lines = writeChained(file("a"), 20);
		const seal = (...args: string[]) => sigtool(["log", "seal", file("a"), "-o", file("cp"), "--key", key, ...args]);
		const sealed = seal("--origin", "example.com/web1", "--json");
		expect(sealed.status).toBe(0);
		expect(sealed.json()).toMatchObject({
			origin: "example.com/web1",
			size: 20,
			root: rootOf(lines.map(leafOf)).toString("base64"),
		});
		writeFileSync(file("vkey"), sealed.json().verifierKey);
		const check = (log: string, ...args: string[]) =>
			sigtool(["log", "verify", file(log), "--checkpoint", file("cp"), "--trust", pub, "--json", ...args]);
		expect(check("a").json()).toMatchObject({ exit: 0, uncovered: 0, covered: 20, checkpoints: [{ fits: true }] });
		expect(check("a", "--trust", file("vkey"), "--origin", "example.com/web1").status).toBe(0);
		expect(check("a", "--origin", "example.com/web2").json().error).toMatchObject({ code: "ERR_LOG_CHANGED" });
		// The trust store does not count for a key of Ed25519.
		expect(sigtool(["log", "verify", file("a"), "--checkpoint", file("cp")]).stderr).toContain("ERR_UNTRUSTED_SIGNER");

		writeFileSync(file("cut"), bytesOf(lines.slice(0, 15)));
		expect(sigtool(["log", "verify", file("cut")]).status).toBe(0);
		expect(check("cut").json()).toMatchObject({
			exit: 1,
			problem: { message: expect.stringMatching(/^lines are missing at the end: the log has 15, .* covers 20$/) },
		});
		// Somebody has made the chain anew behind an edited line.
		writeFileSync(file("anew"), bytesOf(writeLog([...events(10), ...events(9, 50)])[0] ?? []));
		expect(sigtool(["log", "verify", file("anew")]).status).toBe(0);
		expect(check("anew").json()).toMatchObject({
			exit: 1,
			problem: { message: expect.stringContaining("one of the lines 1 to 20") },
		});
		// An earlier checkpoint tells more closely.
		writeFileSync(file("early"), bytesOf(lines.slice(0, 8)));
		sigtool(["log", "seal", file("early"), "-o", file("cp8"), "--key", key, "--origin", "example.com/web1"]);
		expect(check("anew", "--checkpoint", file("cp8")).json()).toMatchObject({
			exit: 1,
			problem: { message: expect.stringContaining("one of the lines 9 to 20") },
		});
		// It covers a gap of the chain too, and a log without a chain.
		writeFileSync(file("a"), "x\ny\n");
		expect(seal("--origin", "example.com/web1")).toMatchObject({ status: 1 });
		expect(seal("--origin", "example.com/web1", "--force").status).toBe(0);
		expect(check("a").json()).toMatchObject({ exit: 0, chained: 0, covered: 2 });
	});

	it("goes on only from a checkpoint of the same lines, and leaves a line that has no end", () => {
		const { directory, file, sigtool } = place();
		const { key } = newKey(directory);
		const lines = writeChained(file("a"), 10);
		const seal = () => sigtool(["log", "seal", file("a"), "-o", file("cp"), "--key", key]);
		expect(seal().status).toBe(0);
		writeFileSync(file("a"), Buffer.concat([bytesOf(writeLog(events(12))[0] ?? []), Buffer.from('{"time":')]));
		const longer = seal();
		expect([longer.status, longer.stderr]).toEqual([0, expect.stringContaining("has no end yet")]);
		expect(readFileSync(file("cp"), "utf8")).toContain("\n13\n");
		const before = readFileSync(file("cp"));
		writeFileSync(file("a"), bytesOf(lines));
		expect(seal()).toMatchObject({ status: 1, stderr: expect.stringContaining("it covers 13 lines that are not") });
		writeFileSync(file("a"), bytesOf(lines.toSpliced(4, 1)));
		expect(seal()).toMatchObject({ status: 1, stderr: expect.stringContaining("Cannot seal a log that was changed") });
		expect(readFileSync(file("cp")).equals(before)).toBe(true);
		writeFileSync(file("cp"), "a file of mine\n");
		expect(seal()).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(/it is no checkpoint; .*\[ERR_OUTPUT_EXISTS\]/),
		});
	});

	it("signs on another host what --unsigned wrote", () => {
		const { directory, file, sigtool } = place();
		const { key, pub } = newKey(directory);
		const lines = writeChained(file("a"), 5);
		const args = ["log", "seal", file("a"), "-o", file("text"), "--unsigned", "--origin", "example.com/a"];
		expect(sigtool(args).status).toBe(0);
		const root = rootOf(lines.map(leafOf)).toString("base64");
		expect(readFileSync(file("text"), "utf8")).toBe(`example.com/a\n5\n${root}\n`);
		const sign = () => sigtool(["log", "seal", "--text", file("text"), "-o", file("cp"), "--key", key]);
		expect(sign()).toMatchObject({ status: 0, stderr: expect.stringMatching(/^about to sign .*\n {2}log {4}example/) });
		expect(sigtool(["log", "verify", file("a"), "--checkpoint", file("cp"), "--trust", pub]).status).toBe(0);
		writeFileSync(file("text"), `example.com/a\n5\n${root}\nand more\n`);
		expect(sign()).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_CHECKPOINT_FORMAT") });
	});

	it("uses the development identity if nothing names a key, and says so", () => {
		const { file, sigtool } = place();
		writeChained(file("a"), 5);
		const sealed = sigtool(["log", "seal", file("a"), "-o", file("cp"), "--json"]).json();
		expect(sealed).toMatchObject({ exit: 0, signer: { development: true }, notes: [expect.any(String)] });
		const verify = (...args: string[]) => sigtool(["log", "verify", file("a"), "--checkpoint", file("cp"), ...args]);
		expect(verify("--json").json()).toMatchObject({
			...{ exit: 0, covered: 5, notes: [expect.stringContaining("development identity")] },
			checkpoints: [{ fits: true, signer: { development: true }, judgedAt: { source: "now" } }],
		});
		expect(verify("--no-development").stderr).toContain("ERR_DEVELOPMENT_REFUSED");
	});

	it.each([
		[["seal", "-o", "cp"], "Name the log to seal"],
		[["seal", "a", "-o", "cp", "--origin", "a b"], "Give --origin a name"],
		[["seal", "a", "-o", "cp", "--unsigned", "--key", "k"], "Use --unsigned without a key"],
		[["seal", "a", "-o", "cp", "--text", "t"], "Use --text without a log"],
		[["seal", "a", "-o", "cp", "--key", "k", "--timestamp", "http://localhost/"], "Use --timestamp with a key"],
		[["seal", "a", "-o", "-"], "Name a file with -o"],
		[["seal", "-", "-o", "cp"], "Name the log with --origin"],
		[["tiles", "a"], "Required option '-o, --output <dir>'"],
	])("refuses %j", (args, says) => {
		const { directory, file, sigtool } = place();
		writeFileSync(file("a"), "a\n");
		expect(sigtool(["log", ...args], { cwd: directory, input: "" })).toMatchObject({
			status: 2,
			stderr: expect.stringContaining(says),
		});
	});
});

describe("a checkpoint by a key with a certificate", () => {
	let workshop: Workshop;
	let root: Issued;
	let leaf: Issued;
	const sigtool = servedRunner("/nonexistent");

	beforeAll(() => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root" });
		leaf = workshop.issue({ subject: "/CN=Signer", issuer: root, extensions: CODE_SIGNER, key: "p256" });
	});
	afterAll(() => workshop.remove());

	it("gets a timestamp, which keeps it valid after the certificate has expired", async () => {
		const timeRoot = workshop.issue({ subject: "/CN=Time root" });
		const authority = workshop.issue({ subject: "/CN=Time", issuer: timeRoot, extensions: TIME_STAMPER });
		const server = await serveTokens(authority, workshop);
		onTestFinished(() => server.close());
		const log = join(workshop.directory, "a");
		writeChained(log, 5);
		const seal = (output: string, ...args: string[]) =>
			sigtool("log", "seal", log, "-o", output, "--key", leaf.keyFile, "--cert", leaf.file, "--origin", "a/b", ...args);
		const [stamped, bare] = [join(workshop.directory, "stamped"), join(workshop.directory, "bare")];
		const made = await seal(stamped, "--timestamp", server.url, "--tsa-trust", timeRoot.file);
		expect(made).toMatchObject({ status: 0, stdout: expect.stringMatching(/timestamp .* by CN=Time/) });
		expect(await seal(bare)).toMatchObject({ status: 0 });
		const later = (checkpoint: string) =>
			sigtool(
				...["log", "verify", log, "--checkpoint", checkpoint, "--trust", root.file],
				...["--tsa-trust", timeRoot.file, "--at", "2041-01-01"],
			);
		expect(await later(stamped)).toMatchObject({ status: 0, stdout: expect.stringContaining("signer      CN=Signer") });
		expect(await later(bare)).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_CERTIFICATE_EXPIRED") });
	});

	it("is signed by a program, so that the host of the log has no key", async () => {
		needsOpenssl();
		const log = join(workshop.directory, "c");
		writeChained(log, 5);
		const program = workshop.write("sign.sh", `#!/bin/sh\nexec openssl dgst -sha256 -sign ${leaf.keyFile}\n`);
		execFileSync("chmod", ["+x", program]);
		const output = join(workshop.directory, "c.checkpoint");
		const args = [
			"log",
			"seal",
			log,
			"-o",
			output,
			"--origin",
			"a/c",
			"--signer-command",
			program,
			"--cert",
			leaf.file,
		];
		expect(await sigtool(...args)).toMatchObject({ status: 0 });
		expect(await sigtool("log", "verify", log, "--checkpoint", output, "--trust", leaf.file)).toMatchObject({
			status: 0,
		});
		// RSA and ECDSA have no signature without a certificate.
		const alone = await sigtool("log", "seal", log, "-o", `${output}2`, "--origin", "a/c", "--key", leaf.keyFile);
		expect(alone).toMatchObject({ status: 2, stderr: expect.stringContaining("name the certificate with --cert") });
	});
});
