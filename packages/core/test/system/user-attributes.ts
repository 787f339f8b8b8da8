import { closeSync, openSync } from "node:fs";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { type AttributeAccess, loadAttributes } from "../../dist/system/attributes.js";

/** Returns access to user.* attributes, or undefined if the package or the temporary file system lacks them. */
export async function userAttributes(): Promise<AttributeAccess | undefined> {
	const folder = temporaryDirectory(atEndOfFile);
	try {
		const access = await loadAttributes();
		withFile(folder, (descriptor) => access.write(descriptor, "user.sigtool-test", Uint8Array.of(1)));
		return access;
	} catch {
		return undefined;
	}
}

export function withFile<T>(path: string, run: (descriptor: number) => T): T {
	const descriptor = openSync(path, "r");
	try {
		return run(descriptor);
	} finally {
		closeSync(descriptor);
	}
}
