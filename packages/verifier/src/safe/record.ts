/** Makes a set of names as an object without a prototype. A Set has methods that a program could replace. */
export function recordOf(names: readonly string[]): Readonly<Record<string, true | undefined>> {
	return Object.assign(Object.create(null), ...names.map((name) => ({ [name]: true })));
}
