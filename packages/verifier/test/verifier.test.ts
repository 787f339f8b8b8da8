import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
// The published name loads the bundle. So these tests test the bundle, and not its modules.
import { createVerifier } from "@sigtool/verifier";
import { describe, expect, test } from "vitest";
import { makeAuthority, makeTree, runner, temporaryDirectory } from "../../cli/test/support.js";
import { hashFileSet } from "../../core/dist/fileset/hash/hash-files.js";
import { encodeCatalog } from "../../core/dist/formats/cat-encode.js";
import { signEncoded } from "../../core/dist/formats/cat-envelope.js";
import { entryFacts } from "../../core/dist/formats/cat-facts.js";
import { DEFAULT_POLICY, spkiSha256 } from "../../core/dist/read.js";
import { openPemSigner } from "../../core/dist/signer/pem.js";
import { signedPartOf } from "../../core/dist/trust/trust-index.js";
import { readHostConfiguration } from "../dist/host/config.js";
import { createMonitor } from "../dist/monitor/create-monitor.js";
import { makeSigner, refusal, sha256, signedIndex, untrusted } from "./support.js";

/** Makes a temporary directory with a real path. */
const home = () => realpathSync(temporaryDirectory());

/**
 * Returns a PE image, and the same image with a zip in its certificate table. Authenticode's digest does not cover this
 * table.
 */
function imageAndItWithZip(): [Buffer, Buffer] {
	const image = Buffer.alloc(1000, 1);
	image.write("MZ", 0, "latin1");
	image.writeUInt32LE(64, 60);
	image.write("PE\0\0", 64, "latin1");
	image.writeUInt16LE(0x20b, 88);
	image.writeUInt32LE(16, 196);
	image.fill(0, 232, 240);
	const changed = Buffer.concat([image, Buffer.from("PK\x05\x06", "latin1"), Buffer.alloc(20)]);
	changed.writeUInt32LE(image.length, 232);
	changed.writeUInt32LE(changed.length - image.length, 236);
	return [image, changed];
}

