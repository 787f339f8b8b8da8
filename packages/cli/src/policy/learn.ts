/**
 * Makes the smallest policy under which a logged run passes in mode enforce, and tells what that policy cannot do: files
 * that have to be signed. A log is what somebody could write, so a person reads the result before it is used.
 */

import type { IndexContentView } from "@sigtool/core";
import { type LoggedEvent, textOf } from "../events/event.js";
import { eachEvent } from "../events/read-events.js";
import { groupFiles, type SigningGroup } from "./signing-groups.js";

export interface LearnOptions {
	readonly index: IndexContentView | undefined;
	readonly owner: string | undefined;
	readonly expires: string | undefined;
}

export interface Learned {
	/** The policy document. */
	readonly policy: object;
	/** The files that no signature covers as they are, by directories to sign or to adopt. */
	readonly unsigned: readonly SigningGroup[];
	/** The digests of these files by their paths. */
	readonly files: ReadonlyMap<string, string | undefined>;
	/** The policy lets these things pass beyond signed files, and a person has to agree to them. */
	readonly notes: readonly string[];
	readonly events: number;
	/** The number of lines that are no events. Empty lines do not count. */
	readonly otherLines: number;
	/** The times of the first and the last event. */
	readonly first: string | undefined;
	readonly last: string | undefined;
}

/** Learns from logs of runs in mode audit. @throws the errors of `logPieces` */
export async function learnFrom(logs: readonly string[], options: LearnOptions): Promise<Learned> {
	const seen = nothingSeen();
	const otherLines = await eachEvent(logs, (event) => observe(event, seen));
	const { first, last, count } = seen;
	const period = `learned from ${count} events${first === undefined ? "" : `, ${first.slice(0, 10)} to ${last?.slice(0, 10)}`}`;
	// Rules that were made of refusals alone would refuse everything that ran without one.
	const products = seen.hasAllowed ? [...seen.products].sort() : [];
	const rules = products.map((product) => ruleFor(product, period, options));
	const { policy: members, notes } = membersFor(seen);
	if (!seen.hasAllowed) notes.push(ONLY_REFUSALS);
	else if (seen.isOutside) notes.push(MORE_PRODUCTS);
	return {
		policy: { version: 1, mode: "enforce", ...(rules.length > 0 && { rules }), ...members },
		unsigned: groupFiles(seen.unsigned.keys()),
		files: seen.unsigned,
		notes,
		events: count,
		otherLines,
		first,
		last,
	};
}

const ONLY_REFUSALS =
	"no file was loaded as it was signed, so there are no rules: learn again when the program is signed, from a log of all events (audit.jsonLines)";
const MORE_PRODUCTS = "the rules name the products that are signed now: learn again when the others are";

interface Observed {
	/** The products with files that were loaded as they were signed. */
	readonly products: Set<string>;
	readonly unsigned: Map<string, string | undefined>;
	readonly children: Set<string>;
	readonly wasm: Set<string>;
	readonly written: Set<string>;
	/** True if a file was loaded as it was signed. */
	hasAllowed: boolean;
	/** True if a file was loaded that is in no product. */
	isOutside: boolean;
	addsAuditHooks: boolean;
	count: number;
	first: string | undefined;
	last: string | undefined;
}

/** The reasons that only a signature, or an adopted directory, removes. */
const UNSIGNED: ReadonlySet<string> = new Set(["ERR_FILE_ADDED", "ERR_FILE_MODIFIED", "ERR_OUTSIDE_PRODUCTS"]);

function nothingSeen(): Observed {
	return {
		products: new Set(),
		unsigned: new Map(),
		children: new Set(),
		wasm: new Set(),
		written: new Set(),
		hasAllowed: false,
		isOutside: false,
		addsAuditHooks: false,
		count: 0,
		first: undefined,
		last: undefined,
	};
}

function observe(event: LoggedEvent, seen: Observed): void {
	seen.count++;
	const time = textOf(event, "time");
	seen.first ??= time;
	seen.last = time ?? seen.last;
	observeFile(event, seen);
	observeAction(event, seen);
}

function observeFile(event: LoggedEvent, seen: Observed): void {
	const { products, unsigned } = seen;
	if (event.event !== "module.open_code" && event.event !== "module.dlopen") return;
	const [product, path, reason] = [textOf(event, "product"), textOf(event, "path"), textOf(event, "reason")];
	if (product !== undefined && (reason === undefined || reason === "ERR_POLICY_RULE")) products.add(product);
	if (product !== undefined && event.verdict === "allow") seen.hasAllowed = true;
	if (path !== undefined && reason !== undefined && UNSIGNED.has(reason)) {
		unsigned.set(path, textOf(event, "sha256"));
		if (product === undefined) seen.isOutside = true;
		if (product !== undefined) products.add(product);
	}
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
		case "fs.open":
			if (/[wa+]/.test(textOf(event, "flags") ?? "")) seen.written.add(textOf(event, "path") ?? "");
			break;
		case "python.open":
			observeOpen(textOf(event, "detail") ?? "", seen.written);
			break;
	}
}

/** Reads the arguments of CPython's event `open`: path, mode and flags. */
function observeOpen(detail: string, written: Set<string>): void {
	const [, path = "", mode = "", flags = "0"] = /^(\/.*), ([^,]*), (-?\d+)$/s.exec(detail) ?? [];
	const isWriting = mode === "None" ? (Number(flags) & ACCESS_MODE) !== 0 : /[wax+]/.test(mode);
	if (path !== "" && isWriting) written.add(path);
}

/** O_WRONLY and O_RDWR. */
const ACCESS_MODE = 3;

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

function membersFor({ children, wasm, written, addsAuditHooks }: Observed): { policy: object; notes: string[] } {
	const notes: string[] = [];
	const runtime: Record<string, unknown> = {};
	if (children.size > 0) {
		runtime.children = "allow";
		notes.push(`it starts programs: ${[...children].sort().join(", ")}; runtime.children lets it start any`);
	}
	if (wasm.size > 0) {
		runtime.webAssemblySha256 = [...wasm].sort();
		notes.push(`it compiles WebAssembly that no signature names; runtime.webAssemblySha256 has its digests`);
	}
	if (addsAuditHooks) notes.push("it adds audit hooks; python.auditHooks lets it");
	const write = directoriesOf(written);
	if (write.length > 0) notes.push(`it writes below ${write.join(", ")}; launch.write grants that`);
	return {
		policy: {
			...(write.length > 0 && { launch: { write } }),
			...(Object.keys(runtime).length > 0 && { runtime }),
			...(addsAuditHooks && { python: { auditHooks: "allow" } }),
		},
		notes,
	};
}

/** Returns the directories of files, without those below another. Devices and processes are no files to grant. */
function directoriesOf(files: Iterable<string>): string[] {
	const directories = new Set<string>();
	for (const file of files) {
		const end = file.lastIndexOf("/");
		if (!/^\/(?:dev|proc|sys)\//.test(file) && end > 0) directories.add(file.slice(0, end));
	}
	const all = [...directories].sort();
	return all.filter((directory) => !all.some((other) => directory.startsWith(`${other}/`)));
}
