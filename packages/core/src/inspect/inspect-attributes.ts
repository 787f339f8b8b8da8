/** Describes the integrity attributes of a file as data. Nothing is verified, so the result is not evidence. */

import { quote, SigtoolError } from "../errors.js";
import { kindOf, realPath } from "../fileset/paths/locate-catalogs.js";
import { openFile } from "../fileset/walk/open-files.js";
import { EVM_ATTRIBUTE, EVM_USER_ATTRIBUTE, parseEvm } from "../formats/evm.js";
import { IMA_ATTRIBUTE, IMA_USER_ATTRIBUTE, parseIma } from "../formats/ima.js";
import { parseSpythonHash, SPYTHON_ATTRIBUTE } from "../formats/spython.js";
import { attributeError, loadAttributes } from "../system/attributes.js";

/** Describes an extended attribute of a file. Nothing in it is verified. */
export interface InspectedAttribute {
	readonly name: string;
	readonly sizeBytes: number;
	/** The value in lower-case hexadecimal. Of a longer value, only the first SHOWN_BYTES bytes are given. */
	readonly value: string;
	readonly truncated: boolean;
	/** The value is `hash`, `signature`, another word for the kinds that IMA and EVM have, or `malformed`. */
	readonly kind: string;
	readonly algorithm: string | undefined;
	/** The digest in lower-case hexadecimal. */
	readonly digest: string | undefined;
	readonly keyId: string | undefined;
	readonly signatureBytes: number | undefined;
	/** The reason why the value is malformed. */
	readonly problem: string | undefined;
}

const PARSERS: readonly (readonly [name: string, parse: (value: Uint8Array) => Parsed])[] = [
	[SPYTHON_ATTRIBUTE, (value) => ({ kind: "hash", ...parseSpythonHash(value) })],
	[IMA_ATTRIBUTE, parseIma],
	[EVM_ATTRIBUTE, parseEvm],
	[IMA_USER_ATTRIBUTE, parseIma],
	[EVM_USER_ATTRIBUTE, parseEvm],
];

interface Parsed {
	readonly kind: string;
	readonly algorithm?: string;
	readonly digest?: Uint8Array;
	readonly keyId?: string;
	readonly signature?: Uint8Array;
}

/** The largest number of bytes of a value that are shown. Values that sigtool can parse are not longer. */
const SHOWN_BYTES = 1024;

/**
 * Returns the attributes of spython, IMA and EVM that a file has under their usual names. A link is followed.
 * @throws ERR_ROOT_MISSING, ERR_FILE_TYPE, ERR_ATTRIBUTES_UNAVAILABLE, `ERR_ATTRIBUTE_*`, ERR_IO;
 * ERR_ATTRIBUTE_UNSUPPORTED only if the file can have none of these attributes
 * @example
 * ```ts
 * import { inspectAttributes } from "@sigtool/core/read";
 *
 * for (const { name, kind } of await inspectAttributes("lib/main.js")) console.log(name, kind);
 * ```
 */
export async function inspectAttributes(path: string): Promise<InspectedAttribute[]> {
	if (kindOf(path) === "directory") {
		throw new SigtoolError("ERR_FILE_TYPE", `Cannot inspect ${quote(path)}: it is a directory`, { path });
	}
	const access = await loadAttributes();
	const found: InspectedAttribute[] = [];
	const unsupported: SigtoolError[] = [];
	openFile(realPath(path), path, ({ descriptor }) => {
		for (const [name, parse] of PARSERS) {
			let value: Uint8Array | undefined;
			try {
				value = access.read(descriptor, name);
			} catch (cause) {
				const error = attributeError("read", path, name, cause, { instead: "none" });
				if (error.code !== "ERR_ATTRIBUTE_UNSUPPORTED") throw error;
				unsupported.push(error);
			}
			if (value !== undefined) found.push(describe(name, value, parse));
		}
	});
	if (unsupported.length === PARSERS.length) throw unsupported[0];
	return found;
}

function describe(name: string, value: Uint8Array, parse: (value: Uint8Array) => Parsed): InspectedAttribute {
	const truncated = value.length > SHOWN_BYTES;
	const shown = { name, sizeBytes: value.length, value: hex(value.subarray(0, SHOWN_BYTES)), truncated };
	try {
		const { kind, algorithm, digest, keyId, signature } = parse(value);
		return {
			...shown,
			kind,
			algorithm,
			digest: digest && hex(digest),
			keyId,
			signatureBytes: signature?.length,
			problem: undefined,
		};
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		const nothing = { algorithm: undefined, digest: undefined, keyId: undefined, signatureBytes: undefined };
		return { ...shown, kind: "malformed", ...nothing, problem: error.message };
	}
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}
