/**
 * The package.json files that decide how a module is read. Node.js reads them itself, unseen by any hook, and keeps what
 * it read: here the nearest one of every loaded file is verified, and what it says is held against what Node.js made of it.
 * One above the signed trees is nobody's: a format that comes from it is found anew, as if it were not there.
 *
 * Stays open: another signed file in a package.json's place during resolution, or an unsigned one that is put back
 * before the module it led to is loaded; both lead to signed files only.
 */

import { quote, SigtoolError } from "@sigtool/core/read";
import type { Gate } from "../../gate/gate.js";
import { endsWith, hasOwn, MapObject, mapSet, parseJson } from "../../safe/captured.js";
import { indexOf, lastIndexOf, lstatSync, mapGet, slice } from "../../safe/primordials.js";
import { sourceText } from "./source-text.js";

/** `none`: a package.json without a `type`, or `node_modules`, where Node.js looks no further; `bare`: none in the signed trees. */
export type PackageType = "module" | "commonjs" | "none" | "bare";

export interface PackageScopes {
	/**
	 * @throws ERR_UNTRUSTED_CODE when the nearest package.json is not as it was signed; ERR_OUTSIDE_PRODUCTS when it lies
	 * outside of every signed tree and would say where names lead
	 */
	typeOf(file: string): PackageType;
	/**
	 * Holds the format Node.js derived for a file against the verified package.json. Undefined where it has to be found from
	 * the source: Node.js derived none, or by a package.json that is nobody's.
	 * @throws ERR_RUNTIME_RULE when Node.js read another one
	 */
	formatOf(file: string, format: string | null | undefined): string | undefined;
	/** The URL to ask Node.js for a file's format by, together with its source: no package.json that is nobody's counts there. */
	urlForFormat(file: string, url: string): string;
}

export function createPackageScopes(gate: Gate): PackageScopes {
	const scopes = new MapObject<string, PackageType>();

	function typeOf(file: string): PackageType {
		const start = directoryOf(file);
		let type: PackageType | undefined;
		let end = start;
		for (; ; end = directoryOf(end)) {
			type = mapGet(scopes, end) ?? (endsWith(end, "/node_modules") ? "none" : readType(`${end}/package.json`));
			if (type !== undefined || end === "") break;
		}
		for (let each = start; each.length > end.length; each = directoryOf(each)) mapSet(scopes, each, type ?? "bare");
		mapSet(scopes, end, type ?? "bare");
		return type ?? "bare";
	}

	/** `undefined` when there is no such file. */
	function readType(file: string): PackageType | undefined {
		const known = gate.packageTypeOf(file);
		if (known !== undefined) return known === "absent" ? undefined : known;
		if (lstatSync(file, NO_ENTRY) === undefined) return undefined;
		const stray = gate.readOutside(file);
		if (stray !== undefined) {
			if (file === ROOT || leadsNames(sourceText(gate, file, stray))) refuseStray(file);
			return "bare";
		}
		const text = sourceText(gate, file, gate.readCodeSync(file, "json"));
		// Most say nothing of it, and parsing them is most of the cost.
		const isNamed =
			indexOf(text, '"module"') !== -1 || indexOf(text, '"commonjs"') !== -1 || indexOf(text, "\\u") !== -1;
		if (!isNamed) return "none";
		const type = ownMember(parseJson(text), "type");
		return type === "module" || type === "commonjs" ? type : "none";
	}

	function refuseStray(file: string): void {
		const reason = "ERR_OUTSIDE_PRODUCTS";
		const message = `Cannot use ${quote(file)}: nothing vouches for it, and it would say where names lead; give the signed tree a package.json of its own`;
		gate.rule(
			"module.open_code",
			{ path: file, use: "package.json", reason },
			"refuse",
			new SigtoolError(reason, message),
		);
	}

	return {
		typeOf,
		formatOf(file, format) {
			const type = typeOf(file);
			const derived = format ?? undefined;
			if (type === "bare") return isTypedByPackage(file) && derived !== "wasm" ? undefined : derived;
			if (!endsWith(file, ".js") || type === derived) return derived;
			// Without a type Node.js looks at the source, or takes it for CommonJS where that is turned off.
			if (type === "none" && (derived === undefined || derived === "commonjs")) return derived;
			gate.rule("module.open_code", { path: file, use: "package.json", reason: "ERR_FILE_CHANGED" }, "refuse");
			return derived;
		},
		urlForFormat(file, url) {
			return typeOf(file) === "bare" && isTypedByPackage(file) ? NOWHERE + extensionOf(file) : url;
		},
	};
}

/** Above it Node.js finds no package.json but the root's. */
const NOWHERE = "file:///dev/null/module";
const ROOT = "/package.json";

/** Other files are what their extensions say. */
export function isTypedByPackage(file: string): boolean {
	return endsWith(file, ".js") || endsWith(file, ".ts") || extensionOf(file) === "";
}

function extensionOf(file: string): string {
	const name = slice(file, lastIndexOf(file, "/") + 1);
	const dot = lastIndexOf(name, ".");
	return dot > 0 ? slice(name, dot) : "";
}

const NO_ENTRY = { __proto__: null, throwIfNoEntry: false } as unknown as { throwIfNoEntry: false };

/** Whether a package.json says where `#names` or its own name lead; true for one that Node.js cannot read either. */
function leadsNames(text: string): boolean {
	try {
		const content = parseJson(text);
		return ownMember(content, "imports") !== undefined || ownMember(content, "exports") !== undefined;
	} catch {
		return true;
	}
}

function ownMember(value: unknown, name: "type" | "imports" | "exports"): unknown {
	const isObject = typeof value === "object" && value !== null;
	return isObject && hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined; // It has it, whatever it is.
}

/** "" for the root. */
function directoryOf(path: string): string {
	return slice(path, 0, lastIndexOf(path, "/"));
}
