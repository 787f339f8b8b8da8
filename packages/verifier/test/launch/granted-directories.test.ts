/**
 * Tests that `--write` refuses directories in which the process could write a file that decides what code runs. Each
 * way is first used without the launcher. Mounts are made in a mount namespace of the process, and end with it.
 */

import { spawnSync } from "node:child_process";
import {
	chmodSync,
	chownSync,
	copyFileSync,
	cpSync,
	existsSync,
	linkSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	realpathSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { hasCompiler, hasLauncher, Installation, isRoot, pinned, type Run, type RunOptions } from "./support.js";

const canMount = isRoot && spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
const hasTerminals = existsSync("/dev/pts/ptmx");

/** Writes to the files that its arguments name, and prints for each what happened. */
const WRITER = `
const { writeFileSync } = require("node:fs");
for (const file of process.argv.slice(2)) {
	try { writeFileSync(file, "evil"); console.log("written"); } catch (error) { console.log(error.code); }
}`;

/** Returns an installation with a script that writes, and a signed tree "app" that contains the script. */
function installed(): Installation {
	const installation = new Installation();
	installation.write("app/main.js", WRITER);
	installation.write("app/lib/part.js", "good");
	mkdirSync(installation.at("data"));
	installation.set("tree", installation.at("app"));
	return installation;
}

/** Makes an installation below directories that root owns, which needs no `--allow-development`. */
function installedBelow(parent: string): Installation {
	const temporary = process.env.TMPDIR;
	process.env.TMPDIR = parent;
	try {
		const installation = installed();
		installation.set("development", undefined);
		return installation;
	} finally {
		if (temporary === undefined) delete process.env.TMPDIR;
		else process.env.TMPDIR = temporary;
	}
}

/** Returns a command that makes mounts in a separate mount namespace, and then executes the program that follows. */
function mounting(commands: string): readonly string[] {
	return ["unshare", "-m", "sh", "-ec", `${commands}\nexec "$@"`, "sh"];
}

/** Runs the script with unguarded Node.js, to show that an attacker could write there. */
function writePlainly({ directory }: Installation, file: string, before: readonly string[] = []): string {
	const [program = "", ...args] = [...before, process.execPath, join(directory, "app/main.js"), file];
	return spawnSync(program, args, { cwd: directory, encoding: "utf8" }).stdout;
}

/**
 * Matches the launcher's warning to root about a directory whose mount is not nosuid. Other tests test this warning.
 */
const NOSUID_WARNING = /^sigtool-launch: warning: root may write ".*", whose mount is not nosuid: .*\n/gm;

function withoutWarning(run: Run): Run {
	return { ...run, stderr: run.stderr.replace(NOSUID_WARNING, "") };
}

/** Returns an index of these files, as far as the launcher reads it: without a signature and with an empty head. */
function indexOf(names: readonly string[]): Buffer {
	const header = Buffer.alloc(24);
	header.write("\x89SIGX\r\n\x1a", "latin1");
	const text = Buffer.from(names.join(""));
	for (const [at, value] of [1, 0, names.length, text.length].entries()) header.writeUInt32LE(value, 8 + 4 * at);
	let start = 0;
	const records = names.map((name) => {
		const record = Buffer.alloc(48);
		record.writeUInt32LE(start, 0);
		record.writeUInt16LE(name.length, 4);
		start += name.length;
		return record;
	});
	return Buffer.concat([header, ...records, text]);
}

function write(installation: Installation, directory: string, file: string, options: RunOptions = {}): Run {
	return withoutWarning(installation.run(["--write", directory, "app/main.js", file], options));
}

function expectRefusal({ status, stdout, stderr }: ReturnType<typeof write>, message: RegExp): void {
	expect(stderr).toMatch(message);
	expect(stderr).toMatch(/^sigtool-launch: Cannot make ".*" writable: [ -~]*\n$/);
	expect([status, stdout]).toEqual([126, ""]);
}

describe.skipIf(!hasLauncher)("directories to write below (needs the launcher built)", () => {
	describe("15.8: refuse files that decide what runs", () => {
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
		it.each(refusals)("15.8: are not %s", (_, directory, message) => {
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

		it("15.8: are not the directory of the launcher and its settings, whatever else is elsewhere", () => {
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

		it("15.8: are refused in launcher.conf as on the command line", () => {
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
		])("15.8: are not the directory of a %s that the host configuration names", (_, members) => {
			const installation = installed();
			const file = installation.write("data/named", "");
			const document = { version: 1, ...members(file) };
			installation.set("config", installation.write("etc/verifier.json", JSON.stringify(document)));
			expectRefusal(write(installation, installation.at("data"), "x"), /data\/named" lies in it/);
			const nameless = installation.write("etc/verifier.json", JSON.stringify({ version: 1 }));
			expect(nameless).toBe(installation.at("etc/verifier.json"));
			expect(write(installation, installation.at("data"), installation.at("data/x")).status).toBe(0);
		});

		it("15.8: may lie beside a tree, have its name as a prefix, or lie inside", () => {
			const installation = installed();
			for (const name of ["data", "app-data", "ap", "app/data", "app/lib/data"]) {
				mkdirSync(installation.at(name), { recursive: true });
				const run = write(installation, installation.at(name), installation.at(`${name}/file`));
				expect([run.stderr, run.rest()]).toEqual(["", "written\n"]);
			}
		});

		it("18.2: may not contain native code that the index names, in a signed tree", () => {
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

		it("18.2: a damaged index is no reason here, because the hook refuses it", () => {
			const installation = installed();
			mkdirSync(installation.at("app/data"));
			const whole = indexOf(["data/part.so"]);
			for (let size = 0; size < whole.length; size += 7) {
				installation.write("app.sigx", whole.subarray(0, size));
				expect(write(installation, installation.at("app/data"), "x").status).toBe(0);
			}
		});

		it.each(["/tmp", "/var/tmp", "/dev/shm"])("15.8: may be %s, without the files of the launcher", (directory) => {
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
		it.skipIf(!hasTerminals)("15.8: are not /dev/pts, by its path or by a link (needs /dev/pts)", () => {
			const installation = installed();
			symlinkSync("/dev/pts", installation.at("terminals"));
			for (const directory of ["/dev/pts", installation.at("terminals")]) {
				expectRefusal(write(installation, directory, "/dev/null"), /"\/dev\/pts" writable: it belongs to the kernel/);
			}
		});

		const TYPES = ["proc", "sysfs", "devpts", "devtmpfs", "cgroup2"].filter(
			(type) => canMount && spawnSync("unshare", ["-m", "mount", "-t", type, "none", "/mnt"]).status === 0,
		);
		it.skipIf(!canMount)("15.8: may not be mounted below (needs root and mount namespaces)", () => {
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

		it.skipIf(!canMount)("15.8: a second proc would be writable (needs root and mount namespaces)", () => {
			const installation = installed();
			mkdirSync(installation.at("data/proc"));
			const before = mounting(`mount -t proc proc '${installation.at("data/proc")}'`);
			const file = installation.at("data/proc/self/comm");
			expect(writePlainly(installation, file, before)).toBe("written\n");
			expectRefusal(write(installation, installation.at("data"), file, { before }), /belongs to the kernel \(proc\)/);
		});

		it.skipIf(!canMount)("15.8: other file systems may be mounted below (needs root and mount namespaces)", () => {
			const installation = installed();
			mkdirSync(installation.at("data/proc"));
			const before = mounting(`mount -t tmpfs proc '${installation.at("data/proc")}'`);
			const run = write(installation, installation.at("data"), installation.at("data/proc/file"), { before });
			expect([run.stderr, run.rest()]).toEqual(["", "written\n"]);
		});
	});

	describe("libraries and the loader", () => {
		const system = [
			"/etc",
			"/usr/lib",
			"/lib",
			"/usr/local",
			"/usr",
			"/etc/ld.so.conf.d",
			"/etc/alternatives",
			"/etc/ssl",
		];
		it.each(system.filter((path) => existsSync(path)))("15.8: are not %s", (directory) => {
			expectRefusal(write(installed(), directory, "x"), /lies in it|where the loader finds libraries/);
		});

		it.skipIf(!isRoot)("15.8: are not a directory in /usr/local/lib (needs root)", () => {
			const directory = mkdtempSync("/usr/local/lib/sigtool-test-");
			onTestFinished(() => rmSync(directory, { recursive: true }));
			const installation = installed();
			expect(writePlainly(installation, join(directory, "file"))).toBe("written\n");
			const message = /lies in "\/usr\/local\/lib", where the loader finds libraries; grant a directory elsewhere/;
			expectRefusal(write(installation, directory, "x"), message);
			symlinkSync(directory, installation.at("link"));
			expectRefusal(write(installation, installation.at("link"), "x"), message);
		});

		describe.skipIf(!hasCompiler)("that the program names (needs a C compiler)", () => {
			const forms: readonly (readonly [string, readonly string[], string])[] = [
				["RUNPATH with $ORIGIN", ["-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib"], "lib"],
				["RUNPATH with braces, behind another", [`-Wl,--enable-new-dtags,-rpath,/nowhere:$\{ORIGIN}/../lib/`], "lib"],
				["RPATH", ["-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib"], "lib"],
				["the current directory", ["-Wl,--enable-new-dtags,-rpath,lib"], "lib"],
			];
			it.each(forms)("15.8: are not those of %s", (_, flags, name) => {
				const installation = installed();
				const program = linkedProgram(installation, flags);
				const run = () => spawnSync(program, { cwd: installation.directory, encoding: "utf8" }).stdout;
				expect(run()).toBe("good\n");
				// This write shows that an attacker could replace the library.
				expect(writePlainly(installation, installation.at("lib/other"))).toBe("written\n");
				makeLibrary(installation, "lib/libpart.so", "evil");
				expect(run()).toBe("evil\n");
				installation.set("node", pinned(program));
				mkdirSync(installation.at("lib/below"));
				const granted = (path: string) => write(installation, installation.at(path), "x");
				expectRefusal(granted(name), /lib" lies in it|where the loader finds libraries/);
				expectRefusal(granted("lib/below"), /where the loader finds libraries/);
				expect(granted("data").status).toBe(0);
			});

			it("15.8: are not those above a name that only the loader can replace", () => {
				const installation = installed();
				installation.set(
					"node",
					pinned(linkedProgram(installation, [`-Wl,-rpath,$ORIGIN/../lib/$PLATFORM/x:$ORIGIN/../lib`])),
				);
				mkdirSync(installation.at("lib/x86_64/x"), { recursive: true });
				expectRefusal(write(installation, installation.at("lib/x86_64"), "x"), /where the loader finds libraries/);
			});

			it("15.8: are not one that contains the program's loader", () => {
				const installation = installed();
				const interpreter = /interpreter: (.*)\]/.exec(
					spawnSync("readelf", ["-l", process.execPath], { encoding: "utf8" }).stdout,
				)?.[1];
				expect(interpreter).toBeDefined();
				mkdirSync(installation.at("loader"));
				copyFileSync(interpreter ?? "", installation.at("loader/ld.so"));
				chmodSync(installation.at("loader/ld.so"), 0o755);
				const program = linkedProgram(installation, [
					"-Wl,-rpath,$ORIGIN/../lib",
					`-Wl,--dynamic-linker,${installation.at("loader/ld.so")}`,
				]);
				installation.set("node", pinned(program));
				expect(spawnSync(program, { encoding: "utf8" }).stdout).toBe("good\n");
				writeFileSync(installation.at("loader/ld.so"), "evil");
				expect(spawnSync(program, { encoding: "utf8" }).stdout).toBeNull();
				expectRefusal(write(installation, installation.at("loader"), "x"), /loader\/ld.so" lies in it/);
			});
		});

		describe.skipIf(!canMount || !existsSync("/sbin/ldconfig"))(
			"15.8: of the loader's cache (needs root, mount namespaces and ldconfig)",
			() => {
				function withCache(change: (cache: Buffer) => Buffer = (cache) => cache) {
					const installation = installed();
					mkdirSync(installation.at("own/lib/below"), { recursive: true });
					makeLibrary(installation, "own/lib/libpart.so", "good");
					const conf = installation.write("ld.so.conf", `${installation.at("own/lib")}\n`);
					const cache = installation.at("cache");
					expect(spawnSync("/sbin/ldconfig", ["-X", "-C", cache, "-f", conf]).status).toBe(0);
					writeFileSync(cache, change(readFileSync(cache)));
					const before = mounting(`mount --bind '${cache}' /etc/ld.so.cache`);
					const granted = (path: string) => write(installation, installation.at(path), "x", { before });
					return { installation, granted, before };
				}

				it.skipIf(!hasCompiler)("15.8: are not its directories", () => {
					const { installation, granted, before } = withCache();
					const program = linkedProgram(installation, []);
					makeLibrary(installation, "own/lib/libpart.so", "evil");
					const [unshare = "", ...args] = [...before, program];
					expect(spawnSync(unshare, args, { encoding: "utf8" }).stdout).toBe("evil\n");
					expectRefusal(granted("own"), /own\/lib" lies in it/);
					expectRefusal(granted("own/lib"), /own\/lib" lies in it/);
					expectRefusal(granted("own/lib/below"), /where the loader finds libraries/);
					expect(granted("data").rest()).toBe("EACCES\n");
					// Without the cache file that names this directory, the launcher grants it like any other.
					expect(write(installation, installation.at("own"), "x").stderr).toBe("");
				});

				it.skipIf(!hasCompiler)("15.8: are found behind the older format", () => {
					const old = Buffer.alloc(16);
					old.write("ld.so-1.7.0");
					const { granted } = withCache((cache) => Buffer.concat([old, cache]));
					expectRefusal(granted("own/lib/below"), /where the loader finds libraries/);
				});

				const damages: readonly (readonly [string, (cache: Buffer) => Buffer])[] = [
					["an empty file", () => Buffer.alloc(0)],
					["another format", (cache) => Buffer.concat([Buffer.from("x"), cache])],
					["a cut header", (cache) => cache.subarray(0, 40)],
					["cut entries", (cache) => cache.subarray(0, 100)],
					["cut strings", (cache) => cache.subarray(0, 48 + 24 * cache.readUInt32LE(20) + 8)],
					[
						"an older format that has no end",
						() => Buffer.concat([Buffer.from("ld.so-1.7.0\0"), Buffer.alloc(60, 255)]),
					],
				];
				it.skipIf(!hasCompiler).each(damages)("15.8: may not be read from %s", (_, change) => {
					const { granted } = withCache(change);
					const { status, stderr } = granted("data");
					expect(stderr).toMatch(/"\/etc\/ld.so.cache" is damaged; run ldconfig\n$/);
					expect(status).toBe(126);
				});
			},
		);
	});

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

		it("15.8: is not made writable, nor what is above or in it, nor by a link", () => {
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

		it("15.8: may be named by anybody in a directory that others may write to, so it does not count there", () => {
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

		it("15.8: is looked for in the levels that docs/reference/launcher.md tells", () => {
			const { installation, granted } = another();
			const level = (depth: number) => {
				const directory = installation.at(`deep${depth}${"/d".repeat(depth)}`);
				mkdirSync(directory, { recursive: true });
				writeFileSync(join(directory, "launcher.conf"), "version 1\n");
				return granted(installation.at(`deep${depth}`)).status;
			};
			expect([level(7), level(8)]).toEqual([126, 0]);
		});

		it("15.8: may be one's own", () => {
			const installation = installedBelow("/var/lib");
			mkdirSync(installation.at("bin/data"));
			const file = installation.at("bin/data/file");
			expect(installation.runAsGiven(["--write", "bin/data", "app/main.js", file]).rest()).toBe("written\n");
		});
	});

	describe.skipIf(!canMount)("15.8: other paths by mounts (need root and mount namespaces)", () => {
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
		it.each(cases)("15.8: are not %s", (_, commands, granted, attacked, victim) => {
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
		it.each(allowed)("15.8: may be %s", (_, commands, granted) => {
			const installation = installed();
			mkdirSync(installation.at("data/m"));
			const before = mounting(`cd '${installation.directory}'\n${commands}`);
			const run = write(installation, installation.at(granted), installation.at(`${granted}/file`), { before });
			expect([run.stderr, run.rest()]).toEqual(["", "written\n"]);
		});

		it("15.8: are not another path to a signed file of which a name was removed", () => {
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

		it("15.8: are named if the mount of a root is not listed, and strict refuses", () => {
			const installation = installed();
			const root = mkdtempSync(join(tmpdir(), "sigtool-root-"));
			onTestFinished(() => rmSync(root, { recursive: true }));
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

	describe("hard links", () => {
		it("15.8: of a signed file are found, and both paths are named", () => {
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

		it("15.8: of a file of a tree that a link leads to are found", () => {
			const installation = installed();
			symlinkSync("app", installation.at("current"));
			installation.set("tree", installation.at("current"));
			linkSync(installation.at("app/lib/part.js"), installation.at("data/name"));
			expectRefusal(write(installation, installation.at("data"), "x"), /hard link of "\/.*\/app\/lib\/part.js"/);
		});

		it.each(["app.sigx", "bin/register.cjs", "bin/launcher.conf", "events.jsonl"])("15.8: of %s are found", (name) => {
			const installation = installed();
			installation.set("audit", installation.write("events.jsonl", ""));
			linkSync(installation.at(name), installation.at("data/name"));
			const run = write(installation, installation.at("data"), "x");
			expect(writePlainly(installation, installation.at("data/name"))).toBe("written\n");
			expect(readFileSync(installation.at(name), "utf8")).toBe("evil");
			expectRefusal(run, /data\/name" writable: it is a hard link of/);
		});

		it("15.8: are allowed between other files", () => {
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

		it("15.8: are named as unknown beyond the levels that are searched, and strict refuses", () => {
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

		it.skipIf(!isRoot)("15.8: cannot be in a directory that the user can never enter (needs root)", () => {
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

/** Compiles a library whose function says a word. */
function makeLibrary(installation: Installation, path: string, word: string): void {
	const source = installation.write("part.c", `const char *part(void) { return "${word}"; }`);
	mkdirSync(dirname(installation.at(path)), { recursive: true });
	const args = ["-shared", "-fPIC", "-Wl,-soname,libpart.so", "-o", installation.at(path), source];
	const { status, stderr } = spawnSync("cc", args, { encoding: "utf8" });
	if (status !== 0) throw new Error(stderr);
}

/** Compiles a program that prints the word of the library `lib/libpart.so`. */
function linkedProgram(installation: Installation, flags: readonly string[]): string {
	makeLibrary(installation, "lib/libpart.so", "good");
	const source = installation.write(
		"program.c",
		"#include <stdio.h>\nconst char *part(void);\nint main(void) { puts(part()); }",
	);
	const program = installation.at("bin/program");
	const args = ["-o", program, source, installation.at("lib/libpart.so"), ...flags];
	const { status, stderr } = spawnSync("cc", args, { encoding: "utf8" });
	if (status !== 0) throw new Error(stderr);
	return realpathSync(program);
}
