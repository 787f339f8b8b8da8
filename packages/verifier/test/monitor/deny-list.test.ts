/** Looking at the deny list while a program runs that may have replaced functions and prototypes. */

import { chmodSync, closeSync, openSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../cli/test/support.js";
import { createAudit } from "../../dist/audit/audit.js";
import { addDenials, createDenyList, type Ground, noDenials } from "../../dist/monitor/deny-list.js";
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

describe("the deny list of a process that runs", () => {
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
		const told = { event: "verifier.reload", verdict: "record", path: file, reason: "ERR_HOST_CONFIG" };
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

	it.each(["ctimeNs", "mtimeNs", "ino", "size", "mode", "uid", "code"])(
		"reads the file as it is although a program catches assignments of %s",
		(name) => {
			for (const caught of [frozen, substituted]) {
				const { list } = watching(DENYING);
				const undo = caught(name);
				let found: string | undefined;
				try {
					// The attack works on an object whose prototype is not shielded.
					const unshielded: Record<string, unknown> = {};
					unshielded[name] = 5n;
					expect(unshielded[name]).toBe(1n);
					found = list.denialOf(DIGEST)?.reason;
				} finally {
					undo();
				}
				expect(found, caught.name).toBe("CVE");
			}
		},
	);

	it("denies everything while the process lacks what a look needs", () => {
		const { list, events } = watching(DENYING);
		const open: number[] = [];
		const limit = spawnSync("prlimit", ["--nofile=64:", "--pid", String(process.pid)]);
		expect(limit.status).toBe(0);
		let found: string | undefined;
		try {
			try {
				for (;;) open.push(openSync("/dev/null", "r"));
			} catch {
				found = list.denialOf(FREE)?.why;
			}
		} finally {
			for (const descriptor of open) closeSync(descriptor);
			spawnSync("prlimit", ["--nofile=1024:", "--pid", String(process.pid)]);
		}
		expect(found).toMatch(/^the deny list cannot be read again: EMFILE/);
		expect(events().at(-1)).toMatchObject({ event: "verifier.reload", verdict: "record" });
		// Then the file is looked at again at once.
		expect([list.denialOf(FREE), list.denialOf(DIGEST)?.reason]).toEqual([undefined, "CVE"]);
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

/** Does what `frozen` does for who asks only if the member is the object's own. */
function substituted(name: string): () => void {
	Object.defineProperty(Object.prototype, name, {
		set() {
			Object.defineProperty(this, name, { value: 1n, writable: true, enumerable: true, configurable: true });
		},
		configurable: true,
	});
	return () => {
		Reflect.deleteProperty(Object.prototype, name);
	};
}
