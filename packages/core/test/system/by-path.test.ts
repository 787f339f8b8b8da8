/**
 * Tests that the project by-path of vitest.config.ts runs its tests with fs-xattr alone, and that all others run them with
 * `@sigtool/native`.
 */

import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { loadAttributes } from "../../dist/system/attributes.js";

const isHidden = process.env.NODE_OPTIONS?.includes("without-native-attributes") === true;
const doors = { byDescriptor: !isHidden, fsXattr: isHidden };

it(`attributes are reached ${isHidden ? "by fs-xattr" : "by @sigtool/native"} alone`, async () => {
	await loadAttributes();
	const { attributesByDescriptor } = await import("../../dist/system/attributes-by-descriptor.js");
	const loaded = Object.keys(createRequire(import.meta.url).cache);
	expect({
		byDescriptor: attributesByDescriptor() !== undefined,
		fsXattr: loaded.some((file) => /[\\/]fs-xattr[\\/].*\.node$/.test(file)),
	}).toEqual(doors);
});

it("they are reached in the same way by programs that tests start", () => {
	const [attributes, descriptor] = ["attributes", "attributes-by-descriptor"].map((name) =>
		JSON.stringify(new URL(`../../dist/system/${name}.js`, import.meta.url)),
	);
	const code = `
		await (await import(${attributes})).loadAttributes();
		const { attributesByDescriptor } = await import(${descriptor});
		const loaded = Object.keys((await import("node:module")).default._cache);
		console.log(JSON.stringify({
			byDescriptor: attributesByDescriptor() !== undefined,
			fsXattr: loaded.some((file) => /[\\\\/]fs-xattr[\\\\/].*\\.node$/.test(file)),
		}));`;
	const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
	expect(JSON.parse(stdout)).toEqual(doors);
});
