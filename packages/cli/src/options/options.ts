/** Options that several commands take, and how they are written down. */

import { type Command, InvalidArgumentError, Option } from "commander";

export function keyOptions(command: Command): Command {
	command
		.option("--key <pem>", "private key (PKCS#8, PKCS#1, SEC1; may be encrypted)")
		.option("--cert <pem>", "the key's certificate")
		.addOption(repeated("--chain <pem>", "certificates between it and the authority"))
		.option("--p12 <file>", "key and certificates in a PKCS#12 container");
	return passphraseOption(command)
		.option("--pkcs11 <uri>", "key in a token, as pkcs11:token=…;object=… (docs/pkcs11.md)")
		.option("--pkcs11-module <library>", "the token's module, unless the URI has module-path")
		.option(
			"--pin-file <file>",
			"its first line is the PIN, - for stdin (else the URI's pin-source, else $SIGTOOL_PIN, else a prompt)",
		)
		.option("--signer-command <program>", "a program that signs; with --cert (docs/signer-command.md)")
		.addOption(repeated("--signer-argument <word>", "a word for that program"))
		.option("--signer-timeout <seconds>", "how long it may take for one signature (default: 60)");
}

/** How many signers, and whether they were revoked. */
export function signerOptions(command: Command): void {
	command
		.option("--require <number>", "so many different keys must have signed each entry, each by its own --catalog")
		.addOption(repeated("--crl <file>", "certificate revocation list, in PEM or DER"))
		.addOption(
			new Option(
				"--ocsp <how>",
				"ask responders whether certificates were revoked; unknown: fail or warn (default: off)",
			).choices(["require", "prefer", "off"]),
		);
}

export function passphraseOption(command: Command): Command {
	return command.option(
		"--passphrase-file <file>",
		"its first line is the passphrase, - for stdin (else $SIGTOOL_PASSPHRASE, else a prompt)",
	);
}

export function timestamps(): Option {
	return repeated("--timestamp <url>", "timestamping authority (RFC 3161); the next is asked when one fails");
}

export function timestampTrust(): Option {
	return repeated("--tsa-trust <pem>", "trust these timestamping authorities");
}

/** Which catalogs count, and as what. */
export function catalogOptions(command: Command): Command {
	command
		.addOption(repeated("--catalog <path>", "catalog, or directory of catalogs, to verify against"))
		.option("--root <dir>", "directory the signed paths are relative to (default: <path>, or the catalog's own)");
	return judgementOptions(command);
}

/** Whom to trust, and at what time. */
export function judgementOptions(command: Command): Command {
	return command
		.addOption(repeated("--trust <pem>", "trust these certificates instead of the trust store"))
		.addOption(timestampTrust())
		.option("--product <name>", "refuse a catalog of another product")
		.option("--at <time>", "judge certificates at this time, e.g. 2026-01-31T12:00:00Z")
		.addOption(choice("--profile <name>", "what counts as evidence", ["default", "windows-legacy"]));
}

/** `ATTRIBUTE_FORMATS` of core, which is not loaded to print help. */
export const ATTRIBUTE_FORMATS = ["spython", "ima-hash", "ima", "evm", "ima-verity"];

export function formats(description: string, choices: readonly string[]): Option {
	return repeated("--format <format>", description, choices);
}

/** `without-default`: whether it was given matters. */
export function namespace(how: "with-default" | "without-default" = "with-default"): Option {
	const [flags, names] = ["--namespace <name>", ["security", "user"] as const];
	const description = "where IMA's and EVM's attributes are; user needs no rights";
	if (how === "with-default") return choice(flags, description, names);
	return new Option(flags, `${description} (default: security)`).choices(names);
}

/** An option that takes one value each time it is given, one of `choices` when there are any. */
export function repeated(flags: string, description: string, choices?: readonly string[]): Option {
	const values: string[] = [];
	const option = new Option(flags, `${description} (repeatable)`);
	if (choices !== undefined) option.choices(choices);
	return option.argParser((value: string) => {
		if (choices?.includes(value) === false) {
			throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
		}
		values.push(value);
		return values;
	});
}

/** One of a few words; the first is the default. */
export function choice(flags: string, description: string, choices: readonly [string, ...string[]]): Option {
	return new Option(flags, description).choices(choices).default(choices[0]);
}
