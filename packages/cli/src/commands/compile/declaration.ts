import { type CommandDeclaration, examples } from "../../options/declaration.js";
import {
	configurationOptions,
	group,
	keyOptions,
	repeated,
	signerOptions,
	timestamps,
	timestampTrust,
} from "../../options/options.js";

export const COMPILE: CommandDeclaration = {
	name: "compile",
	description: "verify signed directories and compile them into one trust index, which runtimes load",
	hasReporters: true,
	declare(command) {
		keyOptions(command)
			.argument("[dir...]", "signed directories, each with its catalog (default: what the configuration signs)")
			.requiredOption("-o, --output <file>", "file for the index, e.g. app.sigx; outside the signed directories")
			.addOption(
				repeated(
					"--policy <json>",
					"policy document: what a runtime may do; further ones are supplemental; or a signed policy (default: mode enforce; see docs/reference/policy.md)",
				),
			)
			.option("--not-after <when>", "when the index expires: a number of days, or a time")
			.option("--sequence <n>", "sequence of the index, which grows with each one (default: the time in seconds)")
			.option("--unsigned", "write the index without a signature, for `sigtool finish`")
			.addOption(repeated("--adopt <dir>", "trust a directory that has no catalog, with the files it has now"))
			.addOption(
				repeated("--adopt-package <name>", "trust the files of this package of the distribution, by dpkg's list"),
			)
			.option("--accept-package-changes", "take also files of packages that changed since they were installed")
			.addOption(
				repeated(
					"--strip-types-with <node>",
					"Node.js program that runs the TypeScript files: the index gets the text that it compiles (default: this one)",
				),
			)
			.addOption(repeated("--catalog <path>", "catalogs of the directories, if they are elsewhere"))
			.addOption(repeated("--trust <pem|pin>", "trust these certificates or public keys instead of the trust store"))
			.option("--product <name>", "refuse another product; names the product where a catalog names none")
			.option("--allow-development", "accept catalogs that a development identity signed")
			.addOption(timestamps())
			.addOption(timestampTrust())
			.option("--force", "replace a file that is not a trust index, or has a higher sequence");
		signerOptions(command);
		configurationOptions(command);
		group(command, { Timestamp: ["timestamp", "tsaTrust"] });
		examples(command, [
			"sigtool compile -o app.sigx",
			"sigtool compile ./app -o app.sigx --allow-development",
			"sigtool compile /srv/app /srv/plugins -o site.sigx --policy policy.json --key release.pem --cert release.crt",
			"sigtool compile ./app -o app.sigx --trust ca.crt --not-after 90 --p12 release.p12",
			"sigtool compile ./app -o app.sigx --p12 release.p12 --timestamp http://tsa.example --tsa-trust tsa-root.crt",
			"sigtool compile ./app --adopt /usr/lib/python3.13 --adopt /usr/lib/python3 -o app.sigx --allow-development",
			"sigtool compile ./app --adopt /usr/lib/python3.13 --adopt-package python3-yaml -o app.sigx --allow-development",
			"sigtool compile ./app -o app.sigx --strip-types-with /usr/bin/node --allow-development",
			"sigtool compile ./app -o app.sigx --trust release.crt --unsigned",
		]);
		return async () => (await import("./compile.js")).compile;
	},
};
