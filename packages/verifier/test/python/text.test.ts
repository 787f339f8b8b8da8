import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describeEach, PYTHONS, type Run, Site } from "./support.js";

/** These expressions make code of text that no file contains, as ordinary programs do. */
const ORDINARY: Readonly<Record<string, string>> = {
	"events of the program's own without their arguments":
		"[sys.audit(name, *rest) for name in ('compile', 'marshal.loads', 'cpython._PySys_ClearAuditHooks') for rest in ((), (5,))]",
	"a thread that begins with such an event":
		"bool(_thread.start_new_thread(sys.audit, ('marshal.loads', 5))), time.sleep(0.1)",
	"an interpreter that runs already":
		"sys.version_info < (3, 13) or 1 / __import__('_interpreters').is_running(__import__('_interpreters').get_main()[0])",
	"a named tuple": "tuple(collections.namedtuple('N', 'a b', defaults=(2,))(1))",
	"a named tuple of one name": "collections.namedtuple('N', ['größe'])(1)[0]",
	"a named tuple without names": "collections.namedtuple('N', '')()",
	"a typed tuple": "typing.NamedTuple('N', [('a', int)])(1)",
	"annotations that are texts": "typing.get_type_hints(annotated)",
	"a dataclass": "repr(Plain(1)) + str(Plain(1) == Plain(1)) + repr(Plain(1, [3]))",
	"a frozen dataclass": "hash(Frozen(1, 2)), Frozen(1, 2) < Frozen(1, 3), attempt_to_set(Frozen(1, 2))",
	"a dataclass that is made": "dataclasses.make_dataclass('M', [('self_', int), ('größe', int, 3)])(1)",
	"a text that is a constant of the program": "exec('a = 1')",
	"a literal": "ast.literal_eval(\"{'a': (1, -2, b'x')}\")",
	"a tree": "type(ast.parse('import os; os.getcwd()')).__name__",
	"a signature": "str(inspect.signature(int.from_bytes))",
	"a coroutine of a generator": "types.coroutine(generator).__name__",
	"a traceback": "len(traceback.format_exc())",
	"an event of the program's own": "sys.audit('compile', (sys.argv[0] + ' + 1').encode(), 'x')",
};
const PROGRAM = `from __future__ import annotations
import _thread, ast, collections, dataclasses, inspect, sys, time, traceback, types, typing

def annotated(a: "int", b: "typing.Dict[str, 'typing.Optional[int]']", c: typing.Tuple[int, ...] = ()) -> None: pass

@dataclasses.dataclass
class Plain:
    number: int
    numbers: list = dataclasses.field(default_factory=list)
    hidden: dataclasses.InitVar[int] = 0
    derived: int = dataclasses.field(init=False, default=7)
    def __post_init__(self, hidden): self.derived += hidden

@dataclasses.dataclass(order=True, frozen=True)
class Frozen:
    first: int
    second: typing.Any = None

def attempt_to_set(it):
    try: it.first = 2
    except dataclasses.FrozenInstanceError as error: return str(error)

def generator(): yield
`;
const program = `${PROGRAM}${Object.entries(ORDINARY)
	.map(([name, expression]) => `print(${JSON.stringify(name)}, ${expression})`)
	.join("\n")}\n`;

const GIVEN = "import sys\ntext = ' '.join(sys.argv[1:])\n";

