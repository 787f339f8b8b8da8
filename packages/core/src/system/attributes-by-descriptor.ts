/**
 * Reaches extended attributes by `@sigtool/native` on Linux. Each call names the file by its descriptor, and reads or
 * writes a whole value at once. So no value has to be read twice, and no path or /proc is needed.
 */

import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import { type AttributeAccess, checkedName } from "./attribute-access.js";
import { loadNative } from "./native.js";

/** Returns the calls, or undefined if the package is missing, or does not have them on this system. */
export function attributesByDescriptor(): AttributeAccess | undefined {
	const { readAttribute, writeAttribute, removeAttribute } = loadNative() ?? {};
	if (readAttribute === undefined || writeAttribute === undefined || removeAttribute === undefined) return undefined;
	return {
		read: (descriptor, name) => succeeded(readAttribute(descriptor, checkedName(name))),
		write: (descriptor, name, value) => void succeeded(writeAttribute(descriptor, checkedName(name), value)),
		remove: (descriptor, name) => succeeded(removeAttribute(descriptor, checkedName(name))) === true,
	};
}

/** Returns the outcome of a call. @throws an Error with the code of the errno, if the outcome is one */
function succeeded<T>(outcome: T | number): T {
	if (typeof outcome !== "number") return outcome;
	const code = errnoCode(outcome);
	throw Object.assign(new Error(`${code}: a call on an extended attribute failed`), { code, errno: -outcome });
}

/** Returns a code such as EDQUOT, which the list of node:util lacks. */
function errnoCode(errno: number): string {
	const [code] = Object.entries(constants.errno).find(([, value]) => value === errno) ?? [];
	return code ?? getSystemErrorName(-errno);
}
