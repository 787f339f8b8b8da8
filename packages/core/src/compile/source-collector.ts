/**
 * Collects, while files are hashed, the sources for which Node.js compiles another text than the file's bytes. Node.js
 * drops a byte order mark where it imports a file, and keeps it where it requires one (20, 22, 24 and 26). It removes
 * the types of TypeScript. A file of any other name is compiled as it is.
 */

import { isUtf8 } from "node:buffer";
import { createHash, type Hash } from "node:crypto";
import { extname } from "node:path";
import type { FileVisitor } from "../fileset/hash/hash-file.js";
import type { FileText } from "../trust/index-head.js";

/** The content of a TypeScript file without a byte order mark, or the reason why Node.js cannot load the file. */
export type TypeScriptSource = { readonly content: Buffer; readonly sha256: string } | { readonly reason: string };

export interface CompiledSources {
	/**
	 * The SHA-256 of the text after the byte order mark and of the file, by the entry path of each JavaScript file that
	 * begins with one.
	 */
	readonly unmarked: ReadonlyMap<string, FileText>;
	/** The TypeScript files by their entry paths. */
	readonly typescript: ReadonlyMap<string, TypeScriptSource>;
	/**
	 * The size in bytes of all TypeScript content that was found. If it is more than MAX_TYPESCRIPT_BYTES, the content
	 * of some files is missing.
	 */
	readonly typescriptBytes: number;
}

/** The limit for the content of all TypeScript files together. The content stays in memory until it is stripped. */
export const MAX_TYPESCRIPT_BYTES = 2 ** 27;

/**
 * The size limit in bytes for a TypeScript file. Larger files of the name are no sources: in the transport stream of a
 * video, `.ts` means something else.
 */
const MAX_SOURCE_BYTES = 2 ** 23;

const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf);

/** Returns a visitor, and the sources that it finds in the content that is hashed. */
export function collectSources(): { readonly visitor: FileVisitor; readonly sources: CompiledSources } {
	const unmarked = new Map<string, FileText>();
	const typescript = new Map<string, TypeScriptSource>();
	const sources = { unmarked, typescript, typescriptBytes: 0 };
	let kind: SourceKind | undefined;
	let isBeginning = true;
	let behindMark: Hash | undefined;
	let pieces: Buffer[] = [];
	return {
		sources,
		visitor: {
			begin({ name, stats }) {
				kind = sourceKind(name);
				isBeginning = true;
				behindMark = undefined;
				pieces = [];
				if (kind !== "typescript") return;
				if (stats.size > MAX_SOURCE_BYTES) kind = undefined;
				else sources.typescriptBytes += stats.size;
				if (kind === undefined) typescript.set(name, { reason: `more than ${MAX_SOURCE_BYTES} bytes` });
			},
			content(piece) {
				if (kind === undefined) return;
				const isMarked = isBeginning && BYTE_ORDER_MARK.equals(piece.subarray(0, BYTE_ORDER_MARK.length));
				const text = isMarked ? piece.subarray(BYTE_ORDER_MARK.length) : piece;
				if (isMarked && kind === "javascript") behindMark = createHash("sha256");
				isBeginning = false;
				behindMark?.update(text);
				// The piece is valid during the call only, so it is copied.
				if (kind === "typescript" && sources.typescriptBytes <= MAX_TYPESCRIPT_BYTES) pieces.push(Buffer.from(text));
			},
			end({ name }, sha256) {
				if (behindMark === undefined && kind !== "typescript") return "looked";
				const file = Buffer.from(sha256).toString("hex");
				if (behindMark !== undefined) unmarked.set(name, { text: behindMark.digest("hex"), file });
				if (kind !== "typescript") return "looked";
				const content = Buffer.concat(pieces);
				const source = { content, sha256: file };
				typescript.set(name, isUtf8(content) ? source : { reason: "not UTF-8" });
				return "looked";
			},
			undo() {},
		},
	};
}

type SourceKind = "javascript" | "typescript";

/**
 * Returns undefined for files of which Node.js compiles the bytes, or nothing. Declarations (`.d.ts`) have no code, and
 * Node.js refuses TypeScript below `node_modules`.
 */
function sourceKind(path: string): SourceKind | undefined {
	const extension = extname(path);
	if (JAVASCRIPT.has(extension)) return "javascript";
	if (!TYPESCRIPT.has(extension) || path.endsWith(`.d${extension}`)) return undefined;
	return /(?:^|\/)node_modules\//.test(path) ? undefined : "typescript";
}

/** Node.js imports no other names as JavaScript. A name without an extension may be a program's. */
const JAVASCRIPT: ReadonlySet<string> = new Set([".js", ".cjs", ".mjs", ""]);
const TYPESCRIPT: ReadonlySet<string> = new Set([".ts", ".cts", ".mts"]);
