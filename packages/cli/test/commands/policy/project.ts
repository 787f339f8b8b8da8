/** Makes a signed tree and events about it, for tests of policies. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { runner, temporaryDirectory } from "../../support.js";

/** Makes a signed tree, and functions that write policies and run the command in its directory. */
export function project() {
	const cwd = temporaryDirectory();
	const run = runner(cwd);
	const sigtool = (args: readonly string[], input?: string) =>
		run(args, { cwd, ...(input !== undefined && { input }) });
	const write = (name: string, content: string | object) => {
		mkdirSync(join(cwd, name, ".."), { recursive: true });
		writeFileSync(join(cwd, name), typeof content === "string" ? content : JSON.stringify({ version: 1, ...content }));
		return name;
	};
	write("app/main.js", "main()");
	write("app/lib/a.js", "a()");
	expect(sigtool(["sign", "app", "--product", "app"])).toMatchObject({ status: 0 });
	return { cwd, sigtool, write, at: (name: string) => join(cwd, name) };
}

export const eventOf = (members: object) =>
	JSON.stringify({
		time: "2027-01-31T12:00:00.000Z",
		event: "module.open_code",
		verdict: "allow",
		pid: 7,
		thread: 0,
		...members,
	});
export const loaded = (entry: string, members: object = {}) =>
	eventOf({ path: `/srv/app/${entry}`, sha256: "a".repeat(64), product: "app", entry, rule: "entry", ...members });
