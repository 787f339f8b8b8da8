/** Writes the configuration of a project, and says what it wrote and what comes next. */

import { lstatSync } from "node:fs";
import { isAbsolute, resolve, sep } from "node:path";
import { writeAtomically } from "@sigtool/core/internal";
import { COMMAND, quote, shell } from "@sigtool/core/internal/errors";
import { CONFIGURATION_FILE } from "../../configuration/configuration.js";
import { type Configuration, VARIABLE_PREFIX } from "../../configuration/members.js";
import { readDocument } from "../../configuration/read-document.js";
import { present } from "../../configuration/settings.js";
import { configurationText, membersIn, valueText } from "../../configuration/write-document.js";
import { canAsk } from "../../options/ask.js";
import { usageError } from "../../options/usage.js";
import { pathWithin } from "../../output/locations.js";
import { escaped, type Report, rows } from "../../output/output.js";
import type { InitOptions } from "./init-options.js";
import { askFor } from "./questions.js";
import { manifestHere, usualPath, usualProduct } from "./usual.js";

/** @throws ERR_USAGE if there is a configuration already, or nobody to ask; ERR_CONFIG for a value that cannot be */
export async function init(operands: readonly string[], given: InitOptions): Promise<Report> {
	const file = resolve(CONFIGURATION_FILE);
	if (given.force !== true) refuseExisting(file);
	const { paths, options } = given.yes === true ? { paths: operands, options: given } : await asked(operands, given);
	const members = membersOf(paths, options);
	const text = configurationText(members);
	readDocument(file, Buffer.from(text)); // A value that no configuration can have is refused before it is written.
	writeAtomically(file, Buffer.from(text));
	return {
		exit: 0,
		fields: { configuration: file, members },
		lines: [
			`wrote ${CONFIGURATION_FILE}`,
			...rows(membersIn(members).map(([name, value]): [string, string] => [name, escaped(valueText(value))])),
			"",
			...nextSteps(members),
		],
	};
}

/** @throws ERR_USAGE */
function refuseExisting(file: string): void {
	const isThere = lstatSync(file, { throwIfNoEntry: false }) !== undefined;
	if (!isThere && !manifestHere().isConfigured) return;
	const [name, what] = isThere ? [CONFIGURATION_FILE, "it exists"] : ["package.json", "has a configuration"];
	const reason = isThere ? what : `${quote(name)} ${what}, which it would replace`;
	throw usageError(`Cannot write ${quote(CONFIGURATION_FILE)}: ${reason}; --force replaces it`);
}

async function asked(paths: readonly string[], options: InitOptions) {
	if (canAsk() && options.json !== true) return askFor(paths, options);
	if (paths.length > 0) return { paths, options };
	throw usageError(
		`Name what to sign, e.g. \`${COMMAND} init ./dist\`, or take the defaults with --yes: nobody can be asked here`,
	);
}

/** Returns the members, with paths as the file has them: relative to it, where they lie below its directory. */
function membersOf(paths: readonly string[], options: InitOptions): Partial<Configuration> {
	const { identity, pkcs11, trust, development } = options;
	const key = present({
		key: stored(options.key),
		p12: stored(options.p12),
		pkcs11,
		cert: stored(options.cert),
		chain: options.chain?.map(storedPath),
		passphraseFile: stored(options.passphraseFile),
		pinFile: stored(options.pinFile),
	});
	const members = {
		$schema: SCHEMA_FILES.find((file) => lstatSync(file, { throwIfNoEntry: false }) !== undefined),
		sign: (paths.length > 0 ? paths : [usualPath()]).map(storedPath),
		output: stored(options.output),
		product: options.product ?? usualProduct(),
		...{ include: options.include, exclude: options.exclude, formats: options.format },
		...{ description: options.description, url: options.url, identity },
		key: Object.keys(key).length === 0 ? undefined : key,
		timestamp: options.timestamp,
		timestampTrust: options.tsaTrust?.map(storedPath),
		verify: trust === undefined || trust.length === 0 ? undefined : { trust: trust.map(storedPath) },
		policy: stored(options.policy),
		development: development ? undefined : "refuse",
	};
	const filled = Object.entries(members).filter(([, value]) => !Array.isArray(value) || value.length > 0);
	// The type assertion is safe: `readDocument` reads the text that is made of the members before it is written.
	return present(Object.fromEntries(filled)) as Partial<Configuration>;
}

/** The places in which editors find the JSON Schema of the file, if the command is installed in the project. */
const SCHEMA_FILES = ["./node_modules/@sigtool/cli/sigtool.config.schema.json"];

function stored(path: string | undefined): string | undefined {
	return path === undefined ? undefined : storedPath(path);
}

function storedPath(path: string): string {
	if (path.startsWith(VARIABLE_PREFIX)) return path;
	const below = pathWithin(".", resolve(path));
	if (below === undefined) return resolve(path);
	return below === "" ? "." : below.split(sep).join("/");
}

/** Only a configuration that is named may sign what lies outside of its directory. */
function nextSteps({ sign = [], output, verify, identity, key }: Partial<Configuration>): string[] {
	const isOutside = [...sign, ...(output === undefined ? [] : [output])].some((path) => isAbsolute(path));
	const how = isOutside ? shell` --config ${CONFIGURATION_FILE}` : "";
	const [certificate] = verify?.trust ?? [];
	const signer =
		identity ?? (key === undefined ? "your development identity, which only this machine trusts" : "the key");
	return [
		"Next:",
		...rows([
			[`${COMMAND} sign --dry-run${how}`, "shows what would be signed"],
			[`${COMMAND} sign${how}`, `signs it with ${escaped(signer)}`],
			[`${COMMAND} verify${how}`, "compares it with what was signed"],
			[`${COMMAND} config`, "shows each value and where it came from"],
			[
				shell`${COMMAND} trust add ${certificate ?? "CERTIFICATE"}`,
				certificate === undefined && key === undefined && identity === undefined
					? undefined
					: "lets this user's verify trust the signer",
			],
		]),
		`Commit ${CONFIGURATION_FILE}. A pipeline names it with SIGTOOL_CONFIG, so that it may say whom to trust.`,
	];
}
