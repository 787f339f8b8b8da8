/**
 * Brings a Node.js for musl from npm. Nobody publishes one there by itself, but pnpm 11 for musl is a single executable
 * application: a Node.js with a mark which tells that it has an application in it. Without the mark it is Node.js alone.
 *
 * It needs GCC's libraries for C++. Debian has them for glibc, and they work with musl, which has nearly all of the
 * functions that they call. glibc-names.c has the others. The same is true for SoftHSM and the libraries that it needs.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
	copyFileSync,
	existsSync,
	mkdtempSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { muslOf } from "./native/musl.mjs";
import { fetchedNode } from "./node-releases.mjs";

const PACKAGE = "@pnpm/linuxstatic-x64";
const RELEASE = "11.21.0";
const FOLDER = "26-musl";
const NAMES = fileURLToPath(new URL("native/glibc-names.c", import.meta.url));
const LIBRARIES = ["libstdc++.so.6", "libgcc_s.so.1", "libcrypto.so.3", "libz.so.1", "libzstd.so.1"];
/** The names by which GCC's libraries ask for glibc's loader, and Node.js for musl. */
const [GLIBC_LOADER, MUSL] = ["ld-linux-x86-64.so.2", "libc.musl-x86_64.so.1"];

/**
 * Returns the path of a Node.js for musl.
 *
 * @returns {string}
 * @throws {Error} if npm, Debian's archive or a C compiler is out of reach
 */
export function nodeForMusl() {
	const application = fetchedNode(PACKAGE, RELEASE, FOLDER, { isForeign: true, program: "pnpm" });
	const version = createHash("sha256").update(readFileSync(NAMES)).digest("hex").slice(0, 8);
	const directory = fileURLToPath(new URL(`../.cache/node/${FOLDER}/alone-${version}`, import.meta.url));
	if (!existsSync(directory)) prepare(application, directory);
	return join(directory, "node");
}

function prepare(application, directory) {
	const partial = mkdtempSync(`${directory}.`);
	try {
		const at = (name) => join(partial, name);
		const node = withPlaces(withoutMark(readFileSync(application)), muslOf("x64").loader, directory);
		writeFileSync(at("node"), node, { mode: 0o755 });
		for (const name of LIBRARIES) {
			const path = execFileSync("gcc", [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
			copyFileSync(path, at(name));
		}
		symlinkSync(join(muslOf("x64").libraries, "libc.so"), at(MUSL));
		const flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fno-stack-protector", "-U_FORTIFY_SOURCE"];
		const linking = ["-shared", "-nostdlib", `-Wl,-soname,${GLIBC_LOADER}`, "-o", at(GLIBC_LOADER)];
		execFileSync("gcc", [...flags, ...linking, NAMES], { stdio: "pipe" });
		renameSync(partial, directory);
	} catch (error) {
		// Another test file may have been faster.
		if (!existsSync(directory)) throw error;
	} finally {
		rmSync(partial, { recursive: true, force: true });
	}
}

/** Returns a single executable application as a Node.js that does not look for one (src/node_sea.cc). */
function withoutMark(program) {
	const mark = Buffer.from("NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1");
	const at = program.indexOf(mark);
	if (at < 0) throw new Error(`${PACKAGE} ${RELEASE} is no single executable application`);
	program[at + mark.length - 1] = "0".charCodeAt(0);
	return program;
}

/**
 * Returns a program with another loader, which looks for libraries in another directory (elf(5)). The tool that put the
 * application into the program has left room behind the program headers.
 */
function withPlaces(program, loader, directory) {
	const headers = Array.from(
		{ length: program.readUInt16LE(PHNUM) },
		(_, i) => Number(program.readBigUInt64LE(PHOFF)) + i * HEADER_BYTES,
	);
	const headerOf = (type) => headers.find((at) => program.readUInt32LE(at) === type);
	const room = headers.at(-1) + HEADER_BYTES;
	const texts = Buffer.from(`${loader}\0${directory}\0`);
	const isFree = program.subarray(room, room + texts.length).every((byte) => byte === 0);
	const [interp, dynamic] = [headerOf(PT_INTERP), headerOf(PT_DYNAMIC)];
	if (!isFree || interp === undefined || dynamic === undefined)
		throw new Error(`${PACKAGE} ${RELEASE} is made otherwise`);
	texts.copy(program, room);
	for (const place of [P_OFFSET, P_VADDR]) program.writeBigUInt64LE(BigInt(room), interp + place);
	program.writeBigUInt64LE(BigInt(loader.length + 1), interp + P_FILESZ);

	const entries = Number(program.readBigUInt64LE(dynamic + P_OFFSET));
	const count = Number(program.readBigUInt64LE(dynamic + P_FILESZ)) / ENTRY_BYTES;
	const places = Array.from({ length: count }, (_, i) => entries + i * ENTRY_BYTES);
	const entryOf = (tag) => places.find((at) => program.readBigUInt64LE(at) === tag);
	const [strings, debug] = [entryOf(DT_STRTAB), entryOf(DT_DEBUG)];
	// The value is the distance from the table of strings, which wraps around.
	const distance = BigInt(room + loader.length + 1) - program.readBigUInt64LE(strings + VALUE);
	program.writeBigUInt64LE(DT_RUNPATH, debug);
	program.writeBigUInt64LE(BigInt.asUintN(64, distance), debug + VALUE);
	return program;
}
const [PHOFF, PHNUM, HEADER_BYTES, ENTRY_BYTES, VALUE] = [0x20, 0x38, 56, 16, 8];
const [P_OFFSET, P_VADDR, P_FILESZ] = [8, 16, 32];
const [PT_DYNAMIC, PT_INTERP] = [2, 3];
const [DT_STRTAB, DT_DEBUG, DT_RUNPATH] = [5n, 21n, 29n];
