import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { ATTRIBUTE_FORMATS, formats, group, passphraseOption, repeated } from "../../options/options.js";

export const INIT: CommandDeclaration = {
	name: "init",
	description: "write sigtool.config.json, so that sign and verify need no arguments",
	declare(command) {
		command
			.argument("[path...]", "what to sign (default: dist, build, out or lib if there is one, else this directory)")
			.option("-y, --yes", "ask nothing; take the defaults and the options")
			.option("-o, --output <file>", "file for the catalog")
			.option("--product <name>", "name of the product (default: that of package.json, else of this directory)")
			.addOption(repeated("--include <glob>", "sign only matching files"))
			.addOption(repeated("--exclude <pattern>", "leave out matching files, in .gitignore's syntax"))
			.addOption(formats("what to write (default: cat)", ["cat", ...ATTRIBUTE_FORMATS]))
			.option("--description <text>", "program name shown with the signature")
			.option("--url <url>", "more information, shown with the signature")
			.option("--identity <name>", "identity that signs (default: the development identity of whoever signs)")
			.option("--key <pem>", "private key; env:NAME is the path in a variable, also for the next five")
			.option("--cert <pem>", "the key's certificate")
			.addOption(repeated("--chain <pem>", "intermediate certificates, up to the authority"))
			.option("--p12 <file>", "key and certificates in a PKCS#12 container");
		passphraseOption(command)
			.option("--pin-file <file>", "file whose first line is the PIN")
			.option("--pkcs11 <uri>", "URI of a key in a token, without its module")
			.addOption(repeated("--timestamp <url>", "URL of a timestamping authority"))
			.addOption(repeated("--tsa-trust <pem>", "root certificates of timestamping authorities to trust"))
			.addOption(repeated("--trust <pem>", "certificates of the signers that verify trusts"))
			.option("--policy <json>", "policy document for compile")
			.option("--no-development", "refuse development identities in this project")
			.option("--force", "replace a configuration that exists");
		group(command, {
			"What is signed": ["output", "product", "include", "exclude", "format", "description", "url"],
			"Who signs": ["identity", "key", "cert", "chain", "p12", "passphraseFile", "pinFile", "pkcs11"],
			"Who is trusted": ["trust", "development"],
			Timestamp: ["timestamp", "tsaTrust"],
		});
		examples(command, [
			"sigtool init",
			"sigtool init ./dist --yes",
			"sigtool init ./dist --product app --identity release --trust release.crt",
			"sigtool init ./dist --p12 env:RELEASE_P12 --passphrase-file env:RELEASE_PASSPHRASE --no-development --yes",
		]);
		return async () => (await import("./init.js")).init;
	},
};