describe("over catalogs", () => {
	function signedPlugins() {
		const directory = home();
		const root = makeTree(join(directory, "plugins"), { "a.js": "a()", "d/b.js": "b()", l: { link: "a.js" } });
		// The file begins like a PE image but is none, so its digest covers the whole file.
		writeFileSync(join(root, "tool.exe"), Buffer.concat([Buffer.from("MZ"), Buffer.alloc(100)]));
		const { keyFile, certFile, caFile } = makeAuthority(join(directory, "pki"));
		const sigtool = runner(directory);
		const resign = () => {
			expect(sigtool(["sign", root, "--key", keyFile, "--cert", certFile])).toMatchObject({ status: 0 });
		};
		resign();
		/** Signs like a producer that does not know the attribute `SigtoolSha256`. */
		const signForeign = async () => {
			const { wholeFiles: _, ...manifest } = await hashFileSet(root, { skip: new Set(["plugins.cat"]) });
			const rules = { ignore: [], include: [], scope: "root", caseCollisions: "refuse", modes: "none" } as const;
			const facts = { ...rules, links: "record", ...entryFacts(manifest) } as const;
			const list = encodeCatalog(manifest, facts, { thisUpdate: Date.now() });
			const { pieces } = await signEncoded(list, await openPemSigner({ keyFile, certFile }), {});
			writeFileSync(join(root, "plugins.cat"), Buffer.concat(pieces));
		};
		const catalogs = [{ directory: root }];
		return {
			directory,
			root,
			catalogs,
			sigtool,
			resign,
			signForeign,
			trust: readFileSync(caFile, "utf8"),
			at: (path: string) => join(root, path),
		};
	}

	test("openCode() and openCodeSync() hand out signed files, through links too", async () => {
		const { catalogs, trust, at } = signedPlugins();
		const verifier = createVerifier({ catalogs, trust });
		expect(Buffer.from(verifier.openCodeSync(at("d/b.js"))).toString()).toBe("b()");
		expect(Buffer.from(await verifier.openCode(at("l"))).toString()).toBe("a()");
		expect(verifier.openCodeSync(at("tool.exe"))).toHaveLength(102);
		expect(verifier.mode).toBe("enforce");
	});

	test("a file that is not signed under its name is refused", () => {
		const { catalogs, trust, at } = signedPlugins();
		const verifier = createVerifier({ catalogs, trust });
		writeFileSync(at("new.js"), "");
		copyFileSync(at("a.js"), at("d/b.js"));
		expect(() => verifier.openCodeSync(at("new.js"))).toThrow(untrusted("ERR_FILE_ADDED"));
		expect(() => verifier.openCodeSync(at("d/b.js"))).toThrow(untrusted("ERR_FILE_MODIFIED"));
		expect(verifier.decide(at("d/b.js"), Buffer.from("b()")).trusted).toBe(true);
	});

	test("a zip appended behind the signature of a signed .exe is refused", () => {
		const { root, catalogs, trust, at, resign } = signedPlugins();
		const [program, changed] = imageAndItWithZip();
		writeFileSync(at("tool.exe"), program);
		resign();
		const verifier = createVerifier({ catalogs, trust });
		expect(Buffer.from(verifier.openCodeSync(at("tool.exe"))).equals(program)).toBe(true);
		writeFileSync(at("tool.exe"), changed);
		expect(() => verifier.openCodeSync(at("tool.exe"))).toThrow(untrusted("ERR_FILE_MODIFIED"));
		expect(verifier.decide(join(root, "tool.exe"), program).trusted).toBe(true);
	});

	test("an .exe of which a catalog has an Authenticode digest alone is never handed out", async () => {
		const { root, catalogs, trust, at, signForeign } = signedPlugins();
		const [program] = imageAndItWithZip();
		writeFileSync(at("tool.exe"), program);
		await signForeign();
		const verifier = createVerifier({ catalogs: catalogs.map((each) => ({ ...each, product: undefined })), trust });
		expect(Buffer.from(verifier.openCodeSync(at("a.js"))).toString()).toBe("a()");
		expect(() => verifier.openCodeSync(at("tool.exe"))).toThrow(untrusted("ERR_UNSIGNED_BYTES"));
		expect(verifier.decide(join(root, "tool.exe"), program).trusted).toBe(false);
	});

	test("another trust, another product, and a development identity are refused", () => {
		const { directory, root, catalogs, sigtool, trust } = signedPlugins();
		const [other] = [readFileSync(makeAuthority(join(directory, "other")).caFile, "utf8")];
		expect(() => createVerifier({ catalogs, trust: other })).toThrow(refusal("ERR_CERTIFICATE_SIGNATURE"));
		const misnamed = [{ directory: root, product: "other" }];
		expect(() => createVerifier({ catalogs: misnamed, trust })).toThrow(refusal("ERR_PRODUCT_MISMATCH"));
		expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
		const certificate = join(directory, "config/sigtool/identities/development/certificate.pem");
		const developer = { catalogs, trust: readFileSync(certificate, "utf8") };
		expect(() => createVerifier(developer)).toThrow(refusal("ERR_DEVELOPMENT_IDENTITY"));
		expect(createVerifier({ ...developer, development: "allow" }).mode).toBe("enforce");
	});

	test("a misspelt option or a value that is no path is a mistake of the caller", async () => {
		const { catalogs, trust, at } = signedPlugins();
		for (const wrong of [{ mode: "stict" }, { onRefusal: "exitt" }, { development: "no" }, { development: true }]) {
			const [member] = Object.keys(wrong);
			const mistake = expect.objectContaining({
				code: "ERR_USAGE",
				message: expect.stringContaining(`"${member}" must be`),
			});
			expect(() => createVerifier({ catalogs, trust, ...(wrong as object) })).toThrow(mistake);
		}
		const misspelt = /^Cannot call createVerifier\(\): "onRefusl" is not an option; did you mean "onRefusal"\?$/;
		expect(() => createVerifier({ catalogs, trust, ...{ onRefusl: "exit" } })).toThrow(misspelt);
		expect(() => createVerifier({ catalogs, trust: "ca.pem" })).toThrow(
			/"trust" must be certificates in PEM; .* read the file$/,
		);
		const misspeltSource = { directory: at("."), prodct: "p" };
		expect(() => createVerifier({ catalogs: [misspeltSource], trust })).toThrow(
			/"catalogs\[0\].prodct" is not an option/,
		);
		expect(() => createVerifier({ catalogs: [{ directory: at("none") }], trust })).toThrow(refusal("ERR_ROOT_MISSING"));
		const verifier = createVerifier({ catalogs, trust, mode: undefined });
		const others: unknown[] = [Buffer.from(at("a.js")), new URL(`file://${at("a.js")}`), undefined];
		for (const path of others) {
			expect(() => verifier.openCodeSync(path as string)).toThrow(TypeError);
			await expect(verifier.openCode(path as string)).rejects.toThrow(TypeError);
		}
	});

	test("two directories of one product are refused", () => {
		const { catalogs, trust } = signedPlugins();
		expect(() => createVerifier({ catalogs: [...catalogs, ...catalogs], trust })).toThrow(
			refusal("ERR_PRODUCT_MISMATCH"),
		);
	});
});

