/** Tests the functions of libc and SQLite that spython replaces, and the environment variables that it lets pass. */

import { beforeAll, expect, it } from "vitest";
import { describeEach, isSanitized, PYTHONS, Site } from "./support.js";

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

describeEach(PYTHONS)("calls that spython $version judges, $executable", (python) => {
	let site: Site;
	beforeAll(() => {
		site = new Site(python);
	});

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

	it("refuses to open memory of a process for writing, and nothing else", async () => {
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

	it("only records that in audit mode", async () => {
		const { answers, named } = await tried("audit", OPENING, { mode: "audit" });
		expect(answers).toMatchObject({ both: "None", again: "None" });
		expect(named("python.open")[0]).toMatchObject({ verdict: "audit" });
	});

	const MAPPING = trying("import mmap, sys, os", {
		memory: "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)[0]",
		file: `mmap.mmap(os.open(sys.executable, os.O_RDONLY), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)[1]`,
		data: "mmap.mmap(-1, 4096)[0]",
		reading: `mmap.mmap(os.open(sys.executable, os.O_RDONLY), 4096, prot=mmap.PROT_READ)[1]`,
		callback: `__import__("ctypes").CFUNCTYPE(__import__("ctypes").c_int)(lambda: 42)()`,
	});
	const MAPPED = { memory: "0", file: "69", data: "0", reading: "69", callback: "42" };

	// AddressSanitizer has a mmap() of its own, which hides who calls it.
	if (!isSanitized) {
		it("refuses in strict that the module mmap maps code, unless the policy allows it", async () => {
			const denied = expect.stringMatching(/^PermissionError: \[Errno 13\]/);
			const { answers, named } = await tried("strict", MAPPING);
			expect(answers).toEqual({ ...MAPPED, memory: denied, file: denied });
			expect(named("python.mmap").map(({ verdict, detail }) => [verdict, detail])).toEqual([
				["refuse", "memory"],
				["refuse", "file"],
			]);
			expect((await tried("enforce", MAPPING)).answers).toEqual(MAPPED);
			const allowed = await tried("strict", MAPPING, { launch: { writableCode: "allow" } });
			expect(allowed.answers).toEqual(MAPPED);
		});
	}

	const TOKENIZERS = trying(
		`import sqlite3
database = sqlite3.connect(":memory:")
def removed():
    for count in 1, 2:
        database.create_function("fts3_tokenizer", count, lambda *_: b"own")
        try: database.create_function("fts3_tokenizer", count, None)
        except TypeError: pass
    return sql("select fts3_tokenizer(?, ?)", "x", bytes(8))
def sql(text, *values, of=database): return of.execute(text, values).fetchall()`,
		{
			set: `sql("select fts3_tokenizer(?, ?)", "x", bytes(8))`,
			get: `sql("select fts3_tokenizer(?)", "simple")`,
			another: `sql("select fts3_tokenizer(?)", "simple", of=sqlite3.Connection("file::memory:?x", uri=True))`,
			removed: "removed()",
			porter: `sql("create virtual table t using fts3(tokenize=porter)")`,
			insert: `sql("insert into t values ('running')")`,
			found: `sql("select * from t where t match 'run'")`,
			absent: `sqlite3.connect("/nonexistent/file")`,
		},
	);

	it("takes tokenizers by address from SQLite, and leaves the others", async () => {
		const { answers, named } = await tried("enforce", TOKENIZERS);
		const denied = "OperationalError: a tokenizer by its address could call anything (ERR_RUNTIME_RULE)";
		expect(answers).toEqual({
			...{ set: denied, get: denied, another: denied, removed: expect.stringMatching(/^OperationalError: /) },
			...{ porter: "[]", insert: "[]", found: "[('running',)]" },
			absent: "OperationalError: unable to open database file",
		});
		expect(named("python.sqlite3.fts3_tokenizer")[0]).toMatchObject({ verdict: "refuse" });
	});

	const VARIABLES = trying("import os", {
		names: `" ".join(sorted(name for name in os.environ if "SIGTOOL" not in name))`,
	});
	const given = {
		DATABASE_URL: "secret",
		APP_NAME: "secret",
		ODBCSYSINI: "secret",
		GI_TYPELIB_PATH: "secret",
		TZ: "/tmp/x",
	};

	it("lets in strict only the variables pass that are listed, or that the policy names, and tells of the others", async () => {
		const policy = { launch: { environment: ["DATABASE_URL", "APP_*"] } };
		const { answers, stderr } = await tried("strict", VARIABLES, policy, given);
		const names = (answers.names ?? "").split(" ");
		expect(names).toEqual(expect.arrayContaining(["PATH", "DATABASE_URL", "APP_NAME"]));
		for (const name of ["ODBCSYSINI", "GI_TYPELIB_PATH", "TZ"]) expect(names).not.toContain(name);
		expect(stderr).toMatch(
			/^spython: environment variables stopped by mode strict \(policy: launch\.environment\): .*$/m,
		);
		expect(stderr).not.toContain("secret");
		const enforced = (await tried("enforce", VARIABLES, policy, given)).answers.names?.split(" ");
		expect(enforced).toEqual(expect.arrayContaining(Object.keys(given)));
	});
});
