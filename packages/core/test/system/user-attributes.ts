import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AttributeAccess, loadAttributes } from "../../dist/system/attributes.js";

/** Returns access to user.* attributes, or undefined if the package or the temporary file system lacks them. */
export async function userAttributes(): Promise<AttributeAccess | undefined> {
	const folder = mkdtempSync(join(tmpdir(), "sigtool-attributes-"));
	try {
		const access = await loadAttributes();
		withFile(folder, (descriptor) => access.write(descriptor, "user.sigtool-test", Uint8Array.of(1)));
		return access;
	} catch {
		return undefined;
	} finally {
		rmSync(folder, { recursive: true });
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
