/** The recipes of docs/how-to/pipelines.md for pre-commit, npm, make and a Dockerfile, run by these programs. */

import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canMount, hasProgram, spawnSync } from "../outside.js";
import {
	type Machine,
	makeMachine,
	makeProject,
	PROGRAM_PLACES,
	type Project,
	ROOT,
	run,
	snippets,
	writeProgram,
} from "./site.js";

/** Runs lines of a shell in a project. */
function shell(machine: Machine, folder: string, lines: string, env: NodeJS.ProcessEnv = {}) {
	return run("bash", ["-ec", lines], { cwd: folder, env: { ...machine.env, ...env } });
}

/** Signs a folder of the project with the project's key. */
async function sign(machine: Machine, { folder, key }: Project, name: string): Promise<void> {
	const { status, log } = await shell(
		machine,
		folder,
		`sigtool sign ${name} --key '${key.keyFile}' --cert release.crt --product ${name}`,
	);
	if (status !== 0) throw new Error(log);
}

const COMMITTER = {
	GIT_AUTHOR_NAME: "Ada",
	GIT_AUTHOR_EMAIL: "ada@example.org",
	GIT_COMMITTER_NAME: "Ada",
	GIT_COMMITTER_EMAIL: "ada@example.org",
};

describe.skipIf(!hasProgram("pre-commit"))("pre-commit (needs pre-commit)", () => {
	const [fromRepository = "", fromConfiguration = ""] = snippets("pre-commit", "yaml");

	/** Makes a repository with a signed folder, whose commits the hook judges. */
	async function prepare(configurationOf: (machine: Machine) => Promise<string>) {
		const machine = makeMachine({ installed: true });
		const project = makeProject(machine);
		mkdirSync(join(project.folder, "vendor"));
		writeFileSync(join(project.folder, "vendor/code.js"), "reviewed\n");
		await sign(machine, project, "vendor");
		writeFileSync(join(project.folder, ".pre-commit-config.yaml"), await configurationOf(machine));
		const git = (lines: string) => shell(machine, project.folder, lines, COMMITTER);
		const prepared = await git("git init -q && pre-commit install && git add -A");
		if (prepared.status !== 0) throw new Error(prepared.log);
		return { folder: project.folder, git };
	}

	/** Makes a repository with the hooks of this one. Returns the configuration that names it. */
	async function withHooks(machine: Machine): Promise<string> {
		const hooks = join(machine.home, "hooks");
		mkdirSync(hooks);
		cpSync(join(ROOT, ".pre-commit-hooks.yaml"), join(hooks, ".pre-commit-hooks.yaml"));
		const lines = "git init -q && git add -A && git commit -q -m hooks && git rev-parse HEAD";
		const { log } = await shell(machine, hooks, lines, COMMITTER);
		return fromRepository.replace("https://git.example/sigtool", hooks).replace(/\b[0-9a-f]{40}\b/, log.trim());
	}

	it.each([
		["that names this repository", withHooks],
		["that says it all", async () => fromConfiguration],
	])(
		"by a configuration %s lets what was signed pass, and refuses a commit that changes it",
		async (_, configurationOf) => {
			const { folder, git } = await prepare(configurationOf);
			expect(await git("git commit -q -m first")).toMatchObject({ status: 0 });
			appendFileSync(join(folder, "vendor/code.js"), "evil\n");
			const { status, log } = await git("git commit -q -a -m second");
			expect([status, log]).toEqual([
				1,
				expect.stringMatching(/verify what was signed.*Failed[\s\S]*ERR_FILE_MODIFIED/),
			]);
			expect((await git("git log --oneline | wc -l")).log.trim()).toBe("1");
		},
	);
});

describe("npm", () => {
	const [manifest = ""] = snippets("npm", "json");
	const [check = ""] = snippets("npm", "sh");

	function prepare() {
		const machine = makeMachine({ installed: true });
		const project = makeProject(machine);
		cpSync(join(project.folder, "src"), join(project.folder, "dist"), { recursive: true });
		writeFileSync(join(project.folder, "dist/main.js.map"), "{}");
		writeFileSync(join(project.folder, "dist/cli.js"), "#!/usr/bin/env node\n", { mode: 0o755 });
		writeFileSync(join(project.folder, "package.json"), manifest);
		return { machine, project };
	}

	it("signs before it packs, and whoever installs the package verifies it", async () => {
		const { machine, project } = prepare();
		const env = { SIGNING_KEY: project.key.keyFile };
		const packed = await shell(machine, project.folder, "npm pack --silent", env);
		expect([packed.status, packed.log]).toEqual([0, expect.stringContaining("my-library-1.0.0.tgz")]);
		const user = join(machine.home, "user");
		mkdirSync(user);
		cpSync(project.key.certFile, join(user, "release.crt"));
		const install = `npm init -y >/dev/null && npm install --silent ${project.folder}/my-library-1.0.0.tgz`;
		const installed = await shell(machine, user, `${install} && ${check}`);
		expect([installed.status, installed.log]).toEqual([0, expect.stringContaining("trusted")]);
		appendFileSync(join(user, "node_modules/my-library/dist/main.js"), "evil");
		expect((await shell(machine, user, check)).status).toBe(1);
	});

	it("packs nothing without a key", async () => {
		const { machine, project } = prepare();
		const { status, log } = await shell(machine, project.folder, "npm pack --silent");
		expect(status, log).not.toBe(0);
		expect(readdirSync(project.folder).filter((name) => name.endsWith(".tgz"))).toEqual([]);
		expect(readdirSync(machine.home)).not.toContain("config");
	});
});

