/** Loads one module of 9 MB. */
process.stdout.write(`${require("typescript").version}\n`);
