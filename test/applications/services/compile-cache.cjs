/** Keeps bytecode of what it loads in the directory that the first argument names, and uses it the next time. */
process.env.V8_COMPILE_CACHE_CACHE_DIR = process.argv[2];
require("v8-compile-cache");
require("./ejs.cjs");
