import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { execFileSync, spawn } from "../../../../../test/outside.js";
import { type HashFileSetOptions, type HashProgress, hashFileSet } from "../../../dist/fileset/hash/hash-files.js";
import { digestAt, ENTRY_KIND, entryPathAt } from "../../../dist/fileset/manifest.js";
import { pathsOf, plain, type TreeEntry, tempTree } from "../temp-tree.js";

const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest();

/** The engines and numbers of workers to test. `native` is included only if the optional module was built. */
const ENGINES: HashFileSetOptions[] = [
	{ engine: "javascript", workers: 0 },
	{ engine: "javascript", workers: 1 },
	...(existsSync(new URL("../../../../native/sigtool.node", import.meta.url))
		? ([
				{ engine: "native", workers: 0 },
				{ engine: "native", workers: 1 },
			] as const)
		: []),
];
const named = ENGINES.map((options) => [`${options.engine}, ${options.workers} workers`, options] as const);

/** Hashes a tree with collected problems, and returns the code and entry path of each. */
async function problemsOf(root: string, options: HashFileSetOptions = {}) {
	const { problems } = await hashFileSet(root, { ...options, onProblem: "collect" });
	return problems.map(({ code, path }) => [code, path]);
}

describe("hashFileSet() of a tree", () => {
	it("lists every file with its facts, in byte order of the whole paths", async () => {
		const files: Record<string, TreeEntry> = {};
		for (const name of ["b", "a/c", "a.txt", "a0", "a/.hidden", ".git/x", "a/b/z", "\uffee", "\u{1f600}", "é"]) {
			files[name] = name;
		}
		const root = tempTree({ ...files, "run.sh": { content: "#!", mode: 0o755 }, empty: "" });
		const manifest = await hashFileSet(root);
		const paths = pathsOf(manifest);
		expect(paths).toEqual(
			[...Object.keys(files), "run.sh", "empty"].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
		);
		expect(manifest.root).toBe(root);
		paths.forEach((path, index) => {
			const content = readFileSync(join(root, path));
			expect(Buffer.from(digestAt(manifest, index)), path).toEqual(sha256(content));
			expect(manifest.sizes[index]).toBe(content.length);
			expect(manifest.kinds[index]).toBe(ENTRY_KIND.file);
		});
		expect(manifest.modes[paths.indexOf("run.sh")]).toBe(0o755);
		expect(manifest.problems).toEqual([]);
	});

	it("computes SHA-1 digests beside SHA-256, or alone, on request", async () => {
		const root = tempTree({ a: "a", b: "b" });
		const sha1 = (content: string) => createHash("sha1").update(content).digest();
		const twins = await hashFileSet(root, { digest: "sha256+sha1" });
		expect(Buffer.from(digestAt(twins, 1))).toEqual(sha256("b"));
		expect(Buffer.from(twins.sha1Digests?.subarray(20, 40) ?? [])).toEqual(sha1("b"));
		const legacy = await hashFileSet(root, { digest: "sha1" });
		expect(legacy.digestBytes).toBe(20);
		expect(Buffer.from(digestAt(legacy, 1))).toEqual(sha1("b"));
		expect(legacy.sha1Digests).toBeUndefined();
	});

	it("resolves links in the path of the root, and accepts an empty tree", async () => {
		const root = tempTree({ "real/x": "x", link: { link: "real" }, "none/.keep": "" });
		expect((await hashFileSet(join(root, "link"))).root).toBe(join(root, "real"));
		expect((await hashFileSet(join(root, "none"), { skip: new Set([".keep"]) })).count).toBe(0);
	});

	it("hashes a single file as a set of one", async () => {
		const root = tempTree({ "a/file": "content", "a/other": "" });
		const manifest = await hashFileSet(join(root, "a/file"));
		expect([manifest.root, pathsOf(manifest)]).toEqual([join(root, "a"), ["file"]]);
	});

	it("refuses a root that is missing", async () => {
		await expect(hashFileSet("/nowhere")).rejects.toMatchObject({ code: "ERR_ROOT_MISSING", path: "/nowhere" });
	});

	it("leaves out excluded entries, which it counts, and skipped ones, which it does not", async () => {
		const root = tempTree({ a: "", "d/x": "", "d/y": "", "e/a": "", "e/own.cat": "", l: { link: "a" } });
		const seen: string[] = [];
		const manifest = await hashFileSet(root, {
			exclude(path, kind) {
				seen.push(`${kind} ${path}`);
				return path === "d" || path === "a" || path === "l";
			},
			skip: new Set(["e/own.cat", "e"]),
		});
		expect(pathsOf(manifest)).toEqual(["e/a"]);
		expect(manifest.ignoredCount).toBe(3);
		expect(seen.sort()).toEqual(["directory d", "directory e", "file a", "file e/a", "file l"]);
	});
});

