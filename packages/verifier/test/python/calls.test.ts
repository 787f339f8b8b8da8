/** Tests the functions of libc and SQLite that spython replaces. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PYTHONS, Site } from "./support.js";

/** Makes a program that evaluates each line `name: expression`, and prints as JSON what came of it. */
const trying = (imports: string, lines: Readonly<Record<string, string>>) => `import json
${imports}
answers = {}
def attempt(name, do):
    try: answers[name] = str(do())
    except BaseException as error: answers[name] = type(error).__name__ + ": " + str(error)
${Object.entries(lines)
	.map(([name, expression]) => `attempt(${JSON.stringify(name)}, lambda: ${expression})`)
	.join("\n")}
print(json.dumps(answers))
`;

describe.each(PYTHONS)("calls that spython $version judges, $executable", (python) => {
	let site: Site;
	beforeAll(() => {
		site = new Site(python);
	});
	afterAll(() => site.remove());

	async function tried(mode: string, program: string, policy: object = {}, env: Readonly<Record<string, string>> = {}) {
		site.write({ "main.py": program });
		await site.sign({ policy });
		const run = site.run(["app/main.py"], { options: ["--mode", mode], env });
		expect(run.status).toBe(0);
		const named = (name: string) => run.events.filter(({ event }) => event === name);
		return { answers: JSON.parse(run.stdout) as Record<string, string>, named, stderr: run.stderr };
	}

	const OPENING = trying("import os, io", {
		memory: `os.open("/proc/self/mem", os.O_WRONLY)`,
		both: `os.close(os.open("/proc/self/mem", os.O_RDWR))`,
		reading: `os.close(os.open("/proc/self/mem", os.O_RDONLY))`,
		path: `os.close(os.open("/proc/self/mem", os.O_RDWR | os.O_PATH))`,
		again: `os.close(os.open("/proc/self/fd/%d" % os.open("/proc/self/mem", os.O_RDONLY), os.O_RDWR))`,
		other: `open("/proc/self/comm", "w").close()`,
		mode: `(os.close(os.open("made", os.O_CREAT | os.O_WRONLY, 0o640)), oct(os.stat("made").st_mode))[1]`,
	});

	it("8: refuses to open memory of a process for writing, and nothing else", async () => {
		const { answers, named } = await tried("enforce", OPENING);
		const denied = expect.stringMatching(/^PermissionError: \[Errno 13\]/);
		expect(answers).toEqual({
			...{ memory: denied, both: denied, again: denied, reading: "None", path: "None", other: "None" },
			mode: "0o100640",
		});
		const refusal = {
			verdict: "refuse",
			detail: expect.stringMatching(/^\/proc\/\d+\/mem$/),
			reason: "ERR_RUNTIME_RULE",
		};
		expect(named("python.open")[0]).toMatchObject(refusal);
	});

	it("8: only records that in audit mode", async () => {
		const { answers, named } = await tried("audit", OPENING, { mode: "audit" });
		expect(answers).toMatchObject({ both: "None", again: "None" });
		expect(named("python.open")[0]).toMatchObject({ verdict: "audit" });
	});
});
