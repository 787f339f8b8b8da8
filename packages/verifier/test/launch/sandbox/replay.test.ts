/**
 * Repeats the launcher's only allowed execveat() from inside the launched runtime, with everything that a debugger can
 * learn about this call.
 */

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { missing, type Runtime, runtimes, SandboxHost, titleOf, USERS, type User } from "./host.js";

/** The option and the code by which the new runtime shows that it runs without a hook. */
const CODE: Readonly<Record<Runtime, Record<string, string>>> = {
	"Node.js": { PROBE_OPTION: "-p", PROBE_CODE: "'ran ' + (40 + 2)" },
	CPython: { PROBE_OPTION: "-c", PROBE_CODE: "print('ran', 40 + 2)" },
};

describe.skipIf(missing !== undefined)(titleOf("the one allowed execveat", missing), () => {
	let host: SandboxHost;
	let learner = "";
	beforeAll(() => {
		host = new SandboxHost();
		learner = host.compileProgram("replay");
	});

	function learned(runtime: Runtime, user: User, mode: "enforce" | "strict", probes: readonly string[]) {
		const file = host.at(`own/learned-by-${user}`);
		const env = { PROBE_LEARNED: file, ...CODE[runtime] };
		const attempt = host.attempt(runtime, user, mode, probes, { env, through: [learner, file] });
		const [descriptor, path, argv, secret] = readFileSync(file, "utf8").trim().split(" ");
		return { ...attempt, descriptor, path, argv, secret };
	}

	const cases = runtimes.flatMap((runtime) =>
		USERS.flatMap((user) => (["enforce", "strict"] as const).map((mode) => ({ runtime, user, mode }))),
	);
	const ofNode = cases.filter(({ runtime }) => runtime === "Node.js");
	it.each(ofNode)("starts $runtime without its hook for an attacker that knows all, as $user in $mode", (each) => {
		const { runtime, user, mode } = each;
		const stdout: string[] = [];
		// About every second process already uses one of the two addresses for something else. Then the attacker starts it
		// again.
		while (stdout.length < 40 && !stdout.at(-1)?.includes("ran 42"))
			stdout.push(learned(runtime, user, mode, ["replay"]).stdout);
		expect(stdout.at(-1)).toMatch(/^ran 42\nreplay 0$/m);
	});

	const ofPython = cases.filter(({ runtime }) => runtime === "CPython");
	it.each(ofPython)(
		"starts nothing for an attacker of $runtime, whose spython has a filter too, as $user in $mode",
		(each) => {
			const { runtime, user, mode } = each;
			expect(learned(runtime, user, mode, ["replay"]).results.replay).toBe("EACCES");
		},
	);

	it.each(cases)("starts nothing for an attacker that knows all but the secret: $runtime as $user in $mode", (each) => {
		const { runtime, user, mode } = each;
		const { results, stdout } = learned(runtime, user, mode, ["replay-low-half", "replay-high-half"]);
		expect(results).toMatchObject({ "replay-low-half": "EACCES", "replay-high-half": "EACCES" });
		expect(stdout).not.toContain("ran 42");
	});

	it("has another secret and other addresses at each start", () => {
		const [one, other] = [0, 1].map(() => learned("Node.js", "user", "enforce", []));
		expect([one?.secret, one?.path, one?.argv]).not.toContain("0");
		for (const what of ["secret", "path", "argv"] as const) expect(one?.[what]).not.toBe(other?.[what]);
	});

	it("is made by a program without fixed addresses", () => {
		const ET_DYN = 3;
		expect(readFileSync(host.at("lib/sigtool-launch")).readUInt16LE(16)).toBe(ET_DYN);
	});
});
