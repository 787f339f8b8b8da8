/**
 * Lists what a release consists of, for the two documents that state it: our packages, packages of others that are
 * bundled or needed, Node.js in the single executable with what is inside of it, the C libraries inside of the launchers,
 * and Debian's libraries in the image.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { installedFolder } from "./installed-folder.mjs";
import { linkedLibraries } from "./linked-libraries.mjs";
import { nodeComponents } from "./node-parts.mjs";
import { root } from "./workspace.mjs";

/**
 * A component has a `name`, a `version`, a `licence` (an SPDX expression or undefined), a `purl`, the names of the
 * components that it `contains`, and those that it `needs`. A component that is a file of the release has `file` and
 * `sha256`.
 */
export function componentsOf({ packages, executables, debian, image, version }) {
	const others = otherPackages(packages);
	const linked = new Map(packages.map(({ manifest }) => [manifest.name, linkedLibraries(manifest)]));
	const own = packages.map(({ manifest, tarball }) => ({
		...fileOf(tarball),
		name: manifest.name,
		version: manifest.version,
		licence: manifest.license,
		purl: purlOfNpm(manifest),
		contains: [
			...(manifest.name === "@sigtool/cli" ? bundled().map(({ name }) => name) : []),
			...linked.get(manifest.name).map(({ name }) => name),
		],
		needs: Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).filter((name) =>
			[...packages.map(({ manifest }) => manifest.name), ...others.map((each) => each.name)].includes(name),
		),
	}));
	const singles = executables.map((path) => ({
		...fileOf(path),
		name: basename(path),
		version,
		licence: "MIT",
		contains: ["node", "@sigtool/cli", nativePackageOf(path)],
		needs: [],
	}));
	const debs = debian.map(({ file, arch, single }) => ({
		...fileOf(file),
		name: `sigtool (Debian package, ${arch})`,
		version,
		licence: "MIT",
		purl: `pkg:deb/sigtool@${version}?arch=${arch}`,
		contains: [basename(single)],
		needs: [],
	}));
	const libraries = image.libraries.map(({ name, version, arch }) => ({
		name,
		version,
		licence: LICENCES[name],
		purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch}`,
		contains: [],
		needs: [],
	}));
	const node = nodeComponents(executables[0]);
	const inLaunchers = [...linked.values()].flat();
	return [
		...own,
		...singles,
		...debs,
		imageComponent(image, version),
		...node,
		...others,
		...libraries,
		...inLaunchers,
	];
}

/** Returns the package whose parts are in a single executable, such as `sigtool-linux-x64`. */
function nativePackageOf(executable) {
	return `@sigtool/${basename(executable).replace("sigtool", "native")}`;
}

const GCC_RUNTIME = "GPL-3.0-or-later WITH GCC-exception-3.1";

/** The licences of the libraries that Node.js is linked to. Debian's files of them are texts, which no program can read. */
const LICENCES = {
	libc6: "LGPL-2.1-or-later",
	libatomic1: GCC_RUNTIME,
	"libgcc-s1": GCC_RUNTIME,
	"libstdc++6": GCC_RUNTIME,
};

function imageComponent({ digest, libraries, executable }, version) {
	return {
		name: "sigtool (container image)",
		version,
		licence: "MIT",
		purl: `pkg:oci/sigtool@${encodeURIComponent(digest)}`,
		sha256: digest.replace("sha256:", ""),
		contains: [basename(executable), ...libraries.map(({ name }) => name)],
		needs: [],
	};
}

/** The packages of other authors: those in the bundles, and what our packages need, with what these need. */
function otherPackages(packages) {
	const own = new Set(packages.map(({ manifest }) => manifest.name));
	const found = new Map(bundled().map((each) => [each.name, each]));
	const add = (name, from) => {
		if (own.has(name) || found.has(name)) return;
		const folder = installedFolder(name, from);
		const component = described(folder);
		found.set(name, component);
		for (const need of component.needs) add(need, folder);
	};
	for (const { manifest, folder } of packages)
		for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) add(name, folder);
	return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The packages whose code is in the bundles of the command line, as the file of their licences names them. Each is found
 * from a package that needs it.
 */
function bundled() {
	const licences = readFileSync(join(root, "packages/cli/dist/third-party-licences.txt"), "utf8");
	const missing = new Set(
		[...licences.matchAll(/^((?:@[\w.-]+\/)?[\w.-]+) \d+\.\d+\.\d+\S*$/gm)].map(([, name]) => name),
	);
	const found = [];
	const add = (needs, from) => {
		for (const name of needs) {
			if (!missing.delete(name)) continue;
			const folder = installedFolder(name, from);
			const component = described(folder);
			found.push(component);
			add(component.needs, folder);
		}
	};
	for (const folder of ["cli", "core"].map((name) => join(root, "packages", name))) {
		const { dependencies, devDependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
		add(Object.keys({ ...dependencies, ...devDependencies }), folder);
	}
	if (missing.size > 0) throw new Error(`Cannot find ${[...missing].join(", ")}, which is bundled`);
	return found;
}

function described(folder) {
	const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	const { name, version, license, dependencies = {} } = manifest;
	return { name, version, licence: license, purl: purlOfNpm(manifest), contains: [], needs: Object.keys(dependencies) };
}

function purlOfNpm({ name, version }) {
	return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function fileOf(path) {
	return { file: basename(path), sha256: createHash("sha256").update(readFileSync(path)).digest("hex") };
}

/** Returns a UUID for what `text` names (RFC 9562, version 8), so that a second build has the same. */
export function uuidOf(text) {
	const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
	bytes[6] = (bytes[6] & 0x0f) | 0x80;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
