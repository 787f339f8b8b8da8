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

import { calledFrom, unshown } from "./thrown-error.js";

type AnyFunction = (...args: never[]) => unknown;

/**
 * Replaces a method by `replacement(original)`, with the same name and the same enumerability. Does nothing if this
 * release of Node.js does not have the method.
 */
export function replace(object: object, name: string, replacement: (original: AnyFunction) => AnyFunction): void {
	const descriptor = getOwnPropertyDescriptor(object, name);
	const original: unknown = descriptor?.value ?? descriptor?.get?.call(object);
	if (descriptor === undefined || typeof original !== "function") return;
	// The type assertion is needed because only the caller knows the signature of the method.
	const value = replacement(original as AnyFunction);
	define(value, "name", original.name, false);
	// Properties whose key is a symbol are copied, because util.promisify() reads some of them.
	const symbols = getOwnPropertySymbols(original);
	for (let i = 0; i < symbols.length; i++) {
		const symbol = symbols[i] as symbol;
		if (symbol !== PROMISIFY) define(value, symbol, original[symbol as never], false);
	}
	define(object, name, value, descriptor.enumerable ?? true);
}

/** The property with this key is an unguarded variant of the function, so it is not copied. */
const PROMISIFY = Symbol.for("nodejs.util.promisify.custom");

/** Calls `check` with the arguments of each call before the method runs. `check` refuses a call by throwing. */
export function guard(object: object, name: string, check: (args: readonly unknown[]) => void): void {
	replace(
		object,
		name,
		(original) =>
			function guarded(this: unknown, ...args: unknown[]): unknown {
				try {
					check(args);
				} catch (error) {
					throw unshown(calledFrom(error, guarded), "node-do-not-add-exception-line");
				}
				return apply(original, this, args);
			},
	);
}

/**
 * Calls `action` with each name. `for…of` is not used, because it would get its iterator from `Array.prototype`, where
 * a program could put an iterator that yields no name.
 */
export function forEachName(names: readonly string[], action: (name: string) => void): void {
	for (let i = 0; i < names.length; i++) action(names[i] ?? "");
}

/**
 * Returns a class that guards `original`. The constructor of this class calls `make`, which judges the arguments and
 * calls `create` with the arguments for the constructor of `original`. Instances, `instanceof` and subclasses work like
 * those of `original`. The class is no Proxy, because `util.inspect` would pass the target of a Proxy to getters of a
 * program. `parent` becomes the prototype of the returned class. No chain of prototypes may lead from `parent` to
 * `original`.
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
	// The type assertion is safe: `guarded` constructs the same objects as `original`.
	return guarded as unknown as Class;
}
