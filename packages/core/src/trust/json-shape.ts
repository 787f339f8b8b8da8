/** Untrusted JSON values into typed data: every member is declared, and one that is not is refused. */

/** Takes a value, undefined when the member is absent, at a JSON path such as `$.files.kernelCheck`. */
export type Reader<T> = (value: unknown, at: string, refuse: Refusal) => T;

/** The error for what stands at a path, e.g. `must be a list`. */
export type Refusal = (at: string, reason: string) => Error;

/** All members in the order of their declaration, frozen. An absent object has the defaults of its members. */
export function object<T extends object>(members: { readonly [Name in keyof T]-?: Reader<T[Name]> }): Reader<T> {
	return (value = {}, at, refuse) => {
		if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse(at, "must be an object");
		const unknown = Object.keys(value).find((name) => !Object.hasOwn(members, name));
		if (unknown !== undefined) throw refuse(`${at}.${unknown}`, "is not a member of this version");
		const given = new Map<string, unknown>(Object.entries(value));
		const names = Object.keys(members) as (keyof T & string)[]; // Its own literal's names.
		const entries = names.map((name) => [name, members[name](given.get(name), `${at}.${name}`, refuse)]);
		return Object.freeze(Object.fromEntries(entries) as T); // Each reader made its member's type.
	};
}

/** Empty when absent. */
export function list<T>(item: Reader<T>): Reader<readonly T[]> {
	return (value = [], at, refuse) => {
		if (!Array.isArray(value)) throw refuse(at, "must be a list");
		const items: readonly unknown[] = value;
		return Object.freeze(items.map((each, index) => item(each, `${at}[${index}]`, refuse)));
	};
}

/** As `list`, nothing twice. */
export function set(item: Reader<string>): Reader<readonly string[]> {
	const readList = list(item);
	return (value, at, refuse) => {
		const items = readList(value, at, refuse);
		if (new Set(items).size < items.length) throw refuse(at, "must not hold anything twice");
		return items;
	};
}

/** `form` describes all of the text. */
export function text(form: RegExp, what: string): Reader<string> {
	return (value, at, refuse) => {
		if (typeof value === "string" && form.test(value)) return value;
		throw refuse(at, `must be ${what}`);
	};
}

/** The first word when absent. */
export function oneOf<Word extends string>(...words: readonly [Word, ...Word[]]): Reader<Word> {
	return (value = words[0], at, refuse) => {
		const word = words.find((each) => each === value);
		if (word === undefined) throw refuse(at, `must be one of ${words.map((each) => `"${each}"`).join(", ")}`);
		return word;
	};
}

export function wholeNumber(least: number, most: number): Reader<number> {
	return (value, at, refuse) => {
		if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
		throw refuse(at, `must be a whole number from ${least} to ${most}`);
	};
}

/** `otherwise` when absent. */
export function absent<T, Otherwise>(otherwise: Otherwise, read: Reader<T>): Reader<T | Otherwise> {
	return (value, at, refuse) => (value === undefined ? otherwise : read(value, at, refuse));
}

export const SHA256_HEX = text(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits");

/** All of the above, for other packages. */
export const jsonShape = { absent, list, object, oneOf, set, SHA256_HEX, text, wholeNumber };
