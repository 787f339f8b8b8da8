/**
 * Builds native code for techniques that load native code, and finds the offset of the open-code hook in CPython's
 * `_PyRuntime`, which an attacker can read in CPython's headers.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { execFileSync, hasProgram } from "../outside.js";
import type { Files } from "./technique.js";

/**
 * The library prints the marker as soon as a program loads it, whatever program this is. It is also a SQLite extension
 * that does nothing.
 */
const LIBRARY = `#include <unistd.h>
static void say(void) {
	char line[] = "evil-ran-??\\n";
	volatile int number = 42;
	line[9] = '0' + number / 10;
	line[10] = '0' + number % 10;
	(void)!write(1, line, sizeof line - 1);
}
__attribute__((constructor)) static void run(void) { say(); }
unsigned la_version(unsigned version) { return version; }
int sqlite3_extension_init(void) { return 0; }
`;

/**
 * A function that prints the marker. It has no libraries, relocations or data, so its bytes can be copied to any
 * address and called.
 */
export const CODE = `void say(void) {
	volatile char line[12];
	line[0] = 'e', line[1] = 'v', line[2] = 'i', line[3] = 'l', line[4] = line[8] = '-';
	line[5] = 'r', line[6] = 'a', line[7] = 'n', line[9] = '4', line[10] = '2', line[11] = '\\n';
	long result = 1;
	__asm__ volatile("syscall" : "+a"(result) : "D"(1L), "S"(line), "d"(12L) : "rcx", "r11", "memory");
}
`;

export const hasCompiler = hasProgram("cc");

/** Builds `evil.so` and `evil.bin` in a scratch directory. Returns nothing without a compiler. */
export function buildNativeFiles(scratch: string): Files {
	if (!hasCompiler) return {};
	const at = (name: string) => `${scratch}/${name}`;
	writeFileSync(at("evil.c"), LIBRARY);
	execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", at("evil.so"), at("evil.c")]);
	writeFileSync(at("code.c"), CODE);
	execFileSync("cc", [
		"-c",
		"-fPIC",
		"-O1",
		"-fno-stack-protector",
		"-fcf-protection=none",
		"-o",
		at("code.o"),
		at("code.c"),
	]);
	execFileSync("objcopy", ["-O", "binary", "-j", ".text", at("code.o"), at("evil.bin")]);
	return { "evil.so": readFileSync(at("evil.so")), "evil.bin": readFileSync(at("evil.bin")) };
}

const OFFSET = `#define Py_BUILD_CORE 1
#include <Python.h>
#include <patchlevel.h>
#if PY_VERSION_HEX < 0x03090000
#include <internal/pycore_pystate.h>
#else
#include <internal/pycore_runtime.h>
#endif
#include <stddef.h>
#include <stdio.h>
int main(void) { printf("%zu", offsetof(_PyRuntimeState, open_code_hook)); }
`;

/** Returns the offset of the open-code hook's pointer in `_PyRuntime`, for an interpreter of this version. */
export function openCodeHookOffset(python: string, scratch: string): string {
	const ask = "import sysconfig; print(sysconfig.get_path('include'), end='')";
	const include = execFileSync(python, ["-I", "-c", ask], { encoding: "utf8" });
	const program = `${scratch}/find-offset`;
	execFileSync("cc", ["-x", "c", `-I${include}`, `-I${include}/internal`, "-o", program, "-"], { input: OFFSET });
	return execFileSync(program, { encoding: "utf8" });
}
