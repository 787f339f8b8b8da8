/**
 * Makes the smallest policy under which a logged run passes in mode enforce, and tells what that policy cannot do: files
 * that have to be signed. A log is what somebody could write, so a person reads the result before it is used.
 */

import { DEFAULT_POLICY, type IndexContentView, parsePolicy } from "@sigtool/core";
import { MAX_FILE_BYTES } from "@sigtool/core/internal";
import { quote } from "@sigtool/core/internal/errors";
import { isFinding, type LoggedEvent, textOf } from "../events/event.js";
import { eachEvent } from "../events/read-events.js";
import { eventJudge, subjectOf } from "./judge-event.js";
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
			const policy = { version: 1, mode: "enforce", ...(rules.length > 0 && { rules }), ...members };
			return {
				policy,
				unsigned,
				trees,
				files: seen.unsigned,
				notes: [...changedNotes(seen), ...notes, ...stillRefused(seen, policy, options)],
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
	/** The products whose files were loaded by their content alone, wherever that lay. */
	readonly contents: Set<string>;
	/** One event of each kind and subject that may stay refused, whatever is signed. */
	readonly findings: Map<string, LoggedEvent>;
	readonly written: Written;
	addsAuditHooks: boolean;
	addsModuleHooks: boolean;
	/** The size of the largest file whose size an event tells. */
	largestBytes: number;
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
		contents: new Set(),
		findings: new Map(),
		written: nothingWritten(),
		addsAuditHooks: false,
		addsModuleHooks: false,
		largestBytes: 0,
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
	observeFinding(event, seen);
	observeAction(event, seen);
	observeWriting(event, seen.written, directory);
}

function observeFile(event: LoggedEvent, seen: Observed): void {
	const { products, unsigned, changed, contents } = seen;
	if (event.rule === "content" && typeof event.product === "string") contents.add(event.product);
	if (event.event !== "module.open_code" && event.event !== "module.dlopen") return;
	if (typeof event.sizeBytes === "number") seen.largestBytes = Math.max(seen.largestBytes, event.sizeBytes);
	const [product, path, entry] = [textOf(event, "product"), textOf(event, "path"), textOf(event, "entry")];
	const reason = textOf(event, "reason");
	const isUnsigned = reason !== undefined && UNSIGNED.has(reason);
	if (path === undefined) return;
	if (isUnsigned) unsigned.set(path, textOf(event, "sha256"));
	if (reason === "ERR_FILE_MODIFIED") changed.add(path);
	if (product === undefined || entry === undefined || !path.endsWith(`/${entry}`)) return;
	if (isUnsigned || reason === undefined || reason === "ERR_POLICY_RULE" || reason === "ERR_LIMIT")
		products.set(product, path.slice(0, -entry.length - 1) || "/");
}

function observeFinding(event: LoggedEvent, { findings }: Observed): void {
	if (!isFinding(event) || UNSIGNED.has(textOf(event, "reason") ?? "")) return;
	const kind = `${subjectOf(event)}\0${event.reason}\0${event.rule}`;
	if (!findings.has(kind)) findings.set(kind, event);
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
		case "module.register":
			if (event.rule !== "fixed") seen.addsModuleHooks = true;
			break;
		case "wasm.compile": {
			const sha256 = textOf(event, "sha256");
			const isSigned = event.verdict === "allow" && event.rule !== "webAssemblySha256";
			if (sha256 !== undefined && !isSigned) seen.wasm.add(sha256);
			break;
		}
	}
}

/** Returns the directories of the index that is to be compiled, and the products that the run loaded or would load. */
function treesOf({ products, contents, unsigned }: Observed, index: IndexContentView | undefined) {
	const known = index === undefined ? treesIn(products) : treesOfIndex(index, products);
	const groups = groupFiles(unsigned.keys(), known);
	const isCovered = ({ directory }: Tree) =>
		groups.some((group) => group.directory === directory || isBelow(directory, group.directory));
	const kept = known.filter((tree) => !isCovered(tree));
	const loaded = kept.map(({ product }) => product).filter((product) => products.has(product) || contents.has(product));
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
	{ children, wasm, written, addsAuditHooks, addsModuleHooks, largestBytes }: Observed,
	knowsDirectory: boolean,
): { policy: object; notes: string[] } {
	const notes: string[] = [];
	const runtime: Record<string, unknown> = {};
	if (children.size > 0) notes.push(`it starts programs: ${[...children].sort().join(", ")}; ${NO_CHILDREN}`);
	if (wasm.size > 0) {
		runtime.webAssemblySha256 = [...wasm].sort();
		notes.push(`it compiles WebAssembly that no signature names; runtime.webAssemblySha256 has its digests`);
	}
	if (addsModuleHooks) {
		runtime.moduleHooks = "signed";
		notes.push(
			"it registers hooks of modules; runtime.moduleHooks lets it, and stringCode decides about text that they make",
		);
	}
	const maxSizeBytes = largestBytes > DEFAULT_POLICY.files.maxSizeBytes ? roundedUp(largestBytes) : undefined;
	if (maxSizeBytes !== undefined && largestBytes <= maxSizeBytes)
		notes.push(`it loads a file of ${largestBytes} bytes; files.maxSizeBytes lets it`);
	if (addsAuditHooks) notes.push("it adds audit hooks; python.auditHooks lets it");
	const write = directoriesToGrant(written);
	if (write.length > 0) notes.push(`it writes below ${write.join(", ")}; launch.write grants that`);
	if (written.relative.size > 0 && !knowsDirectory) notes.push(relativeNote(written.relative));
	return {
		policy: {
			...(write.length > 0 && { launch: { write } }),
			...(maxSizeBytes !== undefined && { files: { maxSizeBytes } }),
			...(Object.keys(runtime).length > 0 && { runtime }),
			...(addsAuditHooks && { python: { auditHooks: "allow" } }),
		},
		notes,
	};
}

/**
 * A log of mode audit does not say what the program does without these programs, and many only try. So no policy is learned
 * that lets it start any: under the launcher that would start none either, and no event would tell of it any more.
 */
const NO_CHILDREN =
	"this policy refuses that, and the launcher whatever the policy says: the program gets an error, and decides itself whether it goes on, so run it once under enforcement; only without the launcher does runtime.children let it start them";

/** Leaves room for the next release of the file, up to what a policy can allow. */
function roundedUp(bytes: number): number {
	return Math.min(2 ** Math.ceil(Math.log2(bytes)), MAX_FILE_BYTES);
}

/** Tells what the learned policy refuses of this run all the same, by the judge of `policy test`. */
function stillRefused({ findings }: Observed, policy: object, { index }: LearnOptions): string[] {
	const { objectionTo } = eventJudge(parsePolicy(policy), index, Date.now());
	const notes = [...findings.values()].flatMap((event) => {
		const objection = objectionTo(event);
		if (objection === undefined || objection.isError === true) return [];
		return `enforcement refuses ${subjectOf(event)}: ${objection.why}`;
	});
	const rest = notes.length - MAX_NOTED;
	return rest > 0 ? [...notes.slice(0, MAX_NOTED), `enforcement refuses ${rest} more`] : notes;
}

/** More notes than these are one. */
const MAX_NOTED = 20;

function relativeNote(paths: ReadonlySet<string>): string {
	const [first = "", ...others] = [...paths].sort();
	const more = others.length === 0 ? "" : ` and ${others.length} more`;
	return `it writes to ${first}${more}, relative to its working directory; --cwd names that directory`;
}
