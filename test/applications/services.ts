import type { Application } from "./applications.js";

/** The policy for mode enforce. It allows code from strings, which all programs but sharp, bcrypt and typeorm need. */
export const SERVICES_POLICY = { runtime: { stringCode: "allow" } };

const MODULES = "node_modules";
const NO_STRINGS = /ERR_RUNTIME_RULE: Cannot go on with code\.string/;

/** Servers, databases and native addons. */
export const SERVICES: readonly Application[] = [
	{
		name: "sharp, whose addon is linked to a library beside it",
		argv: ["services/sharp.cjs"],
		status: 0,
		prints: "png 24x32 ",
		loads: [
			"services/sharp.cjs",
			`${MODULES}/sharp/dist/output.cjs`,
			`${MODULES}/@img/sharp-linux-x64/lib/sharp-linux-x64-0.35.5.node`,
		],
		byContent: [
			{
				file: `${MODULES}/@img/sharp-libvips-linux-x64/lib/libvips-cpp.so.8.18.7`,
				refusal: /"event":"gate\.intrusion".*libvips-cpp.* is named by no signature/,
			},
		],
	},
	{
		name: "bcrypt",
		argv: ["services/bcrypt.cjs"],
		status: 0,
		prints: "true false",
		loads: [
			"services/bcrypt.cjs",
			`${MODULES}/node-gyp-build/node-gyp-build.js`,
			`${MODULES}/bcrypt/prebuilds/linux-x64/bcrypt.glibc.node`,
		],
	},
	{
		name: "lmdb",
		argv: ["services/lmdb.cjs", "OUTPUT"],
		status: 0,
		prints: "one 1\nthree 0\ntwo 2\nclosed\n",
		loads: ["services/lmdb.cjs", `${MODULES}/lmdb/dist/index.cjs`, `${MODULES}/ordered-binary/dist/index.cjs`],
		strict: NO_STRINGS,
	},
	{
		name: "typeorm with sql.js",
		argv: ["services/typeorm.cjs"],
		status: 0,
		prints: "2 deux fr\n1 one en\n",
		loads: [
			"services/typeorm.cjs",
			`${MODULES}/typeorm/data-source/DataSource.js`,
			`${MODULES}/typeorm/driver/sqljs/SqljsDriver.js`,
			`${MODULES}/sql.js/dist/sql-wasm.js`,
		],
		byContent: [
			{ file: `${MODULES}/sql.js/dist/sql-wasm.wasm`, refusal: /"event":"wasm\.compile","verdict":"refuse"/ },
		],
	},
	{
		name: "fastify",
		argv: ["services/fastify.cjs"],
		status: 0,
		prints: '200 {"sum":6}\n400 ',
		loads: [
			"services/fastify.cjs",
			`${MODULES}/fastify/fastify.js`,
			`${MODULES}/find-my-way/index.js`,
			`${MODULES}/fast-json-stringify/index.js`,
			`${MODULES}/ajv/dist/refs/json-schema-draft-07.json`,
		],
		strict: NO_STRINGS,
	},
	{
		name: "ejs",
		argv: ["services/ejs.cjs"],
		status: 0,
		prints: "<li>one</li><li>&lt;two&gt;</li>",
		loads: ["services/ejs.cjs", `${MODULES}/ejs/lib/cjs/ejs.js`],
		strict: NO_STRINGS,
	},
	{
		name: "v8-compile-cache",
		argv: ["services/compile-cache.cjs", "OUTPUT"],
		status: 0,
		prints: "<li>one</li>",
		loads: [
			"services/compile-cache.cjs",
			`${MODULES}/v8-compile-cache/v8-compile-cache.js`,
			`${MODULES}/ejs/lib/cjs/ejs.js`,
		],
		strict: /mode strict refuses it, whatever the policy says/,
	},
];
