/**
 * Compares the files of a tree with a signed set. Each difference becomes a finding with a code, and the comparison
 * goes on after a finding.
 */

import { type ErrorCode, quote, type SigtoolError } from "../../errors.js";
import { type CarriedAttribute, ENTRY_KIND, entryPathAt, type Manifest } from "../manifest.js";
import { comparePathBytes } from "../paths/entry-path.js";
import { createPathTree } from "../paths/path-tree.js";
import { hashWithOtherLineEnds } from "./line-ends.js";
import { containsLink, isTextOfLink } from "./link-texts.js";
import { withWholeDirectories } from "./whole-directories.js";

/** The signed files and links by entry path. A signed set is evidence only if its catalogs were verified. */
export interface SignedSet {
	readonly files: ReadonlyMap<string, SignedFile>;
	/** The target of each signed symbolic link. */
	readonly links: ReadonlyMap<string, string>;
}

export interface SignedFile {
	/** The ENTRY_KIND of the digest, or -1 if the kind is unknown. Digests of different kinds cannot be compared. */
	readonly kind: number;
	/** The digest has 32 bytes, or 20 in a legacy catalog. It is empty for a zero-length file. */
	readonly digest: Uint8Array;
	/**
	 * The SHA-256 of the whole file, which sigtool signs for images and cabinets. It is absent if it was not signed.
	 */
	readonly wholeSha256?: Uint8Array;
	/** The POSIX mode bits, or -1 if none were recorded. */
	readonly mode: number;
	/** The extended attributes that the catalog carries for the file. They are not compared. */
	readonly carried?: readonly CarriedAttribute[];
}

/** A difference, or a reason why an entry could not be compared: an error as a value. */
export interface Finding {
	readonly code: ErrorCode;
	/** The entry path, or the digest in hexadecimal if a missing member has no name. */
	readonly path: string;
	/** A line that names the entry and tells what is wrong. */
	readonly message: string;
	/** The signed digest in hexadecimal, the signed link target, or the signed mode in octal. */
	readonly expected?: string;
	/** The digest, link target or mode that was found, in the form of `expected`. */
	readonly actual?: string;
	/**
	 * The topmost directory above the entry that is missing as a whole, or was added as a whole. It is absent if there
	 * is no such directory.
	 */
	readonly directory?: string;
}

export interface CompareOptions {
	/**
	 * The value `compare` means that execute and set-ID bits are compared. Systems without these bits need `ignore`.
	 */
	readonly modes: "compare" | "ignore";
}

/** The mode bits that decide what may run: execute for user, group and others, set-user-ID and set-group-ID. */
export const EXECUTE_AND_SET_ID = 0o6111;

const COLLISIONS: ReadonlySet<ErrorCode> = new Set(["ERR_PATH_CASE_COLLISION", "ERR_PATH_NFC_COLLISION"]);

/** Returns the differences in path order. Each signed file is accepted at its own path only. */
export function compareByPath(manifest: Manifest, signed: SignedSet, options: CompareOptions): Finding[] {
	const findings: Finding[] = manifest.problems.map(problemFinding);
	// A name that collides with another one is still compared, with everything below it.
	const unread = findings.filter(({ code, path }) => path !== "" && !COLLISIONS.has(code)).map(({ path }) => path);
	// Entries below a directory that could not be listed are not reported as missing, because they may be there.
	const unreadable = createPathTree(unread);
	const seen = new Set<string>(unread);
	let owners: Map<string, string> | undefined;
	for (let index = 0; index < manifest.count; index++) {
		const path = entryPathAt(manifest, index);
		const file = signed.files.get(path);
		const target = signed.links.get(path);
		if (file === undefined && target === undefined) {
			findings.push({ code: "ERR_FILE_ADDED", path, message: `${quote(path)} was added: no signature covers it` });
			continue;
		}
		seen.add(path);
		const isLink = manifest.kinds[index] === ENTRY_KIND.link;
		if (file === undefined || isLink) {
			const found = isLink ? manifest.linkTargets.get(index) : undefined;
			const isText = (link: string) =>
				isLink ? file !== undefined && isTextOfLink(file.digest, link) : containsLink(`${manifest.root}/${path}`, link);
			const change = compareLink(path, target, found, isText);
			if (change !== undefined) findings.push(change);
			continue;
		}
		const digest = digestOf(manifest, index);
		if (!equalBytes(digest, file.digest) || !isOfKind(file.kind, manifest.kinds[index])) {
			owners ??= pathsByDigest(signed);
			findings.push(modified(manifest, index, path, file.digest, owners.get(key(digest))));
		} else {
			const change = compareUncovered(manifest, index, path, [file.wholeSha256]);
			if (change !== undefined) findings.push(change);
		}
		if (options.modes === "compare") {
			const change = compareMode(path, file.mode, manifest.modes[index]);
			if (change !== undefined) findings.push(change);
		}
	}
	for (const paths of [signed.files, signed.links]) {
		for (const path of paths.keys()) {
			if (seen.has(path) || unreadable.covers(path)) continue;
			findings.push({ code: "ERR_FILE_MISSING", path, message: `${quote(path)} is missing` });
		}
	}
	return inPathOrder(
		withWholeDirectories(findings, {
			found: () => foundPaths(manifest),
			signed: () => [...signed.files.keys(), ...signed.links.keys()],
		}),
	);
}

