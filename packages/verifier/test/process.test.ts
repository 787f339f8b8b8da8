/** Tests that need a separate process: its end, its memory, its mounts, and replaced built-ins. */

import { chmodSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { canMount, hasProgram, spawnSync } from "../../../test/outside.js";
import { makeTree, temporaryDirectory } from "../../cli/test/support.js";
import { DEFAULT_POLICY, spkiSha256 } from "../../core/dist/read.js";
import { makeSigner, sha256, signedIndex, withoutRefusals } from "./support.js";

const dist = new URL("../dist/", import.meta.url);

/** Makes a signed index over `main.js` and `lib.js`, and a host configuration of this user. */
async function installed(configuration: object = {}) {
	const directory = realpathSync(temporaryDirectory());
	const root = makeTree(join(directory, "app"), { "main.js": "main()", "lib.js": "lib()" });
	const signer = makeSigner();
	const entry = (content: string) => ({ kind: "file", sha256: sha256(content), size: content.length }) as const;
	const entries = new Map([
		["lib.js", entry("lib()")],
		["main.js", entry("main()")],
	]);
	const index = join(directory, "app.sigx");
	const product = { name: "app", root, sequence: 1, catalogs: [], entries };
	const content = { notAfter: undefined, policy: DEFAULT_POLICY, signers: [], products: [product] };
	writeFileSync(index, await signedIndex(signer, content));
	mkdirSync(join(directory, "sigtool"));
	const pins = [{ "spki-sha256": spkiSha256(signer.certificates[0]) }];
	writeFileSync(
		join(directory, "sigtool/verifier.json"),
		JSON.stringify({ version: 1, pins, index, ...configuration }),
	);
	return { directory, root, env: { ...process.env, XDG_CONFIG_HOME: directory, ROOT: root } };
}

const PREAMBLE = `
import assert from "node:assert/strict";
import fs from "node:fs";
import { createMonitor } from "${new URL("monitor/create-monitor.js", dist)}";
import { loadKernelAddon } from "${new URL("monitor/kernel-addon.js", dist)}";
import { readHostConfiguration } from "${new URL("host/config.js", dist)}";
const root = process.env.ROOT;
const addon = loadKernelAddon("${new URL("native/addon.node", dist).pathname}");
const open = (more) => createMonitor({ configuration: readHostConfiguration({ development: "allow" }), ...more });
`;

function run(script: string, env: NodeJS.ProcessEnv, options: { prefix?: string[]; flags?: string[] } = {}) {
	const { prefix = [], flags = [] } = options;
	const [program = "", ...args] = [
		...prefix,
		process.execPath,
		...flags,
		"--input-type=module",
		"-e",
		PREAMBLE + script,
	];
	return spawnSync(program, args, { env, encoding: "utf8" });
}

test("onRefusal exit ends the process with status 126, after the event, whatever the program catches", async () => {
	const { env, root } = await installed();
	writeFileSync(join(root, "lib.js"), "evil()");
	const script = `
		const monitor = open({ onRefusal: "exit" });
		process.on("exit", () => console.log("exit listener"));
		try { monitor.openCodeSync(root + "/lib.js", "module"); } catch {} finally { console.log("went on"); }`;
	const { status, stdout, stderr } = run(script, env);
	expect([status, stdout]).toEqual([126, ""]);
	const [event = "", error] = stderr.split("\n");
	expect(JSON.parse(event.replace("sigtool: ", ""))).toMatchObject({ verdict: "refuse", reason: "ERR_FILE_MODIFIED" });
	expect(error).toMatch(/^sigtool: ERR_UNTRUSTED_CODE: Cannot load ".*lib.js": it was modified/);
});

test("a refused child throws also with onRefusal exit, and ends the process if the policy says so", async () => {
	const { env } = await installed();
	const attempt = (ruling: string) =>
		`const monitor = open({ onRefusal: "${ruling === "throw" ? "exit" : "throw"}" });
		try { monitor.rule("child_process.spawn", {}, "${ruling}"); } catch {} finally { console.log("went on"); }`;
	expect(run(attempt("throw"), env)).toMatchObject({ status: 0, stdout: "went on\n" });
	expect(run(attempt("exit"), env)).toMatchObject({ status: 126, stdout: "" });
});

test("10,000 loads leave neither descriptors nor memory behind", async () => {
	const { env, directory } = await installed({ audit: { jsonLines: "/dev/null", stderr: "off" } });
	writeFileSync(join(directory, "app/new.js"), "new()");
	const script = `
		const monitor = open();
		const descriptors = () => fs.readdirSync("/proc/self/fd").length;
		const load = async () => {
			monitor.openCodeSync(root + "/main.js", "module");
			await monitor.openCode(root + "/lib.js", "module");
			assert.throws(() => monitor.openCodeSync(root + "/new.js", "module"), { code: "ERR_UNTRUSTED_CODE" });
			assert.throws(() => monitor.openCodeSync(root + "/none.js", "module"), { code: "ENOENT" });
		};
		const used = () => { gc(); const { heapUsed, arrayBuffers } = process.memoryUsage(); return heapUsed + arrayBuffers; };
		for (let i = 0; i < 500; i++) await load();
		const before = [descriptors(), used()];
		for (let i = 0; i < 2500; i++) await load();
		console.log(JSON.stringify([descriptors() - before[0], used() - before[1]]));`;
	const { stdout, stderr } = run(script, env, { flags: ["--expose-gc"] });
	expect(withoutRefusals(stderr)).toBe("");
	const [descriptors, bytes] = JSON.parse(stdout);
	expect(descriptors).toBe(0);
	expect(bytes).toBeLessThan(1 << 20);
});

test("memory of files that the addon reads is freed, whether they are handed out or refused", async () => {
	const { env, root } = await installed();
	writeFileSync(join(root, "main.js"), "x".repeat(1 << 20));
	const script = `
		const monitor = open({ addon, onRefusal: "throw" });
		for (let i = 0; i < 500; i++) addon?.readRegularFile(root + "/main.js", 1e9, new Uint8Array(33));
		for (let i = 0; i < 500; i++) try { monitor.readCodeSync(root + "/main.js", "module"); } catch {}
		console.log(process.resourceUsage().maxRSS);`;
	expect(Number(run(script, env).stdout)).toBeLessThan(400 << 10);
});

test("a program that replaced every built-in function changes no verdict and silences no event", async () => {
	const { env, root } = await installed({ audit: { stderr: "all" } });
	writeFileSync(join(root, "lib.js"), "evil()");
	const script = `
		import crypto from "node:crypto";
		import { syncBuiltinESMExports } from "node:module";
		const monitor = open({ addon });
		monitor.audit.flush();
		const { writeSync } = fs;
		const { reallyExit } = process;
		const lie = () => "7777";
		const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
		const { ownKeys } = Reflect;
		const types = [Array, Map, Set, String, Number, RegExp, Date, Uint8Array, Buffer, TextEncoder, TextDecoder, Function];
		const replaced = [getPrototypeOf([][Symbol.iterator]()), getPrototypeOf(Uint8Array.prototype), fs.Stats.prototype];
		replaced.push(...types.map((type) => type.prototype), ...types, JSON, Math, Reflect, Object, fs, crypto);
		const found = [];
		for (const object of replaced) {
			for (const name of ownKeys(object)) {
				const { configurable, value } = getOwnPropertyDescriptor(object, name);
				const isMethod = typeof value === "function" && name !== "constructor" && name !== "prototype";
				if (configurable && isMethod) found.push([object, name]);
			}
		}
		for (let i = 0; i < found.length; i++) defineProperty(found[i][0], found[i][1], { __proto__: null, value: lie });
		const names = ["trusted", "rule", "content", "kind", "sha256", "mode", "hook", "product", "reason", "toJSON"];
		for (let i = 0; i < names.length; i++) Object.prototype[names[i]] = true;
		syncBuiltinESMExports();
		const main = monitor.openCodeSync(root + "/main.js", "module");
		let ok = main.verdict.trusted === true && main.bytes.length === 6 && main.bytes[0] === 109;
		try { monitor.openCodeSync(root + "/lib.js", "module"); ok = false; } catch (error) {
			ok = ok && error.code === "ERR_UNTRUSTED_CODE";
		}
		const content = monitor.readCodeSync(root + "/main.js", "module");
		ok = ok && content.length === 6 && (addon === undefined || content === "main()");
		try { monitor.readCodeSync(root + "/lib.js", "module"); ok = false; } catch (error) {
			ok = ok && error.code === "ERR_UNTRUSTED_CODE";
		}
		monitor.audit.flush();
		reallyExit(ok ? 0 : 1);`;
	const { status, stderr } = run(script, env);
	expect(status, stderr).toBe(0);
	const events = stderr
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line.replace("sigtool: ", "")));
	const expected = [
		{ event: "module.open_code", verdict: "allow", sha256: sha256("main()") },
		{ event: "module.open_code", verdict: "refuse", sha256: sha256("evil()"), expected: sha256("lib()") },
	];
	expect(events.slice(-4)).toMatchObject([...expected, ...expected]);
});

