const { transformSync } = require("@babel/core");

const source =
	"class A { #x = 1; get x() { return this.#x ?? 0; } }\nexport const f = async () => [...(await new A().x)];\n";
const presets = [["@babel/preset-env", { targets: "ie 11" }]];
process.stdout.write(`${transformSync(source, { presets, configFile: false, babelrc: false }).code}\n`);
