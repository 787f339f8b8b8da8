/** The formats that are extended attributes: which attribute each is, and what one value can hold. */

import { quote, SigtoolError } from "../errors.js";
import { EVM_ATTRIBUTE, EVM_PROTECTED_ATTRIBUTES, EVM_USER_ATTRIBUTE } from "./evm.js";
import { IMA_ATTRIBUTE, IMA_USER_ATTRIBUTE } from "./ima.js";
import { SPYTHON_ATTRIBUTE } from "./spython.js";

/** `ima-hash`, `ima` and `ima-verity` are kinds of one attribute. */
export const ATTRIBUTE_FORMATS = ["spython", "ima-hash", "ima", "evm", "ima-verity"] as const;
export type AttributeFormat = (typeof ATTRIBUTE_FORMATS)[number];

export interface AttributeNaming {
	/** `user` for use without privileges; the kernel then does not look at IMA's and EVM's. Default `security`. */
	readonly namespace?: "security" | "user";
	/** spython's attribute, when it is not the usual one. */
	readonly attribute?: string;
}

/**
 * Name of the attribute a format is kept in.
 * @throws ERR_UNSUPPORTED_PLATFORM for `security.*` where there is no such namespace; ERR_USAGE for a name in none
 */
export function attributeName(format: AttributeFormat, { namespace = "security", attribute }: AttributeNaming): string {
	if (format === "spython") return attribute === undefined ? SPYTHON_ATTRIBUTE : requireNamespace(attribute);
	if (namespace === "security" && process.platform !== "linux") {
		const message = `Cannot use format ${format}: Linux alone has ${IMA_ATTRIBUTE}; --namespace user works here`;
		throw new SigtoolError("ERR_UNSUPPORTED_PLATFORM", message);
	}
	if (format === "evm") return namespace === "user" ? EVM_USER_ATTRIBUTE : EVM_ATTRIBUTE;
	return namespace === "user" ? IMA_USER_ATTRIBUTE : IMA_ATTRIBUTE;
}

/** Whether a value of this format is a signature, for which a key is needed. */
/** Whether it is one of the three that share IMA's attribute. */
export function isImaFormat(format: AttributeFormat): boolean {
	return format === "ima-hash" || format === "ima" || format === "ima-verity";
}

export function isSignatureFormat(format: AttributeFormat): boolean {
	return format !== "spython" && format !== "ima-hash";
}

/** Linux keeps attributes in these three namespaces; `system.*` is its own. */
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
