/** Tests the events of spython, and where the host configuration sends them. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { canMount, hasHeader, hasProgram, spawnSync } from "../../../../test/outside.js";
import { configOf, isRoot, ran, under, unjudged } from "./host-site.js";
import { describeEach, PYTHONS, Site } from "./support.js";

describeEach(PYTHONS.slice(0, 1), isRoot)("the events of spython $version (as root)", (python) => {
	let site: Site;
	beforeAll(async () => {
		site = new Site(python);
		site.write({ "main.py": "import helper\nprint('ran')\n", "helper.py": "" });
		await site.sign();
	});

	it("does not start with a file of events that cannot be opened, in every mode", () => {
		const audit = { jsonLines: join(site.root, "nowhere/events.jsonl") };
		for (const mode of ["off", "audit", "enforce", "strict"])
			expect(under(site, { mode, audit })).toMatchObject(unjudged("ERR_AUDIT_SINK"));
	});

	it("records the default events under a policy that names none", async () => {
		const policy = join(site.root, "shortest.json");
		const jsonLines = join(site.root, "default-events.jsonl");
		writeFileSync(policy, '{"version":1}', { mode: 0o600 });
		site.write({ "makes.py": "import types\ntypes.FunctionType((lambda: 1).__code__, {})\n" });
		await site.sign();
		expect(under(site, { policy, audit: { jsonLines } }, ["app/makes.py"]).status).toBe(0);
		expect(readFileSync(jsonLines, "utf8")).toContain('"event":"python.function.__new__"');
	});

	it("records the default events also under a policy that names others", async () => {
		const policy = join(site.root, "more.json");
		const jsonLines = join(site.root, "more-events.jsonl");
		writeFileSync(policy, '{"version":1,"python":{"events":["compile","exec"]}}', { mode: 0o600 });
		site.write({ "makes.py": "import types\ntypes.FunctionType((lambda: 1).__code__, {})\n" });
		await site.sign();
		expect(under(site, { policy, audit: { jsonLines } }, ["app/makes.py"]).status).toBe(0);
		const events = readFileSync(jsonLines, "utf8");
		expect(events).toContain('"event":"python.function.__new__"');
		expect(events).toContain('"event":"python.exec"');
	});

	const hasProbes = hasHeader("sys/sdt.h") && hasProgram("readelf");
	it.skipIf(!hasProbes)("has the probe sigtool:audit (needs sys/sdt.h and readelf)", () => {
		const { stdout } = spawnSync("readelf", ["-n", site.spython], { encoding: "utf8" });
		expect(stdout).toMatch(/Provider: sigtool\s+Name: audit\s+[\s\S]*Arguments: \S+ \S+/);
	});

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
		expect(under(site, { audit: { jsonLines } })).toMatchObject(ran);
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
		expect(under(site, { audit: { jsonLines } })).toMatchObject(ran);
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
		expect(under(site, { audit: { jsonLines } }, ["app/closes.py"]).status).toBe(0);
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
		const run = under(site, {}, ["app/runs.py", long]);
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
		expect(under(site, { audit: { jsonLines: fifo } })).toMatchObject(unjudged("ERR_AUDIT_SINK"));
		expect(under(site, { audit: { jsonLines: "/dev/full" } })).toMatchObject(ran);
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
		expect(under(site, { audit: { jsonLines } }, ["app/fills.py"]).status).toBe(0);
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
		expect(under(site, { audit: { jsonLines } }, ["app/ends.py"]).status).toBe(0);
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
		const program = [site.spython, "--config", configOf(site), "--index", site.index, ...args];
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

	it.skipIf(!canMount())("go to syslog as one datagram each, refusals as critical (needs unshare -m)", () => {
		site.write({ "extra.py": "" });
		writeFileSync(
			configOf(site),
			JSON.stringify({ version: 1, ...site.trusted, audit: { syslog: true, stderr: "off" } }),
		);
		const start = ["85", expect.objectContaining({ event: "verifier.start", verdict: "allow" })];
		expect(logged("afterwards", "app/main.py")).toContainEqual(start);
		const refusal = ["82", expect.objectContaining({ event: "cmdline.refused", verdict: "refuse" })];
		expect(logged("afterwards", "-c", "1")).toEqual([refusal]);
	});

	const hasLocales = existsSync("/usr/share/i18n/locales/fr_FR") && hasProgram("localedef");
	it.skipIf(!canMount() || !hasLocales)(
		"go to syslog in English, whatever the program's locale (needs unshare -m, localedef and locales)",
		async () => {
			const french = join(site.root, "fr_FR.UTF-8");
			spawnSync("localedef", ["-i", "fr_FR", "-f", "UTF-8", french]);
			const speak = `import os, locale\nos.environ["LOCPATH"] = ${JSON.stringify(site.root)}\nlocale.setlocale(locale.LC_ALL, "fr_FR.UTF-8")\n`;
			site.write({ "french.py": `${speak}import helper\n` });
			await site.sign();
			writeFileSync(
				configOf(site),
				JSON.stringify({ version: 1, ...site.trusted, audit: { syslog: true, stderr: "off" } }),
			);
			const late = [
				"85",
				expect.objectContaining({ event: "module.open_code", entry: expect.stringContaining("helper") }),
			];
			expect(logged("meanwhile", "app/french.py")).toContainEqual(late);
		},
	);
});
