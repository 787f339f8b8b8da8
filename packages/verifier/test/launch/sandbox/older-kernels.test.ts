/**
 * Tests what the launcher says on older kernels. The program of pretend.c answers its system calls as such a kernel does.
 */

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../../test/temporary.js";
import { BUILT, compileProgram, hasCompiler, hasLauncher, Installation, isRoot, pinned } from "../support.js";

/** Each feature, the first version of Linux that has it, and whether enforcement depends on it. */
const FEATURES = {
	landlock: ["5.13", "needed"],
	"landlock-truncate": ["6.2", "needed"],
	"landlock-network": ["6.7", "needed"],
	"landlock-devices": ["6.10", "recorded"],
	"landlock-scopes": ["6.12", "needed"],
	"landlock-log": ["6.15", "recorded"],
	"landlock-sockets": ["7.1", "needed"],
	seccomp: ["4.14", "needed"],
	"signal-owners": ["4.14", "needed"],
	"writable-code": ["6.3", "needed"],
	securebits: ["6.14", "recorded"],
} as const;
type Feature = keyof typeof FEATURES;

/** The features that each version of Landlock lacks, in the order of the record. */
const LACKING: readonly (readonly Feature[])[] = [
	["landlock"],
	["landlock-truncate", "landlock-network", "landlock-devices", "landlock-scopes", "landlock-log"],
	["landlock-truncate", "landlock-network", "landlock-devices", "landlock-scopes", "landlock-log"],
	["landlock-network", "landlock-devices", "landlock-scopes", "landlock-log"],
	["landlock-devices", "landlock-scopes", "landlock-log"],
	["landlock-scopes", "landlock-log"],
	["landlock-log"],
	[],
];

interface Kernel {
	readonly title: string;
	readonly landlock: number;
	/** Further missing features, in the form that pretend.c expects. */
	readonly without?: string;
	/** Further lines of launcher.conf. */
	readonly settings?: Readonly<Record<string, string>>;
	readonly python?: boolean;
	readonly lacks: readonly Feature[];
}

const network = { connect: "443", bind: "80" };
const KERNELS: readonly Kernel[] = [
	...LACKING.map((lacks, landlock) => ({
		title: `Landlock ${landlock}`,
		landlock,
		lacks: lacks.filter((feature) => feature !== "landlock-network"),
	})),
	...LACKING.map((lacks, landlock) => ({
		title: `Landlock ${landlock}, limits of the network`,
		landlock,
		settings: network,
		lacks,
	})),
	{
		title: "Landlock 7, limits of sockets with a path",
		landlock: 7,
		settings: { socket: "/run" },
		lacks: ["landlock-sockets"],
	},
	{ title: "no securebits for interpreters", landlock: 7, without: "securebits", lacks: ["securebits"] },
	{ title: "no seccomp", landlock: 7, without: "seccomp", lacks: ["seccomp", "signal-owners"] },
	{ title: "no PR_SET_MDWE, for Node.js", landlock: 7, without: "mdwe", lacks: [] },
	{ title: "no PR_SET_MDWE, for CPython", landlock: 7, without: "mdwe", python: true, lacks: ["writable-code"] },
	{
		title: "no PR_SET_MDWE, for CPython that may write code",
		landlock: 7,
		without: "mdwe",
		python: true,
		settings: { "writable-code": "allow" },
		lacks: [],
	},
	{
		title: "Linux 5.10",
		landlock: 0,
		without: "mdwe,securebits",
		python: true,
		lacks: ["securebits", "writable-code", "landlock"],
	},
	{
		title: "Linux 6.1, Debian 12",
		landlock: 2,
		without: "mdwe,securebits",
		lacks: ["securebits", "landlock-truncate", "landlock-devices", "landlock-scopes", "landlock-log"],
	},
	{
		title: "Linux 6.8, Ubuntu 24.04",
		landlock: 4,
		without: "securebits",
		lacks: ["securebits", "landlock-devices", "landlock-scopes", "landlock-log"],
	},
];

