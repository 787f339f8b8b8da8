/** Two services that examples/two-services sets up on one host: each starts, and neither opens the other. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { SelfSigned } from "../../packages/cli/test/support.js";
import { pinOf, programOf } from "../host/host.js";
import { RUNTIMES } from "../host/runtimes.js";
import { canOverlay } from "./overlay-root.js";
import { canOperate } from "./service.js";
import { EXAMPLES, SignedHost } from "./signed-host.js";
import { canFilter } from "./unit-sandbox.js";

const EXAMPLE = join(EXAMPLES, "two-services");
const UNIT = readFileSync(join(EXAMPLE, "signed@.service"), "utf8");
const RELEASES = "/home/releases";
const python = RUNTIMES.find(({ kind }) => kind === "python")?.program;
const canTry = canOperate && canOverlay && canFilter && python !== undefined;

/** The service `web` tries to write each file, and to load the module, that its arguments name. */
const WEB = {
	"main.js": `
		const { writeFileSync } = require("node:fs");
		const attempt = (file) => { try { writeFileSync(file, "forged", { flag: "a" }); return "written"; } catch (error) { return error.code; } };
		console.log(JSON.stringify(process.argv.slice(2).map(attempt)));`,
};
const API = { "main.py": "import part\nprint('serving', part.NAME)\n", "part.py": "NAME = 'api'\n" };

/** These files decide which code `api` runs, and tell of it. */
const OF_API = [
	"/var/log/sigtool/api/audit.jsonl",
	"/var/log/sigtool/api/forged.jsonl",
	"/var/lib/sigtool/api/x",
	"/etc/sigtool/api/verifier.json",
	"/etc/sigtool/api/api.sigx",
	"/usr/lib/sigtool/api/launcher.conf",
	"/srv/api/main.py",
];

