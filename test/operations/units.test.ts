/** The units of the documentation: how much they expose, and that a service runs in what they leave. */

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { programOf } from "../host/host.js";
import { RUNTIMES } from "../host/runtimes.js";
import { hasProgram } from "../outside.js";
import { canOverlay } from "./overlay-root.js";
import { canOperate } from "./service.js";
import { ADDON, EXAMPLES, exposureOf, SignedHost, SPYTHON } from "./signed-host.js";
import { canFilter } from "./unit-sandbox.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const UNITS = ["examples", "docs"].flatMap((directory) => {
	return readdirSync(join(ROOT, directory), { encoding: "utf8", recursive: true })
		.filter((name) => name.endsWith(".service"))
		.map((name) => join(ROOT, directory, name));
});
const canObey = canOperate && canOverlay && canFilter;

/** The most that a unit may expose, as systemd-analyze adds it up. */
const MOST = 3.0;

describe.skipIf(!hasProgram("systemd-analyze"))("the units of the examples (needs systemd-analyze)", () => {
	it.each(UNITS.map((unit) => [unit.slice(ROOT.length), unit]))(`%s exposes at most ${MOST}`, (_, unit) => {
		expect(exposureOf(unit)).toBeLessThanOrEqual(MOST);
	});

	it("are measured: the same unit without its restrictions exposes more", () => {
		expect(UNITS.length).toBeGreaterThanOrEqual(4);
		const host = new SignedHost();
		const bare = readFileSync(join(EXAMPLES, "deploy/app.service"), "utf8").replace(
			/^(Protect|Private|Restrict|SystemCall).*\n/gm,
			"",
		);
		host.write("/srv/app.service", bare);
		expect(exposureOf(host.at("/srv/app.service"))).toBeGreaterThan(MOST);
	});
});

describe.skipIf(!canObey).each(RUNTIMES)(
	"a unit with $name (needs root, overlayfs, setpriv and systemd-analyze)",
	(runtime) => {
		const { kind, unit } = runtime;
		let host: SignedHost;
		const text = readFileSync(unit, "utf8");
		beforeAll(() => {
			const program = programOf(runtime);
			host = new SignedHost();
			const key = host.makeKey("release");
			const example = kind === "node" ? "deploy" : "deploy-python";
			host.configure(`${example}/verifier.json`, "/etc/sigtool/verifier.json", key);
			host.ship("app", kind === "node" ? NODE_PROGRAM : PYTHON_PROGRAM, key, example, "/etc/sigtool");
			host.do(["cp", "-r", "/home/app", "/srv/app"]);
			if (kind === "node") host.installNode(program);
			else host.buildSpython(program);
			const options = kind === "node" ? ["--node", "/usr/bin/node"] : ["--no-node", "--python", SPYTHON];
			host.do(["sigtool", "launcher", "install", ...options]);
			for (const each of ["deploy/alert@.service", `${example}/app.service`]) {
				host.write(`/etc/systemd/system/${basename(each)}`, readFileSync(join(EXAMPLES, each)));
			}
		});

		it("verifies without a word", () => {
			for (const name of ["app.service", "alert@app.service"]) {
				const { status, stdout, stderr } = host.run([
					"systemd-analyze",
					"verify",
					"--man=no",
					`/etc/systemd/system/${name}`,
				]);
				expect([name, status, stdout + stderr]).toEqual([name, 0, ""]);
			}
		});

		it("starts a program with native code, which writes where it may and nowhere else", () => {
			const { status, stdout, stderr } = host.startUnit(text);
			expect([status, stderr]).toEqual([0, ""]);
			expect(JSON.parse(stdout)).toEqual({
				native: true,
				state: "written",
				...{ tmp: "refused", log: "refused", app: "refused", listening: true },
				...(kind === "python" ? { packets: "EAFNOSUPPORT" } : {}),
			});
		});

		it("refuses what was not signed", () => {
			const script = kind === "node" ? "/srv/app/main.js" : "/srv/app/main.py";
			const saved = readFileSync(host.at(script));
			host.write(script, "print('evil')\n");
			const { status, stdout } = host.startUnit(text);
			host.write(script, saved);
			expect([status, stdout]).toEqual([126, ""]);
		});

		// Addons are of Node.js.
		if (kind === "node")
			it("lets native code be mapped from the addons' directory alone", () => {
				// Without the launcher, so that the unit alone decides.
				const attempt = (directory: string) => {
					const copy = `${directory}/copy.node`;
					const source = `require("node:fs").copyFileSync("/srv/app/addon.node","${copy}");require("${copy}");console.log("mapped")`;
					return host.startUnit(text, { command: ["/usr/bin/node", "-e", `'${source}'`] });
				};
				expect(attempt("/run/addons")).toMatchObject({ status: 0, stdout: "mapped\n" });
				for (const directory of ["/var/lib/app", "/var/log/sigtool", "/tmp", "/var/tmp", "/dev/shm"]) {
					expect([directory, attempt(directory).stderr]).toEqual([
						directory,
						expect.stringContaining("failed to map segment"),
					]);
				}
				expect(attempt("/srv/app").stderr).toContain("EROFS");
			});

		if (kind === "node")
			it("needs its directory for addons only without a gate", () => {
				const without = text.replace(/^TemporaryFileSystem=.*\n/m, "").replace(" --write /run/addons", "");
				expect(host.startUnit(without).status).toBe(0);
			});

		it("needs the calls of @sandbox, without which the launcher is not restrained", () => {
			const { stderr } = host.startUnit(text.replace("@system-service @sandbox", "@system-service ~@sandbox"));
			expect(stderr).toMatch(/^sigtool-launch: .*landlock/im);
		});
	},
);

const NODE_PROGRAM = {
	"main.js": `
		const { writeFileSync } = require("node:fs"), { createServer } = require("node:net");
		const native = typeof require("./addon.node").kernelAnswers === "function";
		const attempt = (file) => { try { writeFileSync(file, "x"); return "written"; } catch { return "refused"; } };
		const [state, tmp, log, app] = ["/var/lib/app/x", "/tmp/x", "/var/log/sigtool/x", "/srv/app/x"].map(attempt);
		createServer().listen(0, "127.0.0.1", function () {
			this.close();
			console.log(JSON.stringify({ native, state, tmp, log, app, listening: true }));
		});`,
	"addon.node": readFileSync(ADDON),
};

const PYTHON_PROGRAM = {
	"main.py": `
import _ctypes, errno, json, socket
def attempt(file):
    try:
        open(file, "w").close()
        return "written"
    except OSError:
        return "refused"
state, tmp, log, app = [attempt(file) for file in ("/var/lib/app/x", "/tmp/x", "/var/log/x", "/srv/app/x")]
socket.create_server(("127.0.0.1", 0)).close()
try:
    socket.socket(socket.AF_PACKET)
    packets = "made"
except OSError as error:
    packets = errno.errorcode[error.errno]
native = hasattr(_ctypes, "dlopen")
print(json.dumps(dict(native=native, state=state, tmp=tmp, log=log, app=app, listening=True, packets=packets)))
`,
};
