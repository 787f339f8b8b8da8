import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import {
	ATTRIBUTE_FORMATS,
	catalogOptions,
	formats,
	namespace,
	repeated,
	signerOptions,
} from "../../options/options.js";

export const VERIFY: CommandDeclaration = {
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
		return async () => (await import("./verify.js")).verify;
	},
};

const ABOUT_VERIFYING = `
About catalogs alone: --catalog, --root, --product, --match, --added, --no-ignore, --tsa-trust, --require, --crl, --ocsp.
About attributes alone: --cert, --namespace, --allow-unsigned, and --attribute with --format spython.
`;
