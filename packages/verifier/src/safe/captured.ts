/** Captures functions before a program runs, like `primordials.ts`. Only the hook in Node.js needs these functions. */

import buffer from "node:buffer";
import util from "node:util";
import { Bytes, uncurryThis } from "./primordials.js";

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
export const endsWith = uncurryThis(String.prototype.endsWith);
export const repeat = uncurryThis(String.prototype.repeat);

const PromiseObject = Promise;
const reject = Promise.reject;
export const rejected = (error: unknown): Promise<never> => apply(reject, PromiseObject, [error]);
const resolve = Promise.resolve;
export const resolved = <T>(value: T): Promise<T> => apply(resolve, PromiseObject, [value]) as Promise<T>;
export const promiseThen: <T, U>(promise: Promise<T>, done: (value: T) => U) => Promise<U> = uncurryThis(
	Promise.prototype.then,
);

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
 * Copies the bytes of an ArrayBuffer, a SharedArrayBuffer, a typed array or a DataView. Returns undefined for any other
 * value.
 */
export function copyOfBytes(source: unknown): Uint8Array | undefined {
	if (isArrayBufferView(source)) {
		const get = isDataView(source) ? ofDataViews : ofArrays;
		return new Bytes(new Bytes(get.buffer(source), get.byteOffset(source), get.byteLength(source)));
	}
	return isAnyArrayBuffer(source) ? new Bytes(new Bytes(source)) : undefined;
}
