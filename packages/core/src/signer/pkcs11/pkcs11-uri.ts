/**
 * Parses PKCS#11 URIs that name a private key, RFC 7512.
 *
 * The path attributes token, manufacturer, model, serial, slot-id, object, id and type=private are supported, and the
 * query attributes module-path and pin-source. Any other attribute is refused with a message that names it, also a PIN
 * in the URI (pin-value). Letters outside of ASCII need no percent-encoding, because pkcs11-tool prints them so.
 */

import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { quote, SigtoolError } from "../../errors.js";

export interface Pkcs11Uri {
	/**
	 * `token`, `manufacturer`, `model`, `serial` and `slotId` describe the token. If one of these fields is absent, a
	 * token with any value in this field matches.
	 */
	readonly token?: string;
	readonly manufacturer?: string;
	readonly model?: string;
	readonly serial?: string;
	/** The number by which the module knows the slot. */
	readonly slotId?: number;
	/**
	 * `object` is the label of the key, and `id` its CKA_ID. If one of them is absent, a key with any value of it
	 * matches.
	 */
	readonly object?: string;
	readonly id?: Uint8Array;
	readonly modulePath?: string;
	/** Path of a file whose first line is the PIN. */
	readonly pinFile?: string;
}

/**
 * Parses a URI.
 * @throws ERR_USAGE
 * @example
 * ```ts
 * import { parsePkcs11Uri } from "@sigtool/core";
 *
 * const { token, object } = parsePkcs11Uri("pkcs11:token=release;object=key");
 * console.log(token, object); // release key
 * ```
 */
export function parsePkcs11Uri(text: string): Pkcs11Uri {
	if (!text.startsWith("pkcs11:")) throw refusal("it does not begin with pkcs11:");
	const [path, query, ...others] = text.slice("pkcs11:".length).split("?");
	if (others.length > 0) throw refusal("it has more than one ?");
	const attributes = readAttributes(path, ";", PATH_CHARACTERS, PATH_NAMES);
	const queries = query === undefined ? new Map() : readAttributes(query, "&", QUERY_CHARACTERS, QUERY_NAMES);
	const of = (name: string) => textOf(attributes.get(name), name);
	if ((of("type") ?? "private") !== "private") throw refusal("its type is not private, and only private keys sign");
	return {
		token: of("token"),
		manufacturer: of("manufacturer"),
		model: of("model"),
		serial: of("serial"),
		slotId: slotNumber(of("slot-id")),
		object: of("object"),
		id: attributes.get("id"),
		modulePath: absolute(textOf(queries.get("module-path"), "module-path"), "module-path"),
		pinFile: pinFile(textOf(queries.get("pin-source"), "pin-source")),
	};
}

/** Parses name=value pairs and percent-decodes the values to bytes. A name may occur only once. RFC 7512 §2.3. */
function readAttributes(
	text: string,
	separator: ";" | "&",
	characters: RegExp,
	names: ReadonlySet<string>,
): Map<string, Uint8Array> {
	const attributes = new Map<string, Uint8Array>();
	if (text === "") return attributes;
	for (const pair of text.split(separator)) {
		const [name, ...rest] = pair.split("=");
		if (name === "pin-value") {
			throw refusal(
				"pin-value puts the PIN where every user of this machine can read it; use pin-source or --pin-file",
			);
		}
		if (!names.has(name)) throw refusal(`its attribute ${quote(name)} is not one of ${[...names].join(", ")}`);
		if (attributes.has(name)) throw refusal(`it has ${name} twice`);
		// The message does not show the value, because the user may have put a secret there by mistake.
		if (rest.some((part) => part.includes("\ufffd"))) {
			throw refusal(`the value of ${name} is not text in UTF-8; percent-encode its bytes`);
		}
		if (rest.length !== 1 || !characters.test(rest[0])) throw refusal(`the value of ${name} is not percent-encoded`);
		if (rest[0] === "") throw refusal(`the value of ${name} is empty`);
		attributes.set(name, decode(rest[0]));
	}
	return attributes;
}

function decode(value: string): Uint8Array {
	const encoded = value.replace(/\P{ASCII}/gu, encodeURIComponent);
	const latin1 = encoded.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
	return Buffer.from(latin1, "latin1");
}

function textOf(bytes: Uint8Array | undefined, name: string): string | undefined {
	if (bytes === undefined) return undefined;
	try {
		const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
		if (!text.includes("\0")) return text;
	} catch {
		// The code below throws the error.
	}
	throw refusal(`the value of ${name} is not text in UTF-8`);
}

function slotNumber(text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const number = Number(text);
	if (!/^\d+$/.test(text) || number > MAX_SLOT) throw refusal("its slot-id is not a number of 32 bits");
	return number;
}

function absolute(path: string | undefined, name: string): string | undefined {
	if (path === undefined || isAbsolute(path)) return path;
	throw refusal(`its ${name} is not an absolute path`);
}

/**
 * Returns the path that pin-source gives, as an absolute path or a file URI. RFC 7512 §2.4 also has the form
 * `|command`. That form is refused, because it would run a shell command from a command-line argument.
 */
function pinFile(source: string | undefined): string | undefined {
	if (source === undefined) return undefined;
	if (!source.startsWith("file:")) return absolute(source, "pin-source");
	// A relative path is refused, because `URL` would make it absolute. A host, a query and a fragment are refused,
	// because `URL` would drop them.
	if (!/^file:(\/\/)?\/(?!\/)[^?#]*$/.test(source)) throw refusal("its pin-source is not a file of this machine");
	try {
		return fileURLToPath(source);
	} catch {
		throw refusal("its pin-source is not a file of this machine");
	}
}

function refusal(reason: string): SigtoolError {
	return new SigtoolError("ERR_USAGE", `Cannot use this PKCS#11 URI: ${reason}`);
}

const PATH_NAMES: ReadonlySet<string> = new Set([
	...["token", "manufacturer", "model", "serial", "slot-id", "object", "id", "type"],
]);
const QUERY_NAMES: ReadonlySet<string> = new Set(["module-path", "pin-source"]);
/**
 * PATH_CHARACTERS is pk11-pchar of RFC 7512 §2.3, and QUERY_CHARACTERS is pk11-qchar. Each also matches the characters
 * outside of ASCII, except controls, halves of surrogate pairs, and U+FFFD to U+FFFF.
 */
const PATH_CHARACTERS =
	/^(?:[A-Za-z0-9._~:[\]@!$'()*+,=&\-\u{a0}-\u{d7ff}\u{e000}-\u{fffc}\u{10000}-\u{10ffff}]|%[0-9A-Fa-f]{2})*$/u;
const QUERY_CHARACTERS =
	/^(?:[A-Za-z0-9._~:[\]@!$'()*+,=/?|\-\u{a0}-\u{d7ff}\u{e000}-\u{fffc}\u{10000}-\u{10ffff}]|%[0-9A-Fa-f]{2})*$/u;
const MAX_SLOT = 2 ** 32 - 1;
