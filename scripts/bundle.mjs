/**
 * Makes what ships from what `tsc -b` wrote: the command line as one CommonJS file, the verifier as one ES module.
 *
 * A module inside a bundle is evaluated when something first needs it, so `sigtool --help` pays for no cryptography.
 * Files are written only when they differ: a build without changes touches nothing.
 */

import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));
const doors = {
	"@sigtool/core": join(root, "packages/core/dist/index.js"),
	"@sigtool/core/read": join(root, "packages/core/dist/read.js"),
	"@sigtool/core/errors": join(root, "packages/core/dist/errors.js"),
};

await bundle("packages/cli/dist/main.js", ".cjs", {
	format: "cjs",
	// Heavy, and needed by few commands: left as packages, loaded by the command that uses them.
	external: ["cli-progress", "fast-glob", "ignore", "node-forge"],
	// Packages are loaded with `require`, which is ready at start; `import()` would first start the ES module loader.
	supported: { "dynamic-import": false },
	define: { "import.meta.url": "__bundle.url", SIGTOOL_VERSION: JSON.stringify(version) },
	banner: {
		js: `#!/usr/bin/env node
"use strict"; const __bundle = { get url() { return require("node:url").pathToFileURL(__filename).href; } };`,
	},
});
chmodSync(join(root, "packages/cli/dist/main.cjs"), 0o755);
await bundle("packages/verifier/dist/index.js", ".mjs", { format: "esm" });

/** Bundles `entry`, and each worker it starts, into files beside it, and the licences of the packages that went in. */
async function bundle(entry, extension, options) {
	const dist = join(root, dirname(entry));
	const entries = new Set([join(root, entry)]);
	const inputs = new Set();
	for (const file of entries) {
		const outfile = join(dist, basename(file, ".js") + extension);
		const { outputFiles, metafile } = await build({
			...options,
			absWorkingDir: root,
			entryPoints: [file],
			outfile,
			bundle: true,
			platform: "node",
			target: "node20",
			write: false,
			metafile: true,
			logLevel: "warning",
			plugins: [ownModules(entries, extension), lazyChildProcess()],
		});
		writeIfChanged(outfile, outputFiles[0].text);
		for (const input of Object.keys(metafile.inputs)) inputs.add(input);
	}
	writeIfChanged(join(dist, "third-party-licences.txt"), licencesOf(inputs));
}

/** Rewrites two kinds of line in the project's own modules; see `pastDoors` and `workersBeside`. */
function ownModules(entries, extension) {
	return {
		name: "own-modules",
		setup({ onLoad }) {
			onLoad({ filter: /[\\/]packages[\\/]\w+[\\/]dist[\\/].*\.js$/ }, ({ path }) => ({
				contents: workersBeside(path, pastDoors(readFileSync(path, "utf8")), entries, extension),
			}));
		},
	};
}

/**
 * Points `import { name } from "@sigtool/core"` at the file that defines the name: a door evaluates every module
 * behind it. A name that cannot be traced leaves the statement as it is, which is slower and no less right.
 */
function pastDoors(source) {
	return source.replace(/^import \{([^}]*)\} from "(@sigtool\/core[^"]*)";$/gm, (statement, list, door) => {
		const origins = originsOf(doors[door]);
		const bindings = list
			.split(",")
			.map((binding) => binding.trim())
			.filter(Boolean);
		const files = bindings.map((binding) => origins.get(binding.split(" as ")[0]));
		if (files.includes(undefined)) return statement;
		return bindings.map((binding, i) => `import { ${binding} } from ${JSON.stringify(files[i])};`).join(" ");
	});
}

/** Exported name → file that defines it, for a module in the form `tsc` writes. */
function originsOf(file) {
	const source = readFileSync(file, "utf8");
	const origins = new Map();
	for (const [, list, from] of source.matchAll(/^export (\*|\{[^}]*\}) from "(\.[^"]*)";$/gm)) {
		const target = join(dirname(file), from);
		if (list === "*") for (const [name, origin] of originsOf(target)) origins.set(name, origin);
		else for (const [name] of list.matchAll(/(?<![\w$] as )\b[\w$]+\b(?! as )/g)) origins.set(name, target);
	}
	for (const [, name] of source.matchAll(/^export (?:async )?(?:function\*?|class|const) ([\w$]+)/gm))
		origins.set(name, file);
	return origins;
}

/** Makes `new URL("./x.js", import.meta.url)` name the bundle's own `x.cjs` or `x.mjs`, and has that bundled too. */
function workersBeside(path, source, entries, extension) {
	return source.replace(/new URL\("\.\/([\w/-]+)\.js", import\.meta\.url\)/g, (_, name) => {
		entries.add(join(dirname(path), `${name}.js`));
		return `new URL("./${basename(name)}${extension}", import.meta.url)`;
	});
}

/** commander loads node:child_process for a feature sigtool does not use; it costs 7 % of the start. */
function lazyChildProcess() {
	return {
		name: "lazy-child-process",
		setup({ onResolve, onLoad }) {
			onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
				/[\\/]commander[\\/]/.test(importer) ? { path: "child_process", namespace: "lazy" } : undefined,
			);
			onLoad({ filter: /.*/, namespace: "lazy" }, () => ({
				contents: 'exports.spawn = (...args) => require("child_process").spawn(...args);',
			}));
		},
	};
}

/** The licence texts of the packages among the bundled files, one behind the other. */
function licencesOf(inputs) {
	const folders = new Set(
		[...inputs].flatMap((input) => input.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []),
	);
	return [...folders]
		.map((folder) => {
			const { name, version } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
			const licence = readdirSync(join(root, folder)).find((file) => /^licen[cs]e/i.test(file));
			if (licence === undefined) throw new Error(`Cannot bundle ${name}: it carries no licence text`);
			return `${name} ${version}\n\n${readFileSync(join(root, folder, licence), "utf8")}`;
		})
		.sort()
		.join("\n\n");
}

function writeIfChanged(file, text) {
	if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}
