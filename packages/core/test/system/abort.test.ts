import {
	closeSync,
	ftruncateSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
	AbortError,
	compileTrustIndex,
	openCommandSigner,
	signerFromKey,
	signPaths,
	trustFromCertificates,
	verifyAttributes,
	verifyPath,
} from "@sigtool/core";
import { beforeAll, describe, expect, it, onTestFinished, test, vi } from "vitest";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { type HashFileSetOptions, hashFileSet } from "../../dist/fileset/hash/hash-files.js";
import { issueCertificate } from "../../dist/signer/identity/issue-certificate.js";
import { exchange } from "../../dist/system/http.js";
import { tempTree } from "../fileset/temp-tree.js";
import { serve } from "../pki/local-tsa.js";
import { certificateFor, DAY_MS, p256 } from "../signer/material.js";
import { userAttributes, withFile } from "./user-attributes.js";

const key = p256();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);
const access = await userAttributes();

/** Many files of a few bytes, which take a fraction of a second to hash. No test changes this tree. */
let many: string;
beforeAll(() => {
	many = temporaryDirectory(atEndOfFile);
	for (let directory = 0; directory < 60; directory++) {
		const path = join(many, `d${directory}`);
		mkdirSync(path);
		for (let file = 0; file < 50; file++) writeFileSync(join(path, `f${file}`), `${directory} ${file}`);
	}
	addBigFile(many, "big", 2 ** 24);
	writeFileSync(join(many, "pe"), "MZ");
	symlinkSync("pe", join(many, "link"));
});

/** Adds a file that takes longer to hash than a test may take. It has no blocks on the disk. */
function addBigFile(root: string, name = "big", sizeBytes = 2 ** 42): void {
	const descriptor = openSync(join(root, name), "w");
	ftruncateSync(descriptor, sizeBytes);
	closeSync(descriptor);
}

/** Aborts the work after a time in milliseconds, or when the promise resolves, and returns how it ended. */
async function aborted(work: (signal: AbortSignal) => Promise<unknown>, moment: number | Promise<unknown>) {
	const controller = new AbortController();
	void (typeof moment === "number" ? sleep(moment) : moment).then(() => controller.abort());
	return work(controller.signal).then(
		(value) => ({ value, error: undefined }),
		(error: unknown) => ({ value: undefined, error }),
	);
}

/**
 * Aborts the work at random moments of a whole run, and returns how many of the rounds ended so. `check` sees the outcome
 * of each round. A run that ends before its moment tells how long a whole one takes: the first may be much slower.
 */
async function abortedOften(
	work: (signal?: AbortSignal) => Promise<unknown>,
	rounds: number,
	check: (outcome: Awaited<ReturnType<typeof aborted>>) => unknown,
): Promise<number> {
	const started = performance.now();
	await work();
	let wholeMs = performance.now() - started;
	let ends = 0;
	for (let round = 0; round < rounds; round++) {
		const begun = performance.now();
		const outcome = await aborted(work, Math.random() * wholeMs);
		if (outcome.error === undefined) wholeMs = Math.min(wholeMs, performance.now() - begun);
		else ends++;
		await check(outcome);
	}
	return ends;
}

function expectAbort({ error }: { readonly error: unknown }): void {
	expect(error).toBeInstanceOf(AbortError);
	expect(error).toMatchObject({ name: "AbortError", code: "ABORT_ERR" });
}