describeEach(PYTHONS)("text that becomes code under spython $version, $executable", (python) => {
	let site: Site;
	beforeAll(() => {
		site = new Site(python);
		site.write({
			"main.py": program,
			"runs.py": `${GIVEN}exec(text)\n`,
			"package/__init__.py": "def run(text): exec(text)\n",
			"package/inner.py": "def run(text):\n    return [eval(compile(each, 'x', 'eval')) for each in [text]]\n",
			"calls.py": `${GIVEN}import package, package.inner\ngetattr(package, text.split()[0], package).run(text.split(' ', 1)[1])\n`,
			"reads.py": "import sys\nexec(open(sys.argv[1]).read())\n",
			"says.py": "print('said')\n",
		});
	});

	const refused = (run: Run, event = "python.compile") => {
		expect(run).toMatchObject({ status: 1, stdout: "" });
		expect(run.events).toContainEqual(
			expect.objectContaining({ event, verdict: "refuse", reason: "ERR_RUNTIME_RULE" }),
		);
	};

	it("passes in strict if three functions of the standard library make it, or if it becomes no code", async () => {
		await site.sign();
		const [enforced, strict] = ["enforce", "strict"].map((mode) =>
			site.run(["app/main.py"], { options: mode === "strict" ? ["--mode", mode] : [] }),
		);
		expect(enforced).toMatchObject({ status: 0 });
		expect(strict).toMatchObject({ status: 0, stdout: enforced?.stdout });
		expect(strict?.events.filter(({ event }) => String(event).startsWith("python."))).toEqual([]);
		for (const name of Object.keys(ORDINARY)) expect(strict?.stdout).toContain(`${name} `);
	});

	it("is refused in strict, and runs in enforce unless the policy says otherwise", async () => {
		await site.sign();
		expect(site.run(["app/runs.py", "print(1)"])).toMatchObject({ status: 0, stdout: "1\n" });
		refused(site.run(["app/runs.py", "print(1)"], { options: ["--mode", "strict"] }));
		await site.sign({ policy: { python: { stringCode: "signed" } } });
		refused(site.run(["app/runs.py", "print(1)"]));
		await site.sign({ policy: { mode: "audit", python: { stringCode: "signed" } } });
		const audited = site.run(["app/runs.py", "print(1)"]);
		expect(audited).toMatchObject({ status: 0, stdout: "1\n" });
		expect(audited.events).toContainEqual(
			expect.objectContaining({ event: "python.compile", verdict: "audit", detail: "print(1), <string>" }),
		);
	});

	it("passes if a signed file has it, to the last character", async () => {
		await site.sign({ policy: { python: { stringCode: "signed" } } });
		expect(site.run(["app/reads.py", join(site.application, "says.py")])).toMatchObject({ stdout: "said\n" });
		const copy = join(site.root, "copy.py");
		writeFileSync(copy, "print('said') \n");
		refused(site.run(["app/reads.py", copy]));
	});

	it("passes if a module that the policy names makes it, whatever it is", async () => {
		const stringCodeFrom = ["package.inner"];
		await site.sign({ policy: { python: { stringCode: "signed", stringCodeFrom } } });
		expect(site.run(["app/calls.py", "inner print(1)"])).toMatchObject({ status: 0, stdout: "1\n" });
		refused(site.run(["app/calls.py", "outer print(1)"]));
		await site.sign({ policy: { python: { stringCode: "signed", stringCodeFrom: ["package"] } } });
		expect(site.run(["app/calls.py", "outer print(1)"])).toMatchObject({ status: 0, stdout: "1\n" });
		refused(site.run(["app/calls.py", "inner print(1)"]));
		await site.sign({ policy: { python: { stringCode: "refuse", stringCodeFrom } } });
		refused(site.run(["app/calls.py", "inner print(1)"]));
	});

	it("passes in each file whose path ends with the name, but never in the script that is started", async () => {
		const run = "def run(text): exec(text)\n";
		site.write({
			"greet.py": run,
			"regreet.py": run,
			"deep/lib/greet.py": run,
			"lib/greet.py": run,
			"lib/other/greet/__init__.py": run,
			"imports.py": `${GIVEN}import importlib\nimportlib.import_module(text.split()[0]).run(text.split(' ', 1)[1])\n`,
			"again.py": "import sys, runpy\nrunpy.run_path(sys.path[0] + '/runs.py')\n",
		});
		const named = async (name: string) => {
			await site.sign({ policy: { python: { stringCode: "signed", stringCodeFrom: [name] } } });
			const modules = ["greet", "regreet", "lib.greet", "deep.lib.greet", "lib.other.greet"];
			return modules.filter((module) => site.run(["app/imports.py", `${module} print(1)`]).stdout === "1\n");
		};
		expect(await named("greet")).toEqual(["greet", "lib.greet", "deep.lib.greet", "lib.other.greet"]);
		expect(await named("lib.greet")).toEqual(["lib.greet", "deep.lib.greet"]);
		expect(await named("app.lib.greet")).toEqual(["lib.greet"]);
		for (const name of ["__main__", "app.runs", "runs"]) {
			await named(name);
			refused(site.run(["app/runs.py", "print(1)"]));
		}
		expect(site.run(["app/again.py", "print(1)"])).toMatchObject({ status: 0, stdout: "1\n" });
		expect(site.run(["-m", "runs", "print(1)"], { cwd: site.application })).toMatchObject({ status: 0, stdout: "1\n" });
	});

	it("is refused in every shape but that of its maker, and by `refuse` in that too", async () => {
		site.write({ "tuple.py": "import sys\nimport collections\nprint(collections.namedtuple('N', sys.argv[1:]))\n" });
		await site.sign({ policy: { python: { stringCode: "signed" } } });
		expect(site.run(["app/tuple.py", "a", "b"])).toMatchObject({ status: 0 });
		site.write({
			"hint.py": `${GIVEN}import typing\nprint(typing.get_type_hints(type("C", (), {"__annotations__": {"x": text}})))\n`,
			"field.py": `${GIVEN}import dataclasses\nprint(dataclasses.dataclass(type("C", (), {"__annotations__": {text: int}})))\n`,
		});
		await site.sign({ policy: { python: { stringCode: "signed" } } });
		expect(site.run(["app/hint.py", "int"])).toMatchObject({ status: 0, stdout: "{'x': <class 'int'>}\n" });
		for (const text of ["print(1)", "[print][0](1)", "(print)(1)", "lambda: 1", "f'{print(1)}'", "'a' 'b'.join('')"])
			refused(site.run(["app/hint.py", text]));
		expect(site.run(["app/field.py", "a"])).toMatchObject({ status: 0 });
		for (const text of [
			"a=print(1)",
			"x:print(1)=0,y",
			"a):\n  print(1)\n def b(",
			"x, y=(lambda: 1)",
			"a\nimport os\n",
		])
			refused(site.run(["app/field.py", text]));
		await site.sign({ policy: { python: { stringCode: "refuse" } } });
		refused(site.run(["app/tuple.py", "a", "b"]));
	});
});
