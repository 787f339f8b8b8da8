/**
 * Finds the digests of the texts that Node.js compiles for files of an index where these texts differ from the files'
 * bytes. A gate in front of the compiler knows any other text by the digest of its file.
 */

import { join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import type { FileText } from "../trust/index-head.js";
import { type CompiledSources, MAX_TYPESCRIPT_BYTES } from "./source-collector.js";
import { ownTypeStripper, stripTypes, type TypeStripper } from "./type-stripper.js";

/** A TypeScript file, and the reason why it has no text that could be compiled. */
export interface UnstrippedFile {
	readonly path: string;
	readonly reason: string;
}

export interface CompiledTexts {
	/** The SHA-256 of each text and of its file, in lower-case hexadecimal. */
	readonly fileTexts: readonly FileText[];
	/** The type strippers that were used. */
	readonly strippers: readonly TypeStripper[];
	readonly unstripped: readonly UnstrippedFile[];
	readonly warnings: readonly string[];
}

/**
 * Returns the texts of the sources in directories. `given` are the type strippers. If it is undefined, this is the
 * Node.js that runs, if it strips types.
 * @throws ERR_LIMIT if there is more TypeScript than MAX_TYPESCRIPT_BYTES; the errors of `stripTypes`
 */
export function compiledTexts(directories: readonly SourceDirectory[], given?: readonly TypeStripper[]): CompiledTexts {
	const fileTexts = directories.flatMap(({ sources }) => [...sources.unmarked.values()]);
	const { contents, unstripped } = gather(directories);
	const strippers = contents.size === 0 ? [] : (given ?? ownTypeStrippers());
	if (strippers.length > 0) requireBounded(directories);
	const files = [...contents];
	for (const stripper of strippers) {
		const results = stripTypes(
			stripper,
			files.map(([, { content }]) => content),
		);
		for (const [index, result] of results.entries()) {
			const [file, { paths }] = files[index];
			// A file without types is compiled as it is, and is known by its entry.
			if ("sha256" in result && result.sha256 !== file) fileTexts.push({ text: result.sha256, file });
			if ("refusal" in result) {
				const reason = `Node.js ${stripper.release}: ${result.refusal}`;
				unstripped.push(...paths.map((path) => ({ path, reason })));
			}
		}
	}
	return {
		fileTexts,
		strippers,
		unstripped,
		warnings: strippers.length === 0 ? withoutStripper(contents) : [],
	};
}

interface SourceDirectory {
	readonly root: string;
	readonly sources: CompiledSources;
}

/** TypeScript by the SHA-256 of the file, so that files with the same content are stripped once. */
type Contents = Map<string, { readonly content: Buffer; readonly paths: string[] }>;

function gather(directories: readonly SourceDirectory[]): { contents: Contents; unstripped: UnstrippedFile[] } {
	const contents: Contents = new Map();
	const unstripped: UnstrippedFile[] = [];
	for (const { root, sources } of directories) {
		for (const [entry, source] of sources.typescript) {
			const path = join(root, entry);
			if ("reason" in source) unstripped.push({ path, reason: source.reason });
			else {
				const same = contents.get(source.sha256)?.paths;
				if (same === undefined) contents.set(source.sha256, { content: source.content, paths: [path] });
				else same.push(path);
			}
		}
	}
	return { contents, unstripped };
}

function ownTypeStrippers(): TypeStripper[] {
	const own = ownTypeStripper();
	return own === undefined ? [] : [own];
}

function requireBounded(directories: readonly SourceDirectory[]): void {
	const sizeBytes = directories.reduce((sum, { sources }) => sum + sources.typescriptBytes, 0);
	if (sizeBytes <= MAX_TYPESCRIPT_BYTES) return;
	const message = `Cannot compile: the TypeScript files have ${sizeBytes} bytes, and at most ${MAX_TYPESCRIPT_BYTES} are stripped of their types; sign the JavaScript that a build makes of them`;
	throw new SigtoolError("ERR_LIMIT", message);
}

/** Returns a warning about TypeScript files that nothing strips, or no warning if there are none. */
function withoutStripper(contents: Contents): string[] {
	const [first, ...others] = [...contents.values()].flatMap(({ paths }) => paths);
	if (first === undefined) return [];
	const more =
		others.length === 0 ? "" : `, and ${others.length} more TypeScript file${others.length === 1 ? "" : "s"}`;
	return [
		`the index has no text of ${quote(first)}${more}, because no Node.js here strips types: a gate that judges compiled texts refuses them; name the node that runs them with --strip-types-with [ERR_UNSUPPORTED_PLATFORM]`,
	];
}
