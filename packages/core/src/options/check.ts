/**
 * Checks the arguments of public functions against tables, before the functions run. Every fault is ERR_USAGE, and the
 * message names the member. An option that is misspelt or of another type must never silently get its default.
 *
 * A function gets copies of the objects, lists and Maps that `object`, `listOf` and `mapOf` have checked. It therefore
 * sees exactly the members that these checks have seen, even if a member is computed at each access. An object that
 * `made` accepts is not copied.
 */

import { quote, SigtoolError } from "../errors.js";

/** Returns the problem of a value, or the value that a function gets in its place. */
export interface Check<T> {
	(value: unknown): Problem | Accepted;
	/**
	 * This member is never set. It makes `Check<T>` invariant in T, so that the compiler refuses a check for more or
	 * fewer values than those of the type T.
	 */
	readonly exactly?: (value: T) => T;
}

export interface Accepted {
	readonly accepted: unknown;
}

export interface Problem {
	/** The member, such as `.trust` or `.deny[2].kind`. It is empty if the problem is in the value itself. */
	readonly at: string;
	/** The rest of a sentence whose subject is the member. It contains no value, which could be a secret. */
	readonly reason: string;
}

type Callable = (...values: never[]) => unknown;

/**
 * The name and the check of each parameter, in order. Messages name the members of `options` without the prefix
 * `options`.
 */
export type ParameterChecks<F> = F extends (...values: infer Values) => unknown
	? { readonly [Index in keyof Values]-?: readonly [name: string, check: Check<Values[Index]>] }
	: never;

/**
 * Returns the functions of a module that have a row in the table. Each function first makes the checks of its row. If a
 * check fails, an async function rejects its promise with ERR_USAGE, and any other function throws ERR_USAGE.
 */
export function checkedFunctions<Module extends object, Name extends keyof Module & string>(
	module: Module,
	table: { readonly [Each in Name]: ParameterChecks<Module[Each]> },
): Pick<Module, Name> {
	const rows: Readonly<Record<string, readonly Row[]>> = table;
	const entries = Object.entries(rows).map(([name, row]) => {
		const run = module[name as Name] as Callable; // ParameterChecks is `never` for a value that is no function.
		return [name, checked(name, run, row)];
	});
	return Object.fromEntries(entries) as Pick<Module, Name>; // Each function keeps its parameters and result.
}

type AnyCheck = (value: unknown) => Problem | Accepted;
type Row = readonly [name: string, check: AnyCheck];

function checked(name: string, run: Callable, row: readonly Row[]): Callable {
	const call = run as (...values: unknown[]) => unknown; // The row checks the values before the call.
	const isAsync = run instanceof AsyncFunction;
	return (...values: unknown[]) => {
		let accepted: readonly unknown[];
		try {
			accepted = acceptedValues(name, row, values);
		} catch (error) {
			if (isAsync) return Promise.reject(error);
			throw error;
		}
		return call(...accepted);
	};
}

const AsyncFunction = (async () => {}).constructor as new () => Callable; // This constructor has no global name.

/** @throws ERR_USAGE */
function acceptedValues(name: string, row: readonly Row[], values: readonly unknown[]): readonly unknown[] {
	return row.map(([parameter, check], index) => {
		const result = check(values[index]);
		if ("accepted" in result) return result.accepted;
		const member = parameter === "options" ? result.at.slice(1) : `${parameter}${result.at}`;
		throw new SigtoolError("ERR_USAGE", `Cannot call ${name}(): ${quote(member || parameter)} ${result.reason}`);
	});
}

export const text: Check<string> = (value) => (typeof value === "string" ? accept(value) : wrong(value, "text"));

/** Accepts text that the pattern matches. Messages use `description` as the name of such a text. */
export function textLike(pattern: RegExp, description: string): Check<string> {
	return (value) => {
		if (typeof value === "string" && pattern.test(value)) return accept(value);
		return typeof value === "string" ? { at: "", reason: `must be ${description}` } : wrong(value, description);
	};
}

/** Accepts a SHA-256 in lower-case hexadecimal, because digests are compared in this form. */
export const sha256Text = textLike(/^[0-9a-f]{64}$/, "a SHA-256 in 64 lower-case hexadecimal digits");

export const finiteNumber: Check<number> = (value) => {
	return Number.isFinite(value) ? accept(value) : wrong(value, "a number");
};

