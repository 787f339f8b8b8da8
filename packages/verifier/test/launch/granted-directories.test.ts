/** Tests that `--write` refuses directories in which the process could write a file that decides what code runs. */

import { copyFileSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { canMount, spawnSync } from "../../../../test/outside.js";
import {
	expectRefusal,
	hasTerminals,
	indexOf,
	installed,
	installedBelow,
	mounting,
	WRITER,
	withoutWarning,
	write,
	writePlainly,
} from "./granted.js";
import { hasLauncher, Installation, isRoot, pinned } from "./support.js";

describe.skipIf(!hasLauncher)("directories to write below (needs the launcher built)", () => {
	describe("refuse files that decide what runs", () => {
		const linked = (key: string, name: string) => (installation: Installation) => {
			installation.write(`real/${name}`, "");
			symlinkSync(installation.at("real"), installation.at("link"));
			installation.set(key, installation.at(`link/${name}`));
			return installation.at("real");
		};
		const addonOf = (installation: Installation) => {
			installation.set("addon", pinned(installation.write("native/addon.node", "")));
			return installation.at("native");
		};
		/** The index is outside of the granted directory, but its path leads through a link in that directory. */
		const overLink = (installation: Installation) => {
			symlinkSync(installation.at("app.sigx"), installation.at("data/link"));
			symlinkSync("data/link", installation.at("first"));
			installation.set("index", installation.at("first"));
			return installation.at("data");
		};
		/**
		 * The path of the audit file leads through a link into the granted directory, where the file does not exist
		 * yet.
		 */
		const events = (installation: Installation) => {
			symlinkSync("data", installation.at("log"));
			installation.set("audit", installation.at("log/below/events.jsonl"));
			return installation.at("data");
		};
		/** The path of the audit file is a link to a file that the process could make. */
		const dangling = (installation: Installation) => {
			symlinkSync("data/events.jsonl", installation.at("events.jsonl"));
			installation.set("audit", installation.at("events.jsonl"));
			return installation.at("data");
		};
		const refusals: readonly (readonly [string, (i: Installation) => string, RegExp])[] = [
			["the root", () => "/", /"\/" writable: "\/.*" lies in it/],
			["one that contains the script", (i) => i.at("app"), /app" writable: ".*app\/main.js" lies in it/],
			["one above the launcher", (i) => i.directory, /lies in it/],
			["one that contains a signed tree", (i) => i.at("trees"), /"\/.*\/trees\/product" lies in it/],
			["a signed tree itself", (i) => i.at("trees/product"), /lies in it/],
			[
				"one that a link on the path of the index leads into",
				linked("index", "app.sigx"),
				/real\/app.sigx" lies in it/,
			],
			["one that a link on the path of a tree leads into", linked("tree", "product"), /real\/product" lies in it/],
			["one with a link on the path of the index", overLink, /data\/link" lies in it/],
			["the addon's directory", addonOf, /native\/addon.node" lies in it/],
			["the events file's directory", events, /data\/below\/events.jsonl" lies in it/],
			["one that a broken link of the events file leads into", dangling, /data\/events.jsonl" lies in it/],
			["the launcher's directory", (i) => i.at("bin"), /bin\/.*" lies in it/],
			["a file system of the kernel", () => "/sys/fs/cgroup", /it belongs to the kernel/],
			["/proc", () => "/proc/self", /it belongs to the kernel/],
			["/sys", () => "/sys", /it belongs to the kernel/],
			["/dev", () => "/dev", /it belongs to the kernel/],
		];
		it.each(refusals)("are not %s", (_, directory, message) => {
			const installation = new Installation();
			installation.write("app/main.js", WRITER);
			mkdirSync(installation.at("trees/product"), { recursive: true });
			mkdirSync(installation.at("data"));
			installation.set("tree", installation.at("trees/product"));
			const chosen = directory(installation);
			if (chosen.startsWith(installation.directory))
				expect(writePlainly(installation, join(chosen, "written"))).toBe("written\n");
			for (const mode of ["enforce", "strict"]) {
				expectRefusal(installation.run(["--mode", mode, "--write", chosen, "app/main.js"]), message);
			}
		});

		it("are not the directory of the launcher and its settings, whatever else is elsewhere", () => {
			const installation = installed();
			mkdirSync(installation.at("own"));
			copyFileSync(installation.launcher, installation.at("own/launch"));
			copyFileSync(installation.settingsFile, installation.at("own/launcher.conf"));
			const start = ["--allow-development", "--write", installation.at("own"), "app/main.js"];
			const run = () =>
				spawnSync(installation.at("own/launch"), start, { cwd: installation.directory, encoding: "utf8" });
			expect(writePlainly(installation, installation.at("own/written"))).toBe("written\n");
			const { status, stderr } = run();
			expect([status, stderr]).toEqual([126, expect.stringMatching(/own\/launch" lies in it/)]);
		});

		it("are refused in launcher.conf as on the command line", () => {
			const installation = installed();
			installation.set("audit", installation.at("data/events.jsonl"));
			installation.set("write", installation.at("data"));
			expectRefusal(installation.run(["app/main.js"]), /events.jsonl" lies in it/);
		});

		it.each([
			["policy", (file: string) => ({ policy: file })],
			["certificate of an authority", (file: string) => ({ authorities: [{ certificate: file, subject: "CN=a" }] })],
			[
				"certificate of a timestamping authority",
				(file: string) => ({ timestampAuthorities: [{ certificate: file }] }),
			],
		])("are not the directory of a %s that the host configuration names", (_, members) => {
			const installation = installed();
			const file = installation.write("data/named", "");
			const document = { version: 1, ...members(file) };
			installation.set("config", installation.write("etc/verifier.json", JSON.stringify(document)));
			expectRefusal(write(installation, installation.at("data"), "x"), /data\/named" lies in it/);
			const nameless = installation.write("etc/verifier.json", JSON.stringify({ version: 1 }));
			expect(nameless).toBe(installation.at("etc/verifier.json"));
			expect(write(installation, installation.at("data"), installation.at("data/x")).status).toBe(0);
		});

		it("may lie beside a tree, have its name as a prefix, or lie inside", () => {
			const installation = installed();
			for (const name of ["data", "app-data", "ap", "app/data", "app/lib/data"]) {
				mkdirSync(installation.at(name), { recursive: true });
				const run = write(installation, installation.at(name), installation.at(`${name}/file`));
				expect([run.stderr, run.rest()]).toEqual(["", "written\n"]);
			}
		});

		it("may not contain native code that the index names, in a signed tree", () => {
			const installation = installed();
			const code = installation.write("app/plugins/native/part.so", "");
			copyFileSync("/bin/true", code);
			installation.write("app/plugins/part.js", "");
			const index = (...names: string[]) => installation.write("app.sigx", indexOf(names));
			const plugins = installation.at("app/plugins");
			const args = ["--write", plugins, "app/main.js", join(plugins, "file")];

			index("lib/part.js", "main.js", "plugins/native/part.so", "plugins/part.js");
			for (const directory of [plugins, join(plugins, "native")]) {
				expect(writePlainly(installation, join(directory, "written"))).toBe("written\n");
				expectRefusal(
					write(installation, directory, "x"),
					/app\/plugins.*" writable: ".*app\/plugins\/native\/part\.so" in it is signed native code/,
				);
			}
			// Files that are no code may be changed, and so may code that the index does not name.
			index("lib/part.js", "main.js", "plugins/part.js", "plugins-native/part.so");
			const run = withoutWarning(installation.run(args));
			expect([run.stderr, run.rest()]).toEqual(["", "written\n"]);
		});

		it("a damaged index is no reason here, because the hook refuses it", () => {
			const installation = installed();
			mkdirSync(installation.at("app/data"));
			const whole = indexOf(["data/part.so"]);
			for (let size = 0; size < whole.length; size += 7) {
				installation.write("app.sigx", whole.subarray(0, size));
				expect(write(installation, installation.at("app/data"), "x").status).toBe(0);
			}
		});

		it.each(["/tmp", "/var/tmp", "/dev/shm"])("may be %s, without the files of the launcher", (directory) => {
			const installation = isRoot ? installedBelow("/var/lib") : installedBelow(process.env.HOME ?? "/");
			if (!isRoot) installation.set("development", "allow");
			const file = join(directory, `sigtool-written-${process.pid}`);
			onTestFinished(() => rmSync(file, { force: true }));
			const args = ["--write", directory, "app/main.js", file];
			const run = withoutWarning(isRoot ? installation.runAsGiven(args) : installation.run(args));
			expect([run.stderr, run.rest()]).toEqual(["", "written\n"]);
		});
	});

	describe("the kernel's file systems", () => {
		it.skipIf(!hasTerminals)("are not /dev/pts, by its path or by a link (needs /dev/pts)", () => {
			const installation = installed();
			symlinkSync("/dev/pts", installation.at("terminals"));
			for (const directory of ["/dev/pts", installation.at("terminals")]) {
				expectRefusal(write(installation, directory, "/dev/null"), /"\/dev\/pts" writable: it belongs to the kernel/);
			}
		});

		const TYPES = ["proc", "sysfs", "devpts", "devtmpfs", "cgroup2"].filter(canMount);
		it.skipIf(!canMount())("may not be mounted below (needs root and mount namespaces)", () => {
			expect(TYPES).toContain("proc");
			const installation = installed();
			// The kernel writes these characters of a mount point as octal escapes.
			const name = "below/a b\\c\td\n#e";
			mkdirSync(installation.at(`data/${name}`), { recursive: true });
			for (const type of TYPES) {
				const before = mounting(`mount -t ${type} none '${installation.at(`data/${name}`)}'`);
				for (const directory of ["data", "data/below"]) {
					expectRefusal(
						write(installation, installation.at(directory), "x", { before }),
						new RegExp(`data/below/a b\\\\c\\?d\\?#e" in it belongs to the kernel \\(${type}\\)`),
					);
				}
				expectRefusal(
					write(installation, installation.at(`data/${name}`), "x", { before }),
					/writable: it belongs to the kernel/,
				);
			}
		});

		it.skipIf(!canMount())("a second proc would be writable (needs root and mount namespaces)", () => {
			const installation = installed();
			mkdirSync(installation.at("data/proc"));
			const before = mounting(`mount -t proc proc '${installation.at("data/proc")}'`);
			const file = installation.at("data/proc/self/comm");
			expect(writePlainly(installation, file, before)).toBe("written\n");
			expectRefusal(write(installation, installation.at("data"), file, { before }), /belongs to the kernel \(proc\)/);
		});

		it.skipIf(!canMount())("other file systems may be mounted below (needs root and mount namespaces)", () => {
			const installation = installed();
			mkdirSync(installation.at("data/proc"));
			const before = mounting(`mount -t tmpfs proc '${installation.at("data/proc")}'`);
			const run = write(installation, installation.at("data"), installation.at("data/proc/file"), { before });
			expect([run.stderr, run.rest()]).toEqual(["", "written\n"]);
		});
	});
});
