import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { policyRuleOf } from "../../dist/monitor/policy-rules.js";
import { describeEach, NATIVE, PYTHONS, Site } from "./support.js";

/** These programs do what a member of the policy forbids in strict. */
const FORBIDDEN: readonly (readonly [member: string, program: string])[] = [
	["python.stringCode", "exec(sys.argv[2])"],
	["python.stringCode", "import ast; compile(ast.parse(sys.argv[2]), 'x', 'exec')"],
	["python.stringCode", "import marshal; marshal.loads(marshal.dumps((lambda: 1).__code__))"],
	["python.stringCode", "(lambda: 1).__code__.replace(co_consts=(2,))"],
	["python.stringCode", "sys.path.insert(0, here + '/lib-dynload'); import _testinternalcapi"],
	["python.stringCode", "import ctypes; ctypes.pythonapi.Py_CompileString(b'1 + 41 * 3', b'x.py', 258)"],
	["runtime.children", "import subprocess; subprocess.Popen(['/bin/true'])"],
	["runtime.children", "os.execv('/bin/true', ['true'])"],
	["runtime.children", "os.posix_spawn('/bin/true', ['true'], {})"],
	["runtime.children", "os.system('true')"],
	["runtime.children", "import pty; pty.spawn('/bin/true')"],
	["runtime.children", "import multiprocessing.popen_spawn_posix"],
	["runtime.children", "import multiprocessing.popen_forkserver"],
];
/** Python makes other errors of these refusals, or none, so only their events tell of them. */
const SILENT: readonly (readonly [member: string, program: string])[] = [
	["launch.writableCode", "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)"],
	["python.auditHooks", "sys.addaudithook(print)"],
];
const NAMED = /\(policy: ([\w.]+)\)|the policy says ([\w.]+):/;

describeEach(PYTHONS)("the member of the policy that spython $version names", (python) => {
	let site: Site;
	beforeAll(async () => {
		site = new Site(python);
		site.write({
			"main.py": `import os, sys\nhere = os.path.dirname(__file__)\nexec(open(here + '/' + sys.argv[1]).read())\n`,
			"lib-dynload/_testinternalcapi.so": "no library",
			"extension.py": "sys.path.insert(0, here + '/lib-dynload'); import _native",
			"library.py": "import ctypes; ctypes.CDLL(here + '/lib-dynload/_native.so')",
			"lib-dynload/_native.so": "no library",
		});
		site.write(Object.fromEntries([...FORBIDDEN, ...SILENT].map(([, program], at) => [`${at}.py`, program])));
		await site.sign({ policy: { mode: "strict" } });
	});

	/** Runs a signed program, and returns the member that its refusal names, and that of the table for its event. */
	function refuse(name: string) {
		const { events, stderr } = site.run(["app/main.py", name, "print(1)"]);
		const { event, detail } = events.find(({ reason }) => reason === "ERR_RUNTIME_RULE") ?? {};
		const message = stderr.split("\n").find((line) => line.startsWith("PermissionError: ")) ?? stderr;
		const [, named, said] = NAMED.exec(message) ?? [];
		return { message, named: named ?? said, known: policyRuleOf(String(event), detail)?.member };
	}

	it.each(FORBIDDEN.map(([member, program], at) => ({ member, program, at })))(
		"is $member for `$program`, and the table says so too",
		({ member, at }) => {
			expect(refuse(`${at}.py`)).toMatchObject({ named: member, known: member });
		},
	);

	it.each(SILENT.map(([member, program], at) => ({ member, program, at: FORBIDDEN.length + at })))(
		"is $member for the event of `$program`",
		({ member, at }) => {
			expect(refuse(`${at}.py`).known).toBe(member);
		},
	);

	it("is python.extensions for native code where the policy refuses that", async () => {
		await site.sign({ policy: { python: { extensions: "refuse" } } });
		for (const name of ["extension.py", "library.py"])
			expect(refuse(name)).toMatchObject({ named: "python.extensions", known: "python.extensions" });
	});
});

it("knows each member of the policy that a refusal of spython names", () => {
	const directory = join(NATIVE, "spython");
	const texts = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
	const named = texts.flatMap((text) =>
		[...text.matchAll(new RegExp(NAMED, "g"))].map(([, one, other]) => one ?? other),
	);
	// Variables are stopped at the start, which refuses nothing.
	const members = new Set(named.filter((member) => member !== "launch.environment"));
	const tested = new Set([...FORBIDDEN, ...SILENT].map(([member]) => member));
	expect([...members].sort()).toEqual([...tested, "python.extensions"].sort());
});
