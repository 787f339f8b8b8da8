/**
 * Checks the floors of the C sources, by the symbols of their objects: no file uses a function or data of a floor above its
 * own, or of another place on its floor, and files do not use each other in a circle. `floors.mjs` in the folder of the
 * sources lists floors and programs.
 *
 * Usage: `node scripts/lint-native-floors.mjs [FOLDER]`; by default packages/verifier/native. Symbols are kept under .cache, by
 * the digest of the text from which they are compiled. A room that cannot be compiled here, for want of a compiler or of
 * headers, is skipped with a message, except in CI.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { circlesIn } from "./circles.mjs";

const workspace = fileURLToPath(new URL("..", import.meta.url));
const folder = resolve(process.argv[2] ?? join(workspace, "packages/verifier/native"));
const { FLOORS, PROGRAMS, REPLACED } = await import(pathToFileURL(join(folder, "floors.mjs")).href);
const kept = join(workspace, ".cache/native-floors");

/** spython is compiled for one CPython, which defines these. */
const SPYTHON = ["ABOUT", "VERSION", "RELEASE", "HOME", "EXECUTABLE", "PROGRAM", "PINS", "PRELOADED"];
const FLAGS = [
	...["-std=gnu11", "-O0", "-w", "-fPIC", "-pthread", ...output("python3-config", ["--includes"]).split(/\s+/)],
	...['-DSIGTOOL_VERSION=""', "-DSPYTHON_DEVELOPMENT=0", ...SPYTHON.map((name) => `-DSPYTHON_${name}=""`)],
].filter(Boolean);

const faults = new Set();
const skipped = new Set();
const symbols = symbolsOf([...new Set(Object.values(PROGRAMS).flat())].filter((file) => file.endsWith(".c")));
for (const sources of Object.values(PROGRAMS)) check(sources.filter((file) => symbols.has(file)));
for (const fault of faults) console.error(fault);
for (const room of skipped) console.log(`skipped: the floors of ${room}`);
console.log(`${symbols.size} files of C, ${FLOORS.length} floors, ${faults.size} faults`);
if (faults.size > 0 || (process.env.CI && skipped.size > 0)) process.exitCode = 1;

/** Adds the faults among the sources of a program. */
function check(sources) {
	const definers = new Map();
	for (const file of sources) {
		for (const name of symbols.get(file).defined) if (!REPLACED.includes(name)) definers.set(name, file);
	}
	const graph = new Map(sources.map((file) => [file, new Map()]));
	for (const file of sources) {
		for (const name of symbols.get(file).undefined) {
			const target = definers.get(name);
			if (target === undefined || target === file) continue;
			graph.get(file).set(target, name);
			checkArrow(file, target, name);
		}
	}
	for (const circle of circlesIn(new Map([...graph].map(([file, targets]) => [file, targets.keys()])))) {
		const steps = circle.slice(1).map((target, index) => ` → ${target} (${graph.get(circle[index]).get(target)})`);
		faults.add(`circle: ${circle[0]}${steps.join("")}`);
	}
}

function checkArrow(file, target, name) {
	const [from, to] = [placeOf(file), placeOf(target)];
	if (from === undefined || to === undefined) faults.add(`no floor: ${from === undefined ? file : target}`);
	else if (to.floor > from.floor) faults.add(`upward: ${file} uses ${name} of ${target}`);
	else if (to.floor === from.floor && to.place !== from.place)
		faults.add(`sideways: ${file} uses ${name} of ${target}`);
}

/** Returns the place of a file and the number of its floor: the place that names the file, else that of its folder. */
function placeOf(file) {
	const path = file.slice(0, -".c".length);
	const matches = FLOORS.flatMap((places, floor) => places.map((place) => ({ place, floor })));
	return (
		matches.find(({ place }) => pathsOf(place).includes(path)) ?? matches.find(({ place }) => place === dirname(file))
	);
}

/** Returns the paths of a place such as `trust/{state,events}`. */
function pathsOf(place) {
	const [, room, names] = /^(.*)\{(.*)\}$/.exec(place) ?? [undefined, "", place];
	return names.split(",").map((name) => `${room}${name}`);
}

/** Returns the names that each file defines and needs. Compiles the files of a folder that changed, all at once. */
function symbolsOf(files) {
	const found = new Map();
	const compiler = output("cc", ["--version"]);
	const stale = new Map();
	for (const file of files) {
		const digest = createHash("sha256")
			.update([compiler, ...FLAGS, file, textOf(file)].join("\0"))
			.digest("hex");
		const names = readKept(digest);
		if (names !== undefined) found.set(file, names);
		else stale.set(dirname(file), [...(stale.get(dirname(file)) ?? []), { file, digest }]);
	}
	mkdirSync(kept, { recursive: true });
	for (const [room, changed] of stale) {
		const objects = mkdtempSync(join(tmpdir(), "sigtool-floors-"));
		const inputs = changed.map(({ file }) => join(folder, file));
		const { error, status, stderr } = spawnSync("cc", [...FLAGS, "-c", ...inputs], { cwd: objects, encoding: "utf8" });
		if (status === 0) {
			for (const { file, digest } of changed) {
				const names = namesIn(join(objects, `${basename(file, ".c")}.o`));
				writeFileSync(join(kept, digest), JSON.stringify(names));
				found.set(file, names);
			}
		} else skipped.add(`${room}: ${error?.message ?? stderr.split("\n").find((line) => line.includes("error"))}`);
		rmSync(objects, { recursive: true });
	}
	return found;
}

/** Returns the text of a file, and of each header of ours that it includes, directly or by other headers. */
function textOf(file, seen = new Set()) {
	if (seen.has(file)) return "";
	seen.add(file);
	const text = readFileSync(join(folder, file), "utf8");
	const headers = [...text.matchAll(/^#include "(.+)"$/gm)].map(([, header]) => join(dirname(file), header));
	return [text, ...headers.map((header) => textOf(header, seen))].join("\0");
}

function readKept(digest) {
	try {
		return JSON.parse(readFileSync(join(kept, digest), "utf8"));
	} catch {
		return undefined;
	}
}

function namesIn(object) {
	const { error, status, stdout } = spawnSync("nm", [object], { encoding: "utf8" });
	if (status !== 0) throw error ?? new Error(`nm cannot read ${object}`);
	// A file for another processor has no symbols.
	const lines = [...stdout.matchAll(/ ([A-Za-z]) (\S+)$/gm)];
	const are = (kinds) => lines.filter(([, kind]) => kinds.test(kind)).map(([, , name]) => name);
	return { defined: are(/[A-TV-Z]/), undefined: are(/U/) };
}

/** Returns what a program prints, or nothing if it is not there. */
function output(program, args) {
	return spawnSync(program, args, { encoding: "utf8" }).stdout ?? "";
}
