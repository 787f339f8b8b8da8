/**
 * Writes the JSON Schemas of all documents that --json prints, and docs/reference/json.md, from the tables in
 * scripts/json/. With `--check`, writes nothing, and fails with the names of the files that are stale.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXPLAINING } from "./json/explaining.mjs";
import { INSPECTING } from "./json/inspecting.mjs";
import { LOGGING } from "./json/logging.mjs";
import { POLICIES } from "./json/policies.mjs";
import { RUNNING } from "./json/running.mjs";
import { constant, list, object, optional, shared, text, words } from "./json/shapes.mjs";
import { SHARED } from "./json/shared.mjs";
import { SIGNING } from "./json/signing.mjs";
import { TRUSTING } from "./json/trusting.mjs";
import { VERIFYING } from "./json/verifying.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = "packages/cli/schemas";
const DRAFT = "https://json-schema.org/draft/2020-12/schema";
const ORIGIN = "Generated from scripts/json by `pnpm generate`.";
const COMMANDS = {
	...SIGNING,
	...VERIFYING,
	...INSPECTING,
	...EXPLAINING,
	...RUNNING,
	...LOGGING,
	...TRUSTING,
	...POLICIES,
};

const files = {
	[`${FOLDER}/common.schema.json`]: json({
		$schema: DRAFT,
		$id: "common.schema.json",
		title: "Objects that several documents of sigtool contain",
		$comment: ORIGIN,
		$defs: SHARED,
	}),
	[`${FOLDER}/failure.schema.json`]: json({
		$schema: DRAFT,
		$id: "failure.schema.json",
		title: "sigtool --json without a command that exists",
		$comment: ORIGIN,
		...failureOf(text("The command, as far as the arguments name one.")),
	}),
	...Object.fromEntries(
		Object.entries(COMMANDS).map(([name, { about, results, exits }]) => [
			`${FOLDER}/${fileOf(name)}`,
			json({
				$schema: DRAFT,
				$id: fileOf(name),
				title: `sigtool ${name} --json`,
				description: about,
				$comment: ORIGIN,
				anyOf: [...results.map((result) => documentOf(name, result)), failureOf(constant(name), exits)],
			}),
		]),
	),
	"docs/reference/json.md": page(),
};

const present = existsSync(join(root, FOLDER))
	? readdirSync(join(root, FOLDER)).map((name) => `${FOLDER}/${name}`)
	: [];
const stale = [
	...Object.keys(files).filter((file) => {
		const path = join(root, file);
		return !existsSync(path) || readFileSync(path, "utf8") !== files[file];
	}),
	...present.filter((file) => !(file in files)),
];
if (!process.argv.includes("--check")) {
	for (const file of stale) {
		mkdirSync(dirname(join(root, file)), { recursive: true });
		if (file in files) writeFileSync(join(root, file), files[file]);
		else rmSync(join(root, file));
	}
} else if (stale.length > 0) {
	console.error(`older than scripts/json: ${stale.join(", ")}; run \`pnpm generate\` and commit the result`);
	process.exitCode = 1;
}

function fileOf(command) {
	return `${command.replaceAll(" ", "-")}.schema.json`;
}

function json(schema) {
	return `${JSON.stringify(schema, null, "\t")}\n`;
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

function page() {
	const sections = Object.entries(COMMANDS).map(([name, { about, results }]) => {
		const variants = results.map((result) => {
			const title = results.length === 1 ? "" : `${result.description}\n\n`;
			return `${title}${table(result)}`;
		});
		return `## ${name}\n\n${about} Schema: [${fileOf(name)}](../../${FOLDER}/${fileOf(name)}).\n\n${variants.join("\n")}`;
	});
	const common = Object.entries(SHARED).map(([name, schema]) => {
		const body = schema.items ?? schema;
		return `### ${name}\n\n${schema.description}\n\n${table(body)}`;
	});
	return `# JSON documents

<!-- ${ORIGIN.replace(/\.$/, "")}. -->

With \`--json\`, or \`--reporter json\`, a command prints one JSON document on standard output, and nothing else there. It is for
programs: text for people may change in any release. A member keeps its name and meaning; new members may be added. A JSON
Schema of draft 2020-12 describes each document. The schemas are in \`schemas/\` of the npm package \`@sigtool/cli\`, and refer to
each other by the names of their files. The tests of sigtool hold every document against them.

Every document has \`command\` and \`exit\`, the exit status. A command that came to an end also has \`warnings\`, and \`notes\` if there
are any. A command that an error ended has \`error\` and no other member; see [error](#error). Of \`sigtool run\` there is only such a
document, because standard output belongs to the program.

${sections.join("\n")}
## Shared objects

${common.join("\n")}`;
}

/** Returns the table of the members of an object, with those of inner objects below. */
function table(schema) {
	return `| Member | Type | Meaning |\n| --- | --- | --- |\n${[...rowsOf(schema, "")].join("")}`;
}

function* rowsOf(schema, prefix) {
	for (const [name, member] of Object.entries(schema.properties ?? {})) {
		const isOptional = !schema.required.includes(name);
		yield `| \`${prefix}${name}\`${isOptional ? " ?" : ""} | ${typeOf(member)} | ${meaningOf(member)} |\n`;
		for (const [inner, path] of innerOf(member, `${prefix}${name}`)) yield* rowsOf(inner, `${path}.`);
	}
}

/** Yields the objects inside a member: its own, those of a list, and those of alternatives. */
function* innerOf(member, path) {
	if (member.properties !== undefined) yield [member, path];
	if (member.items !== undefined) yield* innerOf(member.items, `${path}[]`);
	for (const each of member.anyOf ?? []) yield* innerOf(each, path);
}

function typeOf(member) {
	if (member.$ref !== undefined) {
		const name = member.$ref.replace(/.*\//, "");
		return `[${name}](#${name.toLowerCase()})`;
	}
	if (member.const !== undefined) return `\`${JSON.stringify(member.const)}\``;
	if (member.enum !== undefined) return member.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
	if (member.anyOf !== undefined) return [...new Set(member.anyOf.map(typeOf))].join(" or ");
	if (member.type === "array") return member.items === undefined ? "list" : `list of ${typeOf(member.items)}`;
	return [member.type].flat().join(" or ");
}

function meaningOf({ description, $ref }) {
	const text = description ?? SHARED[$ref?.replace(/.*\//, "")]?.description ?? "";
	return text.replaceAll("|", "\\|");
}
