/** Starts processes that share one copy of an index, and attacks the copy and the record by which it is found. */

import { createHash } from "node:crypto";
import {
	chmodSync,
	chownSync,
	copyFileSync,
	existsSync,
	linkSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { identityOf } from "../../packages/cli/dist/launcher/launcher-conf.js";
import { canBeHost, Host } from "../host/host.js";
import { RUNTIMES, type Runtime } from "../host/runtimes.js";
import { spawnSync } from "../outside.js";
import { AskedProcess, programOf } from "./asked-process.js";

/** The paths in this directory are so long that 2,100 of them make an index of 4 MB. */
const DEEP = Array.from({ length: 8 }, (_, level) => `${level}`.repeat(240)).join("/");

class Sharing extends Host {
	declare readonly runtime: Runtime;

	constructor(runtime: Runtime, { files = 0, mode = "enforce" } = {}) {
		super({ runtime });
		const many = Array.from({ length: files }, (_, file) => [`${DEEP}/${file}`, ""]);
		this.release("app", { ...programOf(runtime, 1), ...Object.fromEntries(many) }, 1);
		this.compile("app", "app.sigx");
		this.bind("app");
		this.install({ mode });
	}

	get indexes(): string {
		return this.at("lib/indexes");
	}

	get copy(): string {
		const [, digest] = /^digest (\w+)$/m.exec(readFileSync(this.record, "utf8")) ?? [];
		return join(this.indexes, `${digest}.sigx`);
	}

	/** The record of the index as it is now. */
	get record(): string {
		return join(this.indexes, identityOf(this.index));
	}

	/** Changes members of the record, as only root can. By default the copy counts as it is now. */
	rewriteRecord(members: Readonly<Record<string, string>> = { identity: identityOf(this.copy) }): void {
		const lines = readFileSync(this.record, "utf8").trimEnd().split("\n");
		const changed = lines.map((line) => {
			const [key = ""] = line.split(" ");
			return members[key] === undefined ? line : `${key} ${members[key]}`;
		});
		rmSync(this.record);
		writeFileSync(this.record, `${changed.join("\n")}\n`, { mode: 0o444 });
	}

	open(): SharingProcess {
		return new SharingProcess(...this.command());
	}

	/** Starts a process, and returns which index it has mapped. */
	async mapped(): Promise<"shared" | "own"> {
		const process = this.open();
		expect([await process.line(), process.stderr]).toEqual(["release 1", ""]);
		const mappings = process.indexMappings();
		expect([await process.stop(), process.stderr]).toEqual([0, ""]);
		expect(mappings).toHaveLength(1);
		return mappings[0]?.path.startsWith(this.indexes) === true ? "shared" : "own";
	}

	checkSharing(): { status: number | null; said: readonly { status: string; says: string }[] } {
		const run = this.check("--json");
		const { findings } = run.json() as { findings: { what: string; status: string; says: string }[] };
		return { status: run.status, said: findings.filter(({ what }) => what === "shared index") };
	}
}

interface Mapping {
	readonly path: string;
	readonly permissions: string;
	readonly own: number;
	readonly pss: number;
}

class SharingProcess extends AskedProcess {
	/**
	 * Returns the mappings of trust indexes: shared copies, and sealed memory of the launcher. Sizes are in bytes. The gate
	 * and the addon of Node.js both map the same file, which counts as one mapping.
	 */
	indexMappings(): readonly Mapping[] {
		const text = readFileSync(`/proc/${this.pid}/smaps`, "utf8");
		const all = text.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((mapping) => {
			const [, permissions = "", path = ""] = /^\S+ (\S+) \S+ \S+ \S+ +(.*)$/m.exec(mapping) ?? [];
			if (!/\.sigx( \(deleted\))?$|memfd:sigtool-index/.test(path)) return [];
			const bytes = (key: string) => 1024 * Number(new RegExp(`^${key}: +(\\d+) kB$`, "m").exec(mapping)?.[1]);
			return { path, permissions, own: bytes("Private_Dirty"), pss: bytes("Pss") };
		});
		const files = new Map<string, Mapping>();
		for (const { path, permissions, own, pss } of all) {
			const known = files.get(path + permissions) ?? { path, permissions, own: 0, pss: 0 };
			files.set(path + permissions, { ...known, own: known.own + own, pss: known.pss + pss });
		}
		return [...files.values()];
	}

	/** Returns the bytes that only this process has in memory. */
	ownMemory(): number {
		const text = readFileSync(`/proc/${this.pid}/smaps_rollup`, "utf8");
		const bytes = (key: string) => 1024 * Number(new RegExp(`^${key}: +(\\d+) kB$`, "m").exec(text)?.[1]);
		return bytes("Private_Clean") + bytes("Private_Dirty");
	}
}

/** Starts processes, waits for all, and returns the smallest memory of one, which the timing of collections varies. */
async function ownMemoryOf(sharing: Sharing, count: number): Promise<number> {
	const processes = Array.from({ length: count }, () => sharing.open());
	for (const process of processes) expect([await process.line(), process.stderr]).toEqual(["release 1", ""]);
	const memory = processes.map((process) => process.ownMemory());
	for (const process of processes) expect(await process.stop()).toBe(0);
	return Math.min(...memory);
}

describe.skipIf(!canBeHost)("an index that processes share (needs root, and the launcher built)", () => {
	it.each(RUNTIMES)(
		"6 processes of $name have one copy of an index of 4 MB, and at most 2 MB more each than with a small one",
		async (runtime) => {
			const sharing = new Sharing(runtime, { files: 2100 });
			const { size } = lstatSync(sharing.copy);
			expect(size).toBeGreaterThan(4e6);
			const processes = Array.from({ length: 6 }, () => sharing.open());
			for (const process of processes) expect([await process.line(), process.stderr]).toEqual(["release 1", ""]);
			expect(await processes[0]?.ask("apart late")).toBe("late 1");
			for (const process of processes) {
				const mappings = process.indexMappings();
				expect(mappings).toEqual([expect.objectContaining({ path: sharing.copy, permissions: "r--s", own: 0 })]);
				// Some pages are in all six processes, others in a few of them.
				expect(mappings[0]?.pss).toBeLessThan(size / 2);
			}
			for (const process of processes) expect([await process.stop(), process.stderr]).toEqual([0, ""]);
			const small = new Sharing(runtime);
			expect((await ownMemoryOf(sharing, 4)) - (await ownMemoryOf(small, 4))).toBeLessThan(2e6);
			// Without a copy to share, each process has the whole index in sealed memory of its own.
			rmSync(sharing.indexes, { recursive: true });
			const unshared = [sharing.open(), sharing.open()];
			for (const process of unshared) expect([await process.line(), process.stderr]).toEqual(["release 1", ""]);
			for (const process of unshared) expect(process.indexMappings()[0]?.pss).toBeGreaterThan(3e6);
			for (const process of unshared) expect(await process.stop()).toBe(0);
		},
	);

	it.each(RUNTIMES)(
		"$name goes on from the old index while a new one is copied over it, and shares the new one when told",
		async (runtime) => {
			const sharing = new Sharing(runtime);
			expect(sharing.checkSharing()).toEqual({ status: 0, said: [expect.objectContaining({ status: "ok" })] });
			const old = sharing.open();
			expect(await old.line()).toBe("release 1");
			const oldCopy = sharing.copy;
			sharing.release("next", programOf(runtime, 2), 2);
			sharing.compile("next", "next.sigx");
			// The index loses its end, then gets other bytes, in the file that was opened at the start.
			truncateSync(sharing.index, 100);
			expect(await old.ask("here late")).toBe("late 1");
			copyFileSync(sharing.at("next.sigx"), sharing.index);
			expect([await old.ask("apart late"), old.stderr]).toEqual(["late 1", ""]);
			sharing.bind("next");
			const process = new SharingProcess(...sharing.command({ script: sharing.at(`next/${sharing.main}`) }));
			expect([await process.line(), process.stderr]).toEqual(["release 2", ""]);
			expect(process.indexMappings()).toEqual([expect.objectContaining({ path: expect.stringContaining("memfd") })]);
			expect(await process.stop()).toBe(0);

			const shared = sharing.do(["launcher", "share", ...sharing.prefix, "--json"]).json();
			expect(shared).toMatchObject({ shared: [{ index: sharing.index, changed: true }] });
			expect(sharing.do(["launcher", "share", ...sharing.prefix, "--json"]).json()).toMatchObject({
				shared: [{ index: sharing.index, changed: false }],
			});
			expect([existsSync(oldCopy), sharing.copy]).toEqual([false, shared.shared[0].copy]);
			const next = new SharingProcess(...sharing.command({ script: sharing.at(`next/${sharing.main}`) }));
			expect(await next.line()).toBe("release 2");
			expect(next.indexMappings()).toEqual([expect.objectContaining({ path: sharing.copy })]);
			expect(old.indexMappings()).toEqual([expect.objectContaining({ path: `${oldCopy} (deleted)` })]);
			expect([await old.ask("here later"), old.stderr]).toEqual(["later 1", ""]);
			for (const each of [old, next]) expect([await each.stop(), each.stderr]).toEqual([0, ""]);
		},
	);

	it("the index of the next release is shared before a link is switched to it", {
		timeout: 120_000,
	}, async () => {
		const sharing = new Sharing(RUNTIMES[0] as Runtime);
		copyFileSync(sharing.index, sharing.at("second.sigx"));
		const { shared } = sharing.do(["launcher", "share", ...sharing.prefix, sharing.at("second.sigx"), "--json"]).json();
		// Both have the same bytes, so both have one copy. The first one is still shared.
		expect(shared).toEqual([expect.objectContaining({ copy: sharing.copy, changed: true })]);
		expect(await sharing.mapped()).toBe("shared");
		rmSync(sharing.index);
		symlinkSync("second.sigx", sharing.index);
		expect(await sharing.mapped()).toBe("shared");
		expect(sharing.checkSharing().status).toBe(0);
	});
});

/** Each change leaves the right bytes, so a process may start. It must not get what others could have written. */
const FAULTS: readonly { name: string; change: (sharing: Sharing) => void; says: RegExp }[] = [
	{
		name: "a copy of another owner",
		change: ({ copy }) => chownSync(copy, 64_321, 64_321),
		says: /belongs to user 64321/,
	},
	{
		name: "a copy that a group may write to",
		change: ({ copy }) => chmodSync(copy, 0o464),
		says: /can be written to by its group/,
	},
	{
		name: "a link in place of a copy",
		change: (sharing) => {
			const { copy } = sharing;
			renameSync(copy, sharing.at("elsewhere.sigx"));
			symlinkSync(sharing.at("elsewhere.sigx"), copy);
		},
		says: /is no regular file/,
	},
	{
		name: "a copy with a second name",
		change: (sharing) => linkSync(sharing.copy, sharing.at("data/second")),
		says: /has a second name/,
	},
	{
		name: "a directory that all may write to",
		change: ({ indexes }) => chmodSync(indexes, 0o777),
		says: /can be written to by everyone/,
	},
];

const RECORD_FAULTS: typeof FAULTS = [
	{
		name: "a record of another owner",
		change: ({ record }) => chownSync(record, 64_321, 64_321),
		says: /belongs to user 64321/,
	},
	{
		name: "a record that all may write to",
		change: ({ record }) => chmodSync(record, 0o446),
		says: /can be written to by everyone/,
	},
	{
		name: "a record that is no record",
		change: ({ record }) => {
			chmodSync(record, 0o644);
			writeFileSync(record, "version 2\n");
		},
		says: /is no record of an index/,
	},
];

const ATTACK_BY_NODE = `
const fs = require("node:fs");
function attempt(action, done) {
	try {
		action();
		console.log(done);
	} catch ({ code }) {
		console.log(code);
	}
}
attempt(() => fs.closeSync(fs.openSync(process.argv[2], "r+")), "open");
attempt(() => fs.truncateSync(process.argv[2], 5), "shorter");
`;
const ATTACK_BY_PYTHON = `
import errno, os, sys
def attempt(action, done):
    try:
        action()
        print(done)
    except OSError as error:
        print(errno.errorcode[error.errno])
attempt(lambda: os.close(os.open(sys.argv[1], os.O_RDWR)), "open")
attempt(lambda: os.truncate(sys.argv[1], 5), "shorter")
`;

describe.skipIf(!canBeHost)("attacks on a shared index (needs root, and the launcher built)", () => {
	it.each(RUNTIMES)("$name does not get what others than root could change", async (runtime) => {
		const sharing = new Sharing(runtime);
		const again = () => {
			rmSync(sharing.indexes, { recursive: true });
			sharing.do(["launcher", "share", ...sharing.prefix]);
		};
		for (const { name, change, says } of FAULTS) {
			again();
			// A copy that root has touched since is used again if root says so: the identity is no obstacle here.
			chmodSync(sharing.copy, 0o440);
			chmodSync(sharing.copy, 0o444);
			expect([name, await sharing.mapped()]).toEqual([name, "own"]);
			sharing.rewriteRecord();
			expect([name, await sharing.mapped()]).toEqual([name, "shared"]);
			change(sharing);
			sharing.rewriteRecord({ identity: identityOf(sharing.copy) });
			expect([name, await sharing.mapped()]).toEqual([name, "own"]);
			const { status, said } = sharing.checkSharing();
			expect([name, status]).toEqual([name, 1]);
			expect(said).toContainEqual({ what: "shared index", status: "wrong", says: expect.stringMatching(says) });
		}
		for (const { name, change, says } of RECORD_FAULTS) {
			again();
			expect([name, await sharing.mapped()]).toEqual([name, "shared"]);
			change(sharing);
			expect([name, await sharing.mapped()]).toEqual([name, "own"]);
			const { status, said } = sharing.checkSharing();
			expect([name, status]).toEqual([name, 1]);
			expect(said).toContainEqual({ what: "shared index", status: "wrong", says: expect.stringMatching(says) });
		}
		// A copy that was moved has another identity. That is no fault: it is not passed.
		again();
		sharing.rewriteRecord({ identity: "1:2:3:4.000000000:5.000000000" });
		expect([await sharing.mapped(), sharing.checkSharing().status]).toEqual(["own", 0]);
		again();
		expect(await sharing.mapped()).toBe("shared");
	});

	it.each(RUNTIMES)(
		"a forged copy that lets changed code run in $name counts only from root, also in development",
		async (runtime) => {
			const sharing = new Sharing(runtime, { mode: "enforce" });
			sharing.do([...sharing.installing({ mode: "enforce" }), "--allow-development"]);
			const script = sharing.script;
			const evil = runtime.kind === "node" ? 'console.log("evil")' : 'print("evil")';
			writeFileSync(script, evil);
			const start = () => spawnSync(sharing.launcher, ["--allow-development", script], { encoding: "utf8" });
			expect(start()).toMatchObject({ status: 126, stdout: "" });
			forge(sharing, evil);
			// The launcher and the runtime trust root's digests, so this attack works for root.
			expect(start()).toMatchObject({ status: 0, stdout: "evil\n" });
			for (const each of [sharing.copy, sharing.record]) chownSync(each, 64_321, 64_321);
			sharing.rewriteRecord();
			chownSync(sharing.record, 64_321, 64_321);
			expect(start()).toMatchObject({ status: 126, stdout: "" });
			chownSync(sharing.record, 0, 0);
			expect(start()).toMatchObject({ status: 126, stdout: "" });
		},
	);

	it("launcher check finds a copy whose bytes are not those of its name, and share mends it", () => {
		const sharing = new Sharing(RUNTIMES[0] as Runtime);
		forge(sharing, "other");
		const { status, said } = sharing.checkSharing();
		expect(status).toBe(1);
		expect(said.map(({ says }) => says)).toContainEqual(
			expect.stringMatching(
				/\.sigx changed: its SHA-256 is [0-9a-f]{64}; run `sigtool launcher share --prefix \S+lib` as root/,
			),
		);
		sharing.do(["launcher", "share", ...sharing.prefix]);
		expect(sharing.checkSharing()).toEqual({ status: 0, said: [expect.objectContaining({ status: "ok" })] });
	});

	it.each(RUNTIMES)("$name can neither shorten nor change the copy that it has mapped", (runtime) => {
		const sharing = new Sharing(runtime, { mode: "audit" });
		const attack = runtime.kind === "node" ? ATTACK_BY_NODE : ATTACK_BY_PYTHON;
		sharing.release("attack", { [sharing.main]: attack }, 2);
		sharing.compile("attack", "attack.sigx");
		sharing.bind("attack", { mode: "audit" });
		sharing.install({ index: sharing.at("attack.sigx"), mode: "audit" });
		const script = sharing.at(`attack/${sharing.main}`);
		sharing.index = sharing.at("attack.sigx");
		// Root without the launcher's restrictions can do both.
		copyFileSync(sharing.copy, sharing.at("data/scratch"));
		expect(sharing.start({ script, args: [sharing.at("data/scratch")] })).toMatchObject({
			status: 0,
			stdout: "open\nshorter\n",
		});
		sharing.bind("attack", { mode: "enforce" });
		sharing.install({ index: sharing.at("attack.sigx"), mode: "enforce" });
		const before = sha256Of(sharing.copy);
		expect(sharing.start({ script, args: [sharing.copy] })).toMatchObject({ stdout: "EACCES\nEACCES\n", stderr: "" });
		expect(sha256Of(sharing.copy)).toBe(before);
	});

	it.each(RUNTIMES.filter(({ kind }) => kind === "node"))(
		"a program of $name does not find the addon, which hands out the index",
		(runtime) => {
			const sharing = new Sharing(runtime);
			const find = "Object.values(require.cache).find((each) => each.exports.keptIndex)";
			const attacks = {
				"cached.js": `console.log(${find} === undefined);`,
				"loaded.js": `process.dlopen(module, process.argv[2]); console.log("loaded");`,
				"required.js": `console.log(require(process.argv[2]));`,
			};
			sharing.release("attack", { "main.js": "", ...attacks }, 2);
			sharing.compile("attack", "attack.sigx");
			sharing.bind("attack");
			sharing.install({ index: sharing.at("attack.sigx"), mode: "enforce" });
			const [, addon = ""] = /^addon (\S+) /m.exec(readFileSync(sharing.at("lib/launcher.conf"), "utf8")) ?? [];
			expect(sharing.start({ script: sharing.at("attack/cached.js") })).toMatchObject({ status: 0, stdout: "true\n" });
			for (const script of ["loaded.js", "required.js"]) {
				expect(sharing.start({ script: sharing.at(`attack/${script}`), args: [addon] })).toMatchObject({
					status: 126,
					stdout: "",
				});
				// Without the launcher it works.
				const plain = spawnSync(runtime.program ?? "", [sharing.at(`attack/${script}`), addon], { encoding: "utf8" });
				expect(plain).toMatchObject({ status: 0, stdout: expect.stringMatching(/loaded|keptIndex/) });
			}
		},
	);

	it("the directory of copies is not made writable, whether it has a copy or not", () => {
		const sharing = new Sharing(RUNTIMES[0] as Runtime);
		const grant = (directory: string) => sharing.run("--write", directory, sharing.script);
		expect(grant(sharing.at("data"))).toMatchObject({ status: 0 });
		const refusal = expect.stringMatching(/Cannot make ".*\/indexes" writable: ".*\/indexes" lies in it/);
		expect(grant(sharing.indexes)).toMatchObject({ status: 126, stdout: "", stderr: refusal });
		rmSync(sharing.indexes, { recursive: true });
		mkdirSync(sharing.indexes);
		expect(grant(sharing.indexes)).toMatchObject({ status: 126, stdout: "", stderr: refusal });
	});

	it("only root shares an index", () => {
		const sharing = new Sharing(RUNTIMES[0] as Runtime);
		writeFileSync(sharing.at("no.sigx"), "no index");
		const refused = sharing.sigtool(["launcher", "share", ...sharing.prefix, sharing.at("no.sigx")]);
		expect(refused.status).not.toBe(0);
		expect(refused.stderr).toMatch(/Cannot use trust index ".*no\.sigx": it does not begin/);
		expect(readdirSync(sharing.indexes)).toHaveLength(2);
	});
});

function sha256Of(file: string): string {
	return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/**
 * Changes the digest of the script in the copy, and keeps the signature. The record keeps the digests of the true
 * index.
 */
function forge(sharing: Sharing, evil: string): void {
	const bytes = readFileSync(sharing.index);
	const [good, bad] = [programOf(sharing.runtime, 1)[sharing.main] ?? "", evil].map((text) =>
		createHash("sha256").update(text).digest(),
	);
	const at = bytes.indexOf(good as Buffer);
	expect(at).toBeGreaterThan(0);
	(bad as Buffer).copy(bytes, at);
	// The size is before the digest.
	bytes.writeUInt32LE(Buffer.byteLength(evil), at - 8);
	const { copy } = sharing;
	rmSync(copy);
	writeFileSync(copy, bytes, { mode: 0o444 });
	sharing.rewriteRecord();
}
