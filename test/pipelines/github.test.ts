import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runner } from "../../packages/cli/test/support.js";
import { type JobOutcome, runJob } from "./github.js";
import { makeMachine, makeProject, ROOT, run, serveProgram, sha256, snippets, writeProgram } from "./site.js";

const [workflow = ""] = snippets("GitHub Actions", "yaml");
const [placeholder = ""] = /\b[0-9a-f]{64}\b/.exec(workflow) ?? [];
const action = parse(readFileSync(join(ROOT, "action/action.yml"), "utf8"));

/** Makes a project with the action and a server with the program. Returns a function that runs a workflow. */
async function prepare() {
	const machine = makeMachine({ installed: false });
	const project = makeProject(machine);
	const program = join(machine.home, "sigtool-linux-x64");
	writeProgram(program);
	await serveProgram(machine, program);
	cpSync(join(ROOT, "action"), join(project.folder, ".github/actions/sigtool"), { recursive: true });
	const secrets = { SIGNING_KEY: readFileSync(project.key.keyFile, "utf8") };
	const digest = sha256(program);
	const runWorkflow = (text: string): Promise<JobOutcome> =>
		runJob(text.replaceAll(placeholder, sha256(program)), "sign", { machine, workspace: project.folder, secrets });
	/** Runs the job that verifies, in a checkout of its own, with what the other job uploaded and no secret. */
	const runVerify = (text: string, artifacts: JobOutcome["artifacts"], name: string): Promise<JobOutcome> => {
		const workspace = join(machine.home, name);
		const isBuilt = (path: string) => /\/(?:dist|app\.tar)$/.test(path);
		cpSync(project.folder, workspace, { recursive: true, filter: (path) => !isBuilt(path) });
		return runJob(text.replaceAll(placeholder, digest), "verify", { machine, workspace, secrets: {}, artifacts });
	};
	return { machine, project, program, runWorkflow, runVerify };
}

/** A job with one step that uses the action with these inputs. */
function oneStep(inputs: Readonly<Record<string, string>>): string {
	const step = { uses: "./.github/actions/sigtool", with: inputs };
	return JSON.stringify({ jobs: { sign: { "runs-on": "ubuntu-latest", steps: [step] } } });
}

it("the workflow of the page builds, signs, verifies and uploads what verify trusts elsewhere", async () => {
	const { machine, project, runWorkflow } = await prepare();
	const { status, log, artifacts, summary } = await runWorkflow(workflow);
	expect([status, log]).toEqual([0, expect.stringContaining("trusted dist")]);
	expect(summary).toMatch(/sign[\s\S]*verify/);
	const elsewhere = join(machine.home, "elsewhere");
	mkdirSync(elsewhere);
	await run("tar", ["-xf", artifacts.app ?? ""], { cwd: elsewhere, env: machine.env });
	const verified = runner(machine.home)([
		"verify",
		join(elsewhere, "dist"),
		"--trust",
		project.key.certFile,
		"--product",
		"app",
	]);
	expect(verified).toMatchObject({ status: 0 });
});

it("the job that verifies has what the other one uploaded, and fails if somebody changed it on the way", async () => {
	const { machine, project, runWorkflow, runVerify } = await prepare();
	const { artifacts } = await runWorkflow(workflow);
	const verified = await runVerify(workflow, artifacts, "deploying");
	expect([verified.status, verified.log]).toEqual([0, expect.stringContaining("trusted dist")]);
	appendFileSync(join(project.folder, "dist/main.js"), "evil");
	await run("tar", ["-cf", "app.tar", "dist"], { cwd: project.folder, env: machine.env });
	const changed = await runVerify(workflow, artifacts, "attacked");
	expect([changed.status, changed.log]).toEqual([
		1,
		expect.stringMatching(/^::error file=dist\/main\.js,.*ERR_FILE_MODIFIED/m),
	]);
	expect((await runVerify(workflow, {}, "without")).status).toBe(1);
});