test.skipIf(!canMount())("a file on a noexec mount is refused, also one that was mounted later", async () => {
	const { env } = await installed({ audit: { stderr: "off" } });
	const script = `
		import { execFileSync } from "node:child_process";
		const monitor = open();
		monitor.openCodeSync(root + "/main.js", "module");
		execFileSync("mount", ["-t", "tmpfs", "-o", "noexec", "none", root]);
		fs.writeFileSync(root + "/main.js", "main()");
		assert.throws(() => monitor.openCodeSync(root + "/main.js", "module"), ({ code, cause }) => {
			return code === "ERR_UNTRUSTED_CODE" && cause.code === "ERR_NOT_EXECUTABLE";
		});
		execFileSync("mount", ["-o", "remount,exec", root]);
		// The mount was read as noexec first, and a later remount, which takes root, is not noticed.
		assert.throws(() => monitor.openCodeSync(root + "/main.js", "module"));
		open().openCodeSync(root + "/main.js", "module");`;
	const { status, stderr } = run(script, env, { prefix: ["unshare", "-m"] });
	expect([status, withoutRefusals(stderr)]).toEqual([0, ""]);
});

test.skipIf(!canMount())("with the addon, mounts that become noexec later are found too", async (context) => {
	const { env } = await installed({ audit: { stderr: "off" } });
	const script = `
		import { execFileSync } from "node:child_process";
		if (addon === undefined) process.exit(3);
		const monitor = open({ addon });
		execFileSync("mount", ["-t", "tmpfs", "none", root]);
		fs.writeFileSync(root + "/main.js", "main()");
		assert.equal(monitor.readCodeSync(root + "/main.js", "module"), "main()");
		execFileSync("mount", ["-o", "remount,noexec", root]);
		const isRefusal = ({ code, cause }) => code === "ERR_UNTRUSTED_CODE" && cause.code === "ERR_NOT_EXECUTABLE";
		assert.throws(() => monitor.openCodeSync(root + "/main.js", "module"), isRefusal);
		assert.throws(() => monitor.readCodeSync(root + "/main.js", "module"), isRefusal);`;
	const { status, stderr } = run(script, env, { prefix: ["unshare", "-m"] });
	if (status === 3) return context.skip("no native addon");
	expect([status, withoutRefusals(stderr)]).toEqual([0, ""]);
});

