import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { repeated } from "../../options/options.js";

export const TRUST: CommandDeclaration = {
	name: "trust",
	description: "whose signatures this user trusts",
	declare(command) {
		examples(command, ["sigtool trust add release.crt", "sigtool trust list"]);
		return undefined;
	},
	commands: [
		{
			name: "add",
			description: "trust a signer's key, or an authority for an exact subject",
			declare(command) {
				command
					.argument("<certificate>", "PEM or DER file, or the hexadecimal SHA-256 of a public key (SPKI)")
					.option("--subject <name>", "with an authority: the exact subject it may vouch for")
					.option("--any-subject", "with an authority: trust every subject it vouches for")
					.option("--timestamps", "with an authority: trust its timestamps, and nothing else it signs")
					.option("--label <text>", "name to show for it");
				examples(command, [
					"sigtool trust add release.crt",
					'sigtool trust add ca.crt --subject "CN=Release,O=Example"',
					"sigtool trust add tsa-root.crt --timestamps",
				]);
				return async () => (await import("./trust.js")).trustAdd;
			},
		},
		{
			name: "deny",
			description: "refuse a key, certificate, catalog or file, whatever else is trusted",
			declare(command) {
				command
					.argument("<what>", "a certificate, catalog, trust index or any file, or a hexadecimal SHA-256 with --as")
					.requiredOption("--reason <text>", "shown wherever it is refused")
					.addOption(
						new Option(
							"--as <kind>",
							"what to deny (default: by the file name; the key for *.pem, *.crt, *.cer and *.der)",
						).choices(["key", "certificate", "catalog", "file"]),
					)
					.option("--config <file>", "deny it in this host configuration, which runtimes read, not in the trust store")
					.addOption(repeated("--index <file>", "with --config: tell what of it this trust index holds too"));
				examples(command, [
					'sigtool trust deny stolen.crt --reason "stolen in May"',
					'sigtool trust deny lib/index.js --reason "CVE-2026-0001" --config /etc/sigtool/verifier.json',
					'sigtool trust deny 3b0c… --as file --reason "malware"',
				]);
				return async () => (await import("./trust.js")).trustDeny;
			},
		},
		{
			name: "list",
			description: "list what is trusted and denied",
			declare(command) {
				examples(command, ["sigtool trust list"]);
				return async () => (await import("./trust.js")).trustList;
			},
		},
		{
			name: "remove",
			description: "remove an entry, so that it is no longer trusted or denied",
			declare(command) {
				command.argument("<id>", "the id that `sigtool trust list` prints, or its beginning");
				examples(command, ["sigtool trust remove 3b0c44"]);
				return async () => (await import("./trust.js")).trustRemove;
			},
		},
	],
};
