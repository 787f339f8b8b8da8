/** Tests that `--write` refuses directories with hard links of files that decide what code runs. */

import { chmodSync, chownSync, linkSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { expectRefusal, installed, write, writePlainly } from "./granted.js";
import { hasLauncher, isRoot } from "./support.js";

describe.skipIf(!hasLauncher)("directories to write below (needs the launcher built)", () => {
	describe("hard links", () => {
		it("of a signed file are found, and both paths are named", () => {
			const installation = installed();
			mkdirSync(installation.at("data/a/b"), { recursive: true });
			linkSync(installation.at("app/lib/part.js"), installation.at("data/a/b/name"));
			expectRefusal(
				write(installation, installation.at("data"), "x"),
				/data\/a\/b\/name" writable: it is a hard link of "\/.*\/app\/lib\/part.js"; replace it by a copy/,
			);
			expect(writePlainly(installation, installation.at("data/a/b/name"))).toBe("written\n");
			expect(readFileSync(installation.at("app/lib/part.js"), "utf8")).toBe("evil");
		});

		it("of a file of a tree that a link leads to are found", () => {
			const installation = installed();
			symlinkSync("app", installation.at("current"));
			installation.set("tree", installation.at("current"));
			linkSync(installation.at("app/lib/part.js"), installation.at("data/name"));
			expectRefusal(write(installation, installation.at("data"), "x"), /hard link of "\/.*\/app\/lib\/part.js"/);
		});

		it.each(["app.sigx", "bin/register.cjs", "bin/launcher.conf", "events.jsonl"])("of %s are found", (name) => {
			const installation = installed();
			installation.set("audit", installation.write("events.jsonl", ""));
			linkSync(installation.at(name), installation.at("data/name"));
			const run = write(installation, installation.at("data"), "x");
			expect(writePlainly(installation, installation.at("data/name"))).toBe("written\n");
			expect(readFileSync(installation.at(name), "utf8")).toBe("evil");
			expectRefusal(run, /data\/name" writable: it is a hard link of/);
		});

		it("are allowed between other files", () => {
			const installation = installed();
			mkdirSync(installation.at("app/data"));
			installation.write("data/one", "");
			installation.write("app/data/one", "");
			linkSync(installation.at("data/one"), installation.at("data/two"));
			linkSync(installation.at("app/data/one"), installation.at("app/data/two"));
			linkSync(installation.at("app/lib/part.js"), installation.at("app/lib/same.js"));
			linkSync(installation.at("app/lib/part.js"), installation.at("outside.js"));
			for (const name of ["data", "app/data"]) {
				const run = write(installation, installation.at(name), installation.at(`${name}/file`));
				expect([run.stderr, run.rest()]).toEqual(["", "written\n"]);
			}
		});

		it("are named as unknown beyond the levels that are searched, and strict refuses", () => {
			const installation = installed();
			linkSync(installation.at("app/lib/part.js"), installation.at("outside.js"));
			mkdirSync(installation.at(`data${"/d".repeat(31)}`), { recursive: true });
			expect(write(installation, installation.at("data"), "x").stderr).toBe("");
			mkdirSync(installation.at(`data${"/d".repeat(32)}`), { recursive: true });
			const run = write(installation, installation.at("data"), installation.at("data/file"));
			expect(run.stderr).toMatch(/^sigtool-launch: cannot tell whether granted directories hold hard links.*32 levels/);
			expect(run.rest()).toBe("written\n");
			const strict = installation.run(["--mode", "strict", "--write", "data", "app/main.js"]);
			expect([strict.status, strict.stderr]).toEqual([
				126,
				expect.stringMatching(/Cannot enforce strictly: cannot tell/),
			]);
		});

		it.skipIf(!isRoot)("cannot be in a directory that the user can never enter (needs root)", () => {
			const installation = installed();
			chmodSync(installation.directory, 0o755);
			linkSync(installation.at("app/lib/part.js"), installation.at("outside.js"));
			chownSync(installation.at("data"), 65534, 65534);
			mkdirSync(installation.at("data/lost+found"), { mode: 0o700 });
			const before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
			const run = () => write(installation, installation.at("data"), installation.at("data/file"), { before });
			const allowed = run();
			expect([allowed.stderr, allowed.rest()]).toEqual(["", "written\n"]);
			// The owner of the directory could make it readable, so the launcher must not skip it.
			chownSync(installation.at("data/lost+found"), 65534, 65534);
			chmodSync(installation.at("data/lost+found"), 0o000);
			expect(run().stderr).toMatch(/cannot tell whether granted directories hold hard links/);
			linkSync(installation.at("app/lib/part.js"), installation.at("data/name"));
			expectRefusal(run(), /data\/name" writable: it is a hard link of/);
		});
	});
});
