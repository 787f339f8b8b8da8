/**
 * The story of an emergency: what is denied is loaded no more by services that run, within seconds and without a
 * restart, and nothing brings it back into them.
 */

import { chmodSync, copyFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { makeAuthority, makeSelfSigned, type Run } from "../../packages/cli/test/support.js";
import { pinOf } from "../host/host.js";
import { RUNTIMES } from "../host/runtimes.js";
import { spawnSync } from "../outside.js";
import { canOperate, Service } from "./service.js";
import { moduleOf, Session, writeProgram } from "./session.js";

/**
 * A runtime reads the deny list again every 5 s, or every 1 s with the hook that installOtherClock() installs. The tests
 * wait a little longer.
 */
const LOOK_MS = 5_500;
const SHORT_LOOK_MS = 1_200;
/** A package whose modules are in an archive. */
const ARCHIVE = `
import os
__path__ = [os.path.dirname(__file__) + "/more.zip"]
from lazy.archive.x import SAID
`;
const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

// The services of the runtimes share nothing, and mostly wait for their next look. So they wait at the same time.
describe.skipIf(!canOperate).concurrent.each(RUNTIMES)(
	"denying what services run, $name (as root, with the launcher built)",
	(runtime) => {
		let service: Service;
		let session: Session | undefined;
		beforeAll(() => {
			service = new Service(runtime);
			writeProgram(service, NAMES);
			service.ship();
		});
		afterEach(async () => {
			await session?.close();
			session = undefined;
		});

		/** Opens a session of a service whose configuration has these members, and whose refusals are exceptions. */
		async function opened(members: object = {}): Promise<Session> {
			service.configure({ onRefusal: "throw", index: service.index, ...members });
			session = await Session.open(service);
			return session;
		}
		const deny = (...args: string[]): Run => {
			const run = service.sigtool(["trust", "deny", ...args, "--config", service.config]);
			expect(run.status, run.stderr).toBe(0);
			return run;
		};
		const denyModule = (name: string, reason: string) => deny(moduleOf(service, runtime, name), "--reason", reason);
		const reloads = () => service.events().filter(({ event }) => event === "verifier.reload");

		it.sequential("reaches a service that runs within the interval, and the command and the events say so", async () => {
			const service_ = await opened();
			expect(await service_.load("a")).toBe("loaded a");
			const { stdout } = denyModule("b", "CVE-2026-0001");
			const path = runtime.kind === "node" ? "lazy/b.js" : "lazy/b.py";
			expect(stdout).toContain(`${service.index} holds "${path}" of "app"`);
			expect(stdout).toContain("running services take it over when they next load a file, at most 5 s from now");
			await sleep(LOOK_MS);
			expect(await service_.load("b")).toBe("refused ERR_DENIED");
			expect(await service_.load("b", "child")).toBe("refused ERR_DENIED");
			expect(await service_.load("c")).toBe("loaded c");
			const refused = service
				.events()
				.find(({ reason, event }) => reason === "ERR_DENIED" && event === "module.open_code");
			expect(refused).toMatchObject({ verdict: "refuse", rule: "deny", denial: "CVE-2026-0001" });
			expect(reloads()[0]).toMatchObject({ verdict: "allow", path: service.config, count: 1 });
			const check = service.check();
			expect([check.status, check.stdout], check.stdout).toEqual([
				0,
				expect.stringMatching(/note +denied +.*b\.(js|py).*CVE-2026-0001/),
			]);
		});

		describe.sequential("with a look a second", () => {
			beforeAll(() => {
				service.installOtherClock();
			});

			it.sequential("is not undone in a service that runs by an older, a shorter or no configuration", async () => {
				const running = await opened();
				copyFileSync(service.config, service.at("older.json"));
				expect(await running.load("a")).toBe("loaded a");
				denyModule("b", "worm");
				denyModule("c", "worm");
				await sleep(SHORT_LOOK_MS);
				expect(await running.load("b")).toBe("refused ERR_DENIED");
				const attacks: (() => void)[] = [
					() => copyFileSync(service.at("older.json"), service.config),
					() =>
						writeFileSync(service.config, JSON.stringify({ version: 1, mode: "off", pins: [], onRefusal: "throw" })),
					() => service.setClock(-10 * 86_400_000),
					() => rmSync(service.config),
				];
				for (const attack of attacks) {
					attack();
					await sleep(SHORT_LOOK_MS);
					expect(await running.load("b"), String(attack)).toBe("refused ERR_DENIED");
					expect(await running.load("c", "child"), String(attack)).toBe("refused ERR_DENIED");
				}
				service.setClock(0);
				// The attack works on a start, for which the configuration alone decides.
				copyFileSync(service.at("older.json"), service.config);
				const fresh = await Session.open(service);
				expect(await fresh.load("b")).toBe("loaded b");
				await fresh.close();
			});

			it.sequential("waits for a configuration that can be used, keeps its list until then, and says so once", async () => {
				const running = await opened();
				denyModule("b", "worm");
				await sleep(SHORT_LOOK_MS);
				expect(await running.load("b")).toBe("refused ERR_DENIED");
				denyModule("c", "worm");
				const whole = readFileSync(service.config);
				const faults: [string, () => void][] = [
					["half copied", () => truncateSync(service.config, whole.length - 20)],
					[
						"writable by others",
						() => {
							writeFileSync(service.config, whole);
							chmodSync(service.config, 0o666);
						},
					],
					[
						"with a denial that is none",
						() => {
							chmodSync(service.config, 0o644);
							writeFileSync(service.config, JSON.stringify({ version: 1, deny: [{ file: "b", reason: "short" }] }));
						},
					],
					["empty", () => truncateSync(service.config, 0)],
				];
				for (const [name, fault] of faults) {
					const before = reloads().length;
					fault();
					await sleep(SHORT_LOOK_MS);
					expect(await running.load("b"), name).toBe("refused ERR_DENIED");
					const [told, ...more] = reloads().slice(before);
					expect(told, name).toMatchObject({
						verdict: "record",
						reason: "ERR_HOST_CONFIG",
						detail: expect.any(String),
					});
					expect(more, name).toEqual([]);
				}
				await sleep(SHORT_LOOK_MS);
				const before = reloads().length;
				expect(await running.load("d")).toBe("loaded d");
				expect(reloads().length).toBe(before);
				writeFileSync(`${service.config}.new`, whole, { mode: 0o644 });
				renameSync(`${service.config}.new`, service.config);
				await sleep(SHORT_LOOK_MS);
				expect(await running.load("c")).toBe("refused ERR_DENIED");
			});

			it.sequential("refuses everything of a key, a certificate or an index that is denied", async () => {
				for (const [what, kind] of [
					[service.key.certFile, "key"],
					[service.key.certFile, "certificate"],
					[service.index, "catalog"],
				]) {
					const running = await opened();
					expect(await running.load("a")).toBe("loaded a");
					const { stdout } = deny(what as string, "--as", kind as string, "--reason", "stolen");
					expect(stdout).toMatch(/is refused as a whole: .*stolen/);
					await sleep(SHORT_LOOK_MS);
					expect(await running.load("b"), kind).toBe("refused ERR_DENIED");
					expect(await running.load("c", "child"), kind).toBe("refused ERR_DENIED");
					const denials = service
						.events()
						.filter(({ reason, event }) => reason === "ERR_DENIED" && event === "module.open_code");
					expect(denials.at(-1)).toMatchObject({ denial: "stolen" });
					await running.close();
					// A start is refused too, and its event has the reason.
					const { status } = service.start();
					expect([kind, status]).toEqual([kind, 126]);
					expect(service.events().at(-1)).toMatchObject({
						event: "verifier.start",
						reason: "ERR_DENIED",
						detail: expect.stringContaining("stolen"),
					});
					expect(service.check()).toMatchObject({ status: 1 });
				}
			});

			it.sequential("says in one line that the signer is denied, and the way out", async () => {
				const running = await opened({ onRefusal: "exit" });
				expect(await running.load("a")).toBe("loaded a");
				deny(service.key.certFile, "--reason", "stolen on Friday");
				await sleep(SHORT_LOOK_MS);
				expect(await running.load("b")).toBe("ended 126");
				expect(running.stderr.trimEnd().split("\n").at(-1)).toMatch(
					/: the deny list names [^:]*sign[^:]*: stolen on Friday \(ERR_DENIED\b.*\); install a release that .* another key signed(, at \S+:\d+)?$/,
				);
			});

			it.sequential("takes nothing else from a configuration that changes: no pin, no mode, no product", async () => {
				const other = makeSelfSigned(service.at("other"));
				const running = await opened();
				writeFileSync(moduleOf(service, runtime, "e"), "evil");
				service.configure({
					onRefusal: "throw",
					mode: "off",
					pins: [pinOf(other)],
					products: [{ name: "x", root: "/" }],
				});
				await sleep(SHORT_LOOK_MS);
				expect(await running.load("a")).toBe("loaded a");
				expect(await running.load("e")).toMatch(/refused (ERR_FILE_MODIFIED|File hash mismatch)/);
				service.configure();
				writeProgram(service, NAMES);
			});

			it.sequential("refuses everything of an authority that is denied, by its key or by its certificate", async () => {
				const authority = makeAuthority(service.at("authority"), "P-256");
				service.ship({ ...authority, derFile: "" });
				const { caFile: certificate, subject } = authority;
				for (const kind of ["key", "certificate"]) {
					const running = await opened({ pins: [], authorities: [{ certificate, subject }] });
					expect(await running.load("a")).toBe("loaded a");
					deny(certificate, "--as", kind, "--reason", "its root was stolen");
					await sleep(SHORT_LOOK_MS);
					expect(await running.load("b"), kind).toBe("refused ERR_DENIED");
					await running.close();
					expect(service.start().status).toBe(126);
				}
				service.configure();
				service.ship();
			});

			if (runtime.kind === "python") {
				it.sequential("refuses an archive that was loaded from before", async () => {
					const zip =
						"import sys, zipfile\nfor n in 'xyz': zipfile.ZipFile(sys.argv[1], 'a').writestr(n + '.py', 'SAID = \"loaded\"\\n')";
					expect(spawnSync(runtime.program ?? "", ["-c", zip, service.at("app/lazy/more.zip")]).status).toBe(0);
					writeFileSync(service.at("app/lazy/archive.py"), ARCHIVE);
					service.ship();
					const running = await opened();
					expect(await running.load("archive")).toBe("loaded");
					expect(await running.load("archive.y")).toBe("loaded");
					deny(service.at("app/lazy/more.zip"), "--as", "file", "--reason", "worm");
					await sleep(SHORT_LOOK_MS);
					expect(await running.load("archive.z")).toBe("refused ERR_DENIED");
				});
			}

			it.sequential("ends a service whose refusals do", async () => {
				const running = await opened({ onRefusal: "exit" });
				expect(await running.load("a")).toBe("loaded a");
				denyModule("b", "CVE-2026-0002");
				await sleep(SHORT_LOOK_MS);
				expect(await running.load("b")).toBe("ended 126");
				expect(running.stderr).toContain("CVE-2026-0002");
			});
		});
	},
);
