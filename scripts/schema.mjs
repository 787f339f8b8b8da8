/**
 * Writes everything that is generated from the tables in packages/core/src/trust/schema.ts and
 * packages/cli/src/configuration/members.ts. `--check` writes nothing,
 * and fails with the names of the files that are stale. `SIGTOOL_SCHEMA_ROOT` is a directory whose files are checked
 * instead of this repository's.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONFIGURATION } from "../packages/cli/dist/configuration/members.js";
import { MODES } from "../packages/core/dist/trust/mode.js";
import * as schema from "../packages/core/dist/trust/schema.js";
import { DISORDER, mustBe, TEXT_FORMS, TWICE, UNKNOWN } from "../packages/core/dist/trust/shape.js";

const root = process.env.SIGTOOL_SCHEMA_ROOT ?? fileURLToPath(new URL("..", import.meta.url));
const ORIGIN = "Generated from packages/core/src/trust/schema.ts by `pnpm generate`.";
const CONFIGURATION_ORIGIN = "Generated from packages/cli/src/configuration/members.ts by `pnpm generate`.";
const NATIVE = "packages/verifier/native/shared";
/** The C files have 100 columns, of which a row needs a tab, its braces and a comma. */
const ROW_COLUMNS = 100 - "    {},".length;
const DOCUMENTS = {
	POLICY: schema.POLICY,
	HOST: schema.HOST,
	LAUNCHER: schema.LAUNCHER,
	SHARED: schema.SHARED,
	HEAD: schema.HEAD,
};
const LIMITS = {
	POLICY: schema.MAX_POLICY_BYTES,
	HOST: schema.MAX_HOST_BYTES,
	LAUNCHER: schema.MAX_LAUNCHER_BYTES,
	SHARED: schema.MAX_SHARED_BYTES,
};

const PATH_NOTE = `
A path is absolute and has no \`.\`, no \`..\`, no \`/\` at its end and no control characters. A line of text has no control
characters and is not empty.
`;
const JSON_NOTE = `${PATH_NOTE}
The document is JSON in UTF-8 without a byte order mark. No object names a member twice, numbers are written in digits
alone, and no text holds U+0000 or half of a surrogate pair.
`;

const files = {
	[`${NATIVE}/mode.h`]: modeHeader(),
	[`${NATIVE}/schema.h`]: tableHeader(),
	[`${NATIVE}/schema.c`]: tables(),
	"packages/core/policy.schema.json": jsonSchemaOf("policy, version 1", schema.POLICY, "docs/reference/policy.md"),
	"packages/core/verifier.schema.json": jsonSchemaOf(
		"host configuration, version 1",
		schema.HOST,
		"docs/reference/verifier.md",
	),
	"packages/cli/sigtool.config.schema.json": jsonSchemaOf(
		"configuration of a project",
		CONFIGURATION,
		"docs/reference/configuration.md",
		CONFIGURATION_ORIGIN,
	),
	...Object.fromEntries(
		[
			["docs/reference/policy.md", "policy", `${membersTable(schema.POLICY)}${JSON_NOTE}`],
			["docs/reference/verifier.md", "verifier.json", `${membersTable(schema.HOST)}${JSON_NOTE}`],
			["docs/reference/launcher.md", "launcher.conf", `${keysTable(schema.LAUNCHER)}${PATH_NOTE}`],
			["docs/reference/configuration.md", "sigtool.config.json", membersTable(CONFIGURATION), CONFIGURATION_ORIGIN],
		].map(([file, name, table, origin]) => [file, withTable(file, name, table, origin)]),
	),
};

const stale = Object.keys(files).filter((file) => {
	const path = join(root, file);
	return !existsSync(path) || readFileSync(path, "utf8") !== files[file];
});
if (!process.argv.includes("--check")) for (const file of stale) writeFileSync(join(root, file), files[file]);
else if (stale.length > 0) {
	const which = stale.join(", ");
	console.error(
		`older than trust/schema.ts or configuration/members.ts: ${which}; run \`pnpm generate\` and commit the result`,
	);
	process.exitCode = 1;
}

/**
 * Returns every member of a document, including the members of objects in lists. Each item has the dotted name, the
 * member, and the object that has the member.
 */
function* rowsOf(shape, prefix = "") {
	for (const [name, member] of Object.entries(shape.members)) {
		const row = { name: `${prefix}${name}`, member, within: shape };
		yield row;
		const inner = member.kind === "list" ? member.of : member;
		if (inner.kind === "object") yield* rowsOf(inner, `${row.name}.`);
	}
}

