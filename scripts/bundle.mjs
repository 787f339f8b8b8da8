/**
 * Bundles the output of `tsc -b` for the packages: the command line as CommonJS files, the verifier as ES modules.
 *
 * A short run spends most of its time on compiling the code that it loads, even code that it does not use. So the
 * command line consists of many files: `main.cjs`, and one complete file for each module of this project that is loaded
 * by `import()`. A module that two files need is copied into both. So only plain data may pass between files. All files
 * share `errors.cjs`, which contains the only SigtoolError. A file is written only if its content differs, so a build
 * without changes writes nothing.
 */

import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));
const { homepage } = JSON.parse(readFileSync(join(root, "release.json"), "utf8"));
const packageEntries = {
	"@sigtool/core": join(root, "packages/core/dist/index.js"),
	"@sigtool/core/read": join(root, "packages/core/dist/read.js"),
	"@sigtool/core/internal": join(root, "packages/core/dist/internal/index.js"),
	"@sigtool/core/internal/read": join(root, "packages/core/dist/internal/read.js"),
	"@sigtool/core/internal/errors": join(root, "packages/core/dist/errors.js"),
	"@sigtool/verifier": join(root, "packages/verifier/dist/index.js"),
	"@sigtool/verifier/internal": join(root, "packages/verifier/dist/internal.js"),
};
/** Node.js shows no line with this text to a user. So a statement that has the text must be in one line. */
const NO_LINE = '"node-do-not-add-exception-line"';
/** Maps each file that is written to the module that it is made of. */
const sources = new Map();
/** Maps the text of a module to what esbuild makes of it. */
const stripped = new Map();

const page = await pageOfReports();
await bundle("packages/cli/dist/main.js", ".cjs", {
	format: "cjs",
	// These packages are large and few commands need them. So they are not bundled, and the command that uses one loads
	// it.
	external: ["cli-progress", "fs-xattr"],
	// Packages are loaded with `require`, because `import()` would first start the ES module loader.
	// A regular expression stays a literal, because a literal costs nothing until it is used.
	supported: { "dynamic-import": false, "regexp-unicode-property-escapes": true },
	define: {
		"import.meta.url": "__bundle.url",
		SIGTOOL_VERSION: JSON.stringify(version),
		SIGTOOL_HOMEPAGE: JSON.stringify(homepage),
		...page,
	},
	plugins: [importsBeside, errorsBeside, lazyChildProcess, jsoncParser],
	banner: {
		js: '"use strict"; const __bundle = { get url() { return require("node:url").pathToFileURL(__filename).href; } };',
	},
});
// pnpm's and Windows' shims pass on the path of the file, not the name that was typed. So each name has a file.
writeIfChanged(
	join(root, "packages/cli/dist/sigtree.cjs"),
	'#!/usr/bin/env node\n"use strict";\nrequire("./main.cjs");\n',
);
for (const name of ["main", "sigtree"]) chmodSync(join(root, `packages/cli/dist/${name}.cjs`), 0o755);
for (const [entry, name] of [
	["checked", "index"],
	["internal", "internal"],
]) {
	await bundle(`packages/verifier/dist/${entry}.js`, ".mjs", {
		format: "esm",
		external: ["fs-xattr"],
		define: { SIGTOOL_VERSION: JSON.stringify(version) },
		outfile: `packages/verifier/dist/${name}.mjs`,
	});
}
for (const [name, development] of [
	["register", "refuse"],
	["register-development", "allow"],
]) {
	await bundle("packages/verifier/dist/node/start/register.js", ".cjs", {
		format: "cjs",
		outfile: `packages/verifier/dist/${name}.cjs`,
		define: { SIGTOOL_DEVELOPMENT: JSON.stringify(development), SIGTOOL_VERSION: JSON.stringify(version) },
		finish: compact,
	});
	// A program in TypeScript may import the file for what it does. It exports nothing.
	writeIfChanged(join(root, `packages/verifier/dist/${name}.d.cts`), "export {};\n");
}

