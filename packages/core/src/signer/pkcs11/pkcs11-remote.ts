/**
 * Makes the functions of a PKCS#11 module that runs in a child process. Each answer of the child process is untrusted
 * and is checked.
 */

import type { RemoteCryptoki, TokenInfo } from "./pkcs11-api.js";
import { type Channel, ModuleGone, UNUSABLE_ANSWER } from "./pkcs11-channel.js";
import type { Deadline } from "./pkcs11-deadline.js";
import type { CallName } from "./pkcs11-wire.js";

/** Reports that the optional package @sigtool/native cannot be loaded. */
export class PackageMissing extends Error {}

/**
 * Returns the functions. Their time limit is a number of milliseconds for each call, or a deadline for all calls
 * together. Besides the errors of the module, they throw ModuleGone and PackageMissing.
 */
export function remoteCryptoki({ ask }: Channel, limit: number | Deadline): RemoteCryptoki {
	const call = (name: CallName, ...args: readonly unknown[]): unknown => {
		const askWithin = (timeoutMs: number) => ask({ name, args }, timeoutMs);
		const { value, error, missing } = typeof limit === "number" ? askWithin(limit) : limit.limit(askWithin);
		if (missing === true) throw new PackageMissing();
		if (typeof error === "string") throw new Error(error.slice(0, MAX_MESSAGE_LENGTH));
		return value;
	};
	return {
		load: (path) => nothing(call("load", path)),
		C_Initialize: () => nothing(call("C_Initialize")),
		C_Finalize: () => nothing(call("C_Finalize")),
		C_GetSlotList: (tokenPresent) => handles(call("C_GetSlotList", tokenPresent)),
		C_GetTokenInfo: (slot) => tokenInfo(call("C_GetTokenInfo", slot)),
		C_OpenSession: (slot, flags) => handle(call("C_OpenSession", slot, flags)),
		C_CloseSession: (session) => nothing(call("C_CloseSession", session)),
		C_Login: (session, userType, pin) => nothing(call("C_Login", session, userType, pin)),
		C_FindObjectsInit: (session, template) => nothing(call("C_FindObjectsInit", session, template)),
		C_FindObjects: (session, maxObjectCount) => handles(call("C_FindObjects", session, maxObjectCount)),
		C_FindObjectsFinal: (session) => nothing(call("C_FindObjectsFinal", session)),
		C_GetAttributeValue: (session, object, type) => bytes(call("C_GetAttributeValue", session, object, type)),
		C_SignInit: (session, mechanism, key) => nothing(call("C_SignInit", session, mechanism, key)),
		C_Sign: (session, input) => bytes(call("C_Sign", session, input)),
	};
}

/**
 * Requires null. A call without a result is answered by null, so an answer that lacks a value does not count as
 * success.
 */
function nothing(value: unknown): void {
	if (value !== null) throw unusable();
}

function bytes(value: unknown): Buffer {
	if (typeof value !== "string") throw unusable();
	return Buffer.from(value, "base64");
}

/** Requires the bytes of a CK_ULONG. The operating system decides if they are 4 or 8. */
function handle(value: unknown): Buffer {
	const handle = bytes(value);
	if (handle.length !== 4 && handle.length !== 8) throw unusable();
	return handle;
}

function handles(value: unknown): Buffer[] {
	return list(value, handle);
}

function list(value: unknown, element: (value: unknown) => Buffer): Buffer[] {
	if (!Array.isArray(value)) throw unusable();
	return value.map(element);
}

function tokenInfo(value: unknown): TokenInfo {
	const { label, manufacturerID, model, serialNumber, flags } = Object(value);
	const texts = [label, manufacturerID, model, serialNumber];
	if (!texts.every((text) => typeof text === "string" && text.length <= MAX_TEXT_LENGTH)) throw unusable();
	if (!Number.isInteger(flags)) throw unusable();
	return { label, manufacturerID, model, serialNumber, flags };
}

function unusable(): ModuleGone {
	return new ModuleGone(UNUSABLE_ANSWER);
}

/** The longest text of CK_TOKEN_INFO has 32 bytes. */
const MAX_TEXT_LENGTH = 32;
/**
 * A message is cut to this many characters. The limit leaves room for a path, because the message of dlopen() has the
 * path of a library in it.
 */
const MAX_MESSAGE_LENGTH = 2000;
