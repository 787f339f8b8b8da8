/** Describes a program from npm that a policy is learned for. Each one runs in a directory of its own. */
export interface Popular {
	/** The packages that `packages/popular` locks, which are installed with what they depend on. */
	readonly packages: readonly string[];
	/** Files of the program, beside `node_modules` and `ask.cjs`. */
	readonly files: Readonly<Record<string, string>>;
	/** Script and arguments. OUTPUT stands for a directory that the program may write to. */
	readonly argv: readonly [script: string, ...args: string[]];
	/** Exit status, if it is not 0. */
	readonly status?: number;
	/** Part of its output, which shows that it did its work. */
	readonly prints: string;
	/** True if it loads ES modules by `require()`, which the launcher turns off on Node.js 20. */
	readonly requiresEsModules?: true;
	/** True if the tests that are not the full ones run it too. */
	readonly isShort?: true;
}

/** Asks a server that listens on a port of its choice, and returns the answer as text. */
export const ASK = `module.exports = async (server, path, options) => {
	const answer = await fetch("http://127.0.0.1:" + server.address().port + path, options);
	return answer.status + " " + (await answer.text());
};`;

const POST = `{ method: "POST", headers: { "content-type": "application/json" }, body: '{"query":"{ hello }"}' }`;

function commonJs(packages: string, text: string, prints: string): Popular {
	return { packages: packages.split(" "), files: { "main.cjs": text }, argv: ["main.cjs", "OUTPUT"], prints };
}

function esModule(packages: string, text: string, prints: string): Popular {
	return { packages: packages.split(" "), files: { "main.mjs": text }, argv: ["main.mjs", "OUTPUT"], prints };
}

/** A command of a package, with its arguments. */
function command(packages: string, line: string, files: Popular["files"], prints: string): Popular {
	const [script = "", ...args] = `node_modules/${line}`.split(" ");
	return { packages: packages.split(" "), files, argv: [script, ...args], prints };
}

