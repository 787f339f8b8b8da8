/**
 * The package.json files that decide how a module is read. Node.js reads them itself, unseen by any hook, and keeps what
 * it read: here the nearest one of every loaded file is verified, and what it says is held against what Node.js made of it.
 *
 * Stays open: another signed file in a package.json's place during resolution, or an unsigned one that is put back
 * before the module it led to is loaded; both lead to signed files only.
 */

import type { Gate } from "../gate.js";
import { indexOf, lastIndexOf, lstatSync, mapGet, slice } from "../primordials.js";
import { endsWith, hasOwn, MapObject, mapSet, parseJson } from "./captured.js";
import { sourceText } from "./source-text.js";

/** `none`: no package.json up to the root, or one without a `type`. */
export type PackageType = "module" | "commonjs" | "none";

export interface PackageScopes {
	/** @throws ERR_UNTRUSTED_CODE when the nearest package.json is not as it was signed */
	typeOf(file: string): PackageType;
	/**
	 * Holds the format Node.js derived for a file against the verified package.json.
	 * @throws ERR_RUNTIME_RULE when Node.js read another one
	 */
	check(file: string, format: string | null | undefined): void;
}

export function createPackageScopes(gate: Gate): PackageScopes {
	const scopes = new MapObject<string, PackageType>();

	function typeOf(file: string): PackageType {
		const start = directoryOf(file);
		let type: PackageType | undefined;
		let end = start;
		for (; ; end = directoryOf(end)) {
			type = mapGet(scopes, end) ?? readType(`${end}/package.json`);
			if (type !== undefined || end === "") break;
		}
		for (let each = start; each.length > end.length; each = directoryOf(each)) mapSet(scopes, each, type ?? "none");
		mapSet(scopes, end, type ?? "none");
		return type ?? "none";
	}

	/** `undefined` when there is no such file. */
	function readType(file: string): PackageType | undefined {
		if (lstatSync(file, NO_ENTRY) === undefined) return undefined;
		const text = sourceText(gate, file, gate.openCodeSync(file, "json").bytes);
		// Most say nothing of it, and parsing them is most of the cost.
		const isNamed =
			indexOf(text, '"module"') !== -1 || indexOf(text, '"commonjs"') !== -1 || indexOf(text, "\\u") !== -1;
		if (!isNamed) return "none";
		const { type } = ownMembers(parseJson(text));
		return type === "module" || type === "commonjs" ? type : "none";
	}

	return {
		typeOf,
		check(file, format) {
			const type = typeOf(file);
			if (!endsWith(file, ".js") || type === format) return;
			// Without a type Node.js looks at the source, or takes it for CommonJS where that is turned off.
			if (type === "none" && (format === undefined || format === null || format === "commonjs")) return;
			gate.rule("module.open_code", { path: file, use: "package.json", reason: "ERR_FILE_CHANGED" }, "refuse");
		},
	};
}

const NO_ENTRY = { __proto__: null, throwIfNoEntry: false } as unknown as { throwIfNoEntry: false };

function ownMembers(value: unknown): { type?: unknown } {
	const isObject = typeof value === "object" && value !== null;
	return isObject && hasOwn(value, "type") ? value : NO_MEMBERS;
}
const NO_MEMBERS = { __proto__: null } as { type?: unknown };

/** "" for the root. */
function directoryOf(path: string): string {
	return slice(path, 0, lastIndexOf(path, "/"));
}
