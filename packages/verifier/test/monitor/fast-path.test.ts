import {
	chmodSync,
	chownSync,
	closeSync,
	openSync,
	realpathSync,
	renameSync,
	symlinkSync,
	truncateSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { makeTree, temporaryDirectory } from "../../../cli/test/support.js";
import { createJudge } from "../../dist/monitor/judge.js";
import { loadKernelAddon } from "../../dist/monitor/kernel-addon.js";
import { createKernelCheck } from "../../dist/monitor/kernel-check.js";
import type { MonitorParts } from "../../dist/monitor/monitor.js";
import { createTerm, noSeenEnds } from "../../dist/monitor/term.js";
import { indexOf, monitorFor, sha256 } from "../support.js";

const addon = loadKernelAddon(fileURLToPath(new URL("../../dist/native/addon.node", import.meta.url)));
const readRegularFile = addon?.readRegularFile;

function tree() {
	const home = realpathSync(temporaryDirectory());
	const root = makeTree(join(home, "app"), {
		"a.js": "a()",
		"lib/b.js": "b()",
		"lib/größe.js": "größe()",
		"large.js": "x".repeat(3 << 20),
		"large-ö.js": "ö".repeat(3 << 20),
		"marked.js": "\ufeffmarked()",
		"empty.js": "",
		"current.js": { link: "lib/b.js" },
		alias: { link: "lib" },
	});
	writeFileSync(join(root, "bytes.wasm"), Buffer.from([0, 97, 115, 109, 0xff]));
	return { home, root, at: (path: string) => join(root, path) };
}

/**
 * Describes a change of the tree after signing, the path that is opened afterwards, and the parts of the monitor that
 * differ.
 */
interface Case {
	readonly name: string;
	/** The path, which is relative to the tree unless `asGiven` is set. */
	readonly path: string;
	readonly asGiven?: true;
	readonly change?: (at: (path: string) => string) => unknown;
	readonly parts?: Partial<MonitorParts>;
}

const STRICT = { owner: "root", othersWrite: "refuse" } as const;

/** Gives a.js an owner, if this is root, and a mode. */
function own(user: number, mode: number): NonNullable<Case["change"]> {
	return (at) => {
		if (process.getuid?.() === 0) chownSync(at("a.js"), user, 0);
		chmodSync(at("a.js"), mode);
	};
}

const CASES: readonly Case[] = [
	{ name: "a signed file", path: "a.js" },
	{ name: "a signed file that is not ASCII", path: "lib/größe.js" },
	{ name: "a signed file with a byte order mark", path: "marked.js" },
	{ name: "an empty file", path: "empty.js" },
	{ name: "bytes that are no text", path: "bytes.wasm" },
	{ name: "a file of some megabytes", path: "large.js", parts: { maxSizeBytes: 1 << 30 } },
	{ name: "a large file that is not ASCII", path: "large-ö.js", parts: { maxSizeBytes: 1 << 30 } },
	{ name: "a changed file", path: "a.js", change: (at) => writeFileSync(at("a.js"), "b()") },
	{ name: "a longer file", path: "a.js", change: (at) => writeFileSync(at("a.js"), "a();evil()") },
	{ name: "a signed file in another's place", path: "a.js", change: (at) => renameSync(at("lib/b.js"), at("a.js")) },
	{ name: "an added file", path: "new.js", change: (at) => writeFileSync(at("new.js"), "a()") },
	{ name: "no file", path: "a.js", change: (at) => unlinkSync(at("a.js")) },
	{ name: "a file outside", path: "../out.js", change: (at) => writeFileSync(at("../out.js"), "a()") },
	{ name: "a file used as a directory", path: "a.js/b.js" },
	{ name: "a directory", path: "lib" },
	{ name: "a FIFO", path: "new.js", change: (at) => execFileSync("mkfifo", ["-m", "600", at("new.js")]) },
	{ name: "a device", path: "/dev/null", asGiven: true },
	{ name: "a signed link", path: "current.js" },
	{ name: "a file behind a signed link", path: "alias/b.js" },
	{ name: "an added link", path: "new.js", change: (at) => symlinkSync("a.js", at("new.js")) },
	{
		name: "a link in a file's place",
		path: "a.js",
		change: (at) => {
			renameSync(at("a.js"), at("b.js"));
			symlinkSync("b.js", at("a.js"));
		},
	},
	{
		name: "a link led elsewhere",
		path: "alias/b.js",
		change: (at) => {
			unlinkSync(at("alias"));
			symlinkSync(".", at("alias"));
		},
	},
	{ name: "a path through ..", path: "lib/../a.js" },
	{ name: "a path with empty steps", path: "lib//b.js" },
	{ name: "a path with a dot", path: "./lib/./b.js" },
	{ name: "a path that ends in a slash", path: "a.js/" },
	{ name: "a relative path", path: "package.json", asGiven: true },
	{ name: "a path with a NUL", path: "a.js\0.js" },
	{ name: "a path that is too long", path: "x/".repeat(4096) },
	{ name: "a descriptor of this process", path: "/proc/self/fd/0", asGiven: true },
	{ name: "a file above the policy's size", path: "lib/b.js", parts: { maxSizeBytes: 2 } },
	{ name: "a file of the policy's size", path: "lib/b.js", parts: { maxSizeBytes: 3 } },
	{ name: "a sparse file of a terabyte", path: "a.js", change: (at) => truncateSync(at("a.js"), 2 ** 40) },
	{
		name: "a changed file in audit mode",
		path: "a.js",
		change: (at) => writeFileSync(at("a.js"), "b()"),
		parts: { mode: "audit" },
	},
	{ name: "a file of root alone", path: "a.js", change: own(0, 0o644), parts: { ownerAndMode: STRICT } },
	{ name: "a file of another user", path: "a.js", change: own(1234, 0o644), parts: { ownerAndMode: STRICT } },
	{ name: "a file that its group may write", path: "a.js", change: own(0, 0o664), parts: { ownerAndMode: STRICT } },
	{ name: "a file that others may write", path: "a.js", change: own(0, 0o646), parts: { ownerAndMode: STRICT } },
	{ name: "a file of anybody", path: "a.js", change: own(1234, 0o666) },
	{ name: "a large file in audit mode", path: "a.js", parts: { mode: "audit", maxSizeBytes: 1 } },
];

describe.skipIf(readRegularFile === undefined)("the fast path (needs the addon)", () => {
	/** Returns the content or the error, and the events. */
	function outcome(index: ReturnType<typeof indexOf>, path: string, parts: Partial<MonitorParts>) {
		const { monitor, events } = monitorFor(index, { kernel: createKernelCheck("log", addon), ...parts });
		let result: unknown;
		try {
			result = Buffer.from(monitor.readCodeSync(path, "commonjs")).toString("hex");
		} catch (error) {
			const { code, message, cause } = error as Error & { code?: string };
			result = [code, message, (cause as { code?: string } | undefined)?.code];
		}
		monitor.audit.flush();
		return { result, events: events.map(({ time, ...others }) => others) };
	}

	it.each(CASES)("has the same result as the full path: $name", ({ path, asGiven, change, parts = {} }) => {
		const { root, at } = tree();
		const index = indexOf(root);
		change?.(at);
		const given = asGiven === true ? path : `${root}/${path}`;
		expect(outcome(index, given, { ...parts, readRegularFile })).toEqual(outcome(index, given, parts));
	});

	it("is used only for files that are exactly as signed", () => {
		const { root, at } = tree();
		let fullPathCount = 0;
		const judge = createJudge(indexOf(root), [], []);
		const counting = {
			...judge,
			decide(...given: Parameters<typeof judge.decide>) {
				fullPathCount++;
				return judge.decide(...given);
			},
		};
		const { monitor } = monitorFor(indexOf(root), { judge: counting, readRegularFile });
		for (const path of ["a.js", "lib/b.js", "lib/größe.js", "empty.js"]) monitor.readCodeSync(at(path), "commonjs");
		expect(fullPathCount).toBe(0);
		if (process.getuid?.() === 0) {
			const parts = { judge: counting, readRegularFile, ownerAndMode: STRICT };
			monitorFor(indexOf(root), parts).monitor.readCodeSync(at("a.js"), "commonjs");
			expect(fullPathCount).toBe(0);
		}
		for (const path of ["current.js", "bytes.wasm"]) monitor.readCodeSync(at(path), "commonjs");
		expect(fullPathCount).toBe(2);
	});

	it("refuses a file on the deny list", () => {
		const { root, at } = tree();
		const deny = [{ kind: "file", sha256: sha256("a()"), reason: "worm" }] as const;
		const { monitor } = monitorFor(indexOf(root), { judge: createJudge(indexOf(root), [], deny), readRegularFile });
		expect(() => monitor.readCodeSync(at("a.js"), "commonjs")).toThrow(/ERR_DENIED/);
		expect(monitor.readCodeSync(at("lib/b.js"), "commonjs")).toBe("b()");
	});

	it.each(["refuse", "run"] as const)("after the end of the index follows the host: %s", (onExpiry) => {
		const { root, at } = tree();
		const notAfter = Date.now() + 2_000; // A busy machine needs half a second until the first load.
		const term = createTerm([{ what: "index", notAfter }], onExpiry, noSeenEnds(), undefined);
		const judge = createJudge(indexOf(root, "app", { notAfter }), [], [], { term });
		const { monitor } = monitorFor(indexOf(root), { judge, readRegularFile });
		expect(monitor.readCodeSync(at("a.js"), "commonjs")).toBe("a()");
		while (Date.now() <= notAfter) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
		if (onExpiry === "run") expect(monitor.readCodeSync(at("a.js"), "commonjs")).toBe("a()");
		else expect(() => monitor.readCodeSync(at("a.js"), "commonjs")).toThrow(/ERR_INDEX_EXPIRED/);
	});

	it("refuses a file that is open for writing, if it has an execute bit", (context) => {
		if (addon?.kernelAnswers() !== true) context.skip("Linux before 6.14");
		const { root, at } = tree();
		chmodSync(at("a.js"), 0o755);
		const { monitor } = monitorFor(indexOf(root), { kernel: createKernelCheck("log", addon), readRegularFile });
		const writer = openSync(at("a.js"), "r+");
		expect(() => monitor.readCodeSync(at("a.js"), "commonjs")).toThrow(/open for writing/);
		closeSync(writer);
		expect(monitor.readCodeSync(at("a.js"), "commonjs")).toBe("a()");
	});

	it("raises its event to hooks and sinks before it returns the content", () => {
		const { root, at } = tree();
		const { monitor, events } = monitorFor(indexOf(root), { readRegularFile });
		monitor.audit.addHook(({ event, path }) => {
			if (event === "module.open_code" && path === at("lib/b.js")) throw new Error("no");
		});
		expect(monitor.readCodeSync(at("a.js"), "json")).toBe("a()");
		expect(() => monitor.readCodeSync(at("lib/b.js"), "json")).toThrow(
			expect.objectContaining({ code: "ERR_AUDIT_HOOK" }),
		);
		expect(events).toMatchObject([
			{ event: "verifier.addhook" },
			{
				event: "module.open_code",
				verdict: "allow",
				use: "json",
				path: at("a.js"),
				sha256: sha256("a()"),
				entry: "a.js",
			},
			{ event: "module.open_code", verdict: "refuse", reason: "ERR_AUDIT_HOOK", path: at("lib/b.js") },
		]);
	});

	it("returns the type of a signed package.json, or that the file is absent, and nothing for any other", () => {
		const { root, at } = tree();
		for (const folder of ["changed", "added", "linked"])
			makeTree(at(folder), { "package.json": '{ "type": "module" }' });
		const index = indexOf(root);
		writeFileSync(at("changed/package.json"), '{ "type": "commonjs" }');
		renameSync(at("added/package.json"), at("added.json"));
		symlinkSync("../changed/package.json", at("linked/link.json"));
		const { monitor, events } = monitorFor(index, { readPackageType: addon?.readPackageType });
		const typeOf = (path: string) => monitor.packageTypeOf(at(path));
		expect(typeOf("linked/package.json")).toBe("module");
		for (const path of ["changed/package.json", "added.json", "linked/link.json", "a.js"])
			expect(typeOf(path)).toBeUndefined();
		for (const path of ["added/package.json", "none/package.json"]) expect(typeOf(path)).toBe("absent");
		monitor.audit.flush();
		expect(events).toMatchObject([{ verdict: "allow", use: "json", path: at("linked/package.json") }]);
		const denied = monitorFor(index, { readPackageType: addon?.readPackageType }).monitor;
		denied.audit.addHook(() => {
			throw new Error("no");
		});
		expect(() => denied.packageTypeOf(at("linked/package.json"))).toThrow(/no/);
		expect(monitorFor(index).monitor.packageTypeOf(at("linked/package.json"))).toBeUndefined();
	});

	it("leaves no descriptor behind", () => {
		const { root, at } = tree();
		const { monitor } = monitorFor(indexOf(root), { readRegularFile });
		const next = () => {
			const descriptor = openSync(at("a.js"), "r");
			closeSync(descriptor);
			return descriptor;
		};
		const before = next();
		for (let i = 0; i < 2000; i++) monitor.readCodeSync(at(i % 2 === 0 ? "a.js" : "lib/größe.js"), "commonjs");
		expect(next()).toBe(before);
	});
});
