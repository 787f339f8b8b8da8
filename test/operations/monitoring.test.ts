/** Runs examples/monitoring on a service that is well, refused and opened, and evaluates its rules. */

import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { MAIN } from "../../packages/cli/test/support.js";
import { RUNTIMES } from "../host/runtimes.js";
import { spawnSync } from "../outside.js";
import { canOperate, Service } from "./service.js";

const EXAMPLE = fileURLToPath(new URL("../../examples/monitoring/", import.meta.url));
const PAGE = readFileSync(fileURLToPath(new URL("../../docs/how-to/monitoring.md", import.meta.url)), "utf8");

interface Rule {
	readonly alert: string;
	readonly expr: string;
}
const RULES: readonly Rule[] = parse(readFileSync(join(EXAMPLE, "alerts.yml"), "utf8")).groups[0].rules;

interface Sample {
	readonly name: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly value: number;
}

/** Reads the text format of Prometheus. @throws Error for a line that is not in it */
function samplesOf(text: string): Sample[] {
	return text
		.trimEnd()
		.split("\n")
		.filter((line) => !/^# (HELP|TYPE) \w+ .+$/.test(line))
		.map((line) => {
			const [, name = "", labels = "", value] = /^([a-z_]+)\{((?:\w+="[^"\\]*",?)*)\} ([\d.]+|NaN)$/.exec(line) ?? [];
			if (value === undefined) throw new Error(`This is no sample: ${line}`);
			return {
				name,
				labels: Object.fromEntries(
					[...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", text = ""]) => [key, text]),
				),
				value: Number(value),
			};
		});
}

/** Tells which of these rules fire. It knows the few forms of expressions that alerts.yml has. */
function firing(samples: readonly Sample[], now = Date.now() / 1000): string[] {
	return RULES.filter(({ expr }) => {
		return expr.split(" or ").some((part) => {
			const [, since, name = "", label, operator = "", wanted = "", comparison = ">", bound = "-1"] =
				/^(time\(\) - )?(\w+)(?:\{(\w+)(=~?)"([^"]*)"\})?(?: ([<>]) (\d+))?$/.exec(part) ?? [];
			if (name === "") throw new Error(`The test does not know the expression ${part}`);
			return samples.some((sample) => {
				const text = sample.labels[label ?? ""] ?? "";
				const isMeant =
					label === undefined || (operator === "=~" ? new RegExp(`^(?:${wanted})$`).test(text) : text === wanted);
				const value = since === undefined ? sample.value : now - sample.value;
				return sample.name === name && isMeant && (comparison === "<" ? value < Number(bound) : value > Number(bound));
			});
		});
	}).map(({ alert }) => alert);
}

describe("docs/how-to/monitoring.md", () => {
	it("names every metric of the script, and the rules use no other", () => {
		const script = readFileSync(join(EXAMPLE, "metrics.mjs"), "utf8");
		const metrics = [...script.matchAll(/^\t(sigtool_\w+): \[/gm)].map(([, name]) => name);
		expect(metrics.length).toBeGreaterThan(4);
		expect([...new Set(PAGE.match(/sigtool_\w+/g))].sort()).toEqual([...metrics].sort());
		const used = RULES.flatMap(({ expr }) => expr.match(/\b(sigtool|node)_\w+/g) ?? []);
		expect(used.filter((name) => !metrics.includes(name) && name !== "node_textfile_mtime_seconds")).toEqual([]);
	});

	it("names only events that exist", () => {
		const events = readFileSync(fileURLToPath(new URL("../../docs/reference/events.md", import.meta.url)), "utf8");
		const named = [...PAGE.matchAll(/`((?:verifier|cmdline)\.[a-z]+)`/g)]
			.map(([, name]) => name)
			.filter((name) => name !== "verifier.json");
		expect(named.length).toBeGreaterThan(4);
		expect(named.filter((name) => !events.includes(`| \`${name}\` |`))).toEqual([]);
	});
});

describe.skipIf(!canOperate).each(RUNTIMES)(
	"the metrics of a service, $name (as root, with the launcher built)",
	(runtime) => {
		let service: Service;
		beforeAll(() => {
			service = new Service(runtime);
			mkdirSync(service.at("bin"));
			writeFileSync(service.at("bin/sigtool"), `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`);
			chmodSync(service.at("bin/sigtool"), 0o755);
		});

		function measured(path = `${service.at("bin")}:${process.env.PATH}`): readonly Sample[] {
			const args = [
				join(EXAMPLE, "metrics.mjs"),
				"--prefix",
				service.at("lib"),
				"--events",
				service.at("log/events.jsonl"),
			];
			const { status, stdout, stderr } = spawnSync(process.execPath, args, {
				encoding: "utf8",
				env: { ...process.env, PATH: path },
			});
			expect([status, stderr]).toEqual([0, ""]);
			return samplesOf(stdout);
		}
		const find = (samples: readonly Sample[], name: string, labels: object) => {
			return samples.find(
				(each) => each.name === name && Object.entries(labels).every(([key, text]) => each.labels[key] === text),
			)?.value;
		};

		it("say that it is well, and no rule fires", () => {
			const before = Math.floor(Date.now() / 1000);
			expect(service.start().status).toBe(0);
			const samples = measured();
			expect(find(samples, "sigtool_check_findings", { status: "wrong" })).toBe(0);
			expect(find(samples, "sigtool_events", { verdict: "refuse" })).toBe(0);
			expect(find(samples, "sigtool_events", { verdict: "allow" })).toBeGreaterThan(0);
			const start = find(samples, "sigtool_last_start_seconds", { mode: "enforce", verdict: "allow" });
			expect(start).toBeGreaterThanOrEqual(before);
			expect(start).toBeLessThanOrEqual(Date.now() / 1000);
			expect(firing(samples)).toEqual([]);
		});

		it("say of a refusal, of an opened host, of a broken installation and of lost events", () => {
			const script = readFileSync(service.script);
			writeFileSync(service.script, "print('evil')\n");
			expect(service.start().status).toBe(126);
			const refused = measured();
			expect(find(refused, "sigtool_events", { verdict: "refuse" })).toBeGreaterThan(0);
			expect(firing(refused)).toEqual(["CodeWasRefused"]);
			expect(firing(refused, Date.now() / 1000 + 7200)).toEqual([]);
			writeFileSync(service.script, script);

			const undo = service.saved(service.conf);
			const conf = readFileSync(service.conf, "utf8");
			writeFileSync(service.conf, conf.replace("mode enforce", "mode audit"));
			service.configure({ mode: "audit" });
			expect(service.start().status).toBe(0);
			expect(firing(measured())).toEqual(["CodeWasRefused", "EnforcementIsOpen"]);
			undo();
			service.configure();
			expect(service.start().status).toBe(0);
			expect(firing(measured())).toEqual(["CodeWasRefused"]);

			const hook = service.saved(service.hook);
			appendFileSync(service.hook, " ");
			expect(firing(measured())).toEqual(["CodeWasRefused", "NextStartWouldBeRefused"]);
			hook();
			const forged = {
				event: "verifier.dropped",
				verdict: 'x"} 0',
				count: '1\nsigtool_check_findings{status="wrong"} 0',
			};
			const start = { event: "verifier.start", verdict: "refuse", mode: ["audit\n"], time: 1 };
			appendFileSync(
				service.at("log/events.jsonl"),
				`forged\nnull\n${JSON.stringify(forged)}\n${JSON.stringify(start)}\n{"verdict":"refuse"}\n`,
			);
			expect(firing(measured())).toEqual(["CodeWasRefused", "EventsAreLost"]);
		});

		it("are beside the page's commands that tell what ran", () => {
			const [, box = ""] = /## What ran on this host\n[^`]*```sh\n([^`]*)```/.exec(PAGE) ?? [];
			const commands = box.trimEnd().split("\n");
			expect(commands.length).toBeGreaterThan(3);
			expect(service.start().status).toBe(0);
			const answers = commands.map((command) => {
				const here = command
					.replace(/sigtool (log|launcher status)/, `sigtool $1 --prefix ${service.at("lib")}`)
					.replace("/var/log/sigtool/audit.jsonl*", `${service.at("log/events.jsonl")}*`);
				const { status, stdout, stderr } = spawnSync("sh", ["-ec", here], {
					encoding: "utf8",
					env: { ...process.env, PATH: `${service.at("bin")}:${process.env.PATH}` },
				});
				expect([status, stderr.includes("error: ")], `${here}: ${stderr}`).toEqual([0, false]);
				return stdout;
			});
			const [starts = "", files = ""] = answers;
			expect(starts).toContain("verifier.start");
			expect(files).toContain(service.script);
		});

		it("say that something is wrong if sigtool is not there", () => {
			expect(firing(measured("/nonexistent"))).toContain("NextStartWouldBeRefused");
		});
	},
);