/** Accepts an integer of at least `least`. */
export function wholeNumber(least: number): Check<number> {
	const what = `a whole number of at least ${least}`;
	return (value) => {
		if (typeof value !== "number") return wrong(value, what);
		return Number.isSafeInteger(value) && value >= least ? accept(value) : { at: "", reason: `must be ${what}` };
	};
}

export const truth: Check<boolean> = (value) => {
	return typeof value === "boolean" ? accept(value) : wrong(value, "true or false");
};

export const bytes: Check<Uint8Array> = (value) => {
	return value instanceof Uint8Array ? accept(value) : wrong(value, "bytes, a Uint8Array");
};

export const anything: Check<unknown> = accept;

export function callback<F extends Callable>(): Check<F> {
	return (value) => (typeof value === "function" ? accept(value) : wrong(value, "a function"));
}

/** Accepts undefined and every value that `check` accepts. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
	return (value) => (value === undefined ? accept(value) : check(value));
}

export function oneOf<const Word extends string>(...words: readonly Word[]): Check<Word> {
	const list = words.map((word) => `"${word}"`).join(" or ");
	return (value) => {
		if (words.some((word) => word === value)) return accept(value);
		const given = typeof value === "string" ? `, not ${quote(value)}` : undefined;
		return given === undefined ? wrong(value, list) : { at: "", reason: `must be ${list}${given}` };
	};
}

export function listOf<T>(check: Check<T>, what = "a list"): Check<readonly T[]> {
	return (value) => {
		if (!Array.isArray(value)) return wrong(value, what);
		const items: readonly unknown[] = value;
		const accepted: unknown[] = [];
		for (let index = 0; index < items.length; index++) {
			const result = check(items[index]);
			if (!("accepted" in result)) return { at: `[${index}]${result.at}`, reason: result.reason };
			accepted.push(result.accepted);
		}
		return accept(accepted);
	};
}

/** Accepts a list of at least one item. It is for functions that would do nothing with an empty list. */
export function someOf<T>(check: Check<T>, what = "a list"): Check<readonly T[]> {
	const all = listOf(check, what);
	return (value) => {
		const isEmpty = Array.isArray(value) && value.length === 0;
		return isEmpty ? { at: "", reason: `must be ${what} with at least one item` } : all(value);
	};
}

/** Accepts a Map. Another object with `get` and `entries`, such as a URLSearchParams, is refused. */
export function mapOf<Key, Value>(
	keys: Check<Key>,
	values: Check<Value>,
	what: string,
): Check<ReadonlyMap<Key, Value>> {
	return (value) => {
		const entries = entriesOf(value);
		if (entries === undefined) return wrong(value, `a Map ${what}`);
		const accepted = new Map<unknown, unknown>();
		for (const [key, item] of entries) {
			const checkedKey = keys(key);
			if (!("accepted" in checkedKey)) return { at: "", reason: `has a key that ${checkedKey.reason}` };
			const checkedItem = values(item);
			if (!("accepted" in checkedItem)) return { at: "", reason: `has a value that ${checkedItem.reason}` };
			accepted.set(checkedKey.accepted, checkedItem.accepted);
		}
		return accept(accepted);
	};
}

/** Returns undefined if the value is no Map. Maps of other realms, which are no instances of this one, are Maps too. */
function entriesOf(value: unknown): Iterable<[unknown, unknown]> | undefined {
	try {
		return Map.prototype.entries.call(value as Map<unknown, unknown>); // Throws a TypeError for any other value.
	} catch {
		return undefined;
	}
}

/** Accepts every value that one of the two checks accepts. The problem of any other value comes from `first`. */
export function either<A, B>(first: Check<A>, second: Check<B>): Check<A | B> {
	return (value) => {
		const result = second(value);
		return "accepted" in result ? result : first(value);
	};
}

/**
 * Accepts an object that has at least these members, and does not check their values. Usually another function of this
 * library has made the object.
 */
export function made<T extends object>(what: string, ...members: readonly (keyof T & string)[]): Check<T> {
	return (value) => {
		const isMade = typeof value === "object" && value !== null && members.every((member) => member in value);
		return isMade ? accept(value) : wrong(value, what);
	};
}

/**
 * Accepts a plain object that has no other members than these, and whose members pass their checks. The members must be
 * members of the object itself, not of its prototype. If the object is absent and `what` is not given, the problem
 * names the first member that is required.
 */
