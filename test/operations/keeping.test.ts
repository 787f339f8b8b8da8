/** The story of one who installs the launcher again without options, as messages say, and of what is kept. */

import { appendFileSync, chownSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { RUNTIMES } from "../host/runtimes.js";
import { canOperate, Service } from "./service.js";

describe.skipIf(!canOperate).each(RUNTIMES)("installing again, $name (as root, with the launcher built)", (runtime) => {
	const isNode = runtime.kind === "node";
	let service: Service;
	beforeAll(() => {
		service = new Service(runtime);
	});

	const install = (...options: readonly string[]) =>
		service.sigtool(["launcher", "install", "--prefix", service.at("lib"), ...options]);
	const settings = () => readFileSync(service.conf, "utf8");
	const serves = () => expect(service.start()).toMatchObject({ status: 0, stdout: "serving\n" });

	it("without options changes nothing, and says what it kept", () => {
		const before = settings();
		const runtimes = isNode ? ["node"] : ["no node", "python"];
		const kept = [...runtimes, "index", "configuration", "mode"];
		expect(install("--check", "--json").json()).toMatchObject({ changed: false, kept });
		const { status, stdout } = install();
		expect(status).toBe(0);
		expect(stdout).toMatch(new RegExp(`^ *kept +${kept.join(", ")}: as installed before$`, "m"));
		expect(settings()).toBe(before);
		expect(install("--check").status).toBe(0);
		serves();
	});

	it("with one option changes that alone", () => {
		const before = settings();
		expect(install("--mode", "strict").status).toBe(0);
		expect(settings()).toBe(before.replace("mode enforce", "mode strict"));
		expect(install("--allow-development", "--json").json().kept).toContain("mode");
		expect(settings()).toBe(before.replace("mode enforce\ndevelopment refuse", "mode strict\ndevelopment allow"));
		expect(install("--json").json().kept).toContain("development");
		expect(install("--mode", "enforce", "--no-allow-development").status).toBe(0);
		expect(settings()).toBe(before);
	});

	it("adds and removes a runtime, and keeps the other", () => {
		const before = settings();
		expect(install(isNode ? "--no-node" : "--no-python")).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("Use --no-node with --python, and --no-python with --node"),
		});
		expect(settings()).toBe(before);
		if (isNode) return;
		expect(install("--node", process.execPath).status).toBe(0);
		expect(settings()).toMatch(/^node /m);
		expect(settings()).toMatch(/^spython /m);
		expect(install("--no-node").status).toBe(0);
		expect(settings()).toBe(before);
		serves();
	});

	it("drops announced programs, and check names them in the command that keeps them", () => {
		const option = isNode ? "--node-next" : "--python-next";
		const before = settings();
		expect(install(option, "1".repeat(64)).status).toBe(0);
		service.configure({ audit: { stderr: "off" } });
		const [, command = ""] = /run `sigtool (launcher install .*?)` as root/.exec(service.check().stdout) ?? [];
		expect(command).toBe(`launcher install --prefix ${service.at("lib")} ${option} ${"1".repeat(64)}`);
		expect(service.sigtool(command.split(" ")).status).toBe(0);
		expect(service.check()).toMatchObject({ status: 0 });
		service.configure();
		expect(install().status).toBe(0);
		expect(settings()).toBe(before);
	});

	it("asks for the options if it cannot keep the settings", () => {
		const undo = service.saved(service.conf);
		const faults = [
			[() => appendFileSync(service.conf, "later x\n"), /later" is not a member of this version/],
			[() => chownSync(service.conf, 1234, 0), /belongs to user 1234/],
			[() => writeFileSync(service.conf, ""), /must be "version 1"/],
		] as const;
		for (const [make, says] of faults) {
			make();
			const before = settings();
			const { status, stderr } = install();
			expect([status, stderr]).toEqual([2, expect.stringMatching(says)]);
			expect(stderr).toMatch(
				/Cannot keep the settings of ".*launcher\.conf": .*; give --node or --python, --index, --config, --mode \[ERR_LAUNCHER\]/,
			);
			expect(settings()).toBe(before);
			const given = service.sigtool([...service.installing({ mode: "enforce" }), "--json"]);
			expect(given).toMatchObject({ status: 0 });
			expect(given.json().kept).toEqual([]);
			undo();
		}
		expect(install().status).toBe(0);
		serves();
	});

	if (!isNode)
		it("does not keep a spython that changed since it was installed", () => {
			const undo = service.saved(service.hook);
			const before = settings();
			appendFileSync(service.hook, "#");
			const refused = { status: 2, stderr: expect.stringMatching(/Cannot keep the spython .*: it changed .*--python/) };
			expect(install()).toMatchObject(refused);
			expect(service.check().stdout).toMatch(/^wrong {2}spython .* --python SPYTHON` as root/m);
			rmSync(service.hook);
			expect(install()).toMatchObject({ status: 2, stderr: expect.stringContaining("no such file or directory") });
			expect(settings()).toBe(before);
			expect(install("--python", service.at("spython")).status).toBe(0);
			expect(settings()).toBe(before);
			undo();
			serves();
		});
});
