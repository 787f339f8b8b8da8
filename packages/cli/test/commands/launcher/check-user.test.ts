/** `launcher check` tries what a start needs as the users of services, and an installation can be used by all of them. */

import { chmodSync, chownSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { canBeHost, Host } from "../../../../../test/host/host.js";
import { canBeUser, hasProgram, spawn, spawnSync } from "../../../../../test/outside.js";
import { MAIN } from "../../support.js";

const USER = 1234;
const GROUP = 4321;

/** A host whose service waits, and whose events are in the directory `log`. */
function hostWithEvents(log = "log"): Host {
	const host = new Host({ files: { "main.js": "console.log('ready'); setInterval(() => {}, 1000);" } });
	chmodSync(host.directory, 0o755);
	host.configure({ audit: { jsonLines: log.startsWith("/") ? log : host.at(`${log}/audit.jsonl`), stderr: "off" } });
	host.deploy();
	writeFileSync(host.at("log/audit.jsonl"), "");
	chownSync(host.at("log/audit.jsonl"), 0, USER);
	chmodSync(host.at("log/audit.jsonl"), 0o660);
	return host;
}

function triedBy(host: Host, ...options: string[]) {
	const { exit, findings } = host.sigtool(["launcher", "check", "--json", ...host.prefix, ...options]).json();
	return { exit, user: findings.filter(({ what }: { what: string }) => what === "user") };
}

/** Starts the service with a user and a further group, and waits until it runs. */
async function startAs(host: Host, user: number, group: number): Promise<void> {
	const rights = [`--reuid=${user}`, `--regid=${user}`, `--groups=${group}`, "--"];
	const service = spawn("setpriv", [...rights, host.at("lib/sigtool-launch"), host.at("app/main.js")]);
	const ended = new Promise((resolve) => service.on("close", resolve));
	onTestFinished(async () => {
		service.kill("SIGKILL");
		await ended;
	});
	let said = "";
	service.stderr.on("data", (text) => {
		said += text;
	});
	await Promise.race([
		new Promise((resolve) => service.stdout.once("data", resolve)),
		ended.then(() => {
			throw new Error(`The service does not start: ${said}`);
		}),
	]);
}

describe.skipIf(!canBeHost || !canBeUser(USER, MAIN) || !hasProgram("setpriv"))(
	"sigtool launcher check --user (needs root, setpriv, the launcher built, and files that all may read)",
	() => {
		it("tries by default as the users of the processes that run, with their groups", async () => {
			const host = hostWithEvents();
			chownSync(host.at("app.sigx"), 0, GROUP);
			chmodSync(host.at("app.sigx"), 0o640);
			expect(triedBy(host)).toEqual({
				exit: 0,
				user: [{ what: "user", status: "note", says: expect.stringContaining("no process runs: --user NAME") }],
			});
			await startAs(host, USER, GROUP);
			expect(triedBy(host)).toMatchObject({
				exit: 0,
				user: [{ status: "ok", says: expect.stringMatching(/^1234 can/) }],
			});
			// The number alone has no further group.
			const closed = expect.stringMatching(/^1234 cannot read \S+app\.sigx: permission denied \(EACCES\)/);
			expect(triedBy(host, "--user", String(USER))).toMatchObject({
				exit: 1,
				user: [{ status: "wrong", says: closed }],
			});
			chmodSync(host.at("app.sigx"), 0o600);
			chownSync(host.at("log/audit.jsonl"), 0, 0);
			const events = expect.stringMatching(/^1234 cannot append to \S+audit\.jsonl: permission denied/);
			expect(triedBy(host)).toMatchObject({ exit: 1, user: [{ says: closed }, { says: events }] });
		});

		it("tells of one directory once, and leaves no trace", () => {
			const host = hostWithEvents();
			rmSync(host.at("log/audit.jsonl"));
			chownSync(host.at("log"), USER, USER);
			expect(triedBy(host, "--user", String(USER)).exit).toBe(0);
			expect(readdirSync(host.at("log"))).toEqual([]);
			chmodSync(host.directory, 0o700);
			const { user } = triedBy(host, "--user", String(USER));
			expect(user).toEqual([
				{ what: "user", status: "wrong", says: expect.stringContaining(`run \`chmod o+x ${host.directory}\``) },
			]);
			chmodSync(host.directory, 0o755);
			expect(statSync(host.directory).uid).toBe(0);
			expect(triedBy(host, "--user", "root")).toMatchObject({ exit: 0, user: [{ status: "ok" }] });
		});

		it("is refused for another user to whoever is not root, and for a user who is not there", () => {
			const host = hostWithEvents();
			const asUser = (...options: string[]) =>
				spawnSync(
					"setpriv",
					[
						...[`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", process.execPath, MAIN],
						...["launcher", "check", ...host.prefix, ...options],
					],
					{ env: { NO_COLOR: "1", PATH: process.env.PATH }, encoding: "utf8", cwd: "/" },
				);
			expect(asUser().stdout).toMatch(/^note +user +nothing was tried as a service's user: run it as root/m);
			expect(asUser("--user", String(USER)).stdout).toMatch(/^ok +user +1234 can run/m);
			expect(asUser("--user", "0")).toMatchObject({ status: 2, stderr: expect.stringContaining("run it as root") });
			expect(host.sigtool(["launcher", "check", ...host.prefix, "--user", "no-such-user"])).toMatchObject({
				status: 2,
				stderr: expect.stringContaining('Unknown user "no-such-user"'),
			});
			for (const spelled of [" 5", "5 ", "\t5", "root\n"]) {
				expect(host.sigtool(["launcher", "check", ...host.prefix, "--user", spelled])).toMatchObject({
					status: 2,
					stderr: expect.stringContaining("Unknown user"),
				});
			}
		});

		it("goes through the directory that systemd opens for the users of DynamicUser=", () => {
			const host = hostWithEvents("/var/log/sigtool-test/audit.jsonl");
			const mounted = (owner: number, ownerOfFile: number) =>
				spawnSync(
					"unshare",
					[
						...["-m", "sh", "-ec"],
						`mount -t tmpfs -o mode=755 none /var/log && mkdir -m 700 /var/log/private && cd /var/log/private && mkdir -m 700 sigtool-test &&
						install -m 600 -o ${ownerOfFile} /dev/null sigtool-test/audit.jsonl && chown ${owner} sigtool-test &&
						ln -s private/sigtool-test /var/log/sigtool-test && exec "$@"`,
						...["sh", process.execPath, MAIN, "launcher", "check", ...host.prefix, "--user", String(USER)],
					],
					{ env: { NO_COLOR: "1", PATH: process.env.PATH }, encoding: "utf8" },
				).stdout;
			expect(mounted(USER, USER)).toMatch(
				/^ok +user +1234 can run .* append to \/var\/log\/sigtool-test\/audit\.jsonl$/m,
			);
			const says = /^wrong +user +1234 cannot append to \/var\/log\/sigtool-test\/audit\.jsonl: .*: (.*)$/m;
			expect(says.exec(mounted(USER, 0))?.[1]).toMatch(
				/^\/var\/log\/sigtool-test\/audit\.jsonl has owner 0, .*; change its owner/,
			);
			expect(says.exec(mounted(0, USER))?.[1]).toMatch(
				/^\/var\/log\/sigtool-test has owner 0, .*`chmod o\+x \/var\/log\/sigtool-test`/,
			);
		});
	},
);

describe.skipIf(!canBeHost || !canBeUser(USER, MAIN))(
	"sigtool launcher install under umask 077 (needs root, the launcher built, and files that all may read)",
	() => {
		it("makes directories that every user can pass", () => {
			const host = new Host();
			chmodSync(host.directory, 0o755);
			host.deploy();
			rmSync(host.at("lib"), { recursive: true });
			const former = process.umask(0o077);
			onTestFinished(() => void process.umask(former));
			const places = ["--prefix", host.at("usr/lib/sigtool"), "--index", host.at("app.sigx")];
			const config = host.at("etc/sigtool/verifier.json");
			expect(host.sigtool(["launcher", "install", ...places, "--config", config])).toMatchObject({ status: 0 });
			const asUser = { uid: USER, gid: USER, encoding: "utf8", cwd: "/" } as const;
			expect(spawnSync(host.at("usr/lib/sigtool/sigtool-launch"), ["--help"], asUser).status).toBe(0);
			expect(spawnSync("cat", [config], asUser).status).toBe(0);
			expect(existsSync(host.at("usr/lib/sigtool/indexes"))).toBe(true);
		});
	},
);
