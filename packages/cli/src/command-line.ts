/** Every command: its name, options and examples, and where its code is. Options are declared when a command is named. */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { Report } from "./output.js";

export interface CommandDeclaration {
	readonly name: string;
	readonly description: string;
	/** Adds arguments, options and examples, and says which code runs. Absent for a group of commands. */
	readonly declare: (command: Command) => (() => Promise<CommandCode>) | undefined;
	readonly commands?: readonly CommandDeclaration[];
}

/** What a command runs: operands in their order, then options; what it leaves is printed in one place. */
export type CommandCode = (...operands: never[]) => Promise<Report>;

export const COMMANDS: readonly CommandDeclaration[] = [
	{
		name: "sign",
		description: "hash a tree and sign it, into one catalog or into extended attributes",
		declare(command) {
			keyOptions(command)
				.argument("<path...>", "directories or files; one directory gets <dir>/<name>.cat")
				.option("-o, --output <file>", "where the catalog goes")
				.addOption(formats("what to write (default: cat)", ["cat", ...ATTRIBUTE_FORMATS]))
				.addOption(repeated("--include <glob>", "sign only what matches"))
				.addOption(repeated("--exclude <pattern>", "leave out what matches, in .gitignore's syntax"))
				.option("--files-from <file>", "sign exactly the NUL-separated paths of this file, - for stdin")
				.addOption(choice("--links <how>", "symbolic links", ["record", "reject", "follow"]))
				.addOption(
					new Option(
						"--links-outside <how>",
						"links that leave the tree (default: refuse; attributes alone: record)",
					).choices(["refuse", "record"]),
				)
				.addOption(choice("--case-collisions <how>", "names that differ only by case", ["refuse", "allow"]))
				.option("--product <name>", "what the catalog vouches for (default: the directory's name)")
				.option("--sequence <number>", "grows with every release (default: signing time in seconds)")
				.option("--description <text>", "program name shown with the signature")
				.option("--url <url>", "more information, shown with the signature")
				.option("--attribute <name>", "spython's attribute, when it is not the usual one")
				.addOption(choice("--digest <name>", "hash of the attributes", ["sha256", "sha384", "sha512"]))
				.addOption(namespace())
				.addOption(new Option("--carry <what>", "let the catalog carry IMA and EVM attributes").choices(["ima"]))
				.option("--sha1-twins", "add SHA-1 members for old readers; they are no evidence")
				.option("--compile-python", "first make .pyc files that Python loads without a look at the source")
				.addOption(
					repeated("--python <program>", "for which Python to compile (default: as your spython, else python3)"),
				)
				.option("--unsigned", "write the complete catalog without a signature, for `sigtool finish`")
				.addOption(timestamps())
				.addOption(timestampTrust())
				.option("--force", "replace a catalog that sigtool did not write");
			examples(command, [
				"sigtool sign ./lib",
				"sigtool sign ./lib --key release.pem --cert release.crt --chain ca.crt",
				"sigtool sign ./lib --p12 release.p12 --passphrase-file /run/secrets/p12",
				"sigtool sign ./lib --timestamp http://tsa.example --tsa-trust tsa-root.crt",
				"sigtool sign ./lib --pkcs11 'pkcs11:token=release;object=signer' --pkcs11-module /usr/lib/softhsm/libsofthsm2.so",
				"sigtool sign ./bin ./lib -o app.cat --product app --sequence 42",
				"git ls-files -z | sigtool sign . -o release.cat --files-from -",
				"sigtool sign ./app --compile-python --python /usr/bin/python3.13",
				"sigtool sign ./lib --format spython",
				"sigtool sign ./lib --format cat --format ima --carry ima --key ima.pem --cert ima.crt",
			]);
			return async () => (await import("./commands/sign.js")).sign;
		},
	},
	{
		name: "finish",
		description: "sign a catalog that was written with --unsigned",
		declare(command) {
			keyOptions(command)
				.argument("<catalog>", "the unsigned catalog; it is replaced by the signed one")
				.option("-o, --output <file>", "write the signed catalog here instead")
				.option("--expect-digest <sha256>", "refuse unless the unsigned catalog has this digest")
				.option("--previous <catalog>", "show what changed since this catalog")
				.option("--description <text>", "program name shown with the signature")
				.option("--url <url>", "more information, shown with the signature")
				.addOption(timestamps())
				.addOption(timestampTrust());
			examples(command, [
				"sigtool finish lib.cat --key release.pem --cert release.crt --expect-digest 3b0c…",
				"sigtool finish lib.cat --p12 release.p12 --previous last/lib.cat",
			]);
			return async () => (await import("./commands/finish.js")).finish;
		},
	},
	{
		name: "timestamp",
		description: "add a timestamp to a signed catalog, so that it stays valid after its signer's certificate",
		declare(command) {
			command
				.argument("<catalog>", "a signed catalog; nothing is changed unless the new timestamp verifies")
				.addOption(timestamps().makeOptionMandatory())
				.addOption(timestampTrust())
				.option("--force", "replace the timestamp it has");
			examples(command, [
				"sigtool timestamp lib/lib.cat --timestamp http://tsa.example --tsa-trust tsa-root.crt",
				"sigtool timestamp lib/lib.cat --timestamp https://a.example/tsr --timestamp https://b.example/tsr",
			]);
			return async () => (await import("./commands/timestamp.js")).timestamp;
		},
	},
	{
		name: "verify",
		description: "say whether files are what a trusted signer signed, and what changed",
		declare(command) {
			catalogOptions(
				command.argument("<path...>", "signed directories, files of one, catalogs, or trust indexes (.sigx)"),
			)
				.addOption(formats("what to verify (default: cat)", ["cat", ...ATTRIBUTE_FORMATS]))
				.option("--attribute <name>", "spython's attribute, when it is not the usual one")
				.addOption(namespace("without-default"))
				.addOption(repeated("--cert <pem>", "certificates of signers, which attributes do not hold"))
				.option("--allow-unsigned", "take hashes that match for enough, though nobody signed them")
				.addOption(
					new Option("--match <how>", "bind files to their paths, or to digests alone").choices(["path", "digest"]),
				)
				.addOption(
					new Option("--added <how>", "files that no signature covers (default: fail)").choices([
						"fail",
						"warn",
						"ignore",
					]),
				)
				.option("--no-ignore", "report what the signed ignore rules hide as added");
			signerOptions(command);
			examples(
				command,
				[
					"sigtool verify ./lib",
					"sigtool verify ./lib --trust ca.crt --product lib",
					"sigtool verify ./lib/index.js",
					"sigtool verify ./driver --catalog driver.cat --profile windows-legacy --trust roots.pem",
					"sigtool verify ./lib --trust ca.crt --crl ca.crl --ocsp prefer",
					"sigtool verify ./lib --catalog sigs --require 2",
					"sigtool verify ./lib --json | jq .results[].findings",
					"sigtool verify ./lib --format ima --trust ima.crt",
					"sigtool verify ./lib --format spython --allow-unsigned",
				],
				VERIFYING,
			);
			return async () => (await import("./commands/verify.js")).verify;
		},
	},
	{
		name: "compile",
		description: "verify signed directories and compile them into one trust index, which runtimes load",
		declare(command) {
			keyOptions(command)
				.argument("[dir...]", "signed directories, each with its catalog")
				.requiredOption("-o, --output <file>", "where the index goes, e.g. app.sigx; not into a signed directory")
				.option("--policy <json>", "what a runtime may do (default: enforce; see docs/policy.md)")
				.option("--not-after <when>", "refuse the index after so many days, or after a time")
				.addOption(repeated("--adopt <dir>", "trust this directory, which carries no catalog, as it is now"))
				.addOption(repeated("--catalog <path>", "the directory's catalogs, when they lie elsewhere"))
				.addOption(repeated("--trust <pem>", "trust these certificates instead of the trust store"))
				.option("--product <name>", "refuse another product; names that of a catalog without one")
				.option("--allow-development", "take catalogs that a development identity signed")
				.option("--force", "replace a file that is not a trust index");
			signerOptions(command);
			examples(command, [
				"sigtool compile ./app -o app.sigx --allow-development",
				"sigtool compile /srv/app /srv/plugins -o site.sigx --policy policy.json --key release.pem --cert release.crt",
				"sigtool compile ./app -o app.sigx --trust ca.crt --not-after 90 --p12 release.p12",
				"sigtool compile ./app --adopt /usr/lib/python3.13 --adopt /usr/lib/python3 -o app.sigx --allow-development",
			]);
			return async () => (await import("./commands/compile.js")).compile;
		},
	},
	{
		name: "restore",
		description: "write back the IMA and EVM signatures that a signed catalog carries",
		declare(command) {
			catalogOptions(command.argument("<dir>", "signed directory, or one of a signed tree"));
			examples(
				command,
				[
					"sigtool restore ./lib",
					"sigtool restore ./lib --trust ca.crt --product lib",
					"sigtool restore /opt/app --json",
				],
				RESTORING,
			);
			return async () => (await import("./commands/restore.js")).restore;
		},
	},
	{
		name: "strip",
		description: "remove the extended attributes of spython, IMA and EVM",
		declare(command) {
			command
				.argument("<path...>", "directories or files")
				.addOption(formats("what to remove, needed; IMA's three are one attribute", ATTRIBUTE_FORMATS))
				.option("--attribute <name>", "spython's attribute, when it is not the usual one")
				.addOption(namespace());
			examples(command, ["sigtool strip ./lib --format spython", "sigtool strip ./lib --format ima --format evm"]);
			return async () => (await import("./commands/strip.js")).strip;
		},
	},
	{
		name: "inspect",
		description: "show what a catalog, a trust index, or a file's integrity attributes say, verified or not",
		declare(command) {
			command.argument(
				"<file>",
				"a .cat file of any producer, a .sigx file, or any file with attributes of spython, IMA or EVM",
			);
			examples(command, [
				"sigtool inspect ./lib/lib.cat",
				"sigtool inspect driver.cat --json",
				"sigtool inspect app.sigx",
				"sigtool inspect /usr/bin/tool",
			]);
			return async () => (await import("./commands/inspect.js")).inspect;
		},
	},
	{
		name: "convert",
		description: "verify a catalog and write it as a detached CMS signature and its content, or back",
		declare(command) {
			judgementOptions(command.argument("<file>", "a signed catalog, or a detached signature in DER"))
				.requiredOption("-o, --output <file>", "where the signature, or the catalog, goes")
				.option("--content <file>", "what the detached signature is over (default, when written: <output>.content)")
				.option("--force", "replace files that exist");
			examples(command, [
				"sigtool convert lib.cat -o lib.p7",
				"openssl cms -verify -binary -inform DER -in lib.p7 -content lib.p7.content -CAfile ca.crt -purpose any -out list",
				"sigtool convert lib.p7 --content lib.p7.content -o lib.cat",
			]);
			return async () => (await import("./commands/convert.js")).convert;
		},
	},
	{
		name: "digest",
		description: "print digests of files as sha256sum does",
		declare(command) {
			command
				.argument("<file...>", "regular files, - for stdin")
				.addOption(
					choice("--algorithm <name>", "kind of digest", [
						"sha256",
						"sha512",
						"authenticode",
						"fsverity-sha256",
						"fsverity-sha512",
					]),
				)
				.option("--salt <hex>", "fs-verity: up to 32 bytes hashed before every block")
				.addOption(
					new Option("--block-size <bytes>", "fs-verity: size of a block (default: 4096)").choices([
						"1024",
						"2048",
						"4096",
						"8192",
						"16384",
						"32768",
						"65536",
					]),
				);
			examples(command, [
				"sigtool digest ./lib/index.js",
				"sigtool digest --algorithm sha512 *.tar.gz > SHA512SUMS",
				"sigtool digest --algorithm authenticode driver.sys",
				"sigtool digest --algorithm fsverity-sha256 --salt 00ff --block-size 1024 ./bin/tool",
			]);
			return async () => (await import("./commands/digest.js")).digest;
		},
	},
	{
		name: "doctor",
		description: "show what this system offers for signing and enforcing, and what is missing",
		declare(command) {
			command.argument("[path]", "where the files are or will be", ".");
			examples(command, ["sigtool doctor", "sigtool doctor /srv/app --json"]);
			return async () => (await import("./commands/doctor.js")).doctor;
		},
	},
	{
		name: "run",
		description: "start a program in Node.js or Python that can load nothing but what was signed",
		declare(command) {
			command
				.argument("<script>", "the program's file; in Python, where it ends in .py")
				.argument("[args...]", "everything after it is the program's")
				.passThroughOptions()
				.addOption(new Option("--mode <mode>", "stricter than installed, never weaker").choices(LAUNCH_MODES))
				.addOption(repeated("--write <dir>", "a directory the program may write below; /dev/null always"))
				.option("--env-clear", "pass on nothing but PATH, HOME, LANG, LC_*, TERM, TZ and USER")
				.option("--allow-development", "count what this user signed, without an installation")
				.option("--index <file>", "trust index, with --allow-development")
				.addOption(repeated("--catalog <file>", "the script's catalog, with --allow-development"))
				.option("-m, --module", "<script> is the name of a module in Python, found from here")
				.option("--python", "the program is in Python, whatever its name")
				.option("--spython <file>", "the spython to start it with, with --allow-development")
				.option("--prefix <dir>", "where the launcher is installed", INSTALLED_PREFIX);
			examples(
				command,
				[
					"sigtool sign ./app && sigtool run --allow-development ./app/main.js",
					"sigtool sign ./app && sigtool run --allow-development ./app/main.py",
					"sigtool run --write /var/lib/app /srv/app/main.js --port 8080",
					"sigtool run --mode strict --env-clear /srv/app/main.js",
					"sigtool run -m app.serve --port 8080",
				],
				RUNNING,
			);
			return async () => (await import("./commands/run.js")).run;
		},
	},
	{
		name: "launcher",
		description: "the program that starts Node.js and Python for production, and its settings",
		declare(command) {
			examples(command, ["sigtool launcher install", "sigtool launcher check"]);
			return undefined;
		},
		commands: [
			{
				name: "install",
				description: "put launcher, hook and settings into a directory that only root can write",
				declare(command) {
					command
						.option("--prefix <dir>", "the directory", INSTALLED_PREFIX)
						.option("--node <path>", "the Node.js to start (default: this one)")
						.option("--no-node", "start no Node.js, with --python")
						.option("--python <spython>", "the spython to start scripts in Python with; it is copied")
						.option("--index <file>", "trust index to hand over", "/etc/sigtool/app.sigx")
						.option("--config <file>", "host configuration; made when there is none", "/etc/sigtool/verifier.json")
						.addOption(choice("--mode <mode>", "the weakest it may run in", ["enforce", "strict", "audit", "off"]))
						.option("--allow-development", "let --allow-development count files of its user");
					examples(command, [
						"sudo sigtool launcher install",
						"sudo sigtool launcher install --node /usr/bin/node --index /srv/app.sigx --mode strict",
						"sudo sigtool launcher install --no-node --python ./spython",
					]);
					return async () => (await import("./commands/launcher.js")).launcherInstall;
				},
			},
			{
				name: "check",
				description: "audit an installed launcher: owners, modes, digests, pins, versions",
				declare(command) {
					command.option("--prefix <dir>", "where it is installed", INSTALLED_PREFIX);
					examples(command, ["sigtool launcher check", "sigtool launcher check --json | jq .findings"]);
					return async () => (await import("./commands/launcher.js")).launcherCheck;
				},
			},
		],
	},
	{
		name: "python",
		description: "a CPython that runs only what was signed",
		declare(command) {
			examples(command, ["sigtool python build --allow-development", "sigtool python gaps"]);
			return undefined;
		},
		commands: [
			{
				name: "build",
				description: "compile a spython like a CPython of this machine",
				declare(command) {
					command
						.option("--python <program>", "the CPython it is to be like", "python3")
						.addOption(repeated("--trust <pem|pin>", "who may sign: certificates, or the SHA-256 of a key"))
						.option("-o, --output <file>", "where it goes (default: where `sigtool run` looks)")
						.option("--allow-development", "trust a development identity; this machine's without --trust");
					examples(command, [
						"sigtool python build --allow-development",
						"sigtool python build --python /usr/bin/python3.13 --trust release.crt -o spython",
					]);
					return async () => (await import("./commands/python.js")).pythonBuild;
				},
			},
			{
				name: "gaps",
				description: "try ways to run unsigned code, and show which are closed, logged or open",
				declare(command) {
					command.option("--spython <file>", "the spython to try (default: where `sigtool run` looks)");
					examples(command, ["sigtool python gaps", "sigtool python gaps --spython ./spython --json | jq .gaps"]);
					return async () => (await import("./commands/python.js")).pythonGaps;
				},
			},
		],
	},
	{
		name: "native",
		description: "the compiled parts: launcher and addon",
		declare(command) {
			examples(command, ["sigtool native build"]);
			return undefined;
		},
		commands: [
			{
				name: "build",
				description: "compile them, with the C compiler of this machine",
				declare(command) {
					examples(command, ["sigtool native build"]);
					return async () => (await import("./commands/native.js")).nativeBuild;
				},
			},
		],
	},
	{
		name: "identity",
		description: "keys and certificates made and kept by sigtool",
		declare(command) {
			examples(command, [
				"sigtool identity new release",
				"sigtool identity csr release > release.csr",
				"sigtool identity list",
			]);
			return undefined;
		},
		commands: [
			{
				name: "new",
				description: "make a key and a certificate, self-signed or by an authority of yours",
				declare(command) {
					command
						.argument("<name>", "lower-case letters, digits, dots, dashes and underscores")
						.addOption(choice("--key-type <type>", "kind of key", ["rsa-3072", "p256", "p384"]))
						.option("--common-name <name>", "common name of the certificate (default: the identity's name)")
						.option("--days <number>", "how long the certificate is valid", "365")
						.option("--ca", "make an authority, which issues certificates and signs nothing else; for tests")
						.option("--issued-by <name>", "the identity made with --ca that issues the certificate");
					passphraseOption(command);
					examples(command, [
						"sigtool identity new release",
						"sigtool identity new ci --key-type p256 --days 90",
						"sigtool identity new test-ca --ca && sigtool identity new test --issued-by test-ca",
					]);
					return async () => (await import("./commands/identity.js")).identityNew;
				},
			},
			{
				name: "csr",
				description: "print a request for a certificate (PKCS#10), for an authority to answer",
				declare(command) {
					passphraseOption(command.argument("<name>", "whose key and subject it is of"));
					examples(command, [
						"sigtool identity csr release > release.csr",
						"sigtool identity import release --cert answer.crt --chain ca.crt",
					]);
					return async () => (await import("./commands/identity.js")).identityCsr;
				},
			},
			{
				name: "import",
				description: "take over a key with its certificate, or a new certificate of an identity's key",
				declare(command) {
					passphraseOption(
						command
							.argument("<name>", "a new name; with --cert alone, that of the identity whose key it is")
							.option("--key <pem>", "private key; it stays encrypted when it is")
							.option("--cert <pem>", "the key's certificate")
							.addOption(repeated("--chain <pem>", "certificates between it and the authority"))
							.option("--p12 <file>", "key and certificates in a PKCS#12 container"),
					);
					examples(command, [
						"sigtool identity import release --p12 release.p12",
						"sigtool identity import release --key release.pem --cert release.crt --chain ca.crt",
						"sigtool identity import release --cert renewed.crt --chain ca.crt",
					]);
					return async () => (await import("./commands/identity.js")).identityImport;
				},
			},
			{
				name: "export",
				description: "write key and certificates into a PKCS#12 container",
				declare(command) {
					passphraseOption(
						command
							.argument("<name>", "as `sigtool identity list` prints it")
							.requiredOption("--to-p12 <file>", "where the container goes")
							.option("--force", "replace a file that exists"),
					);
					examples(command, ["sigtool identity export release --to-p12 release.p12"]);
					return async () => (await import("./commands/identity.js")).identityExport;
				},
			},
			{
				name: "list",
				description: "list identities",
				declare(command) {
					examples(command, ["sigtool identity list"]);
					return async () => (await import("./commands/identity.js")).identityList;
				},
			},
			{
				name: "show",
				description: "show an identity's certificate, pin and files",
				declare(command) {
					command.argument("<name>", "as `sigtool identity list` prints it");
					examples(command, ["sigtool identity show development"]);
					return async () => (await import("./commands/identity.js")).identityShow;
				},
			},
		],
	},
	{
		name: "trust",
		description: "who may sign what this user verifies",
		declare(command) {
			examples(command, ["sigtool trust add release.crt", "sigtool trust list"]);
			return undefined;
		},
		commands: [
			{
				name: "add",
				description: "trust a signer's key, or an authority for an exact subject",
				declare(command) {
					command
						.argument("<certificate>", "PEM or DER file, or the hexadecimal SHA-256 of a public key (SPKI)")
						.option("--subject <name>", "with an authority: the exact subject it may vouch for")
						.option("--any-subject", "with an authority: whatever it signs is trusted")
						.option("--timestamps", "with an authority: its timestamps count, and nothing else it signs")
						.option("--label <text>", "name it goes by");
					examples(command, [
						"sigtool trust add release.crt",
						'sigtool trust add ca.crt --subject "CN=Release,O=Example"',
						"sigtool trust add tsa-root.crt --timestamps",
					]);
					return async () => (await import("./commands/trust.js")).trustAdd;
				},
			},
			{
				name: "deny",
				description: "refuse a key, certificate, catalog or file, whatever else is trusted",
				declare(command) {
					command
						.argument("<what>", "a certificate, catalog, trust index or any file, or a hexadecimal SHA-256 with --as")
						.requiredOption("--reason <text>", "shown wherever it is refused")
						.addOption(
							new Option(
								"--as <kind>",
								"what it is (default: by the name; of *.pem, *.crt, *.cer and *.der the key)",
							).choices(["key", "certificate", "catalog", "file"]),
						)
						.option("--config <file>", "in this host configuration, which runtimes read, instead of here");
					examples(command, [
						'sigtool trust deny stolen.crt --reason "stolen in May"',
						'sigtool trust deny lib/index.js --reason "CVE-2026-0001" --config /etc/sigtool/verifier.json',
						'sigtool trust deny 3b0c… --as file --reason "malware"',
					]);
					return async () => (await import("./commands/trust.js")).trustDeny;
				},
			},
			{
				name: "list",
				description: "list what is trusted and denied",
				declare(command) {
					examples(command, ["sigtool trust list"]);
					return async () => (await import("./commands/trust.js")).trustList;
				},
			},
			{
				name: "remove",
				description: "stop trusting a key or authority, or denying something",
				declare(command) {
					command.argument("<id>", "the id that `sigtool trust list` prints, or its beginning");
					examples(command, ["sigtool trust remove 3b0c44"]);
					return async () => (await import("./commands/trust.js")).trustRemove;
				},
			},
		],
	},
];

