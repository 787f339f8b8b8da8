/** From verified bytes to the text that is compiled. */

import type { Gate } from "../../gate/gate.js";
import { isUtf8 } from "../../safe/captured.js";
import { charCodeAt, encodeUtf8, slice, utf8Slice } from "../../safe/primordials.js";

/**
 * What Node.js would make of a file's content, as a string: given bytes, it would decode them later, by a TextDecoder that a
 * program can replace. A byte order mark stays.
 * @throws ERR_RUNTIME_RULE for bytes that are not UTF-8: their text would be that of other bytes too
 */
export function sourceText(gate: Gate, path: string, content: string | Uint8Array): string {
	if (typeof content === "string") return content;
	if (!isUtf8(content)) gate.rule("module.open_code", { path, reason: "ERR_SOURCE_ENCODING" }, "refuse");
	return utf8Slice(content, 0, content.length);
}

/** The bytes themselves, of content that may be text already. */
export function bytesOf(content: string | Uint8Array): Uint8Array {
	return typeof content === "string" ? encodeUtf8(content) : content;
}

/** Without the byte order mark, which the ES module loader drops from bytes and not from a string. */
export function withoutByteOrderMark(text: string): string {
	return charCodeAt(text, 0) === BYTE_ORDER_MARK ? slice(text, 1) : text;
}

const BYTE_ORDER_MARK = 0xfeff;
