/**
 * Matches entry paths with globs. The globs of a catalog are signed, but a signer must not be able to keep a verifier
 * busy or to lead it out of the tree. Therefore a glob is refused if it is absolute, contains `..`, is too long, or has
 * too many wildcards or braces. A mismatch never goes back to an earlier wildcard. So for a glob without braces, the
 * number of steps is at most proportional to the length of the glob times the length of the path. `MatchSteps` limits
 * the steps for all globs and paths together.
 *
 * Supports `*` and `?` within a segment, `[a-z]` and `[!a-z]`, `**` as a whole segment, and `{a,b}`. A `\` takes away
 * the special meaning of the next character. A name that begins with a dot is a name like any other. Case matters.
 */

import type { MatchSteps } from "./match-steps.js";

/** A glob that is longer than this number of UTF-16 units is refused. */
const MAX_GLOB_UNITS = 1024;
/** A glob that has more `*` and `**` than this number is refused. */
const MAX_WILDCARDS = 16;
/**
 * A glob that has more braces than this number is refused, because a glob of a few dozen bytes with braces can expand
 * to millions of globs.
 */
const MAX_BRACES = 4;
const MAX_EXPANSIONS = 256;

/**
 * Returns the reason why an include glob is refused, both when signing and when verifying, or undefined if it can be
 * used.
 */
export function globProblem(glob: string): string | undefined {
	if (glob === "") return "it is empty";
	const common = boundProblem(glob);
	if (common !== undefined) return common;
	if (/^[/]|^[A-Za-z]:/.test(glob)) return "it is absolute, and paths are relative to the signed directory";
	if (glob.startsWith("!")) return "it begins with `!`; leave files out with an exclude pattern instead";
	if (glob.split("{").length - 1 > MAX_BRACES) return `it has more than ${MAX_BRACES} braces`;
	if (/\{[^}]*\.\.[^}]*\}/.test(glob)) return "ranges are not supported";
	if (/[@+?*!]\(/.test(glob)) return "extended patterns such as `+(a)` are not supported";
	const expansions = expandBraces(glob, MAX_EXPANSIONS);
	if (expansions === undefined) return `its braces stand for more than ${MAX_EXPANSIONS} globs`;
	for (const each of expansions) {
		const segments = segmentsOf(each);
		if (segments.includes("..")) return "it leaves the tree with `..`";
		if (segments.some((segment) => segment === "" || segment === ".")) return "it has an empty segment or a `.`";
		const problem = segments.map(classProblem).find((reason) => reason !== undefined);
		if (problem !== undefined) return problem;
	}
	return undefined;
}

/** Returns the reason why a pattern of an ignore file is refused, or undefined if it can be used. */
export function ignorePatternProblem(pattern: string): string | undefined {
	return boundProblem(pattern);
}

function boundProblem(glob: string): string | undefined {
	if (glob.length > MAX_GLOB_UNITS) return `it is longer than ${MAX_GLOB_UNITS} characters`;
	if (glob.includes("\0")) return "it contains a NUL character";
	const wildcards = glob.match(/\*+/g)?.length ?? 0;
	return wildcards > MAX_WILDCARDS ? `it has more than ${MAX_WILDCARDS} wildcards` : undefined;
}

/** Returns the total length in UTF-16 units of the globs for which the braces of a glob stand. */
export function expandedUnits(glob: string): number {
	return (expandBraces(glob, MAX_EXPANSIONS) ?? []).reduce((sum, { length }) => sum + length, 0);
}

export interface Glob {
	/** Returns true if the whole glob matches the path. @throws ERR_LIMIT */
	matches(path: Names): boolean;
	/** Returns true if a path below the directory can match. @throws ERR_LIMIT */
	leadsInto(directory: Names): boolean;
}

/** Compiles a glob that `globProblem` accepts. Each comparison of a character or name takes one step from `steps`. */
export function compileGlob(glob: string, steps: MatchSteps): Glob {
	const all = (expandBraces(glob, MAX_EXPANSIONS) ?? []).map((each) => compiledSegments(segmentsOf(each)));
	return {
		matches: (names) => all.some((segments) => matchesSegments(segments, names, steps)),
		leadsInto: (names) => {
			return all.some((segments) => {
				for (const [index, name] of names.entries()) {
					const segment = segments[index];
					if (segment === ANY_SEGMENTS) return true;
					if (segment === undefined || !matchesName(segment, name, steps)) return false;
				}
				return segments.length > names.length;
			});
		},
	};
}

