/**
 * The story of one who looks after services: what runs where and until when, why something was refused, and how to mend
 * it. Each refusal is mended by what `sigtool why` says.
 */

import { createHash, X509Certificate } from "node:crypto";
import {
	appendFileSync,
	chmodSync,
	chownSync,
	cpSync,
	readFileSync,
	realpathSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeSelfSigned } from "../../packages/cli/test/support.js";
import { pinOf } from "../host/host.js";
import { RUNTIMES } from "../host/runtimes.js";
import { canBeUser, spawn } from "../outside.js";
import { canOperate, Service } from "./service.js";

const VERSION = JSON.parse(readFileSync(new URL("../../packages/cli/package.json", import.meta.url), "utf8")).version;

const FILES = {
	"serve.js": "console.log('up'); setInterval(() => {}, 1000)",
	"serve.py": "import time\nprint('up', flush=True)\ntime.sleep(600)\n",
};

describe.skipIf(!canOperate).each(RUNTIMES)(
	"asking about a service, $name (as root, with the launcher built)",
	(runtime) => {
		let service: Service;
		beforeAll(() => {
			service = new Service(runtime, { files: FILES });
		});

		/** Starts the service with a control group as systemd would give it, in a namespace of its own. */
		const inUnit = () => {
			writeFileSync(service.at("cgroup"), "0::/system.slice/app.service\n");
			const mount = `mount --bind '${service.at("cgroup")}' /proc/$$/cgroup && exec "$@"`;
			return { before: ["unshare", "-m", "sh", "-c", mount, "sh"] };
		};
		const lastStart = () => service.events().findLast(({ event }) => event === "verifier.start");
		const prefix = () => ["--prefix", service.at("lib")];
		const why = (...args: string[]) => service.sigtool(["why", ...prefix(), ...args]);

		it("its start tells what it runs, until when, and where", () => {
			service.ship(service.key, ["--not-after", "90"]);
			service.install();
			expect(service.start(inUnit())).toMatchObject({ status: 0 });
			const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
			const end = Date.parse(new X509Certificate(readFileSync(service.key.certFile)).validTo);
			const event = lastStart();
			expect(event).toMatchObject({
				verdict: "allow",
				mode: "enforce",
				index: sha256(readFileSync(service.index)),
				signer: pinOf(service.key)["spki-sha256"],
				version: VERSION,
				script: realpathSync(service.script),
				unit: "app.service",
				uid: 0,
				host: hostname(),
			});
			const days = (Date.parse(String(event?.notAfter)) - Date.now()) / 86_400_000;
			expect(days).toBeGreaterThan(89);
			expect(days).toBeLessThan(91);
			expect(event?.signerNotAfter).toBe(new Date(end).toISOString());
			expect(new Date(String(event?.notAfter)).toISOString()).toBe(event?.notAfter);
			expect(event?.products).toMatch(/^app@\d+( |$)/);
			expect(event?.compiled).toBeGreaterThan(1_700_000_000);

			const checked = service.check("--json").json();
			expect(checked).toMatchObject({ exit: 0, host: hostname(), uid: 0, processes: [] });
			expect(checked.versions[runtime.kind]).toMatch(/^\d+\.\d+\.\d+/);
			expect(checked.versions.sigtool).toBe(VERSION);
			const { index, compiled, signer, products } = event ?? {};
			expect(checked.start).toMatchObject({ index, compiled, signer, products });
			expect(checked.start).toMatchObject({ notAfter: event?.notAfter, signerNotAfter: event?.signerNotAfter });
		});

		it("status lists it while it runs, and says if another version is installed", async () => {
			const script = service.at(`app/serve.${runtime.kind === "node" ? "js" : "py"}`);
			const child = spawn(service.launcher, ["--write", service.at("data"), script]);
			try {
				await new Promise((resolve) => child.stdout.once("data", resolve));
				const status = () => service.sigtool(["launcher", "status", ...prefix(), "--json"]).json();
				const own = { pid: child.pid, uid: 0, runtime: runtime.kind, script, restricted: true };
				expect(status().processes).toEqual([expect.objectContaining({ ...own, version: "installed" })]);
				const [{ started }] = status().processes;
				expect(Math.abs(Date.now() - Date.parse(started))).toBeLessThan(60_000);
				expect(service.check("--json").json().processes).toEqual(status().processes);
				const undo = service.saved(service.conf);
				const text = readFileSync(service.conf, "utf8");
				writeFileSync(
					service.conf,
					text.replace(/(\/parts\/)\w+(\/(?:register.cjs|spython))/, `$1${"0".repeat(32)}$2`),
				);
				expect(status()).toMatchObject({
					processes: [{ ...own, version: "other" }],
					warnings: ["1 of 1 run with another version until they are started again"],
				});
				undo();
			} finally {
				child.kill("SIGKILL");
				await new Promise((resolve) => child.once("close", resolve));
			}
			expect(service.sigtool(["launcher", "status", ...prefix()])).toMatchObject({
				status: 0,
				stdout: expect.stringMatching(/^no process of \S+\/lib runs\n$/),
			});
		});

		const asUser = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"];
		const isReachable = runtime.program !== undefined && canBeUser(1234, runtime.program);
		// This user cannot reach each program that npm installed for root.
		if (isReachable)
			it("an events file that this user may not append to is named with owner and mode", () => {
				const undo = service.saved(service.at("log/events.jsonl"));
				const user = { before: asUser };
				for (const each of ["", "log", "data"]) chmodSync(service.at(each), 0o755);
				chmodSync(service.at("log/events.jsonl"), 0o640);
				expect(service.start(user)).toMatchObject({
					status: 126,
					stderr: expect.stringMatching(
						/ERR_AUDIT_SINK: .*user 1234 may not append to it \(owner 0, group 0, mode 0640\): change its owner, or its group and mode\n/,
					),
				});
				chownSync(service.at("log/events.jsonl"), 0, 1234);
				chmodSync(service.at("log/events.jsonl"), 0o660);
				expect(service.start(user)).toMatchObject({ status: 0, stdout: "serving\n" });
				chmodSync(service.at("log"), 0o700);
				expect(service.start(user).stderr).toMatch(/ERR_AUDIT_SINK: .*let user 1234 reach and write its directory\n/);
				undo();
			});

		it("status says of a process of an open host that it is not restricted", async () => {
			service.configure({ mode: "audit" });
			expect(service.sigtool([...service.installing({ mode: "audit" })]).status).toBe(0);
			const script = service.at(`app/serve.${runtime.kind === "node" ? "js" : "py"}`);
			const child = spawn(service.launcher, ["--write", service.at("data"), script]);
			try {
				await new Promise((resolve) => child.stdout.once("data", resolve));
				service.configure();
				expect(service.sigtool([...service.installing({ mode: "enforce" })]).status).toBe(0);
				expect(service.sigtool(["launcher", "status", ...prefix()]).stdout).toMatch(/\bnot restricted\b/);
			} finally {
				child.kill("SIGKILL");
				await new Promise((resolve) => child.once("close", resolve));
			}
		});

		it("why leads from a changed file to its mend", () => {
			const undo = service.saved(service.script);
			appendFileSync(service.script, "#");
			expect(service.start().status).toBe(126);
			const { event, installed, rule, reason, mend } = why("--json", service.script).json();
			expect(event).toMatchObject({ path: service.script, verdict: "refuse" });
			expect([rule, reason]).toEqual([expect.stringMatching(/^entry: /), "ERR_FILE_MODIFIED"]);
			expect(installed).toMatchObject({ trusted: false, reason: "ERR_FILE_MODIFIED" });
			expect(mend).toBe("restore the signed file, or sign the tree and compile the index again");
			undo();
			expect(why(service.script).stdout).toMatch(/launcher +would be loaded: it is main\.\w+ of app, as signed/);
			expect(service.start().status).toBe(0);
			appendFileSync(service.script, "#");
			service.ship();
			expect(service.start().status).toBe(runtime.kind === "node" ? 1 : 0); // "#" is no JavaScript.
			undo();
			service.ship();
			expect(service.start().status).toBe(0);
		});

		it("why leads from a journal to the mend, and from another path of the file to its refusal", () => {
			const undo = service.saved(service.script);
			appendFileSync(service.script, "#");
			const { stderr } = service.start();
			const ask = (input: string) => JSON.parse(service.sigtool(["why", "-", "--json"], { input }).stdout);
			const mend = "restore the signed file, or sign the tree and compile the index again";
			// The message is the last line, with the event before it if events go to standard error.
			const refusal = service.events().findLast(({ verdict }) => verdict === "refuse");
			expect(ask(stderr)).toMatchObject({ reason: "ERR_FILE_MODIFIED", mend, event: { event: "message" } });
			expect(ask(`${JSON.stringify(refusal)}\n${stderr}`)).toMatchObject({ mend, event: refusal });
			symlinkSync("app", service.at("current"));
			const { event } = why("--json", join(service.at("current"), basename(service.script))).json();
			expect(event).toMatchObject({ path: service.script, reason: "ERR_FILE_MODIFIED" });
			rmSync(service.at("current"));
			undo();
		});

		it("the refusal of a denied file says so in one line, with its way out, and it is undone", () => {
			const undo = service.saved(service.config);
			const denying = ["trust", "deny", service.script, "--reason", "CVE-2026-1", "--config", service.config];
			expect(service.sigtool(denying).status).toBe(0);
			const { status, stderr } = service.start();
			expect(status).toBe(126);
			expect(stderr.trimEnd().split("\n").at(-1)).toMatch(
				/Cannot load .*: the deny list names it: CVE-2026-1 \(ERR_DENIED\b.*\); install a release without it$/,
			);
			const told = service.sigtool(["why", "-"], { input: stderr }).stdout;
			expect(told).toMatch(/mend +install a release without it; .*docs\/how-to\/revocation\.md/);
			// docs/how-to/revocation.md: the entry is taken out of `deny`, and the service started again.
			const { deny, ...document } = JSON.parse(readFileSync(service.config, "utf8"));
			expect(deny).toHaveLength(1);
			writeFileSync(service.config, JSON.stringify({ ...document, deny: [] }));
			expect(service.start().status).toBe(0);
			undo();
		});

		it("a refusal of the launcher says what, and why leads to its mend", () => {
			const undo = service.saved(service.hook);
			appendFileSync(service.hook, "//");
			const { status, stderr } = service.start(inUnit());
			const message = stderr.trimEnd().split("\n").at(-1)?.replace("sigtool-launch: ", "");
			expect([status, message]).toEqual([126, expect.stringContaining(": its SHA-256 is ")]);
			expect(lastStart()).toMatchObject({
				verdict: "refuse",
				reason: "ERR_LAUNCHER",
				detail: message,
				unit: "app.service",
				uid: 0,
				host: hostname(),
			});
			const mend = expect.stringMatching(/run `sigtool launcher install` again/);
			for (const told of [stderr, JSON.stringify(lastStart())]) {
				const input = `Nov 28 host app[1]: ${told}`;
				const { status, stdout } = service.sigtool(["why", "-", "--json"], { input });
				expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ reason: "ERR_LAUNCHER", mend })]);
			}
			expect(why(service.hook).stdout).toMatch(/mend +if its package was upgraded/);
			// An installation puts the part back in its place.
			service.install();
			expect(service.start().status).toBe(0);
			undo();
		});

		const CONFIGURATIONS: Readonly<Record<string, [(service: Service) => void, RegExp]>> = {
			"with an unknown member": [(each) => each.configure({ pinz: [] }), /pinz/],
			"that others may write": [({ config }) => chmodSync(config, 0o666), /can be written to by|others may write it/],
			"that is half written": [({ config }) => writeFileSync(config, '{"version":'), /not JSON/],
		};
		it.each(Object.entries(CONFIGURATIONS))(
			"a configuration %s is an event, and why leads to its mend",
			(_, [change, said]) => {
				const undo = service.saved(service.config);
				change(service);
				expect(service.start().stdout).toBe("");
				const { unit, ...event } = lastStart() ?? {};
				expect(event).toMatchObject({
					verdict: "refuse",
					reason: "ERR_HOST_CONFIG",
					detail: expect.stringMatching(said),
				});
				expect([event.uid, event.host]).toEqual([0, hostname()]);
				const told = why("--json", JSON.stringify(event)).json();
				expect(told).toMatchObject({
					reason: "ERR_HOST_CONFIG",
					detail: event.detail,
					mend: expect.stringMatching(/launcher check/),
				});
				expect(why("--json", service.config).json()).toMatchObject({ reason: "ERR_HOST_CONFIG" });
				expect(service.check()).toMatchObject({ status: 1, stdout: expect.stringMatching(said) });
				undo();
				expect(service.start().status).toBe(0);
			},
		);

		it("a signer that is not trusted is an event that says so, and why leads to its mend", () => {
			service.configure({ pins: [pinOf(makeSelfSigned(service.at("other")))] });
			expect(service.start().status).toBe(126);
			const told = why(JSON.stringify(lastStart()));
			expect(told.stdout).toMatch(/reason +ERR_UNTRUSTED_SIGNER: /);
			expect(told.stdout).toMatch(/mend +pin the signer's key in the host configuration/);
			service.configure();
			expect(service.start().status).toBe(0);
		});

		it("settings of a later release are refused in words, and with 75 while the launcher is replaced", () => {
			const undo = service.saved(service.conf);
			appendFileSync(service.conf, "later x\n");
			const later = service.start();
			expect(later.stderr).toMatch(
				/later" .*; if another release of the launcher wrote it, run `sigtool launcher install`/,
			);
			expect(later.status).toBe(2);
			// The launcher is replaced after it was started and before it reads the settings.
			const started = () => {
				cpSync(service.launcher, service.at("lib/new"));
				const replacing = 'exec 9<"$1" && mv "$(dirname "$1")/new" "$1" && shift && exec /proc/self/fd/9 "$@"';
				return service.start({ before: ["sh", "-c", replacing, "sh"] });
			};
			expect(started()).toMatchObject({
				status: 75,
				stdout: "",
				stderr: expect.stringContaining("another release of the launcher is being installed"),
			});
			undo();
			expect(started()).toMatchObject({ status: 0, stdout: "serving\n" });
		});
	},
);
