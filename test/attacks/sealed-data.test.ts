/** Shows that nobody can write to what the native gate decides by, once the program has begun. */

import { readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BUILT, NATIVE } from "../../packages/verifier/test/launch/support.js";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { execFileSync, hasProgram } from "../outside.js";
import { hasLauncher, install, runtimeOf } from "./modes.js";
import { attack, makeSite, run } from "./site.js";
import { RELEASES, type Release, TEXT, type Technique } from "./technique.js";

/**
 * The variables of the gate that stay writable, each with the reason. Whoever adds a variable that decides what may run
 * marks it DECIDES (native/shared/process/decisions.h) instead.
 */
const WRITABLE: Readonly<Record<string, string>> = {
	arenas: "the arenas of ArrayBuffers: they decide where bytes are, not what runs",
	copies: "the arena of texts that the gate judges: it decides where they are, not what runs",
	thread: "whose memory V8 asks for next in this thread",
	has_begun_here: "whose memory V8 asks for while this thread starts",
	pages: "the arena of resizable ArrayBuffers",
	mutex: "a lock",
	lock: "a lock",
	once: "a start that happens once; what it fills in is sealed, so a second time ends the process",
	writable: "the end of the window for the next text, which never reaches a text before it",
	pass: "a thread's right to compile WebAssembly, which depends on a secret that is sealed",
	awaits_addon: "a wrong value lets SQLite call an entry function of an addon, which crashes",
	is_last_addon: "a wrong value lets SQLite call an entry function of an addon, which crashes",
	all_loaded: "copies that the gate has judged and loaded; it leads to loaded libraries alone",
	number: "names of copies",
	has_hook: "says how refused WebAssembly ends: by an error, or with the process",
	added: "denials after the start, which refuse; a write can take them away",
	added_count: "for events",
	denied_grounds: "denials after the start",
	prevented: "denials after the start",
	seen: "which file of denials, and which content, was looked at last",
	settled: "which file of denials was looked at last",
	next: "when denials are looked for",
	looking: "who looks for denials",
	ends: "ends that have passed, which the clock tells too",
	is_needed: "an end that has passed, which the clock tells too",
	type: "only the process that verifies the index uses it",
	attribute: "only the process that verifies the index uses it",
	found: "only the process that verifies the index uses it",
	given: "only the process that verifies the index uses it",
	buffer: "files that are digested before the program begins",
	kept: "the environment that the program starts with",
	text: "the environment that the program starts with",
	message: "messages",
	is_kept: "a mapping that keeps a file from being removed",
	is_absent: "a call that the kernel lacks",
	was_refused: "a second thread that digests, which the kernel refuses",
	count: "for events",
	told: "for events",
	opened: "for events",
	opened_flags: "for events",
	answers: "for events",
	is_stuck: "for events",
	is_done: "for events",
	is_cut: "for events",
	remembered: "for events",
	is_remembered: "for events",
	file: "for events",
	size_before: "for events",
	dropped: "for events",
	reported: "for events",
	waiting: "for events",
	owner: "for events",
	kinds: "for events",
	uses: "for events",
	sigtool_audit_semaphore: "for events",
	completed: "of the C compiler",
	__cpu_model: "of the C compiler",
	__cpu_features2: "of the C compiler",
	__dso_handle: "of the C compiler",
	__TMC_END__: "of the C compiler",
};
const GATE = join(BUILT, "gate.so");

/** The kernel knows mseal(2), so that native code cannot make the pages writable again. */
const [major = 0, minor = 0] = release().split(".").map(Number);
const knowsMseal = major > 6 || (major === 6 && minor >= 10);

