/** Has the ways to reach attributes, and temporary files that can have attributes. */

import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { attributesByDescriptor } from "../../dist/system/attributes-by-descriptor.js";
import { attributesByPath } from "../../dist/system/attributes-by-path.js";
import { userAttributes } from "./user-attributes.js";

const hasAttributes = (await userAttributes()) !== undefined;

/** The ways to reach attributes, of which `loadAttributes()` chooses the first that there is. */
const DOORS = [
	{ name: "@sigtool/native", file: "attributes-by-descriptor", load: async () => attributesByDescriptor() },
	{ name: "fs-xattr", file: "attributes-by-path", load: () => attributesByPath().catch(() => undefined) },
];
export const doors = await Promise.all(
	DOORS.map(async ({ load, ...door }) => ({ ...door, access: hasAttributes ? await load() : undefined })),
);

export function temporaryFolder(): string {
	const folder = temporaryDirectory();
	return folder;
}

export function opened(path: string): number {
	const descriptor = openSync(path, "r");
	onTestFinished(() => closeSync(descriptor));
	return descriptor;
}

export function temporaryFile(): { readonly path: string; readonly descriptor: number } {
	const path = join(temporaryFolder(), "file");
	writeFileSync(path, "content");
	return { path, descriptor: opened(path) };
}

export const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31) & 0xff);
