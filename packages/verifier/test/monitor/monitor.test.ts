import {
	chmodSync,
	chownSync,
	mkdirSync,
	readFileSync,
	realpathSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileRulesOf } from "@sigtool/core/internal/read";
import { parsePolicy } from "@sigtool/core/read";
import { expect, test } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { makeTree, temporaryDirectory } from "../../../cli/test/support.js";
import { addDenials, createDenyList, noDenials } from "../../dist/monitor/deny-list.js";
import { createJudge } from "../../dist/monitor/judge.js";
import { openCodeSync } from "../../dist/monitor/open-code.js";
import type { OwnerAndModeRules } from "../../dist/monitor/owner-and-mode.js";
import { createTerm, noSeenEnds } from "../../dist/monitor/term.js";
import { indexOf, monitorFor, refusal, sha256, untrusted } from "../support.js";

function tree() {
	const home = realpathSync(temporaryDirectory());
	const root = makeTree(join(home, "app"), {
		"a.js": "a()",
		"lib/b.js": "b()",
		"empty.js": "",
		"current.js": { link: "lib/b.js" },
		alias: { link: "lib" },
	});
	return { home, root, at: (path: string) => join(root, path) };
}

test("openCodeSync() hands out signed bytes, with an event", () => {
	const { root, at } = tree();
	const { monitor, events } = monitorFor(indexOf(root));
	const { bytes, realPath, verdict } = monitor.openCodeSync(at("lib/b.js"), "commonjs");
	expect(Buffer.from(bytes).toString()).toBe("b()");
	expect(realPath).toBe(at("lib/b.js"));
	expect(verdict).toMatchObject({ trusted: true, product: "app", entry: "lib/b.js", sha256: sha256("b()") });
	expect(monitor.openCodeSync(at("empty.js"), "json").bytes).toHaveLength(0);
	monitor.audit.flush();
	expect(events[0]).toMatchObject({ event: "module.open_code", verdict: "allow", use: "commonjs", path: realPath });
});

test("openCode() does the same asynchronously", async () => {
	const { root, at } = tree();
	const { monitor } = monitorFor(indexOf(root));
	expect(Buffer.from((await monitor.openCode(at("a.js"), "data")).bytes).toString()).toBe("a()");
	writeFileSync(at("a.js"), "evil()");
	await expect(monitor.openCode(at("a.js"), "data")).rejects.toEqual(untrusted("ERR_FILE_MODIFIED"));
	await expect(monitor.openCode(at("none.js"), "data")).rejects.toEqual(refusal("ENOENT"));
});

test("openCodeSync() follows signed links, also of directories", () => {
	const { root, at } = tree();
	const { monitor } = monitorFor(indexOf(root));
	for (const path of ["current.js", "alias/b.js", "alias/../alias/./b.js"]) {
		expect(monitor.openCodeSync(at(path), "module").realPath).toBe(at("lib/b.js"));
	}
});

test("openCodeSync() follows links outside the products to files inside them", () => {
	const { home, root, at } = tree();
	symlinkSync(root, join(home, "now"));
	const { monitor } = monitorFor(indexOf(root));
	expect(monitor.openCodeSync(join(home, "now/a.js"), "module").realPath).toBe(at("a.js"));
});

test("openCodeSync() refuses links that were not signed, or not with that target", () => {
	const { root, at } = tree();
	const { monitor } = monitorFor(indexOf(root));
	symlinkSync("a.js", at("new.js"));
	unlinkSync(at("current.js"));
	symlinkSync("a.js", at("current.js"));
	renameSync(at("lib"), at("moved"));
	makeTree(at("lib"), {});
	symlinkSync("../moved/b.js", at("lib/b.js"));
	expect(() => monitor.openCodeSync(at("new.js"), "module")).toThrow(untrusted("ERR_LINK_CHANGED"));
	expect(() => monitor.openCodeSync(at("current.js"), "module")).toThrow(untrusted("ERR_LINK_CHANGED"));
	expect(() => monitor.openCodeSync(at("lib/b.js"), "module")).toThrow(untrusted("ERR_FILE_ADDED"));
});

