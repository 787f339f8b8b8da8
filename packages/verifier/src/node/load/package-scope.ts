/**
 * Verifies the package.json files that decide the format of a module. Node.js reads and caches them without calling a
 * hook. So this module verifies the nearest package.json of every loaded file, and compares its `type` with the format
 * that Node.js derived. A package.json outside the signed trees never decides a format: Node.js has to derive the format
 * again without it. It is refused if it has `imports` or `exports`, or if it is /package.json.
 *
 * One gap remains. While Node.js resolves a name, an attacker can replace a package.json by another signed one, or by an
 * unsigned one that disappears before the load. Even then only signed files are loaded.
 */

import { quote } from "@sigtool/core/internal/read";
import { SigtoolError } from "@sigtool/core/read";
import type { Monitor } from "../../monitor/monitor.js";
import { endsWith, hasOwn, MapObject, mapSet, parseJson } from "../../safe/captured.js";
import { indexOf, lastIndexOf, lstatSync, mapGet, slice } from "../../safe/primordials.js";
import { hasHooksOfProgram } from "./hooks-of-program.js";
import { sourceText } from "./source-text.js";

/**
 * `none` means that the nearest package.json has no `type`, or that the search met a `node_modules` directory, where
 * Node.js ends the search too. `bare` means that the signed trees have no package.json for the file.
 */
export type PackageType = "module" | "commonjs" | "none" | "bare";

export interface PackageScopes {
	/**
	 * Returns the verified type that the nearest package.json gives to a file.
	 * @throws ERR_UNTRUSTED_CODE if that package.json is not as signed; ERR_OUTSIDE_PRODUCTS if it is outside every
	 * signed tree and has `imports` or `exports`, which decide to which file a name leads
	 */
	typeOf(file: string): PackageType;
	/**
	 * Compares the format that Node.js derived for a file with the verified package.json, and returns the format. Returns
	 * undefined if the format has to be derived from the source, because Node.js derived none or used a package.json
	 * outside every signed tree.
	 * @throws ERR_RUNTIME_RULE if Node.js read another package.json
	 */
	formatOf(file: string, format: string | null | undefined): string | undefined;
	/**
	 * Returns the URL for which Node.js derives the file's format from the source. With this URL Node.js uses no
	 * package.json that is outside of every signed tree.
	 */
	urlForFormat(file: string, url: string): string;
}

export function createPackageScopes(monitor: Monitor): PackageScopes {
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

	/** Returns undefined if the package.json does not exist. */
	function readType(file: string): PackageType | undefined {
		const known = monitor.packageTypeOf(file);
		if (known !== undefined) return known === "absent" ? undefined : known;
		if (lstatSync(file, NO_ENTRY) === undefined) return undefined;
		const unsigned = monitor.readOutside(file);
		if (unsigned !== undefined) {
			if (file === ROOT || resolvesNames(sourceText(monitor, file, unsigned))) refuseUnsigned(file);
			return "bare";
		}
		const text = sourceText(monitor, file, monitor.readCodeSync(file, "json"));
		// Most package.json files have no `type`, and parsing them would take most of the time. So the text is searched
		// first.
		const isNamed =
			indexOf(text, '"module"') !== -1 || indexOf(text, '"commonjs"') !== -1 || indexOf(text, "\\u") !== -1;
		if (!isNamed) return "none";
		const type = ownMember(parseJson(text), "type");
		return type === "module" || type === "commonjs" ? type : "none";
	}

	function refuseUnsigned(file: string): void {
		const reason = "ERR_OUTSIDE_PRODUCTS";
		const message = `Cannot use ${quote(file)}: it is not signed, and it decides what names resolve to; add a package.json to the signed tree`;
		monitor.rule(
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
			// Without a `type`, Node.js derives the format from the source, or assumes CommonJS if an option says so.
			if (type === "none" && derived === "commonjs") return derived;
			// Node.js derives no format for a file from which it only reads the names of exports. Hooks of a program may name
			// another format, and answer with it.
			if (derived === undefined || hasHooksOfProgram()) return type === "none" ? undefined : type;
			monitor.rule("module.open_code", { path: file, use: "package.json", reason: "ERR_FILE_CHANGED" }, "never");
			return derived;
		},
		urlForFormat(file, url) {
			// In mode audit the package.json counts that plain Node.js finds.
			const isNowhere = monitor.mode !== "audit" && typeOf(file) === "bare" && isTypedByPackage(file);
			return isNowhere ? NOWHERE + extensionOf(file) : url;
		},
	};
}

/** A URL above which Node.js finds no package.json except /package.json. */
const NOWHERE = "file:///dev/null/module";
const ROOT = "/package.json";

/** Tells whether a package.json decides the file's format. For other files the extension decides. */
export function isTypedByPackage(file: string): boolean {
	return endsWith(file, ".js") || endsWith(file, ".ts") || extensionOf(file) === "";
}

function extensionOf(file: string): string {
	const name = slice(file, lastIndexOf(file, "/") + 1);
	const dot = lastIndexOf(name, ".");
	return dot > 0 ? slice(name, dot) : "";
}

const NO_ENTRY = { __proto__: null, throwIfNoEntry: false } as unknown as { throwIfNoEntry: false };

/**
 * Tells whether a package.json has `imports` or `exports`, which decide to which file a name leads. Returns true if the
 * text is not valid JSON.
 */
function resolvesNames(text: string): boolean {
	try {
		const content = parseJson(text);
		return ownMember(content, "imports") !== undefined || ownMember(content, "exports") !== undefined;
	} catch {
		return true;
	}
}

function ownMember(value: unknown, name: "type" | "imports" | "exports"): unknown {
	const isObject = typeof value === "object" && value !== null;
	// The type assertion is safe: hasOwn() has shown that the member exists.
	return isObject && hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/** Returns the directory of a path. The root directory is "". */
function directoryOf(path: string): string {
	return slice(path, 0, lastIndexOf(path, "/"));
}
