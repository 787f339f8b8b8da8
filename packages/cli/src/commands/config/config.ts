/** Shows the values that hold, and where each comes from: the configuration, the environment, or the default. */

import { developmentUse } from "@sigtool/core/internal";
import { COMMAND } from "@sigtool/core/internal/errors";
import {
	type ConfigurationOptions,
	type ProjectConfiguration,
	projectConfiguration,
} from "../../configuration/configuration.js";
import { VARIABLE_PREFIX } from "../../configuration/members.js";
import { refuseOtherWriters } from "../../configuration/other-writers.js";
import { pathOf, variableFault } from "../../configuration/settings.js";
import { signedTarget } from "../../configuration/signed-target.js";
import { obstacleTo, verifiedTrees } from "../../configuration/trust.js";
import { membersIn, valueText } from "../../configuration/write-document.js";
import { PASSPHRASE_VARIABLE, PIN_VARIABLE } from "../../options/secret-variables.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { DEFAULTS } from "./defaults.js";

export interface ConfigOptions extends OutputOptions, ConfigurationOptions {}

interface Value {
	readonly name: string;
	readonly value: unknown;
	/** Where the value comes from: a file with its line, a variable of the environment, or `default`. */
	readonly from: string;
	/** A fact about the value that the user has to know. */
	readonly note?: string;
}

/** @throws ERR_CONFIG */
export async function config(options: ConfigOptions): Promise<Report> {
	const configuration = await projectConfiguration(options);
	if (configuration?.origin === "found") refuseOtherWriters(configuration.file);
	const values = [...(configuration === undefined ? [] : await inFile(configuration)), ...inEnvironment()];
	const known = new Set(values.map(({ name }) => name));
	const others = Object.entries(DEFAULTS).filter(([name]) => !isKnown(name, known));
	const all = [...values, ...others.map(([name, value]): Value => ({ name, value, from: "default" }))];
	return {
		exit: 0,
		fields: {
			configuration: configuration === undefined ? null : { file: configuration.file, origin: configuration.origin },
			values: all,
		},
		lines: [headline(configuration), ...rows(all.map((each): [string, string] => [each.name, textOf(each)]))],
	};
}

function headline(configuration: ProjectConfiguration | undefined): string {
	if (configuration === undefined) return `no configuration; \`${COMMAND} init\` makes one`;
	const { file, origin } = configuration;
	return `${escaped(file)} (${origin === "found" ? "found here or above" : `named by ${origin}`})`;
}

function textOf({ value, from, note }: Value): string {
	return `${escaped(valueText(value))}  (${escaped(from)}${note === undefined ? "" : `; ${escaped(note)}`})`;
}

async function inFile(configuration: ProjectConfiguration): Promise<Value[]> {
	const { $schema: _, ...members } = configuration.members;
	const shown = pathOf(configuration, configuration.file);
	const values = membersIn(members).map(async ([name, value]): Promise<Value> => {
		const line = configuration.places.get(name)?.line;
		return { name, value, from: `${shown}:${line}`, ...(await noteOn(configuration, name, value)) };
	});
	return Promise.all(values);
}

async function noteOn(
	configuration: ProjectConfiguration,
	name: string,
	value: unknown,
): Promise<{ readonly note?: string }> {
	if (name.startsWith("key.")) {
		const named = [value]
			.flat()
			.map(String)
			.filter((each) => each.startsWith(VARIABLE_PREFIX));
		const faults = named.flatMap((each) => {
			const variable = each.slice(VARIABLE_PREFIX.length);
			const fault = variableFault(process.env[variable]);
			return fault === undefined ? [] : [`${variable}, ${fault}`];
		});
		return faults.length === 0 ? {} : { note: faults.join("; ") };
	}
	const isAboutTrust =
		name === "verify.trust" || name === "timestampTrust" || (name === "verify.added" && value !== "fail");
	if (!isAboutTrust) return {};
	const obstacle = await obstacleOf(configuration);
	if (obstacle === undefined) return {};
	const effect = name === "verify.trust" ? "only narrows the trust store" : "has no effect on verify";
	return { note: `${effect}, because ${obstacle}` };
}

async function obstacleOf(configuration: ProjectConfiguration): Promise<string | undefined> {
	const { sign = [] } = configuration.members;
	if (sign.length === 0) return obstacleTo(configuration, []);
	const { paths, catalogs } = await signedTarget(configuration);
	return obstacleTo(configuration, verifiedTrees(paths, { catalogs }));
}

/** Returns the values of variables. A secret itself is not shown. */
function inEnvironment(): Value[] {
	const secrets = [
		["key.passphraseFile", PASSPHRASE_VARIABLE],
		["key.pinFile", PIN_VARIABLE],
	].flatMap(([name, variable]): Value[] => {
		const note = "counts if no file is named";
		return process.env[variable] === undefined ? [] : [{ name, value: "(a secret)", from: `$${variable}`, note }];
	});
	const refuses = developmentUse() === "refuse";
	return [...secrets, ...(refuses ? [{ name: "development", value: "refuse", from: "$SIGTOOL_DEVELOPMENT" }] : [])];
}

/** Returns true if the member, or one above or below it, has a value. */
function isKnown(name: string, known: ReadonlySet<string>): boolean {
	if (name === "identity" && [...known].some((each) => each.startsWith("key."))) return true;
	return known.has(name);
}
