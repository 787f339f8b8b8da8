import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { bytesOf, writeLog } from "../../../../core/test/log/chained-log.js";
import { consistencyProof, leafOf, rootOf } from "../../../../core/test/log/rfc6962.js";
import { replyTo, sendReply, serve, TIME_STAMPER } from "../../../../core/test/pki/local-tsa.js";
import {
	CODE_SIGNER,
	hasOpenssl,
	type Issued,
	openWorkshop,
	type Workshop,
} from "../../../../core/test/pki/openssl.js";
import { hasProgram, runner, servedRunner, temporaryDirectory } from "../../support.js";
import { events, writeChained } from "./logs.js";

function place() {
	const directory = temporaryDirectory();
	return { directory, file: (name: string) => join(directory, name), sigtool: runner(directory) };
}

/** Makes a key of Ed25519, and returns the files of both halves. */
function newKey(directory: string) {
	const [key, pub] = [join(directory, "log.key"), join(directory, "log.pub")];
	execFileSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", key], { stdio: "pipe" });
	execFileSync("openssl", ["pkey", "-in", key, "-pubout", "-out", pub], { stdio: "pipe" });
	return { key, pub };
}

describe("sigtool log verify", () => {
	it("follows the chain through rotated and compressed files", () => {
		const { file, sigtool } = place();
		const files = writeLog([...events(3), { kind: "rotate" }, ...events(2), { kind: "restart" }, ...events(2)]);
		writeFileSync(file("a.1.gz"), gzipSync(bytesOf(files[0] ?? [])));
		writeFileSync(file("a"), bytesOf(files[1] ?? []));
		const whole = sigtool(["log", "verify", file("a.1.gz"), file("a"), "--json"]);
		expect([whole.status, whole.json()]).toEqual([
			0,
			expect.objectContaining({ verdict: "intact", lines: 9, chained: 9, uncovered: 1, continues: null, gapCount: 0 }),
		]);
		const digest = createHash("sha256")
			.update(files[0]?.at(-1) ?? "")
			.digest("hex");
		expect(sigtool(["log", "verify", file("a"), "--json"]).json()).toMatchObject({ exit: 0, continues: digest });
		expect(sigtool(["log", "verify", file("a")]).stdout).toContain(`a file whose last line has the SHA-256 ${digest}`);
		expect(sigtool(["log", "verify", "-"], { input: bytesOf(files[0] ?? []) }).status).toBe(0);
	});

	it("names file, line, byte and kind of the first change", () => {
		const { file, sigtool } = place();
		const lines = writeChained(file("a"), 6);
		const offset = bytesOf(lines.slice(0, 2)).length;
		writeFileSync(file("a"), bytesOf(lines.with(2, lines[2].replace("/1.js", "/X.js"))));
		const { status, stdout } = sigtool(["log", "verify", file("a")]);
		expect([status, stdout]).toEqual([
			1,
			expect.stringContaining(`changed ${file("a")}: line 3 of "${file("a")}" (byte ${offset}) was edited`),
		]);
		expect(sigtool(["log", "verify", "--quiet", file("a")]).stdout).toMatch(/^changed .* \[ERR_LOG_CHANGED\]\n$/);
		expect(sigtool(["log", "verify", file("a"), "--json"]).json()).toMatchObject({
			...{ exit: 1, verdict: "changed", misfits: 1, problem: { code: "ERR_LOG_CHANGED" } },
			change: { kind: "edited", first: { file: file("a"), line: 3, offsetBytes: offset }, last: { line: 4 } },
		});
	});

	it("cannot decide about a log in which nothing names the line before", () => {
		const { file, sigtool } = place();
		writeFileSync(file("plain"), "a\nb\n");
		writeFileSync(file("empty"), "");
		for (const name of ["plain", "empty"])
			expect(sigtool(["log", "verify", file(name)])).toMatchObject({
				status: 3,
				stdout: expect.stringContaining("only a checkpoint would show a change"),
			});
		const [lines = []] = writeLog([...events(2), { kind: "foreign", text: "a" }, ...events(1)]);
		writeFileSync(file("mixed"), bytesOf(lines));
		const mixed = sigtool(["log", "verify", file("mixed")]);
		expect(mixed).toMatchObject({ status: 3, stdout: expect.stringContaining("line 4 of") });
		expect(mixed.stderr).toContain("does not name the line before it");
		expect(sigtool(["log", "verify", file("mixed"), "--json"]).json()).toMatchObject({
			problem: { code: "ERR_LOG_UNCOVERED" },
			gaps: [{ kind: "foreign", line: 4, linesBefore: 3 }],
		});
		const whole = gzipSync(bytesOf(writeLog(events(500))[0] ?? []));
		writeFileSync(file("cut.gz"), whole.subarray(0, -50));
		expect(sigtool(["log", "verify", file("cut.gz")])).toMatchObject({
			status: 3,
			stdout: expect.stringMatching(/^undecided .*: Cannot read .* to its end/),
		});
		expect(sigtool(["log", "verify", file("missing")]).status).toBe(2);
	});
});

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
		expect(seal()).toMatchObject({ status: 2, stderr: expect.stringContaining("it is no checkpoint") });
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

