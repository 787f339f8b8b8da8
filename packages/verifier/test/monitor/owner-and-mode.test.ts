/** Tests that the monitor applies `files.owner` and `files.othersWrite` of the policy. */

import { chmodSync, chownSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTree, temporaryDirectory } from "../../../cli/test/support.js";
import { type OwnerAndModeRules, ownerOrModeObjection } from "../../dist/monitor/owner-and-mode.js";
import { indexOf, monitorFor, untrusted } from "../support.js";

const isRoot = process.getuid?.() === 0;
const ROOT: OwnerAndModeRules = { owner: "root" };
const REFUSE: OwnerAndModeRules = { othersWrite: "refuse" };

describe("ownerOrModeObjection()", () => {
	it.each<[rules: OwnerAndModeRules, uid: number, mode: number, reason: string | undefined]>([
		[{}, 1000, 0o100666, undefined],
		[{ owner: "any", othersWrite: "allow" }, 1000, 0o100666, undefined],
		[ROOT, 0, 0o100666, undefined],
		[ROOT, 1000, 0o100400, "ERR_FILE_OWNER"],
		// A file of a user whom a user namespace does not map has this owner.
		[ROOT, 65534, 0o100644, "ERR_FILE_OWNER"],
		[ROOT, 4294967295, 0o100644, "ERR_FILE_OWNER"],
		[REFUSE, 1000, 0o100755, undefined],
		[REFUSE, 1000, 0o104700, undefined],
		[REFUSE, 0, 0o100664, "ERR_FILE_WRITABLE"],
		[REFUSE, 0, 0o100646, "ERR_FILE_WRITABLE"],
		[REFUSE, 0, 0o100022, "ERR_FILE_WRITABLE"],
		[{ ...ROOT, ...REFUSE }, 0, 0o100644, undefined],
		[{ ...ROOT, ...REFUSE }, 1000, 0o100666, "ERR_FILE_OWNER"],
	])("%j makes of user %i and mode 0o%i: %s", (rules, uid, mode, reason) => {
		expect(ownerOrModeObjection(rules, uid, mode)?.reason).toBe(reason);
	});

	it("names owner and mode, whatever a program makes of numbers", () => {
		const original = Number.prototype.toString;
		try {
			Number.prototype.toString = () => "0";
			expect(ownerOrModeObjection(REFUSE, 1000, 0o106664)).toMatchObject({
				detail: "owner 1000, mode 6664",
				why: "its mode 6664 lets its group or others write it, and the policy refuses that",
				rule: "files",
			});
		} finally {
			Number.prototype.toString = original;
		}
	});
});

describe("the monitor with rules about owner and mode", () => {
	function tree() {
		const root = makeTree(join(realpathSync(temporaryDirectory()), "app"), {
			"a.js": "a()",
			"b.js": "b()",
			"link.js": { link: "b.js" },
		});
		const at = (path: string) => join(root, path);
		for (const path of ["a.js", "b.js"]) chmodSync(at(path), 0o644);
		return { index: indexOf(root), at };
	}

	it("refuses a file that its group or others may write, by every way, with an event that tells the mode", async () => {
		const { index, at } = tree();
		const { monitor, events } = monitorFor(index, { ownerAndMode: REFUSE });
		expect(Buffer.from(monitor.openCodeSync(at("link.js"), "module").bytes).toString()).toBe("b()");
		chmodSync(at("b.js"), 0o664);
		expect(() => monitor.openCodeSync(at("b.js"), "module")).toThrow(untrusted("ERR_FILE_WRITABLE"));
		expect(() => monitor.openCodeSync(at("link.js"), "module")).toThrow(untrusted("ERR_FILE_WRITABLE"));
		expect(() => monitor.readCodeSync(at("b.js"), "commonjs")).toThrow(untrusted("ERR_FILE_WRITABLE"));
		await expect(monitor.openCode(at("b.js"), "data")).rejects.toEqual(untrusted("ERR_FILE_WRITABLE"));
		expect(() => monitor.openCodeSync(at("b.js"), "addon")).toThrow(
			/its mode 0664 lets its group or others write it, and the policy refuses that \(ERR_FILE_WRITABLE; rule files, product "app", entry "b\.js", found [0-9a-f]{64}\); take the right to write/,
		);
		const owner = process.getuid?.();
		monitor.audit.flush();
		expect(events.filter(({ verdict }) => verdict === "refuse")[0]).toMatchObject({
			event: "module.open_code",
			reason: "ERR_FILE_WRITABLE",
			rule: "files",
			product: "app",
			entry: "b.js",
			detail: `owner ${owner}, mode 0664`,
		});
		chmodSync(at("b.js"), 0o755);
		expect(monitor.openCodeSync(at("b.js"), "module").verdict.trusted).toBe(true);
		expect(events.filter(({ verdict, detail }) => verdict === "allow" && detail !== undefined)).toEqual([]);
	});

	it.skipIf(!isRoot)("refuses a file of another user, and accepts it without the member (needs root)", () => {
		const { index, at } = tree();
		chownSync(at("a.js"), 1234, 0);
		const { monitor, events } = monitorFor(index, { ownerAndMode: { ...ROOT, ...REFUSE } });
		expect(monitor.openCodeSync(at("b.js"), "main").verdict.trusted).toBe(true);
		expect(() => monitor.openCodeSync(at("a.js"), "main")).toThrow(untrusted("ERR_FILE_OWNER"));
		expect(() => monitor.openCodeSync(at("a.js"), "main")).toThrow(/user 1234 owns it, and the policy demands root/);
		expect(events.find(({ verdict }) => verdict === "refuse")).toMatchObject({ detail: "owner 1234, mode 0644" });
		for (const ownerAndMode of [{}, { owner: "any", othersWrite: "allow" } as const, REFUSE]) {
			expect(monitorFor(index, { ownerAndMode }).monitor.openCodeSync(at("a.js"), "main").verdict.trusted).toBe(true);
		}
	});

	it("tells of a modified file first, since its content counts more", () => {
		const { index, at } = tree();
		writeFileSync(at("a.js"), "evil()");
		chmodSync(at("a.js"), 0o666);
		const { monitor } = monitorFor(index, { ownerAndMode: REFUSE });
		expect(() => monitor.openCodeSync(at("a.js"), "main")).toThrow(untrusted("ERR_FILE_MODIFIED"));
	});

	it("judges the file that a path leads to, and not the link", () => {
		const { index, at } = tree();
		chmodSync(at("b.js"), 0o666);
		symlinkSync(at("b.js"), join(at(".."), "outside.js"));
		const { monitor } = monitorFor(index, { ownerAndMode: REFUSE });
		expect(() => monitor.openCodeSync(join(at(".."), "outside.js"), "main")).toThrow(untrusted("ERR_FILE_WRITABLE"));
	});

	it("refuses nothing in mode audit, and the event says what enforcement would refuse", () => {
		const { index, at } = tree();
		chmodSync(at("a.js"), 0o662);
		const { monitor, events } = monitorFor(index, { mode: "audit", ownerAndMode: REFUSE });
		expect(Buffer.from(monitor.openCodeSync(at("a.js"), "main").bytes).toString()).toBe("a()");
		expect(events).toMatchObject(
			[{ verdict: "audit", reason: "ERR_FILE_WRITABLE", detail: /mode 0662$/ }].map(({ detail, ...others }) => ({
				...others,
				detail: expect.stringMatching(detail),
			})),
		);
	});
});