/** The addon writes to a variable of the gate, or where a pointer there leads, maybe after it has asked for writable pages. */
type How = "variable" | "pointer" | "variable after mprotect()";
const writer = (offset: number, how: How) => `#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <sys/mman.h>
#include "trust/trust.h"
void *napi_register_module_v1(void *environment, void *exports)
{
	Dl_info gate;
	if (dladdr(dlsym(RTLD_DEFAULT, "sigtool_gate_lacks"), &gate) == 0)
		return exports;
	char *place = (char *)gate.dli_fbase + ${offset};
	if (${how.endsWith("mprotect()")})
		mprotect((void *)((uintptr_t)place & ~4095UL), 4096, PROT_READ | PROT_WRITE);
	if (${how === "pointer"})
		*(volatile char *)*(char **)place = 1;
	else
		((volatile struct rules *)place)->string_code = STRING_CODE_ALLOW;
	return exports;
}
`;

interface Symbol {
	readonly offset: number;
	readonly name: string;
}

/** Returns the variables of the gate that lie in writable sections, and all of its variables. */
function variables(): { readonly writable: readonly string[]; readonly all: readonly Symbol[] } {
	const sections = new Map<string, string>();
	for (const line of execFileSync("readelf", ["-SW", GATE], { encoding: "utf8" }).split("\n")) {
		const found = /^\s*\[\s*(\d+)\]\s+(\S+)/.exec(line);
		if (found?.[1] !== undefined && found[2] !== undefined) sections.set(found[1], found[2]);
	}
	const all = [];
	const writable = [];
	for (const line of execFileSync("readelf", ["-sW", GATE], { encoding: "utf8" }).split("\n")) {
		const [, value = "", , type = "", , , section = "", symbol = ""] = line.trim().split(/\s+/);
		if (!["OBJECT", "TLS", "NOTYPE"].includes(type)) continue;
		const name = symbol.replace(/\.\d+$/, "");
		all.push({ offset: Number.parseInt(value, 16), name });
		if (/^\.(data|bss|tdata|tbss|probes)$/.test(sections.get(section) ?? "")) writable.push(name);
	}
	return { writable, all };
}

describe.skipIf(!hasLauncher || !hasProgram("readelf"))("the data by which the gate decides", () => {
	test("is not among its writable variables", () => {
		const { writable } = variables();
		expect(writable.length).toBeGreaterThan(20);
		expect(writable.filter((name) => !(name in WRITABLE))).toEqual([]);
		expect(Object.keys(WRITABLE).filter((name) => !writable.includes(name))).toEqual([]);
	});

	const places = [
		["rules", "variable"],
		...(knowsMseal ? [["rules", "variable after mprotect()"] as const] : []),
		["room", "pointer"],
		["table", "pointer"],
		["known", "pointer"],
		["chunks", "pointer"],
	] as const;
	const cases = places.flatMap(([name, how]) => RELEASES.map((release) => [name, how, release] as const));
	test.skipIf(process.arch !== "x64" || !hasProgram("cc")).each(cases)(
		"cannot be written by native code: %s (%s), Node.js %i",
		async (name, how, release: Release) => {
			const offset = variables().all.find((each) => each.name === name)?.offset;
			const root = nosuidDirectory();
			writeFileSync(join(root, "writer.c"), writer(offset ?? 0, how));
			execFileSync("cc", ["-shared", "-fPIC", "-I", NATIVE, "-o", join(root, "writer.node"), join(root, "writer.c")]);
			const technique: Technique = {
				name: "program",
				signed: {
					"main.js": `${TEXT}
						const { Script } = require("vm");
						require("fs").readFileSync(__filename); require("./long.js");
						console.log("before");
						process.dlopen({ exports: {} }, __dirname + "/writer.node");
						console.log("written");
						new Script(text).runInThisContext();`,
					"long.js": `// ${"-".repeat(5000)}`,
					"writer.node": readFileSync(join(root, "writer.node")),
				},
			};
			// The hook's first file decides what `known` leads to. Elsewhere the gate alone has to refuse.
			const runtime = runtimeOf(name === "known" ? "strict" : "gate", release, nodeOfRelease(String(release)), root);
			const site = makeSite(root, runtime, [technique], undefined);
			await install(root, runtime);
			attack(site, technique, undefined);
			const { evil, output, status } = await run(site, technique, runtime);
			expect(output).toContain("before");
			expect([evil, output.includes("written"), status]).toEqual([false, false, null]);
		},
	);
});
