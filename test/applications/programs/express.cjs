/** Serves until SIGTERM. Prints the port it listens on. */
const express = require("express");
const { join } = require("node:path");

const app = express();
app.use(express.json());
app.get("/greeting/:name", (request, response) => response.json({ hello: request.params.name }));
app.post("/sum", (request, response) => response.send(String(request.body.reduce((a, b) => a + b, 0))));
app.use("/files", express.static(join(__dirname, "../project/src")));

const server = app.listen(0, "127.0.0.1", () => {
	if (require.main === module) process.stdout.write(`${server.address().port}\n`);
});
process.on("SIGTERM", () => {
	server.close(() => process.stdout.write("closed\n"));
	server.closeAllConnections();
});

module.exports = server;
