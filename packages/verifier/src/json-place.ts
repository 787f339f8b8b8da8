/** Reading a JSON document strictly: unknown members are refused, and every refusal says where in the document it is. */

import { quote } from "@sigtool/core/read";

/** A value and its place, e.g. `products[0].root`; "" is the document itself. `refuse` makes the error to throw. */
export class JsonPlace {
	readonly #value: unknown;
	readonly #place: string;
	readonly #refuse: (reason: string) => Error;

	constructor(value: unknown, refuse: (reason: string) => Error, place = "") {
		this.#value = value;
		this.#refuse = refuse;
		this.#place = place;
	}

	/** Members by name: of an object with all the required ones, any of the optional, and no other. */
	members<Required extends string, Optional extends string = never>(
		required: readonly Required[],
		optional: readonly Optional[] = [],
	): { readonly [Name in Required]: JsonPlace } & { readonly [Name in Optional]?: JsonPlace } {
		const value = this.#value;
		if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.refusal("is not an object");
		const known: readonly string[] = [...required, ...optional];
		const unknown = Object.keys(value).find((name) => !known.includes(name));
		if (unknown !== undefined) throw this.refusal(`has the unknown member ${quote(unknown)}`);
		const missing = required.find((name) => !Object.hasOwn(value, name));
		if (missing !== undefined) throw this.refusal(`lacks ${quote(missing)}`);
		const places = Object.entries(value).map(([name, each]) => [name, this.#at(each, `.${name}`)]);
		return Object.fromEntries(places); // Own members that are known, as was just seen.
	}

	list(): readonly JsonPlace[] {
		if (!Array.isArray(this.#value)) throw this.refusal("is not a list");
		return this.#value.map((each, index) => this.#at(each, `[${index}]`));
	}

	oneOf<const Value extends string | number>(values: readonly Value[]): Value {
		const found = values.find((value) => value === this.#value);
		if (found === undefined) throw this.refusal(`is none of ${values.join(", ")}`);
		return found;
	}

	/** One line of text. `form` is what a refusal calls the pattern. */
	text(pattern = /^\P{Cc}+$/u, form = "a line of text"): string {
		if (typeof this.#value !== "string" || !pattern.test(this.#value)) throw this.refusal(`is not ${form}`);
		return this.#value;
	}

	sha256(): string {
		return this.text(/^[0-9a-f]{64}$/, "64 lowercase hexadecimal digits");
	}

	/** As a program gets there: absolute, without `.`, `..` and empty steps. */
	absolutePath(): string {
		return this.text(/^\/$|^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+$/u, "an absolute path without . and ..");
	}

	/** A whole number, exact in a double. */
	count(): number {
		const value = this.#value;
		if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
			throw this.refusal("is no whole number");
		return value;
	}

	refusal(reason: string): Error {
		return this.#refuse(`${this.#place === "" ? "it" : quote(this.#place)} ${reason}`);
	}

	#at(value: unknown, step: string): JsonPlace {
		return new JsonPlace(value, this.#refuse, `${this.#place}${step}`.replace(/^\./, ""));
	}
}
