import { cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
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

/** Runs a script of a build. Its compiler does nothing, and says that it is done. */
function build(script: string) {
	const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
		encoding: "utf8",
		env: { ...process.env, CC: "true" },
	});
	return { status, stdout, stderr };
}

it.skipIf(process.platform !== "linux")("a build says what the system refuses, without a stack", () => {
	const home = temporaryDirectory();
	cpSync(`${packages}verifier/native`, join(home, "verifier/native"), { recursive: true });
	const launcher = build(join(home, "verifier/native/build.mjs"));
	expect(launcher).toMatchObject({ status: 0, stderr: "" });
	expect(launcher.stdout).toMatch(
		/^no launcher, addon or gate \(cannot use .*\/dist\/native\/.*: ENOENT: .*, rename .*\n$/,
	);

	for (const name of readdirSync(`${packages}native`).filter((each) => /\.(c|h|mjs)$/.test(each)))
		cpSync(`${packages}native/${name}`, join(home, "native", name));
	const addon = build(join(home, "native/build.mjs"));
	expect(addon).toMatchObject({ status: 0, stderr: "" });
	expect(addon.stdout).toMatch(/^true cannot build native hashing: .*\nENOENT: .*, rename .*\n$/);
});
