import type { Application } from "./applications.js";

/** vite compiles a lexer of modules that is WebAssembly in a string. Next.js and vite compile code from strings. */
export const BUILDS_POLICY = {
	runtime: {
		stringCode: "allow",
		webAssemblySha256: ["6f046f5b5d981e948619b963ba528ac4f19a0a9d1f50672812fee6dbe16c2010"],
	},
};

const MODULES = "node_modules";

/** Large programs. */
export const BUILDS: readonly Application[] = [
	{
		name: "next start",
		argv: ["builds/next.cjs"],
		status: 0,
		prints: '<h1>Shapes</h1> <p>area <!-- -->9</p> {"sum":6} 404',
		loads: [
			"builds/next.cjs",
			`${MODULES}/next/dist/cli/next-start.js`,
			`${MODULES}/next/dist/compiled/send/index.js`,
			"builds/next/.next/server/app/page.js",
			"builds/next/.next/server/app/api/sum/route.js",
		],
		strict: /ERR_RUNTIME_RULE: Cannot go on with code\.string/,
	},
	{
		name: "vite build",
		argv: ["builds/vite.mjs", "OUTPUT"],
		status: 0,
		prints: "index.html e50692cc3bd444a259bfb1b8d53fdf65575459ae46065041c9f997a616908194",
		loads: [
			"builds/vite.mjs",
			"builds/site/vite.config.mjs",
			`${MODULES}/vite/dist/node/index.js`,
			`${MODULES}/@rolldown/binding-linux-x64-gnu/rolldown-binding.linux-x64-gnu.node`,
			`${MODULES}/lightningcss-linux-x64-gnu/lightningcss.linux-x64-gnu.node`,
		],
	},
	{
		name: "esbuild-wasm",
		argv: ["builds/esbuild.cjs"],
		status: 0,
		prints: "export default 0;",
		loads: ["builds/esbuild.cjs", `${MODULES}/esbuild-wasm/lib/browser.js`],
		byContent: [
			{ file: `${MODULES}/esbuild-wasm/esbuild.wasm`, refusal: /"event":"wasm\.compile","verdict":"refuse"/ },
		],
	},
];