const SERVERS: readonly Popular[] = [
	{
		...commonJs(
			"koa @koa/router",
			`const Koa = require("koa"), { Router } = require("@koa/router"), ask = require("./ask.cjs");
const router = new Router().get("/greeting/:name", (ctx) => { ctx.body = { hello: ctx.params.name }; });
const server = new Koa().use(router.routes()).listen(0, "127.0.0.1", async () => {
	console.log(await ask(server, "/greeting/world"), await ask(server, "/nothing"));
	server.close();
});`,
			'200 {"hello":"world"} 404 Not Found',
		),
		isShort: true,
	},
	commonJs(
		"@hapi/hapi joi",
		`const Hapi = require("@hapi/hapi"), Joi = require("joi"), ask = require("./ask.cjs");
const server = Hapi.server({ port: 0, host: "127.0.0.1" });
server.validator(Joi);
const validate = { params: { side: Joi.number() } };
server.route({ method: "GET", path: "/square/{side}", options: { validate }, handler: ({ params }) => ({ area: params.side ** 2 }) });
(async () => {
	await server.start();
	console.log(await ask(server.listener, "/square/3"), (await ask(server.listener, "/square/x")).slice(0, 3));
	await server.stop();
})();`,
		'200 {"area":9} 400',
	),
	esModule(
		"hono @hono/node-server",
		`import { serve } from "@hono/node-server"; import { Hono } from "hono"; import ask from "./ask.cjs";
const app = new Hono().get("/greeting/:name", (c) => c.json({ hello: c.req.param("name") }));
const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, async () => {
	console.log(await ask(server, "/greeting/world"), await ask(server, "/nothing"));
	server.close();
});`,
		'200 {"hello":"world"} 404 404 Not Found',
	),
	{
		...commonJs(
			"@nestjs/core @nestjs/common @nestjs/platform-express reflect-metadata rxjs express",
			`require("reflect-metadata");
const { Controller, Get, Module, Injectable } = require("@nestjs/common"), { NestFactory } = require("@nestjs/core");
const ask = require("./ask.cjs");
class Words { get() { return { hello: "world" }; } }
Injectable()(Words);
class Greeting { constructor(words) { this.words = words; } get() { return this.words.get(); } }
Controller("greeting")(Greeting);
Reflect.defineMetadata("design:paramtypes", [Words], Greeting);
Get()(Greeting.prototype, "get", Object.getOwnPropertyDescriptor(Greeting.prototype, "get"));
class Application {}
Module({ controllers: [Greeting], providers: [Words] })(Application);
(async () => {
	const app = await NestFactory.create(Application, { logger: false });
	await app.listen(0, "127.0.0.1");
	console.log(await ask(app.getHttpServer(), "/greeting"));
	await app.close();
})();`,
			'200 {"hello":"world"}',
		),
		requiresEsModules: true,
	},
	commonJs(
		"fastify",
		`const fastify = require("fastify")(), ask = require("./ask.cjs");
fastify.get("/greeting/:name", async ({ params }) => ({ hello: params.name }));
fastify.listen({ port: 0, host: "127.0.0.1" }).then(async () => {
	console.log(await ask(fastify.server, "/greeting/world"));
	await fastify.close();
});`,
		'200 {"hello":"world"}',
	),
	commonJs(
		"ws",
		`const { WebSocket, WebSocketServer } = require("ws");
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: true }, () => {
	const client = new WebSocket("ws://127.0.0.1:" + server.address().port);
	client.on("open", () => client.send("a".repeat(5000)));
	client.on("message", (data) => { console.log("received", data.length); client.close(); server.close(); });
});
server.on("connection", (socket) => socket.on("message", (data) => socket.send(data + data)));`,
		"received 10000",
	),
	commonJs(
		"socket.io socket.io-client",
		`const http = require("http").createServer(), { Server } = require("socket.io"), { io } = require("socket.io-client");
const server = new Server(http);
server.on("connection", (socket) => socket.on("sum", (numbers, answer) => answer(numbers.reduce((a, b) => a + b))));
http.listen(0, "127.0.0.1", () => {
	const client = io("http://127.0.0.1:" + http.address().port);
	client.emit("sum", [1, 2, 3], (sum) => { console.log("sum", sum); client.close(); server.close(); });
});`,
		"sum 6",
	),
	commonJs(
		"@apollo/server graphql",
		`const { ApolloServer } = require("@apollo/server"), { startStandaloneServer } = require("@apollo/server/standalone");
const server = new ApolloServer({ typeDefs: "type Query { hello: String }", resolvers: { Query: { hello: () => "world" } } });
(async () => {
	const { url } = await startStandaloneServer(server, { listen: { port: 0, host: "127.0.0.1" } });
	console.log(await (await fetch(url, ${POST})).text());
	await server.stop();
})();`,
		'{"data":{"hello":"world"}}',
	),
	commonJs(
		"graphql-yoga graphql",
		`const { createSchema, createYoga } = require("graphql-yoga"), ask = require("./ask.cjs");
const schema = createSchema({ typeDefs: "type Query { hello: String }", resolvers: { Query: { hello: () => "world" } } });
const server = require("http").createServer(createYoga({ schema, logging: false })).listen(0, "127.0.0.1", async () => {
	console.log(await ask(server, "/graphql", ${POST}));
	server.close();
});`,
		'{"data":{"hello":"world"}}',
	),
	commonJs(
		"@grpc/grpc-js @grpc/proto-loader",
		`const grpc = require("@grpc/grpc-js"), loader = require("@grpc/proto-loader");
const field = { text: { type: "string", id: 1 } }, methods = { say: { requestType: "Word", responseType: "Word" } };
const { Words } = grpc.loadPackageDefinition(loader.fromJSON({ nested: { Word: { fields: field }, Words: { methods } } }));
const server = new grpc.Server();
server.addService(Words.service, { say: ({ request }, answer) => answer(null, { text: "hello " + request.text }) });
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (_, port) => {
	const client = new Words("127.0.0.1:" + port, grpc.credentials.createInsecure());
	client.say({ text: "world" }, (error, { text }) => { console.log(error, text); client.close(); server.forceShutdown(); });
});`,
		"null hello world",
	),
	commonJs(
		"nodemailer smtp-server",
		`const { createTransport } = require("nodemailer"), { SMTPServer } = require("smtp-server");
const server = new SMTPServer({
	authOptional: true, disabledCommands: ["STARTTLS"],
	onData: async (stream, session, done) => {
		let text = "";
		for await (const piece of stream) text += piece;
		console.log(/Subject: .*/.exec(text)[0]);
		done();
	},
});
server.listen(0, "127.0.0.1", async () => {
	const transport = createTransport({ host: "127.0.0.1", port: server.server.address().port, secure: false });
	const { accepted } = await transport.sendMail({ from: "a@example.org", to: "b@example.org", subject: "hello world", text: "." });
	console.log(accepted);
	transport.close();
	server.close();
});`,
		"Subject: hello world\n[ 'b@example.org' ]",
	),
	{
		...commonJs(
			"aedes mqtt",
			`const { Aedes } = require("aedes"), mqtt = require("mqtt");
(async () => {
	const broker = await Aedes.createBroker();
	const server = require("net").createServer(broker.handle).listen(0, "127.0.0.1", () => {
		const client = mqtt.connect("mqtt://127.0.0.1:" + server.address().port);
		client.on("connect", () => client.subscribe("words", () => client.publish("words", "hello")));
		client.on("message", (topic, text) => {
			console.log(topic, String(text));
			client.end(() => broker.close(() => server.close()));
		});
	});
})();`,
			"words hello",
		),
		requiresEsModules: true,
	},
	commonJs(
		"@modelcontextprotocol/sdk zod",
		`const { McpServer } = require("@modelcontextprotocol/sdk/server/mcp.js"), { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { InMemoryTransport } = require("@modelcontextprotocol/sdk/inMemory.js"), { z } = require("zod");
const server = new McpServer({ name: "sums", version: "1.0.0" }), client = new Client({ name: "asker", version: "1.0.0" });
server.registerTool("sum", { inputSchema: { a: z.number(), b: z.number() } }, async ({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }));
(async () => {
	const [one, other] = InMemoryTransport.createLinkedPair();
	await Promise.all([server.connect(one), client.connect(other)]);
	console.log(JSON.stringify(await client.callTool({ name: "sum", arguments: { a: 2, b: 3 } })));
	await client.close();
})();`,
		'{"content":[{"type":"text","text":"5"}]}',
	),
];

