/** Runs signed programs on a host with a policy and a deny list of its own, one after the other. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { install, type Mode, runtimeOf } from "./modes.js";
import type { Run } from "./program.js";
import { attack, makeSite, run } from "./site.js";
import type { Release, Technique } from "./technique.js";

export interface Attempt {
	readonly mode: Mode;
	readonly release: Release;
	readonly techniques: readonly Technique[];
	/** The host's policy, also where the gate is alone. */
	readonly policy: object;
	readonly deny?: readonly object[];
	/** A deny list that the host gets as soon as a program makes the file `begun` in its directory for data. */
	readonly denyLater?: readonly object[];
	readonly index?: (bytes: Buffer) => Promise<Uint8Array>;
}

export type Attempted = Run & {
	readonly name: string;
	readonly events: readonly Readonly<Record<string, unknown>>[];
};

export async function attempt({ mode, release, techniques, ...host }: Attempt): Promise<Attempted[]> {
	const root = nosuidDirectory();
	const runtime = runtimeOf(mode, release, nodeOfRelease(String(release)), root);
	const site = makeSite(root, runtime, techniques, undefined);
	const log = join(root, "events.jsonl");
	writeFileSync(log, "");
	const policy = join(root, "policy.json");
	const document = { version: 1, mode: "enforce", ...host.policy };
	writeFileSync(policy, JSON.stringify(document));
	await install(root, runtime, {
		log,
		gatePolicy: document,
		...(host.index && { index: host.index }),
		configuration: () => ({ audit: { jsonLines: log }, policy, deny: host.deny ?? [] }),
	});
	const attempted: Attempted[] = [];
	for (const technique of techniques) {
		attack(site, technique, undefined);
		const { data } = site.place(technique);
		writeFileSync(log, "");
		const timer = setInterval(() => {
			if (host.denyLater === undefined || !existsSync(join(data, "begun"))) return;
			clearInterval(timer);
			for (const file of [join(root, "host/sigtool/verifier.json"), join(root, "host/gate/host.json")]) {
				if (!existsSync(file)) continue;
				writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), deny: host.denyLater }));
			}
			writeFileSync(join(data, "denied"), "");
		}, 20);
		const result = await run(site, technique, runtime).finally(() => clearInterval(timer));
		const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
		attempted.push({ ...result, name: technique.name, events: lines.map((line) => JSON.parse(line)) });
	}
	return attempted;
}

/** Returns the names of those that ran unsigned code, or that did not. */
export const namesOf = (attempted: readonly Attempted[]) => attempted.map(({ name }) => name);
