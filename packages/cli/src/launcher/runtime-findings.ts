/** Compares the installed programs and parts with launcher.conf. */

import { closeSync, existsSync, openSync, readSync } from "node:fs";
import type { NativeParts } from "../native/native-parts.js";
import { aboutSpython, libraryOutside } from "../python/spython.js";
import { derivedSettings } from "./derived-settings.js";
import { judged, type LauncherFinding, note, pinned, refuse, wrong } from "./finding.js";
import { askGate } from "./gate-probe.js";
import { identityOf, type LauncherConf, type PinnedFile, pin } from "./launcher-conf.js";
import { majorOf } from "./launcher-place.js";

/** Says what to do about a changed program, which an upgrade may have replaced, and about a changed part of sigtool. */
function mendsBy(again: string): { readonly program: string; readonly part: string } {
	return {
		program: `if an upgrade replaced it, run \`${again}\` as root (docs/reference/launcher.md#upgrades-of-node-and-python), else put the former back`,
		part: `run \`${again}\` as root`,
	};
}

export function nodeFindings(conf: LauncherConf, parts: NativeParts | undefined, again: string): LauncherFinding[] {
	const { node, bundle, addon, development } = conf;
	if (node === undefined || bundle === undefined) return [];
	const programs = nodeProgramFindings(conf, node, again);
	const isIntact = programs[0]?.status === "ok";
	return [
		...programs,
		pinned("hook", bundle, development, mendsBy(again).part),
		...sameAsOwn("hook", bundle.path, parts?.bundle, again),
		addon === undefined
			? note("addon", "none: the kernel is not asked about files")
			: pinned("addon", addon, development, mendsBy(again).part),
		gateFinding(conf, isIntact ? node : undefined, again),
	];
}

/** A node that is not as installed must not be run, so it is not given. */
function gateFinding(
	{ gate, development, mode }: LauncherConf,
	node: PinnedFile | undefined,
	again: string,
): LauncherFinding {
	if (gate === undefined) return note("gate", `none: ${WITHOUT_GATE}`);
	const file = pinned("gate", gate, development, mendsBy(again).part);
	const answer = file.status === "ok" && node !== undefined ? askGate(node.path, gate.path) : { has: true as const };
	if (node === undefined || answer.has) return file;
	const says = `${node.path} gets none, because ${answer.why}: ${WITHOUT_GATE}`;
	return mode === "strict" ? wrong("gate", says) : note("gate", says);
}

const WITHOUT_GATE = "JavaScript alone guards JavaScript, and strict does not start";

function nodeProgramFindings(conf: LauncherConf, node: PinnedFile, again: string) {
	const { nodeMajor, nodeIdentity, nodeNext, development } = conf;
	const program = pinned("node", node, development, mendsBy(again).program, nodeNext);
	// A program that is not as installed must not be run.
	if (program.status === "wrong") return [program];
	const version = judged("node release", () => {
		const major = majorOf(node.path);
		return major === nodeMajor ? String(major) : refuse(`it is ${major}, installed was ${nodeMajor}`);
	});
	const isMoved = version.status !== "wrong" && identityOf(node.path) !== nodeIdentity;
	const isUpgraded = isMoved && pin(node.path).sha256 !== node.sha256;
	const why = isUpgraded ? "replaced as announced" : "moved since the installation";
	const moved = `${why}: it is digested at every start; run \`${again}\` as root`;
	return [program, version, ...(isMoved ? [note("node file", moved)] : [])];
}

export function pythonFindings(conf: LauncherConf, again: string): LauncherFinding[] {
	const { python, spython, libpython, development } = conf;
	if (python === undefined || spython === undefined) return [];
	const programs = [
		pinned("python", python, development, mendsBy(again).program, conf.pythonNext),
		pinned("spython", spython, development, `run \`${again} --python SPYTHON\` as root, with the one that you built`),
		...(libpython === undefined ? [] : [pinned("libpython", libpython, development, mendsBy(again).program)]),
	];
	// A program that is not as installed must not be run.
	if (programs.some(({ status }) => status === "wrong")) return programs;
	let outside: string[] = [];
	const release = judged("python release", () => {
		const facts = aboutSpython(spython.path);
		if (facts.development && development === "refuse") refuse("it was built to trust a development identity");
		if (existsSync(conf.index)) outside = libraryOutside(facts, treesOf(conf));
		return `${facts.python}, library below ${facts.home}, keys built in: ${facts.pins.length}`;
	});
	const missing = outside.map((directory) =>
		note("library", `${directory} is not in the index: nothing is loaded from it`),
	);
	return [...programs, release, ...missing];
}

/**
 * Returns the trees that the current index and host configuration give. If one of these two files cannot be read,
 * returns the trees at the time of installation. The fault is not reported here, because another finding reports it.
 */
function treesOf(conf: LauncherConf): readonly string[] {
	try {
		return derivedSettings(conf).trees;
	} catch {
		return conf.trees;
	}
}

/** Tells whether an installed part is that of this package. A part that cannot be read counts as another one. */
export function isSameFile(installed: string, own: string): boolean {
	try {
		return pin(installed).sha256 === pin(own).sha256;
	} catch {
		return false;
	}
}

export function sameAsOwn(what: string, installed: string, own: string | undefined, again: string): LauncherFinding[] {
	if (own === undefined || isSameFile(installed, own)) return [];
	return [note(what, `of another version than this command; \`${again}\` brings them together`)];
}

/**
 * Tells whether a file is a static ELF program: its program headers, which follow the ELF header in the first 4 KiB, are
 * whole, and none is PT_INTERP (3).
 */
export function isStatic(program: string): boolean {
	const head = Buffer.alloc(4096);
	const file = openSync(program, "r");
	const length = readSync(file, head, 0, head.length, 0);
	closeSync(file);
	if (length < 64 || head.toString("latin1", 0, 4) !== "\x7fELF") return false;
	const [offset, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
	if (count === 0 || size < 56 || offset + count * size > length) return false;
	for (let i = 0; i < count; i++) if (head.readUInt32LE(offset + i * size) === 3) return false;
	return true;
}
