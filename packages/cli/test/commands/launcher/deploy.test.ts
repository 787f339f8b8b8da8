/** Runs the examples of docs/how-to/deploy.md, as far as that is possible without their target system. */

import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { canBeHost, Host, pinOf } from "../../../../../test/host/host.js";
import { spawnSync } from "../../../../../test/outside.js";
import { MAIN, makeSelfSigned } from "../../support.js";

const EXAMPLES = fileURLToPath(new URL("../../../../../examples/deploy", import.meta.url));
const example = (name: string) => readFileSync(join(EXAMPLES, name), "utf8");
const LAUNCHER = "/usr/lib/sigtool/sigtool-launch";

describe.skipIf(!canBeHost)("a deployment (needs root, and the launcher built)", () => {
	/**
	 * Packs the release as the CI job does, then unpacks it into another directory of the host. Returns that directory.
	 */
	function shipped(host: Host): string {
		mkdirSync(host.at("bin"));
		symlinkSync(MAIN, host.at("bin/sigtool"));
		const env = {
			...process.env,
			PATH: `${host.at("bin")}:${process.env.PATH}`,
			XDG_CONFIG_HOME: host.at("home"),
			SIGN_KEY: host.key.keyFile,
			SIGN_CERT: host.key.certFile,
		};
		const job = spawnSync(join(EXAMPLES, "ship.sh"), [host.at("app"), host.at("out")], { env, encoding: "utf8" });
		expect([job.stderr, job.status]).toEqual(["", 0]);
		mkdirSync(host.at("srv"));
		spawnSync("tar", ["-C", host.at("srv"), "-xf", host.at("out/app.tar")]);
		cpSync(host.at("out/app.sigx"), host.at("app.sigx"));
		rmSync(host.at("app"), { recursive: true });
		host.configure({ products: [{ name: "app", root: host.at("srv/app") }] });
		expect(host.sigtool(host.installing())).toMatchObject({ status: 0 });
		return host.at("srv/app/main.js");
	}

	/** Starts the command of an example, with this host's paths. */
	function start(host: Host, example: readonly string[], script: string) {
		const own = example.map((arg) => {
			return arg
				.replace(LAUNCHER, host.at("lib/sigtool-launch"))
				.replace("/var/lib/app", host.at("data"))
				.replace("/run/addons", host.at("addons"))
				.replace("/srv/app/main.js", script);
		});
		expect(own.filter((arg) => arg.startsWith("/srv") || arg.startsWith("/usr"))).toEqual([]);
		const [program = "", ...args] = own;
		return spawnSync(program, args, { encoding: "utf8" });
	}

	it("runs what ship.sh signed, compiled and packed, in the directory that the host binds", () => {
		const host = new Host();
		const script = shipped(host);
		expect(host.run(script, "shipped")).toMatchObject({ status: 0, stdout: "ran shipped\n", stderr: "" });
		writeFileSync(script, "console.log('evil')");
		expect(host.run(script)).toMatchObject({ status: 126, stdout: "" });
	});

	it("runs by the unit's ExecStart", () => {
		const command = /^ExecStart=(.*)$/m.exec(example("app.service"))?.[1] ?? "";
		const host = new Host();
		mkdirSync(host.at("addons"));
		expect(start(host, command.split(" "), shipped(host))).toMatchObject({ status: 0, stdout: "ran undefined\n" });
	});

	it("runs under the example's configuration with this host's pins", () => {
		const host = new Host();
		const script = shipped(host);
		const document = JSON.parse(example("verifier.json"));
		const audit = { ...document.audit, jsonLines: host.at("audit.jsonl") };
		const products = [{ ...document.products[0], root: host.at("srv/app") }];
		host.configure({
			...document,
			pins: [pinOf(host.key)],
			products,
			index: host.at("app.sigx"),
			audit,
		});
		expect(host.sigtool(host.installing())).toMatchObject({ status: 0 });
		expect(host.run(script, "x")).toMatchObject({ status: 0, stdout: "ran x\n" });
	});

	it("changes keys without interruption: both pinned, then signed anew, then the old pin removed", () => {
		const host = new Host();
		host.deploy();
		const next = makeSelfSigned(host.at("next"));
		const run = () => host.run(host.at("app/main.js"), "x").status;
		host.configure({ pins: [pinOf(host.key), pinOf(next)] });
		expect(run()).toBe(0);
		host.deploy(next);
		expect(run()).toBe(0);
		host.configure({ pins: [pinOf(next)] });
		expect(run()).toBe(0);
		host.configure({ pins: [pinOf(host.key)] });
		expect(run()).toBe(126);
	});

	it("can be switched off in an emergency by two files of root, and the events say so", () => {
		const host = new Host();
		const audit = { jsonLines: host.at("audit.jsonl"), stderr: "off" };
		host.configure({ mode: "enforce", audit });
		host.deploy();
		writeFileSync(host.at("app/main.js"), "console.log('mended in haste')");
		const run = () => host.run(host.at("app/main.js"));
		expect(run()).toMatchObject({ status: 126, stdout: "" });
		const install = (mode: string) => {
			expect(host.sigtool(host.installing({ mode }))).toMatchObject({
				status: 0,
			});
		};
		install("audit");
		// The program is still refused: the launcher says audit, but the host configuration says enforce.
		expect(run()).toMatchObject({ status: 126, stdout: "" });
		host.configure({ mode: "audit", audit });
		rmSync(host.at("audit.jsonl"));
		expect(run()).toMatchObject({ status: 0, stdout: "mended in haste\n" });
		const events = host.events(host.at("audit.jsonl"));
		expect(events).toContainEqual(
			expect.objectContaining({ event: "verifier.start", mode: "audit", verdict: "record" }),
		);
		expect(events).toContainEqual(expect.objectContaining({ event: "module.open_code", verdict: "audit" }));
	});

	it("never runs code from a directory that it may write to", () => {
		const main = `
			const { writeFileSync } = require("node:fs");
			writeFileSync(process.argv[2] + "/late.js", "console.log('evil')");
			console.log("written");
			require(process.argv[2] + "/late.js");`;
		const host = new Host({ files: { "main.js": main } });
		host.deploy();
		const { status, stdout, stderr } = host.run("--write", host.at("data"), host.at("app/main.js"), host.at("data"));
		expect([status, stdout]).toEqual([126, "written\n"]);
		expect(stderr).toMatch(/ERR_UNTRUSTED_CODE.*late\.js/);
	});
});

describe("the examples", () => {
	it("keep their scripts executable, and stop a job at the first failure", () => {
		const { status, stderr } = spawnSync("sh", ["-n", join(EXAMPLES, "ship.sh")], { encoding: "utf8" });
		expect([status, stderr]).toEqual([0, ""]);
		expect(example("ship.sh")).toMatch(/^set -eu$/m);
	});
});
