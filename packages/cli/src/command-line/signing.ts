/** What signs, and what goes with signatures. */

import { Option } from "commander";
import { type CommandDeclaration, examples } from "./declaration.js";
import {
	ATTRIBUTE_FORMATS,
	catalogOptions,
	choice,
	formats,
	judgementOptions,
	keyOptions,
	namespace,
	repeated,
	timestamps,
	timestampTrust,
} from "./options.js";

export const SIGNING: readonly CommandDeclaration[] = [
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
				.option(
					"--compile-python",
					"first make .pyc files that Python loads without a look at the source; without it, old ones are refused",
				)
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
			return async () => (await import("../commands/sign.js")).sign;
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
			return async () => (await import("../commands/finish.js")).finish;
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
			return async () => (await import("../commands/timestamp.js")).timestamp;
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
			return async () => (await import("../commands/restore.js")).restore;
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
			return async () => (await import("../commands/strip.js")).strip;
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
			return async () => (await import("../commands/convert.js")).convert;
		},
	},
];

const RESTORING = `
Needs no key: \`sigtool sign --format cat --carry ima\` put the signatures into the catalog. A file that is no longer
what was signed is refused and left as it is. Writing security.ima and security.evm needs root.
`;
