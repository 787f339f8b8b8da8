/** The formats that are extended attributes: which attribute each is, and what one value can hold. */

import { SigtoolError } from "../errors.js";
import { EVM_ATTRIBUTE, EVM_USER_ATTRIBUTE } from "./evm.js";
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
 * @throws ERR_UNSUPPORTED_PLATFORM for `security.*` where there is no such namespace
 */
export function attributeName(format: AttributeFormat, { namespace = "security", attribute }: AttributeNaming): string {
	if (format === "spython") return attribute ?? SPYTHON_ATTRIBUTE;
	if (namespace === "security" && process.platform !== "linux") {
		const message = `Cannot use format ${format}: Linux alone has ${IMA_ATTRIBUTE}; --namespace user works here`;
		throw new SigtoolError("ERR_UNSUPPORTED_PLATFORM", message);
	}
	if (format === "evm") return namespace === "user" ? EVM_USER_ATTRIBUTE : EVM_ATTRIBUTE;
	return namespace === "user" ? IMA_USER_ATTRIBUTE : IMA_ATTRIBUTE;
}

/** Whether a value of this format is a signature, for which a key is needed. */
export function isSignatureFormat(format: AttributeFormat): boolean {
	return format !== "spython" && format !== "ima-hash";
}
