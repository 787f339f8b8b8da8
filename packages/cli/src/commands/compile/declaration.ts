import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { keyOptions, repeated, signerOptions } from "../../options/options.js";

export const COMPILE: CommandDeclaration = {
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
		return async () => (await import("./compile.js")).compile;
	},
};