/** Bundles `entry`, and each file that a plug-in puts beside it. Writes the licences of all bundled packages. */
async function bundle(entry, extension, { plugins = [], outfile: only, finish = (code) => code, ...options }) {
	const dist = join(root, dirname(only ?? entry));
	const entries = new Set([join(root, entry)]);
	const inputs = new Set();
	const beside = (file) => {
		entries.add(file);
		return `./${basename(file, ".js")}${extension}`;
	};
	for (const file of entries) {
		const outfile = only === undefined ? join(dist, basename(file, ".js") + extension) : join(root, only);
		if (sources.has(outfile)) throw new Error(`Cannot bundle ${file}: ${sources.get(outfile)} has the same file name`);
		sources.set(outfile, file);
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
			plugins: [...plugins, modules].map((plugin) => plugin(beside)),
		});
		writeIfChanged(outfile, await finish(requiringOnce(outputFiles[0].text)));
		for (const input of Object.keys(metafile.inputs)) inputs.add(input);
	}
	writeIfChanged(join(dist, "third-party-licences.txt"), licencesOf(inputs));
}

/**
 * Defines the script and the style sheet that `sigtool report` writes into its pages, and their digests, by which a page
 * allows them. Both are ASCII and contain no tag that would end their element, because esbuild escapes it.
 */
async function pageOfReports() {
	const { outputFiles } = await build({
		absWorkingDir: root,
		entryPoints: { script: "packages/cli/dist/page/main.js", style: "packages/cli/src/page/style.css" },
		outdir: "page",
		bundle: true,
		minify: true,
		charset: "ascii",
		format: "iife",
		target: ["chrome110", "firefox110", "safari16.4"],
		write: false,
		logLevel: "warning",
	});
	const kinds = { ".js": "SIGTOOL_PAGE_SCRIPT", ".css": "SIGTOOL_PAGE_STYLE" };
	const definitions = outputFiles.flatMap(({ path, text }) => {
		const digest = createHash("sha256").update(text).digest("base64");
		const name = kinds[extname(path)];
		return [
			[name, JSON.stringify(text)],
			[`${name}_SHA256`, JSON.stringify(digest)],
		];
	});
	return Object.fromEntries(definitions);
}

/** Makes a separate file of each module that the project itself loads by `import()`. */
function importsBeside(beside) {
	return {
		name: "imports-beside",
		setup({ onResolve }) {
			onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) =>
				kind === "dynamic-import" ? { path: beside(join(resolveDir, path)), external: true } : undefined,
			);
		},
	};
}

/** Keeps errors.js in a separate file, so that all files share one SigtoolError and `instanceof` works. */
function errorsBeside(beside) {
	const errors = packageEntries["@sigtool/core/internal/errors"];
	return {
		name: "errors-beside",
		setup({ onResolve }) {
			onResolve({ filter: /[\\/]errors(\.js)?$/ }, ({ kind, path, resolveDir }) =>
				kind !== "entry-point" && (packageEntries[path] ?? resolve(resolveDir, path)) === errors
					? { path: beside(errors), external: true }
					: undefined,
			);
		},
	};
}

/**
 * Delays the loading of node:child_process, which takes 7 % of the start. commander loads that module for a feature
 * that sigtool does not use.
 */
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

/**
 * Bundles the ES modules of jsonc-parser. Its main file calls the `require` that it gets as an argument, and esbuild
 * cannot follow that.
 */
function jsoncParser() {
	return {
		name: "jsonc-parser",
		setup({ onResolve, onLoad }) {
			onResolve({ filter: /^jsonc-parser$/ }, ({ resolveDir }) => ({
				// esbuild writes this path into the bundle, so it must not contain that of the checkout.
				path: "jsonc-parser",
				namespace: "jsonc",
				pluginData: createRequire(join(resolveDir, "_")).resolve("jsonc-parser/lib/esm/main.js"),
			}));
			// It fills tables of strings for the formatter, which is left out. esbuild must be told that nothing else is done.
			onResolve({ filter: /^\.\/string-intern$/ }, ({ path, resolveDir }) => ({
				path: join(resolveDir, `${path}.js`),
				sideEffects: false,
			}));
			onLoad({ filter: /.*/, namespace: "jsonc" }, ({ pluginData: main }) => ({
				// Only what read-document.ts uses is named, so that esbuild leaves the rest out.
				contents: `import { parseTree, printParseErrorCode } from ${JSON.stringify(main)};
					export default { parseTree, printParseErrorCode };`,
				resolveDir: dirname(main),
			}));
		},
	};
}

/**
 * Removes comments, because Node.js would read them at every start. In the project's own modules, also rewrites imports
 * from entry points and the URLs of workers.
 */
function modules(beside) {
	return {
		name: "modules",
		setup({ onLoad }) {
			onLoad({ filter: /\.m?js$/ }, async ({ path }) => {
				const source = readFileSync(path, "utf8");
				const isOwn = /[\\/]packages[\\/]\w+[\\/]dist[\\/]/.test(path);
				const contents = isOwn ? workersBeside(path, pastEntryPoints(source), beside) : source;
				return { contents: await withoutComments(contents) };
			});
		},
	};
}

