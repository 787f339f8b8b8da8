/** Tests that `--write` refuses directories that mounts make another path to a file that decides what code runs. */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { canMount, spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { expectRefusal, installed, mounting, withoutWarning, write, writePlainly } from "./granted.js";
import { hasLauncher } from "./support.js";

describe.skipIf(!hasLauncher)("directories to write below (needs the launcher built)", () => {
	describe.skipIf(!canMount())("other paths by mounts (need root and mount namespaces)", () => {
		/**
		 * Each case has mounts, the granted directory, a file that the process could write there, and the signed file
		 * that this write would change.
		 */
		type Case = readonly [what: string, mounts: string, granted: string, attacked: string, victim: string];
		const PART = "app/lib/part.js";
		const LIBRARY = `/usr/local/lib/sigtool-test-${process.pid}`;
		const cases: readonly Case[] = [
			["the tree below", "mount --bind app data/m", "data", "data/m/lib/part.js", PART],
			["the tree itself", "mount --bind app data/m", "data/m", "data/m/lib/part.js", PART],
			["the tree, by a link", "mount --bind app data/m; ln -sfn data/m link", "link", "link/lib/part.js", PART],
			["a part of the tree below", "mount --bind app/lib data/m", "data", "data/m/part.js", PART],
			["a part of the tree itself", "mount --bind app/lib data/m", "data/m", "data/m/part.js", PART],
			[
				"in a part of the tree",
				"mkdir -p app/lib/x; mount --bind app/lib data/m",
				"data/m/x",
				"data/m/x/n",
				"app/lib/x/n",
			],
			["all above the tree", "mount --bind . data/m", "data/m", "data/m/app/lib/part.js", PART],
			["all above the tree, below", "mount --bind . data/m", "data", "data/m/app/lib/part.js", PART],
			["one file of the tree", "touch data/f; mount --bind app/lib/part.js data/f", "data", "data/f", PART],
			["the index", "touch data/f; mount --bind app.sigx data/f", "data", "data/f", "app.sigx"],
			[
				"a mount of a mount",
				"mount --bind app data/m; mount --bind data/m data/n",
				"data/n",
				"data/n/lib/part.js",
				PART,
			],
			["the tree's origin", "mount --bind up/src app/mods", "up/src", "up/src/part.js", "app/mods/part.js"],
			["above the tree's origin", "mount --bind up/src app/mods", "up", "up/src/part.js", "app/mods/part.js"],
			["in the tree's origin", "mount --bind up app/mods", "up/src", "up/src/part.js", "app/mods/src/part.js"],
			["a part of the tree in the tree", "mkdir -p app/d; mount --bind app/lib app/d", "app/d", "app/d/part.js", PART],
			[
				"a tree on a file system with two mounts",
				"mount -t tmpfs t app/mods; echo > app/mods/p; mount --bind app/mods data/m; umount app/mods; mount --bind data/m app/mods",
				"data/m",
				"data/m/p",
				"app/mods/p",
			],
			["the libraries", "mount --bind /usr/local data/m", "data", `data/m/lib/${basename(LIBRARY)}`, LIBRARY],
			["in the libraries", "mount --bind /usr/local data/m", "data/m/lib", `data/m/lib/${basename(LIBRARY)}`, LIBRARY],
		];
		it.each(cases)("are not %s", (_, commands, granted, attacked, victim) => {
			onTestFinished(() => rmSync(LIBRARY, { force: true }));
			const installation = installed();
			for (const name of ["data/m", "data/n", "app/mods"]) mkdirSync(installation.at(name));
			installation.write("up/src/part.js", "good");
			const before = mounting(`cd '${installation.directory}'\n${commands}`);
			const attack = `const { writeFileSync, readFileSync } = require("node:fs");
				writeFileSync(process.argv[1], "evil"); console.log(readFileSync(process.argv[2], "utf8"));`;
			const [unshare = "", ...args] = [...before, process.execPath, "-e", attack, attacked, victim];
			expect(spawnSync(unshare, args, { encoding: "utf8" })).toMatchObject({ stdout: "evil\n", stderr: "" });
			const run = write(installation, installation.at(granted), attacked, { before });
			expectRefusal(run, /is another path to|makes it another path to/);
		});

		const allowed: readonly (readonly [string, string, string])[] = [
			["another directory below", "mkdir other; mount --bind other data/m", "data"],
			["another directory itself", "mkdir other; mount --bind other data/m", "data/m"],
			["one with a longer name", "mkdir app-2; mount --bind app-2 data/m", "data"],
			["itself", "mount --bind data data", "data"],
			["itself, in the tree", "mkdir app/d; mount --bind app/d app/d", "app/d"],
			["itself, in a granted directory in the tree", "mkdir -p app/d/e; mount --bind app/d/e app/d/e", "app/d"],
			["another directory in the tree", "mkdir app/d other; mount --bind other app/d", "app/d"],
			["another directory below one in the tree", "mkdir -p app/d/e other; mount --bind other app/d/e", "app/d"],
			["in another directory in the tree", "mkdir -p app/d other/e; mount --bind other app/d", "app/d/e"],
			["an empty file system", "mount -t tmpfs t data", "data"],
			["a tree that is mounted on itself", "mount --bind app app; mkdir app/d", "app/d"],
		];
		it.each(allowed)("may be %s", (_, commands, granted) => {
			const installation = installed();
			mkdirSync(installation.at("data/m"));
			const before = mounting(`cd '${installation.directory}'\n${commands}`);
			const run = write(installation, installation.at(granted), installation.at(`${granted}/file`), { before });
			expect([run.stderr, run.rest()]).toEqual(["", "written\n"]);
		});

		it("are not another path to a signed file of which a name was removed", () => {
			const installation = installed();
			const signed = installation.at("app/lib/part.js");
			mkdirSync(installation.at("side"));
			writeFileSync(installation.at("data/x"), "");
			const commands = [
				`ln '${signed}' '${installation.at("side/name")}'`,
				`mount --bind '${installation.at("side/name")}' '${installation.at("data/x")}'`,
				`rm '${installation.at("side/name")}'`,
			];
			const before = mounting(commands.join("\n"));
			expect(writePlainly(installation, installation.at("data/x"), before)).toBe("written\n");
			expect(readFileSync(signed, "utf8")).toBe("evil");
			writeFileSync(signed, "good");
			const run = write(installation, installation.at("data"), installation.at("data/x"), { before });
			expectRefusal(run, /what is mounted at ".*\/data\/x" was removed/);
			expect(readFileSync(signed, "utf8")).toBe("good");
		});

		it("are named if the mount of a root is not listed, and strict refuses", () => {
			const installation = installed();
			const root = temporaryDirectory();
			// Below chroot(2) into a directory that is no mount point, /proc lists no mount for "/".
			cpSync(installation.directory, join(root, installation.directory), { recursive: true, preserveTimestamps: true });
			const lists = ["proc", "dev", "usr", "lib", "lib64", "bin"].filter((name) => existsSync(`/${name}`));
			for (const name of lists) mkdirSync(join(root, name));
			const mounts = lists.map((name) => `mount --rbind /${name} '${root}/${name}'`);
			const before = ["unshare", "-m", "sh", "-ec", `${mounts.join("\n")}\nexec chroot '${root}' "$@"`, "sh"];
			const run = (mode: string) => {
				const file = installation.at("data/x");
				const args = ["--mode", mode, "--write", installation.at("data"), installation.at("app/main.js"), file];
				return withoutWarning(installation.run(args, { before }));
			};
			const enforced = run("enforce");
			expect(enforced.stderr).toMatch(
				/^sigtool-launch: cannot tell on which mount ".*\/data" is, so it may have another path; .*\n$/,
			);
			expect(enforced.rest()).toBe("written\n");
			expect(run("strict")).toMatchObject({ status: 126, stderr: expect.stringMatching(/Cannot enforce strictly/) });
		});
	});
});
