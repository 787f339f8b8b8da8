/** Tries each row of the table "Which change needs what" of docs/how-to/runbook.md. */

import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { makeSelfSigned } from "../../packages/cli/test/support.js";
import { pinOf } from "../host/host.js";
import { RUNTIMES } from "../host/runtimes.js";
import { canOperate, Service } from "./service.js";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/how-to/runbook.md", import.meta.url)), "utf8");
const TABLE = PAGE.split("## Which change needs what")[1]?.split("\n## ")[0] ?? "";
const ROWS = new Map(
	[...TABLE.matchAll(/^\| ([^|]+) \| (yes|no) \| ([^|]+) \|$/gm)].map(([, change = "", install]) => [change, install]),
);

interface Change {
	readonly make: (service: Service) => void;
	/** The status with which the next start ends, after the installation that the row asks for. */
	readonly ending: number;
}

const CHANGES: Readonly<Record<string, Change>> = {
	"another release: index and files, same policy": {
		make(service) {
			for (const name of ["app/main.js", "app/main.py"]) appendFileSync(service.at(name), "\n");
			service.ship();
		},
		ending: 0,
	},
	"verifier.json: `pins`, `authorities`, `minimumSequence`, `mode`, `onRefusal`, `onExpiry`": {
		make(service) {
			const other = makeSelfSigned(service.at("other"));
			service.configure({ pins: [pinOf(other)], mode: "strict", onExpiry: "refuse" });
		},
		ending: 126,
	},
	"verifier.json: more in `deny`": {
		make(service) {
			service.configure({ deny: [{ key: pinOf(service.key)["spki-sha256"], reason: "stolen" }] });
		},
		ending: 126,
	},
	"verifier.json: `root` of a product": {
		make(service) {
			cpSync(service.at("app"), service.at("moved"), { recursive: true });
			service.bind("moved");
		},
		ending: 126,
	},
	"verifier.json: `audit.jsonLines`": {
		make: (service) => service.configure({ audit: { jsonLines: service.at("log/other.jsonl"), stderr: "off" } }),
		ending: 0,
	},
	"the policy in the index: `launch`, `runtime`": {
		make(service) {
			writeFileSync(service.at("policy.json"), JSON.stringify({ version: 1, launch: { network: { connect: [443] } } }));
			service.ship(service.key, ["--policy", service.at("policy.json")]);
		},
		ending: 0,
	},
};

/** These rows are about systemd, or tried by another test. */
const ELSEWHERE = [
	"node or python is another file, or sigtool of another version",
	"the events file is [rotated](events-file.md#rotating)",
	"the unit",
	"verifier.json: less in `deny`",
];

describe("the table of changes in docs/how-to/runbook.md", () => {
	it("has the rows that are tried here, and those that are tried elsewhere", () => {
		expect([...ROWS.keys()].sort()).toEqual([...Object.keys(CHANGES), ...ELSEWHERE].sort());
	});
});

describe.skipIf(!canOperate).each(RUNTIMES)(
	"changes of a service, $name (as root, with the launcher built)",
	(runtime) => {
		let service: Service;
		let restore: readonly (() => void)[] = [];
		beforeAll(() => {
			service = new Service(runtime);
			restore = [service.at("app"), service.index].map((file) => service.saved(file));
		});

		it.each(Object.entries(CHANGES))("%s", (row, { make, ending }) => {
			expect(service.start()).toMatchObject({ status: 0, stdout: "serving\n" });
			expect(service.check().status).toBe(0);
			make(service);
			const asks = service
				.check()
				.stdout.split("\n")
				.some((line) => /^wrong +flags /.test(line));
			expect(asks).toBe(ROWS.get(row) === "yes");
			if (asks) {
				service.install();
				expect(service.check().stdout).not.toContain("launcher install");
			}
			const { status, stderr } = service.start();
			expect(status, stderr).toBe(ending);
			// The service becomes again what it was.
			service.configure();
			for (const each of restore) each();
			service.install();
			rmSync(service.at("moved"), { recursive: true, force: true });
		});
	},
);
