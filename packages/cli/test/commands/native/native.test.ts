import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { runner, temporaryDirectory } from "../../support.js";

const packages = fileURLToPath(new URL("../../../../", import.meta.url));
const BUILT = [
	...["sigtool-launch", "addon.node", "gate.so"].map((name) => `${packages}verifier/dist/native/${name}`),
	`${packages}native/sigtool.node`,
];

it.skipIf(!BUILT.every((file) => existsSync(file)))(
	"native build --from-source compiles, or keeps what is current (needs cc)",
	() => {
		const { status, stdout, stderr } = runner(temporaryDirectory())(["native", "build", "--from-source", "--json"]);
		expect([status, stderr]).toEqual([0, ""]);
		expect(JSON.parse(stdout)).toMatchObject({ files: BUILT, prebuilt: false, complaint: "" });
	},
);