describe("an AbortSignal", () => {
	it("rejects with AbortError, whose cause is the reason of the signal", async () => {
		const root = tempTree({ a: "a" });
		const reason = new Error("the user went away");
		const signal = AbortSignal.abort(reason);
		for (const work of [
			signPaths([root], { signer, signal }),
			verifyPath(root, { trust, signal }),
			verifyAttributes(root, { formats: ["spython"], trust, signal }),
		]) {
			await expect(work).rejects.toMatchObject({ name: "AbortError", code: "ABORT_ERR", cause: reason });
		}
		expect(readdirSync(root)).toEqual(["a"]);
	});

	it("ends sign at any moment: there is no catalog then, or a whole one, and no other file", async () => {
		const place = tempTree();
		const output = join(place, "x.cat");
		const sign = (signal?: AbortSignal) => {
			rmSync(output, { force: true });
			return signPaths([many], { signer, signal, output });
		};
		const ends = await abortedOften(sign, 15, async (outcome) => {
			if (outcome.error === undefined) {
				expect(await verifyPath(many, { trust, catalogs: [output] })).toMatchObject({ verdict: "trusted" });
				return;
			}
			expectAbort(outcome);
			expect(readdirSync(place)).toEqual([]);
		});
		expect(ends).toBeGreaterThan(0);
	});

	it("ends verify and compile at any moment", async () => {
		const place = tempTree();
		const output = join(place, "x.cat");
		await signPaths([many], { signer, output });
		const verbs = [
			(signal?: AbortSignal) => verifyPath(many, { trust, signal, catalogs: [output] }),
			(signal?: AbortSignal) => {
				const index = join(place, "x.sigx");
				return compileTrustIndex([many], { trust, signer, signal, catalogs: [output], output: index });
			},
		];
		for (const work of verbs) {
			const ends = await abortedOften(work, 10, (outcome) => {
				if (outcome.error === undefined) return;
				expectAbort(outcome);
				expect(readdirSync(place).filter((name) => name !== "x.cat" && name !== "x.sigx")).toEqual([]);
			});
			expect(ends).toBeGreaterThan(0);
		}
	});

	const engines: readonly Pick<HashFileSetOptions, "engine" | "workers">[] = [
		{},
		{ engine: "native", workers: 0 },
		{ engine: "native", workers: 2 },
		{ engine: "javascript", workers: 0 },
		{ engine: "javascript", workers: 2 },
	];
	it.each(engines)("ends the hashing of big files: %j", async (options) => {
		const root = tempTree();
		for (const name of ["a", "b", "c"]) addBigFile(root, name);
		expectAbort(await aborted((signal) => hashFileSet(root, { ...options, signal }), 50));
	});

	it.each(engines)("changes nothing about the result: %j", async (options) => {
		const plain = await hashFileSet(many, { engine: "javascript", workers: 0 });
		const { signal } = new AbortController();
		const { digests, kinds, ...others } = await hashFileSet(many, { ...options, signal });
		expect(
			[digests, kinds].map((column, index) => Buffer.compare(column, [plain.digests, plain.kinds][index])),
		).toEqual([0, 0]);
		expect(others.linkTargets).toEqual(plain.linkTargets);
		expect(Buffer.from(others.pathBytes).equals(plain.pathBytes)).toBe(true);
	});

	it("ends the verification of a single big file, and of one that an attribute is judged for", async () => {
		const root = tempTree();
		addBigFile(root);
		const visitor = { begin() {}, content() {}, end: () => "looked" as const, undo() {} };
		expectAbort(await aborted((signal) => hashFileSet(root, { signal, visitor }), 50));
		if (access === undefined) return;
		const options = { formats: ["spython"], namespace: "user", trust } as const;
		expectAbort(await aborted((signal) => verifyAttributes(join(root, "big"), { ...options, signal }), 50));
	});

	it("does not stop other work, and one that waits for its turn ends at once", async () => {
		const root = tempTree();
		addBigFile(root);
		const first = aborted((signal) => hashFileSet(root, { signal }), 300);
		const second = aborted((signal) => hashFileSet(many, { signal }), 30);
		const third = hashFileSet(many);
		expectAbort(await second);
		expectAbort(await first);
		expect((await third).count).toBe(3003);
	});

	it("ends a request to a server that does not answer, and the pause before the next attempt", async () => {
		const silent = await serve(() => {});
		const failing = await serve(({ response }) => void response.writeHead(503).end());
		onTestFinished(async () => void (await Promise.all([silent.close(), failing.close()])));
		for (const { url } of [silent, failing]) {
			expectAbort(await aborted((signal) => exchange({ url, maxBytes: 1000, signal }), 200));
		}
	});

	it("ends sign while a timestamping authority is asked, and writes nothing", async () => {
		const root = tempTree({ a: "a" });
		let ask: () => void = () => {};
		const asked = new Promise<void>((resolve) => {
			ask = resolve;
		});
		const silent = await serve(() => ask());
		onTestFinished(() => silent.close());
		const [notBefore, notAfter] = [Date.now() - DAY_MS, Date.now() + DAY_MS];
		const ca = issueCertificate({ commonName: "TSA", key: p256(), notBefore, notAfter, kind: "authority" });
		const timestamp = { urls: [silent.url], anchors: [ca] };
		expectAbort(await aborted((signal) => signPaths([root], { signer, timestamp, signal }), asked));
		expect(silent.requests).toHaveLength(1);
		expect(readdirSync(root)).toEqual(["a"]);
	});

	it("does not wait for a signer that is at work", async () => {
		const root = tempTree({ a: "a" });
		const slow = { ...signer, sign: () => new Promise<Uint8Array>(() => {}) };
		expectAbort(await aborted((signal) => signPaths([root], { signer: slow, signal }), 50));
		expect(readdirSync(root)).toEqual(["a"]);
	});

	test.skipIf(process.platform === "win32")("ends a program that signs", async () => {
		const root = tempTree({ a: "a" });
		const place = tempTree({ "c.der": certificate.der, pid: "" });
		const number = () => readFileSync(join(place, "pid"), "utf8");
		const program = { program: "/bin/sh", args: ["-c", `echo $$ > ${join(place, "pid")}; exec sleep 600`] };
		const signing = openCommandSigner({ ...program, certFile: join(place, "c.der") });
		const started = vi.waitUntil(() => number().endsWith("\n"), { timeout: 60_000 });
		expectAbort(await aborted((signal) => signPaths([root], { signer: signing, signal }), started));
		const look = () => expect(() => process.kill(Number(number()), 0)).toThrow("ESRCH");
		await vi.waitFor(look, { timeout: 60_000 });
		expect(readdirSync(root)).toEqual(["a"]);
	});

	test.skipIf(access === undefined)("no attribute is written after the promise was rejected", async () => {
		const root = tempTree(Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`f${index}`, `${index}`])));
		const files = readdirSync(root).map((name) => join(root, name));
		const isWritten = (descriptor: number) => access?.read(descriptor, "user.xattr") !== undefined;
		const count = () => files.filter((file) => withFile(file, isWritten)).length;
		for (const afterMs of [5, 20, 40]) {
			const options = { formats: ["spython"], namespace: "user", attribute: "user.xattr", signer: "none" } as const;
			const { error } = await aborted((signal) => signPaths([root], { ...options, signal }), afterMs);
			const then = count();
			await sleep(100);
			expect(count()).toBe(then);
			if (error !== undefined) expect(error).toBeInstanceOf(AbortError);
		}
	});
});

test("progress grows, and ends with the whole", async () => {
	const output = join(tempTree(), "x.cat");
	const seen: { readonly files: number; readonly totalFiles: number; readonly bytes: number }[] = [];
	const { fileCount, totalBytes } = await signPaths([many], { signer, output, onProgress: (done) => seen.push(done) });
	// A link counts as a file that was found.
	expect(seen.at(-1)).toEqual({ files: fileCount + 1, totalFiles: fileCount + 1, bytes: totalBytes, totalBytes });
	for (const [index, { files, bytes }] of seen.entries()) {
		expect(files).toBeGreaterThanOrEqual(seen[index - 1]?.files ?? 0);
		expect(bytes).toBeGreaterThanOrEqual(seen[index - 1]?.bytes ?? 0);
	}
});
