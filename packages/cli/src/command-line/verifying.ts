/** What looks at files and signatures and changes nothing. */

import { Option } from "commander";
import { type CommandDeclaration, examples } from "./declaration.js";
import { ATTRIBUTE_FORMATS, catalogOptions, choice, formats, namespace, repeated, signerOptions } from "./options.js";

export const VERIFYING: readonly CommandDeclaration[] = [
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
				ABOUT_VERIFYING,
			);
			return async () => (await import("../commands/verify.js")).verify;
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
			return async () => (await import("../commands/inspect.js")).inspect;
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
			return async () => (await import("../commands/digest.js")).digest;
		},
	},
	{
		name: "doctor",
		description: "show what this system offers for signing and enforcing, and what is missing",
		declare(command) {
			command.argument("[path]", "where the files are or will be", ".");
			examples(command, ["sigtool doctor", "sigtool doctor /srv/app --json"]);
			return async () => (await import("../commands/doctor.js")).doctor;
		},
	},
];

const ABOUT_VERIFYING = `
About catalogs alone: --catalog, --root, --product, --match, --added, --no-ignore, --tsa-trust, --require, --crl, --ocsp.
About attributes alone: --cert, --namespace, --allow-unsigned, and --attribute with --format spython.
`;