function* foundPaths(manifest: Manifest): Generator<string> {
	for (let index = 0; index < manifest.count; index++) yield entryPathAt(manifest, index);
	for (const { path } of manifest.problems) if (path !== undefined) yield path;
}

/** A signed digest and the name by which it is reported. */
export interface SignedDigest {
	/** See `SignedFile.kind`. */
	readonly kind: number;
	readonly digest: Uint8Array;
	/** See `SignedFile.wholeSha256`. */
	readonly wholeSha256?: Uint8Array;
	readonly name: string;
}

/**
 * Returns the differences in path order. A file is accepted at any path if its digest is signed. A link is accepted
 * only at its own path.
 */
export function compareByDigest(
	manifest: Manifest,
	signed: readonly SignedDigest[],
	links: ReadonlyMap<string, string> = new Map(),
): Finding[] {
	const findings: Finding[] = manifest.problems.map(problemFinding);
	const names = new Map<string, string>();
	const wholes = new Map<string, (Uint8Array | undefined)[]>();
	for (const { kind, digest, wholeSha256, name } of signed) {
		const signedKey = kindKey(kind, digest);
		names.set(signedKey, name);
		if (kind === ENTRY_KIND.pe || kind === ENTRY_KIND.cab) {
			wholes.set(signedKey, [...(wholes.get(signedKey) ?? []), wholeSha256]);
		}
	}
	/**
	 * Returns the key of `names` under which this digest was signed, either with this kind or with an unknown kind.
	 * Returns undefined if this digest was not signed.
	 */
	const known = (kind: number, digest: Uint8Array) => {
		return [kindKey(kind, digest), kindKey(-1, digest)].find((candidate) => names.has(candidate));
	};
	const seen = new Set<string>();
	for (let index = 0; index < manifest.count; index++) {
		const path = entryPathAt(manifest, index);
		const kind = manifest.kinds[index];
		if (kind === ENTRY_KIND.link) {
			if (links.get(path) === manifest.linkTargets.get(index)) continue;
			const message = `${quote(path)} is a symbolic link that was not signed`;
			findings.push({ code: "ERR_NOT_A_MEMBER", path, message });
			continue;
		}
		const digest = digestOf(manifest, index);
		const match = known(kind, digest);
		if (match !== undefined) {
			seen.add(match);
			const change = compareUncovered(manifest, index, path, wholes.get(match) ?? [undefined]);
			if (change !== undefined) findings.push(change);
			continue;
		}
		const ends = matchingLineEnds(manifest, index, (other) => {
			const otherMatch = known(kind, other);
			if (otherMatch !== undefined) seen.add(otherMatch);
			return otherMatch !== undefined;
		});
		const hint = ends === undefined ? "" : `; with ${ends} line ends it would be`;
		const message = `${quote(path)} is not a member of the catalog${hint}`;
		findings.push({ code: "ERR_NOT_A_MEMBER", path, message, actual: hex(digest) });
	}
	for (const [kindAndDigest, name] of names) {
		if (seen.has(kindAndDigest)) continue;
		const expected = Buffer.from(kindAndDigest.slice(1), "latin1").toString("hex");
		const message = `no file has the content that was signed as ${quote(name)}`;
		findings.push({ code: "ERR_FILE_MISSING", path: name, message, expected });
	}
	return inPathOrder(findings);
}

function problemFinding(problem: SigtoolError): Finding {
	return { code: problem.code, path: problem.path ?? "", message: problem.message };
}

/**
 * Compares the signed target with the one that was found. Either is undefined if there was a file in the link's place;
 * then `isText` tells if this file has a target as its text.
 */
function compareLink(
	path: string,
	expected: string | undefined,
	actual: string | undefined,
	isText: (target: string) => boolean,
): Finding | undefined {
	if (expected === actual) return undefined;
	const was = expected === undefined ? "a file" : `a link to ${quote(expected)}`;
	const is = actual === undefined ? "a file" : `a link to ${quote(actual)}`;
	const target = expected ?? actual;
	const hint =
		(expected === undefined || actual === undefined) && target !== undefined && isText(target)
			? "; the file has the link's target as its text, as git writes it without core.symlinks=true"
			: "";
	const message = `${quote(path)} was signed as ${was} and is ${is}${hint}`;
	return { code: "ERR_LINK_CHANGED", path, message, expected, actual };
}

