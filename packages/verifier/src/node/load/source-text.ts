import type { Monitor } from "../../monitor/monitor.js";
import { isUtf8 } from "../../safe/captured.js";
import { charCodeAt, encodeUtf8, slice, utf8Slice } from "../../safe/primordials.js";

/**
 * Decodes a file's content, and keeps a byte order mark. Node.js gets text and not bytes, because it would decode bytes
 * later with a TextDecoder that a program can replace.
 * @throws ERR_RUNTIME_RULE for bytes that are not UTF-8, because other bytes could decode to the same text
 */
export function sourceText(monitor: Monitor, path: string, content: string | Uint8Array): string {
	if (typeof content === "string") return content;
	if (!isUtf8(content)) monitor.rule("module.open_code", { path, reason: "ERR_SOURCE_ENCODING" }, "never");
	return utf8Slice(content, 0, content.length);
}

/** Returns content as bytes. The fast path returns content as text, and the full path returns it as bytes. */
export function bytesOf(content: string | Uint8Array): Uint8Array {
	return typeof content === "string" ? encodeUtf8(content) : content;
}

/**
 * Removes a byte order mark. The ES module loader of Node.js removes a byte order mark from bytes, but not from a
 * string.
 */
export function withoutByteOrderMark(text: string): string {
	return charCodeAt(text, 0) === BYTE_ORDER_MARK ? slice(text, 1) : text;
}

/**
 * Returns a text from which Node.js derives the same format as from the source. Node.js derives none from an empty text
 * that a hook answers with, although it takes an empty file for CommonJS.
 */
export function textForFormat(source: string): string {
	return source === "" ? "\n" : source;
}

const BYTE_ORDER_MARK = 0xfeff;
