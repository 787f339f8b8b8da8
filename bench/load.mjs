import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { nodeOfRelease } from "../scripts/node-releases.mjs";
import { installedPackages } from "../test/applications/install.mjs";
import { run } from "./measure.mjs";

const beside = (path) => fileURLToPath(new URL(path, import.meta.url));
const REGISTER = beside("../packages/verifier/dist/register-development.cjs");

/**
 * Programs of test/applications that only load modules. `bounds` has the allowed ratio under the hook for each release.
 */
export const LOADS = [
	{ name: "many", script: "programs/load-many.cjs", bounds: { 20: 1.3, 22: 1.12, 24: 1.12, 26: 1.12 } },
	{ name: "big", script: "programs/load-big.cjs", bounds: { 22: 1.1, 24: 1.1, 26: 1.1 } },
	{ name: "esm", script: "programs/load-esm.mjs", bounds: { 22: 1.15, 24: 1.15, 26: 1.2 } },
];
export const LAUNCHER_BOUND = 1.2;
export const [PLAIN, HOOK, LAUNCHER, NODE_POLICY] = ["plain", "hook", "launcher", "--experimental-policy"];
export const WITHOUT_GATE = "launcher without gate";
/**
 * The launcher sets this flag on Node.js 20, so the other programs get it too. With it, some packages load their
 * CommonJS form instead of their ES module form.
 */
const WITHOUT_REQUIRE_OF_ESM = "--no-experimental-require-module";

/**
 * Makes a signed tree, its index, and the host configuration that trusts them, below `scratch`.
 *
 * @param {(...argv: string[]) => string[]} sigtool makes the argv that runs sigtool with these arguments
 * @returns a function that returns the programs which load `script` on a release
 * @throws {Error} if the packages cannot be fetched or signed
 */
export function signedLoads({ scratch, env, sigtool }) {
	const installed = installedPackages("programs");
	if (installed === undefined) throw new Error("npm or its registry cannot be reached");
	const directory = join(scratch, "load/app");
	const at = (name) => join(dirname(directory), name);
	cpSync(join(installed, "node_modules"), join(directory, "node_modules"), { recursive: true, verbatimSymlinks: true });
	cpSync(beside("../test/applications/programs"), join(directory, "programs"), { recursive: true });
	writeFileSync(at("policy.json"), '{ "version": 1, "runtime": { "stringCode": "allow" } }');
	run({ argv: sigtool("sign", directory, "--product", "app") }, env);
	const compiled = sigtool("compile", directory, "-o", at("app.sigx"), "--policy", at("policy.json"), "--json");
	const { signer } = JSON.parse(run({ argv: [...compiled, "--allow-development"] }, env));
	const config = join(env.XDG_CONFIG_HOME, "sigtool/verifier.json");
	mkdirSync(dirname(config), { recursive: true });
	const pins = [{ "spki-sha256": signer.spkiSha256 }];
	const products = [{ name: "app", root: directory }];
	writeFileSync(config, JSON.stringify({ version: 1, pins, products, index: at("app.sigx") }));
	writeFileSync(at("node-policy.json"), JSON.stringify(nodePolicy(directory)));

	return (release, script) => {
		const node = nodeOfRelease(release);
		const prefix = at(`launcher-${release}`);
		const install = sigtool("launcher", "install", "--prefix", prefix, "--node", node, "--index", at("app.sigx"));
		run({ argv: [...install, "--config", config, "--allow-development"] }, env);
		const flags = release === "20" ? [WITHOUT_REQUIRE_OF_ESM] : [];
		const file = join(directory, script);
		const programs = [
			{ name: PLAIN, argv: [node, ...flags, file] },
			{ name: HOOK, argv: [node, ...flags, "--require", REGISTER, file] },
			{ name: LAUNCHER, argv: [join(prefix, "sigtool-launch"), "--allow-development", "--", file] },
			{ name: WITHOUT_GATE, argv: [withoutGate(prefix), "--allow-development", "--", file] },
		];
		const policy = ["--no-warnings", "--experimental-policy", at("node-policy.json")];
		if (release === "20") programs.push({ name: NODE_POLICY, argv: [node, ...flags, ...policy, file] });
		return programs;
	};
}

/** Copies a launcher and its settings, without the native gate. Returns the path of the copy. */
function withoutGate(prefix) {
	const directory = `${prefix}-without-gate`;
	mkdirSync(directory, { recursive: true });
	cpSync(join(prefix, "sigtool-launch"), join(directory, "sigtool-launch"));
	const settings = readFileSync(join(prefix, "launcher.conf"), "utf8");
	writeFileSync(join(directory, "launcher.conf"), settings.replace(/^gate .*\n/m, ""));
	return join(directory, "sigtool-launch");
}

/**
 * Returns a policy for `--experimental-policy` of Node.js 20, with the digests of all code and JSON in the directory.
 */
function nodePolicy(directory) {
	const resources = {};
	for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
		if (!entry.isFile() || !/\.([cm]?js|json)$/.test(entry.name)) continue;
		const file = join(entry.parentPath, entry.name);
		const digest = createHash("sha256").update(readFileSync(file)).digest("base64");
		resources[pathToFileURL(file).href] = { integrity: `sha256-${digest}`, dependencies: true };
	}
	return { resources };
}
