/** Tests that `--write` refuses the directories of other launchers. */

import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectRefusal, installedBelow, withoutWarning, writePlainly } from "./granted.js";
import { hasLauncher, isRoot } from "./support.js";

describe.skipIf(!hasLauncher)("directories to write below (needs the launcher built)", () => {
	describe.skipIf(!isRoot)("another launcher's directory (needs root)", () => {
		function another() {
			const installation = installedBelow("/var/lib");
			const other = installation.at("data/a/b/other");
			mkdirSync(join(other, "sub"), { recursive: true });
			writeFileSync(join(other, "launcher.conf"), "version 1\n");
			return {
				installation,
				other,
				granted: (path: string) => installation.runAsGiven(["--write", path, "app/main.js"]),
			};
		}

		it("is not made writable, nor what is above or in it, nor by a link", () => {
			const { installation, other, granted } = another();
			expect(writePlainly(installation, join(other, "launcher.conf"))).toBe("written\n");
			symlinkSync(other, installation.at("link"));
			for (const path of [
				other,
				join(other, "sub"),
				dirname(other),
				installation.at("data"),
				installation.at("link"),
			]) {
				expectRefusal(granted(path), /other\/launcher.conf" is of another launcher; grant another directory/);
			}
			mkdirSync(installation.at("data/a/b/others"));
			expect(granted(installation.at("data/a/b/others")).status).toBe(0);
		});

		it("may be named by anybody in a directory that others may write to, so it does not count there", () => {
			const { installation, other, granted } = another();
			const isAllowed = () =>
				expect(withoutWarning(granted(installation.at("data")))).toMatchObject({ status: 0, stderr: "" });
			chownSync(join(other, "launcher.conf"), 1234, 0);
			isAllowed();
			chownSync(join(other, "launcher.conf"), 0, 0);
			chmodSync(join(other, "launcher.conf"), 0o666);
			isAllowed();
			chmodSync(join(other, "launcher.conf"), 0o644);
			chmodSync(other, 0o1777);
			isAllowed();
			chmodSync(other, 0o755);
			expect(granted(installation.at("data")).status).toBe(126);
		});

		it("is looked for in the levels that docs/reference/launcher.md tells", () => {
			const { installation, granted } = another();
			const level = (depth: number) => {
				const directory = installation.at(`deep${depth}${"/d".repeat(depth)}`);
				mkdirSync(directory, { recursive: true });
				writeFileSync(join(directory, "launcher.conf"), "version 1\n");
				return granted(installation.at(`deep${depth}`)).status;
			};
			expect([level(7), level(8)]).toEqual([126, 0]);
		});

		it("may be one's own", () => {
			const installation = installedBelow("/var/lib");
			mkdirSync(installation.at("bin/data"));
			const file = installation.at("bin/data/file");
			expect(installation.runAsGiven(["--write", "bin/data", "app/main.js", file]).rest()).toBe("written\n");
		});
	});
});
