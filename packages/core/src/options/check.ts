/**
 * Checks the arguments of public functions against tables, before the functions run. Every fault is ERR_USAGE, and the
 * message names the member. An option that is misspelt or of another type must never silently get its default.
 */

import { quote, SigtoolError } from "../errors.js";

/** Returns the problem of a value, or undefined if the value is accepted. */
export interface Check<T> {
	(value: unknown): Problem | undefined;
	/**
	 * Is never set. It makes the type invariant, so that the compiler forces a check to accept exactly the values of
	 * the type.
	 */
	readonly exactly?: (value: T) => T;
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
 * check fails, an async function rejects its promise, and any other function throws.
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

type Row = readonly [name: string, check: (value: unknown) => Problem | undefined];

function checked(name: string, run: Callable, row: readonly Row[]): Callable {
	const call = run as (...values: unknown[]) => unknown; // The row checks the values before the call.
	const isAsync = run instanceof AsyncFunction;
	return (...values: unknown[]) => {
		try {
			requireFit(name, row, values);
		} catch (error) {
			if (isAsync) return Promise.reject(error);
			throw error;
		}
		return call(...values);
	};
}

const AsyncFunction = (async () => {}).constructor as new () => Callable; // This constructor has no global name.

/** @throws ERR_USAGE */
function requireFit(name: string, row: readonly Row[], values: readonly unknown[]): void {
	for (const [index, [parameter, check]] of row.entries()) {
		const problem = check(values[index]);
		if (problem === undefined) continue;
		const member = parameter === "options" ? problem.at.slice(1) : `${parameter}${problem.at}`;
		throw new SigtoolError("ERR_USAGE", `Cannot call ${name}(): ${quote(member || parameter)} ${problem.reason}`);
	}
}

export const text: Check<string> = (value) => (typeof value === "string" ? undefined : wrong(value, "text"));

export const finiteNumber: Check<number> = (value) => {
	return Number.isFinite(value) ? undefined : wrong(value, "a number");
};

export const truth: Check<boolean> = (value) => {
	return typeof value === "boolean" ? undefined : wrong(value, "true or false");
};

export const bytes: Check<Uint8Array> = (value) => {
	return value instanceof Uint8Array ? undefined : wrong(value, "bytes, a Uint8Array");
};

export const anything: Check<unknown> = () => undefined;

export function callback<F extends Callable>(): Check<F> {
	return (value) => (typeof value === "function" ? undefined : wrong(value, "a function"));
}

/** Accepts undefined and every value that `check` accepts. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
	return (value) => (value === undefined ? undefined : check(value));
}

export function oneOf<const Word extends string>(...words: readonly Word[]): Check<Word> {
	const list = words.map((word) => `"${word}"`).join(" or ");
	return (value) => {
		if (words.some((word) => word === value)) return undefined;
		const given = typeof value === "string" ? `, not ${quote(value)}` : undefined;
		return given === undefined ? wrong(value, list) : { at: "", reason: `must be ${list}${given}` };
	};
}

export function listOf<T>(check: Check<T>, what = "a list"): Check<readonly T[]> {
	return (value) => {
		if (!Array.isArray(value)) return wrong(value, what);
		const items: readonly unknown[] = value;
		for (let index = 0; index < items.length; index++) {
			const problem = check(items[index]);
			if (problem !== undefined) return { at: `[${index}]${problem.at}`, reason: problem.reason };
		}
		return undefined;
	};
}

/** Accepts every value that one of the two checks accepts. The problem of any other value comes from `first`. */
export function either<A, B>(first: Check<A>, second: Check<B>): Check<A | B> {
	return (value) => (second(value) === undefined ? undefined : first(value));
}

/** Accepts an object that has these members. Usually another function of this library makes such an object. */
export function made<T extends object>(what: string, ...members: readonly (keyof T & string)[]): Check<T> {
	return (value) => {
		const isMade = typeof value === "object" && value !== null && members.every((member) => member in value);
		return isMade ? undefined : wrong(value, what);
	};
}

/**
 * Accepts an object of exactly these members. If `what` is not given, an absent value is reported by its first missing
 * member.
 */
export function object<T extends object>(members: ObjectChecks<T>, what?: string): Check<T> {
	const checks: Readonly<Record<string, (value: unknown) => Problem | undefined>> = members;
	const names = Object.keys(checks);
	return (value) => {
		const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
		if (!isObject && (value !== undefined || what !== undefined)) return wrong(value, what ?? "an object");
		const given: Readonly<Record<string, unknown>> = isObject ? { ...value } : {};
		const unknown = Object.keys(given).find((name) => !Object.hasOwn(checks, name));
		if (unknown !== undefined) return { at: `.${unknown}`, reason: `is not an option${suggestion(unknown, names)}` };
		for (const name of names) {
			const problem = checks[name](given[name]);
			if (problem !== undefined) return { at: `.${name}${problem.at}`, reason: problem.reason };
		}
		return isObject ? undefined : wrong(value, "an object");
	};
}

export type ObjectChecks<T> = { readonly [Name in keyof T]-?: Check<T[Name]> };

/** Accepts an object that the check from `choose` accepts. `choose` selects the check for each object. */
export function shaped<T extends object>(choose: (value: object) => (value: unknown) => Problem | undefined): Check<T> {
	return (value) => choose(typeof value === "object" && value !== null ? value : {})(value);
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
	object,
	oneOf,
	optional,
	shaped,
	text,
	truth,
};
