/** Captures functions before a program runs, like `primordials.ts`. Only the hook in Node.js needs these functions. */

import buffer from "node:buffer";
import crypto from "node:crypto";
import util from "node:util";
import { Bytes, shielded, uncurryThis } from "./primordials.js";

export const { isUtf8 } = buffer;

export const { apply, construct, ownKeys } = Reflect;
export const {
	assign,
	defineProperty,
	getOwnPropertyDescriptor,
	getOwnPropertySymbols,
	getPrototypeOf,
	setPrototypeOf,
} = Object;
/**
 * Defines a writable, configurable property. The property descriptor has no prototype, because a program could define a
 * getter on Object.prototype, which defineProperty() would read.
 */
export function define(object: object, name: PropertyKey, value: unknown, enumerable: boolean): void {
	defineProperty(object, name, {
		__proto__: null,
		value,
		writable: true,
		configurable: true,
		enumerable,
	} as PropertyDescriptor);
}
export const ProxyObject = Proxy;
export const decodePercent = decodeURIComponent;
export const parseJson: (text: string) => unknown = JSON.parse;
export const hasOwn: (object: object, name: PropertyKey) => boolean = Object.hasOwn;
export const toText = String;
export const UrlObject = URL;
export const MapObject = Map;
export const mapSet: <K, V>(map: Map<K, V>, key: K, value: V) => void = uncurryThis(Map.prototype.set);
export const mapDelete: <K>(map: Map<K, unknown>, key: K) => boolean = uncurryThis(Map.prototype.delete);
type Visit = (value: unknown, key: unknown) => void;
export const mapForEach: (map: Map<unknown, unknown>, visit: Visit) => void = uncurryThis(Map.prototype.forEach);
export const weakMapGet: <V>(map: WeakMap<object, V>, key: object) => V | undefined = uncurryThis(
	WeakMap.prototype.get,
);
export const weakMapSet: <V>(map: WeakMap<object, V>, key: object, value: V) => void = uncurryThis(
	WeakMap.prototype.set,
);
export const weakMapDelete: (map: WeakMap<object, unknown>, key: object) => boolean = uncurryThis(
	WeakMap.prototype.delete,
);
export const endsWith = uncurryThis(String.prototype.endsWith);
export const repeat = uncurryThis(String.prototype.repeat);

const hashOnce = crypto.hash;
/** Returns the SHA-256 of the UTF-8 of a text, in lower-case hexadecimal. */
export const sha256OfText = (text: string): string => hashOnce("sha256", text, "hex");

const PromiseObject = Promise;
const reject = Promise.reject;
export const rejected = (error: unknown): Promise<never> => apply(reject, PromiseObject, [error]);
const resolve = Promise.resolve;
export const resolved = <T>(value: T): Promise<T> => apply(resolve, PromiseObject, [value]) as Promise<T>;
export const promiseThen: <T, U>(promise: Promise<T>, done: (value: T) => U) => Promise<U> = uncurryThis(
	Promise.prototype.then,
);

export const { store: atomicsStore, notify: atomicsNotify } = Atomics;
/** Copies all bytes of the second array to the beginning of the first. */
export const setBytes: (target: Uint8Array, source: Uint8Array) => void = uncurryThis(Uint8Array.prototype.set);

const { isAnyArrayBuffer, isDataView } = util.types;
export const { isArrayBufferView } = util.types;
type View = { readonly buffer: ArrayBuffer; readonly byteOffset: number; readonly byteLength: number };
const ofArrays = viewGetters(getPrototypeOf(Uint8Array.prototype));
const ofDataViews = viewGetters(DataView.prototype);

function viewGetters(prototype: object): { readonly [Name in keyof View]: (view: unknown) => View[Name] } {
	const getter = (name: keyof View) => {
		// The type assertion is safe: typed arrays and DataView have a getter for `buffer`, `byteOffset` and
		// `byteLength`.
		const get = getOwnPropertyDescriptor(prototype, name)?.get as (this: unknown) => never;
		return uncurryThis(get);
	};
	return { buffer: getter("buffer"), byteOffset: getter("byteOffset"), byteLength: getter("byteLength") };
}

/**
 * Copies the bytes of an ArrayBuffer, a SharedArrayBuffer, a typed array or a DataView. The copy is shielded. Returns
 * undefined for any other value.
 */
export function copyOfBytes(source: unknown): Uint8Array | undefined {
	if (isArrayBufferView(source)) {
		const get = isDataView(source) ? ofDataViews : ofArrays;
		return shielded(new Bytes(new Bytes(get.buffer(source), get.byteOffset(source), get.byteLength(source))));
	}
	return isAnyArrayBuffer(source) ? shielded(new Bytes(new Bytes(source))) : undefined;
}
