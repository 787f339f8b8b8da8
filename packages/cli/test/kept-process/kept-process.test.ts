import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { giveDevelopmentIdentity } from "../development-identity.js";
import { atEndOfFile, MAIN, makeTree, temporaryDirectory } from "../support.js";
import { runKept } from "./kept-process.js";

interface Sample {
	readonly args: string;
	readonly env?: Readonly<Record<string, string>>;
	readonly umask?: number;
}

/** Each line builds on the files that those above it made. */
const SAMPLES: readonly Sample[] = [
	{ args: "" },
	{ args: "--help" },
	{ args: "help sign", env: { COLUMNS: "60" } },
	{ args: "verfy" },
	{ args: "verify --profil default" },
	{ args: "sign --links never lib --json" },
	{ args: "verify lib", env: { FORCE_COLOR: "1" } },
	{ args: "verify lib" },
	{ args: "verify missing lib --json" },
	{ args: "sign lib --sequence 7 --key missing.pem" },
	{ args: "sign lib --sequence 7 --unsigned -o unsigned.cat" },
	{ args: "sign lib --sequence 7", umask: 0o077 },
	{ args: "sign lib --sequence 8 --force --json", umask: 0o002 },
	{ args: "verify lib" },
	{ args: "verify lib", env: { SIGTOOL_DEVELOPMENT: "refuse" } },
	{ args: "verify lib --json --verbose" },
	{ args: "verify lib changed --catalog lib/lib.cat --json" },
	{ args: "verify changed --catalog lib/lib.cat --reporter junit" },
	{ args: "verify changed --catalog lib/lib.cat --reporter github", env: { GITHUB_STEP_SUMMARY: "summary.md" } },
	{ args: "verify lib", env: { XDG_CONFIG_HOME: "relative" } },
	{ args: "inspect lib/lib.cat --json" },
	{ args: "inspect lib/a.js" },
	{ args: "diff unsigned.cat lib/lib.cat" },
	{ args: "digest lib/a.js lib/missing" },
	{ args: "config --json" },
	{ args: "doctor --json" },
	{ args: "explain ERR_DER" },
	{ args: "compile lib -o lib.sigx --allow-development" },
	{ args: "completion bash" },
	{ args: "complete-values -- identity" },
];

/** Matches a time, a sequence that is a time, the name of a section in the log of a workflow, the number of a catalog, and the digest of an index. */
const DIFFERENT =
	/20\d\d-\d\d-\d\dT[\d:.]+Z|(?<=sequence )\d{10}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|\b[\da-f]{32}\b|(?<=sha256 +)[\da-f]{64}/g;

const kept = (run: Parameters<typeof runKept>[1]) => runKept(MAIN, run);

function spawned({ args, cwd, env }: Parameters<typeof runKept>[1]) {
	const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd, env, encoding: "utf8" });
	return { status, stdout, stderr };
}

describe("the process that is kept for the runs of a test file", () => {
	let directory: string;
	let environment: NodeJS.ProcessEnv;
	beforeAll(() => {
		directory = temporaryDirectory(atEndOfFile);
		giveDevelopmentIdentity(join(directory, "config"));
		environment = { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(directory, "config") };
		for (const way of ["kept", "alone"]) {
			makeTree(join(directory, way), { "lib/a.js": "a", "lib/b/c.js": "c", "changed/a.js": "b", "changed/d.js": "d" });
		}
	});

	/** Returns the outcome of a run without what differs each time, and the mode of every file in its directory. */
	function judged(run: typeof kept, way: string, { args, env, umask }: Sample) {
		const cwd = join(directory, way);
		const before = process.umask(umask ?? 0o022);
		try {
			const { NO_COLOR, ...colourful } = environment;
			const all = env && "FORCE_COLOR" in env ? colourful : environment;
			const outcome = run({ args: args.split(" ").filter(Boolean), cwd, env: { ...all, ...env } });
			const text = JSON.stringify({ ...outcome, files: filesOf(cwd) });
			return JSON.parse(text.replaceAll(cwd, "<cwd>").replaceAll(DIFFERENT, "<different>"));
		} finally {
			process.umask(before);
		}
	}

	it.each(SAMPLES)("answers `sigtool $args` as a new process does", (sample) => {
		expect(judged(kept, "kept", sample)).toEqual(judged(spawned, "alone", sample));
	});

	it.each([[["run", "a.js"]], [["audit", "a.js"]], [["log", "a", "--follow"]], [["digest", "-"]]])(
		"leaves %j to a process of its own",
		(args) => expect(kept({ args, env: process.env })).toBeUndefined(),
	);
	it("leaves a run with other variables that only a start reads to a process of its own", () => {
		expect(kept({ args: ["--version"], env: { ...process.env, NODE_OPTIONS: "--no-warnings" } })).toBeUndefined();
	});
});

function filesOf(directory: string): Record<string, string> {
	const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
	return Object.fromEntries(
		entries.map((entry) => {
			const path = join(entry.parentPath, entry.name);
			return [path, statSync(path).mode.toString(8)];
		}),
	);
}