describe("hashFileSet() of listed paths", () => {
	it("hashes exactly those, in path order", async () => {
		const root = tempTree({ a: "", "d/x": "", "d/y": "", "d/z": { link: "x" } });
		const manifest = await hashFileSet(root, { only: ["d/z", "d/y", "a"], skip: new Set(["d/y"]) });
		expect(pathsOf(manifest)).toEqual(["a", "d/z"]);
		expect(manifest.linkTargets).toEqual(new Map([[1, "x"]]));
	});

	it("reports each path that it cannot hash", async () => {
		const root = tempTree({ "d/x": "", l: { link: "d" }, "out/l": { link: "../.." } });
		const only = ["missing", "d/x/y", "d", "../x", "/d/x", "d/x", "d/x", "D/X", "l/x", "out/l"];
		expect(await problemsOf(root, { only })).toEqual([
			["ERR_PATH_PARENT", "../x"],
			["ERR_PATH_ABSOLUTE", "/d/x"],
			["ERR_ROOT_MISSING", "D/X"],
			["ERR_PATH_CASE_COLLISION", "d"],
			["ERR_PATH_CASE_COLLISION", "d/x"],
			["ERR_PATH_CASE_COLLISION", "d/x"],
			["ERR_PATH_CASE_COLLISION", "d/x/y"],
			["ERR_LINK_PARENT", "l/x"],
			["ERR_ROOT_MISSING", "missing"],
			["ERR_LINK_OUTSIDE", "out/l"],
		]);
		await expect(hashFileSet(root, { only: ["missing"] })).rejects.toMatchObject({ code: "ERR_ROOT_MISSING" });
		await expect(hashFileSet(root, { only: ["d"] })).rejects.toMatchObject({ code: "ERR_FILE_TYPE" });
	});

	it("goes through links to directories only when links are followed, and not outside", async () => {
		const root = tempTree({ "in/d/x": "x", "in/l": { link: "d" }, "in/out": { link: ".." }, secret: "" });
		const manifest = await hashFileSet(join(root, "in"), { only: ["l/x"], links: "follow" });
		expect(Buffer.from(digestAt(manifest, 0))).toEqual(sha256("x"));
		const outside = hashFileSet(join(root, "in"), { only: ["out/secret"], links: "follow" });
		await expect(outside).rejects.toMatchObject({ code: "ERR_LINK_OUTSIDE" });
	});
});

