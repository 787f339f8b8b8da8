/** Makes a set of names as an object without a prototype, because a program could replace the methods of a Set. */
export function recordOf(names: readonly string[]): Readonly<Record<string, true | undefined>> {
	return Object.assign(Object.create(null), ...names.map((name) => ({ [name]: true })));
}

/**
 * The options with which fstat() and lstat() return BigInts, for the reason that `identityCheck` in audit/sinks.ts explains. A
 * program could give Object.prototype other options.
 */
export const IN_BIG_INTEGERS = { __proto__: null, bigint: true } as unknown as { bigint: true };