test("openCodeSync() refuses a file that is not signed under its name, and names the way out", () => {
	const { home, root, at } = tree();
	const { monitor, events } = monitorFor(indexOf(root));
	writeFileSync(at("new.js"), "a()");
	writeFileSync(join(home, "outside.js"), "a()");
	writeFileSync(at("lib/b.js"), "a()");
	expect(() => monitor.openCodeSync(at("new.js"), "module")).toThrow(untrusted("ERR_FILE_ADDED"));
	expect(() => monitor.openCodeSync(join(home, "outside.js"), "module")).toThrow(untrusted("ERR_OUTSIDE_PRODUCTS"));
	expect(() => monitor.openCodeSync(at("lib/b.js"), "module")).toThrow(
		`Cannot load "${at("lib/b.js")}": it was modified (ERR_FILE_MODIFIED; rule entry, product "app", ` +
			`entry "lib/b.js", found ${sha256("a()")}, signed ${sha256("b()")}); restore the signed file`,
	);
	expect(events.map(({ verdict, reason }) => [verdict, reason])).toEqual([
		["refuse", "ERR_FILE_ADDED"],
		["refuse", "ERR_OUTSIDE_PRODUCTS"],
		["refuse", "ERR_FILE_MODIFIED"],
	]);
	expect(events[2]).toMatchObject({ sha256: sha256("a()"), expected: sha256("b()"), entry: "lib/b.js" });
});

test("openCodeSync() does not wait for a FIFO, and reads nothing above the policy's size", () => {
	const { root, at } = tree();
	const index = indexOf(root);
	unlinkSync(at("a.js"));
	execFileSync("mkfifo", [at("a.js")]);
	const { monitor } = monitorFor(index, { maxSizeBytes: 2 });
	expect(() => monitor.openCodeSync(at("a.js"), "module")).toThrow(untrusted("ERR_FILE_TYPE"));
	expect(() => monitor.openCodeSync(root, "module")).toThrow(untrusted("ERR_FILE_TYPE"));
	truncateSync(at("empty.js"), 2 ** 40); // The file is sparse. Reading all of it would fail.
	expect(() => monitor.openCodeSync(at("empty.js"), "module")).toThrow(untrusted("ERR_LIMIT"));
	expect(() => monitor.openCodeSync(at("empty.js"), "module")).toThrow(
		/no policy can allow more than 2147483647.*split/,
	);
	truncateSync(at("empty.js"), 3);
	expect(() => monitor.openCodeSync(at("empty.js"), "module")).toThrow(
		/the policy allows 2 .*raise files\.maxSizeBytes/,
	);
});

test("openCodeSync() returns the bytes it hashed, whatever happens to the file afterwards", () => {
	const { root, at } = tree();
	const { monitor } = monitorFor(indexOf(root));
	monitor.audit.addHook(({ event }) => {
		if (event === "module.open_code") writeFileSync(at("a.js"), "evil()");
	});
	expect(Buffer.from(monitor.openCodeSync(at("a.js"), "module").bytes).toString()).toBe("a()");
	expect(readFileSync(at("a.js"), "utf8")).toBe("evil()"); // A load by path after the check would run this text.
	expect(() => monitor.openCodeSync(at("a.js"), "module")).toThrow(untrusted("ERR_FILE_MODIFIED"));
});

test("in audit mode everything is handed out, and the event says what enforcement would refuse", () => {
	const { root, at } = tree();
	const { monitor, events } = monitorFor(indexOf(root), { mode: "audit", maxSizeBytes: 3 });
	writeFileSync(at("a.js"), "changed()");
	expect(Buffer.from(monitor.openCodeSync(at("a.js"), "module").bytes).toString()).toBe("changed()");
	monitor.rule("vm.compile", { kind: "Script" }, "refuse");
	monitor.rule("code.string", { kind: "REPL" }, "record");
	expect(events).toMatchObject([
		{ verdict: "audit", reason: "ERR_FILE_MODIFIED" },
		{ event: "vm.compile", verdict: "audit", reason: "ERR_RUNTIME_RULE", kind: "Script" },
		{ event: "code.string", verdict: "record", kind: "REPL" },
	]);
	expect(events[2]).not.toHaveProperty("reason");
});