/** Shown below a command's help. */
export function examples(command: Command, lines: readonly string[], after = ""): void {
	command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n${after}`);
}

function keyOptions(command: Command): Command {
	command
		.option("--key <pem>", "private key (PKCS#8, PKCS#1, SEC1; may be encrypted)")
		.option("--cert <pem>", "the key's certificate")
		.addOption(repeated("--chain <pem>", "certificates between it and the authority"))
		.option("--p12 <file>", "key and certificates in a PKCS#12 container");
	return passphraseOption(command)
		.option("--pkcs11 <uri>", "key in a token, as pkcs11:token=…;object=… (docs/pkcs11.md)")
		.option("--pkcs11-module <library>", "the token's module, unless the URI has module-path")
		.option(
			"--pin-file <file>",
			"its first line is the PIN, - for stdin (else the URI's pin-source, else $SIGTOOL_PIN, else a prompt)",
		)
		.option("--signer-command <program>", "a program that signs; with --cert (docs/signer-command.md)")
		.addOption(repeated("--signer-argument <word>", "a word for that program"))
		.option("--signer-timeout <seconds>", "how long it may take for one signature (default: 60)");
}

/** How many signers, and whether they were revoked. */
function signerOptions(command: Command): void {
	command
		.option("--require <number>", "so many different keys must have signed each entry, each by its own --catalog")
		.addOption(repeated("--crl <file>", "certificate revocation list, in PEM or DER"))
		.addOption(
			new Option(
				"--ocsp <how>",
				"ask responders whether certificates were revoked; unknown: fail or warn (default: off)",
			).choices(["require", "prefer", "off"]),
		);
}

function passphraseOption(command: Command): Command {
	return command.option(
		"--passphrase-file <file>",
		"its first line is the passphrase, - for stdin (else $SIGTOOL_PASSPHRASE, else a prompt)",
	);
}

function timestamps(): Option {
	return repeated("--timestamp <url>", "timestamping authority (RFC 3161); the next is asked when one fails");
}

function timestampTrust(): Option {
	return repeated("--tsa-trust <pem>", "trust these timestamping authorities");
}

/** Which catalogs count, and as what. */
function catalogOptions(command: Command): Command {
	command
		.addOption(repeated("--catalog <path>", "catalog, or directory of catalogs, to verify against"))
		.option("--root <dir>", "directory the signed paths are relative to (default: <path>, or the catalog's own)");
	return judgementOptions(command);
}

/** Whom to trust, and at what time. */
function judgementOptions(command: Command): Command {
	return command
		.addOption(repeated("--trust <pem>", "trust these certificates instead of the trust store"))
		.addOption(timestampTrust())
		.option("--product <name>", "refuse a catalog of another product")
		.option("--at <time>", "judge certificates at this time, e.g. 2026-01-31T12:00:00Z")
		.addOption(choice("--profile <name>", "what counts as evidence", ["default", "windows-legacy"]));
}

const VERIFYING = `
About catalogs alone: --catalog, --root, --product, --match, --added, --no-ignore, --tsa-trust, --require, --crl, --ocsp.
About attributes alone: --cert, --namespace, --allow-unsigned, and --attribute with --format spython.
`;

const RESTORING = `
Needs no key: \`sigtool sign --format cat --carry ima\` put the signatures into the catalog. A file that is no longer
what was signed is refused and left as it is. Writing security.ima and security.evm needs root.
`;

const RUNNING = `
Exit status and signals are the program's own; 126 when it was refused, by the launcher or later. docs/launcher.md
tells what the launcher takes away: variables, system calls, writing, other programs.
`;

/** As launcher-conf.ts and launcher-place.ts have them, which are not loaded to print help. */
const LAUNCH_MODES = ["off", "audit", "enforce", "strict"] as const;
const INSTALLED_PREFIX = "/usr/lib/sigtool";

/** `ATTRIBUTE_FORMATS` of core, which is not loaded to print help. */
const ATTRIBUTE_FORMATS = ["spython", "ima-hash", "ima", "evm", "ima-verity"];

function formats(description: string, choices: readonly string[]): Option {
	return repeated("--format <format>", description, choices);
}

/** `without-default`: whether it was given matters. */
function namespace(how: "with-default" | "without-default" = "with-default"): Option {
	const [flags, names] = ["--namespace <name>", ["security", "user"] as const];
	const description = "where IMA's and EVM's attributes are; user needs no rights";
	if (how === "with-default") return choice(flags, description, names);
	return new Option(flags, `${description} (default: security)`).choices(names);
}

/** An option that takes one value each time it is given, one of `choices` when there are any. */
function repeated(flags: string, description: string, choices?: readonly string[]): Option {
	const values: string[] = [];
	const option = new Option(flags, `${description} (repeatable)`);
	if (choices !== undefined) option.choices(choices);
	return option.argParser((value: string) => {
		if (choices?.includes(value) === false) {
			throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
		}
		values.push(value);
		return values;
	});
}

/** One of a few words; the first is the default. */
function choice(flags: string, description: string, choices: readonly [string, ...string[]]): Option {
	return new Option(flags, description).choices(choices).default(choices[0]);
}
