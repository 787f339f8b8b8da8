/** Uses esbuild as WebAssembly in this process. The package esbuild itself starts a child process, which is refused. */
const { readFileSync } = require("node:fs");
const esbuild = require("esbuild-wasm/lib/browser.js");

globalThis.self = globalThis; // as in the browser for which this file is made
const wasmModule = new WebAssembly.Module(readFileSync(require.resolve("esbuild-wasm/esbuild.wasm")));
const source =
	"export const area = (side: number): number => side ** 2;\nenum Shape { Square }\nexport default Shape.Square;";
esbuild.initialize({ wasmModule, worker: false }).then(async () => {
	const { code } = await esbuild.transform(source, { loader: "ts", target: "es2015", minify: true });
	process.stdout.write(`${code}\n`);
	await esbuild.stop();
});
