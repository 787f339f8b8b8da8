/** Tests that spython applies the rules of a policy. */

import { beforeAll, expect, it } from "vitest";
import { describeEach, flipByte, PYTHONS, Site } from "./support.js";

describeEach(PYTHONS)("rules about files with spython $version, $executable", (python) => {
	let site: Site;
	beforeAll(() => {
		site = new Site(python);
		site.write({
			"main.py": "import sys\nsys.path.insert(0, sys.path[0] + '/lib')\nimport part\nprint(part.NAME)\n",
			"lib/part.py": "NAME = 'part'\n",
			"other.py": "print('other')\n",
		});
	});

	const rules = (...list: readonly object[]) => site.sign({ policy: { rules: list } });
	const libraryRule = { allow: { product: python.library } };

	it("refuses what a rule denies, with its name, message and URL", async () => {
		await rules({
			deny: { path: "lib/**" },
			label: "no-lib",
			message: "lib is retired",
			url: "https://wiki.example/lib",
			expires: "2020-01-01",
		});
		const run = site.run(["app/main.py"]);
		expect(run.status).toBe(1);
		expect(run.stderr).toContain(
			"rules[no-lib] of the policy denies it, and still does although it expired on 2020-01-01: lib is retired (ERR_POLICY_RULE, got ",
		);
		expect(run.stderr).toContain("); https://wiki.example/lib");
		expect(run.events.find(({ reason }) => reason === "ERR_POLICY_RULE")).toMatchObject({
			event: "module.open_code",
			verdict: "refuse",
			rule: "rules[no-lib]",
			denial: "lib is retired",
			entry: "lib/part.py",
		});
		expect(site.run(["app/other.py"])).toMatchObject({ status: 0, stdout: "other\n" });
	});

	it("refuses what no allow rule matches", async () => {
		await rules(libraryRule, { allow: { path: "*.py", product: "app" } });
		expect(site.run(["app/other.py"])).toMatchObject({ status: 0, stdout: "other\n" });
		const run = site.run(["app/main.py"]);
		expect(run.stderr).toContain("no allow rule of the policy matches it (ERR_POLICY_RULE");
		await rules(libraryRule, { allow: { product: "app" } });
		expect(site.run(["app/main.py"])).toMatchObject({ status: 0, stdout: "part\n" });
	});

	it("lets no rule allow what is not as it was signed", async () => {
		await rules(
			libraryRule,
			{ allow: { path: "**" } },
			{ allow: { name: "other.py" } },
			{ allow: { name: "added.py" } },
		);
		expect(site.run(["app/other.py"])).toMatchObject({ status: 0, stdout: "other\n" });
		flipByte(`${site.application}/other.py`, 7);
		expect(site.run(["app/other.py"]).stderr).toContain("File hash mismatch");
		flipByte(`${site.application}/other.py`, 7);
		site.write({ "added.py": "print('added')\n" });
		const run = site.run(["app/added.py"]);
		expect(run.stdout).toBe("");
		expect(run.events.find(({ path }) => String(path).endsWith("/added.py"))).toMatchObject({
			verdict: "refuse",
			reason: "ERR_FILE_ADDED",
			rule: "entry",
		});
	});

	it("does not start with rules about signers that the index does not name", async () => {
		await rules({ deny: { signer: { key: "1".repeat(64) } } });
		const run = site.run(["app/other.py"]);
		expect(run.status).toBe(126);
		expect(run.stderr).toContain('the trust index does not name those of product "app"; compile it again');
	});
});
