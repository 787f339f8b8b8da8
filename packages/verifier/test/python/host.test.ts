import {
	chmodSync,
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { canMount, spawnSync } from "../../../../test/outside.js";
import { spkiSha256 } from "../../../core/dist/pki/certificate.js";
import { signIndex } from "../../../core/dist/trust/index-encode.js";
import { HEADER_BYTES, RECORD_BYTES } from "../../../core/dist/trust/index-layout.js";
import { signerWithoutKey } from "../../../core/test/pki/degenerate-key.js";
import { configOf, isRoot, ran, refused, under, unjudged } from "./host-site.js";
import { buildOrCopySpython } from "./kept-spython.js";
import { describeEach, makeKey, PYTHONS, Site } from "./support.js";

const [major = 0, minor = 0] = release().split(".").map(Number);
/** True if the kernel has AT_EXECVE_CHECK (Linux 6.14). */
const canAsk = major > 6 || (major === 6 && minor >= 14);

describeEach(PYTHONS.slice(0, 1), isRoot)("the host configuration of spython $version (as root)", (python) => {
	let site: Site;
	beforeAll(async () => {
		site = new Site(python);
		site.write({ "main.py": "import helper\nprint('ran')\n", "helper.py": "" });
		await site.sign();
	});

	it("trusts the keys it pins", async () => {
		const pin = makeKey(site.root, "host");
		const index = join(site.root, "host.sigx");
		await site.sign({ key: "host", output: index });
		writeFileSync(configOf(site), JSON.stringify({ version: 1, pins: [{ "spki-sha256": pin, name: "host" }], index }));
		expect(
			spawnSync(site.spython, ["--config", configOf(site), "app/main.py"], { cwd: site.root, encoding: "utf8" }),
		).toMatchObject(ran);
		await site.sign();
	});

	it("decides by its pins alone, whatever keys are built in", async () => {
		const other = [{ "spki-sha256": "a".repeat(64) }];
		expect(site.run(["app/main.py"])).toMatchObject(ran);
		for (const pins of [[], other]) {
			expect(under(site, { pins })).toMatchObject(refused("ERR_UNTRUSTED_SIGNER"));
			expect(under(site, { pins }, [], ["--check-index"])).toMatchObject({ status: 126, stdout: "", events: [] });
		}
		expect(under(site, { pins: [...other, ...site.trusted.pins] }, [], ["--check-index"])).toMatchObject({
			status: 0,
			stdout: "enforce\n",
			stderr: "",
		});
	});

	it("--check-index writes no event, even to a file that does not exist", () => {
		const jsonLines = join(site.root, "unwritten.jsonl");
		expect(under(site, { audit: { jsonLines, stderr: "all" } }, [], ["--check-index"])).toMatchObject({
			status: 0,
			events: [],
		});
		expect(existsSync(jsonLines)).toBe(false);
	});

	/** Runs as another user, with an /etc of its own that has this configuration in a directory of this mode. */
	function inOtherEtc(spython: string, document: object | undefined, mode: string) {
		const etc = join(site.root, "etc");
		const script = `
			set -e
			cp -a /etc/. ${etc}
			rm -rf ${etc}/sigtool
			if [ -n "$1" ]; then
				mkdir ${etc}/sigtool
				printf %s "$1" > ${etc}/sigtool/verifier.json
				chmod ${mode} ${etc}/sigtool
			fi
			mount --bind ${etc} /etc
			shift
			exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"`;
		rmSync(etc, { recursive: true, force: true });
		mkdirSync(etc);
		for (const path of [site.root, site.application]) chmodSync(path, 0o755);
		const text = document === undefined ? "" : JSON.stringify({ version: 1, ...document });
		const program = [spython, "--index", site.index, "--check-index"];
		return spawnSync("unshare", ["-m", "sh", "-c", script, "sh", text, ...program], { encoding: "utf8" });
	}

	it.skipIf(!canMount())("is not absent where this user may not look for it (needs unshare -m)", () => {
		const pins: object[] = [];
		expect(inOtherEtc(site.spython, undefined, "755")).toMatchObject({ status: 0, stdout: "enforce\n" });
		expect(inOtherEtc(site.spython, { pins }, "755")).toMatchObject({ status: 126, stdout: "" });
		const hidden = inOtherEtc(site.spython, { pins }, "700");
		expect(hidden).toMatchObject({ status: 126, stdout: "" });
		expect(hidden.stderr).toContain("Permission denied");
	});

	it.skipIf(!canMount())("must pin for a spython that was built without keys (needs unshare -m)", () => {
		const keyless = join(site.root, "keyless");
		buildOrCopySpython(python, keyless, {});
		const none = inOtherEtc(keyless, undefined, "755");
		expect(none).toMatchObject({ status: 75, stdout: "" });
		expect(none.stderr).toContain("this spython was built without keys");
		expect(inOtherEtc(keyless, site.trusted, "755")).toMatchObject({ status: 0, stdout: "enforce\n" });
	});

	it("refuses an index whose signer has the RSA exponent 1, although the key is pinned", async () => {
		const signer = signerWithoutKey();
		const signed = readFileSync(site.index);
		const [head = 0, entries = 0, names = 0] = [12, 16, 20].map((at) => signed.readUInt32LE(at));
		const content = signed.subarray(0, HEADER_BYTES + head + entries * RECORD_BYTES + names);
		const index = join(site.root, "forged.sigx");
		writeFileSync(index, Buffer.concat(await signIndex(content, signer, Date.now())));
		const pins = [{ "spki-sha256": spkiSha256(signer.certificates[0]) }];
		writeFileSync(configOf(site), JSON.stringify({ version: 1, pins }), { mode: 0o600 });
		const run = site.run(["app/main.py"], { index, options: ["--config", configOf(site)] });
		expect(run).toMatchObject(refused("ERR_CERTIFICATE_FORMAT"));
		expect(run.stderr).toContain("its signer's RSA key has an even modulus, or a public exponent that is even");
	});

	it("refuses other products, older sequences and entries of the deny list", () => {
		const head = JSON.parse(site.sigtool("inspect", "--json", site.index));
		const [key] = [site.pin];
		const file = spawnSync("sha256sum", [join(site.application, "helper.py")], { encoding: "utf8" }).stdout.slice(
			0,
			64,
		);
		const index = spawnSync("sha256sum", [site.index], { encoding: "utf8" }).stdout.slice(0, 64);
		const names = head.products.map(({ name }: { name: string }) => ({ name }));
		const reason = "CVE-2026-0001";
		expect(under(site, { products: names })).toMatchObject(ran);
		const other = under(site, { products: [{ name: "app" }] });
		expect(other).toMatchObject(refused("ERR_PRODUCT_MISMATCH"));
		expect(other.stderr).toMatch(
			/does not name it; add it to "products" there, or install the index that belongs to it/,
		);
		const newer = names.map((each: { name: string }) =>
			each.name === "app" ? { ...each, minimumSequence: 2 ** 52 } : each,
		);
		expect(under(site, { products: newer })).toMatchObject(refused("ERR_SEQUENCE"));
		expect(under(site, { deny: [{ key, reason }] })).toMatchObject(refused("ERR_DENIED"));
		expect(under(site, { deny: [{ catalog: index, reason }] })).toMatchObject(refused("ERR_DENIED"));
		expect(under(site, { deny: [{ reason, file }] })).toMatchObject({
			status: 1,
			stdout: "",
			stderr: expect.stringContaining(reason),
		});
	});

	it("binds a product to another directory than the compiled one", () => {
		const elsewhere = join(site.root, "elsewhere");
		spawnSync("cp", ["-a", site.application, elsewhere]);
		const products = [{ name: "app", root: elsewhere }, { name: python.library }];
		expect(under(site, { products }, [join(elsewhere, "main.py")])).toMatchObject(ran);
		expect(under(site, { products })).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("ERR_OUTSIDE_PRODUCTS"),
		});
	});

	it("ends the process at a refusal with onRefusal exit", async () => {
		site.write({ "catches.py": "try:\n    import extra\nexcept BaseException:\n    pass\nprint('went on')\n" });
		await site.sign();
		site.write({ "extra.py": "" });
		expect(under(site, {}, ["app/catches.py"])).toMatchObject({ status: 0, stdout: "went on\n" });
		expect(under(site, { onRefusal: "exit" }, ["app/catches.py"])).toMatchObject({ status: 126, stdout: "" });
	});

	it("sets the mode, which an option only makes stricter", () => {
		site.write({ "extra.py": "print('unsigned')\n" });
		const run = under(site, { mode: "audit" }, ["app/extra.py"]);
		expect(run).toMatchObject({ status: 0, stdout: "unsigned\n" });
		expect(run.events).toContainEqual(
			expect.objectContaining({ event: "module.open_code", verdict: "audit", reason: "ERR_FILE_ADDED" }),
		);
		expect(under(site, { mode: "audit" }, ["app/extra.py"], ["--mode", "enforce"])).toMatchObject({
			status: 1,
			stdout: "",
		});
		const weaker = under(site, { mode: "enforce" }, ["app/main.py"], ["--mode", "audit"]);
		expect(weaker).toMatchObject(refused("ERR_START"));
		expect(weaker.stderr).toMatch(
			/Cannot be in mode audit: host configuration ".+" says enforce; start in this mode, or change "mode" there/,
		);
		const opened = under(site, { mode: "off" }, ["app/extra.py"]);
		expect(opened).toMatchObject({ status: 0, stdout: "unsigned\n" });
		expect(opened.events).toEqual([
			expect.objectContaining({ event: "verifier.start", verdict: "record", mode: "off" }),
		]);
	});

	it.each([
		["a valid one", { version: 1 }, ran],
		["one of another version", { version: 2 }, refused("ERR_POLICY")],
		["one without a version", { mode: "audit" }, refused("ERR_POLICY")],
		["one whose version is a string", { version: "1" }, refused("ERR_POLICY")],
		["one with an unknown member", { version: 1, surprise: 1 }, refused("ERR_POLICY")],
	])("reads the policy document that it names, %s", (_, document, expected) => {
		const policy = join(site.root, "policy.json");
		writeFileSync(policy, JSON.stringify(document), { mode: 0o600 });
		expect(under(site, { policy })).toMatchObject(expected);
	});

	it("names the member that it refuses", () => {
		const document = { products: [{ name: "app", root: "/srv/" }] };
		expect(under(site, document).stderr).toContain(
			`Cannot use host configuration "${configOf(site)}": "$.products[0].root" must be an absolute path`,
		);
		const policy = join(site.root, "wrong.json");
		writeFileSync(policy, '{"version":1,"files":{"maxSizeBytes":0}}', { mode: 0o600 });
		expect(under(site, { policy }).stderr).toContain(
			`Cannot use policy "${policy}": "$.files.maxSizeBytes" must be a whole number from 1 to 2147483647`,
		);
	});

	it.each([
		["an unknown member", { surprise: 1 }],
		["a member twice", '{"version":1,"mode":"audit","mode":"audit"}'],
		["another version", { version: 2 }],
		["no version", '{"mode":"audit"}'],
		["a pin that is none", { pins: [{ "spki-sha256": "ab" }] }],
		["a denial of two things", { deny: [{ file: "a".repeat(64), key: "a".repeat(64), reason: "x" }] }],
		["a product twice", { products: [{ name: "app" }, { name: "app" }] }],
		["a relative path", { index: "app.sigx" }],
		["too many levels", `{"version":1,"pins":${"[".repeat(40)}${"]".repeat(40)}}`],
		["a negative number", { products: [{ name: "app", minimumSequence: -1 }] }],
	])("refuses a configuration with %s", (_, document) => {
		expect(under(site, document)).toMatchObject(refused("ERR_HOST_CONFIG"));
	});

	it.each([
		["is empty", ""],
		["ends early", `{"version":1,"pins":[{"spki-sha256":"`],
		["has open brackets alone", "[[["],
	])("cannot judge by a configuration that %s, as while somebody edits it", (_, document) => {
		expect(under(site, document)).toMatchObject(unjudged("ERR_HOST_CONFIG"));
	});

	it("refuses a configuration that others may write, or that a link leads to", () => {
		under(site, {});
		chmodSync(configOf(site), 0o666);
		expect(site.run(["app/main.py"], { options: ["--config", configOf(site)] })).toMatchObject(
			refused("ERR_HOST_CONFIG"),
		);
		chmodSync(configOf(site), 0o600);
		const link = join(site.root, "link.json");
		if (!existsSync(link)) symlinkSync(configOf(site), link);
		expect(site.run(["app/main.py"], { options: ["--config", link] })).toMatchObject(refused("ERR_HOST_CONFIG"));
	});

	it("refuses signatures of a development identity, except for development", () => {
		const pin = makeKey(site.root, "developer", "development");
		site.sigtool(
			"sign",
			site.application,
			"--product",
			"app",
			"--force",
			"--key",
			join(site.root, "signer.key"),
			"--cert",
			join(site.root, "signer.pem"),
		);
		const index = join(site.root, "development.sigx");
		const identity = ["--key", join(site.root, "developer.key"), "--cert", join(site.root, "developer.pem")];
		site.sigtool(
			"compile",
			site.application,
			"--adopt",
			python.library,
			"-o",
			index,
			"--allow-development",
			"--trust",
			join(site.root, "signer.pem"),
			...identity,
		);
		writeFileSync(configOf(site), JSON.stringify({ version: 1, pins: [{ "spki-sha256": pin }] }));
		const run = (...options: string[]) =>
			site.run(["app/main.py"], { index, options: ["--config", configOf(site), ...options] });
		expect(run()).toMatchObject(refused("ERR_DEVELOPMENT_IDENTITY"));
		expect(run("--allow-development")).toMatchObject({
			...ran,
			stderr: expect.stringContaining("spython: development: "),
		});
	});

	it.skipIf(!canMount())("refuses every file on a noexec mount, even a signed one (needs unshare -m)", async () => {
		await site.sign({ policy: { python: { xattr: "ima" } } });
		const path = join(site.application, "attribute.py");
		writeFileSync(path, "print('ran')\n");
		const hash = spawnSync("sha256sum", [path], { encoding: "utf8" }).stdout.slice(0, 64);
		expect(spawnSync("setfattr", ["-n", "security.ima", "-v", `0x0404${hash}`, path]).status).toBe(0);
		const { application } = site;
		const remount = `mount --bind ${application} ${application} && mount -o remount,bind,noexec ${application} && exec "$@"`;
		for (const script of ["main.py", "attribute.py"]) {
			const args = [join(application, script)];
			const mounted = (...program: string[]) =>
				spawnSync("unshare", ["-m", "sh", "-c", remount, "sh", ...program, ...args], { encoding: "utf8" });
			expect(site.run(args)).toMatchObject(ran);
			expect(mounted(python.executable)).toMatchObject(ran);
			expect(mounted(site.spython, "--index", site.index)).toMatchObject({
				status: 1,
				stdout: "",
				stderr: expect.stringContaining("its mount is noexec (ERR_NOT_EXECUTABLE"),
			});
		}
		rmSync(path);
		await site.sign();
	});

	it.skipIf(!canAsk)("refuses a file with an execute bit that is open for writing (needs Linux 6.14)", async () => {
		const path = join(site.application, "main.py");
		chmodSync(path, 0o755);
		await site.sign();
		const descriptor = openSync(path, "r+");
		const busy = site.run(["app/main.py"]);
		closeSync(descriptor);
		expect(busy).toMatchObject({
			status: 1,
			stdout: "",
			stderr: expect.stringContaining("it is open for writing (ERR_NOT_EXECUTABLE"),
		});
		expect(site.run(["app/main.py"])).toMatchObject(ran);
	});
});
