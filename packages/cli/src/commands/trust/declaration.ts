import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";

export const TRUST: CommandDeclaration = {
	name: "trust",
	description: "who may sign what this user verifies",
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
					.option("--any-subject", "with an authority: whatever it signs is trusted")
					.option("--timestamps", "with an authority: its timestamps count, and nothing else it signs")
					.option("--label <text>", "name it goes by");
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
							"what it is (default: by the name; of *.pem, *.crt, *.cer and *.der the key)",
						).choices(["key", "certificate", "catalog", "file"]),
					)
					.option("--config <file>", "in this host configuration, which runtimes read, instead of here");
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
			description: "stop trusting a key or authority, or denying something",
			declare(command) {
				command.argument("<id>", "the id that `sigtool trust list` prints, or its beginning");
				examples(command, ["sigtool trust remove 3b0c44"]);
				return async () => (await import("./trust.js")).trustRemove;
			},
		},
	],
};
