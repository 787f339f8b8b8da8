/** Lists the runtimes for which a host installs the launcher. */

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

/** The oldest Node.js takes part in the full run alone, because the tests of the hook run on it each time. */
const NODES = process.env.SIGTOOL_FULL === undefined ? ["24"] : ["20", "24"];

export const RUNTIMES: readonly Runtime[] = [
	...NODES.map((release): Runtime => {
		return {
			name: `Node.js ${release}`,
			kind: "node",
			program: canBeHost ? nodeOfRelease(release) : undefined,
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
