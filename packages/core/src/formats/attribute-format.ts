/** Determines in which extended attribute each format is stored. */

import { quote, SigtoolError } from "../errors.js";
import { EVM_ATTRIBUTE, EVM_PROTECTED_ATTRIBUTES, EVM_USER_ATTRIBUTE } from "./evm.js";
import { IMA_ATTRIBUTE, IMA_USER_ATTRIBUTE } from "./ima.js";
import { SPYTHON_ATTRIBUTE } from "./spython.js";

/** The formats `ima-hash`, `ima` and `ima-verity` share one attribute. */
export const ATTRIBUTE_FORMATS = ["spython", "ima-hash", "ima", "evm", "ima-verity"] as const;
export type AttributeFormat = (typeof ATTRIBUTE_FORMATS)[number];

/** Names the extended attributes, if they do not have their usual names. */
export interface AttributeNaming {
	/**
	 * The value `user` needs no privileges, but the kernel ignores the values of IMA and EVM in this namespace. The
	 * default is `security`.
	 */
	readonly namespace?: "security" | "user";
	/** The name of spython's attribute. The default is SPYTHON_ATTRIBUTE. */
	readonly attribute?: string;
}

/**
 * Returns the name of the attribute that contains a format's values.
 * @throws ERR_UNSUPPORTED_PLATFORM for `security.*` on systems other than Linux; ERR_USAGE for a name that has no
 * namespace or another meaning
 */
export function attributeName(format: AttributeFormat, { namespace = "security", attribute }: AttributeNaming): string {
	if (format === "spython") return attribute === undefined ? SPYTHON_ATTRIBUTE : requireNamespace(attribute);
	if (namespace === "security" && process.platform !== "linux") {
		const mend =
			process.platform === "win32" ? "sign into a catalog, with --format cat" : "--namespace user works here";
		const message = `Cannot use format ${format}: Linux alone has ${IMA_ATTRIBUTE}; ${mend}`;
		throw new SigtoolError("ERR_UNSUPPORTED_PLATFORM", message);
	}
	if (format === "evm") return namespace === "user" ? EVM_USER_ATTRIBUTE : EVM_ATTRIBUTE;
	return namespace === "user" ? IMA_USER_ATTRIBUTE : IMA_ATTRIBUTE;
}

/** Returns true for the three formats that share IMA's attribute. */
export function isImaFormat(format: AttributeFormat): boolean {
	return format === "ima-hash" || format === "ima" || format === "ima-verity";
}

/** Returns true for the formats whose values are signatures, which need a key. */
export function isSignatureFormat(format: AttributeFormat): boolean {
	return format !== "spython" && format !== "ima-hash";
}

/**
 * Requires, on Linux, one of the three namespaces that programs may use, and a name that has no other meaning. The
 * namespace `system.*` belongs to the kernel.
 * @throws ERR_USAGE
 */
function requireNamespace(name: string): string {
	const isNamed = process.platform !== "linux" || /^(?:user|security|trusted)\../.test(name);
	const isTaken = TAKEN.has(name);
	if (isNamed && !isTaken && !name.includes("\0")) return name;
	const reason = isTaken ? "it has another meaning" : `begin it with its namespace, as in ${SPYTHON_ATTRIBUTE}`;
	throw new SigtoolError("ERR_USAGE", `Cannot use attribute name ${quote(name)}: ${reason}`);
}

const TAKEN: ReadonlySet<string> = new Set([
	...[...EVM_PROTECTED_ATTRIBUTES, EVM_ATTRIBUTE],
	...[IMA_USER_ATTRIBUTE, EVM_USER_ATTRIBUTE],
]);
