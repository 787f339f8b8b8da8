/**
 * Adds a load hook to Node.js so that a program cannot take it out of the way. For each module Node.js makes an array of
 * the hooks, appends ours as the element of index 1, and reads this element again. A program could define an accessor for
 * this index on a prototype of arrays. Node.js reads the hook from our object right before it appends. So this is where
 * the prototypes are looked at.
 */

import module from "node:module";
import { SigtoolError } from "@sigtool/core/read";
import { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } from "../../safe/captured.js";
import { hasOwn } from "../../safe/primordials.js";

type RegisterHooks = (hooks: object) => unknown;

/**
 * Adds `load`. Calls `onDefined` when Node.js is about to use the hook although a program has defined the index, or has
 * put another object behind `Array.prototype`.
 * @throws ERR_START if this release of Node.js keeps hooks in an unknown way
 */
export function addLoadHook(load: (...args: never[]) => unknown, onDefined: () => void): void {
	// The type assertion is safe: this code runs only on Node.js 22.15 and later. These releases have registerHooks,
	// but the types of Node.js 20 do not have it.
	const { registerHooks } = module as unknown as { registerHooks: RegisterHooks };
	let isKept = false;
	// Node.js assigns the hook to an object of its own. A setter on Object.prototype gets this object, because only
	// then it can have a getter: Node.js freezes it.
	defineProperty(Object.prototype, "load", {
		__proto__: null,
		configurable: true,
		set(this: object, value: unknown) {
			if (value !== load) return;
			isKept = true;
			defineProperty(this, "load", { __proto__: null, enumerable: true, get } as PropertyDescriptor);
		},
	} as PropertyDescriptor);
	try {
		registerHooks({ __proto__: null, load });
	} finally {
		// The setter is there only for this call.
		Reflect.deleteProperty(Object.prototype, "load");
	}
	if (!isKept) {
		throw new SigtoolError("ERR_START", "Cannot guard modules: this release of Node.js keeps hooks in an unknown way");
	}

	function get(): unknown {
		if (!isPlain()) onDefined();
		return load;
	}
}

/** The largest index at which Node.js has appended a hook: ours is the first. */
let lastIndex = 1;

/**
 * Notes that a program is about to append a hook. Returns false if it has put something in the way, by which it would get
 * the objects of Node.js that hold hooks, or would exchange a hook.
 */
export function expectHook(): boolean {
	lastIndex++;
	return isPlain() && !hasOwn(OBJECTS, "load") && !hasOwn(OBJECTS, "resolve");
}

/**
 * Tells whether Node.js may take a hook out of its arrays. Array.prototype.splice makes a second array for the hook, by a
 * class that a program could replace, and so would get the object of Node.js that holds the hook.
 */
export function expectRemoval(): boolean {
	const { get } = getOwnPropertyDescriptor(ArrayObject, SPECIES) ?? NONE;
	const own = getOwnPropertyDescriptor(ARRAYS, "constructor") ?? NONE;
	return get === getSpecies && hasOwn(own, "value") && own.value === ArrayObject;
}

function isPlain(): boolean {
	if (getPrototypeOf(ARRAYS) !== OBJECTS) return false;
	for (let index = 0; index <= lastIndex; index++)
		if (!takesAssignment(ARRAYS, index) || !takesAssignment(OBJECTS, index)) return false;
	return true;
}

const ArrayObject = Array;
const ARRAYS = Array.prototype;
const OBJECTS = Object.prototype;
const NONE = { __proto__: null } as PropertyDescriptor;
const SPECIES = Symbol.species;
const getSpecies = getOwnPropertyDescriptor(ArrayObject, SPECIES)?.get;

/** Tells whether an array that inherits from the prototype gets an element of its own when one is appended. */
function takesAssignment(prototype: object, index: number): boolean {
	const descriptor = getOwnPropertyDescriptor(prototype, index);
	return descriptor === undefined || (hasOwn(descriptor, "value") && descriptor.writable === true);
}
