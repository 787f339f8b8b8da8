/** Makes a set of names as an object without a prototype, because a program could replace the methods of a Set. */
export function recordOf(names: readonly string[]): Readonly<Record<string, true | undefined>> {
	return Object.assign(Object.create(null), ...names.map((name) => ({ [name]: true })));
}
