/** Tries requests to a real terminal, which script(1) makes. */

import { beforeAll, describe, expect, it } from "vitest";
import { hasProgram } from "../../../../../test/outside.js";
import { MODES, type Mode, missing, runtimes, SandboxHost, titleOf, USERS } from "./host.js";

const lacks = missing ?? (hasProgram("script") ? undefined : "script");

describe.skipIf(lacks !== undefined)(titleOf("the terminal", lacks), () => {
	let host: SandboxHost;
	beforeAll(() => {
		host = new SandboxHost();
	});

	const cases = runtimes.flatMap((runtime) => USERS.map((user) => ({ runtime, user })));
	it.each(cases)("takes neither characters nor another line discipline from $runtime as $user", ({ runtime, user }) => {
		const names = ["terminal-line-discipline", "terminal-type-character", "terminal-settings"];
		const tried = (mode: Mode) => {
			const { results } = host.attempt(runtime, user, mode, names, { before: ["script", "-qec"] });
			return names.map((name) => results[name]);
		};
		const [unguarded, ...launched] = MODES.map(tried);
		// Since Linux 6.2 the administrator decides if users may type by TIOCSTI.
		expect(unguarded).toEqual(["0", user === "root" ? "0" : expect.toBeOneOf(["0", "EIO"]), "0"]);
		for (const each of launched) expect(each).toEqual(["EPERM", "EPERM", "0"]);
	});
});