const CLIENTS: readonly Popular[] = [
	...["axios", "got", "superagent", "undici"].map((name) =>
		esModule(
			name,
			`import { createServer } from "node:http"; import * as client from "${name}";
const server = createServer((_, response) => response.setHeader("content-type", "application/json").end('{"hello":"world"}'));
server.listen(0, "127.0.0.1", async () => {
	const url = "http://127.0.0.1:" + server.address().port;
	const answer = ${{ axios: "(await client.default.get(url)).data", got: "await client.default(url).json()", superagent: "(await client.default.get(url)).body", undici: "await (await client.request(url)).body.json()" }[name]};
	console.log("${name}", answer.hello);
	server.close();
	server.closeAllConnections();
});`,
			`${name} world`,
		),
	),
	commonJs(
		"openai",
		`const { OpenAI } = require("openai");
const choices = [{ index: 0, message: { role: "assistant", content: "hello" } }];
const server = require("http").createServer((_, response) => response.setHeader("content-type", "application/json").end(JSON.stringify({ choices })));
server.listen(0, "127.0.0.1", async () => {
	const client = new OpenAI({ apiKey: "none", baseURL: "http://127.0.0.1:" + server.address().port });
	const answer = await client.chat.completions.create({ model: "none", messages: [{ role: "user", content: "hello?" }] });
	console.log("answered", answer.choices[0].message.content);
	server.close();
	server.closeAllConnections();
});`,
		"answered hello",
	),
];

const BAD = "export const area=(side)=>{var result=side*side;if(side==0){return 0}return result}\n";
const PAGE = `<!doctype html>\n<html>\n  <body>\n    <p class="a">hello   <b>world</b></p>\n  </body>\n</html>\n`;

