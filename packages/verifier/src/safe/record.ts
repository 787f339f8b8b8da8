/** A set of names to ask while a program runs: without a prototype, since a Set is asked through one. */
export function recordOf(names: readonly string[]): Readonly<Record<string, true | undefined>> {
	return Object.assign(Object.create(null), ...names.map((name) => ({ [name]: true })));
}
