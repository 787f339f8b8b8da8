import type { Gate } from "../../gate/gate.js";
import { isUtf8 } from "../../safe/captured.js";
import { charCodeAt, encodeUtf8, slice, utf8Slice } from "../../safe/primordials.js";

/**
 * Decodes a file's content. If Node.js got bytes, it would decode them later, by a TextDecoder that a program can
 * replace. Keeps a byte order mark.
 * @throws ERR_RUNTIME_RULE for bytes that are not UTF-8, because other bytes would decode to the same text
 */
export function sourceText(gate: Gate, path: string, content: string | Uint8Array): string {
	if (typeof content === "string") return content;
	if (!isUtf8(content)) gate.rule("module.open_code", { path, reason: "ERR_SOURCE_ENCODING" }, "refuse");
	return utf8Slice(content, 0, content.length);
}

/** Returns content as bytes, whether the fast path returned it as text or not. */
export function bytesOf(content: string | Uint8Array): Uint8Array {
	return typeof content === "string" ? encodeUtf8(content) : content;
}

/** Removes a byte order mark, which the ES module loader removes from bytes but not from a string. */
export function withoutByteOrderMark(text: string): string {
	return charCodeAt(text, 0) === BYTE_ORDER_MARK ? slice(text, 1) : text;
}

const BYTE_ORDER_MARK = 0xfeff;
