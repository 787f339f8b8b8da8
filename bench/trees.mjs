import { execFileSync } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { freemem } from "node:os";
import { join } from "node:path";

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * The direct dependencies of tree A. No package contains PE files, because a catalog has another kind of digest for PE
 * files.
 */
const PACKAGES = [
	"@babel/core@7.29.13",
	"@babel/preset-env@7.29.14",
	"@swc/core@1.16.22",
	"aws-sdk@2.1693.0",
	"core-js@3.51.0",
	"date-fns@4.4.0",
	"eslint@9.39.5",
	"jest@30.5.2",
	"lodash@4.18.1",
	"monaco-editor@0.57.0",
	"next@16.4.6",
	"react@19.3.1",
	"react-dom@19.3.1",
	"rxjs@7.8.2",
	"three@0.187.0",
	"typescript@5.9.3",
	"webpack@5.112.2",
];

/**
 * For each tree, the largest number of files, of bytes to read, and of bytes on disk (in 4 KiB blocks). `build` fills
 * an empty directory.
 */
const RECIPES = {
	A: { files: 39_000, bytes: 700 * MIB, disk: 1500 * MIB, build: installPackages },
	B: grid({ seed: "B", directories: 1000, filesEach: 100, minBytes: KIB, maxBytes: 8 * KIB }),
	"B-quick": grid({ seed: "B", directories: 100, filesEach: 100, minBytes: KIB, maxBytes: 8 * KIB }),
	C: grid({ seed: "C", directories: 1, filesEach: 20, minBytes: 256 * MIB, maxBytes: 256 * MIB }),
	"C-quick": grid({ seed: "C", directories: 1, filesEach: 4, minBytes: 256 * MIB, maxBytes: 256 * MIB }),
	D: grid({ seed: "D", directories: 1, filesEach: 1000, minBytes: MIB, maxBytes: MIB }),
	M: grid({ seed: "M", directories: 1000, filesEach: 1000, minBytes: 16, maxBytes: 64 }),
};

/**
 * Returns the reference tree `name` under `cacheDir`, and builds it on first use. A tree without `<name>.json` beside
 * it is not complete. The content is the same on every machine, except in tree A, where the versions of indirect
 * dependencies vary.
 *
 * @returns {{ path: string, files: number, bytes: number }}
 * @throws {Error} if the disk or the free memory is too small for the tree, or if the registry cannot be reached
 */
export function referenceTree(name, cacheDir) {
	const path = join(cacheDir, name);
	const stamp = `${path}.json`;
	const recipe = RECIPES[name];
	if (recipe.bytes > freemem()) {
		throw new Error(`Cannot keep tree ${name} in memory: ${mib(recipe.bytes)} needed, ${mib(freemem())} available`);
	}
	if (!existsSync(stamp)) {
		mkdirSync(cacheDir, { recursive: true });
		checkDisk(name, recipe, cacheDir);
		const partial = `${path}.partial`;
		rmSync(partial, { recursive: true, force: true });
		rmSync(path, { recursive: true, force: true });
		mkdirSync(partial);
		recipe.build(partial);
		renameSync(partial, path);
		writeFileSync(stamp, JSON.stringify(measure(path)));
	}
	return { path, ...JSON.parse(readFileSync(stamp, "utf8")) };
}

function checkDisk(name, { files, disk }, cacheDir) {
	const { bavail, bsize, ffree } = statfsSync(cacheDir);
	if (bavail * bsize < disk * 1.1) {
		throw new Error(`Cannot build tree ${name}: ${mib(disk)} of disk needed, ${mib(bavail * bsize)} free`);
	}
	// File systems without an inode table (btrfs) report 0.
	if (ffree > 0 && ffree < files * 1.1) {
		throw new Error(`Cannot build tree ${name}: ${files} inodes needed, ${ffree} free`);
	}
}

/** Describes a tree of `directories` × `filesEach` files, with sizes spread evenly from `minBytes` to `maxBytes`. */
function grid({ seed, directories, filesEach, minBytes, maxBytes }) {
	const files = directories * filesEach;
	return {
		files,
		bytes: (files * (minBytes + maxBytes)) / 2,
		disk: files * Math.ceil((minBytes + maxBytes) / 2 / 4096 + 0.5) * 4096,
		build(root) {
			const random = keystream(seed);
			for (let d = 0; d < directories; d++) {
				const directory = join(root, `d${String(d).padStart(4, "0")}`);
				mkdirSync(directory);
				for (let f = 0; f < filesEach; f++) {
					const sizeBytes = minBytes + (random(4).readUInt32LE() % (maxBytes - minBytes + 1));
					writeFileSync(join(directory, `f${String(f).padStart(4, "0")}`), random(sizeBytes));
				}
			}
		},
	};
}

/** Returns deterministic bytes: AES-128-CTR with a key made from `seed`. */
function keystream(seed) {
	const key = createHash("sha256").update(seed).digest().subarray(0, 16);
	const cipher = createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
	return (sizeBytes) => cipher.update(Buffer.alloc(sizeBytes));
}

/** Installs the packages of tree A, without links in .bin, because hashing tools treat links in different ways. */
function installPackages(root) {
	writeFileSync(join(root, "package.json"), '{ "private": true }\n');
	const flags = ["--no-bin-links", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--save-exact"];
	execFileSync("npm", ["install", ...flags, ...PACKAGES], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
}

function measure(root) {
	const total = { files: 0, bytes: 0 };
	const sizes = execFileSync("find", [root, "-type", "f", "-printf", "%s\n"], {
		encoding: "utf8",
		maxBuffer: 64 * MIB,
	});
	for (const size of sizes.trimEnd().split("\n")) {
		total.files++;
		total.bytes += Number(size);
	}
	return total;
}

function mib(bytes) {
	return `${Math.ceil(bytes / MIB)} MiB`;
}
