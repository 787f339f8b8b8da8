import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import {
	ATTRIBUTE_FORMATS,
	choice,
	formats,
	keyOptions,
	namespace,
	repeated,
	timestamps,
	timestampTrust,
} from "../../options/options.js";

export const SIGN: CommandDeclaration = {
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
			.addOption(repeated("--python <program>", "for which Python to compile (default: as your spython, else python3)"))
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
		return async () => (await import("./sign.js")).sign;
	},
};
