const { join } = require("node:path");
const webpack = require("webpack");

const [output] = process.argv.slice(2);
const entry = join(__dirname, "../project/src/main.js");
webpack({ mode: "production", entry, output: { path: output } }, (error, stats) => {
	process.stdout.write(error ? `${error.stack}\n` : `${stats.toString({ preset: "errors-warnings" })}\n`);
	process.exitCode = error || stats.hasErrors() ? 1 : 0;
});
