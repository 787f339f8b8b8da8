import { appendFileSync, cpSync, mkdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { runner, temporaryDirectory } from "../../packages/cli/test/support.js";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { installedPackages } from "../applications/install.mjs";
import { spawn, spawnSync } from "../outside.js";

const workspace = fileURLToPath(new URL("../..", import.meta.url));

/** Copies an example to a temporary directory, links its packages, and signs `signed` with a development identity. */
function prepare(name: string, signed: string, packages: Readonly<Record<string, string>> = {}) {
	const home = realpathSync(temporaryDirectory());
	const folder = join(home, name);
	cpSync(join(workspace, "examples", name), folder, { recursive: true });
	for (const [name, target] of Object.entries({
		"@sigtool/verifier": join(workspace, "packages/verifier"),
		...packages,
	})) {
		mkdirSync(join(folder, "node_modules/@sigtool"), { recursive: true });
		symlinkSync(target, join(folder, "node_modules", name));
	}
	expect(runner(home)(["sign", join(folder, signed)])).toMatchObject({ status: 0 });
	const env = { ...process.env, XDG_CONFIG_HOME: join(home, "config"), NODE_NO_WARNINGS: "1" };
	const run = (args: readonly string[], node = process.execPath) => {
		return spawnSync(node, args, { cwd: folder, env, encoding: "utf8" });
	};
	const change = (file: string, text: string) => appendFileSync(join(folder, file), text);
	return { folder, env, run, change };
}

test("plugin-host runs signed plugins, and not one that was changed", () => {
	const { run, change } = prepare("plugin-host", "plugins");
	const stdout = "greet.cjs: hello world\nshout.cjs: HELLO WORLD!\n";
	expect(run(["host.js", "world"])).toMatchObject({ stdout, status: 0 });
	change("plugins/greet.cjs", "console.log('evil');");
	const refused = run(["host.js", "world"]);
	expect(refused).toMatchObject({ stdout: "", status: 1 });
	expect(refused.stderr).toMatch(/ERR_UNTRUSTED_CODE/);
});

const programs = installedPackages("programs");
test.skipIf(programs === undefined)("express-views renders signed views, and not one that was changed", async () => {
	const express = join(programs ?? "", "node_modules/express");
	const { folder, env, change } = prepare("express-views", "views", { express });
	const server = spawn(process.execPath, ["server.js"], { cwd: folder, env });
	onTestFinished(() => void server.kill());
	const log: Buffer[] = [];
	server.stderr.on("data", (chunk) => log.push(chunk));
	const [port] = await new Promise<Buffer[]>((done, fail) => {
		server.stdout.once("data", (chunk) => done([chunk]));
		server.once("exit", () => fail(new Error(Buffer.concat(log).toString())));
	});
	const get = async () => {
		const response = await fetch(`http://127.0.0.1:${String(port).trim()}/?name=<b>`);
		return [response.status, await response.text()];
	};
	expect(await get()).toEqual([200, "<!doctype html>\n<title>Signed</title>\n<p>Hello &#60;b&#62;</p>\n"]);
	change("views/index.html", "<script>evil()</script>");
	expect(await get()).toEqual([500, "This page cannot be shown."]);
	await expect.poll(() => Buffer.concat(log).toString()).toMatch(/^ERR_UNTRUSTED_CODE/);
});

const node24 = release("24");
test.skipIf(node24 === undefined)(
	"sql-migrations applies what was signed and listed, and nothing once a file was changed",
	() => {
		const { folder, run, change } = prepare("sql-migrations", "migrations");
		const migrate = (database: string) => run(["migrate.js", database], node24);
		expect(migrate("a.db")).toMatchObject({ stdout: "applied 001-users.sql\napplied 002-email.sql\n", status: 0 });
		expect(migrate("a.db")).toMatchObject({ stdout: "", status: 0 });
		change("migrations/002-email.sql", "DROP TABLE users;");
		const refused = migrate("b.db");
		expect(refused).toMatchObject({ stdout: "", status: 1 });
		expect(refused.stderr).toMatch(/Cannot load ".*002-email\.sql": it was modified/);
		rmSync(join(folder, "migrations/002-email.sql"));
		expect(migrate("b.db").stderr).toMatch(/ENOENT/);
	},
);

function release(major: string): string | undefined {
	try {
		return nodeOfRelease(major);
	} catch {
		return undefined;
	}
}
