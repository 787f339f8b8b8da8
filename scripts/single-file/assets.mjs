/** Collects what is inside of the single file. packages/cli/src/single-file reads it. */

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { sourcesOf } from "../../packages/verifier/native/sources.mjs";
import { licenceTexts } from "./licences.mjs";
import { nativeParts } from "./native-parts.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cli = join(root, "packages/cli");
const verifier = join(root, "packages/verifier");

/**
 * Returns the path of the main script, and the path of each asset by its key. Files that do not exist yet are written
 * into a folder.
 */
export async function writeAssets(folder, arch) {
	const made = (name, text) => {
		const file = join(folder, name);
		writeFileSync(file, text);
		return file;
	};
	const part = nativeParts(arch, folder);
	const progress = await bundle({ entryPoints: ["cli-progress"], absWorkingDir: cli });
	const start = await bundle({ entryPoints: [join(cli, "dist/single-file/start.js")] });
	const main = made("start.cjs", start.text);
	const bundles = readdirSync(join(cli, "dist")).filter((name) => name.endsWith(".cjs"));
	const modules = {
		...Object.fromEntries(bundles.map((name) => [`./${name}`, join(cli, "dist", name)])),
		"./build-spython.cjs": made("build-spython.cjs", (await spythonBuilder()).text),
		"cli-progress": made("cli-progress.cjs", progress.text),
	};
	const addons = { "sigtool.node": part("sigtool.node") };
	const files = sorted({ ...verifierFiles(part), "python/compile.py": join(cli, "python/compile.py") });
	const contents = {
		modules: Object.keys(modules).sort(),
		addons: Object.keys(addons).sort(),
		files: Object.keys(files).map((path) => ({ path, mode: path.endsWith("sigtool-launch") ? 0o755 : 0o644 })),
	};
	const texts = {
		"contents.json": made("contents.json", JSON.stringify(contents)),
		// Threads run it too.
		"start.cjs": main,
		...completionFiles(),
		"licences.txt": made("licences.txt", licenceTexts(arch, progress.inputs)),
	};
	return { main, assets: sorted({ ...modules, ...addons, ...files, ...texts }) };
}

function completionFiles() {
	const folder = join(cli, "dist/completion");
	return Object.fromEntries(readdirSync(folder).map((name) => [`completion/${name}`, join(folder, name)]));
}

/** The sources are those of spython, because the other parts are built. */
function verifierFiles(part) {
	const native = join(verifier, "native");
	const sources = sourcesOf("spython", "libraries", "trust");
	const built = ["sigtool-launch", "addon.node", "gate.so"];
	return {
		"verifier/package.json": join(verifier, "package.json"),
		"verifier/dist/register.cjs": join(verifier, "dist/register.cjs"),
		...Object.fromEntries(built.map((name) => [`verifier/dist/native/${name}`, part(name)])),
		...Object.fromEntries(sources.map((name) => [`verifier/native/${name}`, join(native, name)])),
	};
}

/** The builder looks for the sources beside itself. */
function spythonBuilder() {
	const directory = 'globalThis[Symbol.for("sigtool.single-file")].directory("verifier")';
	return bundle({
		entryPoints: [join(verifier, "native/build-spython.mjs")],
		define: { "import.meta.url": "__url" },
		banner: { js: `const __url = require("node:url").pathToFileURL(${directory} + "/native/build-spython.mjs").href;` },
	});
}

/** Returns the text of a bundle, and the paths of the files in it. */
async function bundle(options) {
	const folder = options.absWorkingDir ?? root;
	const { outputFiles, metafile } = await build({
		absWorkingDir: folder,
		...options,
		bundle: true,
		platform: "node",
		format: "cjs",
		target: "node26",
		tsconfigRaw: {}, // This is JavaScript already.
		minify: true, // Else a bundle would have the paths of its modules.
		legalComments: "none",
		write: false,
		metafile: true,
	});
	return { text: outputFiles[0].text, inputs: Object.keys(metafile.inputs).map((input) => join(folder, input)) };
}

function sorted(object) {
	return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