const NODES = RUNTIMES.filter(({ kind }) => kind === "node");
describe.skipIf(!canTry).each(NODES)(
	"two services, web with $name (needs root, overlayfs, python3 and systemd-analyze)",
	(runtime) => {
		const users = { web: 61_201, api: 61_202 };
		let host: SignedHost;
		let keys: Readonly<Record<"web" | "api", SelfSigned>>;

		function setUp(): void {
			host.do([join(EXAMPLE, "set-up.sh"), RELEASES]);
		}

		/** Starts a service by its unit, with other grants or arguments if a command is given. */
		function start(name: "web" | "api", command?: readonly string[]) {
			return host.startUnit(UNIT, { instance: name, user: users[name], ...(command === undefined ? {} : { command }) });
		}

		beforeAll(() => {
			host = new SignedHost();
			host.installNode(programOf(runtime));
			host.buildSpython(python ?? "");
			keys = { web: host.makeKey("web"), api: host.makeKey("api") };
			for (const name of ["web", "api"] as const) {
				const files = name === "web" ? WEB : API;
				host.ship(name, files, keys[name], name === "web" ? "deploy" : "deploy-python", `${RELEASES}/${name}`);
				host.do(["tar", "-C", "/home", "-cf", `${RELEASES}/${name}/${name}.tar`, name]);
				host.write(`${RELEASES}/${name}/service.env`, readFileSync(join(EXAMPLE, name, "service.env")));
				host.configure(`two-services/${name}/verifier.json`, `${RELEASES}/${name}/verifier.json`, keys[name]);
			}
			setUp();
		});

		it("are set up by one command, and start with launcher, configuration and events of their own", () => {
			expect(start("web")).toMatchObject({ status: 0, stdout: "[]\n", stderr: "" });
			expect(start("api")).toMatchObject({ status: 0, stdout: "serving api\n", stderr: "" });
			for (const name of ["web", "api"] as const) {
				const events = readFileSync(host.at(`/var/log/private/sigtool/${name}/audit.jsonl`), "utf8")
					.split("\n")
					.slice(0, -1);
				const products = events.map((line) => JSON.parse(line)).filter(({ event }) => event === "catalog.load");
				expect(products.map(({ product }) => product)).toContain(name);
				expect(products.map(({ product }) => product)).not.toContain(name === "web" ? "api" : "web");
				expect(host.run(["sigtool", "launcher", "check", "--prefix", `/usr/lib/sigtool/${name}`])).toMatchObject({
					status: 0,
				});
				const rotation = host.run(["logrotate", "--debug", `/etc/logrotate.d/sigtool-${name}`]);
				expect(rotation).toMatchObject({ status: 0 });
				expect(rotation.stderr).toContain(`/var/log/sigtool/${name}/audit.jsonl`);
				expect(rotation.stderr).toContain(`/var/log/sigtool-rotated/${name}`);
				const unit = `/etc/systemd/system/signed@${name}.service`;
				host.do(["ln", "-sf", "signed@.service", unit]);
				expect(host.run(["systemd-analyze", "verify", "--man=no", unit])).toMatchObject({
					status: 0,
					stdout: "",
					stderr: "",
				});
			}
		});

		it("cannot write each other's events, state, configuration or code, which root can", () => {
			start("api");
			const saved = host.do([
				"tar",
				"-C",
				"/",
				"-cf",
				"/home/saved.tar",
				...["/etc/sigtool", "/usr/lib/sigtool", "/srv/api"].map((path) => path.slice(1)),
			]);
			expect(saved).toBe("");
			// The attack works for a program that root runs without unit and launcher.
			const asRoot = host.run(["/usr/bin/node", "/srv/web/main.js", ...OF_API]);
			expect(JSON.parse(asRoot.stdout)).toEqual(OF_API.map(() => "written"));
			host.do(["tar", "-C", "/", "-xf", "/home/saved.tar"]);
			const launcher = "/usr/lib/sigtool/web/sigtool-launch";
			const { stdout } = start("web", [launcher, "--write", "/var/lib/sigtool/web", "/srv/web/main.js", ...OF_API]);
			const found = JSON.parse(stdout);
			expect(found).toHaveLength(OF_API.length);
			expect(found.filter((code: string) => !["EACCES", "EROFS", "ENOENT"].includes(code))).toEqual([]);
			// The unit and the user alone refuse it too.
			const alone = JSON.parse(start("web", ["/usr/bin/node", "/srv/web/main.js", ...OF_API]).stdout);
			expect(alone.filter((code: string) => !["EACCES", "EROFS", "ENOENT"].includes(code))).toEqual([]);
		});

		it("cannot grant each other's directories", () => {
			const launcher = "/usr/lib/sigtool/web/sigtool-launch";
			const grant = (directory: string) => {
				const { status, stdout } = start("web", [launcher, "--write", directory, "/srv/web/main.js", `${directory}/x`]);
				return [status, stdout];
			};
			expect(grant("/var/lib/sigtool/web")).toEqual([0, '["written"]\n']);
			// The unit hides the state of others.
			expect(grant("/var/lib/sigtool/api")).toEqual([2, ""]);
			expect(grant("/var/log/sigtool/api")).toEqual([2, ""]);
			expect(grant("/usr/lib/sigtool/api")).toEqual([126, ""]);
			// The launcher does not know the tree of another, which is root's.
			expect(grant("/srv/api")).toEqual([0, '["EROFS"]\n']);
		});

		it("do not run each other's files, whoever starts them", () => {
			const [web, api] = ["web", "api"].map((name) => `/usr/lib/sigtool/${name}/sigtool-launch`);
			// Each script runs under its own launcher, and as any user without one.
			expect(host.run(["/usr/bin/node", "/srv/web/main.js"])).toMatchObject({ status: 0 });
			for (const user of ["web", "api"] as const) {
				// One launcher has no Python. The other needs events that only its own user can write.
				expect(start(user, [web ?? "", "/srv/api/main.py"])).toMatchObject({ status: 2, stdout: "" });
				const { status, stdout } = start(user, [api ?? "", "/srv/web/main.js"]);
				expect([user, status, stdout]).toEqual([user, user === "api" ? 126 : 75, ""]);
			}
		});

		it("do not accept what the other's key signed, unless a configuration pins both", () => {
			const release = `${RELEASES}/api`;
			host.ship("api", { "part.py": "NAME = 'forged'\n" }, keys.web, "deploy-python", release);
			host.do(["tar", "-C", "/home", "-cf", `${release}/api.tar`, "api"]);
			setUp();
			const { status, stdout, stderr } = start("api");
			expect([status, stdout]).toEqual([126, ""]);
			expect(stderr).toContain("ERR_UNTRUSTED_SIGNER");
			const check = host.run(["sigtool", "launcher", "check", "--prefix", "/usr/lib/sigtool/api"]);
			expect([check.status, check.stdout]).toEqual([1, expect.stringContaining("ERR_UNTRUSTED_SIGNER")]);
			// The other service is not touched by it.
			expect(start("web")).toMatchObject({ status: 0 });
			// The attack works where one configuration pins the keys of both.
			const file = "/etc/sigtool/api/verifier.json";
			const document = JSON.parse(readFileSync(host.at(file), "utf8"));
			host.write(file, JSON.stringify({ ...document, pins: [pinOf(keys.web), pinOf(keys.api)] }));
			expect(start("api")).toMatchObject({ status: 0, stdout: "serving forged\n" });
		});
	},
);