it("the key is in no log, in no file of the runner, and in no argument", async () => {
	const { machine, project, runWorkflow } = await prepare();
	const traced = join(machine.home, "sigtool-linux-x64");
	writeFileSync(
		traced,
		readFileSync(traced, "utf8").replace(
			"exec",
			`echo "$@" >>'${machine.home}/arguments'\nenv >>'${machine.home}/environment'\nexec`,
		),
	);
	const { status, log } = await runWorkflow(workflow);
	expect(status).toBe(0);
	const secret = readFileSync(project.key.keyFile, "utf8").split("\n")[1] ?? "?";
	expect(log).not.toContain(secret);
	const { log: found } = await run("grep", ["-rlF", secret, machine.home], { cwd: machine.home, env: machine.env });
	expect(found.trim()).toBe(project.key.keyFile);
	expect(readFileSync(join(machine.home, "arguments"), "utf8")).toMatch(
		/^sign .*--key \/dev\/fd\/\d+ -- dist\nverify /,
	);
});

it("a changed file fails the job, with an annotation at its path and a row in the summary", async () => {
	const { project, runWorkflow } = await prepare();
	expect((await runWorkflow(workflow)).status).toBe(0);
	appendFileSync(join(project.folder, "dist/main.js"), "evil");
	const inputs = { command: "verify", paths: "dist", trust: "release.crt", sigtool: "tools/sigtool", sha256: "" };
	mkdirSync(join(project.folder, "tools"));
	writeProgram(join(project.folder, "tools/sigtool"));
	inputs.sha256 = sha256(join(project.folder, "tools/sigtool")).toUpperCase();
	const { status, log, summary } = await runWorkflow(oneStep(inputs));
	expect(status).toBe(1);
	expect(log).toMatch(/^::error file=dist\/main\.js,.*ERR_FILE_MODIFIED/m);
	expect(summary).toContain("ERR&#95;FILE&#95;MODIFIED");
});

it("in a configured project sign and verify need no paths, and SIGTOOL_CONFIG lets the configuration say whom to trust", async () => {
	const { project, runWorkflow, program } = await prepare();
	const configuration = { sign: ["src"], product: "app", verify: { trust: ["release.crt"] } };
	writeFileSync(join(project.folder, "sigtool.config.json"), JSON.stringify(configuration));
	const inputs = { sigtool: program, sha256: sha256(program) };
	const signing = { ...inputs, command: "sign", key: `\${{ secrets.SIGNING_KEY }}`, cert: "release.crt" };
	expect((await runWorkflow(oneStep(signing))).status).toBe(0);
	// Whoever can change the signed files can change a configuration that lies beside them, too.
	const untrusted = await runWorkflow(oneStep({ ...inputs, command: "verify" }));
	expect(untrusted.status, untrusted.log).not.toBe(0);
	const document = parse(oneStep({ ...inputs, command: "verify" }));
	document.env = { SIGTOOL_CONFIG: join(project.folder, "sigtool.config.json") };
	const verify = () => runWorkflow(JSON.stringify(document));
	expect(await verify()).toMatchObject({ status: 0 });
	appendFileSync(join(project.folder, "src/main.js"), "evil");
	expect(await verify()).toMatchObject({ status: 1, log: expect.stringMatching(/^::error file=src\/main\.js,/m) });
});

it("a key that cannot be used is called by its input, not by the pipe that brings it", async () => {
	const { program, runWorkflow } = await prepare();
	const inputs = { sigtool: program, sha256: sha256(program), command: "sign", paths: "src", cert: "release.crt" };
	const { status, log } = await runWorkflow(oneStep({ ...inputs, key: "no key" }));
	expect(status).toBe(2);
	expect(log).toMatch(/^::error .*"key" \(the input\)/m);
	expect(log).not.toContain("/dev/fd/");
});

it("without a key the job fails, and no development identity is made", async () => {
	const { machine, project, runWorkflow } = await prepare();
	const { status, log } = await runWorkflow(workflow.replace(/^ *key: .*\n/m, "").replace(/^ *cert: .*\n/m, ""));
	expect([status, log]).toEqual([2, expect.stringContaining("ERR_DEVELOPMENT_REFUSED")]);
	expect(readdirSync(join(project.folder, "dist"))).not.toContain("dist.cat");
	expect(readdirSync(machine.home)).not.toContain("config");
});

