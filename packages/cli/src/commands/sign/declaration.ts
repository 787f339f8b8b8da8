import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import {
	ATTRIBUTE_FORMATS,
	choice,
	configurationOptions,
	formats,
	group,
	keyOptions,
	namespace,
	repeated,
	timestamps,
	timestampTrust,
} from "../../options/options.js";

export const SIGN: CommandDeclaration = {
	name: "sign",
	description: "hash a tree and sign it, into one catalog or into extended attributes",
	hasReporters: true,
	declare(command) {
		keyOptions(command)
			.argument(
				"[path...]",
				"directories or files, or patterns of them; the catalog of a single directory is <dir>/<name>.cat (default: those of the configuration)",
			)
			.option("-o, --output <file>", "file for the catalog")
			.addOption(formats("what to write (default: cat)", ["cat", ...ATTRIBUTE_FORMATS]))
			.addOption(repeated("--include <glob>", "sign only matching files"))
			.addOption(
				repeated(
					"--exclude <pattern>",
					"leave out matching files, in .gitignore's syntax; .git, .hg, .svn and .jj are left out without it",
				),
			)
			.option("--files-from <file>", "sign exactly the NUL-separated paths of this file, - for stdin")
			.addOption(
				new Option("--links <how>", "what to do with symbolic links (default: record)").choices([
					"record",
					"reject",
					"follow",
				]),
			)
			.addOption(
				new Option(
					"--links-outside <how>",
					"symbolic links to outside the tree (default: refuse; with attributes only: record)",
				).choices(["refuse", "record"]),
			)
			.addOption(choice("--case-collisions <how>", "names that differ only by case", ["refuse", "allow"]))
			.option("--product <name>", "name of the signed product (default: the directory's name)")
			.option("--sequence <number>", "number that grows with every release (default: signing time in seconds)")
			.option("--description <text>", "program name shown with the signature")
			.option("--url <url>", "more information, shown with the signature")
			.option("--attribute <name>", "another name for spython's attribute")
			.addOption(choice("--digest <name>", "digest algorithm of the attributes", ["sha256", "sha384", "sha512"]))
			.addOption(namespace())
			.addOption(new Option("--carry <what>", "put IMA and EVM attributes into the catalog as well").choices(["ima"]))
			.option("--sha1-twins", "add SHA-1 members for old readers; they prove nothing")
			.option(
				"--compile-python",
				"first make .pyc files that Python loads without checking the source; otherwise outdated ones are refused",
			)
			.addOption(repeated("--python <program>", "Python to compile for (default: that of your spython, else python3)"))
			.option("--unsigned", "write the complete catalog without a signature, for `sigtool finish`")
			.addOption(timestamps())
			.addOption(timestampTrust())
			.addOption(
				new Option(
					"--check <tool>",
					"refuse files that this tool leaves out of the package, or installs with another mode or content",
				).choices(["npm"]),
			)
			.option("-n, --dry-run", "say what would be signed; need no key and write nothing")
			.option(
				"--force",
				"replace a catalog that sigtool did not write, or sign with a lower sequence than the tree has",
			);
		configurationOptions(command);
		group(command, {
			"What is signed": [
				"dryRun",
				"check",
				"include",
				"exclude",
				"filesFrom",
				"links",
				"linksOutside",
				"caseCollisions",
			],
			"What is written": ["output", "format", "unsigned", "sha1Twins", "force"],
			"About the release": ["product", "sequence", "description", "url"],
			"Extended attributes": ["attribute", "digest", "namespace", "carry"],
			Python: ["compilePython", "python"],
			Timestamp: ["timestamp", "tsaTrust"],
		});
		examples(command, [
			"sigtool sign",
			"sigtool sign ./lib",
			"sigtool sign ./lib --dry-run",
			"sigtool sign ./dist --check npm",
			"sigtool sign ./lib --identity release",
			"sigtool sign ./lib --key release.pem --cert release.crt --chain ca.crt",
			"sigtool sign ./lib --p12 release.p12 --passphrase-file /run/secrets/p12",
			"sigtool sign ./lib --timestamp http://tsa.example --tsa-trust tsa-root.crt",
			"sigtool sign ./lib --pkcs11 'pkcs11:token=release;object=signer' --pkcs11-module /usr/lib/softhsm/libsofthsm2.so",
			"sigtool sign ./bin ./lib -o app.cat --product app --sequence 42",
			"sigtool sign 'packages/*/dist' -o packages.cat",
			"git ls-files -z | sigtool sign . -o release.cat --files-from -",
			"sigtool sign ./app --compile-python --python /usr/bin/python3.13",
			"sigtool sign ./lib --format spython",
			"sigtool sign ./lib --format cat --format ima --carry ima --key ima.pem --cert ima.crt",
		]);
		return async () => (await import("./sign.js")).sign;
	},
};
