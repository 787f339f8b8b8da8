import { expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { attributesByDescriptor } from "../../dist/system/attributes-by-descriptor.js";

const isHidden = process.env.NODE_OPTIONS?.includes("without-native-attributes") === true;

it(`attributes are reached ${isHidden ? "by fs-xattr" : "by @sigtool/native"}, also in programs that tests start`, () => {
	const file = new URL("../../dist/system/attributes-by-descriptor.js", import.meta.url).href;
	const code = `import(${JSON.stringify(file)}).then((m) => console.log(m.attributesByDescriptor() === undefined))`;
	const { stdout } = spawnSync(process.execPath, ["-e", code], { encoding: "utf8" });
	expect([attributesByDescriptor() === undefined, stdout.trim()]).toEqual([isHidden, String(isHidden)]);
});
