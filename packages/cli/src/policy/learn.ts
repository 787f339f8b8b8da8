/**
 * Makes the smallest policy under which a logged run passes in mode enforce, and tells what that policy cannot do: files
 * that have to be signed. A log is what somebody could write, so a person reads the result before it is used.
 */

import type { IndexContentView } from "@sigtool/core";
import { quote } from "@sigtool/core/internal/errors";
import { type LoggedEvent, textOf } from "../events/event.js";
import { eachEvent } from "../events/read-events.js";
import { groupFiles, isBelow, type SigningGroup, type Tree } from "./signing-groups.js";
import { directoriesToGrant, nothingWritten, observeWriting, type Written } from "./written-directories.js";

export interface LearnOptions {
	readonly index: IndexContentView | undefined;
	readonly owner: string | undefined;
	readonly expires: string | undefined;
	/** The working directory of the runs, for the relative paths that they wrote to. */
	readonly directory: string | undefined;
}

export interface Learned {
	/** The policy document. */
	readonly policy: object;
	/** The files that no signature covers as they are, by directories to sign or to adopt. */
	readonly unsigned: readonly SigningGroup[];
	/** The directories that the index has to cover: those of `unsigned`, and those that are signed or adopted already. */
	readonly trees: readonly Tree[];
	/** The digests of the unsigned files by their paths. */
	readonly files: ReadonlyMap<string, string | undefined>;
	/** The policy lets these things pass beyond signed files, and a person has to agree to them. */
	readonly notes: readonly string[];
	/** True if the run wrote to paths that are relative to its working directory. */
	readonly writesRelatively: boolean;
	readonly events: number;
	/** How many of them tell that a verifier started, or could not start. */
	readonly starts: number;
	/** How many of them are refusals. In mode audit only a start can be refused. */
	readonly refusals: number;
	/** The number of lines that are no events. Empty lines do not count. */
	readonly otherLines: number;
	/** The times of the first and the last event. */
	readonly first: string | undefined;
	readonly last: string | undefined;
}

/** Learns from logs of runs in mode audit. @throws the errors of `logPieces` */
export async function learnFrom(logs: readonly string[], options: LearnOptions): Promise<Learned> {
	const learner = createLearner(options);
	const otherLines = await eachEvent(logs, learner.observe);
	return learner.learned(otherLines);
}

export interface Learner {
	observe(event: LoggedEvent): void;
	learned(otherLines: number): Learned;
}

export function createLearner(options: LearnOptions): Learner {
	const seen = nothingSeen();
	return {
		observe: (event) => observe(event, seen, options),
		learned(otherLines) {
			const { first, last, count } = seen;
			const period = `learned from ${count} events${first === undefined ? "" : `, ${first.slice(0, 10)} to ${last?.slice(0, 10)}`}`;
			const { unsigned, trees, products } = treesOf(seen, options.index);
			const rules = products.map((product) => ruleFor(product, period, options));
			const { policy: members, notes } = membersFor(seen, options.directory !== undefined);
			return {
				policy: { version: 1, mode: "enforce", ...(rules.length > 0 && { rules }), ...members },
				unsigned,
				trees,
				files: seen.unsigned,
				notes: [...changedNotes(seen), ...notes],
				writesRelatively: seen.written.relative.size > 0,
				events: count,
				starts: seen.starts,
				refusals: seen.refusals,
				otherLines,
				first,
				last,
			};
		},
	};
}

interface Observed {
	/** The products with files that were loaded, and their directories. */
	readonly products: Map<string, string>;
	readonly unsigned: Map<string, string | undefined>;
	/** Those of `unsigned` that were signed with another content. */
	readonly changed: Set<string>;
	readonly children: Set<string>;
	readonly wasm: Set<string>;
	readonly written: Written;
	addsAuditHooks: boolean;
	count: number;
	starts: number;
	refusals: number;
	first: string | undefined;
	last: string | undefined;
}

/** The reasons that only a signature, or an adopted directory, removes. */
const UNSIGNED: ReadonlySet<string> = new Set(["ERR_FILE_ADDED", "ERR_FILE_MODIFIED", "ERR_OUTSIDE_PRODUCTS"]);

function nothingSeen(): Observed {
	return {
		products: new Map(),
		unsigned: new Map(),
		changed: new Set(),
		children: new Set(),
		wasm: new Set(),
		written: nothingWritten(),
		addsAuditHooks: false,
		count: 0,
		starts: 0,
		refusals: 0,
		first: undefined,
		last: undefined,
	};
}

function observe(event: LoggedEvent, seen: Observed, { directory }: LearnOptions): void {
	seen.count++;
	if (event.event === "verifier.start") seen.starts++;
	if (event.verdict === "refuse") seen.refusals++;
	const time = textOf(event, "time");
	seen.first ??= time;
	seen.last = time ?? seen.last;
	observeFile(event, seen);
	observeAction(event, seen);
	observeWriting(event, seen.written, directory);
}