describe("hashFileSet() and symbolic links", () => {
	const links = {
		"a/file": "content",
		"a/up": { link: "../b/./c" },
		"a/root": { link: ".." },
		dangling: { link: "nowhere" },
		"a/dir": { link: "../b" },
		"b/c": "c",
	};

	it("records targets unchanged, also of dangling links", async () => {
		const manifest = await hashFileSet(tempTree(links));
		const targets = [...manifest.linkTargets].map(([row, target]) => [entryPathAt(manifest, row), target]);
		expect(targets).toEqual([
			["a/dir", "../b"],
			["a/root", ".."],
			["a/up", "../b/./c"],
			["dangling", "nowhere"],
		]);
		expect(manifest.count).toBe(6);
		const row = pathsOf(manifest).indexOf("dangling");
		expect([manifest.kinds[row], manifest.modes[row], manifest.sizes[row]]).toEqual([ENTRY_KIND.link, 0o777, 0]);
		expect(Buffer.from(digestAt(manifest, row))).toEqual(Buffer.alloc(32));
	});

	it("refuses targets that are absolute or leave the tree, unless linksOutside is `record`", async () => {
		const outside = {
			abs: { link: "/etc" },
			"d/far": { link: "../../x" },
			"d/back": { link: "../../d/x/../.." },
			"d/ok": { link: "../x" },
		};
		const root = tempTree(outside);
		expect(await problemsOf(root)).toEqual([
			["ERR_LINK_OUTSIDE", "abs"],
			["ERR_LINK_OUTSIDE", "d/back"],
			["ERR_LINK_OUTSIDE", "d/far"],
		]);
		expect((await hashFileSet(root, { linksOutside: "record" })).linkTargets.size).toBe(4);
	});

	it("rejects every link with links: `reject`", async () => {
		const root = tempTree({ a: "", l: { link: "a" } });
		await expect(hashFileSet(root, { links: "reject" })).rejects.toMatchObject({
			code: "ERR_LINK_REJECTED",
			path: "l",
		});
	});

	it("puts the targets in the place of links that are followed", async () => {
		const root = tempTree({ "a/x": "x", "l-dir": { link: "a" }, "l-file": { link: "a/x" }, "l.z": "" });
		const manifest = await hashFileSet(root, { links: "follow" });
		expect(pathsOf(manifest)).toEqual(["a/x", "l-dir/x", "l-file", "l.z"]);
		expect(manifest.linkTargets.size).toBe(0);
		for (const row of [0, 1, 2]) expect(Buffer.from(digestAt(manifest, row))).toEqual(sha256("x"));
	});

	it("refuses to follow a link in a cycle, out of the tree, or without a target", async () => {
		const root = tempTree({
			"t/a/b/up": { link: "../.." },
			"t/a/self": { link: "." },
			"t/out": { link: "../secret" },
			"t/gone": { link: "nowhere" },
			secret: "",
			"t2/x": "",
			"t/sibling": { link: "../t2" },
		});
		expect(await problemsOf(join(root, "t"), { links: "follow" })).toEqual([
			["ERR_LINK_CYCLE", "a/b/up"],
			["ERR_LINK_CYCLE", "a/self"],
			["ERR_IO", "gone"],
			["ERR_LINK_OUTSIDE", "out"],
			["ERR_LINK_OUTSIDE", "sibling"],
		]);
		const wide = await hashFileSet(join(root, "t"), { links: "follow", linksOutside: "record", onProblem: "collect" });
		expect(pathsOf(wide)).toEqual(["out", "sibling/x"]);
	});
});

