/** Makes random worlds: trees beside and within each other, signed at several moments, and what an attacker does to them. */

import { basename, posix } from "node:path";
import {
	type Catalog,
	copy,
	type Directory,
	directory,
	directoryAt,
	file,
	type Node,
	nodeAt,
	type Place,
	seal,
	walk,
} from "./world.js";

/** Returns numbers from 0 to below `limit`. The same seed gives the same numbers. */
export type Random = (limit: number) => number;

export function randomFrom(seed: number): Random {
	let state = seed;
	return (limit) => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
	};
}

const LAYOUT = ["a", "a/p", "a/p/q", "b", "b/p", "b/q", "a/b"];

export interface World {
	readonly top: Directory;
	/** The steps that made it, for the message of a test that fails. */
	readonly steps: readonly string[];
}

export async function arrange(random: Random, home: string): Promise<World> {
	const top = directory();
	const steps: string[] = [];
	const releases: { readonly name: string; readonly tree: Node }[] = [];
	const pick = <T>(from: readonly T[]): T => from[random(from.length)];
	for (const path of LAYOUT) {
		if (path.includes("/") && random(4) === 0) continue;
		const names = path.split("/");
		const parent = nodeAt(top, names.slice(0, -1));
		if (parent?.kind !== "directory") continue;
		parent.names.set(names.at(-1) ?? "", directory());
		for (const name of ["x", "y"]) if (random(3) > 0) directoryAt(top, names).names.set(name, file(`${path}/${name}`));
	}
	const places = (): Place[] => {
		const found: Place[] = [];
		walk(top, (path, node) => node.kind === "directory" && found.push(path.split("/")));
		return found;
	};

	async function sign(): Promise<void> {
		const place = pick(places());
		const [name, parent] = [place.at(-1) ?? "", place.slice(0, -1)];
		const [into, output] = pick<[Place, string]>([
			...Array.from({ length: 6 }, (): [Place, string] => [place, `${name}.cat`]),
			[place, "own.cat"],
			[place, "own.cat"],
			[parent, `${name}-release.cat`],
		]);
		const rule = pick<Catalog["rule"]>([
			...Array.from({ length: 6 }, () => ({ kind: "whole" }) as const),
			...(["ignore", "include", "scope"] as const).map((kind) => ({ kind, name: pick(["p", "q", "b"]) })),
		]);
		const signs = new Map<string, Buffer | string>();
		walk(directoryAt(top, place), (path, node) => {
			const isSelected =
				rule.kind === "whole" ||
				(rule.kind === "ignore" ? !path.split("/").includes(rule.name) : path.startsWith(`${rule.name}/`));
			const isOutput = into === place && path === output;
			if (!isSelected || isOutput || node.kind === "directory") return;
			signs.set(path, node.kind === "link" ? node.target : node.content);
		});
		const sealed = await seal({ signs, rule, isTrusted: random(8) > 0 }, home);
		sealed.isForeign = random(10) === 0;
		directoryAt(top, into).names.set(output, sealed);
		releases.push({ name, tree: copy(directoryAt(top, place)) });
		steps.push(
			`sign ${place.join("/")} (${rule.kind}) as ${[...into, output].join("/")} ${JSON.stringify({ ...sealed, content: "", catalog: sealed.catalog?.isTrusted })}`,
		);
	}

	/** Puts something at a place, where nothing or something else was. */
	function put(place: Place, name: string, node: Node, step: string): void {
		directoryAt(top, place).names.set(name, node);
		steps.push(`${step} ${[...place, name].join("/")}`);
	}

	function change(): void {
		const place = pick(places());
		const [name, parent] = [place.at(-1) ?? "", place.slice(0, -1)];
		const inside = directoryAt(top, place).names;
		const action = random(10);
		if (action < 2 && releases.length > 0) {
			const release = pick(releases);
			put(place, pick([release.name, "p", "z"]), copy(release.tree), "replay into");
		} else if (action < 4) put(place, pick(["l", "m"]), linkTo(pick(places()), place), "link");
		else if (action === 4) put(parent, name, linkTo(pick(places()), parent), "replace by a link");
		else if (action === 5) put(place, pick(["x", "y"]), file("changed"), "change");
		else if (action === 6 && inside.size > 0) {
			const gone = pick([...inside.keys()]);
			inside.delete(gone);
			steps.push(`remove ${[...place, gone].join("/")}`);
		} else if (action === 7) {
			const node = directoryAt(top, place);
			directoryAt(top, parent).names.delete(name);
			put(parent, pick(["n", "p"]), node, `rename ${place.join("/")} to`);
		} else if (action === 8) {
			directoryAt(top, place).isOpen = true;
			steps.push(`open ${place.join("/")}`);
		} else put(place, `${name}.cat`, { ...file("no catalog"), isForeign: random(2) === 0 }, "spoil");
	}

	/** Returns a link in the directory `from` that leads to a place, from the top or relative. */
	function linkTo(place: Place, from: Place): Node {
		const target =
			random(2) === 0 ? `/${place.join("/")}` : posix.relative(`/${from.join("/")}`, `/${place.join("/")}`);
		steps.push(`(target ${target})`);
		return { kind: "link", target: target === "" ? "." : target };
	}

	const count = 3 + random(6);
	for (let step = 0; step < count && places().length > 0; step++) {
		if (step === 0 || random(2) === 0) await sign();
		else change();
	}
	return { top, steps };
}

/** Returns a path to a file that is no catalog, through links and `..` as they come, or undefined if it finds none. */
export function randomPath(
	random: Random,
	top: Directory,
	enter: (path: string) => Node | undefined,
): string | undefined {
	let path = "";
	for (let depth = 0; depth < 8; depth++) {
		const node = path === "" ? top : enter(path);
		if (node?.kind === "file") return basename(path).endsWith(".cat") ? undefined : path.slice(1);
		if (node?.kind !== "directory" || node.names.size === 0) return undefined;
		const name = [...node.names.keys()][random(node.names.size)];
		const inner = node.names.get(name);
		if (inner === undefined) return undefined;
		path += random(6) === 0 && inner.kind !== "file" ? `/${name}/../${name}` : `/${name}`;
	}
	return undefined;
}