function observeFile(event: LoggedEvent, { products, unsigned, changed }: Observed): void {
	if (event.event !== "module.open_code" && event.event !== "module.dlopen") return;
	const [product, path, entry] = [textOf(event, "product"), textOf(event, "path"), textOf(event, "entry")];
	const reason = textOf(event, "reason");
	const isUnsigned = reason !== undefined && UNSIGNED.has(reason);
	if (path === undefined) return;
	if (isUnsigned) unsigned.set(path, textOf(event, "sha256"));
	if (reason === "ERR_FILE_MODIFIED") changed.add(path);
	if (product === undefined || entry === undefined || !path.endsWith(`/${entry}`)) return;
	if (isUnsigned || reason === undefined || reason === "ERR_POLICY_RULE")
		products.set(product, path.slice(0, -entry.length - 1) || "/");
}

function observeAction(event: LoggedEvent, seen: Observed): void {
	switch (event.event) {
		case "child_process.spawn":
		case "child_process.spawn_sync":
		case "process.execve":
			seen.children.add(textOf(event, "file") ?? "a program");
			break;
		case "python.subprocess.Popen":
		case "python.os.system":
		case "python.os.exec":
		case "python.os.posix_spawn":
			seen.children.add((textOf(event, "detail") ?? "a program").split(", ")[0] ?? "");
			break;
		case "python.sys.addaudithook":
			seen.addsAuditHooks = true;
			break;
		case "wasm.compile": {
			const sha256 = textOf(event, "sha256");
			if (sha256 !== undefined && event.verdict !== "allow") seen.wasm.add(sha256);
			break;
		}
	}
}

/** Returns the directories of the index that is to be compiled, and the products that the run loaded or would load. */
function treesOf({ products, unsigned }: Observed, index: IndexContentView | undefined) {
	const known = index === undefined ? treesIn(products) : treesOfIndex(index, products);
	const groups = groupFiles(unsigned.keys(), known);
	const isCovered = ({ directory }: Tree) =>
		groups.some((group) => group.directory === directory || isBelow(directory, group.directory));
	const kept = known.filter((tree) => !isCovered(tree));
	const loaded = kept.map(({ product }) => product).filter((product) => products.has(product));
	return {
		unsigned: groups,
		trees: [...kept, ...groups],
		products: [...loaded, ...groups.map(({ product }) => product)].sort(),
	};
}

/** The product of an adopted directory has its path as a name. */
function treesIn(products: ReadonlyMap<string, string>): Tree[] {
	return [...products].map(([product, directory]) => {
		return { directory, way: product === directory ? "adopt" : "sign", product };
	});
}

/** A host may have bound a product to another directory than that of the index. */
function treesOfIndex(index: IndexContentView, loaded: ReadonlyMap<string, string>): Tree[] {
	return index.products.map(({ name, root, adopted }) => {
		return { directory: loaded.get(name) ?? root, way: adopted === true ? "adopt" : "sign", product: name };
	});
}

/** Names a product by its signer, if the index tells a single one. Digests would end with the next release. */
function ruleFor(product: string, comment: string, { index, owner, expires }: LearnOptions): object {
	const signers = index?.products.find(({ name }) => name === product)?.signers ?? [];
	const [only, ...others] = signers;
	const signer = only === undefined || others.length > 0 ? undefined : { key: only.key };
	return {
		allow: { product, ...(signer && { signer }) },
		comment,
		...(owner !== undefined && { owner }),
		...(expires !== undefined && { expires }),
	};
}

/** A signature would make the work of an attacker count, so nobody should sign a changed file as one that is only new. */
function changedNotes({ changed }: Observed): string[] {
	const [first] = [...changed].sort();
	if (first === undefined) return [];
	const those = changed.size === 1 ? `${quote(first)} was` : `${changed.size} files, such as ${quote(first)}, were`;
	return [
		`${those} changed after the signature: find out by whom before you sign ${changed.size === 1 ? "it" : "them"} again`,
	];
}

function membersFor(
	{ children, wasm, written, addsAuditHooks }: Observed,
	knowsDirectory: boolean,
): { policy: object; notes: string[] } {
	const notes: string[] = [];
	const runtime: Record<string, unknown> = {};
	if (children.size > 0) {
		runtime.children = "allow";
		notes.push(
			`it starts programs: ${[...children].sort().join(", ")}; runtime.children lets it start any, but never under the launcher`,
		);
	}
	if (wasm.size > 0) {
		runtime.webAssemblySha256 = [...wasm].sort();
		notes.push(`it compiles WebAssembly that no signature names; runtime.webAssemblySha256 has its digests`);
	}
	if (addsAuditHooks) notes.push("it adds audit hooks; python.auditHooks lets it");
	const write = directoriesToGrant(written);
	if (write.length > 0) notes.push(`it writes below ${write.join(", ")}; launch.write grants that`);
	if (written.relative.size > 0 && !knowsDirectory) notes.push(relativeNote(written.relative));
	return {
		policy: {
			...(write.length > 0 && { launch: { write } }),
			...(Object.keys(runtime).length > 0 && { runtime }),
			...(addsAuditHooks && { python: { auditHooks: "allow" } }),
		},
		notes,
	};
}

function relativeNote(paths: ReadonlySet<string>): string {
	const [first = "", ...others] = [...paths].sort();
	const more = others.length === 0 ? "" : ` and ${others.length} more`;
	return `it writes to ${first}${more}, relative to its working directory; --cwd names that directory`;
}