export function object<T extends object>(members: ObjectChecks<T>, what?: string): Check<T> {
	const checks: Readonly<Record<string, AnyCheck>> = members;
	const names = Object.keys(checks);
	return (value) => {
		const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
		if (!isObject && (value !== undefined || what !== undefined)) return wrong(value, what ?? "an object");
		const problem = isObject ? shapeProblem(value, names) : undefined;
		if (problem !== undefined) return problem;
		const accepted: Record<string, unknown> = isObject ? { ...value } : {};
		for (const name of names) {
			const result = checks[name](Object.hasOwn(accepted, name) ? accepted[name] : undefined);
			if (!("accepted" in result)) return { at: `.${name}${result.at}`, reason: result.reason };
			if (Object.hasOwn(accepted, name)) accepted[name] = result.accepted;
		}
		return isObject ? accept(accepted) : wrong(value, "an object");
	};
}

/**
 * Refuses members that have another name, come from a prototype, or are not enumerable, because the copy or the
 * function would ignore them. Returns undefined if there are none.
 */
function shapeProblem(value: object, names: readonly string[]): Problem | undefined {
	const own = Object.getOwnPropertyNames(value);
	const unknown = own.find((name) => !names.includes(name));
	if (unknown !== undefined) return { at: `.${unknown}`, reason: `is not an option${suggestion(unknown, names)}` };
	const hidden = own.find((name) => !Object.prototype.propertyIsEnumerable.call(value, name));
	if (hidden !== undefined) return { at: `.${hidden}`, reason: "must be enumerable" };
	const inherited = names.find((name) => name in value && !Object.hasOwn(value, name));
	if (inherited !== undefined) {
		return { at: `.${inherited}`, reason: "is inherited: it must be a member of the object itself" };
	}
	return isPlain(value) ? undefined : { at: "", reason: "must be a plain object, not one with another prototype" };
}

/** Returns true for an object without prototype, and for one whose prototype is the `Object.prototype` of any realm. */
function isPlain(value: object): boolean {
	const prototype: unknown = Object.getPrototypeOf(value);
	if (prototype === null || prototype === Object.prototype) return true;
	return (
		typeof prototype === "object" &&
		Object.getPrototypeOf(prototype) === null &&
		Object.hasOwn(prototype, "constructor") &&
		Object.hasOwn(prototype, "propertyIsEnumerable")
	);
}

export type ObjectChecks<T> = { readonly [Name in keyof T]-?: Check<T[Name]> };

/** Accepts an object that the check from `choose` accepts. `choose` selects the check for each object. */
export function shaped<T extends object>(choose: (value: object) => AnyCheck): Check<T> {
	return (value) => choose(typeof value === "object" && value !== null ? value : {})(value);
}

function accept(value: unknown): Accepted {
	return { accepted: value };
}

function wrong(value: unknown, what: string): Problem {
	return {
		at: "",
		reason: value === undefined ? `is missing: it must be ${what}` : `must be ${what}, not ${kind(value)}`,
	};
}

function kind(value: unknown): string {
	if (value === null) return "null";
	if (Array.isArray(value)) return "a list";
	if (value instanceof Promise) return "a promise; await it";
	if (value instanceof Uint8Array) return "bytes";
	if (typeof value === "string") return "text";
	return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * Returns a hint with the name that was probably meant: the nearest of `names`, if it differs in at most two letters.
 */
function suggestion(name: string, names: readonly string[]): string {
	const distances = names.map((each) => [each, editDistance(name.toLowerCase(), each.toLowerCase())] as const);
	const [nearest] = distances.sort(([, a], [, b]) => a - b);
	return nearest !== undefined && nearest[1] <= 2 ? `; did you mean ${quote(nearest[0])}?` : "";
}

/** Returns Levenshtein's distance of two texts. */
function editDistance(from: string, to: string): number {
	let row = Array.from({ length: to.length + 1 }, (_, index) => index);
	for (let i = 1; i <= from.length; i++) {
		const next = [i];
		for (let j = 1; j <= to.length; j++) {
			const isSame = from[i - 1] === to[j - 1];
			next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (isSame ? 0 : 1)));
		}
		row = next;
	}
	return row[to.length];
}

/** All checks of this file, for other packages. */
export const argumentChecks = {
	anything,
	bytes,
	callback,
	checkedFunctions,
	either,
	finiteNumber,
	listOf,
	made,
	mapOf,
	object,
	oneOf,
	optional,
	sha256Text,
	shaped,
	someOf,
	text,
	textLike,
	truth,
	wholeNumber,
};