describe.skipIf(!hasOpenssl)("a checkpoint by a key with a certificate", () => {
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
		const server = await serve(({ query, response }) => sendReply(response, replyTo(query, authority, workshop)));
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

describe("sigtool log tiles", () => {
	it("writes tiles once, keeps them, and refuses those of another log", () => {
		const { directory, file, sigtool } = place();
		const { key } = newKey(directory);
		const write = (count: number) => writeChained(file("a"), count);
		const tiles = (...args: string[]) => sigtool(["log", "tiles", file("a"), "-o", file("tiles"), "--json", ...args]);
		const lines = write(300);
		sigtool(["log", "seal", file("a"), "-o", file("cp"), "--key", key, "--origin", "example.com/a"]);
		expect(tiles("--checkpoint", file("cp")).json()).toMatchObject({ exit: 0, size: 300, written: 5, kept: 0 });
		expect(readFileSync(file("tiles/checkpoint")).equals(readFileSync(file("cp")))).toBe(true);
		const bundle = readFileSync(file("tiles/tile/entries/001.p/44"));
		expect(bundle.toString("utf8", 2, 2 + bundle.readUInt16BE(0))).toBe(lines[256]);
		const hashes = readFileSync(file("tiles/tile/0/000"));
		expect(hashes.equals(Buffer.concat(lines.slice(0, 256).map(leafOf)))).toBe(true);
		// More lines: the full tiles stay, and the checkpoint still fits.
		write(600);
		expect(tiles("--checkpoint", file("cp")).json()).toMatchObject({ written: 0, kept: 5, size: 300 });
		expect(tiles().json()).toMatchObject({ written: 5, kept: 2, size: 600, checkpoint: null });
		writeFileSync(file("a"), bytesOf(lines.with(9, "x")));
		expect(tiles().json().error).toMatchObject({
			code: "ERR_LOG_CHANGED",
			message: expect.stringContaining("another log"),
		});
	});

	it.skipIf(!hasProgram("sigsum-witness"))(
		"are of a log that Debian's witness cosigns",
		async () => {
			const { directory, file, sigtool } = place();
			const { key, pub } = newKey(directory);
			const raw = execFileSync("openssl", ["pkey", "-pubin", "-in", pub, "-outform", "DER"]).subarray(-32);
			// This is the only form of an origin that this witness knows.
			const origin = `sigsum.org/v1/tree/${createHash("sha256").update(raw).digest("hex")}`;
			execFileSync("sigsum-key", ["generate", "-o", file("witness")]);
			execFileSync("sigsum-key", ["from-hex", "-o", file("log.ssh")], { input: raw.toString("hex") });
			const seal = (...args: string[]) =>
				sigtool([
					"log",
					"seal",
					file("a"),
					"-o",
					file("cp"),
					"--key",
					key,
					"--origin",
					origin,
					"--json",
					...args,
				]).json();
			const port = 20_000 + (process.pid % 20_000);
			const witness = spawn(
				"sigsum-witness",
				["-k", file("witness"), "--log-key", file("log.ssh"), "--state-file", file("state"), `127.0.0.1:${port}`],
				// Debian builds it as a program of an older Go, which would not know its own pattern "POST /add-checkpoint".
				{ env: { ...process.env, GODEBUG: "httpmuxgo121=0" }, stdio: "ignore" },
			);
			onTestFinished(() => {
				witness.kill();
			});
			const add = async (size: number, proof: readonly Buffer[]) => {
				const head = [`old ${size}`, ...proof.map((hash) => hash.toString("base64")), "", ""].join("\n");
				const body = head + readFileSync(file("cp"), "utf8");
				for (let tries = 0; ; tries++) {
					try {
						const response = await fetch(`http://127.0.0.1:${port}/add-checkpoint`, { method: "POST", body });
						return { status: response.status, text: await response.text() };
					} catch (error) {
						if (tries === 50) throw error;
						await new Promise((resolve) => setTimeout(resolve, 100));
					}
				}
			};
			writeChained(file("a"), 300);
			const { verifierKey } = seal();
			expect(execFileSync("sigsum-key", ["from-vkey"], { input: verifierKey }).toString()).toContain(
				readFileSync(file("log.ssh"), "utf8").split(" ")[1],
			);
			expect(await add(0, [])).toMatchObject({ status: 200, text: expect.stringMatching(/^\u2014 /) });
			writeChained(file("a"), 700);
			seal();
			// The proof is made of the tiles alone, as somebody else would make it.
			sigtool(["log", "tiles", file("a"), "-o", file("tiles"), "--checkpoint", file("cp")]);
			const hashes = ["000", "001", "002.p/188"].map((name) => readFileSync(file(`tiles/tile/0/${name}`)));
			const all = Buffer.concat(hashes);
			const leaves = Array.from({ length: 700 }, (_, index) => all.subarray(32 * index, 32 * index + 32));
			expect((await add(300, [])).status).not.toBe(200);
			const cosigned = await add(300, consistencyProof(300, leaves));
			expect(cosigned).toMatchObject({ status: 200 });
			// A checkpoint with a cosignature is one that verifies as before.
			writeFileSync(file("cosigned"), readFileSync(file("cp"), "utf8") + cosigned.text);
			const args = ["log", "verify", file("a"), "--checkpoint", file("cosigned"), "--trust", pub, "--json"];
			expect(sigtool(args).json()).toMatchObject({ exit: 0, covered: 700, checkpoints: [{ ignoredSignatures: 1 }] });
		},
		60_000,
	);
});