function modeHeader() {
	return `/* ${ORIGIN} */
/* The modes, from letting everything run to refusing what enforcement would only record. */
#ifndef SIGTOOL_MODE_H
#define SIGTOOL_MODE_H

enum mode { ${MODES.map((mode) => `MODE_${constant(mode)}`).join(", ")} };
#define MODES "${MODES.join(" ")}"
static const char *const MODE_NAMES[] = {${MODES.map((mode) => `"${mode}"`).join(", ")}};

#endif
`;
}

function tableHeader() {
	const words = new Map();
	for (const { name, member } of Object.values(DOCUMENTS).flatMap((shape) => [...rowsOf(shape)])) {
		if (member.kind !== "word" || member.words.length < 2 || member.words === MODES) continue;
		const own = constant(name.split(".").at(-1));
		const list = member.words.map((word) => `${own}_${constant(word)}`).join(", ");
		// Two members may share names if the words of one are the first words of the other.
		const taken = words.get(own) ?? list;
		if (!taken.startsWith(list) && !list.startsWith(taken))
			throw new Error(`Cannot name the words of ${name}: ${own} is taken`);
		words.set(own, taken.length > list.length ? taken : list);
	}
	const numbers = Object.entries(DOCUMENTS).map(([document, shape]) => {
		const names = [...rowsOf(shape)].map(({ name }) => `\t${document}_${constant(name)},\n`);
		return `enum {\n${names.join("")}\t${document}_MEMBERS\n};\nextern const struct member ${document}[];\n`;
	});
	const limits = Object.entries(LIMITS).map(([document, bytes]) => `\tMAX_${document}_BYTES = ${bytes},\n`);
	return `/* ${ORIGIN} */
/* The members of each document, whose numbers find values, and the words of members in order. */
#ifndef SIGTOOL_SCHEMA_H
#define SIGTOOL_SCHEMA_H
#include "members.h"
/* clang-format off */

enum {
${limits.join("")}};

enum {
	EARLIEST_SECONDS = ${schema.EARLIEST_SECONDS}, /* since 1970: no right clock shows an earlier time */
	LOOK_SECONDS = ${schema.LOOK_SECONDS}, /* between two looks at the deny list of the host */
};

${[...words.values()].map((list) => `enum { ${list} };\n`).join("")}
${numbers.join("\n")}
#endif
`;
}

function tables() {
	return `/* ${ORIGIN} */
#include "schema.h"
/* clang-format off */

const char IS_UNKNOWN[] = ${text(UNKNOWN)};
const char IS_TWICE[] = ${text(TWICE)};
const char IS_DISORDER[] = ${text(DISORDER)};
${Object.entries(DOCUMENTS)
	.map(([document, shape]) => tableOf(document, shape))
	.join("")}`;
}

function tableOf(document, shape) {
	const cells = [];
	const rows = [...rowsOf(shape)].map((row) => `\t{${wrapped(rowOf(document, row, cells))}},\n`);
	const behind = (cell, index) =>
		cell.replace(/NEXT(\d+)/, (_, count) => `DEFAULTS_${document} + ${index + Number(count)}`);
	const values = cells.map((cell, index) => `\t{${behind(cell, index)}},\n`);
	const defaults = `static struct json DEFAULTS_${document}[] = {\n${values.join("")}};\n`;
	return `
${values.length === 0 ? "" : defaults}const struct member ${document}[] = {
${rows.join("")}	{0}
};
`;
}

/**
 * Joins the fields of a row. The line is broken before a field that would reach beyond the 100 columns of the C files,
 * and in the string of a field that is longer than a line.
 */
function wrapped(fields) {
	const lines = [];
	for (const field of fields) {
		const line = lines.at(-1);
		if (line !== undefined && `${line}, ${field}`.length <= ROW_COLUMNS) lines[lines.length - 1] = `${line}, ${field}`;
		else lines.push(field);
	}
	return lines.map(folded).join(",\n\t ");
}

/** Breaks a field behind the last space that leaves room for a quotation mark. C joins strings that follow each other. */
function folded(field) {
	if (field.length <= ROW_COLUMNS) return field;
	const end = field.lastIndexOf(" ", ROW_COLUMNS - 2) + 1;
	return `${field.slice(0, end)}"\n\t ${folded(`"${field.slice(end)}`)}`;
}

