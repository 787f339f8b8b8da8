/** Serves one page on the given port, or on any free port, and prints the port. */

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

/** Replaces `{{ name }}` by the escaped value. Reads and verifies the template on every request. */
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
