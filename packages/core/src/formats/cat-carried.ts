/**
 * Encodes IMA and EVM signatures for a catalog as text like `security.ima=0sAwIE…`, as `getfattr -d -e base64` prints
 * them.
 *
 * Supports the names of CARRIED_NAMES, each once per file, and values of 1 to MAX_CARRIED_BYTES bytes. A file's
 * attributes are in the order of CARRIED_NAMES, because an EVM signature covers the IMA value and must be written
 * after it.
 */

import { quote, SigtoolError } from "../errors.js";
import type { CarriedAttribute } from "../fileset/manifest.js";

export const CARRIED_NAMES: readonly string[] = ["security.ima", "security.evm", "user.ima", "user.evm"];
/**
 * The largest size of a value in bytes. The value with an RSA-4096 signature has 521 bytes. On ext4 with blocks of 1
 * KiB, a value can have up to 968 bytes.
 */
export const MAX_CARRIED_BYTES = 1024;

/** Returns the texts for one file, in the order given. @throws ERR_ATTRIBUTE_FORMAT naming the file */
export function carriedTexts(attributes: readonly CarriedAttribute[], path: string): string[] {
	const problem = carriedProblem(attributes);
	if (problem === undefined) return attributes.map(carriedText);
	throw new SigtoolError("ERR_ATTRIBUTE_FORMAT", `Cannot carry attributes of ${quote(path)}: ${problem}`, { path });
}

/** Returns the text of one attribute without checking it. */
export function carriedText({ name, value }: CarriedAttribute): string {
	return `${name}${MARK}${Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")}`;
}

/** Returns the attributes of one file from its texts, in the order of CARRIED_NAMES. @throws ERR_CATALOG_FORMAT */
export function parseCarried(texts: readonly string[], path: string): CarriedAttribute[] {
	const attributes = texts.map((text) => parseOne(text, path));
	const problem = carriedProblem(attributes);
	if (problem !== undefined) throw malformed(path, problem);
	return attributes.sort((a, b) => CARRIED_NAMES.indexOf(a.name) - CARRIED_NAMES.indexOf(b.name));
}

const MARK = "=0s";
const MAX_BASE64 = Math.ceil(MAX_CARRIED_BYTES / 3) * 4;

function parseOne(text: string, path: string): CarriedAttribute {
	const mark = text.indexOf(MARK);
	const base64 = text.slice(mark + MARK.length);
	if (mark === -1 || base64.length > MAX_BASE64) throw malformed(path, "a text is not NAME=0sBASE64, or too long");
	const value = Buffer.from(base64, "base64");
	if (value.toString("base64") !== base64) throw malformed(path, "a value is not base64");
	return { name: text.slice(0, mark), value };
}

/** Returns the reason why a catalog cannot carry these attributes, or undefined if it can. */
function carriedProblem(attributes: readonly CarriedAttribute[]): string | undefined {
	const names = new Set<string>();
	for (const { name, value } of attributes) {
		if (!CARRIED_NAMES.includes(name)) return `${quote(name)} is neither an IMA nor an EVM signature`;
		if (names.has(name)) return `${quote(name)} is there twice`;
		if (value.length === 0 || value.length > MAX_CARRIED_BYTES) {
			return `${quote(name)} has ${value.length} bytes, not 1 to ${MAX_CARRIED_BYTES}`;
		}
		names.add(name);
	}
	return undefined;
}

function malformed(path: string, problem: string): SigtoolError {
	const message = `Cannot read catalog: attributes carried for ${quote(path)}: ${problem}`;
	return new SigtoolError("ERR_CATALOG_FORMAT", message);
}