/** Returns undefined if the execute and set-ID bits are as signed, or if no mode was signed (-1). */
export function compareMode(path: string, signed: number, found: number): Finding | undefined {
	if (signed === -1 || ((signed ^ found) & EXECUTE_AND_SET_ID) === 0) return undefined;
	const expected = signed.toString(8);
	const actual = found.toString(8);
	const message = `${quote(path)} has mode ${actual}, signed with ${expected}`;
	return { code: "ERR_MODE_CHANGED", path, message, expected, actual };
}

/**
 * Judges the bytes of an image or a cabinet that its digest does not cover. For each signed entry with this digest,
 * `signed` has the signed SHA-256 of the whole file, or undefined if none was signed. The bytes are accepted if the
 * whole file has one of these SHA-256, or if an element is undefined and the bytes are well-formed signatures.
 */
function compareUncovered(
	manifest: Manifest,
	index: number,
	path: string,
	signed: readonly (Uint8Array | undefined)[],
): Finding | undefined {
	const kind = manifest.kinds[index];
	if (kind !== ENTRY_KIND.pe && kind !== ENTRY_KIND.cab) return undefined;
	const whole = manifest.wholeFiles?.get(index);
	if (whole !== undefined && signed.some((each) => each !== undefined && equalBytes(each, whole.sha256)))
		return undefined;
	if (signed.includes(undefined)) {
		if (whole?.signatures === "well-formed") return undefined;
		const message = `${quote(path)} holds unsigned bytes: what its Authenticode digest leaves out is not well-formed signatures up to the end of the file`;
		return { code: "ERR_UNSIGNED_BYTES", path, message };
	}
	const message = `${quote(path)} was modified in the bytes that Authenticode does not cover: its checksum or what lies behind its signature`;
	const expected = hex(signed[0] ?? EMPTY);
	return { code: "ERR_FILE_MODIFIED", path, message, expected, actual: whole && hex(whole.sha256) };
}

function modified(
	manifest: Manifest,
	index: number,
	path: string,
	expected: Uint8Array,
	owner: string | undefined,
): Finding {
	const digest = digestOf(manifest, index);
	let hint = "";
	if (owner !== undefined) hint = `; its content was signed as ${quote(owner)}`;
	else {
		const ends = matchingLineEnds(manifest, index, (other) => equalBytes(other, expected));
		if (ends !== undefined) hint = `; with ${ends} line ends it would match`;
	}
	const message = `${quote(path)} was modified${hint}`;
	return { code: "ERR_FILE_MODIFIED", path, message, expected: hex(expected), actual: hex(digest) };
}

/** Returns an empty array for a zero-length file, which has no member and no digest in a catalog. */
function digestOf(manifest: Manifest, index: number): Uint8Array {
	const { digestBytes } = manifest;
	if (manifest.sizes[index] === 0) return EMPTY;
	return manifest.digests.subarray(index * digestBytes, (index + 1) * digestBytes);
}

/**
 * Returns the line ends with which a text file would have a digest that `matches` accepts, or undefined if neither CRLF
 * nor LF would give such a digest.
 */
function matchingLineEnds(
	manifest: Manifest,
	index: number,
	matches: (digest: Uint8Array) => boolean,
): "CRLF" | "LF" | undefined {
	if (manifest.kinds[index] !== ENTRY_KIND.file) return undefined;
	const algorithm = manifest.digestBytes === 20 ? "sha1" : "sha256";
	const { crlf, lf } = hashWithOtherLineEnds(`${manifest.root}/${entryPathAt(manifest, index)}`, algorithm);
	if (crlf !== undefined && matches(crlf)) return "CRLF";
	return lf !== undefined && matches(lf) ? "LF" : undefined;
}

function inPathOrder(findings: Finding[]): Finding[] {
	return findings.sort((a, b) => comparePathBytes(a.path, b.path));
}

function pathsByDigest(signed: SignedSet): Map<string, string> {
	const paths = new Map<string, string>();
	for (const [path, { digest }] of signed.files) paths.set(key(digest), path);
	paths.delete("");
	return paths;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
	if (a.length !== b.length) return false;
	for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
	return true;
}

const EMPTY = new Uint8Array(0);

/** Returns one character for the kind (`?` if the kind is unknown), followed by the digest in Latin-1. */
function kindKey(kind: number, digest: Uint8Array): string {
	return (kind === -1 ? "?" : String(kind)) + key(digest);
}

function isOfKind(signed: number, found: number): boolean {
	return signed === -1 || signed === found;
}

function key(digest: Uint8Array): string {
	return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString("latin1");
}

export function hex(digest: Uint8Array): string {
	return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString("hex");
}

/** This is the value of `CompareOptions.modes` for the present system. Windows has no POSIX modes to compare. */
export const HOST_MODES = process.platform === "win32" ? "ignore" : "compare";