describe.skipIf(process.platform !== "linux")("hashFileSet() of entries that it cannot hash (Linux)", () => {
	const bytesPath = (root: string, ...bytes: number[]) => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(bytes)]);

	it("reports FIFOs, sockets and illegal names, and hashes the others", async () => {
		const root = tempTree({
			fifo: (path) => execFileSync("mkfifo", [path]),
			good: "good",
			"back\\slash": "",
			"dot.": "",
			"dir /x": "",
			"c:x": "",
			"\ufffd": "really there",
			later: { link: "good" },
		});
		writeFileSync(bytesPath(root, 0x62, 0x61, 0x64, 0xff), "");
		mkdirSync(bytesPath(root, 0xc3));
		const server = createServer().listen(join(root, "socket"));
		onTestFinished(() => void server.close());
		await new Promise((resolve) => server.once("listening", resolve));
		const manifest = await hashFileSet(root, { onProblem: "collect" });
		expect(manifest.problems.map(({ code, path }) => [code, path])).toEqual([
			["ERR_PATH_ENCODING", "\\xc3"],
			["ERR_PATH_BACKSLASH", "back\\slash"],
			["ERR_PATH_ENCODING", "bad\\xff"],
			["ERR_PATH_DRIVE", "c:x"],
			["ERR_PATH_TRAILING_DOT", "dir "],
			["ERR_PATH_TRAILING_DOT", "dot."],
			["ERR_FILE_TYPE", "fifo"],
			["ERR_FILE_TYPE", "socket"],
		]);
		expect(manifest.problems[2].message).toContain('"bad\\xff"');
		expect(pathsOf(manifest)).toEqual(["good", "later", "\ufffd"]);
		expect(manifest.linkTargets).toEqual(new Map([[1, "good"]]));
		await expect(hashFileSet(root)).rejects.toMatchObject({ name: "SigtoolError" });
	});

	it("reports names that collide within a directory", async () => {
		const root = tempTree({
			"d/README": "",
			"d/readme": "",
			"Lib/a": "",
			"lib/b": "",
			"n/\u00e9": "",
			"n/e\u0301": "",
		});
		const codes = (await problemsOf(root)).map(([code]) => code);
		expect(codes.sort()).toEqual(["ERR_PATH_CASE_COLLISION", "ERR_PATH_CASE_COLLISION", "ERR_PATH_NFC_COLLISION"]);
		expect((await problemsOf(root, { caseCollisions: "allow" })).map(([code]) => code)).toEqual([
			"ERR_PATH_NFC_COLLISION",
		]);
	});

	it.skipIf(process.getuid?.() === 0)("reports files and directories that cannot be read", async () => {
		const root = tempTree({ "closed/x": "", secret: { content: "", mode: 0 }, open: "" });
		chmodSync(join(root, "closed"), 0);
		onTestFinished(() => chmodSync(join(root, "closed"), 0o700));
		expect(await problemsOf(root)).toEqual([
			["ERR_IO", "closed"],
			["ERR_IO", "secret"],
		]);
	});

	it.each(named)("reports files that vanish or change their type (%s)", async (_, options) => {
		const names = Array.from({ length: 9 }, (_, n) => `f${n}`);
		const root = tempTree({ ...Object.fromEntries(names.map((name) => [name, Buffer.alloc(2 ** 20)])), sub: "" });
		let changed = false;
		// The filter runs after the directory was listed and before any file is opened.
		const exclude = (path: string) => {
			if (path === "sub" && !changed) {
				changed = true;
				execFileSync("sh", ["-c", "rm f1 f2 f3; mkfifo f2; ln -s f0 f3"], { cwd: root });
			}
			return false;
		};
		const manifest = await hashFileSet(root, { exclude, onProblem: "collect", ...options });
		expect(manifest.problems.map(({ code, path }) => [code, path])).toEqual([
			["ERR_FILE_CHANGED", "f1"],
			["ERR_FILE_TYPE", "f2"],
			["ERR_FILE_TYPE", "f3"],
		]);
		expect(pathsOf(manifest)).toEqual([...names.filter((name) => !/[123]/.test(name)), "sub"]);
		const digest = sha256(Buffer.alloc(2 ** 20));
		for (let row = 0; row < 6; row++) expect(Buffer.from(digestAt(manifest, row))).toEqual(digest);
	});
});

