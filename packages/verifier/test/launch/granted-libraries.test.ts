/** Tests that `--write` refuses directories that the loader searches for libraries. */

import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { canMount, spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { expectRefusal, installed, linkedProgram, makeLibrary, mounting, write, writePlainly } from "./granted.js";
import { hasCompiler, hasLauncher, isRoot, pinned } from "./support.js";

describe.skipIf(!hasLauncher)("directories to write below (needs the launcher built)", () => {
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
		it.each(system.filter((path) => existsSync(path)))("are not %s", (directory) => {
			expectRefusal(write(installed(), directory, "x"), /lies in it|where the loader finds libraries/);
		});

		it.skipIf(!isRoot)("are not a directory in /usr/local/lib (needs root)", () => {
			const directory = temporaryDirectory(onTestFinished, "/usr/local/lib");
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
			it.each(forms)("are not those of %s", (_, flags, name) => {
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

			it("are not those above a name that only the loader can replace", () => {
				const installation = installed();
				installation.set(
					"node",
					pinned(linkedProgram(installation, [`-Wl,-rpath,$ORIGIN/../lib/$PLATFORM/x:$ORIGIN/../lib`])),
				);
				mkdirSync(installation.at("lib/x86_64/x"), { recursive: true });
				expectRefusal(write(installation, installation.at("lib/x86_64"), "x"), /where the loader finds libraries/);
			});

			it("are not one that contains the program's loader", () => {
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

		describe.skipIf(!canMount() || !existsSync("/sbin/ldconfig"))(
			"of the loader's cache (needs root, mount namespaces and ldconfig)",
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

				it.skipIf(!hasCompiler)("are not its directories", () => {
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

				it.skipIf(!hasCompiler)("are found behind the older format", () => {
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
				it.skipIf(!hasCompiler).each(damages)("may not be read from %s", (_, change) => {
					const { granted } = withCache(change);
					const { status, stderr } = granted("data");
					expect(stderr).toMatch(/"\/etc\/ld.so.cache" is damaged; run ldconfig\n$/);
					expect(status).toBe(126);
				});
			},
		);
	});
});