describe.skipIf(!hasProgram("make"))("make (needs make)", () => {
	it("signs and verifies, and fails without a key and after a change", async () => {
		const [makefile = ""] = snippets("make", "make");
		const [commands = ""] = snippets("make", "sh");
		const machine = makeMachine({ installed: true });
		const { folder, key } = makeProject(machine);
		cpSync(join(folder, "src"), join(folder, "dist"), { recursive: true });
		writeFileSync(join(folder, "Makefile"), makefile);
		const without = await shell(machine, folder, "make sign");
		expect([without.status, without.log]).toEqual([2, expect.stringContaining("Error 2")]);
		const lines = commands.replace("/run/keys/release.pem", key.keyFile);
		expect(await shell(machine, folder, lines)).toMatchObject({ status: 0, log: expect.stringContaining("trusted") });
		appendFileSync(join(folder, "dist/main.js"), "evil");
		expect((await shell(machine, folder, "make verify")).log).toContain("ERR_FILE_MODIFIED");
	});
});

const canBuild = hasProgram("buildah") && canMount();

describe.skipIf(!canBuild)("the Dockerfile (needs buildah and root)", () => {
	const [dockerfile = ""] = snippets("Dockerfile", "dockerfile");

	/** Returns a function that runs buildah. It stores all in the machine, and images are files of this one. */
	function buildah(machine: Machine) {
		const store = ["--root", join(machine.home, "store"), "--runroot", join(machine.home, "runroot")];
		return (...args: readonly string[]) =>
			run("buildah", ["--storage-driver", "vfs", ...store, ...args], { cwd: machine.home, env: machine.env });
	}

	/** Makes the images that the Dockerfile begins with: directories into which this machine's /usr is mounted. */
	async function baseImages(run: ReturnType<typeof buildah>, machine: Machine): Promise<void> {
		const root = join(machine.home, "base");
		for (const name of ["usr", "etc", "tmp", "run", "proc", "dev", "opt", "srv"])
			mkdirSync(join(root, name), { recursive: true });
		for (const name of ["bin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(root, name));
		writeFileSync(join(machine.home, "base.Dockerfile"), "FROM scratch\nCOPY base /\n");
		for (const [, image] of dockerfile.matchAll(/^FROM (\S+)/gm)) {
			const file = join(machine.home, "base.Dockerfile");
			const { status, log } = await run("build", "-t", `docker.io/library/${image}`, "-f", file, machine.home);
			if (status !== 0) throw new Error(log);
		}
	}

	it("signs with a secret that is in no layer, and the image has what verify trusts", async () => {
		const machine = makeMachine({ installed: true });
		const { folder, key } = makeProject(machine);
		cpSync(join(folder, "src"), join(folder, "app"), { recursive: true });
		writeFileSync(join(folder, "Dockerfile"), dockerfile);
		writeProgram(join(folder, "sigtool-linux-x64"));
		const command = buildah(machine);
		await baseImages(command, machine);
		const limit = spawnSync("bash", ["-c", "ulimit -Hn; ulimit -Hu"], { encoding: "utf8" }).stdout.trim().split("\n");
		const [files, processes] = limit.map((each) => each.replace("unlimited", "-1"));
		const build = (...secrets: readonly string[]) =>
			command(
				"build",
				...["--isolation", "chroot", "--network", "host", "--pull=never", "--tag", "app"],
				...["--ulimit", `nofile=${files}:${files}`, "--ulimit", `nproc=${processes}:${processes}`],
				...[...new Set(["/usr", ...PROGRAM_PLACES])].flatMap((path) => ["--volume", `${path}:${path}:ro`]),
				...secrets,
				folder,
			);
		const without = await build();
		expect(without.status, without.log).not.toBe(0);
		const built = await build("--secret", `id=signing-key,src=${key.keyFile}`);
		expect(built.status, built.log).toBe(0);
		const { log: container } = await command("from", "--pull=never", "app");
		const { log: mounted } = await command("mount", container.trim());
		const verified = await shell(
			machine,
			folder,
			`sigtool verify '${mounted.trim()}/srv/app' --trust release.crt --product app --no-development`,
		);
		expect([verified.status, verified.log]).toEqual([0, expect.stringContaining("trusted")]);
		expect(readdirSync(join(mounted.trim(), "srv/app")).sort()).toEqual(["app.cat", "bin", "main.js"]);
		const secret = readFileSync(key.keyFile, "utf8").split("\n")[1] ?? "?";
		const { log: found } = await run("grep", ["-rlF", secret, machine.home], { cwd: machine.home, env: machine.env });
		expect(found.trim().split("\n")).toEqual([key.keyFile]);
		await command("umount", container.trim());
	});
});
