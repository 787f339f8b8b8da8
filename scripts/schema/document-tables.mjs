/** Writes the tables of members and keys in the pages of the documentation. */

import { TEXT_FORMS } from "../../packages/core/dist/trust/shape.js";

/** Returns the table of the members of a document in JSON. */
export function membersTable(shape) {
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

/** Returns the table of the keys of a document in lines. */
export function keysTable(shape) {
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