/** The names of a path, each as its characters. A path is split once and matched with many globs. */
export type Names = readonly (readonly string[])[];

export function namesOf(path: string): Names {
	return path.split("/").map((name) => Array.from(name));
}

/**
 * Compiles the segments of a glob. A final `/**` matches the content of a directory, but not the directory itself, so
 * at least one name must follow the directory.
 */
function compiledSegments(segments: readonly string[]): Segment[] {
	const isContent = segments.length > 1 && segments.at(-1) === "**";
	return [...segments.slice(0, -1), ...(isContent ? ["*"] : []), ...segments.slice(-1)].map(compileSegment);
}

/**
 * Compiles a "/"-separated pattern, in which braces have no meaning. Every segment but `**` matches one name. Each
 * comparison of a character or name takes one step from `steps`.
 */
export function compileSegments(pattern: string, steps: MatchSteps): (path: Names) => boolean {
	const segments = pattern.split("/").map(compileSegment);
	return (names) => matchesSegments(segments, names, steps);
}

/** Splits a glob into its segments. Ignores a `./` at its beginning and a `/` at its end. */
function segmentsOf(glob: string): string[] {
	return glob
		.replace(/^\.\//, "")
		.replace(/(?<=.)\/$/, "")
		.split("/");
}

/** Returns the globs that braces stand for, or undefined if there are more than `most`. */
function expandBraces(glob: string, most: number): string[] | undefined {
	const open = findUnescaped(glob, "{", 0);
	if (open === -1) return [glob];
	const [commas, close] = partsOfBrace(glob, open);
	if (close === -1 || commas.length === 0) {
		const rest = expandBraces(glob.slice(open + 1), most);
		return rest?.map((each) => `${glob.slice(0, open)}\\{${each}`);
	}
	const bounds = [open, ...commas, close];
	const all: string[] = [];
	for (let i = 0; i + 1 < bounds.length; i++) {
		const alternative = glob.slice(bounds[i] + 1, bounds[i + 1]);
		const expanded = expandBraces(glob.slice(0, open) + alternative + glob.slice(close + 1), most - all.length);
		if (expanded === undefined || all.length + expanded.length > most) return undefined;
		all.push(...expanded);
	}
	return all;
}

/**
 * Returns the offsets of the commas of the brace at `open`, and the offset of the `}` that ends this brace, or -1 if
 * there is none.
 */
function partsOfBrace(glob: string, open: number): [commas: number[], close: number] {
	const commas: number[] = [];
	let depth = 0;
	for (let at = open; at < glob.length; at++) {
		if (glob[at] === "\\") at++;
		else if (glob[at] === "{") depth++;
		else if (glob[at] === "," && depth === 1) commas.push(at);
		else if (glob[at] === "}" && --depth === 0) return [commas, at];
	}
	return [commas, -1];
}

function findUnescaped(text: string, character: string, from: number): number {
	for (let at = from; at < text.length; at++) {
		if (text[at] === "\\") at++;
		else if (text[at] === character) return at;
	}
	return -1;
}

const ANY_SEGMENTS = Symbol("**");
const ANY_TEXT = Symbol("*");
const ANY_CHARACTER = Symbol("?");

/** One element of a segment: a character, a wildcard, or a class. */
type Element = string | typeof ANY_TEXT | typeof ANY_CHARACTER | CharacterClass;
type Segment = readonly Element[] | typeof ANY_SEGMENTS;

interface CharacterClass {
	readonly negated: boolean;
	readonly ranges: readonly (readonly [first: number, last: number])[];
}

function classProblem(segment: string): string | undefined {
	const start = findUnescaped(segment, "[", 0);
	if (start === -1) return undefined;
	if (segment.includes("[:")) return "named classes such as `[:alpha:]` are not supported";
	return readClass(Array.from(segment), Array.from(segment.slice(0, start)).length) === undefined
		? "a `[` in it has no `]`"
		: undefined;
}

function compileSegment(segment: string): Segment {
	if (segment === "**") return ANY_SEGMENTS;
	const characters = Array.from(segment);
	const elements: Element[] = [];
	for (let at = 0; at < characters.length; at++) {
		const character = characters[at];
		if (character === "*") {
			if (elements.at(-1) !== ANY_TEXT) elements.push(ANY_TEXT);
		} else if (character === "?") elements.push(ANY_CHARACTER);
		else if (character === "\\" && at + 1 < characters.length) elements.push(characters[++at]);
		else {
			const found = character === "[" ? readClass(characters, at) : undefined;
			elements.push(found?.characters ?? character);
			if (found !== undefined) at = found.end;
		}
	}
	return elements;
}

/**
 * Reads the character class at `start`. Returns undefined if no `]` ends the class. A `]` that is the first character
 * of a class does not end the class.
 */
function readClass(
	text: readonly string[],
	start: number,
): { readonly characters: CharacterClass; readonly end: number } | undefined {
	const negated = text[start + 1] === "!" || text[start + 1] === "^";
	const ranges: [number, number][] = [];
	const first = start + (negated ? 2 : 1);
	for (let at = first; at < text.length; at++) {
		if (text[at] === "]" && at > first) return { characters: { negated, ranges }, end: at };
		if (text[at] === "\\" && at + 1 < text.length) at++;
		const low = codePoint(text[at]);
		const isRange = text[at + 1] === "-" && at + 2 < text.length && text[at + 2] !== "]";
		if (isRange) at += text[at + 2] === "\\" && at + 3 < text.length ? 3 : 2;
		ranges.push([low, isRange ? codePoint(text[at]) : low]);
	}
	return undefined;
}

function codePoint(character: string): number {
	return character.codePointAt(0) ?? 0;
}

function matchesSegments(segments: readonly Segment[], names: Names, steps: MatchSteps): boolean {
	return matchesRun(segments, names, ANY_SEGMENTS, (segment, name) => matchesName(segment, name, steps), steps);
}

function matchesName(segment: Segment, name: readonly string[], steps: MatchSteps): boolean {
	if (segment === ANY_SEGMENTS) return true;
	return matchesRun(segment, name, ANY_TEXT, matchesCharacter, steps);
}

function matchesCharacter(element: Element, character: string): boolean {
	if (element === ANY_CHARACTER) return true;
	if (typeof element === "string") return element === character;
	if (element === ANY_TEXT) return false;
	const point = codePoint(character);
	return element.ranges.some(([first, last]) => point >= first && point <= last) !== element.negated;
}

/**
 * Returns true if the whole pattern matches all items. In the pattern, each `anyRun` (a run) stands for any number of
 * items.
 *
 * The parts before the first run match only the first items, and the parts behind the last run match only the last
 * items. Between these parts, a mismatch makes only the last run that was reached longer, by one item. This is enough,
 * because a longer earlier run would only leave fewer items to match.
 * @throws ERR_LIMIT if no steps are left
 */
function matchesRun<Part, Item>(
	pattern: readonly Part[],
	items: readonly Item[],
	anyRun: Part,
	matchesOne: (part: Part, item: Item) => boolean,
	steps: MatchSteps,
): boolean {
	const matches = (at: number, item: number) => {
		steps.spend(1);
		return matchesOne(pattern[at], items[item]);
	};
	const firstRun = pattern.indexOf(anyRun);
	const lastRun = pattern.lastIndexOf(anyRun);
	const tail = pattern.length - 1 - lastRun;
	const head = firstRun === -1 ? 0 : firstRun;
	if (firstRun === -1 ? items.length !== tail : items.length < head + tail) return false;
	for (let at = 0; at < head; at++) if (!matches(at, at)) return false;
	const end = items.length - tail;
	for (let at = 0; at < tail; at++) if (!matches(lastRun + 1 + at, end + at)) return false;
	let item = head;
	let runAt = firstRun;
	let runEnd = item;
	for (let at = firstRun; at < lastRun; ) {
		if (pattern[at] === anyRun) {
			runAt = at++;
			runEnd = item;
		} else if (item === end) return false;
		else if (matches(at, item)) {
			at++;
			item++;
		} else {
			at = runAt + 1;
			item = ++runEnd;
		}
	}
	return true;
}
