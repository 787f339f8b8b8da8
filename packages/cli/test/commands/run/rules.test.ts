/** Tests that the native gate applies the rules of a policy to text that comes round the hook. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeOfRelease } from "../../../../../scripts/node-releases.mjs";
import { hasLauncher } from "../../../../../test/launcher.js";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

const node = fetchedNode();

/** The gate is in front of a Node.js that is not that of Debian 13. Undefined if npm cannot fetch it. */
function fetchedNode(): string | undefined {
	try {
		return nodeOfRelease("24");
	} catch {
		return undefined;
	}
}

describe.skipIf(!hasLauncher || node === undefined)("rules in the gate (needs the launcher and Node.js 24)", () => {
	it("lets the content of a denied file run in no other way, and that of another one with the same content", () => {
		const home = temporaryDirectory();
		const run = runner(home);
		const sigtool = (...args: string[]) => run(args, { cwd: home, env: { TMPDIR: join(home, "tmp") } });
		mkdirSync(join(home, "tmp"));
		makeTree(join(home, "app"), {
			"main.js": `
				const read = (name) => require("node:fs").readFileSync(__dirname + "/" + name, "utf8");
				for (const name of ["denied.js", "other.js"]) {
					try { console.log(name, (0, eval)(read(name))); } catch (error) { console.log(name, error.name); }
				}`,
			"denied.js": "'denied ran'",
			"other.js": "'other ran'",
		});
		expect(sigtool("sign", "app")).toMatchObject({ status: 0 });
		const outputUnder = (rule: object) => {
			const policy = { version: 1, rules: [rule], runtime: { stringCode: "signed" } };
			writeFileSync(join(home, "policy.json"), JSON.stringify(policy));
			const compile = ["compile", "app", "-o", "app.sigx", "--policy", "policy.json", "--allow-development"];
			expect(sigtool(...compile)).toMatchObject({ status: 0 });
			return sigtool("run", "--allow-development", "--index", "app.sigx", "--node", node ?? "", "app/main.js").stdout;
		};
		expect(outputUnder({ deny: { name: "absent.js" } })).toBe("denied.js denied ran\nother.js other ran\n");
		expect(outputUnder({ deny: { name: "denied.js" } })).toBe("denied.js EvalError\nother.js other ran\n");
		expect(outputUnder({ allow: { path: "[mo]*.js" } })).toBe("");
		expect(outputUnder({ allow: { path: "main.js" } })).toBe("denied.js EvalError\nother.js EvalError\n");
	});
});
