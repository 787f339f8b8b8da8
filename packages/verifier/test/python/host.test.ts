import { spawnSync } from "node:child_process";
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
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spkiSha256 } from "../../../core/dist/pki/certificate.js";
import { signIndex } from "../../../core/dist/trust/index-encode.js";
import { HEADER_BYTES, RECORD_BYTES } from "../../../core/dist/trust/index-layout.js";
import { signerWithoutKey } from "../../../core/test/pki/degenerate-key.js";
import { buildOrCopySpython } from "./kept-spython.js";
import { makeKey, PYTHONS, Site } from "./support.js";

const isRoot = process.getuid?.() === 0;
const canMount = spawnSync("unshare", ["-m", "true"]).status === 0;
const [major = 0, minor = 0] = release().split(".").map(Number);
/** True if the kernel has AT_EXECVE_CHECK (Linux 6.14). */
const canAsk = major > 6 || (major === 6 && minor >= 14);

describe.skipIf(!isRoot).each(PYTHONS.slice(0, 1))("the host configuration of spython $version (as root)", (python) => {
	let site: Site;
	let config: string;
	beforeAll(async () => {
		site = new Site(python);
		config = join(site.root, "verifier.json");
		site.write({ "main.py": "import helper\nprint('ran')\n", "helper.py": "" });
		await site.sign();
	});
	afterAll(() => site.remove());

	/**
	 * Runs under this configuration. The configuration's directory is below `/tmp`, which is accepted because of the
	 * sticky bit of `/tmp`. The configuration pins the site's signer, unless `document` has other pins.
	 */
	function under(document: unknown, args: readonly string[] = ["app/main.py"], options: readonly string[] = []) {
		writeFileSync(
			config,
			typeof document === "string"
				? document
				: JSON.stringify({ version: 1, ...site.trusted, ...(document as object) }),
			{ mode: 0o600 },
		);
		return site.run(args, { options: ["--config", config, ...options] });
	}
	const refused = (code: string) => ({
		status: 126,
		stdout: "",
		stderr: expect.stringContaining(`spython: ${code}: `),
	});
	const unjudged = (code: string) => ({ ...refused(code), status: 75 });
	const ran = { status: 0, stdout: "ran\n" };

	it("trusts the keys it pins", async () => {
		const pin = makeKey(site.root, "host");
		const index = join(site.root, "host.sigx");
		await site.sign({ key: "host", output: index });
		writeFileSync(config, JSON.stringify({ version: 1, pins: [{ "spki-sha256": pin, name: "host" }], index }));
		expect(
			spawnSync(site.spython, ["--config", config, "app/main.py"], { cwd: site.root, encoding: "utf8" }),
		).toMatchObject(ran);
		await site.sign();
	});

	it("16.1: decides by its pins alone, whatever keys are built in", async () => {
		const other = [{ "spki-sha256": "a".repeat(64) }];
		expect(site.run(["app/main.py"])).toMatchObject(ran);
		for (const pins of [[], other]) {
			expect(under({ pins })).toMatchObject(refused("ERR_UNTRUSTED_SIGNER"));
			expect(under({ pins }, [], ["--check-index"])).toMatchObject({ status: 126, stdout: "", events: [] });
		}
		expect(under({ pins: [...other, ...site.trusted.pins] }, [], ["--check-index"])).toMatchObject({
			status: 0,
			stdout: "enforce\n",
			stderr: "",
		});
	});

	it("16.1: --check-index writes no event, even to a file that does not exist", () => {
		const jsonLines = join(site.root, "unwritten.jsonl");
		expect(under({ audit: { jsonLines, stderr: "all" } }, [], ["--check-index"])).toMatchObject({
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

	it.skipIf(!canMount)("16.1: is not absent where this user may not look for it (needs unshare -m)", () => {
		const pins: object[] = [];
		expect(inOtherEtc(site.spython, undefined, "755")).toMatchObject({ status: 0, stdout: "enforce\n" });
		expect(inOtherEtc(site.spython, { pins }, "755")).toMatchObject({ status: 126, stdout: "" });
		const hidden = inOtherEtc(site.spython, { pins }, "700");
		expect(hidden).toMatchObject({ status: 126, stdout: "" });
		expect(hidden.stderr).toContain("Permission denied");
	});

	it.skipIf(!canMount)("16.1: must pin for a spython that was built without keys (needs unshare -m)", () => {
		const keyless = join(site.root, "keyless");
		buildOrCopySpython(python, keyless, {});
		const none = inOtherEtc(keyless, undefined, "755");
		expect(none).toMatchObject({ status: 75, stdout: "" });
		expect(none.stderr).toContain("this spython was built without keys");
		expect(inOtherEtc(keyless, site.trusted, "755")).toMatchObject({ status: 0, stdout: "enforce\n" });
	});

	it("14.8: refuses an index whose signer has the RSA exponent 1, although the key is pinned", async () => {
		const signer = signerWithoutKey();
		const signed = readFileSync(site.index);
		const [head = 0, entries = 0, names = 0] = [12, 16, 20].map((at) => signed.readUInt32LE(at));
		const content = signed.subarray(0, HEADER_BYTES + head + entries * RECORD_BYTES + names);
		const index = join(site.root, "forged.sigx");
		writeFileSync(index, Buffer.concat(await signIndex(content, signer, Date.now())));
		const pins = [{ "spki-sha256": spkiSha256(signer.certificates[0]) }];
		writeFileSync(config, JSON.stringify({ version: 1, pins }), { mode: 0o600 });
		const run = site.run(["app/main.py"], { index, options: ["--config", config] });
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
		expect(under({ products: names })).toMatchObject(ran);
		expect(under({ products: [{ name: "app" }] })).toMatchObject(refused("ERR_PRODUCT_MISMATCH"));
		const newer = names.map((each: { name: string }) =>
			each.name === "app" ? { ...each, minimumSequence: 2 ** 52 } : each,
		);
		expect(under({ products: newer })).toMatchObject(refused("ERR_SEQUENCE"));
		expect(under({ deny: [{ key, reason }] })).toMatchObject(refused("ERR_DENIED"));
		expect(under({ deny: [{ catalog: index, reason }] })).toMatchObject(refused("ERR_DENIED"));
		expect(under({ deny: [{ reason, file }] })).toMatchObject({
			status: 1,
			stdout: "",
			stderr: expect.stringContaining(reason),
		});
	});

	it("binds a product to another directory than the compiled one", () => {
		const elsewhere = join(site.root, "elsewhere");
		spawnSync("cp", ["-a", site.application, elsewhere]);
		const products = [{ name: "app", root: elsewhere }, { name: python.library }];
		expect(under({ products }, [join(elsewhere, "main.py")])).toMatchObject(ran);
		expect(under({ products })).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_OUTSIDE_PRODUCTS") });
	});

	it("ends the process at a refusal with onRefusal exit", async () => {
		site.write({ "catches.py": "try:\n    import extra\nexcept BaseException:\n    pass\nprint('went on')\n" });
		await site.sign();
		site.write({ "extra.py": "" });
		expect(under({}, ["app/catches.py"])).toMatchObject({ status: 0, stdout: "went on\n" });
		expect(under({ onRefusal: "exit" }, ["app/catches.py"])).toMatchObject({ status: 126, stdout: "" });
	});

	it("sets the mode, which an option only makes stricter", () => {
		site.write({ "extra.py": "print('unsigned')\n" });
		const run = under({ mode: "audit" }, ["app/extra.py"]);
		expect(run).toMatchObject({ status: 0, stdout: "unsigned\n" });
		expect(run.events).toContainEqual(
			expect.objectContaining({ event: "module.open_code", verdict: "audit", reason: "ERR_FILE_ADDED" }),
		);
		expect(under({ mode: "audit" }, ["app/extra.py"], ["--mode", "enforce"])).toMatchObject({ status: 1, stdout: "" });
		expect(under({ mode: "enforce" }, ["app/main.py"], ["--mode", "audit"])).toMatchObject(refused("ERR_START"));
		const opened = under({ mode: "off" }, ["app/extra.py"]);
		expect(opened).toMatchObject({ status: 0, stdout: "unsigned\n" });
		expect(opened.events).toEqual([
			expect.objectContaining({ event: "verifier.start", verdict: "audit", mode: "off" }),
		]);
	});

	it("does not start with a file of events that cannot be opened, in every mode", () => {
		const audit = { jsonLines: join(site.root, "nowhere/events.jsonl") };
		for (const mode of ["off", "audit", "enforce", "strict"])
			expect(under({ mode, audit })).toMatchObject(unjudged("ERR_AUDIT_SINK"));
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
		expect(under({ policy })).toMatchObject(expected);
	});

	it("records the default events under a policy that names none", async () => {
		const policy = join(site.root, "shortest.json");
		const jsonLines = join(site.root, "default-events.jsonl");
		writeFileSync(policy, '{"version":1}', { mode: 0o600 });
		site.write({ "makes.py": "import types\ntypes.FunctionType((lambda: 1).__code__, {})\n" });
		await site.sign();
		expect(under({ policy, audit: { jsonLines } }, ["app/makes.py"]).status).toBe(0);
		expect(readFileSync(jsonLines, "utf8")).toContain('"event":"python.function.__new__"');
	});

	it("records the default events also under a policy that names others", async () => {
		const policy = join(site.root, "more.json");
		const jsonLines = join(site.root, "more-events.jsonl");
		writeFileSync(policy, '{"version":1,"python":{"events":["compile","exec"]}}', { mode: 0o600 });
		site.write({ "makes.py": "import types\ntypes.FunctionType((lambda: 1).__code__, {})\n" });
		await site.sign();
		expect(under({ policy, audit: { jsonLines } }, ["app/makes.py"]).status).toBe(0);
		const events = readFileSync(jsonLines, "utf8");
		expect(events).toContain('"event":"python.function.__new__"');
		expect(events).toContain('"event":"python.exec"');
	});

	it("names the member that it refuses", () => {
		const document = { products: [{ name: "app", root: "/srv/" }] };
		expect(under(document).stderr).toContain(
			`Cannot use host configuration "${config}": "$.products[0].root" must be an absolute path`,
		);
		const policy = join(site.root, "wrong.json");
		writeFileSync(policy, '{"version":1,"files":{"maxSizeBytes":0}}', { mode: 0o600 });
		expect(under({ policy }).stderr).toContain(
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
		expect(under(document)).toMatchObject(refused("ERR_HOST_CONFIG"));
	});

	it.each([
		["is empty", ""],
		["ends early", `{"version":1,"pins":[{"spki-sha256":"`],
		["has open brackets alone", "[[["],
	])("16.4: cannot judge by a configuration that %s, as while somebody edits it", (_, document) => {
		expect(under(document)).toMatchObject(unjudged("ERR_HOST_CONFIG"));
	});

	it("refuses a configuration that others may write, or that a link leads to", () => {
		under({});
		chmodSync(config, 0o666);
		expect(site.run(["app/main.py"], { options: ["--config", config] })).toMatchObject(refused("ERR_HOST_CONFIG"));
		chmodSync(config, 0o600);
		const link = join(site.root, "link.json");
		if (!existsSync(link)) symlinkSync(config, link);
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
		writeFileSync(config, JSON.stringify({ version: 1, pins: [{ "spki-sha256": pin }] }));
		const run = (...options: string[]) =>
			site.run(["app/main.py"], { index, options: ["--config", config, ...options] });
		expect(run()).toMatchObject(refused("ERR_DEVELOPMENT_IDENTITY"));
		expect(run("--allow-development")).toMatchObject({
			...ran,
			stderr: expect.stringContaining("spython: development: "),
		});
	});

	describe("events", () => {
		const lines = (path: string) =>
			readFileSync(path, "utf8")
				.trimEnd()
				.split("\n")
				.map((line) => JSON.parse(line));

		it("go to the file it names, the start first, and refusals to standard error", async () => {
			const jsonLines = join(site.root, "events.jsonl");
			await site.sign({ policy: { python: { events: ["os.listdir", "compile"] } } });
			site.write({
				"main.py": "import os, helper\nos.listdir('.')\ncompile('1', 'made\\nup', 'eval')\nprint('ran')\n",
			});
			await site.sign({ policy: { python: { events: ["os.listdir", "compile"] } } });
			expect(under({ audit: { jsonLines } })).toMatchObject(ran);
			const events = lines(jsonLines);
			const names = events.map(({ event }) => event);
			expect(names.slice(0, 3)).toEqual(["catalog.load", "catalog.load", "verifier.start"]);
			expect(events[2]).toMatchObject({
				verdict: "allow",
				mode: "enforce",
				signer: site.pin,
				tier: `CPython ${python.version}`,
			});
			expect(events).toContainEqual(
				expect.objectContaining({
					event: "module.open_code",
					use: "main",
					entry: "main.py",
					rule: "entry",
					product: "app",
				}),
			);
			expect(events).toContainEqual(
				expect.objectContaining({ event: "python.os.listdir", verdict: "allow", detail: "." }),
			);
			expect(events).toContainEqual(expect.objectContaining({ event: "python.compile", detail: "1, made\nup" }));
		});

		it("can include every event of CPython", async () => {
			const jsonLines = join(site.root, "all.jsonl");
			await site.sign({ policy: { python: { events: ["*"] } } });
			expect(under({ audit: { jsonLines } })).toMatchObject(ran);
			const names = new Set(lines(jsonLines).map(({ event }) => event));
			expect([...names]).toEqual(
				expect.arrayContaining(["python.import", "python.open", "python.exec", "python.compile", "python.os.listdir"]),
			);
			await site.sign();
		});

		it("go to the file again after a program closed it and opened another file with its descriptor", async () => {
			const jsonLines = join(site.root, "again.jsonl");
			const own = join(site.root, "own.txt");
			site.write({
				"closes.py": `import os\nos.closerange(3, 64)\nfor _ in range(8): os.open(${JSON.stringify(own)}, os.O_CREAT | os.O_WRONLY)\nimport json.tool\n`,
			});
			await site.sign();
			expect(under({ audit: { jsonLines } }, ["app/closes.py"]).status).toBe(0);
			expect(readFileSync(own, "utf8")).toBe("");
			expect(lines(jsonLines).some(({ path }) => /json\/.*tool/.test(path ?? ""))).toBe(true);
		});

		it("contain digests and reason, however long the path", async () => {
			site.write({ "runs.py": "import runpy, sys\nrunpy.run_path(sys.argv[1])\n" });
			await site.sign();
			const first = join(site.application, "\u0001".repeat(250));
			const long = join(first, ...Array(11).fill("\u0001".repeat(250)), "extra.py");
			mkdirSync(join(long, ".."), { recursive: true });
			writeFileSync(long, "print('unsigned')\n");
			const run = under({}, ["app/runs.py", long]);
			rmSync(first, { recursive: true });
			expect(run).toMatchObject({ status: 1, stdout: "" });
			expect(run.events).toContainEqual(
				expect.objectContaining({
					verdict: "refuse",
					path: expect.stringContaining(first),
					sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
					product: "app",
					reason: "ERR_FILE_ADDED",
				}),
			);
		});

		it("that a sink does not take are counted, and reported when it works again", () => {
			const fifo = join(site.root, "fifo");
			spawnSync("mkfifo", [fifo]);
			expect(under({ audit: { jsonLines: fifo } })).toMatchObject(unjudged("ERR_AUDIT_SINK"));
			expect(under({ audit: { jsonLines: "/dev/full" } })).toMatchObject(ran);
		});

		it("that the file does not take several times are all in the count that it takes at last", async () => {
			const jsonLines = join(site.root, "full.jsonl");
			const program = `import os, resource
def limit(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
limit(os.path.getsize(${JSON.stringify(jsonLines)}))
for _ in range(5): os.listdir(".")
limit(resource.RLIM_INFINITY)
os.listdir(".")
os.listdir(".")
`;
			site.write({ "fills.py": program });
			await site.sign({ policy: { python: { events: ["os.listdir"] } } });
			expect(under({ audit: { jsonLines } }, ["app/fills.py"]).status).toBe(0);
			const events = lines(jsonLines).map(({ event, count }) => [event, count]);
			expect(events.slice(-3)).toEqual([
				["verifier.dropped", 5],
				["python.os.listdir", undefined],
				["python.os.listdir", undefined],
			]);
			await site.sign();
		});

		it("that the file did not take before the end are counted at the end", async () => {
			const jsonLines = join(site.root, "ended.jsonl");
			const program = `import os, resource
def limit(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
limit(os.path.getsize(${JSON.stringify(jsonLines)}))
for _ in range(3): os.listdir(".")
limit(resource.RLIM_INFINITY)
`;
			site.write({ "ends.py": program });
			await site.sign({ policy: { python: { events: ["os.listdir"] } } });
			expect(under({ audit: { jsonLines } }, ["app/ends.py"]).status).toBe(0);
			expect(lines(jsonLines).at(-1)).toMatchObject({ event: "verifier.dropped", count: 3 });
			await site.sign();
		});

		/**
		 * Returns the logged events with their priorities. If the socket is read only afterwards, it queues at least ten
		 * datagrams.
		 */
		function logged(read: "afterwards" | "meanwhile", ...args: string[]) {
			const listen = `import socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
s.settimeout(0.05)
child = subprocess.Popen(sys.argv[2:])
if sys.argv[1] == "afterwards": child.wait()
has_ended = False
while True:
    try: print(s.recv(1 << 16).decode("ascii"))
    except socket.timeout:
        if has_ended: break
        has_ended = child.poll() is not None
`;
			const devices = join(site.root, "dev");
			mkdirSync(devices, { recursive: true });
			const program = [site.spython, "--config", config, "--index", site.index, ...args];
			const listening = [python.executable, "-I", "-S", "-c", listen, read, ...program];
			const shell = `mount --bind ${devices} /dev && exec "$@"`;
			rmSync(join(devices, "log"), { force: true });
			const { stdout } = spawnSync("unshare", ["-m", "sh", "-c", shell, "sh", ...listening], {
				cwd: site.root,
				encoding: "utf8",
			});
			const shape = /^<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d spython\[\d+\]: (\{.*\})$/gm;
			return [...stdout.matchAll(shape)].map(([, priority, json]) => [priority, JSON.parse(json ?? "")] as const);
		}

		it.skipIf(!canMount)("go to syslog as one datagram each, refusals as critical (needs unshare -m)", () => {
			site.write({ "extra.py": "" });
			writeFileSync(config, JSON.stringify({ version: 1, ...site.trusted, audit: { syslog: true, stderr: "off" } }));
			const start = ["85", expect.objectContaining({ event: "verifier.start", verdict: "allow" })];
			expect(logged("afterwards", "app/main.py")).toContainEqual(start);
			const refusal = ["82", expect.objectContaining({ event: "cmdline.refused", verdict: "refuse" })];
			expect(logged("afterwards", "-c", "1")).toEqual([refusal]);
		});

		const hasLocales =
			existsSync("/usr/share/i18n/locales/fr_FR") && spawnSync("localedef", ["--version"]).status === 0;
		it.skipIf(!canMount || !hasLocales)(
			"go to syslog in English, whatever the program's locale (needs unshare -m, localedef and locales)",
			async () => {
				const french = join(site.root, "fr_FR.UTF-8");
				spawnSync("localedef", ["-i", "fr_FR", "-f", "UTF-8", french]);
				const speak = `import os, locale\nos.environ["LOCPATH"] = ${JSON.stringify(site.root)}\nlocale.setlocale(locale.LC_ALL, "fr_FR.UTF-8")\n`;
				site.write({ "french.py": `${speak}import helper\n` });
				await site.sign();
				writeFileSync(config, JSON.stringify({ version: 1, ...site.trusted, audit: { syslog: true, stderr: "off" } }));
				const late = [
					"85",
					expect.objectContaining({ event: "module.open_code", entry: expect.stringContaining("helper") }),
				];
				expect(logged("meanwhile", "app/french.py")).toContainEqual(late);
			},
		);
	});

	it.skipIf(!canMount)("refuses every file on a noexec mount, even a signed one (needs unshare -m)", async () => {
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

	const hasProbes =
		existsSync("/usr/include/x86_64-linux-gnu/sys/sdt.h") && spawnSync("readelf", ["--version"]).status === 0;
	it.skipIf(!hasProbes)("has the probe sigtool:audit (needs sys/sdt.h and readelf)", () => {
		const { stdout } = spawnSync("readelf", ["-n", site.spython], { encoding: "utf8" });
		expect(stdout).toMatch(/Provider: sigtool\s+Name: audit\s+[\s\S]*Arguments: \S+ \S+/);
	});
});
