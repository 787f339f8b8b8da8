/** How a function of Node.js is put behind a check. */

import {
	apply,
	construct,
	define,
	defineProperty,
	getOwnPropertyDescriptor,
	getOwnPropertySymbols,
	ownKeys,
	setPrototypeOf,
} from "./captured.js";

type AnyFunction = (...args: never[]) => unknown;

/**
 * Puts `replacement(original)` in a method's place, under the same name and as visible as it was. What there is not, on
 * this version, stays away.
 */
export function replace(object: object, name: string, replacement: (original: AnyFunction) => AnyFunction): void {
	const descriptor = getOwnPropertyDescriptor(object, name);
	const original: unknown = descriptor?.value ?? descriptor?.get?.call(object);
	if (descriptor === undefined || typeof original !== "function") return;
	const value = replacement(original as AnyFunction); // It is one; which, the caller knows.
	define(value, "name", original.name, false);
	const symbols = getOwnPropertySymbols(original); // How util.promisify() is to treat it.
	for (let i = 0; i < symbols.length; i++) {
		const symbol = symbols[i] as symbol;
		if (symbol !== PROMISIFY) define(value, symbol, original[symbol as never], false);
	}
	define(object, name, value, descriptor.enumerable ?? true);
}

/** Leads to a variant that is behind no check. */
const PROMISIFY = Symbol.for("nodejs.util.promisify.custom");

/** Runs `check` with a method's arguments before the method; what it throws refuses the call. */
export function guard(object: object, name: string, check: (args: readonly unknown[]) => void): void {
	replace(
		object,
		name,
		(original) =>
			function guarded(this: unknown, ...args: unknown[]): unknown {
				check(args);
				return apply(original, this, args);
			},
	);
}

/** In place of `for…of`, which asks `Array.prototype` for an iterator: a program's own would have it see no name. */
export function forEachName(names: readonly string[], action: (name: string) => void): void {
	for (let i = 0; i < names.length; i++) action(names[i] ?? "");
}

/**
 * Puts a class behind `make`, which judges the arguments and calls `create` with those to construct with. Instances,
 * `instanceof` and subclasses stay as they were. No Proxy: `util.inspect` would call a program's getters with what is
 * behind one. `parent`: what the class is to inherit from; nothing leads from it to the class behind.
 */
export function guardClass<Class extends abstract new (...args: never[]) => object>(
	original: Class,
	parent: object,
	make: (args: readonly unknown[], create: (args: readonly unknown[]) => object) => object,
): Class {
	function guarded(...args: unknown[]): object {
		const target = new.target === undefined || new.target === guarded ? original : new.target;
		return make(args, (judged) => construct(original, judged as never[], target as Class));
	}
	const names = ownKeys(original);
	for (let i = 0; i < names.length; i++) {
		const descriptor = getOwnPropertyDescriptor(original, names[i] as PropertyKey);
		if (descriptor === undefined) continue;
		setPrototypeOf(descriptor, null);
		defineProperty(guarded, names[i] as PropertyKey, descriptor);
	}
	setPrototypeOf(guarded, parent);
	define(original.prototype, "constructor", guarded, false);
	return guarded as unknown as Class; // It constructs the same.
}