/** Returns the text of a module without comments. Many bundles contain the same module, so each text is kept. */
function withoutComments(text) {
	const kept = stripped.get(text) ?? transform(text, { minifyWhitespace: true, legalComments: "none" });
	stripped.set(text, kept);
	return kept.then(({ code }) => code);
}

/**
 * Points `import { name } from "@sigtool/core"` at the file that defines the name, because an entry point evaluates
 * every module that it exports. If the file is not found, the statement stays unchanged, which is slower but correct.
 */
function pastEntryPoints(source) {
	return source.replace(
		/^import \{([^}]*)\} from "(@sigtool\/(?:core|verifier)[^"]*)";$/gm,
		(statement, list, specifier) => {
			const origins = originsOf(packageEntries[specifier]);
			const bindings = list
				.split(",")
				.map((binding) => binding.trim())
				.filter(Boolean);
			const files = bindings.map((binding) => origins.get(binding.split(" as ")[0]));
			if (files.includes(undefined)) return statement;
			return bindings.map((binding, i) => `import { ${binding} } from ${JSON.stringify(files[i])};`).join(" ");
		},
	);
}

/** Maps each exported name to the file that defines it. The module must have the form that `tsc` writes. */
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

/**
 * Makes `new URL("./x.js", import.meta.url)` point to `x.cjs` or `x.mjs` beside the bundle, and bundles that file too.
 */
function workersBeside(path, source, beside) {
	return source.replace(/new URL\("\.\/([\w/-]+)\.js", import\.meta\.url\)/g, (_, name) => {
		return `new URL(${JSON.stringify(beside(join(dirname(path), `${name}.js`)))}, import.meta.url)`;
	});
}

/**
 * Merges repeated `require` calls. esbuild writes one call for each module that imports a package. In one file this
 * would be dozens of look-ups at every start.
 */
function requiringOnce(source) {
	const names = new Map();
	const known = new Map();
	const lines = source.replace(/^var (import_\w+) = (require\("[^"]+"\));\n/gm, (line, name, call) => {
		if (!known.has(call)) known.set(call, name);
		if (known.get(call) === name) return line;
		names.set(name, known.get(call));
		return "";
	});
	return lines.replace(/\bimport_\w+/g, (name) => names.get(name) ?? name);
}

/**
 * Removes code that Node.js would compile at every start: the meanings of the error codes, what the members of settings do
 * (trust/schema.ts), and the copies that esbuild makes of the exports of built-in modules.
 */
async function compact(given) {
	const source = given
		.replace(/\b(ERR_\w+:\s*\[[123]),\s*"(?:[^"\\]|\\.)*"\]/g, "$1]")
		.replace(/\bdoes:\s*(?:"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)(?:\s*\+\s*"(?:[^"\\]|\\.)*")*,?/g, "");
	const builtin = "const __builtin = (exports) => ({ __proto__: exports, default: exports });";
	const code = `"use strict";\n${builtin}\n${source.replace(/__toESM\((?=require\("node:)/g, "__builtin(")}`;
	const options = { minify: true, format: "cjs", target: "node20", lineLimit: 120 };
	// esbuild breaks lines inside of a string too, but not inside of a name.
	const { code: lines } = await transform(code.replaceAll(NO_LINE, "__noLine"), options);
	return lines.replace(/\n([^\n;]*\b__noLine\b)/g, " $1").replaceAll("__noLine", NO_LINE);
}

/**
 * Returns a licence without the text of the GPL behind another one. A package that offers both is used under the other,
 * and Debian takes no whole text of the GPL in a copyright file.
 */
function withoutAlternative(licence) {
	return licence.replace(/\n-+\n\s*GNU GENERAL PUBLIC LICENSE\n[\s\S]*$/, "\n");
}

/** Returns the licence texts of the packages among the bundled files, one after the other. */
function licencesOf(inputs) {
	const folders = new Set(
		[...inputs].flatMap((input) => input.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []),
	);
	return [...folders]
		.map((folder) => {
			const { name, version } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
			const licence = readdirSync(join(root, folder)).find((file) => /^licen[cs]e/i.test(file));
			if (licence === undefined) throw new Error(`Cannot bundle ${name}: it carries no licence text`);
			return `${name} ${version}\n\n${withoutAlternative(readFileSync(join(root, folder, licence), "utf8"))}`;
		})
		.sort()
		.join("\n\n");
}

function writeIfChanged(file, text) {
	if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}
