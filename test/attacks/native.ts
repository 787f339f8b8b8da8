/** Builds the C libraries for techniques that load one. */

import { readFileSync, writeFileSync } from "node:fs";
import { execFileSync, hasProgram } from "../outside.js";
import type { Library } from "./technique.js";

/** The library prints the marker as soon as a program loads it, whatever program this is. */
const EVIL = `#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void run(void) {
	char line[32];
	volatile int six = 6;
	(void)!write(1, line, snprintf(line, sizeof line, "evil-ran-%d\\n", six * 7));
}
unsigned la_version(unsigned version) { return version; }
`;
const GOOD = "int answer(void) { return 1; }\n";
/** The addon makes a context with V8 itself, as Node.js does not, and returns its global object. */
const CONTEXT = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#define NEW "_ZN2v87Context3NewEPNS_7IsolateEPNS_22ExtensionConfigurationENS_10MaybeLocalINS_" \
	"14ObjectTemplateEEENS5_INS_5ValueEEENS_33DeserializeInternalFieldsCallbackEPNS_14MicrotaskQueueE"
void *_ZN2v87Isolate10GetCurrentEv(void);
void *_ZN2v87Isolate17GetCurrentContextEv(void *isolate);
void *_ZN2v87Context6GlobalEv(void *context);
void *_ZN2v87Context16GetSecurityTokenEv(void *context);
void _ZN2v87Context16SetSecurityTokenENS_5LocalINS_5ValueEEE(void *context, void *token);
typedef void *new_context(void *, void *, void *, void *, void *, void *, void *, void *, void *, void *, void *);
void *napi_register_module_v1(void *environment, void *exports)
{
	static const char *const NAMES[] = {
		NEW "NS_30DeserializeContextDataCallbackENS_29DeserializeAPIWrapperCallbackE",
		NEW "NS_30DeserializeContextDataCallbackE",
		NEW,
	};
	void *isolate = _ZN2v87Isolate10GetCurrentEv();
	new_context *make = NULL;
	for (int i = 0; make == NULL && i < 3; i++)
		make = (new_context *)dlsym(RTLD_DEFAULT, NAMES[i]);
	void *context = make(isolate, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	void *token = _ZN2v87Context16GetSecurityTokenEv(_ZN2v87Isolate17GetCurrentContextEv(isolate));
	_ZN2v87Context16SetSecurityTokenENS_5LocalINS_5ValueEEE(context, token);
	return _ZN2v87Context6GlobalEv(context);
}
`;
/** The addon, or a library that is linked to it, opens the library that a variable names, by this expression of C. */
const opener = (open: string) => `#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
static void open_named(void)
{
	const char *name = getenv("LIBRARY");
	typedef void *open_library(const char *, int);
	if (name != NULL)
		${open};
}
int answer(void) { open_named(); return 1; }
void *napi_register_module_v1(void *environment, void *exports)
{
	open_named();
	return exports;
}
`;
const LINKED = "int answer(void);\nint ask(void) { return answer(); }\n";

export const hasCompiler = hasProgram("cc");

/**
 * Makes a library take only symbols of exactly the versions that it names, so it takes no symbol of a program that has
 * none. Linkers do not set this bit of the versions that a library needs (vna_other).
 */
function withExactVersions(file: string): Uint8Array {
	const sections = execFileSync("readelf", ["-SW", file], { encoding: "utf8" });
	const [, offset = ""] = /\.gnu\.version_r +VERNEED +[0-9a-f]+ ([0-9a-f]+)/.exec(sections) ?? [];
	const bytes = readFileSync(file);
	for (let need = Number.parseInt(offset, 16), next = -1; next !== 0; need += next) {
		next = bytes.readUInt32LE(need + 12);
		let version = need + bytes.readUInt32LE(need + 8);
		for (let left = bytes.readUInt16LE(need + 2); left > 0; left--) {
			bytes.writeUInt16LE(bytes.readUInt16LE(version + 6) | 0x8000, version + 6);
			version += bytes.readUInt32LE(version + 12);
		}
	}
	return bytes;
}

/** Builds the libraries in a scratch directory. Returns undefined without a compiler. */
export function buildLibraries(scratch: string): Readonly<Record<Library, Uint8Array>> | undefined {
	if (!hasCompiler) return undefined;
	const build = (name: string, source: string, ...more: string[]) => {
		writeFileSync(`${scratch}/${name}.c`, source);
		execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", `${scratch}/${name}`, `${scratch}/${name}.c`, ...more]);
		return readFileSync(`${scratch}/${name}`);
	};
	const good = build("libdep.so", GOOD, "-Wl,-soname,libdep.so");
	return {
		evil: build("evil.so", EVIL),
		good,
		context: build("context.node", CONTEXT),
		// The dynamic loader reads nothing behind the sections. So another library fits into these bytes.
		padded: Buffer.concat([good, new Uint8Array(100_000).fill(1)]),
		opener: build("opener.node", opener("dlopen(name, RTLD_NOW)")),
		namespace: build("namespace.node", opener("dlmopen(LM_ID_NEWLM, name, RTLD_NOW)")),
		base: build("base.node", opener("dlmopen(LM_ID_BASE, name, RTLD_NOW)")),
		lookup: build(
			"lookup.node",
			opener('((open_library *)dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "dlopen"))(name, RTLD_NOW)'),
		),
		versioned: withExactVersions(`${scratch}/opener.node`),
		filter: build("filter.node", GOOD, "-Wl,--filter=./evil.node"),
		auxiliary: build("auxiliary.node", GOOD, "-Wl,--auxiliary=./evil.node"),
		linked: build("linked.node", LINKED, `-L${scratch}`, "-l:libdep.so", "-Wl,-rpath,$ORIGIN"),
	};
}
