/** Serves one page on the port given, or on any: it prints which. */

import { fileURLToPath } from "node:url";
import { createVerifier } from "@sigtool/verifier";
import express from "express";

const views = fileURLToPath(new URL("views", import.meta.url));
const verifier = createVerifier({ catalogs: [{ directory: views, product: "views" }], development: "allow" });

const app = express();
app.set("views", views);
app.engine("html", render);
app.get("/", (request, response) => response.render("index.html", { name: String(request.query.name ?? "you") }));
app.use((error, _request, response, _next) => {
	console.error(`${error.code}: ${error.message}`);
	response.status(500).send("This page cannot be shown.");
});
const server = app.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => console.log(server.address().port));

/** `{{ name }}` becomes the value, escaped. The template is the one that was checked, read on every request. */
function render(path, values, done) {
	verifier.openCode(path).then((bytes) => {
		const template = Buffer.from(bytes).toString();
		done(
			null,
			template.replace(/\{\{ (\w+) \}\}/g, (_, name) => escapeHtml(values[name])),
		);
	}, done);
}

function escapeHtml(value) {
	return String(value ?? "").replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