describe("hashFileSet() on several threads", () => {
	function variedTree(): string {
		const entries: Record<string, TreeEntry> = {};
		for (let n = 0; n < 600; n++) entries[`d${n % 7}/${n % 3 === 0 ? "sub/" : ""}f${n}-é`] = `content ${n}`;
		for (let n = 0; n < 9; n++) entries[`d${n}/big${n}`] = Buffer.alloc(2 ** 18 + n * 100_000, n);
		for (let n = 0; n < 9; n++) entries[`d${n}/link${n}`] = { link: `big${n}` };
		return tempTree(entries);
	}

	it.each(["sha256", "sha1", "sha256+sha1"] as const)(
		"gives the manifest that one thread gives (%s)",
		async (digest) => {
			const root = variedTree();
			// For this thread the files are old enough to be read only once, as most files are.
			vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_000);
			onTestFinished(() => void vi.restoreAllMocks());
			const alone = plain(await hashFileSet(root, { digest, workers: 0 }));
			for (const engine of ["javascript", "native"] as const) {
				for (const workers of [1, 3]) {
					expect(plain(await hashFileSet(root, { digest, workers, engine }))).toEqual(alone);
				}
			}
		},
	);

	it("starts threads by default for many files, and for big ones", async () => {
		const many: Record<string, TreeEntry> = {};
		for (let n = 0; n < 5000; n++) many[`d${n >> 8}/${n}`] = String(n);
		const root = tempTree(many);
		const alone = { engine: "javascript", workers: 0 } as const;
		expect(plain(await hashFileSet(root))).toEqual(plain(await hashFileSet(root, alone)));
		expect(plain(await hashFileSet(root, { engine: "javascript" }))).toEqual(plain(await hashFileSet(root, alone)));
		const big = tempTree(Object.fromEntries([1, 2, 3].map((n) => [`big${n}`, Buffer.alloc(2 ** 24, n)])));
		expect(plain(await hashFileSet(big))).toEqual(plain(await hashFileSet(big, alone)));
		expect(plain(await hashFileSet(big, { engine: "javascript" }))).toEqual(plain(await hashFileSet(big, alone)));
	});

	it("reports progress up to the end", async () => {
		const root = tempTree(Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`big${n}`, Buffer.alloc(2 ** 25, n)])));
		for (const options of ENGINES) {
			const reports: HashProgress[] = [];
			await hashFileSet(root, { ...options, onProgress: (progress) => reports.push(progress) });
			expect(reports.at(-1)).toEqual({ files: 6, totalFiles: 6, bytes: 6 * 2 ** 25, totalBytes: 6 * 2 ** 25 });
			for (const [index, { files, bytes }] of reports.entries()) {
				expect(files).toBeGreaterThanOrEqual(reports[index - 1]?.files ?? 0);
				expect(bytes).toBeGreaterThanOrEqual(reports[index - 1]?.bytes ?? 0);
			}
		}
	});

	it.each(named)("reports a file that is written to while it is read (%s)", async (_, options) => {
		const root = tempTree({ a: "a", grows: Buffer.alloc(2 ** 27), z: "z" });
		const writer = spawn("sh", ["-c", "while echo more; do :; done >> grows"], { cwd: root, stdio: "ignore" });
		onTestFinished(() => void writer.kill("SIGKILL"));
		await vi.waitUntil(() => statSync(join(root, "grows")).size > 2 ** 27, { timeout: 60_000 });
		expect(await problemsOf(root, options)).toEqual([["ERR_FILE_CHANGED", "grows"]]);
	});

	it.each(named)("hashes PE images and cabinets by Authenticode's rules (%s)", async (_, options) => {
		const root = tempTree({ "a.txt": "MZ is how this text begins", "b.exe": "MZ", "c.txt": "plain" });
		const { count, kinds, digests, problems } = await hashFileSet(root, { ...options, onProblem: "collect" });
		const other = await hashFileSet(root, { ...ENGINES[0], onProblem: "collect" });
		expect([count, [...kinds], Buffer.from(digests), problems.length]).toEqual([
			other.count,
			[...other.kinds],
			Buffer.from(other.digests),
			other.problems.length,
		]);
		expect(Buffer.from(digests.subarray(0, 32))).toEqual(sha256("MZ is how this text begins"));
	});

	it("ends its workers when the caller's callback throws", async () => {
		const root = variedTree();
		const exclude = (path: string) => {
			if (path.startsWith("d6/")) throw new RangeError("mine");
			return false;
		};
		for (const options of ENGINES) {
			await expect(hashFileSet(root, { ...options, exclude })).rejects.toThrow("mine");
		}
	});
});