/** pretend.c can only take features away, so this kernel must have all of these features. */
const PRESENT = ["landlock-log", "seccomp", "writable-code", "securebits"];
const holding = hasLauncher
	? spawnSync(join(BUILT, "sigtool-launch"), ["--protections"], { encoding: "utf8" }).stdout
	: "";
const isNew = PRESENT.every((feature) => new RegExp(`^${feature}\\t.*holds$`, "m").test(holding));

describe.skipIf(!hasCompiler || !isNew)("an older kernel (needs the launcher built, cc, and Linux 6.15)", () => {
	let programs = "";
	let pretend = "";
	let python = "";
	beforeAll(() => {
		programs = temporaryDirectory(atEndOfFile);
		const source = readFileSync(fileURLToPath(new URL("./pretend.c", import.meta.url)), "utf8");
		pretend = compileProgram(programs, "pretend", source);
		python = compileProgram(programs, "python", "int main(void) { return 0; }");
	});

	function start(mode: string, { landlock, without = "-", settings = {}, python: isPython = false }: Kernel) {
		const installation = new Installation();
		for (const [key, value] of Object.entries(settings)) installation.set(key, value);
		installation.set("python", pinned(python));
		installation.set("spython", pinned(installation.write("bin/spython", "a spython")));
		const script = isPython ? "main.py" : "main.js";
		installation.write(script, "");
		return installation.run(["--mode", mode, script], { before: [pretend, String(landlock), without] });
	}

	it.each(KERNELS)("$title: enforce names and records exactly what is missing", (kernel) => {
		const { status, stderr, stdout } = start("enforce", kernel);
		expect(status).toBe(0);
		expect(stderr).toBe(
			kernel.lacks
				.filter(isNeeded)
				.map(
					(feature) => `sigtool-launch: ${lacking(feature)}; docs/reference/launcher.md tells what that leaves open\n`,
				)
				.join(""),
		);
		if (kernel.python === true) return;
		const { record } = JSON.parse(stdout.split("\n")[0] ?? "");
		const recorded = [...record.matchAll(/^missing (.*)$/gm)].map(([, feature]) => feature);
		expect(recorded).toEqual(kernel.lacks);
	});

	it.each(KERNELS)("$title: strict refuses what it needs, and nothing else", (kernel) => {
		const { status, stderr, stdout } = start("strict", kernel);
		const needed = kernel.lacks.find(isNeeded);
		if (needed === undefined) expect([status, stderr]).toEqual([0, ""]);
		else
			expect([status, stdout, stderr]).toEqual([
				126,
				"",
				`sigtool-launch: Cannot enforce strictly: ${lacking(needed)}\n`,
			]);
	});

	it.skipIf(!isRoot)(
		"names a granted directory of root's that is not nosuid, and strict refuses it (needs root)",
		() => {
			const installation = new Installation();
			installation.write("main.js", "");
			mkdirSync(installation.at("data"));
			const run = (mode: string, ...mount: string[]) => {
				const script = `mount -t tmpfs -o "$0" none ${installation.at("data")} && exec "$@"`;
				const before = ["unshare", "-m", "sh", "-c", script, ...mount];
				return installation.run(["--mode", mode, "--write", "data", "main.js"], { before });
			};
			const suid = run("enforce", "suid");
			expect(suid.stderr).toMatch(
				/^sigtool-launch: warning: root may write "data", whose mount is not nosuid: mount it .*\n$/,
			);
			expect(suid.launched().record).toContain("missing nosuid\n");
			expect(run("strict", "suid")).toMatchObject({
				status: 126,
				stdout: "",
				stderr: expect.stringMatching(/Cannot enforce strictly: root may write "data", whose mount is not nosuid/),
			});
			for (const mode of ["enforce", "strict"]) {
				const { status, stderr, launched } = run(mode, "nosuid");
				expect([status, stderr]).toEqual([0, ""]);
				expect(launched().record).not.toContain("missing");
			}
		},
	);
});

function isNeeded(feature: Feature): boolean {
	return FEATURES[feature][1] === "needed";
}

function lacking(feature: Feature): string {
	return `this kernel lacks ${feature} (Linux ${FEATURES[feature][0]})`;
}
