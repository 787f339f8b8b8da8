/**
 * Takes the attributes from the native addon, so that the program that preloads this file reaches attributes by
 * fs-xattr. The hashing threads stay.
 */

const Module = require("node:module");

const load = Module._load;
Module._load = (request, ...rest) => {
	const loaded = load(request, ...rest);
	if (!/[\\/]sigtool\.node$/.test(request)) return loaded;
	const { readAttribute: _read, writeAttribute: _write, removeAttribute: _remove, ...others } = loaded;
	return others;
};
