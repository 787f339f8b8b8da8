import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { spawnSync } from "../../../test/outside.js";

/**
 * Makes another checkout of the files in `workspace` as they are now, with its node_modules, and builds it there in
 * another time zone, under another umask and as in another home. Returns its folder.
 */
export function secondCheckout(workspace: string): string {
	const folder = join(mkdtempSync(join(tmpdir(), "sigtool-second-")), "another name");
	run("git", ["clone", "-q", "--shared", workspace, folder]);
	const listed = run("git", ["-C", workspace, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
	for (const path of listed.split("\0").filter((path) => path !== "" && existsSync(join(workspace, path)))) {
		mkdirSync(dirname(join(folder, path)), { recursive: true });
		cpSync(join(workspace, path), join(folder, path), { verbatimSymlinks: true });
	}
	for (const path of ["", ...packagesIn(workspace)]) {
		const modules = join(workspace, path, "node_modules");
		// Hard links are enough, because nothing is installed there again.
		if (existsSync(modules)) run("cp", ["-al", modules, join(folder, path, "node_modules")]);
	}
	const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	for (const name of ["build", "native:all"]) {
		if (scripts[name] !== undefined) run("sh", ["-c", `umask 077; ${scripts[name]}`], folder);
	}
	return folder;
}

/** The environment in which the second checkout is built. */
export function otherEnvironment(folder: string): NodeJS.ProcessEnv {
	const path = `${join(folder, "node_modules/.bin")}:${process.env.PATH}`;
	return { ...process.env, PATH: path, TZ: "Asia/Tokyo", LC_ALL: "C", XDG_CONFIG_HOME: join(folder, ".cache/config") };
}

function packagesIn(workspace: string): string[] {
	const list = run("git", ["-C", workspace, "ls-files", "packages/*/package.json", "test-fixtures/package.json"]);
	return list.split("\n").flatMap((path) => (path === "" ? [] : [dirname(path)]));
}

function run(program: string, args: readonly string[], cwd?: string): string {
	const env = cwd === undefined ? process.env : otherEnvironment(cwd);
	const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: "utf8", maxBuffer: 1 << 28 });
	if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}\n${stdout}${stderr}`);
	return stdout;
}