/**
 * Runs a program that has a separate /dev/log, then prints the datagrams that the program sent. The socket queues at
 * least ten datagrams, so they are read only after the program has ended.
 */
const LISTEN = `import socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
code = subprocess.run(sys.argv[1:]).returncode
s.setblocking(False)
try:
    while True: print(s.recv(1 << 16).decode("ascii"))
except BlockingIOError: sys.exit(code)
`;

test.skipIf(!canMount() || !hasProgram("python3"))(
	"with the addon the system log gets one datagram per event, refusals as critical (needs unshare -m and python3)",
	async (context) => {
		const { env, directory, root } = await installed({ audit: { syslog: true, stderr: "off" } });
		mkdirSync(join(directory, "dev"));
		writeFileSync(join(root, "é\n.js"), "evil()");
		const script = `
			if (addon === undefined) process.exit(3);
			const monitor = open({ addon });
			monitor.openCodeSync(root + "/main.js", "module");
			assert.throws(() => monitor.openCodeSync(root + "/é\\n.js", "module"));`;
		const shell = `mount --bind ${directory}/dev /dev && exec python3 -c "$0" "$@"`;
		const { status, stdout, stderr } = run(script, env, { prefix: ["unshare", "-m", "sh", "-c", shell, LISTEN] });
		if (status === 3) return context.skip("no native addon");
		expect([status, withoutRefusals(stderr)]).toEqual([0, ""]);
		const shape = /^<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d node\[\d+\]: (\{.*\})$/gm;
		const events = [...stdout.matchAll(shape)].map(([, priority, json = ""]) => [priority, JSON.parse(json)]);
		expect(events).toHaveLength(stdout.trimEnd().split("\n").length);
		expect(events.map(([priority, { event }]) => [priority, event])).toEqual([
			...["native.load", "catalog.load", "verifier.start", "module.open_code"].map((event) => ["85", event]),
			["82", "module.open_code"],
		]);
		expect(events.at(-1)?.[1]).toMatchObject({ verdict: "refuse", path: join(root, "é\n.js") });
	},
);

test("without a reader of the system log, or without the addon, the other sinks go on", async () => {
	const { env, root } = await installed({ audit: { syslog: true, stderr: "refusals" } });
	writeFileSync(join(root, "lib.js"), "evil()");
	const script = `
		for (const more of [{ addon }, {}]) assert.throws(() => open(more).openCodeSync(root + "/lib.js", "module"), { code: "ERR_UNTRUSTED_CODE" });`;
	const { status, stderr } = run(script, env);
	expect(status, stderr).toBe(0);
	expect(stderr.match(/"reason":"ERR_FILE_MODIFIED"/g)).toHaveLength(2);
});

test("with the addon a file that is open for writing is refused, if it has an execute bit", async (context) => {
	const { env, root } = await installed({ audit: { stderr: "off" } });
	chmodSync(join(root, "main.js"), 0o755);
	const script = `
		if (addon === undefined || !addon.kernelAnswers()) process.exit(3);
		const monitor = open({ addon });
		monitor.openCodeSync(root + "/main.js", "module");
		monitor.openCodeSync(root + "/lib.js", "module"); // Without an execute bit the kernel answers EACCES, which refuses nothing.
		fs.openSync(root + "/main.js", "r+");
		assert.throws(() => monitor.openCodeSync(root + "/main.js", "module"), /open for writing/);`;
	const { status, stderr } = run(script, env);
	if (status === 3) return context.skip("no native addon, or Linux before 6.14");
	expect([status, withoutRefusals(stderr)]).toEqual([0, ""]);
});
