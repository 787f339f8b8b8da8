/** Writes the tables of the settings in C: the modes, the numbers of members, and a row for each member. */

import { MAX_TRUST_INDEX_BYTES } from "../../packages/core/dist/trust/index-layout.js";
import { MODES } from "../../packages/core/dist/trust/mode.js";
import * as schema from "../../packages/core/dist/trust/schema.js";
import { DISORDER, mustBe, TWICE, UNKNOWN } from "../../packages/core/dist/trust/shape.js";
import { VERDICTS } from "../../packages/verifier/dist/audit/verdicts.js";
import { ORIGIN, VERDICTS_ORIGIN } from "./origin.mjs";

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
	RECORD: schema.MAX_RECORD_BYTES,
	INDEX: MAX_TRUST_INDEX_BYTES,
};

/** Returns mode.h. */
export function modeHeader() {
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

/** Returns verdicts.h. */
export function verdictsHeader() {
	const words = Object.keys(VERDICTS);
	return `/* ${VERDICTS_ORIGIN} */
/* The verdicts of events, from the mildest. docs/reference/events.md says what each means. */
#ifndef SIGTOOL_VERDICTS_H
#define SIGTOOL_VERDICTS_H

enum verdict { ${words.map(constant).join(", ")} };
static const char *const VERDICT_NAMES[] = {${words.map((word) => `"${word}"`).join(", ")}};

#endif
`;
}

/** Returns constants.h. */
export function constantsHeader() {
	const { index, record, channel, answers } = schema.DESCRIPTORS;
	const limits = Object.entries(LIMITS).map(([document, bytes]) => `\tMAX_${document}_BYTES = ${bytes},\n`);
	return `/* ${ORIGIN} */
/* Numbers and paths that TypeScript and C share. */
#ifndef SIGTOOL_CONSTANTS_H
#define SIGTOOL_CONSTANTS_H
/* clang-format off */

enum {
${limits.join("")}};

enum {
	EARLIEST_SECONDS = ${schema.EARLIEST_SECONDS}, /* since 1970: no right clock shows an earlier time */
	LOOK_SECONDS = ${schema.LOOK_SECONDS}, /* between two looks at the deny list of the host */
};

/* The descriptors that a process inherits from the launcher: the index and the record in memory
 * that nobody can change, and what leads to the collector: a socket that can only send, and the
 * page. */
enum {
	INDEX_DESCRIPTOR = ${index},
	RECORD_DESCRIPTOR = ${record},
	CHANNEL_DESCRIPTOR = ${channel},
	ANSWERS_DESCRIPTOR = ${answers},
};
#define LAUNCH_DESCRIPTORS "${index}:${record}"
#define COLLECTOR_DESCRIPTORS "${channel}:${answers}"

#define HOST_DIRECTORY "${schema.HOST_DIRECTORY}"
#define HOST_CONFIGURATION_FILE "${schema.HOST_CONFIGURATION_FILE}"

#endif
`;
}

/** Returns schema.h. */
export function schemaHeader() {
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
	return `/* ${ORIGIN} */
/* The members of each document, whose numbers find values, and the words of members in order. */
#ifndef SIGTOOL_SCHEMA_H
#define SIGTOOL_SCHEMA_H
#include "constants.h"
#include "members.h"
/* clang-format off */

${[...words.values()].map((list) => `enum { ${list} };\n`).join("")}
${numbers.join("\n")}
#endif
`;
}

/** Returns schema.c. */
export function schemaSource() {
	return `/* ${ORIGIN} */
#include "schema.h"
#include "../process/decisions.h"
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
	const defaults = `static DECIDES struct json DEFAULTS_${document}[] = {\n${values.join("")}};\n`;
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
