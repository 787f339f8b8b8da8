/**
 * Finds accessors by which code of the program would run inside of functions of Node.js. A function of node:fs looks at its
 * path for the members of a URL, such as `href`, and at a result for `errno`. So an accessor on a prototype of texts or
 * objects runs in the middle of it.
 */

import { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } from "./captured.js";

const OBJECTS = Object.prototype;
const TEXTS = String.prototype;
const NUMBERS = Number.prototype;

/**
 * Returns a function that tells whether reading a member of a text, a number or an object can run code of the program. Has
 * to be called before the program runs. Accessors that exist then do not count.
 */
export function accessorFinder(): () => boolean {
	const known = { __proto__: null } as unknown as Record<PropertyKey, unknown>;
	for (const name of ownKeys(OBJECTS)) known[name] = getOwnPropertyDescriptor(OBJECTS, name)?.get;
	return () =>
		getPrototypeOf(TEXTS) !== OBJECTS ||
		getPrototypeOf(NUMBERS) !== OBJECTS ||
		hasOther(OBJECTS, known) ||
		hasOther(TEXTS, known) ||
		hasOther(NUMBERS, known);
}

function hasOther(prototype: object, known: Readonly<Record<PropertyKey, unknown>>): boolean {
	const names = ownKeys(prototype);
	for (let i = 0; i < names.length; i++) {
		const name = names[i] as PropertyKey;
		const { get, set } = getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
		if ((get !== undefined || set !== undefined) && (get === undefined || get !== known[name])) return true;
	}
	return false;
}
