/**
 * Packs signed packages and installs them by every package manager. What `sign` accepts has to be what users get, and
 * what it refuses has to be what they would not get.
 */

import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
	MAIN,
	makeSelfSigned,
	makeTree,
	runner,
	type TreeEntry,
	temporaryDirectory,
} from "../../packages/cli/test/support.js";
import { registryEnvironment } from "../../scripts/registry-environment.mjs";
import { spawnSync } from "../outside.js";
import { snippets } from "./site.js";

const [manifest = ""] = snippets("npm", "json");
const [check = ""] = snippets("npm", "sh");
const PROGRAM = "#!/usr/bin/env node\nconsole.log('ran');\n";
/** The files of the recipe, with the modes that tsc gives them, also to a user whose umask is 002. */
const BUILT: Readonly<Record<string, TreeEntry>> = {
	"dist/cli.js": PROGRAM,
	"dist/main.js": { content: "exports.main = 1;\n", mode: 0o664 },
	"dist/main.js.map": "{}",
	"dist/tool.sh": { content: "#!/bin/sh\n", mode: 0o755 },
};

/** Makes a shell with `sigtool` in its PATH, as a machine of a publisher or a user has it. */
function machine(home: string) {
	const bin = join(home, "bin");
	makeTree(bin, { sigtool: { content: `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, mode: 0o755 } });
	// The user's umask decides about modes, and that of this test's process is not known.
	const env = {
		...registryEnvironment(),
		PATH: `${bin}:${process.env.PATH}`,
		XDG_CONFIG_HOME: join(home, "config"),
		YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
		YARN_ENABLE_GLOBAL_CACHE: "false",
		CI: "true",
		// npx sets it, and the npm of this PATH is the one to ask.
		npm_execpath: "",
	};
	return (cwd: string, lines: string, more: NodeJS.ProcessEnv = {}) => {
		const run = spawnSync("bash", ["-ec", `umask 022\n${lines}`], { cwd, env: { ...env, ...more }, encoding: "utf8" });
		return { status: run.status, log: `${run.stdout}${run.stderr}` };
	};
}

describe("a package by the recipe of docs/how-to/pipelines.md", () => {
	let home: string;
	let sh: ReturnType<typeof machine>;
	let tarball: string;
	beforeAll(() => {
		home = mkdtempSync(join(tmpdir(), "sigtool-published-"));
		sh = machine(home);
		const release = makeSelfSigned(join(home, "release"));
		const folder = makeTree(join(home, "library"), { ...BUILT, "package.json": manifest });
		writeFileSync(join(folder, "release.crt"), readFileSync(release.certFile));
		const pack = () => sh(folder, "npm pack --silent", { SIGNING_KEY: release.keyFile });
		const refused = pack();
		expect(refused.log).toContain("dist/cli.js` [ERR_PACKED_FILE]");
		const [, command = ""] = /run `([^`]*)`/.exec(refused.log) ?? [];
		expect(JSON.parse(manifest).scripts.build).toContain(`&& ${command}`);
		expect(sh(folder, command)).toMatchObject({ status: 0 });
		const packed = pack();
		expect(packed.status, packed.log).toBe(0);
		tarball = join(folder, "my-library-1.0.0.tgz");
	});
	afterAll(() => rmSync(home, { recursive: true, force: true }));

	it.each([
		["npm@10", "npm install"],
		["npm@11", "npm install"],
		["npm@12", "npm install"],
		["pnpm@10", "pnpm add"],
		["pnpm@12", "pnpm add"],
		["yarn@1", "yarn add"],
		["@yarnpkg/cli-dist@4", "yarn add"],
		["bun@1", "bun add"],
	])("is what its users get by %s", (client, add) => {
		const user = join(home, client.replace("/", "-"));
		makeTree(user, { "package.json": '{ "private": true }', ".yarnrc.yml": "nodeLinker: node-modules\n" });
		if (client.startsWith("@yarnpkg")) writeFileSync(join(user, "yarn.lock"), "");
		writeFileSync(join(user, "release.crt"), readFileSync(join(home, "library/release.crt")));
		// npm reads the project's files in the directory from which it starts a client, so this is another one.
		const added = sh(
			home,
			`npx -y -p ${client} -- sh -c 'cd "$0" && ${add} "my-library@file:$1"' '${user}' '${tarball}'`,
		);
		expect(added.status, added.log).toBe(0);
		const verified = sh(user, check);
		expect([verified.status, verified.log]).toEqual([0, expect.stringMatching(/^trusted /)]);
		expect(sh(user, "./node_modules/.bin/my-library").log).toBe("ran\n");
		appendFileSync(join(user, "node_modules/my-library/dist/main.js"), "evil");
		expect(sh(user, check)).toMatchObject({ status: 1, log: expect.stringContaining("ERR_FILE_MODIFIED") });
	});
});

interface Fault {
	readonly name: string;
	readonly files: Readonly<Record<string, TreeEntry>>;
	readonly members?: object;
	readonly hasByteOrderMark?: boolean;
	/** The directory that is signed; `dist` by default. */
	readonly sign?: string;
	/** The file that `sign` names, or undefined if it signs. */
	readonly refused: RegExp | undefined;
	/** True if the refusal needs `--check npm`. */
	readonly needsCheck?: boolean;
	/** True if npm installs what was signed all the same, and another package manager does not. */
	readonly differsElsewhere?: boolean;
}

const EXECUTABLE = { content: PROGRAM, mode: 0o755 };
const FAULTS: readonly Fault[] = [
	{ name: "nothing", files: {}, refused: undefined },
	{
		name: "a program by its name alone",
		files: { "dist/p.js": PROGRAM },
		members: { bin: "dist/p.js" },
		refused: /"p\.js".*chmod 755 dist\/p\.js/,
	},
	{
		name: "a program by a path with dots",
		files: { "dist/p.js": PROGRAM },
		members: { bin: { p: "./x/../dist/p.js" } },
		refused: /"p\.js"/,
	},
	{
		name: "a program without an ending",
		files: { "dist/a b": PROGRAM },
		members: { bin: { p: "./dist/a b" } },
		refused: /"a b".*chmod 755 'dist\/a b'/,
	},
	{
		name: "a program in a list",
		files: { "dist/p.js": PROGRAM },
		members: { bin: ["./dist/p.js"] },
		refused: /"p\.js"/,
	},
	{
		name: "a program by a path with backslashes",
		files: { "dist/p.js": PROGRAM },
		members: { bin: { p: ".\\dist\\p.js" } },
		refused: /"p\.js"/,
	},
	{
		name: "programs of a manifest behind a byte order mark",
		files: { "dist/p.js": PROGRAM },
		members: { bin: "dist/p.js" },
		hasByteOrderMark: true,
		refused: /"p\.js"/,
	},
	{
		name: "programs in a directory by a path with a backslash",
		files: { "dist/bin/p": PROGRAM },
		members: { directories: { bin: ".\\dist\\bin" } },
		refused: /"bin\/p"/,
	},
	{
		name: "programs in the directory of the package",
		files: { "dist/p.js": PROGRAM, "dist/.hidden/p.js": PROGRAM, "dist/main.js": EXECUTABLE },
		members: { directories: { bin: "." } },
		refused: /^(note: .*\n)?error: Cannot sign "p\.js": .*\n$/,
	},
	{
		name: "a directory of programs beside an empty name of a program",
		files: { "dist/bin/p": PROGRAM },
		members: { directories: { bin: "dist/bin" }, bin: "" },
		refused: /"bin\/p"/,
	},
	{
		name: "programs in a directory",
		files: { "dist/bin/p": PROGRAM, "dist/bin/q": EXECUTABLE },
		members: { directories: { bin: "dist/bin" } },
		refused: /"bin\/p"/,
	},
	{
		name: "a directory of programs beside a program",
		files: { "dist/bin/p": PROGRAM, "dist/q": EXECUTABLE },
		members: { directories: { bin: "dist/bin" }, bin: { q: "dist/q" } },
		refused: undefined,
	},
	{
		name: "a program that is signed in its directory",
		files: { "dist/bin/p": PROGRAM },
		members: { bin: { p: "dist/bin/p" } },
		sign: "dist/bin",
		refused: /"p".*chmod 755 dist\/bin\/p/,
	},
	{
		name: "a program with CRLF",
		files: { "dist/p.js": { content: PROGRAM.replaceAll("\n", "\r\n"), mode: 0o755 } },
		members: { bin: "dist/p.js" },
		refused: /"p\.js".*CRLF/,
	},
	{ name: "CRLF in other files", files: { "dist/p.js": "#!/bin/sh\r\n", "dist/q.js": "'a'\r\n" }, refused: undefined },
	{
		name: "a program with LF in its first line and CRLF later",
		files: { "dist/p.js": { content: `${PROGRAM}\r\n`, mode: 0o755 } },
		members: { bin: "dist/p.js" },
		refused: undefined,
	},
	{
		name: "a file that `files` leaves out",
		files: { "dist/x.map": "" },
		members: { files: ["dist", "!dist/**/*.map"] },
		refused: /"x\.map".*--exclude \/x\.map/,
		needsCheck: true,
	},
	{
		name: "a file that .npmignore leaves out",
		files: { ".npmignore": "*.log\n", "dist/x.log": "1" },
		members: { files: undefined },
		refused: /"x\.log"/,
		needsCheck: true,
	},
	{
		name: "a file that .gitignore leaves out",
		files: { ".gitignore": "*.log\n", "dist/x.log": "1" },
		members: { files: undefined },
		refused: /"x\.log"/,
		needsCheck: true,
	},
	{
		name: "an ignore file in the tree",
		files: { "dist/.npmignore": "/x.js\n", "dist/x.js": "1" },
		refused: /"\.npmignore"[\s\S]*"x\.js"/,
		needsCheck: true,
	},
	{ name: "a file that npm never packs", files: { "dist/.DS_Store": "1" }, refused: /"\.DS_Store"/, needsCheck: true },
	{
		name: "a symbolic link",
		files: { "dist/l.js": { link: "main.js" } },
		refused: /"l\.js".*--links follow/,
		needsCheck: true,
	},
	{
		name: "the catalog",
		files: {},
		members: { files: ["dist/*.js", "dist/*.sh"] },
		refused: /the catalog "dist\/dist\.cat"/,
		needsCheck: true,
	},
	{
		name: "a mode for the owner alone",
		files: { "dist/o.sh": { content: "#!/bin/sh\n", mode: 0o744 } },
		refused: /"o\.sh".*mode 644 or 755, not 744/,
		needsCheck: true,
		differsElsewhere: true,
	},
	{
		name: "modes for reading",
		files: { "dist/a.js": { content: "1", mode: 0o600 }, "dist/b.js": { content: "1", mode: 0o444 } },
		refused: undefined,
	},
	{
		name: "the set-user-ID bit",
		files: { "dist/s": { content: "1", mode: 0o4755 } },
		refused: /"s".*not 4755/,
		needsCheck: true,
		differsElsewhere: true,
	},
];

describe.skipIf(process.platform === "win32")("sign in a package", () => {
	const { "dist/cli.js": _, "dist/main.js.map": __, ...plain } = BUILT;
	const package_ = { name: "p", version: "1.0.0", files: ["dist"] };

	function makePackage(files: Fault["files"], members: object = {}, mark = "") {
		const home = temporaryDirectory();
		const sh = machine(home);
		const folder = makeTree(join(home, "p"), {
			...plain,
			...files,
			"package.json": mark + JSON.stringify({ ...package_, ...members }),
		});
		const sigtool = runner(home);
		const sign = (...args: string[]) => sigtool(["sign", ...args], { cwd: folder });
		return { home, sh, folder, sigtool, sign };
	}

	it.each(FAULTS)(
		"tells what npm does to $name",
		({ files, members, hasByteOrderMark, sign: signed = "dist", refused, needsCheck, differsElsewhere }) => {
			const mark = hasByteOrderMark === true ? "\ufeff" : "";
			const { home, sh, folder, sigtool, sign } = makePackage(files, members, mark);
			const checked = sign(signed, "--check", "npm");
			const { status, stderr } = needsCheck === true ? sign(signed) : checked;
			if (refused === undefined)
				expect([checked.status, checked.stderr]).toEqual([0, expect.stringMatching(/^note: .*\n$/)]);
			else {
				expect([checked.status, checked.stderr]).toEqual([1, expect.stringMatching(refused)]);
				expect(checked.stderr).toContain("[ERR_PACKED_FILE]");
				const preview = sign(signed, "--check", "npm", "--dry-run");
				if (!refused.source.includes("catalog"))
					expect([preview.status, preview.stderr]).toEqual([1, expect.stringMatching(refused)]);
			}
			if (refused !== undefined && needsCheck !== true) {
				expect(existsSync(join(folder, signed, `${signed.split("/").pop()}.cat`))).toBe(false);
				// It is signed by a manifest without programs, to see what its users would have got.
				writeFileSync(join(folder, "package.json"), "{}");
				expect(sign(signed)).toMatchObject({ status: 0 });
				writeFileSync(join(folder, "package.json"), mark + JSON.stringify({ ...package_, ...members }));
			} else expect([status, stderr]).toEqual([0, stderr]);
			const installed = sh(
				home,
				`(cd p && npm pack --silent) && mkdir user && cd user && npm init -y >/dev/null && npm install --silent ../p/p-1.0.0.tgz`,
			);
			expect(installed.status, installed.log).toBe(0);
			const verified = sigtool(["verify", join("node_modules/p", signed)], { cwd: join(home, "user") });
			expect([verified.status === 0, verified.stdout]).toEqual([
				refused === undefined || differsElsewhere === true,
				verified.stdout,
			]);
		},
	);

	it("does not judge a package that nobody publishes, and no packages in the tree", () => {
		for (const members of [{ private: true }, { version: undefined }, { name: undefined }]) {
			const { sign } = makePackage({ "dist/p.js": PROGRAM }, { bin: "dist/p.js", ...members });
			expect(sign("dist")).toMatchObject({ status: 0 });
			expect(sign("dist", "--check", "npm")).toMatchObject({
				status: 2,
				stderr: expect.stringMatching(/Use --check npm for a package: .*"name" and "version".*\[ERR_USAGE\]/),
			});
		}
		const shared = makePackage({ "dist/p.js": PROGRAM }, { bin: "dist/p.js" });
		chmodSync(shared.folder, 0o1777);
		expect(shared.sign("dist")).toMatchObject({ status: 0 });
		const inner = JSON.stringify({ name: "q", version: "1.0.0", bin: "q.js" });
		const { sign } = makePackage({ "dist/q/package.json": inner, "dist/q/q.js": PROGRAM });
		expect(sign("dist", "--check", "npm")).toMatchObject({ status: 0 });
		expect(sign("dist/q", "--check", "npm")).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("chmod 755 dist/q/q.js"),
		});
	});

	it("asks npm without running what belongs to the package", () => {
		const scripts = Object.fromEntries(
			["prepare", "prepack", "postpack", "prepublishOnly", "preprepack"].map((name) => [name, "touch ../ran"]),
		);
		const evil = { content: "#!/bin/sh\ntouch ../ran\n", mode: 0o755 };
		const { home, folder, sign, sh } = makePackage(
			{
				"node_modules/.bin/npm": evil,
				".npmrc":
					"ignore-scripts=false\nnode-options=--require ./evil.cjs\nscript-shell=./evil.sh\nworkspaces=true\njson=false\n",
				"evil.cjs": "require('fs').writeFileSync('../ran', '')",
				"evil.sh": evil,
			},
			{ scripts },
		);
		expect(sign("dist", "--check", "npm")).toMatchObject({ status: 0 });
		const own = `PATH=${join(folder, "node_modules/.bin")}:$PATH; rm dist/dist.cat; sigtool sign dist --check npm`;
		expect(sh(folder, own)).toMatchObject({ status: 0 });
		expect(existsSync(join(home, "ran"))).toBe(false);
	});

	it("keeps the old catalog if npm leaves it out, and no new one", () => {
		const members = { files: ["dist/*.js", "dist/*.sh"] };
		const { folder, sign } = makePackage({}, members);
		const catalog = join(folder, "dist/dist.cat");
		expect(sign("dist", "--check", "npm").status).toBe(1);
		expect(existsSync(catalog)).toBe(false);
		expect(sign("dist", "--sequence", "7").status).toBe(0);
		const before = readFileSync(catalog);
		expect(sign("dist", "--check", "npm").status).toBe(1);
		expect(readFileSync(catalog)).toEqual(before);
	});

	it("works as a member of a workspace, and in a script of npm that has options", () => {
		const { home, folder, sh } = makePackage({}, { scripts: { prepack: "sigtool sign dist --check npm" } });
		makeTree(home, { "package.json": JSON.stringify({ name: "root", private: true, workspaces: ["p"] }) });
		const packed = sh(home, "npm pack --workspace p --json --pack-destination . ");
		expect(packed.status, packed.log).toBe(0);
		expect(existsSync(join(home, "p-1.0.0.tgz"))).toBe(true);
		expect(existsSync(join(folder, "dist/dist.cat"))).toBe(true);
	});

	it("says what npm said if it cannot tell, and that there is no npm", () => {
		const { home, folder, sh } = makePackage({});
		const asked = (npm: string) => {
			makeTree(home, { "other/npm": { content: `#!/bin/sh\n${npm}\n`, mode: 0o755 } });
			const { status, log } = sh(folder, 'PATH="$0/other:$PATH" sigtool sign dist --check npm'.replace("$0", home));
			rmSync(join(home, "other"), { recursive: true });
			expect(status).toBe(2);
			return log;
		};
		const says = `error: Cannot ask npm for the files of "${folder}": npm pack --dry-run ended with status`;
		expect(asked("echo npm error Invalid package >&2; exit 1")).toBe(
			`${says} 1: npm error Invalid package [ERR_USAGE]\n`,
		);
		expect(asked("echo '[{}]'")).toBe(`${says} 0 and no list [ERR_USAGE]\n`);
		const programs = makeTree(join(home, "programs"), { node: { link: process.execPath } });
		const without = sh(folder, `PATH=${programs} ${process.execPath} ${MAIN} sign dist --check npm`);
		expect([without.status, without.log]).toEqual([
			2,
			"error: Use --check npm where npm is: no directory of PATH has it [ERR_USAGE]\n",
		]);
	});
});