function rowOf(document, { name, member, within }, cells) {
	const isList = member.kind === "list";
	const value = isList ? member.of : member;
	const choice = member.choice === true ? (within.choose === "exactly one" ? "ONE_OF" : "SOME_OF") : undefined;
	const flags = [
		isList && "LIST",
		(member.unique === "value" || isKey(document, name)) && "UNIQUE",
		member.order === "ascending" && "ASCENDING",
		member.optional === true && "OPTIONAL",
		choice,
	].filter(Boolean);
	const fields = [
		["name", text(name)],
		["kind", `IS_${value.kind.toUpperCase()}`],
		["flags", flags.length === 0 ? undefined : flags.join(" | ")],
		["words", value.words && text(value.words.join(" "))],
		["least", (value.kind === "number" && value.least) || undefined],
		["most", value.most],
		["items", member.kind === "list" ? member.most : undefined],
		["needs", member.needs && text(member.needs.join(" "))],
		["otherwise", otherwiseOf(document, member, cells)],
		["must", text(mustBe(value))],
	];
	return fields.filter(([, value]) => value !== undefined).map(([field, value]) => `.${field} = ${value}`);
}

/** Returns true if no two objects of a list may have the same value of this member. */
function isKey(document, name) {
	return [...rowsOf(DOCUMENTS[document])].some((row) => `${row.name}.${row.member.unique}` === name);
}

/**
 * Appends the default of a member to `cells`, the initializers of the array of struct json that holds the document's
 * defaults. Returns the C expression for the address of its first element, or undefined if the member has no default.
 */
function otherwiseOf(document, member, cells) {
	const { kind, optional, otherwise = kind === "list" ? [] : kind === "object" ? {} : undefined } = member;
	if (optional === true || otherwise === undefined) return undefined;
	const at = cells.length;
	const strings = (values) => values.map((value) => `.kind = JSON_STRING, .text = ${text(value)}, .next = NEXT1`);
	if (Array.isArray(otherwise)) {
		cells.push(`.kind = JSON_ARRAY, .next = NEXT${otherwise.length + 1}`, ...strings(otherwise));
	} else if (typeof otherwise === "object") cells.push(".kind = JSON_OBJECT, .next = NEXT1");
	else if (typeof otherwise === "string") cells.push(...strings([otherwise]));
	else if (typeof otherwise === "number") cells.push(`.kind = JSON_NUMBER, .number = ${otherwise}, .next = NEXT1`);
	else cells.push(`.kind = JSON_${otherwise ? "TRUE" : "FALSE"}, .next = NEXT1`);
	return `DEFAULTS_${document} + ${at}`;
}

function constant(name) {
	return name
		.replace(/[a-z](?=[A-Z0-9])/g, "$&_")
		.replace(/\W/g, "_")
		.toUpperCase();
}

function text(value) {
	return JSON.stringify(value);
}

/**
 * Makes a JSON Schema, draft 2020-12. A schema cannot demand that the objects of a list have different names, but the
 * readers do.
 */
function jsonSchemaOf(title, shape, page, origin = ORIGIN) {
	const head = {
		$schema: "https://json-schema.org/draft/2020-12/schema",
		title: `sigtool ${title}`,
		description: `${page} explains each member.`,
		$comment: origin,
	};
	return `${JSON.stringify({ ...head, ...schemaOf(shape) }, null, "\t")}\n`;
}

function schemaOf(shape) {
	const described = shape.does === undefined ? {} : { description: shape.does };
	const value = { ...described, ...formOf(shape) };
	const isFilled = shape.kind === "list" && shape.optional !== true;
	const otherwise = shape.otherwise ?? (isFilled ? [] : undefined);
	return otherwise === undefined || shape.of?.kind === "object" ? value : { ...value, default: otherwise };
}

