/**
 * The four targets of the prebuilt parts, and for each the compiler and the flags with which it is built on Debian for
 * x64.
 */

import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GCC_NAMES, muslOf } from "./musl.mjs";
import { run } from "./run.mjs";

/** @type {readonly { readonly name: string, readonly cpu: "arm64" | "x64", readonly libc: "glibc" | "musl" }[]} */
export const TARGETS = [
	{ name: "linux-x64", cpu: "x64", libc: "glibc" },
	{ name: "linux-x64-musl", cpu: "x64", libc: "musl" },
	{ name: "linux-arm64", cpu: "arm64", libc: "glibc" },
	{ name: "linux-arm64-musl", cpu: "arm64", libc: "musl" },
];

/** The folder in which headers of the system are linked, so that the compiler finds these and no others there. */
const LINKED = fileURLToPath(new URL("../../.cache/native-headers", import.meta.url));
const OLDER_GLIBC = fileURLToPath(new URL("older-glibc", import.meta.url));

/**
 * Returns the compiler of a target, and the arguments before and after those of a part. `kind` is `static` for a program,
 * `shared` for a library, and `gate` for the library that takes the place of functions of libc. Tests also compile a
 * `dynamic` program for musl.
 */
export function compilerOf({ cpu, libc }, kind) {
	const program = `${GCC_NAMES[cpu]}-linux-gnu-gcc`;
	// The loader needs no symbol table, and a build number would be one more thing to compare. No source may name the time
	// at which it is compiled.
	const before = ["-Wl,--build-id=none", "-Wl,-s", "-Werror=date-time"];
	if (libc === "musl") return { program, ...withMusl(program, cpu, kind, before) };
	before.push("-idirafter", headersOfOpenssl());
	if (kind === "static") return { program, before, after: [] };
	before.push("-include", `${OLDER_GLIBC}.h`, ...(kind === "gate" ? ["-DSIGTOOL_GATE"] : []));
	return { program, before, after: [`${OLDER_GLIBC}.c`] };
}

/**
 * GCC is the one for glibc, so each file that it would add is named here: the headers, what a program starts and ends
 * with, and libraries. Atomic operations stay in line, because GCC's functions for them ask glibc for the processor.
 */
function withMusl(program, cpu, kind, flags) {
	const { headers, libraries } = muslOf(cpu);
	const ofGcc = (file) => run(program, [`-print-file-name=${file}`]).trim();
	const isStatic = kind === "static";
	const starts = { static: ["rcrt1.o"], dynamic: ["Scrt1.o"] }[kind] ?? [];
	return {
		before: [
			...flags,
			...["-nostdinc", "-isystem", headers, "-isystem", ofGcc("include"), "-idirafter", headersOfLinux(program, cpu)],
			...["-nostdlib", ...(cpu === "arm64" ? ["-mno-outline-atomics"] : [])],
			...starts.map((file) => join(libraries, file)),
			...[join(libraries, "crti.o"), ofGcc("crtbeginS.o")],
		],
		after: [
			...[`-L${libraries}`, "-Wl,--start-group", "-lc", "-lgcc", ...(isStatic ? ["-lgcc_eh"] : []), "-Wl,--end-group"],
			...[ofGcc("crtendS.o"), join(libraries, "crtn.o")],
		],
	};
}

/** Debian has headers of OpenSSL for its own processor alone, in two folders. They are the same for both processors. */
function headersOfOpenssl() {
	const triplet = run("gcc", ["-print-multiarch"]).trim();
	return linked("openssl", (folder) => {
		mkdirSync(join(folder, "openssl"));
		for (const place of ["/usr/include/openssl", `/usr/include/${triplet}/openssl`]) {
			for (const file of readdirSync(place)) symlinkSync(join(place, file), join(folder, "openssl", file));
		}
	});
}

/** The headers of Linux lie among those of glibc, which a build for musl must not find. */
function headersOfLinux(program, cpu) {
	const [host, foreign] = ["/usr/include", `/usr/${GCC_NAMES[cpu]}-linux-gnu/include`];
	const root = existsSync(join(foreign, "linux")) ? foreign : host;
	const triplet = run(program, ["-print-multiarch"]).trim();
	const asm = [join(root, "asm"), join(root, triplet, "asm")].find(existsSync);
	return linked(`linux-${cpu}`, (folder) => {
		for (const name of ["linux", "asm-generic"]) symlinkSync(join(root, name), join(folder, name));
		symlinkSync(asm, join(folder, "asm"));
	});
}

/** Returns a folder of links that `fill` makes anew in each process, because headers may have come or gone. */
function linked(name, fill) {
	const folder = join(LINKED, `${name}-${process.pid}`);
	if (existsSync(folder)) return folder;
	mkdirSync(folder, { recursive: true });
	process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
	fill(folder);
	return folder;
}
