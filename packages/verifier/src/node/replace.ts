/** How a function of Node.js is put behind a check. */

import {
	apply,
	construct,
	defineProperty,
	getOwnPropertyDescriptor,
	getOwnPropertySymbols,
	ProxyObject,
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
	defineProperty(value, "name", { value: original.name, configurable: true });
	const symbols = getOwnPropertySymbols(original); // How util.promisify() is to treat it.
	for (let i = 0; i < symbols.length; i++) {
		const symbol = symbols[i] as symbol;
		if (symbol !== PROMISIFY) defineProperty(value, symbol, { value: original[symbol as never] });
	}
	defineProperty(object, name, {
		value,
		writable: true,
		configurable: true,
		enumerable: descriptor.enumerable ?? true,
	});
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

/**
 * Puts a class behind `prepare`, which judges its arguments and returns those to construct with. Instances, `instanceof`
 * and subclasses stay as they were; neither `constructor` nor the prototype chain leads past it.
 */
export function guardClass<Class extends new (...args: never[]) => object>(
	original: Class,
	prepare: (args: readonly unknown[]) => readonly unknown[],
): Class {
	const guarded: Class = new ProxyObject(original, {
		// A handler with a prototype would take traps from whoever writes to Object.prototype.
		__proto__: null,
		construct(_target: Class, args: unknown[], newTarget: unknown) {
			const target = newTarget === guarded ? original : newTarget;
			return construct(original, prepare(args) as never[], target as Class);
		},
		getPrototypeOf: () => FUNCTION_PROTOTYPE,
	} as ProxyHandler<Class>);
	defineProperty(original.prototype, "constructor", { value: guarded, writable: true, configurable: true });
	return guarded;
}

const FUNCTION_PROTOTYPE = Function.prototype;