const TOOLS: readonly Popular[] = [
	command(
		"terser",
		"terser/bin/terser area.mjs --module --compress --mangle",
		{ "area.mjs": BAD },
		"export const area=",
	),
	command(
		"uglify-js",
		"uglify-js/bin/uglifyjs area.js -c -m --toplevel",
		{ "area.js": "var side = 3; console.log(side * side);" },
		"console.log(9);",
	),
	{
		...command(
			"rollup",
			"rollup/dist/bin/rollup main.js --silent",
			{ "main.js": `import { area } from "./area.js";\nconsole.log(area(3));`, "area.js": BAD },
			"console.log(area(3))",
		),
		isShort: true,
	},
	command(
		"less",
		"less/bin/lessc style.less",
		{ "style.less": "@side: 3px;\n.a { .b { width: @side * 2; } }" },
		".a .b {\n  width: 6px;\n}",
	),
	command(
		"stylus",
		"stylus/bin/stylus -p style.styl",
		{ "style.styl": ".a\n  .b\n    width 3px * 2\n" },
		".a .b {\n  width: 6px;\n}",
	),
	{
		...command(
			"sass",
			"sass/sass.js --no-source-map style.scss",
			{ "style.scss": ".a { .b { width: 3px * 2; } }" },
			".a .b {\n  width: 6px;\n}",
		),
		requiresEsModules: true,
	},
	commonJs(
		"postcss autoprefixer cssnano",
		`const postcss = require("postcss"), plugins = [require("autoprefixer")({ overrideBrowserslist: "safari 7" }), require("cssnano")()];
postcss(plugins).process(".a { display: flex;  color: #ff0000; }", { from: undefined }).then(({ css }) => console.log(css));`,
		".a{color:red;display:-webkit-flex;display:flex}",
	),
	esModule(
		"stylelint",
		`import stylelint from "stylelint"; const { results } = await stylelint.lint({ code: ".a {}", config: { rules: { "block-no-empty": true } } }); console.log(results[0].warnings[0].text);`,
		"Empty block (block-no-empty)",
	),
	{
		...command("jshint", "jshint/bin/jshint area.js", { "area.js": "var side = 3\n" }, "Missing semicolon."),
		status: 2,
	},
	command("prettier", "prettier/bin/prettier.cjs area.mjs", { "area.mjs": BAD }, "export const area = (side) => {"),
	command(
		"eslint",
		"eslint/bin/eslint.js --no-color -c eslint.config.mjs area.mjs",
		{ "eslint.config.mjs": `export default [{ rules: { "no-var": "warn", eqeqeq: "warn" } }];`, "area.mjs": BAD },
		"2 problems (0 errors, 2 warnings)",
	),
	command(
		"typescript",
		"typescript/lib/tsc.js --noEmit false --outDir OUTPUT --listEmittedFiles main.ts",
		{ "main.ts": "export const side: number = 3;\n" },
		"main.js",
	),
	{
		...command(
			"mocha",
			"mocha/bin/mocha.js --reporter tap test.cjs",
			{ "test.cjs": `describe("sums", () => { it("adds", () => { require("assert").equal(1 + 2, 3); }); });` },
			"ok 1 sums adds",
		),
		requiresEsModules: true,
	},
	commonJs("tape", `require("tape")("sums", (t) => { t.equal(1 + 2, 3); t.end(); });`, "# pass  1"),
	commonJs(
		"jasmine",
		`const Jasmine = require("jasmine").default ?? require("jasmine"), jasmine = new Jasmine();
jasmine.exitOnCompletion = false;
jasmine.clearReporters();
jasmine.addReporter({ specDone: ({ fullName, status }) => console.log(fullName, status) });
describe("sums", () => { it("adds", () => { expect(1 + 2).toBe(3); }); });
jasmine.execute();`,
		"sums adds passed",
	),
	command(
		"handlebars",
		"handlebars/bin/handlebars page.handlebars",
		{ "page.handlebars": "<p>{{hello}}</p>" },
		'templates["page"] = template(',
	),
	{
		...commonJs(
			"handlebars",
			`console.log(require("handlebars").compile("<p>{{#each words}}{{this}} {{/each}}</p>")({ words: ["one", "<two>"] }));`,
			"<p>one &lt;two&gt; </p>",
		),
		isShort: true,
	},
	commonJs(
		"mustache",
		`console.log(require("mustache").render("{{#words}}{{.}} {{/words}}", { words: ["one", "<two>"] }));`,
		"one &lt;two&gt; ",
	),
	commonJs(
		"nunjucks",
		`console.log(require("nunjucks").renderString("{% for word in words %}{{ word | upper }} {% endfor %}", { words: ["one", "two"] }));`,
		"ONE TWO ",
	),
	commonJs(
		"pug",
		`console.log(require("pug").render("ul\\n  each word in words\\n    li= word", { words: ["one", "<two>"] }));`,
		"<ul><li>one</li><li>&lt;two&gt;</li></ul>",
	),
	commonJs(
		"liquidjs",
		`const { Liquid } = require("liquidjs"); new Liquid().parseAndRender("{{ 'one' | upcase }}").then(console.log);`,
		"ONE",
	),
	command(
		"marked",
		"marked/bin/marked.js -i page.md",
		{ "page.md": "# Hello\n\n- one\n- *two*\n" },
		"<li><em>two</em></li>",
	),
	commonJs(
		"markdown-it",
		`const Markdown = require("markdown-it").default ?? require("markdown-it"); console.log(new Markdown().render("# Hello\\n\\n1. *two*"));`,
		"<h1>Hello</h1>",
	),
	command(
		"svgo",
		"svgo/bin/svgo.js -i circle.svg -o -",
		{
			"circle.svg": `<svg xmlns="http://www.w3.org/2000/svg"><!-- one --><circle cx="8" cy="8" r="6" fill="#ff0000"/></svg>`,
		},
		'fill="red"',
	),
	command(
		"html-minifier-terser",
		"html-minifier-terser/cli.js --collapse-whitespace --remove-attribute-quotes page.html",
		{ "page.html": PAGE },
		"<p class=a>hello <b>world</b></p>",
	),
	{
		packages: ["typedoc", "typescript"],
		files: {
			"main.mjs": `import { Application } from "typedoc";
const application = await Application.bootstrap({ entryPoints: ["side.ts"], logLevel: "Error" });
const { children } = await application.convert();
console.log(children.map(({ name, comment }) => name + ": " + comment.summary[0].text));`,
			"side.ts": "/** How long it is. */\nexport const side = 3;\n",
			"tsconfig.json": `{ "files": ["side.ts"], "compilerOptions": { "types": [] } }`,
		},
		argv: ["main.mjs"],
		prints: "[ 'side: How long it is.' ]",
	},
	commonJs(
		"webpack",
		`const { join } = require("path"), { readFileSync } = require("fs"), output = { path: process.argv[2], filename: "bundle.js" };
require("webpack")({ mode: "production", target: "node", context: __dirname, entry: "./ask.cjs", output }, (error, stats) => {
	console.log(error, stats.toJson().errors, readFileSync(join(output.path, "bundle.js"), "utf8"));
});`,
		"127.0.0.1",
	),
	commonJs(
		"browserify",
		`require("browserify")(__dirname + "/ask.cjs").bundle((error, bundle) => console.log(error, bundle.length > 100, String(bundle).includes("module.exports = async")));`,
		"null true true",
	),
	esModule(
		"shiki",
		`import { codeToHtml } from "shiki"; console.log(await codeToHtml("const side = 3;", { lang: "js", theme: "nord", tokenizeTimeLimit: 0 }));`,
		"shiki nord",
	),
	esModule(
		"glob",
		`import { glob } from "glob"; console.log((await glob("*.{mjs,cjs}", { cwd: import.meta.dirname ?? "." })).sort());`,
		"[ 'ask.cjs', 'main.mjs' ]",
	),
];

