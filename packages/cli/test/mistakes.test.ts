/** Tests that the message of a common mistake names the mistake and says what to do. Every row is one mistake. */

import { X509Certificate } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { execFileSync } from "../../../test/outside.js";
import { makeCertificate, newPrivateKey } from "../../core/test/pki/make-certificate.js";
import {
	atEndOfFile,
	daysFromNow,
	makeAuthority,
	makeSelfSigned,
	makeTree,
	type Run,
	runner,
	temporaryDirectory,
	writeContainer,
	writeKeyAndCertificate,
} from "./support.js";

interface Mistake {
	readonly name: string;
	/** The arguments of sigtool. It runs in a directory with the files that `makeFiles` makes. */
	readonly line: string;
	readonly code: string;
	readonly exit: 1 | 2 | 3 | 126;
	readonly message: RegExp;
	readonly input?: string;
	readonly env?: Readonly<Record<string, string>>;
}

const KEY = "--key leaf.key --cert leaf.pem";
// The SHA-256 of the text "ok".
const DENIED = "2689367b205c16ce32ed4200942b8b8b1e262dfc70d9bc9fbc77c49699a4f1df";

const MISTAKES: readonly Mistake[] = [
	{ name: "no command", line: "", code: "ERR_USAGE", exit: 2, message: /Name a command; see `sigtool --help`/ },
	{ name: "a misspelt command", line: "verfy d", code: "ERR_USAGE", exit: 2, message: /Unknown command 'verfy'/ },
	{
		name: "no path",
		line: "verify",
		code: "ERR_USAGE",
		exit: 2,
		message: /Name what to verify, .*`sigtool init`/,
	},
	{
		name: "a misspelt option",
		line: "verify d --trsut ca.pem",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown option '--trsut'.*Did you mean --trust\?/,
	},
	{
		name: "a wrong choice",
		line: "sign d --links yes",
		code: "ERR_USAGE",
		exit: 2,
		message: /takes record, reject or follow, not "yes"/,
	},
	{
		name: "an option without its value",
		line: "sign d --key",
		code: "ERR_USAGE",
		exit: 2,
		message: /'--key <pem>' argument missing/,
	},
	{
		name: "a path that does not exist",
		line: "verify nowhere",
		code: "ERR_ROOT_MISSING",
		exit: 2,
		message: /"nowhere": it does not exist/,
	},
	{
		name: "a key in PEM as --p12",
		line: "sign d --p12 leaf.key",
		code: "ERR_PKCS12",
		exit: 2,
		message: /Cannot open "leaf\.key": it is a private key in PEM, not a PKCS#12 container; use --key and --cert/,
	},
	{
		name: "a certificate in PEM as --p12",
		line: "sign d --p12 leaf.pem",
		code: "ERR_PKCS12",
		exit: 2,
		message: /Cannot open "leaf\.pem": it is a certificate in PEM, not a PKCS#12 container; use --key and --cert/,
	},
	{
		name: "a text file as --p12",
		line: "sign d --p12 notes.txt",
		code: "ERR_PKCS12",
		exit: 2,
		message: /Cannot open "notes\.txt": it is a text file, not a PKCS#12 container/,
	},
	{
		name: "a directory as --cert",
		line: "sign d --key leaf.key --cert empty",
		code: "ERR_USAGE",
		exit: 2,
		message: /Cannot read "empty": it is a directory; name a file/,
	},
	{
		name: "a directory as --key",
		line: "sign d --key empty --cert leaf.pem",
		code: "ERR_USAGE",
		exit: 2,
		message: /Cannot read "empty": it is a directory; name a file/,
	},
	{
		name: "a directory as --trust",
		line: "verify d --trust empty",
		code: "ERR_USAGE",
		exit: 2,
		message: /Cannot read "empty": it is a directory; name a file/,
	},
	{
		name: "finish of a directory",
		line: `finish d ${KEY}`,
		code: "ERR_USAGE",
		exit: 2,
		message: /Cannot read "d": it is a directory; name a file/,
	},
	{
		name: "a PKCS#12 container as --key",
		line: "sign d --key leaf.p12 --cert leaf.pem",
		code: "ERR_KEY",
		exit: 2,
		message: /Cannot open key "leaf\.p12": it is a PKCS#12 container, not a private key in PEM; use --p12/,
	},
	{
		name: "key and certificate swapped",
		line: "sign d --key leaf.pem --cert leaf.key",
		code: "ERR_KEY",
		exit: 2,
		message: /Cannot use "leaf\.key": it is a private key in PEM, not a certificate; are --key and --cert swapped\?/,
	},
	{
		name: "a certificate as --key",
		line: "sign d --key leaf.pem --cert leaf.pem",
		code: "ERR_KEY",
		exit: 2,
		message:
			/Cannot open key "leaf\.pem": it is a certificate in PEM, not a private key in PEM; are --key and --cert swapped\?/,
	},
	{
		name: "a key without its certificate",
		line: "sign d --key leaf.key",
		code: "ERR_USAGE",
		exit: 2,
		message: /Name the key's certificate with --cert/,
	},
	{
		name: "a certificate without its key",
		line: "sign d --cert leaf.pem",
		code: "ERR_USAGE",
		exit: 2,
		message: /Name the private key with --key/,
	},
	{
		name: "a certificate of another key",
		line: "sign d --key leaf.key --cert other.pem",
		code: "ERR_KEY_MISMATCH",
		exit: 2,
		message: /it does not belong to "CN=other"/,
	},
	{
		name: "a certificate without codeSigning",
		line: "sign d --key tls.key --cert tls.pem",
		code: "ERR_KEY",
		exit: 2,
		message:
			/"CN=tls": its extended key usage does not name codeSigning; .*extendedKeyUsage=codeSigning.*`sigtool identity new`/,
	},
	{
		name: "a wrong passphrase",
		line: "sign d --p12 leaf.p12 --passphrase-file notes.txt",
		code: "ERR_KEY_PASSPHRASE",
		exit: 2,
		message: /"leaf\.p12": the passphrase is wrong/,
	},
	{
		name: "no passphrase",
		line: "sign d --p12 leaf.p12",
		code: "ERR_KEY_PASSPHRASE",
		exit: 2,
		message: /--passphrase-file or SIGTOOL_PASSPHRASE/,
	},
	{
		name: "a text file as --catalog",
		line: "verify d --catalog notes.txt",
		code: "ERR_DER",
		exit: 1,
		message: /Cannot read "notes\.txt": it is a text file, not a catalog/,
	},
	{
		name: "a certificate in PEM as --catalog",
		line: "verify d --catalog leaf.pem",
		code: "ERR_DER",
		exit: 1,
		message: /Cannot read "leaf\.pem": it is a certificate in PEM, not a catalog; --trust takes certificates/,
	},
	{
		name: "a certificate in DER as --catalog",
		line: "verify d --catalog leaf.der",
		code: "ERR_DER",
		exit: 1,
		message: /Cannot read "leaf\.der": it is a certificate, not a catalog; --trust takes certificates/,
	},
	{
		name: "a key as --catalog",
		line: "verify d --catalog leaf.key",
		code: "ERR_DER",
		exit: 1,
		message: /Cannot read "leaf\.key": it is a private key in PEM, not a catalog/,
	},
	{
		name: "a truncated catalog",
		line: "verify d --catalog cut.cat",
		code: "ERR_DER",
		exit: 1,
		message: /Cannot read "cut\.cat": it is cut off, only 300 of [\d,]+ bytes are there; copy it again/,
	},
	{
		name: "an empty catalog",
		line: "verify d --catalog empty.cat",
		code: "ERR_DER",
		exit: 1,
		message: /Cannot read "empty\.cat": it is empty/,
	},
	{
		name: "no catalog",
		line: "verify plain",
		code: "ERR_CATALOG_NOT_FOUND",
		exit: 1,
		message: /Cannot find the catalog "plain\.cat" in "plain": sign it, or name one with --catalog/,
	},
	{
		name: "a wrong --trust",
		line: "verify d --trust other.pem --trust ca.pem",
		code: "ERR_UNTRUSTED_SIGNER",
		exit: 1,
		message:
			/Cannot trust signer "CN=sigtool development.*: it is not trusted here; --trust names "CN=other" and "CN=Test Root"/,
	},
	{
		name: "a text file as --trust",
		line: "verify d --trust notes.txt",
		code: "ERR_USAGE",
		exit: 2,
		message: /Cannot use "notes\.txt": it is a text file, not a certificate/,
	},
	{
		name: "a catalog as --trust",
		line: "verify d --trust d/d.cat",
		code: "ERR_USAGE",
		exit: 2,
		message: /Cannot use "d\/d\.cat": it is a catalog, not a certificate/,
	},
	{
		name: "a catalog for trust add",
		line: "trust add d/d.cat",
		code: "ERR_USAGE",
		exit: 2,
		message:
			/Cannot use "d\/d\.cat": it is a catalog, not a certificate; `sigtool inspect` shows the pin of its signer/,
	},
	{
		name: "a key for trust add",
		line: "trust add leaf.key",
		code: "ERR_USAGE",
		exit: 2,
		message: /Cannot use "leaf\.key": it is a private key in PEM, not a certificate/,
	},
	{
		name: "an authority without a subject",
		line: "trust add ca.pem",
		code: "ERR_USAGE",
		exit: 2,
		message: /--subject, or use --any-subject/,
	},
	{
		name: "the digest of a denied file for trust remove",
		line: `trust remove ${DENIED}`,
		code: "ERR_USAGE",
		exit: 2,
		message:
			/Cannot remove "2689.*": it is the digest of a denied file, whose entry has the id ([0-9a-f]{12})[0-9a-f]{52}; `sigtool trust remove \1` removes it/,
	},
	{
		name: "an id that is not there",
		line: "trust remove abcdef",
		code: "ERR_USAGE",
		exit: 2,
		message: /no entry has an id that begins with "abcdef"; `sigtool trust list` shows all entries/,
	},
	{
		name: "a FIFO in the tree",
		line: "sign fifo",
		code: "ERR_FILE_TYPE",
		exit: 1,
		message: /Cannot hash "pipe": it is a FIFO; --exclude leaves it out/,
	},
	{
		name: "run outside a signed tree",
		line: "run --allow-development plain/a.js",
		code: "ERR_CATALOG_NOT_FOUND",
		exit: 126,
		message:
			/Cannot run "plain\/a\.js": it lies in no signed directory; run `sigtool sign plain` first, or name its catalog with --catalog/,
	},
	{
		name: "run of what a development identity signed, where that is refused",
		line: "run --allow-development d/a.js",
		env: { SIGTOOL_DEVELOPMENT: "refuse" },
		code: "ERR_DEVELOPMENT_REFUSED",
		exit: 2,
		message: /Cannot run "d\/a\.js" with a development identity: .*SIGTOOL_DEVELOPMENT=refuse/,
	},
	{
		name: "a name with a drive letter",
		line: "sign colon",
		code: "ERR_PATH_DRIVE",
		exit: 1,
		message: /"a:b": it starts with a drive letter; rename it in "colon", or leave it out with --exclude/,
	},
	{
		name: "inspect of a certificate in PEM",
		line: "inspect leaf.pem",
		code: "ERR_DER",
		exit: 1,
		message: /Cannot inspect "leaf\.pem": it is a certificate in PEM, not a catalog; --trust takes certificates/,
	},
	{
		name: "inspect of a certificate in DER",
		line: "inspect leaf.der",
		code: "ERR_DER",
		exit: 1,
		message: /Cannot inspect "leaf\.der": it is a certificate, not a catalog; --trust takes certificates/,
	},
	{
		name: "inspect of a truncated catalog",
		line: "inspect cut.cat",
		code: "ERR_DER",
		exit: 1,
		message: /Cannot inspect "cut\.cat": it is cut off, only 300 of [\d,]+ bytes are there; copy it again \[/,
	},
	{
		name: "a list of names that are relative to the working directory",
		line: "sign d -o y.cat --files-from -",
		input: "d/a.js\0",
		code: "ERR_ROOT_MISSING",
		exit: 2,
		message:
			/"d\/a\.js": it does not exist; names in the list are relative to "d", e\.g\. \(cd d && find \. -type f -print0\)/,
	},
	{
		name: "a timestamping authority that cannot be reached",
		line: `sign d -o x.cat ${KEY} --tsa-trust ca.pem --timestamp http://127.0.0.1:1/`,
		code: "ERR_NETWORK",
		exit: 3,
		message:
			/Cannot get a timestamp: "http:\/\/127\.0\.0\.1:1\/": connection refused \(ECONNREFUSED\) \[ERR_NETWORK\]$/,
	},
	{
		name: "openssl's name for --trust",
		line: "verify d --CAfile ca.pem",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown option '--CAfile' \(use --trust\); see/,
	},
	{
		name: "openssl's name for --p12",
		line: "sign d --pkcs12 leaf.p12",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown option '--pkcs12' \(use --p12\); see/,
	},
	{
		name: "a passphrase as an argument",
		line: "sign d --p12 leaf.p12 --passphrase secret",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown option '--passphrase' \(use --passphrase-file\); see/,
	},
	{
		name: "an option that resembles no other",
		line: "verify d --strict",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown option '--strict'; see/,
	},
	{
		name: "openssl's name for --trust where there is no such option",
		line: "digest d/a.js --CAfile ca.pem",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown option '--CAfile'; see/,
	},
	{
		name: "an option that was misspelt by swapped letters",
		line: "verify d --quite",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown option '--quite' \(Did you mean --quiet\?\); see/,
	},
	{
		name: "version as a command",
		line: "version",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown command 'version' \(use --version\); see/,
	},
	{
		name: "run of a directory",
		line: "run --allow-development d",
		code: "ERR_USAGE",
		exit: 2,
		message: /Cannot run "d": it is not a file/,
	},
	{
		name: "the help of a mistyped command",
		line: "help verfy",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown command "verfy" \(Did you mean verify\?\); see `sigtool --help`/,
	},
	{
		name: "--help behind a mistyped command",
		line: "verfy --help",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown command "verfy" \(Did you mean verify\?\)/,
	},
	{
		name: "why with a mistyped code",
		line: "why ERR_FILE_MODIFED",
		code: "ERR_USAGE",
		exit: 2,
		message: /Unknown error code or event "ERR_FILE_MODIFED"; did you mean ERR_FILE_MODIFIED or /,
	},
	{
		name: "run without a launcher",
		line: "run --prefix none d/a.js",
		code: "ERR_LAUNCHER",
		exit: 2,
		message: /`sigtool launcher install --prefix \S+\/none`, or try it with --allow-development/,
	},
	{
		name: "run with its option behind the script",
		line: "run --prefix none d/a.js --allow-development",
		code: "ERR_LAUNCHER",
		exit: 2,
		message: /what follows the script belongs to the program; type `sigtool run --allow-development d\/a\.js`/,
	},
	{
		name: "another product",
		line: "verify d --product other",
		code: "ERR_PRODUCT_MISMATCH",
		exit: 1,
		message: /"d".*"other"/,
	},
	{
		name: "a time without its zone",
		line: "verify d --at 2026-01-31T12:00:00",
		code: "ERR_USAGE",
		exit: 2,
		message: /Give --at a time with its zone/,
	},
	{
		name: "an age of a log that cannot be read",
		line: "log notes.txt --since yesterday",
		code: "ERR_USAGE",
		exit: 2,
		message: /Give --since a time with its zone such as .*Z, a date, or an age such as 12h, not "yesterday"/,
	},
	{
		name: "a recording, where development identities are refused",
		line: "audit --log events.jsonl plain/a.js",
		env: { SIGTOOL_DEVELOPMENT: "refuse" },
		code: "ERR_DEVELOPMENT_REFUSED",
		exit: 2,
		message: /Cannot record "plain\/a\.js": `sigtool audit` accepts development identities, .* for this command/,
	},
	{
		name: "inspect of a text file",
		line: "inspect notes.txt",
		code: "ERR_DER",
		exit: 1,
		message: /Cannot inspect "notes\.txt": it is no catalog and has no attributes/,
	},
	{
		name: "finish of a text file",
		line: `finish notes.txt ${KEY}`,
		code: "ERR_DER",
		exit: 1,
		message: /"notes\.txt": it is a text file, not a catalog/,
	},
	{
		name: "a sequence that is no number",
		line: "sign d --sequence v1",
		code: "ERR_USAGE",
		exit: 2,
		message: /Give --sequence a whole number below 2\^53, not "v1"/,
	},
	{
		name: "a list separated by line ends",
		line: "sign d -o x.cat --files-from -",
		input: "a.js\nb.js\n",
		code: "ERR_USAGE",
		exit: 2,
		message: /separate names with NUL, e\.g\. find \. -type f -print0/,
	},
	{
		name: "a catalog for standard output",
		line: "sign d -o -",
		code: "ERR_USAGE",
		exit: 2,
		message: /Name a file with -o/,
	},
	{
		name: "an empty directory",
		line: "sign empty",
		code: "ERR_USAGE",
		exit: 2,
		message: /Cannot sign "empty": there are no files to sign/,
	},
	{
		name: "a text file as trust index",
		line: "verify notes.sigx",
		code: "ERR_INDEX_FORMAT",
		exit: 1,
		message: /"notes\.sigx": it does not begin with the bytes of a trust index/,
	},
	{
		name: "another file's place for the catalog",
		line: "sign d -o notes.txt",
		code: "ERR_CATALOG_EXISTS",
		exit: 2,
		message: /--force replaces it/,
	},
];

describe.skipIf(process.platform === "win32")("a mistake", () => {
	let home: string;
	beforeAll(() => {
		home = temporaryDirectory(atEndOfFile);
		makeFiles(home);
	});
	const run = ({ line, input = "", env }: Pick<Mistake, "line" | "input" | "env">, ...more: string[]): Run => {
		const args = line.split(" ").filter((word) => word !== "");
		return runner(home)([...args, ...more], {
			cwd: home,
			input,
			env: { SIGTOOL_PASSPHRASE: undefined as never, ...env },
		});
	};

	it("is one of at least 40", () => {
		expect(MISTAKES.length).toBeGreaterThanOrEqual(40);
		expect(new Set(MISTAKES.map(({ line }) => line)).size).toBe(MISTAKES.length);
	});

	it.each(MISTAKES)("$name is named: $code, exit status $exit", (mistake) => {
		const { status, stdout, stderr } = run(mistake);
		const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
		expect(errors).toHaveLength(1);
		expect(errors[0]).toMatch(mistake.message);
		expect(errors[0].endsWith(` [${mistake.code}]`), errors[0]).toBe(true);
		expect(status).toBe(mistake.exit);
		expect(stdout + stderr).not.toMatch(/expected tag|tag 0x/);
		expect(stderr.match(/\[ERR_\w+\]/g)).toEqual([`[${mistake.code}]`]);
	});

	it("a PEM text in the place of a file's name is refused without repeating the text", () => {
		for (const name of ["leaf.pem", "leaf.key"]) {
			const text = readFileSync(join(home, name), "utf8");
			const [, body] = text.split("\n");
			for (const args of [
				["sign", "d", "--key", "leaf.key", "--cert", text],
				["sign", "d", "--key", text, "--cert", "leaf.pem"],
				["sign", "d", "--p12", text],
				["sign", text],
				["finish", text, "--key", "leaf.key", "--cert", "leaf.pem"],
				["verify", "d", "--trust", text],
				["verify", text],
				["inspect", text],
				["trust", "add", text],
			]) {
				const { status, stdout, stderr } = runner(home)(args, { cwd: home });
				const [command] = args;
				expect(stderr, command).toMatch(/^error: .*: give the name of a file \[ERR_USAGE\]\n$/);
				expect([status, stdout + stderr], command).toEqual([2, expect.not.stringContaining(body)]);
			}
		}
	});

	it("in several files is named for each of them when signing, at most 20 of a kind", () => {
		makeTree(join(home, "bad"), { "a.js": "1", "b.": "1", link: { link: "../../outside" } });
		execFileSync(
			"mkfifo",
			Array.from({ length: 22 }, (_, number) => join(home, `bad/pipe${number}`)),
		);
		const { status, stdout, stderr } = run({ line: "sign bad" });
		const errors = stderr.trimEnd().split("\n");
		expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
		expect(errors).toHaveLength(24);
		expect(
			errors.filter((line) => /"pipe\d+": it is a FIFO; --exclude leaves it out \[ERR_FILE_TYPE\]$/.test(line)),
		).toHaveLength(20);
		expect(errors).toContain("error: and 2 more [ERR_FILE_TYPE]; --json lists them");
		expect(stderr).toMatch(/"b\.".*\[ERR_PATH_TRAILING_DOT\]/);
		expect(stderr).toMatch(/"link".*\[ERR_LINK_OUTSIDE\]/);
		expect(errors.at(-1)).toMatch(/^error: Cannot sign "bad": 24 entries cannot be signed \[ERR_/);
		const { error } = run({ line: "sign bad --json" }).json();
		expect(error.problems).toHaveLength(24);
		expect(error.problems).toContainEqual({
			code: "ERR_FILE_TYPE",
			message: 'Cannot hash "pipe7": it is a FIFO; --exclude leaves it out',
			path: "pipe7",
		});
	});
});

/** Makes a signed tree `d`, keys with certificates, and files of other kinds. */
function makeFiles(home: string): void {
	const at = (name: string) => join(home, name);
	const sigtool = runner(home);
	const leaf = makeAuthority(home, "P-256");
	makeSelfSigned(at("other"));
	const key = newPrivateKey("p256");
	const extensions = ["extendedKeyUsage=serverAuth"];
	writeKeyAndCertificate(at("tls"), key, makeCertificate({ subject: "/CN=tls", key, extensions, ...daysFromNow(90) }));
	writeFileSync(at("leaf.der"), new X509Certificate(readFileSync(leaf.certFile)).raw);
	writeContainer(at("leaf.p12"), leaf, "x");
	makeTree(home, {
		"d/a.js": "1",
		"plain/a.js": "1",
		"fifo/a.js": "1",
		"colon/a:b": "1",
		"notes.txt": "notes\n",
		"notes.sigx": "notes\n",
	});
	mkdirSync(at("empty"));
	execFileSync("mkfifo", [at("fifo/pipe")]);
	expect(sigtool(["sign", at("d")]).status).toBe(0);
	copyFileSync(at("d/d.cat"), at("cut.cat"));
	writeFileSync(at("cut.cat"), readFileSync(at("d/d.cat")).subarray(0, 300));
	writeFileSync(at("empty.cat"), "");
	writeFileSync(at("ok"), "ok");
	expect(sigtool(["trust", "deny", at("ok"), "--reason", "bad"]).status).toBe(0);
}
