/** Shows what the native gate says, and that it holds where a program or its caller works against it. */

import { accessSync, chmodSync, constants, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { NODE_WEB_ASSEMBLY } from "../../packages/verifier/dist/node/guards/node-web-assembly.js";
import { debianNode, LIBRARY } from "../../scripts/debian-node.mjs";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { spawnSync } from "../outside.js";
import { hasLauncher, install, type Mode, runtimeOf } from "./modes.js";
import { buildLibraries, hasCompiler } from "./native.js";
import { attack, makeSite, run } from "./site.js";
import { EVIL, type Files, RELEASES, type Release, TEXT, type Technique } from "./technique.js";

const releases = process.env.SIGTOOL_FULL === undefined ? RELEASES.filter((release) => release !== 22) : RELEASES;

interface Build {
	readonly name: string;
	readonly release: Release;
	/** Returns the path of the program. */
	readonly node: () => string;
}
const official = releases.map((release): Build => {
	return { name: `Node.js ${release}`, release, node: () => nodeOfRelease(String(release)) };
});
const debian = process.platform === "linux" ? debianNode() : undefined;

interface Options {
	readonly mode?: Mode;
	readonly node?: (root: string, node: string) => string;
	readonly through?: readonly string[];
	readonly changed?: Files;
	/** The member `runtime` of the host's policy. */
	readonly runtime?: object;
	/** The member `stderr` of `audit`, in the host configuration. */
	readonly stderr?: string;
	/** The member `files` of the host's policy. */
	readonly files?: object;
	/** The modes that signed files get after they were signed. */
	readonly modes?: Readonly<Record<string, number>>;
}

/** Signs files and runs `main.js` of them. Returns the run, with the events that the process wrote to its file. */
async function tried(
	{ release, node: original }: Build,
	signed: Files,
	{ mode = "gate", node, through, changed, runtime: rules, files, stderr, modes = {} }: Options = {},
) {
	const root = nosuidDirectory();
	const runtime = runtimeOf(mode, release, node?.(root, original()) ?? original(), root);
	const technique: Technique = {
		name: "program",
		signed,
		...(changed && { changed }),
		...(through && { through: () => through }),
	};
	const libraries = hasCompiler ? buildLibraries(root) : undefined;
	const site = makeSite(root, runtime, [technique], libraries);
	const log = join(root, "events.jsonl");
	writeFileSync(log, "");
	const policy = join(root, "policy.json");
	writeFileSync(policy, JSON.stringify({ version: 1, ...(rules && { runtime: rules }), ...(files && { files }) }));
	const hasPolicy = rules !== undefined || files !== undefined;
	const audit = { jsonLines: log, ...(stderr !== undefined && { stderr }) };
	await install(root, runtime, { log, configuration: () => ({ audit, ...(hasPolicy && { policy }) }) });
	attack(site, technique, libraries);
	for (const [path, mode] of Object.entries(modes)) chmodSync(join(root, "app", technique.name, path), mode);
	const result = await run(site, technique, runtime);
	const events = existsSync(log) ? readFileSync(log, "utf8").split("\n").slice(0, -1) : [];
	return { ...result, events: events.map((line): Record<string, unknown> => JSON.parse(line)) };
}

describe.skipIf(!hasLauncher || process.arch !== "x64")("the native gate (needs the launcher built, x64)", () => {
	const judge = (build: Build) => {
		const { release } = build;
		test("ends a program that brings text, and writes the event where the program cannot reach", async () => {
			// The program closes every descriptor, again and again, in all of its threads.
			const { evil, status, events } = await tried(build, {
				"main.js": `${TEXT}
					const { Worker } = require("worker_threads");
					new Worker(__dirname + "/close.js");
					require("./close.js");
					setTimeout(() => new (require("vm").Script)(text).runInThisContext(), 200);`,
				"close.js": `
					const fs = require("fs");
					setInterval(() => {
						for (let fd = 5; fd < 1100; fd++) {
							try { if (!/anon_inode|pipe|socket/.test(fs.readlinkSync("/proc/self/fd/" + fd))) fs.closeSync(fd); } catch {}
						}
					}, 1);`,
			});
			expect([evil, status]).toEqual([false, 126]);
			const last = events.at(-1);
			expect(last).toMatchObject({ event: "gate.intrusion", verdict: "refuse", kind: "script" });
			expect(last?.reason).toBe("ERR_UNTRUSTED_CODE");
		});

		test.each(["off", "refusals", "all"])("tells standard error of what it refuses, with %s", async (stderr) => {
			const { evil, status, output } = await tried(
				build,
				{
					"main.js": `${TEXT}
						try { eval("6 * 7"); } catch {}
						new (require("vm").Script)(text).runInThisContext();`,
				},
				{ stderr },
			);
			expect([evil, status]).toEqual([false, 126]);
			const lines = output.split("\n").filter((line) => line.includes('"verdict":"refuse"'));
			expect(lines).toEqual(
				["code.string", "gate.intrusion"].map((event) => expect.stringContaining(`"event":"${event}"`)),
			);
		});

		test("writes the event also if the program has used every descriptor", async () => {
			const { evil, status, events } = await tried(build, {
				"main.js": `${TEXT}
					const { Script } = require("vm");
					const fs = require("fs");
					try { for (;;) fs.openSync("/dev/null"); } catch {}
					new Script(text).runInThisContext();`,
			});
			expect([evil, status, events.at(-1)?.event]).toEqual([false, 126, "gate.intrusion"]);
		});

		if (release > 20)
			test("leaves in SQLite no function that calls an address, and full-text search works", async () => {
				const program = `
				const { DatabaseSync } = require("node:sqlite");
				const database = new DatabaseSync(":memory:");
				database.exec("create virtual table t using fts3(a); insert into t values ('one two')");
				console.log(database.prepare("select count(*) n from t where t match 'two'").get().n);
				for (const name of ["fts3_tokenizer", "FTS3_TOKENIZER", "\\u00ffts3_tokenizer"]) {
					try { console.log(database.prepare("select " + name + "(?) p").get("simple").p.length); } catch (error) { console.log(error.message); }
				}`;
				const files = { "main.js": program.replaceAll("\\\\", "\\") };
				const unguarded = await tried(build, files, { mode: "unguarded" });
				expect(unguarded.output).toMatch(/^1\n8\n8\n/m);
				for (const mode of ["gate", "enforce", "strict"] as const) {
					const { output } = await tried(build, files, { mode });
					expect(output.match(/no such function/g)).toHaveLength(3);
					expect(output).toMatch(/^1$/m);
				}
			});

		test.skipIf(!hasCompiler)("lets SQLite call no function of libc by way of a signed library", async () => {
			const { output, status, events } = await tried(build, {
				"main.js": `
					const sqlite = process.getBuiltinModule("node:sqlite");
					if (sqlite === undefined) process.exit(126);
					const database = new sqlite.DatabaseSync(":memory:", { allowExtension: true });
					database.loadExtension(__dirname + "/good.so", "puts");
					console.log("called");`,
				"good.so": { library: "good" },
			});
			expect(output).not.toContain("called");
			expect(status).toBe(126);
			if (release > 20) expect(events.at(-1)).toMatchObject({ event: "gate.intrusion", kind: "symbol", path: "puts" });
		});

		if (release > 20)
			test.skipIf(!hasCompiler)(
				"lets SQLite call no entry function of a signed addon, which process.dlopen() may",
				async () => {
					const { output, status, events } = await tried(build, {
						"main.js": `
						const addon = { exports: {} };
						process.dlopen(addon, __dirname + "/opener.node");
						console.log("loaded");
						const { DatabaseSync } = require("node:sqlite");
						const database = new DatabaseSync(":memory:", { allowExtension: true });
						try { database.loadExtension(__dirname + "/opener.node", "napi_register_module_v1"); } catch {}
						console.log("called");`,
						"opener.node": { library: "opener" },
					});
					expect([output.includes("loaded"), output.includes("called"), status]).toEqual([true, false, 126]);
					expect(events.at(-1)).toMatchObject({
						event: "gate.intrusion",
						kind: "symbol",
						path: "napi_register_module_v1",
					});
				},
			);

		test("names the member of the policy that refuses eval, once for each text, in every thread and context", async () => {
			const { output, status } = await tried(build, {
				"main.js": `
					const caught = [];
					for (let i = 0; i < 3; i++) try { eval("6 + 1"); } catch (error) { caught.push(error.name); }
					try { require("vm").runInNewContext.call(undefined, ""); } catch {}
					new (require("worker_threads").Worker)(__dirname + "/inner.js").on("exit", () => console.log(caught.join()));`,
				"inner.js": `try { Function("return 6 + 1")(); } catch (error) { console.log("worker", error.name); }`,
			});
			expect(status).toBe(0);
			expect(output).toContain("EvalError,EvalError,EvalError");
			expect(output).toContain("worker EvalError");
			const lines = output.split("\n").filter((line) => line.includes('"code.string"'));
			expect(lines).toHaveLength(2);
			for (const line of lines) expect(line).toContain("runtime.stringCode of the policy refuses it");
		});

		test("admits a text that is signed, whoever compiles it", async () => {
			const { output, status } = await tried(build, {
				"main.js": `
					const text = require("fs").readFileSync(__dirname + "/part.js", "utf8");
					console.log(eval(text), new (require("vm").Script)(text).runInThisContext());`,
				"part.js": "6 * 7",
			});
			expect([status, output]).toEqual([0, "42 42\n"]);
		});

		test("stringCode: signed lets signed text run, and no other", async () => {
			const files = {
				"main.js": `
					const text = require("fs").readFileSync(__dirname + "/part.js", "utf8");
					const { runInThisContext, runInNewContext } = require("vm");
					console.log(eval(text), runInThisContext(text), runInNewContext(text));
					try { eval("6 + 1"); } catch (error) { console.log(error.name); }
					runInThisContext("6 + 2");
					console.log("not reached");`,
				"part.js": "6 * 7",
			};
			const { output, status } = await tried(build, files, { mode: "enforce", runtime: { stringCode: "signed" } });
			expect(status).toBe(126);
			expect(output).toContain("42 42 42\n");
			expect(output).toContain("EvalError");
			expect(output).not.toContain("not reached");
			const hookAlone = await tried(build, files, { mode: "hook", runtime: { stringCode: "signed" } });
			expect(hookAlone.output).toContain("needs the native gate");
		});

		test("compiles the text in place of bytecode, whatever the bytecode is", async () => {
			const { evil, output, status } = await tried(build, {
				// V8 would take the text from its own cache if this thread had compiled it before.
				"main.js": `
					const { Script } = require("vm");
					const text = require("fs").readFileSync(__dirname + "/good.js", "utf8");
					new (require("worker_threads").Worker)(__dirname + "/make.js").on("message", (cachedData) => {
						const script = new Script(text, { cachedData });
						console.log(script.runInThisContext(), script.cachedDataRejected);
					});`,
				"make.js": `
					const text = require("fs").readFileSync(__dirname + "/good.js", "utf8");
					require("worker_threads").parentPort.postMessage(new (require("vm").Script)(text).createCachedData());`,
				"good.js": "'compiled'",
			});
			expect([evil, status, output]).toEqual([false, 0, "compiled true\n"]);
		});

		if (release > 20)
			test("knows TypeScript without types, however it is named", async () => {
				const files = {
					"main.js": `
						require("./plain.ts");
						import("./plain.mts?query#fragment").then(() => import("./plain.cts?query"));`,
					"plain.ts": "console.log('required');\n",
					"plain.mts": "console.log('imported');\nexport {};\n",
					"plain.cts": "console.log('imported CommonJS');\n",
				};
				const { output, status } = await tried(build, files, { mode: "enforce" });
				expect(status).toBe(0);
				expect(output).toMatch(/^required\nimported\nimported CommonJS$/m);
			});

		test("has no node:ffi", async () => {
			const { output } = await tried(build, {
				"main.js": `
					const { Worker } = require("worker_threads");
					try {
						new Worker(__dirname + "/ffi.js", { execArgv: ["--experimental-ffi"] }).on("error", (error) => console.log("refused", error.code ?? error.message));
					} catch (error) { console.log("refused", error.code); }`,
				"ffi.js": `const ffi = process.getBuiltinModule("node:ffi"); if (ffi === undefined) throw new Error("none"); console.log("has it");`,
			});
			expect(output).toContain("refused");
			expect(output).not.toContain("has it");
		});

		test.skipIf(!hasCompiler)(
			"loads an addon with the signed library beside it, twice, and writes nowhere",
			async () => {
				const files: Files = {
					"main.js": `
					const { Worker, isMainThread } = require("worker_threads");
					try { require("./linked.node"); } catch (error) { console.log(/self-register/.test(error.message) ? "loaded" : error.message); }
					if (isMainThread) new Worker(__filename);`,
					"linked.node": { library: "linked" },
					"libdep.so": { library: "good" },
				};
				const { output, status } = await tried(build, files, { mode: "enforce" });
				expect([status, output.match(/^loaded$/gm)]).toEqual([0, ["loaded", "loaded"]]);
				const changed = await tried(build, files, { mode: "enforce", changed: { "libdep.so": { library: "evil" } } });
				expect(changed).toMatchObject({ evil: false, status: 126 });
				expect(changed.output).toContain("is named by no signature");

				const rules = { mode: "enforce", files: { othersWrite: "refuse" } } as const;
				const usual = await tried(build, files, rules);
				expect([usual.status, usual.output.match(/^loaded$/gm)]).toEqual([0, ["loaded", "loaded"]]);
				const modes = { "libdep.so": 0o775 };
				const writable = await tried(build, files, { ...rules, modes });
				expect(writable.output).toContain("its mode 0775 lets its group or others write it");
				expect(writable.output).not.toMatch(/^loaded$/m);
				expect(writable.events).toContainEqual(
					expect.objectContaining({
						event: "module.dlopen",
						verdict: "refuse",
						reason: "ERR_FILE_WRITABLE",
						detail: expect.stringMatching(/libdep\.so" is refused: .*owner \d+, mode 0775/),
					}),
				);
			},
		);
	};
	describe.each(official)("in $name", judge);
	describe.skipIf(debian === undefined)(`in Debian's Node.js (needs ${LIBRARY} and apt-get)`, () => {
		const build: Build = { name: "Debian's Node.js", release: 20, node: () => debian ?? "" };
		judge(build);

		// 20.19 has a function in Module._extensions for `.mjs`, which 20.20 has no more.
		test("the hook alone refuses a changed module by require()", async () => {
			const files = { "main.js": `require("./dep.mjs");`, "dep.mjs": "export default 1;" };
			const changed = { "dep.mjs": EVIL };
			expect(await tried(build, files, { mode: "unguarded", changed })).toMatchObject({ evil: true });
			const { evil, output } = await tried(build, files, { mode: "hook", changed });
			expect([evil, output]).toEqual([false, expect.stringContaining("ERR_FILE_MODIFIED")]);
		});
	});

	const [build = official[0] as Build] = official.slice(-1);

	test("an unknown build of Node.js has no gate: strict refuses it, and enforce says what is missing", async () => {
		const changed = (root: string, node: string) => {
			const copy = join(root, "node");
			copyFileSync(node, copy);
			writeFileSync(copy, withOtherInstruction(readFileSync(node)));
			return copy;
		};
		const files = { "main.js": "console.log('ran')" };
		const strict = await tried(build, files, { mode: "strict", node: changed });
		expect(strict).toMatchObject({ status: 126 });
		expect(strict.output).toMatch(/Cannot enforce strictly: there is no native gate .*known first instructions/);
		const { status, output, events } = await tried(build, files, { mode: "enforce", node: changed });
		expect([status, output]).toEqual([0, expect.stringContaining("ran")]);
		expect(String(events.find(({ event }) => event === "verifier.start")?.missing)).toContain("native-gate");
	});

	test("a gate that the loader cannot load ends the start", async () => {
		// The loader needs a descriptor for the library, and the launcher leaves none.
		const through = ["sh", "-c", 'ulimit -n 9; exec "$@"', "sh"];
		const { status, output } = await tried(build, { "main.js": "console.log('ran')" }, { mode: "enforce", through });
		expect(status).not.toBe(0);
		expect(output).not.toContain("ran\n");
	});

	const [newest] = official.filter(({ release }) => release === 26);
	test
		.skipIf(newest === undefined)
		.each(process.env.SIGTOOL_FULL === undefined ? ["useSnapshot"] : ["useSnapshot", "useCodeCache"])(
		"a single executable application with %s does not start, although its digest is that of the settings",
		async (option) => {
			const signed = { "main.js": "console.log('ran')" };
			const node = (root: string, original: string) => {
				const text = `const say = () => process._rawDebug(\`evil-ran-\${6 * 7}\`);
					const { startupSnapshot } = require("v8");
					if (startupSnapshot.isBuildingSnapshot()) startupSnapshot.setDeserializeMainFunction(say); else say();`;
				const [main, output, settings] = ["sea.js", "sea", "sea.json"].map((name) => join(root, name)) as [
					string,
					string,
					string,
				];
				writeFileSync(main, text);
				writeFileSync(settings, JSON.stringify({ main, output, disableExperimentalSEAWarning: true, [option]: true }));
				const made = spawnSync(original, ["--build-sea", settings], { encoding: "utf8" });
				expect([made.status, spawnSync(output, { encoding: "utf8" }).stderr]).toEqual([0, "evil-ran-42\n"]);
				return output;
			};
			const { evil, status, output } = await tried(newest as Build, signed, { mode: "strict", node });
			expect([evil, status, output]).toEqual([false, 126, expect.stringContaining("single executable application")]);
		},
	);

	test.each(official)(
		"a single executable application does not start either if the gate does not know its $name",
		async ({ name, release, node: original }) => {
			const node = (root: string) => {
				const copy = join(root, "node");
				copyFileSync(original(), copy);
				writeFileSync(copy, ofAnApplication(readFileSync(original())));
				return copy;
			};
			const files = { "main.js": "console.log('ran')" };
			const { status, output } = await tried({ name, release, node: original }, files, { mode: "enforce", node });
			expect([status, output]).toEqual([126, expect.stringContaining("single executable application")]);
		},
	);

	test.each([
		["opens another file with their numbers", "false"],
		["opens another file with their numbers, and then the file of events", "true"],
	])("no event is lost while a thread closes descriptors and %s", async (_, goesBack) => {
		const count = 20_000;
		const { events, output } = await tried(
			build,
			{
				"main.js": `
					const { Worker } = require("worker_threads");
					const stop = new Int32Array(new SharedArrayBuffer(4));
					eval("0");
					new Worker(__dirname + "/exchange.js", { workerData: { stop, data: process.argv[2] } });
					setTimeout(() => {
						let sum = 0;
						for (let i = 1; i <= ${count}; i++) sum += eval("1+" + i) - i;
						console.log("made", sum);
						Atomics.store(stop, 0, 1);
					}, 300);`,
				"exchange.js": `
					const fs = require("fs"), { stop, data } = require("worker_threads").workerData;
					const taken = [], target = (number) => { try { return fs.readlinkSync("/proc/self/fd/" + number); } catch { return ""; } };
					while (!Atomics.load(stop, 0)) {
						for (let number = 3; number < 32; number++) {
							const events = target(number);
							if (!events.endsWith("/events.jsonl")) continue;
							fs.closeSync(number);
							const other = fs.openSync(data + "/other", "a");
							if (!${goesBack}) { taken.push(other); continue; }
							try { fs.closeSync(other); } catch {}
							taken.push(fs.openSync(events, "a"));
						}
						for (const number of taken.splice(0, taken.length > 8 ? 8 : 0)) if (target(number).endsWith("/other")) fs.closeSync(number);
					}`,
			},
			{ mode: "enforce" },
		);
		expect(output).toContain(`made ${count}`);
		const digests = events.filter(({ event }) => event === "code.string").map(({ sha256 }) => sha256);
		expect(new Set(digests).size).toBe(count + 1);
	});

	test("a caller that ignores SIGCHLD changes nothing", async () => {
		const through = ["sh", "-c", 'trap "" CHLD; exec "$@"', "sh"];
		expect(await tried(build, { "main.js": "console.log('ran')" }, { mode: "enforce", through })).toMatchObject({
			status: 0,
			output: expect.stringContaining("ran"),
		});
	});

	// The kernel gives the next thread the number behind this one, if root asks for it.
	const LAST = "/proc/sys/kernel/ns_last_pid";
	test.skipIf(!hasCompiler || !isWritable(LAST))(
		"takes no library for another, if numbers of threads come again",
		async () => {
			const count = 12;
			// Nothing here starts a process, which would take the number.
			const helper = `i=0; while [ $i -lt ${count} ] && [ -d "$1" ]; do
			if [ -f "$1/want$i" ]; then read -r n < "$1/want$i"; echo "$n" > ${LAST}; : > "$1/done$i"; i=$((i + 1)); fi
		done`;
			const { output, status } = await tried(
				build,
				{
					"main.js": `
					const fs = require("fs"), data = process.argv[2];
					const mapped = () => new Set(fs.readFileSync("/proc/self/maps", "latin1").split("\\n")
						.filter((line) => line.includes("sigtool-library")).map((line) => line.split(/\\s+/)[4])).size;
					const last = () => Number(fs.readFileSync("/proc/loadavg", "latin1").split(" ")[4]);
					const open = (i) => { try { process.dlopen({ exports: {} }, __dirname + "/" + i + ".node"); } catch {} };
					const before = last();
					open("first");
					const after = last();
					for (let i = 0; i < ${count}; i++) {
						const number = before + Math.floor(i / 2) % Math.max(1, after - before);
						fs.writeFileSync(data + "/next", number + "\\n");
						fs.renameSync(data + "/next", data + "/want" + i);
						while (!fs.existsSync(data + "/done" + i));
						open(i);
					}
					console.log("mapped", mapped());`,
					"first.node": { library: "good" },
					...Object.fromEntries(
						Array.from({ length: count }, (_, i) => [`${i}.node`, { library: "good", padding: i + 1 } as const]),
					),
				},
				{ through: ["sh", "-c", `for data; do :; done; (${helper.replaceAll("$1", "$data")}) & exec "$@"`, "sh"] },
			);
			expect([status, output.match(/mapped \d+/)?.[0]]).toEqual([0, `mapped ${count + 1}`]);
		},
	);

	test("knows the WebAssembly of Node.js that the hook knows", () => {
		const known = readFileSync(new URL("../../packages/verifier/native/gate/known.c", import.meta.url), "utf8");
		for (const digest of NODE_WEB_ASSEMBLY) expect(known).toContain(`"${digest}"`);
	});

	test.each(releases)("knows the texts that Node.js %i compiles from literals of its own sources", (release) => {
		const known = readFileSync(new URL("../../packages/verifier/native/gate/known.c", import.meta.url), "utf8");
		const script = `
			const { createHash } = require("crypto");
			const text = process.binding("natives")["internal/util"];
			const from = text.indexOf("runInNewContext(\`") + 17;
			console.log(createHash("sha256").update(text.slice(from, text.indexOf("\`,", from))).digest("hex"));`;
		const node = nodeOfRelease(String(release));
		const { stdout } = spawnSync(node, ["--no-warnings", "-e", script], { encoding: "utf8" });
		expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
		expect(known).toContain(stdout.trim());
	});
});

function isWritable(file: string): boolean {
	try {
		accessSync(file, constants.W_OK);
		return true;
	} catch {
		return false;
	}
}

/** Returns the program with another instruction of the same meaning at the beginning of one function of V8. */
function withOtherInstruction(program: Buffer): Buffer {
	const symbol = "_ZN2v87Context30AllowCodeGenerationFromStringsEb";
	const at = offsetOf(program, symbol);
	const changed = Buffer.from(program);
	expect(changed.subarray(at, at + 4).toString("hex")).toBe("554889e5"); // push rbp; mov rbp, rsp
	changed.write("55488bec", at, "hex"); // the other encoding of mov
	return changed;
}

/** Returns the program as one that says it has an application in it, and that exports a function of V8 by another name. */
function ofAnApplication(program: Buffer): Buffer {
	const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:";
	const NAME = "_ZN2v814ScriptCompiler22CompileUnboundInternalE";
	const changed = Buffer.from(program);
	changed.write("1", program.indexOf(`${FUSE}0`) + FUSE.length, "latin1");
	for (let at = program.indexOf(NAME); at !== -1; at = program.indexOf(NAME, at + 1))
		changed.write("X", at + NAME.length - 2, "latin1");
	return changed;
}

/** Returns the offset in a 64-bit ELF file of a function that it exports. */
function offsetOf(elf: Buffer, symbol: string): number {
	const sections = Number(elf.readBigUInt64LE(0x28));
	const section = (index: number) => {
		const at = sections + index * 64;
		const [address, offset, size] = [0x10, 0x18, 0x20].map((field) => Number(elf.readBigUInt64LE(at + field)));
		return { type: elf.readUInt32LE(at + 4), link: elf.readUInt32LE(at + 0x28), address, offset, size };
	};
	const all = Array.from({ length: elf.readUInt16LE(0x3c) }, (_, index) => section(index));
	const symbols = all.find(({ type }) => type === 11);
	const strings = all[symbols?.link ?? 0];
	if (symbols?.offset === undefined || symbols.size === undefined || strings?.offset === undefined)
		throw new Error("no symbols");
	for (let at = symbols.offset; at < symbols.offset + symbols.size; at += 24) {
		const name = strings.offset + elf.readUInt32LE(at);
		if (elf.subarray(name, name + symbol.length + 1).toString("latin1") !== `${symbol}\0`) continue;
		const address = Number(elf.readBigUInt64LE(at + 8));
		const code = all.find(
			(each) =>
				address >= (each.address ?? 0) && address < (each.address ?? 0) + (each.size ?? 0) && each.address !== 0,
		);
		return address - (code?.address ?? 0) + (code?.offset ?? 0);
	}
	throw new Error(`no ${symbol}`);
}
