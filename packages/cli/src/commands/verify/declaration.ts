import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import {
	ATTRIBUTE_FORMATS,
	catalogOptions,
	configurationOptions,
	formats,
	group,
	namespace,
	repeated,
	signerOptions,
} from "../../options/options.js";

export const VERIFY: CommandDeclaration = {
	name: "verify",
	description: "check whether files are what a trusted signer signed, and show what changed",
	hasReporters: true,
	declare(command) {
		catalogOptions(
			command.argument(
				"[path...]",
				"signed directories, files in one, catalogs (their trees), or, with --signature-only, trust indexes (.sigx); or patterns of them (default: what the configuration signs)",
			),
		)
			.addOption(formats("what to verify (default: cat)", ["cat", ...ATTRIBUTE_FORMATS]))
			.option("--attribute <name>", "another name for spython's attribute")
			.addOption(namespace("without-default"))
			.addOption(repeated("--cert <pem>", "certificates of the signers; attributes do not contain them"))
			.option("--allow-unsigned", "accept matching hashes that nobody signed")
			.addOption(
				new Option("--match <how>", "what must match the signature: path and digest, or the digest alone").choices([
					"path",
					"digest",
				]),
			)
			.addOption(
				new Option(
					"--added <how>",
					"every file that no signature covers (default: fail, of what the catalog covers)",
				).choices(["fail", "warn", "ignore"]),
			)
			.option("--max-size <size>", "do not read larger files, and fail: bytes, or a number with K, M, G or T")
			.option("--no-ignore", "also report added files that the signed ignore rules hide")
			.option(
				"--signature-only",
				"verify the signature of a catalog or trust index and compare no files; the verdict is `signed`",
			)
			.addOption(
				repeated(
					"--policy-signer <pem|pin>",
					"demand that one of these certificates or public keys signed the policy of a trust index",
				),
			);
		signerOptions(command);
		configurationOptions(command);
		command.option("--all", "list every difference, not only the first 20 of a kind");
		group(command, {
			"What is compared": ["signatureOnly", "match", "added", "ignore", "maxSize", "policySigner"],
			"Extended attributes": ["format", "attribute", "namespace", "cert", "allowUnsigned"],
			Output: ["all"],
		});
		examples(
			command,
			[
				"sigtool verify",
				"sigtool verify ./lib",
				"sigtool verify ./lib --trust ca.crt --product lib",
				"sigtool verify ./lib/index.js",
				"sigtool verify 'dist/**/*.cat'",
				"sigtool verify ./driver.cat --root ./driver --profile windows-legacy --trust roots.pem",
				"sigtool verify ./driver.cat --signature-only --trust roots.pem",
				"sigtool verify ./driver/driver.cat --catalog ./release.cat",
				"sigtool verify ./driver --catalog driver.cat --profile windows-legacy --trust roots.pem",
				"sigtool verify ./app.sigx --signature-only --trust ca.crt",
				"sigtool verify ./app.sigx --signature-only --trust ca.crt --policy-signer policy.crt",
				"sigtool verify ./lib --trust ca.crt --crl ca.crl --ocsp prefer",
				"sigtool verify ./lib --trust ca.crt --crl fetch",
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
A catalog, whatever its name, stands for its tree: the directory to which it applies, or --root. It is compared as a file of another
tree only with the catalog of that tree (--catalog).
Options for catalogs only: --catalog, --root, --product, --match, --added, --no-ignore, --max-size, --tsa-trust,
--require, --signature-only.
Options for attributes only: --cert, --namespace, --allow-unsigned, and --attribute with --format spython.
`;
