/**
 * Operates services of all runtimes for a while. `SIGTOOL_SOAK="MINUTES SERVICES"` says how long and how many, for
 * example `SIGTOOL_SOAK="60 20"`, from which docs/reference/performance.md has its figures.
 */

import { expect, it } from "vitest";
import { canBeHost } from "../host/host.js";
import { RUNTIMES } from "../host/runtimes.js";
import { soak } from "./soak.js";

const [minutes = 1.5, services = 6] = (process.env.SIGTOOL_SOAK ?? "").split(" ").filter(Boolean).map(Number);

it.skipIf(!canBeHost)(
	`${services} services, operated for ${minutes} minutes, load what is signed and nothing else (needs root, and the launcher built)`,
	{ timeout: (minutes + 5) * 60_000 },
	async () => {
		const seconds = minutes * 60;
		const figures = await soak(RUNTIMES, services, seconds, Math.min(60_000, (seconds * 1000) / 3));
		process.stdout.write(`${JSON.stringify({ ...figures, undue: figures.undue.length })}\n`);
		expect(figures.undue).toEqual([]);
		expect(figures.attacksLogged).toBeGreaterThan(0);
	},
);
