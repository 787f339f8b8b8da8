/** Loads more than a thousand CommonJS modules, as a build of a web application does. */
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
