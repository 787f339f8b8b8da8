/** Looking at the deny list while a program runs that may have replaced functions and prototypes. */

import { chmodSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../cli/test/support.js";
import { createAudit } from "../../dist/audit/audit.js";
import { addDenials, createDenyList, type Ground, noDenials } from "../../dist/gate/deny-list.js";
import { memorySink } from "../support.js";

const DIGEST = "a".repeat(64);
/** No deny list has this digest. */
const FREE = "e".repeat(64);
const OTHER = "b".repeat(64);

function watching(document: unknown, { grounds = [] as readonly Ground[], name = "verifier.json" } = {}) {
	const directory = temporaryDirectory();
	const file = join(directory, "verifier.json");
	writeFileSync(file, typeof document === "string" ? document : JSON.stringify(document), { mode: 0o600 });
	const sink = memorySink();
	const audit = createAudit([sink]);
	const denials = addDenials(noDenials(), [{ kind: "file", sha256: OTHER, reason: "from the start" }]);
	const watched = { file: join(directory, name), development: "allow" } as const;
	const list = createDenyList(denials, grounds, watched, audit);
	const events = () => {
		audit.flush();
		return sink.events;
	};
	return { directory, file, list, events };
}

const DENYING = { version: 1, deny: [{ file: DIGEST, reason: "CVE" }] };

describe("16.6: the deny list of a process that runs", () => {
	it("gets what the configuration adds, and keeps what it drops", () => {
		const { list, events } = watching(DENYING);
		expect(list.denialOf(DIGEST)).toEqual({ why: "the deny list names it: CVE", reason: "CVE" });
		expect(list.denialOf(OTHER)?.reason).toBe("from the start");
		expect(list.denialOf("c".repeat(64))).toBeUndefined();
		expect(events()).toMatchObject([{ event: "verifier.reload", verdict: "allow", count: 1 }]);
	});

	it("looks at most once in its interval", () => {
		const { list, file } = watching({ version: 1 });
		expect(list.denialOf(DIGEST)).toBeUndefined();
		writeFileSync(file, JSON.stringify(DENYING));
		expect(list.denialOf(DIGEST)).toBeUndefined();
	});

	it.each<[string, unknown]>([
		["nothing", ""],
		["half a document", JSON.stringify(DENYING).slice(0, -3)],
		["no object", "[]"],
		["another version", { ...DENYING, version: 2 }],
		["no list", { version: 1, deny: { file: DIGEST, reason: "x" } }],
		["an item without a reason", { version: 1, deny: [...DENYING.deny, { file: OTHER }] }],
		["an item of two kinds", { version: 1, deny: [...DENYING.deny, { file: OTHER, key: OTHER, reason: "x" }] }],
		["an item with half a digest", { version: 1, deny: [...DENYING.deny, { key: "ab", reason: "x" }] }],
		["an item in capitals", { version: 1, deny: [...DENYING.deny, { key: "A".repeat(64), reason: "x" }] }],
	])("takes nothing over from %s, and says so", (_, document) => {
		const { list, events, file } = watching(document);
		expect(list.denialOf(DIGEST)).toBeUndefined();
		expect(list.denialOf(OTHER)?.reason).toBe("from the start");
		const told = { event: "verifier.reload", verdict: "audit", path: file, reason: "ERR_HOST_CONFIG" };
		expect(events()).toMatchObject([told]);
		expect(events()[0]?.detail).toMatch(/./);
	});

	it("takes nothing over from a file that others could have written, or that is none", () => {
		const open = watching(DENYING);
		chmodSync(open.file, 0o666);
		expect(open.list.denialOf(DIGEST)).toBeUndefined();
		expect(open.events()[0]?.detail).toBe("others could have written it");
		const absent = watching(DENYING, { name: "none" });
		expect(absent.list.denialOf(DIGEST)).toBeUndefined();
		expect(absent.events()).toHaveLength(1);
		const directory = watching(DENYING, { name: "." });
		expect(directory.list.denialOf(DIGEST)).toBeUndefined();
		const link = watching(DENYING, { name: "link" });
		symlinkSync("loop", join(link.directory, "link"));
		expect(link.list.denialOf(DIGEST)).toBeUndefined();
	});

	it("refuses everything if what it rests on is denied, a timestamp only when it is needed", () => {
		const document = { version: 1, deny: [{ key: DIGEST, reason: "stolen" }] };
		const ground = (from: number): Ground[] => [{ kind: "key", sha256: DIGEST, what: "a key of its signer", from }];
		const { list } = watching(document, { grounds: ground(0) });
		expect(list.denialOf("c".repeat(64))).toMatchObject({
			why: "the deny list names a key of its signer: stolen",
			mend: expect.stringContaining("another key"),
		});
		expect(watching(document, { grounds: ground(Date.now() + 60_000) }).list.denialOf(DIGEST)).toBeUndefined();
		expect(watching(document, { grounds: ground(Date.now() - 1) }).list.denialOf(DIGEST)?.reason).toBe("stolen");
	});

	it("cannot be kept from a denial by a program that replaces functions and prototypes", () => {
		const attacks: Record<string, () => () => void> = {
			"JSON.parse": () => replaced(JSON, "parse", () => ({ version: 1, deny: [] })),
			"Array.isArray": () => replaced(Array, "isArray", () => false),
			"Array.prototype.find": () => replaced(Array.prototype, "find", () => undefined),
			"Array.prototype[Symbol.iterator]": () => replaced(Array.prototype, Symbol.iterator, () => [][Symbol.iterator]()),
			"Object.hasOwn": () => replaced(Object, "hasOwn", () => false),
			"String.prototype.slice": () => replaced(String.prototype, "slice", () => ""),
			"String.prototype.charCodeAt": () => replaced(String.prototype, "charCodeAt", () => 0),
			"Date.now": () => replaced(Date, "now", () => 0),
			"process.hrtime.bigint": () => replaced(process.hrtime, "bigint", () => 0n),
			"Object.prototype.from": () => replaced(Object.prototype, "from", 1e18),
			"Object.prototype.deny": () => replaced(Object.prototype, "deny", []),
			"Object.prototype.next": () => replaced(Object.prototype, "next", undefined),
		};
		for (const [name, attack] of Object.entries(attacks)) {
			const grounds: Ground[] = [{ kind: "key", sha256: OTHER, what: "x", from: 0 }];
			const { list } = watching({ version: 1, deny: [...DENYING.deny, { key: OTHER, reason: "stolen" }] }, { grounds });
			const undo = attack();
			let found: string | undefined;
			try {
				found = list.denialOf("c".repeat(64))?.reason;
			} finally {
				undo();
			}
			expect(found, name).toBe("stolen");
		}
	});

	it("denies everything while a program makes the file look as it was, and says so", () => {
		for (const name of ["ctimeNs", "ino", "size", "mode", "uid"]) {
			const { list, events } = watching(DENYING);
			const undo = frozen(name);
			let found: string | undefined;
			try {
				found = list.denialOf(FREE)?.why;
			} finally {
				undo();
			}
			expect(found, name).toBe("the deny list cannot be read again: the program has changed Object.prototype");
			expect(events().at(-1), name).toMatchObject({ event: "verifier.reload", verdict: "audit" });
			expect(events().at(-1)?.detail, name).toBe("the program has changed Object.prototype");
			// Then the file is looked at again at once.
			expect([list.denialOf(FREE), list.denialOf(DIGEST)?.reason]).toEqual([undefined, "CVE"]);
		}
	});

	it("denies everything if nothing tells a file that is gone from a program that hides it", () => {
		const gone = watching(DENYING, { name: "none" });
		expect(gone.list.denialOf(FREE)).toBeUndefined();
		const hidden = watching(DENYING, { name: "none" });
		const undo = frozen("code");
		let found: string | undefined;
		try {
			found = hidden.list.denialOf(FREE)?.why;
		} finally {
			undo();
		}
		expect(found).toMatch(/^the deny list cannot be read again: ENOENT/);
	});
});

/** Replaces a member, and returns a function that brings the former back. */
function replaced(object: object, name: PropertyKey, value: unknown): () => void {
	const former = Object.getOwnPropertyDescriptor(object, name);
	Object.defineProperty(object, name, { value, configurable: true, writable: true });
	return () => {
		if (former === undefined) Reflect.deleteProperty(object, name);
		else Object.defineProperty(object, name, former);
	};
}

/** Keeps every object from getting a member of its own by assignment. */
function frozen(name: string): () => void {
	Object.defineProperty(Object.prototype, name, { get: () => 1n, set() {}, configurable: true });
	return () => {
		Reflect.deleteProperty(Object.prototype, name);
	};
}