const DATABASES: readonly Popular[] = [
	commonJs(
		"knex",
		`const knex = require("knex")({ client: "pg" }); console.log(knex("words").where({ id: 1 }).orWhere("text", "like", "o%").toString());`,
		`select * from "words" where "id" = 1 or "text" like 'o%'`,
	),
	commonJs(
		"sequelize",
		`const { DataTypes, Op, Utils } = require("sequelize"); console.log(DataTypes.STRING(20).toSql(), Utils.pluralize("word"), Utils.getOperators({ [Op.gt]: 1 }));`,
		"VARCHAR(20) words [ Symbol(gt) ]",
	),
	commonJs(
		"mongoose",
		`const { model, Schema } = require("mongoose");
const Word = model("Word", new Schema({ text: { type: String, required: true, minLength: 2 }, count: { type: Number, default: 3 } }));
const { errors } = new Word({ text: "a" }).validateSync();
console.log(Object.keys(errors), errors.text.kind, new Word({ text: "one" }).toObject({ versionKey: false }).count);`,
		"[ 'text' ] minlength 3",
	),
	esModule(
		"@electric-sql/pglite",
		`import { PGlite } from "@electric-sql/pglite";
const database = new PGlite();
await database.exec("create table words (id int, text text); insert into words values (1, 'one'), (2, 'two')");
console.log((await database.query("select upper(text) as text from words order by id desc")).rows);
await database.close();`,
		"[ { text: 'TWO' }, { text: 'ONE' } ]",
	),
	esModule(
		"@electric-sql/pglite drizzle-orm",
		`import { drizzle } from "drizzle-orm/pglite"; import { integer, pgTable, text } from "drizzle-orm/pg-core"; import { eq } from "drizzle-orm";
const database = drizzle(), words = pgTable("words", { id: integer(), text: text() });
await database.execute("create table words (id int, text text)");
await database.insert(words).values([{ id: 1, text: "one" }, { id: 2, text: "two" }]);
console.log(await database.select().from(words).where(eq(words.id, 2)));
await database.$client.close();`,
		"[ { id: 2, text: 'two' } ]",
	),
	commonJs(
		"classic-level",
		`const { ClassicLevel } = require("classic-level"), { join } = require("path");
(async () => {
	const database = new ClassicLevel(join(process.argv[2], "words-" + process.pid));
	await database.batch([{ type: "put", key: "b", value: "two" }, { type: "put", key: "a", value: "one" }]);
	console.log(await database.iterator().all());
	await database.close();
})();`,
		"[ [ 'a', 'one' ], [ 'b', 'two' ] ]",
	),
];

