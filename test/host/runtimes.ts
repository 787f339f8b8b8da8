/** Lists the runtimes for which a host installs the launcher. */

import { statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { PYTHONS } from "../../packages/verifier/test/python/support.js";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { canBeHost } from "./host.js";

export interface Runtime {
	readonly name: string;
	readonly kind: "node" | "python";
	/** The program of the runtime. Undefined if it is not on this machine. */
	readonly program: string | undefined;
	/** The unit file that the documentation shows. */
	readonly unit: string;
}

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));

/** The oldest release of Node.js has its stories in the full run alone. */
export const NODE_RELEASES: readonly string[] = process.env.SIGTOOL_FULL === undefined ? ["24"] : ["20", "24"];

export const RUNTIMES: readonly Runtime[] = [
	...NODE_RELEASES.map((release): Runtime => {
		return {
			name: `Node.js ${release}`,
			kind: "node",
			program: canBeHost ? trusted(nodeOfRelease(release)) : undefined,
			unit: `${EXAMPLES}/deploy/app.service`,
		};
	}),
	{
		name: "CPython",
		kind: "python",
		program: PYTHONS[0]?.executable,
		unit: `${EXAMPLES}/deploy-python/app.service`,
	},
];

/** The launcher trusts no program below a directory that everyone may write, so none that npm installed below /tmp. */
function trusted(program: string | undefined): string | undefined {
	for (let path = program ?? "/"; path !== "/"; path = dirname(path))
		if ((statSync(path).mode & 0o002) !== 0) return undefined;
	return program;
}