test("rule() refuses after the event, and returns when the policy allows it", () => {
	const { root } = tree();
	const { monitor, events } = monitorFor(indexOf(root));
	expect(() => monitor.rule("wasm.compile", { sizeBytes: 8 }, "refuse")).toThrow(
		'Cannot go on with wasm.compile (sizeBytes "8"): the policy refuses it',
	);
	monitor.rule("wasm.compile", { sizeBytes: 8 }, "record");
	monitor.rule("wasm.compile", { sizeBytes: 8 }, "allow");
	monitor.audit.flush();
	expect(events.map(({ verdict }) => verdict)).toEqual(["refuse", "record", "allow"]);
});

test("rule() says how to allow an action, or that nothing does", () => {
	const { root } = tree();
	const { monitor } = monitorFor(indexOf(root));
	const strict = monitorFor(indexOf(root), { mode: "strict" }).monitor;
	const spawn = { file: "/bin/sh" };
	const refusal = 'Cannot go on with child_process.spawn (file "/bin/sh"): ';
	expect(() => monitor.rule("child_process.spawn", spawn, "refuse")).toThrow(
		`${refusal}the policy refuses it; to allow it, set runtime.children in the policy, compile again, and start without the launcher, which allows no child`,
	);
	expect(() => strict.rule("child_process.spawn", spawn, "refuse")).toThrow(
		`${refusal}mode strict refuses it, whatever the policy says`,
	);
	expect(() => monitor.rule("worker.spawn", { kind: "SHARE_ENV" }, "never")).toThrow(
		'Cannot go on with worker.spawn (kind "SHARE_ENV"): it is refused whatever the policy says',
	);
});

test("decide() judges bytes by the given path, without an event", () => {
	const { root, at } = tree();
	const { monitor, events } = monitorFor(indexOf(root));
	expect(monitor.decide(at("a.js"), Buffer.from("a()"))).toMatchObject({ trusted: true, entry: "a.js" });
	expect(monitor.decide(at("a.js"), Buffer.from("b()"))).toMatchObject({ trusted: false, reason: "ERR_FILE_MODIFIED" });
	expect(monitor.decide(at("lib/b.js"), Buffer.from("a()"))).toMatchObject({ reason: "ERR_FILE_MODIFIED" });
	expect(monitor.decide(at("lib"), Buffer.from("a()"))).toMatchObject({ reason: "ERR_FILE_ADDED" });
	monitor.audit.flush();
	expect(events).toEqual([]);
});

test("the deny list overrides every signature", () => {
	const { root, at } = tree();
	const deny = [{ kind: "file", sha256: sha256("a()"), reason: "CVE-2026-1" }] as const;
	const { monitor } = monitorFor(indexOf(root), { judge: createJudge(indexOf(root), [], deny) });
	expect(() => monitor.openCodeSync(at("a.js"), "module")).toThrow(/the deny list names it: CVE-2026-1/);
	const catalog = [{ kind: "catalog", sha256: sha256("catalog"), reason: "withdrawn" }] as const;
	expect(() => createJudge(indexOf(root), [], catalog)).toThrow(refusal("ERR_DENIED"));
});

test("an index is refused for an unexpected product, an old sequence, or after its expiry", () => {
	const { root } = tree();
	const bound = (name: string, minimumSequence?: number) => [
		{ name, root: undefined, minimumSequence, minimumCompiled: undefined },
	];
	expect(() => createJudge(indexOf(root), bound("other"), [])).toThrow(refusal("ERR_PRODUCT_MISMATCH"));
	expect(() => createJudge(indexOf(root), bound("app", 3), [])).toThrow(refusal("ERR_SEQUENCE"));
	expect(() => createJudge(indexOf(root, "app", { sequence: 2 }), bound("app", 3), [])).toThrow(
		refusal("ERR_SEQUENCE"),
	);
	createJudge(indexOf(root, "app", { sequence: 3 }), bound("app", 3), []);
	// An index from before indexes had a sequence is older than any.
	const demanding = [{ name: "app", root: undefined, minimumSequence: undefined, minimumCompiled: 1 }];
	expect(() => createJudge(indexOf(root), demanding, [])).toThrow(refusal("ERR_SEQUENCE"));
	createJudge({ ...indexOf(root), compiled: 1 }, demanding, []);
	expect(() => createJudge(indexOf(root, "app", { notAfter: 1 }), [], [])).toThrow(refusal("ERR_INDEX_EXPIRED"));
});