describe("over a trust index and a host configuration", () => {
	/** Makes a signed index of a small tree and the configuration that trusts its signer. The parameters change both. */
	async function installed(
		more: { configuration?: object; policy?: object; product?: object; sequence?: number } = {},
	) {
		const directory = home();
		const root = makeTree(join(directory, "app"), { "main.js": "main()" });
		const signer = makeSigner();
		const pin = spkiSha256(signer.certificates[0]);
		const bytes = await signedIndex(signer, {
			notAfter: undefined,
			policy: { ...DEFAULT_POLICY, ...more.policy },
			signers: [sha256("catalog signer")],
			products: [
				{
					name: "app",
					root,
					sequence: more.sequence ?? 3,
					catalogs: [sha256("catalog")],
					...more.product,
					entries: new Map([["main.js", { kind: "file", sha256: sha256("main()"), size: 6 }]]),
				},
			],
		});
		const index = join(directory, "app.sigx");
		writeFileSync(index, bytes);
		const etc = join(directory, "etc");
		mkdirSync(etc, { mode: 0o755 });
		const config = join(etc, "verifier.json");
		const audit = { stderr: "off" };
		const document = { version: 1, pins: [{ "spki-sha256": pin }], index, audit, ...more.configuration };
		writeFileSync(config, JSON.stringify(document), { mode: 0o644 });
		// In CI root owns the files. Elsewhere the developer owns them, and the verifier must allow that.
		const development = process.getuid?.() === 0 ? "refuse" : "allow";
		return { bytes, signer, main: join(root, "main.js"), options: { config, development } as const };
	}

	test("an adopted directory is trusted if the host names its product", async () => {
		const adopted = { name: "/usr/lib/app", adopted: true } as const;
		const { main, options } = await installed({ product: adopted });
		expect(createVerifier(options).openCodeSync(main).toString()).toBe("main()");
		writeFileSync(main, "evil()");
		expect(() => createVerifier(options).openCodeSync(main)).toThrow(untrusted("ERR_FILE_MODIFIED"));
		const others = await installed({ product: adopted, configuration: { products: [{ name: "app" }] } });
		expect(() => createVerifier(others.options)).toThrow(refusal("ERR_PRODUCT_MISMATCH"));
	});

	test("the index that the host names is used", async () => {
		const { main, options } = await installed();
		const verifier = createVerifier(options);
		expect(Buffer.from(verifier.openCodeSync(main)).toString()).toBe("main()");
		writeFileSync(main, "evil()");
		expect(() => verifier.openCodeSync(main)).toThrow(untrusted("ERR_FILE_MODIFIED"));
	});

	test("an index that is truncated anywhere is refused", async () => {
		const { bytes, options } = await installed();
		for (let end = 0; end < bytes.length; end += 1 + Math.floor(end / 20)) {
			const index = bytes.subarray(0, end);
			expect(() => createVerifier({ ...options, index })).toThrow(
				expect.objectContaining({ code: expect.stringMatching(/^ERR_(INDEX_FORMAT|DER|CMS_FORMAT|LIMIT)$/) }),
			);
		}
	});

	test.each([
		["a wrong pin", { pins: [{ "spki-sha256": sha256("") }] }, "ERR_UNTRUSTED_SIGNER"],
		["a lower sequence", { products: [{ name: "app", minimumSequence: 4 }] }, "ERR_SEQUENCE"],
		["an unexpected product", { products: [{ name: "other" }] }, "ERR_PRODUCT_MISMATCH"],
		["a denied catalog", { deny: [{ catalog: sha256("catalog"), reason: "x" }] }, "ERR_DENIED"],
		["a denied key of a catalog", { deny: [{ key: sha256("catalog signer"), reason: "x" }] }, "ERR_DENIED"],
		["a missing index", { index: "/nonexistent/app.sigx" }, "ERR_ROOT_MISSING"],
		["no index at all", { index: undefined }, "ERR_HOST_CONFIG"],
		["a failing sink", { audit: { stderr: "off", jsonLines: "/dev/full" } }, "ERR_AUDIT_SINK"],
		["a sink that cannot be", { audit: { stderr: "off", jsonLines: "/nonexistent/a" } }, "ERR_AUDIT_SINK"],
		["a missing policy", { policy: "/nonexistent/policy.json" }, "ERR_HOST_CONFIG"],
	])("%s is refused at start", async (_, configuration, code) => {
		const { options } = await installed({ configuration });
		expect(() => createVerifier(options)).toThrow(refusal(code));
	});

	test("a start whose first event cannot be written names the file, the reason and the way out", async () => {
		const { options } = await installed({ configuration: { audit: { stderr: "off", jsonLines: "/dev/full" } } });
		expect(() => createVerifier(options)).toThrow(
			/^Cannot write audit events to "\/dev\/full": no space left on device \(ENOSPC\); .*free the disk/,
		);
	});

	test("an index with a product that its policy does not name is refused with both ways out", async () => {
		const { options } = await installed({ policy: { products: ["other"] } });
		expect(() => createVerifier(options)).toThrow(
			'Cannot use product "app": the policy does not name it; add it to "products" there, or install the index that belongs to it',
		);
	});

	test.each(["key", "certificate"])("a %s of the index's signer on the deny list is refused", async (kind) => {
		const { signer, bytes, options } = await installed();
		const pin = spkiSha256(signer.certificates[0]);
		const deny = [{ [kind]: kind === "key" ? pin : sha256(signer.certificates[0].der), reason: "stolen" }];
		const document = { version: 1, pins: [{ "spki-sha256": pin }], deny, audit: { stderr: "off" } };
		writeFileSync(options.config, JSON.stringify(document));
		expect(() => createVerifier({ ...options, index: bytes })).toThrow(
			expect.objectContaining({ code: "ERR_DENIED", message: expect.stringContaining("stolen") }),
		);
	});

	test("an index is refused if the deny list names the file or its signed part, which other certificates do not change", async () => {
		const { bytes, options } = await installed();
		const signed = signedPartOf(bytes);
		const document = JSON.parse(readFileSync(options.config, "utf8"));
		for (const part of [bytes, signed]) {
			const deny = [{ catalog: sha256(part), reason: "withdrawn" }];
			writeFileSync(options.config, JSON.stringify({ ...document, deny }));
			expect(() => createVerifier({ ...options, index: bytes })).toThrow(/withdrawn/);
		}
		writeFileSync(options.config, JSON.stringify({ ...document, deny: [] }));
		expect(() => createVerifier({ ...options, index: bytes })).not.toThrow();
	});

	test("a missing addon is refused if the policy requires the kernel's check, and reported otherwise", async () => {
		const monitorOver = (
			{ options: { config, development } }: Awaited<ReturnType<typeof installed>>,
			mode?: "strict",
		) => {
			return createMonitor({ configuration: readHostConfiguration({ file: config, development }), mode, development });
		};
		const files = { ...DEFAULT_POLICY.files, kernelCheck: "require" };
		const required = await installed({ policy: { files } });
		expect(() => monitorOver(required)).toThrow(refusal("ERR_KERNEL_CHECK"));
		const usual = await installed();
		expect(() => monitorOver(usual, "strict")).toThrow(refusal("ERR_KERNEL_CHECK"));
		expect(monitorOver(usual).capabilities).toContainEqual({
			name: "files open for writing",
			enforced: false,
			detail: "the native addon is missing; `sigtool doctor` says why",
		});
	});

	test("files.owner and files.othersWrite of the policy count, and a policy without them refuses no owner and no mode", async () => {
		const files = { othersWrite: "refuse" as const, ...(process.getuid?.() === 0 && { owner: "root" }) };
		const bounded = await installed({ policy: { files: { ...DEFAULT_POLICY.files, ...files } } });
		const usual = await installed();
		for (const { options, main } of [bounded, usual]) {
			chmodSync(main, 0o644);
			expect(createVerifier(options).openCodeSync(main).toString()).toBe("main()");
			chmodSync(main, 0o666);
		}
		expect(() => createVerifier(bounded.options).openCodeSync(bounded.main)).toThrow(untrusted("ERR_FILE_WRITABLE"));
		expect(createVerifier(usual.options).openCodeSync(usual.main).toString()).toBe("main()");
		if (process.getuid?.() !== 0) return;
		for (const { main } of [bounded, usual]) chownSync(main, 1234, 0);
		expect(() => createVerifier(bounded.options).openCodeSync(bounded.main)).toThrow(untrusted("ERR_FILE_OWNER"));
		expect(createVerifier(usual.options).openCodeSync(usual.main).toString()).toBe("main()");
	});

	test("a program can make the mode stricter, not weaker", async () => {
		const { options, main } = await installed({ configuration: { mode: "enforce" } });
		expect(createVerifier({ ...options, mode: "off" }).mode).toBe("enforce");
		const audited = await installed({ configuration: { mode: "audit" } });
		expect(createVerifier(audited.options).mode).toBe("audit");
		expect(createVerifier({ ...audited.options, mode: "enforce" }).mode).toBe("enforce");
		writeFileSync(main, "evil()");
		expect(() => createVerifier({ ...options, mode: "audit" }).openCodeSync(main)).toThrow();
	});

	test("the host's mode off allows everything, even without a valid index, and says so", async () => {
		const log = join(home(), "audit.jsonl");
		const audit = { stderr: "off", jsonLines: log };
		const { options, main } = await installed({ configuration: { mode: "off", index: "/nonexistent", audit } });
		writeFileSync(main, "changed()");
		const verifier = createVerifier(options);
		expect(Buffer.from(verifier.openCodeSync(main)).toString()).toBe("changed()");
		expect(JSON.parse(readFileSync(log, "utf8"))).toMatchObject({
			event: "verifier.start",
			verdict: "record",
			mode: "off",
		});
		expect(() => createVerifier({ ...options, mode: "enforce" })).toThrow(refusal("ERR_ROOT_MISSING"));
	});

	test("events and refusals are in the JSON Lines file", async () => {
		const log = join(home(), "audit.jsonl");
		const { options, main } = await installed({ configuration: { audit: { stderr: "off", jsonLines: log } } });
		const verifier = createVerifier(options);
		writeFileSync(main, "evil()");
		expect(() => verifier.openCodeSync(main)).toThrow();
		const events = readFileSync(log, "utf8")
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		expect(events.filter(({ event }) => event !== "native.load")).toMatchObject([
			{ event: "catalog.load", product: "app", sequence: 3 },
			{ event: "verifier.start", verdict: "allow", mode: "enforce", products: "app@3" },
			{ event: "module.open_code", verdict: "refuse", reason: "ERR_FILE_MODIFIED", path: main },
		]);
	});
});

test("the published types need no other package", () => {
	const seen = new Set<string>();
	const visit = (file: URL) => {
		if (seen.has(file.href)) return;
		seen.add(file.href);
		const declarations = readFileSync(file, "utf8").replace(/\/\*\*.*?\*\//gs, ""); // Comments have examples.
		for (const [, from = ""] of declarations.matchAll(/(?:from|import)\s*\(?"([^"]+)"/g)) {
			expect([file.pathname, from]).toEqual([file.pathname, expect.stringMatching(/^(\.|node:)/)]);
			if (from.startsWith(".")) visit(new URL(from.replace(/\.js$/, ".d.ts"), file));
		}
	};
	visit(new URL("../dist/index.d.ts", import.meta.url));
	expect(seen.size).toBeGreaterThan(3);
});
