/** Describes a real program from npm. It runs in a directory that contains `node_modules`, `programs` and `project`. */
export interface Application {
	readonly name: string;
	/** Script and arguments. Paths are relative to that directory. */
	readonly argv: readonly [script: string, ...args: string[]];
	readonly status: number;
	/** Part of its output, which shows that it did its work. */
	readonly prints: string;
	/** Some of the files it loads: its start, files deep in its dependencies, data and native code. */
	readonly loads: readonly string[];
	/** Files that are no modules, and the words with which a changed bit in one is refused. */
	readonly byContent?: readonly { readonly file: string; readonly refusal: RegExp }[];
	/** True if the program loads an addon that the tests compile for each release of Node.js. */
	readonly isCompiled?: true;
	/** The output if mode strict refuses the program. It is undefined if the program works in mode strict. */
	readonly strict?: RegExp;
}

/**
 * The policy for mode enforce. It allows code from strings. It also allows the hash function of webpack, which is
 * WebAssembly in a string.
 */
export const POLICY = {
	runtime: {
		stringCode: "allow",
		webAssemblySha256: ["e7bafced24da92dd2069752739afe5226650714e5fe212feb314fbc024ec5492"],
	},
};

const MODULES = "node_modules";

/** Two of these programs report findings, so they end with exit status 1 and 2. */
export const APPLICATIONS: readonly Application[] = [
	{
		name: "express, asked by itself",
		argv: ["programs/express-itself.cjs"],
		status: 0,
		prints: '{"hello":"world"} 6 404',
		loads: [
			"programs/express.cjs",
			`${MODULES}/express/lib/express.js`,
			`${MODULES}/router/index.js`,
			`${MODULES}/qs/lib/parse.js`,
			`${MODULES}/mime-db/db.json`,
		],
	},
	{
		name: "eslint over a project",
		argv: [`${MODULES}/eslint/bin/eslint.js`, "--no-color", "-c", "project/eslint.config.mjs", "project/src"],
		status: 1,
		prints: "✖ 6 problems",
		loads: [
			`${MODULES}/eslint/bin/eslint.js`,
			`${MODULES}/eslint/lib/rules/eqeqeq.js`,
			`${MODULES}/esquery/dist/esquery.min.js`,
			`${MODULES}/ajv/lib/refs/json-schema-draft-04.json`,
			"project/eslint.config.mjs",
		],
		strict: /ERR_RUNTIME_RULE: Cannot go on with code\.string/,
	},
	{
		name: "prettier",
		argv: [`${MODULES}/prettier/bin/prettier.cjs`, "project/src/shapes.js", "project/ts/main.ts"],
		status: 0,
		prints: "export const perimeter = (side) => {",
		loads: [
			`${MODULES}/prettier/bin/prettier.cjs`,
			`${MODULES}/prettier/index.mjs`,
			`${MODULES}/prettier/plugins/typescript.mjs`,
		],
		strict: /ERR_RUNTIME_RULE: Cannot go on with code\.string/,
	},
	{
		name: "tsc",
		argv: [`${MODULES}/typescript/lib/tsc.js`, "-p", "project"],
		status: 2,
		prints: "error TS2322",
		loads: [`${MODULES}/typescript/lib/tsc.js`, `${MODULES}/typescript/lib/_tsc.js`],
	},
	{
		name: "better-sqlite3",
		argv: ["programs/database.cjs"],
		status: 0,
		prints: "3 THREE",
		loads: [
			"programs/database.cjs",
			`${MODULES}/better-sqlite3/lib/methods/transaction.js`,
			`${MODULES}/file-uri-to-path/index.js`,
		],
		isCompiled: true,
	},
	{
		name: "a commander program",
		argv: ["programs/commander.cjs", "say", "-n", "2", "world"],
		status: 0,
		prints: "hello world\nhello world\n",
		loads: ["programs/commander.cjs", `${MODULES}/commander/lib/option.js`],
	},
	{
		name: "a commander program, misused",
		argv: ["programs/commander.cjs", "say"],
		status: 1,
		prints: "",
		loads: [],
	},
	{
		name: "babel",
		argv: ["programs/babel.cjs"],
		status: 0,
		prints: "regenerator",
		loads: [
			`${MODULES}/@babel/core/lib/index.js`,
			`${MODULES}/@babel/plugin-transform-classes/lib/index.js`,
			`${MODULES}/core-js-compat/data.json`,
		],
	},
	{
		name: "webpack",
		argv: ["programs/webpack.cjs", "OUTPUT"],
		status: 0,
		prints: "webpack compiled successfully",
		loads: [`${MODULES}/webpack/lib/index.js`, `${MODULES}/tapable/lib/Hook.js`],
		strict: /ERR_RUNTIME_RULE: Cannot go on with code\.string/,
	},
];