const LIBRARIES: readonly Popular[] = [
	commonJs(
		"graphql",
		`const { graphql, buildSchema } = require("graphql"); graphql({ schema: buildSchema("type Query { hello: String }"), source: "{ hello }", rootValue: { hello: "world" } }).then((result) => console.log(JSON.stringify(result)));`,
		'{"data":{"hello":"world"}}',
	),
	commonJs(
		"ajv ajv-formats",
		`const Ajv = require("ajv").default, ajv = new Ajv(); require("ajv-formats")(ajv); const validate = ajv.compile({ type: "string", format: "email" }); console.log(validate("a@example.org"), validate("a"), validate.errors[0].message);`,
		'true false must match format "email"',
	),
	commonJs(
		"protobufjs",
		`const { parse } = require("protobufjs"); const Word = parse('syntax = "proto3"; message Word { string text = 1; int64 count = 2; }').root.lookupType("Word"); console.log(Word.decode(Word.encode({ text: "one", count: 3 }).finish()).toJSON());`,
		"{ text: 'one', count: '3' }",
	),
	commonJs(
		"joi",
		`const Joi = require("joi"); console.log(Joi.object({ side: Joi.number().min(1) }).validate({ side: 0 }).error.message);`,
		'"side" must be greater than or equal to 1',
	),
	esModule(
		"zod",
		`import { z } from "zod"; console.log(z.object({ side: z.number().min(1) }).safeParse({ side: 0 }).error.issues[0].code, z.object({ side: z.number() }).parse({ side: 3 }));`,
		"too_small { side: 3 }",
	),
	commonJs(
		"yup",
		`const yup = require("yup"); yup.object({ side: yup.number().min(1) }).validate({ side: 0 }).catch(({ message }) => console.log(message));`,
		"side must be greater than or equal to 1",
	),
	commonJs(
		"jsonwebtoken",
		`const jwt = require("jsonwebtoken"); const token = jwt.sign({ user: "one", iat: 1 }, "key"); console.log(token, jwt.verify(token, "key")); try { jwt.verify(token, "other"); } catch ({ message }) { console.log(message); }`,
		"invalid signature",
	),
	esModule(
		"jose",
		`import { generateKeyPair, jwtVerify, SignJWT } from "jose"; const { publicKey, privateKey } = await generateKeyPair("ES256"); const token = await new SignJWT({ user: "one" }).setProtectedHeader({ alg: "ES256" }).sign(privateKey); console.log((await jwtVerify(token, publicKey)).payload);`,
		"{ user: 'one' }",
	),
	commonJs(
		"pino",
		`const pino = require("pino"); pino({ timestamp: false, base: null, redact: ["key"] }).info({ key: "secret" }, "hello");`,
		'{"level":30,"key":"[Redacted]","msg":"hello"}',
	),
	{
		...commonJs(
			"pino",
			`const pino = require("pino"); pino({ timestamp: false, base: null }, pino.transport({ target: "pino/file" })).info("from a thread");`,
			'"msg":"from a thread"',
		),
		isShort: true,
	},
	commonJs(
		"winston",
		`const { createLogger, format, transports } = require("winston"); createLogger({ format: format.combine(format.label({ label: "a" }), format.json()), transports: [new transports.Console()] }).warn("hello %s", "world");`,
		'"level":"warn"',
	),
	commonJs(
		"log4js",
		`const log4js = require("log4js"); log4js.configure({ appenders: { out: { type: "stdout", layout: { type: "pattern", pattern: "%p %c %m" } } }, categories: { default: { appenders: ["out"], level: "info" } } }); log4js.getLogger("a").warn("hello");`,
		"WARN a hello",
	),
	{
		...esModule(
			"yargs",
			`import yargs from "yargs"; const { side } = yargs(process.argv.slice(3)).option("side", { type: "number", demandOption: true }).parse(); console.log("area", side ** 2);`,
			"area 9",
		),
		argv: ["main.mjs", "OUTPUT", "--side", "3"],
	},
	commonJs(
		"lodash",
		`const _ = require("lodash"); console.log(_.chunk([1, 2, 3], 2), _.template("<%= hello %>")({ hello: "world" }));`,
		"[ [ 1, 2 ], [ 3 ] ] world",
	),
	commonJs(
		"rxjs",
		`const { from, mergeMap, of, reduce, delay } = require("rxjs"); from([1, 2, 3]).pipe(mergeMap((n) => of(n * n).pipe(delay(1))), reduce((a, b) => a + b)).subscribe(console.log);`,
		"14",
	),
	commonJs("ramda", `const R = require("ramda"); console.log(R.pipe(R.map(R.multiply(2)), R.sum)([1, 2, 3]));`, "12"),
	commonJs(
		"moment",
		`const moment = require("moment"); moment.locale("de"); console.log(moment.utc(0).format("dddd D. MMMM YYYY"));`,
		"Donnerstag 1. Januar 1970",
	),
	esModule(
		"date-fns",
		`import { addDays, formatISO } from "date-fns"; import { de } from "date-fns/locale"; import { format } from "date-fns"; console.log(format(addDays(new Date(1970, 0, 1), 1), "EEEE d. MMMM", { locale: de }));`,
		"Freitag 2. Januar",
	),
	commonJs(
		"immutable",
		`const { Map } = require("immutable"); console.log(Map({ a: 1 }).set("b", 2).merge({ a: 3 }).toJS());`,
		"{ a: 3, b: 2 }",
	),
	commonJs(
		"cheerio",
		`const { load } = require("cheerio"); const $ = load("<ul><li>one<li>two</ul>"); console.log($("li").last().addClass("b").toString());`,
		'<li class="b">two</li>',
	),
	{
		...commonJs(
			"jsdom",
			`const { JSDOM } = require("jsdom"); const { window } = new JSDOM("<p>one</p><script>document.title = 'said'</script>"); console.log(window.document.querySelector("p").outerHTML, window.document.title === "");`,
			"<p>one</p> true",
		),
		requiresEsModules: true,
	},
	commonJs(
		"xml2js",
		`require("xml2js").parseStringPromise("<a b='1'><c>2</c></a>").then((result) => console.log(JSON.stringify(result)));`,
		'{"a":{"$":{"b":"1"},"c":["2"]}}',
	),
	esModule(
		"js-yaml",
		`import { dump, load } from "js-yaml"; console.log(dump(load("a: [1, 2]\\nb: {c: true}")));`,
		"b:\n  c: true",
	),
	commonJs(
		"i18next",
		`const i18next = require("i18next"); i18next.init({ lng: "de", showSupportNotice: false, resources: { de: { translation: { words_one: "{{count}} Wort", words_other: "{{count}} Wörter" } } } }).then(() => console.log(i18next.t("words", { count: 3 })));`,
		"3 Wörter",
	),
	commonJs(
		"sanitize-html",
		`console.log(require("sanitize-html")("<p onclick=a()>one<script>two</script></p>"));`,
		"<p>one</p>",
	),
	commonJs(
		"pdfkit",
		`const Document = require("pdfkit"), document = new Document({ compress: false }); const pieces = []; document.on("data", (piece) => pieces.push(piece)).on("end", () => console.log(Buffer.concat(pieces).length > 500, String(pieces[0]).slice(0, 5))); document.text("hello").end();`,
		"true %PDF-",
	),
	commonJs(
		"pdf-lib",
		`const { PDFDocument, StandardFonts } = require("pdf-lib"); (async () => { const document = await PDFDocument.create(); document.addPage().drawText("hello", { font: await document.embedFont(StandardFonts.Helvetica) }); const again = await PDFDocument.load(await document.save()); console.log("pages", again.getPageCount()); })();`,
		"pages 1",
	),
	commonJs(
		"exceljs",
		`const { Workbook } = require("exceljs"); (async () => { const book = new Workbook(); book.addWorksheet("a").addRow([1, "two"]); const again = new Workbook(); await again.xlsx.load(await book.xlsx.writeBuffer()); console.log(again.getWorksheet("a").getRow(1).values.slice(1)); })();`,
		"[ 1, 'two' ]",
	),
	commonJs(
		"jszip",
		`const JSZip = require("jszip"); (async () => { const zip = new JSZip(); zip.file("a.txt", "hello".repeat(99)); const again = await JSZip.loadAsync(await zip.generateAsync({ type: "nodebuffer", compression: "DEFLATE" })); console.log((await again.file("a.txt").async("string")).length); })();`,
		"495",
	),
	esModule(
		"archiver",
		`import { ZipArchive } from "archiver"; let size = 0; const archive = new ZipArchive(); archive.on("data", (piece) => { size += piece.length; }).on("end", () => console.log("packed", size > 100)); archive.append("hello", { name: "a.txt" }); await archive.finalize();`,
		"packed true",
	),
	commonJs(
		"csv-parse",
		`console.log(require("csv-parse/sync").parse("a,b\\n1,\\"2,3\\"\\n", { columns: true }));`,
		"[ { a: '1', b: '2,3' } ]",
	),
	{
		...commonJs(
			"@napi-rs/canvas",
			`const { createCanvas } = require("@napi-rs/canvas"); const canvas = createCanvas(8, 8), context = canvas.getContext("2d"); context.fillStyle = "red"; context.fillRect(0, 0, 8, 8); console.log(context.getImageData(1, 1, 1, 1).data.join(), canvas.toBuffer("image/png").length > 50);`,
			"255,0,0,255 true",
		),
		isShort: true,
	},
	esModule(
		"libsodium-wrappers",
		`import sodium from "libsodium-wrappers"; await sodium.ready; const key = new Uint8Array(32), nonce = new Uint8Array(24); console.log(sodium.to_string(sodium.crypto_secretbox_open_easy(sodium.crypto_secretbox_easy("hello", nonce, key), nonce, key)));`,
		"hello",
	),
	{
		...commonJs(
			"hash-wasm",
			`const { blake3, md5 } = require("hash-wasm"); (async () => console.log(await md5("a"), await blake3("a")))();`,
			"0cc175b9c0f1b6a831c399e269772661",
		),
		isShort: true,
	},
	commonJs(
		"web-tree-sitter",
		`const { Parser } = require("web-tree-sitter"); Parser.init().then(() => console.log(typeof new Parser().parse));`,
		"function",
	),
	commonJs(
		"prom-client",
		`const { Counter, register, collectDefaultMetrics } = require("prom-client"); collectDefaultMetrics(); new Counter({ name: "words", help: "Words" }).inc(3); register.metrics().then((text) => console.log(/^words.*/m.exec(text)[0], text.includes("nodejs_heap_size_total_bytes")));`,
		"words 3 true",
	),
	commonJs(
		"@opentelemetry/sdk-trace-node @opentelemetry/instrumentation-http",
		`const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = require("@opentelemetry/sdk-trace-node"), { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const exporter = new InMemorySpanExporter(), provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
new HttpInstrumentation().setTracerProvider(provider);
const http = require("http"), server = http.createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1", () => {
	http.get("http://127.0.0.1:" + server.address().port, (answer) => answer.resume().on("end", () => server.close(() => console.log("spans", exporter.getFinishedSpans().map(({ name }) => name)))));
});`,
		"spans [ 'GET', 'GET' ]",
	),
	esModule(
		"chokidar",
		`import { watch } from "chokidar"; import { writeFileSync } from "node:fs"; import { join } from "node:path"; const watcher = watch(process.argv[2], { ignoreInitial: true }); const name = "watched-" + process.pid; watcher.on("add", (path) => { console.log("added", path.endsWith(name)); watcher.close().then(() => process.exit()); }).on("ready", () => writeFileSync(join(process.argv[2], name), ""));`,
		"added true",
	),
	commonJs(
		"fs-extra",
		`const { outputJson, readJson, remove } = require("fs-extra"), { join } = require("path"); (async () => { const directory = join(process.argv[2], "extra"); await outputJson(join(directory, "a/b.json"), { side: 3 }); console.log(await readJson(join(directory, "a/b.json"))); await remove(directory); })();`,
		"{ side: 3 }",
	),
	commonJs(
		"async",
		`require("async").mapLimit([1, 2, 3], 2, (n, done) => setTimeout(done, 1, null, n * n), (error, squares) => console.log(error, squares));`,
		"null [ 1, 4, 9 ]",
	),
	commonJs(
		"bluebird",
		`const Bluebird = require("bluebird"); const wait = Bluebird.promisifyAll({ square(n, done) { setImmediate(done, null, n * n); } }); Bluebird.map([1, 2, 3], (n) => wait.squareAsync(n)).then(console.log);`,
		"[ 1, 4, 9 ]",
	),
	esModule(
		"uuid",
		`import { v5, validate } from "uuid"; const id = v5("example.org", v5.DNS); console.log(id, validate(id));`,
		" true",
	),
];

export const POPULAR: readonly Popular[] = [...SERVERS, ...CLIENTS, ...TOOLS, ...DATABASES, ...LIBRARIES];
