/**
 * Lists Node.js in the single executable, and the software of others inside of it, with their licences: Node.js names its
 * parts and their releases itself, and its file LICENSE has the texts.
 */

import { readFileSync } from "node:fs";
import { nodeForArch } from "../single-file/node-program.mjs";
import { run } from "./workspace.mjs";

/** The licences of the parts, as Node.js's file LICENSE states them. */
const LICENCES = {
	acorn: "MIT",
	ada: "Apache-2.0 OR MIT",
	amaro: "MIT",
	ares: "MIT",
	brotli: "MIT",
	cldr: "Unicode-3.0",
	icu: "Unicode-3.0",
	libffi: "MIT",
	lief: "Apache-2.0",
	llhttp: "MIT",
	merve: "MIT",
	nbytes: "MIT",
	ncrypto: "MIT",
	nghttp2: "MIT",
	nghttp3: "MIT",
	ngtcp2: "MIT",
	openssl: "Apache-2.0",
	simdjson: "Apache-2.0",
	simdutf: "Apache-2.0 OR MIT",
	sqlite: "blessing",
	undici: "MIT",
	unicode: "Unicode-3.0",
	uv: "MIT",
	uvwasi: "MIT",
	v8: "BSD-3-Clause",
	zlib: "Zlib",
	zstd: "BSD-3-Clause",
};

/** The numbers of interfaces, and data about time zones, which is in the public domain. */
const NO_PARTS = new Set(["node", "modules", "napi", "tz"]);

/** Returns the components: Node.js first, and then its parts. `executable` is a single executable. */
export function nodeComponents(executable) {
	const version = releaseIn(executable);
	const versions = JSON.parse(run(nodeForArch(process.arch).program, ["-p", "JSON.stringify(process.versions)"]));
	if (versions.node !== version) throw new Error(`Cannot list Node.js ${version}: ${versions.node} is at hand`);
	const parts = Object.entries(versions).filter(([name, release]) => !NO_PARTS.has(name) && release !== "");
	const unknown = parts.find(([name]) => LICENCES[name] === undefined);
	if (unknown !== undefined)
		throw new Error(`Cannot state the licence of ${unknown[0]} in Node.js ${version}: add it to node-parts.mjs`);
	const components = parts.map(([name, release]) => ({
		name: `${name} (in Node.js)`,
		version: release,
		licence: LICENCES[name],
		purl: `pkg:generic/${name}@${encodeURIComponent(release)}`,
		contains: [],
		needs: [],
	}));
	const node = { name: "node", version, licence: "MIT", purl: `pkg:generic/node@${version}`, needs: [] };
	return [{ ...node, contains: components.map(({ name }) => name) }, ...components];
}

/** A single executable carries the name of the source of its Node.js in its bytes. */
function releaseIn(executable) {
	const text = readFileSync(executable, "latin1");
	const [, version] = /\/download\/release\/v(\d+\.\d+\.\d+)\/node-v/.exec(text) ?? [];
	if (version === undefined) throw new Error(`Cannot tell the release of Node.js in ${executable}`);
	return version;
}
