/** Writes a configuration as a person would: the members in the order of the table, each after its meaning. */

import { CONFIGURATION, type Configuration } from "./members.js";

interface Described {
	readonly kind: string;
	readonly does: string;
	readonly members?: { readonly [name: string]: Described };
}

/** Returns the text of sigtool.config.json with these members. */
export function configurationText(members: Partial<Configuration>): string {
	const head = ["\t// This file is found in the working directory and above. The command config shows what holds."];
	return `{\n${[...head, ...linesOf(CONFIGURATION.members, members, "\t")].join("\n")}\n}\n`;
}

function linesOf(table: { readonly [name: string]: Described }, values: object, indent: string): string[] {
	const given = new Map<string, unknown>(Object.entries(values));
	return Object.entries(table).flatMap(([name, member]) => {
		const value = given.get(name);
		if (value === undefined) return [];
		const comment = `${indent}// ${plain(member.does)}`;
		const start = `${indent}${JSON.stringify(name)}: `;
		if (member.members === undefined || typeof value !== "object" || value === null) {
			return [comment, `${start}${JSON.stringify(value).replaceAll('","', '", "')},`];
		}
		return [comment, `${start}{`, ...linesOf(member.members, value, `${indent}\t`), `${indent}},`];
	});
}

/** Returns a text of the table without the links and quotes that its page needs. */
function plain(markdown: string): string {
	return markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("`", "");
}

/** Returns the dotted name and the value of each member that is there. A value is a text, a number or a list of texts. */
export function membersIn(values: object, prefix = ""): [name: string, value: unknown][] {
	return Object.entries(values).flatMap(([name, value]: [string, unknown]): [string, unknown][] => {
		if (value === undefined) return [];
		const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
		return isObject ? membersIn(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value]];
	});
}

/** Returns a value of `membersIn` as a text for a person. */
export function valueText(value: unknown): string {
	return Array.isArray(value) ? value.join(", ") : String(value);
}