test("the root that the host binds to a product overrides the recorded one", () => {
	const { home, root, at } = tree();
	const index = indexOf(root);
	const bounds = [
		{ name: "app", root: join(home, "deployed"), minimumSequence: undefined, minimumCompiled: undefined },
	];
	renameSync(root, join(home, "deployed"));
	const { monitor } = monitorFor(index, { judge: createJudge(index, bounds, []) });
	expect(monitor.openCodeSync(join(home, "deployed/a.js"), "main").verdict.trusted).toBe(true);
	mkdirSync(root);
	writeFileSync(at("a.js"), "a()");
	expect(() => monitor.openCodeSync(at("a.js"), "main")).toThrow(untrusted("ERR_OUTSIDE_PRODUCTS"));
	rmSync(root, { recursive: true });
});

test("of several reasons the first in the order of docs/reference/verifier.md counts", async () => {
	const { home, root, at } = tree();
	const outside = join(makeTree(join(home, "else"), { "x.js": "x()" }), "x.js");
	const index = (notAfter?: number) => indexOf(root, "app", { notAfter });
	const deny = [{ kind: "file", sha256: sha256("x()"), reason: "CVE" }] as const;
	const start = Date.now();
	const soon = start + 50;
	const ending = (what: "index" | "certificate") => {
		return { at: start, term: createTerm([{ what, notAfter: soon }], "refuse", noSeenEnds(), undefined) };
	};
	const judges = {
		now: createJudge(index(), [], []),
		ruled: createJudge(index(), [], [], {
			rules: fileRulesOf(parsePolicy({ version: 1, rules: [{ deny: { name: "b.js" } }] }), Date.now()),
		}),
		ended: createJudge(index(), [], [], ending("certificate")),
		expired: createJudge(index(soon), [], [], ending("index")),
		denying: createJudge(index(soon), [], deny, {
			...ending("index"),
			denyList: createDenyList(addDenials(noDenials(), deny), [], undefined, undefined),
		}),
	};
	const strict = { owner: "root", othersWrite: "refuse" } as const;
	const reasonOf = (
		path: string,
		judge: keyof typeof judges,
		maxSizeBytes = 100,
		ownerAndMode: OwnerAndModeRules = strict,
	) => {
		const kernel = { objection: () => "its mount is noexec", admits: () => false, capabilities: [] };
		const rules = { judge: judges[judge], kernel, maxSizeBytes, ownerAndMode, sizes: "bounded" } as const;
		const { verdict } = openCodeSync(path, rules);
		return verdict.trusted ? "trusted" : verdict.reason;
	};
	while (Date.now() <= soon) await new Promise((done) => setTimeout(done, 10));
	unlinkSync(at("alias"));
	symlinkSync("./lib", at("alias"));
	writeFileSync(at("added.js"), "added()");
	for (const path of [at("a.js"), at("lib/b.js"), at("added.js"), outside]) {
		if (process.getuid?.() === 0) chownSync(path, 1234, 0);
		chmodSync(path, 0o666);
	}
	const found = [
		reasonOf(root, "denying", 0),
		reasonOf(outside, "denying", 1),
		reasonOf(outside, "denying"),
		reasonOf(outside, "expired"),
		reasonOf(outside, "ended"),
		reasonOf(outside, "now"),
		reasonOf(at("added.js"), "now"),
		reasonOf(at("alias/b.js"), "ruled"),
		reasonOf(at("alias/b.js"), "now"),
		reasonOf(at("a.js"), "now"),
		reasonOf(at("a.js"), "now", 100, { othersWrite: "refuse" }),
		reasonOf(at("a.js"), "now", 100, {}),
	];
	writeFileSync(at("lib/b.js"), "evil()");
	found.splice(7, 0, reasonOf(at("alias/b.js"), "now"));
	const page = readFileSync(new URL("../../../../docs/reference/verifier.md", import.meta.url), "utf8");
	const [, order = ""] = /first in this order counts[^:]*:\s+([^.]*)\./.exec(page) ?? [];
	expect(found.map((code) => `\`${code}\``)).toEqual(order.split(/,\s+/));
});
