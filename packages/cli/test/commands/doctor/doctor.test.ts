import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { askGate } from "../../../dist/launcher/gate-probe.js";
import { runner, temporaryDirectory } from "../../support.js";

it("doctor prints one line per check, and leaves the directory unchanged", () => {
	const directory = temporaryDirectory();
	const { status, stdout, stderr } = runner(directory, { identity: "none" })(["doctor", directory]);
	expect([status, stderr]).toEqual([0, ""]);
	const lines = stdout.trimEnd().split("\n");
	expect(lines.length).toBeGreaterThan(10);
	for (const line of lines) expect(line).toMatch(/^(yes|no|partly|unknown) +\S.* – \S/);
	expect(stdout).toMatch(/^\w+ +Node\.js +\d+\.\d+\.\d+ /m);
	expect(readdirSync(directory)).toEqual([]);
});

it("doctor --json has the same checks as data", () => {
	const directory = temporaryDirectory();
	const document = runner(directory, { identity: "none" })(["doctor", "--json", directory]).json();
	expect(document).toMatchObject({ command: "doctor", exit: 0, path: directory });
	for (const check of document.checks) {
		expect(Object.keys(check).sort()).toEqual(["id", "meaning", "status", "title", "value"]);
	}
	const ids = document.checks.map(({ id }: { id: string }) => id);
	expect(new Set(ids).size).toBe(ids.length);
	expect(ids).toContain("attribute-room");
});

it("doctor examines the working directory by default", () => {
	const directory = temporaryDirectory();
	expect(runner(directory, { identity: "none" })(["doctor", "--json"], { cwd: directory }).json()).toMatchObject({
		exit: 0,
		path: ".",
	});
});

it("doctor ends with 2 for a missing path", () => {
	const directory = temporaryDirectory();
	const { status, stderr } = runner(directory, { identity: "none" })(["doctor", join(directory, "none")]);
	expect(status).toBe(2);
	expect(stderr).toContain("[ERR_ROOT_MISSING]");
});

/** The gate can be loaded into this program, because both need libcrypto. */
const OPENSSL = "/usr/bin/openssl";
const GATE = fileURLToPath(new URL("../../../../verifier/dist/native/gate.so", import.meta.url));

it.skipIf(!existsSync(GATE))("doctor says whether a launched Node.js gets a gate (needs the gate built)", () => {
	const directory = temporaryDirectory();
	const asked = ["doctor", "--json", "--prefix", join(directory, "none"), directory];
	const { checks } = runner(directory, { identity: "none" })(asked).json();
	const [gate] = checks.filter(({ id }: { id: string }) => id === "gate");
	expect(gate).toMatchObject({ title: "gate of Node.js", status: "yes", value: process.execPath });
});

it.skipIf(!existsSync(GATE))("a program that is no Node.js gets no gate (needs the gate built)", () => {
	expect(askGate("/bin/true", GATE)).toEqual({ has: false, why: "it does not load the gate" });
	if (existsSync(OPENSSL))
		expect(askGate(OPENSSL, GATE)).toMatchObject({ why: expect.stringMatching(/ has no _ZN2v8/) });
	expect(askGate(process.execPath, "/nowhere/gate.so")).toEqual({ has: false, why: "it does not load the gate" });
});
