/** More than a thousand CommonJS modules: what a build of a web application loads. */
const webpack = require("webpack");
require("eslint");
require("@babel/core").transformSync("", {
	presets: [require("@babel/preset-env")],
	configFile: false,
	babelrc: false,
});
require("express")();
webpack({ mode: "production", entry: "./never-read.js" });
process.stdout.write("loaded\n");