function formOf(shape) {
	switch (shape.kind) {
		case "version":
			return { const: 1 };
		case "word":
			return { enum: shape.words };
		case "number":
			return { type: "integer", minimum: shape.least, maximum: shape.most };
		case "switch":
			return { type: "boolean" };
		case "true":
			return { const: true };
		case "list":
			return {
				type: "array",
				items: schemaOf(shape.of),
				...((shape.unique === "value" || shape.order !== undefined) && { uniqueItems: true }),
				...(shape.least !== undefined && { minItems: shape.least }),
				...(shape.most !== undefined && { maxItems: shape.most }),
			};
		case "object": {
			const members = Object.entries(shape.members);
			const isNeeded = ({ kind, optional, otherwise }) =>
				optional !== true && otherwise === undefined && kind !== "list" && kind !== "object";
			const required = members.flatMap(([name, member]) => (isNeeded(member) ? [name] : []));
			const choices = members.flatMap(([name, { choice }]) => (choice === true ? [{ required: [name] }] : []));
			const needs = members.flatMap(([name, { needs }]) => (needs === undefined ? [] : [[name, needs]]));
			const isAtMostOne = shape.choose === "at most one"; // The one document with it has two such members.
			return {
				type: "object",
				...(required.length > 0 && { required }),
				additionalProperties: false,
				properties: Object.fromEntries(members.map(([name, member]) => [name, schemaOf(member)])),
				...(needs.length > 0 && { dependentRequired: Object.fromEntries(needs) }),
				...(isAtMostOne && { not: { allOf: choices } }),
				...(choices.length > 0 && !isAtMostOne && { [shape.choose === "at least one" ? "anyOf" : "oneOf"]: choices }),
			};
		}
		default:
			return { type: "string", pattern: TEXT_FORMS[shape.kind].form.source };
	}
}

/** Puts the table of a document's members into a page, between two comments of the page. Returns the page. */
function withTable(file, name, table, origin = ORIGIN) {
	const path = join(root, file);
	const [begin, end] = [`<!-- generated: ${name}. ${origin} -->\n`, `<!-- end of generated: ${name} -->`];
	const page = readFileSync(path, "utf8");
	const [from, to] = [page.indexOf(`<!-- generated: ${name}.`), page.indexOf(end)];
	if (from < 0 || to < from) throw new Error(`Cannot find the comments around the table ${name} in ${file}`);
	return `${page.slice(0, from)}${begin}\n${table}\n${page.slice(to)}`;
}

function membersTable(shape) {
	const rows = [...documented(shape)].map(({ name, member, by = "" }) => {
		return `| \`${name}\` | ${valueText(member)} | ${defaultText(member)} | ${member.does} | ${by} |`;
	});
	return `| member | value | default | meaning | only for |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

/** Yields the members that have a value. The name of a member in a list is `list[].name`. */
function* documented(shape, prefix = "", by = undefined) {
	for (const [name, member] of Object.entries(shape.members)) {
		const at = `${prefix}${name}`;
		const own = member.by ?? by;
		if (member.kind === "object") {
			if (member.optional === true) yield { name: at, member, by: own };
			if (member.as === undefined) yield* documented(member, `${at}.`, own);
		} else {
			yield { name: at, member, by: own };
			if (member.kind === "list" && member.of.kind === "object") yield* documented(member.of, `${at}[].`, own);
		}
	}
}

function keysTable(shape) {
	const rows = Object.entries(shape.members).map(([name, member]) => {
		const value = member.kind === "object" ? "`PATH SHA256`" : valueText(member.kind === "list" ? member.of : member);
		const times = member.kind === "list" ? `Up to ${member.most} lines.` : undefined;
		const needs = member.needs && `Needs ${member.needs.map((each) => `\`${each}\``).join(" and ")}.`;
		const meaning = [member.does, times, needs].filter(Boolean).join(" ");
		return `| \`${name}\` | ${value} | ${defaultText(member)} | ${meaning} |`;
	});
	return `| key | value | default | meaning |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

function valueText(shape) {
	switch (shape.kind) {
		case "version":
			return "`1`";
		case "word":
			return shape.words.map((word) => `\`${word}\``).join(", ");
		case "number":
			return `${shape.least} to ${shape.most}`;
		case "switch":
			return "`true`, `false`";
		case "true":
			return "`true`";
		case "object":
			return "an object";
		case "list": {
			const bound = shape.most === undefined ? "" : ` of at most ${shape.most}`;
			return shape.of.kind === "object" ? `a list${bound} of objects` : `a list${bound}, each ${valueText(shape.of)}`;
		}
		default:
			return TEXT_FORMS[shape.kind].called;
	}
}

/** Returns the text for the default of a member, which is empty for a required member. */
function defaultText({ kind, optional, otherwise }) {
	if (Array.isArray(otherwise)) return otherwise.map((each) => `\`${each}\``).join(", ");
	if (otherwise !== undefined) return `\`${otherwise}\``;
	if (kind === "list") return optional === true ? "absent" : "empty";
	return optional === true ? "absent" : "";
}
