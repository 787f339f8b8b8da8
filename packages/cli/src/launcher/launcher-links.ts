/** Finds the links that sigtool-launch would refuse to follow. packages/verifier/native/launch/links.c judges alike. */

import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { LauncherConf } from "./launcher-conf.js";

export interface ForeignLink {
	readonly path: string;
	/** The number of the user who owns the link. This user could make it lead to other files at any time. */
	readonly owner: number;
}

/** The launcher refuses more links on one path. */
const MAX_LINKS = 40;

/** Returns the links on the ways to the index and to the signed trees that others than root own, or in development the user. */
export function foreignLinks({ index, trees, development }: LauncherConf): ForeignLink[] {
	const owners = development === "allow" ? [0, process.getuid?.()] : [0];
	const found = new Map([index, ...trees].flatMap(linksOnWayTo).map((link) => [link.path, link]));
	return [...found.values()].filter(({ owner }) => !owners.includes(owner));
}

/** Returns the links on an absolute path, in the order in which they are followed. The path need not exist. */
function linksOnWayTo(path: string): ForeignLink[] {
	const links: ForeignLink[] = [];
	const pending = path.split("/").reverse();
	let real = "/";
	while (pending.length > 0 && links.length <= MAX_LINKS) {
		const name = pending.pop() ?? "";
		const next = join(real, name);
		const stats = lstatSync(next, { throwIfNoEntry: false });
		if (stats === undefined) return links;
		if (!stats.isSymbolicLink()) {
			real = next;
			continue;
		}
		links.push({ path: next, owner: stats.uid });
		const target = readlinkSync(next);
		pending.push(...target.split("/").reverse());
		if (target.startsWith("/")) real = "/";
	}
	return links;
}
