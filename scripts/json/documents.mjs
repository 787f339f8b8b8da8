/** The schemas of all documents that --json prints. */

import { EXPLAINING } from "./explaining.mjs";
import { INSPECTING } from "./inspecting.mjs";
import { LOGGING } from "./logging.mjs";
import { POLICIES } from "./policies.mjs";
import { RUNNING } from "./running.mjs";
import { constant, list, object, optional, shared, text, words } from "./shapes.mjs";
import { SHARED } from "./shared.mjs";
import { SIGNING } from "./signing.mjs";
import { TRUSTING } from "./trusting.mjs";
import { VERIFYING } from "./verifying.mjs";

export const COMMANDS = {
	...SIGNING,
	...VERIFYING,
	...INSPECTING,
	...EXPLAINING,
	...RUNNING,
	...LOGGING,
	...TRUSTING,
	...POLICIES,
};

export const schemaFile = (command) => `${command.replaceAll(" ", "-")}.schema.json`;

/** Returns the text of each schema by the name of its file. */
export function documentSchemas() {
	return new Map([
		entry("common", { title: "Objects that several documents of sigtool contain", $defs: SHARED }),
		entry("failure", {
			title: "sigtool --json without a command that exists",
			...failureOf(text("The command, as far as the arguments name one.")),
		}),
		...Object.entries(COMMANDS).map(([name, { about, results, exits }]) =>
			entry(name, {
				title: `sigtool ${name} --json`,
				description: about,
				anyOf: [...results.map((result) => documentOf(name, result)), failureOf(constant(name), exits)],
			}),
		),
	]);
}

function entry(name, schema) {
	const file = schemaFile(name);
	const head = { $schema: "https://json-schema.org/draft/2020-12/schema", $id: file };
	return [file, `${JSON.stringify({ ...head, ...schema }, null, "\t")}\n`];
}

/** Adds the members that every document of a finished command has. */
function documentOf(command, { description, properties }) {
	return object(description, {
		command: constant(command),
		exit: words("The exit status.", 0, 1, 2, 3),
		...properties,
		notes: optional(list("Facts that nobody must overlook.", text("A note."))),
		warnings: list("The warnings.", text("A warning.")),
	});
}

function failureOf(command, exits = [1, 2, 3]) {
	return object("An error ended the command.", {
		command,
		exit: words("The exit status.", ...exits),
		error: shared("error"),
	});
}
