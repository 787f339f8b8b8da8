import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSanitized, PYTHONS, type Python, Site } from "./support.js";

const PROGRAM = readFileSync(fileURLToPath(new URL("leaks.py", import.meta.url)), "utf8");

/** What a round may leave more than plain Python's: octets, blocks, descriptors. It loads code 32 times. */
const MORE = [500, 2, 0.5];
/** An interpreter that comes and goes leaves more than 100,000 octets in plain Python, some more or less each time. */
const MORE_BY_INTERPRETER = [3000, 8, 0.5];

/** Left behind by each opening of code (a descriptor by each 16th), and by the first one of each interpreter. */
const LEAKS = {
	opening: `{ static void *volatile octets; octets = malloc(24); PyBytes_FromStringAndSize(NULL, 40);
		static unsigned count; if (count++ % 16 == 0) (void)!dup(2); }`,
	interpreter: `{ static void *volatile octets; static int64_t last = -1; const int64_t id = PyInterpreterState_GetID(PyThreadState_Get()->interp);
		if (last != id) last = id, octets = malloc(10000); }`,
};

// The sanitizers have an allocator of their own.
describe.skipIf(isSanitized).each(PYTHONS)(
	"what spython of $version keeps of what it loaded, $executable",
	(python) => {
		let site: Site;
		let config: string;
		beforeAll(async () => {
			site = new Site(python);
			const zip =
				"import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z: z.writestr('zipped.py', 'NAME = 1')";
			spawnSync(python.executable, ["-I", "-c", zip, join(site.application, "archive.zip")]);
			site.write({ "leaks.py": PROGRAM, "repeated.py": "NAMES = [str(number) for number in range(99)]\n" });
			await site.sign({ policy: { python: { events: ["*"] } } });
			site.write({ "unsigned.py": "", "unsigned.pyc": "" });
			config = join(site.root, "config.json");
			const audit = { stderr: "off", jsonLines: join(site.root, "events.jsonl") };
			writeFileSync(config, JSON.stringify({ version: 1, audit }), { mode: 0o600 });
		});
		afterAll(() => site.remove());

		const program = () => join(site.application, "leaks.py");
		function left(command: readonly string[], work: string): number[] {
			const [file = "", ...words] = [...command, program(), work, site.application];
			const { status, stdout, stderr } = spawnSync(file, words, { cwd: site.root, encoding: "utf8" });
			expect(status, stderr).toBe(0);
			return JSON.parse(stdout);
		}
		const byPlain = new Map<string, number[]>();
		function leftByPlain(work: string): number[] {
			const known = byPlain.get(work) ?? left([python.executable, "-I", "-B"], work);
			byPlain.set(work, known);
			return known;
		}
		const leftBy = (spython: string, work: string) => left([spython, "--config", config, "--index", site.index], work);

		/** What is left more than by plain Python, of which more than is allowed. */
		function excess(spython: string, work: string): number[] {
			const plain = leftByPlain(work);
			const more = work === "interpreters" ? MORE_BY_INTERPRETER : MORE;
			return leftBy(spython, work).flatMap((count, at) => (count - (plain[at] ?? 0) > (more[at] ?? 0) ? [at] : []));
		}

		const works = ["source", "archive", "script", "native", "refusal"];
		it.each(works)("is no more than plain Python does, %s loaded over and over", (work) => {
			expect(excess(site.spython, work)).toEqual([]);
		});

		// 3.12.1 ends by a fault; 3.8 leaves 84,000 octets or 113,000, as it happens.
		it.skipIf(!canDestroyInterpreters(python))(
			"is no more than plain Python does, by interpreters that come and go (needs a Python that survives that, and leaves the same each time)",
			() => expect(excess(site.spython, "interpreters")).toEqual([]),
		);

		it("would be found were it more", async () => {
			const leaking = await site.buildAltered(LEAKS.opening);
			for (const work of works) expect(excess(leaking, work), work).toEqual([0, 1, 2]);
			if (!canDestroyInterpreters(python)) return;
			expect(excess(await site.buildAltered(LEAKS.interpreter), "interpreters")).toEqual([0]);
		}, 300_000);
	},
);

function canDestroyInterpreters({ executable, release }: Python): boolean {
	const program = fileURLToPath(new URL("leaks.py", import.meta.url));
	return release !== "3.8" && spawnSync(executable, ["-I", "-B", program, "interpreters", "/"]).status === 0;
}
