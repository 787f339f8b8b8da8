/**
 * The story of what ends: an index, and the certificate of its signer. No start succeeds afterwards, a service that runs
 * goes on if its host lets it, and everybody is warned before.
 */

import { copyFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { servedRunner } from "../../packages/cli/test/support.js";
import { serveTokens, TIME_STAMPER } from "../../packages/core/test/pki/local-tsa.js";
import { openWorkshop } from "../../packages/core/test/pki/openssl.js";
import { RUNTIMES } from "../host/runtimes.js";
import { canOperate, Service } from "./service.js";
import { Session, writeProgram } from "./session.js";

const DAY_MS = 86_400_000;
const SHORT_LOOK_MS = 1_200;
const NAMES = ["a", "b", "c", "d", "e", "f"];

describe.skipIf(!canOperate).each(RUNTIMES)(
	"the end of an index and of a certificate, $name (as root, with the launcher built)",
	(runtime) => {
		let service: Service;
		let session: Session | undefined;
		beforeAll(() => {
			service = new Service(runtime);
			writeProgram(service, NAMES);
			service.installOtherClock();
		});
		afterEach(async () => {
			await session?.close();
			session = undefined;
			service?.setClock(0);
			service?.configure();
		});

		async function opened(members: object = {}): Promise<Session> {
			service.configure({ onRefusal: "throw", ...members });
			session = await Session.open(service);
			return session;
		}
		const eventsOf = (name: string) => service.events().filter(({ event }) => event === name);
		const started = () => {
			const { status, stderr } = service.start();
			return [status, /ERR_\w+/.exec(stderr)?.[0]];
		};

		it("is told in events at each start, 30, 7 and 1 days before", async () => {
			service.ship(service.key, ["--not-after", "40"]);
			for (const [day, days] of [
				[5, undefined],
				[15, 30],
				[34, 7],
				[39.5, 1],
			] as const) {
				service.setClock(day * DAY_MS);
				const before = eventsOf("verifier.expiring").length;
				await (await opened()).close();
				const told = eventsOf("verifier.expiring").slice(before);
				expect(
					told.map((event) => event.days),
					`day ${day}`,
				).toEqual(days === undefined ? [] : [days]);
				if (days !== undefined)
					expect(told[0]).toMatchObject({ what: "index", verdict: "allow", notAfter: expect.stringMatching(/Z$/) });
			}
			const running = await opened();
			const before = eventsOf("verifier.expiring").length;
			expect(await running.load("a")).toBe("loaded a");
			expect(await running.load("b")).toBe("loaded b");
			expect(eventsOf("verifier.expiring").length).toBe(before);
		});

		it("is told by launcher check and doctor", () => {
			for (const [days, urgency] of [
				["20", ""],
				["5", "this week: "],
				["1", "at once: "],
			] as const) {
				service.ship(service.key, ["--not-after", days]);
				const { status, stdout } = service.check();
				expect(status, stdout).toBe(0);
				expect(stdout).toMatch(
					new RegExp(`note +end +${urgency}the trust index ends in (${days} days|less than a day), at `),
				);
				const doctor = service.sigtool(["doctor", "--prefix", service.at("lib")]).stdout;
				expect(doctor).toMatch(/partly +end: the trust index .*ends in/);
				expect(doctor).toMatch(/yes +end: the certificate of its signer .*ends at/);
			}
			service.ship();
			expect(service.check().stdout).not.toContain("ends in");
		});

		it("does not end a service that runs, nor its children, and no start succeeds", async () => {
			service.ship(service.key, ["--not-after", "40"]);
			const running = await opened();
			expect(await running.load("a")).toBe("loaded a");
			const before = eventsOf("verifier.expired").length;
			service.setClock(41 * DAY_MS);
			expect(await running.load("b")).toBe("loaded b");
			expect(await running.load("c")).toBe("loaded c");
			expect(await running.load("d", "child")).toBe("loaded d");
			const told = eventsOf("verifier.expired").slice(before);
			// One a day: threads and forks know what their parent has said.
			expect(told).toMatchObject([{ what: "index", verdict: "record" }]);
			expect(started()).toEqual([126, "ERR_INDEX_EXPIRED"]);
			expect(service.events().at(-1)).toMatchObject({ event: "verifier.start", reason: "ERR_INDEX_EXPIRED" });
		});

		it("ends the loading of a service whose host wants that, also when the clock is set back", async () => {
			service.ship(service.key, ["--not-after", "40"]);
			// Unguarded, it works: who sets the clock back before a service has seen the end can start it, and load.
			service.setClock(41 * DAY_MS);
			expect(started()).toEqual([126, "ERR_INDEX_EXPIRED"]);
			service.setClock(39 * DAY_MS);
			const running = await opened({ onExpiry: "refuse" });
			expect(await running.load("a")).toBe("loaded a");
			service.setClock(41 * DAY_MS);
			expect(await running.load("b")).toBe("refused ERR_INDEX_EXPIRED");
			expect(await running.load("c", "child")).toBe("refused ERR_INDEX_EXPIRED");
			service.setClock(0);
			expect(await running.load("b")).toBe("refused ERR_INDEX_EXPIRED");
			expect(await running.load("c", "child")).toBe("refused ERR_INDEX_EXPIRED");
		});

		it("is the same for the certificate of the signer", async () => {
			service.ship();
			const running = await opened();
			expect(await running.load("a")).toBe("loaded a");
			service.setClock(85 * DAY_MS);
			expect(await running.load("b")).toBe("loaded b");
			service.setClock(95 * DAY_MS);
			expect(await running.load("c")).toBe("loaded c");
			expect(await running.load("d", "child")).toBe("loaded d");
			expect(eventsOf("verifier.expiring").at(-1)).toMatchObject({ what: "certificate", days: 7 });
			expect(eventsOf("verifier.expired").at(-1)).toMatchObject({ what: "certificate" });
			expect(started()).toEqual([126, "ERR_CERTIFICATE_EXPIRED"]);
			await running.close();
			service.setClock(0);
			const refusing = await opened({ onExpiry: "refuse" });
			service.setClock(95 * DAY_MS);
			expect(await refusing.load("a")).toBe("refused ERR_CERTIFICATE_EXPIRED");
		});

		it("is survived by an index with a timestamp, until its authority is denied", async () => {
			const workshop = openWorkshop();
			const root = workshop.issue({ subject: "/CN=Time root", key: "p256" });
			const stamper = workshop.issue({ subject: "/CN=Time", key: "p256", issuer: root, extensions: TIME_STAMPER });
			const server = await serveTokens(stamper, workshop);
			const sigtool = servedRunner(service.at("home/config"));
			const stamping = ["--timestamp", server.url, "--tsa-trust", root.file];
			const run = await sigtool(...service.compiling(), ...stamping);
			expect(run.status, run.stderr).toBe(0);
			await server.close();
			copyFileSync(root.file, service.at("tsa.pem"));
			copyFileSync(stamper.file, service.at("stamper.pem"));
			workshop.remove();
			const trusting = { timestampAuthorities: [{ certificate: service.at("tsa.pem") }], index: service.index };

			service.setClock(95 * DAY_MS);
			service.configure();
			expect(started()).toEqual([126, "ERR_CERTIFICATE_EXPIRED"]);
			const before = eventsOf("verifier.expired").length;
			const running = await opened(trusting);
			expect(await running.load("a")).toBe("loaded a");
			expect(eventsOf("verifier.expired").length).toBe(before);

			service.setClock(0);
			const young = await Session.open(service);
			const denying = ["trust", "deny", service.at("stamper.pem"), "--reason", "stolen", "--config", service.config];
			expect(service.sigtool(denying).status).toBe(0);
			await sleep(SHORT_LOOK_MS);
			// The signer's certificate has not ended, so the timestamp is not needed.
			expect(await young.load("b")).toBe("loaded b");
			service.setClock(95 * DAY_MS);
			expect(await running.load("b")).toBe("refused ERR_DENIED");
			expect(await young.load("c")).toBe("refused ERR_DENIED");
			service.setClock(0);
			expect(await young.load("c")).toBe("refused ERR_DENIED");
			await young.close();
			service.setClock(95 * DAY_MS);
			expect(started()).toEqual([126, "ERR_CERTIFICATE_EXPIRED"]);
		});

		it("is not judged by a clock of 1970, or before the certificate: 75, and what runs goes on", async () => {
			service.ship(service.key, ["--not-after", "40"]);
			const running = await opened();
			service.setClock(-Date.now());
			expect(started()).toEqual([75, "ERR_CLOCK"]);
			expect(await running.load("a")).toBe("loaded a");
			expect(await running.load("b", "child")).toBe("loaded b");
			service.setClock(-12 * 3_600_000);
			expect(started()).toEqual([75, "ERR_CERTIFICATE_NOT_YET_VALID"]);
		});
	},
);