describe("the program", () => {
	it("is refused with another digest, without one, and by http, before it runs", async () => {
		const { machine, program, runWorkflow } = await prepare();
		const ran = join(machine.home, "ran");
		const digest = sha256(program);
		writeFileSync(program, `#!/bin/sh\n: >'${ran}'\n`);
		const url = "https://downloads.example/sigtool-linux-x64";
		const tried = [
			{ sigtool: url, sha256: digest },
			{ sigtool: url, sha256: "" },
			{ sigtool: url, sha256: `${digest} ` },
			{ sigtool: program, sha256: digest },
			{ sigtool: "http://downloads.example/sigtool-linux-x64", sha256: sha256(program) },
			{ sigtool: "file:///bin/true", sha256: sha256("/bin/true") },
			{ sigtool: "installed", sha256: "" },
		];
		for (const inputs of tried) {
			const { status, log } = await runWorkflow(oneStep({ command: "verify", paths: ".", ...inputs }));
			expect([inputs.sigtool, status, log]).toEqual([
				inputs.sigtool,
				2,
				expect.stringMatching(/^::error title=sigtool::/m),
			]);
		}
		expect(readdirSync(machine.home)).not.toContain("ran");
	});

	it("comes out of an archive of a release's folder, and is in the PATH of later steps by both names", async () => {
		const { machine, program, runWorkflow } = await prepare();
		mkdirSync(join(machine.home, "release"));
		for (const name of ["sigtool-linux-x64", "sigtool-linux-arm64"])
			cpSync(program, join(machine.home, "release", name));
		const archive = join(machine.home, "sigtool-1.tar");
		await run("tar", ["-cf", archive, "release"], { cwd: machine.home, env: machine.env });
		const document = parse(oneStep({ command: "verify", paths: ".", sigtool: archive, sha256: sha256(archive) }));
		document.jobs.sign.steps[0].with.arguments = "--help";
		document.jobs.sign.steps.push({ run: "sigtool --version && sigtree --version" });
		const { status, log } = await runWorkflow(JSON.stringify(document));
		expect([status, log]).toEqual([0, expect.stringMatching(/(\d+\.\d+\.\d+\n){2}$/)]);
		rmSync(archive);
	});
});

it.each([
	["an empty file", ": >release/sigtool-linux-x64; : >release/sigtool-linux-arm64"],
	["a link", "ln -s /bin/true release/sigtool-linux-x64; ln -s /bin/true release/sigtool-linux-arm64"],
	[
		"two of them",
		"for each in a b; do mkdir release/$each; for name in x64 arm64; do echo 1 >release/$each/sigtool-linux-$name; done; done",
	],
])("an archive with %s in place of the program ends with an annotation, before anything runs", async (_, script) => {
	const { machine, runWorkflow } = await prepare();
	const archive = join(machine.home, "sigtool-1.tar");
	const how = { cwd: machine.home, env: machine.env };
	await run("bash", ["-ec", `mkdir release; ${script}; tar -cf "$0" release`, archive], how);
	const { status, log } = await runWorkflow(
		oneStep({ command: "verify", paths: ".", sigtool: archive, sha256: sha256(archive) }),
	);
	expect([status, log]).toEqual([2, expect.stringMatching(/^::error title=sigtool::Cannot find one program/m)]);
});

it("inputs run nothing, begin no command of the workflow, and a path is no option", async () => {
	const { project, machine, runWorkflow } = await prepare();
	const nasty = '"; touch owned; `touch owned` $(touch owned)\n::set-output name=x::y\n';
	for (const name of Object.keys(action.inputs)) {
		const inputs: Record<string, string> = { command: "verify", paths: "src", sigtool: "installed" };
		inputs[name] = nasty;
		const { log } = await runWorkflow(oneStep(inputs));
		expect([name, log]).not.toEqual([name, expect.stringMatching(/^::set-output/m)]);
	}
	expect(readdirSync(project.folder)).not.toContain("owned");
	expect(readdirSync(machine.home)).not.toContain("owned");
	const written = join(project.folder, "tool");
	writeProgram(written);
	const inputs = { command: "verify", paths: "--help", sigtool: "tool", sha256: sha256(written) };
	expect((await runWorkflow(oneStep(inputs))).log).toContain("ERR_ROOT_MISSING");
});

describe("action.yml", () => {
	it("names the inputs only as variables of the environment, and describes each", () => {
		for (const { run: script = "", shell } of action.runs.steps) {
			expect(script).not.toContain("${{");
			expect(shell).toBe("bash");
		}
		for (const [name, { description }] of Object.entries<{ description?: string }>(action.inputs))
			expect([name, description]).toEqual([name, expect.any(String)]);
		const used = JSON.stringify(action.runs.steps).match(/inputs\.([\w-]+)/g) ?? [];
		expect(new Set(used)).toEqual(new Set(Object.keys(action.inputs).map((name) => `inputs.${name}`)));
	});
});

beforeAll(() => expect(placeholder).not.toBe(""));
