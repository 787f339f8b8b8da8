/** Declares the options that several commands have. */

import { type Command, InvalidArgumentError, Option } from "commander";

export function keyOptions(command: Command): Command {
	command
		.optionsGroup("Key:")
		.option("--identity <name>", "identity that signs, by its name (default: the development identity)")
		.option("--key <pem>", "private key (PKCS#8, PKCS#1, SEC1; may be encrypted)")
		.option("--cert <pem>", "the key's certificate")
		.addOption(repeated("--chain <pem>", "intermediate certificates, up to the authority"))
		.option("--p12 <file>", "key and certificates in a PKCS#12 container");
	return passphraseOption(command)
		.option("--pkcs11 <uri>", "URI of a key in a token, e.g. pkcs11:token=…;object=… (docs/how-to/pkcs11.md)")
		.option("--pkcs11-module <library>", "PKCS#11 module of the token (default: module-path of the URI)")
		.option(
			"--pin-file <file>",
			"file whose first line is the PIN, - for stdin (default: the URI's pin-source, else $SIGTOOL_PIN, else a prompt)",
		)
		.option(
			"--signer-command <program>",
			"program that makes the signatures; needs --cert (docs/how-to/signer-command.md)",
		)
		.addOption(repeated("--signer-argument <argument>", "one argument for that program"))
		.option(
			"--signer-timeout <seconds>",
			"time limit for one signature of that program, or one call of the PKCS#11 module (default: 60)",
		)
		.addOption(noDevelopment("never sign with a development identity, or trust one"))
		.optionsGroup(OTHERS);
}

/** The heading of options that belong to no group. */
const OTHERS = "Options:";

/**
 * Puts options under headings in the help. A key of `groups` is a heading. Its value lists the property names of
 * options, e.g. `filesFrom` for --files-from.
 */
export function group(command: Command, groups: Readonly<Record<string, readonly string[]>>): void {
	for (const [heading, names] of Object.entries(groups)) {
		for (const option of command.options) if (names.includes(option.attributeName())) option.helpGroup(`${heading}:`);
	}
}

/** Adds the options about the number of signers and about revocation to a command. */
export function signerOptions(command: Command): void {
	command
		.optionsGroup("Several signers, and revocation:")
		.option("--require <number>", "how many different keys must have signed each entry, each in its own --catalog")
		.addOption(
			repeated(
				"--crl <file|fetch>",
				"certificate revocation list, in PEM or DER; fetch requests the lists that certificates name (./fetch is a file)",
			),
		)
		.addOption(
			new Option(
				"--ocsp <how>",
				"ask OCSP responders about revocation; without an answer require fails, prefer warns (default: off)",
			).choices(["require", "prefer", "off"]),
		)
		.optionsGroup(OTHERS);
}

/** Adds the options about the project's configuration to a command. */
export function configurationOptions(command: Command): Command {
	return command
		.optionsGroup("Configuration:")
		.option(
			"--config <file>",
			"use this configuration (default: $SIGTOOL_CONFIG, else sigtool.config.json here or above; docs/reference/configuration.md)",
		)
		.option("--no-config", "use no configuration")
		.optionsGroup(OTHERS);
}

export function passphraseOption(command: Command): Command {
	return command.option(
		"--passphrase-file <file>",
		"file whose first line is the passphrase, - for stdin (default: $SIGTOOL_PASSPHRASE, else a prompt)",
	);
}

export function timestamps(): Option {
	return repeated("--timestamp <url>", "URL of a timestamping authority (RFC 3161); when one fails, the next is asked");
}

export function timestampTrust(): Option {
	return repeated("--tsa-trust <pem>", "root certificates of timestamping authorities to trust");
}

/** Adds the options that select catalogs and their root to a command, and then those of `judgementOptions`. */
export function catalogOptions(command: Command): Command {
	command
		.optionsGroup("Catalogs:")
		.addOption(repeated("--catalog <path>", "catalog to verify against, or a directory of catalogs"))
		.option(
			"--root <dir>",
			"directory that the signed paths are relative to (default: <path>, or the catalog's directory)",
		);
	return judgementOptions(command);
}

/** Adds the options about trust, and about the time for which certificates are judged, to a command. */
export function judgementOptions(command: Command): Command {
	return command
		.optionsGroup("Trust:")
		.addOption(repeated("--trust <pem|pin>", "trust these certificates or public keys instead of the trust store"))
		.addOption(timestampTrust())
		.option("--product <name>", "refuse a catalog of another product")
		.option("--at <time>", "judge certificates at this time, e.g. 2026-01-31T12:00:00Z")
		.addOption(
			choice("--profile <name>", "what counts as evidence; windows-legacy also accepts SHA-1 and short RSA keys", [
				"default",
				"windows-legacy",
			]),
		)
		.addOption(noDevelopment("trust no development identity"))
		.optionsGroup(OTHERS);
}

/** Makes the option --no-development. */
export function noDevelopment(description: string): Option {
	return new Option("--no-development", `${description}; as SIGTOOL_DEVELOPMENT=refuse does`);
}

/** A copy of `ATTRIBUTE_FORMATS` in core. It is copied because core is not loaded to print help. */
export const ATTRIBUTE_FORMATS = ["spython", "ima-hash", "ima", "evm", "ima-verity"];

export function formats(description: string, choices: readonly string[]): Option {
	return repeated("--format <format>", description, choices);
}

/** Makes the option --namespace. With `without-default` its value is undefined if the user does not give it. */
export function namespace(how: "with-default" | "without-default" = "with-default"): Option {
	const [flags, names] = ["--namespace <name>", ["security", "user"] as const];
	const description = "namespace of the IMA and EVM attributes; user needs no privileges";
	if (how === "with-default") return choice(flags, description, names);
	return new Option(flags, `${description} (default: security)`).choices(names);
}

/**
 * Makes an option that the user can repeat. Each use adds one value. If `choices` is given, a value must be one of
 * them.
 */
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

/** Makes an option whose value must be one of `choices`. The first choice is the default. */
export function choice(flags: string, description: string, choices: readonly [string, ...string[]]): Option {
	return new Option(flags, description).choices(choices).default(choices[0]);
}
