/**
 * Starts programs in each mode: under unguarded Node.js, under the hook alone, by the launcher, and by the launcher with
 * an empty file in the place of the hook. In this last mode, `gate`, only the native gate judges what becomes code.
 */

import { copyFileSync, mkdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILT, hasLauncher, pinned } from "../../packages/verifier/test/launch/support.js";
import { makeIndex, REGISTER } from "../../packages/verifier/test/node/application.js";
import type { Runtime } from "./site.js";
import type { Place, Release } from "./technique.js";

export { hasLauncher };

export const MODES = ["unguarded", "hook", "gate", "enforce", "strict"] as const;
export type Mode = (typeof MODES)[number];

/**
 * The V8 flags of each mode. Bytecode contains a hash of these flags, so the attacker makes the bytecode with the same
 * flags.
 */
const V8_FLAGS: Readonly<Record<Mode, readonly string[]>> = {
	unguarded: [],
	hook: [],
	gate: [],
	enforce: [],
	strict: ["--disallow-code-generation-from-strings"],
};

export function runtimeOf(mode: Mode, release: Release, node: string, root: string): Runtime {
	const home = join(root, "host");
	const common = { node, release, v8Flags: V8_FLAGS[mode] };
	if (mode === "unguarded") {
		return { ...common, environment: {}, command: (options, script) => [node, ...options, ...script] };
	}
	if (mode === "hook") {
		const environment = { XDG_CONFIG_HOME: home };
		return {
			...common,
			environment,
			command: (options, script) => [node, "--require", REGISTER, ...options, ...script],
		};
	}
	// The gate is tried in the weaker of the modes that enforce, in which Node.js gets no permission model.
	const [directory, launchMode] = mode === "gate" ? [join(home, "gate"), "enforce"] : [home, mode];
	const start = [join(directory, "sigtool-launch"), "--allow-development", "--mode", launchMode, "--write"];
	return {
		...common,
		environment: {},
		command: (options, script, { data }: Place) => [...start, data, ...options, ...script],
	};
}

export interface Host {
	/** The sequence number of the product in the index. A host can refuse a lower one. */
	readonly sequence?: number;
	/** The file for events, to which the launcher lets the program append. */
	readonly log?: string;
	/** Returns further members of the host configuration. */
	readonly configuration?: (tree: string) => object;
	/** The policy where the gate is alone. By default it refuses every text. */
	readonly gatePolicy?: object;
	/** Returns the index to install. Without this function the compiled index is installed. */
	readonly index?: (bytes: Buffer) => Uint8Array | Promise<Uint8Array>;
}

/**
 * Signs the tree in its present state, and writes the index and the host configuration. If the launcher was built, also
 * copies the launcher and writes launcher.conf.
 */
export async function install(root: string, { node, release }: Runtime, host: Host = {}): Promise<void> {
	const tree = join(realpathSync(root), "app");
	const home = join(realpathSync(root), "host");
	mkdirSync(join(home, "sigtool"), { recursive: true });
	const { bytes, key } = await makeIndex(tree, {}, host.sequence);
	writeFileSync(join(home, "app.sigx"), (await host.index?.(bytes)) ?? bytes);
	const config = join(home, "sigtool/verifier.json");
	const pins = [{ "spki-sha256": key }];
	const products = [{ name: "app", root: tree }];
	const audit = host.log === undefined ? {} : { audit: { jsonLines: host.log } };
	const document = {
		version: 1,
		pins,
		products,
		index: join(home, "app.sigx"),
		...audit,
		...host.configuration?.(tree),
	};
	writeFileSync(config, JSON.stringify(document));
	if (!hasLauncher) return;
	const common = [
		"version 1",
		`node ${pinned(realpathSync(node))}`,
		`node-identity ${identity(realpathSync(node))}`,
		`node-major ${release}`,
		`gate ${pinned(join(BUILT, "gate.so"))}`,
		`index ${join(home, "app.sigx")}`,
		`tree ${tree}`,
		"development allow",
		...(host.log === undefined ? [] : [`audit ${host.log}`]),
	];
	const hook = [`bundle ${pinned(REGISTER)}`, `addon ${pinned(join(BUILT, "addon.node"))}`, `config ${config}`];
	putLauncher(home, [...common, ...hook]);

	// Without another policy every text is refused, but Node.js gets no flag for that: the gate alone has to refuse.
	const alone = join(home, "gate");
	mkdirSync(alone);
	writeFileSync(join(alone, "empty.cjs"), "// The place of the hook is empty.\n");
	writeFileSync(
		join(alone, "policy.json"),
		JSON.stringify({ version: 1, ...(host.gatePolicy ?? { runtime: { stringCode: "refuse" } }) }),
	);
	writeFileSync(join(alone, "host.json"), JSON.stringify({ ...document, policy: join(alone, "policy.json") }));
	putLauncher(alone, [...common, `bundle ${pinned(join(alone, "empty.cjs"))}`, `config ${join(alone, "host.json")}`]);
}

function putLauncher(directory: string, settings: readonly string[]): void {
	copyFileSync(join(BUILT, "sigtool-launch"), join(directory, "sigtool-launch"));
	writeFileSync(join(directory, "launcher.conf"), `${settings.join("\n")}\n`);
}

/**
 * Returns a file's identity for launcher.conf. With it the launcher need not compute the file's digest, which would
 * take longer than most programs of this suite.
 */
function identity(file: string): string {
	const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
	const time = (ns: bigint) => `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;
	return `${dev}:${ino}:${size}:${time(mtimeNs)}:${time(ctimeNs)}`;
}
