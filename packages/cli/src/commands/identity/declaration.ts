import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { choice, passphraseOption, repeated } from "../../options/options.js";

export const IDENTITY: CommandDeclaration = {
	name: "identity",
	description: "keys and certificates that sigtool makes and keeps",
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
			description: "make a key and a certificate, self-signed or issued by an authority of yours",
			declare(command) {
				command
					.argument("<name>", "lower-case letters, digits, dots, dashes and underscores")
					.addOption(choice("--key-type <type>", "kind of key", ["rsa-3072", "p256", "p384"]))
					.option("--common-name <name>", "common name of the certificate (default: the identity's name)")
					.option("--days <number>", "days that the certificate is valid", "365")
					.option("--ca", "make an authority, which issues certificates and signs nothing else; for tests")
					.option("--issued-by <name>", "the identity made with --ca that issues the certificate");
				passphraseOption(command);
				examples(command, [
					"sigtool identity new release",
					"sigtool identity new ci --key-type p256 --days 90",
					"sigtool identity new test-ca --ca && sigtool identity new test --issued-by test-ca",
				]);
				return async () => (await import("./identity.js")).identityNew;
			},
		},
		{
			name: "csr",
			description: "print a certificate request (PKCS#10) for an authority",
			declare(command) {
				passphraseOption(command.argument("<name>", "identity whose key and subject the request has"));
				examples(command, [
					"sigtool identity csr release > release.csr",
					"sigtool identity import release --cert answer.crt --chain ca.crt",
				]);
				return async () => (await import("./identity.js")).identityCsr;
			},
		},
		{
			name: "import",
			description: "import a key with its certificate, or a new certificate for an identity's key",
			declare(command) {
				passphraseOption(
					command
						.argument("<name>", "a new name; with --cert alone, the identity that has the key")
						.option("--key <pem>", "private key; an encrypted key stays encrypted")
						.option("--cert <pem>", "the key's certificate")
						.addOption(repeated("--chain <pem>", "intermediate certificates, up to the authority"))
						.option("--p12 <file>", "key and certificates in a PKCS#12 container"),
				);
				examples(command, [
					"sigtool identity import release --p12 release.p12",
					"sigtool identity import release --key release.pem --cert release.crt --chain ca.crt",
					"sigtool identity import release --cert renewed.crt --chain ca.crt",
				]);
				return async () => (await import("./identity.js")).identityImport;
			},
		},
		{
			name: "export",
			description: "write key and certificates into a PKCS#12 container",
			declare(command) {
				passphraseOption(
					command
						.argument("<name>", "name, as `sigtool identity list` prints it")
						.requiredOption("--to-p12 <file>", "file for the container")
						.option("--force", "replace a file that exists"),
				);
				examples(command, ["sigtool identity export release --to-p12 release.p12"]);
				return async () => (await import("./identity.js")).identityExport;
			},
		},
		{
			name: "list",
			description: "list identities",
			declare(command) {
				examples(command, ["sigtool identity list"]);
				return async () => (await import("./identity.js")).identityList;
			},
		},
		{
			name: "show",
			description: "show an identity's certificate, pin and files",
			declare(command) {
				command.argument("<name>", "name, as `sigtool identity list` prints it");
				examples(command, ["sigtool identity show development"]);
				return async () => (await import("./identity.js")).identityShow;
			},
		},
	],
};
